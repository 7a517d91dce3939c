# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Plain tables."""

from azimuthal.cli._table import table_text


def test_table_text_aligns_columns_and_trims_line_ends():
    assert table_text(("a", "long"), [("1234", "x"), ("5", "")]) == "a     long\n1234  x\n5"
