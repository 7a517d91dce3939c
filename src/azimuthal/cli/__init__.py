# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""The command line: ``azimuthal integrate | average | peakfinder | sparsify | info | detectors | units | ...``.

One module per command.  A command parses, makes a settings record, calls :mod:`azimuthal.pipelines` and prints.
Nothing of NumPy is imported before the arguments are parsed, so that ``--help`` answers at once.

=========  ==========================================================================
exit code  meaning
=========  ==========================================================================
0          done
1          some frames failed; the last lines name them, the others are written
2          nothing was done: bad arguments, bad input, output that cannot be written
3, 4       ``calibrate``, ``recalibrate``: doubtful, and written; failed, and nothing written
130        interrupted (Ctrl-C); 143 when terminated
=========  ==========================================================================

An error that is not the user's (a bug) shows its traceback.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from azimuthal.cli._signals import stopping_on_signals

__all__ = ["main"]

_INTERRUPTED = 130
_BROKEN_PIPE = 141


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code (module docstring).

    Parameters
    ----------
    arguments:
        What follows ``azimuthal`` on the command line; None: ``sys.argv``.
    """
    from azimuthal.cli._parsing import run
    from azimuthal.errors import AzimuthalError

    try:
        with stopping_on_signals():
            code = run(arguments)
            sys.stdout.flush()
            return code
    except AzimuthalError as error:
        notes = getattr(error, "__notes__", [])
        print("\n".join((f"error: {error}", *notes)), file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return _INTERRUPTED
    except BrokenPipeError:  # the reader, such as `head`, has had enough
        _discard_output()
        return _BROKEN_PIPE
    except OSError as error:
        if not _is_output_lost():
            raise
        _discard_output()
        print(f"error: standard output: cannot be written: {error.strerror}. Files are complete.", file=sys.stderr)
        return 2


def _is_output_lost() -> bool:
    """Say whether nothing more can be printed."""
    try:
        print(flush=True)
    except OSError:
        return True
    return False


def _discard_output() -> None:
    """Let what was printed go nowhere: Python would complain about it at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
