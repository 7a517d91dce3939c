# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""What keeps a long run from being lost: results are put aside in complete files while the output grows.

Beside an output ``run.h5`` (or ``run.npz``, ``run.csv``: any file that holds all results) there is a folder
``run.h5.parts`` for as long as it is not finished::

    lock         locked by the run that writes
    run.json     what is being run: azimuthal.pipelines.run_folder
    000000.h5    results of some frames, a complete NXazint file that opens like any other
    000001.h5    ...

Results are collected for a few seconds (or `_LARGEST_BYTES`), written, flushed to the disk, and only then named: a
part is there whole or not at all, and is never changed.  Frames in a part are *kept*: whatever ends the run, the same
command takes them from there and integrates the rest.  A frame is known by its file, its number in it, and the size
and time of the file, so that frames of files that changed are integrated again.  When the output is complete and has
its name, the folder is removed.

When frames failed, the same command tries them once more, and replaces the output when one of them succeeds.  An
``.h5`` or ``.npz`` records what it lacks, and is then a part itself; of other formats the folder stays, with the record
``failures.json``, until no frame is missing.

Why not the output itself: docs/explanation/decisions/0026-resumable-batch.md.
"""

from __future__ import annotations

import contextlib
import time
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self, TypeAlias

from azimuthal._pending_file import check_target
from azimuthal.errors import AzimuthalError
from azimuthal.io.writers import Failure, NxazintWriter, load_result
from azimuthal.pipelines._compact import KeyTable
from azimuthal.pipelines.run_folder import RunFolder, is_incomplete_output, run_id
from azimuthal.results import Cake, Profile, ResultSet

Result: TypeAlias = Profile | Cake | ResultSet

_LARGEST_BYTES = 64 << 20
#: More than a file holds: a place is the number of a file times this, and the row in it.
_ROWS = 1 << 40


class FrameKey(NamedTuple):
    """What a frame is known by.

    Parameters
    ----------
    path:
        Absolute, with ``::/dataset`` where there is one.
    size, mtime_ns:
        Of the file.
    frame:
        Number inside the file.
    monitor:
        Value that it is divided by, None without one.
    """

    path: str
    size: int
    mtime_ns: int
    frame: int
    monitor: float | None = None

    @property
    def text(self) -> str:
        """All of it."""
        return repr(tuple(self))


def frame_key(image_file: Mapping[str, Any], frame: int, monitor: float | None = None) -> FrameKey:
    """Return the key of a frame of a file (:func:`azimuthal.pipelines.file_facts.file_facts`)."""
    return FrameKey(image_file["path"], image_file.get("size", -1), image_file.get("mtime_ns", -1), frame, monitor)


class Parts:
    """The parts of one output; use it in a ``with`` block, which holds the lock.

    Parameters
    ----------
    target:
        The output.
    identity:
        JSON-able record of what is being run: parts of another run are not mixed in.
    force:
        Whether the output may be replaced, and parts of another run be thrown away.
    every:
        Seconds after which results are put aside.

    Raises
    ------
    OutputError
        Another run writes this output, or the folder cannot be written.
    OutputExistsError
        There are parts of a run that differs, or the output appeared, and `force` is False.
    """

    def __init__(self, target: Path, identity: Mapping[str, Any], *, force: bool, every: float) -> None:
        self.target = target
        self.folder = parts_folder(target)
        self.replaces_output = False
        self._run = RunFolder(self.folder, str(target), identity, force=force)
        self._id = run_id(identity)
        self._force = force
        self._every = every
        self._held: list[Result] = []
        self._n_bytes = 0
        self._since = time.monotonic()
        self._found = KeyTable()
        self._files: list[Path] = []  # that hold what was found
        self._n_new = 0
        self._is_finished = False
        self._number = 0
        self._resources = contextlib.ExitStack()

    def __enter__(self) -> Self:
        with self._resources:
            self._resources.enter_context(self._run.owned([self.target]))
            self._tidy()
            self.look()
            self._resources = self._resources.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if not self._is_finished and self._paths():  # a part may have its name, and a signal have come then
                self._run.is_needed = True
            if self._run.is_needed:
                with contextlib.suppress(AzimuthalError):  # the error that ended the run is the one to be told
                    self.flush()
        finally:
            self._resources.close()

    def __len__(self) -> int:
        """Return the number of frames that are kept."""
        return len(self._found) + self._n_new

    def place_of(self, key: FrameKey) -> int | None:
        """Return where the result of a frame was found, for `results`; None where it is missing."""
        return self._found.find(key.text)

    def keep(self, result: Result) -> bool:
        """Put a result aside, now or with those that follow; return whether all results so far are kept."""
        self._held.append(result)
        self._n_bytes += _size_of(result)
        if self._n_bytes < _LARGEST_BYTES and time.monotonic() - self._since < self._every:
            return False
        self.flush()
        return True

    def flush(self) -> None:
        """Write what was collected as a part, to the disk.

        Raises
        ------
        OutputError
            The disk is full, or failed.  What was kept before remains.
        """
        if not self._held:
            return
        if not self._run.is_needed:
            self._run.write_identity()
        path = self.folder / f"{self._number:06d}.h5"
        with NxazintWriter(path, self._held[0], len(self._held), compression=None) as writer:
            for result in self._held:
                writer.append(result)
        self._run.is_needed = True
        self._n_new += len(self._held)
        self._number += 1
        self._held = []
        self._n_bytes = 0
        self._since = time.monotonic()

    def results(self, places: Iterable[int]) -> Iterator[Result]:
        """Yield results that were found, in memory for a few of them."""
        for _, group in groupby(enumerate(places), key=lambda item: item[1] - item[0]):
            run = array("q", (place for _, place in group))
            file, row = divmod(run[0], _ROWS)
            yield from load_result(self._files[file]).span(row, row + len(run))

    def finish(self, failures: Sequence[Failure] = ()) -> None:
        """Remove everything: the output is complete.

        Parameters
        ----------
        failures:
            What it lacks and does not say itself: then everything stays, for the next run.
        """
        self._is_finished = True
        self._run.is_needed = False
        if failures:
            self.flush()
            self._run.is_needed = True
            self._run.write_failures(failures, self.target)
        self._held = []

    def _tidy(self) -> None:
        """Remove what cannot be used: the lock says that nobody else writes here."""
        for path in self.folder.iterdir():
            if path.name.startswith(".") and path.suffix == ".part":
                path.unlink()  # of a run that was killed
        paths = self._paths()
        if paths and not self._run.is_of_this_run():
            for path in paths:
                path.unlink()
            paths = []
        self._run.is_needed = bool(paths)

    def _paths(self) -> list[Path]:
        return sorted(self.folder.glob("[0-9]*.h5"))

    def look(self) -> None:
        """Find the parts that there are; nothing is changed.

        Raises
        ------
        OutputExistsError, OutputError
            The output exists, and is not one of this run that lacks frames; or it cannot be written.
        """
        self._look_into_output()
        check_target(self.target, force=self._force or self.replaces_output)
        paths = self._paths()
        if not paths or not self._run.is_of_this_run():
            return
        for path in paths:
            self._add(path)
        self._number = int(paths[-1].stem) + 1

    def _add(self, path: Path) -> None:
        start = len(self._files) * _ROWS
        for row, (metadata, provenance) in enumerate(load_result(path).records()):
            self._found.add(_key_of(metadata, provenance).text, start + row)
        self._files.append(path)

    def _look_into_output(self) -> None:
        if self._force:
            return
        if self._run.is_output(self.target):
            self.replaces_output = True
            return
        if not lacks_frames(self.target):
            return
        records = load_result(self.target).records()
        if all(provenance.get("run_id") == self._id for _, provenance in records):
            self._add(self.target)
            self.replaces_output = True


def lacks_frames(path: Path) -> bool:
    """Say whether a file is an output that lacks frames which failed, by its own record or by that of its run."""
    if is_incomplete_output(path, parts_folder(path)):
        return True
    try:
        return path.is_file() and bool(load_result(path).failures)
    except (AzimuthalError, OSError):
        return False


def parts_folder(target: Path) -> Path:
    """Return the folder of the parts of an output."""
    return target.with_name(f"{target.name}.parts")


def _key_of(metadata: Mapping[str, Any], provenance: Mapping[str, Any]) -> FrameKey:
    return frame_key(provenance["image_file"], int(metadata["frame"]), metadata.get("monitor"))


def _size_of(result: Result) -> int:
    if isinstance(result, ResultSet):
        return sum(map(_size_of, result))
    sums = result.sums
    held = (sums.signal, sums.variance, sums.normalization, sums.normalization2, sums.count)
    return 2 * sum(array.nbytes for array in held if array is not None)
