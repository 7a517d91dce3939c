# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""``azimuthal benchmark``: how fast it is here, beside whom."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from azimuthal.cli._parsing import command, option
from azimuthal.cli._progress import StepProgress
from azimuthal.cli._table import table_text

if TYPE_CHECKING:
    from azimuthal.pipelines.benchmark import BenchmarkReport, BenchmarkSettings


@command(name="benchmark")
@option("--detector", metavar="NAME", help="Any detector of the catalogue.  Default: Eiger2_4M (--quick: Eiger2_1M).")
@option("--quick", is_flag=True, help="A short look: small detector, few turns; seconds instead of minutes.")
@option("--only", metavar="TEXT", help="Only cases whose name contains this, such as 'chunk none' or 'file'.")
@option("--repeats", type=int, help="How many turns everybody has.  Default: 9 (--quick: 2).")
@option("--without-peers", is_flag=True, help="Time azimuthal and the limits only.")
@option("--json", "json_file", metavar="FILE", help="Write everything, raw times included, as JSON.")
@option("--picture", metavar="FILE", help="Draw frames per second: .png, .svg or .pdf.")
@option("--markdown", metavar="FILE", help="Write the page of the documentation.")
@option("--force", is_flag=True, help="Replace files that exist.")
def benchmark_command(**options: Any) -> int:
    """Time azimuthal on this machine, against every installed peer and against what the hardware allows.

    Simulated powder frames, dense and compressed as an EIGER writes them, on one core and on all.  Everybody's results
    are compared before they are timed.  Close other programs first: minutes of a quiet machine are needed.
    """
    settings = _settings(options)
    from azimuthal._pending_file import check_target, write_text
    from azimuthal.pipelines.benchmark import benchmark_page, run_benchmark, save_benchmark_picture
    from azimuthal.results.plot import check_picture

    force = options["force"]
    for name in ("json_file", "picture", "markdown"):
        if options[name] is not None:
            check_target(Path(options[name]), force=force)
    if options["picture"] is not None:
        check_picture(options["picture"])
    with StepProgress() as progress:
        report = run_benchmark(settings, lambda step: progress.step(step.number, step.total, step.text))
    _show(report)
    if options["json_file"] is not None:
        print(write_text(options["json_file"], [report.to_json()], force=force))
    if options["picture"] is not None:
        print(save_benchmark_picture(report, options["picture"], force=force))
    if options["markdown"] is not None:
        page = benchmark_page(report, picture=_seen_from(options["markdown"], options["picture"]))
        print(write_text(options["markdown"], [page], force=force))
    return 0


def _settings(options: dict[str, Any]) -> BenchmarkSettings:
    from azimuthal.pipelines.benchmark import BenchmarkSettings

    given = {name: options[name] for name in ("detector", "repeats", "only") if options[name] is not None}
    given["peers"] = not options["without_peers"]
    return BenchmarkSettings.short(**given) if options["quick"] else BenchmarkSettings(**given)


def _show(report: BenchmarkReport) -> None:
    machine = report.machine
    print(
        f"{machine['processor']}, {machine['cores']} cores; {report.settings.detector}; ms per frame of ours, and the"
    )
    print("fastest way of everybody else as a multiple of ours\n")
    print(table_text(*report.table()))
    for line in report.problems():
        print(f"left out: {line}")
    for name, how in report.missing.items():
        print(f"not installed: {name} ({how})")
    if report.settings.quick:
        print("\nA quick look: a small detector, few turns. These ratios mean little.")
    elif (contract := report.contract())[1]:
        print(f"\nthe speed contract\n\n{table_text(*contract)}")


def _seen_from(page: str, picture: str | None) -> str | None:
    """Return the path of a picture relative to the folder of a page."""
    return None if picture is None else Path(os.path.relpath(picture, Path(page).parent)).as_posix()
