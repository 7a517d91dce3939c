# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Single images in files that every program of the field reads: TIFF, EDF, ``.npy``, ``.npz``, HDF5 (NXdata).

An image may have companions of its shape: ``variance``, ``count``, ``mask``.  ``.npz`` and HDF5 hold them beside it; of
the other formats each becomes a file of its own, ``dark_variance.tif`` beside ``dark.tif``, because a second page
would be read as a second frame.  Floats are written as float32 in TIFF and EDF, which all programs read, and as float64
elsewhere; integers and masks as they are (masks as uint8).  Rows come top row first, as they are stored in the array.

HDF5: ``/entry/data`` is the default NXdata with the signal ``data`` and ``errors``, the root of the variance; facts are
JSON in ``/entry/notes``.  Files appear complete or not at all.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from azimuthal._pending_file import check_target, pending
from azimuthal._version import __version__
from azimuthal.errors import DataTypeError, ParameterError, ShapeError
from azimuthal.io.hdf5 import compression_options, open_hdf5
from azimuthal.typing import AnyArray, PathLike

if TYPE_CHECKING:
    from azimuthal.images.averaging import FrameAverage

__all__ = ["IMAGE_SUFFIXES", "save_average", "save_image"]

IMAGE_SUFFIXES = (".tif", ".tiff", ".edf", ".npy", ".npz", ".h5", ".hdf5", ".nxs")
_TOGETHER = (".npz", ".h5", ".hdf5", ".nxs")
_EDF_TYPES = {
    "int8": "SignedByte", "uint8": "UnsignedByte", "int16": "SignedShort", "uint16": "UnsignedShort",
    "int32": "SignedInteger", "uint32": "UnsignedInteger", "int64": "Signed64", "uint64": "Unsigned64",
    "float32": "FloatValue", "float64": "DoubleValue",
}  # fmt: skip
_EDF_BLOCK = 512


def save_image(
    path: PathLike,
    image: Any,
    *,
    companions: Mapping[str, Any] | None = None,
    metadata: Mapping[str, Any] | None = None,
    force: bool = False,
) -> tuple[Path, ...]:
    """Write one image.

    Parameters
    ----------
    path:
        The suffix says the format: one of IMAGE_SUFFIXES.
    image:
        2-D, integers, floats or booleans; NaN where a pixel has no value.
    companions:
        Further arrays of the same shape by name, such as ``variance``; see the module docstring.
    metadata:
        JSON-able facts; kept in ``.npz``, HDF5 and EDF.
    force:
        Whether existing files may be replaced.

    Returns
    -------
    :
        The files that were written.

    Raises
    ------
    ParameterError, ShapeError, DataTypeError
        The suffix is not known, or an array is no image.
    OutputExistsError, OutputError
        A file exists, or cannot be written: then none is.
    """
    target = Path(path)
    suffix = target.suffix.lower()
    if suffix not in IMAGE_SUFFIXES:
        raise ParameterError(f"{target}: expected a name that ends with one of {', '.join(IMAGE_SUFFIXES)}.")
    values = _checked("image", image, None)
    others = {name: _checked(name, array, values.shape) for name, array in (companions or {}).items()}
    facts = {"program": f"azimuthal {__version__}"} | dict(metadata or {})
    if suffix in _TOGETHER:
        with pending(target, force=force) as temporary:
            write = _write_npz if suffix == ".npz" else _write_hdf5
            write(temporary, target.stem, values, others, facts)
        return (target,)
    files = {target: values} | {
        target.with_name(f"{target.stem}_{name}{target.suffix}"): a for name, a in others.items()
    }
    for file in files:
        check_target(file, force=force)
    for file, array in files.items():
        with pending(file, force=force) as temporary:
            temporary.write_bytes(_encoded(suffix, array, facts))
    return tuple(files)


def save_average(average: FrameAverage, path: PathLike, *, force: bool = False) -> tuple[Path, ...]:
    """Write the image of many frames with its count and variance; see :func:`save_image`."""
    facts = dict(average.metadata) | {"method": average.settings.method, "n_frames": average.n_frames}
    companions = {"variance": average.variance, "count": average.count}
    return save_image(path, average.image, companions=companions, metadata=facts, force=force)


def _checked(name: str, array: Any, shape: tuple[int, ...] | None) -> AnyArray:
    values: AnyArray = np.asarray(array)
    if values.dtype.kind not in "biuf" or values.dtype.itemsize > 8:
        raise DataTypeError(f"{name}: expected real numbers of at most 64 bits, got {values.dtype}.")
    if values.ndim != 2 or values.size == 0 or (shape is not None and values.shape != shape):
        expected = "a 2-D image" if shape is None else f"shape {shape} as the image has"
        raise ShapeError(f"{name}: expected {expected}, got {values.shape}.")
    plain = values.astype(np.uint8) if values.dtype.kind == "b" else values
    return np.ascontiguousarray(plain, plain.dtype.newbyteorder("="))


def _encoded(suffix: str, array: AnyArray, facts: dict[str, Any]) -> bytes:
    if suffix == ".npy":
        import io

        stream = io.BytesIO()
        np.save(stream, array)
        return stream.getvalue()
    stored = array.astype(np.float32) if array.dtype.kind == "f" else array
    little = stored.astype(stored.dtype.newbyteorder("<"))
    return _edf(little, facts) if suffix == ".edf" else tiff_bytes(little)


def _edf(array: AnyArray, facts: dict[str, Any]) -> bytes:
    """Return an EDF file of one block."""
    entries = {
        "EDF_DataBlockID": "0.Image.Psd",
        "HeaderID": "EH:000001:000000:000000",
        "ByteOrder": "LowByteFirst",
        "DataType": _EDF_TYPES[array.dtype.newbyteorder("=").name],
        "Dim_1": str(array.shape[1]),
        "Dim_2": str(array.shape[0]),
        "Size": str(array.nbytes),
    } | {f"azimuthal_{name}": _edf_text(value) for name, value in facts.items()}
    text = "{\n" + "".join(f"{name} = {value} ;\n" for name, value in entries.items())
    length = -(-(len(text) + 2) // _EDF_BLOCK) * _EDF_BLOCK
    return (text.ljust(length - 2) + "}\n").encode("ascii") + array.tobytes()


def _edf_text(value: Any) -> str:
    """Return a fact without the characters that end an entry."""
    text = value if isinstance(value, str) else json.dumps(value)
    return "".join(c if c.isascii() and c.isprintable() and c not in ";{}" else " " for c in text)


def tiff_bytes(array: AnyArray) -> bytes:
    """Return a TIFF file of one page in one strip, little-endian."""
    if array.nbytes > 0xFFFF0000:
        raise ParameterError("image: a TIFF file holds at most 4 GB. Use .h5.")
    kind = {"u": 1, "i": 2, "f": 3}[array.dtype.kind]
    header = struct.pack("<2sHI", b"II", 42, 8 + array.nbytes + array.nbytes % 2)
    n_slow, n_fast = array.shape
    long, short = 4, 3
    entries = [
        (256, long, n_fast), (257, long, n_slow), (258, short, 8 * array.dtype.itemsize), (259, short, 1),
        (262, short, 1), (273, long, 8), (277, short, 1), (278, long, n_slow), (279, long, array.nbytes),
        (339, short, kind),
    ]  # fmt: skip
    directory = struct.pack("<H", len(entries))
    for tag, code, value in entries:
        directory += struct.pack("<HHII", tag, code, 1, value)  # a short lies in the low bytes of its field
    padding = b"\0" * (array.nbytes % 2)
    return header + array.tobytes() + padding + directory + struct.pack("<I", 0)


def _write_npz(path: Path, _name: str, image: AnyArray, others: dict[str, AnyArray], facts: dict[str, Any]) -> None:
    with path.open("wb") as stream:
        np.savez_compressed(stream, image=image, metadata=np.array(json.dumps(facts)), **others)  # type: ignore[arg-type]


def _write_hdf5(path: Path, name: str, image: AnyArray, others: dict[str, AnyArray], facts: dict[str, Any]) -> None:
    with open_hdf5(path, "w") as file:
        file.attrs.update({"NX_class": "NXroot", "default": "entry"})
        entry = file.create_group("entry")
        entry.attrs.update({"NX_class": "NXentry", "default": "data"})
        entry["title"] = name
        data = entry.create_group("data")
        data.attrs.update({"NX_class": "NXdata", "signal": "data"})
        options = compression_options()
        data.create_dataset("data", data=image, **options)
        if "variance" in others:
            data.create_dataset("errors", data=np.sqrt(others["variance"]), **options)
        for other, array in others.items():
            data.create_dataset(other, data=array, **options)
        notes = entry.create_group("notes")
        notes.attrs["NX_class"] = "NXnote"
        notes["type"] = "application/json"
        notes["data"] = json.dumps(facts)
