# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Sparse frames in HDF5 files, in the layout that pyFAI's sparsify-Bragg writes and fabio reads as images.

``/entry/sparse_frames``; frame k has the pixels ``frame_ptr[k]:frame_ptr[k + 1]``:

=====================================  =============================================================================
dataset                                meaning
=====================================  =============================================================================
frame_ptr                              uint64, (n_frames + 1,)
index, intensity                       place in the flattened image and raw value of every pixel that is kept
dummy                                  raw value of pixels that are not kept
radius                                 (n_rings,): centres of the rings, attribute ``unit``
mask                                   shape of the frame: radius of every pixel; NaN: not kept
background_avg, background_std         float32, (n_frames, n_rings)
normalization                          shape of the frame: what raw values were divided by; absent for 1
=====================================  =============================================================================

and our own: ``radius_edges``, ``dark`` (absent for 0), ``background_known`` ((n_frames, n_rings): rings that have a
background; the others hold an interpolated one, for readers that know no NaN), ``frame`` (numbers of the frames in
their source).  How it was made is JSON in ``/entry/sparsify/configuration/data``.

fabio's ``open`` and its program densify_Bragg know the layout by the attribute ``creator`` of the file, which must
begin with "pyFAI".  What fabio makes of a file differs from :meth:`SparseFrame.densify` in this (release 2026.6): it
takes rings for equally wide, adds no dark, interpolates across rings without a background, and gives the pixels inside
of the centre of the first ring the value `dummy`.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from azimuthal._pending_file import PendingFile
from azimuthal._version import __version__
from azimuthal.errors import FileFormatError, ParameterError
from azimuthal.images.sparse_frames import SparseFrame, SparseLayout
from azimuthal.io.hdf5 import H5Object, check_texts, open_hdf5, translated_errors, whole_array
from azimuthal.io.named_errors import errors_naming
from azimuthal.io.writers._facts import json_text
from azimuthal.typing import AnyArray, FloatArray, PathLike
from azimuthal.units import Axis, Unit

__all__ = ["SparseWriter", "load_sparse", "save_sparse"]

_GROUP = "entry/sparse_frames"
_CHUNK = 1 << 16
_GZIP: dict[str, Any] = {"compression": "gzip", "compression_opts": 1, "shuffle": True}


class SparseWriter:
    """Writes sparse frames one after the other; use it in a ``with`` block.

    The file appears complete at the end of the block, or not at all when the block raises or nothing was written.

    Parameters
    ----------
    path:
        The file.
    force:
        Whether an existing file may be replaced.

    Raises
    ------
    OutputExistsError, OutputError
        The file exists, or cannot be written.
    """

    def __init__(self, path: PathLike, *, force: bool = False) -> None:
        self._pending = PendingFile(path, force=force)
        self._first: SparseFrame | None = None
        self._context: Any = None
        self._group: H5Object = None
        self.n_frames = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._context is not None:
            self._context.__exit__(kind, error, trace)
        if kind is None and self.n_frames:
            self._pending.publish()
        else:
            self._pending.abandon()

    def append(self, frame: SparseFrame, number: int | None = None) -> None:
        """Write one frame.

        Parameters
        ----------
        frame:
            Of the same layout and type as the first one.
        number:
            Of the frame in its source; by default they are counted.

        Raises
        ------
        ParameterError
            It is of another layout or type.
        """
        if self._first is None:
            self._start(frame)
        self._check(frame)
        known = ~np.isnan(frame.background_avg)
        _extend(self._group["index"], frame.index)
        _extend(self._group["intensity"], frame.intensity)
        _extend(self._group["frame_ptr"], np.array([self._group["index"].shape[0]]))
        _extend(self._group["background_avg"], _without_gaps(frame.background_avg, known)[np.newaxis])
        _extend(self._group["background_std"], _without_gaps(frame.background_std, known)[np.newaxis])
        _extend(self._group["background_known"], known[np.newaxis])
        _extend(self._group["frame"], np.array([self.n_frames if number is None else number]))
        self.n_frames += 1

    def _check(self, frame: SparseFrame) -> None:
        first = self._first
        assert first is not None  # set by the first frame
        if frame.dtype != first.dtype:
            raise ParameterError(f"frame: expected {first.dtype} as the first frame, got {frame.dtype}.")
        if not frame.layout.is_same(first.layout):
            raise ParameterError(
                "frame: its layout differs from that of the first one. Make all frames of a file with one peak finder."
            )

    def _start(self, frame: SparseFrame) -> None:
        self._first, layout = frame, frame.layout
        self._context = open_hdf5(self._pending.temporary, "w")
        file = self._context.__enter__()
        entry = file.create_group("entry")
        file.attrs["creator"] = f"pyFAI layout, written by azimuthal {__version__}"  # what fabio knows the layout by
        file.attrs["default"], entry.attrs["NX_class"] = "entry", "NXentry"
        entry.attrs["default"] = "sparse_frames"
        entry.attrs["pyFAI_sparse_frames"] = f"/{_GROUP}"
        self._group = group = file.create_group(_GROUP)
        for name, value in (("NX_class", "NXdata"), ("signal", "background_avg"), ("axes", [".", "radius"])):
            group.attrs[name] = value
        group["dummy"] = frame.dummy
        group["radius"], group["radius_edges"] = layout.axis.centers, layout.axis.edges
        for name in ("radius", "radius_edges"):
            group[name].attrs["unit"] = layout.axis.unit.name
        group.create_dataset("mask", data=layout.radius, **_GZIP)
        for name, image in (("normalization", layout.normalization), ("dark", layout.offset)):
            if image is not None:
                group.create_dataset(name, data=image, **_GZIP)
        _growing(group, "frame_ptr", np.zeros(1, np.uint64))
        _growing(group, "index", np.zeros(0, np.uint32))
        _growing(group, "intensity", np.zeros(0, frame.dtype))
        _growing(group, "frame", np.zeros(0, np.int64))
        for name in ("background_avg", "background_std"):
            _growing(group, name, np.zeros((0, layout.axis.n_bins), np.float32))  # fabio reads no other type
        _growing(group, "background_known", np.zeros((0, layout.axis.n_bins), np.bool_))
        group["errors"] = group["background_std"]
        process = entry.create_group("sparsify")
        process.attrs["NX_class"] = "NXprocess"
        process["program"], process["version"] = "azimuthal", __version__
        note = process.create_group("configuration")
        note.attrs["NX_class"], note["type"] = "NXnote", "text/json"
        choices = {"cutoff_pick": layout.cutoff_pick, "noise": layout.noise}
        note["data"] = json_text(
            {"sparsify": choices, "unit": layout.axis.unit.to_dict(), "provenance": dict(layout.provenance)}
        )


def save_sparse(frames: SparseFrame | Iterable[SparseFrame], path: PathLike, *, force: bool = False) -> Path:
    """Write sparse frames of one peak finder to a file, and return its path.

    Raises
    ------
    ParameterError
        There is no frame, or layouts or types differ.
    OutputExistsError, OutputError
        The file exists, or cannot be written.
    """
    with SparseWriter(path, force=force) as writer:
        for frame in [frames] if isinstance(frames, SparseFrame) else frames:
            writer.append(frame)
        if not writer.n_frames:
            raise ParameterError("frames: expected at least one sparse frame, got none.")
    return Path(path)


def load_sparse(path: PathLike) -> list[SparseFrame]:
    """Return the sparse frames of a file that this package wrote.

    Raises
    ------
    FileMissingError, FileFormatError
        There is no such file, or it holds none; files of other programs do not say the edges of the rings.
    """
    with errors_naming(path), open_hdf5(path) as file, translated_errors(path, "read the sparse frames"):
        if _GROUP not in file or "radius_edges" not in file[_GROUP]:
            raise FileFormatError(f"{path}: expected sparse frames written by azimuthal in /{_GROUP}; there are none.")
        group = file[_GROUP]
        check_texts(file["entry/sparsify/configuration/data"])
        layout = _layout(group, json.loads(file["entry/sparsify/configuration/data"][()]))
        pointer = np.asarray(whole_array(group["frame_ptr"]), np.int64)
        index, intensity = np.asarray(whole_array(group["index"]), np.int64), whole_array(group["intensity"])
        known = np.asarray(whole_array(group["background_known"]), np.bool_)
        mean = np.where(known, group["background_avg"][()].astype(np.float64), np.nan)
        std = np.where(known, group["background_std"][()].astype(np.float64), np.nan)
        dummy = intensity.dtype.type(group["dummy"][()])
    with errors_naming(path):
        return [
            SparseFrame(layout, index[begin:end], intensity[begin:end], mean[k], std[k], dummy)
            for k, (begin, end) in enumerate(itertools.pairwise(pointer))
        ]


def _layout(group: H5Object, record: dict[str, Any]) -> SparseLayout:
    images = [whole_array(group[name]) if name in group else None for name in ("normalization", "dark")]
    choices = record["sparsify"]
    return SparseLayout(
        Axis(Unit.from_dict(record["unit"]), group["radius_edges"][()]),
        np.asarray(whole_array(group["mask"])),
        images[0],
        images[1],
        float(choices["cutoff_pick"]),
        float(choices["noise"]),
        record.get("provenance", {}),
    )


def _growing(group: H5Object, name: str, values: AnyArray) -> None:
    chunk = (_CHUNK,) if values.ndim == 1 else (1, values.shape[1])
    group.create_dataset(name, data=values, maxshape=(None, *values.shape[1:]), chunks=chunk, **_GZIP)


def _extend(dataset: H5Object, values: AnyArray) -> None:
    size = dataset.shape[0]
    dataset.resize(size + len(values), axis=0)
    dataset[size:] = values


def _without_gaps(values: FloatArray, known: AnyArray) -> FloatArray:
    """Return values with NaN interpolated between those that are known; 0 when none is."""
    if not known.any():
        return np.zeros_like(values)
    places = np.arange(values.size)
    return np.asarray(np.interp(places, places[known], values[known]))
