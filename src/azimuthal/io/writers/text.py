# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Text files: one profile by the rules of the programs that read it, or a table of any number of results.

=========  ==================================  ==============================================================
extension  read by                             rules
=========  ==================================  ==============================================================
``.xy``    anything                            ``#`` lines, then x and intensity
``.dat``   SAXS programs                       ``#`` lines, then x, intensity, sigma
``.xye``   TOPAS, FullProf, GSAS-II            ``#`` lines, then 2theta in degrees, intensity, esd; every
                                               esd is above zero
``.chi``   xPDFSuite, PDFgetX, Fit2D's heirs   exactly four lines (title, x label, y label, number of
                                               points), then x and intensity
``.csv``   spreadsheets, pandas                one row of names, which carry the unit, then all columns;
                                               an empty bin has empty cells
=========  ==================================  ==============================================================

Numbers are the shortest decimal texts that read back as the same float64.

Rows that a format cannot hold are left out: empty bins (except in ``.csv``, and where ``empty_bins="nan"``),
and in ``.xye`` bins without an esd above zero, for instance without a single count under the Poisson model.
A line of the header counts them, and a `ConversionLossWarning` is given.

The letter q does not occur in the header of ``.xye``: GSAS-II (2024) takes a comment with that letter for a
wavelength and the data for a function of q.  It is written as Q.
"""

from __future__ import annotations

import csv
import inspect
import io
import re
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
from azimuthal.io.writers._facts import ascii_axis_text, column_names, frame_number, label_of, profile_lines
from azimuthal.results import Cake, Profile
from azimuthal.results.convert import variables
from azimuthal.typing import BoolArray, FloatArray

Result: TypeAlias = Profile | Cake

_TWO_THETA = "2th_deg"
_EMPTY_BINS = ("omit", "nan")
#: The words of Fit2D for the units that it knows.
_FIT2D_LABELS = {
    "2th_deg": "2-Theta Angle (Degrees)",
    "2th_rad": "2-Theta Angle (Radians)",
    "q_nm^-1": "Q (Inverse Nanometres)",
    "q_A^-1": "Q (Inverse Angstroms)",
    "r_mm": "Radial Distance (mm)",
    "chi_deg": "Azimuthal Angle (Degrees)",
}


def write_xy(
    results: Iterator[Result], path: Path, *, force: bool, header: bool = True, empty_bins: str = "omit"
) -> None:
    """Write x and intensity."""
    profile = _only_profile(results)
    columns = {profile.unit.name: profile.radial, "intensity": profile.intensity}
    _write_columns(_table(profile, columns, empty_bins), path, force=force, header=header)


def write_dat(
    results: Iterator[Result], path: Path, *, force: bool, header: bool = True, empty_bins: str = "omit"
) -> None:
    """Write x, intensity and sigma."""
    profile = _only_profile(results)
    sigma = _required_sigma(profile, "dat")
    columns = {profile.unit.name: profile.radial, "intensity": profile.intensity, "sigma": sigma}
    table = _table(profile, columns, empty_bins)
    if empty_bins == "omit":  # a single pixel has no spread
        table = table.without(np.isnan(table.columns["sigma"]), "without a sigma")
    _write_columns(table, path, force=force, header=header)


def write_xye(results: Iterator[Result], path: Path, *, force: bool, header: bool = True) -> None:
    """Write 2theta in degrees, intensity and esd."""
    profile = _only_profile(results)
    esd = _required_sigma(profile, "xye")
    converted = _in_two_theta(profile)
    if converted is not profile:
        esd = _required_sigma(converted, "xye")
    columns = {_TWO_THETA: converted.radial, "intensity": converted.intensity, "esd": esd}
    table = _table(converted, columns, "omit")
    table = table.without(~(table.columns["esd"] > 0), "without an esd above zero")
    if converted is not profile:
        table.facts.append(f"converted from {profile.unit.name}, bins unchanged")
    _write_columns(table, path, force=force, header=header, mend=lambda line: line.replace("q", "Q"))


def write_chi(results: Iterator[Result], path: Path, *, force: bool) -> None:
    """Write the four lines of Fit2D, then x and intensity."""
    profile = _only_profile(results)
    table = _table(profile, {profile.unit.name: profile.radial, "intensity": profile.intensity}, "omit")
    wavelength = "" if profile.wavelength is None else f"wavelength {profile.wavelength!r} m"
    title = ", ".join(text for text in (label_of(profile.metadata), wavelength) if text) or "azimuthal profile"
    # GSAS-II takes "q " in any of the four lines for a scale of q.
    title = re.sub("q ", "q_", title, flags=re.IGNORECASE)
    label = _FIT2D_LABELS.get(profile.unit.name, ascii_axis_text(profile.axis))
    table.report(path)
    head = f"{title}\n{label}\nIntensity\n{table.n_rows:>12d}\n"
    write_text(path, (head, table.rows()), force=force)


def write_csv(results: Iterator[Result], path: Path, *, force: bool) -> None:
    """Write one row per bin: centres, edges, means, uncertainties and sums.

    Several results come one after the other, with the columns ``frame`` and ``label`` in front; a cake has
    the columns of its azimuth before those of its radius, azimuth slow.
    """
    write_text(path, _csv_pieces(results, path), force=force)


@dataclass(frozen=True)
class _Table:
    """Columns of one profile, and what was left out of them."""

    profile: Profile
    columns: dict[str, FloatArray]
    facts: list[str]
    left_out: dict[str, int]

    @property
    def n_rows(self) -> int:
        return next(iter(self.columns.values())).size

    def without(self, unwanted: BoolArray, reason: str) -> _Table:
        """Return the table without some rows, which are counted."""
        number = int(np.count_nonzero(unwanted))
        if not number:
            return self
        columns = {name: column[~unwanted] for name, column in self.columns.items()}
        return _Table(self.profile, columns, self.facts, {**self.left_out, reason: number})

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
            warnings.warn(f"{path}: {self.loss()}.", ConversionLossWarning, stacklevel=_levels_to_caller())
        _warn_of_covariance(self.profile, path)

    def rows(self) -> str:
        texts = [[repr(value) for value in column.tolist()] for column in self.columns.values()]
        return "".join(" ".join(f"{text:>24}" for text in row) + "\n" for row in zip(*texts, strict=True))


def _warn_of_covariance(result: Result, path: Path) -> None:
    if result.has_covariance:
        words = f"{path}: left out the covariance of the bins; .h5 and .npz hold it."
        warnings.warn(words, ConversionLossWarning, stacklevel=_levels_to_caller())


def _table(profile: Profile, columns: dict[str, FloatArray], empty_bins: str) -> _Table:
    """Return the columns of a profile, empty bins left out unless they are to be NaN."""
    table = _Table(profile, columns, [], {})
    if one_of("empty_bins", empty_bins, _EMPTY_BINS) == "nan":
        return table
    empty = (profile.count == 0) & (profile.sum_normalization == 0)
    table = table.without(empty, "empty")
    return table.without(~np.isfinite(table.columns["intensity"]), "without a finite intensity")


def _write_columns(table: _Table, path: Path, *, force: bool, header: bool, mend: Callable[[str], str] = str) -> None:
    table.report(path)
    lines = [*profile_lines(table.profile), *table.facts]
    if table.left_out:
        lines.append(table.loss())
    lines.append("columns: " + " ".join(table.columns))
    head = "".join(mend(f"# {line}\n") for line in lines) if header else ""
    write_text(path, (head, table.rows()), force=force)


def _only_profile(results: Iterator[Result]) -> Profile:
    (profile,) = results
    if not isinstance(profile, Profile):
        raise UnsupportedOptionError("results: this format holds one profile. Save a cake as .h5, .npz or .csv.")
    return profile


def _required_sigma(profile: Profile, name: str) -> FloatArray:
    sigma = profile.sigma
    if sigma is None:
        raise UnsupportedOptionError(
            f"format: {name!r} has a column of uncertainties and the profile has none. Integrate with "
            "error_model='poisson' or variance=..., or save it as .xy."
        )
    return sigma


def _in_two_theta(profile: Profile) -> Profile:
    """Return the profile over 2theta in degrees."""
    if profile.unit.name == _TWO_THETA:
        return profile
    try:
        return profile.to(_TWO_THETA)
    except WavelengthMissingError as error:
        raise WavelengthMissingError(
            f"wavelength: .xye is a function of 2theta, the profile is in {profile.unit.name!r} and its "
            "wavelength is not known. Integrate with unit='2th_deg', or give the geometry a wavelength."
        ) from error
    except UnsupportedOptionError as error:
        raise UnsupportedOptionError(
            f"format: .xye is a function of 2theta, and {profile.unit.name!r} cannot be converted. Integrate "
            "with unit='2th_deg', or save it as .dat."
        ) from error


def _csv_pieces(results: Iterator[Result], path: Path) -> Iterator[str]:
    first = next(results)
    _warn_of_covariance(first, path)
    second = next(results, None)
    if second is None:
        yield _csv_text([_csv_names(first)])
        yield _csv_rows(first, ())
        return
    names = _csv_names(first)
    yield _csv_text([["frame", "label", *names]])
    index = 0
    for index, result in enumerate((first, second)):
        yield _stacked_rows(result, index, names)
    for result in results:
        index += 1
        yield _stacked_rows(result, index, names)


def _stacked_rows(result: Result, index: int, names: list[str]) -> str:
    if _csv_names(result) != names:
        raise ParameterError(
            f"results[{index}]: expected the columns {', '.join(names)} of the first result, got "
            f"{', '.join(_csv_names(result))}. Save results of different kinds or units in files of their "
            "own."
        )
    frame = str(frame_number(result.metadata, index))
    return _csv_rows(result, (frame, label_of(result.metadata)))


def _csv_names(result: Result) -> list[str]:
    units = [result.unit] if isinstance(result, Profile) else [result.azimuthal_unit, result.radial_unit]
    return [name for unit in units for name in column_names(unit)] + list(variables(result))


def _csv_rows(result: Result, front: tuple[str, ...]) -> str:
    axes = [result.axis] if isinstance(result, Profile) else [result.azimuthal_axis, result.radial_axis]
    positions = np.meshgrid(*(np.arange(axis.n_bins) for axis in axes), indexing="ij")
    columns: list[FloatArray] = []
    for axis, where in zip(axes, positions, strict=True):
        columns += [values[where] for values in (axis.centers, axis.edges[:-1], axis.edges[1:])]
    columns += list(variables(result).values())
    texts = [["" if value != value else repr(value) for value in column.ravel().tolist()] for column in columns]
    return _csv_text([[*front, *row] for row in zip(*texts, strict=True)])


def _csv_text(rows: list[list[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def _levels_to_caller() -> int:
    """Return the ``stacklevel`` of the nearest frame outside this package."""
    level, frame = 0, inspect.currentframe()
    while frame is not None and str(frame.f_globals.get("__name__", "")).partition(".")[0] == "azimuthal":
        frame, level = frame.f_back, level + 1
    return level
