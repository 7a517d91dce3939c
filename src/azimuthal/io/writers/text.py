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
import io
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from azimuthal._pending_file import write_text
from azimuthal.errors import ParameterError
from azimuthal.io.writers._columns import (
    TWO_THETA,
    Result,
    in_two_theta,
    only_profile,
    required_sigma,
    table_of,
    warn_of_covariance,
    write_columns,
)
from azimuthal.io.writers._facts import ascii_axis_text, column_names, frame_number, label_of
from azimuthal.results import Profile
from azimuthal.results.convert import variables
from azimuthal.typing import FloatArray

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
    profile = only_profile(results)
    columns = {profile.unit.name: profile.radial, "intensity": profile.intensity}
    write_columns(table_of(profile, columns, empty_bins), path, force=force, header=header)


def write_dat(
    results: Iterator[Result], path: Path, *, force: bool, header: bool = True, empty_bins: str = "omit"
) -> None:
    """Write x, intensity and sigma."""
    profile = only_profile(results)
    sigma = required_sigma(profile, "dat")
    columns = {profile.unit.name: profile.radial, "intensity": profile.intensity, "sigma": sigma}
    table = table_of(profile, columns, empty_bins)
    if empty_bins == "omit":  # a single pixel has no spread
        table = table.without(np.isnan(table.columns["sigma"]), "without a sigma")
    write_columns(table, path, force=force, header=header)


def write_xye(results: Iterator[Result], path: Path, *, force: bool, header: bool = True) -> None:
    """Write 2theta in degrees, intensity and esd."""
    profile = only_profile(results)
    esd = required_sigma(profile, "xye")
    converted = in_two_theta(profile)
    if converted is not profile:
        esd = required_sigma(converted, "xye")
    columns = {TWO_THETA: converted.radial, "intensity": converted.intensity, "esd": esd}
    table = table_of(converted, columns, "omit")
    table = table.without(~(table.columns["esd"] > 0), "without an esd above zero")
    if converted is not profile:
        table.facts.append(f"converted from {profile.unit.name}, bins unchanged")
    write_columns(table, path, force=force, header=header, mend=lambda line: line.replace("q", "Q"))


def write_chi(results: Iterator[Result], path: Path, *, force: bool) -> None:
    """Write the four lines of Fit2D, then x and intensity."""
    profile = only_profile(results)
    table = table_of(profile, {profile.unit.name: profile.radial, "intensity": profile.intensity}, "omit")
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


def _csv_pieces(results: Iterator[Result], path: Path) -> Iterator[str]:
    first = next(results)
    warn_of_covariance(first, path)
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
