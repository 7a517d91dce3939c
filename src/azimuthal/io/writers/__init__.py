# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Writers of results, and the reader of the formats that keep everything.

Writers take results, never integrators.  Each text format follows the rules of the programs that read it;
NXazint HDF5 and ``.npz`` keep the sums, edges, units and provenance, so that what was written can be read
back, merged and averaged anew.
"""

from azimuthal._output_formats import Format
from azimuthal._pending_file import pending
from azimuthal.io.writers._facts import Failure
from azimuthal.io.writers._registry import format_names, format_of, formats, save
from azimuthal.io.writers._template import expanded, field_names, is_template
from azimuthal.io.writers.appending import append_results
from azimuthal.io.writers.nxazint import NxazintWriter
from azimuthal.io.writers.reading import FailedFrames, ResultFile, entries_of, load_result

__all__ = [
    "FailedFrames",
    "Failure",
    "Format",
    "NxazintWriter",
    "ResultFile",
    "append_results",
    "entries_of",
    "expanded",
    "field_names",
    "format_names",
    "format_of",
    "formats",
    "is_template",
    "load_result",
    "pending",
    "save",
]
