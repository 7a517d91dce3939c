# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Measured images of calibrants that lie beside the project, each with its published geometry.

Where the program that wrote a geometry mirrors frames on load, the frame is returned mirrored: used as it is in the
file it gives broad or doubled rings.  Every function skips the running test when its files are absent.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

import azimuthal as az
from azimuthal.detectors import Layout
from azimuthal.detectors._pixels import Block
from azimuthal.io.hdf5 import open_hdf5
from azimuthal.testing.rings import cubic_d_spacings
from azimuthal.testing.shared_data import shared_path
from azimuthal.typing import AnyArray, BoolArray, FloatArray

__all__ = [
    "LAB6_TILTS",
    "GoniometerFrame",
    "Image",
    "ge_ceo2",
    "goniometer_lab6",
    "goniometer_lab6_files",
    "lab6_tilt",
    "mar345_strain",
    "pilatus1m_ceo2",
    "pilatus2m_ceo2",
]

#: Lattice parameters in m: CeO2 as the sources give it (SRM 674b), LaB6 SRM 660b and, for a sample of 2018 whose
#: certificate is not known, SRM 660a.  The three LaB6 certificates differ by 2e-5.
CEO2 = 5.41153e-10
LAB6 = 4.15689e-10
LAB6_660A = 4.1569162e-10

LAB6_TILTS = ("Normal_0042", "tilt1_0043", "tilt3h_0045")

_PLANCK_C = 12.398419843320026e-10  # keV m
_GE_PIXELS, _GE_PIXEL, _GE_RADIUS = 2048, 2e-4, 0.2048
_STEEL = (27, 35, 36, 43)  # h^2 + k^2 + l^2 of CeO2 rings that lines of the steel overlap


class Image(NamedTuple):
    """An image ready to integrate, and the d-spacings of the calibrant in m."""

    integrator: az.Integrator
    frame: AnyArray
    mask: BoolArray | None
    d_spacings: FloatArray


class GoniometerFrame(NamedTuple):
    """One frame of a detector on a two-theta arm; `monitor` is proportional to the incident flux."""

    integrator: az.Integrator
    frame: AnyArray
    monitor: float


def first_frame(relative: str, *, dataset: str | None = None) -> AnyArray:
    """Return the first frame of a shared file."""
    with az.open_frames(shared_path(relative), dataset=dataset) as frames:
        frame: AnyArray = frames.read(0)
    return frame


def pilatus2m_ceo2() -> Image:
    """CeO2 on a Pilatus 2M at 61.3 keV (HEXRD); gaps are negative."""
    frame = first_frame("data/hexrd_ceo2/ceria_50x30_740mm_000005_Pilatus2M.hdf5")
    ai = az.load(shared_path("data/hexrd_ceo2/ceria_Pilatus2M.derived.poni"))
    return Image(ai, frame, frame < 0, cubic_d_spacings(CEO2, "F"))


def pilatus1m_ceo2() -> Image:
    """CeO2 on a Pilatus 1M at 30.5 keV (Dioptas); mirrored."""
    frame = first_frame("data/ceo2_pilatus1m/CeO2_Pilatus1M.tif")[::-1]
    ai = az.load(shared_path("data/ceo2_pilatus1m/CeO2_Pilatus1M.poni"), shape=frame.shape)
    return Image(ai, frame, frame < 0, cubic_d_spacings(CEO2, "F"))


def lab6_tilt(name: str) -> Image:
    """LaB6 on an EIGER2 CdTe 1M-W at 21 keV, one of :data:`LAB6_TILTS` (APS); gaps are the maximum of uint32."""
    frame = first_frame(f"data/lab6_tilts/LaB6_{name}.hdf")
    ai = az.load(shared_path(f"data/lab6_tilts/LaB6_{name}.derived.poni"))
    return Image(ai, frame, None, cubic_d_spacings(LAB6))


def mar345_strain() -> Image:
    """Steel with CeO2 on a mar345 at 100 keV (GSAS-II), mirrored; without the rings that steel lines overlap."""
    frame = first_frame("data/strain_mar345/nx09_strain_001.mar2300")[::-1]
    ai = az.load(shared_path("data/strain_mar345/nx09_strain.derived.poni"))
    return Image(ai, frame, None, cubic_d_spacings(CEO2, "F", without=_STEEL))


@dataclass(frozen=True, slots=True)
class PolynomialGrid(Layout):
    r"""The pixels of a GE a-Si panel under the radial polynomial that HEXRD calls GE_41RT.

    With (x, y) from the centre, ``r = hypot(x, y)``, ``e = atan2(y, x)`` and ``s = r / 204.8 mm`` a point moves along
    its radius to ``r (1 + p0 s^p3 cos 2e + p1 s^p4 cos 4e + p2 s^p5)``.
    """

    builder: ClassVar[str] = "ge_41rt"

    shape: tuple[int, int]
    parameters: tuple[float, ...]

    def corners(self, block: Block) -> FloatArray:
        """Return the corners of a block of pixels."""
        half = 0.5 * _GE_PIXELS * _GE_PIXEL
        y = (half - np.arange(block.start1, block.stop1 + 1) * _GE_PIXEL)[:, None]
        x = np.arange(block.start2, block.stop2 + 1) * _GE_PIXEL - half
        s, angle = np.hypot(x, y) / _GE_RADIUS, np.arctan2(y, x)
        p = self.parameters
        scale = 1 + p[0] * s ** p[3] * np.cos(2 * angle) + p[1] * s ** p[4] * np.cos(4 * angle) + p[2] * s ** p[5]
        points = np.stack([half - y * scale, half + x * scale, np.zeros_like(scale)], axis=-1)
        return np.stack([points[:-1, :-1], points[1:, :-1], points[1:, 1:], points[:-1, 1:]], axis=2)


def ge_ceo2(*, distorted: bool = True) -> Image:
    """CeO2 on a GE a-Si panel at 80.7 keV (HEXRD), with or without the distortion of the panel."""
    with open_hdf5(shared_path("data/hexrd_ceo2/ge_wppf.h5")) as file:
        panel = file["instrument/detectors/ge3"]
        tilt, translation = panel["transform/tilt"][()], panel["transform/translation"][()] * 1e-3
        parameters = tuple(panel["distortion/parameters"][()].tolist())
        wavelength = _PLANCK_C / float(file["instrument/beam/energy"][0])
    shape = (_GE_PIXELS, _GE_PIXELS)
    layout = {"layout": PolynomialGrid(shape, parameters)} if distorted else {}
    detector = az.Detector(pixel1=_GE_PIXEL, pixel2=_GE_PIXEL, shape=shape, **layout)  # type: ignore[arg-type]
    ai = az.Integrator(detector, *_pose_from_hexrd(tilt, translation), wavelength=wavelength)
    frame = first_frame("data/hexrd_ceo2/ge_wppf.h5", dataset="/images/ge3/images")
    return Image(ai, frame, None, cubic_d_spacings(CEO2, "F"))


def _pose_from_hexrd(tilt: FloatArray, translation: FloatArray) -> tuple[float, ...]:
    """Return dist, poni1, poni2, rot1, rot2, rot3 of a HEXRD panel of the GE size; tested by its rings.

    HEXRD: beam along -Z; a point (x, y) from the centre of the panel, y up and against the rows, lies at
    ``R (x, y, 0) + translation``; R turns by ``|tilt|`` about `tilt`.
    """
    angle = float(np.linalg.norm(tilt))
    k1, k2, k3 = tilt / angle
    cross = np.array([[0, -k3, k2], [k3, 0, -k1], [-k2, k1, 0]])
    rotation = np.eye(3) + math.sin(angle) * cross + (1 - math.cos(angle)) * cross @ cross
    foot_x, foot_y, _ = -rotation.T @ translation
    beam = -rotation[2]  # the direction of the beam along the axes (x, y, normal) of the panel
    along1, along2, along3 = -beam[1], beam[0], -beam[2]
    rot1 = -math.atan2(along2, along3)
    rot2 = math.atan(along1 / along3 * math.cos(rot1))
    half = 0.5 * _GE_PIXELS * _GE_PIXEL
    return abs(float(translation @ rotation[:, 2])), half - foot_y, half + foot_x, rot1, rot2, 0.0


def goniometer_lab6() -> Iterator[GoniometerFrame]:
    """LaB6 on a Pilatus 300k-w that moves on a two-theta arm at 14 keV (SSRL): 22 frames."""
    model, positions, frames = goniometer_lab6_files()
    rows, columns = _scan_table()
    for position, frame in zip(positions, frames, strict=True):
        row = next(row for row in rows[1:] if float(row[columns["tth"]]) == position)
        yield GoniometerFrame(model.integrator(position), frame, float(row[columns["Monitor"]]))


def goniometer_lab6_files() -> tuple[az.Goniometer, list[float], list[AnyArray]]:
    """Return the same as the published goniometer, positions in degrees, and frames."""
    folder = shared_path("data/goniometer_lab6")
    model = az.load_goniometer(folder / "ROBL_v1.json")
    rows, columns = _scan_table()
    positions, frames = [], []
    for path in sorted(folder.glob("*.raw")):
        number = re.search(r"_(\d+)\.raw$", path.name)
        assert number is not None  # so the files are called
        positions.append(float(rows[1 + int(number[1])][columns["tth"]]))
        frames.append(np.fromfile(path, "<i4").reshape(model.detector.shape))
    return model, positions, frames


def _scan_table() -> tuple[list[list[str]], dict[str, int]]:
    text = shared_path("data/goniometer_lab6/Lab6_thtth_rightside_scan2.csv").read_text()
    rows = list(csv.reader(text.splitlines(), skipinitialspace=True))
    return rows, {name.strip(): number for number, name in enumerate(rows[0])}
