# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""A geometry that changes from frame to frame: scans of distance or angle, a goniometer, a beam that drifts.

The weights of every frame are made anew, into the same bins, used once and let go: no cache grows, and memory is that
of a few plans however many positions there are.  Frames are worked on in parallel, one thread each
(`azimuthal.integrate._each_its_own`).

Intensities are per steradian (``solid_angle="absolute"``), so that frames at different distances are on one scale, one
by one and merged: :mod:`azimuthal.integrate.multi_geometry`.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import azimuthal._upward as upward
from azimuthal.errors import DataTypeError, ParameterError, ShapeError
from azimuthal.instrument import Instrument
from azimuthal.integrate._common_range import check_together, with_common_range, with_one_efficiency
from azimuthal.integrate._each_its_own import Job, integrate_each, integrate_stream
from azimuthal.integrate.integrator import Integrator, described, with_variance
from azimuthal.integrate.multi_geometry import as_integrator, grazing_units, merged
from azimuthal.integrate.spec import Kind, PixelArrays, PlanSpec
from azimuthal.integrate.stream import Source
from azimuthal.results import Cake, Profile


@dataclass(frozen=True, slots=True, init=False, eq=False)
class MovingGeometry:
    """Integrates frames that have a geometry each.

    Immutable, and safe to use from any number of threads at once.

    Parameters
    ----------
    instruments:
        One :class:`~azimuthal.integrate.Integrator` or :class:`~azimuthal.instrument.Instrument` per frame: a list,
        or a function of the frame's number that returns one.  All have the same detector.

    Examples
    --------
    >>> import azimuthal as az
    >>> ai = az.Integrator(detector="Pilatus100k", dist=0.1, poni1=0.0168, poni2=0.0419, wavelength=1e-10)
    >>> scan = az.MovingGeometry(
    ...     [ai.instrument.replace(pose=az.Pose(dist, 0.0168, 0.0419)) for dist in (0.1, 0.2, 0.3)]
    ... )
    >>> scan.integrate1d(np.ones((3, 195, 487)), 50, solid_angle=False).intensity[5].item()
    1.0
    """

    instruments: tuple[Instrument, ...] | Callable[[int], Any]

    def __init__(self, instruments: Iterable[Instrument | Integrator] | Callable[[int], Any]) -> None:
        if callable(instruments):
            object.__setattr__(self, "instruments", instruments)
            return
        if not isinstance(instruments, Sequence):
            raise DataTypeError(
                "instruments: expected a list of instruments or a function of the frame's number, got "
                f"{type(instruments).__name__}. An iterator is used up by one run; make a list of it: instruments are "
                "small, and share their detector."
            )
        found = tuple(as_integrator(f"instruments[{n}]", one).instrument for n, one in enumerate(instruments))
        if not found:
            raise ParameterError("instruments: expected at least one, got none.")
        _check_one_shape(found)
        object.__setattr__(self, "instruments", found)

    def map1d(self, frames: Any, npt: Any, *, unit: Any = "q_nm^-1", **options: Any) -> Generator[Profile]:
        """Yield the radial profile of every frame, in order, all in the same bins.

        Parameters
        ----------
        frames:
            Anything that :func:`azimuthal.open_frames` takes: a path, ``file::/dataset``, a list, a stack, an iterable.
        npt:
            Number of bins, an array of bin edges in `unit`, or :func:`azimuthal.log_bins`.
        unit:
            Radial unit; of q or d if wavelengths differ.
        **options:
            radial_range
                (low, high) in `unit`.  None: what all geometries together span, which is measured first (about a
                tenth of the time of the integration itself); required when the number of frames is not known.
            normalization_factors, variances, normalization_variances
                One monitor value, one variance array, and the variance of the monitor value, per frame.
            mask, dark, flat, absorption
                One array each, for all frames.
            solid_angle
                "absolute" (default, also True) or False.  "relative" and "equal_area" only at one distance.
            azimuth_range, split, average, error_model, polarization_factor, ...
                The same for all: :meth:`azimuthal.integrate.Integrator.integrate1d`.

        Raises
        ------
        ShapeError
            There are more or fewer frames than geometries.
        AzimuthalError
            A frame or its geometry cannot be used; a note says which one.  All results before it have been yielded.
        """
        return self._map("radial", frames, options, npt_rad=npt, npt_azim=1, unit=unit)

    def map2d(
        self, frames: Any, npt_rad: Any, npt_azim: Any = 360, *, unit: Any = "q_nm^-1", **options: Any
    ) -> Generator[Cake]:
        """Yield the cake of every frame; parameters of :meth:`map1d`, `unit` may be a pair (radial, azimuthal)."""
        return self._map("cake", frames, options, npt_rad=npt_rad, npt_azim=npt_azim, unit=unit)

    def map_radial(
        self, frames: Any, npt: Any, *, unit: Any = "chi_deg", radial_unit: Any = "q_nm^-1", **options: Any
    ) -> Generator[Profile]:
        """Yield I(chi) of every frame over `radial_range` (in `radial_unit`); other parameters of :meth:`map1d`."""
        return self._map("azimuthal", frames, options, npt_rad=1, npt_azim=npt, unit=(radial_unit, unit))

    def map2d_grazing(self, frames: Any, npt_ip: Any = 1000, npt_oop: Any = 1000, **options: Any) -> Generator[Cake]:
        """Yield the map of grazing incidence of every frame.

        Units, ranges and the sample (the same for all frames) as of
        :meth:`Integrator.integrate2d_grazing <azimuthal.integrate.Integrator.integrate2d_grazing>`; the rest as of
        :meth:`map1d`.
        """
        units, choices = grazing_units(options)
        return self._map("cake", frames, choices, npt_rad=npt_ip, npt_azim=npt_oop, unit=units)

    def integrate1d(self, frames: Any, npt: Any, *, unit: Any = "q_nm^-1", **options: Any) -> Profile:
        """Return one profile from the sums of all frames; parameters of :meth:`map1d`.

        Two results at a time are in memory.
        """
        return merged(self.map1d(frames, npt, unit=unit, **options))

    def integrate2d(
        self, frames: Any, npt_rad: Any, npt_azim: Any = 360, *, unit: Any = "q_nm^-1", **options: Any
    ) -> Cake:
        """Return one cake from the sums of all frames; parameters of :meth:`map2d`."""
        return merged(self.map2d(frames, npt_rad, npt_azim, unit=unit, **options))

    def _map(self, kind: Kind, frames: Any, options: dict[str, Any], **bins: Any) -> Generator[Any]:
        choices = dict(options)
        factors, variances = choices.pop("normalization_factors", None), choices.pop("variances", None)
        of_monitors = choices.pop("normalization_variances", None)
        choices["solid_angle"] = "absolute" if choices.get("solid_angle", True) is True else choices["solid_angle"]
        choices = with_variance(choices, variances)
        with upward.find("open_frames")(frames) as source:
            series = _Described(kind, choices, bins)
            instruments = self._known(source.n_frames)
            _check_count("normalization_factors", factors, source.n_frames)
            _check_count("variances", variances, source.n_frames)
            _check_count("normalization_variances", of_monitors, source.n_frames)
            if instruments is not None:
                series.measure(instruments)

            def job(number: int, frame: Any) -> Job:
                return Job(
                    *series.of(self._at(number) if instruments is None else instruments[number]),
                    frame,
                    1.0 if factors is None else factors[number],
                    None if variances is None else variances[number],
                    source.result_metadata(number),
                    0.0 if of_monitors is None else of_monitors[number],
                )

            yield from self._run(source, job)

    def _run(self, source: Source, job: Callable[[int, Any], Job]) -> Generator[Any]:
        if source.n_frames is None:
            yield from integrate_stream(self._paired(source, job))
            return
        n_pixels = source.shape[0] * source.shape[1]
        yield from integrate_each(source.n_frames, lambda number: job(number, source.read(number)), n_pixels=n_pixels)

    def _paired(self, source: Source, job: Callable[[int, Any], Job]) -> Iterator[Job]:
        """Yield the jobs of a stream; raise where it is longer or shorter than the list of geometries."""
        expected = None if callable(self.instruments) else len(self.instruments)
        count = 0
        for count, frame in enumerate(source, 1):
            if expected is not None and count > expected:
                raise ShapeError(f"frames: expected one for each of the {expected} geometries, got more.")
            yield job(count - 1, frame)
        if expected is not None and count < expected:
            raise ShapeError(f"frames: expected one for each of the {expected} geometries, got only {count}.")

    def _known(self, n_frames: int | None) -> tuple[Instrument, ...] | None:
        """Return the instruments of all frames; None for a function and frames whose number is not known."""
        if not callable(self.instruments):
            if n_frames is not None and n_frames != len(self.instruments):
                raise ShapeError(
                    f"frames: expected one for each of the {len(self.instruments)} geometries, got {n_frames}."
                )
            return self.instruments
        if n_frames is None:
            return None
        found = tuple(self._at(number) for number in range(n_frames))
        _check_one_shape(found)
        return found

    def _at(self, number: int) -> Instrument:
        """Return the instrument of a frame."""
        if not callable(self.instruments):
            return self.instruments[number]
        return as_integrator(f"instruments({number})", self.instruments(number)).instrument

    def __repr__(self) -> str:
        if callable(self.instruments):
            return f"<MovingGeometry: {getattr(self.instruments, '__name__', 'function')}(frame number)>"
        first, last = self.instruments[0], self.instruments[-1]
        return (
            f"<MovingGeometry of {len(self.instruments)} positions of {first.detector.name}: "
            f"{first.pose.dist * 1e3:.6g} mm to {last.pose.dist * 1e3:.6g} mm>"
        )


class _Described:
    """The description of the first frame, and what makes of it that of any other one."""

    def __init__(self, kind: Kind, choices: dict[str, Any], bins: dict[str, Any]) -> None:
        self._kind, self._choices, self._bins = kind, choices, bins
        self._first: tuple[PlanSpec, PixelArrays] | None = None

    def of(self, instrument: Instrument) -> tuple[PlanSpec, PixelArrays]:
        """Return description and per-pixel arrays of a frame; the arrays are checked and copied once."""
        if self._first is None:
            self._first = self._described(instrument)
            _check_closed(self._first[0])
        spec, arrays = self._first
        _check_one_shape((spec.instrument, instrument))
        check_together((spec.instrument, instrument), spec)
        return spec.replace(instrument=instrument), arrays

    def measure(self, instruments: Sequence[Instrument]) -> None:
        """Set open ranges to what all instruments span."""
        spec, arrays = self._described(instruments[0])
        spec = with_one_efficiency(spec, instruments)
        check_together(instruments, spec)
        specs = with_common_range([spec.replace(instrument=one) for one in instruments], [arrays] * len(instruments))
        self._first = specs[0], arrays

    def _described(self, instrument: Instrument) -> tuple[PlanSpec, PixelArrays]:
        spec, arrays = described(instrument, self._kind, self._choices, **self._bins)
        return spec, arrays.checked(instrument.detector.shape)


def _check_closed(spec: PlanSpec) -> None:
    """Raise when a range would have to be measured on frames that are still to come."""
    open_radial = spec.kind != "azimuthal" and spec.radial_range is None and not isinstance(spec.npt_rad, tuple)
    open_azimuth = spec.kind == "cake" and spec.azimuth_unit.period is None and spec.azimuth_range is None
    for name, is_open in (("radial_range", open_radial), ("azimuth_range", open_azimuth)):
        if is_open:
            raise ParameterError(
                f"{name}: is needed where the number of frames is not known, for bins cannot be measured on frames "
                f"that are still to come. Pass {name}=(low, high), or bin edges."
            )


def _check_one_shape(instruments: Sequence[Instrument]) -> None:
    shapes = {one.detector.shape for one in instruments}
    if len(shapes) > 1:
        raise ShapeError(
            f"instruments: expected detectors of one shape, got {sorted(shapes)}. Frames of different detectors are "
            "for MultiGeometry."
        )


def _check_count(parameter: str, values: Any, n_frames: int | None) -> None:
    if values is not None and n_frames is not None and len(values) != n_frames:
        raise ShapeError(f"{parameter}: expected one for each of the {n_frames} frames, got {len(values)}.")
