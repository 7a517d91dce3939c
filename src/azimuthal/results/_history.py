# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""New results from old ones: sums through a function, and what was done, step by step, in the provenance.

``provenance["history"]`` is a list with one record per step, oldest first: ``{"step": "rebin", ...}``, ready for JSON.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from azimuthal.errors import UnsupportedOptionError
from azimuthal.results._covariance import PairSums
from azimuthal.results._sums import Sums
from azimuthal.typing import FloatArray

if TYPE_CHECKING:
    from azimuthal.results.cake import Cake
    from azimuthal.results.profile import Profile

#: Fields of a result that belong to its old bins or its old sums; a new result does without.
_KEPT = ("average", "error_model", "wavelength", "normalization_factor", "normalization_variance", "metadata")


def with_step(provenance: Mapping[str, Any], step: str, **facts: Any) -> dict[str, Any]:
    """Return provenance with one more step in its history."""
    history = [*provenance.get("history", ()), {"step": step, **facts}]
    return dict(provenance) | {"history": history}


def steps(result: Profile | Cake) -> list[str]:
    """Return the names of the steps that a result has gone through."""
    return [str(record.get("step")) for record in result.provenance.get("history", ())]


def kept_fields(result: Profile | Cake, step: str, **facts: Any) -> dict[str, Any]:
    """Return the constructor fields that a result made from `result` has in common with it, with one more step."""
    names = {item.name for item in dataclasses.fields(result)}
    kept = {name: getattr(result, name) for name in _KEPT if name in names}
    return kept | {"provenance": with_step(result.provenance, step, **facts)}


def mapped(sums: Sums, function: Callable[[FloatArray], FloatArray]) -> Sums:
    """Return sums with a function applied to every field that is there."""
    made: dict[str, Any] = {name: None if array is None else function(array) for name, array in fields(sums).items()}
    return Sums(**made)


def fields(sums: Sums) -> dict[str, Any]:
    """Return the fields of sums by name: arrays with one value for each bin (the covariance is none of them)."""
    return {item.name: getattr(sums, item.name) for item in dataclasses.fields(sums) if item.name != "covariance"}


def movable_covariance(sums: Sums) -> PairSums | None:
    """Return the covariance for use in other bins; None where it was not summed.

    Raises
    ------
    UnsupportedOptionError
        That of other bins does not follow from it: residuals about the means of the old bins, or a dark or flat that
        frames share.
    """
    if sums.covariance is not None and not (sums.cross is None and sums.static is None):
        raise UnsupportedOptionError(
            "covariance: with error_model='azimuthal' or a noisy dark or flat, that of other bins does not follow from "
            "that of these. Integrate with the bins that you want."
        )
    return sums.covariance


def with_covariance(sums: Sums, covariance: PairSums | None, variance: FloatArray | None = None) -> Sums:
    """Return sums with the covariance of their bins, and its diagonal as variance where that is given."""
    if covariance is None:
        return sums
    made = fields(sums) | ({} if variance is None else {"variance": variance.reshape(sums.shape)})
    return Sums(**made, covariance=covariance)


def joined(parts: list[Sums]) -> Sums:
    """Return the sums of different pixels together."""
    first, *others = parts
    together: Callable[..., Sums] = getattr(first, "merge_independent", first.merge)
    return together(*others) if others else first


def summary(result: Profile | Cake) -> dict[str, Any]:
    """Return what the history of another result says about this one: what it is called, and a digest of its sums."""
    digest = hashlib.blake2b(digest_size=16)
    for array in fields(result.sums).values():
        if array is not None:
            digest.update(array.tobytes())
    named = {name: result.metadata[name] for name in ("name", "label", "index") if name in result.metadata}
    history = {"history": result.provenance["history"]} if "history" in result.provenance else {}
    return {"digest": digest.hexdigest(), "error_model": result.error_model, **named, **history}
