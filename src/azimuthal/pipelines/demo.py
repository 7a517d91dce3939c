# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""The demonstration: simulated CeO2 on an EIGER 4M, integrated, written, and checked against the lattice.

It goes the way of a real measurement: images in a compressed HDF5 file and a PONI file on the disk, then the same
`integrate_batch` that the command line runs, then patterns, a table and a picture.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from pathlib import Path

import numpy as np

from azimuthal._validate import positive_integer
from azimuthal.detectors import detector
from azimuthal.errors import OutputError, OutputExistsError
from azimuthal.geometry import Beam, Pose
from azimuthal.instrument import Instrument
from azimuthal.integrate import Integrator
from azimuthal.io import load_result, open_frames, save, save_instrument
from azimuthal.pipelines.batch import integrate_batch
from azimuthal.pipelines.batch_run import BatchSummary
from azimuthal.pipelines.events import Report
from azimuthal.pipelines.settings import BatchSettings
from azimuthal.pipelines.simulate import Ring, ceo2_rings, write_powder_stack
from azimuthal.results import Profile
from azimuthal.results.overview import save_overview
from azimuthal.typing import FloatArray, PathLike

N_BINS = 1000
N_FRAMES = 20
_POLARIZATION = 0.99
_NAMES = ("ceo2_eiger4m.h5", "geometry.poni", "ceo2_azimuthal.h5", "ceo2_azimuthal.xye", "ceo2.png")
_CAKE_BINS = (800, 360)
_HALF_WINDOW = 0.2  # degrees about an expected ring in which its maximum is looked for


@dataclass(frozen=True, slots=True)
class DemoFiles:
    """The files of the demonstration."""

    frames: Path
    geometry: Path
    patterns: Path
    table: Path
    picture: Path

    @classmethod
    def in_folder(cls, folder: PathLike) -> DemoFiles:
        """Return the files in a folder."""
        return cls(*(Path(folder) / name for name in _NAMES))

    @property
    def all(self) -> tuple[Path, ...]:
        """All of them, in the order in which they are made."""
        return self.frames, self.geometry, self.patterns, self.table, self.picture


@dataclass(frozen=True, slots=True)
class RingCheck:
    """One ring: where the lattice says it is, and where the pattern has it; degrees of 2 theta."""

    ring: Ring
    expected: float
    found: float

    @property
    def deviation(self) -> float:
        """Found minus expected, degrees; NaN when the ring was not found."""
        return self.found - self.expected


@dataclass(frozen=True, slots=True)
class DemoReport:
    """What the demonstration did.

    Parameters
    ----------
    files:
        What it wrote.
    summary:
        Of the integration.
    rings:
        The rings inside the detector.
    pixel_angle:
        Angle of a pixel near the beam, degrees.
    seconds:
        Time of the whole demonstration.
    """

    files: DemoFiles
    summary: BatchSummary
    rings: tuple[RingCheck, ...]
    pixel_angle: float
    seconds: float

    @property
    def n_found(self) -> int:
        """Number of rings that were found."""
        return sum(math.isfinite(check.found) for check in self.rings)

    @property
    def largest_deviation(self) -> float:
        """Largest distance between a ring and its expected place, degrees."""
        return max((abs(check.deviation) for check in self.rings if math.isfinite(check.found)), default=math.nan)


def demo_instrument() -> Instrument:
    """Return the instrument of the demonstration: EIGER 4M, 20.7 keV, slightly turned, the beam off centre."""
    pose = Pose(dist=0.150, poni1=0.0790, poni2=0.0745, rot1=0.03, rot2=-0.02)
    return Instrument(detector("Eiger4M"), pose, Beam(0.6e-10))


def run_demo(
    folder: PathLike,
    *,
    n_frames: int = N_FRAMES,
    force: bool = False,
    report: Report | None = None,
    say: Callable[[str], None] | None = None,
) -> DemoReport:
    """Simulate, integrate, write and check.

    Parameters
    ----------
    folder:
        Where to; it is made when it does not exist.
    n_frames:
        How many frames to simulate.
    force:
        Whether files of an earlier demonstration may be replaced.
    report:
        Called with every event of the integration.
    say:
        Called with a line of text before each step.

    Raises
    ------
    OutputExistsError, OutputError
        Files are there already, or the folder cannot be made.
    MissingDependencyError
        matplotlib is not installed.
    """
    begin = time.perf_counter()
    tell = say or _say_nothing
    files = DemoFiles.in_folder(folder)
    positive_integer("frames", n_frames)
    _check_folder(Path(folder), files, force=force)
    instrument = demo_instrument()
    tell(f"simulating {n_frames} frames of CeO2 on an {instrument.detector.name} -> {files.frames}")
    write_powder_stack(files.frames, instrument, n_frames, force=force)
    save_instrument(instrument, files.geometry, force=force)
    settings = demo_settings(files, force=force)
    tell(f"integrating them -> {files.patterns}")
    summary = integrate_batch(settings, report)
    profiles = [result for result in load_result(files.patterns) if isinstance(result, Profile)]
    mean = profiles[0].merged(*profiles[1:])
    save(mean, files.table, force=force)
    checks = check_rings(mean, instrument)
    tell(f"drawing -> {files.picture}")
    _draw(files, instrument, mean, checks, force=force)
    pixel = math.degrees(instrument.detector.pixel1 / instrument.pose.dist)
    return DemoReport(files, summary, checks, pixel, time.perf_counter() - begin)


def demo_settings(files: DemoFiles, *, force: bool) -> BatchSettings:
    """Return the settings of the demonstration: what `demo_command_line` says in words."""
    return BatchSettings(
        images=(str(files.frames),),
        geometry=str(files.geometry),
        npt=N_BINS,
        unit="2th_deg",
        output=str(files.patterns),
        force=force,
        choices={"split": "full", "error_model": "poisson", "polarization_factor": _POLARIZATION},
    )


def demo_command_line(files: DemoFiles) -> str:
    """Return the command that integrates the frames of the demonstration."""
    return (
        f"azimuthal integrate {files.frames} -p {files.geometry} -n {N_BINS} -u 2th_deg --split full "
        f"--error-model poisson --polarization {_POLARIZATION} -o {files.patterns}"
    )


def check_rings(profile: Profile, instrument: Instrument) -> tuple[RingCheck, ...]:
    """Return where the rings of CeO2 are in a pattern over 2 theta in degrees, and where they should be."""
    wavelength = instrument.beam.required_wavelength("the positions of rings")
    largest = math.radians(float(profile.edges[-1]) - _HALF_WINDOW)
    checks = []
    for ring in ceo2_rings(wavelength, largest):
        expected = math.degrees(ring.two_theta(wavelength))
        checks.append(RingCheck(ring, expected, _ring_center(profile, expected)))
    return tuple(checks)


def _ring_center(profile: Profile, expected: float) -> float:
    """Return the centre of gravity of the peak near `expected` above a straight background; NaN without a peak."""
    near = np.abs(profile.radial - expected) < _HALF_WINDOW
    angles, heights = profile.radial[near], profile.intensity[near]
    sigma = profile.sigma
    if angles.size < 5 or sigma is None or not np.isfinite(heights).all():
        return math.nan
    ends = [float(np.mean(values)) for values in (angles[:2], angles[-2:], heights[:2], heights[-2:])]
    above = heights - np.interp(angles, ends[:2], ends[2:])
    top = int(np.argmax(above))
    if above[top] < 5.0 * sigma[near][top]:
        return math.nan
    return float(np.sum(angles * above) / np.sum(above))


def _draw(
    files: DemoFiles, instrument: Instrument, mean: Profile, checks: tuple[RingCheck, ...], *, force: bool
) -> None:
    image = _summed(files.frames)
    integrator = Integrator.from_instrument(instrument)
    cake = integrator.integrate2d(image, *_CAKE_BINS, unit="2th_deg", polarization_factor=_POLARIZATION)
    shown = np.where(instrument.detector.gap_mask(), np.nan, image)
    markers = {check.ring.name: check.expected for check in checks}
    save_overview(
        shown,
        cake,
        mean,
        files.picture,
        markers=markers,
        center=instrument.beam_center,
        title=f"CeO₂ on an {instrument.detector.name}, simulated",
        force=force,
    )


def _summed(path: Path) -> FloatArray:
    """Return the sum of all frames, NaN where a frame holds the highest value of its type."""
    with open_frames(path) as frames:
        invalid = np.iinfo(frames.dtype).max
        return reduce(np.add, (np.where(frame == invalid, np.nan, frame.astype(np.float64)) for frame in frames))


def _check_folder(folder: Path, files: DemoFiles, *, force: bool) -> None:
    if not folder.exists():
        try:
            folder.mkdir()
        except OSError as error:
            raise OutputError(f"{folder}: cannot be created: {error.strerror or error}.") from error
    present = [str(path) for path in files.all if path.exists()]
    if present and not force:
        raise OutputExistsError(
            f"{', '.join(present)}: exist already. Pass --force (force=True) to replace, or choose another folder."
        )


def _say_nothing(_line: str) -> None:
    """Do nothing."""
