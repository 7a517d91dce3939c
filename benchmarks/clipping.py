# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Robust averages beside a plain integration, and pyFAI's beside ours, in one run: CPU time of one frame with spots.

Usage: python benchmarks/clipping.py [detector]
"""

import sys
import time

import numpy as np

import azimuthal as az

LEVEL, SPOT, N_SPOTS = 20, 5000, 2000
OPTIONS = {"unit": "q_nm^-1", "error_model": "poisson", "sensor_absorption": False}  # as pyFAI


def main(name="Eiger2_4M", repeats=9):
    """Return the least CPU seconds (all threads together) of every case by name; results are checked first."""
    detector = az.detector(name).with_sensor(None)
    pose = (0.2, *(0.5 * n * p for n, p in zip(detector.shape, (detector.pixel1, detector.pixel2), strict=True)))
    ai = az.Integrator(detector, *pose, wavelength=1e-10)
    rng = np.random.default_rng(0)
    frame = rng.poisson(LEVEL, detector.shape).astype(np.uint32)
    frame.flat[rng.choice(frame.size, N_SPOTS, replace=False)] = SPOT
    plans = {
        "plain": ai.plan1d(1000, **OPTIONS),
        "sigma, poisson": ai.plan1d(1000, reject="sigma", **OPTIONS),
        "sigma, azimuthal": ai.plan1d(1000, reject="sigma", **OPTIONS | {"error_model": "azimuthal"}),
        "median": ai.plan1d(1000, reject="median", **OPTIONS),
        "quantile": ai.plan1d(1000, reject="quantile", **OPTIONS),
        "cake, plain": ai.plan2d(1000, 360, **OPTIONS),
        "cake, sigma": ai.plan2d(1000, 360, reject="sigma", **OPTIONS),
    }
    for case in ("sigma, poisson", "sigma, azimuthal"):
        found = plans[case](frame).rejected
        assert (found == (frame == SPOT))[~detector.gap_mask()].mean() > 0.9999
    runs = {name: (lambda plan=plan: plan(frame)) for name, plan in plans.items()}
    runs |= pyfai_runs(name, pose, frame)
    return {name: least_seconds(run, repeats) for name, run in runs.items()}


def pyfai_runs(name, pose, frame):
    """Return the same of pyFAI by name; nothing where it is not installed or does not know the detector."""
    try:
        from pyFAI.detectors import detector_factory
        from pyFAI.integrator.azimuthal import AzimuthalIntegrator
    except ImportError:
        return {}
    theirs = AzimuthalIntegrator(*pose, detector=detector_factory(name), wavelength=1e-10)
    how = {"method": ("full", "csr", "cython"), "unit": "q_nm^-1"}
    return {
        "pyFAI plain": lambda: theirs.integrate1d_ng(frame, 1000, error_model="poisson", **how),
        "pyFAI sigma, azimuthal": lambda: theirs.sigma_clip_ng(frame, 1000, error_model="azimuthal", **how),
        "pyFAI median": lambda: theirs.medfilt1d_ng(frame, 1000, error_model="poisson", **how),
        "pyFAI quantile": lambda: theirs.medfilt1d_ng(frame, 1000, percentile=(25, 75), error_model="poisson", **how),
    }


def least_seconds(run, repeats):
    """Return the least CPU seconds of some calls, after one that makes what is kept."""
    run()
    times = []
    for _ in range(repeats):
        start = time.process_time()
        run()
        times.append(time.process_time() - start)
    return max(min(times), 1e-9)


def report(times):
    """Return a table with the ratio to the plain integration of a profile."""
    lines = [f"{'case':28s} {'ms':>9s} {'ratio':>7s}"]
    lines += [f"{name:28s} {1e3 * value:9.2f} {value / times['plain']:7.2f}" for name, value in times.items()]
    return "\n".join(lines)


if __name__ == "__main__":
    print(report(main(*sys.argv[1:2])))
