# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Plain tables, fit for a terminal and for ``grep``."""

from __future__ import annotations

from collections.abc import Sequence


def table_text(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return columns aligned to the left, two spaces apart, under a header."""
    lines = [header, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )
