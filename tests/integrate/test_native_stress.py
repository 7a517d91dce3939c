# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""One native plan under stress: many threads, forks, a plan that is dropped while it runs, limits of threads."""

import gc
import multiprocessing
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import h5py
import hdf5plugin
import numpy as np
import pytest

import azimuthal as az
from azimuthal.engines.native import NativeReducer
from azimuthal.integrate.plan import compile as compile_plan

SHAPE = (211, 197)
N_FRAMES = 40
N_THREADS = 16
SUMS = ("signal", "variance", "normalization", "normalization2", "count")
BSLZ4 = dict(hdf5plugin.Bitshuffle(cname="lz4"))
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")


def make_plan(threads=2):
    camera = az.Detector(pixel1=1e-3, pixel2=1e-3, shape=SHAPE)
    ai = az.Integrator(camera, dist=0.1, poni1=0.1041, poni2=0.0997, rot1=0.02, wavelength=1e-10)
    return compile_plan(ai.plan1d(150, unit="q_nm^-1", error_model="poisson").spec, threads=threads)


def make_frames(n=N_FRAMES):
    """Return counts whose invalid pixels differ from frame to frame."""
    rng = np.random.default_rng(5)
    frames = rng.poisson(4, (n, *SHAPE)).astype(np.uint32)
    frames[:, 30:40] = 2**32 - 1
    frames[rng.random(frames.shape) < 0.001] = 2**32 - 1
    return frames


@pytest.fixture(scope="module")
def frames():
    return make_frames()


@pytest.fixture(scope="module")
def plan():
    return make_plan()


@pytest.fixture(scope="module")
def expected(plan, frames):
    return [bits(plan(frame)) for frame in frames]


@pytest.fixture(scope="module")
def path(tmp_path_factory, frames):
    path = tmp_path_factory.mktemp("run") / "run.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("data", data=frames, chunks=(1, *SHAPE), **BSLZ4)
    return path


def bits(result):
    return [getattr(result.sums, name).tobytes() for name in SUMS]


def one_by_one(plan, frames, path):
    return [bits(plan(frame)) for frame in frames]


def from_file(plan, frames, path):
    return [bits(result) for result in plan.map(path)]


def from_memory(plan, frames, path):
    return [bits(result) for result in plan.map(frames)]


def at_once(work):
    """Run the calls at the same moment, each in a thread of its own; return what they return."""
    start = threading.Barrier(len(work))

    def run(call):
        start.wait()
        return call()

    with ThreadPoolExecutor(len(work)) as pool:
        return list(pool.map(run, work))


@pytest.mark.parametrize("ways", [[one_by_one], [from_file], [one_by_one, from_file, from_memory]])
def test_one_plan_in_many_threads_gives_the_same_bits(plan, frames, path, expected, ways):
    work = [lambda k=k: ways[k % len(ways)](plan, frames, path) for k in range(N_THREADS)]
    assert all(found == expected for found in at_once(work))


def n_reducers():
    gc.collect()
    return sum(isinstance(one, NativeReducer) for one in gc.get_objects())


def test_plan_dropped_while_it_runs_ends_after_its_last_call(frames, path, expected):
    before = n_reducers()
    plan = make_plan()
    streams = [plan.map(path) for _ in range(4)]
    firsts = [bits(next(stream)) for stream in streams]

    def run(stream):
        return [bits(result) for result in stream]

    with ThreadPoolExecutor(8) as pool:
        calls = [pool.submit(one_by_one, plan, frames, path) for _ in range(4)]
        rests = [pool.submit(run, stream) for stream in streams]
        del plan, streams
        gc.collect()
        assert all(call.result() == expected for call in calls)
        assert all([first, *rest.result()] == expected for first, rest in zip(firsts, rests, strict=True))
    del calls, rests
    assert n_reducers() == before


FORKED = """
import os, sys, threading
sys.path.insert(0, {folder!r})
import test_native_stress as stress

plan, frames = stress.make_plan(), stress.make_frames(6)
expected = [stress.bits(plan(frame)) for frame in frames]
stop = threading.Event()

def keep_busy():
    while not stop.is_set():
        for frame in frames:
            plan(frame)

busy = [threading.Thread(target=keep_busy) for _ in range({n_busy})]
for thread in busy:
    thread.start()
codes = []
for _ in range(8):
    child = os.fork()
    if child == 0:
        stop.set()
        same = [stress.bits(plan(frame)) for frame in frames] == expected
        same = same and [stress.bits(result) for result in plan.map(frames)] == expected
        os._exit(0 if same else 3)
    codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
stop.set()
for thread in busy:
    thread.join()
same = [stress.bits(plan(frame)) for frame in frames] == expected
sys.exit(0 if same and codes == [0] * 8 else 1)
"""


@needs_fork
@pytest.mark.parametrize("n_busy", [0, 3])
def test_child_of_a_fork_integrates_with_the_plan_of_its_parent(n_busy):
    script = FORKED.format(folder=str(Path(__file__).parent), n_busy=n_busy)
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", script],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def integrated(work):
    """Return the sums in a process of a pool; at the top of the module, so that it can be pickled."""
    plan, frame = work
    return bits(plan(frame))


CONTEXTS = """
import multiprocessing, sys
sys.path.insert(0, {folder!r})
import test_native_stress as stress

if __name__ == "__main__":
    plan, frames = stress.make_plan(), stress.make_frames(4)
    expected = [stress.bits(plan(frame)) for frame in frames]
    with multiprocessing.get_context({method!r}).Pool(2) as pool:
        found = pool.map(stress.integrated, [(plan, frame) for frame in frames])
    sys.exit(0 if found == expected else 1)
"""


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_plan_goes_through_a_pool_of_processes(tmp_path, method):
    script = tmp_path / "pool.py"
    script.write_text(CONTEXTS.format(folder=str(Path(__file__).parent), method=method))
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


# Prints the most threads of the process that were seen at once during calls, less those there were before.
COUNTED = """
import os, sys, threading
sys.path.insert(0, {folder!r})
import test_native_stress as stress

def n_threads():
    return len(os.listdir("/proc/self/task"))

plan, frames = stress.make_plan(threads=None), stress.make_frames(4)
most, stop = 0, threading.Event()

def watch():
    global most
    while not stop.is_set():
        most = max(most, n_threads())

watcher = threading.Thread(target=watch)
watcher.start()
before = n_threads()
for _ in range(60):
    plan(frames[0])
stop.set()
watcher.join()
print(most - before)
"""


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="threads are counted in /proc")
@pytest.mark.parametrize("limit", ["1", "2", "4", "affinity"])
def test_threads_of_a_call_keep_to_the_limit(limit):
    environment = {name: value for name, value in os.environ.items() if name != "AZIMUTHAL_THREADS"}
    affinity = {min(os.sched_getaffinity(0))} if limit == "affinity" else None
    if affinity is None:
        environment["AZIMUTHAL_THREADS"] = limit
    script = COUNTED.format(folder=str(Path(__file__).parent))
    prepare = f"import os; os.sched_setaffinity(0, {affinity})\n" if affinity else ""
    done = subprocess.run(
        [sys.executable, "-c", prepare + script],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    most = 1 if limit == "affinity" else int(limit)
    assert int(done.stdout) <= most - 1  # the calling thread works, too


def test_calls_leave_no_thread_behind(plan, frames, path):
    tasks = Path("/proc/self/task")
    if not tasks.exists():
        pytest.skip("threads are counted in /proc")
    before = len(list(tasks.iterdir()))
    plan(frames[0])
    list(plan.map(path))
    for _ in range(100):  # those of Python end a moment after they are joined
        if len(list(tasks.iterdir())) <= before:
            return
        time.sleep(0.02)
    raise AssertionError("threads stay after the calls")


def test_frames_that_are_not_aligned_are_copied_before_the_core_sees_them(plan, frames):
    memory = np.zeros(frames[0].nbytes + 1, np.uint8)
    memory[1:] = frames[0].reshape(-1).view(np.uint8)
    unaligned = memory[1:].view(np.uint32).reshape(SHAPE)
    assert not unaligned.flags.aligned
    assert plan.spec.checked_frame(unaligned).flags.aligned
    assert plan.spec.checked_frame(frames[0]) is frames[0] or np.shares_memory(
        plan.spec.checked_frame(frames[0]), frames[0]
    )
    assert bits(plan(unaligned)) == bits(plan(frames[0]))
