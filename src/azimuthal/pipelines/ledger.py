# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Which frames of a run with files of their own are finished.

For the outputs ``out/{stem}_{frame:05d}.xy`` there is a folder ``out/stem_frame_05d.xy.parts`` for as long as frames
are missing::

    lock, run.json, failures.json   see azimuthal.pipelines.run_folder
    total.h5         for a picture: see azimuthal.pipelines.running_total
    planned.json     names of all files that the run writes
    done.jsonl       one line for each finished frame: what it is known by, its files and their sizes

Every output appears complete under its name, and only then its line is written.  A frame is finished when its line is
there and its files have the names and sizes that the line says.  The files of a frame without a line, if it is among
those that were planned, were written by this run just before it was killed: they are written again.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from azimuthal._pending_file import translated, write_text
from azimuthal.errors import OutputExistsError
from azimuthal.io.writers import Failure
from azimuthal.pipelines._compact import KeyTable
from azimuthal.pipelines.outputs import Outputs, listed
from azimuthal.pipelines.parts import FrameKey, lacks_frames
from azimuthal.pipelines.run_folder import RunFolder

_PLANNED, _DONE = "planned.json", "done.jsonl"
#: Written by azimuthal.pipelines.running_total.
TOTAL = "total.h5"


class Ledger:
    """The finished frames of a run; use it in a ``with`` block, which holds the lock.

    Parameters
    ----------
    outputs:
        A file, or several, for each frame.
    identity:
        JSON-able record of what is being run: files of another run are not mixed in.
    force:
        Whether files that exist may be replaced, and the ledger of another run be thrown away.

    Raises
    ------
    OutputError
        Another run writes these outputs, or the folder cannot be written.
    OutputExistsError
        There is the ledger of a run that differs, or files that this run has not written, and `force` is False.
    """

    def __init__(self, outputs: Outputs, identity: Mapping[str, Any], *, force: bool) -> None:
        self.folder = ledger_folder(outputs)
        self._outputs = outputs
        self._force = force
        self._run = RunFolder(self.folder, outputs.name, {**identity, "output": outputs.name}, force=force)
        self._found = KeyTable()  # frames, and where their lines begin
        self._has_new = False
        self._planned = KeyTable()
        self._is_started = False
        self._resources = contextlib.ExitStack()

    def __enter__(self) -> Self:
        with self._resources:
            self._resources.enter_context(self._run.owned(self._outputs.paths))
            self._run.is_needed = self.look()
            self._resources = self._resources.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._has_new and not len(self._found) and not any(map(os.path.lexists, self._outputs.paths)):
            self._run.is_needed = False  # there is nothing to go on from
        self._resources.close()

    def look(self) -> bool:
        """Read what is finished, and say whether there is a ledger of this run; nothing is changed."""
        if not (self.folder / "run.json").exists() or not self._run.is_of_this_run():
            return False
        self._planned = planned_outputs(self._outputs)
        with contextlib.suppress(FileNotFoundError), (self.folder / _DONE).open("rb") as lines:
            place = 0
            for line in lines:
                with contextlib.suppress(ValueError, KeyError, TypeError):  # torn: the run was killed while writing it
                    self._found.add(_read_line(line)[0].text, place)
                place += len(line)
        return True

    def place_of(self, key: FrameKey, paths: Sequence[Path]) -> int | None:
        """Return where the line of a frame whose files are finished begins; None where they are not."""
        place = self._found.find(key.text)
        if place is None:
            return None
        with (self.folder / _DONE).open("rb") as lines:
            lines.seek(place)
            files = _read_line(lines.readline())[1]
        if not {self._name(path) for path in paths} <= {name for name, _ in files}:
            return None
        return place if all(_size(self.folder.parent / name) == size for name, size in files) else None

    def start(self) -> None:
        """Write down what will be written, before the first file of this run is.

        Raises
        ------
        OutputExistsError
            A file exists that no earlier run was to write, and `force` is False.
        """
        if self._is_started:
            return
        self._is_started = True
        if not self._force:
            check_free(self._outputs, self._planned)
        if not self._run.is_needed:
            for name in (_DONE, TOTAL):
                (self.folder / name).unlink(missing_ok=True)
        write_text(self.folder / _PLANNED, self._planned_lines(), force=True)
        self._run.write_identity()
        self._run.is_needed = True

    def _planned_lines(self) -> Iterator[str]:
        """Yield a JSON list, a name to a line: those of earlier starts, and those that came since."""
        names = itertools.chain(
            _planned_names(self._outputs) if len(self._planned) else (),
            (name for name in map(self._name, self._outputs.paths) if name not in self._planned),
        )
        yield "["
        for number, name in enumerate(names):
            yield f"{',' if number else ''}\n{json.dumps(name)}"
        yield "\n]"

    def may_replace(self, path: Path) -> bool:
        """Say whether a file may be replaced: by the user's word, or because an earlier start of this run wrote it."""
        return self._force or self._name(path) in self._planned

    def note(self, key: FrameKey, files: Sequence[Path]) -> int:
        """Write down that the files of a frame are complete; return where the ledger ends then."""
        sizes = [(self._name(path), _size(path)) for path in files]
        path = self.folder / _DONE
        try:
            with path.open("ab") as stream:
                # The line feed in front ends a line that a kill has torn.
                stream.write(b"\n" + json.dumps({"frame": list(key), "files": sizes}).encode())
                end = stream.tell()
        except OSError as error:
            raise translated(path, error) from error
        self._has_new = True
        return end

    def finish(self, failures: Sequence[Failure] = ()) -> None:
        """Remove the folder at the end, unless frames failed: these are written down."""
        if failures:
            self._run.write_failures(failures)
        else:
            self._run.is_needed = False

    def _name(self, path: Path) -> str:
        return _relative(path, self.folder.parent)


def ledger_folder(outputs: Outputs) -> Path:
    """Return the folder of the ledger of some outputs: in the last folder whose name has no field."""
    folder = Path(outputs.name)
    while "{" in str(folder.parent):
        folder = folder.parent
    words = re.sub(r"(?:[^\w.-]|_)+", "_", str(Path(outputs.name).relative_to(folder.parent))).strip("_.")
    return folder.parent / f"{words}.parts"


def planned_outputs(outputs: Outputs) -> KeyTable:
    """Return the names, relative to the place of the ledger, of the files that an unfinished run was to write."""
    planned = KeyTable()
    for name in _planned_names(outputs):
        planned.add(name, 0)
    return planned


def _planned_names(outputs: Outputs) -> Iterator[str]:
    """Yield the names of a file with one of them to a line."""
    with (
        contextlib.suppress(OSError, ValueError),
        (ledger_folder(outputs) / _PLANNED).open(encoding="utf-8") as lines,
    ):
        for line in lines:
            if line.startswith('"'):
                yield json.loads(line.rstrip(",\n"))


def _read_line(line: bytes) -> tuple[FrameKey, list[tuple[str, int]]]:
    """Return a frame and its files, with their sizes."""
    record = json.loads(line)
    return FrameKey(*record["frame"]), [(str(name), int(size)) for name, size in record["files"]]


def of_unfinished_run(outputs: Outputs) -> Callable[[Path], bool]:
    """Return what says of a file whether an unfinished run of these outputs was to write it, or left frames out."""
    if not outputs.one_each:
        return lambda path: path == outputs.paths[0] and lacks_frames(path)
    planned, place = planned_outputs(outputs), ledger_folder(outputs).parent
    return lambda path: _relative(path, place) in planned


def check_free(outputs: Outputs, planned: KeyTable) -> None:
    """Raise where a file exists that an earlier start of the run was not to write."""
    place = ledger_folder(outputs).parent
    present = [path for path in outputs.paths if os.path.lexists(path) and _relative(path, place) not in planned]
    if present:
        raise OutputExistsError(
            f"{listed(present)} already. Pass --force (force=True) to replace, or choose another name."
        )


def _relative(path: Path, place: Path) -> str:
    """Return the name of an output from the place of its ledger on, which is where all its names begin."""
    text, start = str(path), str(place)
    if start == ".":
        return text
    prefix = start if start.endswith(os.sep) else start + os.sep
    return text[len(prefix) :] if text.startswith(prefix) else os.path.relpath(path, place)


def _size(path: Path) -> int:
    """Return the size of a file, -1 where there is none."""
    try:
        return path.stat().st_size
    except OSError:
        return -1
