# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""One picture: frames per second of everybody, case by case."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from azimuthal.pipelines.benchmark.contenders import limits, ours
from azimuthal.pipelines.benchmark.measurement import Measurement
from azimuthal.pipelines.benchmark.report import BenchmarkReport
from azimuthal.results.plot import new_figure, save_figure
from azimuthal.typing import PathLike

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLORS = {
    ours.name: "#b5367a", "pyFAI": "#3b6fb6", "bslz4_to_sparse": "#e08a1e", "numpy.bincount": "#5b9e4d",
    "scipy CSR": "#8d6e63",
}  # fmt: skip
_OTHER = "#17a2a2"
_ONE_FRAME = "#dd9bbd"
_LIMITS = {limits.MEMORY: "#e3e3e3", limits.LZ4: "#bdbdbd", limits.H5PY: "#8f8f8f"}


def save_benchmark_picture(report: BenchmarkReport, path: PathLike, *, force: bool = False) -> Path:
    """Draw the frames per second of the fastest way of everybody, one panel per number of cores.

    Raises
    ------
    UnknownNameError, OutputExistsError, OutputError, MissingDependencyError
        As for :func:`azimuthal.results.save_picture`.
    """
    cores = report.results.cores
    names = list(dict.fromkeys(one.case for one in report.measurements if one.case_kind != "compile"))
    figure = new_figure(5.5 * max(len(cores), 1) + 2.0, 1.2 + 0.55 * max(len(names), 1))
    panels = figure.subplots(1, max(len(cores), 1), sharey=True, sharex=True, squeeze=False)[0]
    for panel, number in zip(panels, cores, strict=False):
        _draw(panel, report, names, number)
        panel.set_title(f"{number} core" if number == 1 else f"{number} cores")
    panels[0].set_yticks(range(len(names)), names)
    panels[0].set_ylim(len(names) - 0.5, -0.5)
    handles = {label: one for panel in panels for one, label in zip(*panel.get_legend_handles_labels(), strict=True)}
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=4, frameon=False)
    return save_figure(figure, path, force=force)


def _draw(axes: Axes, report: BenchmarkReport, names: list[str], cores: int) -> None:
    for row, name in enumerate(names):
        found = _fastest(report, name, cores)
        height = 0.8 / max(len(found), 1)
        for place, (label, one) in enumerate(found.items()):
            y = row - 0.4 + (place + 0.5) * height
            axes.barh(y, 1.0 / one.median, height=0.95 * height, color=_color(one), label=label)
    axes.set_xscale("log")
    axes.set_xlabel("frames per second")
    axes.grid(axis="x", which="both", linewidth=0.3, alpha=0.6)
    axes.set_axisbelow(True)


def _color(one: Measurement) -> str:
    if one.kind == "limit":
        return _LIMITS.get(one.label, _OTHER)
    return _ONE_FRAME if _is_one_frame(one) else _COLORS.get(one.contender, _OTHER)


def _is_one_frame(one: Measurement) -> bool:
    return one.kind == "ours" and one.label == ours.ONE_FRAME


def _fastest(report: BenchmarkReport, case: str, cores: int) -> dict[str, Measurement]:
    """Return label -> the fastest measurement of everybody at a case; a limit is its own label."""
    found: dict[str, Measurement] = {}
    for one in report.measurements:
        if (one.case, one.cores) != (case, cores) or not one.agrees or not one.seconds:
            continue
        label = one.label if one.kind == "limit" else one.contender
        label += ", one frame at a time" if _is_one_frame(one) else ""
        if label not in found or one.median < found[label].median:
            found[label] = one
    return found
