# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Some frames of a source: ``file.h5::/data[10:20]``, one row of a grid scan, one channel of a detector."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from azimuthal.errors import FrameIndexError, ParameterError
from azimuthal.io.frames._protocol import FrameSource
from azimuthal.io.frames._stored import StoredFrame, StoredFrames
from azimuthal.typing import AnyArray, BoolArray, IntArray

_NUMBER = re.compile(r"[-+]?\d+")
_SLICE = re.compile(r"([-+]?\d*):([-+]?\d*)(?::([-+]?\d*))?")


class SelectedFrames(FrameSource):
    """Some frames of an open source, in the order of the selection; closes it when it is closed.

    Parameters
    ----------
    source:
        Open.
    selection:
        As NumPy would index the stack, without brackets: ``3``, ``10:20``, ``::2``, ``:, 0``, ``..., 1``.  An axis
        of channels also takes their names.  Rows and columns stay whole: a part of a frame is another detector.

    Raises
    ------
    ParameterError
        The selection cannot be read, has too many axes, takes parts of frames, or selects nothing.
    FrameIndexError
        A number is out of range.
    """

    def __init__(self, source: FrameSource, selection: str) -> None:
        self._source = source
        where = f"[{selection}] of {source.name}"
        facts = source.metadata
        leading = tuple(facts.get("grid_shape", (len(source),)))
        numbers = np.arange(len(source)).reshape(leading)
        self._numbers: IntArray = _selected(numbers, selection, facts.get("channels"), where)
        chosen = self._numbers.ravel()
        if chosen.size == 0:
            raise ParameterError(f"{where}: selects no frame of {len(source)}.")
        if "channels" in facts:
            _choose_channel(source, chosen)
        grid = self._numbers.shape
        facts = {key: value for key, value in source.metadata.items() if key not in ("name", "grid_shape")}
        facts |= {"selection": selection} | ({"grid_shape": list(grid)} if len(grid) > 1 else {})
        self._chosen = [int(number) for number in chosen]
        super().__init__(shape=source.shape, dtype=source.dtype, n_frames=chosen.size, name=source.name, metadata=facts)

    @property
    def datasets(self) -> tuple[str, ...]:
        """Paths of the datasets behind, where there are some."""
        return tuple(getattr(self._source, "datasets", ()))

    @property
    def filters(self) -> tuple[str, ...]:
        """Filters of the datasets behind."""
        return tuple(getattr(self._source, "filters", ()))

    def label(self, index: int) -> str:
        """Return the label that the frame has in its source."""
        return self._source.label(self._chosen[self._checked_index(index)])

    def frame_metadata(self, index: int) -> dict[str, Any]:
        """Return the facts of a frame."""
        return self._source.frame_metadata(self._chosen[self._checked_index(index)])

    def frame_facts(self, index: int, *, constants: bool = True) -> dict[str, Any]:
        """Return what was measured with a frame."""
        return self._source.frame_facts(self._chosen[self._checked_index(index)], constants=constants)

    @property
    def decoder(self) -> str:
        """What decodes the first frame."""
        return self._source.decoder

    def decoder_of(self, index: int) -> str:
        """Return what decodes one frame."""
        return self._source.decoder_of(self._chosen[self._checked_index(index)])

    def stored_frames(self) -> StoredFrames | None:
        """Return access to the stored bytes."""
        stored = self._source.stored_frames()
        return None if stored is None else _SelectedStore(stored, self._chosen)

    def read_mask(self) -> BoolArray | None:
        """Return the pixel mask of the file."""
        return self._source.read_mask()

    def read(self, index: int, out: AnyArray | None = None) -> AnyArray:
        """Return one frame (`FrameSource.read`)."""
        index = self._checked_index(index)
        self._check_open()
        return self._source.read(self._chosen[index], out)

    def _fill(self, index: int, out: AnyArray) -> None:
        self._source.read(self._chosen[index], out)

    def close(self) -> None:
        """Close the source."""
        self._source.close()
        super().close()


class _SelectedStore:
    """The stored bytes of some frames; a `StoredFrames`."""

    def __init__(self, stored: StoredFrames, chosen: list[int]) -> None:
        self._stored = stored
        self._chosen = chosen
        self.dtype = stored.dtype

    def locate(self, index: int) -> StoredFrame | None:
        """Return where the bytes of a frame lie."""
        return self._stored.locate(self._chosen[index])

    def read(self, index: int, out: memoryview | None = None) -> memoryview:
        """Return the stored bytes of a frame."""
        return self._stored.read(self._chosen[index], out)


def _choose_channel(source: FrameSource, chosen: IntArray) -> None:
    channels = source.metadata["channels"]
    axis = source.metadata["channel_axis"]
    grid = source.metadata.get("grid_shape", [len(source)])
    found = np.unique(np.unravel_index(chosen, grid)[axis])
    if found.size == 1 and hasattr(source, "choose_channel"):
        source.choose_channel(channels[int(found[0])])


def _selected(numbers: IntArray, selection: str, channels: list[str] | None, where: str) -> IntArray:
    parts = [part.strip() for part in selection.split(",")]
    if parts and not parts[-1]:
        parts.pop()
    if parts.count("...") > 1 or not parts:
        raise ParameterError(f"{where}: expected numbers and slices with at most one '...', e.g. [10:20].")
    n_axes = numbers.ndim
    if "..." in parts:
        place = parts.index("...")
        total = n_axes if len(parts) - 1 <= n_axes else n_axes + 2
        parts[place : place + 1] = [":"] * max(0, total - len(parts) + 1)
    if any(part not in (":", "::") for part in parts[n_axes:]) or len(parts) > n_axes + 2:
        raise ParameterError(
            f"{where}: has {n_axes} axes of frames; rows and columns cannot be cut here, because the geometry is that "
            "of the whole frame. Mask what is not wanted."
        )
    try:
        index = tuple(_part(part, channels, where) for part in parts[:n_axes])
        return np.asarray(numbers[index])
    except IndexError as error:
        raise FrameIndexError(f"{where}: the stack has shape {numbers.shape}: {error}.") from None


def _part(text: str, channels: list[str] | None, where: str) -> int | slice:
    if _NUMBER.fullmatch(text):
        return int(text)
    match = _SLICE.fullmatch(text)
    if match is not None:
        bounds = [int(part) if part else None for part in match.groups()]
        if bounds[2] == 0:
            raise ParameterError(f"{where}: a step of 0 selects nothing.")
        return slice(*bounds)
    if channels and text in channels:
        return channels.index(text)
    known = f", or one of the channels {', '.join(channels)}" if channels else ""
    raise ParameterError(f"{where}: expected a number, a slice such as 10:20{known}, got {text!r}.")
