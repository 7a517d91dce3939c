# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""A calibration as one page: the verdict and why, the numbers with their errors, pictures, and how it was made.

The page is a single HTML file that loads nothing from anywhere (its policy forbids it), to be read on a screen or a
phone, kept beside the data, or sent.  All text is escaped.  The same numbers are inside as JSON, in a script element of
the type ``application/json`` with the id `DATA_ID`: :func:`azimuthal.io.load_calibration_report` reads them back.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any

from azimuthal.calibration.calibration import Calibration, Observed
from azimuthal.calibration.report_data import report_data
from azimuthal.calibration.report_pictures import Picture, report_pictures
from azimuthal.calibration.validation import Validation

__all__ = ["DATA_ID", "Report"]

DATA_ID = "azimuthal-calibration"

_SIGNS = {"good": "✓", "doubtful": "?", "failed": "✗"}
_MEANINGS = {
    "good": "Nothing was found that speaks against this geometry.",
    "doubtful": "There is a geometry, and there is something to look at before it is used.",
    "failed": "This is not a geometry to be used.",
}
_FOOT = (
    "Deviations are found minus expected two theta, in pixels; errors are standard errors. The numbers of this page "
    f"and all control points are inside it as JSON, in the element {DATA_ID!r}: "
    "<code>azimuthal.io.load_calibration_report(path)</code> reads them."
)
_RING_HEAD = (
    "ring", "hkl", "d / Å", "2θ / °", "", "points", "deviation", "error", "scatter", "width", "in the cake", "wavy by"
)  # fmt: skip
_SCALES = {"dist": (1e3, "mm"), "poni1": (1e3, "mm"), "poni2": (1e3, "mm"), "wavelength": (1e10, "Å")}


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """A report; ``.html`` is the page, ``.data`` what it says as plain values.

    Attributes
    ----------
    data:
        Everything that the page says and more: :mod:`azimuthal.calibration.report_data`.
    pictures:
        PNG with title and caption.
    """

    data: Mapping[str, Any]
    pictures: tuple[Picture, ...] = field(repr=False)

    @classmethod
    def of(cls, calibration: Calibration, validation: Validation, seen: Observed) -> Report:
        """Return the report of a calibration on the image that was looked at.

        Raises
        ------
        MissingDependencyError
            matplotlib is not installed.
        """
        pictures = report_pictures(calibration, validation, seen)
        return cls(report_data(calibration, validation), pictures)

    @property
    def html(self) -> str:
        """The page."""
        return _page(self.data, self.pictures)

    def __repr__(self) -> str:
        """Return one line."""
        return f"Report({self.data['calibrant']}: {self.data['verdict']}, {len(self.pictures)} pictures)"

    def _repr_html_(self) -> str:
        """Return the page in a frame, for notebooks."""
        return f'<iframe srcdoc="{escape(self.html)}" style="width:100%;height:40em;border:1px solid #ccc"></iframe>'


def _page(data: Mapping[str, Any], pictures: tuple[Picture, ...]) -> str:
    verdict = data["verdict"]
    title = f"Calibration with {data['calibrant']}: {verdict}"
    parts = [
        f'<header class="{escape(verdict)}"><p class="sign" aria-hidden="true">{_SIGNS[verdict]}</p>',
        f"<div><h1>{escape(title)}</h1><p>{_MEANINGS[verdict]}</p></div></header>",
        _listed(data["reasons"]),
        _section("In short", _facts(_short(data))),
        _section("Geometry", _parameters(data)),
        _section("Pictures", f'<div class="pictures">{"".join(map(_figure, pictures))}</div>'),
        _section("Rings", _rings(data) if data["rings"] else ""),
        _section("How it was made", _facts(_made(data)) + _inputs(data)),
        f'<p class="small">{_FOOT}</p>',
        f'<script type="application/json" id="{DATA_ID}">{_embedded(data)}</script>',
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; img-src data:; '
        "style-src 'unsafe-inline'\">"
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body><main>\n"
        + "\n".join(part for part in parts if part)
        + "\n</main></body></html>\n"
    )


def _embedded(data: Mapping[str, Any]) -> str:
    """Return JSON that cannot end its element, whatever the texts in it say."""
    text = json.dumps(data, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


# ---- parts of the page ---------------------------------------------------------------------------------------


def _section(title: str, content: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{content}</section>" if content else ""


def _listed(reasons: Iterable[str]) -> str:
    items = "".join(f"<li>{escape(reason)}</li>" for reason in reasons)
    return f'<ul class="reasons">{items}</ul>' if items else ""


def _facts(pairs: Iterable[tuple[str, str]]) -> str:
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in pairs)
    return f"<dl>{rows}</dl>"


def _figure(picture: Picture) -> str:
    source = base64.b64encode(picture.png).decode()
    return (
        f'<figure><h3>{escape(picture.title)}</h3><img alt="{escape(picture.title)}" '
        f'src="data:image/png;base64,{source}"><figcaption>{escape(picture.caption)}</figcaption></figure>'
    )


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    cells = "".join(f"<th>{escape(text)}</th>" for text in head)
    body = "".join("<tr>" + "".join(f"<td>{escape(text)}</td>" for text in row) + "</tr>" for row in rows)
    return f'<div class="wide"><table><thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table></div>'


def _short(data: Mapping[str, Any]) -> list[tuple[str, str]]:
    numbers, instrument = data["numbers"], data["instrument"]
    center = instrument["beam_center_pixels"]
    pairs = [
        ("image", data["image"] or "(an array)"),
        ("detector", f"{instrument['detector']}, {instrument['shape'][0]} x {instrument['shape'][1]} pixels"),
        ("rings", f"{numbers['rings_with_points']} with points, of {numbers['rings_predicted']} looked for"),
        ("points", f"{numbers['points_used']} in use, of {numbers['points']} found"),
    ]
    if data["parameters"]:
        pairs += [
            ("residuals", f"{_number(numbers['median_residual_pixels'])} pixel (median of absolute values)"),
            ("rings off by", f"{_number(numbers['median_ring_deviation_pixels'])} pixel (median)"),
            ("two theta known to", f"{_number(numbers['largest_error_pixels'])} pixel, all over the detector"),
            ("scatter beyond counting", f"{_number(numbers['scatter_pixels'])} pixel"),
        ]
    if numbers["cake_waviness_pixels"] is not None:
        pairs.append(("rings straight in the cake to", f"{_number(numbers['cake_waviness_pixels'])} pixel (median)"))
    if center is not None:
        pairs.append(("beam centre", f"slow {center[0]:.2f}, fast {center[1]:.2f} pixel, from the edge of pixel 0, 0"))
    return pairs


def _parameters(data: Mapping[str, Any]) -> str:
    if not data["parameters"]:
        if not data["is_placed"]:
            return "<p>No geometry was found.</p>"
        return "<p>Nothing could be refined; pictures and rings are those of the geometry that was started from.</p>"
    rows = []
    for one in data["parameters"]:
        scale, unit = _SCALES.get(one["name"], (1.0, "rad"))
        state = "fixed" if one["fixed"] else "not told by the rings" if one["error"] is None else "refined"
        if one["at_bound"]:
            state += ", at its bound"
        value, error = _with_error(one["value"] * scale, None if one["fixed"] else one["error"], scale)
        start = one["start"]
        change = "" if one["fixed"] or start is None else f"{scale * (one['value'] - start):+.3g}"
        rows.append((one["name"], value, error, unit, state, change))
    table = _table(("parameter", "value", "standard error", "unit", "", "changed by"), rows)
    notes = [f"hardly told apart: {pair}" for pair in data["hardly_told_apart"]]
    notes += [f"not told: {text}" for text in data["not_told"]]
    return table + (f'<ul class="small">{"".join(f"<li>{escape(note)}</li>" for note in notes)}</ul>' if notes else "")


def _with_error(value: float, error: float | None, scale: float) -> tuple[str, str]:
    """Return value and error as text: the error with two digits, the value with as many decimals."""
    if error is None or error <= 0:
        return f"{value:.9g}", ""
    scaled = error * scale
    decimals = max(1 - math.floor(math.log10(scaled)), 0)
    return f"{value:.{min(decimals, 12)}f}", f"{scaled:.2g}"


def _rings(data: Mapping[str, Any]) -> str:
    rows = [
        (
            str(one["ring"]), one["label"].replace(f"{data['calibrant']} ", ""), f"{1e10 * one['d_m']:.5f}",
            f"{one['two_theta_deg']:.4f}", one["state"], str(one["points"] or ""),
            _number(one["deviation"], sign=True), _number(one["error"]), _number(one["scatter"]),
            _number(one["width"], digits=2), _number(one["cake_deviation"], sign=True), _number(one["cake_waviness"]),
        )
        for one in data["rings"]
    ]  # fmt: skip
    left = ", ".join(f"{number} {reason}" for reason, number in data["sectors_left_out"].items())
    return _table(_RING_HEAD, rows) + (f'<p class="small">Sectors left out: {escape(left)}.</p>' if left else "")


def _made(data: Mapping[str, Any]) -> list[tuple[str, str]]:
    instrument = data["instrument"]
    wavelength, energy = instrument["wavelength_m"], instrument["energy_keV"]
    pairs = [
        ("calibrant", " - ".join(filter(None, (data["calibrant"], data["certificate"])))),
        ("wavelength", f"{1e10 * wavelength:.9g} Å ({energy:.6g} keV)"),
        ("pixels", f"{1e6 * instrument['pixel_m'][0]:.6g} x {1e6 * instrument['pixel_m'][1]:.6g} µm (slow x fast)"),
        ("orientation", str(instrument["orientation"])),
        ("parallax", "corrected" if instrument["parallax"] else "not corrected"),
        ("passes", str(data["numbers"]["passes"])),
        ("not refined", ", ".join(one["name"] for one in data["parameters"] if one["fixed"]) or "-"),
    ]
    pairs += [(name, _told(value)) for name, value in data["settings"].items()]
    pairs += [("made by", data["made_by"]), ("date", data["date"])]
    return pairs + [(f"digest of {name.replace('_', ' ')}", text) for name, text in data["digests"].items()]


def _inputs(data: Mapping[str, Any]) -> str:
    if not data["inputs"]:
        return ""
    rows = [
        (str(one.get("role", "")), str(one.get("path", "")), str(one.get("size", "")), str(one.get("blake2b", "")))
        for one in data["inputs"]
    ]
    return "<h3>Files</h3>" + _table(("", "file", "bytes", "BLAKE2b"), rows)


def _told(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_told(one)}" for name, one in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _number(value: float | None, *, sign: bool = False, digits: int = 3) -> str:
    if value is None:
        return "-"
    return f"{value:+.{digits}f}" if sign else f"{value:.{digits}f}"


_STYLE = """
body{margin:0;background:#f4f6f8;color:#1c2730;font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{max-width:72rem;margin:0 auto;padding:.75rem}
header{display:flex;gap:1rem;align-items:center;padding:.75rem 1rem;border-radius:.5rem;color:#fff}
header h1{font-size:1.35rem;line-height:1.25;margin:0;overflow-wrap:anywhere}header p{margin:.15rem 0 0}
header .sign{font-size:2.5rem;line-height:1;margin:0;font-weight:700}
.good{background:#1a7f37}.doubtful{background:#8a5a00}.failed{background:#b3202c}
.reasons{background:#fff;margin:.6rem 0;padding:.6rem 1rem .6rem 2rem;border-radius:.5rem}
section{background:#fff;margin:.6rem 0;padding:.5rem 1rem 1rem;border-radius:.5rem}
h2{font-size:1.1rem;margin:.4rem 0 .5rem}h3{font-size:1rem;margin:.6rem 0 .3rem}
dl{display:grid;grid-template-columns:fit-content(45%) 1fr;gap:.15rem 1rem;margin:0}
dt{color:#56656f}dd{margin:0;overflow-wrap:anywhere}
.wide{overflow-x:auto}table{border-collapse:collapse;font-size:.9rem;font-variant-numeric:tabular-nums}
th,td{padding:.2rem .6rem;text-align:right;border-bottom:1px solid #e3e8ec;white-space:nowrap}
th{color:#56656f;font-weight:600}th:first-child,td:first-child{text-align:left;padding-left:0}
.pictures{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,26rem),1fr));gap:1rem}
figure{margin:0}img{width:100%;height:auto;display:block}figcaption,.small{color:#56656f;font-size:.88rem}
@media print{body{background:#fff}section,figure{break-inside:avoid}}
"""
