# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""The results of a run merged into one, for its picture, and kept beside files of single frames.

Most of these files cannot be read back into sums.  So the total is written into the folder of the run now and then
(``total.h5``), with the place in the ledger up to which frames are in it: a run that is started again takes it, and
integrates only the frames that are not.
"""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path
from typing import Any, TypeAlias

from azimuthal.errors import AzimuthalError
from azimuthal.io.writers import NxazintWriter, load_result
from azimuthal.results import Cake, Profile

Result: TypeAlias = Profile | Cake

_COVERS = "total_of"


class RunningTotal:
    """Results merged as they come.

    Parameters
    ----------
    path:
        File that keeps the total, or None.
    every:
        Seconds after which it is written.
    """

    def __init__(self, path: Path | None = None, every: float = 0.0) -> None:
        self.result: Any = None  # a profile or a cake
        self.n_frames = 0
        self.place = 0
        self._path = path
        self._every = every
        self._is_kept = True
        self._since = time.monotonic()

    def look(self) -> None:
        """Take the total that an interrupted run has kept, where there is one."""
        if self._path is None or not self._path.exists():
            return
        try:
            found: Any = load_result(self._path)[0]
            metadata = dict(found.metadata)
            self.n_frames, self.place = metadata.pop(_COVERS)
        except (AzimuthalError, KeyError, TypeError, ValueError):
            return
        self.result = dataclasses.replace(found, metadata=metadata)

    def forget(self) -> None:
        """Begin anew."""
        self.result, self.n_frames, self.place = None, 0, 0

    def add(self, result: Result, place: int = 0) -> None:
        """Merge one result; `place` is the end of the ledger with it."""
        self.result = result if self.result is None else self.result.merged(result)
        self.n_frames += 1
        self.place = place
        self._is_kept = False
        if time.monotonic() - self._since >= self._every:
            self.keep()

    def keep(self) -> None:
        """Write the total, if it is to be kept."""
        if self._path is None or self._is_kept:
            return
        metadata = {**self.result.metadata, _COVERS: [self.n_frames, self.place]}
        with NxazintWriter(self._path, self.result, 1, force=True, compression=None) as writer:
            writer.append(dataclasses.replace(self.result, metadata=metadata))
        self._is_kept = True
        self._since = time.monotonic()
