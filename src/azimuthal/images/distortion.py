# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Distortion: from the image of a detector to one with square, equal, seamless pixels, and back.

Definition
    A pixel p of the detector is a polygon of the area A_p in the plane of the detector, a cell b of the regular image a
    rectangle of the area A. The share of the pixel in the cell is ::

        w_pb = area(p and b) / A_p

    by exact clipping, the same code as for ``split="full"`` on a cartesian grid. With raw values r and variances v of
    the valid pixels ::

        counts    C_b = sum_p w_pb r_p            conserves the total: the w of a pixel sum to 1
        variance  V_b = sum_p w_pb^2 v_p          of one cell; neighbours are correlated, as pixels are shared
        coverage  a_b = sum_p w_pb A_p / A        part of the cell that valid pixels cover
        image     C_b / a_b                       counts per whole cell; NaN where a_b is below `min_coverage`

    The image of a uniformly lit detector is uniform, whatever the sizes of its pixels.

Inverse
    ``method="overlap"`` gives a pixel the counts that fall on it when those of a cell are spread evenly over the cell::

        r_p = sum_b C_b area(p and b) / A = A_p / A sum_b w_pb C_b

    It is the transpose of the correction up to areas, not its inverse: there and back smooths by about a pixel.
    ``method="least_squares"`` finds the r that is mapped to C by the correction, by conjugate gradients on
    ``sum_b (C_b - sum_p w_pb r_p)^2``. For a C that was made by the correction it returns the raw image; noise in C
    that no raw image could make is amplified.

Orientation and geometry
    The regular image has the orientation of the detector: it looks as the raw one does. Its pixels begin at the corner
    of the box around all pixels. :meth:`Distortion.instrument` has the geometry that belongs to it.

Limits
    Flat detectors. The correction resamples: a regular image is for looking at and for programs that need one;
    integrate raw images with the detector's own pixels instead: nothing is resampled twice.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from azimuthal import masks
from azimuthal._validate import boolean_mask, finite_number, image_array, number_pair, one_of, positive_integer
from azimuthal.binning import BinGrid, Circle
from azimuthal.detectors import Detector
from azimuthal.engines import Reducer, ReductionTask, engine, thread_count
from azimuthal.errors import ParameterError, ShapeError, UnsupportedOptionError
from azimuthal.geometry.coordinates import area_vectors
from azimuthal.instrument import Instrument
from azimuthal.orientation import orientation_flips
from azimuthal.sparse import SparseMatrix
from azimuthal.splitting import PixelShapes, build_matrix, scheme
from azimuthal.typing import BoolArray, FloatArray
from azimuthal.uncertainty import checked_variance

__all__ = ["Distortion", "RegularImage", "undistortion"]

_PIXELS_PER_SLAB = 1 << 16
_SAME_EDGE = 1e-6  # of a pixel: a box that ends so little beyond a cell ends at it
_MOST_CELLS = 1 << 28


@dataclass(frozen=True, slots=True, eq=False)
class RegularImage:
    """A regular image; see the module docstring.

    Parameters
    ----------
    counts:
        What the pixels recorded, shared among cells; float64.
    variance:
        Of `counts`, or None without an error model.
    coverage:
        Part of every cell that valid pixels cover.
    mask:
        True where the coverage is too small.
    """

    counts: FloatArray
    variance: FloatArray | None
    coverage: FloatArray
    mask: BoolArray

    @property
    def image(self) -> FloatArray:
        """Counts per whole cell, NaN where masked."""
        return np.divide(self.counts, self.coverage, out=np.full_like(self.counts, np.nan), where=~self.mask)

    @property
    def image_variance(self) -> FloatArray | None:
        """Variance of `image`, NaN where masked; None without an error model."""
        if self.variance is None:
            return None
        return np.divide(self.variance, self.coverage**2, out=np.full_like(self.counts, np.nan), where=~self.mask)


@dataclass(frozen=True, slots=True, eq=False)
class Distortion:
    """From the pixels of a detector to a regular grid and back; made by :func:`undistortion`.

    Attributes
    ----------
    detector:
        The one with the distortion.
    regular:
        A detector whose pixels are the cells.
    origin:
        Corner of the cells in the frame of `detector`, m, (axis 1, axis 2); that of `regular` begins there.
    weights:
        w, one row per pixel, one column per cell.
    pixel_area:
        A_p / A, shape of the detector; 0 where a pixel is masked.
    min_coverage:
        Cells that are covered less are masked.
    """

    detector: Detector
    regular: Detector
    origin: tuple[float, float]
    weights: SparseMatrix
    pixel_area: FloatArray
    min_coverage: float
    _reducer: Reducer

    @property
    def shape(self) -> tuple[int, int]:
        """Shape of the regular image."""
        return self.regular.shape

    def correct(
        self,
        frame: Any,
        *,
        error_model: str | None = "poisson",
        variance: Any = None,
        dummy: float | None = None,
        delta_dummy: float | None = None,
    ) -> RegularImage:
        """Return the regular image of a frame.

        Parameters
        ----------
        frame:
            Raw or corrected values, shape of the detector; NaN and the values that the detector marks as invalid do
            not count.
        error_model:
            "poisson": the variance of a value is max(value, 0); None for no variance.
        variance:
            Of every value, instead.
        dummy, delta_dummy:
            Further invalid values.

        Raises
        ------
        ShapeError, DataTypeError, ParameterError
            The frame or the variance cannot be used.
        """
        raw = np.asarray(frame)
        if raw.shape != self.detector.shape:
            raise ShapeError(f"frame: expected shape {self.detector.shape}, got {raw.shape}.")
        native = np.require(raw, raw.dtype.newbyteorder("="), ["C_CONTIGUOUS", "ALIGNED"])
        invalid = masks.invalid_ranges(self.detector.invalid, native.dtype, dummy=dummy, delta_dummy=delta_dummy)
        given = None
        if variance is not None:
            unused = (self.pixel_area == 0) | masks.invalid_pixels(native, invalid)
            given = np.ascontiguousarray(checked_variance(variance, shape=raw.shape, excluded=unused)).reshape(-1)
        elif error_model is not None:
            one_of("error_model", error_model, ("poisson",))
        model = "variance" if given is not None else "none" if error_model is None else "poisson"
        sums = self._reducer.reduce(native.reshape(-1), model, given, invalid)  # type: ignore[arg-type]
        coverage = sums.normalization.reshape(self.shape)
        return RegularImage(
            sums.signal.reshape(self.shape),
            None if sums.variance is None else sums.variance.reshape(self.shape),
            coverage,
            ~(coverage >= self.min_coverage),
        )

    def uncorrect(self, image: Any, *, method: str = "overlap", n_iterations: int = 50) -> FloatArray:
        """Return what the pixels of the detector record of a regular image of counts.

        Parameters
        ----------
        image:
            Counts of every cell, shape of the regular image, finite.
        method:
            "overlap" or "least_squares"; see the module docstring.
        n_iterations:
            At most so many steps of "least_squares".

        Returns
        -------
        :
            Shape of the detector, float64; NaN where a pixel is masked.
        """
        counts = image_array("image", image, self.shape)
        if not np.isfinite(counts).all():
            raise ParameterError("image: expected finite counts in every cell. Inpaint masked cells, or set them to 0.")
        one_of("method", method, ("overlap", "least_squares"))
        weighted = self._gathered(counts.reshape(-1))
        raw = self.pixel_area.reshape(-1) * weighted
        if method == "least_squares":
            raw = self._solved(counts.reshape(-1), raw, positive_integer("n_iterations", n_iterations))
        raw = raw.reshape(self.detector.shape)
        raw[self.pixel_area == 0] = np.nan
        return raw

    def instrument(self, instrument: Instrument) -> Instrument:
        """Return the geometry of the regular images of an instrument with this detector.

        Raises
        ------
        ParameterError
            The instrument has another detector.
        """
        if instrument.detector != self.detector:
            raise ParameterError(f"instrument: expected the detector {self.detector.name} that was undistorted.")
        pose = dataclasses.replace(
            instrument.pose, poni1=instrument.pose.poni1 - self.origin[0], poni2=instrument.pose.poni2 - self.origin[1]
        )
        return instrument.replace(detector=self.regular, pose=pose)

    def _gathered(self, cells: FloatArray) -> FloatArray:
        """Return ``sum_b w_pb x_b`` of every pixel."""
        terms = self.weights.entry_weights() * cells[self.weights.indices]
        return np.asarray(np.bincount(self.weights.entry_pixels(), terms, minlength=self.weights.n_pixels))

    def _shared(self, pixels: FloatArray) -> FloatArray:
        """Return ``sum_p w_pb x_p`` of every cell."""
        terms = self.weights.entry_weights() * pixels[self.weights.entry_pixels()]
        return np.asarray(np.bincount(self.weights.indices, terms, minlength=self.weights.n_bins))

    def _solved(self, counts: FloatArray, start: FloatArray, n_iterations: int) -> FloatArray:
        """Return the least-squares solution by conjugate gradients (CGLS) from `start`."""
        solution = start.copy()
        residual = counts - self._shared(solution)
        gradient = self._gathered(residual)
        direction = gradient.copy()
        norm = first = float(gradient @ gradient)
        for _ in range(n_iterations):
            if norm <= 1e-30 * max(first, 1e-300):
                break
            mapped = self._shared(direction)
            step = norm / float(mapped @ mapped)
            solution += step * direction
            residual -= step * mapped
            gradient = self._gathered(residual)
            norm, before = float(gradient @ gradient), norm
            direction = gradient + (norm / before) * direction
        return solution


def undistortion(
    detector: Detector,
    *,
    pixel_size: tuple[float, float] | None = None,
    shape: tuple[int, int] | None = None,
    origin: tuple[float, float] | None = None,
    mask: Any = None,
    min_coverage: float = 0.5,
    threads: int | None = None,
) -> Distortion:
    """Return what turns images of a detector into regular ones.

    Parameters
    ----------
    detector:
        A flat one: a spline, modules with wide pixels, hexagons, any corners.
    pixel_size:
        Of the cells along axis 1 and 2, m; None: the nominal pixel size.
    shape:
        Of the regular image; None: as many cells as the pixels reach.
    origin:
        Corner of the cells in the frame of the detector, m; None: the corner of the box around all pixels.
    mask:
        bool, True = excluded, beside the gaps of the detector.
    min_coverage:
        In (0, 1]: cells that valid pixels cover less are masked.
    threads:
        Number of threads; None for all that may be used.

    Raises
    ------
    UnsupportedOptionError
        The detector is not flat.
    ParameterError, DataTypeError, ShapeError
        A value cannot be used.
    """
    if not detector.is_flat:
        raise UnsupportedOptionError(
            f"detector: {detector.name} is not flat, and only flat detectors have a regular image in their plane. "
            "Integrate its images instead."
        )
    least = finite_number("min_coverage", min_coverage)
    if not 0 < least <= 1:
        raise ParameterError(f"min_coverage: expected a part of a cell in (0, 1], got {least}.")
    size = number_pair("pixel_size", (detector.pixel1, detector.pixel2) if pixel_size is None else pixel_size, unit="m")
    if min(size) <= 0:
        raise ParameterError(f"pixel_size: expected sizes greater than 0 m, got {size}.")
    excluded = detector.gap_mask()
    if mask is not None:
        excluded = excluded | boolean_mask("mask", mask, detector.shape)
    corner, cells = _box(detector, size, shape, origin)
    n_threads = thread_count(threads)
    regular = Detector(
        pixel1=size[0], pixel2=size[1], shape=cells, name=f"{detector.name}, regular", orientation=detector.orientation,
        sensor=detector.sensor, invalid=detector.invalid,
    )  # fmt: skip
    weights, areas = _weights(detector, excluded, corner, size, cells, n_threads)
    areas /= size[0] * size[1]
    reducer = engine("auto").prepare(
        ReductionTask(weights, normalization=np.ascontiguousarray(areas.reshape(-1))), n_threads=n_threads
    )
    return Distortion(detector, regular, corner, weights, areas, least, reducer)


def _box(
    detector: Detector, size: tuple[float, float], shape: tuple[int, int] | None, origin: tuple[float, float] | None
) -> tuple[tuple[float, float], tuple[int, int]]:
    """Return the corner and the number of cells."""
    low, high = np.full(2, np.inf), np.full(2, -np.inf)
    for rows in _slabs(detector):
        corners = detector.corners(rows)[..., :2]
        low = np.minimum(low, corners.min(axis=(0, 1, 2)))
        high = np.maximum(high, corners.max(axis=(0, 1, 2)))
    corner = (float(low[0]), float(low[1])) if origin is None else number_pair("origin", origin, unit="m")
    if shape is not None:
        return corner, (positive_integer("shape[0]", shape[0]), positive_integer("shape[1]", shape[1]))
    n = [max(1, math.ceil((float(high[axis]) - corner[axis]) / size[axis] - _SAME_EDGE)) for axis in (0, 1)]
    if n[0] * n[1] > _MOST_CELLS:
        raise ParameterError(f"pixel_size: {size} m makes {n[0]} x {n[1]} cells. Pass the size in m, or shape=... .")
    return corner, (n[0], n[1])


def _weights(
    detector: Detector,
    excluded: BoolArray,
    corner: tuple[float, float],
    size: tuple[float, float],
    cells: tuple[int, int],
    n_threads: int,
) -> tuple[SparseMatrix, FloatArray]:
    """Return the weights of pixels in cells, and the areas of pixels in m^2, 0 where excluded."""
    flips = orientation_flips(detector.orientation)
    areas = np.zeros(detector.shape)

    def shapes() -> Iterator[PixelShapes]:
        for rows in _slabs(detector):
            corners = detector.corners(rows)
            vectors = area_vectors(corners=corners)
            areas[rows] = np.sqrt(np.einsum("...k,...k->...", vectors, vectors))
            places = np.empty((*corners.shape[:3], 2))
            for axis in (0, 1):  # in cells; the first coordinate is the fast axis
                cell = (corners[..., axis] - corner[axis]) / size[axis]
                places[..., 1 - axis] = cells[axis] - cell if flips[axis] else cell
            yield PixelShapes(places.reshape(-1, corners.shape[2], 2), None, excluded[rows].reshape(-1))

    grid = BinGrid(np.arange(cells[1] + 1.0), np.arange(cells[0] + 1.0), Circle(None))
    matrix, n_not_finite = build_matrix(shapes(), scheme("full", n_threads=n_threads), grid)
    if n_not_finite:
        raise ParameterError(f"detector: {n_not_finite} pixels of {detector.name} have corners that are not finite.")
    areas[excluded] = 0.0
    return matrix, areas


def _slabs(detector: Detector) -> Iterator[slice]:
    n_slow, n_fast = detector.shape
    step = max(1, _PIXELS_PER_SLAB // n_fast)
    for begin in range(0, n_slow, step):
        yield slice(begin, min(begin + step, n_slow))
