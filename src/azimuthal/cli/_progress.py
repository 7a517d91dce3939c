# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Progress on stderr: a bar on a terminal, a plain line every few seconds elsewhere.

The only module that imports rich, when there is a terminal.
"""

from __future__ import annotations

import math
import sys
import time
import warnings
from collections import Counter
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from azimuthal.cli._signals import raise_requested

if TYPE_CHECKING:
    from pathlib import Path

    from azimuthal.pipelines.events import BatchEvent, FramesKept
    from azimuthal.pipelines.inputs import FrameFailure

_LINE_EVERY = 5.0  # s
_UPDATE_EVERY = 0.05  # s, of the bar
_FAILURES_SHOWN = 20


class Progress:
    """Shows the events of a batch; use it in a ``with`` block and pass it as the function that is told of them.

    Warnings of this package become one line each; of losses that come once per file, the first and their number.

    Parameters
    ----------
    quiet:
        Show failures and warnings only.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self.n_done = 0
        self.n_files_written = 0
        self.n_kept = 0
        self.kept_in: Path | None = None
        self._n_found = 0
        self._quiet = quiet
        self._n_total = 0
        self._n_failed = 0
        self._begin = self._last_line = time.monotonic()
        self._last_update = -math.inf
        self._losses: Counter[str] = Counter()
        self._bar: Any = None
        self._task: Any = None
        self._catching = warnings.catch_warnings()

    def __enter__(self) -> Self:
        from azimuthal.errors import AzimuthalWarning

        self._catching.__enter__()
        warnings.simplefilter("always", AzimuthalWarning)
        warnings.showwarning = self._show_warning
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._catching.__exit__(kind, error, trace)
        self._stop_bar()
        for category, number in self._losses.items():
            if number > 1:
                self.line(f"warning: and {number - 1} more of this kind ({category})")

    def __call__(self, event: BatchEvent) -> None:
        """Show one event."""
        from azimuthal.pipelines.events import FrameDone, FrameFailed, FramesKept, OutputsDone, Prepared

        if not isinstance(event, OutputsDone):  # then everything is written: too late to stop
            raise_requested()
        if isinstance(event, FrameDone):
            self.n_done += 1
            self.n_files_written += event.path is not None
            self._advance()
        elif isinstance(event, FrameFailed):
            self._fail(event.failure)
        elif isinstance(event, FramesKept):
            self._keep(event)
        elif isinstance(event, OutputsDone):
            self.n_files_written = len(event.paths)
        elif isinstance(event, Prepared):
            self._start(event.batch.n_frames)
        elif event.n_total > 1 and self._line_is_due():
            self.note(f"looked at {event.n_files} of {event.n_total} files")

    def line(self, text: str) -> None:
        """Print a line, above the bar if there is one."""
        if self._bar is None:
            print(text, file=sys.stderr, flush=True)
        else:
            self._bar.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def note(self, text: str) -> None:
        """Print a line that is left out when quiet."""
        if not self._quiet:
            self.line(text)

    def _start(self, n_frames: int) -> None:
        self._n_total = n_frames
        self._begin = self._last_line = time.monotonic()
        if not self._quiet and n_frames > 1 and sys.stderr.isatty():
            self._start_bar()

    def _advance(self) -> None:
        if self._bar is not None:
            self._update_bar()
        elif self._line_is_due():
            self.note(f"{self.n_done} of {self._n_total} frames, {self._speed()}")
        if self.n_done + self._n_failed >= self._n_total:
            self._stop_bar()

    def _update_bar(self) -> None:
        now = time.monotonic()
        if now - self._last_update >= _UPDATE_EVERY:  # formatting for every frame would cost more than writing it
            self._last_update = now
            self._bar.update(self._task, completed=self.n_done + self._n_failed, speed=self._speed())

    def _fail(self, failure: FrameFailure) -> None:
        self._n_failed += 1
        if self._n_failed <= _FAILURES_SHOWN:
            self.line(f"failed: {failure_text(failure)}")
        elif self._n_failed == _FAILURES_SHOWN + 1:
            self.line("failed: further frames, counted at the end")

    def _keep(self, event: FramesKept) -> None:
        self.n_kept, self.kept_in = event.n_frames, event.folder
        if event.resumed:
            self._n_found = event.n_frames
            before = "an interrupted run" if event.folder.suffix == ".parts" else "a run in which others failed"
            number = "1 frame is" if event.n_frames == 1 else f"{event.n_frames} frames are"
            self.note(f"{number} kept in {event.folder} from {before}")

    def _line_is_due(self) -> bool:
        now = time.monotonic()
        if now - self._last_line < _LINE_EVERY:
            return False
        self._last_line = now
        return True

    def _speed(self) -> str:
        """Return e.g. ``25.3 frames/s, 0:42 left``."""
        rate = max(self.n_done - self._n_found, 1) / max(time.monotonic() - self._begin, 1e-3)
        seconds = round((self._n_total - self.n_done - self._n_failed) / rate)
        return f"{rate:.3g} frames/s, {max(seconds, 0) // 60}:{max(seconds, 0) % 60:02d} left"

    def _start_bar(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
        from rich.progress import Progress as Bar

        columns = (BarColumn(), MofNCompleteColumn(), TextColumn("frames, {task.fields[speed]}"))
        self._bar = Bar(*columns, console=Console(stderr=True), transient=True)
        self._task = self._bar.add_task("", total=self._n_total, speed="...")
        self._bar.start()

    def _stop_bar(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _show_warning(self, message: Any, category: type[Warning], *_where: Any, **_more: Any) -> None:
        from azimuthal.errors import ConversionLossWarning

        if issubclass(category, ConversionLossWarning):
            self._losses[category.__name__] += 1
            if self._losses[category.__name__] > 1:
                return
        self.line(f"warning: {message}")


class StepProgress:
    """Shows the steps of a long run; use it in a ``with`` block."""

    def __init__(self) -> None:
        self._begin = time.monotonic()
        self._bar: Any = None
        self._task: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def step(self, number: int, total: int, text: str) -> None:
        """Show that `number` of `total` steps are done and what comes; a request to stop is raised here."""
        raise_requested()
        if not sys.stderr.isatty():
            print(f"{number} of {total}, {self._time_left(number, total)}: {text}", file=sys.stderr, flush=True)
            return
        if self._bar is None:
            self._start_bar(total)
        self._bar.update(self._task, completed=number, description=text, left=self._time_left(number, total))

    def _time_left(self, number: int, total: int) -> str:
        if not number:
            return "..."
        seconds = round((time.monotonic() - self._begin) / number * (total - number))
        return f"{seconds // 60}:{seconds % 60:02d} left"

    def _start_bar(self, total: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
        from rich.progress import Progress as Bar

        columns = (
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[left]}  {task.description}", markup=False),
        )
        self._bar = Bar(*columns, console=Console(stderr=True), transient=True)
        self._task = self._bar.add_task("", total=total, left="...")
        self._bar.start()


def failure_text(failure: FrameFailure) -> str:
    """Return name and reason of a failure on one line."""
    text = failure.reason if failure.reason.startswith(failure.name) else f"{failure.name}: {failure.reason}"
    return f"{text} ({failure.n_frames} frames)" if failure.n_frames and failure.n_frames > 1 else text
