# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""What an output holds, without the date of its making: to compare a resumed run with an uninterrupted one.

The order of the keys of JSON texts does not count.
"""

import contextlib
import json
import re
import zipfile
from pathlib import Path

import h5py
import numpy as np

_DATE = re.compile(rb"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(\.\d+)?(\+00:00|Z)?")


def contents_of(path):
    """Return everything that a file holds as something that can be compared with ``==``."""
    path = Path(path)
    if h5py.is_hdf5(path):
        return _hdf5(path)
    if path.suffix == ".parquet":
        import pyarrow.parquet

        table = pyarrow.parquet.read_table(path)
        return repr(table.to_pydict()), _DATE.sub(b"", repr(table.schema.metadata).encode())
    if path.suffix == ".npz":
        with np.load(path) as archive:
            return {name: (archive[name].dtype.str, _listed(archive[name])) for name in archive.files}
    if zipfile.is_zipfile(path):
        import zarr

        with zarr.storage.ZipStore(str(path), mode="r") as store:
            group = zarr.open_group(store, mode="r")
            arrays = {name: _listed(np.asarray(array[...])) for name, array in group.arrays()}
            return arrays | {"": _canonical(json.dumps(dict(group.attrs), sort_keys=True))}
    return _DATE.sub(b"", path.read_bytes())


def _listed(array):
    """Return the values as text; NaN is then equal to NaN."""
    if array.dtype.kind in "OUS":
        return [_canonical(one) for one in array.ravel().tolist()]
    return repr(array.tolist())


def _canonical(text):
    text = text.encode() if isinstance(text, str) else text
    text = _DATE.sub(b"", text) if isinstance(text, bytes) else text
    with contextlib.suppress(ValueError):
        return json.dumps(json.loads(text), sort_keys=True)
    return text


def _hdf5(path):
    found = {}

    def add(name, item):
        if name.endswith("/date"):
            return
        found[name] = {
            key: _DATE.sub(b"", repr(item.attrs[key]).encode())
            for key in sorted(item.attrs)
            if key not in ("DIMENSION_LIST", "REFERENCE_LIST")
        }
        if isinstance(item, h5py.Dataset):
            with contextlib.suppress(TypeError):  # empty
                value = np.asarray(item[()])
                found[name] |= {"": (value.dtype.str, value.shape, _listed(value))}

    with h5py.File(path) as file:
        add("/", file)
        file.visititems(add)
    return found
