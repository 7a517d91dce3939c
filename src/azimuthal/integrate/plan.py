# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Plans: everything expensive done once, then applied to any number of frames.

``compile(spec, arrays)`` folds the instrument, the corrections, the mask, the bins and the splitting into one sparse
matrix and at most three per-pixel arrays.  What a frame still goes through:

1. invalid values are found (:mod:`azimuthal.masks`);
2. the engine sums signal, variance, normalisation, its square and the count per bin;
3. the monitor (``normalization_factor``) multiplies the normalisation;
4. the sums become a :class:`~azimuthal.results.Profile` or a :class:`~azimuthal.results.Cake`.

With ``s = raw - dark`` and ``n = flat * solid angle * polarisation * absorption`` the averages differ only in what an
engine is asked to sum:

===============  ========================  ==================
average          signal                    normalisation
===============  ========================  ==================
ratio_of_sums    c s                       c n
mean_of_ratios   c s / n                   c
sum              c s / n                   c
===============  ========================  ==================

What invalidates what: the instrument, units, ranges, bins, split and masks change the matrix; flat, absorption,
polarisation, solid angle and dark change only the per-pixel arrays (and the matrix where they exclude a pixel); the
error model and the engine change neither.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import azimuthal._upward as upward
from azimuthal import masks
from azimuthal._validate import one_of, positive_number
from azimuthal._version import __version__
from azimuthal.corrections import FoldedCorrections, fold
from azimuthal.engines import (
    CHUNK_CODECS,
    BinSums,
    Reducer,
    ReductionTask,
    RobustSums,
    VarianceModel,
    engine,
    thread_count,
)
from azimuthal.errors import ParameterError, UnsupportedOptionError
from azimuthal.integrate import stream
from azimuthal.integrate._rejecting import RejectingReducer, check_static, rejecting
from azimuthal.integrate.axes import PlanAxes, plan_axes
from azimuthal.integrate.chunk_list import ChunkList
from azimuthal.integrate.linearity import DeadTimeReducer
from azimuthal.integrate.second_pass import FIRST_PASS, SecondPass, second_pass, static_variances
from azimuthal.integrate.shapes import ShapeSource
from azimuthal.integrate.spec import PixelArrays, PlanSpec, check_variances
from azimuthal.results import Cake, PairSums, Profile, Rejected, Sums
from azimuthal.results.missing_wedge import has_wedge, missing_wedge
from azimuthal.sparse import SparseMatrix, Weights
from azimuthal.splitting import Extent, build_matrix, extent_of, scheme
from azimuthal.typing import AnyArray, BoolArray, FloatArray, PathLike
from azimuthal.uncertainty import checked_normalization_variance, checked_variance


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """A compiled integration; call it with a frame.

    Immutable and safe to call from any number of threads at once.  Make one with :meth:`Integrator.plan1d` and its
    sisters, or with :func:`compile`.

    Attributes
    ----------
    spec:
        The description.
    arrays:
        The per-pixel inputs it was compiled with.
    axes:
        The axes of the result and the grid of bins.
    weights:
        Which pixel feeds which bin, as the engine keeps it.
    report:
        Number of pixels by what became of them.
    threads:
        How many threads it may use.
    """

    spec: PlanSpec
    arrays: PixelArrays
    axes: PlanAxes
    weights: Weights
    report: dict[str, int]
    threads: int
    _reducer: Reducer
    _second_pass: SecondPass | None
    _engine_name: str
    _recipe: dict[str, Any]
    _rejecting: RejectingReducer | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Shape of the frames."""
        return self.spec.instrument.detector.shape

    @property
    def corrections(self) -> dict[str, Any]:
        """What is corrected and how; a copy of ``provenance["corrections"]`` of the results."""
        return dict(self._recipe["corrections"])

    @property
    def nbytes(self) -> int:
        """Memory of the weights and the per-pixel inputs in bytes."""
        lists = 0 if self._rejecting is None else self._rejecting.nbytes
        return self.weights.nbytes + self.arrays.nbytes + lists

    @property
    def matrix(self) -> SparseMatrix:
        """Which pixel feeds which bin, as a sparse matrix; unpacked anew each time where the engine packs it."""
        return self.weights.as_matrix()

    @property
    def engine(self) -> str:
        """Name of the engine that runs."""
        return self._engine_name

    def __call__(
        self,
        frame: Any,
        *,
        normalization_factor: float = 1.0,
        variance: Any = None,
        metadata: dict[str, Any] | None = None,
        normalization_variance: float = 0.0,
    ) -> Any:
        """Integrate one frame.

        Parameters
        ----------
        frame:
            Raw values; shape of the detector; integers or floats of any byte order and strides.  Never modified.
        normalization_factor:
            Monitor: divides the intensity.
        variance:
            Variance of every raw value, same shape; required by, and only allowed with, the error model "variance".
        metadata:
            Kept in the result.
        normalization_variance:
            Variance of the monitor; part of sem, common to all bins.

        Returns
        -------
        :
            A Profile, or a Cake for a two-dimensional plan.

        Raises
        ------
        ShapeError, DataTypeError, ParameterError
            The frame, the variance or the monitor cannot be used.
        """
        raw = self.spec.checked_frame(frame)
        monitor = self._monitor(normalization_factor, normalization_variance)
        invalid = self.spec.invalid_ranges(raw.dtype)
        model, pixel_variance = self._variance(variance, raw, invalid)
        flat = raw.reshape(-1)
        if self._rejecting is not None:
            return self._result(self._rejecting.reduce(flat, pixel_variance, invalid), monitor, invalid, metadata)
        sums = self._reducer.reduce(flat, model, pixel_variance, invalid)
        if self._second_pass is not None:
            sums = self._second_pass(sums, lambda: flat, invalid)
        return self._result(sums, monitor, invalid, metadata)

    def map(
        self,
        source: Any,
        *,
        normalization_factors: Any = None,
        on_error: stream.OnError = "raise",
        normalization_variances: Any = None,
    ) -> Generator[Any]:
        """Integrate many frames, in order and in bounded memory; :mod:`azimuthal.integrate.stream` says how.

        Parameters
        ----------
        source:
            Anything that :func:`azimuthal.open_frames` takes: a path, ``file::/dataset``, a list, a stack, an iterable.
        normalization_factors:
            One monitor value per frame, or None for 1.
        on_error:
            What becomes of a frame that cannot be read or integrated: "raise" its error, or "yield" it in the place of
            the result and go on.
        normalization_variances:
            Variance of every monitor value, or None for 0.

        Yields
        ------
        :
            One result per frame; its metadata hold the ``name`` of the source, the ``label`` and the ``index`` of the
            frame; ``provenance["decoder"]`` says what decoded it.

        Raises
        ------
        FileFormatError, FileMissingError
            A frame is damaged, truncated or absent; all frames before it have been yielded.
        """
        monitors = stream.Monitors.of(normalization_factors, normalization_variances)
        with upward.find("open_frames")(source) as frames:
            yield from stream.integrate_frames(self.lent(), frames, monitors, on_error)

    def integrate_stack(
        self, frames: Any, *, normalization_factors: Any = None, normalization_variances: Any = None
    ) -> list[Any]:
        """Integrate frames that are in memory, up to 16 at a time on each thread.

        Parameters
        ----------
        frames:
            Array of shape (n, slow, fast), or a list of frames.
        normalization_factors, normalization_variances:
            One monitor value per frame, or None for 1, and its variance, or None for 0.

        Returns
        -------
        :
            One result per frame; the same bits as from the plan itself.
        """
        return list(
            self.map(
                frames,
                normalization_factors=normalization_factors,
                normalization_variances=normalization_variances,
            )
        )

    def integrate_chunks(
        self,
        chunks: Sequence[Any],
        *,
        dtype: Any,
        codec: str = "bitshuffle-lz4",
        normalization_factors: Any = None,
        on_error: stream.OnError = "raise",
        normalization_variances: Any = None,
    ) -> list[Any]:
        """Integrate compressed frames, as HDF5 stores them and detectors send them, without decoding them first.

        Parameters
        ----------
        chunks:
            Buffers of bytes; each is one frame.
        dtype:
            Type of the frames: uint8, uint16 or uint32.
        codec:
            "bitshuffle-lz4", "bitshuffle-zstd", "lz4" or "none"; the bytes as HDF5's filters write them.
        normalization_factors:
            One monitor value per frame, or None for 1.
        on_error:
            What becomes of a damaged chunk: "raise" its error, or "yield" it in the place of the result.
        normalization_variances:
            Variance of every monitor value, or None for 0.

        Returns
        -------
        :
            One result per chunk.

        Raises
        ------
        UnsupportedOptionError
            The engine cannot integrate such chunks; those of the reference engine are read by :meth:`map`.
        FileFormatError
            A chunk is damaged.
        """
        one_of("codec", codec, CHUNK_CODECS)
        if self.spec.reject is not None:
            raise UnsupportedOptionError(
                f"integrate_chunks: a plan with reject={self.spec.reject.method!r} needs decoded frames. Call the plan "
                "with them, or plan.map() with the file, which decodes here."
            )
        frame_type = np.dtype(dtype)
        can = frame_type.isnative and frame_type.name in getattr(self._reducer, "chunk_dtypes", ())
        if not can or self.spec.error_model == "variance":
            raise UnsupportedOptionError(
                "integrate_chunks: expected the native engine, an error model other than 'variance', and frames of "
                f"uint8, uint16 or uint32; got engine {self.engine!r}, error_model={self.spec.error_model!r}, dtype "
                f"{frame_type}. Decode the frames, and call the plan with them."
            )
        held = ChunkList([memoryview(chunk).cast("B") for chunk in chunks], codec, frame_type, self.shape)
        monitors = stream.Monitors.of(normalization_factors, normalization_variances)
        return list(stream.integrate_frames(self.lent(), held, monitors, on_error))

    def save(self, path: PathLike, *, force: bool = False) -> None:
        """Write the plan to an HDF5 file; :func:`azimuthal.load_plan` reads it back, with bit-equal results."""
        upward.find("save_plan")(self, path, force=force)

    def replace(self, *, arrays: PixelArrays | None = None, **changes: Any) -> Plan:
        """Return a plan with some choices (fields of the description) or the per-pixel arrays changed."""
        return compile(self.spec.replace(**changes), self.arrays if arrays is None else arrays)

    def with_dark(self, dark: Any, variance: Any = None) -> Plan:
        """Return the plan with another dark, in its results bit-equal to one compiled with it; weights are used again.

        Parameters
        ----------
        dark:
            Shape of the frame, finite where the dark of this plan is.
        variance:
            Of the dark, shape of the frame; needed where this plan has one, and only there.

        Raises
        ------
        ShapeError, DataTypeError
            The arrays do not fit the frame.
        ParameterError
            The dark excludes other pixels, or a variance is missing or too many.
        """
        given = PixelArrays(dark=dark, dark_variance=variance).checked(self.shape)
        if (given.dark_variance is None) != (self.arrays.dark_variance is None):
            words = "no variance" if self.arrays.dark_variance is None else "a variance"
            raise ParameterError(f"dark: this plan has a dark with {words}, and the other one has to be alike.")
        if not np.array_equal(_finite(given.dark, self.shape), _finite(self.arrays.dark, self.shape)):
            raise ParameterError(
                "dark: expected values that are finite where those of the plan's dark are, for the weights leave out "
                "the other pixels. Mask what is bad in any of the darks, or compile a plan for each."
            )
        arrays = dataclasses.replace(self.arrays, dark=given.dark, dark_variance=given.dark_variance)
        arrays.digests.update(self.arrays.digests | given.digests)
        check_variances(self.spec.error_model, arrays)
        masked, _ = _masked(self.spec, arrays)
        folded = _folded(self.spec, arrays, masked, self.threads if _is_native(self.spec) else None)
        return _prepared(self.spec, arrays, self.axes, self.weights, dict(self.report), folded, self.threads)

    def __reduce__(self) -> tuple[Any, ...]:
        return restore, (self.spec, self.arrays, self.axes, self.matrix, self.report)

    def __repr__(self) -> str:
        bins = f"{self.axes.grid.n_u} radial x {self.axes.grid.n_c} azimuthal bins"
        return f"<Plan {self.spec.kind}: {bins}, split={self.spec.split!r}, engine={self.engine!r}>"

    def _repr_html_(self) -> str:
        from azimuthal.integrate._html import plan_html

        return plan_html(self)

    def lent(self) -> stream.Integration:
        """Return what a stream of frames needs of the plan."""
        return stream.Integration(
            shape=self.shape,
            reducer=self._reducer if self._rejecting is None else self._rejecting,
            model=FIRST_PASS[self.spec.error_model],
            invalid_ranges=self.spec.invalid_ranges,
            checked_frame=self.spec.checked_frame,
            monitor=self._monitor,
            finished=self._result,
            one=self,
            n_threads=self.threads,
            second_pass=self._second_pass,
        )

    def _monitor(self, factor: float, variance: float) -> stream.Monitor:
        monitor = stream.Monitor(
            positive_number("normalization_factor", factor), checked_normalization_variance(variance)
        )
        if monitor.variance > 0 and self.spec.error_model is None:
            raise ParameterError(
                "normalization_variance: the plan has error_model=None and would ignore it. Pass an error model."
            )
        return monitor

    def _variance(
        self, variance: Any, raw: AnyArray, invalid: masks.InvalidRanges
    ) -> tuple[VarianceModel, FloatArray | None]:
        model = self.spec.error_model
        if variance is not None and model != "variance":
            raise ParameterError(
                f"variance: the plan has error_model={model!r} and would ignore it. Make the plan with "
                "error_model='variance'."
            )
        if model != "variance":
            return FIRST_PASS[model], None
        if variance is None:
            raise ParameterError("variance: the plan has error_model='variance' and needs one per frame.")
        unused = ~self.weights.used_pixels().reshape(self.shape) | masks.invalid_pixels(raw, invalid)
        checked = checked_variance(variance, shape=self.shape, excluded=unused)
        return "variance", np.require(checked, requirements=["C_CONTIGUOUS", "ALIGNED"]).reshape(-1)

    def _pair_sums(self, values: FloatArray | None) -> PairSums | None:
        if values is None or self._reducer.pairs is None:
            return None
        values.flags.writeable = False
        return PairSums(self._reducer.pairs, values)

    def _result(
        self,
        sums: BinSums | RobustSums,
        monitor: stream.Monitor,
        invalid: masks.InvalidRanges,
        metadata: dict[str, Any] | None,
    ) -> Profile | Cake:
        sums = _with_monitor(sums, monitor.value, self.spec.average)
        axes = self.axes
        shape = (axes.grid.n_c, axes.grid.n_u) if self.spec.kind == "cake" else (axes.grid.n_bins,)
        rejected = None
        if isinstance(sums, RobustSums):
            iterations = None if sums.iterations is None else sums.iterations.reshape(shape)
            frame_shape = None if sums.rejected is None else self.shape
            rejected = Rejected(
                sums.n_kept.reshape(shape), sums.n_rejected.reshape(shape), iterations, sums.rejected, frame_shape
            )
            sums = sums.sums
        held = Sums(
            sums.signal.reshape(shape),
            None if sums.variance is None else sums.variance.reshape(shape),
            sums.normalization.reshape(shape),
            sums.normalization2.reshape(shape),
            sums.count.reshape(shape),
            self._pair_sums(sums.covariance),
            None if sums.cross is None else sums.cross.reshape(shape),
            None if sums.static is None else sums.static.reshape(shape),
        )
        of_this_frame = {"n_invalid": sums.n_invalid, "invalid_values": invalid.describe(), "engine": self.engine}
        described: dict[str, Any] = {
            "sums": held,
            "average": self.spec.average,
            "error_model": self.spec.error_model,
            "wavelength": self.spec.instrument.wavelength,
            "provenance": self._recipe | of_this_frame,
            "metadata": dict(metadata or {}),
            "normalization_factor": monitor.value,
            "normalization_variance": monitor.variance,
            "outliers": rejected,
        }
        if axes.radial is not None and axes.azimuthal is not None:
            return Cake(radial_axis=axes.radial, azimuthal_axis=axes.azimuthal, **described)
        axis: Any = axes.radial or axes.azimuthal
        return Profile(axis=axis, **described)


def compile(spec: PlanSpec, arrays: PixelArrays | None = None, *, threads: int | None = None) -> Plan:
    """Do all the work that does not depend on a frame.

    Parameters
    ----------
    spec:
        The description.
    arrays:
        Mask, dark, flat, absorption and variances; shape of the frame.
    threads:
        Number of threads for compiling and for each frame; None: the environment variable AZIMUTHAL_THREADS, else the
        cores this process may use.  Results do not depend on it.

    Returns
    -------
    :
        The plan.

    Raises
    ------
    WavelengthMissingError
        A unit needs a wavelength that the beam does not have.
    ParameterError, ShapeError, DataTypeError
        A choice or an array cannot be used.
    EngineUnavailableError
        The engine cannot run here.
    """
    arrays = (arrays or PixelArrays()).checked(spec.instrument.detector.shape)
    check_variances(spec.error_model, arrays)
    if spec.reject is not None and (arrays.dark_variance is not None or arrays.flat_variance is not None):
        check_static(spec.reject, spec.error_model)
    n_threads = thread_count(threads)
    native = _is_native(spec)
    source = ShapeSource(spec.instrument, spec.unit, spec.azimuth_unit, native=native, n_threads=n_threads)
    masked, report = _masked(spec, arrays)
    folded = _folded(spec, arrays, masked, n_threads if native else None)
    excluded = masked if folded.excluded is None else masked | folded.excluded
    report["corrections"] = int(np.count_nonzero(excluded)) - int(np.count_nonzero(masked))
    splitter = scheme(spec.split, native=native, n_threads=n_threads)
    grid_pixels = None if spec.split == "exact" else source.grid_pixels(excluded)

    def slabs() -> Iterator[Any]:
        return source.slabs(excluded, corners=splitter.needs_corners, centers=splitter.needs_centers)

    def find_extent() -> Extent:
        if grid_pixels is not None:
            low, high = grid_pixels.radial_range(spec.split, source.circle, source.u_floor, n_threads=n_threads)
            return Extent(low, high, -math.pi, math.pi)
        return extent_of(slabs(), splitter, source.circle, source.u_floor)

    axes = plan_axes(spec, source.circle, source.u_floor, find_extent)
    weights: Weights
    if grid_pixels is not None:
        weights, n_not_finite = grid_pixels.packed(spec.split, axes.grid, n_threads=n_threads)
    else:
        matrix, n_not_finite = build_matrix(slabs(), splitter, axes.grid)
        weights = _outside_wedge(matrix, spec, axes)
    n_used = int(np.count_nonzero(weights.used_pixels()))
    report |= {"used": n_used, "not_finite": n_not_finite}
    report["out_of_range"] = int(np.count_nonzero(~excluded)) - n_used - n_not_finite
    return _prepared(spec, arrays, axes, weights, report, folded, n_threads)


def measured_extent(spec: PlanSpec, arrays: PixelArrays | None = None, *, threads: int | None = None) -> Extent:
    """Return the range of the coordinates over all pixels that count, SI units: what a plan measures for open ranges.

    Parameters
    ----------
    spec, arrays, threads:
        As for :func:`compile`.

    Returns
    -------
    :
        Infinite and reversed where no pixel is left.
    """
    arrays = (arrays or PixelArrays()).checked(spec.instrument.detector.shape)
    n_threads = thread_count(threads)
    native = _is_native(spec)
    source = ShapeSource(spec.instrument, spec.unit, spec.azimuth_unit, native=native, n_threads=n_threads)
    masked, _ = _masked(spec, arrays)
    folded = _folded(spec, arrays, masked, n_threads if native else None)
    excluded = masked if folded.excluded is None else masked | folded.excluded
    splitter = scheme(spec.split, native=native, n_threads=n_threads)
    grid_pixels = None if spec.split == "exact" else source.grid_pixels(excluded)
    if grid_pixels is not None:
        low, high = grid_pixels.radial_range(spec.split, source.circle, source.u_floor, n_threads=n_threads)
        return Extent(low, high, -math.pi, math.pi)
    slabs = source.slabs(excluded, corners=splitter.needs_corners, centers=splitter.needs_centers)
    return extent_of(slabs, splitter, source.circle, source.u_floor)


def restore(spec: PlanSpec, arrays: PixelArrays, axes: PlanAxes, matrix: SparseMatrix, report: dict[str, int]) -> Plan:
    """Return a plan from its stored parts; results are bit-equal."""
    arrays = arrays.checked(spec.instrument.detector.shape)
    n_threads = thread_count()
    folded = _folded(spec, arrays, _masked(spec, arrays)[0], n_threads if _is_native(spec) else None)
    return _prepared(spec, arrays, axes, matrix, report, folded, n_threads)


def corrections_of(
    spec: PlanSpec, arrays: PixelArrays, *, threads: int | None = None
) -> tuple[BoolArray, FoldedCorrections]:
    """Return which pixels never count, and the folded corrections of the others, as :func:`compile` makes them.

    Parameters
    ----------
    spec:
        The description.
    arrays:
        Mask, dark, flat and absorption, in the shape of the frame.
    threads:
        As for :func:`compile`.
    """
    arrays = arrays.checked(spec.instrument.detector.shape)
    masked, _ = _masked(spec, arrays)
    folded = _folded(spec, arrays, masked, thread_count(threads) if _is_native(spec) else None)
    return (masked if folded.excluded is None else masked | folded.excluded), folded


def _outside_wedge(matrix: SparseMatrix, spec: PlanSpec, axes: PlanAxes) -> SparseMatrix:
    """Return the weights without those in the missing wedge of a map, into which the boxes around pixels may reach."""
    if axes.radial is None or axes.azimuthal is None or spec.split == "none":
        return matrix
    if not has_wedge(axes.radial.unit, axes.azimuthal.unit):
        return matrix
    return matrix.without_bins(missing_wedge(axes.radial, axes.azimuthal, spec.instrument.wavelength).reshape(-1))


def _is_native(spec: PlanSpec) -> bool:
    """Return whether the compiled core may work on a plan; the reference engine, to be compared with, is all NumPy."""
    return engine(spec.engine).name != "reference"


def _masked(spec: PlanSpec, arrays: PixelArrays) -> tuple[BoolArray, dict[str, int]]:
    """Return which pixels never count, and how many by which cause (the first one that applies)."""
    detector = spec.instrument.detector
    masked = detector.gap_mask() if spec.detector_mask else np.zeros(detector.shape, bool)
    report = {"total": masked.size, "gaps": int(np.count_nonzero(masked)), "mask": 0}
    if arrays.mask is not None:
        masked = masked | arrays.mask
        report["mask"] = int(np.count_nonzero(masked)) - report["gaps"]
    return masked, report


def _folded(spec: PlanSpec, arrays: PixelArrays, masked: BoolArray, n_threads: int | None) -> FoldedCorrections:
    return fold(
        spec.instrument,
        spec.correction_settings(),
        dark=arrays.dark,
        flat=arrays.flat,
        absorption=arrays.absorption,
        mask=masked,
        n_threads=n_threads,
    )


def _finite(image: AnyArray | None, shape: tuple[int, int]) -> BoolArray:
    return np.ones(shape, bool) if image is None else np.isfinite(image)


def _prepared(
    spec: PlanSpec,
    arrays: PixelArrays,
    axes: PlanAxes,
    weights: Weights,
    report: dict[str, int],
    folded: FoldedCorrections,
    n_threads: int,
) -> Plan:
    offset = None if folded.offset is None else folded.offset.reshape(-1)
    normalization = None if folded.normalization is None else folded.normalization.reshape(-1)
    gain = None
    if spec.average != "ratio_of_sums" and normalization is not None:
        with np.errstate(divide="ignore"):  # pixels without normalisation feed no bin
            gain, normalization = 1.0 / normalization, None
    chosen = engine(spec.engine)
    if spec.covariance and not chosen.capabilities.covariance:
        raise UnsupportedOptionError(
            f"covariance: the engine {chosen.name!r} does not sum it. Use engine='native', engine='reference', or "
            "covariance=False."
        )
    task = ReductionTask(weights, offset, gain, normalization, spec.covariance)
    reducer: Reducer = chosen.prepare(task, n_threads=n_threads)
    if (dead_time := spec.pixel_dead_time()) is not None:
        reducer = DeadTimeReducer(reducer, dead_time)
    product = None if folded.normalization is None else folded.normalization.reshape(-1)
    then = None if spec.reject is not None else second_pass(spec.error_model, arrays, reducer, product)
    recipe: dict[str, Any] = {
        "program": "azimuthal",
        "version": __version__,
        "recipe": spec.to_dict(inline_arrays=False),
        "arrays": dict(arrays.digests),
        "pixels": dict(report),
        "corrections": folded.summary
        | {"dead_time": None if dead_time is None else dataclasses.asdict(dead_time)}
        | {name: name in arrays.digests for name in ("dark_variance", "flat_variance")},
    }
    if noisy := _noisy_arrays(arrays):
        recipe["noisy_arrays"] = noisy
    rejects = None
    if spec.reject is not None:
        static = static_variances(arrays, reducer, product)
        rejects = rejecting(reducer, spec.reject, spec.error_model, chosen.name, n_threads, static)
    return Plan(
        spec, arrays, axes, reducer.weights, dict(report), n_threads, reducer, then, chosen.name, recipe, rejects
    )  # fmt: skip


def _noisy_arrays(arrays: PixelArrays) -> list[str]:
    """Return names and digests of the arrays whose noise frames share: results that have them may be merged."""
    return [f"{name} {arrays.digests[name]}" for name in ("dark", "flat") if f"{name}_variance" in arrays.digests]


def _with_monitor(sums: Any, monitor: float, average: str) -> Any:
    if monitor == 1.0:
        return sums
    if isinstance(sums, RobustSums):
        return sums.with_sums(_with_monitor(sums.sums, monitor, average))
    if average == "ratio_of_sums":
        return dataclasses.replace(
            sums,
            normalization=sums.normalization * monitor,
            normalization2=sums.normalization2 * monitor**2,
            cross=_divided(sums.cross, 1.0 / monitor),
        )
    return dataclasses.replace(
        sums,
        signal=sums.signal / monitor,
        variance=_divided(sums.variance, monitor**2),
        covariance=_divided(sums.covariance, monitor**2),
        cross=_divided(sums.cross, monitor),
        static=_divided(sums.static, monitor**2),
    )


def _divided(values: FloatArray | None, by: float) -> FloatArray | None:
    return None if values is None else values / by
