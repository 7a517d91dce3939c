# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Compiled plans in HDF5 files: read back, they give bit-equal results.

Layout (version 1): attributes ``azimuthal_plan`` (the version), ``program_version`` and ``report`` (JSON), the dataset
``spec`` (JSON), and the groups ``matrix`` (indptr, indices, weights), ``axes`` (radial_edges and azimuthal_edges in the
units of the axes, u_edges and c_edges in canonical units) and ``arrays`` (mask, dark, flat, absorption,
dark_variance, flat_variance); what a plan does not have is absent.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from azimuthal._pending_file import pending
from azimuthal._version import __version__
from azimuthal.binning import BinGrid, Circle
from azimuthal.errors import AzimuthalError, FileFormatError
from azimuthal.integrate import PixelArrays, Plan, PlanSpec, restore
from azimuthal.integrate.axes import PlanAxes
from azimuthal.io.hdf5 import attributes_of, check_texts, open_hdf5, translated_errors, whole_array
from azimuthal.sparse import SparseMatrix
from azimuthal.typing import PathLike
from azimuthal.units import Axis

PLAN_VERSION = 1
_ARRAYS = ("mask", "dark", "flat", "absorption", "dark_variance", "flat_variance")


def save_plan(plan: Plan, path: PathLike, *, force: bool = False) -> None:
    """Write a plan; the file appears complete or not at all.

    Raises
    ------
    OutputExistsError
        The file exists and `force` is False.
    OutputError
        It cannot be written.
    """
    grid = plan.axes.grid
    circle = grid.circle
    with pending(path, force=force) as temporary, open_hdf5(temporary, "w") as file:
        file.attrs["azimuthal_plan"] = PLAN_VERSION
        file.attrs["program_version"] = __version__
        file.attrs["report"] = json.dumps(plan.report)
        file.create_dataset("spec", data=json.dumps(plan.spec.to_dict()))
        _write(file.create_group("matrix"), plan.matrix, ("indptr", "indices", "weights"))
        _write(file.create_group("arrays"), plan.arrays, _ARRAYS)
        axes = file.create_group("axes")
        _write(axes, grid, ("u_edges", "c_edges"))
        axes.attrs["u_floor"] = grid.u_floor
        axes.attrs["circle"] = [circle.period or 0.0, circle.forward_pole, circle.backward_pole, circle.equator]
        for name in ("radial", "azimuthal"):
            axis = getattr(plan.axes, name)
            if axis is not None:
                axes.create_dataset(f"{name}_edges", data=axis.edges)


def load_plan(path: PathLike) -> Plan:
    """Read a plan.

    Raises
    ------
    FileMissingError
        The file does not exist.
    FileFormatError
        It is not a plan, is damaged, or is of another version.
    """
    with open_hdf5(path) as file, translated_errors(path, "read the plan"):
        version = attributes_of(file).get("azimuthal_plan")
        if version is None:
            raise FileFormatError(f"{path}: expected a plan written by plan.save(), got another HDF5 file.")
        if version != PLAN_VERSION:
            raise FileFormatError(
                f"{path}: expected a plan of version {PLAN_VERSION}, got {version}. Compile it again from its recipe."
            )
        with translated_errors(path, "reading the plan"):
            try:
                return _plan(file)
            except (KeyError, TypeError, json.JSONDecodeError) as error:
                raise FileFormatError(f"{path}: the plan is damaged: {error}. Compile it again.") from error
            except AzimuthalError as error:
                raise FileFormatError(f"{Path(path)}: the plan does not hold together: {error}") from error


def _plan(file: Any) -> Plan:
    check_texts(file["spec"])
    spec = PlanSpec.from_dict(json.loads(file["spec"][()]))
    matrix, axes = _read(file["matrix"]), _read(file["axes"])
    period, *poles = (float(value) for value in attributes_of(file["axes"])["circle"])
    circle = Circle(period or None, *poles)
    grid = BinGrid(axes["u_edges"], axes["c_edges"], circle, float(file["axes"].attrs["u_floor"]))
    radial = Axis(spec.unit, axes["radial_edges"]) if "radial_edges" in axes else None
    azimuthal = Axis(spec.azimuth_unit, axes["azimuthal_edges"]) if "azimuthal_edges" in axes else None
    if radial is None and azimuthal is None:
        raise FileFormatError("it has the edges of no axis.")
    weights = SparseMatrix(matrix["indptr"], matrix["indices"], matrix.get("weights"), grid.n_bins)
    arrays = PixelArrays(**_read(file["arrays"]))
    report = {name: int(number) for name, number in json.loads(file.attrs["report"]).items()}
    return restore(spec, arrays, PlanAxes(radial, azimuthal, grid), weights, report)


def _write(group: Any, record: object, names: tuple[str, ...]) -> None:
    for name in names:
        array = getattr(record, name)
        if array is not None:
            group.create_dataset(name, data=array)


def _read(group: Any) -> dict[str, Any]:
    return {name: whole_array(dataset) for name, dataset in group.items()}
