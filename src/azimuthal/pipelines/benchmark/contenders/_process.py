# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Commands started cold, with the largest memory that they took."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Sequence

from azimuthal.errors import OutputError

#: A small process between: Linux counts the memory of the process that forks to the largest memory of its child.
_LAUNCHER = """
import os, sys
to_stderr = [(os.POSIX_SPAWN_DUP2, 2, 1)]
process = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=to_stderr)
_, status, usage = os.wait4(process, 0)
print(usage.ru_maxrss)
sys.exit(abs(os.waitstatus_to_exitcode(status)))
"""
_UNIT = 1 if sys.platform == "darwin" else 1024


def run_cold(arguments: Sequence[str]) -> int | None:
    """Run Python with some arguments in a new process and return its largest resident memory in bytes.

    Returns
    -------
    :
        None where the system does not tell.

    Raises
    ------
    OutputError
        The command failed.
    """
    command = [sys.executable, *arguments]
    tells = sys.platform != "win32"
    if tells:
        command = [sys.executable, "-I", "-S", "-c", _LAUNCHER, *command]
    with tempfile.TemporaryFile() as said:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=said, check=False)
        if done.returncode:
            said.seek(0)
            lines = said.read().decode(errors="replace").splitlines()
            words = " ".join(lines[-3:])
            raise OutputError(f"{' '.join(arguments[:4])} ...: ended with {done.returncode}: {words}")
    return int(done.stdout) * _UNIT if tells else None
