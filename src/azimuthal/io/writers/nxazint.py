# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""NeXus HDF5 by the application definitions NXazint1d and NXazint2d, with everything that a result holds.

::

    /entry                         NXentry, definition = NXazint1d | NXazint2d
        solid_angle_applied, polarization_applied, normalization_applied, monitor_applied
        instrument                 NXinstrument: name, monochromator (wavelength in angstrom, energy in keV),
                                   source
        sample                     NXsample: incident_angle, tilt_angle, sample_orientation, for grazing incidence
        monitor                    NXmonitor: data[frame], when frames were divided by a monitor
        reduction                  NXprocess: program, version, date, reference, note
            input                  NXparameters: recipe, provenance and unit as text, average, error_model ...
            results                NXcollection: metadata[frame], provenance[frame] as JSON texts; with `reject`,
                                   rejected_pixels: numbers (in the flat frame) of the rejected pixels, frame after
                                   frame, and rejected_frames[frame, 3]: how many (-1: not known), rows, columns
            failures               NXcollection, when frames are missing: name of the frame or the file, reason,
                                   n_frames (-1: not known)
        data                       NXdata, the default plot
            I[frame, radial]       or [frame, azimuthal, radial]; I_errors: one standard error
            radial_axis, radial_axis_edges, azimuthal_axis, azimuthal_axis_edges
            sum_signal, sum_variance, sum_normalization, sum_normalization2, count
            I_covariance[frame, covariance_pair]   where the covariance of bins that share pixels was summed: that
                                   of two intensities, beside the diagonal, which is I_errors squared
            sum_covariance         the same of the sums of signal
            covariance_first, covariance_second   [covariance_pair] the two bins, numbered from 0 in the order
                                   of one frame of I
            n_kept, n_rejected, iterations         with `reject`: pixels per bin, rounds of sigma clipping
            norm                   effective number of pixels per bin, when it is the same for all frames
            sum_cross, sum_static_variance, sum_shared_variance    where the error model has them
            frame, label, normalization_factor    [frame]
            normalization_variance                [frame], when monitors have one

The several results of one frame (sectors, several plans: a ResultSet) are what the definitions call multi-method data::

    /entry                         NXentry without a definition: title, instrument (a link, where wavelengths agree)
        result_1, result_2, ...    NXsubentry, each with its own definition and laid out like /entry above; title, and
                                   the attribute result_name, are the name of the result

The attribute ``default`` leads from the file to the entry, to result_1, to its data.  Files written before 2026-11-21
have /entry, /entry_2, ... instead; they are read (docs/explanation/decisions/0030-subentries.md).

Every axis is an HDF5 dimension scale attached to the arrays, so that xarray finds its coordinates; silx,
h5web and nexusformat go by the attributes.  GSAS-II imports the file (``.h5``) when the axis is 2theta in
degrees.

What the definitions leave open, or have no place for:

* ``I`` is NaN in empty bins.
* The wavelength is a required field; it is NaN when it is not known.  So are the names of the instrument and
  of the source; they are ``"not recorded"`` unless given.
* The definitions know q and 2theta.  With another radial unit, and for I(chi), the layout is the same and
  the field ``definition`` is left out, because the file does not conform; the note in ``reduction`` says so.

Frames are written as they come, a block at a time, under a temporary name; `NxazintWriter.close` gives the
file its name.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import math
import zlib
from array import array
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from azimuthal._pending_file import PendingFile
from azimuthal._validate import one_of, positive_integer
from azimuthal.errors import OutputError, ParameterError
from azimuthal.io.hdf5 import SignalsDeferred, growing_hdf5, text_dtype, write_trouble
from azimuthal.io.writers._facts import (
    PROGRAM,
    Failure,
    correction,
    failure_columns,
    frame_number,
    json_text,
    label_of,
    program_version,
)
from azimuthal.io.writers._layout import (
    FAILURES,
    I_COVARIANCE,
    PAIR_BINS,
    REJECTED_FRAMES,
    REJECTED_PIXELS,
    SUM_COVARIANCE,
    Result,
    axes_of,
    check_alike,
    covariance_arrays,
    differing,
    outlier_arrays,
    pair_bins,
    rejected_pixels,
    shared_record,
    subentry_name,
    sum_arrays,
)
from azimuthal.results import Cake, ResultSet
from azimuthal.typing import AnyArray, FloatArray, PathLike
from azimuthal.units import HC_KEV_M, Axis

#: Bytes of one chunk: large enough for the disk, small enough for a viewer in a browser.
_CHUNK_BYTES = 1 << 18
_LARGEST_CHUNK_BYTES = 1 << 22
_LEVEL = 1
#: Part of its size that a chunk may keep for gzip to be worth its time.
_WORTHWHILE = 0.5
_LOOKED_AT_EVERY = 16
#: Filter mask of a chunk that skipped shuffle and gzip.
_SKIPS_BOTH = 3
#: Of texts, one reference of 16 bytes each.
_TEXTS_PER_CHUNK, _UNKNOWN_TEXTS_PER_CHUNK = 8192, 256
_PIXELS_PER_CHUNK = 16384
_NOT_RECORDED = "not recorded"
_PAIR = "covariance_pair"
_REFERENCE = "azimuthal (MIT licence); definitions of all numbers in docs/explanation of its sources"
_LONG_NAMES = {"q": "q", "two_theta": "2theta"}
#: What GSAS-II and azint expect in ``input/unit``.
_UNIT_WORDS = {"2th_deg": "2th", "q_nm^-1": "q", "q_A^-1": "q"}
_NEXUS_UNITS = {
    "nm^-1": "1/nm",
    "A^-1": "1/angstrom",
    "nm^-2": "1/nm^2",
    "A^-2": "1/angstrom^2",
    "A": "angstrom",
}


class NxazintWriter:
    """Write results to one file, one after the other; use it in a ``with`` block.

    The file appears under its name when the block ends, complete; when the block raises, nothing is left.

    Parameters
    ----------
    path:
        The file.
    template_result:
        A result like those that will be appended (the first one, for instance): it fixes axes, average, error
        model. It is not written by itself.  A ResultSet fixes those of each of its results.
    n_frames:
        How many results will come, if that is known: it only sets the size of the chunks.
    force:
        Whether an existing file may be replaced.
    compression:
        ``"gzip"`` (fast level, with shuffle; chunks that it does not halve are stored as they are), which every reader
        knows, or None.
    instrument, source:
        Names of the beamline and of the laboratory.
    title:
        Title of the entry; by default the name in the metadata of the template.
    failures:
        Frames without a result; read when the file is closed, so that the list may grow until then.

    Raises
    ------
    OutputExistsError, OutputError
        The file exists and `force` is False, or it cannot be written.
    ParameterError
        Nothing was appended, or a result does not fit the template.

    Notes
    -----
    Memory: one chunk of frames (a quarter of a megabyte per array, at least one frame), and 24 bytes of each frame.
    Not thread-safe.

    Examples
    --------
    >>> with NxazintWriter("run.h5", first) as writer:  # doctest: +SKIP
    ...     for result in plan.map("run_master.h5"):
    ...         writer.append(result)
    """

    def __init__(
        self,
        path: PathLike,
        template_result: Result | ResultSet,
        n_frames: int | None = None,
        *,
        force: bool = False,
        compression: str | None = "gzip",
        instrument: str = _NOT_RECORDED,
        source: str = _NOT_RECORDED,
        title: str | None = None,
        failures: Sequence[Failure] = (),
    ) -> None:
        self._failures = failures
        if compression is not None:
            one_of("compression", compression, ("gzip",))
        expected = None if n_frames is None else positive_integer("n_frames", n_frames)
        self._names = template_result.names if isinstance(template_result, ResultSet) else None
        self._pending = PendingFile(path, force=force)
        self._resources = contextlib.ExitStack()
        self._entries: list[_Entry] = []
        self._closed = False
        with self._abandoned_on_error(), SignalsDeferred():
            self._pending.create().close()
            file, self._check_disk = self._resources.enter_context(growing_hdf5(self._pending.temporary))
            file.attrs.update({"NX_class": "NXroot", "default": "entry", "creator": PROGRAM})
            templates = _each(template_result)
            groups = _write_groups(file, templates, self._names, instrument, source, title)
            for group, template in zip(groups, templates, strict=True):
                self._entries.append(_Entry(group, template, expected, compression))

    @property
    def path(self) -> Path:
        """Where the file will be."""
        return self._pending.target

    def __len__(self) -> int:
        """Return the number of results appended so far."""
        return len(self._entries[0]) if self._entries else 0

    def append(self, result: Result | ResultSet, *, label: str | None = None, frame_index: int | None = None) -> None:
        """Add one result.

        Parameters
        ----------
        result:
            Same kind, bin edges, units, average, error model and wavelength as the template; of a set, the same names.
        label:
            Name of the frame; by default the ``label`` of the metadata.
        frame_index:
            Number of the frame in its source; by default the ``index`` of the metadata, else the position.

        Raises
        ------
        ParameterError
            The result does not fit, or the writer is closed.
        OutputError
            The disk is full, or failed.  Nothing is left of the file.
        """
        if self._closed:
            raise ParameterError(f"{self.path}: this writer is closed. Open another one for another file.")
        names = result.names if isinstance(result, ResultSet) else None
        if names != self._names:
            raise ParameterError(
                f"result {len(self)} for {self.path}: expected {_named(self._names)} as the first one, got "
                f"{_named(names)}. Save results of different kinds in files of their own."
            )
        for entry, one in zip(self._entries, _each(result), strict=True):
            check_alike(entry.template, one, f"result {len(self)} for {self.path}")
        with self._abandoned_on_error(), SignalsDeferred():
            for entry, one in zip(self._entries, _each(result), strict=True):
                metadata = dict(one.metadata)
                if label is not None:
                    metadata["label"] = label
                if frame_index is not None:
                    metadata["index"] = frame_index
                entry.append(one, metadata)
            self._check_disk()

    def close(self) -> None:
        """Write what is left, finish the file and give it its name; doing it twice is no error."""
        if self._closed:
            return
        with self._abandoned_on_error(), SignalsDeferred():
            if not len(self):
                raise ParameterError(f"{self.path}: no result was appended, so nothing is written.")
            for entry in self._entries:
                entry.finish()
            if self._failures:
                for entry in self._entries:
                    entry.write_failures(self._failures)
            self._resources.close()
        self._closed = True
        self._pending.publish()

    def abandon(self) -> None:
        """Close without leaving a file."""
        self._closed = True
        with SignalsDeferred(), contextlib.suppress(OSError, RuntimeError, ValueError):
            self._resources.close()
        self._pending.abandon()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.abandon()

    def __repr__(self) -> str:
        return f"<NxazintWriter {self.path}: {len(self)} results{', closed' if self._closed else ''}>"

    @contextlib.contextmanager
    def _abandoned_on_error(self) -> Iterator[None]:
        try:
            yield
        except BaseException as error:
            self.abandon()
            if isinstance(error, OSError | RuntimeError) and type(error).__module__ == "builtins":
                raise OutputError(
                    f"{self.path}: cannot be written: {write_trouble(error)}. Check the free space."
                ) from error
            raise


class _Entry:
    """The results of one kind: an NXentry, or an NXsubentry of it."""

    def __init__(self, group: Any, template: Result, n_frames: int | None, compression: str | None) -> None:
        self.template = template
        self._group = group
        self._blocks = _Blocks(group["data"], template, n_frames, compression)
        self._frames = _FrameColumns(group, n_frames)
        self._rejected = None if template.outliers is None else _RejectedPixels(group["reduction/results"])
        self._norm: FloatArray | None = None

    def __len__(self) -> int:
        return len(self._frames)

    def append(self, result: Result, metadata: dict[str, Any]) -> None:
        self._blocks.append(result)
        if self._rejected is not None:
            self._rejected.append(result)
        self._compare_norm(result)
        self._frames.append(result, metadata, self.template)

    def finish(self) -> None:
        self._blocks.flush()
        self._frames.write(self._blocks.datasets)
        if self._rejected is not None:
            self._rejected.write()
        if self._norm is not None:
            _write_norm(self._group["data"], self._norm)

    def write_failures(self, failures: Sequence[Failure]) -> None:
        group = _group(self._group["reduction"], FAILURES, "NXcollection")
        for name, values in failure_columns(failures).items():
            _field(group, name, values)

    def _compare_norm(self, result: Result) -> None:
        """Keep the effective number of pixels while it is the same for all frames."""
        norm = result.sum_normalization
        if result.average == "ratio_of_sums":
            norm = norm / result.normalization_factor
        if not len(self):
            self._norm = norm
        elif self._norm is not None and not _is_close(norm, self._norm):
            self._norm = None


def _each(result: Result | ResultSet) -> tuple[Result, ...]:
    return result.results if isinstance(result, ResultSet) else (result,)


def _named(names: tuple[str, ...] | None) -> str:
    return "a single result" if names is None else f"a set of {', '.join(names)}"


def write_nxazint(
    results: Iterator[Result | ResultSet],
    path: Path,
    *,
    force: bool,
    compression: str | None = "gzip",
    n_frames: int | None = None,
    instrument: str = _NOT_RECORDED,
    source: str = _NOT_RECORDED,
    title: str | None = None,
    failures: Sequence[Failure] = (),
) -> None:
    """Write an iterator of results, in memory for a few frames."""
    first = next(results)
    with NxazintWriter(
        path,
        first,
        n_frames,
        force=force,
        compression=compression,
        instrument=instrument,
        source=source,
        title=title,
        failures=failures,
    ) as writer:
        writer.append(first)
        for result in results:
            writer.append(result)


class _Blocks:
    """The arrays that grow by one row per frame; rows are collected and written a chunk at a time."""

    def __init__(self, data: Any, template: Result, n_frames: int | None, compression: str | None) -> None:
        shapes = {name: array.shape for name, array in _row_arrays(template).items()}
        self._n_rows = max(1, _CHUNK_BYTES // (8 * max(map(math.prod, shapes.values()))))
        if n_frames is not None:
            self._n_rows = min(self._n_rows, n_frames)
        self._rows: dict[str, list[AnyArray]] = {name: [] for name in shapes}
        self._n_written = 0
        filters = {} if compression is None else {"compression": "gzip", "compression_opts": _LEVEL, "shuffle": True}
        self.datasets = {
            name: data.create_dataset(
                name,
                shape=(0, *shape),
                maxshape=(None, *shape),
                chunks=(self._n_rows, *_chunk(shape)),
                dtype="<f8",
                **filters,
            )
            for name, shape in shapes.items()
        }
        packed = [name for name, shape in shapes.items() if filters and _chunk(shape) == shape]
        self._packers = {name: _Packer() for name in packed}
        self._describe(template)

    def _describe(self, template: Result) -> None:
        about = {
            "I": "intensity",
            "I_errors": "estimated intensity error",
            "sum_signal": "weighted sum of the signal",
            "sum_variance": "sum of the variance with squared weights",
            "sum_normalization": "weighted sum of the normalisation",
            "sum_normalization2": "sum of the squared normalisation with squared weights",
            "count": "pixels per bin",
            "n_kept": "pixels that count",
            "n_rejected": "pixels that do not count: outliers, or beyond the quantiles",
            "iterations": "rounds of sigma clipping",
            "sum_cross": "sum of the residuals times the normalisation with squared weights",
            "sum_static_variance": "part of sum_variance that comes from dark and flat",
            "sum_shared_variance": "variance that this part amounts to, frames sharing dark and flat",
            I_COVARIANCE: "covariance of the intensities of two bins that share pixels",
            SUM_COVARIANCE: "covariance of the sums of signal of two bins that share pixels",
        }
        axes = [f"{name}_axis" for name in axes_of(template)]
        for name, dataset in self.datasets.items():
            dataset.attrs["long_name"] = about[name]
            dataset.attrs["units"] = "pixels" if name == "count" else "arbitrary units"
            if name in (I_COVARIANCE, SUM_COVARIANCE):
                dataset.attrs["bins"] = " ".join(PAIR_BINS)
                dataset.dims[1].attach_scale(dataset.parent[_PAIR])
                continue
            for number, axis in enumerate(axes, start=1):
                dataset.dims[number].attach_scale(dataset.parent[axis])
        image = isinstance(template, Cake)
        self.datasets["I"].attrs["interpretation"] = "image" if image else "spectrum"

    def append(self, result: Result) -> None:
        for name, row in _row_arrays(result).items():
            self._rows[name].append(row)
        if len(self._rows["I"]) == self._n_rows:
            self.flush()

    def flush(self) -> None:
        stop = self._n_written + len(self._rows["I"])
        if stop == self._n_written:
            return
        for name, rows in self._rows.items():
            dataset = self.datasets[name]
            dataset.resize(stop, axis=0)
            block = np.stack(rows)
            rows.clear()
            if name in self._packers:
                mask, content = self._packers[name].packed(block, self._n_rows)
                origin = (self._n_written, *(0 for _ in block.shape[1:]))
                dataset.id.write_direct_chunk(origin, content, filter_mask=mask)
            else:
                dataset[self._n_written : stop] = block
        self._n_written = stop


class _Growing:
    """A column that grows: values are collected and written a chunk at a time."""

    def __init__(self, group: Any, name: str, dtype: Any, n_chunk: int, **attributes: str) -> None:
        self.dataset = group.create_dataset(name, shape=(0,), maxshape=(None,), chunks=(n_chunk,), dtype=dtype)
        self.dataset.attrs.update(attributes)
        self._n_chunk = n_chunk
        self._held: list[Any] = []

    def extend(self, values: Iterable[Any]) -> None:
        self._held.extend(values)
        if len(self._held) >= self._n_chunk:
            self.flush()

    def flush(self) -> None:
        start = self.dataset.shape[0]
        self.dataset.resize(start + len(self._held), axis=0)
        self.dataset[start:] = np.array(self._held, self.dataset.dtype)
        self._held.clear()


class _RejectedPixels:
    """Numbers of rejected pixels, frame after frame, and how many each frame has."""

    def __init__(self, group: Any) -> None:
        about = "numbers of the rejected pixels in the flat frame, frame after frame"
        self._pixels = _Growing(group, REJECTED_PIXELS, "<u4", _PIXELS_PER_CHUNK, long_name=about)
        self._frames = array("q")
        self._group = group

    def append(self, result: Result) -> None:
        pixels, frame = rejected_pixels(result)
        self._pixels.extend(pixels.tolist())
        self._frames.extend(frame)

    def write(self) -> None:
        self._pixels.flush()
        about = "number of rejected pixels (-1: not known), rows, columns"
        frames = np.asarray(self._frames, "<i8").reshape(-1, 3)
        _field(self._group, REJECTED_FRAMES, frames, long_name=about)


class _Packer:
    """Compresses the chunks of one array as HDF5 would (shuffle, gzip), where it helps.

    gzip takes most of the time of writing and saves a fifth of a chunk of noisy numbers: such chunks are stored as they
    are, marked as having skipped their filters, which HDF5 does by itself when gzip saves nothing.  Whether it helps is
    looked at now and then.  A chunk equal to the one before (normalisations, counts) is not compressed again.
    """

    def __init__(self) -> None:
        self._block: AnyArray | None = None
        self._packed: tuple[int, Any] = (0, b"")
        self._n_blocks = 0
        self._is_compressed = True

    def packed(self, block: AnyArray, n_rows: int) -> tuple[int, Any]:
        """Return filter mask and bytes of a chunk of `n_rows` rows; missing rows are filled up with zeros."""
        if self._block is not None and np.array_equal(block, self._block):
            return self._packed
        self._block = block
        if len(block) < n_rows:
            block = np.concatenate([block, np.zeros((n_rows - len(block), *block.shape[1:]))])
        plain = np.ascontiguousarray(block, dtype="<f8").reshape(-1).view(np.uint8)
        content: Any = plain
        if self._is_compressed or self._n_blocks % _LOOKED_AT_EVERY == 0:
            shuffled = np.ascontiguousarray(plain.reshape(-1, 8).T)
            content = zlib.compress(shuffled.data, _LEVEL)
            self._is_compressed = len(content) < _WORTHWHILE * plain.size
        self._n_blocks += 1
        self._packed = (0, content) if self._is_compressed else (_SKIPS_BOTH, plain)
        return self._packed


class _FrameColumns:
    """What is one value per frame: numbers, names, and whatever differs in the records.

    Numbers are kept until the file is closed, 24 bytes of each frame; texts are written as they come.
    """

    def __init__(self, entry: Any, n_frames: int | None) -> None:
        self._entry = entry
        n_chunk = _UNKNOWN_TEXTS_PER_CHUNK if n_frames is None else min(n_frames, _TEXTS_PER_CHUNK)
        own = _group(entry["reduction"], "results", "NXcollection")

        def texts(group: Any, name: str, **attributes: str) -> _Growing:
            return _Growing(group, name, text_dtype(), n_chunk, **attributes)

        self._labels = texts(entry["data"], "label", long_name="name of the frame")
        self._metadata = texts(own, "metadata", format="JSON, one record per frame")
        about = "JSON, what differs from input/provenance, per frame"
        self._provenance = texts(own, "provenance", format=about)
        self._numbers = array("q")
        self._factors = array("d")
        self._variances = array("d")

    def __len__(self) -> int:
        return len(self._numbers)

    def append(self, result: Result, metadata: dict[str, Any], template: Result) -> None:
        own = json_text(metadata), json_text(differing(template.provenance, result.provenance))
        self._numbers.append(frame_number(metadata, len(self)))
        self._factors.append(result.normalization_factor)
        self._variances.append(result.normalization_variance)
        self._labels.extend((label_of(metadata),))
        self._metadata.extend((own[0],))
        self._provenance.extend((own[1],))

    def write(self, datasets: dict[str, Any]) -> None:
        for texts in (self._labels, self._metadata, self._provenance):
            texts.flush()
        entry, data = self._entry, self._entry["data"]
        factors, variances = np.asarray(self._factors), np.asarray(self._variances)
        frame = _field(data, "frame", np.asarray(self._numbers, "<i8"), long_name="frame number")
        frame.make_scale("frame")
        about = "monitor that intensities are divided by"
        columns = [_field(data, "normalization_factor", factors, long_name=about), self._labels.dataset]
        if variances.any():
            columns.append(_field(data, "normalization_variance", variances, long_name="variance of the monitor"))
        for dataset in (*datasets.values(), *columns):
            dataset.dims[0].attach_scale(frame)
        monitored = bool((factors != 1.0).any())
        _field(entry, "monitor_applied", monitored)
        if monitored:
            monitor = _group(entry, "monitor", "NXmonitor")
            _field(monitor, "data", factors, units="arbitrary units")
            if variances.any():
                _field(monitor, "data_errors", np.sqrt(variances), units="arbitrary units")


def _is_close(one: FloatArray, two: FloatArray) -> bool:
    return np.array_equal(one, two) or np.allclose(one, two, rtol=1e-9, atol=0)


def _row_arrays(result: Result) -> dict[str, AnyArray]:
    sigma = result.sigma
    errors = {} if sigma is None else {"I_errors": sigma}
    return {
        "I": result.intensity,
        **errors,
        **sum_arrays(result.sums),
        **covariance_arrays(result),
        **outlier_arrays(result),
    }


def _chunk(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the chunk of one row: all of a profile, as much of a cake as is reasonable, whole radii."""
    if len(shape) == 1:
        return (min(shape[0], _LARGEST_CHUNK_BYTES // 8),)
    return min(shape[0], max(1, _LARGEST_CHUNK_BYTES // (8 * shape[1]))), shape[1]


def _write_groups(
    file: Any,
    templates: tuple[Result, ...],
    names: tuple[str, ...] | None,
    instrument: str,
    source: str,
    title: str | None,
) -> list[Any]:
    """Write everything that does not depend on the frames, and return the group of each result of a frame."""
    metadata = templates[0].metadata
    words = title or label_of({"name": metadata.get("name")}) or label_of(metadata) or "azimuthal integration"
    if len(templates) == 1:
        entry = _group(file, "entry", "NXentry")
        if names is not None:
            entry.attrs["result_name"] = names[0]
        _write_entry(entry, templates[0], instrument, source, words)
        return [entry]
    entry = _group(file, "entry", "NXentry", default=subentry_name(1))
    _field(entry, "title", words)
    groups = []
    for number, (template, name) in enumerate(zip(templates, names or (), strict=True), start=1):
        groups.append(_group(entry, subentry_name(number), "NXsubentry", result_name=name))
        _write_entry(groups[-1], template, instrument, source, name)
    if len({template.wavelength for template in templates}) == 1:
        entry["instrument"] = groups[0]["instrument"]
    return groups


def _write_entry(entry: Any, result: Result, instrument: str, source: str, title: str) -> None:
    """Write into an entry or subentry what does not depend on the frames."""
    entry.attrs["default"] = "data"
    definition = _definition(result)
    if definition is not None:
        _field(entry, "definition", definition)
    _field(entry, "title", title)
    _write_flags(entry, result)
    _write_instrument(entry, result, instrument, source)
    _write_sample(entry, result)
    _write_reduction(entry, result, definition)
    _write_axes(entry, result)


def _definition(result: Result) -> str | None:
    """Return the application definition that the file conforms to, None when there is none."""
    radial = axes_of(result).get("radial")
    if radial is None or radial.quantity.name not in _LONG_NAMES:
        return None
    return "NXazint2d" if isinstance(result, Cake) else "NXazint1d"


def _write_flags(entry: Any, result: Result) -> None:
    for field, name in (
        ("solid_angle_applied", "solid_angle"),
        ("polarization_applied", "polarization_factor"),
    ):
        try:
            value = correction(result.provenance, name)
        except KeyError:
            _field(entry, field, False, note="the result does not say whether it was applied")
        else:
            _field(entry, field, value is not None and value is not False)
    _field(entry, "normalization_applied", result.average != "sum")


def _write_instrument(entry: Any, result: Result, instrument: str, source: str) -> None:
    group = _group(entry, "instrument", "NXinstrument")
    _field(group, "name", instrument)
    beam = _group(group, "monochromator", "NXmonochromator")
    wavelength = math.nan if result.wavelength is None else result.wavelength
    _field(beam, "wavelength", wavelength * 1e10, units="angstrom")
    _field(beam, "energy", HC_KEV_M / wavelength, units="keV")
    laboratory = _group(group, "source", "NXsource")
    _field(laboratory, "name", source)
    kind = _field(laboratory, "type", _NOT_RECORDED)
    kind.attrs["custom"] = True  # NeXus: a value outside the list, which is open
    _field(laboratory, "probe", "x-ray")


def _write_sample(entry: Any, result: Result) -> None:
    """Write how the sample stands, for axes of grazing incidence: azimuthal.units.grazing."""
    sample = next((axis.unit.parameters for axis in axes_of(result).values() if axis.unit.parameters), None)
    if sample is None:
        return
    group = _group(entry, "sample", "NXsample")
    for name in ("incident_angle", "tilt_angle"):
        _field(group, name, math.degrees(sample[name]), units="deg")
    _field(group, "sample_orientation", int(sample["sample_orientation"]))


def _write_reduction(entry: Any, result: Result, definition: str | None) -> None:
    group = _group(entry, "reduction", "NXprocess")
    _field(group, "program", PROGRAM)
    _field(group, "version", program_version(result.provenance))
    _field(group, "date", dt.datetime.now(dt.UTC).isoformat(timespec="seconds"))
    _field(group, "reference", _REFERENCE)
    if definition is None:
        _field(group, "note", "NXazint1d and NXazint2d know q and 2theta only; this file has their layout.")
    parameters = _group(group, "input", "NXparameters")
    provenance = dict(result.provenance)
    _field(parameters, "about", json_text(shared_record(result)), format="JSON")
    if "recipe" in provenance:
        _field(parameters, "recipe", json_text(provenance.pop("recipe")), format="JSON")
    if isinstance(provenance.get("poni"), str):
        _field(parameters, "poni", provenance.pop("poni"), format="PONI")
    _field(parameters, "provenance", json_text(provenance), format="JSON")
    for name, value in _plain_parameters(result).items():
        _field(parameters, name, value)


def _plain_parameters(result: Result) -> dict[str, Any]:
    """Return the parameters that other programs look for, one field each."""
    axes = axes_of(result)
    main = axes.get("radial", axes.get("azimuthal"))
    parameters: dict[str, Any] = {"average": result.average, "error_model": result.error_model or "none"}
    if main is not None:
        parameters["unit"] = _UNIT_WORDS.get(main.unit.name, main.unit.name)
    for name, axis in axes.items():
        parameters["azimuth_bins" if name == "azimuthal" else "radial_bins"] = axis.n_bins
    with contextlib.suppress(KeyError):
        factor = correction(result.provenance, "polarization_factor")
        if isinstance(factor, float):
            parameters["polarization_factor"] = factor
    return parameters


def _write_axes(entry: Any, result: Result) -> None:
    image = isinstance(result, Cake)
    axes = axes_of(result)
    data = _group(entry, "data", "NXdata", signal="I", interpretation="image" if image else "spectrum")
    data.attrs["axes"] = [".", *(f"{name}_axis" for name in axes)]
    for name, axis in axes.items():
        words = _axis_words(name, axis)
        units = _NEXUS_UNITS.get(axis.unit.symbol, axis.unit.symbol)
        centers = _field(data, f"{name}_axis", axis.centers, long_name=words[0], units=units)
        edges = _field(data, f"{name}_axis_edges", axis.edges, long_name=words[1], units=units)
        for scale in (centers, edges):
            scale.make_scale(scale.name.rpartition("/")[2])
    _write_pairs(data, pair_bins(result))


def _write_pairs(data: Any, bins: dict[str, AnyArray]) -> None:
    """Write which bins have a covariance; nothing when it was not summed."""
    if not bins:
        return
    n_pairs = len(next(iter(bins.values())))
    number = _field(data, _PAIR, np.arange(n_pairs, dtype="<i4"), long_name="number of the pair of bins")
    number.make_scale(_PAIR)
    for name, values in bins.items():
        about = f"{name.rpartition('_')[2]} of two bins that share pixels, numbered from 0 in the order of one frame"
        _field(data, name, values, long_name=about).dims[0].attach_scale(number)


def _axis_words(name: str, axis: Axis) -> tuple[str, str]:
    if name == "azimuthal" and not axis.unit.parameters:
        return "azimuthal bin center", "azimuthal bin edges"
    word = _LONG_NAMES.get(axis.quantity.name, axis.quantity.long_name or axis.quantity.name)
    return word, f"{word} bin edges"


def _write_norm(data: Any, norm: FloatArray) -> None:
    about = "effective number of pixels contributing to the corresponding bin"
    dataset = _field(data, "norm", norm, long_name=about, units="arbitrary units")
    names = ("azimuthal_axis", "radial_axis") if norm.ndim == 2 else (data.attrs["axes"][-1],)
    for number, name in enumerate(names):
        dataset.dims[number].attach_scale(data[name])


def _group(parent: Any, name: str, nexus_class: str, **attributes: str) -> Any:
    group = parent.create_group(name, track_order=True)
    group.attrs.update({"NX_class": nexus_class, **attributes})
    return group


def _field(parent: Any, name: str, value: Any, **attributes: str) -> Any:
    dataset = parent.create_dataset(name, data=value)
    dataset.attrs.update(attributes)
    return dataset
