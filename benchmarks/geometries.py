# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""A geometry per frame: thousands of poses of a small detector, some of a large one, beside pyFAI in the same run.

Usage: python benchmarks/geometries.py [Eiger2_4M|SIDE] [geometries] [geometries for pyFAI]
"""

import sys
import time
from pathlib import Path

import numpy as np

import azimuthal as az

RANGE, BINS = (1.0, 40.0), 1000


def main(name="Eiger2_4M", n="50", n_pyfai="4"):
    """Return seconds per geometry (wall clock, all cores) by name, and the MB that ours grew by."""
    from pyFAI.multi_geometry import MultiGeometry as PyfaiMultiGeometry

    detector = az.Detector(pixel1=2e-4, pixel2=2e-4, shape=(int(name),) * 2) if name.isdigit() else az.detector(name)
    beam = az.Beam(1e-10)
    centre = [
        0.5 * size * pixel for size, pixel in zip(detector.shape, (detector.pixel1, detector.pixel2), strict=True)
    ]
    instruments = [
        az.Instrument(detector, az.Pose(0.2 + 1e-5 * i, *centre, 0.01, 1e-5 * i), beam) for i in range(int(n))
    ]
    frame = np.random.default_rng(0).poisson(5, detector.shape).astype(np.uint32)
    frames = [frame] * int(n)
    scan = az.MovingGeometry(instruments)
    options = {"radial_range": RANGE, "error_model": "poisson", "sensor_absorption": False}  # as pyFAI
    scan = az.MovingGeometry(instruments)
    az.MovingGeometry(instruments[:4]).integrate1d(frames[:4], BINS, **options)
    before = resident()
    times = {"azimuthal: MovingGeometry": seconds(lambda: scan.integrate1d(frames, BINS, **options), len(frames))}
    grown = (resident() - before) / 1e6
    times["azimuthal: the same, range measured"] = seconds(
        lambda: scan.integrate1d(frames, BINS, error_model="poisson", sensor_absorption=False), len(frames)
    )
    few = int(n_pyfai)
    peers = [pyfai(one) for one in instruments[:few]]
    multi = PyfaiMultiGeometry(peers, unit="q_nm^-1", radial_range=RANGE)
    for method in (("full", "histogram", "cython"), ("full", "csr", "cython"), ("full", "csc", "cython")):
        run = lambda method=method: multi.integrate1d(frames[:few], BINS, error_model="poisson", method=method)  # noqa: E731
        times[f"pyFAI: MultiGeometry, {'-'.join(method)}"] = seconds(run, few)
        theirs = run()
        for one in peers:
            one.reset()
    mine = az.MovingGeometry(instruments[:few]).integrate1d(frames[:few], BINS, **options)
    inner = slice(20, -20)  # pyFAI counts pixels that the range cuts as a whole
    difference = abs(mine.intensity / theirs.intensity - 1)[inner]
    print(f"largest relative difference of intensities: {np.nanmax(difference[theirs.count[inner] > 1]):.1e}")
    return times, grown


def seconds(run, n):
    """Return seconds of wall clock and of all cores per geometry."""
    start, cpu = time.perf_counter(), time.process_time()
    run()
    return (time.perf_counter() - start) / n, (time.process_time() - cpu) / n


def pyfai(instrument):
    """Return pyFAI's integrator of an instrument."""
    from pyFAI.detectors import Detector, detector_factory
    from pyFAI.integrator.azimuthal import AzimuthalIntegrator

    pose, detector = instrument.pose, instrument.detector
    plain = detector.modules is None
    theirs = (
        Detector(detector.pixel1, detector.pixel2, max_shape=detector.shape)
        if plain
        else detector_factory(detector.name)
    )
    return AzimuthalIntegrator(
        pose.dist, pose.poni1, pose.poni2, pose.rot1, pose.rot2, pose.rot3, detector=theirs, wavelength=1e-10
    )


def resident():
    """Return the memory of this process in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


if __name__ == "__main__":
    found, grown = main(*sys.argv[1:])
    for name, (wall, cpu) in found.items():
        print(f"{name:45s} {wall * 1e3:9.2f} ms per geometry, {cpu * 1e3:9.2f} ms of all cores")
    print(f"memory grew by {grown:.0f} MB")
