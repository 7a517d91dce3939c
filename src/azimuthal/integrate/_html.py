# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""What notebooks show of integrators, plans and geometries: small tables, and where the detector stands."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from azimuthal.instrument import Instrument

if TYPE_CHECKING:
    from azimuthal.integrate.multi_geometry import MultiPlan
    from azimuthal.integrate.plan import Plan

_SIDE = 120  # pixels of the drawing
_LARGEST_TABLE = 12


def instrument_html(instrument: Instrument) -> str:
    """Return the facts of an instrument beside the outline of its detector, with the direct beam."""
    rows = [line.split(":", 1) for line in instrument.describe().splitlines()]
    return f'<div style="display:flex;gap:1em">{_outline_svg(instrument)}{_table(rows)}</div>'


def plan_html(plan: Plan) -> str:
    """Return what a plan does, and what became of the pixels."""
    spec, report = plan.spec, plan.report
    pixels = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in report.items() if count)
    units = ", ".join(
        f"{axis.n_bins} bins of {axis.unit.name} ({axis.edges[0]:.6g} to {axis.edges[-1]:.6g})"
        for axis in (plan.axes.azimuthal, plan.axes.radial)
        if axis is not None
    )
    facts = [
        ("plan", f"{spec.kind}: {units}"),
        ("detector", f"{spec.instrument.detector.name}, {plan.shape[0]} x {plan.shape[1]} pixels"),
        ("split, average", f"{spec.split}, {spec.average}"),
        ("sigma", "none" if spec.error_model is None else spec.error_model),
        ("pixels", pixels),
        ("engine", f"{plan.engine}, {plan.threads} threads, {plan.nbytes / 1e6:.3g} MB"),
    ]
    return _table(facts)


def multi_plan_html(plan: MultiPlan) -> str:
    """Return the first plan and a line for all."""
    return f"<div>{len(plan.plans)} geometries, {plan.nbytes / 1e6:.3g} MB; the first:{plan_html(plan.plans[0])}</div>"


def multi_geometry_html(instruments: Sequence[Instrument]) -> str:
    """Return one row per geometry, the first dozen of them."""
    head = ("", "detector", "distance", "tilt", "wavelength")
    rows = [(str(number), *_short_facts(one)) for number, one in enumerate(instruments[:_LARGEST_TABLE])]
    left = len(instruments) - len(rows)
    return _table([head, *rows], f"and {left} more" if left else "")


def _short_facts(instrument: Instrument) -> tuple[str, str, str, str]:
    wavelength = instrument.wavelength
    return (
        f"{instrument.detector.name}, {instrument.detector.shape[0]} x {instrument.detector.shape[1]}",
        f"{instrument.pose.dist * 1e3:.6g} mm",
        f"{math.degrees(instrument.tilt):.4g}°",
        "not known" if wavelength is None else f"{wavelength * 1e10:.6g} Å",
    )


def _table(rows: Iterable[Sequence[str]], caption: str = "") -> str:
    body = "".join(
        "<tr>" + "".join(f'<td style="text-align:left">{html.escape(cell)}</td>' for cell in row) + "</tr>"
        for row in rows
    )
    return f'<div><table style="font-size:smaller">{body}</table>{html.escape(caption)}</div>'


def _outline_svg(instrument: Instrument) -> str:
    """Return the detector as its image is shown (row 0 on top), and a cross where the direct beam meets it."""
    n_slow, n_fast = instrument.detector.shape
    scale = _SIDE / max(n_slow, n_fast)
    height, width = n_slow * scale, n_fast * scale
    cross = ""
    center = instrument.beam_center
    if center is not None and 0 <= center.slow <= n_slow and 0 <= center.fast <= n_fast:
        x, y = center.fast * scale, center.slow * scale
        cross = f'<path d="M{x - 5:.1f} {y:.1f}h10M{x:.1f} {y - 5:.1f}v10" stroke="currentColor"/>'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width + 2:.0f}" height="{height + 2:.0f}">'
        f'<rect x="1" y="1" width="{width:.1f}" height="{height:.1f}" fill="none" stroke="currentColor"/>{cross}</svg>'
    )
