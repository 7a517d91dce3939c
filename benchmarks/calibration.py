# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""An EIGER2 4M calibrated from scratch: time, processor time and memory above the image.

``python benchmarks/calibration.py [calibrant ...] [--repeat 3]``.  Simulated rings of 300 counts, detector tilted by 3
and 6 degrees; detector, calibrant and wavelength are told, no geometry.  Every calibrant runs in a process of its own;
the first run of it reads the catalogue as well and gives the memory.
"""

import argparse
import multiprocessing
import os
import resource
import tempfile
import time
from pathlib import Path

import numpy as np

import azimuthal as az
import azimuthal.pipelines.calibration
from azimuthal.testing.calibrant_images import CalibrantLook, calibrant_image

WAVELENGTH = 0.8e-10
DISTANCES = {"LaB6": 0.16, "CeO2": 0.12, "Si": 0.14, "Al2O3": 0.15, "AgBh": 1.0}


def simulated(name, path):
    """Write an image."""
    detector, calibrant = az.detector("Eiger2 4M"), az.calibrant(name)
    truth = az.Instrument(detector, az.Pose(DISTANCES[name], 0.08, 0.075, 0.1, 0.05), az.Beam(WAVELENGTH))
    look = CalibrantLook(fwhm=3 * detector.pixel1 / DISTANCES[name], counts=300.0)
    np.save(path, calibrant_image(truth, calibrant, look, seed=1).image)


def measured(name, path, repeat):
    """Print times and memory of one calibrant."""
    image, detector, calibrant = np.load(path), az.detector("Eiger2 4M"), az.calibrant(name)
    before, memory, times, found = peak(), 0.0, [], None
    threads = len(os.sched_getaffinity(0))
    for _ in range(repeat):
        wall, processor = time.perf_counter(), time.process_time()
        found = az.calibrate(image, detector=detector, calibrant=calibrant, wavelength=WAVELENGTH, threads=threads)
        times.append((time.perf_counter() - wall, time.process_time() - processor))
        memory = memory or peak() - before
    wall, processor = (min(column) for column in zip(*times, strict=True))
    print(f"{name:6} {wall:6.2f} s {processor:6.2f} s of processor {memory:5.0f} MB  {found.verdict}", flush=True)


def peak():
    """Return the most memory that the process had, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("calibrant", nargs="*", default=["LaB6", "CeO2"], help=", ".join(DISTANCES))
    parser.add_argument("--repeat", type=int, default=3)
    given = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        for one in given.calibrant:
            path = Path(folder) / f"{one}.npy"
            for task in ((simulated, one, path), (measured, one, path, given.repeat)):
                process = context.Process(target=task[0], args=task[1:])
                process.start()
                process.join()
