# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""The door to HDF5: the only module that imports h5py and hdf5plugin, and only inside functions.

h5py reports trouble as ``OSError``, ``KeyError``, ``RuntimeError``, ``ValueError`` and a few more, with the
words of the C library.  Here they become the errors of this package, with the path and what was being done.

Filters.  ``gzip``, ``shuffle``, ``szip``, ``fletcher32``, ``lzf``, ``nbit`` and ``scaleoffset`` are part of
h5py. Detectors also use bitshuffle-LZ4 (32008) and LZ4 (32004), which the package hdf5plugin brings.  It is
imported when a dataset's own pipeline needs it, never before.

Thread safety: h5py serialises every call with one process-wide lock; all functions here may be called from
any thread.
"""

from __future__ import annotations

import io
import os
import re
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Literal, TypeAlias

import numpy as np

from azimuthal.errors import (
    AzimuthalError,
    FileFormatError,
    FileMissingError,
    MissingDependencyError,
    OutputError,
    OutputExistsError,
    ParameterError,
)
from azimuthal.io.hdf5_texts import check_attributes, check_heaps, check_references
from azimuthal.typing import AnyArray, PathLike

__all__ = [
    "ExternalTarget",
    "H5File",
    "H5Object",
    "Mode",
    "attributes_of",
    "check_texts",
    "compression_options",
    "external_target",
    "filter_names",
    "filter_options",
    "hdf5_in_memory",
    "is_dataset",
    "is_group",
    "is_soft_link",
    "member_of",
    "open_hdf5",
    "require_filters",
    "translated_errors",
    "whole_array",
]

Mode: TypeAlias = Literal["r", "r+", "w", "w-", "x", "a"]
#: h5py has no type stubs; these names say what is meant.
H5File: TypeAlias = Any
H5Object: TypeAlias = Any

MODES: tuple[Mode, ...] = ("r", "r+", "w", "w-", "x", "a")
#: Bytes that a dataset may have without being stored, and how well the rest can be compressed (gzip: 1030).
_PLAUSIBLE, _LARGEST_RATIO = 100 << 20, 1100
HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"

#: What h5py raises when a file is damaged (found by cutting and flipping bytes of small files).
_H5PY_ERRORS = (
    OSError,
    KeyError,
    RuntimeError,
    ValueError,
    TypeError,
    AttributeError,
    OverflowError,
    MemoryError,
)

_FILTER_NAMES = {
    1: "gzip",
    2: "shuffle",
    3: "fletcher32",
    4: "szip",
    5: "nbit",
    6: "scaleoffset",
    307: "bzip2",
    32000: "lzf",
    32001: "blosc",
    32004: "lz4",
    32008: "bitshuffle",
    32013: "zfp",
    32015: "zstd",
    32017: "sz",
    32018: "fcidecomp",
    32024: "sz3",
    32026: "blosc2",
    32028: "sperr",
    32033: "htj2k",
}


@contextmanager
def open_hdf5(path: PathLike, mode: Mode = "r", *, chunk_cache: int | None = None) -> Iterator[H5File]:
    """Open an HDF5 file for the time of a ``with`` block.

    Parameters
    ----------
    path:
        The file.
    mode:
        ``"r"`` read; ``"r+"`` read and write, must exist; ``"w"`` create, replacing; ``"x"`` or ``"w-"``
        create, must not exist; ``"a"`` read and write, created when absent.
    chunk_cache:
        Bytes of decoded chunks that HDF5 keeps for each dataset; None leaves its default.

    Yields
    ------
    :
        The open ``h5py.File``; closed at the end of the block.

    Raises
    ------
    FileMissingError
        The file does not exist (modes ``"r"`` and ``"r+"``).
    FileFormatError
        The file is not HDF5, is truncated, or cannot be opened for reading.
    OutputExistsError, OutputError
        The file exists (mode ``"x"``), or cannot be created or opened for writing.
    MissingDependencyError
        h5py is not installed.
    """
    if mode not in MODES:
        raise ParameterError(f"mode: expected one of {', '.join(map(repr, MODES))}, got {mode!r}.")
    if mode == "w" or mode == "w-" or mode == "x":  # mypy narrows it
        with growing_hdf5(path, mode, chunk_cache=chunk_cache) as (file, _):
            yield file
        return
    file = _open(Path(path), mode, chunk_cache)
    try:
        yield file
    finally:
        file.close()


def write_trouble(error: BaseException) -> str:
    """Return why HDF5 could not write, in the words of the system where it has some."""
    found = re.search(r"error message = '([^']+)'", str(error))
    if found:
        return found[1]
    words = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(words.split())


@contextmanager
def growing_hdf5(
    path: PathLike, mode: Literal["w", "w-", "x"] = "w", *, chunk_cache: int | None = None
) -> Iterator[tuple[H5File, Callable[[], None]]]:
    """Write a new HDF5 file, onto a disk that may fill up meanwhile; parameters of `open_hdf5`.

    HDF5 writes when it likes, also when an object is forgotten; an error there leaves it in a state in which it crashes
    at the end of the process (2.0).  So it never meets one: what the disk refuses goes nowhere, and `check` tells.

    Yields
    ------
    :
        The open ``h5py.File``, and a function to be called now and then, which raises what the disk said first.  It is
        called once more when the file is closed, at the end of the block.
    """
    options = {} if chunk_cache is None else {"rdcc_nbytes": chunk_cache}
    h5py = _import_h5py()
    path = Path(path)
    with _opening_errors(path, mode):
        sink = _Sink(path, "wb+" if mode == "w" else "xb+")
    try:
        with h5py.File(sink, "w", **options) as file:
            yield file, sink.check
    finally:
        sink.close()
    sink.check()


class SignalsDeferred:
    """Keep Ctrl-C and SIGTERM back for the time of a ``with`` block, in the main thread.

    HDF5 calls back in the middle of its work (`growing_hdf5`).  Python would raise KeyboardInterrupt there, and HDF5
    take it for an error of the disk.  The handlers are called at the end of the block.
    """

    def __enter__(self) -> None:
        self._came: list[tuple[int, FrameType | None]] = []
        self._handlers: dict[int, Callable[[int, FrameType | None], Any]] = {}
        if threading.current_thread() is not threading.main_thread():
            return
        for number in (signal.SIGINT, signal.SIGTERM):
            handler = signal.getsignal(number)
            if callable(handler):
                self._handlers[number] = handler
                signal.signal(number, self._note)

    def __exit__(self, *_: object) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        for number, frame in self._came:
            self._handlers[number](number, frame)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._came.append((number, frame))


class _Sink:
    """A file that takes everything from HDF5, and remembers the first error of the disk."""

    def __init__(self, path: Path, mode: Literal["wb+", "xb+"]) -> None:
        self._file = path.open(mode, buffering=0)
        self._place = 0
        self._size = 0
        self._error: BaseException | None = None

    def check(self) -> None:
        if self._error is not None:
            raise self._error

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._place = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: self._size}[whence]
        return self._place

    def tell(self) -> int:
        return self._place

    def write(self, content: Any) -> int:
        left = memoryview(content).cast("B")
        size = len(left)
        try:
            self.check()
            self._file.seek(self._place)
            while left:
                left = left[self._file.write(left) :]
        except BaseException as error:  # Ctrl-C too: it is raised by `check`
            self._error = self._error or error
        self._place += size
        self._size = max(self._size, self._place)
        return size

    def readinto(self, buffer: Any) -> int:
        """Read what was written; zeros where there is nothing."""
        into = memoryview(buffer).cast("B")
        found = b""
        try:
            self._file.seek(self._place)
            found = self._file.read(len(into)) or b""
        except BaseException as error:
            self._error = self._error or error
        into[:] = found + bytes(len(into) - len(found))
        self._place += len(into)
        return len(into)

    def read(self, size: int) -> bytes:
        """Read as `readinto` does: by this method h5py knows a file."""
        content = bytearray(size)
        self.readinto(content)
        return bytes(content)

    def truncate(self, size: int) -> int:
        try:
            self._file.truncate(size)
        except BaseException as error:
            self._error = self._error or error
        self._size = size
        return size

    def flush(self) -> None:
        """Nothing is buffered."""

    def close(self) -> None:
        self._file.close()


@contextmanager
def hdf5_in_memory() -> Iterator[tuple[H5File, io.BytesIO]]:
    """Make a small HDF5 file in memory: yield the open file, and the buffer that holds its bytes after the block.

    A disk that is full meets one write of plain bytes then, not a hundred objects that HDF5 cannot close.
    """
    buffer = io.BytesIO()
    with _import_h5py().File(buffer, "w") as file:
        yield file, buffer


def _open(path: Path, mode: Mode, chunk_cache: int | None) -> H5File:
    h5py = _import_h5py()
    options = {} if chunk_cache is None else {"rdcc_nbytes": chunk_cache}
    with _opening_errors(path, mode):
        return _opened(h5py, path, mode, options)


@contextmanager
def _opening_errors(path: Path, mode: Mode) -> Iterator[None]:
    try:
        yield
    except AzimuthalError:
        raise
    except FileNotFoundError:
        if mode in {"r", "r+"}:
            raise FileMissingError(f"{path}: this file does not exist.") from None
        raise OutputError(f"{path}: cannot be created: its folder does not exist. Create the folder first.") from None
    except FileExistsError:
        raise OutputExistsError(f"{path}: exists already. Remove it, or choose another name.") from None
    except _H5PY_ERRORS as error:
        if mode in {"r", "r+"}:
            raise FileFormatError(f"{path}: {_opening_trouble(path, error)}") from error
        raise OutputError(f"{path}: cannot be written as HDF5: {_one_line(error)}.") from error


def _opened(h5py: Any, path: Path, mode: Mode, options: dict[str, Any]) -> H5File:
    """Open a file; one that another program is appending to (SWMR) is opened as its reader."""
    if mode == "r" and path.is_file():
        check_heaps(path)
    try:
        return h5py.File(path, mode, **options)
    except OSError as error:
        if mode != "r" or not any(words in str(error) for words in ("SWMR", "already open for write", "lock file")):
            raise
        try:
            return h5py.File(path, mode, swmr=True, libver="latest", **options)
        except _H5PY_ERRORS:
            raise error from None


def _opening_trouble(path: Path, error: BaseException) -> str:
    """Say in words why an existing file could not be opened for reading."""
    if path.is_dir():
        return "is a folder, expected an HDF5 file."
    if isinstance(error, PermissionError):
        return "may not be read (permission denied)."
    reason = _one_line(error)
    if "lock file" in reason:
        return "is held open for writing by another program. Wait until it is closed, or copy it."
    size = path.stat().st_size if path.exists() else 0
    if "signature not found" in reason:
        return f"is not an HDF5 file (no HDF5 signature in its {size} bytes)."
    return f"is HDF5 but truncated or damaged ({size} bytes): {reason}."


def _import_h5py() -> Any:
    try:
        import h5py
    except ImportError as error:
        raise MissingDependencyError(
            "h5py is needed to read and write HDF5 files and is not installed. Run: pip install h5py"
        ) from error
    return h5py


@contextmanager
def translated_errors(path: PathLike, action: str) -> Iterator[None]:
    """Turn what h5py raises inside the block into a FileFormatError that says `action` and `path`.

    Errors of this package pass unchanged.
    """
    try:
        yield
    except AzimuthalError:
        raise
    except _H5PY_ERRORS as error:
        raise FileFormatError(
            f"{path}: cannot {action}; the file is truncated or damaged: {_one_line(error)}."
        ) from error


def _one_line(error: BaseException) -> str:
    words = " ".join(str(error.args[0] if error.args else error).split())
    return words.rstrip(".") or type(error).__name__


def is_dataset(item: H5Object) -> bool:
    """Say whether an h5py object is a dataset."""
    return isinstance(item, _import_h5py().Dataset)


def is_group(item: H5Object) -> bool:
    """Say whether an h5py object is a group (or a file, which is its root group)."""
    return isinstance(item, _import_h5py().Group)


def attributes_of(item: H5Object) -> Any:
    """Return the attributes of an object, after a look at what HDF5 cannot be trusted with (`hdf5_texts`).

    Raises
    ------
    FileFormatError
        A text of an attribute is said to be where no text can be.
    """
    h5py = _import_h5py()
    file = item.file.id
    plain = file.get_create_plist()
    if plain.get_sizes() != (8, 8) or plain.get_userblock():
        return item.attrs
    try:
        descriptor, address = file.get_vfd_handle(), h5py.h5o.get_info(item.id).addr
    except (NotImplementedError, OSError, RuntimeError, ValueError):
        return item.attrs  # a file that is none, such as one in memory
    check_attributes(descriptor, address, f"{item.file.filename}::{item.name}")
    return item.attrs


def text_dtype() -> Any:
    """Return the dtype of datasets of texts of any length."""
    return _import_h5py().string_dtype()


def check_texts(dataset: H5Object) -> None:
    """Raise when a dataset of texts is damaged in a way that HDF5 would not survive (`hdf5_texts`)."""
    attributes_of(dataset)
    check_references(dataset)


def whole_array(dataset: H5Object) -> AnyArray:
    """Return all of a dataset that is small: one that claims far more than is stored is damaged.

    Raises
    ------
    FileFormatError
        The dataset is hundreds of megabytes large, and next to nothing of it is stored.
    """
    stored = dataset.id.get_storage_size()
    if dataset.size and dataset.nbytes > _PLAUSIBLE + _LARGEST_RATIO * stored:
        raise FileFormatError(
            f"{dataset.file.filename}::{dataset.name}: shape {dataset.shape} with {stored} bytes stored: the file is "
            "damaged."
        )
    return np.asarray(dataset[()])


def member_of(group: H5Object, name: str) -> H5Object | None:
    """Return what a path below a group leads to; None when there is nothing, or a soft link to nothing.

    h5py's ``group.get(name)`` gives None for a damaged object, too, as if it had never been there.

    Raises
    ------
    FileFormatError
        A step of the path is in the file and cannot be opened.
    """
    item = group
    for step in filter(None, name.split("/")):
        if not is_group(item):
            return None
        where = f"{item.file.filename}::{item.name.rstrip('/')}/{step}"
        with translated_errors(where, "look for it"):  # ``in`` says what is wrong with a group where ``get`` does not
            following = item.get(step) if step in item else None
        if following is None:
            if isinstance(item.get(step, getlink=True), _import_h5py().HardLink):
                raise FileFormatError(f"{where}: is in the file but cannot be opened: the file is damaged.")
            return None
        item = following
    return item


def is_soft_link(group: H5Object, name: str) -> bool:
    """Say whether a member of a group is a soft link."""
    return isinstance(group.get(name, getlink=True), _import_h5py().SoftLink)


def filter_names(dataset: H5Object) -> tuple[str, ...]:
    """Return the filter pipeline of a dataset in order of writing, e.g. ``("shuffle", "gzip")``."""
    return tuple(_FILTER_NAMES.get(number, f"filter {number}") for number in _filter_numbers(dataset))


def filter_options(dataset: H5Object) -> tuple[tuple[int, tuple[int, ...]], ...]:
    """Return number and options of every filter of a dataset, in order of writing."""
    properties = dataset.id.get_create_plist()
    filters = (properties.get_filter(index) for index in range(properties.get_nfilters()))
    return tuple((int(number), tuple(int(value) for value in values)) for number, _, values, _ in filters)


def _filter_numbers(dataset: H5Object) -> list[int]:
    return [number for number, _ in filter_options(dataset)]


def compression_options(preferred: Literal["bitshuffle", "gzip"] = "gzip") -> dict[str, Any]:
    """Return what ``create_dataset`` takes to compress images: losslessly, fast, and readable by every program.

    Parameters
    ----------
    preferred:
        ``"gzip"`` (fast level, with shuffle), or ``"bitshuffle"``: bitshuffle-LZ4, as detectors write, where hdf5plugin
        is installed, and gzip where it is not.
    """
    gzip = {"compression": "gzip", "compression_opts": 1, "shuffle": True}
    if preferred == "gzip":
        return gzip
    try:
        import hdf5plugin
    except ImportError:
        return gzip
    return dict(hdf5plugin.Bitshuffle(cname="lz4"))


def require_filters(dataset: H5Object) -> None:
    """Make sure that every filter of a dataset can be decoded, loading hdf5plugin only when it is needed.

    Raises
    ------
    MissingDependencyError
        hdf5plugin is needed and not installed; the message names the filter and the command.
    FileFormatError
        The filter is known neither to HDF5 nor to hdf5plugin.
    """
    missing = _unavailable(dataset)
    if not missing:
        return
    where = f"{dataset.file.filename}::{dataset.name}"
    names = ", ".join(f"{_FILTER_NAMES.get(number, 'unknown')} ({number})" for number in missing)
    try:
        import hdf5plugin  # noqa: F401  # importing it registers the filters
    except ImportError as error:
        raise MissingDependencyError(
            f"{where}: compressed with the filter {names}, which needs the package hdf5plugin. "
            "Run: pip install 'azimuthal[formats]'"
        ) from error
    if _unavailable(dataset):
        raise FileFormatError(f"{where}: compressed with the filter {names}, which hdf5plugin does not have either.")


def _unavailable(dataset: H5Object) -> list[int]:
    h5z = _import_h5py().h5z
    return [number for number in _filter_numbers(dataset) if not h5z.filter_avail(number)]


@dataclass(frozen=True, slots=True)
class ExternalTarget:
    """Where an external link or a virtual source points.

    Parameters
    ----------
    file:
        The file as HDF5 would find it, or, when there is none, where it was expected.
    path:
        The object inside that file.
    exists:
        Whether the file exists (the object inside was not looked at).
    """

    file: Path
    path: str
    exists: bool


def external_target(group: H5Object, name: str) -> ExternalTarget | None:
    """Return where the link `name` of a group points if it is an external link, otherwise None."""
    h5py = _import_h5py()
    link = group.get(name, getlink=True)
    if not isinstance(link, h5py.ExternalLink):
        return None
    return locate(group.file.filename, link.filename, link.path)


def locate(parent: PathLike, filename: str, path: str) -> ExternalTarget:
    """Return the file that HDF5 would open for `filename` mentioned inside the file `parent`.

    HDF5 looks beside the parent file, then in the working folder; of an absolute name that does not exist it
    looks for the last part beside the parent file.
    """
    folder = Path(parent).parent
    if filename == ".":
        return ExternalTarget(Path(parent), path, exists=True)
    places = [folder / filename, Path(filename)]
    if os.path.isabs(filename):  # noqa: PTH117  # a name written on another system stays a plain string
        places = [Path(filename), folder / Path(filename).name]
    for place in places:
        if place.is_file():
            return ExternalTarget(place, path, exists=True)
    return ExternalTarget(places[0], path, exists=False)
