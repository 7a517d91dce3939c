# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""A batch that is killed at random moments and started again, until it is done; run by test_parts.py.

Usage: killed_batch.py FOLDER N_KILLS SEED, at most four kills for one output.  Every process of a batch is forked from this one, which has imported
everything and has no threads, so that a kill may come at any moment of the work and not while Python starts.
"""

import json
import os
import random
import shutil
import signal
import sys
import time
from pathlib import Path

from azimuthal.io.writers import load_result
from azimuthal.pipelines.batch import integrate_batch
from azimuthal.pipelines.settings import BatchSettings
from azimuthal.testing.file_digest import file_digest

SETTINGS = BatchSettings(
    images=("run.h5", "broken.npy"), geometry="geometry.poni", npt=30, unit="q_nm^-1", threads=1, output="out.h5",
    keep_every=0.02, choices={"error_model": "poisson"},
)  # fmt: skip


def start():
    """Start the batch in a process of its own and return its number."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        integrate_batch(SETTINGS)
        code = 0
    finally:
        os._exit(code)


def one_trial(chance, longest):
    """Kill a run until it is done; return how often it was killed, and how many frames were found kept."""
    kills, found = 0, []
    while True:
        child = start()
        time.sleep(chance.uniform(0, longest))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            kills += 1
        elif os.WEXITSTATUS(status):
            raise SystemExit(f"the batch failed after {kills} kills")
        for path in sorted(Path("out.h5.parts").glob("[0-9]*.h5")):
            load_result(path)[-1]  # opens, whatever happened
        found.append(sum(len(load_result(path)) for path in Path("out.h5.parts").glob("[0-9]*.h5")))
        if Path("out.h5").exists():
            break
        if kills >= 4:  # far enough; the last run is left alone
            child = start()
            if os.waitpid(child, 0)[1]:
                raise SystemExit(f"the batch failed after {kills} kills")
            break
    return kills, found


def check_left_alone(number):
    """Run once more: the frames that failed are tried again, and the output stays the file that it is."""
    before = Path("out.h5").stat()
    os.waitpid(start(), 0)
    after = Path("out.h5").stat()
    if (before.st_ino, before.st_mtime_ns) != (after.st_ino, after.st_mtime_ns):
        raise SystemExit(f"trial {number}: a finished output was written again")


def main(folder, n_kills, seed):
    """Run all trials and print a summary as JSON."""
    os.chdir(folder)
    begin = time.monotonic()
    if os.waitpid(start(), 0)[1]:
        raise SystemExit("the batch failed")
    seconds = time.monotonic() - begin
    expected = file_digest("out.h5")
    chance = random.Random(seed)
    kills, resumed = 0, 0
    names = {path.name for path in Path().iterdir()}
    number = 0
    while kills < n_kills:
        number += 1
        Path("out.h5").unlink()
        killed, found = one_trial(chance, 1.2 * seconds)
        if Path("out.h5.parts").exists():  # killed between the end and tidying up
            check_left_alone(number)
        shutil.rmtree("out.h5.parts", ignore_errors=True)
        kills += killed
        resumed += any(found)
        if file_digest("out.h5") != expected:
            raise SystemExit(f"trial {number} of seed {seed}: the output differs")
        left = {path.name for path in Path().iterdir()} - names
        if any(name for name in left if killed == 0 or not name.endswith(".part")):
            raise SystemExit(f"trial {number}: left {sorted(left)}")
    print(json.dumps({"trials": number, "kills": kills, "resumed": resumed, "seconds_of_a_run": seconds}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
