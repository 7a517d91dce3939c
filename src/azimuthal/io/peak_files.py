# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Tables of peaks in HDF5 files.

``format="cxi"`` (extension ``.cxi``): the peak list of the Coherent X-ray Imaging format as Cheetah, CrystFEL and pyFAI
use it, in ``/entry_1/result_1``:

=============================  =================================================================================
dataset                        meaning; shape (n_frames, most peaks of a frame), padded with 0, unless said
=============================  =================================================================================
nPeaks                         number of peaks; (n_frames,)
peakXPosRaw, peakYPosRaw       fast and slow position, array indices: pixel centres are integers (CrystFEL adds 0.5)
peakTotalIntensity, peakSNR    intensity and signal to noise
peakNPixels                    picked pixels
peakTotalIntensitySigma, ...   our own columns: ``...Sigma`` of intensity and positions, ``peakBackground``
=============================  =================================================================================

``format="nexus"`` (extension ``.nxs``): the list that pyFAI writes, in ``/entry/peaks``: ``spots`` (peaks per frame),
``frame_ptr`` (frame k has the peaks ``frame_ptr[k]:frame_ptr[k + 1]``), ``index`` (of the pixel nearest to the peak in
the flattened image), ``intensity``, ``sigma``, ``pos1`` (slow), ``pos2`` (fast); and our own ``snr``, ``n_pixels``,
``pos1_sigma``, ``pos2_sigma``, ``background``.

Both hold how the peaks were found as JSON (``process_1/metadata`` and ``peakfinder/configuration/data``).  The shape of
the frames is an attribute, ``frame_shape``, of the group with the columns.  Columns that a file of another program does
not have are NaN (0 for the number of pixels) after reading.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np

from azimuthal._pending_file import pending
from azimuthal._validate import one_of
from azimuthal._version import __version__
from azimuthal.errors import FileFormatError, ParameterError
from azimuthal.images.peaks import COLUMNS, Peaks
from azimuthal.instrument import Instrument
from azimuthal.integrate import Integrator
from azimuthal.io.geometry_hdf5 import put_cxi_instrument
from azimuthal.io.hdf5 import H5Object, attributes_of, check_texts, open_hdf5, translated_errors, whole_array
from azimuthal.io.writers._facts import json_text
from azimuthal.typing import AnyArray, PathLike

__all__ = ["load_peaks", "save_peaks"]

Format: TypeAlias = Literal["cxi", "nexus"]
FORMATS: tuple[Format, ...] = ("cxi", "nexus")
_EXTENSIONS: dict[str, Format] = {".cxi": "cxi", ".nxs": "nexus"}

_CXI = {
    "slow": "peakYPosRaw",
    "fast": "peakXPosRaw",
    "intensity": "peakTotalIntensity",
    "sigma": "peakTotalIntensitySigma",
    "snr": "peakSNR",
    "n_pixels": "peakNPixels",
    "slow_sigma": "peakYPosRawSigma",
    "fast_sigma": "peakXPosRawSigma",
    "background": "peakBackground",
}
_NEXUS = {
    "slow": "pos1",
    "fast": "pos2",
    "intensity": "intensity",
    "sigma": "sigma",
    "snr": "snr",
    "n_pixels": "n_pixels",
    "slow_sigma": "pos1_sigma",
    "fast_sigma": "pos2_sigma",
    "background": "background",
}
_NEEDED = ("slow", "fast", "intensity")


def save_peaks(
    peaks: Peaks,
    path: PathLike,
    *,
    format: Format | None = None,
    instrument: Instrument | Integrator | None = None,
    force: bool = False,
) -> Path:
    """Write a table of peaks to an HDF5 file and return its path; the file appears complete or not at all.

    Parameters
    ----------
    peaks:
        The table.
    path:
        The file.
    format:
        "cxi" or "nexus"; None: by the extension, ``.cxi`` or ``.nxs``.
    instrument:
        Described in a CXI file too, for programs that index the peaks.
    force:
        Whether an existing file may be replaced.

    Raises
    ------
    ParameterError, UnknownNameError
        The format is not known, and the extension does not say it.
    OutputExistsError, OutputError
        The file exists, or cannot be written.
    """
    chosen = format_of(path, format)
    found = instrument.instrument if isinstance(instrument, Integrator) else instrument
    with pending(path, force=force) as temporary, open_hdf5(temporary, "w") as file:
        if chosen == "cxi":
            _write_cxi(file, peaks, found)
        else:
            _write_nexus(file, peaks)
    return Path(path)


def load_peaks(path: PathLike, *, shape: tuple[int, int] | None = None) -> Peaks:
    """Return the table of peaks of a file in either format.

    Parameters
    ----------
    path:
        The file.
    shape:
        Of the frames, for files that do not say it.

    Raises
    ------
    FileMissingError, FileFormatError
        There is no such file, or it holds no peaks.
    ParameterError
        The file does not say the shape of the frames, and `shape` is not given, or is another one.
    """
    with open_hdf5(path) as file, translated_errors(path, "read the peaks"):
        if "entry_1/result_1/nPeaks" in file:
            group = file["entry_1/result_1"]
            columns, counts = _read_cxi(group), np.asarray(whole_array(group["nPeaks"]), np.int64)
            note = file.get("entry_1/process_1/metadata")
        elif (group := _nexus_group(file)) is not None:
            pointer = np.asarray(whole_array(group["frame_ptr"]), np.int64)
            columns, counts = _read_nexus(group), np.diff(pointer)
            note = group.parent.get("peakfinder/configuration/data")
        else:
            raise FileFormatError(
                f"{path}: expected a table of peaks, /entry_1/result_1/nPeaks (CXI) or a group 'peaks' with frame_ptr "
                "(NeXus); there is none."
            )
        stored, n_incomplete = attributes_of(group).get("frame_shape"), int(group.attrs.get("n_incomplete", 0))
        provenance = {} if note is None else _json(note)
    if (counts.size and counts.min() < 0) or counts.sum() != len(columns["slow"]):
        raise FileFormatError(f"{path}: its frames have {counts.sum()} peaks, and {len(columns['slow'])} are listed.")
    columns["frame"] = np.repeat(np.arange(counts.size), counts)
    for name in COLUMNS:
        if name not in columns:
            columns[name] = np.full(counts.sum(), 0 if name == "n_pixels" else np.nan)
    if len({columns[name].shape for name in COLUMNS}) > 1:
        raise FileFormatError(f"{path}: its columns of peaks are not of one length; it is damaged.")
    return Peaks(
        *(columns[name] for name in COLUMNS),
        n_frames=int(counts.size),
        n_incomplete=n_incomplete,
        shape=_shape_of(path, stored, shape),
        provenance=provenance,
    )


def format_of(path: PathLike, format: str | None) -> Format:
    """Return the format of a file, as asked for or by its extension."""
    if format is not None:
        return one_of("format", format, FORMATS)
    suffix = Path(path).suffix.lower()
    if suffix not in _EXTENSIONS:
        raise ParameterError(
            f"format: the extension of {path} does not say it. Pass format='cxi' or format='nexus', or call the file "
            "*.cxi or *.nxs."
        )
    return _EXTENSIONS[suffix]


def _write_cxi(file: H5Object, peaks: Peaks, instrument: Instrument | None) -> None:
    file["cxi_version"] = 160
    entry = _group(file, "entry_1", "NXentry")
    file.attrs["default"], entry.attrs["default"] = "entry_1", "result_1"
    result = _group(entry, "result_1", "NXdata")
    result.attrs["signal"] = "nPeaks"
    _put_facts(result, peaks)
    counts = peaks.counts()
    result["nPeaks"] = counts.astype(np.int32)
    order = np.argsort(peaks.frame, kind="stable")
    frame = peaks.frame[order]
    place = np.arange(len(peaks)) - (np.cumsum(counts) - counts)[frame]
    for column, name in _CXI.items():
        values = getattr(peaks, column)[order]
        padded = np.zeros((peaks.n_frames, int(counts.max(initial=0))), values.dtype)
        padded[frame, place] = values
        _create(result, name, padded)
    process = _group(entry, "process_1", "NXprocess")
    process["program"], process["version"] = "azimuthal", __version__
    process["metadata"] = json_text(dict(peaks.provenance))
    if instrument is not None:
        put_cxi_instrument(file, instrument)


def _write_nexus(file: H5Object, peaks: Peaks) -> None:
    entry = _group(file, "entry", "NXentry")
    file.attrs["default"], entry.attrs["default"] = "entry", "peaks"
    group = _group(entry, "peaks", "NXdata")
    group.attrs["signal"] = "spots"
    _put_facts(group, peaks)
    counts = peaks.counts()
    group["spots"] = counts.astype(np.int32)
    group["frame_ptr"] = np.concatenate([[0], np.cumsum(counts)])
    order = np.argsort(peaks.frame, kind="stable")
    for column, name in _NEXUS.items():
        _create(group, name, getattr(peaks, column)[order])
    nearest = np.rint(peaks.slow[order]) * peaks.shape[1] + np.rint(peaks.fast[order])
    _create(group, "index", nearest.astype(np.int64))
    group["pos1"].attrs["dir"], group["pos2"].attrs["dir"] = "y", "x"
    process = _group(entry, "peakfinder", "NXprocess")
    process["program"], process["version"] = "azimuthal", __version__
    note = _group(process, "configuration", "NXnote")
    note["type"], note["data"] = "text/json", json_text(dict(peaks.provenance))


def _read_cxi(group: H5Object) -> dict[str, AnyArray]:
    counts = np.asarray(whole_array(group["nPeaks"]), np.int64)
    _require(group, _CXI)
    width = whole_array(group[_CXI["slow"]]).shape[-1]
    if counts.size and not (counts.min() >= 0 and counts.max() <= width):
        raise FileFormatError(f"{group.file.filename}: nPeaks: expected 0 to {width}, got up to {counts.max()}.")
    chosen = np.arange(width) < counts[:, np.newaxis]
    columns = {column: whole_array(group[name]) for column, name in _CXI.items() if name in group}
    for column, values in columns.items():
        if values.shape != chosen.shape:
            raise FileFormatError(
                f"{group.file.filename}: {_CXI[column]}: expected shape {chosen.shape}, got {values.shape}."
            )
    return {column: values[chosen] for column, values in columns.items()}


def _read_nexus(group: H5Object) -> dict[str, AnyArray]:
    _require(group, _NEXUS)
    columns = {column: whole_array(group[name]) for column, name in _NEXUS.items() if name in group}
    if "snr" not in columns and "sigma" in columns:  # pyFAI's sigma is the noise of the background
        with np.errstate(divide="ignore", invalid="ignore"):
            columns["snr"] = columns["intensity"] / columns["sigma"]
    return columns


def _require(group: H5Object, names: dict[str, str]) -> None:
    missing = [names[column] for column in _NEEDED if names[column] not in group]
    if missing:
        raise FileFormatError(f"{group.file.filename}::{group.name}: {', '.join(missing)} missing.")


def _nexus_group(file: H5Object) -> H5Object | None:
    for entry in file.values():
        if hasattr(entry, "keys") and "peaks" in entry and "frame_ptr" in entry["peaks"]:
            return entry["peaks"]
    return None


def _shape_of(path: PathLike, stored: Any, given: tuple[int, int] | None) -> tuple[int, int]:
    if stored is None and given is None:
        raise ParameterError(f"shape: {path} does not say the shape of its frames. Pass shape=(n_slow, n_fast).")
    written = None if stored is None else (int(stored[0]), int(stored[1]))
    if written is not None and given is not None and written != tuple(given):
        raise ParameterError(f"shape: {path} holds peaks of frames of shape {written}, got {given}.")
    return written or (int(given[0]), int(given[1]))  # type: ignore[index]  # one of them is given


def _json(note: H5Object) -> dict[str, Any]:
    check_texts(note)
    try:
        found = json.loads(note[()])
    except json.JSONDecodeError as error:
        raise FileFormatError(f"{note.file.filename}::{note.name}: expected JSON: {error}.") from error
    return found if isinstance(found, dict) else {}


def _put_facts(group: H5Object, peaks: Peaks) -> None:
    group.attrs["frame_shape"] = peaks.shape
    group.attrs["n_incomplete"] = peaks.n_incomplete


def _group(parent: H5Object, name: str, kind: str) -> H5Object:
    group = parent.create_group(name)
    group.attrs["NX_class"] = kind
    return group


def _create(group: H5Object, name: str, values: AnyArray) -> None:
    options = {"compression": "gzip", "compression_opts": 1, "shuffle": True} if values.size else {}
    group.create_dataset(name, data=values, **options)
