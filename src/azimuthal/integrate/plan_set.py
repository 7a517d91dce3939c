# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Several reductions of every frame, which is read and decoded once.

A set holds plans and says which results each of them gives: the whole of it, or rows or columns of its cake.  Sectors
that do not overlap are rows of one cake with bins of their own widths, so that all of them together cost one set of
weights and one pass over the frame; so are radial bands its columns.  The numbers are those of a plan for each sector:
weights of a pixel in a bin do not depend on the other bins.

Sums of several sectors must not be made from rows that a pixel has parts in: variances and squares of weights do not
add up there.  Sectors that overlap are therefore rows of different cakes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

import azimuthal._upward as upward
from azimuthal._validate import number_pair
from azimuthal.binning import arc
from azimuthal.errors import DataTypeError, ParameterError, ShapeError
from azimuthal.integrate import stream
from azimuthal.integrate.plan import Plan
from azimuthal.results import Cake, Profile, ResultSet
from azimuthal.typing import FloatArray

Along: TypeAlias = Literal["azimuthal", "radial"]

_ROUNDING = 1e-12  # of a turn or a range: ends that are meant to meet


@dataclass(frozen=True, slots=True)
class Part:
    """One result of a set.

    Parameters
    ----------
    name:
        Of the result.
    plan:
        Number of the plan.
    row:
        Number of the bin of its cake along `across`; None for the whole result.
    across:
        Which axis of the cake the bin is of.
    limits:
        Of the bin, as the user gave them.
    """

    name: str
    plan: int
    row: int | None = None
    across: Along | None = None
    limits: tuple[float, float] | None = None

    def result(self, whole: Any) -> Profile | Cake:
        """Return it, taken from the result of the plan."""
        if self.row is None:
            return whole  # type: ignore[no-any-return]
        azimuthal = self.across == "azimuthal"
        order: Any = (self.row,) if azimuthal else (slice(None), self.row)
        return Profile(
            whole.radial_axis if azimuthal else whole.azimuthal_axis,
            whole.sums.reordered(*order),
            average=whole.average,
            error_model=whole.error_model,
            wavelength=whole.wavelength,
            normalization_factor=whole.normalization_factor,
            provenance={**whole.provenance, "sector" if azimuthal else "band": list(self.limits or ())},
            metadata=dict(whole.metadata),
            outliers=None if whole.outliers is None else whole.outliers.reordered(*order),
            normalization_variance=whole.normalization_variance,
        )


@dataclass(frozen=True, slots=True, init=False, eq=False)
class PlanSet:
    """Several plans for the same frames; call it with a frame.

    Immutable and safe to call from any number of threads at once.

    Parameters
    ----------
    plans:
        Plans (or sets of plans) by name, or a sequence of them, which are then called "0", "1", ...  All take frames of
        one shape; what else they do, may differ: units, ranges, masks, splitting, engines.

    Examples
    --------
    >>> both = az.PlanSet({"pattern": ai.plan1d(1000), "cake": ai.plan2d(500, 360)})  # doctest: +SKIP
    >>> for pattern, cake in both.map("run_master.h5"):
    ...     ...  # doctest: +SKIP
    """

    plans: tuple[Plan, ...]
    parts: tuple[Part, ...]

    def __init__(self, plans: Mapping[str, Plan | PlanSet] | Iterable[Plan | PlanSet]) -> None:
        named = plans if isinstance(plans, Mapping) else {str(number): plan for number, plan in enumerate(plans)}
        held: list[Plan] = []
        parts: list[Part] = []
        for name, one in named.items():
            if isinstance(one, PlanSet):
                parts += [
                    dataclasses.replace(part, name=f"{name}: {part.name}", plan=part.plan + len(held))
                    for part in one.parts
                ]
                held += one.plans
            elif isinstance(one, Plan):
                parts.append(Part(str(name), len(held)))
                held.append(one)
            else:
                raise DataTypeError(f"plans[{name!r}]: expected a Plan or a PlanSet, got {type(one).__name__}.")
        _filled(self, held, parts)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the results."""
        return tuple(part.name for part in self.parts)

    @property
    def shape(self) -> tuple[int, int]:
        """Shape of the frames."""
        return self.plans[0].shape

    @property
    def nbytes(self) -> int:
        """Memory of all weights and per-pixel inputs in bytes."""
        return sum(plan.nbytes for plan in self.plans)

    @property
    def threads(self) -> int:
        """How many threads may work."""
        return self.plans[0].threads

    def __call__(
        self,
        frame: Any,
        *,
        normalization_factor: float = 1.0,
        variance: Any = None,
        metadata: dict[str, Any] | None = None,
        normalization_variance: float = 0.0,
    ) -> ResultSet:
        """Integrate one frame in all ways; parameters of :meth:`Plan.__call__`.

        `variance` goes to the plans with error_model="variance", `normalization_variance` to those with any error
        model; there must be one.
        """
        self._monitor(normalization_factor, normalization_variance)
        takes = [plan.spec.error_model == "variance" for plan in self.plans]
        if variance is not None and not any(takes):
            raise ParameterError(
                "variance: no plan of the set has error_model='variance', and all would ignore it. Make one with it."
            )
        return self._results(
            [
                plan(
                    frame,
                    normalization_factor=normalization_factor,
                    variance=variance if takes_it else None,
                    metadata=metadata,
                    normalization_variance=0.0 if plan.spec.error_model is None else normalization_variance,
                )
                for plan, takes_it in zip(self.plans, takes, strict=True)
            ]
        )

    def map(
        self,
        source: Any,
        *,
        normalization_factors: Any = None,
        on_error: stream.OnError = "raise",
        normalization_variances: Any = None,
    ) -> Generator[ResultSet]:
        """Integrate many frames in all ways, in order and in bounded memory; parameters of :meth:`Plan.map`.

        Every frame is read and decoded once.
        """
        monitors = stream.Monitors.of(normalization_factors, normalization_variances)
        with upward.find("open_frames")(source) as frames:
            yield from stream.integrate_frames(self._lent(), frames, monitors, on_error)

    def integrate_stack(
        self, frames: Any, *, normalization_factors: Any = None, normalization_variances: Any = None
    ) -> list[ResultSet]:
        """Integrate frames that are in memory; parameters of :meth:`Plan.integrate_stack`."""
        return list(
            self.map(
                frames, normalization_factors=normalization_factors, normalization_variances=normalization_variances
            )
        )

    def with_dark(self, dark: Any, variance: Any = None) -> PlanSet:
        """Return the set with another dark in all plans; see :meth:`Plan.with_dark`."""
        return plan_set([plan.with_dark(dark, variance) for plan in self.plans], self.parts)

    def __reduce__(self) -> tuple[Any, ...]:
        return plan_set, (self.plans, self.parts)

    def __len__(self) -> int:
        return len(self.parts)

    def __repr__(self) -> str:
        return f"<PlanSet: {len(self.parts)} results by {len(self.plans)} plans: {', '.join(self.names)}>"

    def _monitor(self, factor: float, variance: float) -> stream.Monitor:
        """Return the monitor, checked by a plan with an error model where there is one."""
        judge = next((plan for plan in self.plans if plan.spec.error_model is not None), self.plans[0])
        return judge.lent().monitor(factor, variance)

    def _monitor_of(self, plan: Plan, monitor: stream.Monitor) -> stream.Monitor:
        return monitor if plan.spec.error_model is not None else stream.Monitor(monitor.value, 0.0)

    def _results(self, wholes: Sequence[Any]) -> ResultSet:
        return ResultSet(self.names, tuple(part.result(wholes[part.plan]) for part in self.parts))

    def _lent(self) -> stream.Integration:
        lent = [plan.lent() for plan in self.plans]
        if len(lent) == 1:
            alone = lent[0]
            return dataclasses.replace(alone, finished=lambda *what: self._results([alone.finished(*what)]), one=self)
        in_batches = all(
            one.model != "variance" and one.second_pass is None and hasattr(one.reducer, "reduce_stack") for one in lent
        )
        return stream.Integration(
            shape=self.shape,
            reducer=_Together(lent) if in_batches else None,
            model="none",
            invalid_ranges=lambda dtype: _opaque(tuple(one.invalid_ranges(dtype) for one in lent)),
            checked_frame=lent[0].checked_frame,
            monitor=self._monitor,
            finished=lambda sums, monitor, invalid, metadata: self._results(
                [
                    one.finished(of_one, self._monitor_of(plan, monitor), its_invalid, metadata)
                    for plan, one, of_one, its_invalid in zip(
                        self.plans, lent, _opaque(sums), _opaque(invalid), strict=True
                    )
                ]
            ),
            one=self,
            n_threads=max(plan.threads for plan in self.plans),
        )


def _opaque(value: Any) -> Any:
    """Return what a stream hands on without looking at it."""
    return value


class _Together:
    """The reducers of several plans: the same decoded frames through each of them."""

    def __init__(self, lent: Sequence[stream.Integration]) -> None:
        self._lent = lent

    def reduce_stack(self, frames: Sequence[Any], model: Any, invalid: Any) -> list[tuple[Any, ...]]:
        """Return, for each frame, the sums of each plan; `invalid` holds the invalid values of each plan."""
        del model
        by_plan = [
            one.reducer.reduce_stack(frames, one.model, its_invalid)
            for one, its_invalid in zip(self._lent, invalid, strict=True)
        ]
        return list(zip(*by_plan, strict=True))


def plan_set(plans: Sequence[Plan], parts: Sequence[Part]) -> PlanSet:
    """Return the set of plans that gives these parts."""
    return _filled(PlanSet.__new__(PlanSet), plans, parts)


def _filled(held: PlanSet, plans: Sequence[Plan], parts: Sequence[Part]) -> PlanSet:
    if not plans:
        raise ParameterError("plans: expected at least one, got none.")
    for number, plan in enumerate(plans):
        if plan.shape != plans[0].shape:
            raise ShapeError(
                f"plans: all take the same frames, but the first one takes {plans[0].shape} and number {number} "
                f"{plan.shape}."
            )
    names = [part.name for part in parts]
    if len(set(names)) != len(names):
        raise ParameterError(f"names: expected different ones, got {names}. Pass names=[...].")
    object.__setattr__(held, "plans", tuple(plans))
    object.__setattr__(held, "parts", tuple(parts))
    return held


@dataclass(frozen=True, slots=True)
class Rows:
    """Intervals that are bins of one axis.

    Parameters
    ----------
    edges:
        Of all bins, those between the intervals included.
    members:
        (number of the interval, number of its bin).
    """

    edges: tuple[float, ...]
    members: tuple[tuple[int, int], ...]


def sector_rows(sectors: Sequence[tuple[float, float]], period: float) -> list[Rows]:
    """Return sectors as azimuthal bins, in as few axes as a simple search finds (one where none overlap).

    Parameters
    ----------
    sectors:
        Arcs (start, stop) as :func:`azimuthal.binning.arc` returns them.
    period:
        Of the azimuth.
    """
    begins = [start % period for start, _ in sectors]
    groups: list[list[int]] = []
    for number in sorted(range(len(sectors)), key=begins.__getitem__):
        for group in groups:
            if all(_apart(sectors[number], sectors[other], period) for other in group):
                group.append(number)
                break
        else:
            groups.append([number])
    return [_rows([sectors[n] for n in group], group, period) for group in groups]


def band_rows(bands: Sequence[tuple[float, float]]) -> list[Rows]:
    """Return radial bands as bins, in as few axes as there are bands on top of each other."""
    spare = _ROUNDING * (max(high for _, high in bands) - min(low for low, _ in bands))
    groups: list[list[int]] = []
    for number in sorted(range(len(bands)), key=bands.__getitem__):
        for group in groups:
            if bands[number][0] >= bands[group[-1]][1] - spare:
                group.append(number)
                break
        else:
            groups.append([number])
    return [_joined([bands[n] for n in group], group, spare) for group in groups]


def _apart(one: tuple[float, float], two: tuple[float, float], period: float) -> bool:
    """Return whether two arcs have no more than their ends in common."""
    spare = _ROUNDING * period
    ahead = (two[0] - one[0] + spare) % period  # from the start of one to that of two
    behind = (one[0] - two[0] + spare) % period
    return ahead + spare >= one[1] - one[0] and behind + spare >= two[1] - two[0]


def _rows(arcs: list[tuple[float, float]], numbers: list[int], period: float) -> Rows:
    """Return the bins of arcs that do not overlap, the widest gap between them left out."""
    count = len(arcs)
    order = sorted(range(count), key=lambda n: arcs[n][0] % period)
    gaps = [(arcs[order[(n + 1) % count]][0] - arcs[order[n]][1]) % period for n in range(count)]
    first = (int(np.argmax(gaps)) + 1) % count if count > 1 else 0
    order = order[first:] + order[:first]
    placed: list[tuple[float, float]] = []
    for n in order:
        start, stop = arcs[n]
        if placed:  # after the one before, by whole turns
            shift = period * np.ceil((placed[-1][1] - start) / period - _ROUNDING)
            start, stop = (start + shift, stop + shift) if shift else (start, stop)
        placed.append((float(start), float(stop)))
    return _joined(placed, [numbers[n] for n in order], _ROUNDING * period)


def _joined(intervals: list[tuple[float, float]], numbers: list[int], spare: float) -> Rows:
    edges: list[float] = []
    members: list[tuple[int, int]] = []
    for (low, high), number in zip(intervals, numbers, strict=True):
        if not edges or low > edges[-1] + spare:
            edges.append(low)
        members.append((number, len(edges) - 1))
        edges.append(high)
    return Rows(tuple(edges), tuple(members))


def checked_sectors(sectors: Any, period: float, unit: str) -> list[tuple[float, float]]:
    """Return the arcs of a list of pairs."""
    return [arc(f"sectors[{n}]", one, period, unit=unit) for n, one in enumerate(_pairs("sectors", sectors))]


def checked_bands(bands: Any, unit: str) -> list[tuple[float, float]]:
    """Return the intervals of a list of pairs."""
    found = [number_pair(f"bands[{n}]", one, unit=unit) for n, one in enumerate(_pairs("bands", bands))]
    for n, (low, high) in enumerate(found):
        if not low < high:
            raise ParameterError(f"bands[{n}]: expected (low, high) with low < high, got ({low}, {high}).")
    return found


def _pairs(name: str, value: Any) -> list[Any]:
    found = list(value) if isinstance(value, Iterable) else []
    if not found or np.ndim(found[0]) != 1:
        raise DataTypeError(f"{name}: expected a list of pairs such as [(-10, 10), (80, 100)], got {value!r}.")
    return found


def part_names(names: Any, limits: Sequence[Sequence[float]]) -> list[str]:
    """Return the names of intervals: given, or made of their limits."""
    if names is None:
        return [f"{low:g} to {high:g}" for low, high in limits]
    found = [str(name) for name in names]
    if len(found) != len(limits):
        raise ShapeError(f"names: expected {len(limits)}, one for each interval, got {len(found)}.")
    return found


def as_float_pairs(values: Sequence[Any]) -> list[tuple[float, float]]:
    """Return pairs of plain floats, as they were given."""
    array: FloatArray = np.asarray(values, dtype=np.float64)
    return [(float(low), float(high)) for low, high in array]
