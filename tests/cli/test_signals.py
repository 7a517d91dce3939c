# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Requests to stop unwind the stack, also where Python drops the exception of the handler."""

import signal
import subprocess
import sys

import pytest

from azimuthal.cli._signals import raise_requested, stopping_on_signals

pytestmark = [
    pytest.mark.white_box,
    pytest.mark.skipif(sys.platform == "win32", reason="no such signals"),
]

# The finaliser is where the signal arrives: what its handler raises there is reported and dropped by the interpreter.
DROPPED = """
import os, signal, sys
from azimuthal.cli._signals import raise_requested, stopping_on_signals
class Finalised:
    def __del__(self):
        os.kill(os.getpid(), int(sys.argv[1]))
        for _ in range(1000): pass
try:
    with stopping_on_signals():
        Finalised()
        print("still running")
        raise_requested()
        print("never here")
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_request_that_python_drops_is_raised_at_the_next_frame(number, code):
    command = [sys.executable, "-c", DROPPED, str(int(number))]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (code, "still running\n"), done.stderr


def test_request_raises_at_once_and_is_forgotten_after_the_block():
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as stopped, stopping_on_signals():
        signal.raise_signal(signal.SIGTERM)
    assert stopped.value.code == 143
    assert signal.getsignal(signal.SIGTERM) is before
    raise_requested()


def test_ignored_interrupts_stay_ignored():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with stopping_on_signals():
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
