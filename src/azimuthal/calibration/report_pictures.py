# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""The pictures of a calibration report, as PNG.

Each is five inches wide, so that its letters can be read on a phone, and shows one thing.  Colours: grey data, orange
where rings should be, blue what was used, red what was left out; blue to red through white for deviations.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from azimuthal.calibration.calibration import Calibration, Observed
from azimuthal.calibration.residuals import PARAMETERS
from azimuthal.calibration.validation import Rose, Validation
from azimuthal.results.plot import new_figure
from azimuthal.typing import AnyArray, BoolArray, FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Picture", "report_pictures"]

_WIDTH = 5.0  # inches
_DPI = 150
_MOST_PIXELS = 700  # along the longer side of the image
_ORANGE, _BLUE, _RED, _INK, _GREY = "#d95f02", "#1f6fb4", "#c2182b", "#22303c", "#8795a1"
_STATES = {"used": _BLUE, "not seen": _RED, "crowded": _GREY, "not looked for": "#c4ccd3"}
_DASHES, _DOTS = (0, (5, 5)), (0, (1, 4))  # what is below a line must be seen
_ZOOMS = 9
_ZOOM = 15  # pixels to each side
_MOST_STRIPS = 30
_LEAST_SCALE = 0.1  # pixels: colours and axes do not blow up noise beyond this
_HALF_CIRCLE = 180.0  # degrees


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture: what it is, what to look for, and the PNG."""

    name: str
    title: str
    caption: str
    png: bytes


def report_pictures(calibration: Calibration, validation: Validation, seen: Observed) -> tuple[Picture, ...]:
    """Return the pictures; those that would be empty are left out.

    Raises
    ------
    MissingDependencyError
        matplotlib is not installed.
    """
    scene = _Scene(calibration, validation, seen.image, seen.usable)
    return tuple(
        Picture(name, title, " ".join(_CAPTIONS[name].split()), _png(drawn))
        for name, title, draw in _PICTURES
        if (drawn := draw(scene)) is not None
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Scene:
    """What pictures are made of."""

    calibration: Calibration
    validation: Validation
    image: AnyArray
    usable: BoolArray

    @property
    def used(self) -> BoolArray:
        refinement = self.calibration.refinement
        return np.ones(len(self.calibration.control_points), dtype=np.bool_) if refinement is None else refinement.used

    @property
    def states(self) -> dict[int, str]:
        return {place.ring: place.state for place in self.validation.rings}


# ---- the image -----------------------------------------------------------------------------------------------


def _image(scene: _Scene) -> Figure:
    n_slow, n_fast = scene.image.shape
    figure = new_figure(_WIDTH, float(np.clip(_WIDTH * n_slow / n_fast, 1.6, 8.0)) + 0.3)
    axes = figure.add_subplot()
    values = _reduced(scene.image, scene.usable)
    axes.set_facecolor("#dfe4e8")
    _show(axes, values, extent=(-0.5, n_fast - 0.5, n_slow - 0.5, -0.5), interpolation="antialiased")
    states = scene.states
    for line in scene.validation.ring_lines:
        known = states.get(line.ring) == "used"
        axes.plot(line.fast, line.slow, color=_ORANGE, linewidth=1.0, linestyle=_DASHES if known else _DOTS)
    points, used = scene.calibration.control_points, scene.used
    axes.plot(points.fast[used], points.slow[used], ".", color=_BLUE, markersize=2.4, markeredgewidth=0)
    axes.plot(points.fast[~used], points.slow[~used], "x", color=_RED, markersize=3.5, markeredgewidth=0.8)
    _mark_center(axes, scene)
    axes.set(xlim=(-0.5, n_fast - 0.5), ylim=(n_slow - 0.5, -0.5), xlabel="fast / pixel", ylabel="slow / pixel")
    axes.set_aspect("equal")
    return figure


def _mark_center(axes: Axes, scene: _Scene) -> None:
    center, (n_slow, n_fast) = scene.validation.instrument.beam_center, scene.image.shape
    if not scene.validation.is_placed:
        return
    if center is not None and 0 <= center.slow <= n_slow and 0 <= center.fast <= n_fast:
        axes.plot(center.fast - 0.5, center.slow - 0.5, "+", color=_RED, markersize=9, markeredgewidth=1.0)


def _zooms(scene: _Scene) -> Figure | None:
    chosen = _zoom_centers(scene)
    if len(chosen) < 3:
        return None
    n = 3 if len(chosen) >= _ZOOMS else 1
    figure = new_figure(_WIDTH, 1.72 * n + 0.1)
    for number, (slow, fast, ring) in enumerate(chosen[: 3 * n], start=1):
        axes = figure.add_subplot(n, 3, number)
        rows, columns = (
            slice(max(round(c) - _ZOOM, 0), min(round(c) + _ZOOM + 1, size))
            for c, size in zip((slow, fast), scene.image.shape, strict=True)
        )
        values = np.where(scene.usable[rows, columns], scene.image[rows, columns].astype(np.float64), np.nan)
        extent = (columns.start - 0.5, columns.stop - 0.5, rows.stop - 0.5, rows.start - 0.5)
        axes.set_facecolor("#dfe4e8")
        _show(axes, values, extent=extent, interpolation="nearest", robust=(2.0, 99.8))
        for line in scene.validation.ring_lines:
            axes.plot(line.fast, line.slow, color=_ORANGE, linewidth=1.2, linestyle=_DASHES)
        points, used = scene.calibration.control_points, scene.used
        axes.plot(
            points.fast[used], points.slow[used], "o", markersize=4, markerfacecolor="none", markeredgecolor=_BLUE,
            markeredgewidth=0.9,
        )  # fmt: skip
        axes.set(xlim=extent[:2], ylim=extent[2:], xticks=(), yticks=())
        axes.set_title(f"ring {ring}, at {slow:.0f}, {fast:.0f}", fontsize=8)
    return figure


def _zoom_centers(scene: _Scene) -> list[tuple[float, float, int]]:
    """Return points far from each other on the image, taken one after another: the farthest from those before."""
    points = scene.calibration.control_points.select(scene.used)
    if not len(points):
        return []
    places: FloatArray = np.column_stack((points.slow, points.fast))
    inside = np.all((places > _ZOOM) & (places < np.array(scene.image.shape) - _ZOOM), axis=1)
    if inside.sum() >= _ZOOMS:
        points, places = points.select(inside), places[inside]
    chosen = [int(np.nanargmax(np.where(np.isfinite(points.intensity), points.intensity, 0.0)))]
    distance = np.hypot(*(places - places[chosen[0]]).T)
    while len(chosen) < min(_ZOOMS, len(points)):
        chosen.append(int(np.argmax(distance)))
        distance = np.minimum(distance, np.hypot(*(places - places[chosen[-1]]).T))
    return [(float(points.slow[k]), float(points.fast[k]), int(points.ring[k])) for k in sorted(chosen)]


def _show(
    axes: Axes, values: FloatArray, *, extent: tuple[float, float, float, float], interpolation: str,
    robust: tuple[float, float] = (1.0, 99.5),
) -> None:  # fmt: skip
    """Draw values dark on white, compressed so that weak and strong rings are both seen."""
    known = values[np.isfinite(values)]
    low, high = np.percentile(known, robust) if known.size else (0.0, 1.0)
    scale = max(0.1 * (high - low), 1e-12)
    shown = np.arcsinh((values - low) / scale)
    axes.imshow(
        np.ma.masked_invalid(shown), cmap="Greys", vmin=0.0, vmax=max(float(np.arcsinh((high - low) / scale)), 1e-12),
        extent=extent, interpolation=interpolation, aspect="equal",
    )  # fmt: skip


def _reduced(image: AnyArray, usable: BoolArray) -> FloatArray:
    """Return the mean of the usable pixels of blocks, NaN without any, for pictures of a bounded size."""
    step = int(np.ceil(max(image.shape) / _MOST_PIXELS))
    rows, columns = (np.arange(0, n, step) for n in image.shape)
    total = np.empty((rows.size, columns.size))
    count = np.empty_like(total)
    for k, row in enumerate(rows.tolist()):
        block = usable[row : row + step]
        values = np.where(block, image[row : row + step], 0).astype(np.float64)
        total[k] = np.add.reduceat(values.sum(axis=0), columns)
        count[k] = np.add.reduceat(block.sum(axis=0), columns)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(total / np.where(count > 0, count, np.nan))


# ---- residuals -----------------------------------------------------------------------------------------------


def _residual_map(scene: _Scene) -> Figure | None:
    found = scene.validation.residual_map
    if not found.n_points.any():
        return None
    n_slow, n_fast = scene.image.shape
    figure = new_figure(_WIDTH, float(np.clip(0.8 * _WIDTH * n_slow / n_fast, 1.3, 8.0)) + 0.5)
    axes = figure.add_subplot()
    axes.set_facecolor("#eef1f3")
    limit = _limit(found.mean)
    drawn = axes.pcolormesh(
        found.fast_edges, found.slow_edges, np.ma.masked_invalid(found.mean), cmap="RdBu_r", vmin=-limit, vmax=limit
    )
    for line in scene.validation.ring_lines:
        axes.plot(line.fast, line.slow, color=_INK, linewidth=0.25, alpha=0.5)
    _mark_center(axes, scene)
    axes.set(xlim=(-0.5, n_fast - 0.5), ylim=(n_slow - 0.5, -0.5), xlabel="fast / pixel", ylabel="slow / pixel")
    axes.set_aspect("equal")
    figure.colorbar(drawn, ax=axes, label="found - expected / pixel", shrink=0.9)
    return figure


def _rose(scene: _Scene) -> Figure | None:
    """Draw the mean ring as a circle with its deviations magnified; of an arc, as a line."""
    found = scene.validation.rose
    if not found.n_points.any():
        return None
    span = float(found.edges[-1] - found.edges[0])
    limit = _limit(np.concatenate((found.mean, found.ring_mean.ravel())), floor=0.2)
    return _arc(found, limit) if span < _HALF_CIRCLE else _circle(found, limit)


def _arc(found: Rose, limit: float) -> Figure:
    figure = new_figure(_WIDTH, 2.9)
    axes = figure.add_subplot()
    middle = 0.5 * (found.edges[1:] + found.edges[:-1])
    axes.axhline(0.0, color=_ORANGE, linewidth=1.0)
    for row in found.ring_mean:
        axes.plot(middle, row, ".-", color=_GREY, linewidth=0.5, markersize=2, alpha=0.6)
    axes.errorbar(middle, found.mean, yerr=found.error, color=_BLUE, fmt="o-", markersize=3.5, linewidth=1.2)
    axes.set(xlabel=r"$\chi$ / °", ylabel="found - expected / pixel", ylim=(-1.2 * limit, 1.2 * limit))
    return figure


def _circle(found: Rose, limit: float) -> Figure:
    figure = new_figure(_WIDTH, 4.6)
    axes: Any = figure.add_subplot(projection="polar")
    axes.set_theta_zero_location("E")
    axes.set_theta_direction(-1)  # slow grows downwards, as in the image
    middle = np.radians(0.5 * (found.edges[1:] + found.edges[:-1]))
    base = 2.0 * limit
    circle = np.linspace(-np.pi, np.pi, 361)
    axes.plot(circle, np.full_like(circle, base), color=_ORANGE, linewidth=1.2)
    for row in found.ring_mean:
        axes.plot(*_closed(middle, base + np.clip(row, -limit, limit)), color=_GREY, linewidth=0.5, alpha=0.6)
    known = found.n_points > 0
    axes.errorbar(
        middle[known], base + found.mean[known], yerr=found.error[known], color=_BLUE, fmt="o", markersize=3,
        linewidth=1.0,
    )  # fmt: skip
    axes.plot(*_closed(middle, base + found.mean), color=_BLUE, linewidth=1.2)
    ticks = np.array([-1.0, 0.0, 1.0]) * limit
    axes.set_rticks(base + ticks, [f"{tick:+.2g}" if tick else "0 pixel" for tick in ticks], fontsize=7)
    axes.set_rlim(0.0, base + 1.2 * limit)
    axes.set_rlabel_position(22.5)
    axes.set_xticks(np.radians((0, 45, 90, 135, 180, 225, 270, 315)))
    axes.set_xticklabels(("0°", "45°", "90°", "135°", "180°", "-135°", "-90°", "-45°"), fontsize=8)
    axes.grid(color="#d5dbe0", linewidth=0.5)
    return figure


def _closed(azimuth: FloatArray, values: FloatArray) -> tuple[FloatArray, FloatArray]:
    return np.append(azimuth, azimuth[0]), np.append(values, values[0])


def _ring_deviations(scene: _Scene) -> Figure | None:
    deviations = scene.validation.ring_deviations
    if not deviations:
        return None
    angle = {place.ring: np.degrees(place.two_theta) for place in scene.validation.rings}
    x = np.array([angle[one.ring] for one in deviations])
    mean, error, scatter = (np.array([getattr(one, name) for one in deviations]) for name in _DEVIATION_FIELDS)
    figure = new_figure(_WIDTH, 2.9)
    axes = figure.add_subplot()
    axes.axhline(0.0, color=_ORANGE, linewidth=1.0)
    axes.vlines(x, mean - scatter, mean + scatter, color="#cfd8df", linewidth=4.0)
    axes.errorbar(x, mean, yerr=error, fmt="o", color=_BLUE, markersize=3.5, linewidth=1.0, capsize=2)
    offset = [ridge for ridge in scene.validation.ridges if ridge.error.size >= 5 and ridge.ring in angle]
    axes.plot(
        [angle[ridge.ring] for ridge in offset], [ridge.offset for ridge in offset], "s", markersize=4,
        markerfacecolor="none", markeredgecolor=_GREY, markeredgewidth=0.8,
    )  # fmt: skip
    limit = max(1.25 * float(np.abs(mean).max()), float(np.median(scatter)) * 1.5, _LEAST_SCALE)
    axes.set(xlabel=r"$2\theta$ / °", ylabel="found - expected / pixel", ylim=(-limit, limit))
    return figure


_DEVIATION_FIELDS = ("mean", "error", "scatter")


# ---- cake and pattern ----------------------------------------------------------------------------------------


def _cake(scene: _Scene) -> Figure | None:
    if not scene.validation.is_placed:
        return None
    cake = scene.validation.cake
    figure = new_figure(_WIDTH, 4.2)
    axes = figure.add_subplot()
    axes.set_facecolor("#dfe4e8")
    step = int(np.ceil(cake.sums.shape[1] / 600))
    signal, normalization = (
        np.add.reduceat(array, np.arange(0, array.shape[1], step), axis=1)
        for array in (cake.sums.signal, cake.sums.normalization)
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        values = np.where(normalization > 0, signal / normalization, np.nan)
    radial, azimuthal = np.degrees(cake.radial_axis.edges), np.degrees(cake.azimuthal_axis.edges)
    _show(axes, values, extent=(radial[0], radial[-1], azimuthal[-1], azimuthal[0]), interpolation="nearest")
    axes.set_aspect("auto")
    for place in scene.validation.rings:
        dashes = _DASHES if place.state == "used" else _DOTS
        axes.axvline(np.degrees(place.two_theta), color=_ORANGE, linewidth=0.9, linestyle=dashes)
    axes.set(xlim=(radial[0], radial[-1]), ylim=(azimuthal[0], azimuthal[-1]), xlabel=r"$2\theta$ / °")
    axes.set_ylabel(r"$\chi$ / °")
    return figure


def _straightness(scene: _Scene) -> Figure | None:
    """Draw every ring of the cake as a strip, its deviation magnified."""
    ridges = [ridge for ridge in scene.validation.ridges if ridge.error.size >= 5]
    if not ridges:
        return None
    ridges = [ridges[k] for k in np.unique(np.linspace(0, len(ridges) - 1, _MOST_STRIPS).astype(int))]
    limit = _limit(np.concatenate([ridge.deviation for ridge in ridges]), floor=0.2)
    figure = new_figure(_WIDTH, 4.2)
    axes = figure.add_subplot()
    for number, ridge in enumerate(ridges):
        axes.axvline(number, color=_ORANGE, linewidth=0.8)
        x = number + 0.45 * np.clip(ridge.deviation / limit, -1, 1)
        axes.hlines(
            ridge.azimuth, x - 0.45 * ridge.error / limit, x + 0.45 * ridge.error / limit, color=_BLUE, linewidth=0.4,
            alpha=0.35,
        )  # fmt: skip
        axes.plot(x, ridge.azimuth, ".", color=_BLUE, markersize=2.2, markeredgewidth=0)
    every = max(len(ridges) // 10, 1)
    axes.set_xticks(range(0, len(ridges), every), [str(ridge.ring) for ridge in ridges[::every]])
    axes.set(xlim=(-0.6, len(ridges) - 0.4), xlabel="ring", ylabel=r"$\chi$ / °")
    axes.set_title(f"from one orange line to half way to the next: {limit:.2g} pixel", fontsize=8)
    return figure


def _pattern(scene: _Scene) -> Figure | None:
    if not scene.validation.is_placed:
        return None
    pattern = scene.validation.pattern
    figure = new_figure(_WIDTH, 3.0)
    axes = figure.add_subplot()
    known = np.isfinite(pattern.intensity)
    x, y = np.degrees(pattern.radial[known]), pattern.intensity[known]
    low, high = np.percentile(y, (0.5, 99.9)) if y.size else (0.0, 1.0)
    height = np.arcsinh((y - low) / max(0.02 * (high - low), 1e-12))
    axes.plot(x, height, color=_INK, linewidth=0.7)
    top = float(height.max(initial=1.0))
    for state, color in _STATES.items():
        places = [np.degrees(place.two_theta) for place in scene.validation.rings if place.state == state]
        if places:
            axes.vlines(places, -0.13 * top, -0.04 * top, color=color, linewidth=1.0, label=state)
    axes.set(xlabel=r"$2\theta$ / °", ylabel="mean intensity, compressed", yticks=(), ylim=(-0.16 * top, 1.05 * top))
    if x.size:
        axes.set_xlim(x[0], x[-1])
    axes.legend(loc="upper right", fontsize=7, frameon=False, ncols=2, title="rings", title_fontsize=7)
    return figure


def _correlations(scene: _Scene) -> Figure | None:
    refinement = scene.calibration.refinement
    if refinement is None:
        return None
    known = np.flatnonzero(np.isfinite(np.diag(refinement.correlations)))
    if known.size < 2:
        return None
    values = refinement.correlations[np.ix_(known, known)]
    names = [PARAMETERS[k] for k in known.tolist()]
    figure = new_figure(_WIDTH, 0.45 * known.size + 0.9)
    axes = figure.add_subplot()
    axes.imshow(values, cmap="RdBu_r", vmin=-1, vmax=1, aspect="auto")
    for (i, j), value in np.ndenumerate(values):
        axes.text(j, i, f"{value:.2f}", ha="center", va="center", color="white" if abs(value) > 0.6 else _INK)
    axes.set_xticks(range(len(names)), names)
    axes.set_yticks(range(len(names)), names)
    return figure


def _limit(values: FloatArray, floor: float = _LEAST_SCALE) -> float:
    """Return where a scale of deviations ends: almost all of them are inside."""
    known = np.abs(values[np.isfinite(values)])
    return max(float(np.percentile(known, 97)) if known.size else floor, floor)


def _png(figure: Figure) -> bytes:
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=_DPI, metadata={"Software": None})
    return stream.getvalue()


_Draw = Callable[[_Scene], "Figure | None"]

_PICTURES: tuple[tuple[str, str, _Draw], ...] = (
    ("image", "Rings over the image", _image),
    ("zooms", "Close up", _zooms),
    ("residual_map", "Residuals over the image", _residual_map),
    ("rose", "Rose of the rings", _rose),
    ("ring_deviations", "Deviation of each ring", _ring_deviations),
    ("cake", "Cake", _cake),
    ("straightness", "How straight, magnified", _straightness),
    ("pattern", "Pattern", _pattern),
    ("correlations", "Correlations of the parameters", _correlations),
)

_CAPTIONS = {
    "image": """Orange dashes: where rings should be (dots: not used). Blue: control points; red crosses: those left
        out; red plus: the beam. Every orange line should lie on a dark ring, and every dark ring under a line.""",
    "zooms": """Single pixels at control points (blue) far from each other. The line should run along the middle of the
        ring.""",
    "residual_map": """Where rings are farther out than expected (red) or farther in (blue). Noise without a pattern is
        good; a half that is red means a wrong centre or tilt, one module of another colour a module out of place.""",
    "rose": """The mean ring by azimuth (blue, with standard errors) beside where it should be (orange), magnified;
        grey: single rings. A circle beside the orange one means a wrong centre, an ellipse a wrong tilt or a
        distortion.""",
    "ring_deviations": """Blue: control points with the standard error of the mean; grey bars: scatter of the points;
        squares: from the cake. A slope means a wrong distance, wavelength or calibrant.""",
    "cake": """The image over two theta and azimuth. Rings should be straight, and under the orange lines.""",
    "straightness": """Where each ring is in the rows of the cake, with errors. A wave means a wrong centre or tilt; a
        ring beside its line a wrong distance; scatter is grains or noise.""",
    "pattern": """Maxima should be above the marks, and marks below maxima. Maxima without marks are of something
        else.""",
    "correlations": """Near +1 or -1: what the rings can hardly tell apart. Such parameters have large errors; two theta
        is known better than they are.""",
}
