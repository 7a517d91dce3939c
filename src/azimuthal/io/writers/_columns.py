# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Columns of one profile for formats that other programs read: rows, units, steps, and what a format loses."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np

from azimuthal._pending_file import write_text
from azimuthal._validate import one_of
from azimuthal.errors import (
    ConversionLossWarning,
    ParameterError,
    UnsupportedOptionError,
    WavelengthMissingError,
)
from azimuthal.io.writers._facts import profile_lines
from azimuthal.results import Cake, Profile
from azimuthal.typing import BoolArray, FloatArray

Result: TypeAlias = Profile | Cake

TWO_THETA = "2th_deg"
_EMPTY_BINS = ("omit", "nan")
#: Part of a bin by which its edges may be off a constant step.
_STEP_TOLERANCE = 1e-6


@dataclass(frozen=True)
class Table:
    """Columns of one profile, and what was left out of them."""

    profile: Profile
    columns: dict[str, FloatArray]
    facts: list[str]
    left_out: dict[str, int]

    @property
    def n_rows(self) -> int:
        return next(iter(self.columns.values())).size

    def without(self, unwanted: BoolArray, reason: str) -> Table:
        """Return the table without some rows, which are counted."""
        number = int(np.count_nonzero(unwanted))
        if not number:
            return self
        columns = {name: column[~unwanted] for name, column in self.columns.items()}
        return Table(self.profile, columns, self.facts, {**self.left_out, reason: number})

    def loss(self) -> str:
        """Return e.g. ``left out 3 of 1000 bins: 2 empty, 1 without an esd above zero``; "" for none."""
        if not self.left_out:
            return ""
        parts = ", ".join(f"{number} {reason}" for reason, number in self.left_out.items())
        return f"left out {sum(self.left_out.values())} of {self.profile.axis.n_bins} bins: {parts}"

    def report(self, path: Path) -> None:
        """Raise when no row is left; warn, in the user's line that asked for the file, when some are not."""
        if self.n_rows == 0:
            raise ParameterError(f"{path}: no bin is left to write ({self.loss()}). Nothing is written.")
        if self.left_out:
            warn_of_loss(f"{path}: {self.loss()}.")
        warn_of_covariance(self.profile, path)

    def rows(self) -> str:
        texts = [[repr(value) for value in column.tolist()] for column in self.columns.values()]
        return "".join(" ".join(f"{text:>24}" for text in row) + "\n" for row in zip(*texts, strict=True))


def table_of(profile: Profile, columns: dict[str, FloatArray], empty_bins: str) -> Table:
    """Return the columns of a profile, empty bins left out unless they are to be NaN."""
    table = Table(profile, columns, [], {})
    if one_of("empty_bins", empty_bins, _EMPTY_BINS) == "nan":
        return table
    empty = (profile.count == 0) & (profile.sum_normalization == 0)
    table = table.without(empty, "empty")
    return table.without(~np.isfinite(table.columns["intensity"]), "without a finite intensity")


def filled_bins(profile: Profile) -> BoolArray:
    """Return which bins have pixels and a finite intensity."""
    filled = (profile.count != 0) | (profile.sum_normalization != 0)
    finite: BoolArray = filled & np.isfinite(profile.intensity)
    return finite


def write_columns(table: Table, path: Path, *, force: bool, header: bool, mend: Callable[[str], str] = str) -> None:
    """Write ``#`` lines, then the rows; `mend` changes every line of the header."""
    table.report(path)
    lines = [*profile_lines(table.profile), *table.facts]
    if table.left_out:
        lines.append(table.loss())
    lines.append("columns: " + " ".join(table.columns))
    head = "".join(mend(f"# {line}\n") for line in lines) if header else ""
    write_text(path, (head, table.rows()), force=force)


def only_profile(results: Iterator[Result]) -> Profile:
    """Return the one profile that there is."""
    (profile,) = results
    if not isinstance(profile, Profile):
        raise UnsupportedOptionError("results: this format holds one profile. Save a cake as .h5, .npz or .csv.")
    return profile


def required_sigma(profile: Profile, name: str) -> FloatArray:
    """Return the uncertainties; raise when there are none."""
    sigma = profile.sigma
    if sigma is None:
        raise UnsupportedOptionError(
            f"format: {name!r} has a column of uncertainties and the profile has none. Integrate with "
            "error_model='poisson' or variance=..., or save it as .xy."
        )
    return sigma


def in_two_theta(profile: Profile, name: str = "xye") -> Profile:
    """Return the profile over 2theta in degrees; `name` is the format that wants it so."""
    return in_unit(profile, TWO_THETA, f".{name} is a function of 2theta", "save it as .dat")


def in_unit(profile: Profile, unit: str, reason: str, otherwise: str) -> Profile:
    """Return the profile over another unit, bins unchanged.

    Raises
    ------
    WavelengthMissingError, UnsupportedOptionError
        It cannot be converted; the message says why it has to be (`reason`) and what can be done `otherwise`.
    """
    if profile.unit.name == unit:
        return profile
    try:
        return profile.to(unit)
    except WavelengthMissingError as error:
        raise WavelengthMissingError(
            f"wavelength: {reason}, the profile is in {profile.unit.name!r} and its "
            f"wavelength is not known. Integrate with unit={unit!r}, or give the geometry a wavelength."
        ) from error
    except UnsupportedOptionError as error:
        raise UnsupportedOptionError(
            f"format: {reason}, and {profile.unit.name!r} cannot be converted. Integrate "
            f"with unit={unit!r}, or {otherwise}."
        ) from error


@dataclass(frozen=True)
class Steps:
    """A pattern on bins of one width, without the bins at its ends that hold nothing.

    Parameters
    ----------
    profile:
        Over 2theta in degrees.
    bins:
        Which of its bins are written.
    start, step:
        Centre of the first of them and width of all, in degrees.
    converted_from:
        Name of the unit that the profile had; "" when it was in degrees.
    """

    profile: Profile
    bins: slice
    start: float
    step: float
    converted_from: str

    @property
    def n_steps(self) -> int:
        """Number of bins that are written."""
        return int(self.bins.stop - self.bins.start)

    @property
    def stop(self) -> float:
        """Centre of the last bin in degrees."""
        return self.start + (self.n_steps - 1) * self.step

    @property
    def centers(self) -> FloatArray:
        """Centres of the bins in degrees."""
        return self.profile.radial[self.bins]

    def facts(self) -> list[str]:
        """Return what was converted or left out, one fact per line."""
        lines = [] if not self.converted_from else [f"converted from {self.converted_from}, bins unchanged"]
        return lines + ([self.loss()] if self.loss() else [])

    def loss(self) -> str:
        """Return how many bins at the ends are left out; "" for none."""
        number = self.profile.axis.n_bins - self.n_steps
        return f"left out {number} of {self.profile.axis.n_bins} bins: {number} at the ends hold nothing" * (number > 0)

    def report(self, path: Path, *further: str) -> None:
        """Warn, in the user's line that asked for the file, of what is left out."""
        if told := [text for text in (self.loss(), *further) if text]:
            warn_of_loss(f"{path}: {'; '.join(told)}.")
        warn_of_covariance(self.profile, path)


def constant_steps(profile: Profile, name: str, usable: Callable[[Profile], BoolArray] = filled_bins) -> Steps:
    """Return the bins from the first to the last usable one, which must all have one width in 2theta.

    Raises
    ------
    UnsupportedOptionError
        The bins do not have one width (to a millionth of it), or there are fewer than two.
    ParameterError
        No bin is usable.
    """
    converted = in_two_theta(profile, name)
    edges = converted.edges
    step = float(edges[-1] - edges[0]) / converted.axis.n_bins
    if np.abs(edges - np.linspace(edges[0], edges[-1], edges.size)).max() > _STEP_TOLERANCE * step:
        widths = np.diff(edges)
        raise UnsupportedOptionError(
            f"format: .{name} is a pattern of constant step in 2theta; the bins of this profile ({profile.unit.name}) "
            f"are {widths.min():.6g} to {widths.max():.6g} degrees wide. Integrate with unit='2th_deg', or save it as "
            ".xye, which takes any bins."
        )
    where = np.flatnonzero(usable(converted))
    if where.size == 0:
        raise ParameterError(f"format: .{name} would hold no bin: all {converted.axis.n_bins} are empty.")
    bins = slice(int(where[0]), int(where[-1]) + 1)
    if bins.stop - bins.start < 2:
        raise UnsupportedOptionError(f"format: .{name} needs two bins or more that hold something, got one. Use .xy.")
    before = "" if converted is profile else profile.unit.name
    return Steps(converted, bins, float(edges[0]) + (bins.start + 0.5) * step, step, before)


def warn_of_covariance(result: Result, path: Path) -> None:
    """Warn when a result has a covariance, for formats that cannot hold it."""
    if result.has_covariance:
        warn_of_loss(f"{path}: left out the covariance of the bins; .h5 and .npz hold it.")


def warn_of_loss(text: str) -> None:
    """Warn in the user's line that asked for the file."""
    warnings.warn(text, ConversionLossWarning, stacklevel=_levels_to_caller())


def _levels_to_caller() -> int:
    """Return the ``stacklevel`` of the nearest frame outside this package."""
    level, frame = 0, inspect.currentframe()
    while frame is not None and str(frame.f_globals.get("__name__", "")).partition(".")[0] == "azimuthal":
        frame, level = frame.f_back, level + 1
    return level
