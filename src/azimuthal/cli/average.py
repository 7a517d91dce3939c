# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""``azimuthal average``: one image of many frames."""

from __future__ import annotations

import sys
from typing import Any

from azimuthal.cli._parsing import argument, command, number, option
from azimuthal.cli._progress import StepProgress
from azimuthal.errors import ParameterError

_EXAMPLES = """\b
Examples:
  azimuthal average 'dark_*.cbf' -o dark.h5
  azimuthal average run_master.h5 --method clipped_mean --n-sigma 4 -o clean.tif
  azimuthal average run_master.h5 --monitor scan.h5::/1.1/measurement/I0 --mask ice.toml -p geometry.poni -o sample.h5
  azimuthal average flat.h5 --dark dark.tif --as-flat --unusual flat_mask.npy -o flat.edf"""
_STEPS = 20


@command(name="average", epilog=_EXAMPLES)
@argument("images", nargs=-1, required=True, metavar="IMAGE...")
@option("-o", "--output", required=True, metavar="FILE", help="With count and variance: .h5 .npz .tif .edf .npy.")
@option(
    "--method", default="mean", show_default=True,
    help="Or sum, std, min, max, median, quantile, trimmed_mean, clipped_mean.",
)  # fmt: skip
@option("--quantile", type=float, metavar="Q", help="For --method quantile, 0 to 1.")
@option("--quantiles", type=float, nargs=2, metavar="LOW HIGH", help="For trimmed_mean.  Default: 0.1 0.9.")
@option("--n-sigma", type=float, metavar="X", help="For clipped_mean.  Default: 3.")
@option("--dark", metavar="FILE", help="Dark image, subtracted from every frame.")
@option("--mask", "masks", multiple=True, metavar="FILE", help="Image of 0 and 1, 1 = exclude; may be repeated.")
@option("-p", "--poni", metavar="FILE", help="Geometry, for masks with rings and gaps in words.")
@option(
    "--monitor", metavar="FILE",
    help="One value per frame, which divides it: scan.h5::/path, ::/path (a dataset in every image file), .npy, .txt.",
)  # fmt: skip
@option("--detector", metavar="NAME", help="Its gaps and invalid values apply.")
@option("--dummy", type=number, metavar="VALUE", help="Raw value that marks pixels without data.")
@option("--delta-dummy", type=float, metavar="WIDTH", help="Half width about --dummy.")
@option("--as-flat", is_flag=True, help="Scale to a median of 1.")
@option("--unusual", metavar="FILE", help="Write a mask of pixels unlike the others; a proposal, to be looked at.")
@option("--memory", type=int, default=512, show_default=True, metavar="MB", help="For medians and the like.")
@option("--force", is_flag=True, help="Replace files that exist.")
def average_command(**options: Any) -> int:
    """Make one image of all frames of IMAGE...: a dark, a flat, a median.

    IMAGE is a file, a pattern in quotes, or file.h5::/path/of/dataset.  Memory is bounded whatever the number of
    frames.  Files appear complete or not at all.
    """
    from pathlib import Path

    from azimuthal._pending_file import check_target
    from azimuthal.io.frames import frame_paths, open_frames
    from azimuthal.io.image_files import save_average, save_image
    from azimuthal.pipelines.average import average
    from azimuthal.pipelines.frame_inputs import read_per_frame
    from azimuthal.pipelines.inputs import survey_files
    from azimuthal.pipelines.pixel_files import read_image, read_masks

    for name in ("output", "unusual"):
        if options[name] is not None:
            check_target(Path(options[name]), force=options["force"])
    with open_frames(frame_paths(options["images"])) as frames:
        shape = frames.shape
        dark = None if options["dark"] is None else read_image("dark", options["dark"], shape)
        monitor = options["monitor"]
        monitors = None if monitor is None else read_per_frame("monitor", monitor, survey_files(options["images"]))
        chosen = {key: options[key] for key in ("method", "quantile", "n_sigma", "detector", "dummy", "delta_dummy")}
        with StepProgress() as steps:
            found = average(
                frames,
                **chosen,
                quantiles=options["quantiles"] or None,
                dark=dark,
                normalization_factors=monitors,
                mask=read_masks(options["masks"], shape, _instrument(options, shape)),
                memory=_bytes(options["memory"]),
                progress=_Told(steps),
            )
    if options["as_flat"]:
        found = found.as_flat()
    paths = list(save_average(found, options["output"], force=options["force"]))
    if options["unusual"] is not None:
        unusual = found.unusual_pixels()
        paths += save_image(options["unusual"], unusual.mask, force=options["force"])
        print(f"unusual: {unusual.describe()}", file=sys.stderr)
    empty = int((found.count == 0).sum())
    print(
        f"{', '.join(map(str, paths))}: {options['method']} of {found.n_frames} frames, {empty} pixels without a value"
    )
    return 0


def _instrument(options: dict[str, Any], shape: tuple[int, int]) -> Any:
    from azimuthal.io.geometry_files import load_instrument

    if options["poni"] is None:
        return None
    return load_instrument(options["poni"], detector=options["detector"], shape=shape)


class _Told:
    """Shows at most so many steps, and stops where that was asked for."""

    def __init__(self, steps: StepProgress) -> None:
        self._steps = steps
        self._shown = -1

    def __call__(self, done: int, total: int) -> None:
        from azimuthal.cli._signals import raise_requested

        raise_requested()
        step = done * _STEPS // max(total, 1)
        if step != self._shown and total >= _STEPS:
            self._shown = step
            self._steps.step(done, total, "frames read")


def _bytes(megabytes: int) -> int:
    if megabytes < 1:
        raise ParameterError(f"memory: expected at least 1 MB, got {megabytes}.")
    return megabytes << 20
