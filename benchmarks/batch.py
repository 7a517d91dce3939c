# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Batches of 16 dense frames; beside reading the frames once."""

import sys

from azimuthal.pipelines.benchmark.suite import measured_here, medians, ratio_report


def main(detector="Eiger2_4M", repeats=9):
    """Return median seconds by name; every result is compared with the reference engine first."""
    found = measured_here(detector, repeats, which=lambda case: case.kind == "dense", label="batch")
    assert [f"{one.case}: {one.verdict}" for one in found if not one.agrees] == []
    return medians(found)


report = ratio_report

if __name__ == "__main__":
    print(report(main(*sys.argv[1:2])))
