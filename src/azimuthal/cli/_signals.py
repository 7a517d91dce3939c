# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Requests to stop: Ctrl-C and the SIGTERM with which a batch system ends a job.

A request raises at once and unwinds the stack, so that no temporary file stays behind.  Where Python happens to be in
a finaliser or in the callback of a weak reference it reports the exception and drops it (documented under
``sys.unraisablehook``).  The request is therefore remembered too, and :func:`raise_requested`, called between frames,
raises it again.
"""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType

_requested: list[int] = []


@contextlib.contextmanager
def stopping_on_signals() -> Iterator[None]:
    """Raise KeyboardInterrupt for Ctrl-C and SystemExit(128 + number) for SIGTERM, as long as the block runs."""
    _requested.clear()
    previous = {}
    # Ctrl-C stays ignored where it is (nohup, background jobs).
    wanted = [signal.SIGTERM]
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        wanted.append(signal.SIGINT)
    with contextlib.suppress(ValueError):  # only the main thread may set handlers
        for number in wanted:
            previous[number] = signal.signal(number, _stop)
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
        _requested.clear()


def raise_requested() -> None:
    """Raise when a stop was requested, for the case that the exception of the request was dropped."""
    if _requested:
        _raise(_requested[0])


def _stop(number: int, _frame: FrameType | None) -> None:
    _requested.append(number)
    _raise(number)


def _raise(number: int) -> None:
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    raise SystemExit(128 + number)
