# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Cakes as images with their axes in the header: TIFF (``.tif``, ``.tiff``) and EDF (``.edf``).

The image is ``[azimuthal, radial]``, first azimuth first, as float32, which every program of the field reads; its
header says that.  With an error model a second image, ``cake_sigma.edf`` beside ``cake.edf``, holds the
uncertainties: a second page would be taken for a second frame.  A bin that holds nothing is NaN, or the number
``empty``, which the header states.

The header names of each axis the unit, and, where its bins have one width, the centre of the first bin and the step,
else all centres: keywords ``radial_unit radial_first radial_step`` or ``radial_centers``, the same with
``azimuthal_``, in EDF as keywords, in TIFF as JSON in the tag ImageDescription.  Wavelength (m), average, error
model, normalisation factor and label follow.  Edges, sums and covariances have no place there: keep the NXazint file.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from azimuthal._pending_file import check_target, pending
from azimuthal.errors import DataTypeError, OutputError, ParameterError
from azimuthal.io.writers._columns import Result, warn_of_covariance
from azimuthal.io.writers._facts import PROGRAM, json_text, label_of, program_version
from azimuthal.results import Cake
from azimuthal.typing import FloatArray
from azimuthal.units import Axis

_STEP_TOLERANCE = 1e-6
_EDF_BLOCK = 512
_LARGEST_TIFF = 0xFFFF0000


def write_edf(results: Iterator[Result], path: Path, *, force: bool, empty: float = np.nan) -> tuple[Path, ...]:
    """Write the intensities, and beside them the uncertainties, each as an EDF file of one frame."""
    return _write(results, path, _edf, force=force, empty=empty)


def write_tiff(results: Iterator[Result], path: Path, *, force: bool, empty: float = np.nan) -> tuple[Path, ...]:
    """Write the intensities, and beside them the uncertainties, each as a TIFF file of one page."""
    return _write(results, path, _tiff, force=force, empty=empty)


def _write(results: Iterator[Result], path: Path, encode: Any, *, force: bool, empty: float) -> tuple[Path, ...]:
    (cake,) = results
    if not isinstance(cake, Cake):
        raise DataTypeError("results: this format holds a cake, got a profile. Save it as .xy, .xye or .h5.")
    warn_of_covariance(cake, path)
    facts = header_of(cake, empty)
    images = {path: _filled(cake, cake.intensity, empty)}
    if cake.sigma is not None:
        images[path.with_name(f"{path.stem}_sigma{path.suffix}")] = _filled(cake, cake.sigma, empty)
    for target in images:
        check_target(target, force=force)
    for target, image in images.items():
        content = encode(image, {"image": "intensity" if target == path else "sigma", **facts})
        with pending(target, force=force) as temporary:
            temporary.write_bytes(content)
    return tuple(images)


def header_of(cake: Cake, empty: float = np.nan) -> dict[str, Any]:
    """Return what the header says: axes, units, and how the numbers were made."""
    return {
        "program": f"{PROGRAM} {program_version(cake.provenance)}",
        "label": label_of(cake.metadata),
        "stored_as": "float32",
        "rows": "azimuthal, first row first",
        **_axis_facts("radial", cake.radial_axis),
        **_axis_facts("azimuthal", cake.azimuthal_axis),
        "wavelength_m": "not known" if cake.wavelength is None else cake.wavelength,
        "average": cake.average,
        "error_model": cake.error_model or "none",
        "normalization_factor": cake.normalization_factor,
        "empty_bins": "nan" if np.isnan(empty) else empty,
    }


def _axis_facts(name: str, axis: Axis) -> dict[str, Any]:
    edges = axis.edges
    step = float(edges[-1] - edges[0]) / axis.n_bins
    even = np.linspace(edges[0], edges[-1], edges.size)
    facts: dict[str, Any] = {f"{name}_unit": axis.unit.name}
    if np.abs(edges - even).max() <= _STEP_TOLERANCE * abs(step):
        return facts | {f"{name}_first": float(edges[0]) + 0.5 * step, f"{name}_step": step}
    return facts | {f"{name}_centers": axis.centers.tolist()}


def _filled(cake: Cake, values: FloatArray, empty: float) -> npt.NDArray[np.float32]:
    held = (cake.count != 0) | (cake.sum_normalization != 0)
    if not np.isnan(empty) and (values[held] == empty).any():
        raise ParameterError(f"empty: {empty!r} is the value of a bin that holds something. Choose another number.")
    with np.errstate(over="ignore"):
        stored = np.where(held, values, empty).astype("<f4")
    if (np.isinf(stored) & np.isfinite(values)).any():
        raise OutputError("results: intensities beyond float32. Scale them, or save the cake as .h5.")
    return stored


def _edf(image: npt.NDArray[np.float32], facts: dict[str, Any]) -> bytes:
    entries: dict[str, Any] = {
        "EDF_DataBlockID": "0.Image.Psd",
        "HeaderID": "EH:000001:000000:000000",
        "ByteOrder": "LowByteFirst",
        "DataType": "FloatValue",
        "Dim_1": image.shape[1],
        "Dim_2": image.shape[0],
        "Size": image.nbytes,
        **facts,
    }
    text = "{\n" + "".join(f"{name} = {_entry_text(value)} ;\n" for name, value in entries.items())
    length = -(-(len(text) + 2) // _EDF_BLOCK) * _EDF_BLOCK
    return (text.ljust(length - 2) + "}\n").encode("ascii") + image.tobytes()


def _entry_text(value: Any) -> str:
    """Return a value without the characters that end an entry; a list as numbers with blanks between."""
    text = " ".join(map(repr, value)) if isinstance(value, list) else str(value)
    return "".join(c if c.isascii() and c.isprintable() and c not in ";{}" else "_" for c in text)


def _tiff(image: npt.NDArray[np.float32], facts: dict[str, Any]) -> bytes:
    """Return a little-endian TIFF of one page in one strip."""
    about = json_text(facts).encode("ascii") + b"\0"
    about += b"\0" * (len(about) % 2)
    if image.nbytes + len(about) > _LARGEST_TIFF:
        raise ParameterError("results: a TIFF file holds at most 4 GB. Save the cake as .h5.")
    n_slow, n_fast = image.shape
    at_image = 8
    at_about = at_image + image.nbytes
    ascii_, short, long = 2, 3, 4
    entries = [
        (256, long, 1, n_fast), (257, long, 1, n_slow), (258, short, 1, 32), (259, short, 1, 1), (262, short, 1, 1),
        (270, ascii_, len(about), at_about), (273, long, 1, at_image), (277, short, 1, 1), (278, long, 1, n_slow),
        (279, long, 1, image.nbytes), (339, short, 1, 3),
    ]  # fmt: skip
    directory = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", *entry) for entry in entries)
    header = struct.pack("<2sHI", b"II", 42, at_about + len(about))
    return header + image.tobytes() + about + directory + struct.pack("<I", 0)
