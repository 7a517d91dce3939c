# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Progress: plain lines without a terminal, a bar with one, failures and warnings in any case."""

import io
import re
import sys
import types
import warnings

import pytest

from azimuthal.cli import _progress
from azimuthal.cli._progress import Progress, StepProgress, failure_text
from azimuthal.errors import ConversionLossWarning, GeometryFileWarning
from azimuthal.pipelines.events import FrameDone, FrameFailed, Prepared, Surveying
from azimuthal.pipelines.inputs import FrameFailure


def prepared(n_frames):
    return Prepared(types.SimpleNamespace(n_frames=n_frames))


@pytest.fixture
def clock(monkeypatch):
    """A clock that is set by hand."""
    now = types.SimpleNamespace(seconds=0.0)
    monkeypatch.setattr(_progress.time, "monotonic", lambda: now.seconds)
    return now


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_progress_without_terminal_prints_a_line_every_few_seconds(capsys, clock):
    with Progress() as progress:
        progress(prepared(100))
        for number in range(1, 41):
            clock.seconds = 0.25 * number
            progress(FrameDone(f"f_{number}", None))
    lines = capsys.readouterr().err.splitlines()
    assert lines == ["20 of 100 frames, 4 frames/s, 0:20 left", "40 of 100 frames, 4 frames/s, 0:15 left"]


def test_progress_of_a_long_survey_is_shown(capsys, clock):
    with Progress() as progress:
        clock.seconds = 6.0
        progress(Surveying(300, 5400))
        progress(Surveying(301, 5400))
    assert capsys.readouterr().err == "looked at 300 of 5400 files\n"


def test_progress_on_a_terminal_is_a_bar_that_goes_away(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with Progress() as progress:
        progress(prepared(2))
        progress(FrameDone("a", None))
        progress(FrameFailed(FrameFailure("b", "is broken")))
        progress.line("a line")
    text = terminal.getvalue()
    assert "failed: b: is broken" in text
    assert "a line" in text
    assert "frames/s" in text


def test_progress_quiet_shows_failures_only(capsys, clock):
    with Progress(quiet=True) as progress:
        progress(prepared(9))
        clock.seconds = 60.0
        progress(FrameDone("a", None))
        progress.note("chatter")
        progress(FrameFailed(FrameFailure("b", "is broken")))
    assert capsys.readouterr().err == "failed: b: is broken\n"


def test_progress_shows_warnings_of_this_package_as_lines(capsys):
    with Progress() as progress:
        warnings.warn("the orientation has a history", GeometryFileWarning, stacklevel=1)
        for number in range(3):
            warnings.warn(f"f{number}.xy: 2 bins are left out", ConversionLossWarning, stacklevel=1)
        progress.line("end")
    assert capsys.readouterr().err.splitlines() == [
        "warning: the orientation has a history",
        "warning: f0.xy: 2 bins are left out",
        "end",
        "warning: and 2 more of this kind (ConversionLossWarning)",
    ]


def test_progress_restores_how_warnings_are_shown():
    before = warnings.showwarning
    with Progress():
        assert warnings.showwarning is not before
    assert warnings.showwarning is before


@pytest.mark.parametrize(
    ("failure", "text"),
    [
        (FrameFailure("a_3", "is empty"), "a_3: is empty"),
        (FrameFailure("a.tif", "a.tif: is truncated", None), "a.tif: is truncated"),
        (FrameFailure("a.h5", "is gone", 40), "a.h5: is gone (40 frames)"),
    ],
)
def test_failure_text_names_the_frame_once(failure, text):
    assert failure_text(failure) == text


def test_step_progress_elsewhere_prints_a_line_per_step(capsys):
    with StepProgress() as progress:
        progress.step(0, 2, "first")
        progress.step(1, 2, "second")
    first, second = capsys.readouterr().err.splitlines()
    assert first == "0 of 2, ...: first"
    assert re.fullmatch(r"1 of 2, \d+:\d\d left: second", second)


def test_step_progress_on_a_terminal_is_a_bar(monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with StepProgress() as progress:
        progress.step(0, 2, "first")
        progress.step(1, 2, "[second]")
    assert progress._bar is not None
