# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Detector descriptions in NeXus (HDF5) files, as pyFAI writes and reads them.

The detector is a group of class ``NXdetector``, by custom ``/entry_0000/pyFAI/<name>``:

===========================  ===============================================================================
dataset                      content
===========================  ===============================================================================
shape, max_shape, binning    rows and columns of the image; unbinned; blocks combined
pixel_size                   slow and fast pixel size, m
orientation                  index mirror 1-4; absent means 3
pixel_corners                (n_slow, n_fast, 4 or 6, 3), last axis (depth, slow, fast), m: only of pixels
                             that are not a plain grid from (0, 0) on
mask                         of the image, not 0 = excluded
flatfield, darkcurrent       of the image
dummy, delta_dummy           value of pixels without data: -2 and 1.5 of Dectris detectors
sensor_material, _thickness  sensor; thickness in m
azimuthal_record             our own: the detector as JSON, which keeps name, modules and rules exactly
azimuthal_pixel_corners      our own: corners in float64, when nothing else in the file holds them exactly
===========================  ===============================================================================

Orientation and ``pixel_corners``.  pyFAI 2026.9 applies the orientation to pixel centres, not to stored
corners, and writes the corners of one detector mirrored and of another not (a test lists which).  A file with
both ``pixel_corners`` and an orientation other than 3 is therefore ambiguous, and :func:`load_detector`
asks.  We never write such a file: when corners must be written, they are those of the image's pixels as they
are, with orientation 3, which every reader understands alike.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

import numpy as np

from azimuthal._pending_file import pending
from azimuthal._validate import image_array, one_of
from azimuthal.detectors import CornerArray, Detector, GivenMask, InvalidValues, RegularGrid, Sensor
from azimuthal.errors import (
    FileFormatError,
    GeometryFileWarning,
    ParameterError,
)
from azimuthal.io.hdf5 import H5Object, attributes_of, is_dataset, is_group, open_hdf5, translated_errors
from azimuthal.io.named_errors import errors_naming
from azimuthal.typing import AnyArray, BoolArray, FloatArray, PathLike

__all__ = ["DetectorImages", "load_detector", "load_detector_images", "save_detector"]

CornerOrder = Literal["native", "image"]

_RECORD = "azimuthal_record"
_EXACT_CORNERS = "azimuthal_pixel_corners"
_ENTRY = "entry_0000"
_DECTRIS = (-2.0, 1.5)
_ROWS_PER_BLOCK = 256


class DetectorImages(NamedTuple):
    """Images beside a detector's description, in the order of the image; None where the file has none."""

    mask: BoolArray | None
    flatfield: FloatArray | None
    darkcurrent: FloatArray | None


def load_detector(path: PathLike, *, group: str | None = None, corner_order: CornerOrder | None = None) -> Detector:
    """Return the detector that a NeXus detector file describes.

    Parameters
    ----------
    path:
        The file.
    group:
        HDF5 path of the NXdetector group, needed when the file has several.
    corner_order:
        Needed only for a file with both ``pixel_corners`` and an orientation other than 3: ``"native"`` when
        the stored corners are those of the native pixels, ``"image"`` when they are mirrored already.

    Returns
    -------
    :
        The description; ``.file`` is the path.  The file's mask is part of its static mask (a pixel whose
        corners are not finite is masked too); flat field and dark current: :func:`load_detector_images`.

    Raises
    ------
    FileMissingError, FileFormatError
        The file does not exist, is damaged, or holds no (or no usable) detector.
    ParameterError
        The file has several detectors, or its orientation is ambiguous.
    """
    with errors_naming(path), open_hdf5(path) as file, translated_errors(path, "read the detector"):
        node = _detector_group(file, path, group)
        own = _RECORD in node
        described = _from_record(node, path) if own else _from_datasets(node, path, corner_order)
    return described.replace(file=str(path))


def load_detector_images(path: PathLike, *, group: str | None = None) -> DetectorImages:
    """Return mask, flat field and dark current of a detector file."""
    with open_hdf5(path) as file, translated_errors(path, "read the detector's images"):
        node = _detector_group(file, path, group)
        mask = node["mask"][()] != 0 if "mask" in node else None
        flat, dark = (
            np.asarray(node[name][()], dtype=np.float64) if name in node else None
            for name in ("flatfield", "darkcurrent")
        )
    return DetectorImages(mask, flat, dark)


def save_detector(
    detector: Detector,
    path: PathLike,
    *,
    force: bool = False,
    flatfield: AnyArray | None = None,
    darkcurrent: AnyArray | None = None,
) -> None:
    """Write a detector to a NeXus file that :func:`load_detector` and pyFAI read.

    Parameters
    ----------
    detector:
        The detector.  Unless it is a plain grid, 48 to 150 bytes per pixel are written before compression.
    path:
        The file; an existing one is replaced only with `force`.
    force:
        Replace an existing file.
    flatfield, darkcurrent:
        Images of the detector's shape to store beside it.

    Raises
    ------
    OutputExistsError, OutputError
        The file exists, or cannot be written; nothing is left behind.
    ShapeError
        An image has another shape.
    """
    images = {
        name: image_array(name, image, detector.shape)
        for name, image in (("flatfield", flatfield), ("darkcurrent", darkcurrent))
        if image is not None
    }
    described = detector if _keeps_its_layout(detector) else _baked(detector)
    with pending(path, force=force) as temporary, open_hdf5(temporary, "x") as file:
        node = _new_group(file, described.name)
        _write_description(node, described)
        for name, image in images.items():
            _write_image(node, name, image)


# ---- reading -----------------------------------------------------------------------------------------------


def _detector_group(file: H5Object, path: PathLike, group: str | None) -> H5Object:
    found = [name for name, item in _walk(file) if _text(attributes_of(item).get("NX_class")) == "NXdetector"]
    if group is not None:
        if group.strip("/") not in found:
            raise ParameterError(f"group: {path} has no NXdetector {group!r}; it has {found or 'none'}.")
        return file[group]
    if not found:
        raise FileFormatError(f"{path}: no group of class NXdetector: this is not a detector file.")
    if len(found) > 1:
        raise ParameterError(f"group: {path} has several detectors; choose one of {found}.")
    return file[found[0]]


def _walk(file: H5Object) -> Iterator[tuple[str, H5Object]]:
    """Yield all groups by breadth; soft and external links that lead nowhere are passed over."""
    waiting = [("", file)]
    while waiting:
        prefix, parent = waiting.pop(0)
        for name in parent:
            item = parent.get(name)
            if item is not None and is_group(item):
                path = f"{prefix}/{name}".strip("/")
                yield path, item
                waiting.append((path, item))


def _from_record(node: H5Object, path: PathLike) -> Detector:
    record = json.loads(_text(node[_RECORD][()]))
    if "catalogue" not in record and "layout" not in record:
        name = _EXACT_CORNERS if _EXACT_CORNERS in node else "pixel_corners"
        record["layout"] = {"builder": CornerArray.builder, "array": _corners(node, path, name)}
    return Detector.from_dict(record)


def _from_datasets(node: H5Object, path: PathLike, corner_order: CornerOrder | None) -> Detector:
    name = node.name.rsplit("/", 1)[-1].replace("_", " ")
    common = {"name": name, "sensor": _sensor(node, path), "invalid": _invalid(node, path)}
    orientation = int(node["orientation"][()]) if "orientation" in node else 3
    if "pixel_corners" in node:
        return _from_corners(node, path, _checked_order(path, orientation, corner_order), orientation, common)
    if "IS_FLAT" in node and not node["IS_FLAT"][()]:
        raise FileFormatError(f"{path}: the detector is not flat, but the file has no pixel_corners.")
    pixel1, pixel2 = _pair(node, "pixel_size", path)
    shape = _shape(node, path)
    described = Detector(pixel1=pixel1, pixel2=pixel2, shape=shape, orientation=orientation, **common)
    mask = _mask(node)
    return described if mask is None or not mask.any() else described.with_mask(mask)


def _from_corners(
    node: H5Object, path: PathLike, order: CornerOrder, orientation: int, common: dict[str, Any]
) -> Detector:
    corners = _corners(node, path)
    lost = ~np.asarray(np.isfinite(corners).all(axis=(2, 3)))
    corners[lost] = 0.0
    layout = CornerArray(corners)
    pixel1, pixel2 = _nominal_pixel(node, path, corners)
    described = Detector(layout=layout, shape=layout.shape, pixel1=pixel1, pixel2=pixel2, **common)
    if order == "native":
        described = described.replace(gaps=(GivenMask(lost),) if lost.any() else ()).with_orientation(orientation)
    elif lost.any():
        described = described.with_mask(lost)
    mask = _mask(node)
    return described if mask is None or not mask.any() else described.with_mask(mask)


def _checked_order(path: PathLike, orientation: int, corner_order: CornerOrder | None) -> CornerOrder:
    if corner_order is not None:
        return one_of("corner_order", corner_order, ("native", "image"))
    if orientation not in (0, 3):
        raise ParameterError(
            f"corner_order: {path} has pixel_corners and orientation {orientation}, and programs disagree "
            "whether such "
            "corners are mirrored already. Pass corner_order='native' (not yet) or 'image' (already)."
        )
    return "image"


def _corners(node: H5Object, path: PathLike, name: str = "pixel_corners") -> FloatArray:
    if name not in node:
        raise FileFormatError(f"{path}: {name} are missing.")
    corners = np.asarray(node[name][()], dtype=np.float64)
    if corners.ndim != 4 or corners.shape[3] != 3:
        raise FileFormatError(f"{path}: {name}: expected (n_slow, n_fast, corners, 3), got {corners.shape}.")
    return np.ascontiguousarray(corners[..., [1, 2, 0]])


def _nominal_pixel(node: H5Object, path: PathLike, corners: FloatArray) -> tuple[float, float]:
    if "pixel_size" in node:
        return _pair(node, "pixel_size", path)
    extent = np.ptp(corners, axis=2).reshape(-1, 3)
    return float(np.median(extent[:, 0])), float(np.median(extent[:, 1]))


def _shape(node: H5Object, path: PathLike) -> tuple[int, int]:
    for name in ("shape", "max_shape", "mask", "darkcurrent", "flatfield"):
        if name not in node:
            continue
        slow, fast = node[name][()] if node[name].ndim == 1 else node[name].shape
        if name == "max_shape" and "binning" in node:
            binning = node["binning"][()]
            slow, fast = slow // binning[0], fast // binning[1]
        return int(slow), int(fast)
    raise FileFormatError(f"{path}: the detector's shape is not told (shape, max_shape or an image).")


def _mask(node: H5Object) -> BoolArray | None:
    return node["mask"][()] != 0 if "mask" in node else None


def _sensor(node: H5Object, path: PathLike) -> Sensor | None:
    if "sensor_material" not in node:
        return None
    material = _text(node["sensor_material"][()])
    if "sensor_thickness" not in node:
        warnings.warn(
            f"{path}: the sensor is {material} of untold thickness; it is left out. Use .with_sensor().",
            GeometryFileWarning,
            stacklevel=5,
        )
        return None
    return Sensor(material, float(node["sensor_thickness"][()]))


def _invalid(node: H5Object, path: PathLike) -> InvalidValues:
    if "dummy" not in node:
        return InvalidValues()
    values = tuple(float(node[name][()]) if name in node else 0.0 for name in ("dummy", "delta_dummy"))
    if values == _DECTRIS:
        return InvalidValues(top_of_unsigned=2, negative=True)
    warnings.warn(
        f"{path}: dummy {values[0]} +- {values[1]} is not a rule about integer types and is left out. Pass "
        "dummy= and delta_dummy= to the integration.",
        GeometryFileWarning,
        stacklevel=5,
    )
    return InvalidValues()


def _pair(node: H5Object, name: str, path: PathLike) -> tuple[float, float]:
    if name not in node or not is_dataset(node[name]) or node[name].shape != (2,):
        raise FileFormatError(f"{path}: {name}: expected two numbers (slow, fast).")
    slow, fast = node[name][()]
    return float(slow), float(fast)


def _text(value: Any) -> str:
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)


# ---- writing -----------------------------------------------------------------------------------------------


def _is_plain(detector: Detector) -> bool:
    """Whether pixel size, shape and orientation say everything about positions."""
    return isinstance(detector.layout, RegularGrid) and detector.origin == (0, 0)


def _keeps_its_layout(detector: Detector) -> bool:
    """Whether the file can hold the layout itself: plain, or corners that need no mirror and no window."""
    if _is_plain(detector):
        return True
    return detector.orientation == 3 and (detector.is_whole or not isinstance(detector.layout, CornerArray))


def _baked(detector: Detector) -> Detector:
    """Return a detector with the same image pixels, given corner by corner, in orientation 3."""
    mask = detector.gap_mask()
    return detector.replace(
        layout=CornerArray(detector.corners()),
        orientation=3,
        origin=(0, 0),
        binning=(1, 1),
        modules=None,
        gaps=(GivenMask(mask),) if mask.any() else (),
    )


def _new_group(file: H5Object, name: str) -> H5Object:
    file.attrs.update({"NX_class": "NXroot", "creator": "azimuthal", "default": _ENTRY})
    entry = file.create_group(_ENTRY)
    entry.attrs["NX_class"] = "NXentry"
    entry["title"] = "description of a detector"
    entry["program_name"] = "azimuthal"
    entry["start_time"] = datetime.now(UTC).isoformat(timespec="seconds")  # pyFAI lists only entries with a time
    subentry = entry.create_group("pyFAI")  # the name under which pyFAI files a detector
    subentry.attrs["NX_class"] = "NXsubentry"
    subentry["definition_local"] = "pyFAI"
    node = subentry.create_group(name.replace(" ", "_").replace("/", "_"))
    node.attrs["NX_class"] = "NXdetector"
    return node


def _write_description(node: H5Object, detector: Detector) -> None:
    plain = _is_plain(detector)
    node["API_VERSION"] = np.bytes_("1.2")
    node["IS_FLAT"] = detector.is_flat
    node["IS_CONTIGUOUS"] = plain
    node["CORNERS"] = detector.n_corners
    node["force_pixel"] = True
    node["pixel_size"] = np.array([detector.pixel1, detector.pixel2])
    node["pixel_size"].attrs["unit"] = "m"
    for name in ("shape", "max_shape"):
        node[name] = np.array(detector.shape, dtype=np.int32)
    node["binning"] = np.array([1, 1], dtype=np.int32)
    node["orientation"] = np.int32(detector.orientation)
    if detector.invalid == InvalidValues(top_of_unsigned=2, negative=True):
        node["dummy"], node["delta_dummy"] = _DECTRIS
    if detector.sensor is not None:
        node["sensor_material"] = np.bytes_(detector.sensor.material)
        node["sensor_thickness"] = detector.sensor.thickness
        node["sensor_thickness"].attrs["unit"] = "m"
    mask = detector.gap_mask()
    if mask.any():
        _write_image(node, "mask", mask.astype(np.int8))
    if not plain:
        _write_corners(node, detector)
    node[_RECORD] = json.dumps(_record(node, detector))


def _record(node: H5Object, detector: Detector) -> dict[str, Any]:
    """Return the detector's own record; explicit corners are left to datasets of `node`."""
    if not isinstance(detector.layout, CornerArray):
        return detector.replace(file=None).to_dict()
    exact = detector.corners()[..., [2, 0, 1]]
    if not np.array_equal(exact, node["pixel_corners"][()]):
        node.create_dataset(_EXACT_CORNERS, data=exact, compression="gzip", compression_opts=1, shuffle=True)
    # without a name that the catalogue knows, and without the array, the record is complete and short
    anonymous = detector.replace(name="", file=None, layout=RegularGrid(detector.shape, 1.0, 1.0))
    record = anonymous.to_dict() | {"name": detector.name}
    del record["layout"]
    return record


def _write_image(node: H5Object, name: str, image: AnyArray) -> None:
    dataset = node.create_dataset(name, data=image, compression="gzip", shuffle=True)
    dataset.attrs["interpretation"] = "image"


def _write_corners(node: H5Object, detector: Detector) -> None:
    n_slow, n_fast = detector.shape
    dataset = node.create_dataset(
        "pixel_corners",
        shape=(n_slow, n_fast, detector.n_corners, 3),
        dtype=np.float32,  # pyFAI 2026.9 fails on float64
        chunks=(1, n_fast, detector.n_corners, 3),
        compression="gzip",
        compression_opts=1,
        shuffle=True,
    )
    dataset.attrs["interpretation"] = "vertex"
    for start in range(0, n_slow, _ROWS_PER_BLOCK):
        rows = slice(start, min(start + _ROWS_PER_BLOCK, n_slow))
        dataset[rows] = detector.corners(rows)[..., [2, 0, 1]]
