# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""A geometry for every frame: MovingGeometry beside pyFAI's MultiGeometry, CPU seconds of all cores per geometry.

``python benchmarks/geometries.py [detector [repeats]]``; one repeat is ten geometries of ours and two of theirs.  A
thousand on a detector of a million pixels: ``python benchmarks/geometries.py Eiger2_1M 100``.
"""

import sys
import time
from pathlib import Path

import numpy as np

import azimuthal as az

BINS = 1000
RANGE = (2.0, 30.0)
OURS, MEASURED = "azimuthal: MovingGeometry", "azimuthal: the same, range measured"
OPTIONS = {"error_model": "poisson", "sensor_absorption": False}  # as pyFAI
METHODS = (("full", "histogram", "cython"), ("full", "csr", "cython"), ("full", "csc", "cython"))
MOST_GROWTH = 300e6  # bytes; plans of 4 megapixels take 50 MB each, and two are there at a time


def main(name="Eiger2_4M", repeats=5):
    """Return CPU seconds per geometry by name; intensities are compared, and the memory must not grow."""
    detector = az.detector(name)
    centre = [0.5 * n * size for n, size in zip(detector.shape, (detector.pixel1, detector.pixel2), strict=True)]
    n, n_theirs = 10 * int(repeats), 2 * int(repeats)
    instruments = [
        az.Instrument(detector, az.Pose(0.2 + 1e-5 * i, *centre, 0.01, 1e-5 * i), az.Beam(1e-10)) for i in range(n)
    ]
    frames = [np.random.default_rng(0).poisson(5, detector.shape).astype(np.uint32)] * n
    few, peers = slice(n_theirs), [pyfai(one) for one in instruments[:n_theirs]]
    mine = az.MovingGeometry(instruments[few]).integrate1d(frames[few], BINS, radial_range=RANGE, **OPTIONS)
    before, scan = resident(), az.MovingGeometry(instruments)
    times = {
        OURS: cpu_seconds(lambda: scan.integrate1d(frames, BINS, radial_range=RANGE, **OPTIONS), n),
        MEASURED: cpu_seconds(lambda: scan.integrate1d(frames, BINS, **OPTIONS), n),
    }
    assert resident() - before < MOST_GROWTH
    for method in METHODS:
        theirs = multi_geometry(peers, frames[few], method)
        times[f"pyFAI: MultiGeometry, {'-'.join(method)}"] = cpu_seconds(theirs, n_theirs)
        check(mine, theirs())
        for one in peers:
            one.reset()
    return times


def cpu_seconds(run, n):
    """Return the CPU seconds of all threads per geometry."""
    start = time.process_time()
    run()
    return (time.process_time() - start) / n


def multi_geometry(peers, frames, method):
    """Return what integrates the frames by pyFAI."""
    from pyFAI.multi_geometry import MultiGeometry

    multi = MultiGeometry(peers, unit="q_nm^-1", radial_range=RANGE)
    return lambda: multi.integrate1d(frames, BINS, error_model="poisson", method=method)


def check(mine, theirs):
    """Raise where the merged intensities differ; pyFAI counts pixels that the range cuts as a whole."""
    inner = slice(20, -20)
    enough = theirs.count[inner] > 100
    np.testing.assert_allclose(mine.intensity[inner][enough], theirs.intensity[inner][enough], rtol=1e-3)


def pyfai(instrument):
    """Return pyFAI's integrator of an instrument."""
    from pyFAI.detectors import detector_factory
    from pyFAI.integrator.azimuthal import AzimuthalIntegrator

    pose = instrument.pose
    return AzimuthalIntegrator(
        pose.dist, pose.poni1, pose.poni2, pose.rot1, pose.rot2, pose.rot3,
        detector=detector_factory(instrument.detector.name), wavelength=instrument.wavelength,
    )  # fmt: skip


def resident():
    """Return the memory of this process in bytes; 0 where the system does not say."""
    status = Path("/proc/self/statm")
    return int(status.read_text().split()[1]) * 4096 if status.exists() else 0


def report(times):
    """Return a table with the ratio to ours."""
    rows = [f"{name:46s} {1e3 * value:9.2f} ms   ratio {value / times[OURS]:6.2f}" for name, value in times.items()]
    return "CPU time per geometry\n" + "\n".join(rows)


if __name__ == "__main__":
    print(report(main(*sys.argv[1:])))
