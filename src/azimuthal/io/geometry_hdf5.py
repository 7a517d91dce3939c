# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Instruments in HDF5: NeXus (NXdetector, NXtransformations, NXbeam) and CXI.

What we write as NeXus ::

    /entry                                   NXentry
      instrument                             NXinstrument
        beam                                 NXbeam        incident_wavelength (angstrom)
        detector                             NXdetector    description, x_pixel_size, y_pixel_size, distance,
                                                           beam_center_x, beam_center_y, sensor_material, ...
          depends_on                         transformations/poni_slow
          transformations                    NXtransformations   (azimuthal.geometry.conventions.nexus)
          detector_module                    NXdetector_module   data_size, fast_pixel_direction, ...
          azimuthal                          NXnote        type application/json, data: the detector's record

The note keeps what NeXus has no field for: the layout of modules, the name in the catalogue, masks.  Files of
other programs are read from the chain of transformations and the first detector module, or, where there is no
chain, from distance and beam centre, which do not say which way the rows run.
"""

from __future__ import annotations

import json
import math
import warnings
from pathlib import Path
from typing import Any, Literal

import numpy as np

from azimuthal._pending_file import pending
from azimuthal._validate import positive_number
from azimuthal.detectors import Detector
from azimuthal.errors import ConversionError, FileFormatError, GeometryFileWarning
from azimuthal.geometry import Beam, Pose
from azimuthal.geometry.conventions import cxi, nexus
from azimuthal.instrument import Instrument, parallax_from_dict
from azimuthal.io.hdf5 import H5Object, attributes_of, is_dataset, is_group, open_hdf5, translated_errors
from azimuthal.io.pixel_grids import (
    Given,
    as_grid,
    grid_detector,
    on_detector,
)
from azimuthal.typing import FloatArray

__all__ = ["load_cxi", "load_nexus", "save_cxi", "save_nexus"]

_NOTE = "azimuthal"
_NOTE_VERSION = 1


# ---- NeXus -------------------------------------------------------------------------------------------------


def save_nexus(instrument: Instrument, path: Path, force: bool) -> None:
    """Write an instrument as NeXus; nothing is lost."""
    with pending(path, force=force) as temporary, open_hdf5(temporary, "w") as file:
        entry = _group(file, "entry", "NXentry")
        file.attrs["NX_class"], file.attrs["default"] = "NXroot", "entry"
        holder = _group(entry, "instrument", "NXinstrument")
        if instrument.wavelength is not None:
            beam = _group(holder, "beam", "NXbeam")
            _put(beam, "incident_wavelength", instrument.wavelength * 1e10, units="angstrom")
        _write_detector(_group(holder, "detector", "NXdetector"), instrument)


def _write_detector(group: H5Object, instrument: Instrument) -> None:
    detector = instrument.detector
    _put(group, "description", detector.name)
    _put(group, "x_pixel_size", detector.pixel2, units="m")
    _put(group, "y_pixel_size", detector.pixel1, units="m")
    if detector.sensor is not None:
        _put(group, "sensor_material", detector.sensor.material)
        _put(group, "sensor_thickness", detector.sensor.thickness, units="m")
    center = instrument.beam_center
    if center is not None:
        _put(group, "beam_center_x", center.fast, units="pixel")
        _put(group, "beam_center_y", center.slow, units="pixel")
    if instrument.direct_distance is not None:
        _put(group, "distance", instrument.direct_distance, units="m")
    folder = _group(group, "transformations", "NXtransformations")
    for item in nexus.transformations_from_pose(instrument.pose):
        parent = item.depends_on
        field = _put(group=folder, name=item.name, value=item.value, units=item.unit)
        _place(field, item.kind, item.vector, parent if parent == "." else f"{folder.name}/{parent}")
    start = f"{folder.name}/{nexus.transformations_from_pose(instrument.pose)[0].name}"
    _put(group, "depends_on", start)
    _write_module(group, detector, start)
    note = _group(group, _NOTE, "NXnote")
    record = {"version": _NOTE_VERSION, "detector": detector.to_dict(), "parallax": instrument.to_dict()["parallax"]}
    _put(note, "type", "application/json")
    _put(note, "data", json.dumps(record))


def _write_module(group: H5Object, detector: Detector, start: str) -> None:
    """Write where the image's first pixel is and which way rows and columns run."""
    module = _group(group, "detector_module", "NXdetector_module")
    _put(module, "data_origin", np.array([0, 0]))
    _put(module, "data_size", np.array(detector.shape))
    corner, slow, fast = _image_axes(detector)
    length = float(np.linalg.norm(corner))
    direction = corner / length if length > 0 else np.array([0.0, 0.0, 1.0])
    offset = f"{module.name}/module_offset"
    for name, value, vector, parent in (
        ("module_offset", length, direction, start),
        ("fast_pixel_direction", detector.pixel2, fast, offset),
        ("slow_pixel_direction", detector.pixel1, slow, offset),
    ):
        _place(_put(module, name, value, units="m"), "translation", vector, parent)


def _place(field: H5Object, kind: str, vector: Any, depends_on: str) -> None:
    """Write the attributes of a transformation."""
    field.attrs["transformation_type"] = kind
    field.attrs["vector"] = np.asarray(vector, dtype=np.float64)
    field.attrs["offset"] = np.zeros(3)
    field.attrs["offset_units"] = "m"
    field.attrs["depends_on"] = depends_on


def _image_axes(detector: Detector) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return first corner, row and column direction of the image in the NeXus frame before the chain."""
    flat = nexus.module_of_image(
        orientation=detector.orientation,
        extent=(detector.shape[0] * detector.pixel1, detector.shape[1] * detector.pixel2),
    )
    shifted = on_detector(Pose(dist=1.0), detector)
    shift = np.array([-shifted.poni2, shifted.poni1, 0.0])
    return np.array(flat.origin) + shift, np.array(flat.slow), np.array(flat.fast)


def load_nexus(path: Path, given: Given) -> Instrument:
    """Read an instrument from the first NXdetector that says where it stands."""
    with open_hdf5(path) as file, translated_errors(path, "read the geometry"):
        detectors = _groups_of_class(file, "NXdetector")
        located = [group for group in detectors if _has_chain(group) or _has_fields(group)]
        if not located:
            raise FileFormatError(
                f"{path}: no NXdetector with depends_on, or with distance and beam_center_x, beam_center_y; "
                f"{len(detectors)} NXdetector found. A file that only describes the pixels is a detector: "
                "pass it to azimuthal.io.detector_files.load_detector()."
            )
        group = located[0]
        beam = Beam(_incident_wavelength(file, path))
        if _has_chain(group):
            return _from_chain(group, path, given, beam)
        return _from_fields(group, path, given, beam)


def _from_chain(group: H5Object, path: Path, given: Given, beam: Beam) -> Instrument:
    note = _note(group, path)
    if note is not None and given.detector is None:
        chain, start = _chain(group, _words(group["depends_on"][()]), path)
        pose = nexus.pose_from_transformations(chain, start)
        detector = Detector.from_dict(note["detector"])
        return Instrument(detector, pose, beam, parallax_from_dict(note.get("parallax")))
    module = _first_module(group, path)
    size = None if module is None else _value(module, "data_size")
    shape = _written_shape(group) if size is None else [int(n) for n in np.ravel(size)]
    detector = grid_detector(path, given, _pixel_sizes(group, path), shape)
    flat, holder, parent = _module_axes(group, module, path)
    chain, start = _chain(holder, parent, path)
    extent = (detector.shape[0] * detector.pixel1, detector.shape[1] * detector.pixel2)
    pose, orientation = nexus.pose_from_module(flat, chain, start, extent=extent)
    detector = detector.with_orientation(orientation)
    return Instrument(detector, on_detector(pose, detector), beam)


def _from_fields(group: H5Object, path: Path, given: Given, beam: Beam) -> Instrument:
    pixels = _pixel_sizes(group, path)
    if pixels is None:
        raise FileFormatError(f"{path}: {group.name}: x_pixel_size and y_pixel_size are missing.")
    detector = grid_detector(path, given, pixels, _written_shape(group))
    fields = nexus.DetectorFields(
        distance=positive_number("distance", _length(group, _distance_name(group), path), unit="m"),
        beam_center_x=_center(group, "beam_center_x", pixels[1], path),
        beam_center_y=_center(group, "beam_center_y", pixels[0], path),
    )
    if given.detector is None:
        warnings.warn(
            f"{path}: {group.name} has a distance and a beam centre and no chain of transformations: read "
            "as an untilted detector, orientation 3. 2theta does not depend on it; for azimuths check "
            "which way the rows run, and pass detector=... with its orientation.",
            GeometryFileWarning,
            stacklevel=4,
        )
    pose = nexus.pose_from_fields(
        fields,
        pixel1=detector.pixel1,
        pixel2=detector.pixel2,
        shape=detector.shape,
        orientation=detector.orientation,
    )
    return Instrument(detector, on_detector(pose, detector), beam)


def _chain(group: H5Object, depends_on: str, path: Path) -> tuple[list[nexus.Transformation], str]:
    """Return the transformations from `depends_on` on, with absolute paths as names, and the first name."""
    found: dict[str, nexus.Transformation] = {}
    start = _resolved(group, depends_on)
    name = start
    while name != nexus.END_OF_CHAIN and name not in found:
        if name not in group.file:
            raise FileFormatError(f"{path}: depends_on: {name!r} is not in the file.")
        found[name] = _transformation(group.file[name], path)
        name = found[name].depends_on
    return list(found.values()), start


def _transformation(field: H5Object, path: Path) -> nexus.Transformation:
    """Return one transformation, its name and depends_on as absolute paths."""
    attributes = attributes_of(field)
    kind = _words(attributes.get("transformation_type", ""))
    if kind not in ("translation", "rotation") or "vector" not in attributes:
        raise FileFormatError(
            f"{path}: {field.name}: expected transformation_type 'translation' or 'rotation' and a vector, "
            f"got {kind!r} and attributes {sorted(attributes)}."
        )
    typed: Literal["translation", "rotation"] = "rotation" if kind == "rotation" else "translation"
    parent = _words(attributes.get("depends_on", nexus.END_OF_CHAIN))
    return nexus.Transformation(
        name=field.name,
        kind=typed,
        value=_one_value(field, path),
        unit=_words(attributes.get("units", "m" if kind == "translation" else "rad")),
        vector=_triple(attributes["vector"], f"{path}: {field.name}: vector"),
        offset=_triple(attributes.get("offset", np.zeros(3)), f"{path}: {field.name}: offset"),
        depends_on=_resolved(field.parent, parent),
        offset_unit=_words(attributes.get("offset_units", "m")),
    )


def _resolved(group: H5Object, name: str) -> str:
    """Return a ``depends_on`` as an absolute path; relative ones start at the enclosing group."""
    if name in (nexus.END_OF_CHAIN, ""):
        return nexus.END_OF_CHAIN
    parts: list[str] = [] if name.startswith("/") else [part for part in group.name.split("/") if part]
    for part in name.split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part not in ("", "."):
            parts.append(part)
    return "/" + "/".join(parts)


def _first_module(group: H5Object, path: Path) -> H5Object | None:
    """Return the NXdetector_module of a detector, or None; several are refused."""
    modules = [item for item in _groups_of_class(group, "NXdetector_module") if "fast_pixel_direction" in item]
    if len(modules) > 1:
        raise ConversionError(
            f"{path}: {group.name} has {len(modules)} detector modules, each with a place of its own, which "
            "one pose does not hold."
        )
    return modules[0] if modules else None


def _module_axes(group: H5Object, module: H5Object | None, path: Path) -> tuple[nexus.DetectorModule, H5Object, str]:
    """Return the pixel directions, and where their chain begins: the enclosing group and ``depends_on``.

    The directions of NXmx files hang on each other; what moves the first pixel begins behind them.
    """
    if module is None:
        return nexus.module_of_image(), group, _words(group["depends_on"][()])
    vectors = []
    names = ("slow_pixel_direction", "fast_pixel_direction")
    for name in names:
        if name not in module or "vector" not in module[name].attrs:
            raise FileFormatError(f"{path}: {module.name}/{name}: the field, or its vector, is missing.")
        vector = np.array(_triple(attributes_of(module[name])["vector"], f"{path}: {module.name}/{name}: vector"))
        vectors.append(vector / np.linalg.norm(vector))
    slow, fast = (_triple(vector, path.name) for vector in vectors)
    own = {f"{module.name}/{name}": name for name in names}
    parent = _parent(module, names[1])
    for _ in names:
        if parent in own:
            parent = _parent(module, own[parent])
    return nexus.DetectorModule(origin=(0.0, 0.0, 0.0), slow=slow, fast=fast), module, parent


def _parent(module: H5Object, name: str) -> str:
    """Return what a field depends on, as an absolute path."""
    return _resolved(module, _words(attributes_of(module[name]).get("depends_on", nexus.END_OF_CHAIN)))


def _note(group: H5Object, path: Path) -> dict[str, Any] | None:
    """Return our own record of the detector, or None."""
    if _NOTE not in group or "data" not in group[_NOTE]:
        return None
    record = json.loads(_words(group[_NOTE]["data"][()]))
    if record.get("version") != _NOTE_VERSION:
        raise FileFormatError(
            f"{path}: {group.name}/{_NOTE}: expected version {_NOTE_VERSION}, got "
            f"{record.get('version')!r}. Update azimuthal."
        )
    return dict(record)


def _has_chain(group: H5Object) -> bool:
    """Say whether a detector or its module depends on a transformation."""
    if "depends_on" not in group:
        return False
    modules = [item for item in _groups_of_class(group, "NXdetector_module") if "fast_pixel_direction" in item]
    on_module = any(_parent(item, "fast_pixel_direction") != nexus.END_OF_CHAIN for item in modules)
    return on_module or _words(group["depends_on"][()]) != nexus.END_OF_CHAIN


def _has_fields(group: H5Object) -> bool:
    return _distance_name(group) in group and "beam_center_x" in group and "beam_center_y" in group


def _distance_name(group: H5Object) -> str:
    """Return the name of the distance; DECTRIS writes ``detector_distance``."""
    return "distance" if "distance" in group else "detector_distance"


def _pixel_sizes(group: H5Object, path: Path) -> tuple[float, float] | None:
    """Return (slow, fast) pixel size in m, or None."""
    if "x_pixel_size" not in group or "y_pixel_size" not in group:
        return None
    return _length(group, "y_pixel_size", path), _length(group, "x_pixel_size", path)


def _written_shape(group: H5Object) -> list[int] | None:
    """Return the number of pixels where DECTRIS files have it, or None."""
    specific = group.get("detectorSpecific")
    names = ("y_pixels_in_detector", "x_pixels_in_detector")
    if specific is None or any(name not in specific for name in names):
        return None
    return [int(specific[name][()]) for name in names]


def _center(group: H5Object, name: str, pixel: float, path: Path) -> float:
    """Return a beam centre in pixels; lengths are divided by the pixel size."""
    field = group[name]
    unit = _words(attributes_of(field).get("units", "pixel"))
    value = _one_value(field, path)
    if unit.lower() in ("pixel", "pixels", "px", ""):
        return value
    return value * nexus.scale_of("length", unit, f"{path}: {field.name}") / pixel


def _incident_wavelength(file: H5Object, path: Path) -> float | None:
    """Return the wavelength in m from an NXbeam or NXmonochromator, or None."""
    for kind, name in (("NXbeam", "incident_wavelength"), ("NXmonochromator", "wavelength")):
        for group in _groups_of_class(file, kind):
            if name in group:
                unit = _words(attributes_of(group[name]).get("units", "angstrom"))
                return _one_value(group[name], path) * nexus.scale_of("length", unit, f"{path}: {group.name}/{name}")
    return None


# ---- CXI ---------------------------------------------------------------------------------------------------


def save_cxi(instrument: Instrument, path: Path, force: bool) -> None:
    """Write an instrument as CXI 1.6."""
    content = _cxi_content(instrument)
    with pending(path, force=force) as temporary, open_hdf5(temporary, "w") as file:
        file["cxi_version"] = 160
        _put_tree(file.create_group("entry_1/instrument_1"), content)


def put_cxi_instrument(file: H5Object, instrument: Instrument) -> None:
    """Describe an instrument in an open CXI file."""
    _put_tree(file.require_group("entry_1").create_group("instrument_1"), _cxi_content(instrument))


def _cxi_content(instrument: Instrument) -> dict[str, Any]:
    grid = as_grid(instrument, "CXI")
    return cxi.format_cxi(cxi.cxi_from_pose(**grid._asdict(), wavelength=instrument.wavelength))


def load_cxi(path: Path, given: Given) -> Instrument:
    """Read the first detector of the first entry of a CXI file."""
    with open_hdf5(path) as file, translated_errors(path, "read the geometry"):
        place = "entry_1/instrument_1"
        if f"{place}/detector_1" not in file:
            raise FileFormatError(f"{path}: expected a CXI file with /{place}/detector_1, which is missing.")
        detector_group, shape = file[f"{place}/detector_1"], None
        if "data" in detector_group:
            shape = list(detector_group["data"].shape[-2:])
        beam = next((file[place][name] for name in ("beam_1", "source_1") if name in file[place]), None)
        record = cxi.parse_cxi(_tree(detector_group), None if beam is None else _tree(beam), source=str(path))
    detector = grid_detector(path, given, (record.pixel1, record.pixel2), shape)
    pose, wavelength, orientation = cxi.pose_from_cxi(record, shape=detector.shape)
    detector = detector.with_orientation(orientation)
    return Instrument(detector, on_detector(pose, detector), Beam(wavelength))


# ---- values ------------------------------------------------------------------------------------------------


def _group(parent: H5Object, name: str, kind: str) -> H5Object:
    group = parent.create_group(name)
    group.attrs["NX_class"] = kind
    return group


def _put(group: H5Object, name: str, value: Any, **attributes: str) -> H5Object:
    group[name] = value
    for key, text in attributes.items():
        group[name].attrs[key] = text
    return group[name]


def _put_tree(group: H5Object, content: dict[str, Any]) -> None:
    for name, value in content.items():
        if isinstance(value, dict):
            _put_tree(group.create_group(name), value)
        else:
            group[name] = value


def _tree(group: H5Object) -> dict[str, Any]:
    """Return a group as nested mappings; arrays of images stay unread."""
    content: dict[str, Any] = {}
    for name, item in group.items():
        if is_group(item):
            content[name] = _tree(item)
        elif is_dataset(item):
            content[name] = item[()] if item.ndim < 3 and item.size <= 64 else None
    return content


def _groups_of_class(parent: H5Object, kind: str) -> list[H5Object]:
    """Return all groups of a NeXus class below `parent`, in the order of the file."""
    found: list[H5Object] = []

    def visit(_: str, item: H5Object) -> None:
        if is_group(item) and _words(attributes_of(item).get("NX_class", "")) == kind:
            found.append(item)

    parent.visititems(visit)
    return found


def _value(group: H5Object, name: str) -> Any:
    return group[name][()] if name in group else None


def _length(group: H5Object, name: str, path: Path) -> float:
    """Return a length in m; DECTRIS and NeXus both write the unit."""
    unit = _words(attributes_of(group[name]).get("units", "m"))
    return _one_value(group[name], path) * nexus.scale_of("length", unit, f"{path}: {group.name}/{name}")


def _one_value(field: H5Object, path: Path) -> float:
    """Return a number; an array must hold one value, or the same everywhere."""
    values = np.atleast_1d(np.asarray(field[()], dtype=np.float64)).ravel()
    if values.size == 0 or not math.isfinite(values[0]) or not (values == values[0]).all():
        raise FileFormatError(
            f"{path}: {field.name}: expected one finite value, got {values.size} from {values[:3].tolist()} "
            "on. Select the frame and write its value."
        )
    return float(values[0])


def _words(value: Any) -> str:
    """Return text that HDF5 may hold as bytes, as an array of one, or as a string."""
    if isinstance(value, np.ndarray):
        value = value.ravel()[0] if value.size else ""
    return value.decode() if isinstance(value, bytes) else str(value)


def _triple(values: Any, name: str) -> tuple[float, float, float]:
    numbers = np.asarray(values, dtype=np.float64).ravel()
    if numbers.size != 3:
        raise FileFormatError(f"{name}: expected three numbers, got {numbers.tolist()}.")
    return float(numbers[0]), float(numbers[1]), float(numbers[2])
