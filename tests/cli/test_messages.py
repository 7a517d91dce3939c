# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""What a run that ends early says; the other messages are tested where they appear, in test_integrate.py."""

import types

import pytest

from azimuthal.cli._messages import cut_short


@pytest.mark.parametrize(
    ("n_done", "n_files", "text"),
    [
        (0, 0, "interrupted after 0 frames: nothing was written"),
        (1, 1, "interrupted after 1 frame: 1 file written, complete; the same command again writes the rest"),
        (40, 40, "interrupted after 40 frames: 40 files written, complete; the same command again writes the rest"),
    ],
)
def test_cut_short_says_what_is_left(n_done, n_files, text):
    progress = types.SimpleNamespace(n_done=n_done, n_files_written=n_files, n_kept=0)
    assert cut_short(progress, "interrupted") == text
