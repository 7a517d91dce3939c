# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Many jobs through threads, in order and in bounded memory: some threads read ahead, others work, one takes.

Jobs are numbered; consecutive ones travel together as a batch.  Reading threads fetch batches in order, working threads
turn what was read into outcomes, and whoever iterates gets the outcomes in order::

    schedule -> read (n_readers threads) -> work (n_workers threads) -> iterate (the caller)

At most `n_ahead` batches are anywhere between the first and the last arrow, so that a slow caller stops the readers.
Threads live as long as the iteration.  Closing it, an exception, or Ctrl-C while it waits tells them to stop; they end
with the batch (readers: with the job) that they are at.  Waiting is done in short steps, which lets the main thread see
Ctrl-C on every system and lets the threads see that the program ends.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Sequence
from typing import Generic, TypeVar

from azimuthal.errors import ParameterError

Read = TypeVar("Read")
Outcome = TypeVar("Outcome")

_STEP = 0.2  # s
#: How long closing waits for the threads; a reader that hangs in a disk is left behind, and ends when it comes back.
_PATIENCE = 0.8  # s


class Relay(Generic[Read, Outcome]):
    """One run of jobs 0 to ``n_jobs - 1``; iterate with `outcomes`, once.

    Parameters
    ----------
    n_jobs:
        How many.
    read:
        Fetches one job; must not raise.
    work:
        Turns the fetched jobs of a batch into one outcome each; must not raise.
    batch_size:
        How many jobs from this one on travel together at most.
    n_readers, n_workers:
        Threads; without workers, `work` runs in the reading threads.
    n_ahead:
        Batches that are under way at once; at least one.
    """

    def __init__(
        self,
        n_jobs: int,
        read: Callable[[int], Read],
        work: Callable[[Sequence[Read]], Sequence[Outcome]],
        *,
        batch_size: Callable[[int], int],
        n_readers: int,
        n_workers: int,
        n_ahead: int,
    ) -> None:
        self._n_jobs = n_jobs
        self._read = read
        self._work = work
        self._batch_size = batch_size
        self._n_ahead = n_ahead
        self._has_workers = n_workers > 0
        self._scheduling = threading.Lock()
        self._next_job = 0
        self._next_batch = 0
        lock = threading.RLock()  # a garbage collection in a thread that holds it may close the iteration
        self._room = threading.Condition(lock)
        self._fetched = threading.Condition(lock)
        self._finished = threading.Condition(lock)
        self._n_under_way = 0
        self._n_reading = n_readers
        self._waiting: deque[tuple[int, list[Read]]] = deque()
        self._done: dict[int, Sequence[Outcome]] = {}
        self._stop = False
        self._broken: BaseException | None = None
        self._process = os.getpid()
        self._threads = [
            threading.Thread(target=self._guarded, args=(target,), name=f"azimuthal-{name}-{number}")
            for name, target, count in (("read", self._reader, n_readers), ("work", self._worker, n_workers))
            for number in range(count)
        ]

    def outcomes(self) -> Generator[Outcome]:
        """Yield the outcomes of all jobs, in order."""
        try:
            for thread in self._threads:
                thread.start()
            number = 0
            while (batch := self._taken(number)) is not None:
                yield from batch
                number += 1
        finally:
            self._end()

    def _taken(self, number: int) -> Sequence[Outcome] | None:
        """Return the outcomes of a batch when they are there; None after the last one."""
        if os.getpid() != self._process:
            raise ParameterError("map: a run that was begun before a fork cannot go on in the child. Begin it there.")
        with self._finished:
            while number not in self._done:
                if self._broken is not None:
                    raise self._broken
                if self._is_complete():
                    return None
                self._finished.wait(_STEP)
            self._n_under_way -= 1
            self._room.notify()
            return self._done.pop(number)

    def _is_complete(self) -> bool:
        return self._n_reading == 0 and self._n_under_way == 0

    def _end(self) -> None:
        if os.getpid() != self._process:  # the threads are those of the parent
            return
        with self._room:
            self._stop = True
            self._wake_all()
        until = time.monotonic() + _PATIENCE
        for thread in self._threads:
            while thread.is_alive() and thread is not threading.current_thread() and time.monotonic() < until:
                thread.join(_STEP)

    def _wake_all(self) -> None:
        for condition in (self._room, self._fetched, self._finished):
            condition.notify_all()

    def _guarded(self, target: Callable[[], None]) -> None:
        """Run the body of a thread; an exception in it, which is a mistake in this program, reaches the caller."""
        try:
            target()
        except BaseException as error:
            with self._room:
                self._broken = self._broken or error
                self._stop = True
        finally:
            with self._room:
                if target == self._reader:
                    self._n_reading -= 1
                self._wake_all()

    def _is_stopping(self) -> bool:
        return self._stop or not threading.main_thread().is_alive()

    def _reader(self) -> None:
        while self._may_begin():
            with self._scheduling:
                number, jobs = self._next_batch, range(self._next_job, self._next_job)
                if self._next_job < self._n_jobs:
                    size = max(1, self._batch_size(self._next_job))
                    jobs = range(self._next_job, min(self._n_jobs, self._next_job + size))
                self._next_job = jobs.stop
                self._next_batch += bool(jobs)
            if not jobs:
                with self._room:
                    self._n_under_way -= 1
                return
            fetched = []
            for job in jobs:
                if self._stop:
                    return
                fetched.append(self._read(job))
            if not self._has_workers:
                self._deliver(number, self._work(fetched))
                continue
            with self._fetched:
                self._waiting.append((number, fetched))
                self._fetched.notify()
            del fetched

    def _may_begin(self) -> bool:
        """Wait until another batch may be under way; False when there is nothing more to do."""
        with self._room:
            while self._n_under_way >= self._n_ahead:
                if self._is_stopping():
                    return False
                self._room.wait(_STEP)
            self._n_under_way += 1
            return not self._is_stopping()

    def _worker(self) -> None:
        while True:
            with self._fetched:
                while not self._waiting:
                    if self._is_stopping() or self._n_reading == 0:
                        return
                    self._fetched.wait(_STEP)
                if self._is_stopping():
                    return
                number, fetched = self._waiting.popleft()
            outcomes = self._work(fetched)
            del fetched
            self._deliver(number, outcomes)
            del outcomes

    def _deliver(self, number: int, outcomes: Sequence[Outcome]) -> None:
        with self._finished:
            self._done[number] = outcomes
            self._finished.notify()
