# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""What happens in a batch, as it happens: for progress bars, logs, and whoever wants to stop it.

A batch calls a function with each event.  When that function raises, the batch ends, and what it had begun to write
is removed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias

from azimuthal.pipelines.inputs import FrameFailure


class PreparedRun(Protocol):
    """What is known of a batch, or of another run over frames, before the first of them."""

    @property
    def n_frames(self) -> int:
        """Number of frames."""


@dataclass(frozen=True, slots=True)
class Surveying:
    """A file was looked at."""

    n_files: int
    n_total: int


@dataclass(frozen=True, slots=True)
class Prepared:
    """Everything was checked; frames come next."""

    batch: PreparedRun


@dataclass(frozen=True, slots=True)
class FrameDone:
    """A frame was integrated and handed to its writer.

    Parameters
    ----------
    label:
        Its name.
    path:
        The file of its own that was written, None when all frames go into one file.
    """

    label: str
    path: Path | None


@dataclass(frozen=True, slots=True)
class FrameFailed:
    """A frame, or a file, could not be integrated."""

    failure: FrameFailure


@dataclass(frozen=True, slots=True)
class FramesKept:
    """Results are safe on the disk: the same run, started again, goes on from there.

    Parameters
    ----------
    n_frames:
        How many are kept.
    folder:
        Where.
    resumed:
        Whether they were found there, from a run that was interrupted.
    """

    n_frames: int
    folder: Path
    resumed: bool = False


@dataclass(frozen=True, slots=True)
class OutputsDone:
    """All outputs are complete; a picture may follow."""

    paths: Sequence[Path]


BatchEvent: TypeAlias = Surveying | Prepared | FrameDone | FrameFailed | FramesKept | OutputsDone
Report: TypeAlias = Callable[[BatchEvent], None]


def ignore(_event: BatchEvent) -> None:
    """Do nothing: the report of those who do not want one."""
