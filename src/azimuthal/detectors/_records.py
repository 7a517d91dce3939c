# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Detectors as JSON-able records: a name and the changed options where the catalogue knows the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from azimuthal._validate import unknown_name
from azimuthal.detectors._modules import GivenMask, ModuleGrid, gap_rule_from_dict
from azimuthal.detectors._pixels import Layout, layout_from_dict
from azimuthal.detectors._registry import detector
from azimuthal.detectors._spec import Detector, InvalidValues, Sensor
from azimuthal.detectors.distortion import SplineGrid
from azimuthal.errors import AzimuthalError, DataTypeError, ParameterError

_WINDOW = ("shape", "pixel1", "pixel2", "origin", "binning")
_CATALOGUE_FIELDS = ("catalogue", "layout", "orientation", "sensor", *_WINDOW, "masks")
_FULL_FIELDS = (
    "name", *_WINDOW, "layout", "orientation", "sensor", "sensors", "invalid", "modules", "gaps", "aliases",
    "maker", "source", "file",
)  # fmt: skip


def detector_to_dict(described: Detector, *, inline_arrays: bool = True) -> dict[str, Any]:
    """Return the record of a detector; see :meth:`Detector.to_dict`."""
    parent = catalogue_parent(described)
    return _full_record(described, inline_arrays=inline_arrays) if parent is None else _short_record(described, parent)


def detector_from_dict(record: Mapping[str, Any]) -> Detector:
    """Return the detector of a record; unknown keys are refused by name."""
    if not isinstance(record, Mapping):
        raise DataTypeError(f"detector: expected a record (a mapping), got {record!r}.")
    known = _CATALOGUE_FIELDS if "catalogue" in record else _FULL_FIELDS
    for key in record:
        if key not in known:
            raise unknown_name("detector record, key", key, known)
    return _from_short_record(record) if "catalogue" in record else _from_full_record(record)


def catalogue_parent(described: Detector) -> Detector | None:
    """Return the whole, unmirrored catalogue detector that differs from this one only in options, or None."""
    for options in _readout_options(described):
        try:
            parent = detector(described.name, **options)
        except AzimuthalError:  # no such name or readout: then it is not of the catalogue
            continue
        if isinstance(described.layout, SplineGrid) or parent.layout == described.layout:
            same = parent.replace(**{name: getattr(described, name) for name in ("orientation", "sensor", *_WINDOW)})
            extra = described.gaps[len(parent.gaps) :]
            if same.replace(gaps=(*parent.gaps, *extra)) == described and all(isinstance(m, GivenMask) for m in extra):
                return parent
    return None


def _readout_options(described: Detector) -> list[dict[str, Any]]:
    layout: Layout = described.layout
    if isinstance(layout, SplineGrid):
        return [{"spline": layout.spline}]
    pixel = tuple(getattr(layout, name, None) for name in ("pixel1", "pixel2"))
    options: dict[str, Any] = {"radius": getattr(layout, "radius", None)}
    return [options, {**options, "shape": layout.shape, "pixel_size": pixel}] if None not in pixel else []


def _short_record(described: Detector, parent: Detector) -> dict[str, Any]:
    record: dict[str, Any] = {"catalogue": described.name}
    default = _default(described.name)
    if default is None or parent.layout != default.layout:
        record["layout"] = parent.layout.to_dict()
    if described.orientation != parent.orientation:
        record["orientation"] = described.orientation
    if described.sensor != parent.sensor:
        record["sensor"] = None if described.sensor is None else asdict(described.sensor)
    for name in _WINDOW:
        if getattr(described, name) != getattr(parent, name):
            record[name] = _plain(getattr(described, name))
    masks = described.gaps[len(parent.gaps) :]
    if masks:
        record["masks"] = [mask.to_dict() for mask in masks]
    return record


def _from_short_record(record: Mapping[str, Any]) -> Detector:
    name = record["catalogue"]
    if "layout" in record:
        layout = layout_from_dict(record["layout"])
        options = (
            {"spline": layout.spline}
            if isinstance(layout, SplineGrid)
            else {
                "shape": layout.shape,
                "pixel_size": (getattr(layout, "pixel1", None), getattr(layout, "pixel2", None)),
                "radius": getattr(layout, "radius", None),
            }
        )
        parent = detector(name, **options)
    else:
        parent = detector(name)
    changes: dict[str, Any] = {key: record[key] for key in ("orientation", *_WINDOW) if key in record}
    if "sensor" in record:
        changes["sensor"] = _sensor(record["sensor"])
    if "masks" in record:
        changes["gaps"] = (*parent.gaps, *(gap_rule_from_dict(mask) for mask in record["masks"]))
    return parent.replace(**changes)


def _default(name: str) -> Detector | None:
    try:
        return detector(name)
    except ParameterError:  # the generic detector has no default
        return None


def _full_record(described: Detector, *, inline_arrays: bool) -> dict[str, Any]:
    record: dict[str, Any] = {
        name: _plain(getattr(described, name))
        for name in ("name", *_WINDOW, "orientation", "aliases", "maker", "source", "file")
    }
    record["layout"] = described.layout.to_dict(inline_arrays=inline_arrays)
    record["sensor"] = None if described.sensor is None else asdict(described.sensor)
    record["sensors"] = [asdict(sensor) for sensor in described.sensors]
    record["invalid"] = asdict(described.invalid)
    record["modules"] = None if described.modules is None else described.modules.to_dict()
    record["gaps"] = [rule.to_dict() for rule in described.gaps]
    return record


def _from_full_record(record: Mapping[str, Any]) -> Detector:
    fields = dict(record)
    if "layout" in fields:
        fields["layout"] = layout_from_dict(fields["layout"])
    if "sensor" in fields:
        fields["sensor"] = _sensor(fields["sensor"])
    fields["sensors"] = tuple(Sensor(**sensor) for sensor in fields.get("sensors", ()))
    if "invalid" in fields:
        fields["invalid"] = InvalidValues(**fields["invalid"])
    if fields.get("modules") is not None:
        fields["modules"] = ModuleGrid.from_dict(fields["modules"])
    fields["gaps"] = tuple(gap_rule_from_dict(rule) for rule in fields.get("gaps", ()))
    return Detector(**fields)


def _sensor(record: Mapping[str, Any] | None) -> Sensor | None:
    return None if record is None else Sensor(**record)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
