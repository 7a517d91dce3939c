# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Small pictures for notebooks, made without a plotting package: a line as SVG, an image as PNG.

They show shape, not numbers; at most a few kilobytes each.
"""

from __future__ import annotations

import base64
import html
import struct
import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from azimuthal.results._derived import range_text
from azimuthal.typing import AnyArray, FloatArray

if TYPE_CHECKING:
    from azimuthal.results.cake import Cake
    from azimuthal.results.profile import Profile

_WIDTH, _HEIGHT = 320, 90
_LARGEST_IMAGE = (90, 160)
_NAMED_PARTS = 6


def profile_html(profile: Profile) -> str:
    """Return a caption and a line drawing of a profile."""
    drawing = line_svg(profile.radial, profile.intensity)
    facts = f"{profile.unit.label}, {profile.axis.n_bins} bins, {_sigma_text(profile)}"
    return _figure(drawing, f"{range_text(profile.axis)}", facts)


def cake_html(cake: Cake) -> str:
    """Return a caption and a grey image of a cake, azimuth upwards."""
    encoded = base64.b64encode(image_png(cake.intensity)).decode("ascii")
    drawing = (
        f'<img alt="cake" width="{_WIDTH}" height="{2 * _HEIGHT}" style="image-rendering:pixelated" '
        f'src="data:image/png;base64,{encoded}"/>'
    )
    facts = f"{cake.azimuthal_unit.label} against {cake.radial_unit.label}, {_sigma_text(cake)}"
    return _figure(drawing, f"{range_text(cake.azimuthal_axis)} x {range_text(cake.radial_axis)}", facts)


def merged_html(merged: Profile | Cake, parts: Sequence[Profile | Cake]) -> str:
    """Return the drawing of a merged result, and which part of its bins each geometry fills."""
    drawing = merged._repr_html_()
    shares = ", ".join(f"{_filled(part):.0%}" for part in parts[:_NAMED_PARTS])
    more = ", ..." if len(parts) > _NAMED_PARTS else ""
    caption = f"merged from {len(parts)} geometries, which fill {shares}{more} of the bins"
    return f'<div>{drawing}<div style="font-size:smaller">{html.escape(caption)}</div></div>'


def _filled(part: Profile | Cake) -> float:
    return float(np.count_nonzero(part.count)) / part.count.size


def _sigma_text(result: Profile | Cake) -> str:
    return "no sigma" if result.error_model is None else f"sigma: {result.error_model}"


def _figure(drawing: str, *lines: str) -> str:
    caption = "<br/>".join(html.escape(line) for line in lines)
    return f'<div>{drawing}<div style="font-size:smaller">{caption}</div></div>'


def line_svg(x: FloatArray, y: FloatArray) -> str:
    """Return an SVG element with `y` drawn over `x`; gaps where `y` is not finite."""
    shown = np.isfinite(y)
    strokes = ""
    if shown.any():
        across = _scaled(x, x[0], x[-1], _WIDTH)
        up = _HEIGHT - _scaled(np.where(shown, y, 0.0), y[shown].min(), y[shown].max(), _HEIGHT)
        strokes = "".join(
            f'<polyline points="{_points(across[piece], up[piece])}" fill="none" stroke="currentColor"/>'
            for piece in _runs(shown)
        )
    return f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{_HEIGHT}">{strokes}</svg>'


def _scaled(values: FloatArray, low: float, high: float, length: int) -> FloatArray:
    return 2.0 + (values - low) * ((length - 4.0) / (high - low if high > low else 1.0))


def _points(across: FloatArray, up: FloatArray) -> str:
    return " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(across.tolist(), up.tolist(), strict=True))


def _runs(shown: npt.NDArray[np.bool_]) -> list[slice]:
    """Return the stretches of consecutive True values."""
    steps = np.flatnonzero(np.diff(np.concatenate(([False], shown, [False]))))
    return [slice(int(start), int(stop)) for start, stop in zip(steps[::2], steps[1::2], strict=True)]


def image_png(image: FloatArray) -> bytes:
    """Return a grey PNG of an image, row 0 at the bottom; the darkest and brightest hundredth are clipped."""
    rows, columns = (max(1, -(-size // most)) for size, most in zip(image.shape, _LARGEST_IMAGE, strict=True))
    small = image[::rows, ::columns][::-1]
    grey = np.zeros(small.shape, np.uint8)
    shown = np.isfinite(small)
    if shown.any():
        low, high = np.percentile(small[shown], (1, 99))
        scaled = (small[shown] - low) / (high - low if high > low else 1.0)
        grey[shown] = 20 + 235 * np.clip(scaled, 0.0, 1.0)
    return _encoded(grey)


def _encoded(grey: AnyArray) -> bytes:
    height, width = grey.shape
    filtered = np.concatenate((np.zeros((height, 1), np.uint8), grey), axis=1).tobytes()
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(filtered)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, body) for kind, body in chunks)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
