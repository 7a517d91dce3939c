# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Many frames through one plan: order, failures, bounded memory, stopping; with an engine that stands in for fast ones."""

import dataclasses
import gc
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import h5py
import hdf5plugin
import numpy as np
import pytest

import azimuthal as az
from azimuthal.errors import AzimuthalError, FileFormatError, ParameterError, ShapeError
from azimuthal.integrate import stream
from azimuthal.integrate._relay import Relay
from azimuthal.io.frames import _native, open_frames

SHAPE = (30, 34)
BSLZ4 = dict(hdf5plugin.Bitshuffle(cname="lz4"))
SUMS = ("signal", "variance", "normalization", "normalization2", "count")


class FakeReducer:
    """Decodes and reduces one frame after the other; notes what it was given."""

    chunk_codecs = ("bitshuffle-lz4", "none")
    chunk_dtypes = ("uint8", "uint16", "uint32")

    def __init__(self, inner):
        self.inner = inner
        self.batches = []

    def reduce(self, frame, model, variance, invalid):
        return self.inner.reduce(frame, model, variance, invalid)

    def reduce_stack(self, frames, model, invalid):
        assert all(frame.ndim == 1 and frame.flags.c_contiguous and frame.dtype.isnative for frame in frames)
        self.batches.append(("dense", len(frames)))
        return [self.inner.reduce(frame, model, None, invalid) for frame in frames]

    def reduce_chunks(self, chunks, codec, dtype, model, invalid):
        assert codec in self.chunk_codecs
        assert dtype.name in self.chunk_dtypes
        self.batches.append((codec, len(chunks)))
        return [self._reduced(chunk, codec, dtype, model, invalid) for chunk in chunks]

    def _reduced(self, chunk, codec, dtype, model, invalid):
        frame = np.empty(SHAPE, dtype)
        try:
            _native.decode(codec, chunk, frame, "chunk", 1)
        except FileFormatError:
            return None
        return self.inner.reduce(frame.reshape(-1), model, None, invalid)


class DenseReducer(FakeReducer):
    """Takes decoded frames only."""

    reduce_chunks = None


@pytest.fixture(scope="module")
def plain_plan():
    camera = az.Detector(pixel1=1e-3, pixel2=1e-3, shape=SHAPE)
    ai = az.Integrator(camera, dist=0.1, poni1=0.0141, poni2=0.0197, rot1=0.02, wavelength=1e-10)
    return ai.plan1d(20, unit="q_nm^-1", error_model="poisson")


@pytest.fixture
def plan(plain_plan, monkeypatch):
    """A plan with the stand-in, three threads."""
    monkeypatch.setenv("AZIMUTHAL_THREADS", "3")
    return dataclasses.replace(plain_plan, _reducer=FakeReducer(plain_plan._reducer))


@pytest.fixture
def dense_plan(plain_plan, monkeypatch):
    monkeypatch.setenv("AZIMUTHAL_THREADS", "3")
    return dataclasses.replace(plain_plan, _reducer=DenseReducer(plain_plan._reducer))


@pytest.fixture
def counts():
    frames = np.random.default_rng(5).poisson(4, (53, *SHAPE)).astype(np.uint32)
    frames[:, 3] = 2**32 - 1
    return frames


@pytest.fixture
def path(tmp_path, counts):
    return write(tmp_path / "run.h5", counts, chunks=(1, *SHAPE), **BSLZ4)


def write(path, stack, **options):
    with h5py.File(path, "w") as file:
        file.create_dataset("data", data=stack, **options)
    return path


def threads():
    return {thread.name for thread in threading.enumerate() if thread.name.startswith("azimuthal")}


def check_results(results, plan, stack, *, start=0):
    n = 0
    for index, (result, frame) in enumerate(zip(results, stack, strict=True), start=start):
        expected = plan(frame)
        for name in SUMS:
            assert getattr(result.sums, name).tobytes() == getattr(expected.sums, name).tobytes()
        assert result.metadata["index"] == index
        n += 1
    return n


LAYOUTS = {
    "fused": ({"chunks": (1, *SHAPE), **BSLZ4}, "u4", "azimuthal: bitshuffle-lz4, fused"),
    "fused u2": ({"chunks": (1, *SHAPE), **BSLZ4}, "u2", "azimuthal: bitshuffle-lz4, fused"),
    "contiguous": ({}, "u4", "azimuthal: none, fused"),
    "uncompressed": ({"chunks": (1, *SHAPE)}, "u1", "azimuthal: none, fused"),
    "big-endian": ({"chunks": (1, *SHAPE), **BSLZ4}, ">u4", "azimuthal: bitshuffle-lz4, dense"),
    "signed": ({"chunks": (1, *SHAPE), **BSLZ4}, "i4", "azimuthal: bitshuffle-lz4, dense"),
    "float": ({"chunks": (1, *SHAPE), **BSLZ4}, "f4", "azimuthal: bitshuffle-lz4, dense"),
    "several frames": ({"chunks": (5, *SHAPE), **BSLZ4}, "u4", "azimuthal: bitshuffle-lz4, dense"),
    "tiles": ({"chunks": (1, 16, 16), **BSLZ4}, "u4", "azimuthal: bitshuffle-lz4, dense"),
    "gzip": ({"chunks": (1, *SHAPE), "compression": "gzip"}, "u4", "h5py: gzip"),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_map_every_layout_equals_the_plan_and_says_its_decoder(tmp_path, plan, counts, layout):
    options, dtype, decoder = LAYOUTS[layout]
    stack = np.minimum(counts, 255 if dtype == "u1" else 65535).astype(dtype)
    path = write(tmp_path / "a.h5", stack, **options)
    with open_frames(path) as frames:
        assert frames.decoder == decoder
    results = list(plan.map(path))
    assert check_results(results, plan, stack) == 53
    assert {result.provenance["decoder"] for result in results} == {decoder}
    kind = "dense" if not decoder.endswith("fused") else decoder.split()[1].strip(",")
    assert {name for name, _ in plan._reducer.batches} == {kind}
    assert sum(size for _, size in plan._reducer.batches) == 53
    assert threads() == set()


def test_map_dense_engine_decodes_stored_chunks_in_the_workers(path, dense_plan, counts):
    results = list(dense_plan.map(path))
    check_results(results, dense_plan, counts)
    assert results[0].provenance["decoder"] == "azimuthal: bitshuffle-lz4, dense"


def test_map_without_batches_goes_one_by_one(path, plain_plan, counts):
    reference = plain_plan.replace(engine="reference")
    results = list(reference.map(path))
    check_results(results, reference, counts)
    assert results[0].provenance["decoder"] == "azimuthal: bitshuffle-lz4, dense"
    assert threads() == set()


def test_map_variance_model_is_refused_at_the_first_frame(path, plan):
    with pytest.raises(ParameterError, match="needs one per frame"):
        next(dataclasses.replace(plan.replace(error_model="variance"), _reducer=plan._reducer).map(path))
    assert threads() == set()


def test_map_mixed_codecs_are_grouped_and_named(tmp_path, plan, counts):
    path = write(tmp_path / "a.h5", counts, chunks=(1, *SHAPE), **BSLZ4)
    with h5py.File(path, "r+") as file:
        for index in (3, 4, 20):
            file["data"].id.write_direct_chunk((index, 0, 0), counts[index].tobytes(), filter_mask=1)
    results = list(plan.map(path))
    check_results(results, plan, counts)
    named = [result.provenance["decoder"] for result in results]
    assert [index for index, name in enumerate(named) if name == "azimuthal: none, fused"] == [3, 4, 20]


@pytest.mark.parametrize("kind", ["array", "list", "paths", "stream"])
def test_map_other_sources_equal_the_plan(tmp_path, plan, counts, kind):
    stack = counts[:20]
    source = {
        "array": lambda: stack,
        "list": lambda: list(stack),
        "stream": lambda: (frame for frame in stack),
        "paths": lambda: [write(tmp_path / f"{k:02d}.h5", frame) for k, frame in enumerate(stack)],
    }[kind]()
    results = list(plan.map(source))
    check_results(results, plan, stack)
    labels = [result.metadata["label"] for result in results]
    assert labels == ([f"{k:02d}" for k in range(20)] if kind == "paths" else [f"frame_{k:05d}" for k in range(20)])
    assert (len(plan._reducer.batches) == 0) == (kind == "stream")


def test_map_array_like_that_takes_one_reader_at_a_time(plan, counts):
    class Picky:
        shape, dtype = counts.shape, counts.dtype
        lock = threading.Lock()

        def __getitem__(self, index):
            assert self.lock.acquire(blocking=False)
            time.sleep(0.0005)
            self.lock.release()
            return counts[index]

    check_results(plan.map(Picky()), plan, counts)


def test_map_monitors_belong_to_their_frames(path, plan, counts):
    factors = np.linspace(1, 2, 53)
    for result, frame, factor in zip(plan.map(path, normalization_factors=factors), counts, factors, strict=True):
        expected = plan(frame, normalization_factor=factor)
        np.testing.assert_array_equal(result.intensity, expected.intensity)
        assert result.normalization_factor == factor
    with pytest.raises(ShapeError, match="one value for each of the 53 frames"):
        next(plan.map(path, normalization_factors=[1.0]))
    with pytest.raises(ParameterError, match="normalization_factor"):
        list(plan.map(path, normalization_factors=np.where(np.arange(53) == 7, -1.0, 1.0)))


def test_map_frames_of_another_shape_are_refused_with_names(tmp_path, plan, counts):
    path = write(tmp_path / "a.h5", counts[:, 1:], chunks=(1, 29, 34), **BSLZ4)
    with pytest.raises(ShapeError, match=r"frame: expected shape \(30, 34\)"):
        next(plan.map(path))
    assert threads() == set()


def test_map_batches_are_full_and_small_at_the_end(path, plan):
    list(plan.map(path))
    sizes = sorted((size for _, size in plan._reducer.batches), reverse=True)
    assert sizes[0] == 16
    assert sizes[-1] == 1
    assert sum(sizes) == 53


def test_map_batches_are_bounded_in_bytes(path, plan, monkeypatch):
    monkeypatch.setattr(stream, "_BATCH_BYTES", 3000)
    list(plan.map(path))
    assert max(size for _, size in plan._reducer.batches) < 16
    monkeypatch.setattr(stream, "_BATCH_BYTES", 1)
    plan._reducer.batches.clear()
    list(plan.map(path))
    assert {size for _, size in plan._reducer.batches} == {1}


def damage(path, *numbers):
    """Spoil the chunks of some frames where they are."""
    with open_frames(path) as frames:
        places = [frames.stored_frames().locate(number) for number in numbers]
    with path.open("r+b") as file:
        for place in places:
            file.seek(place.offset + 12)
            file.write(b"\xff" * (place.size - 12))


def test_map_damaged_chunk_is_named_after_all_frames_before_it(path, plan, counts):
    damage(path, 20)
    found = []
    with pytest.raises(FileFormatError, match=r"run\.h5::/data: frame 20: the compressed chunk of .* is damaged"):
        found.extend(plan.map(path))
    assert check_results(found, plan, counts[:20]) == 20
    assert threads() == set()


def test_map_yields_errors_when_asked_and_everything_else(path, plan, counts):
    damage(path, 0, 20, 21, 52)
    outcomes = list(plan.map(path, on_error="yield"))
    assert len(outcomes) == 53
    for index, outcome in enumerate(outcomes):
        if index in {0, 20, 21, 52}:
            assert isinstance(outcome, FileFormatError)
            assert f"frame {index}:" in str(outcome)
        else:
            check_results([outcome], plan, counts[index : index + 1], start=index)
    with pytest.raises(AzimuthalError, match="on_error"):
        next(plan.map(path, on_error="ignore"))


def test_map_frames_that_were_never_written_are_errors_of_their_own(tmp_path, plan, counts):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        data = file.create_dataset("data", (10, *SHAPE), np.uint32, chunks=(1, *SHAPE), **BSLZ4)
        data[:4] = counts[:4]
        data[6] = counts[6]
    outcomes = list(plan.map(tmp_path / "a.h5", on_error="yield"))
    assert [isinstance(outcome, FileFormatError) for outcome in outcomes] == [
        k not in {0, 1, 2, 3, 6} for k in range(10)
    ]


def test_map_file_that_shrinks_is_an_error_of_its_frames(path, plan, counts):
    with open_frames(path) as frames:
        offsets = [frames.stored_frames().locate(index).offset for index in range(53)]
        os.truncate(path, sorted(offsets)[30] + 5)
        outcomes = list(plan.map(frames, on_error="yield"))
    for index, outcome in enumerate(outcomes):
        assert isinstance(outcome, FileFormatError) == (offsets[index] >= sorted(offsets)[30])


def test_map_mistake_in_an_engine_is_raised_even_when_errors_are_yielded(path, plan):
    def broken(*_):
        raise ZeroDivisionError("a bug")

    plan._reducer.reduce_chunks = broken
    with pytest.raises(ZeroDivisionError):
        list(plan.map(path, on_error="yield"))
    assert threads() == set()


def test_map_closed_early_stops_its_threads(plan, counts):
    mapped = plan.map(np.broadcast_to(counts[0], (5000, *SHAPE)))
    next(mapped)
    assert threads()
    mapped.close()
    assert threads() == set()


def test_map_dropped_early_stops_its_threads(path, plan):
    for _ in zip(range(3), plan.map(path), strict=False):
        pass
    gc.collect()
    assert threads() == set()


def test_map_exception_of_the_caller_stops_its_threads(path, plan):
    def consume():
        for result in plan.map(path):
            if result.metadata["index"] == 5:
                raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        consume()
    gc.collect()
    assert threads() == set()


def test_map_slow_caller_holds_the_readers_back(tmp_path, plan, counts):
    """Memory is bounded: what was read and not yet taken is a few batches, whatever the length."""
    reads = []

    class Endless:
        shape, dtype = (100_000, *SHAPE), np.dtype("u4")

        def __getitem__(self, index):
            reads.append(index)
            return counts[0]

    mapped = plan.map(Endless())
    for _ in range(40):
        next(mapped)
    settled = -1
    while settled != len(reads):
        settled = len(reads)
        time.sleep(0.1)
    assert settled <= 40 + 16 * 8
    mapped.close()


def test_map_is_shared_by_sixteen_threads(path, plan, counts):
    with ThreadPoolExecutor(16) as pool:
        for results in pool.map(lambda _: list(plan.map(path)), range(16)):
            check_results(results, plan, counts)
    assert threads() == set()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_map_works_in_a_fork_after_use_and_refuses_to_go_on_in_one(path, plan, counts):
    list(plan.map(path))
    mapped = plan.map(path)
    next(mapped)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            begun_here = list(plan.map(path))
            try:
                for _ in mapped:
                    pass
            except ParameterError:
                code = 0 if len(begun_here) == 53 else 2
        finally:
            os._exit(code)
    deadline = time.monotonic() + 30
    status = (0, 0)
    while status[0] == 0 and time.monotonic() < deadline:
        status = os.waitpid(child, os.WNOHANG)
        time.sleep(0.02)
    if status[0] == 0:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    assert status == (child, 0)
    assert len(list(mapped)) == 52


INTERRUPTED = """
import signal, sys, threading, time
import numpy as np
import azimuthal as az

class Slow:
    shape, dtype = (100000, 30, 34), np.dtype("u4")
    def __getitem__(self, index):
        time.sleep(0.2)
        return np.ones((30, 34), "u4")

ai = az.Integrator(az.Detector(pixel1=1e-3, pixel2=1e-3, shape=(30, 34)), dist=0.1, poni1=0.01, poni2=0.01)
plan = ai.plan1d(20, unit="r_mm")
begin = time.monotonic()
signal.setitimer(signal.ITIMER_REAL, 1.0)
signal.signal(signal.SIGALRM, signal.default_int_handler)
done = []
try:
    for result in plan.map(Slow()):
        done.append(result)
except KeyboardInterrupt:
    names = [t.name for t in threading.enumerate() if t.name.startswith("azimuthal")]
    print("stopped", time.monotonic() - begin < 3, names)
"""


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs interval timers")
def test_map_keyboard_interrupt_while_it_waits_stops_at_once():
    found = subprocess.run([sys.executable, "-c", INTERRUPTED], capture_output=True, text=True, timeout=60, check=True)
    assert found.stdout.split() == ["stopped", "True", "[]"]


ABANDONED = """
import azimuthal as az, numpy as np
ai = az.Integrator(az.Detector(pixel1=1e-3, pixel2=1e-3, shape=(30, 34)), dist=0.1, poni1=0.01, poni2=0.01)
mapped = ai.plan1d(20, unit="r_mm").map(np.ones((1000, 30, 34), "u4"))
next(mapped)
print("end")
"""


def test_program_ends_with_a_map_that_was_left_open():
    found = subprocess.run([sys.executable, "-c", ABANDONED], capture_output=True, text=True, timeout=60, check=True)
    assert (found.stdout, found.stderr) == ("end\n", "")


def test_memory_is_used_again_and_grows_with_the_frames():
    memory = stream._Memory()
    first = memory.of_bytes(100)
    assert len(first) >= 100
    memory.take_back(first)
    assert memory.of_bytes(90) is first
    large = memory.of_bytes(1000)
    memory.take_back(first)  # too small by now
    memory.take_back(large)
    assert memory.of_bytes(50) is large
    frame = memory.of_frame((3, 4), np.dtype("u2"))
    memory.take_back(frame)
    assert memory.of_frame((3, 4), np.dtype("u2")) is frame
    memory.take_back(frame)
    assert memory.of_frame((3, 4), np.dtype("u4")).dtype == np.uint32
    memory.take_back(None)


def test_map_frames_of_growing_size_are_read(tmp_path, plan):
    """Chunks that compress less and less."""
    rng = np.random.default_rng(2)
    stack = np.stack([rng.integers(0, 2 + 3**k, SHAPE) for k in range(12)] * 4).astype(np.uint32)
    path = write(tmp_path / "a.h5", stack, chunks=(1, *SHAPE), **BSLZ4)
    check_results(plan.map(path), plan, stack)


class TestRelay:
    def relay(self, n_jobs, read=lambda job: job, work=list, **options):
        settings = {"batch_size": lambda _: 3, "n_readers": 2, "n_workers": 2, "n_ahead": 4} | options
        return Relay(n_jobs, read, work, **settings)

    @pytest.mark.parametrize("n_jobs", [0, 1, 3, 100])
    @pytest.mark.parametrize("n_workers", [0, 1, 5])
    @pytest.mark.parametrize("n_readers", [1, 4])
    def test_relay_keeps_the_order(self, n_jobs, n_workers, n_readers):
        def work(jobs):
            time.sleep(0.001 * (jobs[0] % 3))
            return [job * job for job in jobs]

        relay = self.relay(n_jobs, work=work, n_workers=n_workers, n_readers=n_readers)
        assert list(relay.outcomes()) == [job * job for job in range(n_jobs)]
        assert threads() == set()

    def test_relay_bounds_the_batches_under_way(self):
        n_under_way = 0
        most = 0
        lock = threading.Lock()

        def read(job):
            nonlocal n_under_way, most
            with lock:
                n_under_way += 1
                most = max(most, n_under_way)
            return job

        for _ in self.relay(200, read=read, batch_size=lambda _: 1).outcomes():
            with lock:
                n_under_way -= 1
        assert most <= 4 + 1

    @pytest.mark.parametrize("where", ["read", "work", "batch_size"])
    def test_relay_mistake_in_a_thread_reaches_the_caller(self, where):
        def broken(_):
            raise ZeroDivisionError("a bug")

        with pytest.raises(ZeroDivisionError):
            list(self.relay(10, **{where: broken}).outcomes())
        assert threads() == set()

    def test_relay_reader_that_hangs_does_not_hold_the_caller(self, monkeypatch):
        from azimuthal.integrate import _relay

        monkeypatch.setattr(_relay, "_PATIENCE", 0.05)
        gate = threading.Event()

        def read(job):
            if job > 0:
                gate.wait(20)
            return job

        outcomes = self.relay(10, read=read, batch_size=lambda _: 1).outcomes()
        assert next(outcomes) == 0
        outcomes.close()
        assert threads()
        gate.set()
        for thread in threading.enumerate():
            if thread.name.startswith("azimuthal"):
                thread.join(20)
        assert threads() == set()
