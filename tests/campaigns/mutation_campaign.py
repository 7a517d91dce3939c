# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Damaged files of every format that is read: an error of this package or a result, never anything else.

::

    python tests/campaigns/mutation_campaign.py STATE.json [--number 10000] [--only NAME ...]
    python tests/campaigns/mutation_campaign.py --repeat "hdf5 gzip:123"

Every case is a format and a seed: the same damage each time.  A worker reads the damaged files; the campaign watches it
and starts another one when it ends, hangs (10 seconds of processor time on one case, or two minutes of waiting), or has
taken a gigabyte.  What is a finding:

============ =======================================================================================
foreign      an exception that is none of this package
crash, hang  the process ended, or had to be ended
memory       a small file made the reader use more than 400 MB
zeros        a frame without a single count, where the whole file has no pixel without
changed      a file that only lost its end gives other frames than the whole one
wrong        what the samples themselves check (shapes, finite numbers)
nameless     the error does not name the file
slow         more than two seconds of processor time
============ =======================================================================================

The campaign goes on where it was stopped: STATE.json holds how far each format is, and what was found.
"""

import argparse
import contextlib
import json
import logging
import mmap
import os
import random
import re
import resource
import select
import shutil
import signal
import struct
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from samples import SAMPLES, WrongResultError, real_samples, whole_files

from azimuthal.errors import AzimuthalError
from azimuthal.pipelines.description import describe

HANG_SECONDS, WAITING_SECONDS = 10, 120
SLOW_SECONDS = 2
MEMORY = 400 << 20
ADDRESS_SPACE = 6 << 30
_BATCH = 250

# ---- damage ------------------------------------------------------------------------------------------------

_NUMBER = re.compile(rb"[-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?")
_NUMBERS = (
    b"0",
    b"-1",
    b"1e308",
    b"nan",
    b"inf",
    b"99999999999",
    b"1e-320",
    b"",
    b"0x10",
    b"1_0",
    b"[]",
    b'"a"',
    b"4096",
)
_WORDS = (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF, 1 << 40)


def _span(chance, size, most=64):
    start = chance.randrange(size)
    return start, min(size, start + 1 + chance.randrange(most))


def _flip(chance, raw):
    for _ in range(chance.randint(1, 8)):
        raw[chance.randrange(len(raw))] = chance.randrange(256)


def _flip_head(chance, raw):
    for _ in range(chance.randint(1, 4)):
        raw[chance.randrange(min(len(raw), 2500))] = chance.choice((0, 0x7F, 0x80, 0xFF, chance.randrange(256)))


def _flip_bit(chance, raw):
    raw[chance.randrange(len(raw))] ^= 1 << chance.randrange(8)


def _cut(chance, raw):
    del raw[chance.randrange(len(raw)) :]


def _lose(chance, raw):
    start, stop = _span(chance, len(raw), chance.choice((4, 64, 2048)))
    del raw[start:stop]


def _double(chance, raw):
    start, stop = _span(chance, len(raw), chance.choice((4, 64, 2048)))
    raw[start:start] = raw[start:stop]


def _splice(chance, raw):
    start, stop = _span(chance, len(raw), chance.choice((8, 512)))
    place = chance.randrange(len(raw))
    raw[place : place + stop - start] = raw[start:stop]


def _fill(chance, raw):
    start, stop = _span(chance, len(raw))
    raw[start:stop] = bytes([chance.choice((0, 255))]) * (stop - start)


def _word(chance, raw):
    """Put an extreme number where an integer may be."""
    width = chance.choice((1, 2, 4, 8))
    place = chance.randrange(max(1, len(raw) - 8)) & ~(width - 1)
    code = chance.choice("<>") + {1: "B", 2: "H", 4: "I", 8: "Q"}[width]
    raw[place : place + width] = struct.pack(code, chance.choice(_WORDS) & ((1 << 8 * width) - 1))


def _number(chance, raw):
    """Put another number in the place of one that is written out."""
    found = list(_NUMBER.finditer(bytes(raw[:6000])))
    if found:
        one = chance.choice(found)
        raw[one.start() : one.end()] = chance.choice(_NUMBERS)


def _line(chance, raw):
    """Lose, double or exchange lines."""
    lines = bytes(raw).splitlines(keepends=True)
    one, other = chance.randrange(len(lines)), chance.randrange(len(lines))
    kind = chance.randrange(3)
    if kind == 0:
        del lines[one]
    elif kind == 1:
        lines.insert(other, lines[one])
    else:
        lines[one], lines[other] = lines[other], lines[one]
    raw[:] = b"".join(lines)


_BINARY = (_flip, _flip, _flip_head, _flip_head, _flip_bit, _cut, _lose, _double, _splice, _fill, _word, _word, _number)
_TEXT = (_flip, _flip_bit, _cut, _lose, _double, _splice, _fill, _number, _number, _line, _line)


def damaged(name, sample, whole, seed):
    """Return the files of a case, whether they only lost their end, and whether bytes were moved."""
    chance = random.Random(f"{name}:{seed}")
    files = {one: bytearray(raw) for one, raw in whole.items()}
    raw = files[chance.choice(sorted(files))]
    kinds = [chance.choice(_TEXT if sample.is_text else _BINARY) for _ in range(chance.choice((1, 1, 1, 2, 3)))]
    for kind in kinds:
        if raw:
            kind(chance, raw)
    return files, kinds == [_cut], bool({_lose, _double, _splice, _line} & set(kinds))


# ---- one case ----------------------------------------------------------------------------------------------


def run_case(sample, files, only_cut, has_moved, expected, folder, with_description):
    """Read damaged files and return how it went and a text."""
    for name, raw in files.items():
        (folder / name).write_bytes(raw)
    try:
        found = sample.read(folder)
    except WrongResultError as error:
        return "wrong", str(error)
    except AzimuthalError as error:
        outcome = _judged(error, sample)
    else:
        outcome = _compared(found, expected, only_cut, has_moved)
    if with_description and outcome[0] in ("error", "result"):
        with contextlib.suppress(AzimuthalError):
            str(describe(folder / sample.files[0]).text)
    return outcome


def _judged(error, sample):
    if any(name in str(error) for name in sample.files):
        return "error", ""
    return "nameless", f"{type(error).__name__}: {error}"


def _compared(found, expected, only_cut, has_moved):
    if not isinstance(found, list):
        return "result", ""
    # bytes that were moved may leave a frame where the file has nothing but zeros
    if not has_moved and any(frame.size and not frame.any() for frame in found):
        return "zeros", f"{[frame.shape for frame in found]}"
    if only_cut and any(not np.array_equal(one, other) for one, other in zip(found, expected, strict=False)):
        return "changed", ""
    return "result", ""


class Memory:
    """The largest memory that the process has used since the last `reset`."""

    def reset(self):
        with contextlib.suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5")

    def peak(self):
        found = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())
        return int(found[1]) << 10


# ---- the worker --------------------------------------------------------------------------------------------


def work(name, sample, whole, start, stop, shared, out):
    """Run cases; tell by shared memory which one is under way, and by a pipe what was found."""
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    folder = Path(tempfile.mkdtemp(prefix="damaged_", dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
    memory = Memory()
    try:
        for one, raw in whole.items():
            (folder / one).write_bytes(raw)
        expected = sample.read(folder)
        before = memory.peak()
        for seed in range(start, stop):
            shared[:8] = struct.pack("<Q", seed)
            memory.reset()
            begin = time.process_time()
            result = timed_case(name, sample, whole, seed, expected, folder)
            seconds = time.process_time() - begin
            if result[0] in ("error", "result") and seconds > SLOW_SECONDS:
                result = ("slow", f"{seconds:.1f} s")
            if (peak := memory.peak()) > before + MEMORY:
                result = ("memory", f"{(peak - before) >> 20} MB; {result}")
            out.write(json.dumps((seed, *result)) + "\n")
            out.flush()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def timed_case(name, sample, whole, seed, expected, folder):
    files, only_cut, has_moved = damaged(name, sample, whole, seed)
    try:
        return run_case(sample, files, only_cut, has_moved, expected, folder, seed % 4 == 0)
    except BaseException as error:
        place = [f"{Path(one.filename).name}:{one.lineno}" for one in traceback.extract_tb(error.__traceback__)]
        own = [one for one in place if not one.startswith("mutation_campaign")]
        return "foreign", f"{type(error).__name__}: {str(error)[:200]} at {' '.join(own[-4:])}"


class Worker:
    """A process that runs the cases of one format from `start` to `stop`."""

    def __init__(self, name, sample, whole, start, stop):
        self.shared = mmap.mmap(-1, 8)
        self.shared[:8] = struct.pack("<Q", start)
        read, write = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(read)
            with contextlib.suppress(BaseException), os.fdopen(write, "w") as out:
                quiet = os.open(os.devnull, os.O_WRONLY)
                os.dup2(quiet, 1)
                os.dup2(quiet, 2)
                work(name, sample, whole, start, stop, self.shared, out)
            os._exit(0)
        os.close(write)
        self.pipe = read

    def results(self):
        """Yield (seed, outcome, text); the last one may be a crash or a hang."""
        rest = b""
        done = struct.unpack("<Q", self.shared[:8])[0] - 1
        while True:
            ready = self._answers()
            if not ready:
                os.kill(self.pid, signal.SIGKILL)
            part = os.read(self.pipe, 1 << 16) if ready else b""
            *lines, rest = (rest + part).split(b"\n")
            for line in lines:
                done, outcome, text = json.loads(line)
                yield done, outcome, text
            if not part:
                break
        _, status = os.waitpid(self.pid, 0)
        os.close(self.pipe)
        current = struct.unpack("<Q", self.shared[:8])[0]
        if current > done:
            yield (
                current,
                "hang" if not ready else "crash",
                f"signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else f"exit {os.WEXITSTATUS(status)}",
            )

    def _answers(self):
        """Return whether something comes: False when a case takes too much time of the processor, or of anything."""
        begin, spent = time.monotonic(), processor_seconds(self.pid)
        while time.monotonic() - begin < WAITING_SECONDS and processor_seconds(self.pid) - spent < HANG_SECONDS:
            if select.select([self.pipe], [], [], 1.0)[0]:
                return True
        return False


def processor_seconds(pid):
    """Return the processor time that a process has taken (its threads and the kernel for it)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def made_elsewhere(sample):
    """Return the whole files of a sample, made by a process of their own: the campaign itself opens no files."""
    with tempfile.TemporaryDirectory() as folder:
        child = os.fork()
        if child == 0:
            code = 1
            try:
                whole_files(sample, Path(folder))
                code = 0
            finally:
                os._exit(code)
        if os.waitpid(child, 0)[1]:
            raise SystemExit(f"the files {sample.files} cannot be made or read")
        return {name: (Path(folder) / name).read_bytes() for name in sample.files}


def campaign(name, sample, start, stop):
    """Yield the results of all cases of a format."""
    whole = made_elsewhere(sample)
    while start < stop:
        for seed, outcome, text in Worker(name, sample, whole, start, min(stop, start + _BATCH)).results():
            yield seed, outcome, text
            start = seed + 1


# ---- the command -------------------------------------------------------------------------------------------


def run_format(name, sample, number, state, save):
    """Run the cases of a format that are not done yet, and print what was found."""
    record = state.setdefault(name, {"done": 0, "counts": {}, "findings": []})
    counts = Counter(record["counts"])
    kinds = Counter()
    begin, first = time.monotonic(), record["done"]
    for seed, outcome, text in campaign(name, sample, first, number):
        counts[outcome] += 1
        if outcome not in ("error", "result"):
            record["findings"].append([seed, outcome, text])
            kinds[outcome, _kind(text)] += 1
            if kinds[outcome, _kind(text)] <= 2:
                print(f"  {name}:{seed}  {outcome}  {text}", flush=True)
        record["done"], record["counts"] = seed + 1, dict(counts)
        if seed % 1000 == 999:
            save()
    save()
    seconds = time.monotonic() - begin
    rate = (record["done"] - first) / max(seconds, 1e-9)
    print(f"{name:28s} {record['done']:6d} cases, {rate:5.0f}/s: {dict(sorted(counts.items()))}", flush=True)


def _kind(text):
    """Return a text without its numbers: findings of one kind are shown twice, and all are kept."""
    return re.sub(r"\d+|'[^']*'", "", text)


def repeat(case, samples):
    """Run one case here, and show what happens."""
    name, _, seed = case.rpartition(":")
    sample = samples[name]
    folder = Path(tempfile.mkdtemp(prefix="repeat_"))
    whole = whole_files(sample, folder)
    files, only_cut, has_moved = damaged(name, sample, whole, int(seed))
    expected = sample.read(folder)
    print("files in", folder)
    print(run_case(sample, files, only_cut, has_moved, expected, folder, int(seed) % 4 == 0))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("state", nargs="?", type=Path)
    parser.add_argument("--number", type=int, default=10_000)
    parser.add_argument("--only", nargs="*", default=None)
    parser.add_argument("--skip", nargs="*", default=[])
    parser.add_argument("--real", action="store_true", help="the vendors' files of the shared data, too")
    parser.add_argument("--repeat")
    options = parser.parse_args()
    samples = dict(SAMPLES) | (dict(real_samples()) if options.real else {})
    if options.repeat:
        repeat(options.repeat, samples)
        return
    state = json.loads(options.state.read_text()) if options.state and options.state.exists() else {}

    def save():
        if options.state:
            temporary = options.state.with_suffix(".part")
            temporary.write_text(json.dumps(state, indent=1))
            temporary.replace(options.state)

    for name, sample in samples.items():
        wanted = options.only is None or any(word in name for word in options.only)
        if wanted and not any(word in name for word in options.skip):
            run_format(name, sample, options.number, state, save)


if __name__ == "__main__":
    main()
