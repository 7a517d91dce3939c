# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""The facade: an instrument, and the calls that users of the field already type."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

import azimuthal._upward as upward
from azimuthal._validate import one_of, unknown_name
from azimuthal.detectors import Detector
from azimuthal.detectors import detector as find_detector
from azimuthal.errors import ParameterError
from azimuthal.geometry import Beam, ParallaxSettings, Pose
from azimuthal.geometry.parallax import doubtful_sensor_facts
from azimuthal.instrument import Instrument
from azimuthal.integrate.best_bins import BinProposal, best_bins
from azimuthal.integrate.grazing import grazing_axes
from azimuthal.integrate.plan import Plan, compile
from azimuthal.integrate.plan_set import PlanSet
from azimuthal.integrate.sectors import plan_of_bands, plan_of_sectors
from azimuthal.integrate.spec import PixelArrays, PlanSpec
from azimuthal.masks import combine
from azimuthal.results import Cake, Profile, ResultSet
from azimuthal.uncertainty import checked_error_model
from azimuthal.units import unit as find_unit

_ARRAYS = ("mask", "dark", "flat", "absorption", "dark_variance", "flat_variance")
_CHOICES = (
    "radial_range", "azimuth_range", "split", "average", "error_model", "solid_angle", "polarization_factor",
    "polarization_offset", "transmission", "detector_mask", "invalid_values", "dummy", "delta_dummy", "engine",
    "reject", "covariance", "sensor_absorption", "dead_time", "exposure_time", "dead_time_model",
)  # fmt: skip
_OF_A_FRAME = ("variance", "normalization_factor", "normalization_variance", "metadata")
KEPT_PLANS = 8
_KEPT_BYTES = 1 << 30  # two plans of 16 megapixels with full splitting
_KEPT_PREPARED = 2  # each about 250 MB for 4 megapixels

Made = TypeVar("Made")


class PlanCache:
    """The plans used last, as many as fit.  One lock: threads that ask for the same plan wait for one compilation."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._plans: list[Plan] = []  # the one used last at the end
        self._prepared: list[tuple[str, PlanSpec, PixelArrays, Any]] = []

    def get(self, spec: PlanSpec, arrays: PixelArrays) -> Plan:
        """Return the plan, compiled or kept."""
        with self._lock:
            plan = self._find(spec, arrays)
            if plan is None:
                plan = compile(spec, arrays)
            else:
                self._plans.remove(plan)
            self._plans.append(plan)
            while len(self._plans) > 1 and self._is_full():
                del self._plans[0]
            return plan

    def prepared(self, kind: str, spec: PlanSpec, arrays: PixelArrays, make: Callable[[PixelArrays], Made]) -> Made:
        """Return what `make` makes for a description and copies of the arrays, kept for the next call."""
        for name, described, copies, made in self._prepared:
            if name == kind and described == spec and copies.equals(arrays):
                found: Made = made
                return found
        checked = arrays.checked(spec.instrument.detector.shape)
        fresh = make(checked)
        with self._lock:
            self._prepared = [*self._prepared[1 - _KEPT_PREPARED :], (kind, spec, checked, fresh)]
        return fresh

    def _find(self, spec: PlanSpec, arrays: PixelArrays) -> Plan | None:
        return next((plan for plan in self._plans if plan.spec == spec and plan.arrays.equals(arrays)), None)

    def _is_full(self) -> bool:
        return len(self._plans) > KEPT_PLANS or sum(plan.nbytes for plan in self._plans) > _KEPT_BYTES


@dataclass(frozen=True, slots=True, init=False, eq=False)
class Integrator:
    """Integrates frames of one instrument.

    Immutable; safe to use from any number of threads at once, and after a fork.  Pickles to its instrument alone.
    Plans are compiled when first needed, and the last few are kept.

    Parameters
    ----------
    detector:
        Name in the catalogue, or a :class:`~azimuthal.detectors.Detector`.
    dist, poni1, poni2, rot1, rot2, rot3:
        Pose: m and rad (:mod:`azimuthal.geometry.frames`).
    wavelength, energy:
        m or keV; at most one of them.
    orientation:
        1-4, for a detector given by name.
    parallax:
        "auto": positions are corrected for the depth of absorption where the sensor's material and thickness and the
        energy are known (:func:`~azimuthal.geometry.parallax.doubtful_sensor_facts`); results say so.  True, or a
        :class:`~azimuthal.geometry.parallax.ParallaxSettings`: it is an error when they are not.  None or False: no
        correction, right for a pose that was refined without it.  Geometry files decide for themselves.

    Examples
    --------
    >>> import azimuthal as az
    >>> ai = az.Integrator(detector="Pilatus100k", dist=0.1, poni1=0.0168, poni2=0.0419, wavelength=1e-10)
    >>> profile = ai.integrate1d(np.ones((195, 487)), 100, unit="q_nm^-1", solid_angle=False)
    >>> float(profile.intensity[50])
    1.0
    """

    instrument: Instrument
    _cache: PlanCache = field(repr=False)

    def __init__(
        self,
        detector: str | Detector,
        dist: float,
        poni1: float = 0.0,
        poni2: float = 0.0,
        rot1: float = 0.0,
        rot2: float = 0.0,
        rot3: float = 0.0,
        *,
        wavelength: float | None = None,
        energy: float | None = None,
        orientation: int | None = None,
        parallax: ParallaxSettings | Literal["auto"] | bool | None = "auto",
    ) -> None:
        if wavelength is not None and energy is not None:
            raise ParameterError("wavelength, energy: two views of one value; give one of them.")
        found = find_detector(detector) if isinstance(detector, str) else detector
        if orientation is not None:
            found = found.with_orientation(orientation)
        beam = Beam(wavelength) if energy is None else Beam.from_energy(energy)
        if isinstance(parallax, str):
            one_of("parallax", parallax, ("auto",))
            parallax = doubtful_sensor_facts(found.sensor, beam.energy) is None
        if isinstance(parallax, bool):
            parallax = ParallaxSettings() if parallax else None
        _holding(self, Instrument(found, Pose(dist, poni1, poni2, rot1, rot2, rot3), beam, parallax))

    @classmethod
    def from_instrument(cls, instrument: Instrument) -> Integrator:
        """Return the integrator of an instrument."""
        return _holding(cls.__new__(cls), instrument)

    @property
    def detector(self) -> Detector:
        """The detector."""
        return self.instrument.detector

    @property
    def pose(self) -> Pose:
        """Where the detector stands."""
        return self.instrument.pose

    @property
    def wavelength(self) -> float | None:
        """Wavelength in m, or None."""
        return self.instrument.wavelength

    @property
    def energy(self) -> float | None:
        """Photon energy in keV, or None."""
        return self.instrument.beam.energy

    def integrate1d(
        self, data: Any, npt: Any, *, unit: Any = "q_nm^-1", variance: Any = None, normalization_factor: float = 1.0,
        metadata: dict[str, Any] | None = None, normalization_variance: float = 0.0, **options: Any,
    ) -> Profile:  # fmt: skip
        """Return the radial profile of one frame.

        Parameters
        ----------
        data:
            Raw frame, shape of the detector; see :meth:`Plan.__call__`.
        npt:
            Number of bins, an array of bin edges in `unit`, or :func:`azimuthal.log_bins`.
        unit:
            Radial unit, e.g. "q_nm^-1", "q_A^-1", "2th_deg", "r_mm", "d_A".
        variance:
            Variance of every raw value; implies error_model="variance".
        normalization_factor:
            Monitor: divides the intensity.
        metadata:
            Kept in the result.
        normalization_variance:
            Variance of the monitor; part of sem, common to all bins.
        **options:
            radial_range
                (low, high) in `unit`.  None: everything.
            azimuth_range
                (start, stop) in degrees, any arc: (170, 190), (-10, 10), (350, 10).  None: the full circle.
            mask
                bool, True = excluded, in addition to the gaps of the detector.
            detector_mask
                False to use the gaps as pixels.  Default True.
            dark, flat, absorption
                Per-pixel arrays; signal = raw - dark, norm = flat * solid angle * polarisation * absorption.
            solid_angle
                True or "relative" (default), "absolute" (sr), "equal_area", False.
            polarization_factor, polarization_offset
                In [-1, 1]; plane in rad.  Default: no correction.
            transmission
                Of a flat-panel sensor at normal incidence.  Default: no correction.
            sensor_absorption
                "auto" (default): the sensor's absorption at an angle is corrected where its material and thickness and
                the energy are known, as the result's provenance says.  True or "relative": it is an error when they
                are not.  "absolute": photons that arrive.  False: no correction.
            dead_time, exposure_time, dead_time_model
                s, s, "paralyzable" or "nonparalyzable": counts are corrected before everything else.  Default: not.
            split
                "full" (default), "exact", "bbox", "pseudo" or "none".
            average
                "ratio_of_sums" (default), "mean_of_ratios" or "sum".
            error_model
                None (default), "poisson", "azimuthal" (spread of the pixels of a bin) or "hybrid" (that for rejecting,
                and Poisson for the errors); all in :mod:`azimuthal.uncertainty`.
            dark_variance, flat_variance
                Per-pixel variance of dark and flat; dark_variance="poisson" for a dark of counts.
            covariance
                True to sum the covariance of bins that share pixels too: ``result.covariance()``.  Default False.
            dummy, delta_dummy
                Further invalid values.
            invalid_values
                False to let dtype maximum, NaN and the like into the sums.  Default True.
            engine
                "auto" (default), "native" or "reference".
            reject
                Keep outliers out: "sigma" (clipping), "median", "quantile" (trimmed mean), or a
                :class:`azimuthal.Rejection` with threshold, rounds or quantiles.  Default: no rejection.

        Returns
        -------
        :
            A profile; ``q, intensity, sigma = profile`` works too.

        Raises
        ------
        ShapeError, DataTypeError, ParameterError, UnknownNameError, WavelengthMissingError
            Naming what cannot be used, and the fix.
        """
        plan = self._plan("radial", with_variance(options, variance), npt_rad=npt, npt_azim=1, unit=unit)
        profile: Profile = plan(
            data,
            variance=variance,
            normalization_factor=normalization_factor,
            normalization_variance=normalization_variance,
            metadata=metadata,
        )
        return profile

    def integrate2d(
        self, data: Any, npt_rad: Any, npt_azim: Any = 360, *, unit: Any = "q_nm^-1", variance: Any = None,
        normalization_factor: float = 1.0, metadata: dict[str, Any] | None = None,
        normalization_variance: float = 0.0, **options: Any,
    ) -> Cake:  # fmt: skip
        """Return the cake of one frame: intensity[azimuthal, radial].

        Parameters are those of :meth:`integrate1d`; `unit` may be a pair (radial, azimuthal), the azimuthal one being
        "chi_deg" otherwise, and `azimuth_range` is in the azimuthal unit.
        """
        plan = self._plan("cake", with_variance(options, variance), npt_rad=npt_rad, npt_azim=npt_azim, unit=unit)
        cake: Cake = plan(
            data,
            variance=variance,
            normalization_factor=normalization_factor,
            normalization_variance=normalization_variance,
            metadata=metadata,
        )
        return cake

    def integrate_radial(
        self, data: Any, npt: Any, *, unit: Any = "chi_deg", radial_unit: Any = "q_nm^-1", variance: Any = None,
        normalization_factor: float = 1.0, metadata: dict[str, Any] | None = None,
        normalization_variance: float = 0.0, **options: Any,
    ) -> Profile:  # fmt: skip
        """Return the azimuthal profile I(chi) of one frame, summed over `radial_range` (in `radial_unit`).

        `azimuth_range` is in `unit`; the other parameters are those of :meth:`integrate1d`.
        """
        pair = (radial_unit, unit)
        plan = self._plan("azimuthal", with_variance(options, variance), npt_rad=1, npt_azim=npt, unit=pair)
        profile: Profile = plan(
            data,
            variance=variance,
            normalization_factor=normalization_factor,
            normalization_variance=normalization_variance,
            metadata=metadata,
        )
        return profile

    def integrate2d_grazing(
        self, data: Any, npt_ip: Any = 1000, npt_oop: Any = 1000, *, variance: Any = None,
        normalization_factor: float = 1.0, metadata: dict[str, Any] | None = None,
        normalization_variance: float = 0.0, **options: Any,
    ) -> Cake:  # fmt: skip
        """Return a map of grazing incidence or of a fibre of one frame: intensity[oop, ip].

        Parameters
        ----------
        data, variance, normalization_factor, metadata, normalization_variance:
            Those of :meth:`integrate1d`.
        npt_ip, npt_oop:
            Number of bins, or bin edges, in plane and out of plane.
        **options:
            unit_ip, unit_oop
                "qip_nm^-1" and "qoop_nm^-1" by default; polar maps, exit angles and others:
                :mod:`azimuthal.integrate.grazing`.
            ip_range, oop_range
                (low, high) in these units.  None: everything.
            incident_angle, tilt_angle
                Numbers in `angle_unit` ("deg" or "rad", required with them), or texts such as "0.2 deg".
            sample_orientation
                1-8: which image directions are the sample's horizontal and vertical.
            others
                mask, dark, split, error_model ... of :meth:`integrate1d`.

        Returns
        -------
        :
            A cake: `radial` is in plane, `azimuthal` out of plane; NaN where no pixel is, the missing wedge included.
        """
        plan = self.plan2d_grazing(npt_ip, npt_oop, **with_variance(options, variance))
        cake: Cake = plan(
            data,
            variance=variance,
            normalization_factor=normalization_factor,
            normalization_variance=normalization_variance,
            metadata=metadata,
        )
        return cake

    def integrate1d_grazing(
        self, data: Any, npt: Any = 1000, *, along: Any = "oop", variance: Any = None,
        normalization_factor: float = 1.0, metadata: dict[str, Any] | None = None,
        normalization_variance: float = 0.0, **options: Any,
    ) -> Profile:  # fmt: skip
        """Return a cut through a map of grazing incidence: the profile along "oop" or along "ip".

        The other direction is restricted to its range (None: everything); parameters are those of
        :meth:`integrate2d_grazing`.
        """
        plan = self.plan1d_grazing(npt, along=along, **with_variance(options, variance))
        profile: Profile = plan(
            data,
            variance=variance,
            normalization_factor=normalization_factor,
            normalization_variance=normalization_variance,
            metadata=metadata,
        )
        return profile

    def plan2d_grazing(
        self, npt_ip: Any = 1000, npt_oop: Any = 1000, *, unit_ip: Any = "qip_nm^-1", unit_oop: Any = "qoop_nm^-1",
        ip_range: Any = None, oop_range: Any = None, **options: Any,
    ) -> Plan:  # fmt: skip
        """Compile a map of grazing incidence; parameters of :meth:`integrate2d_grazing`."""
        axes = grazing_axes(unit_ip, unit_oop, ip_range, oop_range, options)
        return self._plan("cake", axes.options, npt_rad=npt_ip, npt_azim=npt_oop, unit=axes.units)

    def plan1d_grazing(
        self, npt: Any = 1000, *, along: Any = "oop", unit_ip: Any = "qip_nm^-1", unit_oop: Any = "qoop_nm^-1",
        ip_range: Any = None, oop_range: Any = None, **options: Any,
    ) -> Plan:  # fmt: skip
        """Compile a cut of grazing incidence; parameters of :meth:`integrate1d_grazing`."""
        axes = grazing_axes(unit_ip, unit_oop, ip_range, oop_range, options)
        if one_of("along", along, ("ip", "oop")) == "ip":
            return self._plan("radial", axes.options, npt_rad=npt, npt_azim=1, unit=axes.units)
        return self._plan("azimuthal", axes.options, npt_rad=1, npt_azim=npt, unit=axes.units)

    def plan1d(self, npt: Any, *, unit: Any = "q_nm^-1", **options: Any) -> Plan:
        """Compile a radial profile; parameters of :meth:`integrate1d`, and error_model="variance"."""
        return self._plan("radial", options, npt_rad=npt, npt_azim=1, unit=unit)

    def plan2d(self, npt_rad: Any, npt_azim: Any = 360, *, unit: Any = "q_nm^-1", **options: Any) -> Plan:
        """Compile a cake; parameters of :meth:`integrate2d`."""
        return self._plan("cake", options, npt_rad=npt_rad, npt_azim=npt_azim, unit=unit)

    def plan_radial(self, npt: Any, *, unit: Any = "chi_deg", radial_unit: Any = "q_nm^-1", **options: Any) -> Plan:
        """Compile an azimuthal profile; parameters of :meth:`integrate_radial`."""
        return self._plan("azimuthal", options, npt_rad=1, npt_azim=npt, unit=(radial_unit, unit))

    def image_from_profile(self, profile: Profile, **choices: Any) -> Any:
        """Return the image that a profile stands for: :func:`azimuthal.images.image_from_profile`."""
        return upward.find("image_from_profile")(profile, self, **choices)

    def image_from_cake(self, cake: Cake, **choices: Any) -> Any:
        """Return the image that a cake stands for: :func:`azimuthal.images.image_from_cake`."""
        return upward.find("image_from_cake")(cake, self, **choices)

    def separate(self, data: Any, npt: Any, **choices: Any) -> Any:
        """Return a frame as Bragg spots and a smooth part: :func:`azimuthal.images.separate`."""
        return upward.find("separate")(data, self, npt, **choices)

    def inpaint(self, data: Any, **choices: Any) -> Any:
        """Return a frame with its gaps filled: :func:`azimuthal.images.inpaint`."""
        return upward.find("inpaint")(data, self, **choices)

    def peak_finder(self, npt: Any = 800, **choices: Any) -> Any:
        """Return what finds the peaks of many frames: :func:`azimuthal.images.peak_finder`."""
        return upward.find("peak_finder")(self, npt, **choices)

    def find_peaks(self, data: Any, npt: Any = 800, **choices: Any) -> Any:
        """Return the peaks of a frame: :func:`azimuthal.images.find_peaks`."""
        return upward.find("find_peaks")(data, self, npt, **choices)

    def sparsify(self, data: Any, npt: Any = 800, **choices: Any) -> Any:
        """Return a frame as background and pixels that stand out: :func:`azimuthal.images.sparsify`."""
        return upward.find("sparsify")(data, self, npt, **choices)

    def spottiness(self, data: Any, npt: Any, **choices: Any) -> Any:
        """Return how spotty the rings of a frame are: :func:`azimuthal.images.spottiness`."""
        return upward.find("spottiness")(data, self, npt, **choices)

    def integrate_sectors(
        self, data: Any, npt: Any, sectors: Any, *, unit: Any = "q_nm^-1", names: Any = None, variance: Any = None,
        normalization_factor: float = 1.0, metadata: dict[str, Any] | None = None,
        normalization_variance: float = 0.0, **options: Any,
    ) -> ResultSet:  # fmt: skip
        """Return the radial profiles of several sectors of one frame; parameters of :meth:`plan_sectors`."""
        plans = self.plan_sectors(npt, sectors, unit=unit, names=names, **with_variance(options, variance))
        return plans(
            data,
            variance=variance,
            normalization_factor=normalization_factor,
            metadata=metadata,
            normalization_variance=normalization_variance,
        )

    def integrate_bands(
        self, data: Any, npt: Any, bands: Any, *, unit: Any = "chi_deg", radial_unit: Any = "q_nm^-1",
        names: Any = None, variance: Any = None, normalization_factor: float = 1.0,
        metadata: dict[str, Any] | None = None, normalization_variance: float = 0.0, **options: Any,
    ) -> ResultSet:  # fmt: skip
        """Return I(chi) of several radial bands of one frame; parameters of :meth:`plan_bands`."""
        options = with_variance(options, variance)
        plans = self.plan_bands(npt, bands, unit=unit, radial_unit=radial_unit, names=names, **options)
        return plans(
            data,
            variance=variance,
            normalization_factor=normalization_factor,
            metadata=metadata,
            normalization_variance=normalization_variance,
        )

    def plan_sectors(
        self, npt: Any, sectors: Any, *, unit: Any = "q_nm^-1", names: Any = None, **options: Any
    ) -> PlanSet:
        """Compile the radial profiles of several azimuthal sectors, made from one reading of the frame.

        Parameters
        ----------
        npt, unit:
            Radial bins, the same for all sectors; those of :meth:`integrate1d`.
        sectors:
            List of (start, stop) in degrees, any arcs.  They may overlap; those that do not share one set of weights.
        names:
            One per sector; by default "start to stop".
        **options:
            Those of :meth:`integrate1d`, without azimuth_range; also error_model="variance".

        Returns
        -------
        :
            A set of plans.  Its results are the profiles that ``integrate1d(azimuth_range=sector)`` gives, in order.
        """
        return plan_of_sectors(self._cake_of, npt, sectors, unit, names, options)

    def plan_bands(
        self, npt: Any, bands: Any, *, unit: Any = "chi_deg", radial_unit: Any = "q_nm^-1", names: Any = None,
        **options: Any,
    ) -> PlanSet:  # fmt: skip
        """Compile I(chi) of several radial bands, made from one reading of the frame.

        Parameters
        ----------
        npt, unit:
            Azimuthal bins, the same for all bands; those of :meth:`integrate_radial`.
        bands:
            List of (low, high) in `radial_unit`.  They may overlap; those that do not share one set of weights.
        names:
            One per band; by default "low to high".
        **options:
            Those of :meth:`integrate1d`, without radial_range; also error_model="variance".

        Returns
        -------
        :
            A set of plans.  Its results are the profiles that ``integrate_radial(radial_range=band)`` gives, in order.
        """
        return plan_of_bands(self._cake_of, npt, bands, unit, radial_unit, names, options)

    def best_bins(
        self, *, unit: Any = "q_nm^-1", radial_range: Any = None, azimuth_range: Any = None, min_pixels: int = 1,
        split: str = "full", mask: Any = None, detector_mask: bool = True,
    ) -> BinProposal:  # fmt: skip
        """Propose a number of radial bins, with reasons; nothing is set.

        Parameters
        ----------
        unit, radial_range, azimuth_range, split, mask, detector_mask:
            Those of :meth:`integrate1d`.  Without splitting the proposal leaves no bin with fewer than `min_pixels`.
        min_pixels:
            Least number of pixel centres in a bin.

        Returns
        -------
        :
            ``npt``, what it comes from, and ``reasons`` in words: :mod:`azimuthal.integrate.best_bins`.
        """
        shape = self.detector.shape
        own = self.detector.gap_mask() if detector_mask else None
        excluded = combine(own, mask, shape=shape)
        return best_bins(
            self.instrument, unit, excluded, radial_range=radial_range, azimuth_range=azimuth_range,
            min_pixels=min_pixels, split=split,
        )  # fmt: skip

    def _cake_of(self, npt_rad: Any, npt_azim: Any, unit: Any, options: dict[str, Any]) -> Plan:
        return self._plan("cake", options, npt_rad=npt_rad, npt_azim=npt_azim, unit=unit)

    def _plan(self, kind: Any, options: dict[str, Any], *, npt_rad: Any, npt_azim: Any, unit: Any) -> Plan:
        spec, arrays = described(self.instrument, kind, options, npt_rad=npt_rad, npt_azim=npt_azim, unit=unit)
        return self._cache.get(spec, arrays)

    def prepared(self, kind: str, spec: PlanSpec, arrays: PixelArrays, make: Callable[[PixelArrays], Made]) -> Made:
        """Return what `make` makes for a description; the last two are kept, for the calls that make images."""
        return self._cache.prepared(kind, spec, arrays, make)

    def __eq__(self, other: object) -> bool:
        return self.instrument == other.instrument if isinstance(other, Integrator) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.instrument)

    def __reduce__(self) -> tuple[Any, ...]:
        return Integrator.from_instrument, (self.instrument,)

    def __repr__(self) -> str:
        return f"<Integrator: {self.instrument.detector.name} at {self.instrument.pose.dist * 1e3:.6g} mm>"

    def __str__(self) -> str:
        return self.instrument.describe()

    def _repr_html_(self) -> str:
        from azimuthal.integrate._html import instrument_html

        return instrument_html(self.instrument)


def described(
    instrument: Instrument, kind: Any, options: dict[str, Any], *, npt_rad: Any, npt_azim: Any, unit: Any
) -> tuple[PlanSpec, PixelArrays]:
    """Return the description and the per-pixel arrays of a call; options of :meth:`Integrator.integrate1d`."""
    for name in options:
        if name in _OF_A_FRAME:
            raise ParameterError(
                f"{name}: belongs to a frame and not to a plan. Pass it in the call with the frame; calls with several "
                "take variances= and normalization_factors=."
            )
        if name not in _CHOICES and name not in _ARRAYS:
            raise unknown_name("parameter", name, (*_CHOICES, *_ARRAYS, *_OF_A_FRAME, "unit"))
    radial_unit, azimuth_unit = (unit, "chi_deg") if not isinstance(unit, (tuple, list)) else _pair(unit)
    choices = {name: value for name, value in options.items() if name in _CHOICES}
    spec = PlanSpec(instrument, kind, npt_rad, npt_azim, find_unit(radial_unit), find_unit(azimuth_unit), **choices)
    return spec, PixelArrays(**{name: options.get(name) for name in _ARRAYS})


def _holding(integrator: Integrator, instrument: Instrument) -> Integrator:
    object.__setattr__(integrator, "instrument", instrument)
    object.__setattr__(integrator, "_cache", PlanCache())
    return integrator


def _pair(unit: Any) -> tuple[Any, Any]:
    if len(unit) != 2:
        raise ParameterError(f"unit: expected a unit or a pair (radial, azimuthal), got {unit!r}.")
    return unit[0], unit[1]


def with_variance(options: dict[str, Any], variance: Any) -> dict[str, Any]:
    """Return the options of a call that has a variance: with the error model that it means."""
    if variance is None:
        return options
    return options | {"error_model": checked_error_model(options.get("error_model"), has_variance=True)}
