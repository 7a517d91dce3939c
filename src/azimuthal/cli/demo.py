# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""``azimuthal demo``: a simulated measurement from the images to the picture."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING

from azimuthal.cli._parsing import command, option
from azimuthal.cli._progress import Progress
from azimuthal.cli._table import table_text

if TYPE_CHECKING:
    from azimuthal.pipelines.demo import DemoReport


@command(name="demo")
@option("--output", "folder", default="demo-output", show_default=True, metavar="DIR", help="Where to.")
@option("--frames", default=20, show_default=True, help="How many frames to simulate.")
@option("--force", is_flag=True, help="Replace the files of an earlier demonstration.")
def demo_command(folder: str, frames: int, force: bool) -> int:
    """Simulate CeO2 powder on an EIGER 4M, integrate it, and check the rings against the lattice."""
    from azimuthal.pipelines.demo import demo_command_line, run_demo

    with Progress() as progress:
        report = run_demo(folder, n_frames=frames, force=force, report=progress, say=progress.note)
    print(_rings(report))
    print(f"\n{report.n_found} of {len(report.rings)} rings found; {_deviation(report)}")
    rate = report.summary.frames_per_second
    print(
        f"{report.summary.n_frames} frames of 4.5 million pixels in {report.summary.seconds:.2f} s: {rate:.1f} frames/s"
    )
    print("(reading, full pixel splitting, Poisson errors, writing)")
    print(f"\nThe same by hand:\n  {demo_command_line(report.files)} --force\n\nWritten in {report.seconds:.0f} s:")
    for path in report.files.all:
        print(f"  {path}")
    if report.n_found < len(report.rings):
        print("error: rings are missing", file=sys.stderr)
        return 1
    return 0


def _rings(report: DemoReport) -> str:
    rows = [
        (
            check.ring.name,
            f"{check.ring.d_spacing * 1e10:.4f}",
            f"{check.expected:.4f}",
            f"{check.found:.4f}" if math.isfinite(check.found) else "-",
        )
        for check in report.rings
    ]
    return table_text(("ring", "d (Å)", "2theta expected (deg)", "found (deg)"), rows)


def _deviation(report: DemoReport) -> str:
    degrees = report.largest_deviation
    return f"largest deviation {degrees:.4f} degrees ({degrees / report.pixel_angle:.2f} pixels)"
