# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Whether two output files are the same: of HDF5 all that they hold, but the date of writing."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from azimuthal.io.hdf5 import HDF5_SIGNATURE, is_dataset, open_hdf5
from azimuthal.typing import PathLike

#: Attributes of dimension scales: references, which are addresses.
_ADDRESSES = ("DIMENSION_LIST", "REFERENCE_LIST")


def file_digest(path: PathLike) -> str:
    """Return a digest of a file: of its bytes, or of the datasets and attributes of an HDF5 file."""
    path = Path(path)
    with path.open("rb") as file:
        if file.read(len(HDF5_SIGNATURE)) != HDF5_SIGNATURE:
            return hashlib.sha256(path.read_bytes()).hexdigest()
    digest = hashlib.sha256()

    def add(name: str, item: Any) -> None:
        if name.endswith("reduction/date"):
            return
        digest.update(name.encode())
        for key in sorted(item.attrs):
            if key not in _ADDRESSES:
                digest.update(f"{key}={item.attrs[key]!r}".encode())
        if is_dataset(item):
            value = np.asarray(item[()])
            digest.update(f"{value.dtype} {value.shape}".encode())
            digest.update(repr(value.tolist()).encode() if value.dtype.kind == "O" else value.tobytes())

    with open_hdf5(path) as content:
        content.visititems(add)
    return digest.hexdigest()
