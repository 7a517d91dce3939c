# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Simulated powder images: cerium dioxide (CeO2) as a photon counter would see it.

What is right by construction, so that an integration can be judged by it:

* ring positions: a cubic cell of edge *a* reflects at ``d = a / sqrt(N)`` with ``N = h² + k² + l²``, in a
  face-centred structure only where h, k and l are all odd or all even, and ``sin(theta) = wavelength / (2 d)``;
* every pixel's expectation is ``pattern(2 theta) * relative solid angle * polarisation * absorption in the sensor``, at
  the centre of the pixel, the last one (and parallax, where the instrument has it) as integration corrects it unasked;
* counts follow Poisson's law; gaps between modules hold the highest value of the type.

What is only plausible: the heights of the rings (those of the powder standard in a laboratory diffractometer), their
Gaussian shape and width, and the background, which falls off smoothly.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from azimuthal._pending_file import pending
from azimuthal._validate import positive_integer, positive_number
from azimuthal.corrections import CorrectionSettings, fold
from azimuthal.errors import ParameterError
from azimuthal.geometry.coordinates import lab_positions, pixel_normals, two_theta
from azimuthal.geometry.parallax import entry_positions
from azimuthal.instrument import Instrument
from azimuthal.io.hdf5 import compression_options, open_hdf5
from azimuthal.typing import AnyArray, FloatArray, PathLike

CEO2_CELL_EDGE = 5.41153e-10
"""Edge of the cubic cell of CeO2 (the value that the powder standard is used with), m."""

#: N = h² + k² + l² -> height relative to the strongest ring.
_CEO2_HEIGHTS = {3: 100, 4: 28, 8: 52, 11: 42, 12: 8, 16: 8, 19: 14, 20: 9, 24: 13, 27: 11}
_GRID_STEP = 1e-5  # rad; a tenth of the narrowest pixel of a usual detector
_BLOCKS = 16


@dataclass(frozen=True, slots=True)
class Ring:
    """One Debye-Scherrer ring.

    Parameters
    ----------
    name:
        Miller indices, e.g. ``"111"``.
    d_spacing:
        m.
    height:
        Relative to the strongest ring, which has 1.
    """

    name: str
    d_spacing: float
    height: float

    def two_theta(self, wavelength: float) -> float:
        """Return the scattering angle in rad; NaN when this wavelength is too long for the ring."""
        sine = wavelength / (2.0 * self.d_spacing)
        return 2.0 * math.asin(sine) if sine <= 1 else math.nan


@dataclass(frozen=True, slots=True, kw_only=True)
class PowderSettings:
    """What a simulated powder image looks like.

    Parameters
    ----------
    peak_counts:
        Expected counts of the strongest ring above background, in a pixel at normal incidence.
    width:
        Full width of a ring at half its height, rad.
    background:
        Expected counts of the background at small angles.
    decay:
        Angle over which the background falls by e, rad.
    polarization_factor:
        Of the beam.
    """

    peak_counts: float = 80.0
    width: float = math.radians(0.07)
    background: float = 7.0
    decay: float = math.radians(12.0)
    polarization_factor: float = 0.99

    def __post_init__(self) -> None:
        for name in ("peak_counts", "width", "background", "decay"):
            positive_number(name, getattr(self, name))


def ceo2_rings(wavelength: float, largest: float = math.pi) -> tuple[Ring, ...]:
    """Return the strong rings of CeO2 with 2 theta up to `largest` (rad), by increasing angle."""
    indices = itertools.combinations_with_replacement(range(6), 3)
    rings: dict[int, Ring] = {}
    for low, middle, high in sorted(indices, key=max):
        number = low**2 + middle**2 + high**2
        if number in _CEO2_HEIGHTS and low % 2 == middle % 2 == high % 2:
            ring = Ring(f"{high}{middle}{low}", CEO2_CELL_EDGE / math.sqrt(number), _CEO2_HEIGHTS[number] / 100.0)
            if ring.two_theta(wavelength) <= largest:
                rings[number] = ring  # 333 and 511 coincide; the last one found, 511, names them
    return tuple(rings[number] for number in sorted(rings))


def powder_pattern(angles: FloatArray, rings: tuple[Ring, ...], wavelength: float, look: PowderSettings) -> FloatArray:
    """Return the expected counts at some scattering angles (rad), before solid angle and polarisation."""
    sigma = look.width / (2.0 * math.sqrt(2.0 * math.log(2.0)))
    total: FloatArray = look.background * (0.3 + 0.7 * np.exp(-angles / look.decay))
    for ring in rings:
        total += look.peak_counts * ring.height * np.exp(-0.5 * ((angles - ring.two_theta(wavelength)) / sigma) ** 2)
    return total


def expected_image(instrument: Instrument, look: PowderSettings | None = None) -> FloatArray:
    """Return the expected counts of every pixel of a CeO2 powder image; shape of the detector.

    Raises
    ------
    WavelengthMissingError
        The instrument has no wavelength.
    """
    look = look or PowderSettings()
    wavelength = instrument.beam.required_wavelength("a powder image")
    centers = lab_positions(detector_positions=_entry_centers(instrument), pose=instrument.pose)
    angles = two_theta(positions=centers)
    grid = np.arange(0.0, float(angles.max()) + 2 * _GRID_STEP, _GRID_STEP)
    rings = ceo2_rings(wavelength, float(grid[-1]))
    image: FloatArray = np.interp(angles, grid, powder_pattern(grid, rings, wavelength, look))
    settings = CorrectionSettings(polarization_factor=look.polarization_factor, sensor_absorption="auto")
    normalization = fold(instrument, settings).normalization
    assert normalization is not None  # there is a solid angle
    return image * normalization


def _entry_centers(instrument: Instrument) -> FloatArray:
    """Return where the rays that pixels record at their centres enter the sensor, in the frame of the detector."""
    centers = instrument.detector.centers()
    if instrument.parallax is None:
        return centers
    absorption = instrument.parallax.absorption(sensor=instrument.detector.sensor, energy=instrument.beam.energy)
    normals = None if instrument.detector.is_flat else pixel_normals(corners=instrument.detector.corners())
    return entry_positions(detector_positions=centers, pose=instrument.pose, absorption=absorption, normals=normals)


def poisson_frames(expected: FloatArray, excluded: AnyArray, n_frames: int, *, seed: int = 2026) -> Iterator[AnyArray]:
    """Yield frames of counts: uint32, the highest value where `excluded` is True.

    Every frame differs, and depends on `seed` and its number alone, not on the number of threads.
    """
    positive_integer("n_frames", n_frames)
    rows = np.array_split(np.arange(expected.shape[0]), _BLOCKS)
    parts = [slice(int(block[0]), int(block[-1]) + 1) for block in rows if block.size]
    with ThreadPoolExecutor() as pool:
        for sequence in np.random.SeedSequence(seed).spawn(n_frames):
            frame = np.empty(expected.shape, np.uint32)

            def fill(part: slice, own: np.random.SeedSequence, frame: AnyArray = frame) -> None:
                frame[part] = np.random.default_rng(own).poisson(expected[part])

            list(pool.map(fill, parts, sequence.spawn(len(parts))))
            frame[excluded] = np.iinfo(np.uint32).max
            yield frame


def write_powder_stack(
    path: PathLike,
    instrument: Instrument,
    n_frames: int,
    *,
    look: PowderSettings | None = None,
    seed: int = 2026,
    force: bool = False,
) -> Path:
    """Write a compressed HDF5 stack of simulated CeO2 images, laid out as an EIGER writes its files.

    Parameters
    ----------
    path:
        The file, ``.h5``; it appears complete or not at all.
    instrument:
        Detector, pose and wavelength.
    n_frames:
        How many frames.
    look:
        Heights and widths.
    seed:
        Of the random numbers: equal seeds, equal frames.
    force:
        Whether an existing file may be replaced.

    Returns
    -------
    :
        The path.

    Notes
    -----
    Compressed with bitshuffle-LZ4 as the detector does, where hdf5plugin is installed, else with gzip.  Memory: two
    images.
    """
    target = Path(path)
    if target.suffix.lower() not in (".h5", ".hdf5", ".nxs"):
        raise ParameterError(f"path: expected an HDF5 file such as 'frames.h5', got {target}.")
    expected = expected_image(instrument, look)
    excluded = instrument.detector.gap_mask()
    with pending(target, force=force) as temporary, open_hdf5(temporary, "w") as file:
        entry = _write_facts(file, instrument, excluded)
        data = entry.create_group("data")
        data.attrs.update({"NX_class": "NXdata", "signal": "data"})
        stack = data.create_dataset(
            "data",
            shape=(n_frames, *expected.shape),
            chunks=(1, *expected.shape),
            dtype="<u4",
            **compression_options("bitshuffle"),
        )
        stack.attrs["interpretation"] = "image"
        for number, frame in enumerate(poisson_frames(expected, excluded, n_frames, seed=seed)):
            stack[number] = frame
    return target


def _write_facts(file: Any, instrument: Instrument, excluded: AnyArray) -> Any:
    """Write what an EIGER file says about its measurement, and return the entry."""
    file.attrs.update({"NX_class": "NXroot", "default": "entry"})
    entry = _group(file, "entry", "NXentry")
    entry.attrs["default"] = "data"
    entry["title"] = "simulated CeO2 powder"
    parts = _group(entry, "instrument", "NXinstrument")
    beam = _group(parts, "beam", "NXbeam")
    _number(beam, "incident_wavelength", instrument.beam.required_wavelength("the file") * 1e10, "angstrom")
    detector = _group(parts, "detector", "NXdetector")
    detector["description"] = f"simulated {instrument.detector.name}"
    _number(detector, "detector_distance", instrument.pose.dist, "m")
    _number(detector, "y_pixel_size", instrument.detector.pixel1, "m")
    _number(detector, "x_pixel_size", instrument.detector.pixel2, "m")
    center = instrument.beam_center
    if center is not None:
        _number(detector, "beam_center_y", center.slow, "pixel")
        _number(detector, "beam_center_x", center.fast, "pixel")
    specific = detector.create_group("detectorSpecific")
    specific.create_dataset("pixel_mask", data=excluded.astype("<u4"), compression="gzip", shuffle=True)
    return entry


def _group(parent: Any, name: str, nexus_class: str) -> Any:
    group = parent.create_group(name)
    group.attrs["NX_class"] = nexus_class
    return group


def _number(parent: Any, name: str, value: float, units: str) -> None:
    parent[name] = value
    parent[name].attrs["units"] = units
