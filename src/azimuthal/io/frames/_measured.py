# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""What was measured with every frame: monitors, motors, counters in an HDF5 file beside the images.

=========  ==========================================================================================
kind       where
=========  ==========================================================================================
monitors   ``data``, ``integral`` or ``monitor_count`` of the NXmonitor groups of the entry
motors     ``sample/transformations``, ``sample/goniometer`` (NXmx); ``instrument/positioners``
           (Bliss); ``/exchange/theta``, ``/exchange/angles`` (APS)
counters   one-dimensional datasets in ``measurement`` (Bliss), ``instrument/NDAttributes``
           (areaDetector)
=========  ==========================================================================================

Only numbers count that are one for the whole file or one for every frame (in the shape of the scan, or flat).  Which
of the counters is the monitor is not guessed: say ``monitor="/1.1/measurement/mon"``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from azimuthal.io.frames._hdf5_choice import text_attribute
from azimuthal.io.frames._nexus_facts import entry_of
from azimuthal.io.hdf5 import H5File, H5Object, external_target, is_dataset, is_group
from azimuthal.typing import FloatArray

KINDS = ("monitors", "motors", "counters")
_MOTOR_GROUPS = ("sample/transformations", "sample/goniometer", "instrument/positioners")
_COUNTER_GROUPS = ("measurement", "instrument/NDAttributes")
_APS_MOTORS = ("theta", "angles")
_MOST = 500


def measured_datasets(file: H5File, dataset: str, n_frames: int) -> dict[str, dict[str, str]]:
    """Return ``{kind: {name: path}}`` of the numbers that belong to the frames; empty kinds are left out."""
    found: dict[str, dict[str, str]] = {kind: {} for kind in KINDS}
    entry = entry_of(file, dataset)
    if entry is not None:
        for name, path in _monitors(entry.item, entry.path):
            _keep(found["monitors"], file, name, path, n_frames)
        for kind, groups in (("motors", _MOTOR_GROUPS), ("counters", _COUNTER_GROUPS)):
            for group in groups:
                for name, path in _members(entry.item, entry.path, group):
                    _keep(found[kind], file, name, path, n_frames, alone=kind == "motors")
    if "exchange" in file and dataset.startswith("/exchange/"):
        for name in _APS_MOTORS:
            _keep(found["motors"], file, name, f"/exchange/{name}", n_frames)
    return {kind: paths for kind, paths in found.items() if paths}


def values_of(file: H5File, path: str) -> FloatArray:
    """Return the numbers of a dataset, flat."""
    return np.asarray(file[path][()], np.float64).ravel()


def _monitors(entry: H5Object, where: str) -> Iterator[tuple[str, str]]:
    for parent, path in ((entry, where), (_at(entry, "instrument"), f"{where}/instrument")):
        for name in () if parent is None else parent:
            group = _at(parent, name)
            if group is None or not is_group(group) or text_attribute(group, "NX_class") != "NXmonitor":
                continue
            for member in ("data", "integral", "monitor_count"):
                if member in group:
                    yield name, f"{path}/{name}/{member}"
                    break


def _members(entry: H5Object, where: str, path: str) -> Iterator[tuple[str, str]]:
    group = entry.get(path)
    if group is not None and is_group(group):
        for name in list(group)[:_MOST]:
            yield name, f"{where}/{path}/{name}"


def _at(group: H5Object | None, name: str) -> H5Object | None:
    if group is None or name not in group:
        return None
    target = external_target(group, name)
    return None if target is not None and not target.exists else group.get(name)


def _keep(kept: dict[str, str], file: H5File, name: str, path: str, n_frames: int, *, alone: bool = True) -> None:
    item: Any = file.get(path)
    if item is None or not is_dataset(item) or item.shape is None or item.dtype.kind not in "uif":
        return
    size = math.prod(item.shape)
    if len(item.shape) <= 3 and (size == n_frames or (alone and size == 1)):
        kept.setdefault(name, path)
