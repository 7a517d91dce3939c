# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Tables in Parquet (``.parquet``), for pandas, polars, DuckDB, Spark; needs the package pyarrow.

One row per bin with the columns of ``.csv``: ``frame`` and ``label``, centre, lower and upper edge of each axis,
means, uncertainties and sums.  All numbers are float64, the same bits as in the result; an empty bin is NaN.  One row
group per result, so that a reader can take single frames.  Each axis column has its unit in its field metadata; the
metadata of the file hold ``azimuthal``: JSON with units, average, error model, wavelength (m) of all and
normalisation factor, metadata and provenance of each result.  Covariances and what was rejected are not part of the
table.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from azimuthal._pending_file import check_target, pending
from azimuthal.errors import MissingDependencyError, ParameterError
from azimuthal.io.writers._columns import Result, warn_of_covariance
from azimuthal.io.writers._facts import column_names, frame_number, json_text, label_of
from azimuthal.io.writers._layout import shared_record
from azimuthal.results import Profile
from azimuthal.results.convert import variables
from azimuthal.typing import AnyArray


def write_parquet(results: Iterator[Result], path: Path, *, force: bool) -> None:
    """Write one row per bin and one row group per result."""
    arrow, parquet = _pyarrow()
    check_target(path, force=force)
    first = next(results)
    warn_of_covariance(first, path)
    columns = _columns(first, 0)
    units = {name: axis.unit.symbol for axis in _axes(first) for name in column_names(axis.unit)}
    fields = [
        arrow.field(name, arrow.from_numpy_dtype(values.dtype) if values.dtype != object else arrow.string())
        for name, values in columns.items()
    ]
    fields = [one.with_metadata({"units": units[one.name]}) if one.name in units else one for one in fields]
    schema = arrow.schema(fields, metadata={"azimuthal": json_text(shared_record(first))})
    records = [_record(first)]
    with pending(path, force=force) as temporary, parquet.ParquetWriter(temporary, schema) as writer:
        writer.write_table(arrow.table(columns, schema=schema))
        for index, result in enumerate(results, start=1):
            writer.write_table(arrow.table(_alike(_columns(result, index), columns, index), schema=schema))
            records.append(_record(result))
        writer.add_key_value_metadata({"azimuthal_results": json_text(records)})


def _record(result: Result) -> dict[str, Any]:
    names = ("normalization_factor", "normalization_variance", "metadata", "provenance")
    return {name: getattr(result, name) for name in names}


def _alike(columns: dict[str, AnyArray], first: dict[str, AnyArray], index: int) -> dict[str, AnyArray]:
    if columns.keys() != first.keys():
        raise ParameterError(
            f"results[{index}]: expected the columns {', '.join(first)} of the first result, got {', '.join(columns)}. "
            "Save results of different kinds or units in files of their own."
        )
    return columns


def _axes(result: Result) -> list[Any]:
    return [result.axis] if isinstance(result, Profile) else [result.azimuthal_axis, result.radial_axis]


def _columns(result: Result, index: int) -> dict[str, AnyArray]:
    number = result.count.size
    columns: dict[str, AnyArray] = {
        "frame": np.full(number, frame_number(result.metadata, index), dtype=np.int64),
        "label": np.full(number, label_of(result.metadata), dtype=object),
    }
    axes = _axes(result)
    positions = np.meshgrid(*(np.arange(axis.n_bins) for axis in axes), indexing="ij")
    for axis, where in zip(axes, positions, strict=True):
        values = (axis.centers, axis.edges[:-1], axis.edges[1:])
        columns |= {name: each[where.ravel()] for name, each in zip(column_names(axis.unit), values, strict=True)}
    return columns | {name: array.ravel().astype(np.float64) for name, array in variables(result).items()}


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise MissingDependencyError(
            "Parquet files need the package pyarrow, which is not installed. Run: pip install 'azimuthal[tables]'"
        ) from error
    return pa, parquet
