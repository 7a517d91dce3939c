# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""One EIGER2 4M frame: compile and integrate, as ratios to peers and to the time of reading the frame once.

Run it on a quiet machine: ``python benchmarks/single_frame.py [--detector NAME] [--json FILE]``.  Every contender's
result is compared with ours before it is timed.
"""

from __future__ import annotations

import argparse
import json
import logging
import statistics
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import azimuthal as az

NPT = 1000
GEOMETRY = {"dist": 0.2, "poni1": 0.08, "poni2": 0.078, "wavelength": 1e-10}


def powder_frame(integrator: az.Integrator, counts: float = 40.0) -> np.ndarray:
    """Rings on a background, Poisson counts, gaps at the dtype maximum as an EIGER writes them; uint32."""
    t = integrator.pose.lab_from_detector(integrator.detector.centers())
    q = 4 * np.pi / (GEOMETRY["wavelength"] * 1e9) * np.sin(0.5 * np.arctan2(np.hypot(t[..., 0], t[..., 1]), t[..., 2]))
    rings = sum(np.exp(-0.5 * ((q - q0) / 0.15) ** 2) for q0 in (8, 12, 17, 22, 28, 33))
    frame = np.random.default_rng(0).poisson(counts * (0.5 + rings)).astype(np.uint32)
    frame[integrator.detector.gap_mask()] = 2**32 - 1
    return frame


def median_time(work: Callable[[], Any], repeats: int) -> float:
    """Median wall time in s, after one warming call."""
    work()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def our_times(integrator: az.Integrator, frame: np.ndarray, repeats: int) -> dict[str, float]:
    """Compile and single-frame times of the native engine."""
    times = {}
    for split in ("none", "bbox", "full"):
        fresh = [az.Integrator.from_instrument(integrator.instrument) for _ in range(3)]
        start = time.perf_counter()
        plans = [one.plan1d(NPT, split=split, error_model="poisson") for one in fresh]
        times[f"azimuthal {split}: compile"] = (time.perf_counter() - start) / len(plans)
        plan = plans[0]
        assert abs(plan(frame).count.sum() / np.count_nonzero(frame < 2**32 - 2) - 1) < 1e-9
        times[f"azimuthal {split}: frame, Poisson sigma"] = median_time(lambda plan=plan: plan(frame), repeats)
    return times


def pyfai_times(name: str, integrator: az.Integrator, frame: np.ndarray, repeats: int) -> dict[str, float]:
    """The same by pyFAI's methods; first call (compile) and later calls."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            logging.disable(logging.WARNING)
            import pyFAI
            from pyFAI.integrator.azimuthal import AzimuthalIntegrator
    except ImportError:
        print("pyFAI is not installed: left out")
        return {}
    times = {}
    ours = integrator.integrate1d(frame, NPT, split="bbox")
    for method in (("no", "histogram", "cython"), ("no", "csc", "cython"), ("bbox", "csr", "cython"),
                   ("full", "csr", "cython"), ("full", "csc", "cython")):  # fmt: skip
        ai = AzimuthalIntegrator(detector=pyFAI.detector_factory(name), **GEOMETRY)
        label = "/".join(method)

        def work(ai=ai, method=method):
            return ai.integrate1d(frame, NPT, unit="q_nm^-1", method=method, error_model="poisson")

        start = time.perf_counter()
        theirs = work()
        times[f"pyFAI {label}: first call"] = time.perf_counter() - start
        inner = slice(20, -20)  # bins of few pixels differ: other ranges, and zeros for empty bins
        expected = np.interp(theirs.radial[inner], ours.radial, ours.intensity)
        assert np.corrcoef(expected, theirs.intensity[inner])[0, 1] > 0.99
        times[f"pyFAI {label}: frame, Poisson sigma"] = median_time(work, repeats)
    return times


def numpy_times(integrator: az.Integrator, frame: np.ndarray, repeats: int) -> dict[str, float]:
    """numpy.bincount on ready-made bins, signal only; and reading the frame once."""
    matrix = integrator.plan1d(NPT, split="none").matrix
    bins = np.full(matrix.n_pixels, NPT)
    bins[matrix.used_pixels()] = matrix.indices
    flat = frame.ravel()
    ours = integrator.integrate1d(frame, NPT, split="none").sum_signal
    assert np.array_equal(np.bincount(bins, weights=flat, minlength=NPT)[:NPT], ours)
    return {
        "numpy.bincount none: frame, signal only": median_time(
            lambda: np.bincount(bins, weights=flat, minlength=NPT), repeats
        ),
        "reading the frame once (sum, one core)": median_time(lambda: flat.sum(), repeats),
    }


def report(times: dict[str, float]) -> str:
    """A table of milliseconds and ratios to our single frame with full splitting."""
    reference = times["azimuthal full: frame, Poisson sigma"]
    lines = [f"{'what':55s} {'ms':>9s} {'ratio':>8s}"]
    lines += [f"{name:55s} {1e3 * value:9.2f} {value / reference:8.2f}" for name, value in times.items()]
    frames = {name: value for name, value in times.items() if name.startswith("pyFAI") and "frame" in name}
    if frames:
        best = min(frames, key=frames.get)
        lines.append(f"fastest pyFAI ({best}) / azimuthal full = {frames[best] / reference:.2f}")
    return "\n".join(lines)


def main(detector: str = "Eiger2_4M", repeats: int = 15) -> dict[str, float]:
    """Time everything and return seconds by name."""
    integrator = az.Integrator(detector=detector, **GEOMETRY)
    frame = powder_frame(integrator)
    times = our_times(integrator, frame, repeats)
    times |= numpy_times(integrator, frame, repeats)
    times |= pyfai_times(detector, integrator, frame, repeats)
    return times


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--detector", default="Eiger2_4M")
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    measured = main(options.detector, options.repeats)
    print(report(measured))
    if options.json:
        options.json.write_text(json.dumps(measured, indent=1))
