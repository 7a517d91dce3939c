# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""NumPy archives (``.npz``) that hold everything and need nothing but NumPy to read.

====================  ==================================================================================
array                 meaning
====================  ==================================================================================
radial, azimuthal     bin centres, in the unit that ``about`` names; one of them for a profile
radial_edges, ...     bin edges
intensity, sigma      derived; sigma only with an error model
sum_..., count        the sums
covariance_first      pairs of bins that share pixels, where their covariance was summed: two bins each,
covariance_second     numbered as in ``intensity.ravel()``
I_covariance          covariance of the two intensities of each pair; sum_covariance: of the sums of signal
n_kept, n_rejected    pixels that count and do not, with `reject`; iterations: rounds of sigma clipping
rejected_pixels       numbers (in the flat frame) of the pixels that sigma clipping rejected, result after result
rejected_frames       per result: how many these are (-1: not known), rows and columns of the frame
normalization_factor  one number per result
metadata, provenance  JSON texts, one per result
failed_name           names of frames or files without a result, with failed_reason and failed_n_frames (-1: not known);
                      absent when there are none
about                 JSON text: format, version, kind, units, average, error model, wavelength (m)
====================  ==================================================================================

One result is stored with the shape it has; of several, all arrays except the axes and ``about`` get a leading
axis.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from azimuthal._pending_file import check_target, pending
from azimuthal.io.writers._facts import Failure, failure_columns, json_text
from azimuthal.io.writers._layout import (
    REJECTED_FRAMES,
    REJECTED_PIXELS,
    Result,
    axes_of,
    check_alike,
    covariance_arrays,
    outlier_arrays,
    pair_bins,
    rejected_pixels,
    shared_record,
    sum_arrays,
)
from azimuthal.typing import AnyArray


def write_npz(
    results: Iterator[Result], path: Path, *, force: bool, compressed: bool = True, failures: Sequence[Failure] = ()
) -> None:
    """Write results to an archive; all are kept in memory until the last has come."""
    check_target(path, force=force)
    held = list(results)
    arrays = _shared(held[0])
    for index, other in enumerate(held[1:], start=1):
        check_alike(held[0], other, f"results[{index}]")
    rows = [_own(result) for result in held]
    if any(result.normalization_variance for result in held):
        rows = [
            row | {"normalization_variance": np.float64(result.normalization_variance)}
            for row, result in zip(rows, held, strict=True)
        ]
    if held[0].outliers is not None:
        pixels, frames = zip(*(rejected_pixels(result) for result in held), strict=True)
        arrays |= {REJECTED_PIXELS: np.concatenate(pixels), REJECTED_FRAMES: np.array(frames, np.int64)}
    for name, only in rows[0].items():
        arrays[name] = only if len(rows) == 1 else np.stack([row[name] for row in rows])
    if failures:
        arrays |= {f"failed_{name}": np.array(values) for name, values in failure_columns(failures).items()}
    write: Callable[..., None] = np.savez_compressed if compressed else np.savez
    with pending(path, force=force) as temporary, temporary.open("xb") as file:
        write(file, **arrays)


def _shared(result: Result) -> dict[str, AnyArray]:
    arrays: dict[str, AnyArray] = {"about": np.array(json_text(shared_record(result)))}
    for name, axis in axes_of(result).items():
        arrays[name] = axis.centers
        arrays[f"{name}_edges"] = axis.edges
    return arrays | pair_bins(result)


def _own(result: Result) -> dict[str, Any]:
    derived = {"intensity": result.intensity} | ({} if result.sigma is None else {"sigma": result.sigma})
    return {
        **derived,
        **sum_arrays(result.sums),
        **covariance_arrays(result),
        **outlier_arrays(result),
        "normalization_factor": np.float64(result.normalization_factor),
        "metadata": np.array(json_text(result.metadata)),
        "provenance": np.array(json_text(result.provenance)),
    }
