# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Long runs of `azimuthal integrate` in bounded memory: 10^5 small frames, and 10^3 frames of an EIGER 4M.

::

    python benchmarks/bounded_memory.py [small|eiger] [N_FRAMES]

The input holds a few different frames, stored again and again as they are compressed (`write_direct_chunk`), until
the file has as many as asked for; it is removed at the end.  Printed are the peak of the memory that the process took
(its anonymous pages: what the system keeps of files in its cache does not count), the frames per second of the command,
those of reading and decoding the same file alone by one thread, and those of reading its bytes: "reading is not slower
than the integration" compares these.
"""

import re
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

import azimuthal as az
from azimuthal.io import load_result, open_frames

#: Detector, bins and number of different frames.
CASES = {"small": (None, 200, 64), "eiger": ("Eiger2_4M", 1000, 8)}
NUMBERS = {"small": 100_000, "eiger": 1_000}


def instrument_of(name):
    camera = az.detector(name) if name else az.Detector(pixel1=1e-3, pixel2=1e-3, shape=(64, 80))
    middle = [0.5 * size * pixel for size, pixel in zip(camera.shape, (camera.pixel1, camera.pixel2), strict=True)]
    return az.Integrator(camera, dist=0.2, poni1=middle[0], poni2=middle[1], wavelength=1e-10)


def write_frames(path, shape, n_different, n_frames):
    """Write a file of `n_frames` frames out of a few different ones, each compressed once."""
    import h5py
    import hdf5plugin

    chance = np.random.default_rng(0)
    options = dict(hdf5plugin.Bitshuffle(cname="lz4")) | {"chunks": (1, *shape), "dtype": np.uint32}
    with h5py.File(path, "w", libver="latest") as file:
        data = file.create_dataset("entry/data/data", (n_frames, *shape), **options)
        for number in range(min(n_different, n_frames)):
            data[number] = chance.poisson(2.0 + number / n_different, shape)
        chunks = [data.id.read_direct_chunk((number, 0, 0)) for number in range(min(n_different, n_frames))]
        for number in range(n_different, n_frames):
            mask, raw = chunks[number % n_different]
            data.id.write_direct_chunk((number, 0, 0), raw, mask)


class Watch(threading.Thread):
    """The largest memory of a process, looked at a hundred times a second."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.peak, self._pid, self._over = 0, pid, threading.Event()

    def run(self):
        while not self._over.wait(0.01):
            try:
                text = Path(f"/proc/{self._pid}/status").read_text(encoding="ascii")
            except OSError:
                return
            if found := re.search(r"RssAnon:\s+(\d+)", text):
                self.peak = max(self.peak, int(found[1]) << 10)

    def stop(self):
        self._over.set()
        self.join()


def run_command(folder, n_bins):
    """Run the command; return seconds and its peak memory in bytes (0: the system does not tell)."""
    command = [
        sys.executable, "-m", "azimuthal", "integrate", "run.h5", "-p", "geometry.poni", "-n", str(n_bins),
        "-u", "q_nm^-1", "--error-model", "poisson", "-o", "out.h5", "-q",
    ]  # fmt: skip
    begin = time.monotonic()
    process = subprocess.Popen(command, cwd=folder)
    watch = Watch(process.pid)
    watch.start()
    if process.wait():
        raise SystemExit("the command failed")
    seconds = time.monotonic() - begin
    watch.stop()
    return seconds, watch.peak


def seconds_of_decoding(path, most=2_000):
    """Return the seconds for one frame, read and decoded."""
    with open_frames(path) as frames:
        out = np.empty(frames.shape, frames.dtype)
        number = min(len(frames), most)
        begin = time.monotonic()
        for index in range(number):
            frames.read(index, out)
        return (time.monotonic() - begin) / number


def seconds_of_bytes(path, n_frames):
    """Return the seconds for the bytes of one frame, read in large pieces."""
    buffer = bytearray(1 << 24)
    begin = time.monotonic()
    with path.open("rb", buffering=0) as file:
        while file.readinto(buffer):
            pass
    return (time.monotonic() - begin) / n_frames


def measure(name, n_frames):
    """Return figures by name; the last result is that of the library, to the bit."""
    detector, n_bins, n_different = CASES[name]
    with tempfile.TemporaryDirectory(prefix="memory_") as place:
        folder = Path(place)
        ai = instrument_of(detector)
        az.save_geometry(ai, folder / "geometry.poni")
        write_frames(folder / "run.h5", ai.detector.shape, n_different, n_frames)
        seconds, peak = run_command(folder, n_bins)
        results = load_result(folder / "out.h5")
        assert len(results) == n_frames
        with open_frames(folder / "run.h5") as frames:
            plan = ai.plan1d(n_bins, unit="q_nm^-1", error_model="poisson")
            np.testing.assert_array_equal(results[-1].intensity, plan(frames.read(n_frames - 1)).intensity)
        return {
            "file": (folder / "run.h5").stat().st_size,
            "peak": peak,
            "integrate": n_frames / seconds,
            "decode": 1 / seconds_of_decoding(folder / "run.h5"),
            "read": 1 / seconds_of_bytes(folder / "run.h5", n_frames),
        }


def main(detector="Eiger2_500k", repeats=1):
    """Small runs of both kinds, for the tests: memory does not grow with the number of frames."""
    CASES["eiger"] = (detector, 200, 4)
    short, long = measure("small", 200), measure("small", 1_000)
    assert long["peak"] < short["peak"] + 40e6
    large = measure("eiger", 12 * repeats)
    both = {"small": long, "eiger": large}
    return {f"{kind}, {name}": value for kind, found in both.items() for name, value in found.items() if value}


def report(figures):
    """One line per figure; the last one is the ratio of reading to integrating."""
    lines = [f"{name}: {value:,.1f}" for name, value in figures.items()]
    for kind in CASES:
        ratio = figures[f"{kind}, decode"] / figures[f"{kind}, integrate"]
        lines.append(f"{kind}: ratio of decoding to integrating {ratio:.2f}")
    return "\n".join(lines)


if __name__ == "__main__":
    chosen = sys.argv[1:2] or list(CASES)
    for one in chosen:
        count = int(sys.argv[2]) if len(sys.argv) > 2 else NUMBERS[one]
        found = measure(one, count)
        print(
            f"{one}: {count} frames, {found['file'] / 1e6:.0f} MB: peak {found['peak'] / 1e6:.0f} MB; integrate "
            f"{found['integrate']:.0f}/s, read and decode {found['decode']:.0f}/s, read {found['read']:.0f}/s",
            flush=True,
        )
