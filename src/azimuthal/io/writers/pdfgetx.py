# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Text for PDFgetX3 and xPDFSuite (``.pdfgetx.xy``): two columns below ``#`` lines of the form ``name = value``.

PDFgetX3 looks for the first block of rows of numbers and is told in its configuration what the abscissa is:
``dataformat = QA`` for Q in 1/angstrom, ``Qnm`` for 1/nm, ``twotheta`` for degrees.  The profile is written in the unit
that it has, never converted, and the header states the words for the configuration; other units are refused.  Rows are
those of the bins that hold something.  PDFgetX3 takes no uncertainties.  At least ten rows are needed.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from azimuthal._pending_file import write_text
from azimuthal.errors import UnsupportedOptionError
from azimuthal.io.writers._columns import Result, only_profile, table_of
from azimuthal.io.writers._facts import profile_lines

_DATA_FORMATS = {"q_A^-1": "QA", "q_nm^-1": "Qnm", "2th_deg": "twotheta"}
_FEWEST_ROWS = 10


def write_pdfgetx(results: Iterator[Result], path: Path, *, force: bool) -> None:
    """Write x and intensity, and say in the header what PDFgetX3 has to be told about x."""
    profile = only_profile(results)
    if profile.unit.name not in _DATA_FORMATS:
        raise UnsupportedOptionError(
            f"format: PDFgetX3 reads {', '.join(_DATA_FORMATS)}, the profile is in {profile.unit.name!r}. "
            "Integrate with unit='q_A^-1'."
        )
    table = table_of(profile, {profile.unit.name: profile.radial, "intensity": profile.intensity}, "omit")
    if table.n_rows < _FEWEST_ROWS:
        raise UnsupportedOptionError(
            f"format: PDFgetX3 needs {_FEWEST_ROWS} rows to tell data from header, got {table.n_rows}. Save it as .xy."
        )
    table.report(path)
    facts = [f"dataformat = {_DATA_FORMATS[profile.unit.name]}"]
    if profile.wavelength is not None:
        facts.append(f"wavelength = {1e10 * profile.wavelength:.10g}")
    facts += [line.replace(": ", " = ", 1) for line in profile_lines(profile) if not line.startswith("wavelength:")]
    facts += [table.loss()] if table.left_out else []
    head = "".join(f"# {line}\n" for line in facts)
    write_text(path, (head, f"# columns = {' '.join(table.columns)}\n", table.rows()), force=force)
