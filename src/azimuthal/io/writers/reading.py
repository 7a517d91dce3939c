# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Reading results back: the sums, so that means, sigmas and mergers come out exactly as before saving."""

from __future__ import annotations

import contextlib
import itertools
import json
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, overload

import numpy as np

from azimuthal.errors import FileFormatError, FileMissingError
from azimuthal.io.hdf5 import attributes_of, check_texts, open_hdf5, translated_errors
from azimuthal.io.named_errors import errors_naming
from azimuthal.io.writers._layout import (
    FAILURES,
    OUTLIER_NAMES,
    REJECTED_FRAMES,
    REJECTED_PIXELS,
    SUM_COVARIANCE,
    SUM_NAMES,
    Result,
    check_record,
    rebuilt,
    rejected_by_result,
    stored_pairs,
    subentry_name,
    with_changes,
)
from azimuthal.results import ResultSet
from azimuthal.typing import PathLike

_READ_AHEAD_BYTES = 1 << 22
_RECORDS_AT_ONCE = 2048


def load_result(path: PathLike) -> ResultFile:
    """Open a file that :func:`azimuthal.save` wrote as ``.h5`` or ``.npz``.

    Parameters
    ----------
    path:
        The file.  What it is, is found out from its contents.

    Returns
    -------
    :
        A sequence of profiles, cakes or sets of them: ``load_result("run.h5")[0]``.

    Raises
    ------
    FileMissingError
        The file does not exist.
    FileFormatError
        It is truncated, damaged, or not written by this package.
    """
    path = Path(path)
    if not path.is_file():
        raise FileMissingError(f"{path}: this file does not exist." if not path.exists() else f"{path}: is no file.")
    if zipfile.is_zipfile(path):
        return ResultFile(path, _Archive(path))
    names = _set_names(path)
    return ResultFile(path, _Nexus(path) if names is None else _Sets(path, names))


class FailedFrames(NamedTuple):
    """What is missing in a file of results, and why.

    Attributes
    ----------
    name:
        Label of a frame, or the path of a file.
    reason:
        What went wrong.
    n_frames:
        How many frames; None: not known.
    """

    name: str
    reason: str
    n_frames: int | None


class ResultFile(Sequence["Result"]):
    """The results of a file, read when they are asked for.

    The file is opened for the time of each access, so there is nothing to close; iterating reads blocks of
    frames.
    """

    def __init__(self, path: Path, store: _Store) -> None:
        self._path = path
        self._store = store

    @property
    def path(self) -> Path:
        """The file."""
        return self._path

    @property
    def kind(self) -> str:
        """``"profile"``, ``"cake"`` or ``"set"``."""
        return str(self._store.record["kind"])

    def __len__(self) -> int:
        return self._store.n_results

    @overload
    def __getitem__(self, index: int) -> Result: ...

    @overload
    def __getitem__(self, index: slice) -> list[Result]: ...

    def __getitem__(self, index: int | slice) -> Result | list[Result]:
        numbers = range(len(self))[index]
        if isinstance(numbers, range):
            return [self._read(number, number + 1)[0] for number in numbers]
        return self._read(numbers, numbers + 1)[0]

    def _read(self, start: int, stop: int) -> list[Result]:
        with errors_naming(self._path):
            return self._store.read(start, stop)

    def __iter__(self) -> Iterator[Result]:
        yield from self.span(0, len(self))

    def span(self, start: int, stop: int) -> Iterator[Result]:
        """Yield the results from `start` to before `stop`, read in blocks of a few megabytes."""
        step = self._store.n_ahead
        for first in range(start, stop, step):
            yield from self._read(first, min(first + step, stop))

    @property
    def failures(self) -> tuple[FailedFrames, ...]:
        """Frames of the run that there is no result of."""
        return self._store.failures()

    def records(self) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
        """Yield metadata and provenance of every result, without reading arrays."""
        return self._store.records()

    def __repr__(self) -> str:
        return f"<ResultFile {self._path}: {len(self)} x {self.kind}>"


class _Store(ABC):
    """Where results are kept: `record` and `edges` for all of them, and `read` for a range."""

    record: Mapping[str, Any]
    edges: Mapping[str, Any]
    n_results: int

    @abstractmethod
    def read(self, start: int, stop: int) -> list[Result]:
        """Return the results from `start` to before `stop`."""

    def records(self) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
        """Yield metadata and provenance of all results."""
        for number in range(self.n_results):
            (one,) = self.read(number, number + 1)
            yield dict(one.metadata), dict(one.provenance)

    @abstractmethod
    def failures(self) -> tuple[FailedFrames, ...]:
        """Return the frames without a result."""

    @property
    def n_ahead(self) -> int:
        """How many results to read at once."""
        bytes_each = 8 * len(SUM_NAMES)
        for edges in self.edges.values():
            bytes_each *= len(edges) - 1
        return max(1, _READ_AHEAD_BYTES // bytes_each)


class _Sets(_Store):
    """An HDF5 file with an entry or subentry for each result of a set."""

    def __init__(self, path: Path, names: Mapping[str, str]) -> None:
        self._names = tuple(names.values())
        self._stores = [_Nexus(path, entry) for entry in names]
        self.record = {**self._stores[0].record, "kind": "set"}
        self.edges = self._stores[0].edges
        self.n_results = self._stores[0].n_results
        if any(one.n_results != self.n_results for one in self._stores):
            raise FileFormatError(f"{path}: its entries hold different numbers of results. The file is damaged.")

    def read(self, start: int, stop: int) -> list[Any]:
        columns = [one.read(start, stop) for one in self._stores]
        return [ResultSet(self._names, results) for results in zip(*columns, strict=True)]

    def records(self) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
        return self._stores[0].records()

    def failures(self) -> tuple[FailedFrames, ...]:
        return self._stores[0].failures()

    @property
    def n_ahead(self) -> int:
        return max(1, min(one.n_ahead for one in self._stores) // len(self._stores))


def _set_names(path: Path) -> dict[str, str] | None:
    """Return the groups of a file of sets and the names of their results; None for a file of single results."""
    with open_hdf5(path) as file, translated_errors(path, "read the results"):
        groups = _set_groups(file)
        return {name: str(attributes_of(file[name])["result_name"]) for name in groups} or None


def _set_groups(file: Any) -> list[str]:
    """Return the groups of the several results of a frame, in their order; none where there is one without a name."""
    if f"entry/{subentry_name(1)}" in file:
        return _numbered(file, lambda number: f"entry/{subentry_name(number)}")
    if "entry" in file and "result_name" in file["entry"].attrs:  # a set of one, and sets until 2026-11-21
        return ["entry", *_numbered(file, lambda number: f"entry_{number + 1}")]
    return []


def _numbered(file: Any, name: Callable[[int], str]) -> list[str]:
    return list(itertools.takewhile(lambda one: one in file, map(name, itertools.count(1))))


def entries_of(file: Any) -> list[str]:
    """Return the groups of an open HDF5 file that hold our results; empty where there are none."""
    return [name for name in _set_groups(file) or ["entry"] if f"{name}/reduction/input/about" in file]


class _Archive(_Store):
    """A NumPy archive, which is read whole."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            with np.load(path, allow_pickle=False) as archive:
                self._arrays = {name: archive[name] for name in archive.files}
        except Exception as error:  # zipfile, zlib and numpy raise many kinds on damaged archives
            raise FileFormatError(f"{path}: is no NumPy archive, or a damaged one: {error}.") from error
        if strange := [name for name, array in self._arrays.items() if not isinstance(array, np.ndarray)]:
            raise FileFormatError(f"{path}: {strange[0]!r} is no array; the file is damaged.")
        if "about" not in self._arrays:
            raise FileFormatError(f"{path}: this archive was not written by azimuthal.save() (no entry 'about').")
        self.record = _parsed(str(self._arrays["about"]), str(path))
        check_record(self.record, str(path))
        self.edges = {name: self._array(f"{name}_edges") for name in self.record["units"]}
        self._pairs = stored_pairs(self._arrays, self.edges)
        self._single = self._array("normalization_factor").ndim == 0
        self.n_results = 1 if self._single else len(self._array("normalization_factor"))

    def read(self, start: int, stop: int) -> list[Result]:
        rejected: list[Any] = [None] * (stop - start)
        if REJECTED_FRAMES in self._arrays:
            pixels = self._array(REJECTED_PIXELS)
            rejected = rejected_by_result(
                self._array(REJECTED_FRAMES), lambda first, last: pixels[first:last], start, stop
            )
        return [self._one(number, rejected[number - start]) for number in range(start, stop)]

    def _one(self, number: int, rejected: Any) -> Result:
        def row(name: str) -> Any:
            array = self._array(name)
            if not self._single and (array.ndim == 0 or len(array) != self.n_results):
                raise FileFormatError(f"{self._path}: {name!r} is not of {self.n_results} results; it is damaged.")
            return array if self._single else array[number]

        return rebuilt(
            self.record,
            self.edges,
            {name: row(name) for name in (*SUM_NAMES.values(), SUM_COVARIANCE, *OUTLIER_NAMES) if name in self._arrays},
            normalization_factor=float(row("normalization_factor")),
            provenance=_parsed(str(row("provenance")), str(self._path)),
            metadata=_parsed(str(row("metadata")), str(self._path)),
            normalization_variance=(
                float(row("normalization_variance")) if "normalization_variance" in self._arrays else 0.0
            ),
            pairs=self._pairs,
            rejected=rejected,
        )

    def failures(self) -> tuple[FailedFrames, ...]:
        if "failed_name" not in self._arrays:
            return ()
        return _failed_frames(*(self._array(f"failed_{name}").tolist() for name in FailedFrames._fields))

    def _array(self, name: str) -> Any:
        if name not in self._arrays:
            raise FileFormatError(f"{self._path}: lacks the array {name!r}; it is not complete.")
        return self._arrays[name]


class _Nexus(_Store):
    """An HDF5 file in the layout of :mod:`azimuthal.io.writers.nxazint`."""

    def __init__(self, path: Path, entry_name: str = "entry") -> None:
        self._path = path
        self._entry_name = entry_name
        with open_hdf5(path) as file, self._understood(file) as entry:
            about = entry["reduction/input"]
            self.record = _parsed(_text(about["about"]), str(path))
            check_record(self.record, str(path))
            self.edges = {name: entry[f"data/{name}_axis_edges"][()] for name in self.record["units"]}
            self.n_results = len(entry["data/normalization_factor"])
            self._pairs = stored_pairs(entry["data"], self.edges)
            for name in ("metadata", "provenance"):
                check_texts(entry[f"reduction/results/{name}"])
            self._provenance = _parsed(_text(about["provenance"]), str(path))
            if "recipe" in about:
                self._provenance["recipe"] = _parsed(_text(about["recipe"]), str(path))
            if "poni" in about:
                self._provenance["poni"] = _text(about["poni"])

    def read(self, start: int, stop: int) -> list[Result]:
        with open_hdf5(self._path) as file, self._understood(file) as entry:
            data, own = entry["data"], entry["reduction/results"]
            names = (*SUM_NAMES.values(), SUM_COVARIANCE, *OUTLIER_NAMES)
            arrays = {name: data[name][start:stop] for name in names if name in data}
            factors = data["normalization_factor"][start:stop]
            variances = data["normalization_variance"][start:stop] if "normalization_variance" in data else None
            metadata = own["metadata"].asstr()[start:stop]
            provenance = own["provenance"].asstr()[start:stop]
            rejected: list[Any] = [None] * (stop - start)
            if REJECTED_FRAMES in own:
                pixels = own[REJECTED_PIXELS]
                rejected = rejected_by_result(
                    own[REJECTED_FRAMES][()], lambda first, last: pixels[first:last], start, stop
                )
        rows = [*arrays.values(), factors, metadata, provenance, *(() if variances is None else (variances,))]
        if any(len(block) != stop - start for block in rows):
            raise FileFormatError(f"{self._path}: has not the same number of results everywhere; it is damaged.")
        return [
            rebuilt(
                self.record,
                self.edges,
                {name: block[row] for name, block in arrays.items()},
                normalization_factor=float(factors[row]),
                provenance=self._joined(_parsed(provenance[row], str(self._path))),
                metadata=_parsed(metadata[row], str(self._path)),
                normalization_variance=0.0 if variances is None else float(variances[row]),
                pairs=self._pairs,
                rejected=rejected[row],
            )
            for row in range(stop - start)
        ]

    def records(self) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
        where = str(self._path)
        for start in range(0, self.n_results, _RECORDS_AT_ONCE):
            with open_hdf5(self._path) as file, self._understood(file) as entry:
                own, rows = entry["reduction/results"], slice(start, start + _RECORDS_AT_ONCE)
                texts = [own[name].asstr()[rows] for name in ("metadata", "provenance")]
            for metadata, changes in zip(*texts, strict=True):
                yield _parsed(metadata, where), self._joined(_parsed(changes, where))

    def failures(self) -> tuple[FailedFrames, ...]:
        with open_hdf5(self._path) as file, self._understood(file) as entry:
            if FAILURES not in entry["reduction"]:
                return ()
            group = entry["reduction"][FAILURES]
            names, reasons = (group[name].asstr()[()].tolist() for name in ("name", "reason"))
            return _failed_frames(names, reasons, group["n_frames"][()].tolist())

    def _joined(self, own: Mapping[str, Any]) -> dict[str, Any]:
        return with_changes(self._provenance, own)

    @contextlib.contextmanager
    def _understood(self, file: Any) -> Iterator[Any]:
        """Yield the entry; whatever is absent or damaged inside the block becomes a FileFormatError."""
        with translated_errors(self._path, "read the results"):
            about = f"{self._entry_name}/reduction/input/about"
            if about not in file:
                raise FileFormatError(f"{self._path}: holds no results of azimuthal.save() (no /{about}).")
            yield file[self._entry_name]


def _failed_frames(names: list[str], reasons: list[str], numbers: list[int]) -> tuple[FailedFrames, ...]:
    return tuple(
        FailedFrames(name, reason, None if number < 0 else number)
        for name, reason, number in zip(names, reasons, numbers, strict=True)
    )


def _text(dataset: Any) -> str:
    check_texts(dataset)
    text: str = dataset.asstr()[()]
    return text


def _parsed(text: str, where: str) -> dict[str, Any]:
    try:
        record = json.loads(text)
    except ValueError as error:
        raise FileFormatError(f"{where}: a record is no JSON: {error}.") from error
    if not isinstance(record, dict):
        raise FileFormatError(f"{where}: expected a record of names and values, got {type(record).__name__}.")
    return record
