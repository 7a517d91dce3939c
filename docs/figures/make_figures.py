# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Draw every figure of the documentation from the library itself.

Usage: ``python docs/figures/make_figures.py [--output FOLDER] [NAME ...]``.  Without a folder the pictures
go beside this file.  Nothing is drawn by hand: positions, weights, layers and patterns are asked of azimuthal,
so a figure that contradicts the code cannot be made.
"""

# ruff: noqa: TID253  (a script about pictures needs matplotlib)

from __future__ import annotations

import argparse
import importlib.util
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, LogNorm
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec
from matplotlib.patches import Arc, FancyArrowPatch, FancyBboxPatch, Polygon, Rectangle

import azimuthal as az
from azimuthal.calibration import Calibration, Validation, find_ridges
from azimuthal.corrections import polarization, solid_angle
from azimuthal.orientation import ORIENTATION_NAMES
from azimuthal.splitting import bounding_box, unroll
from azimuthal.testing.calibrant_images import CalibrantLook, calibrant_image
from azimuthal.units.grazing import SampleFrame, is_reachable

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]

INK, BLUE, ORANGE, GREEN = "#22303c", "#2f6690", "#cf5c2b", "#4f7f57"
GREY, LIGHT, PALE = "#8795a1", "#d9e0e6", "#f1f4f6"
PAPER = LinearSegmentedColormap.from_list("paper", ["#ffffff", "#b9cfe0", "#5d8fb5", "#24527a", "#12263a"])
PAPER.set_bad(LIGHT)
SHADE = LinearSegmentedColormap.from_list("shade", ["#e6eff6", "#8fb3cf", "#2f6690", "#12263a"])
SHADE.set_bad("white")
DPI = 120
FONT = {"font.size": 9, "axes.edgecolor": GREY, "text.color": INK, "axes.labelcolor": INK}


# ---- overview ----------------------------------------------------------------------------------------------

CERIA = 5.41153e-10  # lattice constant of CeO2 in m
LINES = {  # h^2 + k^2 + l^2: relative intensity; powder lines of CeO2, rounded
    3: 100, 4: 27, 8: 47, 11: 36, 12: 7, 16: 6, 19: 13, 20: 9, 24: 12, 27: 11, 32: 4, 35: 12, 36: 7,
    40: 7, 43: 5, 44: 3, 48: 3, 51: 8, 52: 4, 56: 6, 59: 6, 64: 2, 67: 3, 68: 3, 72: 4, 75: 4, 76: 2, 80: 2,
}  # fmt: skip


class Simulation(NamedTuple):
    """A frame and the integrator that belongs to it."""

    integrator: az.Integrator
    frame: np.ndarray


def ceria_pattern(q: np.ndarray) -> np.ndarray:
    """Return counts per pixel of a CeO2-like pattern; q in 1/m."""
    counts = 0.3 + 3.0 * np.exp(-q / 1.2e10)
    for squares, height in LINES.items():
        centre = 2 * np.pi * np.sqrt(squares) / CERIA
        width = 1.2e8 * (1 + centre / 1e11)
        counts = counts + 0.08 * height * np.exp(-0.5 * ((q - centre) / width) ** 2)
    return counts


def simulated_ceria() -> Simulation:
    """Return a Poisson-distributed frame on an EIGER2 4M, gaps at the largest values of the type."""
    ai = az.Integrator("Eiger2_4M", dist=0.14, poni1=0.082, poni2=0.06, rot1=-0.12, rot2=0.05, wavelength=3e-11)
    detector, q_unit = ai.detector, az.unit("q_nm^-1")
    expected = np.empty(detector.shape)
    grid = np.linspace(0, 2e11, 20001)
    curve = ceria_pattern(grid)
    for start in range(0, detector.shape[0], 256):
        rows = slice(start, min(start + 256, detector.shape[0]))
        up, across, along = np.moveaxis(ai.pose.lab_from_detector(detector.centers(rows)), -1, 0)
        q = q_unit.to_canonical(q_unit.values(across, up, along, ai.wavelength))
        expected[rows] = np.interp(q, grid, curve)
    expected *= solid_angle(ai.instrument) * polarization(ai.instrument, factor=0.99)
    frame = np.random.default_rng(2026).poisson(expected).astype(np.uint32)
    frame[detector.gap_mask()] = 2**32 - 1
    return Simulation(ai, frame)


def pooled(frame: np.ndarray, masked: np.ndarray, step: int) -> np.ma.MaskedArray:
    """Return the mean over blocks of step x step pixels, for display."""
    n1, n2 = (size // step for size in frame.shape)
    blocks = (n1, step, n2, step)
    live = ~masked[: n1 * step, : n2 * step].reshape(blocks)
    counts = np.where(masked, 0, frame)[: n1 * step, : n2 * step].reshape(blocks).sum(axis=(1, 3))
    number = live.sum(axis=(1, 3))
    return np.ma.masked_where(number == 0, counts / np.maximum(number, 1))


def overview() -> Figure:
    """Draw what the library is for: a frame, its cake, its pattern with error bars."""
    ai, frame = simulated_ceria()
    options = {"polarization_factor": 0.99}
    pattern = ai.integrate1d(frame, 1500, unit="q_nm^-1", error_model="poisson", **options)
    cake = ai.integrate2d(frame, 600, 360, unit="q_nm^-1", **options)

    figure = Figure(figsize=(11, 5.6), layout="constrained")
    grid = GridSpec(2, 2, figure, width_ratios=(1.0, 1.25))
    image_axes = figure.add_subplot(grid[:, 0])
    shown = pooled(frame, ai.detector.gap_mask(), 5)
    image_axes.imshow(shown, cmap=PAPER, norm=LogNorm(0.12, 8), origin="lower", interpolation="nearest")
    image_axes.set(xticks=[], yticks=[], title="detector image")

    cake_axes = figure.add_subplot(grid[0, 1])
    values = np.ma.masked_invalid(cake.intensity)
    cake_axes.pcolormesh(
        cake.radial_axis.edges,
        cake.azimuthal_axis.edges,
        values,
        cmap=PAPER,
        norm=LogNorm(0.2, 9),
        rasterized=True,
    )
    cake_axes.set(ylabel="χ (deg)", yticks=(-180, -90, 0, 90, 180), title="cake")
    pattern_axes = figure.add_subplot(grid[1, 1], sharex=cake_axes)
    cake_axes.tick_params(labelbottom=False)
    draw_pattern(pattern_axes, pattern)
    return figure


def draw_pattern(axes: Axes, pattern: az.Profile) -> None:
    """Draw a profile, and one peak of it with its error bars."""
    q, intensity, sigma = pattern
    axes.plot(q, intensity, color=BLUE, linewidth=0.8)
    axes.set(xlabel="q (nm⁻¹)", ylabel="mean intensity", title="pattern", xlim=(0, 120))
    inset = axes.inset_axes((0.55, 0.38, 0.43, 0.58))
    low, high = 100.0, 105.0
    part = (q > low) & (q < high)
    inset.errorbar(
        q[part], intensity[part], sigma[part], fmt="o", ms=1.6, color=BLUE, ecolor=ORANGE, elinewidth=1.1, capsize=1.6
    )
    inset.set(xlim=(low, high))
    inset.tick_params(labelsize=7, colors=GREY)
    inset.text(0.62, 0.94, "I ± σ", transform=inset.transAxes, va="top", fontsize=8)
    axes.indicate_inset_zoom(inset, edgecolor=GREY, alpha=0.6)


# ---- architecture ------------------------------------------------------------------------------------------


class Box(NamedTuple):
    """A room in the drawing: place, size, module, what it does."""

    x: float
    y: float
    width: float
    module: str
    text: str


ONCE = (
    Box(0.0, 3.1, 2.0, "instrument", "detector, pose,\nbeam"),
    Box(2.3, 3.1, 2.0, "units", "quantity, unit,\nbin edges"),
    Box(4.6, 3.1, 2.0, "splitting", "pixels shared\namong bins"),
    Box(6.9, 3.1, 2.0, "corrections", "offset and\nnormalisation"),
    Box(9.2, 3.1, 2.0, "masks", "pixels that\nnever count"),
)
EACH_FRAME = (
    Box(0.0, 0.0, 2.0, "io.frames", "frame source:\nshape, dtype, read(i)"),
    Box(3.05, 0.0, 2.0, "integrate.plan", "the plan, called\nwith a frame"),
    Box(6.1, 0.0, 2.0, "engines", "one weighted sum;\nno physics"),
    Box(9.2, 0.0, 2.0, "results", "sums; profile\nor cake"),
)
BOX_HEIGHT = 0.95


def architecture() -> Figure:
    """Draw a frame's way through the rooms, and the layers that imports must follow."""
    figure = Figure(figsize=(11.5, 5.2), layout="constrained")
    flow, layers = figure.subplots(1, 2, width_ratios=(2.5, 1))
    draw_flow(flow)
    draw_layers(layers)
    return figure


def draw_flow(axes: Axes) -> None:
    """Draw the two rows of rooms: what is done once, and what is done for each frame."""
    axes.set(xlim=(-0.3, 11.5), ylim=(-1.5, 4.9))
    axes.axis("off")
    compile_box = Box(3.05, 1.55, 5.05, "integrate.plan", "compile(spec, arrays): one sparse matrix, three arrays")
    for box in (*ONCE, *EACH_FRAME):
        draw_box(axes, box, PALE)
    draw_box(axes, compile_box, "#dfe9f1", height=0.75)
    for box in ONCE:
        target = min(max(box.x + box.width / 2, 3.4), 7.75)
        arrow(axes, (box.x + box.width / 2, 3.1), (target, 2.32), GREY)
    arrow(axes, (4.05, 1.55), (4.05, BOX_HEIGHT + 0.02), BLUE)
    for left, right, label in zip(EACH_FRAME, EACH_FRAME[1:], ("frame", "frame", "five sums\nper bin"), strict=False):
        start, stop = left.x + left.width, right.x
        arrow(axes, (start, 0.48), (stop, 0.48), BLUE)
        axes.text((start + stop) / 2, 0.56, label, ha="center", va="bottom", fontsize=7.5, color=BLUE)
    axes.text(-0.1, 4.62, "once", fontsize=11, color=GREY, style="italic")
    axes.text(-0.1, 1.15, "each frame", fontsize=11, color=GREY, style="italic")
    axes.text(1.0, -0.95, "images: TIFF, EDF, CBF,\nHDF5, arrays ...", ha="center", va="center", fontsize=8)
    axes.text(10.2, -0.95, "io.writers: NXazint, .xye,\n.chi, .csv, .npz ...", ha="center", va="center", fontsize=8)
    arrow(axes, (1.0, -0.62), (1.0, -0.02), ORANGE)
    arrow(axes, (10.2, -0.02), (10.2, -0.62), ORANGE)
    axes.text(1.0, 4.42, "geometry file", ha="center", va="bottom", fontsize=8)
    arrow(axes, (1.0, 4.4), (1.0, 4.07), ORANGE)


def draw_box(axes: Axes, box: Box, color: str, height: float = BOX_HEIGHT) -> None:
    """Draw one room; it must exist."""
    if importlib.util.find_spec(f"azimuthal.{box.module}") is None:
        raise LookupError(f"the figure names azimuthal.{box.module}, which does not exist")
    shape = FancyBboxPatch(
        (box.x, box.y), box.width, height, boxstyle="round,pad=0,rounding_size=0.08", fc=color, ec=GREY, lw=0.8
    )
    axes.add_patch(shape)
    middle = box.x + box.width / 2
    axes.text(middle, box.y + height - 0.12, box.module, ha="center", va="top", weight="bold", fontsize=9)
    axes.text(middle, box.y + 0.08, box.text, ha="center", va="bottom", fontsize=7.5)


def arrow(axes: Axes, start: tuple[float, float], stop: tuple[float, float], color: str, **options: Any) -> None:
    """Draw an arrow in data coordinates."""
    style = {"arrowstyle": "-|>", "mutation_scale": 10, "lw": 1.1, "shrinkA": 0, "shrinkB": 0} | options
    axes.add_patch(FancyArrowPatch(start, stop, color=color, **style))


def draw_layers(axes: Axes) -> None:
    """Draw the layers of the import contract, read from pyproject.toml; rooms yet to be built are left out."""
    configuration = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = configuration["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    rows = []
    for layer in layers:
        rooms = [room.strip() for room in layer.split("|")]
        rows.append([room for room in rooms if not room.startswith("(")])
    rows = [row for row in rows if row]
    axes.set(xlim=(0, 10), ylim=(-0.9, len(rows) + 0.75))
    axes.axis("off")
    axes.text(5, len(rows) + 0.3, "imports point down", ha="center", fontsize=11, color=GREY, style="italic")
    for k, row in enumerate(reversed(rows)):
        axes.add_patch(Rectangle((0.4, k + 0.08), 9.2, 0.84, fc=PALE, ec=GREY, lw=0.6))
        split = row if len(row) <= 4 else [*row[:3], "\n" + row[3], *row[4:]]
        axes.text(5, k + 0.5, "   ".join(split), ha="center", va="center", fontsize=8, linespacing=1.15)
    arrow(axes, (9.9, len(rows) - 0.2), (9.9, 0.1), ORANGE)
    axes.text(5, -0.4, "the core, _core, is reached from modules\ncalled native or _native only", ha="center",
              va="center", fontsize=7.5, color=GREY)  # fmt: skip


# ---- conventions -------------------------------------------------------------------------------------------

PIXEL = 1e-2  # large pixels: they can be seen
SMALL = az.Detector(pixel1=PIXEL, pixel2=PIXEL, shape=(9, 12))


def seen(pose: az.Pose, points: np.ndarray) -> np.ndarray:
    """Return where detector points appear to an eye at the sample: (right, up) on a screen at 1 m."""
    lab = pose.lab_from_detector(points)
    return np.stack([lab[..., 1] / lab[..., 2], lab[..., 0] / lab[..., 2]], axis=-1)


def on_detector(slow: Any, fast: Any) -> np.ndarray:
    """Return detector-frame positions of coordinates in m."""
    slow, fast = np.broadcast_arrays(np.asarray(slow, float), np.asarray(fast, float))
    return np.stack([slow, fast, np.zeros_like(slow)], axis=-1)


def draw_detector(axes: Axes, pose: az.Pose, color: str, **options: Any) -> None:
    """Draw the pixels of the small detector as the sample sees them."""
    for pixel in seen(pose, SMALL.corners()).reshape(-1, 4, 2):
        axes.add_patch(Polygon(pixel, fill=False, ec=color, **({"lw": 0.5} | options)))


def conventions() -> Figure:
    """Draw frames, angles and the signs of the rotations."""
    figure = Figure(figsize=(11, 8.2), layout="constrained")
    grid = GridSpec(2, 6, figure, height_ratios=(1.35, 1))
    draw_view(figure.add_subplot(grid[0, :4]))
    draw_side(figure.add_subplot(grid[0, 4:]))
    for k, (name, words) in enumerate(
        (
            ("rot1", "left-handed about axis 1:\nthe detector moves to +2"),
            ("rot2", "left-handed about axis 2:\nthe detector moves to −1"),
            ("rot3", "right-handed about axis 3 (the beam):\nclockwise seen from the sample"),
        )
    ):
        draw_rotation(figure.add_subplot(grid[1, 2 * k : 2 * k + 2]), name, words)
    return figure


def draw_view(axes: Axes) -> None:
    """Draw the detector seen from the sample: axes, PONI, beam, chi, two theta."""
    pose = az.Pose(dist=0.16, poni1=0.034, poni2=0.040, rot1=-0.17, rot2=0.06)
    ai = az.Integrator(SMALL, *(getattr(pose, name) for name in ("dist", "poni1", "poni2", "rot1", "rot2")))
    draw_detector(axes, pose, LIGHT, lw=0.8)
    outline = on_detector([0, 0.09, 0.09, 0], [0, 0, 0.12, 0.12])
    axes.add_patch(Polygon(seen(pose, outline), fill=False, ec=INK, lw=1.2))
    axes.add_patch(Polygon(seen(pose, SMALL.corners()[0, 0]), fc=BLUE, alpha=0.35, lw=0))

    corner = seen(pose, on_detector(0.0, 0.0))
    for tip, name in (((0.034, 0.0), "slow index i"), ((0.0, 0.040), "fast index j")):
        arrow(axes, tuple(corner), tuple(seen(pose, on_detector(*tip))), BLUE, lw=1.8, zorder=4)
        middle = seen(pose, on_detector(*(0.5 * np.array(tip))))
        slow = "slow" in name
        axes.annotate(name, middle, (-8, 14) if slow else (0, -8), textcoords="offset points", color=BLUE,
                      rotation=90 if slow else 0, ha="right" if slow else "center",
                      va="center" if slow else "top")  # fmt: skip
    axes.annotate("native pixel\n(0, 0)", corner, (-6, 4), textcoords="offset points", color=BLUE, ha="right")

    foot = seen(pose, on_detector(pose.poni1, pose.poni2))
    axes.plot(*foot, "o", color=ORANGE, ms=6)
    axes.annotate("PONI (poni1, poni2)", foot, (-8, -13), textcoords="offset points", color=ORANGE, ha="right")
    for ends, name in (
        (((0, pose.poni2), (pose.poni1, pose.poni2)), "poni1"),
        (((pose.poni1, 0), (pose.poni1, pose.poni2)), "poni2"),
    ):
        line = seen(pose, on_detector(*zip(*ends, strict=True)))
        axes.plot(*line.T, color=ORANGE, lw=1, ls=(0, (4, 2)))
        axes.annotate(name, line.mean(axis=0), (4, 0) if name == "poni1" else (0, 4), textcoords="offset points",
                      color=ORANGE, va="center" if name == "poni1" else "bottom",
                      ha="left" if name == "poni1" else "center")  # fmt: skip
    center = ai.instrument.beam_center
    assert center is not None
    beam = seen(pose, on_detector(center.slow * PIXEL, center.fast * PIXEL))
    draw_angles(axes, tuple(beam))
    axes.annotate("beam centre", beam, (6, -12), textcoords="offset points", color=INK)
    axes.set(xlim=(-0.74, 0.50), ylim=(-0.40, 0.34), aspect="equal", xticks=[], yticks=[])
    axes.set_title("seen from the sample, looking along the beam")
    draw_triad(axes)


def draw_angles(axes: Axes, beam: tuple[float, float]) -> None:
    """Draw 2theta as a circle around the beam, chi as an angle, and a ray to some pixel."""
    radius, chi = 0.27, 38.0
    circle = np.deg2rad(np.linspace(0, 360, 181))
    axes.plot(beam[0] + radius * np.cos(circle), beam[1] + radius * np.sin(circle), color=GREEN, lw=0.9, ls=":")
    axes.plot([beam[0], beam[0] + 0.42], [beam[1]] * 2, color=GREEN, lw=0.8)
    tip = (beam[0] + radius * np.cos(np.deg2rad(chi)), beam[1] + radius * np.sin(np.deg2rad(chi)))
    arrow(axes, beam, tip, GREEN)
    axes.add_patch(Arc(beam, 0.24, 0.24, theta1=0, theta2=chi, color=GREEN, lw=1.2))
    axes.text(beam[0] + 0.135, beam[1] + 0.04, "χ", color=GREEN, fontsize=12)
    axes.text(beam[0] + 0.43, beam[1], "χ = 0", color=GREEN, va="center")
    axes.text(beam[0], beam[1] + radius + 0.008, "2θ = const", color=GREEN, ha="center", va="bottom")
    axes.plot(*beam, "x", color=INK, ms=7, mew=1.6)


def draw_triad(axes: Axes) -> None:
    """Draw the laboratory axes beside the detector."""
    origin = np.array([-0.635, 0.14])
    for step, name, where in (((0, 0.13), "1 (up)", "bottom"), ((0.13, 0), "2", "center")):
        arrow(axes, tuple(origin), tuple(origin + step), INK, lw=1.8)
        axes.text(*(origin + 1.12 * np.array(step)), name, ha="left" if step[0] else "center", va=where)
    axes.plot(*origin, "o", mfc="white", mec=INK, ms=10)
    axes.plot(*origin, "x", color=INK, ms=6)
    axes.text(origin[0], origin[1] - 0.035, "3 (beam,\naway from you)", ha="center", va="top")


def draw_side(axes: Axes) -> None:
    """Draw sample, beam and detector from the side: distance, PONI, two theta."""
    pose = az.Pose(dist=0.16, poni1=0.050, rot2=0.25)
    lower, upper, foot = (pose.lab_from_detector(on_detector(slow, 0.0)) for slow in (0.0, 0.165, pose.poni1))
    beam_at = pose.dist / np.cos(pose.rot2)
    axes.plot([-0.045, 0.215], [0, 0], color=INK, lw=1.2)
    arrow(axes, (0.2, 0), (0.226, 0), INK)
    axes.text(0.2, 0.003, "3", ha="center", va="bottom")
    axes.text(-0.049, 0.003, "beam", ha="left", va="bottom")
    axes.plot(0, 0, "o", color=INK, ms=6)
    axes.annotate("sample", (0, 0), (0, -7), textcoords="offset points", ha="center", va="top")
    axes.plot([lower[2], upper[2]], [lower[0], upper[0]], color=INK, lw=3, solid_capstyle="butt")
    axes.annotate("native\npixel (0, 0)", (lower[2], lower[0]), (0, -4), textcoords="offset points", ha="center",
                  va="top", color=BLUE)  # fmt: skip
    arrow(axes, (lower[2] - 0.008, lower[0] - 0.002), (lower[2] - 0.008 + 0.030 * np.sin(pose.rot2),
          lower[0] - 0.002 + 0.030 * np.cos(pose.rot2)), BLUE)  # fmt: skip
    axes.text(lower[2] - 0.010, lower[0] + 0.014, "i", color=BLUE, ha="right")
    axes.plot([0, foot[2]], [0, foot[0]], color=ORANGE, lw=1, ls=(0, (4, 2)))
    axes.plot(foot[2], foot[0], "o", color=ORANGE, ms=6)
    axes.text(0.075, -0.026, "dist", color=ORANGE, ha="center", va="top")
    axes.annotate("PONI", (foot[2], foot[0]), (6, -3), textcoords="offset points", color=ORANGE, va="center")
    axes.plot(beam_at, 0, "x", color=INK, ms=7, mew=1.6)
    point = pose.lab_from_detector(on_detector(0.150, 0.0))
    axes.plot([0, point[2]], [0, point[0]], color=GREEN, lw=1)
    axes.add_patch(Arc((0, 0), 0.17, 0.17, theta1=0, theta2=np.rad2deg(np.arctan2(point[0], point[2])), color=GREEN))
    axes.text(0.09, 0.0135, "2θ", color=GREEN, va="center")
    arrow(axes, (-0.035, -0.070), (-0.035, -0.034), INK, lw=1.6)
    axes.text(-0.035, -0.031, "1", ha="center", va="bottom")
    axes.set(xlim=(-0.055, 0.235), ylim=(-0.135, 0.100), aspect="equal", xticks=[], yticks=[])
    axes.set_title("from the side (axis 2 points to you), rot2 > 0")


def draw_rotation(axes: Axes, name: str, words: str) -> None:
    """Draw the detector before and after one rotation, as the sample sees it."""
    straight = az.Pose(dist=0.2, poni1=0.045, poni2=0.06)
    turned = straight.replace(**{name: 0.35})
    draw_detector(axes, straight, LIGHT, lw=0.8)
    draw_detector(axes, turned, BLUE, lw=0.7)
    for pose, color in ((straight, GREY), (turned, BLUE)):
        axes.add_patch(Polygon(seen(pose, SMALL.corners()[0, 0]), fc=color, alpha=0.45, lw=0))
    axes.plot(0, 0, "x", color=INK, ms=7, mew=1.6)
    axes.plot(*seen(turned, on_detector(turned.poni1, turned.poni2)), "o", color=ORANGE, ms=6)
    axes.set(xlim=(-0.45, 0.85), ylim=(-0.72, 0.36), aspect="equal", xticks=[], yticks=[])
    axes.set_title(f"{name} > 0", color=BLUE)
    axes.set_xlabel(words)


# ---- orientations ------------------------------------------------------------------------------------------

LETTER = np.array(  # row 0 first: an R that reads upright where row 0 is at the bottom
    [
        [0, 0, 0, 0, 0, 0, 0, 0],
        [0, 1, 0, 0, 0, 1, 0, 0],
        [0, 1, 0, 0, 1, 0, 0, 0],
        [0, 1, 0, 1, 0, 0, 0, 0],
        [0, 1, 1, 1, 1, 0, 0, 0],
        [0, 1, 0, 0, 0, 1, 0, 0],
        [0, 1, 0, 0, 0, 1, 0, 0],
        [0, 1, 1, 1, 1, 0, 0, 0],
        [0, 0, 0, 0, 0, 0, 0, 0],
    ]
)


def orientations() -> Figure:
    """Draw where the four orientations put one and the same array."""
    figure = Figure(figsize=(11, 3.8), layout="constrained")
    detector = az.Detector(pixel1=PIXEL, pixel2=PIXEL, shape=LETTER.shape)
    pose = az.Pose(dist=1.0, poni1=0.045, poni2=0.04)
    for axes, number in zip(figure.subplots(1, 4), (1, 2, 3, 4), strict=True):
        turned = detector.with_orientation(number)
        corners = seen(pose, turned.corners())
        for pixel, lit in zip(corners.reshape(-1, 4, 2), LETTER.ravel(), strict=True):
            axes.add_patch(Polygon(pixel, fc=BLUE if lit else "white", ec=LIGHT, lw=0.6))
        centers = seen(pose, turned.centers())
        axes.add_patch(Polygon(corners[0, 0], fc=ORANGE, lw=0))
        for tip, name in (((3, 0), "i"), ((0, 3), "j")):
            arrow(axes, tuple(centers[0, 0]), tuple(centers[tip]), ORANGE, lw=1.6)
            end = centers[tip] + 0.18 * (centers[tip] - centers[0, 0])
            axes.text(*end, name, color=ORANGE, ha="center", va="center", weight="bold")
        axes.set(xlim=(-0.047, 0.047), ylim=(-0.052, 0.052), aspect="equal", xticks=[], yticks=[])
        native = " (native)" if number == 3 else ""
        axes.set_title(f"{number}: {ORIENTATION_NAMES[number]}{native}")
        axes.set_xlabel(mirror_words(detector, number))
    figure.get_layout_engine().set(h_pad=0.1)
    figure.suptitle("one array, four orientations, seen from the sample (1 up, 2 to the right); orange: element [0, 0]",
                    fontsize=10)  # fmt: skip
    return figure


def mirror_words(detector: az.Detector, number: int) -> str:
    """Return which indices an orientation mirrors, found from positions."""
    native, turned = detector.centers(), detector.with_orientation(number).centers()
    mirrored = [name for axis, name in ((0, "slow"), (1, "fast")) if turned[0, 0, axis] != native[0, 0, axis]]
    return f"{' and '.join(mirrored)} mirrored" if mirrored else "as stored"


# ---- splitting ---------------------------------------------------------------------------------------------

SCHEMES = ("none", "bbox", "pseudo", "full")


class Example(NamedTuple):
    """One pixel of a small detector and the bins around it."""

    title: str
    pixel: tuple[int, int]
    poni: tuple[float, float]
    radial: np.ndarray
    azimuthal: np.ndarray


def splitting() -> Figure:
    """Draw how the four schemes share a pixel, from the weights that the plans hold."""
    examples = (
        Example("a pixel", (5, 6), (0.0, 0.0), np.linspace(6.8, 9.6, 8), np.linspace(31, 48, 10)),
        Example("the pixel under the beam", (0, 0), (0.00035, 0.0004), np.linspace(0, 0.98, 8),
                np.linspace(-180, 180, 13)),
    )  # fmt: skip
    figure = Figure(figsize=(11, 5.9), layout="constrained")
    panels = figure.subplots(2, 4)
    for row, example in zip(panels, examples, strict=True):
        for axes, split in zip(row, SCHEMES, strict=True):
            image = draw_weights(axes, example, split)
        row[0].set_ylabel(f"{example.title}\nχ (deg)")
        for axes in row:
            axes.set_xlabel("r (mm)")
        for axes in row[1:]:
            axes.tick_params(labelleft=False)
    for axes, split in zip(panels[0], SCHEMES, strict=True):
        axes.set_title(f'"{split}"')
    figure.colorbar(image, ax=panels, label="weight of the pixel in the bin", shrink=0.7, aspect=30)
    return figure


def draw_weights(axes: Axes, example: Example, split: str) -> Any:
    """Draw one pixel, its shape as the scheme sees it, and its weight in every bin."""
    detector = az.Detector(pixel1=1e-3, pixel2=1e-3, shape=(8, 8))
    ai = az.Integrator(detector, 0.1, *example.poni)
    plan = ai.plan2d(example.radial, example.azimuthal, unit="r_mm", split=split)
    number = example.pixel[0] * 8 + example.pixel[1]
    entries = slice(plan.matrix.indptr[number], plan.matrix.indptr[number + 1])
    weights = np.zeros(plan.matrix.n_bins)
    weights[plan.matrix.indices[entries]] = plan.matrix.entry_weights()[entries]
    shape = (example.azimuthal.size - 1, example.radial.size - 1)
    image = axes.pcolormesh(
        example.radial, example.azimuthal, np.ma.masked_less_equal(weights.reshape(shape), 0), cmap=SHADE,
        norm=LogNorm(1e-3, 1), edgecolors=LIGHT, lw=0.4,
    )  # fmt: skip
    axes.vlines(example.radial, example.azimuthal[0], example.azimuthal[-1], color=LIGHT, lw=0.5, zorder=0)
    axes.hlines(example.azimuthal, example.radial[0], example.radial[-1], color=LIGHT, lw=0.5, zorder=0)
    draw_pixel(axes, ai, example.pixel, split)
    axes.set(xlim=example.radial[[0, -1]], ylim=example.azimuthal[[0, -1]])
    if np.ptp(example.azimuthal) == 360:
        axes.set_yticks((-180, -90, 0, 90, 180))
    inside = f"sum of weights {weights.sum():.3f}"
    axes.text(0.98, 0.02, inside, transform=axes.transAxes, ha="right", va="bottom", fontsize=7.5, color=INK)
    return image


def draw_pixel(axes: Axes, ai: az.Integrator, pixel: tuple[int, int], split: str) -> None:
    """Draw the true outline of a pixel in (r, chi), dashed, and the shape that the scheme takes for it."""
    circle = unroll.Circle(2 * np.pi)
    box = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
    ring = np.concatenate([a + np.linspace(0, 1, 60)[:, None] * (b - a) for a, b in zip(box, np.roll(box, -1, 0),
                                                                                        strict=True)])  # fmt: skip
    outline = in_bins(ai, (ring + pixel) * 1e-3)
    jumps = np.abs(np.diff(outline[:, 1], append=outline[:1, 1])) > np.pi
    outline[jumps] = np.nan
    axes.plot(outline[:, 0] * 1e3, np.rad2deg(outline[:, 1]), color=GREEN, lw=1, ls=(0, (3, 2)))
    corners = in_bins(ai, (box + pixel) * 1e-3)[None]
    center = in_bins(ai, (np.array([[0.5, 0.5]]) + pixel) * 1e-3)
    if split == "none":
        axes.plot(center[0, 0] * 1e3, np.rad2deg(center[0, 1]), "o", color=ORANGE, ms=5)
        return
    if split == "full":
        shape, _ = unroll.unrolled_one(corners[0], circle)
    else:
        pixels = bounding_box.PixelShapes(corners, center, np.zeros(1, bool))
        u0, u1, c0, c1 = bounding_box.boxes(pixels, circle, 0.0, equal_area=split == "pseudo")[0]
        shape = np.array([[u0, c0], [u1, c0], [u1, c1], [u0, c1]])
    for turn in (-1, 0, 1):
        moved = shape + np.array([0.0, turn * 2 * np.pi])
        axes.add_patch(Polygon(moved * (1e3, 180 / np.pi), fill=False, ec=ORANGE, lw=1.4))


def in_bins(ai: az.Integrator, position: np.ndarray) -> np.ndarray:
    """Return (r, chi) in m and rad of positions (slow, fast) on the detector."""
    up, across, along = np.moveaxis(ai.pose.lab_from_detector(on_detector(*position.T)), -1, 0)
    radius = az.unit("r_m").values(across, up, along)
    return np.stack([radius, az.unit("chi_rad").values(across, up, along)], axis=-1)


# ---- arcs --------------------------------------------------------------------------------------------------


def arcs() -> Figure:
    """Draw which pixels sectors and radial ranges select, from the sums of their weights."""
    detector = az.Detector(pixel1=1e-3, pixel2=1e-3, shape=(41, 41))
    ai = az.Integrator(detector, 0.1, 0.0205, 0.0205)
    figure = Figure(figsize=(11, 2.6), layout="constrained")
    cases: tuple[dict[str, Any], ...] = (
        {"azimuth_range": (-10, 10)},
        {"azimuth_range": (170, 190)},
        {"azimuth_range": (90, 270)},
        {"azimuth_range": (0, 360)},
        {"azimuth_range": (350, 80), "radial_range": (8, 16)},
    )
    for axes, case in zip(figure.subplots(1, 5), cases, strict=True):
        plan = ai.plan1d(20, unit="r_mm", **case)
        axes.imshow(plan.matrix.pixel_sums().reshape(detector.shape), origin="lower", cmap=PAPER, vmin=0, vmax=1.25)
        axes.set(xticks=[], yticks=[])
        axes.set_title("\n".join(f"{name} {value}" for name, value in case.items()), fontsize=8.5)
    return figure


# ---- bins narrower than a pixel ----------------------------------------------------------------------------

ALL_SCHEMES = ("none", "bbox", "pseudo", "full", "exact")
SUBPIXELS = 48


def ring_frame(ai: az.Integrator, radius: float, width: float) -> tuple[np.ndarray, np.ndarray]:
    """Return radii of many points in each pixel, in pixels, and the frame of a ring averaged over them."""
    part = (np.arange(SUBPIXELS) + 0.5) / SUBPIXELS
    n1, n2 = ai.detector.shape
    up = (np.arange(n1)[:, None] + part).reshape(-1) - ai.pose.poni1 / ai.detector.pixel1
    across = (np.arange(n2)[:, None] + part).reshape(-1) - ai.pose.poni2 / ai.detector.pixel2
    radii = np.hypot(up[:, None], across).reshape(n1, SUBPIXELS, n2, SUBPIXELS).swapaxes(1, 2).reshape(n1 * n2, -1)
    return radii, np.exp(-0.5 * ((radii - radius) / width) ** 2).mean(axis=1)


def narrow_bin_profiles(bin_width: float = 0.25) -> tuple[np.ndarray, dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return bin centres, and by scheme the pattern of a ring and the pixels per bin over the area of the annulus.

    "points" is the same from many points in each pixel instead of weights.
    """
    detector = az.Detector(pixel1=1e-3, pixel2=1e-3, shape=(41, 41))
    ai = az.Integrator(detector, 0.1, 0.0203, 0.0208, parallax=None)
    edges = np.arange(0.0, 18.01, bin_width)
    radii, frame = ring_frame(ai, 10.0, 0.6)
    pixel, inside = np.broadcast_to(np.arange(len(radii))[:, None], radii.shape), radii < edges[-1]
    bins = (radii[inside] / bin_width).astype(int)
    count = np.bincount(bins, minlength=edges.size - 1) / SUBPIXELS**2
    signal = np.bincount(bins, weights=frame[pixel[inside]], minlength=edges.size - 1) / SUBPIXELS**2
    patterns, areas = {"points": signal / count}, {"points": count / (np.pi * np.diff(edges**2))}
    for scheme in ALL_SCHEMES:
        found = ai.integrate1d(frame.reshape(detector.shape), edges, unit="r_mm", split=scheme, solid_angle=False)
        patterns[scheme], areas[scheme] = found.intensity, found.count / (np.pi * np.diff(edges**2))
    return 0.5 * (edges[1:] + edges[:-1]), patterns, areas


def narrow_bins() -> Figure:
    """Draw what each scheme makes of bins of a quarter of a pixel: pixels per bin, and a sharp ring."""
    centers, patterns, areas = narrow_bin_profiles()
    figure = Figure(figsize=(11, 4.6), layout="constrained")
    grid = figure.subplots(2, len(ALL_SCHEMES), sharex="col", sharey="row")
    for column, scheme in enumerate(ALL_SCHEMES):
        top, bottom = grid[:, column]
        top.axhline(1.0, color=GREY, linewidth=0.8)
        top.plot(centers, areas[scheme], color=BLUE, linewidth=0.9)
        error = np.sqrt(np.nanmean((areas[scheme] - areas["points"]) ** 2))
        top.set(title=f"{scheme}\nrms {100 * error:.2g} %", ylim=(0.4, 1.6))
        bottom.plot(centers, patterns["points"], color=GREY, linewidth=2.2)
        bottom.plot(centers, patterns[scheme], color=ORANGE, linewidth=0.9)
        near = (centers > 7) & (centers < 13)
        error = np.sqrt(np.nanmean((patterns[scheme] - patterns["points"])[near] ** 2))
        bottom.set(xlabel="radius (pixels)")
        bottom.text(0.03, 0.93, f"rms {100 * error:.2g} %", transform=bottom.transAxes, va="top", fontsize=8)
    grid[0, 0].set_ylabel("pixels / area of the bin")
    grid[1, 0].set_ylabel("pattern of a ring")
    return figure


# ---- grazing incidence -------------------------------------------------------------------------------------


def grazing() -> Figure:
    """Draw the sample's axes, what elastic scattering reaches, and the map of a textured film."""
    figure = Figure(figsize=(11, 3.3), layout="constrained")
    sides, sphere, left, right = figure.subplots(1, 4, width_ratios=[1.2, 0.9, 1.1, 1.1])
    draw_side_view(sides, SampleFrame(incident_angle=0.35))
    draw_crescent(sphere, SampleFrame(incident_angle=0.35))
    ai = az.Integrator(az.Detector(pixel1=4e-4, pixel2=4e-4, shape=(360, 400)), 0.15, 0.012, 0.07, wavelength=1e-10)
    sample = {"incident_angle": "0.3 deg"}
    image = textured_film(ai, incident_angle=np.radians(0.3))
    cakes = (
        ai.integrate2d_grazing(image, 260, 240, unit_ip="qip_A^-1", unit_oop="qoop_A^-1", **sample),
        ai.integrate2d_grazing(image, 220, 240, unit_ip="qtot_A^-1", unit_oop="chigi_deg", **sample),
    )
    for axes, cake in zip((left, right), cakes, strict=True):
        x, y = cake.radial_axis.edges, cake.azimuthal_axis.edges
        wedge = np.where(cake.missing_wedge, 1.0, np.nan)
        axes.pcolormesh(x, y, wedge, cmap=LinearSegmentedColormap.from_list("wedge", [ORANGE, ORANGE]), alpha=0.35)
        axes.pcolormesh(x, y, cake.intensity, cmap=PAPER.with_extremes(bad="none"), norm=LogNorm(1, 300))
        axes.set(xlabel=cake.radial_unit.label, ylabel=cake.azimuthal_unit.label)
    left.set_title("map; orange: missing wedge", fontsize=9)
    right.set_title("polar map", fontsize=9)
    return figure


def draw_side_view(axes: Axes, sample: SampleFrame) -> None:
    """Draw the beam, the surface and its normal in the plane of incidence, as the units turn them."""
    along, normal = sample.matrix[2, 1:], sample.matrix[1, 1:]  # components (v, b)
    incident = np.array([0.0, 1.0])
    specular = incident - 2 * (incident @ normal) * normal
    axes.plot(*np.outer(along[::-1], [-1, 1]), color=INK, lw=3)
    arrows = {"beam, z": (-incident, 0 * incident, BLUE), "direct": (0 * incident, incident, BLUE),
              "specular": (0 * incident, specular, ORANGE), "normal, v'": (0 * incident, normal, GREEN)}  # fmt: skip
    for label, (start, stop, colour) in arrows.items():
        axes.add_patch(FancyArrowPatch(start[::-1], stop[::-1], color=colour, arrowstyle="-|>", mutation_scale=10))
        at = (start if label.startswith("beam") else stop)[::-1]
        axes.annotate(label, at, textcoords="offset points", xytext=(0, 6), ha="center", color=colour)
    axes.annotate("surface, b'", along[::-1], textcoords="offset points", xytext=(0, 6), ha="center")
    axes.set(xlim=(-1.3, 1.4), ylim=(-0.75, 1.25), aspect="equal", title="from the side: incidence > 0")
    axes.title.set_fontsize(9)
    axes.set_axis_off()


def draw_crescent(axes: Axes, sample: SampleFrame) -> None:
    """Draw which (|qip|, qoop) elastic scattering reaches, in units of the wave number."""
    qip, qoop = np.meshgrid(np.linspace(0, 2.1, 420), np.linspace(-0.9, 1.5, 480))
    k = 2 * np.pi
    reached = is_reachable(k * qip, k * qoop, 1.0, sample)
    axes.contourf(qip, qoop, reached, levels=[0.5, 1.5], colors=["#b9cfe0"])
    axes.plot(0, 0, "o", color=BLUE, ms=4)
    axes.plot(0, 2 * np.sin(sample.incident_angle), "o", color=ORANGE, ms=4)
    axes.annotate("direct beam", (0, 0), textcoords="offset points", xytext=(6, -4), fontsize=8)
    axes.annotate(
        "specular", (0, 2 * np.sin(sample.incident_angle)), textcoords="offset points", xytext=(6, -4), fontsize=8
    )
    axes.set(xlabel="|qIP| / k", ylabel="qOOP / k", aspect="equal")
    axes.set_title("what is reached", fontsize=9)


def textured_film(ai: az.Integrator, *, incident_angle: float) -> np.ndarray:
    """Return a frame of a film: a faint powder ring and the spots and rods of a lamellar stack, upright."""
    up, across, along = np.moveaxis(ai.pose.lab_from_detector(ai.detector.centers()), -1, 0)
    qip, qoop = (
        az.unit(name, incident_angle=incident_angle).values(across, up, along, ai.wavelength)
        for name in ("qip_A^-1", "qoop_A^-1")
    )
    frame = 1.0 + 6.0 * np.exp(-(((np.hypot(qip, qoop) - 1.4) / 0.06) ** 2) / 2)
    for order in (1, 2, 3):
        frame += 400.0 / order**2 * np.exp(-((qip / 0.08) ** 2 + ((qoop - 0.4 * order) / 0.02) ** 2) / 2)
    for rod in (1.1, 1.7):
        frame += 30.0 * np.exp(-(((np.abs(qip) - rod) / 0.02) ** 2 + (qoop / 0.5) ** 2) / 2)
        for order in (0, 1, 2):
            frame += 200.0 * np.exp(-(((np.abs(qip) - rod) / 0.025) ** 2 + ((qoop - 0.4 * order) / 0.03) ** 2) / 2)
    return np.where(qoop > 0, frame, 1.0)


# ---- covariance --------------------------------------------------------------------------------------------


def flat_scene_fits(split: str, n_frames: int = 1000) -> np.ndarray:
    """Fit a constant to the profiles of many frames of a flat scene of 200 counts.

    Columns: chi-square and (constant - 200) / its error, with the covariance of the bins; the same without.
    """
    detector = az.Detector(pixel1=1e-3, pixel2=1e-3, shape=(101, 103))
    ai = az.Integrator(detector, 0.1, 0.0503, 0.0498)
    options = {"radial_range": (5, 45), "solid_angle": False, "error_model": "poisson", "covariance": True}
    plan = ai.plan1d(80, unit="r_mm", split=split, **options)
    rng, rows = np.random.default_rng(1), []
    for _ in range(n_frames):
        profile = plan(rng.poisson(200.0, detector.shape).astype(np.uint32))
        row = []
        weights = (np.linalg.solve(profile.covariance(), np.ones(80)), profile.sigma**-2)
        for weight, name in zip(weights, ("value", "diagonal"), strict=True):
            constant = weight @ profile.intensity / weight.sum()
            row += [getattr(profile.chi_square(constant), name), (constant - 200) * np.sqrt(weight.sum())]
        rows.append(row)
    return np.array(rows)


def correlation_curve(width: float) -> np.ndarray:
    """Return the mean correlation of bins of `width` pixels, up to eight pixels apart, by distance in bins."""
    detector = az.Detector(pixel1=1e-3, pixel2=1e-3, shape=(101, 103))
    ai = az.Integrator(detector, 0.1, 0.0503, 0.0498)
    frame = np.full(detector.shape, 100, np.uint32)
    options = {"radial_range": (10, 45), "error_model": "poisson", "covariance": True}
    band = ai.integrate1d(frame, round(35 / width), unit="r_mm", **options).correlation(banded=True)
    return np.array([np.mean(row[: row.size - k]) for k, row in enumerate(band)])


def covariance() -> Figure:
    """Draw how far bins are correlated, and what a fit that does not know it gets wrong."""
    from math import lgamma

    figure = Figure(figsize=(11, 3), layout="constrained")
    near, chi, pull = figure.subplots(1, 3)
    for width, colour in ((2.0, GREEN), (1.0, ORANGE), (0.5, BLUE), (0.25, INK)):
        rho = correlation_curve(width)
        near.plot(np.arange(rho.size) * width, rho, "o-", ms=3, lw=1, color=colour, label=f"{width:g}")
    near.set(
        xlabel="distance of the bins (pixels)", ylabel="correlation", xlim=(0, 3), title="How far bins are correlated"
    )
    near.legend(title="bin width (pixels)", frameon=False)
    fits = flat_scene_fits("full")
    grid, pulls, half = np.linspace(30, 150, 300), np.linspace(-5, 5, 300), 79 / 2
    density = np.exp((half - 1) * np.log(grid) - grid / 2 - half * np.log(2) - lgamma(half))
    for axes, columns, line, bins in (
        (chi, (0, 2), (grid, density), np.linspace(30, 150, 41)),
        (pull, (1, 3), (pulls, np.exp(-(pulls**2) / 2) / np.sqrt(2 * np.pi)), np.linspace(-5, 5, 41)),
    ):
        for column, colour, label in zip(columns, (BLUE, ORANGE), ("with covariance", "diagonal only"), strict=True):
            axes.hist(fits[:, column], bins, density=True, histtype="step", color=colour, lw=1.4, label=label)
        axes.plot(*line, color=INK, lw=1, label="expected")
        axes.set(yticks=[])
        axes.legend(frameon=False, fontsize=7.5)
    chi.set(xlabel="chi-square of 79 degrees of freedom", title="A constant fitted to 1000 frames")
    pull.set(xlabel="(constant - truth) / its error", title="and the error that it claims")
    return figure


# ---- calibration ---------------------------------------------------------------------------------------------

TRUTH = az.Instrument(az.detector("Pilatus300k"), az.Pose(0.15, 0.06, 0.075, 0.25, -0.1), az.Beam(5e-11))
SIMULATED = CalibrantLook(fwhm=np.radians(0.1), counts=300.0)


def calibrated(**wrong: float) -> Calibration:
    """Return the calibration of a simulated image of LaB6, with some parameters fixed where they are wrong."""
    image = calibrant_image(TRUTH, az.calibrant("LaB6"), SIMULATED, seed=1).image
    pose = {name: value for name, value in wrong.items() if name != "wavelength"}
    start = TRUTH.replace(pose=TRUTH.pose.replace(**pose))
    fix = tuple(dict.fromkeys(("rot3", "wavelength", *pose)))
    return az.recalibrate(image, start, "LaB6", fix=fix, outliers=None, wavelength=wrong.get("wavelength"))


def calibration() -> Figure:
    """Draw what a right calibration and three wrong ones look like."""
    pose = TRUTH.pose
    cases = {
        "right": {},
        "centre off by a pixel": {"poni1": pose.poni1 + 1.7e-4, "rot1": pose.rot1, "rot2": pose.rot2},
        "tilt off by half a degree": {"rot1": pose.rot1 + 0.009},
        "wavelength off by 1 %": {"wavelength": 5.05e-11},
    }
    figure = Figure(figsize=(11, 8.2), layout="constrained")
    grid = figure.add_gridspec(3, len(cases), height_ratios=(1.0, 0.8, 1.1))
    for column, (title, wrong) in enumerate(cases.items()):
        seen = calibrated(**wrong).validation()
        draw_rose(figure.add_subplot(grid[0, column], projection="polar"), seen, title)
        draw_ring_deviations(figure.add_subplot(grid[1, column]), seen, left=column == 0)
        draw_residual_map(figure.add_subplot(grid[2, column]), seen, left=column == 0)
    return figure


def draw_rose(axes: Any, seen: Validation, title: str) -> None:
    """Draw residuals by azimuth, magnified, about a circle."""
    rose = seen.rose
    limit = max(0.1, float(np.nanmax(np.abs(rose.mean))))
    middle = np.radians(0.5 * (rose.edges[1:] + rose.edges[:-1]))
    circle = np.linspace(0, 2 * np.pi, 181)
    axes.set_theta_direction(-1)
    axes.plot(circle, np.full_like(circle, 2 * limit), color=ORANGE, lw=1.2)
    axes.plot(np.append(middle, middle[0]), 2 * limit + np.append(rose.mean, rose.mean[0]), color=BLUE, lw=1.4)
    axes.errorbar(middle, 2 * limit + rose.mean, rose.error, fmt="o", ms=2.5, color=BLUE, lw=0.8)
    axes.set(ylim=(0, 3.3 * limit), xticks=(), yticks=())
    axes.set_title(title, fontsize=10, color=INK)
    axes.text(
        0.5, -0.08, f"magnified: radius = {2 * limit:.2g} pixel", transform=axes.transAxes, ha="center", fontsize=8
    )


def draw_ring_deviations(axes: Axes, seen: Validation, *, left: bool) -> None:
    """Draw the mean residual of each ring."""
    angle = {place.ring: np.degrees(place.two_theta) for place in seen.rings}
    x = [angle[one.ring] for one in seen.ring_deviations]
    axes.axhline(0, color=ORANGE, lw=1)
    mean, error = ([getattr(one, name) for one in seen.ring_deviations] for name in ("mean", "error"))
    axes.errorbar(x, mean, error, fmt="o", ms=2.5, color=BLUE, lw=0.8)
    limit = max(0.1, 1.2 * float(np.abs(mean).max()))
    axes.set(ylim=(-limit, limit), xlabel="two theta / degrees")
    if left:
        axes.set_ylabel("mean of each ring / pixel")


def draw_residual_map(axes: Axes, seen: Validation, *, left: bool) -> None:
    """Draw residuals over the image."""
    found = seen.residual_map
    limit = max(0.1, float(np.nanpercentile(np.abs(found.mean), 97)))
    drawn = axes.pcolormesh(found.fast_edges, found.slow_edges, found.mean, cmap="RdBu_r", vmin=-limit, vmax=limit)
    axes.set(aspect="equal", ylim=(found.slow_edges[-1], found.slow_edges[0]), xlabel="fast / pixel")
    axes.figure.colorbar(drawn, ax=axes, shrink=0.8, pad=0.02).ax.tick_params(labelsize=7)
    if left:
        axes.set_ylabel("residual over the image\nslow / pixel")


# ---- ridges ------------------------------------------------------------------------------------------------


def ridge_frame() -> tuple[np.ndarray, np.ndarray]:
    """Return a frame of counts with rings of several kinds, and which pixels count."""
    shape, centre, rng = (480, 620), (232.4, 271.8), np.random.default_rng(4)
    slow, fast = np.mgrid[: shape[0], : shape[1]]
    r = np.hypot(slow - centre[0], fast - centre[1])
    mean = 2e7 / (r + 15) ** 3.2 + 3
    for radius, width, height in ((60, 1.2, 60), (100, 1.2, 400), (107, 1.2, 200), (150, 1.4, 6), (205, 6.0, 40)):
        mean += height * np.exp(-0.5 * ((r - radius) / width) ** 2)
    n = 900
    angle, ring = rng.uniform(0, 2 * np.pi, n), 265 + rng.normal(0, 1.0, n)
    places, bright = (centre[0] + ring * np.sin(angle), centre[1] + ring * np.cos(angle)), rng.exponential(80.0, n)
    for y, x, top in zip(*places, bright, strict=True):
        if 6 < y < shape[0] - 7 and 6 < x < shape[1] - 7:
            box = slice(int(y) - 5, int(y) + 7), slice(int(x) - 5, int(x) + 7)
            mean[box] += top * np.exp(-((slow[box] - y) ** 2 + (fast[box] - x) ** 2) / 2)
    mean *= np.where((r < 30) | ((np.abs(fast - slow - 40) < 6) & (slow > centre[0])), 0.05, 1.0)
    usable = np.ones(shape, dtype=bool)
    usable[155:172] = usable[330:347] = False
    usable[:, 205:212] = usable[:, 410:417] = False
    return rng.poisson(mean), usable


def ridges() -> Figure:
    """Draw what is found on a frame without a geometry."""
    frame, usable = ridge_frame()
    found = find_ridges(frame, usable)
    figure = Figure(figsize=(10, 4.1), layout="constrained")
    axes = figure.subplots(1, 2, sharex=True, sharey=True)
    picture = np.where(usable, frame + 1.0, np.nan)
    for each in axes:
        each.imshow(picture, cmap=PAPER, norm=LogNorm(3, 600), interpolation="nearest")
        each.set_xticks([])
        each.set_yticks([])
    on_arc = found.arc >= 0
    axes[1].scatter(found.fast[on_arc], found.slow[on_arc], c=found.arc[on_arc] % 10, cmap="tab10", s=4, linewidths=0)
    axes[1].scatter(found.fast[~on_arc], found.slow[~on_arc], c=ORANGE, marker="x", s=14, linewidths=0.8)
    axes[0].set_title("the frame")
    axes[1].set_title(f"{on_arc.sum()} points on {found.n_arcs} arcs, {(~on_arc).sum()} single spots")
    return figure


# ---- running -----------------------------------------------------------------------------------------------

_DRAWN = (
    overview, architecture, conventions, orientations, splitting, arcs, narrow_bins, grazing, covariance, calibration,
    ridges,
)  # fmt: skip
FIGURES: dict[str, Callable[[], Figure]] = {function.__name__: function for function in _DRAWN}


def make(folder: Path, names: list[str]) -> list[Path]:
    """Draw figures into a folder and return their paths."""
    import matplotlib as mpl
    from PIL import Image

    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name in names:
        path = folder / f"{name}.png"
        with mpl.rc_context(FONT):
            FIGURES[name]().savefig(path, dpi=DPI, facecolor="white", metadata={"Software": None})
        with Image.open(path) as picture:  # 128 colours are enough, and a third of the bytes
            reduced = picture.convert("RGB").quantize(128, dither=Image.Dither.NONE)
        reduced.save(path, optimize=True)
        written.append(path)
    return written


def main() -> None:
    """Parse the command line and draw."""
    parser = argparse.ArgumentParser(description="Draw the figures of the documentation.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(FIGURES)}; all by default")
    parser.add_argument("--output", type=Path, default=HERE, help="folder (default: beside this script)")
    arguments = parser.parse_args()
    unknown = sorted(set(arguments.names) - set(FIGURES))
    if unknown:
        parser.error(f"no figure {unknown[0]!r}; known: {', '.join(FIGURES)}")
    for path in make(arguments.output, arguments.names or list(FIGURES)):
        print(f"{path} ({path.stat().st_size / 1000:.0f} kB)")


if __name__ == "__main__":
    main()
