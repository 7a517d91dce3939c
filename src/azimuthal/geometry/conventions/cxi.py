# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""The detector geometry of CXI files (Coherent X-ray Imaging Data Bank, format version 1.6).

Frame
    z along the beam, y up, x horizontal to complete the right-handed set (x, y, z): to the left when looking
    downstream.  Origin at the sample.  Ours is (1, 2, 3) = (y, -x, z).  SI units without exception: the
    photon energy is in joules.

Pixel detectors
    The specification places a pixel detector by ``corner_position``, the outer corner of the first data
    element, and ``basis_vectors``, the steps from one pixel to the next along the slow (first row) and the
    fast dimension (second row), in m.  Without ``basis_vectors`` they are ``(0, -y_pixel_size, 0)`` and
    ``(-x_pixel_size, 0, 0)``.  This holds any pose of a detector with equal rectangular pixels; it is what
    :func:`cxi_from_pose` writes and what is read when it is there.

``geometry_1``
    ``translation`` (3) places the origin of an object, its centre unless stated otherwise, and
    ``orientation`` (6) are the dot products of its x' and y' axes with x, y, z; z' follows.  The
    specification keeps it for things that are not pixel detectors and does not say which edges of a pixel
    detector are x' and y', so we state ours: ``x'`` is against the fast axis and ``y'`` along the slow axis,
    so that an unrotated native detector has the orientation (1, 0, 0, 0, 1, 0).  We write it beside the
    vectors, with the centre as its origin when the shape is known.  It is read only when there is no
    ``corner_position``, and then ``origin`` must be given, as files differ: ``"center"`` (the specification)
    or ``"corner"`` (outer corner of the first pixel).

    pyFAI writes ``geometry_1`` in another sense: the corner *before* the rotation, and x to the right, which
    makes its frame left-handed; and it writes the energy in keV.  Its files are not read here.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from azimuthal._validate import one_of, positive_number, unknown_name
from azimuthal.errors import ConversionError, FileFormatError, GeometryFileWarning, ParameterError
from azimuthal.geometry.beam import Beam
from azimuthal.geometry.conventions.panel import Panel, panel_from_pose, pose_from_panel
from azimuthal.geometry.pose import Pose
from azimuthal.typing import FloatArray

__all__ = ["CxiGeometry", "cxi_from_pose", "format_cxi", "parse_cxi", "pose_from_cxi"]

Triple: TypeAlias = tuple[float, float, float]
Origin: TypeAlias = Literal["center", "corner"]

_ORIGINS: tuple[Origin, ...] = ("center", "corner")
_OURS_FROM_CXI = np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
_JOULE_PER_KEV = 1.602176634e-16
_HIGHEST_ENERGY = 1e-11  # J: above 60 MeV; an energy in eV or keV is larger than this by far
_TOLERANCE = 1e-6
_GEOMETRY = ("basis_vectors", "corner_position", "distance", "geometry_1", "x_pixel_size", "y_pixel_size")
_NOT_GEOMETRY = (
    *(
        "counts_per_joule",
        "data",
        "data_dark",
        "data_error",
        "data_sum",
        "data_white",
        "description",
        "start_time",
    ),
    *(
        "mask",
        "module_identifier",
        "score",
        "tags",
        "calibration_date",
        "calibration_method",
        "experiment_identifier",
    ),
)


@dataclass(frozen=True, slots=True)
class CxiGeometry:
    """What a CXI detector group and its beam say about the geometry; SI units, CXI axes (x, y, z).

    Parameters
    ----------
    x_pixel_size, y_pixel_size:
        Along the fast and the slow dimension, m.
    corner_position:
        Outer corner of the first data element, m; None when the file does not say.
    basis_vectors:
        Steps along the slow and the fast dimension, m; None for the default of the specification.
    translation:
        Of ``geometry_1``, m, or None.
    orientation:
        Six direction cosines of ``geometry_1``, or None.
    distance:
        Closest distance of the detector, m; information only.
    wavelength:
        m, or None.

    Raises
    ------
    DataTypeError, ParameterError
        A size is not positive, or a vector does not have its number of finite components.
    """

    x_pixel_size: float
    y_pixel_size: float
    corner_position: Triple | None = None
    basis_vectors: tuple[Triple, Triple] | None = None
    translation: Triple | None = None
    orientation: tuple[float, ...] | None = None
    distance: float | None = None
    wavelength: float | None = None

    def __post_init__(self) -> None:
        for name in ("x_pixel_size", "y_pixel_size", "distance"):
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, positive_number(name, value, unit="m"))
        for name, shape in (("corner_position", (3,)), ("basis_vectors", (2, 3)), ("translation", (3,))):
            self._set_vector(name, shape)
        self._set_vector("orientation", (6,))
        object.__setattr__(self, "wavelength", Beam(self.wavelength).wavelength)

    def _set_vector(self, name: str, shape: tuple[int, ...]) -> None:
        """Store a vector as nested tuples of finite floats."""
        value = getattr(self, name)
        if value is None:
            return
        array = np.asarray(value, dtype=np.float64)
        if array.shape != shape or not np.isfinite(array).all():
            raise ParameterError(f"{name}: expected finite numbers of shape {shape}, got {value!r}.")
        nested = array.tolist()
        object.__setattr__(self, name, tuple(tuple(row) if isinstance(row, list) else row for row in nested))

    @property
    def pixel1(self) -> float:
        """Pixel size along the slow axis, m."""
        return self.y_pixel_size

    @property
    def pixel2(self) -> float:
        """Pixel size along the fast axis, m."""
        return self.x_pixel_size


def cxi_from_pose(
    pose: Pose,
    pixel1: float,
    pixel2: float,
    wavelength: float | None = None,
    *,
    orientation: int = 3,
    shape: tuple[int, int] | None = None,
) -> CxiGeometry:
    """Return the CXI record of a pose; nothing is lost.

    Parameters
    ----------
    pose:
        Of the detector.
    pixel1, pixel2:
        Pixel size along the slow and the fast axis, m.
    wavelength:
        m, or None.
    orientation:
        1-4, of the image.
    shape:
        (rows, columns) of the image; needed for an orientation other than 3, and for ``geometry_1``.

    Raises
    ------
    ConversionError
        `shape` is needed and not given.
    """
    pixel1, pixel2 = positive_number("pixel1", pixel1, unit="m"), positive_number("pixel2", pixel2, unit="m")
    panel = panel_from_pose(pose, orientation=orientation, extent=_extent(pixel1, pixel2, shape, orientation))
    corner, slow, fast = (np.array(vector) @ _OURS_FROM_CXI for vector in (panel.origin, panel.slow, panel.fast))
    translation = None
    if shape is not None:
        translation = _triple(corner + 0.5 * (shape[0] * pixel1 * slow + shape[1] * pixel2 * fast))
    return CxiGeometry(
        x_pixel_size=pixel2,
        y_pixel_size=pixel1,
        corner_position=_triple(corner),
        basis_vectors=(_triple(pixel1 * slow), _triple(pixel2 * fast)),
        translation=translation,
        orientation=(*_triple(-fast), *_triple(slow)) if shape is not None else None,
        distance=pose.dist,
        wavelength=wavelength,
    )


def pose_from_cxi(
    record: CxiGeometry, *, shape: tuple[int, int] | None = None, origin: Origin | None = None
) -> tuple[Pose, float | None, int]:
    """Return the pose, the wavelength in m (or None) and the orientation of a CXI record.

    Parameters
    ----------
    record:
        Of a CXI file.
    shape:
        (rows, columns) of the image; needed when the image is a mirror image, and for ``origin="center"``.
    origin:
        What ``geometry_1/translation`` places, when there is no ``corner_position``.

    Returns
    -------
    :
        The orientation is 3, or 2 when the image is a mirror image (as with the default basis vectors).

    Raises
    ------
    ConversionError
        The record has no position, `shape` or `origin` is needed, the vectors are not at right angles or
        their lengths are not the pixel sizes, or the sample is in the detector plane.
    """
    if record.corner_position is not None:
        corner = np.array(record.corner_position)
        slow, fast = _steps(record)
    else:
        corner, slow, fast = _from_geometry_1(record, shape, origin)
    for name, vector, length in (("slow", slow, record.pixel1), ("fast", fast, record.pixel2)):
        if abs(math.hypot(*vector) - length) > _TOLERANCE * length:
            raise ConversionError(
                f"CXI: the {name} basis vector has the length {math.hypot(*vector):.9g} m and the pixel size "
                f"is {length:.9g} m. Correct the one that is wrong."
            )
    corner, slow, fast = (_OURS_FROM_CXI @ vector for vector in (corner, slow / record.pixel1, fast / record.pixel2))
    mirrored = float(np.cross(slow, fast) @ corner) < 0
    extent = _extent(record.pixel1, record.pixel2, shape, 2 if mirrored else 3)
    panel = Panel(origin=_triple(corner), slow=_triple(slow), fast=_triple(fast))
    pose, orientation = pose_from_panel(panel, extent=extent)
    return pose, record.wavelength, orientation


def parse_cxi(
    detector: Mapping[str, Any], beam: Mapping[str, Any] | None = None, *, source: str = "CXI detector"
) -> CxiGeometry:
    """Read a CXI detector group and a beam (or source) group that were loaded into mappings.

    Parameters
    ----------
    detector:
        Of ``/entry_N/instrument_N/detector_N``; members that have no geometry are left alone.
    beam:
        With ``incident_wavelength`` (m) or ``incident_energy`` or ``energy`` (J); None when there is none.
    source:
        Name of the file, for messages.

    Raises
    ------
    FileFormatError
        A pixel size is missing, or a value is malformed or not in SI units.
    ConversionError
        Wavelength and energy contradict each other.

    Warns
    -----
    GeometryFileWarning
        A member that the specification does not have.
    """
    known = (*_GEOMETRY, *_NOT_GEOMETRY)
    for name in detector:
        if name not in known:
            problem = unknown_name("member", name, known)
            warnings.warn(f"{source}: {problem} It is not used.", GeometryFileWarning, stacklevel=2)
    missing = [name for name in ("x_pixel_size", "y_pixel_size") if detector.get(name) is None]
    if missing:
        raise FileFormatError(f"{source}: missing {', '.join(missing)}; found {', '.join(detector) or 'nothing'}.")
    geometry = detector.get("geometry_1") or {}
    distance = detector.get("distance")
    try:
        return CxiGeometry(
            x_pixel_size=_scalar(detector["x_pixel_size"]),
            y_pixel_size=_scalar(detector["y_pixel_size"]),
            corner_position=detector.get("corner_position"),
            basis_vectors=detector.get("basis_vectors"),
            translation=geometry.get("translation"),
            orientation=geometry.get("orientation"),
            distance=None if distance is None else _scalar(distance),
            wavelength=_wavelength(beam or {}, source),
        )
    except ParameterError as error:
        raise FileFormatError(f"{source}: {error}") from None


def format_cxi(record: CxiGeometry) -> dict[str, Any]:
    """Return nested mappings of plain numbers: ``detector_1`` and, with a wavelength, ``beam_1``."""
    detector: dict[str, Any] = {"x_pixel_size": record.x_pixel_size, "y_pixel_size": record.y_pixel_size}
    for name in ("distance", "corner_position", "basis_vectors"):
        value = getattr(record, name)
        if value is not None:
            detector[name] = np.array(value).tolist()
    geometry = {name: getattr(record, name) for name in ("translation", "orientation")}
    if any(value is not None for value in geometry.values()):
        detector["geometry_1"] = {name: list(value) for name, value in geometry.items() if value is not None}
    written: dict[str, Any] = {"detector_1": detector}
    energy = Beam(record.wavelength).energy
    if energy is not None:
        written["beam_1"] = {
            "incident_wavelength": record.wavelength,
            "incident_energy": energy * _JOULE_PER_KEV,
        }
    return written


def _steps(record: CxiGeometry) -> tuple[FloatArray, FloatArray]:
    """Return the basis vectors, or the default of the specification."""
    if record.basis_vectors is not None:
        return np.array(record.basis_vectors[0]), np.array(record.basis_vectors[1])
    return np.array([0.0, -record.y_pixel_size, 0.0]), np.array([-record.x_pixel_size, 0.0, 0.0])


def _from_geometry_1(
    record: CxiGeometry, shape: tuple[int, int] | None, origin: Origin | None
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the corner and the steps of ``geometry_1``."""
    if record.translation is None or record.orientation is None:
        raise ConversionError(
            "CXI: the detector has neither corner_position nor geometry_1 with translation and orientation; "
            "its place is not known."
        )
    if origin is None:
        raise ConversionError(
            "CXI: there is no corner_position, and files differ in what geometry_1/translation places. Pass "
            "origin='center' (the specification) or origin='corner'."
        )
    axes = np.array(record.orientation).reshape(2, 3)
    slow, fast = record.pixel1 * axes[1], -record.pixel2 * axes[0]
    corner = np.array(record.translation)
    if one_of("origin", origin, _ORIGINS) == "center":
        if shape is None:
            raise ConversionError("CXI: origin='center' needs the size of the image; pass shape=(rows, columns).")
        corner = corner - 0.5 * (shape[0] * slow + shape[1] * fast)
    return corner, slow, fast


def _extent(pixel1: float, pixel2: float, shape: tuple[int, int] | None, orientation: int) -> tuple[float, float]:
    """Return height and width of the image, m; (0, 0) when no axis is mirrored and the shape is not known."""
    if shape is not None:
        return shape[0] * pixel1, shape[1] * pixel2
    if orientation != 3:
        raise ConversionError(
            "CXI: the image is mirrored against the native detector; pass shape=(rows, columns) of the image."
        )
    return 0.0, 0.0


def _wavelength(beam: Mapping[str, Any], source: str) -> float | None:
    """Return the wavelength in m of a beam or source group."""
    wavelength = beam.get("incident_wavelength")
    energy = next((beam[name] for name in ("incident_energy", "energy") if beam.get(name) is not None), None)
    if energy is None:
        return None if wavelength is None else _scalar(wavelength)
    joules = _scalar(energy)
    if not 0 < joules < _HIGHEST_ENERGY:
        raise FileFormatError(
            f"{source}: the photon energy is {joules}; CXI files hold joules (1 keV is 1.602e-16 J). Convert "
            "it and pass incident_wavelength in m."
        )
    from_energy = Beam.from_energy(joules / _JOULE_PER_KEV).required_wavelength("CXI")
    if wavelength is None:
        return from_energy
    if abs(_scalar(wavelength) - from_energy) > 1e-4 * from_energy:
        raise ConversionError(
            f"{source}: incident_wavelength is {_scalar(wavelength)} m and the energy means "
            f"{from_energy:.6g} m. Remove the wrong one."
        )
    return _scalar(wavelength)


def _scalar(value: Any) -> float:
    """Return a number, or the one value of an array that repeats it for every frame."""
    array = np.asarray(value, dtype=np.float64)
    if array.size == 0 or not np.isclose(array, array.flat[0], rtol=1e-9, atol=0.0).all():
        raise FileFormatError(f"CXI: expected one value, got {array.size} that differ ({value!r}). Select a frame.")
    return float(array.flat[0])


def _triple(vector: Sequence[float] | FloatArray) -> Triple:
    first, second, third = (float(value) for value in vector)
    return first, second, third
