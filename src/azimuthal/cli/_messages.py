# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""What ``azimuthal integrate`` says: notes and errors on stderr, the result as the last line of stdout."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from azimuthal.cli._progress import Progress, failure_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from azimuthal.pipelines.batch import Batch
    from azimuthal.pipelines.batch_run import BatchSummary


_PATHS_SHOWN = 20


def preparation(batch: Batch) -> str:
    """Return what is known before the first frame (detector, bins, engine, sensor) and what to look at."""
    from azimuthal.pipelines.batch import orientation_notes

    spec = batch.plan.spec
    masked = f"{100 * batch.masked_share:.3g} % of {batch.plan.report['total']} pixels masked"
    bins = f"{batch.bins} of {spec.unit.name}, split {spec.split}"
    lines = [f"{spec.instrument.detector.name}: {masked}; {bins}; engine {batch.plan.engine}, {batch.threads} threads"]
    lines.append(_sensor_words(batch.plan.corrections))
    lines += [f"note: {batch.settings.geometry}: {note}" for note in orientation_notes(batch.settings)]
    if n_pixels := batch.unused_mask_pixels():
        lines.append(f"note: the pixel mask in the image file excludes {n_pixels} more pixels; --file-mask applies it")
    return "\n".join(lines)


def _sensor_words(corrections: dict[str, Any]) -> str:
    """Return one line about the sensor: what is corrected, or why not."""
    absorption = corrections["sensor_absorption"]
    parallax = "parallax corrected" if corrections["parallax"]["applied"] else "parallax not corrected"
    if not absorption["applied"]:
        return f"sensor: absorption not corrected ({absorption['reason']}); {parallax}"
    layer = f"{absorption['thickness_m'] * 1e6:g} µm of {absorption['material']} at {absorption['energy_keV']:.6g} keV"
    return f"sensor: absorption corrected ({layer}, {absorption['mode']}); {parallax}"


def print_plan(batch: Batch) -> int:
    """Say what a run would write and what would fail; return the exit code of a dry run."""
    paths = batch.outputs.paths
    n_finished = batch.n_finished()
    print(f"would write {_output_words(batch, paths)}: {batch.n_frames} frames, {batch.bins}")
    if batch.outputs.one_each and len(paths) > 1:
        for path in paths[:_PATHS_SHOWN]:
            print(f"  {path}{' (there already)' if path.exists() else ''}")
        if len(paths) > _PATHS_SHOWN:
            print(f"  and {len(paths) - _PATHS_SHOWN} more")
    if n_finished:
        verb = "skip" if batch.outputs.one_each else "take"
        left = batch.n_frames - n_finished
        print(f"would {verb} {_counted(n_finished, 'frame')} of an interrupted run and integrate {left}")
    for failure in batch.survey.failures:
        print(f"would fail: {failure_text(failure)}")
    return 1 if batch.survey.failures else 0


def print_summary(batch: Batch, summary: BatchSummary, *, quiet: bool) -> int:
    """Say what failed and what was written; return the exit code."""
    if summary.failures:
        lost = [failure.n_frames for failure in summary.failures]
        number = ("at least " if None in lost else "") + _counted(sum(one or 1 for one in lost), "frame")
        names = ", ".join(failure.name for failure in summary.failures[:5])
        more = f" and {len(summary.failures) - 5} more" if len(summary.failures) > 5 else ""
        print(f"error: {number} failed: {names}{more}", file=sys.stderr)
        if summary.outputs:
            print(
                f"note: {_where_failures_are(batch)}; the same command again tries them, and only them", file=sys.stderr
            )
    if not summary.outputs:
        print("error: no frame could be integrated; nothing was written", file=sys.stderr)
        return 2
    if not quiet:
        speed = f"{summary.seconds:.2f} s ({summary.frames_per_second:.3g} frames/s)"
        files, frames = _counted(summary.n_files, "file"), _counted(summary.n_frames, "frame")
        print(f"{frames} in {speed}", file=sys.stderr)
        if summary.picture is not None:
            print(f"{summary.picture}: picture of {frames}", file=sys.stderr)
        print(f"{_output_words(batch, summary.outputs)}: {frames} from {files}, {batch.bins}")
    return 1 if summary.failures else 0


def _where_failures_are(batch: Batch) -> str:
    outputs = batch.outputs
    if outputs.records_failures:
        return f"{outputs.name} holds names and reasons"
    from azimuthal.pipelines.ledger import ledger_folder
    from azimuthal.pipelines.parts import parts_folder
    from azimuthal.pipelines.run_folder import FAILURES

    folder = ledger_folder(outputs) if outputs.one_each else parts_folder(outputs.paths[0])
    return f"names and reasons are in {folder / FAILURES}"


def _output_words(batch: Batch, paths: Sequence[Any]) -> str:
    if not batch.outputs.one_each or len(paths) == 1:
        return str(paths[0])
    return f"{paths[0]} ... {paths[-1]} ({len(paths)} files)"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def cut_short(progress: Progress, reason: str) -> str:
    """Return what an interrupted or failed run leaves behind."""
    done = f"{reason} after {_counted(progress.n_done, 'frame')}"
    if progress.n_files_written:
        files = _counted(progress.n_files_written, "file")
        return f"{done}: {files} written, complete; the same command again writes the rest"
    if progress.n_kept:
        frames = _counted(progress.n_kept, "frame")
        return f"{done}: {frames} kept in {progress.kept_in}; the same command again integrates the rest"
    return f"{done}: nothing was written"
