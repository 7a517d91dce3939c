# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""The same control points, refined by us and by pyFAI: who ends lower, and how long it takes.

``python benchmarks/refinement.py [n_cases [repeats]]``.  Random poses (tilts to 30 degrees), three numbers of points,
errors of 0.1 pixel, a start that is off by 1 % in distance and some pixels in the centre.  Lower means pyFAI's own
measure: the mean of the squares of two theta found minus expected, all points alike (we refine with loss "linear",
without outliers and with equal errors per angle).  Thread time, minimum of the repeats.
"""

import sys
import time
import warnings

import numpy as np

import azimuthal as az
from azimuthal.calibration import refine
from azimuthal.calibration.positions import Cells, located
from azimuthal.calibration.residuals import ring_angles

SUMS = (3, 4, 8, 11, 12, 16, 19, 20, 24, 27)
CEO2 = az.Calibrant.from_d_spacings(5.41153e-10 / np.sqrt(SUMS), name="CeO2")
PIXEL, SIZE, WAVELENGTH = 2e-4, 1000, 4e-11
NUMBERS = (100, 1000, 5000)
SOLVERS = ("pyFAI refine3 (SLSQP)", "pyFAI refine2 (SLSQP)")


def case(rng, n):
    """Return points, the start, and the truth."""
    detector = az.Detector(pixel1=PIXEL, pixel2=PIXEL, shape=(SIZE, SIZE))
    tilt = rng.uniform(-0.5, 0.5, 2)
    dist = rng.uniform(0.1, 0.5)
    truth = az.Instrument(detector, az.Pose(dist, 0.0, 0.0, *tilt), az.Beam(WAVELENGTH))
    center = truth.beam_center
    aim = rng.uniform(200, 800, 2)
    truth = truth.replace(
        pose=truth.pose.replace(poni1=(aim[0] - center.slow) * PIXEL, poni2=(aim[1] - center.fast) * PIXEL)
    )
    ring, azimuth = rng.integers(0, len(SUMS), 6 * n), rng.uniform(-np.pi, np.pi, 6 * n)
    angle = ring_angles(CEO2.d_spacings(), WAVELENGTH)[0][ring]
    u = np.column_stack((np.sin(angle) * np.sin(azimuth), np.sin(angle) * np.cos(azimuth), np.cos(angle)))
    u = u @ truth.pose.rotation
    u *= truth.pose.dist / u[:, 2:]
    slow, fast = (u[:, 0] + truth.pose.poni1) / PIXEL - 0.5, (u[:, 1] + truth.pose.poni2) / PIXEL - 0.5
    inside = (slow > 0) & (slow < SIZE - 1) & (fast > 0) & (fast < SIZE - 1)
    slow, fast, ring, angle, azimuth = (one[inside][:n] for one in (slow, fast, ring, angle, azimuth))
    *_, pixel, _ = located(truth, angle, azimuth, slow, fast)
    slow, fast, _, ok = located(truth, angle + rng.normal(0, 0.1, angle.size) * pixel, azimuth, slow, fast)
    pose = truth.pose.replace(dist=1.01 * dist, poni1=truth.pose.poni1 + 1e-3, poni2=truth.pose.poni2 - 1e-3)
    # equal errors of two theta, as pyFAI counts them
    slopes = Cells(truth, slow[ok], fast[ok]).slopes(slow[ok], fast[ok])
    error = 1e-4 / np.hypot(slopes.angle1, slopes.angle2)
    return az.ControlPoints(slow[ok], fast[ok], ring[ok], error), truth.replace(pose=pose), truth


def measure(points, instrument):
    """Return the mean squared deviation of two theta, rad^2: what pyFAI minimises."""
    angle, _ = Cells(instrument, points.slow, points.fast).angles(points.slow, points.fast)
    expected = ring_angles(CEO2.d_spacings(), WAVELENGTH)[0][points.ring]
    return float(np.mean((angle - expected) ** 2))


def ours(points, start):
    """Return the refined instrument."""
    return refine(points, start, CEO2, loss="linear", outliers=None, scatter=0.0).instrument


def theirs(points, start, solver):
    """Return the instrument that pyFAI refines."""
    from pyFAI.calibrant import Calibrant
    from pyFAI.detectors import Detector
    from pyFAI.geometryRefinement import GeometryRefinement

    pose = start.pose
    calibrant = Calibrant(dspacing=(CEO2.d_spacings() * 1e10).tolist(), wavelength=WAVELENGTH)
    data = np.column_stack((points.slow + 0.5, points.fast + 0.5, points.ring))  # pixel edges at integers
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        one = GeometryRefinement(
            data, dist=pose.dist, poni1=pose.poni1, poni2=pose.poni2, rot1=pose.rot1, rot2=pose.rot2, rot3=pose.rot3,
            detector=Detector(PIXEL, PIXEL, max_shape=(SIZE, SIZE)), wavelength=WAVELENGTH, calibrant=calibrant,
        )  # fmt: skip
        if "refine3" in solver:
            one.refine3(fix=("wavelength", "rot3"))
        else:
            one.refine2(fix=("wavelength", "rot3"))
    found = pose.replace(**{name: getattr(one, name) for name in ("dist", "poni1", "poni2", "rot1", "rot2", "rot3")})
    return start.replace(pose=found)


def timed(run, repeats):
    """Return a result and the thread seconds that it takes."""
    best, result = np.inf, None
    for _ in range(repeats):
        start = time.thread_time()
        result = run()
        best = min(best, time.thread_time() - start)
    return result, best


def main(n_cases=20, repeats=3):
    """Return rows (points, solver, share of cases where ours is lower or equal, largest ratio, ratio of times)."""
    rows = []
    for n in NUMBERS:
        rng = np.random.default_rng(n)
        ratios = {solver: [] for solver in SOLVERS}
        times = {solver: [] for solver in ("ours", *SOLVERS)}
        for _ in range(int(n_cases)):
            points, start, _ = case(rng, n)
            mine, seconds = timed(lambda p=points, s=start: ours(p, s), int(repeats))
            times["ours"].append(seconds)
            for solver in SOLVERS:
                other, seconds = timed(lambda p=points, s=start, o=solver: theirs(p, s, o), int(repeats))
                times[solver].append(seconds)
                ratios[solver].append(measure(points, mine) / measure(points, other))
        for solver in SOLVERS:
            lower = float(np.mean(np.array(ratios[solver]) <= 1 + 1e-9))
            rows.append((n, solver, lower, max(ratios[solver]), np.median(times["ours"]), np.median(times[solver])))
    return rows


if __name__ == "__main__":
    print(f"{'points':>6}  {'solver':<24}{'ours <= theirs':>15}{'worst ratio':>14}{'ours / ms':>11}{'theirs / ms':>13}")
    for n, solver, lower, worst, mine, other in main(*sys.argv[1:]):
        print(f"{n:>6}  {solver:<24}{100 * lower:>14.0f}%{worst:>14.9f}{1e3 * mine:>11.1f}{1e3 * other:>13.1f}")
