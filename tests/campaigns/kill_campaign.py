# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Runs of 2000 frames that are killed at random moments and started again: the output is that of an uninterrupted run.

::

    python tests/campaigns/kill_campaign.py [--kills 100] [--frames 2000] [--seed 0] [--outputs h5 cakes sectors xye]

A run is killed (SIGKILL) again and again until it gets through; the moments are spread evenly over the time that a whole
run takes.  After every kill what is on the disk must open: the parts that were put aside, files per frame that exist.
At the end the output must be equal to the reference bit for bit, attributes included; only the date may differ.

Every run is forked from this process, which has imported everything and has no threads: a kill comes at a moment of the
work, not while Python starts.  The first difference ends the campaign, keeps the folder and prints how to get there.
"""

import argparse
import contextlib
import dataclasses
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

import h5py
import hdf5plugin
import numpy as np

import azimuthal as az
from azimuthal.io.writers import load_result
from azimuthal.pipelines.batch import integrate_batch
from azimuthal.pipelines.settings import BatchSettings
from azimuthal.testing.file_digest import file_digest

SHAPE = (48, 60)
#: Kills of one output before the last run is left alone.
MOST_KILLS = 8
BASE = BatchSettings(
    images=("run.h5",), geometry="geometry.poni", npt=30, unit="q_nm^-1", threads=1, keep_every=0.05,
    choices={"error_model": "poisson"},
)  # fmt: skip
OUTPUTS = {
    "h5": dataclasses.replace(BASE, output="out.h5"),
    "cakes": dataclasses.replace(BASE, output="out.h5", npt_azim=8),
    "sectors": dataclasses.replace(BASE, output="out.h5", sectors=((-30.0, 30.0), (60.0, 120.0))),
    "xye": dataclasses.replace(BASE, output="out/{stem}_{frame:05d}.xye", unit="2th_deg"),
}


def make_input(n_frames):
    camera = az.Detector(pixel1=1e-3, pixel2=1e-3, shape=SHAPE)
    ai = az.Integrator(camera, dist=0.1, poni1=0.0241, poni2=0.0297, rot1=0.02, wavelength=1e-10)
    az.save_geometry(ai, "geometry.poni")
    frames = np.random.default_rng(8).poisson(30, (n_frames, *SHAPE)).astype(np.uint16)
    with h5py.File("run.h5", "w") as file:
        options = dict(hdf5plugin.Bitshuffle()) | {"chunks": (1, *SHAPE)}
        file.create_dataset("entry/data/data", data=frames, **options)


def digest_of_output():
    """Return the digests of all output files by name."""
    if Path("out.h5").exists():
        return {"out.h5": file_digest("out.h5")}
    return {path.name: file_digest(path) for path in Path("out").glob("*.xye") if path.is_file()}


def start(settings):
    """Start a run in a process of its own and return its number."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        integrate_batch(settings)
        code = 0
    finally:
        os._exit(code)


def remove_output():
    for path in (Path("out.h5"), Path("out"), Path("out.h5.parts")):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def check_what_is_there(expected):
    """Look at what a kill left: parts open, files are whole; return how many results there are."""
    found = 0
    for path in sorted(Path("out.h5.parts").glob("[0-9]*.h5")):
        results = load_result(path)
        results[-1]
        found += len(results)
    if not Path("out.h5").exists():
        there = digest_of_output()
        wrong = [name for name, digest in there.items() if expected[name] != digest]
        if wrong:
            raise SystemExit(f"after a kill, these files are not whole: {wrong[:5]}")
        found += len(there)
    return found


def one_trial(settings, expected, chance, longest):
    """Kill a run until it gets through; return how often it was killed and how many results had survived."""
    kills, survived = 0, 0
    remove_output()
    while True:
        child = start(settings)
        if kills < MOST_KILLS:
            time.sleep(chance.uniform(0, longest))
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            kills += 1
            survived += check_what_is_there(expected) > 0
            if Path("out.h5").exists():  # killed after the output had its name
                break
        elif os.WEXITSTATUS(status):
            raise SystemExit(f"the run failed (exit code {os.WEXITSTATUS(status)}) after {kills} kills")
        else:
            break
    if digest_of_output() != expected:
        raise SystemExit("the output differs from that of an uninterrupted run")
    return kills, survived


def campaign(name, n_kills, seed, folder):
    """Kill runs with one kind of output, and print the figures."""
    settings = OUTPUTS[name]
    begin = time.monotonic()
    if os.waitpid(start(settings), 0)[1]:
        raise SystemExit(f"{name}: the uninterrupted run failed")
    seconds = time.monotonic() - begin
    expected = digest_of_output()
    chance = random.Random(f"{name}:{seed}")
    kills = survived = trials = 0
    while kills < n_kills:
        trials += 1
        try:
            more, kept = one_trial(settings, expected, chance, 1.2 * seconds)
        except SystemExit as error:
            raise SystemExit(f"{name}, seed {seed}, trial {trials}: {error}; the folder is {folder}") from None
        kills, survived = kills + more, survived + kept
    remove_output()
    print(
        f"{name:8s} {kills} kills in {trials} runs of {seconds:.1f} s; after {survived} of them there were results to "
        "go on with; every output is equal to the uninterrupted one",
        flush=True,
    )
    return kills


def main(n_kills=100, n_frames=2000, seed=0, outputs=("h5", "cakes", "sectors", "xye")):
    """Run the campaign in a folder of its own; return the number of kills."""
    folder = tempfile.mkdtemp(prefix="kills_")
    home = Path.cwd()
    os.chdir(folder)
    try:
        make_input(n_frames)
        total = sum(campaign(name, -(-n_kills // len(outputs)), seed, folder) for name in outputs)
    finally:
        os.chdir(home)
    shutil.rmtree(folder)
    return total


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--frames", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--outputs", nargs="+", default=list(OUTPUTS), choices=OUTPUTS)
    given = parser.parse_args()
    print(main(given.kills, given.frames, given.seed, tuple(given.outputs)), "kills in all", file=sys.stderr)
