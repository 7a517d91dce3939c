# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Batches that are stopped after some frames, and run again."""

import pytest

from azimuthal.pipelines.batch import integrate_batch
from azimuthal.pipelines.events import FrameDone, FramesKept


class StopError(Exception):
    """What ends a run."""


def stop_after(settings, n_frames):
    """Run until so many frames are done."""
    done = []

    def report(event):
        if isinstance(event, FrameDone):
            done.append(event.label)
            if len(done) == n_frames:
                raise StopError

    with pytest.raises(StopError):
        integrate_batch(settings, report)


def finish(settings):
    """Run to the end; return how many frames were found done, and the summary."""
    events = []
    summary = integrate_batch(settings, events.append)
    found = [event.n_frames for event in events if isinstance(event, FramesKept) and event.resumed]
    return (found or [0])[0], summary
