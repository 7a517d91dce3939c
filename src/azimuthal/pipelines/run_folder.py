# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""The folder beside the outputs of a run that is not finished: who writes, what is being run.

::

    lock             locked by the run that writes; its process and machine, for messages
    run.json         what is being run: recipe, digests of geometry and masks, version
    failures.json    when the run has ended and frames failed: name, reason and number of frames (null: not known) of
                     each; and the output that lacks them, with its size and time

What else is in it, is up to the run: :mod:`azimuthal.pipelines.parts`, :mod:`azimuthal.pipelines.ledger`.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import socket
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from azimuthal._pending_file import flush_folder, write_text
from azimuthal.errors import FileFormatError, OutputError, OutputExistsError
from azimuthal.io.writers import Failure
from azimuthal.pipelines._locking import locked
from azimuthal.pipelines.file_facts import file_facts

RUN_VERSION = 1
FAILURES = "failures.json"
_SHOWN = 5
_UNFINISHED = re.compile(r"\.(?P<name>.+)\.(?P<pid>\d+)-[0-9a-f]+\.part")


def run_id(identity: Mapping[str, Any]) -> str:
    """Return a digest of what is being run, which results carry."""
    text = json.dumps({"parts": RUN_VERSION, **identity}, sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


class RunFolder:
    """A folder that exists while a run goes on, and afterwards when that is needed.

    Parameters
    ----------
    path:
        The folder.
    output:
        What messages call the outputs.
    identity:
        JSON-able record of what is being run.
    force:
        Whether what another run left may be thrown away.
    """

    def __init__(self, path: Path, output: str, identity: Mapping[str, Any], *, force: bool) -> None:
        self.path = path
        self.is_needed = False
        self._output = output
        self._identity = json.loads(json.dumps({"parts": RUN_VERSION, **identity}))
        self._force = force

    @contextlib.contextmanager
    def owned(self, targets: Iterable[Path]) -> Iterator[None]:
        """Hold the lock; remove the folder at the end unless it is needed.

        Parameters
        ----------
        targets:
            The outputs; what a run that was killed left of them under temporary names is removed.

        Raises
        ------
        OutputError
            Another run writes these outputs, or the folder cannot be written.
        """
        with locked(self.path / "lock", self._refusal) as stream:
            stream.seek(0)
            _remove_unfinished(targets, stream.read())
            stream.seek(0)
            stream.truncate()
            stream.write(json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "time": time.time()}))
            stream.flush()
            self.is_needed = (self.path / "run.json").exists()  # whoever finds out that it is not says so
            try:
                yield
            finally:
                if not self.is_needed:
                    shutil.rmtree(self.path, ignore_errors=True)

    def is_of_this_run(self) -> bool:
        """Say whether what is there belongs to this run; False where it may be thrown away.

        Raises
        ------
        OutputExistsError
            It belongs to another run, and `force` is False; the message says what differs.
        FileFormatError
            It cannot be read.
        """
        path = self.path / "run.json"
        try:
            stored = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            if self._force:
                return False
            raise FileFormatError(f"{path}: cannot be read: {error}. Remove the folder to start over.") from error
        if stored == self._identity:
            return True
        if self._force:
            return False
        found = list(_differences(stored, self._identity))
        more = f"; and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        raise OutputExistsError(
            f"{self.path}: holds frames of an interrupted run that differs: {'; '.join(found[:_SHOWN])}{more}. Run "
            "the same command again to finish it, choose another name, or pass --force (force=True) to start over."
        )

    def write_identity(self) -> None:
        """Write what is being run, to the disk."""
        write_text(self.path / "run.json", (json.dumps(self._identity, indent=1),), force=True)
        flush_folder(self.path.parent)  # the name of the folder itself

    def write_failures(self, failures: Iterable[Failure], output: Path | None = None) -> None:
        """Write which frames a run that has ended lacks, and why; of one output, how it is known again."""
        record: dict[str, Any] = {
            "failures": [{"name": one.name, "reason": one.reason, "n_frames": one.n_frames} for one in failures]
        }
        if output is not None:
            record["output"] = file_facts(str(output), digest=False)
        write_text(self.path / FAILURES, (json.dumps(record, indent=1),), force=True)

    def is_output(self, path: Path) -> bool:
        """Say whether a file is the output of this run that lacks the frames which failed, and was not changed."""
        return is_incomplete_output(path, self.path) and self.is_of_this_run()

    def _refusal(self, owner: str) -> OutputError:
        with contextlib.suppress(ValueError, KeyError, TypeError):
            record = json.loads(owner)
            owner = f" (process {record['pid']} on {record['host']})"
        return OutputError(
            f"{self._output}: another run is writing it{owner}. Wait until it ends, or choose another name."
        )


def is_run_folder(folder: Path) -> bool:
    """Say whether a folder is that of a run which is not complete."""
    return folder.suffix == ".parts" and (folder / "run.json").is_file()


def recorded_failures(folder: Path) -> list[dict[str, Any]]:
    """Return the failures of a run that has ended; none where there is no record."""
    found: list[dict[str, Any]] = _failures_record(folder).get("failures", [])
    return found


def is_incomplete_output(path: Path, folder: Path) -> bool:
    """Say whether a file is the output that the folder of a run says to lack frames, and was not changed since."""
    recorded = _failures_record(folder).get("output")
    return recorded is not None and path.is_file() and recorded == file_facts(str(path), digest=False)


def _failures_record(folder: Path) -> dict[str, Any]:
    try:
        record = json.loads((folder / FAILURES).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def _remove_unfinished(targets: Iterable[Path], owner: str) -> None:
    """Remove the unfinished outputs of the run that held the lock before, which was killed."""
    try:
        pid = str(int(json.loads(owner)["pid"]))
    except (ValueError, KeyError, TypeError):
        return
    names: dict[Path, set[str]] = {}
    for target in targets:
        beside = target.with_name(f"{target.stem}_sigma{target.suffix}").name  # of cakes as images
        names.setdefault(target.parent, set()).update((target.name, beside))
    for folder, known in names.items():
        for path in folder.iterdir() if folder.is_dir() else ():
            found = _UNFINISHED.fullmatch(path.name)
            if found and found["pid"] == pid and found["name"] in known:
                path.unlink(missing_ok=True)


def _differences(one: Any, two: Any, name: str = "") -> Iterator[str]:
    if isinstance(one, dict) and isinstance(two, dict):
        for key in (*one, *(key for key in two if key not in one)):
            yield from _differences(one.get(key), two.get(key), f"{name}.{key}" if name else key)
    elif one != two:
        yield f"{name} was {_short(one)}, is {_short(two)}"


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
