# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Labelled arrays: netCDF (``.nc``) and Zarr (``.zarr.zip``) by xarray, with everything that a result holds.

The dataset is that of ``result.to_xarray()``: ``azimuthal.results.from_xarray`` makes the same result of it again, to
the last bit.  Several results have the dimension ``frame`` in front; what is one value per result (normalisation
factor, metadata and provenance as JSON) are variables of that dimension then, and the axes are stored once.  All
results are kept in memory until the last has come; for long runs write NXazint (``.h5``), which xarray opens, too.

netCDF is written by h5netcdf.  Zarr is one zip file, because a file, unlike a folder, appears complete or not at all;
``xarray.open_zarr(zarr.storage.ZipStore("run.zarr.zip", mode="r"))`` reads it.  What was rejected is kept as the
variables ``n_kept``, ``n_rejected`` and ``iterations``.
"""

from __future__ import annotations

import importlib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from azimuthal._pending_file import check_target, pending
from azimuthal.errors import MissingDependencyError
from azimuthal.io.writers._columns import Result
from azimuthal.io.writers._facts import frame_number, label_of
from azimuthal.io.writers._layout import check_alike, outlier_arrays

#: Attributes of a dataset that belong to one result, not to all.
_OF_ONE = ("normalization_factor", "normalization_variance", "metadata", "provenance")
_PAIR_BINS = ("covariance_first", "covariance_second")


def write_netcdf(results: Iterator[Result], path: Path, *, force: bool) -> None:
    """Write a netCDF-4 file."""
    check_target(path, force=force)
    _needed("h5netcdf", "netCDF")
    dataset = dataset_of(results)
    encoding = {str(name): {"_FillValue": None} for name in dataset.variables if dataset[name].dtype.kind == "f"}
    content = dataset.to_netcdf(engine="h5netcdf", encoding=encoding)
    with pending(path, force=force) as temporary:
        temporary.write_bytes(content)


def write_zarr(results: Iterator[Result], path: Path, *, force: bool) -> None:
    """Write a Zarr store in one zip file."""
    check_target(path, force=force)
    storage = _needed("zarr", "Zarr").storage
    dataset = dataset_of(results)
    # Metadata are written several times, which a zip file would keep all: hence first in memory.  Version 2 has texts.
    objects: dict[str, Any] = {}
    dataset.to_zarr(storage.MemoryStore(objects), consolidated=False, zarr_format=2)
    with pending(path, force=force) as temporary, zipfile.ZipFile(temporary, "x") as archive:
        for name, content in objects.items():
            archive.writestr(name, content.to_bytes())


def dataset_of(results: Iterator[Result]) -> Any:
    """Return the ``xarray.Dataset`` of one result, or of several with the dimension ``frame`` in front."""
    held = list(results)
    for index, other in enumerate(held[1:], start=1):
        check_alike(held[0], other, f"results[{index}]")
    made = [_one(result) for result in held]
    return made[0] if len(made) == 1 else _stacked(held, made)


def _one(result: Result) -> Any:
    dataset = result.to_xarray()
    dims = dataset["count"].dims
    return dataset.assign({name: (dims, array) for name, array in outlier_arrays(result).items()})


def _stacked(results: list[Result], made: list[Any]) -> Any:
    first = made[0]
    frames = {
        name: (("frame", *first[name].dims), np.stack([each[name].values for each in made]))
        for name in first.data_vars
        if name not in _PAIR_BINS
    }
    own = {
        name: ("frame", np.array([each.attrs.get(name, 0.0) for each in made]))
        for name in _OF_ONE
        if any(name in each.attrs for each in made)
    }
    numbers = [frame_number(result.metadata, index) for index, result in enumerate(results)]
    labels = np.array([label_of(result.metadata) for result in results])
    stacked = first.drop_vars(frames).assign(frames | own)
    stacked.attrs = {name: value for name, value in first.attrs.items() if name not in _OF_ONE}
    return stacked.assign_coords(frame=("frame", np.array(numbers)), label=("frame", labels))


def _needed(package: str, what: str) -> Any:
    """Return an optional package.

    Raises
    ------
    MissingDependencyError
        It is not installed.
    """
    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise MissingDependencyError(
            f"{what} files need the package {package}, which is not installed. Run: pip install 'azimuthal[tables]'"
        ) from error
