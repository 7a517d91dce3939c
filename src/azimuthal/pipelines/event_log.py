# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""What happened in a batch as a file: one JSON record per line, as it happens, for programs and for the morning after.

Every record has ``time`` (UTC, ISO 8601) and ``event``:

=============  =======================================================
event          further keys
=============  =======================================================
``prepared``   ``n_frames``
``resumed``    ``n_frames`` kept by an interrupted run, ``folder``
``frame``      ``label``, and ``path`` where the frame has its own file
``kept``       ``n_frames`` that are safe on the disk, ``folder``
``failed``     ``name``, ``reason``, ``n_frames`` (null: not known)
``done``       ``paths``
``stopped``    ``reason``: what ended the run before it was done
=============  =======================================================
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from azimuthal._pending_file import translated
from azimuthal.errors import OutputError
from azimuthal.pipelines.events import BatchEvent, FrameDone, FrameFailed, FramesKept, OutputsDone, Prepared
from azimuthal.typing import PathLike


class EventLog:
    """Appends events to a file; use it in a ``with`` block and pass it as the function that is told of them.

    Parameters
    ----------
    path:
        The file; it is created, or continued where it exists.

    Raises
    ------
    OutputError
        It cannot be written.
    """

    def __init__(self, path: PathLike) -> None:
        self._path = Path(path)
        try:
            self._stream = self._path.open("a", encoding="utf-8", buffering=1)
        except OSError as error:
            raise translated(self._path, error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            with contextlib.suppress(OutputError):  # the error that stopped the run is the one to be told
                self._write("stopped", {"reason": " ".join(str(error).split()) or kind.__name__})
        with contextlib.suppress(OSError):  # what could not be written, which has been told
            self._stream.close()

    def __call__(self, event: BatchEvent) -> None:
        """Write one event."""
        record = _record(event)
        if record is not None:
            self._write(*record)

    def _write(self, name: str, record: dict[str, Any]) -> None:
        now = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")
        try:
            self._stream.write(json.dumps({"time": now, "event": name, **record}) + "\n")
        except OSError as error:
            raise translated(self._path, error) from error


def _record(event: BatchEvent) -> tuple[str, dict[str, Any]] | None:
    if isinstance(event, FrameDone):
        return "frame", {"label": event.label} | ({} if event.path is None else {"path": str(event.path)})
    if isinstance(event, FrameFailed):
        failure = event.failure
        return "failed", {"name": failure.name, "reason": failure.reason, "n_frames": failure.n_frames}
    if isinstance(event, FramesKept):
        return "resumed" if event.resumed else "kept", {"n_frames": event.n_frames, "folder": str(event.folder)}
    if isinstance(event, Prepared):
        return "prepared", {"n_frames": event.batch.n_frames}
    if isinstance(event, OutputsDone):
        return "done", {"paths": [str(path) for path in event.paths]}
    return None
