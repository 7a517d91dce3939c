# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Memory in bytes: of plans, and the largest of `azimuthal integrate` on a short and on a longer file."""

import sys

from azimuthal.pipelines.benchmark.cases import Case
from azimuthal.pipelines.benchmark.contenders import ours
from azimuthal.pipelines.benchmark.settings import BenchmarkSettings
from azimuthal.pipelines.benchmark.suite import ratio_report, workbench

FULL = Case("file", "full", True)


def main(detector="Eiger2_4M", repeats=1):
    """Return bytes by name; the command's results are compared, and its memory does not grow with the file."""
    values = {}
    lengths = (16, 16 + 48 * min(repeats, 4))
    for n_frames in lengths:
        settings = BenchmarkSettings(detector=detector, n_file_frames=n_frames)
        with workbench(settings, [FULL], long=True) as bench:
            if not values:
                frame = bench.frames(FULL)[0].nbytes
                values["one frame"] = frame
                values |= {f"plan {split}": bench.compiled(Case("dense", split)).nbytes for split in ("none", "full")}
            (entry,) = ours.entries(FULL, bench)
            peak = entry.peak_bytes(entry.work())
            assert entry.deviation(None) < entry.tolerance
        if peak is not None:  # Windows does not tell
            values[f"azimuthal integrate, {n_frames} frames"] = peak
    peaks = [value for name, value in values.items() if name.startswith("azimuthal")]
    assert not peaks or peaks[-1] - peaks[0] < 0.5 * (lengths[-1] - lengths[0]) * frame
    return values


def report(values):
    """A table in MB."""
    return ratio_report(values, unit="MB", scale=1e-6)


if __name__ == "__main__":
    print(report(main(*sys.argv[1:2])))
