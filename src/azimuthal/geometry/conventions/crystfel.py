# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""The geometry files of CrystFEL (``.geom``): panels as vectors in the laboratory.

Frame
    z along the beam, y up, x to complete the right-handed set (x, y, z): to the left when looking downstream,
    to the right when looking against the beam.  Origin at the sample.  Ours is (1, 2, 3) = (y, -x, z).

From a pixel to the laboratory
    A panel is a rectangle of the data array, ``min_fs`` to ``max_fs`` along the fast and ``min_ss`` to
    ``max_ss`` along the slow index, both inclusive.  With ``i`` (slow) and ``j`` (fast) counted from the
    outer corner of the panel's first pixel (centre at 0.5), the pixel size ``1/res`` and the vectors ``fs``
    and ``ss`` in pixels ::

        (x, y, z) = ((corner_x, corner_y, 0) + j fs + i ss) / res + (0, 0, clen + coffset)

    The vectors need not have unit length or be at right angles: refined geometries do not.  ``clen`` is in m
    (or mm when it says so), ``coffset`` in m, ``res`` in pixels per m.  ``detector_shift_x`` and ``_y`` move
    everything, in m or mm.

Syntax
    ``key = value`` or ``panel/key = value`` per line, ``;`` begins a comment.  A key without a panel is the
    default for panels that are *first mentioned below it*.  Names that begin with ``bad`` are bad regions, in
    fs/ss (inclusive, in indices of the data array) or in x/y (pixels of each panel, exclusive, compared with
    the first corner of each pixel).  ``group`` and ``rigid_group`` lines only matter to refinement.

Wavelength
    ``photon_energy`` in eV unless it says keV, or ``wavelength`` in m or A.  ``clen`` and the wavelength may
    name a place in the data file instead of a number; a reader of text cannot follow that, so it raises an
    error that names the place, and the value can be passed to :func:`parse_crystfel`.

What becomes of it
    One panel with vectors at right angles is a pose (:func:`pose_from_crystfel`).  Anything else becomes the
    positions of all pixel corners (:func:`pixels_from_crystfel`).  In the other direction
    (:func:`crystfel_from_pose`, :func:`crystfel_from_edges`) a detector of equal pixels becomes one panel,
    and one with wider rows or columns one panel for each region of equal pixels; nothing is lost.

    Mask files and flags on pixel values need the data.  What is known without them (bad regions,
    ``no_index``, ``mask_edge_pixels``, pixels without a panel) is applied, the rest is kept in the record and
    named in a warning.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from azimuthal._validate import boolean_mask, positive_number
from azimuthal.errors import ConversionError, ConversionLossWarning
from azimuthal.geometry.conventions._crystfel_record import (
    OURS_FROM_CRYSTFEL,
    CrystfelBadRegion,
    CrystfelGeometry,
    CrystfelPanel,
    triple,
)
from azimuthal.geometry.conventions._crystfel_text import IGNORED, format_crystfel, parse_crystfel
from azimuthal.geometry.conventions.panel import Panel, pose_from_panel
from azimuthal.geometry.pose import Pose
from azimuthal.orientation import checked_orientation, orientation_flips
from azimuthal.typing import BoolArray, FloatArray

__all__ = [
    "CrystfelBadRegion",
    "CrystfelGeometry",
    "CrystfelPanel",
    "CrystfelPixels",
    "crystfel_from_edges",
    "crystfel_from_pose",
    "format_crystfel",
    "parse_crystfel",
    "pixels_from_crystfel",
    "pose_from_crystfel",
]

RIGHT_ANGLE_TOLERANCE = 1e-5
"""How far fs and ss of a single panel may be from a right angle, rad: 1 micrometre on a 0.1 m detector."""

_CORNER_STEPS = ((0, 0), (1, 0), (1, 1), (0, 1))  # (slow, fast): A, B, C, D of Detector.corners


class CrystfelPixels(NamedTuple):
    """Explicit pixel positions of a geometry.

    ``corners`` (n_slow, n_fast, 4, 3) in the detector frame, m, in the order of ``Detector.corners``; NaN
    where there is no panel.  ``mask`` (n_slow, n_fast), True where there is no panel or the geometry says
    bad.  ``pose`` has no rotation.  ``wavelength`` in m, or None.
    """

    corners: FloatArray
    mask: BoolArray
    pose: Pose
    wavelength: float | None


def pose_from_crystfel(record: CrystfelGeometry) -> tuple[Pose, float | None, int]:
    """Return the pose, the wavelength in m (or None) and the orientation of a geometry with one panel.

    The pixel sizes are the lengths of ``ss / res`` and ``fs / res``.

    Parameters
    ----------
    record:
        With one panel.

    Returns
    -------
    :
        The orientation is 3, or 2 when the image is a mirror image.

    Raises
    ------
    ConversionError
        More than one panel, a panel that does not begin at pixel (0, 0), fs and ss not at right angles, or
        the sample in the plane of the panel.
    """
    if len(record.panels) != 1:
        raise ConversionError(
            f"CrystFEL: one pose cannot hold {len(record.panels)} panels. Use pixels_from_crystfel for the "
            "positions of all pixels."
        )
    panel = record.panels[0]
    if panel.min_fs or panel.min_ss:
        raise ConversionError(
            f"CrystFEL: panel {panel.name!r} begins at pixel ({panel.min_ss}, {panel.min_fs}) of the data "
            "array. Crop the data, or use pixels_from_crystfel."
        )
    corner, slow, fast = panel.vectors
    pixel1, pixel2 = math.hypot(*slow), math.hypot(*fast)
    deviation = abs(float(slow @ fast)) / (pixel1 * pixel2)
    if deviation > RIGHT_ANGLE_TOLERANCE:
        raise ConversionError(
            f"CrystFEL: fs and ss of panel {panel.name!r} are {deviation:.3g} rad from a right angle, which "
            "a pose cannot hold. Use pixels_from_crystfel."
        )
    flat = Panel(origin=triple(corner), slow=triple(slow / pixel1), fast=triple(fast / pixel2))
    pose, orientation = pose_from_panel(flat, extent=(panel.shape[0] * pixel1, panel.shape[1] * pixel2))
    return pose, record.wavelength, orientation


def pixels_from_crystfel(record: CrystfelGeometry) -> CrystfelPixels:
    """Return the corners of all pixels, the pixels known to be bad, and the pose that goes with them.

    The detector frame is parallel to the laboratory and its origin at the lowest coordinates along axes 1 and
    2; ``dist`` is the z of the corners when it is the same for all, and their mean otherwise.

    Parameters
    ----------
    record:
        With any number of panels.

    Returns
    -------
    :
        Corners, mask, pose and wavelength; new arrays.

    Raises
    ------
    ConversionError
        The panels are not in one two-dimensional array, overlap in it, or are behind the sample.

    Warns
    -----
    ConversionLossWarning
        Mask files and flags on pixel values, by name: they need the data.

    Notes
    -----
    Takes 96 bytes per pixel, and as much again for the largest panel.
    """
    _refuse_several_arrays(record)
    corners = np.full((*record.shape, 4, 3), np.nan)
    covered = np.zeros(record.shape, dtype=np.bool_)
    mask = np.ones(record.shape, dtype=np.bool_)
    for panel in record.panels:
        if covered[panel.slices].any():
            raise ConversionError(f"CrystFEL: panel {panel.name!r} overlaps another one in the data array.")
        covered[panel.slices] = True
        corners[panel.slices] = _panel_corners(panel)
        mask[panel.slices] = _panel_mask(panel, record.bad_regions)
    dist = _distance(corners[..., 2])
    lowest = [float(value) for value in np.nanmin(corners[..., :2], axis=(0, 1, 2))]
    corners -= np.array([*lowest, dist])
    _warn_data_masks(record)
    return CrystfelPixels(corners, mask, Pose(dist, poni1=-lowest[0], poni2=-lowest[1]), record.wavelength)


def crystfel_from_pose(
    pose: Pose,
    pixel1: float,
    pixel2: float,
    shape: tuple[int, int],
    wavelength: float | None = None,
    *,
    orientation: int = 3,
    gap_mask: BoolArray | None = None,
) -> CrystfelGeometry:
    """Return the geometry, with one panel, of a flat detector of equal pixels; nothing is lost.

    Parameters
    ----------
    pose:
        Of the detector.
    pixel1, pixel2:
        Pixel size along the slow and the fast axis, m; ``res`` is ``1/pixel2``.
    shape:
        (rows, columns).
    wavelength:
        m, or None (then the record cannot be written to a file).
    orientation:
        1-4, of the image.
    gap_mask:
        As for :func:`crystfel_from_edges`.

    Warns
    -----
    ConversionLossWarning
        As for :func:`crystfel_from_edges`.
    """
    edges: list[FloatArray] = []
    flips = orientation_flips(checked_orientation(orientation))
    for name, size, count, flip in zip(("pixel1", "pixel2"), (pixel1, pixel2), shape, flips, strict=True):
        positive_number(name, size, unit="m")
        index = np.arange(count, dtype=np.float64)
        index = index[::-1] if flip else index
        edges += [index * size, (index + 1) * size]
    return _geometry(pose, edges, wavelength, gap_mask)


def crystfel_from_edges(
    pose: Pose,
    lower1: FloatArray,
    upper1: FloatArray,
    lower2: FloatArray,
    upper2: FloatArray,
    *,
    wavelength: float | None = None,
    gap_mask: BoolArray | None = None,
) -> CrystfelGeometry:
    """Return the geometry of a flat detector whose pixel edges factor into slow and fast.

    Every region of equal, touching pixels becomes one panel: one for a plain detector, more when some rows or
    columns are wider.

    Parameters
    ----------
    pose:
        Of the detector.
    lower1, upper1, lower2, upper2:
        Edges of each row and column in the detector frame, m, in the order of the image (they fall with the
        index on a mirrored axis), as ``Detector.separable_edges`` gives them.
    wavelength:
        m, or None.
    gap_mask:
        True where there is no pixel, shape (rows, columns).  Full rows and columns become bad regions.

    Warns
    -----
    ConversionLossWarning
        Pixels of `gap_mask` outside full rows and columns, with their number: they need a mask file.
    """
    return _geometry(pose, [lower1, upper1, lower2, upper2], wavelength, gap_mask)


class _Run(NamedTuple):
    """Consecutive equal pixels of one axis: first and last index, outer start and signed step, m."""

    first: int
    last: int
    start: float
    step: float


def _geometry(
    pose: Pose, edges: list[FloatArray], wavelength: float | None, gap_mask: BoolArray | None
) -> CrystfelGeometry:
    """Return the geometry of separable edges."""
    rows, columns = _runs(edges[0], edges[1]), _runs(edges[2], edges[3])
    single = len(rows) == 1 and len(columns) == 1
    panels = tuple(
        _panel_from_runs("panel" if single else f"r{i}c{j}", pose, row, column)
        for i, row in enumerate(rows)
        for j, column in enumerate(columns)
    )
    regions: tuple[CrystfelBadRegion, ...] = ()
    if gap_mask is not None:
        gaps = boolean_mask("gap_mask", gap_mask, (len(edges[0]), len(edges[2])))
        regions = tuple(region for panel in panels for region in _gap_regions(panel, gaps))
        _warn_scattered(gaps)
    return CrystfelGeometry(panels=panels, wavelength=wavelength, bad_regions=regions)


def _runs(lower: FloatArray, upper: FloatArray) -> list[_Run]:
    """Return the runs of equal, touching pixels of one axis."""
    falls = len(lower) > 1 and lower[1] < lower[0]
    starts, ends = (upper, lower) if falls else (lower, upper)
    sizes = ends - starts
    tolerance = 1e-6 * np.abs(sizes[:-1])
    breaks = (np.abs(np.diff(sizes)) > tolerance) | (np.abs(starts[1:] - ends[:-1]) > tolerance)
    lasts = [*(int(index) for index in np.flatnonzero(breaks)), len(lower) - 1]
    firsts = [0, *(index + 1 for index in lasts[:-1])]
    return [
        _Run(first, last, float(starts[first]), float((ends[last] - starts[first]) / (last - first + 1)))
        for first, last in zip(firsts, lasts, strict=True)
    ]


def _panel_from_runs(name: str, pose: Pose, row: _Run, column: _Run) -> CrystfelPanel:
    """Return the panel of a run of rows and a run of columns."""
    pixel = abs(column.step)
    corner = OURS_FROM_CRYSTFEL.T @ pose.lab_from_detector(np.array([row.start, column.start, 0.0]))
    slow, fast = (OURS_FROM_CRYSTFEL.T @ pose.rotation[:, axis] for axis in (0, 1))
    return CrystfelPanel(
        name=name,
        min_fs=column.first,
        max_fs=column.last,
        min_ss=row.first,
        max_ss=row.last,
        corner_x=float(corner[0] / pixel),
        corner_y=float(corner[1] / pixel),
        fs=triple(fast * (column.step / pixel)),
        ss=triple(slow * (row.step / pixel)),
        pixel_size=pixel,
        z=float(corner[2]),
    )


def _gap_regions(panel: CrystfelPanel, gaps: BoolArray) -> list[CrystfelBadRegion]:
    """Return the parts of a panel that are in full rows and columns of gaps."""
    full_rows, full_columns = _full_lines(gaps)
    rows, columns = full_rows[panel.slices[0]], full_columns[panel.slices[1]]
    regions = []
    for first, last in _true_runs(rows):
        span = (panel.min_ss + first, panel.min_ss + last)
        name = f"bad_{panel.name}_rows{span[0]}"
        fast = (panel.min_fs, panel.max_fs)
        regions.append(CrystfelBadRegion(name, fs=fast, ss=span, panel=panel.name))
    for first, last in _true_runs(columns):
        span = (panel.min_fs + first, panel.min_fs + last)
        name = f"bad_{panel.name}_columns{span[0]}"
        slow = (panel.min_ss, panel.max_ss)
        regions.append(CrystfelBadRegion(name, fs=span, ss=slow, panel=panel.name))
    return regions


def _warn_scattered(gaps: BoolArray) -> None:
    """Warn of gaps outside full rows and columns."""
    full_rows, full_columns = _full_lines(gaps)
    scattered = gaps & ~full_rows[:, None] & ~full_columns
    if scattered.any():
        warnings.warn(
            f"CrystFEL: {np.count_nonzero(scattered)} pixels of gap_mask are not in full rows or columns and "
            "are left out of the bad regions. Write them to a mask file.",
            ConversionLossWarning,
            stacklevel=4,
        )


def _full_lines(gaps: BoolArray) -> tuple[BoolArray, BoolArray]:
    """Return which rows and which columns are gaps throughout."""
    return np.asarray(gaps.all(axis=1)), np.asarray(gaps.all(axis=0))


def _true_runs(flags: BoolArray) -> list[tuple[int, int]]:
    """Return (first, last) of the runs of True."""
    steps = np.flatnonzero(np.diff(np.concatenate(([False], flags, [False])).astype(np.int8)))
    return [(int(first), int(end) - 1) for first, end in zip(steps[::2], steps[1::2], strict=True)]


def _panel_corners(panel: CrystfelPanel) -> FloatArray:
    """Return the corners of a panel's pixels in our laboratory frame; shape (n_slow, n_fast, 4, 3)."""
    corner, slow, fast = panel.vectors
    n_slow, n_fast = panel.shape
    steps = np.array(_CORNER_STEPS, dtype=np.float64)
    i = np.arange(n_slow)[:, None, None] + steps[:, 0]
    j = np.arange(n_fast)[None, :, None] + steps[:, 1]
    positions: FloatArray = corner + i[..., None] * slow + j[..., None] * fast
    return positions


def _panel_mask(panel: CrystfelPanel, regions: Iterable[CrystfelBadRegion]) -> BoolArray:
    """Return the bad pixels of a panel that are known without the data."""
    bad: BoolArray = np.full(panel.shape, panel.no_index, dtype=np.bool_)
    i, j = np.arange(panel.shape[0])[:, None], np.arange(panel.shape[1])[None, :]
    width = panel.mask_edge_pixels
    bad |= (i < width) | (i >= panel.shape[0] - width) | (j < width) | (j >= panel.shape[1] - width)
    for region in regions:
        if region.x is not None and region.y is not None:
            x = panel.corner_x + j * panel.fs[0] + i * panel.ss[0]
            y = panel.corner_y + j * panel.fs[1] + i * panel.ss[1]
            bad |= (x > region.x[0]) & (x < region.x[1]) & (y > region.y[0]) & (y < region.y[1])
        elif region.fs is not None and region.ss is not None and region.panel in (None, panel.name):
            slow, fast = i + panel.min_ss, j + panel.min_fs
            in_slow = (slow >= region.ss[0]) & (slow <= region.ss[1])
            bad |= in_slow & (fast >= region.fs[0]) & (fast <= region.fs[1])
    return bad


def _distance(depths: FloatArray) -> float:
    """Return the common z of all corners, or the mean; NaN means no panel."""
    nearest, farthest = float(np.nanmin(depths)), float(np.nanmax(depths))
    dist = nearest if nearest == farthest else float(np.nanmean(depths))
    if dist <= 0:
        raise ConversionError(f"CrystFEL: the panels are at z = {dist} m, behind the sample; expected z > 0.")
    return dist


def _refuse_several_arrays(record: CrystfelGeometry) -> None:
    """Refuse panels that are in different data sets, or in different slices of one."""
    first = record.panels[0]
    for panel in record.panels[1:]:
        if (panel.data, panel.dims) != (first.data, first.dims):
            raise ConversionError(
                f"CrystFEL: panel {panel.name!r} is in {panel.data} with dimensions {', '.join(panel.dims)} "
                f"and panel {first.name!r} in {first.data} with {', '.join(first.dims)}; one image cannot "
                "hold both. Assemble the modules into one two-dimensional array and change the geometry "
                "accordingly."
            )


def _warn_data_masks(record: CrystfelGeometry) -> None:
    """Name the masks and flags that need the data."""
    named = {key: value for panel in record.panels for key, value in panel.other if key not in IGNORED}
    if named:
        listed = ", ".join(f"{key} = {value}" for key, value in named.items())
        warnings.warn(
            f"CrystFEL: masks that need the data are not applied: {listed}. Read them and combine them with the mask.",
            ConversionLossWarning,
            stacklevel=3,
        )
