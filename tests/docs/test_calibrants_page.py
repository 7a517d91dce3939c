# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""The page of calibrants is what its script writes."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_calibrants_page_is_current(tmp_path):
    made = tmp_path / "calibrants.md"
    subprocess.run([sys.executable, ROOT / "tools/make_calibrants_page.py", "--output", made], check=True)
    stored = ROOT / "docs/reference/calibrants.md"
    assert made.read_text(encoding="utf-8") == stored.read_text(encoding="utf-8"), "run tools/make_calibrants_page.py"
