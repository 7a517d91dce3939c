# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""What a frame source is: an open, ordered collection of detector images of one shape and one type.

Whatever the frames come from (an array, a TIFF, an EIGER master with a hundred data files, a folder of CBF
files), the rest of the package sees a `FrameSource`:

* ``shape`` is ``(n_slow, n_fast)`` and ``dtype`` the stored type in *native* byte order: `read` never changes
  a value or an item size, it only swaps bytes when the file has them the other way round;
* frames are numbered from 0 to ``len(source) - 1``;
* ``metadata`` holds what the file says about the measurement, in SI units, ready for JSON.

Keys of ``metadata`` (present only when the file states the fact with its unit; nothing is assumed):

==================== ===========================================================================
``name``             short name of the source, the stem of its labels
``path``             the file, absent for arrays
``format``           name of the reader, e.g. ``"cbf"``
``dataset``          HDF5: path (or list of paths) of the images, and ``dataset_reason``
``wavelength``       m
``distance``         sample to detector, m
``pixel_size``       ``[slow, fast]``, m
``beam_center``      ``[slow, fast]``, in pixels, as the header states it
``exposure_time``    s;  ``frame_time``: s from frame to frame
``threshold_energy`` eV;  ``photon_energy``: eV
``sensor_material``, ``sensor_thickness`` (m), ``detector``, ``saturation_value``, ``timestamp``
``grid_shape``       leading axes of a stack of more than three dimensions, such as a grid scan
``channels``         names of the channels (thresholds) of the detector, ``channel_axis``; ``channel``: the chosen one
``monitors``, ``motors``, ``counters``  ``{name: path}`` of numbers in the file, one for all or one per frame
``pixel_mask_dataset``, ``flat_dataset``, ``dark_dataset``  paths in the file
``corrections_applied``  what the detector did already: ``{"count_rate": True, "flat": ..., "pixel_mask": ...}``
``count_rate_cutoff``  counts above which the count-rate correction gives up
``unconverted``      facts whose unit the file does not state, as ``{name: value}``
``header``           the raw header of the first frame, as text
==================== ===========================================================================

Thread safety: `read`, `label` and `frame_metadata` may be called from several threads at once on one open
source, unless the source is a one-way stream (``n_frames`` is None), which is read in order by one thread.
`close` must not be called while another thread reads.
"""

from __future__ import annotations

import math
import operator
from abc import ABC, abstractmethod
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self

import numpy as np

from azimuthal.errors import DataTypeError, FileFormatError, FrameIndexError, ParameterError, ShapeError
from azimuthal.io.frames._stored import StoredFrames
from azimuthal.typing import AnyArray, BoolArray

#: A header that claims a larger frame than this is taken for damage: 2^33 bytes is 46000 x 46000 pixels of 32
# bit.
MAX_FRAME_BYTES = 1 << 33


class FrameSource(ABC):
    """An open, ordered collection of detector images of one shape and type.

    Use it as a context manager, or call `close`.  Subclasses implement `_fill` and `close`.

    Parameters
    ----------
    shape:
        ``(n_slow, n_fast)`` of every frame.
    dtype:
        Stored type; kept in native byte order.
    n_frames:
        Number of frames; None for a stream whose length is not known.
    name:
        Stem of the labels.
    metadata:
        See the module docstring.
    """

    def __init__(
        self,
        *,
        shape: tuple[int, int],
        dtype: np.dtype[Any],
        n_frames: int | None,
        name: str,
        metadata: dict[str, Any],
    ) -> None:
        self._shape = (int(shape[0]), int(shape[1]))
        self._dtype = dtype.newbyteorder("=")
        self._n_frames = n_frames
        self._name = name
        self._metadata = {"name": name, **metadata}
        self._closed = False

    @property
    def shape(self) -> tuple[int, int]:
        """``(n_slow, n_fast)`` of every frame."""
        return self._shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the frames that `read` returns: the stored type in native byte order."""
        return self._dtype

    @property
    def n_frames(self) -> int | None:
        """Number of frames, or None for a stream whose length is not known."""
        return self._n_frames

    @property
    def name(self) -> str:
        """Stem of the labels."""
        return self._name

    @property
    def metadata(self) -> dict[str, Any]:
        """Facts about the source (module docstring); a copy, ready for JSON."""
        return dict(self._metadata)

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed

    def __len__(self) -> int:
        if self._n_frames is None:
            raise DataTypeError(
                f"{self._name}: a stream of frames has no length. Iterate over it, or make a list first."
            )
        return self._n_frames

    def label(self, index: int) -> str:
        """Return the name of a frame: the stem alone for a single frame, else ``stem_00003``."""
        index = self._checked_index(index)
        return self._name if self._n_frames == 1 else f"{self._name}_{index:05d}"

    def frame_metadata(self, index: int) -> dict[str, Any]:
        """Return the facts that belong to one frame (an EDF header, the file of a series); often empty."""
        self._checked_index(index)
        return {}

    @property
    def is_in_memory(self) -> bool:
        """Whether `read` hands out views of arrays that exist already."""
        return False

    def frame_facts(self, index: int, *, constants: bool = True) -> dict[str, Any]:
        """Return what was measured with one frame: ``{}`` or facts in SI units.

        Without `constants`, motors and the like that are one number for a whole stack are left out: results of a
        thousand frames need not repeat them.

        Keys: ``wavelength``, ``distance``, ``exposure_time``; ``monitors``, ``motors`` and ``counters`` as
        ``{name: value}`` in the units of the file.
        """
        self._checked_index(index)
        return {}

    def result_metadata(self, index: int) -> dict[str, Any]:
        """Return what the result of a frame says about it: ``name`` of its source, ``label`` and ``index``.

        ``measurement`` holds the `frame_facts`, where there are some.
        """
        name = self.frame_metadata(index).get("name", self._name)
        facts = self.frame_facts(index, constants=False)
        return {"name": name, "label": self.label(index), "index": index} | ({"measurement": facts} if facts else {})

    @property
    def decoder(self) -> str:
        """What turns the stored bytes into pixels: for most formats, the name of their reader."""
        return str(self._metadata.get("format", "array"))

    def decoder_of(self, index: int) -> str:
        """Return what decodes one frame in `read`."""
        self._checked_index(index)
        return self.decoder

    def stored_frames(self) -> StoredFrames | None:
        """Return access to the stored bytes of the frames, None where a format has none to offer."""
        return None

    def read_mask(self) -> BoolArray | None:
        """Return the detector's own pixel mask (True = excluded) when the source holds one, else None."""
        return None

    def read(self, index: int, out: AnyArray | None = None) -> AnyArray:
        """Return one frame.

        Parameters
        ----------
        index:
            From 0 to ``n_frames - 1``; negative numbers are refused.
        out:
            Array of `shape` and `dtype` to fill and return; a new one is made when None.

        Returns
        -------
        :
            Shape `shape`, dtype `dtype`, native byte order.  Belongs to the caller, except that frames of an
            array source are read-only views of the caller's array.

        Raises
        ------
        ParameterError
            `index` is out of range (also an ``IndexError``), or the source is closed.
        ShapeError, DataTypeError
            `out` does not fit.
        FileFormatError, FileMissingError
            The stored frame is truncated, damaged or absent.
        """
        index = self._checked_index(index)
        self._check_open()
        if out is not None:
            self._check_out(out)
            if out.flags.c_contiguous:
                self._fill(index, out)
            else:
                out[...] = self.read(index)
            return out
        self._check_readable(index)
        frame = np.empty(self._shape, self._dtype)
        self._fill(index, frame)
        return frame

    def __iter__(self) -> Iterator[AnyArray]:
        for index in range(len(self)):
            yield self.read(index)

    @abstractmethod
    def _fill(self, index: int, out: AnyArray) -> None:
        """Write frame `index` into `out`: right shape and dtype, C-contiguous, writable."""

    def _check_readable(self, index: int) -> None:  # noqa: B027  # most sources know all when they are opened
        """Raise before memory is claimed when it is plain that the frame cannot be read."""

    def close(self) -> None:
        """Release files; calling it again does nothing."""
        self._closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        count = "stream" if self._n_frames is None else f"{self._n_frames} frames"
        n_slow, n_fast = self._shape
        return f"<{type(self).__name__} {self._name!r}: {count} of {n_slow} x {n_fast} {self._dtype}>"

    def _checked_index(self, index: int) -> int:
        try:
            number = operator.index(index)
        except TypeError:
            raise DataTypeError(f"index: expected an integer, got {index!r}.") from None
        if number < 0 or (self._n_frames is not None and number >= self._n_frames):
            raise FrameIndexError(
                f"index: expected 0 to {'...' if self._n_frames is None else self._n_frames - 1} for "
                f"{self._name!r}, got {number}."
            )
        return number

    def _check_open(self) -> None:
        if self._closed:
            raise ParameterError(f"{self._name}: this frame source is closed. Open it again with open_frames().")

    def _check_out(self, out: AnyArray) -> None:
        if not isinstance(out, np.ndarray):
            raise DataTypeError(f"out: expected a NumPy array, got {type(out).__name__}.")
        if out.shape != self._shape:
            raise ShapeError(f"out: expected shape {self._shape} to match the frames, got {out.shape}.")
        if out.dtype != self._dtype:
            raise DataTypeError(f"out: expected dtype {self._dtype} to match the frames, got {out.dtype}.")
        if not out.flags.writeable:
            raise DataTypeError("out: expected a writable array, got a read-only one.")


def checked_frame_shape(where: str, n_slow: int, n_fast: int, dtype: np.dtype[Any]) -> tuple[int, int]:
    """Return ``(n_slow, n_fast)`` from a file when they can be the shape of a frame.

    Raises
    ------
    FileFormatError
        A dimension is not positive, or the frame would be larger than `MAX_FRAME_BYTES`.
    """
    if n_slow < 1 or n_fast < 1:
        raise FileFormatError(f"{where}: expected positive image dimensions, got {n_slow} x {n_fast}.")
    size = math.prod((n_slow, n_fast, dtype.itemsize))
    if size > MAX_FRAME_BYTES:
        raise FileFormatError(
            f"{where}: the header claims {n_slow} x {n_fast} pixels ({size} bytes), more than the "
            f"{MAX_FRAME_BYTES} that are accepted as one frame; it is damaged."
        )
    return n_slow, n_fast


def checked_dtype(where: str, dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return `dtype` when frames can have it: unsigned, signed, floating-point or boolean."""
    if dtype.kind not in "uifb" or dtype.itemsize > 8:
        raise DataTypeError(f"{where}: expected integer or floating-point images, got dtype {dtype}.")
    return dtype
