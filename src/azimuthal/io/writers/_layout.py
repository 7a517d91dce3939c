# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Names that the writer and the reader of result files have to agree on, and the JSON record of a result.

A stored result is made of its sums (arrays), its axes (edges and a record of the unit) and a record of
everything else. What all results of a file share is stored once; of every single result only what differs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np

from azimuthal.errors import FileFormatError, ParameterError
from azimuthal.io.writers._facts import json_text
from azimuthal.results import Cake, PairSums, Profile, Rejected, Sums
from azimuthal.results.convert import dimension
from azimuthal.sparse import BinPairs
from azimuthal.typing import AnyArray
from azimuthal.units import Axis, Unit

Result: TypeAlias = Profile | Cake

FORMAT_NAME = "azimuthal result"
FORMAT_VERSION = 1

#: Field of `Sums` -> name of the stored array.
SUM_NAMES = {
    "signal": "sum_signal",
    "variance": "sum_variance",
    "normalization": "sum_normalization",
    "normalization2": "sum_normalization2",
    "count": "count",
    "cross": "sum_cross",
    "static": "sum_static_variance",
    "shared": "sum_shared_variance",
}
#: Of results with `reject`, per bin.
OUTLIER_NAMES = ("n_kept", "n_rejected", "iterations")
#: The rejected pixels of all results, one after the other; and per result how many, and the shape of the frame.
REJECTED_PIXELS, REJECTED_FRAMES = "rejected_pixels", "rejected_frames"
#: Frames without a result.
FAILURES = "failures"
#: In place of the number of pixels where they are not known (mergers, quantiles).
_NOT_KNOWN = -1
#: The covariance of bins that share pixels: which bins, of the intensities, of the sums.
PAIR_BINS = ("covariance_first", "covariance_second")
I_COVARIANCE, SUM_COVARIANCE = "I_covariance", "sum_covariance"


def subentry_name(number: int) -> str:
    """Return the name, inside the entry, of one of the several results of a frame, numbered from 1."""
    return f"result_{number}"


def axes_of(result: Result) -> dict[str, Axis]:
    """Return the axes of a result by direction, in the order of the dimensions of its arrays."""
    if isinstance(result, Cake):
        return {"azimuthal": result.azimuthal_axis, "radial": result.radial_axis}
    return {dimension(result.axis): result.axis}


def sum_arrays(sums: Sums) -> dict[str, Any]:
    """Return the arrays of the sums under the names that files use, without a variance that is None."""
    arrays = {name: getattr(sums, field) for field, name in SUM_NAMES.items()}
    return {name: array for name, array in arrays.items() if array is not None}


def outlier_arrays(result: Result) -> dict[str, Any]:
    """Return what the rejection of outliers did in each bin, as float64; empty without any."""
    found = {name: getattr(result, name) for name in OUTLIER_NAMES}
    return {name: array.astype(float) for name, array in found.items() if array is not None}


def rejected_pixels(result: Result) -> tuple[AnyArray, tuple[int, int, int]]:
    """Return the numbers of the rejected pixels, and what belongs to them in `REJECTED_FRAMES`."""
    outliers = result.outliers
    if outliers is None or outliers.pixels is None or outliers.frame_shape is None:
        return np.empty(0, np.uint32), (_NOT_KNOWN, 0, 0)
    return outliers.pixels, (outliers.pixels.size, *outliers.frame_shape)


def rejected_by_result(frames: AnyArray, read: Callable[[int, int], AnyArray], start: int, stop: int) -> list[Any]:
    """Return pixels and shape of the frame of the results from `start` to `stop`; None where they are not known.

    Parameters
    ----------
    frames:
        `REJECTED_FRAMES`, of all results.
    read:
        Returns a range of `REJECTED_PIXELS`.

    Raises
    ------
    FileFormatError
        The numbers do not fit.
    """
    if frames.ndim != 2 or frames.shape[1] != 3:
        raise FileFormatError(f"{REJECTED_FRAMES}: expected three numbers of each result. The file is damaged.")
    ends = np.concatenate([[0], np.cumsum(np.maximum(frames[:, 0], 0))])
    held = read(int(ends[start]), int(ends[stop]))
    if held.size != ends[stop] - ends[start]:
        raise FileFormatError(f"{REJECTED_PIXELS}: expected {ends[-1]} numbers. The file is damaged.")
    parts = np.split(held, (ends[start + 1 : stop] - ends[start]).astype(np.int64))
    return [
        None if number == _NOT_KNOWN else (pixels.copy(), (int(slow), int(fast)))
        for (number, slow, fast), pixels in zip(frames[start:stop], parts, strict=True)
    ]


def _outliers(arrays: Mapping[str, Any], rejected: tuple[AnyArray, tuple[int, int]] | None) -> Rejected | None:
    found = {name: np.asarray(arrays[name]).astype(np.int32) for name in OUTLIER_NAMES if name in arrays}
    if "n_kept" not in found:
        return None
    pixels = () if rejected is None else rejected
    return Rejected(found["n_kept"], found["n_rejected"], found.get("iterations"), *pixels)


def covariance_arrays(result: Result) -> dict[str, Any]:
    """Return the covariance of the bins of one result, a value for each of `pair_bins`; empty without any."""
    if result.sums.covariance is None or not result.sums.covariance.pairs.n_pairs:
        return {}
    return {I_COVARIANCE: result.covariance_pairs()[2], SUM_COVARIANCE: result.sums.covariance.values}


def pair_bins(result: Result) -> dict[str, AnyArray]:
    """Return the two bins of each pair that has a covariance, by name; empty when it was not summed."""
    held = result.sums.covariance
    return {} if held is None else dict(zip(PAIR_BINS, (held.pairs.first, held.pairs.partners), strict=True))


def stored_pairs(arrays: Mapping[str, Any], edges: Mapping[str, Any]) -> BinPairs | None:
    """Return the pairs of what `pair_bins` returned; None where there are none among the arrays.

    Raises
    ------
    FileFormatError
        They cannot be pairs of these bins.
    """
    if PAIR_BINS[0] not in arrays:
        return None
    n_bins = math.prod(len(one) - 1 for one in edges.values())
    first, second = (np.asarray(arrays[name][()]) for name in PAIR_BINS)
    if first.shape != second.shape or any(
        one.size and (one.min() < 0 or one.max() >= n_bins) for one in (first, second)
    ):
        raise FileFormatError(f"{PAIR_BINS[0]}: expected two bins below {n_bins} of each pair. The file is damaged.")
    pairs, place = BinPairs.from_bins(first, second, n_bins)
    if not np.array_equal(place, np.arange(first.size)):
        raise FileFormatError(f"{PAIR_BINS[0]}: expected each pair once, in ascending order. The file is damaged.")
    return pairs


def shared_record(result: Result) -> dict[str, Any]:
    """Return what the results of one file must have in common, ready for JSON."""
    return {
        "format": FORMAT_NAME,
        "version": FORMAT_VERSION,
        "kind": "cake" if isinstance(result, Cake) else "profile",
        "units": {name: axis.unit.to_dict() for name, axis in axes_of(result).items()},
        "average": result.average,
        "error_model": result.error_model,
        "wavelength": result.wavelength,
    }


_KINDS = ("profile", "cake")


def check_record(record: Any, where: str) -> None:
    """Raise unless `record` is a shared record of a version that is understood."""
    if not isinstance(record, Mapping) or record.get("format") != FORMAT_NAME:
        raise FileFormatError(f"{where}: holds no result of azimuthal.save().")
    if record.get("version") != FORMAT_VERSION:
        raise FileFormatError(
            f"{where}: format version {record.get('version')!r} is not understood, expected {FORMAT_VERSION}. "
            "Read it with a newer azimuthal."
        )
    missing = [name for name in ("kind", "units", "average", "error_model", "wavelength") if name not in record]
    if missing:
        raise FileFormatError(f"{where}: its record lacks {', '.join(missing)}; the file is damaged.")
    if record["kind"] not in _KINDS:
        raise FileFormatError(f"{where}: expected results of a kind among {_KINDS}, got {record['kind']!r}.")


def check_alike(first: Result, other: Result, where: str) -> None:
    """Raise unless two results can be stored in the same arrays."""
    held, new = sum_arrays(first.sums).keys(), sum_arrays(other.sums).keys()
    if held != new and first.error_model == other.error_model:
        names = ", ".join(sorted(held ^ new))
        raise ParameterError(
            f"{where}: has {names} or lacks it, unlike the first result: their variances are of different things "
            "(noisy dark or flat). Save them in files of their own."
        )
    if _is_plainly_alike(first, other):
        return
    expected, got = shared_record(first), shared_record(other)
    for name, value in expected.items():
        if got[name] != value:
            raise ParameterError(
                f"{where}: expected the {name} of the first result, {value!r}, got {got[name]!r}. Save "
                "results of different kinds in files of their own."
            )
    if outlier_arrays(first).keys() != outlier_arrays(other).keys():
        raise ParameterError(
            f"{where}: outliers were not rejected as in the first result. Save such results in files of their own."
        )
    if axes_of(first) != axes_of(other):
        raise ParameterError(
            f"{where}: its bin edges differ from those of the first result. Integrate all frames with one "
            "plan, or save them in files of their own."
        )
    one, two = first.sums.covariance, other.sums.covariance
    if (one is None) != (two is None) or (one is not None and two is not None and not one.pairs.equals(two.pairs)):
        raise ParameterError(
            f"{where}: other bins share pixels in it than in the first result, or its covariance was not summed. "
            "Integrate all frames with one plan, or save them in files of their own."
        )


def _is_plainly_alike(first: Result, other: Result) -> bool:
    """Say whether two results come from one plan, as nearly always: quick."""
    if type(first) is not type(other) or any(
        getattr(first, name) != getattr(other, name) for name in ("average", "error_model", "wavelength")
    ):
        return False
    held = [None if result.sums.covariance is None else result.sums.covariance.pairs for result in (first, other)]
    if held[0] is not held[1]:
        return False
    if (first.n_kept is None, first.iterations is None) != (other.n_kept is None, other.iterations is None):
        return False
    one, two = axes_of(first), axes_of(other)
    return one.keys() == two.keys() and all(one[name] is two[name] for name in one)


def differing(shared: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Return what has to be stored of `own` besides `shared`, for `with_changes`; empty when nothing."""
    changed = {key: value for key, value in own.items() if key not in shared or not _same(shared[key], value)}
    absent = sorted(shared.keys() - own.keys())
    return ({"changed": changed} if changed else {}) | ({"absent": absent} if absent else {})


def with_changes(shared: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the record whose `differing` from `shared` is `changes`."""
    absent, changed = changes.get("absent", ()), changes.get("changed", {})
    return {key: value for key, value in shared.items() if key not in absent} | dict(changed)


def _same(one: Any, two: Any) -> bool:
    if one is two:
        return True
    if type(one) is type(two) and isinstance(one, str | int):
        return bool(one == two)
    return json_text(one) == json_text(two)


def rebuilt(
    record: Mapping[str, Any],
    edges: Mapping[str, Any],
    arrays: Mapping[str, Any],
    *,
    normalization_factor: float,
    provenance: Mapping[str, Any],
    metadata: Mapping[str, Any],
    normalization_variance: float = 0.0,
    pairs: BinPairs | None = None,
    rejected: tuple[AnyArray, tuple[int, int]] | None = None,
) -> Result:
    """Return a result from its stored parts.

    `arrays` as of `sum_arrays`, `outlier_arrays`, and SUM_COVARIANCE; `rejected` as of `rejected_by_result`.
    """
    axes = {name: Axis(Unit.from_dict(unit), edges[name]) for name, unit in record["units"].items()}
    stored: dict[str, Any] = {field: arrays.get(name) for field, name in SUM_NAMES.items()}
    covariance = None if pairs is None else PairSums(pairs, arrays.get(SUM_COVARIANCE, np.empty(0)))
    fields: dict[str, Any] = {
        "sums": Sums(**stored, covariance=covariance),
        "average": record["average"],
        "error_model": record["error_model"],
        "wavelength": record["wavelength"],
        "normalization_factor": normalization_factor,
        "provenance": provenance,
        "metadata": metadata,
        "outliers": _outliers(arrays, rejected),
        "normalization_variance": normalization_variance,
    }
    if record["kind"] == "cake":
        return Cake(axes["radial"], axes["azimuthal"], **fields)
    (axis,) = axes.values()
    return Profile(axis, **fields)
