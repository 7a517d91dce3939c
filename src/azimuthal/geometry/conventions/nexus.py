# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""NeXus: a detector as a chain of translations and rotations, or as a distance and a beam centre.

Frame
    NeXus uses the McStas frame: origin at the sample, z along the beam, y up, x horizontal so that (x, y, z)
    is right-handed.  Looking along the beam, x points to the left ::

        x = -t2        y = t1        z = t3

Chain
    Each :class:`Transformation` moves the detector actively: a translation by ``value * vector + offset``, or
    a right-handed rotation by ``value`` about ``vector`` followed by a shift by ``offset``.  A transformation
    is applied *before* the one it depends on; a chain ends at ``"."``.  With ``T1`` depending on ``T2`` and
    ``T2`` on ``T3`` a point goes to ``T3 T2 T1 p``.

A pose as a chain
    The six parameters stay readable, one transformation for each.  A detector-frame point (d1, d2, d3) has
    the NeXus components (-d2, d1, d3) and goes through ::

        poni_slow    translation  poni1   along ( 0, -1, 0)
        poni_fast    translation  poni2   along ( 1,  0, 0)
        distance     translation  dist    along ( 0,  0, 1)
        rot1         rotation     rot1    about ( 0, -1, 0)
        rot2         rotation     rot2    about ( 1,  0, 0)
        rot3         rotation     rot3    about ( 0,  0, 1)

    in this order: the detector depends on ``poni_slow``, which depends on ``poni_fast``, and so on.  Pixels
    are placed by ``fast_pixel_direction`` = (-1, 0, 0) and ``slow_pixel_direction`` = (0, 1, 0) of an
    NXdetector_module whose ``module_offset`` is zero for a native image; a mirrored axis has the opposite
    direction and an offset.

Distance and beam centre
    The fields ``distance``, ``beam_center_x`` (fast) and ``beam_center_y`` (slow) of NXdetector describe a
    detector that is normal to the beam, and do not say whether rows count upwards or downwards.  They are
    written beside the chain (for a tilted detector: distance along the beam, with the chain holding the
    truth) and read only where there is no chain, as an untilted detector in the orientation that the caller
    states.

Reference: NXtransformations, NXdetector and NXdetector_module of the NeXus definitions (nexusformat.org).
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from azimuthal._validate import finite_number, positive_number, unknown_name
from azimuthal.errors import ConversionError, ConversionLossWarning, FileFormatError, ParameterError
from azimuthal.geometry.conventions.panel import Panel, panel_from_pose, pose_from_panel
from azimuthal.geometry.pose import Pose
from azimuthal.typing import FloatArray

__all__ = [
    "DetectorFields",
    "DetectorModule",
    "Transformation",
    "fields_from_pose",
    "matrix_from_transformations",
    "module_of_image",
    "pose_from_fields",
    "pose_from_module",
    "pose_from_transformations",
    "transformations_from_pose",
]

Vector = tuple[float, float, float]

END_OF_CHAIN = "."
LENGTH_UNITS: dict[str, float] = {
    **dict.fromkeys(("m", "meter", "metre", "meters", "metres"), 1.0),
    **dict.fromkeys(("cm", "centimeter", "centimetre"), 1e-2),
    **dict.fromkeys(("mm", "millimeter", "millimetre", "millimeters", "millimetres"), 1e-3),
    **dict.fromkeys(("um", "µm", "μm", "micron", "microns", "micrometer", "micrometre"), 1e-6),
    **dict.fromkeys(("nm", "nanometer", "nanometre"), 1e-9),
    **dict.fromkeys(("angstrom", "Angstrom", "angstroms", "A", "Å"), 1e-10),
}
ANGLE_UNITS: dict[str, float] = {
    **dict.fromkeys(("rad", "radian", "radians"), 1.0),
    **dict.fromkeys(("deg", "degree", "degrees"), math.pi / 180.0),
    **dict.fromkeys(("mrad", "milliradian"), 1e-3),
}

_LAB_FROM_NEXUS = np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
_POSE_CHAIN: tuple[tuple[str, str, Literal["translation", "rotation"], Vector], ...] = (
    ("poni_slow", "poni1", "translation", (0.0, -1.0, 0.0)),
    ("poni_fast", "poni2", "translation", (1.0, 0.0, 0.0)),
    ("distance", "dist", "translation", (0.0, 0.0, 1.0)),
    ("rot1", "rot1", "rotation", (0.0, -1.0, 0.0)),
    ("rot2", "rot2", "rotation", (1.0, 0.0, 0.0)),
    ("rot3", "rot3", "rotation", (0.0, 0.0, 1.0)),
)


@dataclass(frozen=True, slots=True)
class Transformation:
    """One axis of an NXtransformations group.

    Parameters
    ----------
    name:
        Of the field; what ``depends_on`` of others refers to.
    kind:
        ``"translation"`` or ``"rotation"``.
    value:
        Length or angle in `unit`.
    unit:
        As written in the file, e.g. ``"mm"`` or ``"deg"``.
    vector:
        Direction, NeXus frame; normalised when used.
    offset:
        Added after the transformation, in `offset_unit`.
    depends_on:
        Name or path of the transformation that is applied next, or ``"."``.
    offset_unit:
        Unit of length of `offset`.

    Raises
    ------
    UnknownNameError
        A unit is not known.
    ParameterError
        A number is not finite, or the vector has no direction.
    """

    name: str
    kind: Literal["translation", "rotation"]
    value: float
    unit: str
    vector: Vector
    offset: Vector = (0.0, 0.0, 0.0)
    depends_on: str = END_OF_CHAIN
    offset_unit: str = "m"

    def __post_init__(self) -> None:
        if self.kind not in ("translation", "rotation"):
            raise unknown_name(f"{self.name}: transformation_type", self.kind, ("translation", "rotation"))
        finite_number(self.name, self.value, unit=self.unit)
        scale_of("length" if self.kind == "translation" else "angle", self.unit, self.name)
        scale_of("length", self.offset_unit, f"{self.name}: offset_units")
        for component in (*self.vector, *self.offset):
            finite_number(f"{self.name}: vector and offset", component)
        if not any(self.vector):
            raise ParameterError(f"{self.name}: vector: expected a direction, got {self.vector}.")

    @property
    def matrix(self) -> FloatArray:
        """Homogeneous matrix, m; shape (4, 4), acting on (x, y, z, 1)."""
        direction = np.array(self.vector) / np.linalg.norm(self.vector)
        matrix = np.eye(4)
        matrix[:3, 3] = np.array(self.offset) * scale_of("length", self.offset_unit, self.name)
        if self.kind == "translation":
            matrix[:3, 3] += direction * self.value * scale_of("length", self.unit, self.name)
        else:
            matrix[:3, :3] = _rotation(direction, self.value * scale_of("angle", self.unit, self.name))
        return matrix


@dataclass(frozen=True, slots=True)
class DetectorModule:
    """A rectangle of pixels: the geometry of an NXdetector_module, in m and the NeXus frame.

    Parameters
    ----------
    origin:
        Outer corner of pixel (0, 0) before the chain is applied (``module_offset``).
    slow, fast:
        Unit vectors of increasing row and column before the chain is applied.
    """

    origin: Vector
    slow: Vector
    fast: Vector


@dataclass(frozen=True, slots=True)
class DetectorFields:
    """Distance and beam centre of an NXdetector.

    Parameters
    ----------
    distance:
        m, along the beam.
    beam_center_x, beam_center_y:
        Where the beam meets the detector along the fast and the slow axis, pixels from the outer edge of
        pixel (0, 0) of the image.
    """

    distance: float
    beam_center_x: float
    beam_center_y: float


def scale_of(quantity: Literal["length", "angle"], unit: str, name: str) -> float:
    """Return the factor from a NeXus unit to m or rad."""
    known = LENGTH_UNITS if quantity == "length" else ANGLE_UNITS
    if unit not in known:
        raise unknown_name(f"{name}: unit of {quantity}", unit, known)
    return known[unit]


def transformations_from_pose(pose: Pose) -> tuple[Transformation, ...]:
    """Return the chain of a pose; the first is what the detector depends on, the last depends on ``"."``."""
    names = [name for name, *_ in _POSE_CHAIN] + [END_OF_CHAIN]
    return tuple(
        Transformation(
            name=name,
            kind=kind,
            value=getattr(pose, parameter),
            unit="m" if kind == "translation" else "rad",
            vector=vector,
            depends_on=names[index + 1],
        )
        for index, (name, parameter, kind, vector) in enumerate(_POSE_CHAIN)
    )


def matrix_from_transformations(transformations: Iterable[Transformation], start: str) -> FloatArray:
    """Return the product of a chain: homogeneous, m, NeXus frame; shape (4, 4).

    Parameters
    ----------
    transformations:
        All that may be referred to, in any order.
    start:
        ``depends_on`` of the detector: a name, a path that ends with one, or ``"."`` for none.

    Raises
    ------
    FileFormatError
        The chain refers to a transformation that is not there, or to itself.
    """
    known = {item.name: item for item in transformations}
    total, name, seen = np.eye(4), start, list[str]()
    while name != END_OF_CHAIN:
        item = _resolved(known, name)
        if item.name in seen:
            raise FileFormatError(f"depends_on: the chain {' -> '.join([*seen, item.name])} never ends.")
        seen.append(item.name)
        total = item.matrix @ total
        name = item.depends_on
    return total


def module_of_image(*, orientation: int = 3, extent: tuple[float, float] = (0.0, 0.0)) -> DetectorModule:
    """Return the pixel directions that go with :func:`transformations_from_pose`.

    Parameters
    ----------
    orientation:
        1-4, of the image.
    extent:
        Height and width of the detector, m; only used by mirrored axes.
    """
    flat = panel_from_pose(Pose(dist=1.0), orientation=orientation, extent=extent)
    origin = np.array(flat.origin) - (0.0, 0.0, 1.0)
    return DetectorModule(*(_triple(_LAB_FROM_NEXUS.T @ np.array(v)) for v in (origin, flat.slow, flat.fast)))


def pose_from_module(
    module: DetectorModule,
    transformations: Iterable[Transformation],
    start: str,
    *,
    extent: tuple[float, float],
) -> tuple[Pose, int]:
    """Return the pose and the orientation (3 or 2) of a module at the end of a chain.

    Parameters
    ----------
    module:
        Corner and directions before the chain.
    transformations, start:
        As in :func:`matrix_from_transformations`.
    extent:
        Height and width of the image, m.

    Raises
    ------
    ConversionError
        The pixel directions are not orthonormal, or the sample lies in the plane of the module.
    """
    matrix = matrix_from_transformations(transformations, start)
    turn = _LAB_FROM_NEXUS @ matrix[:3, :3]
    origin = turn @ np.array(module.origin) + _LAB_FROM_NEXUS @ matrix[:3, 3]
    panel = Panel(_triple(origin), _triple(turn @ np.array(module.slow)), _triple(turn @ np.array(module.fast)))
    return pose_from_panel(panel, extent=extent)


def pose_from_transformations(transformations: Iterable[Transformation], start: str) -> Pose:
    """Return the pose of a native detector at the end of a chain.

    A chain as :func:`transformations_from_pose` makes it gives its six parameters back unchanged; of any other one
    the product is taken apart.

    Parameters
    ----------
    transformations, start:
        As in :func:`matrix_from_transformations`.

    Raises
    ------
    ConversionError
        The chain turns the detector's back to the sample, or puts the sample into its plane.
    """
    known = list(transformations)
    values = _own_chain({item.name: item for item in known}, start)
    if values is not None and values["dist"] > 0:
        return Pose(**values)
    pose, orientation = pose_from_module(module_of_image(), known, start, extent=(0.0, 0.0))
    if orientation != 3:
        raise ConversionError(
            f"depends_on: the chain from {start!r} turns the detector's back to the sample; a pose has its front there."
        )
    return pose


def fields_from_pose(
    pose: Pose,
    *,
    pixel1: float,
    pixel2: float,
    shape: tuple[int, int],
    orientation: int = 3,
) -> DetectorFields:
    """Return distance along the beam and beam centre.

    Raises
    ------
    ConversionError
        The beam does not meet the detector plane.

    Warns
    -----
    ConversionLossWarning
        The detector is tilted or turned, which these fields cannot say.
    """
    direction = pose.rotation[2]
    if direction[2] < 1e-9:
        raise ConversionError(
            "NXdetector: distance and beam centre need the beam to meet the detector plane, and it does "
            "not. Use the chain of transformations."
        )
    if abs(direction[2] - 1.0) > 1e-12 or abs(pose.rot3) > 1e-12:
        warnings.warn(
            "NXdetector: distance and beam centre leave the tilt and the turn of the detector behind; the "
            "chain of transformations holds them.",
            ConversionLossWarning,
            stacklevel=2,
        )
    along = pose.dist / direction[2]
    slow = (pose.poni1 + along * direction[0]) / pixel1
    fast = (pose.poni2 + along * direction[1]) / pixel2
    return DetectorFields(
        distance=float(along),
        beam_center_x=float(shape[1] - fast if orientation in (1, 4) else fast),
        beam_center_y=float(shape[0] - slow if orientation in (1, 2) else slow),
    )


def pose_from_fields(
    fields: DetectorFields,
    *,
    pixel1: float,
    pixel2: float,
    shape: tuple[int, int] | None = None,
    orientation: int = 3,
) -> Pose:
    """Return the untilted pose that puts the beam centre where the fields say.

    Parameters
    ----------
    fields:
        Distance (m) and beam centre (pixels of the image).
    pixel1, pixel2:
        Pixel size along the slow and the fast axis, m.
    shape:
        Number of pixels (slow, fast); needed by mirrored axes.
    orientation:
        1-4: the fields do not say it, the caller must.
    """
    positive_number("distance", fields.distance, unit="m")
    slow, fast = fields.beam_center_y, fields.beam_center_x
    if orientation != 3:
        if shape is None:
            raise ParameterError(f"shape: the number of pixels is needed for orientation {orientation}; got None.")
        slow = shape[0] - slow if orientation in (1, 2) else slow
        fast = shape[1] - fast if orientation in (1, 4) else fast
    return Pose(dist=fields.distance, poni1=slow * pixel1, poni2=fast * pixel2)


def _own_chain(known: dict[str, Transformation], start: str) -> dict[str, float] | None:
    """Return the six parameters when the chain has one plain transformation for each, in our order; else None."""
    values: dict[str, float] = {}
    name = start
    for _, parameter, kind, vector in _POSE_CHAIN:
        if name == END_OF_CHAIN:
            return None
        item = _resolved(known, name)
        if (item.kind, tuple(item.vector)) != (kind, vector) or any(item.offset):
            return None
        values[parameter] = item.value * scale_of("length" if kind == "translation" else "angle", item.unit, item.name)
        name = item.depends_on
    return values if name == END_OF_CHAIN else None


def _resolved(known: dict[str, Transformation], name: str) -> Transformation:
    """Return the transformation of this name, or whose name a path ends with."""
    for candidate in (name, name.rpartition("/")[2]):
        if candidate in known:
            return known[candidate]
    raise FileFormatError(f"depends_on: {name!r} is not in the file; transformations found: {sorted(known)}.")


def _rotation(axis: FloatArray, angle: float) -> FloatArray:
    """Return the right-handed rotation about a unit vector (Rodrigues)."""
    skew = np.array([[0.0, -axis[2], axis[1]], [axis[2], 0.0, -axis[0]], [-axis[1], axis[0], 0.0]])
    rotation: FloatArray = np.eye(3) + math.sin(angle) * skew + (1.0 - math.cos(angle)) * (skew @ skew)
    return rotation


def _triple(vector: FloatArray) -> Vector:
    first, second, third = (float(value) for value in vector)
    return first, second, third
