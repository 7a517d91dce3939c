# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""An image calibrated from scratch: time, processor time and memory above the image, beside one pass over the image.

``python benchmarks/calibration.py [DETECTOR] [REPEATS]``; by default an EIGER2 4M.  Simulated rings of 300 counts, the
detector tilted by 3 and 6 degrees; detector, calibrant and wavelength are told, no geometry.  Every calibrant runs in a
process of its own; the first run of it reads the catalogue as well and gives the memory.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import azimuthal as az
import azimuthal.pipelines.calibration
from azimuthal.testing.calibrant_images import CalibrantLook, calibrant_image

WAVELENGTH = 0.8e-10
DISTANCES = {"LaB6": 0.16, "CeO2": 0.12}


def simulated(name, detector):
    """Return an image, the detector's normal in its middle."""
    pixels, calibrant, dist = az.detector(detector), az.calibrant(name), DISTANCES[name]
    middle = [0.5 * n * size for n, size in zip(pixels.shape, (pixels.pixel1, pixels.pixel2), strict=True)]
    truth = az.Instrument(pixels, az.Pose(dist, *middle, 0.1, 0.05), az.Beam(WAVELENGTH))
    look = CalibrantLook(fwhm=3 * pixels.pixel1 / dist, counts=300.0)
    return calibrant_image(truth, calibrant, look, seed=1).image


def measured(name, detector, path, repeats):
    """Return seconds, seconds of processor time, MB above the image, and seconds of one pass over the image."""
    image, told = np.load(path), {"detector": az.detector(detector), "calibrant": az.calibrant(name)}
    before, memory, times = peak(), 0.0, []
    for _ in range(repeats):
        wall, processor = time.perf_counter(), time.process_time()
        found = az.calibrate(image, wavelength=WAVELENGTH, threads=len(os.sched_getaffinity(0)), **told)
        times.append((time.perf_counter() - wall, time.process_time() - processor))
        memory = memory or peak() - before
    assert found.verdict != "failed", found.summary()
    assert abs(found.instrument.pose.dist / DISTANCES[name] - 1) < 1e-3
    begin = time.perf_counter()
    np.sqrt(image.astype(np.float32))
    one_pass = time.perf_counter() - begin
    wall, processor = (min(column) for column in zip(*times, strict=True))
    return {"seconds": wall, "processor seconds": processor, "MB": max(memory, 0.1), "one pass": one_pass}


def peak():
    """Return the most memory that the process had, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(detector="Eiger2_4M", repeats=3):
    """Return what was measured: name of calibrant and figure -> value."""
    figures = {}
    for name in DISTANCES:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "image.npy"
            np.save(path, simulated(name, detector))
            command = [sys.executable, __file__, name, detector, str(path), str(repeats)]
            said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        figures |= {f"{name}, {figure}": value for figure, value in json.loads(said).items()}
    return figures


def report(figures):
    """Return one line per calibrant, with the ratio to one pass over the image."""
    lines = []
    for name in DISTANCES:
        wall, processor, memory, one_pass = (
            figures[f"{name}, {figure}"] for figure in ("seconds", "processor seconds", "MB", "one pass")
        )
        lines.append(
            f"{name}: {wall:.2f} s, {processor:.2f} s of processor time, {memory:.0f} MB above the image; "
            f"ratio to one pass over the image {wall / one_pass:.0f}"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    if sys.argv[1:2] and sys.argv[1] in DISTANCES:
        print(json.dumps(measured(*sys.argv[1:4], int(sys.argv[4]))))
    else:
        chosen = sys.argv[1] if len(sys.argv) > 1 else "Eiger2_4M"
        print(report(main(chosen, int(sys.argv[2]) if len(sys.argv) > 2 else 3)))
