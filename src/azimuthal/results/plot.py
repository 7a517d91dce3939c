# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Pictures of results with matplotlib, which is imported here and nowhere else.

Figures are made as objects, without ``pyplot``: nothing pops up, no global state changes, and it works in
threads.  Only when a user calls ``profile.plot()`` in a session where ``pyplot`` is loaded already does the
picture join its figures.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from azimuthal._pending_file import check_target, pending
from azimuthal._validate import one_of
from azimuthal.errors import DataTypeError, MissingDependencyError
from azimuthal.results.cake import Cake
from azimuthal.results.profile import Profile
from azimuthal.typing import Average, FloatArray, PathLike
from azimuthal.units import Unit

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PICTURE_FORMATS = ("png", "svg", "pdf")

_INTENSITY_LABELS: dict[Average, str] = {
    "ratio_of_sums": "mean intensity",
    "mean_of_ratios": "mean intensity (mean of ratios)",
    "sum": "summed intensity",
}


def plot_profile(profile: Profile, ax: Axes | None = None, **options: Any) -> Axes:
    """Draw a profile as a line, with a band of one sigma when there is one.

    Parameters
    ----------
    profile:
        What to draw; empty bins are gaps.
    ax:
        Axes to draw into; new ones when None.
    **options:
        Passed to ``Axes.plot``, e.g. ``label`` or ``color``.

    Returns
    -------
    :
        The axes, labelled with quantity and unit.
    """
    axes = _new_axes() if ax is None else ax
    x, intensity, sigma = profile.radial, profile.intensity, profile.sigma
    (line,) = axes.plot(x, intensity, **{"linewidth": 1.0, **options})
    if sigma is not None:
        band = axes.fill_between(x, intensity - sigma, intensity + sigma, alpha=0.3, linewidth=0)
        band.set_facecolor(line.get_color())
    axes.set_xlim(float(profile.edges[0]), float(profile.edges[-1]))
    axes.set_xlabel(_axis_label(profile.unit))
    axes.set_ylabel(_INTENSITY_LABELS[profile.average])
    return axes


def plot_cake(cake: Cake, ax: Axes | None = None, **options: Any) -> Axes:
    """Draw a cake as an image, azimuth upwards, empty bins blank; bins may have any width.

    Parameters
    ----------
    cake:
        What to draw.
    ax:
        Axes to draw into; new ones when None.
    **options:
        Passed to ``Axes.pcolormesh``; without ``vmin``, ``vmax`` or ``norm`` the darkest and brightest
        hundredth is clipped.

    Returns
    -------
    :
        The axes, labelled with quantities and units, with a colour bar beside them.
    """
    axes = _new_axes() if ax is None else ax
    intensity = np.ma.masked_invalid(cake.intensity)
    limits = {} if {"vmin", "vmax", "norm"} & options.keys() else _limits(intensity.compressed())
    image = axes.pcolormesh(
        cake.radial_axis.edges,
        cake.azimuthal_axis.edges,
        intensity,
        **{"rasterized": True, **limits, **options},
    )
    figure = axes.get_figure()
    if figure is not None:
        figure.colorbar(image, ax=axes, label=_INTENSITY_LABELS[cake.average])
    axes.set_xlabel(_axis_label(cake.radial_unit))
    axes.set_ylabel(_axis_label(cake.azimuthal_unit))
    return axes


def save_picture(result: Profile | Cake, path: PathLike, *, force: bool = False, **options: Any) -> Path:
    """Draw a result into a picture file.

    Parameters
    ----------
    result:
        A profile or a cake.
    path:
        Where to; the extension, ``.png``, ``.svg`` or ``.pdf``, is the format.
    force:
        Whether an existing file may be replaced.
    **options:
        Passed to :func:`plot_profile` or :func:`plot_cake`.

    Returns
    -------
    :
        The path that was written.

    Raises
    ------
    UnknownNameError
        The extension is none of the three.
    OutputExistsError, OutputError
        The file exists and `force` is False, or it cannot be written; nothing half-written is left.
    MissingDependencyError
        matplotlib is not installed.
    """
    check_picture(path)
    figure = new_figure()
    _draw(result, figure.add_subplot(), options)
    return save_figure(figure, path, force=force)


def check_picture(path: PathLike) -> None:
    """Raise unless a picture can be drawn for a file of this name; nothing is created.

    Raises
    ------
    UnknownNameError
        The extension is not that of a picture.
    MissingDependencyError
        matplotlib is not installed.
    """
    one_of("path: extension", _extension(path), PICTURE_FORMATS)
    new_figure()


def save_figure(figure: Figure, path: PathLike, *, force: bool = False) -> Path:
    """Write a figure to a picture file; raises as :func:`save_picture` does."""
    target = Path(path)
    format_name = one_of("path: extension", _extension(path), PICTURE_FORMATS)
    check_target(target, force=force)
    picture = io.BytesIO()
    figure.savefig(picture, format=format_name, dpi=150)
    with pending(target, force=force) as temporary:
        temporary.write_bytes(picture.getvalue())
    return target


def _extension(path: PathLike) -> str:
    return Path(path).suffix.lower().removeprefix(".")


def _draw(result: Profile | Cake, axes: Axes, options: dict[str, Any]) -> None:
    if isinstance(result, Profile):
        plot_profile(result, axes, **options)
    elif isinstance(result, Cake):
        plot_cake(result, axes, **options)
    else:
        raise DataTypeError(f"result: expected a Profile or a Cake, got {type(result).__name__}.")
    label = result.metadata.get("label")
    if label:
        axes.set_title(str(label), parse_math=False)


def _axis_label(unit: Unit) -> str:
    """Return the unit's label; a dollar sign would start mathematics."""
    return unit.label.replace("$", r"\$")


def _limits(values: FloatArray) -> dict[str, float]:
    if not values.size:
        return {}
    low, high = np.percentile(values, (1, 99))
    return {"vmin": float(low), "vmax": float(high)} if high > low else {}


def _new_axes() -> Axes:
    pyplot = sys.modules.get("matplotlib.pyplot")
    axes: Axes = new_figure().add_subplot() if pyplot is None else pyplot.subplots(layout="constrained")[1]
    return axes


def new_figure(width: float = 7.0, height: float = 4.2) -> Figure:
    """Return a figure that belongs to nobody, drawn by Agg; size in inches."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingDependencyError(
            "plotting needs the package matplotlib, which is absent. Run: pip install 'azimuthal[plot]'"
        ) from error
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure
