# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""What ``azimuthal peakfinder`` and ``azimuthal sparsify`` have in common: their options, and running them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from azimuthal.cli._messages import cut_short
from azimuthal.cli._parsing import argument, number, option
from azimuthal.cli._progress import Progress, failure_text

if TYPE_CHECKING:
    from azimuthal.pipelines.settings import BatchSettings
    from azimuthal.pipelines.spots import SpotRun, SpotSummary

_PEAKS = ("cutoff_pick", "noise", "patch_size", "connected", "cutoff_clip", "spread", "max_iter")
_DIRECT = (
    "npt", "unit", "output", "force", "detector", "orientation", "file_mask", "dark", "flat", "masks", "threads",
)  # fmt: skip
_CHOICES = {
    "polarization": "polarization_factor",
    "radial_range": "radial_range",
    "azimuth_range": "azimuth_range",
    "dummy": "dummy",
    "delta_dummy": "delta_dummy",
    "engine": "engine",
}


_INPUTS = (
    argument("images", nargs=-1, required=True, metavar="IMAGE..."),
    option("-p", "--poni", required=True, metavar="FILE", help="Geometry: PONI, or another format that is known."),
    option("-n", "--npt", type=int, default=800, show_default=True, help="Rings of the background."),
    option("-u", "--unit", default="r_mm", show_default=True, help="Unit of the rings ('azimuthal units' lists them)."),
)
_OUTPUTS = (
    option("--mask", "masks", multiple=True, metavar="FILE", help="Image of 0 and 1, 1 = exclude; may be repeated."),
    option("--file-mask", is_flag=True, help="Exclude what the pixel mask inside the (HDF5) image file excludes."),
    option("--polarization", type=float, metavar="FACTOR", help="Polarisation factor.  Default: no correction."),
    option("--no-solid-angle", is_flag=True, help="No solid-angle correction."),
    option("--dark", metavar="FILE", help="Dark image, subtracted."),
    option("--flat", metavar="FILE", help="Flat-field image, divides."),
    option("--radial-range", type=float, nargs=2, metavar="LOW HIGH", help="In the unit.  Default: everything."),
    option("--azimuth-range", type=float, nargs=2, metavar="START STOP", help="Degrees, any arc, such as 170 190."),
    option("--dummy", type=number, metavar="VALUE", help="Raw value that marks pixels without data."),
    option("--delta-dummy", type=float, metavar="WIDTH", help="Half width about --dummy."),
    option("--detector", metavar="NAME", help="Detector, where the geometry file does not name one."),
    option("--orientation", type=int, metavar="1-4", help="Orientation, instead of the geometry file's."),
    option("--force", is_flag=True, help="Replace a file that exists."),
    option("--threads", type=int, help="Number of threads.  Default: all cores that may be used."),
    option("--engine", default="auto", show_default=True, help="Or native, or reference."),
    option("--dry-run", is_flag=True, help="Check everything, say what would be written, write nothing."),
    option("-q", "--quiet", is_flag=True, help="Print warnings and errors only."),
)
_SEARCH = (
    option("--cutoff-pick", type=float, default=5.0, show_default=True, metavar="X",
           help="A pixel stands out by so many times the noise of its ring."),
    option("--noise", type=float, default=1.0, show_default=True, metavar="COUNTS",
           help="Added to the noise in squares."),
    option("--cutoff-clip", type=float, default=0.0, show_default=True, metavar="X",
           help="Of the background; 0: Chauvenet's bound."),
    option("--spread", default="azimuthal", show_default=True, help="Noise of a ring: azimuthal or poisson."),
    option("--max-iter", type=int, default=10, show_default=True, help="Rounds of clipping."),
)  # fmt: skip
PATCH = (
    option("--patch-size", type=int, default=5, show_default=True, help="Odd number of pixels."),
    option("--connected", type=int, default=2, show_default=True, help="Pixels that stand out in the patch of a peak."),
    option("--incomplete", is_flag=True, help="Keep peaks next to gaps, masked pixels and edges."),
    option("--format", metavar="NAME", help="cxi or nexus.  Default: by the extension, .cxi or .nxs."),
)


def spot_options(*more: Callable[..., Any]) -> Callable[..., Any]:
    """Return a decorator that adds the common options of both commands, and `more`."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        for add in reversed((*_INPUTS, *more, *_SEARCH, *_OUTPUTS)):
            function = add(function)
        return function

    return decorate


def run_spots(options: dict[str, Any], *, sparse: bool) -> int:
    """Do what the options say; return the exit code."""
    from azimuthal.errors import AzimuthalError
    from azimuthal.pipelines.spots import SpotSettings, prepare_spots

    peaks = {name: options[name] for name in _PEAKS if name in options}
    if options.get("incomplete"):
        peaks["incomplete"] = "keep"
    settings = SpotSettings(batch=_batch(options), peaks=peaks, sparse=sparse, format=options.get("format"))
    with Progress(quiet=options["quiet"]) as progress:
        try:
            run = prepare_spots(settings, progress)
            progress.note(_preparation(run))
            if options["dry_run"]:
                return _print_plan(run)
            summary = run.run(progress)
        except KeyboardInterrupt:
            progress.line(cut_short(progress, "interrupted"))
            return 130
        except AzimuthalError:
            if progress.n_done:
                progress.line(cut_short(progress, "stopped"))
            raise
    return _print_summary(summary, "pixels" if sparse else "peaks", quiet=options["quiet"])


def _batch(options: dict[str, Any]) -> BatchSettings:
    from azimuthal.pipelines.settings import BatchSettings

    choices = {field: options[name] for name, field in _CHOICES.items() if options[name] is not None}
    if options["no_solid_angle"]:
        choices["solid_angle"] = None
    direct = {name: options[name] for name in _DIRECT}
    return BatchSettings(images=options["images"], geometry=options["poni"], choices=choices, **direct)


def _preparation(run: SpotRun) -> str:
    rings = run.finder.rings
    used = 100 * float((rings.bins >= 0).mean())
    searched = f"{used:.3g} % of {rings.bins.size} pixels searched; {rings.axis.n_bins} rings of {rings.axis.unit.name}"
    return f"{rings.spec.instrument.detector.name}: {searched}; {rings.threads} threads"


def _print_plan(run: SpotRun) -> int:
    print(f"would write {run.output}: {run.n_frames} frames")
    for failure in run.survey.failures:
        print(f"would fail: {failure_text(failure)}")
    return 1 if run.survey.failures else 0


def _print_summary(summary: SpotSummary, what: str, *, quiet: bool) -> int:
    if summary.failures:
        names = ", ".join(failure.name for failure in summary.failures[:5])
        more = f" and {len(summary.failures) - 5} more" if len(summary.failures) > 5 else ""
        print(f"error: failed: {names}{more}", file=sys.stderr)
    if summary.output is None:
        print("error: no frame could be searched; nothing was written", file=sys.stderr)
        return 2
    if not quiet:
        speed = f"{summary.seconds:.2f} s ({summary.frames_per_second:.3g} frames/s)"
        print(f"{summary.n_frames} frames in {speed}", file=sys.stderr)
        print(f"{summary.output}: {summary.n_found} {what} in {summary.n_frames} frames")
    return 1 if summary.failures else 0
