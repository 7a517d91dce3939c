# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Images in HDF5 files: plain stacks, NeXus, EIGER masters with external links, virtual datasets.

`_hdf5_choice` says which dataset holds the images, `_nexus_facts` what the file knows about the measurement.
Stacks of more than three dimensions are flattened over their leading axes in C order; two dimensions are one
frame.

**Nothing absent is read as zero.**  HDF5 silently returns the fill value for a virtual source whose file is
gone, for frames beyond the end of a shortened source, and for chunks that were never written.  Here all three
are errors that name the file or the frame: absent files when the source is opened, the others when the frame
is read.

Frames of an EIGER master that was told to make fewer files than it has links for (``nimages x ntrigger``
frames are already complete without them) are complete; the surplus links are listed in the metadata as
``surplus_members``.

Who decodes.  Where chunks lie is read once per dataset (`_chunk_table`, through virtual datasets: `_virtual_map`);
after that a frame is a plain read and a call of the compiled decoder, without HDF5 and its process-wide lock.  Filters
that the decoder does not know (gzip, blosc, ...) are left to HDF5.  `Hdf5Frames.decoder` says which it is, and
`Hdf5Frames.stored_frames` hands out the stored bytes.
"""

from __future__ import annotations

import bisect
import itertools
import math
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from azimuthal.engines import thread_count
from azimuthal.errors import FileFormatError, FileMissingError, ShapeError
from azimuthal.io.frames._bytes import frame_name
from azimuthal.io.frames._chunk_check import BITSHUFFLE, BLOSC2, LZ4, SHUFFLE, blosc2_payload, check_chunk, check_length
from azimuthal.io.frames._chunk_table import ChunkTable, read_chunk_table
from azimuthal.io.frames._hdf5_choice import Choice, choose_images, is_image_stack, text_list_attribute
from azimuthal.io.frames._measured import KINDS, measured_datasets, values_of
from azimuthal.io.frames._native import CODECS, codec_of
from azimuthal.io.frames._nexus_facts import announced_frames, channel_facts, image_paths, nexus_facts
from azimuthal.io.frames._protocol import FrameSource, checked_dtype, checked_frame_shape
from azimuthal.io.frames._stored import ChunkStore
from azimuthal.io.frames._virtual import VirtualSources
from azimuthal.io.frames._virtual_map import VirtualMap
from azimuthal.io.hdf5 import H5Object, filter_names, filter_options, open_hdf5, require_filters, translated_errors
from azimuthal.typing import AnyArray, BoolArray, FloatArray, PathLike

_OPEN_DATASETS = 16
_ZEROS_TAKE_LESS = 20  # times, in any codec of Blosc2
#: Chunks of several frames would be decoded anew for every frame without a cache that holds one.
_CHUNK_CACHE = 64 << 20
#: Metadata of the source that every result repeats.
_FOR_RESULTS = ("wavelength", "distance", "exposure_time", "threshold_energy", "channel")


@dataclass(frozen=True, slots=True)
class FrameLocation:
    """Where one frame is stored.

    Parameters
    ----------
    file:
        The HDF5 file that holds the dataset (the target of an external link; virtual datasets are not
        resolved).
    dataset:
        Path of the dataset inside `file`.
    index:
        Leading indices of the frame, ``()`` for a 2-D dataset.
    """

    file: Path
    dataset: str
    index: tuple[int, ...]


def open_source(path: PathLike, dataset: str | None = None) -> FrameSource:
    """Open the images of an HDF5 file as a frame source; see the module docstring."""
    return Hdf5Frames(path, dataset)


class Hdf5Frames(FrameSource):
    """The images of an HDF5 file.

    Parameters
    ----------
    path:
        The file.
    dataset:
        Path of a dataset or group inside it; None applies the rules of `_hdf5_choice`.

    Raises
    ------
    FileMissingError
        The file, a member of a series, or a source of a virtual dataset is absent; each is named.
    FileFormatError
        Not HDF5, damaged, or no single stack of images; then the candidates are listed.
    ShapeError
        Members of a series differ in shape or type.
    MissingDependencyError
        A filter needs hdf5plugin and it is not installed.
    """

    def __init__(self, path: PathLike, dataset: str | None = None) -> None:
        self._path = Path(path)
        self._stack = ExitStack()
        self._handles: OrderedDict[str, H5Object] = OrderedDict()
        self._lock = threading.Lock()
        self._measured_lock = threading.Lock()
        self._values: dict[str, FloatArray] = {}
        with self._stack, translated_errors(path, "find its images"):
            self._file = self._stack.enter_context(open_hdf5(path, chunk_cache=_CHUNK_CACHE))
            choice = choose_images(self._file, dataset)
            self._members: list[_Member] = []
            for name in choice.datasets:
                self._add_member(name)
            metadata = self._facts(choice)
            self._starts = list(itertools.accumulate((member.n_frames for member in self._members), initial=0))
            self._opened = self._stack.pop_all()
        super().__init__(
            shape=self._members[0].shape,
            dtype=self._members[0].dtype,
            n_frames=self._starts[-1],
            name=frame_name(path),
            metadata=metadata,
        )
        self._store = ChunkStore(self.shape, self.dtype, self._place, self._where)

    @property
    def datasets(self) -> tuple[str, ...]:
        """Paths of the datasets that hold the frames, in order."""
        return tuple(member.name for member in self._members)

    @property
    def filters(self) -> tuple[str, ...]:
        """Filter pipeline of the (first) dataset."""
        return self._members[0].filters

    def locate(self, index: int) -> FrameLocation:
        """Return where a frame is stored."""
        member, leading = self._find(self._checked_index(index))
        handle = self._handle(member.name)
        return FrameLocation(Path(handle.file.filename), handle.name, leading)

    def read_mask(self) -> BoolArray | None:
        """Return the detector's pixel mask, True where any bit of ``pixel_mask`` is set; None without one."""
        self._check_open()
        path = self._metadata.get("pixel_mask_dataset")
        if path is None:
            return None
        with translated_errors(self._path, f"read {path}"):
            item = self._file[path]
            require_filters(item)
            if item.shape not in {self._shape, (1, *self._shape)}:
                raise ShapeError(
                    f"{self._path}::{path}: expected shape {self._shape} as the frames have, got {item.shape}."
                )
            mask = np.asarray(item[()]).reshape(self._shape)
        return np.asarray(mask != 0)

    def _add_member(self, name: str) -> None:
        member = _Member(self._path, name, self._handle(name))
        if self._members:
            first = self._members[0]
            if (member.shape, member.dtype) != (first.shape, first.dtype):
                raise ShapeError(
                    f"{self._path}: {name} holds frames of {member.shape} {member.dtype}, {first.name} of "
                    f"{first.shape} {first.dtype}; members of a series must agree."
                )
        self._members.append(member)

    def _facts(self, choice: Choice) -> dict[str, Any]:
        """Return the metadata, after a check that no member is missed."""
        first = choice.datasets[0] if choice.datasets else choice.missing[0][0]
        announced = announced_frames(self._file, first)
        n_frames = sum(member.n_frames for member in self._members)
        if choice.missing and (announced is None or n_frames < announced or not choice.only_last_missing):
            member, file = choice.missing[0]
            total = len(choice.datasets) + len(choice.missing)
            raise FileMissingError(
                f"{self._path}: {member} links to {file}, which does not exist; {len(choice.missing)} of "
                f"{total} members are missing ({n_frames} of {announced or 'an unknown number of'} frames are "
                "there). Put the data files beside the master, or open those that are there by a pattern such as "
                "'*_data_*.h5'."
            )
        metadata: dict[str, Any] = {
            "path": str(self._path),
            "format": "hdf5",
            "dataset": choice.datasets[0] if len(choice.datasets) == 1 else list(choice.datasets),
            "dataset_reason": choice.reason,
            **nexus_facts(self._file, first),
        }
        if announced is not None:
            metadata["n_frames_announced"] = announced
        if choice.missing:
            metadata["surplus_members"] = [member for member, _ in choice.missing]
        if getattr(self._file, "swmr_mode", False):
            metadata["growing"] = True
        metadata |= image_paths(self._file, first)
        metadata |= self._stack_facts(first)
        return metadata | measured_datasets(self._file, first, n_frames)

    def _stack_facts(self, dataset: str) -> dict[str, Any]:
        """Return the shape of a scan and the channels of a detector, from the leading axes of the stack."""
        leading = self._members[0].leading
        facts: dict[str, Any] = {}
        if len(leading) > 1 and len(self._members) == 1:
            facts["grid_shape"] = list(leading)
        parent = self._file.get(dataset.rpartition("/")[0] or "/")
        axes = [] if parent is None else text_list_attribute(parent, "axes")
        if "channel" in axes[: len(leading)] and len(self._members) == 1 and "channel" in parent:
            names = [_decoded(name) for name in np.atleast_1d(parent["channel"][()]).tolist()]
            place = axes.index("channel")
            if len(names) == leading[place]:
                facts |= {"channels": names, "channel_axis": place}
        if len(facts.get("channels", ())) == 1:
            facts |= {"channel": facts["channels"][0]} | channel_facts(self._file, dataset, facts["channels"][0])
        return facts

    def choose_channel(self, name: str) -> None:
        """Take the metadata and the pixel mask of one channel of the detector; the frames stay all."""
        with translated_errors(self._path, f"read the facts of {name}"):
            facts = channel_facts(self._file, str(self._metadata["dataset"]), name)
        self._metadata |= {"channel": name} | facts

    def frame_facts(self, index: int, *, constants: bool = True) -> dict[str, Any]:
        """Return what was measured with one frame (`FrameSource.frame_facts`)."""
        index = self._checked_index(index)
        self._check_open()
        facts = {key: self._metadata[key] for key in _FOR_RESULTS if key in self._metadata}
        for kind in KINDS:
            numbers = {name: self._measured(path) for name, path in self._metadata.get(kind, {}).items()}
            known = {
                name: float(every[index if every.size > 1 else 0])
                for name, every in numbers.items()
                if constants or every.size > 1 or len(self) == 1
            }
            facts |= {kind: known} if known else {}
        return facts

    def _measured(self, path: str) -> FloatArray:
        with self._measured_lock:
            if path not in self._values:
                with translated_errors(self._path, f"read {path}"):
                    require_filters(self._file[path])
                    self._values[path] = values_of(self._file, path)
            return self._values[path]

    def _handle(self, name: str) -> H5Object:
        """Return an open dataset; only the last few are kept open, because each may hold a file open."""
        with self._lock:
            handle = self._handles.get(name)
            if handle is None:
                handle = self._handles[name] = self._file[name]
                if len(self._handles) > _OPEN_DATASETS:
                    self._handles.popitem(last=False)
            self._handles.move_to_end(name)
            return handle

    def _find(self, index: int) -> tuple[_Member, tuple[int, ...]]:
        number = bisect.bisect_right(self._starts, index) - 1
        member = self._members[number]
        return member, member.leading_index(index - self._starts[number])

    @property
    def decoder(self) -> str:
        """What decodes the frames: ``"azimuthal: bitshuffle-lz4, fused"``, ``"..., dense"`` or ``"h5py: gzip"``.

        "fused" frames can go from the stored bytes to a pattern without a decoded frame in between.
        """
        found = self._stored_in(0)
        if found is None or found[0].codec not in CODECS:
            return self.decoder_of(0)
        table = found[0]
        is_fused = table.is_whole and table.dtype.isnative and table.dtype.kind == "u" and table.dtype.itemsize <= 4
        return f"azimuthal: {table.codec}, {'fused' if is_fused else 'dense'}"

    def decoder_of(self, index: int) -> str:
        """Return what decodes one frame in `read`."""
        found = self._stored_in(self._checked_index(index))
        if found is None or found[0].codec not in CODECS:
            return f"h5py: {', '.join(self._find(index)[0].filters) or 'no filter'}"
        return f"azimuthal: {found[0].codec}, dense"

    def stored_frames(self) -> ChunkStore:
        """Return access to the stored bytes of the frames."""
        self._check_open()
        return self._store

    def _stored_in(self, index: int) -> tuple[ChunkTable, int] | None:
        """Return the chunks of a frame and its number among them, there or not; None: left to HDF5."""
        member, number = self._member(index)
        with translated_errors(self._path, f"find the chunks of {member.name}"):
            return member.stored_in(number, self._handle)

    def _member(self, index: int) -> tuple[_Member, int]:
        number = bisect.bisect_right(self._starts, index) - 1
        return self._members[number], index - self._starts[number]

    def _place(self, index: int) -> tuple[ChunkTable, int] | None:
        """Like `_stored_in`, but a frame that is not stored is an error."""
        found = self._stored_in(index)
        if found is not None and not found[0].is_stored(found[1]):
            member, number = self._member(index)
            with translated_errors(self._path, f"read frame {index}"):
                member.check_stored(self._handle(member.name), member.leading_index(number), index)
            raise FileFormatError(
                f"{self._where(index)} was never written: {found[0].file}::{found[0].dataset} holds no data for it."
            )
        return found

    def _where(self, index: int) -> str:
        return f"{self._path}::{self._member(index)[0].name}: frame {index}"

    def _check_readable(self, index: int) -> None:
        if self._place(index) is None:
            member, leading = self._find(index)
            with translated_errors(self._path, f"read frame {index}"):
                member.check_stored(self._handle(member.name), leading, index)

    def _fill(self, index: int, out: AnyArray) -> None:
        if self._store.fill(index, out, thread_count()):
            return
        member, leading = self._find(index)
        with translated_errors(self._path, f"read frame {index} ({member.name})"):
            handle = self._handle(member.name)
            member.check_stored(handle, leading, index)
            has_values = member.check_chunks(handle, leading, index)
            if member.virtual is not None:
                member.virtual.require_filters()
            handle.read_direct(out, source_sel=(*leading, slice(None), slice(None)))
            if has_values and not out.any():
                raise FileFormatError(f"{self._where(index)}: decodes to zeros, and its chunk is too long for that.")

    def close(self) -> None:
        """Close the file."""
        self._handles.clear()
        self._store.close()
        self._opened.close()
        super().close()


class _Member:
    """One dataset: its frames, and whether all of them were written."""

    def __init__(self, path: Path, name: str, handle: H5Object) -> None:
        if not is_image_stack(handle):
            raise FileFormatError(
                f"{path}::{name}: expected images, got shape {handle.shape} and dtype {handle.dtype}."
            )
        where = f"{path}::{name}"
        self.path = path
        self.name = name
        self.dtype = checked_dtype(where, handle.dtype.newbyteorder("="))
        self.shape = checked_frame_shape(where, handle.shape[-2], handle.shape[-1], self.dtype)
        self.leading = tuple(int(size) for size in handle.shape[:-2])
        self.n_frames = math.prod(self.leading)
        self.virtual = VirtualSources(handle) if handle.is_virtual else None
        if self.virtual is None and codec_of(filter_options(handle), self.dtype.itemsize) not in CODECS:
            require_filters(handle)
        self.filters = filter_names(handle) if self.virtual is None else ("virtual", *self.virtual.filters)
        self._pipeline = () if self.virtual is not None else filter_options(handle)
        self._block_filter = _block_filter(self._pipeline)
        self._checked: set[tuple[int, ...]] = set()
        self._has_holes = self.virtual is None and _has_unwritten_parts(handle)
        self._lock = threading.Lock()
        self._map: ChunkTable | VirtualMap | None = None
        self._is_mapped = False

    def leading_index(self, number: int) -> tuple[int, ...]:
        """Return the leading indices of frame `number` of this dataset."""
        return tuple(int(part) for part in np.unravel_index(number, self.leading)) if self.leading else ()

    def check_stored(self, handle: H5Object, leading: tuple[int, ...], index: int) -> None:
        """Raise when a frame is absent from the file, so that HDF5 would return its fill value."""
        where = f"{self.path}::{self.name}: frame {index}"
        if self.virtual is not None:
            self.virtual.check(leading, where)
        elif self._has_holes and not _is_written(handle, leading):
            raise FileFormatError(f"{where} was never written: the acquisition or the copy stopped before it.")

    def stored_in(self, number: int, handle_of: Callable[[str], H5Object]) -> tuple[ChunkTable, int] | None:
        """Return the chunks that hold a frame and its number among them; None: left to HDF5.

        Where the chunks lie is read when the first frame is asked for.
        """
        if not self._is_mapped:
            with self._lock:
                if not self._is_mapped:
                    handle = handle_of(self.name)
                    self._map = read_chunk_table(handle) if self.virtual is None else VirtualMap(handle)
                    self._is_mapped = True
        if isinstance(self._map, VirtualMap):
            return self._map.find(number)
        return None if self._map is None else (self._map, number)

    def check_chunks(self, handle: H5Object, leading: tuple[int, ...], index: int) -> bool:
        """Raise when HDF5 does not find a chunk of a frame, or when it would mislead its decoder.

        Returns whether the frame cannot be zero everywhere: a Blosc2 frame with one wrong bit may say that it is, while
        it holds far more than zeros take.

        HDF5 itself gives fill values for a chunk that its index does not lead to.  Chunks of several frames are checked
        once.
        """
        if handle.chunks is None:
            return False
        require_filters(handle)
        has_values, is_one = False, math.prod(handle.chunks[:-2]) == 1
        size = math.prod(handle.chunks) * self.dtype.itemsize
        where = f"{self.path}::{self.name}: frame {index}"
        for origin in _chunk_origins(handle, leading):
            if origin in self._checked:
                continue
            try:
                mask, raw = handle.id.read_direct_chunk(origin)
            except (OSError, ValueError, RuntimeError) as error:
                raise FileFormatError(f"{where}: its chunk at {origin} is not in the index of the file.") from error
            check_length(raw, mask, self._pipeline, size, where)
            if mask == 0 and self._block_filter is not None:
                number, options = self._block_filter
                check_chunk(raw, number, options, size, self.dtype.itemsize, where)
            if mask == 0 and self._pipeline and self._pipeline[-1][0] == BLOSC2:
                has_values |= is_one and blosc2_payload(raw, size, where) * _ZEROS_TAKE_LESS > size
            if not is_one:
                self._checked.add(origin)
        return has_values


def _decoded(name: Any) -> str:
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name)


def _block_filter(pipeline: tuple[tuple[int, tuple[int, ...]], ...]) -> tuple[int, tuple[int, ...]] | None:
    """Return number and options of the bitshuffle or LZ4 filter that is the last of a pipeline, else None."""
    trusting = pipeline and pipeline[-1][0] in {BITSHUFFLE, LZ4}
    plain = all(number == SHUFFLE for number, _ in pipeline[:-1])
    return pipeline[-1] if trusting and plain else None


def _has_unwritten_parts(handle: H5Object) -> bool:
    """Say whether parts of a dataset have no storage."""
    if handle.chunks is None:
        return bool(handle.id.get_storage_size() == 0 and handle.id.get_create_plist().get_external_count() == 0)
    chunks = math.prod(-(-size // chunk) for size, chunk in zip(handle.shape, handle.chunks, strict=True))
    return bool(handle.id.get_num_chunks() < chunks)


def _is_written(handle: H5Object, leading: tuple[int, ...]) -> bool:
    """Say whether all chunks of one frame have storage."""
    if handle.chunks is None:
        return False
    origins = _chunk_origins(handle, leading)
    return all(handle.id.get_chunk_info_by_coord(origin).byte_offset is not None for origin in origins)


def _chunk_origins(handle: H5Object, leading: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """Yield the first element of every chunk that holds a part of one frame."""
    start = tuple(index - index % chunk for index, chunk in zip(leading, handle.chunks, strict=False))
    slow, fast = (range(0, size, chunk) for size, chunk in zip(handle.shape[-2:], handle.chunks[-2:], strict=True))
    return ((*start, row, column) for row in slow for column in fast)
