# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""``azimuthal rerun``: a result once more, compared with itself."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from azimuthal.cli._messages import preparation, print_summary
from azimuthal.cli._parsing import argument, command, option
from azimuthal.cli._progress import Progress
from azimuthal.cli._running import INTERRUPTED, Interrupted, told_when_cut_short

if TYPE_CHECKING:
    from azimuthal.pipelines.rerun import Comparison

_SHOWN = 5


@command(name="rerun")
@argument("result", metavar="RESULT")
@option("-o", "--output", metavar="NAME", help="Where to, .h5 or .npz.  Default: STEM_rerun.h5 beside RESULT.")
@option("--accept-changes", is_flag=True, help="Go on although inputs changed since.")
@option("--force", is_flag=True, help="Replace a file that exists.")
@option("--threads", type=int, help="Number of threads.  Default: all cores that may be used.")
@option("-q", "--quiet", is_flag=True, help="Print warnings and errors only.")
def rerun_command(result: str, **options: Any) -> int:
    """Integrate again what RESULT (.h5, .npz) was made from, and compare: the numbers must be the same, bit for bit.

    The exit code is 0 when they are, and 1 when they are not.
    """
    from azimuthal.pipelines.rerun import prepare_rerun

    quiet = options.pop("quiet")
    try:
        with Progress(quiet=quiet) as progress, told_when_cut_short(progress):
            second = prepare_rerun(result, report=progress, **options)
            progress.note(preparation(second.batch))
            for note in (*second.notes, *second.changes):
                progress.line(f"note: {note}")
            summary, comparison = second.run(progress)
    except Interrupted:
        return INTERRUPTED
    code = print_summary(second.batch, summary, quiet=quiet)
    return max(code, _print_comparison(result, comparison))


def _print_comparison(path: str, comparison: Comparison) -> int:
    if comparison.is_equal:
        print(f"{path}: all {comparison.n_equal} frames came out the same, bit for bit")
        return 0
    for words, labels in (("came out differently", comparison.differing), ("did not come out", comparison.missing)):
        if labels:
            more = f" and {len(labels) - _SHOWN} more" if len(labels) > _SHOWN else ""
            print(f"error: {path}: {len(labels)} frames {words}: {', '.join(labels[:_SHOWN])}{more}", file=sys.stderr)
    return 1
