# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""The same control points, refined by us and by pyFAI: who ends lower, and how long it takes.

``python benchmarks/refinement.py [detector [cases]]``.  Random poses (tilts to 30 degrees), three numbers of points,
errors of 0.1 pixel, a start that is off by 1 % in distance and some pixels in the centre.  Lower means pyFAI's own
measure: the mean of the squares of two theta found minus expected, all points alike (we refine with loss "linear",
without outliers and with equal errors per angle).  Thread time, median of the cases.
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
WAVELENGTH = 4e-11
NUMBERS = (100, 1000, 5000)
SOLVERS = ("refine2", "refine3")


def case(rng, n, detector):
    """Return points and the start."""
    size, pixels = np.array(detector.shape), np.array((detector.pixel1, detector.pixel2))
    tilt = rng.uniform(-0.5, 0.5, 2)
    dist = rng.uniform(0.5, 2.0) * float(np.max(size * pixels))
    truth = az.Instrument(detector, az.Pose(dist, 0.0, 0.0, *tilt), az.Beam(WAVELENGTH))
    center = truth.beam_center
    poni = (rng.uniform(0.2, 0.8, 2) * size - (center.slow, center.fast)) * pixels
    truth = truth.replace(pose=truth.pose.replace(poni1=float(poni[0]), poni2=float(poni[1])))
    ring, azimuth = rng.integers(0, len(SUMS), 6 * n), rng.uniform(-np.pi, np.pi, 6 * n)
    angle = ring_angles(CEO2.d_spacings(), WAVELENGTH)[0][ring]
    u = np.column_stack((np.sin(angle) * np.sin(azimuth), np.sin(angle) * np.cos(azimuth), np.cos(angle)))
    u = u @ truth.pose.rotation
    u *= truth.pose.dist / u[:, 2:]
    slow, fast = (u[:, 0] + poni[0]) / pixels[0] - 0.5, (u[:, 1] + poni[1]) / pixels[1] - 0.5
    inside = (slow > 0) & (slow < size[0] - 1) & (fast > 0) & (fast < size[1] - 1)
    slow, fast, ring, angle, azimuth = (one[inside][:n] for one in (slow, fast, ring, angle, azimuth))
    *_, pixel, _ = located(truth, angle, azimuth, slow, fast)
    slow, fast, _, ok = located(truth, angle + rng.normal(0, 0.1, angle.size) * pixel, azimuth, slow, fast)
    pose = truth.pose.replace(dist=1.01 * dist, poni1=poni[0] + 1e-3, poni2=poni[1] - 1e-3)
    # equal errors of two theta, as pyFAI counts them
    begin = truth.replace(pose=pose)  # where we take the size of a pixel from
    slopes = Cells(begin, slow[ok], fast[ok]).slopes(slow[ok], fast[ok])
    error = 1e-4 / np.hypot(slopes.angle1, slopes.angle2)
    return az.ControlPoints(slow[ok], fast[ok], ring[ok], error), begin


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

    pose, detector = start.pose, start.detector
    calibrant = Calibrant(dspacing=(CEO2.d_spacings() * 1e10).tolist(), wavelength=WAVELENGTH)
    data = np.column_stack((points.slow, points.fast, points.ring))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        one = GeometryRefinement(
            data, dist=pose.dist, poni1=pose.poni1, poni2=pose.poni2, rot1=pose.rot1, rot2=pose.rot2, rot3=pose.rot3,
            detector=Detector(detector.pixel1, detector.pixel2, max_shape=detector.shape),
            wavelength=WAVELENGTH, calibrant=calibrant,
        )  # fmt: skip
        getattr(one, solver)(fix=("wavelength", "rot3"))
    found = pose.replace(**{name: getattr(one, name) for name in ("dist", "poni1", "poni2", "rot1", "rot2", "rot3")})
    return start.replace(pose=found)


def timed(run):
    """Return a result and the thread seconds that it takes."""
    start = time.thread_time()
    result = run()
    return result, time.thread_time() - start


def main(name="Eiger2_4M", repeats=20):
    """Return thread seconds by name; the minima are compared: ours is never higher."""
    detector, times, ratios = az.detector(name), {}, {}
    for n in NUMBERS:
        rng = np.random.default_rng(n)
        for _ in range(int(repeats)):
            points, start = case(rng, n, detector)
            mine, seconds = timed(lambda p=points, s=start: ours(p, s))
            times.setdefault(f"azimuthal, {n} points", []).append(seconds)
            for solver in SOLVERS:
                other, seconds = timed(lambda p=points, s=start, o=solver: theirs(p, s, o))
                times.setdefault(f"pyFAI {solver}, {n} points", []).append(seconds)
                ratios.setdefault(f"{solver}, {n} points", []).append(measure(points, mine) / measure(points, other))
    for key, values in ratios.items():
        print(f"squares, ours over theirs: {key}: {min(values):.6f} to {max(values):.9f}")
        assert max(values) < 1 + 1e-8, key
    return {key: float(np.median(values)) for key, values in times.items()}


def report(times):
    """Return milliseconds, and the ratio to ours of the same number of points."""
    lines = []
    for key, seconds in times.items():
        mine = times[f"azimuthal, {key.rsplit(', ', 1)[1]}"]
        lines.append(f"{key:<32}{1e3 * seconds:10.1f} ms   ratio {seconds / mine:7.1f}")
    return "\n".join(lines)


if __name__ == "__main__":
    print(report(main(*sys.argv[1:])))
