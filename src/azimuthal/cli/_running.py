# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""One batch, with its progress and its messages: what ``integrate``, ``run`` and ``rerun`` share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from azimuthal.cli._messages import cut_short, preparation, print_plan, print_summary
from azimuthal.cli._progress import Progress
from azimuthal.errors import AzimuthalError

if TYPE_CHECKING:
    from azimuthal.pipelines.events import BatchEvent, Report
    from azimuthal.pipelines.settings import BatchSettings

INTERRUPTED = 130


class Interrupted(Exception):  # noqa: N818  # not an error: the user's wish
    """Ctrl-C, after it was told."""


def run_batch(settings: BatchSettings, options: Mapping[str, Any]) -> int:
    """Run a batch; return the exit code.

    Parameters
    ----------
    settings:
        What to do.
    options:
        Those of the command: ``quiet``, ``dry_run``, ``log``, the name of a log or None, and ``recipe``, the name of a
        recipe to be written.
    """
    from azimuthal.pipelines.batch import prepare_batch
    from azimuthal.pipelines.recipe import write_recipe

    try:
        with Progress(quiet=options["quiet"]) as progress, told_when_cut_short(progress), _logged(options) as log:

            def report(event: BatchEvent) -> None:
                log(event)
                progress(event)

            batch = prepare_batch(settings, report)
            progress.note(preparation(batch))
            if options.get("recipe"):
                progress.note(f"recipe: {write_recipe(settings, options['recipe'], force=settings.force)}")
            if options["dry_run"]:
                return print_plan(batch)
            summary = batch.run(report)
    except Interrupted:
        return INTERRUPTED
    return print_summary(batch, summary, quiet=options["quiet"])


@contextmanager
def _logged(options: Mapping[str, Any]) -> Iterator[Report]:
    """Yield what writes events to the log, or does nothing where there is none."""
    from azimuthal.pipelines.event_log import EventLog
    from azimuthal.pipelines.events import ignore

    if options["log"] is None or options["dry_run"]:
        yield ignore
        return
    with EventLog(options["log"]) as log:
        yield log


@contextmanager
def told_when_cut_short(progress: Progress) -> Iterator[None]:
    """Say what an interrupted or failed run leaves behind."""
    try:
        yield
    except KeyboardInterrupt:
        progress.line(cut_short(progress, "interrupted"))
        raise Interrupted from None
    except AzimuthalError:
        if progress.n_files_written or progress.n_kept:
            progress.line(cut_short(progress, "stopped"))
        raise
