# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""First geometries of detectors that are curved, or whose modules face different ways.

:func:`~azimuthal.calibration.first_geometry.first_geometries` looks for beams within 60 degrees of axis 3 of the
detector frame, and for samples before its plane.  A cylinder has its frame where column 0 is, and the beam 70 degrees
beside it.  So another frame is used: axis 3 is the mean normal of the pixels, axis 1 as near to the old one as that
allows, and all pixels are before its plane.  Poses that are found there are given in the detector's own frame.  rot3,
which rings do not tell, is 0 in both.  The detector's own frame is tried as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar, NamedTuple

import numpy as np

from azimuthal.calibration.cones import beams, pose_of, values_of
from azimuthal.calibration.first_geometry import Candidate, first_geometries
from azimuthal.calibration.hints import Hint
from azimuthal.calibration.radial_uncertainty import largest_apart
from azimuthal.calibration.refinement import RingSource
from azimuthal.calibration.ridges import Ridges
from azimuthal.detectors import Block, Detector, Layout
from azimuthal.geometry import Pose
from azimuthal.instrument import Instrument
from azimuthal.typing import FloatArray

__all__ = ["facing_geometries"]

_SAMPLES = 24  # rows
_SAME = 3.0  # pixels
_TURNED = 0.1  # rad: less is left as it is


class _Frame(NamedTuple):
    """Axes, as rows, and origin of a frame, in another frame."""

    axes: FloatArray
    origin: FloatArray

    def inverse(self) -> _Frame:
        return _Frame(self.axes.T, -self.axes @ self.origin)

    def pose(self, pose: Pose) -> Pose | None:
        """Return a pose in this frame, with rot3 = 0; None: the sample is behind its plane."""
        sample, beam = beams(np.array([[pose.dist, pose.poni1, pose.poni2, pose.rot1, pose.rot2]]))
        values = values_of((sample - self.origin) @ self.axes.T, beam @ self.axes.T)[0]
        return pose_of(values) if values[0] > 0 else None


@dataclass(frozen=True, slots=True)
class _Turned(Layout):
    """Another layout in another frame."""

    builder: ClassVar[str] = "turned"

    base: Layout
    frame: _Frame
    shape: tuple[int, int]

    @property
    def n_corners(self) -> int:
        return self.base.n_corners

    @property
    def is_flat(self) -> bool:
        return False

    def corners(self, block: Block) -> FloatArray:
        return np.asarray((self.base.corners(block) - self.frame.origin) @ self.frame.axes.T)

    def centers(self, block: Block) -> FloatArray:
        return np.asarray((self.base.centers(block) - self.frame.origin) @ self.frame.axes.T)


def facing_geometries(
    ridges: Ridges, detector: Detector, calibrant: RingSource, *, wavelength: float | tuple[float, float],
    hint: Hint | None = None, n_candidates: int = 5, wide: bool = False,
) -> tuple[Candidate, ...]:  # fmt: skip
    """Return the geometries that ridges and calibrant suggest, for detectors of any shape; see `first_geometries`."""
    given: Any = {"wavelength": wavelength, "n_candidates": n_candidates, "wide": wide}
    found = first_geometries(ridges, detector, calibrant, hint=hint, **given)
    frame = None if detector.is_flat else _facing_frame(detector)
    if frame is None:
        return found
    turned = detector.replace(layout=_Turned(detector.layout, frame, detector.layout.shape))
    facing = first_geometries(ridges, turned, calibrant, hint=_turned_hint(hint, frame), **given)
    distinct: list[Candidate] = []
    for one in sorted((*_own(facing, detector, frame.inverse()), *found), key=lambda candidate: -candidate.score):
        if all(largest_apart(one.instrument, other.instrument) > _SAME for other in distinct):
            distinct.append(one)
    return tuple(distinct[:n_candidates])


def _turned_hint(hint: Hint | None, frame: _Frame) -> Hint | None:
    if hint is None or hint.instrument is None:
        return hint
    pose = frame.pose(hint.instrument.pose)
    return replace(hint, instrument=None if pose is None else hint.instrument.replace(pose=pose))


def _own(found: tuple[Candidate, ...], detector: Detector, frame: _Frame) -> Iterator[Candidate]:
    """Yield the candidates in the detector's own frame; those behind its plane have no pose."""
    for one in found:
        pose = frame.pose(one.instrument.pose)
        if pose is not None:
            yield replace(one, instrument=Instrument(detector, pose, one.instrument.beam))


def _facing_frame(detector: Detector) -> _Frame | None:
    """Return the frame that faces as the pixels do on average; None: that is nearly the detector's own."""
    total, places = np.zeros(3), []
    for row in np.unique(np.linspace(0, detector.shape[0] - 1, _SAMPLES).astype(int)).tolist():
        corners = detector.corners(slice(row, row + 1))[0]
        total += np.cross(corners[:, 1] - corners[:, 0], corners[:, -1] - corners[:, 0]).sum(axis=0)
        places.append(corners[:, 0])
    third = total / np.linalg.norm(total)
    if np.hypot(third[0], third[1]) < np.sin(_TURNED):
        return None
    first = np.array([1.0, 0.0, 0.0]) - third[0] * third
    first /= np.linalg.norm(first)
    everywhere = np.concatenate(places)
    origin = everywhere[np.argmax(everywhere @ third)]
    return _Frame(np.array([first, np.cross(third, first), third]), origin)
