# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Between a detector and the grid of equal pixels that most geometry files know.

Such a file counts pixels from the outer edge of image pixel (0, 0) and takes them all as ``pixel1`` x
``pixel2``. A detector may be a region of a larger one, or have modules that are apart.  What is kept is the
place of the first edge of the image: with ``lo`` and ``hi`` the outer edges of the image in the detector
frame, along an axis of ``n`` pixels, the grid is shifted against the detector by ::

    lo                   axis as in the native detector
    hi - n pixel         mirrored axis

which is zero for a plain detector.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from azimuthal._validate import positive_integer
from azimuthal.detectors import Detector
from azimuthal.detectors import detector as catalogue_detector
from azimuthal.errors import (
    ConversionError,
    ConversionLossWarning,
    DataTypeError,
    FileFormatError,
    ParameterError,
    ShapeError,
)
from azimuthal.geometry import Beam, Pose
from azimuthal.instrument import Instrument
from azimuthal.orientation import orientation_flips

PIXEL_SIZE_TOLERANCE = 1e-4
"""Relative difference of pixel sizes above which a file and a detector contradict each other."""

REGULAR_TOLERANCE = 1e-9
"""Deviation of pixel edges from a regular grid, m, below which a detector is called regular."""


class Given(NamedTuple):
    """What the caller knows beside the file."""

    detector: Detector | None
    shape: tuple[int, int] | None


class Grid(NamedTuple):
    """A plain detector: native pose, pixel size (m), shape (slow, fast), orientation of the image."""

    pose: Pose
    pixel1: float
    pixel2: float
    shape: tuple[int, int]
    orientation: int


def as_detector(detector: Any) -> Detector | None:
    """Return a detector from a detector, a name of the catalogue, or None."""
    if detector is None or isinstance(detector, Detector):
        return detector
    if isinstance(detector, str):
        return catalogue_detector(detector)
    raise DataTypeError(f"detector: expected a Detector or its name, got {type(detector).__name__}.")


def as_shape(shape: Any) -> tuple[int, int] | None:
    """Return (rows, columns) as integers, or None."""
    if shape is None:
        return None
    try:
        rows, columns = shape
    except (TypeError, ValueError):
        raise DataTypeError(f"shape: expected (rows, columns), got {shape!r}.") from None
    return positive_integer("shape[0]", rows), positive_integer("shape[1]", columns)


def known_shape(path: Path, given: Given, written: Any) -> tuple[int, int]:
    """Return the number of pixels from the file or from the caller; they must not contradict each other."""
    try:
        shape = as_shape(written)
    except (DataTypeError, ParameterError) as error:
        raise FileFormatError(f"{path}: number of pixels: {error}") from None
    if shape is not None and given.shape not in (None, shape):
        raise ShapeError(f"shape: {path} says {shape}, got {given.shape}.")
    found = shape or given.shape
    if found is None:
        raise ParameterError(
            f"shape: {path} does not say how many pixels the detector has. Pass shape=(rows, columns) as "
            "in image.shape, or detector=..."
        )
    return found


def require_agreement(
    path: Path, detector: Detector, pixels: tuple[float | None, float | None], shape: tuple[int, int] | None
) -> None:
    """Raise when pixel size or shape of a detector contradict what is known from the file or the caller."""
    for axis, (size, written) in enumerate(zip((detector.pixel1, detector.pixel2), pixels, strict=True), start=1):
        if written is not None and abs(size - written) > PIXEL_SIZE_TOLERANCE * size:
            raise ParameterError(
                f"detector: {detector.name} has pixel{axis} = {size} m, {path} says {written} m. For a "
                "binned detector pass detector=detector(name).with_binning(...)."
            )
    if shape is not None and shape != detector.shape:
        raise ShapeError(f"shape: {detector.name} has {detector.shape} pixels (slow, fast), expected {shape}.")


def grid_detector(path: Path, given: Given, pixels: tuple[float, float] | None, shape: Any) -> Detector:
    """Return the detector of the caller, checked against the file, or a plain one from the file."""
    if given.detector is not None:
        require_agreement(path, given.detector, pixels or (None, None), as_shape(shape) or given.shape)
        return given.detector
    if pixels is None:
        raise ParameterError(
            f"detector: {path} does not say which detector it is for, nor its pixel size. Pass detector=..."
        )
    return Detector(pixel1=pixels[0], pixel2=pixels[1], shape=known_shape(path, given, shape))


def on_detector(pose: Pose, detector: Detector, orientation: int | None = None) -> Pose:
    """Return the pose of the native detector from that of the grid of its image."""
    shift1, shift2 = _grid_shift(detector, orientation or detector.orientation)
    return pose.replace(poni1=pose.poni1 + shift1, poni2=pose.poni2 + shift2)


def as_grid(instrument: Instrument, target: str) -> Grid:
    """Return the grid of the image of an instrument, for a format named `target`.

    Raises
    ------
    ConversionError
        The detector is not flat, or its pixels are not rectangles.

    Warns
    -----
    ConversionLossWarning
        Pixels that are elsewhere than on the grid, and the parallax correction, are left behind.
    """
    detector = instrument.detector
    if not detector.is_flat or detector.n_corners != 4:
        what = "is not flat" if not detector.is_flat else "has hexagonal pixels"
        raise ConversionError(
            f"{target}: {detector.name} {what}; the format knows a flat grid of equal rectangles. Save the "
            "instrument as PONI or NeXus (.nxs)."
        )
    _warn_irregular(detector, target)
    warn_lost_parallax(instrument, target)
    shift1, shift2 = _grid_shift(detector, detector.orientation)
    pose = instrument.pose.replace(poni1=instrument.pose.poni1 - shift1, poni2=instrument.pose.poni2 - shift2)
    return Grid(pose, detector.pixel1, detector.pixel2, detector.shape, detector.orientation)


def mirrored_pose(grid: Grid, target: str) -> Pose:
    """Return the pose for a format that takes every image as native: a mirror image of the experiment.

    2theta is exact.  Mirroring axis 1 changes the signs of ``rot2`` and ``rot3``, mirroring axis 2 those of
    ``rot1`` and ``rot3``.

    Warns
    -----
    ConversionLossWarning
        The orientation is not native, so that chi is mirrored.
    """
    pose, flips = grid.pose, orientation_flips(grid.orientation)
    if flips[0]:
        poni1 = grid.shape[0] * grid.pixel1 - pose.poni1
        pose = pose.replace(poni1=poni1, rot2=-pose.rot2, rot3=-pose.rot3)
    if flips[1]:
        poni2 = grid.shape[1] * grid.pixel2 - pose.poni2
        pose = pose.replace(poni2=poni2, rot1=-pose.rot1, rot3=-pose.rot3)
    if any(flips):
        turn = "turned by 180 degrees" if all(flips) else "mirrored"
        warnings.warn(
            f"{target}: the orientation {grid.orientation} is left behind; the geometry is that of the "
            f"image as stored. 2theta is exact, azimuths are {turn}.",
            ConversionLossWarning,
            stacklevel=4,
        )
    return pose


def warn_lost_parallax(instrument: Instrument, target: str) -> None:
    """Warn that a format has no place for the parallax correction."""
    if instrument.parallax:
        message = f"{target}: the parallax correction is left behind; positions are those of the pixels' surface."
        warnings.warn(message, ConversionLossWarning, stacklevel=5)


def beam_from_angstrom(wavelength: float | None) -> Beam:
    """Return the beam of a wavelength in angstrom, or None."""
    return Beam(None if wavelength is None else wavelength * 1e-10)


def _grid_shift(detector: Detector, orientation: int) -> tuple[float, float]:
    """Return how far the grid of the image is shifted against the detector frame along both axes, m."""
    edges = detector.separable_edges()
    pitches = (detector.pixel1, detector.pixel2)
    if edges is None:
        return tuple(  # type: ignore[return-value]
            first * pitch / step for first, pitch, step in zip(detector.origin, pitches, detector.binning, strict=True)
        )
    shifts = []
    bounds = ((edges.lower1, edges.upper1), (edges.lower2, edges.upper2))
    for (lower, upper), pitch, flip in zip(bounds, pitches, orientation_flips(orientation), strict=True):
        shifts.append(float(upper.max() - lower.size * pitch if flip else lower.min()))
    return shifts[0], shifts[1]


def _warn_irregular(detector: Detector, target: str) -> None:
    """Warn of pixels that are elsewhere than on a regular grid."""
    edges = detector.separable_edges()
    if edges is None:
        what = "the distortion of its pixels"
    else:
        deviation = max(_deviation(edges.lower1, detector.pixel1), _deviation(edges.lower2, detector.pixel2))
        if deviation <= REGULAR_TOLERANCE:
            return
        what = f"module gaps and wider pixels that move pixels by up to {deviation * 1e6:.3g} µm"
    warnings.warn(
        f"{target}: of {detector.name}, {what}: left behind, as the format knows a regular grid. Save the "
        "instrument as PONI or NeXus (.nxs) to keep them.",
        ConversionLossWarning,
        stacklevel=5,
    )


def _deviation(lower: np.ndarray[Any, np.dtype[np.float64]], pitch: float) -> float:
    """Return the largest distance of pixel edges from a regular grid from the first one on, m."""
    step = pitch if lower.size < 2 or lower[1] > lower[0] else -pitch
    return float(np.abs(lower - lower[0] - step * np.arange(lower.size)).max())
