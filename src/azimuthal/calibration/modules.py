# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
r"""Modules of a detector, shifted and turned to where the rings say they are.

Each module is a rigid body (:mod:`azimuthal.detectors.displaced`): two shifts and a rotation in the plane, on request a
height and two tilts too.  Poses of all images and displacements of all modules are refined together:

.. math:: \sum_{i} \rho\Bigl(\frac{2\theta(R_n\, q_i) - 2\theta_{k(i)}}{\sigma_i}\Bigr)
          + \sum_{m, j} \Bigl(\frac{x_{mj}}{\pi_j}\Bigr)^2,
          \qquad q_i = c_m + R(x_m)\,(p_i - c_m) + s(x_m)

with the robust loss, the scatter beyond counting and the outliers of :mod:`azimuthal.calibration.refinement`.

Prior
    :math:`\pi_j` is what a module is thought to be off by before anything is measured: one pixel for shifts, as much
    at its corners for rotation and tilts, three pixels for the height.  It does two things.  What the rings tell to a
    small part of :math:`\pi` it leaves alone.  What they do not tell it holds at the nominal place: a single image
    tells a shift across its rings, never along them, unless they bend within the module.

Gauge
    A rigid motion of all modules is a motion of the detector: the pose has it.  The minimum with a prior has none of
    it in the modules: :math:`\sum_m x_{mj} / \pi_j^2 = 0` for shifts, and likewise for the rotations.  Errors are given
    in that gauge.

Errors
    :math:`C = A^{-1} (S + P) A^{-1}` with A the curvature of the whole, P that of the prior, S the sum of the squared
    gradients of the points.  A displacement that is not known to half of its prior is *not told*: infinite error, and
    named.

Verdict
    Displacements are believed where points that were held out (arcs: one ring on one module each) agree better with
    them than without, by more than three standard errors of the mean difference of their squared residuals, and where
    Bayes' information criterion with the effective number of parameters falls; and where another wavelength does not
    explain the points about as well (squared residuals within a factor 1.5).  Otherwise nothing shows that the
    modules are not where the detector's description has them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np

from azimuthal._validate import positive_number
from azimuthal.calibration._joint_fit import (
    ROUGH,
    Fit,
    Sighting,
    another_wavelength,
    check_numbers,
    common_detector,
    fitted,
    minimised,
    normal_equations,
    solved,
)
from azimuthal.calibration.control_points import ControlPoints
from azimuthal.calibration.positions import Cells
from azimuthal.calibration.refinement import UNKNOWN_UNCERTAINTY, RingSource, checked_fix
from azimuthal.calibration.residuals import PARAMETERS, ring_angles, two_theta_and_jacobian
from azimuthal.calibration.ring_points import RingSettings, points_on_rings, usable_pixels
from azimuthal.detectors import Detector, DisplacedModules, Layout, ModuleDisplacement
from azimuthal.detectors.displaced import DISPLACEMENTS
from azimuthal.errors import ParameterError, ShapeError, UnsupportedOptionError
from azimuthal.geometry import Pose
from azimuthal.instrument import Instrument
from azimuthal.orientation import image_from_native
from azimuthal.typing import AnyArray, BoolArray, FloatArray, IntArray

__all__ = ["ModuleRefinement", "Sighting", "module_map", "module_rectangles", "recalibrated_modules", "refine_modules"]

_POSE = PARAMETERS[:5]
_IN_PLANE = 3
_TOLD = 0.5  # of the prior
_GAUGE = 0.05  # curvature of a gauge direction, in units of the prior's
_FOLDS = 5
_BELIEVED = 3.0  # standard errors
_CAP = 25.0  # squared residuals count no more than this when models are compared
_FAR = 3.0  # priors
_HEIGHT = 3.0  # pixels


@dataclass(frozen=True, slots=True, eq=False)
class ModuleRefinement:
    """Where the modules are.

    Attributes
    ----------
    detector:
        With displaced modules; `save` writes it.
    instruments:
        One per image: that detector, and the pose refined with it.
    displacements:
        Shape (n_modules, 6) in the order of `names`, m and rad, relative to the detector's nominal layout.
    covariance:
        Of all displacements, row by row; shape (6 n_modules, 6 n_modules); finite also where nothing is told.
    told:
        Shape (n_modules, 6): whether the rings tell it.
    n_points:
        Points in use on each module.
    residuals_before, residuals:
        Per image: found minus expected two theta of its points, pixels, with modules at their nominal places (and
        poses refined for that) and displaced.
    used:
        Per image: which points were used.
    scatter_before, scatter:
        Scatter beyond counting, pixels.
    held_out_gain:
        By how much the mean squared residual (in standard deviations) of points that were held out fell, and its
        standard error.
    bic_change:
        Of Bayes' information criterion; negative: better with the displacements.
    verdict, reasons:
        "good", "doubtful" or "failed", and why.
    degenerate:
        In words, what the rings do not tell.
    """

    detector: Detector
    instruments: tuple[Instrument, ...]
    displacements: FloatArray
    covariance: FloatArray
    told: BoolArray
    n_points: IntArray
    residuals_before: tuple[FloatArray, ...]
    residuals: tuple[FloatArray, ...]
    used: tuple[BoolArray, ...]
    scatter_before: float
    scatter: float
    held_out_gain: tuple[float, float]
    bic_change: float
    verdict: Literal["good", "doubtful", "failed"]
    reasons: tuple[str, ...]
    degenerate: tuple[str, ...]

    names = DISPLACEMENTS

    @property
    def standard_errors(self) -> FloatArray:
        """Standard errors, shape (n_modules, 6), m and rad: infinite where not told, 0 where not refined."""
        errors = np.sqrt(np.maximum(np.diag(self.covariance), 0.0)).reshape(self.displacements.shape)
        return np.where(self.told | (errors == 0), errors, np.inf)

    def save(self, path: Any, *, force: bool = False) -> None:
        """Write the detector as a NeXus detector file (pyFAI reads it too).

        Raises
        ------
        ParameterError
            The refinement failed.
        OutputExistsError
            The file exists and `force` is False.
        """
        import azimuthal._upward as upward

        if self.verdict == "failed":
            raise ParameterError(f"save: the refinement of modules failed ({self.reasons[0]}); nothing was written.")
        upward.find("save_detector")(self.detector, path, force=force)

    def summary(self) -> str:
        """Return the refinement in words."""
        used = np.concatenate(self.used)
        medians = [
            float(np.median(np.abs(np.concatenate(one)[used]))) for one in (self.residuals_before, self.residuals)
        ]
        gain, error = self.held_out_gain
        lines = [f"verdict: {self.verdict}", *(f"  - {reason}" for reason in self.reasons)]
        seen, images = int((self.n_points > 0).sum()), f"{len(self.used)} image{'s' if len(self.used) > 1 else ''}"
        scatter = f"scatter beyond counting {self.scatter_before:.3f} -> {self.scatter:.3f} pixel"
        lines += [
            f"{seen} of {self.n_points.size} modules seen, {int(used.sum())} points, {images}",
            f"residuals: median {medians[0]:.3f} -> {medians[1]:.3f} pixel; {scatter}",
            f"held-out points: squared residuals fall by {gain:.2f} ± {error:.2f}; BIC {self.bic_change:+.0f}",
            "module  points  shift1 / pixel     shift2 / pixel     rotation / mrad",
        ]
        scale = np.array([1 / self.detector.pixel1, 1 / self.detector.pixel2, 1e3])
        for k, (row, error_row) in enumerate(zip(self.displacements, self.standard_errors, strict=True)):
            cells = [
                f"{value:+8.3f} ± {uncertainty:<6.3f}" if np.isfinite(uncertainty) else f"{value:+8.3f} not told"
                for value, uncertainty in zip(row[:3] * scale, error_row[:3] * scale, strict=True)
            ]
            lines.append(f"{k:>6}  {self.n_points[k]:>6}  {'  '.join(cells)}")
        return "\n".join(lines)


# ---- which pixels are which module -------------------------------------------------------------------------------


def module_rectangles(detector: Detector, modules: Any = None) -> tuple[tuple[int, int, int, int], ...]:
    """Return the modules of a detector as rectangles of native pixels: first row, first column, rows, columns.

    Parameters
    ----------
    detector:
        Its own displaced modules, or its grid of modules, are taken.
    modules:
        For other detectors: the number of the module of each pixel of the image, from 0, negative where there is none.

    Raises
    ------
    ParameterError
        The detector has no modules that are known, or a module is no rectangle.
    """
    if modules is not None:
        return _rectangles_of(np.asarray(modules), detector)
    if isinstance(detector.layout, DisplacedModules):
        return tuple(module.rectangle for module in detector.layout.modules)
    grid = detector.modules
    if grid is None or grid.count == (1, 1):
        raise ParameterError(
            f"modules: {detector.name} has no modules that are known. Pass an array of the image's shape with the "
            "number of each pixel's module (negative: none), or refine a distortion (azimuthal.calibration.distortion)."
        )
    steps = [size + gap for size, gap in zip(grid.size, grid.gap, strict=True)]
    return tuple(
        (i * steps[0], j * steps[1], grid.size[0], grid.size[1])
        for i in range(grid.count[0])
        for j in range(grid.count[1])
    )


def module_map(detector: Detector, modules: Any = None) -> IntArray:
    """Return the number of the module of each pixel of the image, int64, -1 where there is none."""
    return _image_labels(detector, module_rectangles(detector, modules))


def _image_labels(detector: Detector, rectangles: Sequence[tuple[int, int, int, int]]) -> IntArray:
    if detector.binning != (1, 1):
        raise UnsupportedOptionError(
            f"modules: {detector.name} has combined pixels; refine the modules of the unbinned detector."
        )
    native = np.full(detector.layout.shape, -1, dtype=np.int64)
    for number, (row, column, rows, columns) in enumerate(rectangles):
        native[row : row + rows, column : column + columns] = number
    (row, column), (rows, columns) = detector.origin, detector.shape
    labels: IntArray = image_from_native(native[row : row + rows, column : column + columns], detector.orientation)
    return labels


def _rectangles_of(labels: AnyArray, detector: Detector) -> tuple[tuple[int, int, int, int], ...]:
    """Return the rectangles that an image of numbers makes."""
    if labels.shape != detector.shape or labels.dtype.kind not in "iu":
        raise ShapeError(f"modules: expected integers of shape {detector.shape}, got {labels.dtype} {labels.shape}.")
    native = image_from_native(labels.astype(np.int64), detector.orientation)
    found = []
    for number in range(int(native.max(initial=-1)) + 1):
        rows, columns = np.nonzero(native == number)
        if not rows.size:
            raise ParameterError(f"modules: expected numbers from 0 without gaps, got no pixel of module {number}.")
        shape = (int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1)
        if rows.size != shape[0] * shape[1]:
            raise ParameterError(f"modules: the pixels of module {number} are no rectangle; cut it into rectangles.")
        found.append((int(rows.min()) + detector.origin[0], int(columns.min()) + detector.origin[1], *shape))
    if not found:
        raise ParameterError("modules: expected numbers from 0, got no module.")
    return tuple(found)


# ---- the refinement ----------------------------------------------------------------------------------------------


def refine_modules(
    sightings: Sequence[Sighting], *, modules: Any = None, out_of_plane: bool = False, shift_prior: float = 1.0,
    fix: Iterable[str] = (), outliers: float = 5.0,
) -> ModuleRefinement:  # fmt: skip
    """Return the displacements of modules that the points of one or several images agree with best.

    Parameters
    ----------
    sightings:
        One per image; all of one detector.  Points should not mix modules (`parts` of :func:`points_on_rings`).
    modules:
        See :func:`module_rectangles`.
    out_of_plane:
        Refine height and tilts of modules too: wide angles needed, or several distances.
    shift_prior:
        What a module may be off by, pixels; all other priors follow (module docstring).
    fix:
        Parameters of the poses that stay as they are, of dist, poni1, poni2, rot1, rot2; rot3 and the wavelength do.
    outliers:
        Standard deviations beyond which points are left out.

    Raises
    ------
    ParameterError
        No points, different detectors, no modules.
    UnknownNameError
        A parameter is not known.
    """
    problem = _Problem(sightings, modules, out_of_plane, shift_prior, fix)
    start = problem.start.copy()
    start[problem.n_pose :] = 0.0  # the nominal places
    nominal = fitted(problem, start, _pose_only(problem), outliers)
    fit = fitted(problem, problem.start, np.ones(problem.size, dtype=np.bool_), outliers)
    return _described(problem, nominal, fit)


def recalibrated_modules(
    images: Sequence[Any], instruments: Sequence[Instrument], calibrants: Sequence[RingSource], *, mask: Any = None,
    modules: Any = None, settings: RingSettings | None = None, **options: Any,
) -> ModuleRefinement:  # fmt: skip
    """Return the displacements of modules from images of calibrants, points extracted twice.

    Parameters
    ----------
    images:
        Raw values, shape of the detector.
    instruments:
        One per image, recalibrated already: rings within a few pixels of where they predict them.
    calibrants:
        One per image.
    mask:
        True = excluded, in addition to gaps and invalid values.
    modules, options:
        Of :func:`refine_modules`.
    settings:
        Of :func:`points_on_rings`; by default with a window of three widths of the rings.
    """
    check_numbers(images, instruments, calibrants)
    labels = module_map(instruments[0].detector, modules)
    frames = [np.asarray(image) for image in images]
    usable = [usable_pixels(frame, one, mask) for frame, one in zip(frames, instruments, strict=True)]
    current = tuple(instruments)
    found: ModuleRefinement | None = None
    for _ in range(2):
        sightings = [
            Sighting(settled_points(frame, one, calibrant, free, labels, settings), one, calibrant)
            for frame, one, calibrant, free in zip(frames, current, calibrants, usable, strict=True)
        ]
        found = refine_modules(sightings, modules=modules, **options)
        current = found.instruments
    assert found is not None  # the loop ran
    return found


def settled_points(
    frame: AnyArray, instrument: Instrument, calibrant: RingSource, usable: BoolArray, labels: IntArray | None,
    settings: RingSettings | None,
) -> ControlPoints:  # fmt: skip
    """Return control points in a window of three widths of the rings."""
    if settings is None:
        first = points_on_rings(frame, instrument, calibrant, usable=usable, parts=labels)
        if not len(first.points):
            return first.points
        width = float(np.median(first.fwhm))
        settings = RingSettings(search=max(3 * width, 4.0), separation=max(4 * width, 6.0))
    return points_on_rings(frame, instrument, calibrant, usable=usable, parts=labels, settings=settings).points


class _View(NamedTuple):
    """Points of one image: place in the nominal detector, module, expected angle, rad per pixel, error in pixels."""

    positions: FloatArray
    module: IntArray
    expected: FloatArray
    pixel: FloatArray
    sigma: FloatArray
    ring: IntArray


class _Problem:
    """Everything that stays the same.  Parameters: poses of the images one after another, then the modules."""

    def __init__(
        self, sightings: Sequence[Sighting], modules: Any, out_of_plane: bool, shift_prior: float, fix: Iterable[str]
    ) -> None:
        self.sightings = tuple(sightings)
        self.detector = common_detector(self.sightings)
        self.rectangles = module_rectangles(self.detector, modules)
        self.labels = _image_labels(self.detector, self.rectangles)
        layout = self.detector.layout
        self.base: Layout = layout.base if isinstance(layout, DisplacedModules) else layout
        self.centres = _centres(self.base, self.rectangles)
        in_place = self.detector.replace(layout=self.base)
        self.in_place = tuple(
            one._replace(instrument=one.instrument.replace(detector=in_place)) for one in self.sightings
        )
        self.kinds = len(DISPLACEMENTS) if out_of_plane else _IN_PLANE
        if self.base.n_corners != 4 and self.kinds > _IN_PLANE:
            raise UnsupportedOptionError("out_of_plane: pixels with four corners are needed.")
        fixed = checked_fix(fix)
        self.free_pose = np.array([name not in fixed for name in _POSE])
        self.views = tuple(self._view(one) for one in self.in_place)
        self.n_pose, self.n_modules = 5 * len(self.views), len(self.rectangles)
        self.size = self.n_pose + self.n_modules * self.kinds
        self.prior = np.zeros(self.size)
        self.prior[self.n_pose :] = self._prior(positive_number("shift_prior", shift_prior)).ravel() ** -2.0
        self.precision: FloatArray = np.diag(self.prior)
        self.start = np.concatenate([*(_pose_values(one.instrument.pose) for one in self.sightings), self._displaced()])

    def _view(self, sighting: Sighting) -> _View:
        points, instrument = sighting.points, sighting.instrument
        cells = Cells(instrument, points.slow, points.fast)
        slopes = cells.slopes(points.slow, points.fast)
        spacings = np.asarray(sighting.calibrant.d_spacings(), dtype=np.float64)
        if points.ring.max() >= spacings.size:
            raise ParameterError(f"points: ring {points.ring.max()} is not one of {sighting.calibrant.name}.")
        expected = ring_angles(spacings[points.ring], instrument.beam.required_wavelength("modules"))[0]
        known = np.isfinite(points.uncertainty)
        return _View(
            cells.positions(points.slow, points.fast), self.labels[cells.row, cells.column], expected,
            np.hypot(slopes.angle1, slopes.angle2), np.where(known, points.uncertainty, UNKNOWN_UNCERTAINTY),
            points.ring,
        )  # fmt: skip

    def _prior(self, shift: float) -> FloatArray:
        """Return the priors of all displacements, (n_modules, kinds)."""
        pixel = shift * np.sqrt(self.detector.pixel1 * self.detector.pixel2)
        sizes = np.array([[rows * self.detector.pixel1, columns * self.detector.pixel2] for *_, rows, columns in
                          self.rectangles])  # fmt: skip
        angle = pixel / (0.5 * np.hypot(*sizes.T))
        full = np.full(angle.shape, pixel)
        columns = (full, full, angle, _HEIGHT * full, 5 * angle, 5 * angle)
        return np.column_stack(columns[: self.kinds])

    def _displaced(self) -> FloatArray:
        """Return the displacements that the detector has already."""
        layout = self.detector.layout
        if not isinstance(layout, DisplacedModules):
            return np.zeros(self.n_modules * self.kinds)
        by_place = {module.rectangle: module.values for module in layout.modules}
        zero = (0.0,) * len(DISPLACEMENTS)
        return np.array([by_place.get(one, zero)[: self.kinds] for one in self.rectangles]).ravel()

    def displacements(self, x: FloatArray) -> FloatArray:
        """Return the displacements in some parameters, (n_modules, 6)."""
        full = np.zeros((self.n_modules, len(DISPLACEMENTS)))
        full[:, : self.kinds] = x[self.n_pose :].reshape(self.n_modules, self.kinds)
        return full

    def pose(self, number: int, x: FloatArray) -> Pose:
        """Return the pose of one image in some parameters."""
        values = dict(zip(_POSE, x[5 * number : 5 * number + 5].tolist(), strict=True))
        return self.sightings[number].instrument.pose.replace(**values)

    def evaluated(self, number: int, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return residuals (rad) and Jacobian (all parameters) of the points of one image."""
        view, rows = self.views[number], slice(5 * number, 5 * number + 5)
        moved, derivatives = self._moved(view, self.displacements(x))
        angle, pose = two_theta_and_jacobian(moved, self.pose(number, x))
        jacobian = np.zeros((angle.size, self.size))
        jacobian[:, rows] = np.where(self.free_pose, pose[:, :5], 0.0)
        gradient = np.column_stack((-pose[:, 1], -pose[:, 2], pose[:, 0]))  # with respect to the place on the detector
        on = np.flatnonzero(view.module >= 0)
        first = self.n_pose + view.module[on] * self.kinds
        for kind in range(self.kinds):
            jacobian[on, first + kind] = np.einsum("ni,ni->n", gradient[on], derivatives[kind][on])
        return angle - view.expected, jacobian

    def _moved(self, view: _View, displacements: FloatArray) -> tuple[FloatArray, list[FloatArray]]:
        """Return the places of points on displaced modules, and their derivatives by kind of displacement."""
        on = view.module >= 0
        number = np.where(on, view.module, 0)
        arm = view.positions - self.centres[number]
        shift1, shift2, rotation, shift3, tilt1, tilt2 = np.where(on[:, None], displacements[number], 0.0).T
        turns = _turned(arm, rotation, tilt1, tilt2, self.kinds)
        moved = self.centres[number] + turns[0] + np.column_stack((shift1, shift2, shift3))
        unit = np.eye(3)
        derivatives = [np.broadcast_to(unit[0], arm.shape), np.broadcast_to(unit[1], arm.shape), turns[1]]
        if self.kinds > _IN_PLANE:
            derivatives += [np.broadcast_to(unit[2], arm.shape), turns[2], turns[3]]
        return moved, derivatives


def _pose_only(problem: _Problem) -> BoolArray:
    free = np.zeros(problem.size, dtype=np.bool_)
    free[: problem.n_pose] = True
    return free


# ---- what it means -----------------------------------------------------------------------------------------------


def _described(problem: _Problem, nominal: Fit, fit: Fit) -> ModuleRefinement:
    covariance, told, effective = _covariance(problem, fit)
    displacements = problem.displacements(fit.x)
    n_points = sum(
        (np.bincount(view.module[on & (view.module >= 0)], minlength=problem.n_modules)
         for view, on in zip(problem.views, fit.used, strict=True)),
        start=np.zeros(problem.n_modules, dtype=np.int64),
    )  # fmt: skip
    gain = _held_out_gain(problem, nominal, fit)
    change = _bic_change(problem, nominal, fit, effective)
    verdict, reasons = _judged(problem, displacements, told, n_points, gain, change)
    doubt = another_wavelength(problem.in_place, fit)
    if doubt and verdict != "failed":
        verdict, reasons = "doubtful", (*reasons, doubt)
    modules = tuple(
        ModuleDisplacement(rectangle, *row.tolist())
        for rectangle, row in zip(problem.rectangles, displacements, strict=True)
    )
    detector = problem.detector.replace(layout=DisplacedModules(problem.base, modules), file=None)
    instruments = tuple(
        one.instrument.replace(detector=detector, pose=problem.pose(n, fit.x))
        for n, one in enumerate(problem.sightings)
    )
    return ModuleRefinement(
        detector, instruments, displacements, covariance, told, n_points, nominal.residuals, fit.residuals, fit.used,
        nominal.scatter, fit.scatter, gain, change, verdict, reasons, _degenerate(told, n_points, problem.kinds),
    )  # fmt: skip


def _covariance(problem: _Problem, fit: Fit) -> tuple[FloatArray, BoolArray, float]:
    """Return the covariance of the displacements (6 per module), what is told, and the number of parameters in effect.

    Without the gauge: the part of every error that is a rigid motion of all modules is taken out.
    """
    curvature, _, squares = normal_equations(problem, fit.x, fit.used, fit.scatter, exact=True)
    free = np.concatenate((np.tile(problem.free_pose, len(problem.views)), np.ones(problem.n_modules * problem.kinds)))
    index = np.flatnonzero(free)
    total = curvature[np.ix_(index, index)] + np.diag(problem.prior[index])
    inverse = solved(total, np.eye(index.size))
    n = sum(int(on.sum()) for on in fit.used)
    effective = float(np.trace(inverse @ curvature[np.ix_(index, index)]))
    middle = squares[np.ix_(index, index)] * (n / max(n - effective, 1)) + np.diag(problem.prior[index])
    first = int(free[: problem.n_pose].sum())
    project = _without_gauge(problem, fit, curvature, first)
    spread = project @ (inverse @ middle @ inverse)[first:, first:] @ project.T
    posterior = project @ inverse[first:, first:] @ project.T
    prior = problem.prior[problem.n_pose :]
    expected = np.diag(project @ np.diag(1 / prior) @ project.T)
    known = np.diag(posterior) < _TOLD**2 * np.maximum(expected, 1e-12 / prior)
    kinds, names = problem.kinds, len(DISPLACEMENTS)
    full, told = np.zeros((problem.n_modules, names, problem.n_modules, names)), np.zeros((problem.n_modules, names))
    full[:, :kinds, :, :kinds] = spread.reshape(problem.n_modules, kinds, problem.n_modules, kinds)
    told[:, :kinds] = known.reshape(problem.n_modules, kinds)
    return full.reshape(problem.n_modules * names, -1), told.astype(np.bool_), effective - first


def _without_gauge(problem: _Problem, fit: Fit, curvature: FloatArray, first: int) -> FloatArray:
    """Return the matrix that takes rigid motions of all seen modules out of displacements."""
    prior = problem.prior[problem.n_pose :]
    motions = _rigid_motions(problem)
    inner = curvature[problem.n_pose :, problem.n_pose :]
    if first:
        pose = np.flatnonzero(np.diag(curvature)[: problem.n_pose] > 0)
        across = curvature[problem.n_pose :, pose]
        inner = inner - across @ solved(curvature[np.ix_(pose, pose)], across.T)
    kept = [motion for motion in motions if motion @ inner @ motion < _GAUGE * float(motion @ (prior * motion))]
    if not kept:
        return np.eye(prior.size)
    gauge = np.column_stack(kept)
    weighted = gauge * prior[:, None]
    return np.asarray(np.eye(prior.size) - gauge @ np.linalg.solve(gauge.T @ weighted, weighted.T))


def _rigid_motions(problem: _Problem) -> list[FloatArray]:
    """Return the displacements of modules when the detector moves as a whole: shifts, turn; height and tilts."""
    seen = np.zeros(problem.n_modules, dtype=np.bool_)
    for view in problem.views:
        seen[np.unique(view.module[view.module >= 0])] = True
    arm = problem.centres - problem.centres[seen].mean(axis=0) if seen.any() else problem.centres
    columns = np.zeros((6, problem.n_modules, len(DISPLACEMENTS)))
    columns[0, :, 0] = columns[1, :, 1] = columns[3, :, 3] = 1.0
    columns[2, :, 0], columns[2, :, 1], columns[2, :, 2] = -arm[:, 1], arm[:, 0], 1.0
    columns[4, :, 3], columns[4, :, 4] = arm[:, 1], 1.0
    columns[5, :, 3], columns[5, :, 5] = -arm[:, 0], 1.0
    columns[:, ~seen] = 0.0
    n = _IN_PLANE if problem.kinds == _IN_PLANE else 6
    return [column[:, : problem.kinds].ravel() for column in columns[:n]]


def _arcs(view: _View) -> IntArray:
    """Return a number for each point: that of its arc, one ring on one module."""
    pairs = np.column_stack((view.ring, view.module))
    return np.asarray(np.unique(pairs, axis=0, return_inverse=True)[1].ravel())


def _held_out_gain(problem: _Problem, nominal: Fit, fit: Fit) -> tuple[float, float]:
    """Return how much squared residuals of held-out arcs fall with displaced modules: mean of arcs, standard error."""
    gains: list[float] = []
    arcs = [_arcs(view) for view in problem.views]
    pose = _pose_only(problem)
    everything = np.ones(problem.size, dtype=np.bool_)
    for fold in range(_FOLDS):
        train = [on & ((arc * 7 + n) % _FOLDS != fold) for n, (arc, on) in enumerate(zip(arcs, fit.used, strict=True))]
        if not all(one.sum() > 5 for one in train):
            continue
        models = [
            minimised(problem, nominal.x, pose, train, fit.scatter, ROUGH),
            minimised(problem, fit.x, everything, train, fit.scatter, ROUGH),
        ]
        for n, view in enumerate(problem.views):
            test = fit.used[n] & ~train[n]
            squares = [
                np.minimum((problem.evaluated(n, x)[0] / view.pixel / np.hypot(view.sigma, fit.scatter)) ** 2, _CAP)
                for x in models
            ]
            difference = squares[0] - squares[1]
            gains += [float(np.mean(difference[test & (arcs[n] == arc)])) for arc in np.unique(arcs[n][test])]
    if len(gains) < 3:
        return 0.0, float("inf")
    return float(np.mean(gains)), float(np.std(gains, ddof=1) / np.sqrt(len(gains)))


def _bic_change(problem: _Problem, nominal: Fit, fit: Fit, effective: float) -> float:
    """Return the change of Bayes' information criterion by the displacements."""
    sums = []
    for one in (nominal, fit):
        squares = [
            np.minimum((residuals / np.hypot(view.sigma, fit.scatter)) ** 2, _CAP)[on]
            for view, residuals, on in zip(problem.views, one.residuals, fit.used, strict=True)
        ]
        sums.append(float(np.concatenate(squares).sum()))
    n = sum(int(on.sum()) for on in fit.used)
    return float(n * np.log(sums[1] / sums[0]) + effective * np.log(n))


def _judged(
    problem: _Problem, displacements: FloatArray, told: BoolArray, n_points: IntArray, gain: tuple[float, float],
    bic_change: float,
) -> tuple[Literal["good", "doubtful", "failed"], tuple[str, ...]]:  # fmt: skip
    seen = int((n_points > 0).sum())
    if seen < 2:
        return "failed", (f"points on {seen} module{'' if seen == 1 else 's'} only: nothing to compare",)
    doubts = []
    if gain[0] <= _BELIEVED * gain[1] or bic_change >= 0:
        doubts.append(
            "no better than by chance: held-out points do not agree better with displaced modules; keep the nominal "
            "detector"
        )
    if not told.any():
        doubts.append("the rings tell no displacement of any module")
    prior = problem.prior[problem.n_pose :].reshape(problem.n_modules, problem.kinds) ** -0.5
    far = (np.abs(displacements[:, : problem.kinds]) > _FAR * prior) & told[:, : problem.kinds]
    doubts += [
        f"module {m}: {DISPLACEMENTS[j]} is {abs(displacements[m, j]) / prior[m, j]:.1f} times what was thought "
        "possible (shift_prior); is the map of modules right?"
        for m, j in np.argwhere(far).tolist()[:3]
    ]
    return ("doubtful" if doubts else "good"), tuple(doubts)


def _degenerate(told: BoolArray, n_points: IntArray, kinds: int) -> tuple[str, ...]:
    words = []
    for number, row in enumerate(told[:, :kinds]):
        if n_points[number] == 0:
            words.append(f"module {number}: no points; it stays where it is nominally")
        elif not row.all():
            names = ", ".join(name for name, known in zip(DISPLACEMENTS, row, strict=False) if not known)
            words.append(f"module {number}: {names} not told by these rings; held by the prior")
    return tuple(words)


def _centres(base: Layout, rectangles: Sequence[tuple[int, int, int, int]]) -> FloatArray:
    layout = DisplacedModules(base, tuple(ModuleDisplacement(one) for one in rectangles))
    return np.stack([layout.centre(module) for module in layout.modules])


def _pose_values(pose: Pose) -> FloatArray:
    return np.array([getattr(pose, name) for name in _POSE])


def _turned(
    arm: FloatArray, rotation: FloatArray, tilt1: FloatArray, tilt2: FloatArray, kinds: int
) -> list[FloatArray]:
    """Return points turned (:func:`azimuthal.detectors.displaced.rotation_matrix`), each by angles of its own.

    And the derivatives with respect to rotation, and to tilt1 and tilt2 where they are refined.
    """
    (c1, c2, c3), (s1, s2, s3) = ([f(angle) for angle in (tilt1, tilt2, rotation)] for f in (np.cos, np.sin))
    a1, a2, a3 = arm.T
    b2, b3 = c1 * a2 - s1 * a3, s1 * a2 + c1 * a3  # after R1
    d1, d3 = c2 * a1 + s2 * b3, -s2 * a1 + c2 * b3  # after R2
    zero = np.zeros_like(d1)
    turned = [np.column_stack((c3 * d1 - s3 * b2, s3 * d1 + c3 * b2, d3))]
    turned.append(np.column_stack((-s3 * d1 - c3 * b2, c3 * d1 - s3 * b2, zero)))
    if kinds > _IN_PLANE:
        e1, e2, e3 = s2 * b2, -b3, c2 * b2  # tilt1 moves (b2, b3) to (-b3, b2)
        turned.append(np.column_stack((c3 * e1 - s3 * e2, s3 * e1 + c3 * e2, e3)))
        turned.append(np.column_stack((c3 * d3, s3 * d3, -d1)))
    return turned
