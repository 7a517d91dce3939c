# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Pulls of refined goniometer parameters over many simulations: (found - true) / standard error has width 1.

Run by hand: ``python benchmarks/goniometer_pulls.py [number of simulations]``.  A sample is in
``tests/calibration/test_goniometer_refinement.py``.
"""

from __future__ import annotations

import sys
import time

import numpy as np

import azimuthal as az
from azimuthal.calibration import Goniometer, refine_goniometer
from azimuthal.testing.simulated_points import goniometer_points


def arm() -> tuple[Goniometer, list[dict[str, float]]]:
    """A Pilatus 100k on an arm about the upright axis, seen from 10 to 70 degrees."""
    at_zero = az.Instrument(az.detector("Pilatus100k"), az.Pose(0.3, 0.016, 0.04, 0.02, -0.01, 0.03), az.Beam(7e-11))
    model = Goniometer.arm(at_zero, "tth", axis=1, direction=-1)
    return model, [{"tth": value} for value in np.linspace(10, 70, 20).tolist()]


def two_axes() -> tuple[Goniometer, list[dict[str, float]]]:
    """The same on two circles, delta on gamma."""
    model = Goniometer(
        detector=az.detector("Pilatus100k"),
        motors=("gamma", "delta"),
        parameters={
            "dist": 0.3, "poni1": 0.016, "poni2": 0.04, "rot1": 0.02, "rot2": -0.01, "scale1": -1.0, "scale2": 1.0,
        },
        expressions={
            "dist": "dist", "poni1": "poni1", "poni2": "poni2", "rot1": "rot1 + scale1 * radians(delta)",
            "rot2": "rot2 + scale2 * radians(gamma)",
        },
        wavelength=7e-11,
    )  # fmt: skip
    grid = [(g, d) for g in (0.0, 10.0, 25.0) for d in np.linspace(10, 60, 8).tolist()]
    return model, [{"gamma": g, "delta": d} for g, d in grid]


def pulls(model: Goniometer, positions: list[dict[str, float]], n: int, **options: object) -> dict[str, np.ndarray]:
    """Return the pulls of every free parameter."""
    lab6, found = az.calibrant("LaB6"), {}
    start = model.with_parameters(dist=model.parameters["dist"] * 1.002, rot1=model.parameters["rot1"] + 1e-3)
    for seed in range(n):
        frames = goniometer_points(model, positions, lab6, seed, **options)
        refined = refine_goniometer(frames, start, lab6)
        for name in refined.free:
            pull = (refined.values[name] - model.parameters[name]) / refined.standard_errors[name]
            found.setdefault(name, []).append(pull)
    return {name: np.array(values) for name, values in found.items()}


def main() -> None:
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    for name, (model, positions) in (("arm", arm()), ("two axes", two_axes())):
        jitters = {
            "none": {},
            "2e-3 degrees": dict.fromkeys(model.motors, 2e-3),
            "0.02 degrees": dict.fromkeys(model.motors, 0.02),
        }
        for words, jitter in jitters.items():
            started = time.thread_time()
            found = pulls(model, positions, n, jitter=jitter)
            took = (time.thread_time() - started) / n
            text = ", ".join(f"{key} {values.std():.2f}" for key, values in found.items())
            largest = max(abs(values.mean()) for values in found.values())
            print(f"{name}, jitter {words}: widths {text}; largest mean {largest:.2f}; {took:.2f} s", flush=True)


if __name__ == "__main__":
    main()
