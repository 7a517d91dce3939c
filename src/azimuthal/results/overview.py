# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""One picture of an integration: the image, the cake, and the pattern under it.

Cake and pattern share their axis, so that a ring can be followed from the image down to the peak that it becomes.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from azimuthal.errors import ParameterError, ShapeError
from azimuthal.results.cake import Cake
from azimuthal.results.plot import new_figure, plot_profile, save_figure
from azimuthal.results.profile import Profile
from azimuthal.typing import AnyArray, FloatArray, PathLike

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLORS = "magma"
_BLANK = "0.55"
_MARKER: dict[str, Any] = {"color": "0.6", "linewidth": 0.7, "linestyle": (0, (4, 3)), "zorder": 0}


def save_overview(
    image: AnyArray,
    cake: Cake,
    profile: Profile,
    path: PathLike,
    *,
    markers: Mapping[str, float] | None = None,
    center: tuple[float, float] | None = None,
    title: str = "",
    force: bool = False,
) -> Path:
    """Draw image, cake and pattern into one picture file.

    Parameters
    ----------
    image:
        Frame, shape (n_slow, n_fast); NaN where there is nothing to show.
    cake, profile:
        Results of it, over the same radial unit.
    path:
        Where to: ``.png``, ``.svg`` or ``.pdf``.
    markers:
        Name -> position on the radial axis, marked in the pattern; e.g. rings of a calibrant.
    center:
        Where the beam meets the image, (slow, fast) in pixels from its outer corner.
    title:
        Text above the image.
    force:
        Whether an existing file may be replaced.

    Returns
    -------
    :
        The path that was written.

    Raises
    ------
    ShapeError, ParameterError
        The image has not two dimensions; cake and profile are not over the same unit.
    UnknownNameError, OutputExistsError, OutputError, MissingDependencyError
        As for :func:`azimuthal.results.save_picture`.
    """
    if image.ndim != 2:
        raise ShapeError(f"image: expected two dimensions, got shape {image.shape}.")
    if cake.radial_unit != profile.unit:
        raise ParameterError(
            f"cake: expected the unit of the profile, {profile.unit.name}, got {cake.radial_unit.name}."
        )
    figure = new_figure(12.5, 6.4)
    grid = figure.add_gridspec(2, 2, width_ratios=(1.0, 1.15), height_ratios=(1.0, 1.0))
    _draw_image(figure.add_subplot(grid[:, 0]), image, center, title)
    top, bottom = figure.add_subplot(grid[0, 1]), figure.add_subplot(grid[1, 1])
    bottom.sharex(top)
    _draw_cake(top, cake)
    _draw_profile(bottom, profile, markers or {})
    return save_figure(figure, path, force=force)


def _draw_image(axes: Axes, image: AnyArray, center: tuple[float, float] | None, title: str) -> None:
    n_slow, n_fast = image.shape
    axes.set_facecolor(_BLANK)
    axes.imshow(
        np.ma.masked_invalid(image), cmap=_COLORS, extent=(0, n_fast, n_slow, 0), interpolation="antialiased",
        **_brightness(image),
    )  # fmt: skip
    if center is not None and 0 <= center[0] <= n_slow and 0 <= center[1] <= n_fast:
        axes.plot(center[1], center[0], "+", color="white", markersize=12, markeredgewidth=1.2)
    axes.set_xlabel("column (pixels, fast axis)")
    axes.set_ylabel("row (pixels, slow axis)")
    if title:
        axes.set_title(title, parse_math=False)


def _draw_cake(axes: Axes, cake: Cake) -> None:
    intensity = cake.intensity
    axes.set_facecolor(_BLANK)
    axes.pcolormesh(
        cake.radial_axis.edges, cake.azimuthal_axis.edges, np.ma.masked_invalid(intensity), cmap=_COLORS,
        rasterized=True, **_brightness(intensity),
    )  # fmt: skip
    axes.set_ylabel(cake.azimuthal_unit.label)
    axes.tick_params(labelbottom=False)
    axes.set_title("cake: every ring is a straight line")


def _draw_profile(axes: Axes, profile: Profile, markers: Mapping[str, float]) -> None:
    plot_profile(profile, axes, color="#b5367a")
    top = float(np.nanmax(profile.intensity))
    axes.set_ylim(0, 1.18 * top)
    for name, position in markers.items():
        axes.axvline(position, **_MARKER)
        axes.annotate(
            name, (position, 1.165 * top), ha="center", va="top", fontsize=7.5, rotation=90,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8},
        )  # fmt: skip
    axes.set_ylabel("mean intensity ± σ" if profile.sigma is not None else "mean intensity")
    axes.set_title("pattern, and the rings that the lattice predicts" if markers else "pattern")


def _brightness(values: FloatArray) -> dict[str, Any]:
    """Return the scale of colours that shows weak and strong rings alike: logarithmic between two percentiles."""
    positive = values[np.isfinite(values) & (values > 0)]
    if not positive.size:
        return {}
    low, high = np.percentile(positive, (1.0, 99.7))
    return {"norm": "log", "vmin": float(low), "vmax": float(high)} if high > low else {}
