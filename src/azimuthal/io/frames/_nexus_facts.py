# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Facts about the measurement from NeXus groups around the images (NXmx, EIGER masters, NXsas, LAMBDA).

The entry is the NXentry above the images; facts are taken from its ``instrument`` (and ``sample/beam``).
When the entry has several NXdetector groups, the one that holds the images, or has the name of the images'
parent, is taken, and none if that does not decide.

A number is converted with the ``units`` attribute that the file gives.  Without one it goes to
``unconverted`` as it is: a distance of 0.2 could be metres or anything.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, TypeAlias

import numpy as np

from azimuthal.io.frames._hdf5_choice import Node, text_attribute
from azimuthal.io.frames._header_facts import converted, positive
from azimuthal.io.hdf5 import H5File, H5Object, check_texts, is_dataset, is_group, member_of
from azimuthal.units import HC_KEV_M

#: metadata name, dimension, paths below the entry in order of preference
_FactTable: TypeAlias = tuple[tuple[str, str, tuple[str, ...]], ...]
_ENTRY_FACTS: _FactTable = (
    (
        "wavelength",
        "length",
        (
            "instrument/beam/incident_wavelength",
            "sample/beam/incident_wavelength",
            "instrument/monochromator/wavelength",
            "instrument/source/wavelength",
        ),
    ),
    ("photon_energy", "energy", ("instrument/monochromator/energy", "instrument/beam/incident_energy")),
)
#: metadata name, dimension, paths below the detector
_DETECTOR_FACTS: _FactTable = (
    ("distance", "length", ("detector_distance", "distance")),
    ("pixel_size_slow", "length", ("y_pixel_size",)),
    ("pixel_size_fast", "length", ("x_pixel_size",)),
    ("exposure_time", "time", ("count_time", "acquisition/exposure_time", "acq_parameters/acq_expo_time")),
    ("frame_time", "time", ("frame_time",)),
    ("sensor_thickness", "length", ("sensor_thickness",)),
    ("threshold_energy", "energy", ("threshold_energy",)),
    ("photon_energy", "energy", ("detectorSpecific/photon_energy",)),
)
_DETECTOR_TEXTS = (("detector", "description"), ("sensor_material", "sensor_material"))
_MASKS = ("pixel_mask", "detectorSpecific/pixel_mask")
_FLATS = ("flatfield", "detectorSpecific/flatfield")
_DARKS = ("darkfield", "dark_field", "detectorSpecific/darkfield")
_APPLIED = (
    ("count_rate", "countrate_correction_applied"),
    ("flat", "flatfield_correction_applied"),
    ("pixel_mask", "pixel_mask_applied"),
    ("virtual_pixel", "virtual_pixel_correction_applied"),
    ("dead_time", "deadtime_correction_applied"),
)
_CUTOFFS = (
    "countrate_correction_count_cutoff",
    "detectorSpecific/countrate_correction_count_cutoff",
)


def nexus_facts(file: H5File, dataset: str) -> dict[str, Any]:
    """Return metadata (keys as in `_protocol`) from the groups around `dataset`."""
    entry = entry_of(file, dataset)
    if entry is None:
        return {}
    facts: dict[str, Any] = {}
    unconverted: dict[str, float] = {}
    for name, dimension, paths in _ENTRY_FACTS:
        _take(entry.item, name, dimension, paths, facts, unconverted)
    detector = detector_of(entry, dataset)
    if detector is not None:
        for name, dimension, paths in _DETECTOR_FACTS:
            _take(detector.item, name, dimension, paths, facts, unconverted)
        _take_center(detector.item, facts, unconverted)
        _take_texts(detector.item, facts)
        _take_corrections(detector.item, facts)
    _combine(facts)
    if unconverted:
        facts["unconverted"] = unconverted
    return facts


def entry_of(file: H5File, dataset: str) -> Node | None:
    """Return the group above `dataset` that has an ``instrument``."""
    steps = dataset.strip("/").split("/")
    for depth in range(1, len(steps)):
        path = "/" + "/".join(steps[:depth])
        group = file.get(path)
        if group is not None and is_group(group) and _group(group, "instrument") is not None:
            return Node(path, group)
    return None


def detector_of(entry: Node, dataset: str) -> Node | None:
    """Return the NXdetector that belongs to the images, None when that is not plain."""
    instrument = _group(entry.item, "instrument")
    if instrument is None:
        return None
    detectors = {}
    for name in instrument:
        group = _group(instrument, name)
        if group is not None and (text_attribute(group, "NX_class") == "NXdetector" or name == "detector"):
            detectors[name] = Node(f"{entry.path}/instrument/{name}", group)
    if len(detectors) == 1:
        return next(iter(detectors.values()))
    named = [name for name in detectors if name in dataset.split("/")]
    return detectors[named[0]] if len(named) == 1 else None


def image_paths(file: H5File, dataset: str) -> dict[str, str]:
    """Return the paths of pixel mask, flat and dark that belong to `dataset`, by their names in the metadata."""
    entry = entry_of(file, dataset)
    detector = None if entry is None else detector_of(entry, dataset)
    found: dict[str, str] = {}
    if detector is not None:
        found |= _images_of(detector)
    if dataset.startswith("/exchange/"):
        for name, path in (("flat_dataset", "/exchange/data_white"), ("dark_dataset", "/exchange/data_dark")):
            if path in file:
                found.setdefault(name, path)
    return found


def channel_facts(file: H5File, dataset: str, channel: str) -> dict[str, Any]:
    """Return the facts of one channel of a detector: its threshold, pixel mask and flat."""
    entry = entry_of(file, dataset)
    detector = None if entry is None else detector_of(entry, dataset)
    group = None if detector is None else _group(detector.item, f"{channel}_channel")
    if detector is None or group is None:
        return {}
    facts: dict[str, Any] = {}
    unconverted: dict[str, float] = {}
    _take(group, "threshold_energy", "energy", ("threshold_energy",), facts, unconverted)
    _take_corrections(group, facts)
    return facts | _images_of(Node(f"{detector.path}/{channel}_channel", group))


def _images_of(detector: Node) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, paths in (("pixel_mask_dataset", _MASKS), ("flat_dataset", _FLATS), ("dark_dataset", _DARKS)):
        for path in paths:
            item = member_of(detector.item, path)
            if item is not None and is_dataset(item):
                found.setdefault(name, f"{detector.path}/{path}")
    return found


def announced_frames(file: H5File, dataset: str) -> int | None:
    """Return the number of frames that the acquisition was asked for (EIGER: nimages x ntrigger)."""
    entry = entry_of(file, dataset)
    detector = None if entry is None else detector_of(entry, dataset)
    if detector is None:
        return None
    product = 1.0
    for name in ("nimages", "ntrigger"):
        value = _number(detector.item.get(f"detectorSpecific/{name}"))
        if value is None:
            return None
        product *= value
    return int(product) if math.isfinite(product) and 0 < product < 1e12 else None


def _take(
    group: H5Object,
    name: str,
    dimension: str,
    paths: Iterable[str],
    facts: dict[str, Any],
    unconverted: dict[str, float],
) -> None:
    """Store the first of `paths` that holds a positive number."""
    for path in paths:
        item = group.get(path)
        value = positive(_number(item))
        if value is None or name in facts:
            continue
        unit = text_attribute(item, "units") or text_attribute(item, "unit")
        in_si = None if unit is None else converted(value, unit, dimension)
        if in_si is None:
            unconverted.setdefault(f"{path} ({unit})" if unit else path, value)
        else:
            facts[name] = in_si


def _take_center(detector: H5Object, facts: dict[str, Any], unconverted: dict[str, float]) -> None:
    """Store the beam centre when it is given in pixels, or as a length with a known pixel size."""
    center = []
    for path, pixel in (("beam_center_y", "pixel_size_slow"), ("beam_center_x", "pixel_size_fast")):
        item = detector.get(path)
        value = _number(item)
        if value is None or not math.isfinite(value):
            return
        unit = text_attribute(item, "units") or ""
        in_pixels = converted(value, unit, "pixels")
        length = converted(value, unit, "length")
        if in_pixels is None and length is not None and pixel in facts:
            in_pixels = length / facts[pixel]
        if in_pixels is None:
            unconverted[f"{path} ({unit})" if unit else path] = value
        else:
            center.append(in_pixels)
    if len(center) == 2 and center != [0.0, 0.0]:
        facts["beam_center"] = center


def _take_texts(detector: H5Object, facts: dict[str, Any]) -> None:
    for name, path in _DETECTOR_TEXTS:
        text = _text(detector.get(path))
        if text:
            facts[name] = text
    saturation = positive(_number(detector.get("saturation_value")))
    if saturation is not None:
        facts["saturation_value"] = int(saturation)


def _take_corrections(detector: H5Object, facts: dict[str, Any]) -> None:
    """Store what the detector did to the counts, and up to which count."""
    applied = {}
    for name, path in _APPLIED:
        flag = _flag(detector.get(path, detector.get(f"detectorSpecific/{path}")))
        if flag is not None:
            applied[name] = flag
    if applied:
        facts["corrections_applied"] = applied
    for path in _CUTOFFS:
        value = positive(_number(detector.get(path)))
        if value is not None:
            facts.setdefault("count_rate_cutoff", int(value))


def _flag(item: H5Object | None) -> bool | None:
    """Return a dataset of one number or truth value as a truth value."""
    if item is None or not is_dataset(item) or item.size != 1 or item.dtype.kind not in "uifb":
        return None
    return bool(np.asarray(item[()]).ravel()[0])


def _combine(facts: dict[str, Any]) -> None:
    """Join the pixel size, and derive the wavelength from the photon energy when only that is given."""
    sizes = [facts.pop(name, None) for name in ("pixel_size_slow", "pixel_size_fast")]
    if None not in sizes:
        facts["pixel_size"] = sizes
    if "wavelength" not in facts and "photon_energy" in facts:
        facts["wavelength"] = HC_KEV_M / (facts["photon_energy"] * 1e-3)


def _group(parent: H5Object, name: str) -> H5Object | None:
    item = parent.get(name)
    return item if item is not None and is_group(item) else None


def _number(item: H5Object | None) -> float | None:
    """Return a dataset of one number as a float."""
    if item is None or not is_dataset(item) or item.size != 1 or item.dtype.kind not in "uif":
        return None
    return float(item[()].item() if item.shape == () else item[()].ravel()[0])


def _text(item: H5Object | None) -> str | None:
    if item is None or not is_dataset(item) or item.size != 1 or item.dtype.kind not in "SO":
        return None
    check_texts(item)
    value = item[()]
    value = value if isinstance(value, (bytes, str)) else value.ravel()[0]
    return value.decode("utf-8", "replace").strip() if isinstance(value, bytes) else str(value).strip()
