# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""More results for a file that exists: a scan that was continued, the next run of a series.

The file is never changed in place.  A new one is written beside it, with the old results and then the new ones, and
takes its name when it is complete: whatever happens meanwhile, the old file is there and opens.  That costs one copy of
the file, in memory for a few results at a time; where frames keep coming, write them with one
:class:`~azimuthal.io.writers.NxazintWriter`, or with `azimuthal integrate`, which goes on where it was.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from azimuthal.errors import ParameterError
from azimuthal.io.hdf5 import open_hdf5, translated_errors
from azimuthal.io.writers.nxazint import NxazintWriter
from azimuthal.io.writers.reading import entries_of, load_result
from azimuthal.results import Cake, Profile, ResultSet
from azimuthal.typing import PathLike

__all__ = ["append_results"]


def append_results(path: PathLike, results: Any) -> int:
    """Append results to a file that :func:`azimuthal.save` wrote as ``.h5``.

    Parameters
    ----------
    path:
        The file.
    results:
        A profile, a cake, a set of them, or an iterable of one of these: like those in the file, with the same bins.

    Returns
    -------
    :
        How many results the file holds now.

    Raises
    ------
    FileMissingError, FileFormatError
        The file does not exist, or is no file of results.
    ParameterError
        It is no ``.h5`` file; there is nothing to append, or a result does not fit.  The file is unchanged.
    OutputError
        The new file cannot be written.  The old one is unchanged.
    """
    more: Iterable[Any] = (results,) if isinstance(results, Profile | Cake | ResultSet) else results
    there = load_result(path)
    options = _options(path)
    new = iter(more)
    first = next(new, None)
    if first is None:
        raise ParameterError("results: expected at least one result to append, got none.")
    with NxazintWriter(path, there[0], force=True, **options) as writer:
        for result in itertools.chain(there, (first,), new):
            writer.append(result)
    return len(load_result(path))


def _options(path: PathLike) -> dict[str, Any]:
    """Return title, beamline and laboratory as the file names them, and how it is compressed."""
    with open_hdf5(path) as file, translated_errors(path, "read its title"):
        groups = entries_of(file)
        if not groups or "entry/title" not in file:
            raise ParameterError(
                f"{Path(path)}: expected an .h5 file of azimuthal.save(); only those can be continued."
            )
        entry = file[groups[0]]
        return {
            "title": file["entry/title"].asstr()[()],
            "instrument": entry["instrument/name"].asstr()[()],
            "source": entry["instrument/source/name"].asstr()[()],
            "compression": entry["data/sum_signal"].compression,
        }
