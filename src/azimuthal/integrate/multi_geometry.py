# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Several geometries, one result: detectors that stand beside or behind one another, or one detector at several poses.

Every frame is integrated with its own geometry into the same bins, and the sums are added::

    I(b) = sum over geometries and pixels (c s) / sum over geometries and pixels (c n)

For that to be one curve the normalisation n must be on one scale.  A relative solid angle is not: it is 1 at the point
of normal incidence of *each* geometry, whatever its distance and pixel size.  Here the solid angle is therefore the
absolute one, in sr (:mod:`azimuthal.corrections.solid_angle`), and the intensity is a number of counts per steradian
and unit of the monitor.  On flat detectors with uniform pixels it is ``pixel1 pixel2 / dist^2`` times the relative
one, the factor that pyFAI multiplies the monitors with; results agree.

For the same reason the efficiency of the sensor at normal incidence is divided out where it is known for all geometries
and differs between them (another thickness, material or energy): ``sensor_absorption="auto"`` is "absolute" then, and
intensities count the photons that arrive.

The weight of a geometry in a bin is its normalisation there (solid angle times monitor times everything else): for
counted photons, the weights of the estimate of largest likelihood.

The bins are the same for all, so merging is exact addition.  A range that is left open is measured over all geometries.
Wavelengths may differ where the unit is a function of q; an angle at different wavelengths is refused.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import numpy as np

from azimuthal._validate import one_of
from azimuthal.errors import DataTypeError, ParameterError, ShapeError, UnsupportedOptionError
from azimuthal.instrument import Instrument
from azimuthal.integrate._common_range import check_together, with_common_range, with_one_efficiency
from azimuthal.integrate._each_its_own import Job, integrate_each
from azimuthal.integrate.grazing import grazing_axes
from azimuthal.integrate.integrator import KEPT_PLANS, Integrator, PlanCache, described, with_variance
from azimuthal.integrate.plan import Plan
from azimuthal.integrate.spec import Kind, PixelArrays, PlanSpec
from azimuthal.results import Cake, Profile
from azimuthal.results.merging import merge
from azimuthal.typing import FloatArray

AnyResult = TypeVar("AnyResult", Profile, Cake)

_PER_GEOMETRY = {
    "mask": "masks",
    "dark": "darks",
    "flat": "flats",
    "absorption": "absorptions",
    "dark_variance": "dark_variances",
    "flat_variance": "flat_variances",
}
#: Geometries that the provenance of a merged result lists one by one.
_LISTED = 64


@dataclass(frozen=True, slots=True)
class MultiResult(Generic[AnyResult]):
    """What several geometries give.  Unpacks like the merged result: ``q, intensity, sigma = result``.

    Attributes
    ----------
    merged:
        From the sums of all geometries.
    parts:
        One result per geometry, in the same bins; NaN in bins that a geometry does not reach.
    """

    merged: AnyResult
    parts: tuple[AnyResult, ...]

    @property
    def radial(self) -> FloatArray:
        """Centres of the (radial) bins."""
        return self.merged.radial

    @property
    def intensity(self) -> FloatArray:
        """Intensity of the merged result."""
        return self.merged.intensity

    @property
    def sigma(self) -> FloatArray | None:
        """Its uncertainty; None without an error model."""
        return self.merged.sigma

    def __iter__(self) -> Iterator[FloatArray | None]:
        return iter(self.merged)

    def _repr_html_(self) -> str:
        from azimuthal.results._sketch import merged_html

        return merged_html(self.merged, self.parts)


@dataclass(frozen=True, slots=True, eq=False)
class MultiPlan:
    """One compiled plan per geometry; call it with one frame per geometry.

    Immutable and safe to call from any number of threads at once.  Make one with :meth:`MultiGeometry.plan1d` and its
    sisters.

    Attributes
    ----------
    plans:
        In the order of the geometries; all with the same bins.
    """

    plans: tuple[Plan, ...]

    @property
    def nbytes(self) -> int:
        """Memory of the weights and the per-pixel inputs in bytes."""
        return sum(plan.nbytes for plan in self.plans)

    def __call__(
        self,
        images: Sequence[Any],
        *,
        normalization_factors: Any = None,
        variances: Any = None,
        metadata: dict[str, Any] | None = None,
    ) -> MultiResult[Any]:
        """Integrate one frame of every geometry.

        Parameters
        ----------
        images:
            One frame per geometry.
        normalization_factors, variances:
            One monitor value, and one variance array or None, per geometry.
        metadata:
            Kept in all results.

        Raises
        ------
        ShapeError
            The number of frames, monitors or variances is not that of the geometries.
        """
        n = len(self.plans)
        frames = _per_geometry("images", images, n)
        factors = _factors(normalization_factors, n)
        spreads = _per_geometry("variances", variances, n)
        calls = zip(self.plans, frames, factors, spreads, strict=True)
        return _together(
            plan(frame, normalization_factor=factor, variance=spread, metadata=metadata)
            for plan, frame, factor, spread in calls
        )

    def map(self, sources: Sequence[Any], *, normalization_factors: Any = None) -> Generator[MultiResult[Any]]:
        """Integrate series that were taken together: frame i of every source belongs to result i.

        Parameters
        ----------
        sources:
            One per geometry; each is anything that :func:`azimuthal.open_frames` takes.
        normalization_factors:
            Shape (n_geometries, n_frames), or None for 1.

        Raises
        ------
        ShapeError
            A series is longer than another one; all results up to there have been yielded.
        """
        n = len(self.plans)
        given = _per_geometry("sources", sources, n)
        factors = _per_geometry("normalization_factors", normalization_factors, n)
        streams = [
            plan.map(source, normalization_factors=of_source)
            for plan, source, of_source in zip(self.plans, given, factors, strict=True)
        ]
        try:
            yield from _in_step(streams)
        finally:
            for stream in streams:
                stream.close()

    def __repr__(self) -> str:
        return f"<MultiPlan of {len(self.plans)} geometries: {self.plans[0]!r}>"

    def _repr_html_(self) -> str:
        from azimuthal.integrate._html import multi_plan_html

        return multi_plan_html(self)


@dataclass(frozen=True, slots=True, init=False, eq=False)
class MultiGeometry:
    """Integrates frames of several geometries into one result.

    Immutable, safe to use from any number of threads at once, and picklable.  Plans of up to eight geometries are kept
    for the next call; with more, weights are made frame by frame and let go, so that thousands of geometries need the
    memory of a few.  Nothing moves: for a stream of frames with a geometry each see
    :class:`azimuthal.integrate.moving_geometry.MovingGeometry`.

    Parameters
    ----------
    integrators:
        :class:`~azimuthal.integrate.Integrator` or :class:`~azimuthal.instrument.Instrument`, at least one.

    Examples
    --------
    >>> import azimuthal as az
    >>> near = az.Integrator(detector="Pilatus100k", dist=0.1, poni1=0.0168, poni2=0.0419, wavelength=1e-10)
    >>> far = az.Integrator(detector="Pilatus100k", dist=0.3, poni1=0.0168, poni2=0.0419, wavelength=1e-10)
    >>> result = az.MultiGeometry([near, far]).integrate1d([np.ones((195, 487))] * 2, 50, solid_angle=False)
    >>> float(result.merged.intensity[5]), len(result.parts)
    (1.0, 2)
    """

    integrators: tuple[Integrator, ...]
    _cache: PlanCache = field(repr=False)

    def __init__(self, integrators: Iterable[Integrator | Instrument]) -> None:
        if isinstance(integrators, Integrator | Instrument):
            raise DataTypeError("integrators: expected a list of them, got a single one. Write MultiGeometry([ai]).")
        found = tuple(as_integrator(f"integrators[{n}]", one) for n, one in enumerate(integrators))
        if not found:
            raise ParameterError("integrators: expected at least one, got none.")
        object.__setattr__(self, "integrators", found)
        object.__setattr__(self, "_cache", PlanCache())

    @property
    def instruments(self) -> tuple[Instrument, ...]:
        """Detector, pose and beam of every geometry."""
        return tuple(one.instrument for one in self.integrators)

    def integrate1d(
        self, images: Sequence[Any], npt: Any, *, unit: Any = "q_nm^-1", **options: Any
    ) -> MultiResult[Profile]:
        """Return the radial profile of one frame per geometry, merged and one by one.

        Parameters
        ----------
        images:
            One raw frame per geometry.
        npt:
            Number of bins, an array of bin edges in `unit`, or :func:`azimuthal.log_bins`.
        unit:
            Radial unit; of q or d if wavelengths differ.
        **options:
            masks, darks, flats, absorptions, dark_variances, flat_variances
                One array, or None, per geometry.
            variances
                One array per geometry; implies error_model="variance".
            normalization_factors
                One monitor value per geometry.
            radial_range
                (low, high) in `unit`.  None: what all geometries together span.
            solid_angle
                "absolute" (default, also True) or False.  "relative" and "equal_area" only where all geometries have
                the same distance and pixel size.
            metadata
                Kept in all results.
            azimuth_range, split, average, error_model, polarization_factor, ...
                The same for all: :meth:`azimuthal.integrate.Integrator.integrate1d`.

        Raises
        ------
        ShapeError
            The number of images, masks, ... is not that of the geometries, or an image does not fit its detector.
        UnsupportedOptionError
            Wavelengths differ and the unit is no function of q; detectors at different distances with a unit of length.
        """
        return self._integrated("radial", images, options, npt_rad=npt, npt_azim=1, unit=unit)

    def integrate2d(
        self, images: Sequence[Any], npt_rad: Any, npt_azim: Any = 360, *, unit: Any = "q_nm^-1", **options: Any
    ) -> MultiResult[Cake]:
        """Return the cake of one frame per geometry; parameters of :meth:`integrate1d`, `unit` may be a pair."""
        return self._integrated("cake", images, options, npt_rad=npt_rad, npt_azim=npt_azim, unit=unit)

    def integrate_radial(
        self, images: Sequence[Any], npt: Any, *, unit: Any = "chi_deg", radial_unit: Any = "q_nm^-1", **options: Any
    ) -> MultiResult[Profile]:
        """Return I(chi) over `radial_range` (in `radial_unit`); other parameters of :meth:`integrate1d`."""
        return self._integrated("azimuthal", images, options, npt_rad=1, npt_azim=npt, unit=(radial_unit, unit))

    def integrate2d_grazing(
        self, images: Sequence[Any], npt_ip: Any = 1000, npt_oop: Any = 1000, **options: Any
    ) -> MultiResult[Cake]:
        """Return a map of grazing incidence or of a fibre of one frame per geometry.

        Units, ranges and the sample, which is the same for all geometries, as of
        :meth:`Integrator.integrate2d_grazing <azimuthal.integrate.Integrator.integrate2d_grazing>`; the rest as of
        :meth:`integrate1d`.
        """
        units, choices = grazing_units(options)
        return self._integrated("cake", images, choices, npt_rad=npt_ip, npt_azim=npt_oop, unit=units)

    def integrate1d_grazing(
        self, images: Sequence[Any], npt: Any = 1000, *, along: Any = "oop", **options: Any
    ) -> MultiResult[Profile]:
        """Return a cut through the map, along "oop" or "ip"; parameters of :meth:`integrate2d_grazing`."""
        units, choices = grazing_units(options)
        kind, bins = _cut(along, npt)
        return self._integrated(kind, images, choices, **bins, unit=units)

    def plan2d_grazing(self, npt_ip: Any = 1000, npt_oop: Any = 1000, **options: Any) -> MultiPlan:
        """Compile maps of grazing incidence; parameters of :meth:`integrate2d_grazing`."""
        units, choices = grazing_units(options)
        return self._plan("cake", choices, npt_rad=npt_ip, npt_azim=npt_oop, unit=units)

    def plan1d_grazing(self, npt: Any = 1000, *, along: Any = "oop", **options: Any) -> MultiPlan:
        """Compile cuts through a map; parameters of :meth:`integrate1d_grazing`."""
        units, choices = grazing_units(options)
        kind, bins = _cut(along, npt)
        return self._plan(kind, choices, **bins, unit=units)

    def plan1d(self, npt: Any, *, unit: Any = "q_nm^-1", **options: Any) -> MultiPlan:
        """Compile radial profiles of all geometries; parameters of :meth:`integrate1d`, and error_model="variance"."""
        return self._plan("radial", options, npt_rad=npt, npt_azim=1, unit=unit)

    def plan2d(self, npt_rad: Any, npt_azim: Any = 360, *, unit: Any = "q_nm^-1", **options: Any) -> MultiPlan:
        """Compile cakes; parameters of :meth:`integrate2d`."""
        return self._plan("cake", options, npt_rad=npt_rad, npt_azim=npt_azim, unit=unit)

    def plan_radial(
        self, npt: Any, *, unit: Any = "chi_deg", radial_unit: Any = "q_nm^-1", **options: Any
    ) -> MultiPlan:
        """Compile profiles I(chi); parameters of :meth:`integrate_radial`."""
        return self._plan("azimuthal", options, npt_rad=1, npt_azim=npt, unit=(radial_unit, unit))

    def _plan(self, kind: Kind, options: dict[str, Any], **bins: Any) -> MultiPlan:
        specs, arrays = described_together(self.integrators, kind, options, **bins)
        return MultiPlan(tuple(self._cache.get(*one) for one in zip(specs, arrays, strict=True)))

    def _integrated(self, kind: Kind, images: Sequence[Any], options: dict[str, Any], **bins: Any) -> MultiResult[Any]:
        choices = dict(options)
        calls = {name: choices.pop(name, None) for name in ("variances", "normalization_factors", "metadata")}
        if calls["variances"] is not None:
            choices = with_variance(choices, calls["variances"])
        frames = _per_geometry("images", images, len(self.integrators))
        if len(self.integrators) <= KEPT_PLANS:
            return self._plan(kind, choices, **bins)(frames, **calls)
        specs, arrays = described_together(self.integrators, kind, choices, **bins)
        return _together(_each(specs, arrays, frames, **calls))

    def __len__(self) -> int:
        return len(self.integrators)

    def __eq__(self, other: object) -> bool:
        return self.integrators == other.integrators if isinstance(other, MultiGeometry) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.integrators)

    def __reduce__(self) -> tuple[Any, ...]:
        return MultiGeometry, (self.integrators,)

    def __repr__(self) -> str:
        return f"<MultiGeometry of {len(self)}: {', '.join(_short(one) for one in self.instruments[:4])}{_more(self)}>"

    def _repr_html_(self) -> str:
        from azimuthal.integrate._html import multi_geometry_html

        return multi_geometry_html(self.instruments)


def grazing_units(options: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Return the units of a map, bound to the sample, and the other options."""
    own = dict(options)
    unit_ip, unit_oop = own.pop("unit_ip", "qip_nm^-1"), own.pop("unit_oop", "qoop_nm^-1")
    axes = grazing_axes(unit_ip, unit_oop, own.pop("ip_range", None), own.pop("oop_range", None), own)
    return axes.units, axes.options


def _cut(along: Any, npt: Any) -> tuple[Kind, dict[str, Any]]:
    if one_of("along", along, ("ip", "oop")) == "ip":
        return "radial", {"npt_rad": npt, "npt_azim": 1}
    return "azimuthal", {"npt_rad": 1, "npt_azim": npt}


def as_integrator(parameter: str, value: Any) -> Integrator:
    """Return the integrator of an integrator or an instrument."""
    if isinstance(value, Instrument):
        return Integrator.from_instrument(value)
    if not isinstance(value, Integrator):
        raise DataTypeError(
            f"{parameter}: expected an Integrator or an Instrument, got {type(value).__name__}. PONI files are read by "
            "az.load(path)."
        )
    return value


def described_together(
    integrators: Sequence[Integrator], kind: Kind, options: dict[str, Any], **bins: Any
) -> tuple[list[PlanSpec], list[PixelArrays]]:
    """Return the descriptions of all geometries, with one range and one scale.

    Parameters
    ----------
    integrators:
        At least one.
    kind, bins:
        Of :func:`azimuthal.integrate.integrator.described`.
    options:
        Its options, arrays in the plural: one per geometry.
    """
    n = len(integrators)
    if options.get("normalization_variances") is not None:
        raise UnsupportedOptionError(
            "normalization_variances: monitors of several geometries have other shares in every bin, and their "
            "variances make no number that is common to all. Leave them out, and add theirs to the errors."
        )
    shared = {name: value for name, value in options.items() if name not in _PER_GEOMETRY.values()}
    for name, plural in _PER_GEOMETRY.items():
        if name in shared:
            raise ParameterError(f"{name}: every geometry has its own. Pass {plural}=[...] with one for each of {n}.")
    given = {name: _per_geometry(plural, options.get(plural), n) for name, plural in _PER_GEOMETRY.items()}
    shared["solid_angle"] = "absolute" if shared.get("solid_angle", True) is True else shared["solid_angle"]
    specs: list[PlanSpec] = []
    arrays: list[PixelArrays] = []
    checked: dict[tuple[Any, ...], PixelArrays] = {}
    for number, one in enumerate(integrators):
        own = {name: values[number] for name, values in given.items() if values[number] is not None}
        spec, of_pixels = described(one.instrument, kind, shared | own, **bins)
        shape = spec.instrument.detector.shape
        same = (shape, *(id(value) for value in own.values()))  # one dark for all is checked and copied once
        if same not in checked:
            checked[same] = of_pixels.checked(shape)
        specs.append(spec)
        arrays.append(checked[same])
    instruments = [spec.instrument for spec in specs]
    one_scale = with_one_efficiency(specs[0], instruments).sensor_absorption
    specs = [spec.replace(sensor_absorption=one_scale) for spec in specs]
    check_together(instruments, specs[0])
    return with_common_range(specs, arrays), arrays


def merged(parts: Iterable[AnyResult]) -> AnyResult:
    """Return the merger of results of several geometries, which its provenance names.

    Two parts at a time are needed.  The result of different wavelengths has none.
    """
    geometries: list[Any] = []
    wavelengths: set[float | None] = set()
    count = 0

    def noted() -> Generator[AnyResult]:
        nonlocal count
        for part in parts:
            count += 1
            wavelengths.add(part.wavelength)
            if count <= _LISTED:
                geometries.append(part.provenance.get("recipe", {}).get("instrument"))
            yield dataclasses.replace(part, wavelength=None)

    total = merge(noted())
    known = {"n_geometries": count, "geometries": geometries if count <= _LISTED else geometries[:1]}
    wavelength = wavelengths.pop() if len(wavelengths) == 1 else None
    return dataclasses.replace(total, wavelength=wavelength, provenance=dict(total.provenance) | known)


def _together(results: Iterable[AnyResult]) -> MultiResult[AnyResult]:
    parts = tuple(results)
    return MultiResult(merged(parts), parts)


def _each(
    specs: list[PlanSpec],
    arrays: list[PixelArrays],
    frames: Sequence[Any],
    *,
    variances: Any,
    normalization_factors: Any,
    metadata: dict[str, Any] | None,
) -> Generator[Any]:
    n = len(specs)
    factors, spreads = _factors(normalization_factors, n), _per_geometry("variances", variances, n)

    def fetch(number: int) -> Job:
        return Job(specs[number], arrays[number], frames[number], factors[number], spreads[number], metadata)

    n_pixels = max(spec.instrument.detector.shape[0] * spec.instrument.detector.shape[1] for spec in specs)
    return integrate_each(n, fetch, n_pixels=n_pixels)


def _in_step(streams: list[Generator[Any]]) -> Generator[MultiResult[Any]]:
    done = object()
    while True:
        parts = [next(stream, done) for stream in streams]
        ended = [number for number, part in enumerate(parts) if part is done]
        if len(ended) == len(parts):
            return
        if ended:
            raise ShapeError(
                f"sources: expected series of the same length, but that of geometry {ended[0]} has ended and others "
                "have not."
            )
        yield _together(parts)


def _per_geometry(parameter: str, values: Any, n: int) -> Sequence[Any]:
    """Return one value per geometry; None stands for none at all."""
    if values is None and parameter != "images":
        return [None] * n
    is_list = isinstance(values, list | tuple) or (isinstance(values, np.ndarray) and values.ndim > 0)
    if not is_list:
        raise DataTypeError(
            f"{parameter}: expected a list with one for each of the {n} geometries, got {type(values).__name__}."
        )
    if len(values) != n:
        raise ShapeError(f"{parameter}: expected one for each of the {n} geometries, got {len(values)}.")
    found: Sequence[Any] = values
    return found


def _factors(values: Any, n: int) -> Sequence[Any]:
    return [1.0] * n if values is None else _per_geometry("normalization_factors", values, n)


def _short(instrument: Instrument) -> str:
    return f"{instrument.detector.name} at {instrument.pose.dist * 1e3:.6g} mm"


def _more(geometry: MultiGeometry) -> str:
    return ", ..." if len(geometry) > 4 else ""
