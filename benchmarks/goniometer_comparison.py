# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Joint refinement of a goniometer beside pyFAI's, from the same points, and what an expression costs.

Run by hand, with the shared data beside the checkout: ``python benchmarks/goniometer_comparison.py``.
"""

from __future__ import annotations

import logging
import os
import time

import numpy as np

import azimuthal as az
from azimuthal.calibration import FramePoints, points_on_rings, refine_goniometer
from azimuthal.testing.real_images import goniometer_lab6_files

os.environ.setdefault("AZIMUTHAL_SHARED", "../shared")


def best_of(function, n: int = 5):
    """Return the shortest thread time and the last result."""
    times = []
    for _ in range(n):
        started = time.thread_time()
        result = function()
        times.append(time.thread_time() - started)
    return min(times), result


def theirs(path: str, frames: list[FramePoints]):
    """Return pyFAI's refinement, ready to run on the same points."""
    from pyFAI.calibrant import get_calibrant
    from pyFAI.control_points import ControlPoints
    from pyFAI.goniometer import GoniometerRefinement

    found = GoniometerRefinement.sload(path, pos_function=lambda metadata: metadata)
    for one in frames:
        calibrant = get_calibrant("LaB6")
        calibrant.wavelength = found.wavelength
        points = ControlPoints(calibrant=calibrant)
        for ring in one.points.rings.tolist():
            here = one.points.on_ring(ring)
            points.append(list(zip(here.slow.tolist(), here.fast.tolist(), strict=True)), ring)
        found.new_geometry(one.label, None, one.position["pos"], points, calibrant)
    return found


def mean_square(goniometer: az.Goniometer, frames: list[FramePoints], lab6: az.Calibrant) -> float:
    """Return the mean of the squared residuals, rad^2: what pyFAI minimises."""
    from azimuthal.calibration.positions import Cells
    from azimuthal.calibration.residuals import ring_angles

    squares = []
    for one in frames:
        instrument = goniometer.instrument(one.position)
        slow, fast = one.points.slow, one.points.fast
        expected = ring_angles(lab6.d_spacings()[one.points.ring], instrument.wavelength)[0]
        squares.append((Cells(instrument, slow, fast).angles(slow, fast)[0] - expected) ** 2)
    return float(np.mean(np.concatenate(squares)))


def main() -> None:
    logging.disable(logging.ERROR)
    model, positions, images = goniometer_lab6_files()
    lab6, frames = az.calibrant("LaB6"), []
    for number, (tth, image) in enumerate(zip(positions, images, strict=True)):
        found = points_on_rings(image, model.instrument(tth), lab6)
        if len(found.points):
            frames.append(FramePoints(str(number), {"pos": tth}, found.points))
    print(f"{len(frames)} images, {sum(len(one.points) for one in frames)} points")
    model.save("/tmp/azimuthal_goniometer.json", force=True)
    print(f"start: {mean_square(model, frames, lab6):.6e} rad^2")
    took, ours = best_of(lambda: refine_goniometer(frames, model, lab6, loss="linear", outliers=None, scatter=100.0))
    print(f"azimuthal, equal weights: {mean_square(ours.goniometer, frames, lab6):.6e} rad^2 in {took:.3f} s")
    took, ours = best_of(lambda: refine_goniometer(frames, model, lab6))
    print(f"azimuthal, robust:        {mean_square(ours.goniometer, frames, lab6):.6e} rad^2 in {took:.3f} s")
    for method in ("slsqp", "Nelder-Mead"):
        pyfai = theirs("/tmp/azimuthal_goniometer.json", frames)
        took, _ = best_of(lambda p=pyfai, m=method: p.refine3(fix=["rot3", "rot3_scale"], method=m, verbose=False), 1)
        there = model.with_parameters(**dict(zip(model.parameters, map(float, pyfai.param), strict=True)))
        print(f"pyFAI refine3 {method}: {mean_square(there, frames, lab6):.6e} rad^2 in {took:.3f} s")
    text = model.expressions["rot1"]
    values = {**model.parameters, "pos": 12.0}
    took, _ = best_of(lambda: [text.evaluated(values) for _ in range(1000)])
    print(f"expression, value and slopes: {1e3 * took:.1f} us")
    import numexpr

    code = numexpr.NumExpr(text.for_numexpr())
    given = [values[name] for name in code.input_names]
    took, _ = best_of(lambda: [float(code(*given)) for _ in range(1000)])
    print(f"numexpr, value only: {1e3 * took:.1f} us")


if __name__ == "__main__":
    main()
