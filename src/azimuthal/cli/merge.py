# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""``azimuthal merge``: runs added up by their sums."""

from __future__ import annotations

from azimuthal.cli._parsing import argument, command, option


@command(name="merge")
@argument("files", nargs=-1, required=True)
@option("-o", "--output", required=True, help="Where to; the format is the extension, e.g. total.h5 or total.xye.")
@option("--force", is_flag=True, help="Replace an existing output.")
def merge_command(files: tuple[str, ...], output: str, *, force: bool) -> int:
    """Merge all results in FILES into one, by their sums: as if all frames had been one.

    FILES are .h5 or .npz files that azimuthal wrote, with one or many results each. All must have the same bins,
    average, error model and wavelength.

    For example:

      azimuthal merge run_1.h5 run_2.h5 -o total.xye
    """
    from azimuthal.pipelines.merging import merge_files

    merger = merge_files(files, output, force=force)
    written = ", ".join(str(path) for path in merger.outputs)
    print(f"{written}: {merger.n_results} results from {len(files)} files, {merger.result!r}")
    return 0
