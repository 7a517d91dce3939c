# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""``azimuthal integrate``: images to patterns or cakes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from azimuthal.cli._parsing import OptionWithLateHelp, argument, command, number, option
from azimuthal.cli._running import run_batch
from azimuthal.errors import ParameterError

if TYPE_CHECKING:
    from azimuthal.pipelines.settings import BatchSettings

#: Parameter of the command -> field of the description of an integration.
_CHOICES = {
    "split": "split",
    "average": "average",
    "error_model": "error_model",
    "polarization": "polarization_factor",
    "radial_range": "radial_range",
    "azimuth_range": "azimuth_range",
    "dummy": "dummy",
    "delta_dummy": "delta_dummy",
    "engine": "engine",
    "solid_angle": "solid_angle",
    "transmission": "transmission",
    "dead_time": "dead_time",
    "exposure_time": "exposure_time",
    "dead_time_model": "dead_time_model",
}
#: Parameter of the command -> field of the rejection of outliers.
_REJECTION = {"reject_threshold": "threshold", "reject_iterations": "max_iter", "reject_quantiles": "quantiles"}
_DIRECT = (
    "npt", "npt_azim", "unit", "output", "force", "detector", "orientation", "file_mask", "dark", "flat",
    "normalization_factor", "threads", "dark_variance", "flat_variance", "normalization_variance", "sectors",
    "monitor", "monitor_variance", "keep_every",
)  # fmt: skip
_EXAMPLES = """\b
Examples:
  azimuthal integrate image.cbf -p geometry.poni -n 1000 -u q_nm^-1
  azimuthal integrate run_master.h5 -p geometry.poni -n 2000 -u 2th_deg --error-model poisson -o run.h5
  azimuthal integrate 'scan_*.tif' -p geometry.poni -n 1500 -u 2th_deg --error-model poisson \\
      -o 'out/{stem}_{frame:05d}.xye'
  azimuthal integrate stack.h5::/entry/data/data -p geometry.poni -n 800 -u q_A^-1 --npt-azim 360 -o cakes.h5
  azimuthal integrate run.h5 -p geometry.poni -n 1000 -u q_nm^-1 --error-model azimuthal --reject sigma -o clean.h5
  azimuthal integrate run.h5 -p geometry.poni -n 1000 -u q_nm^-1 --error-model poisson --covariance -o fit.h5
  azimuthal integrate run.h5 -p geometry.poni -n 1000 -u q_nm^-1 --sector -10 10 --sector 80 100 -o sectors.h5
  azimuthal integrate run.h5 -p geometry.poni -n 1000 -u q_nm^-1 --dead-time 2e-7 --exposure-time 0.01 \\
      --dead-time-model paralyzable -o linear.h5
  azimuthal integrate film.h5 -p geometry.poni -n 600 -u qip_A^-1 --unit-oop qoop_A^-1 --npt-azim 500 \\
      --incident-angle '0.2 deg' -o maps.h5"""


def output_help() -> str:
    """Return what --output takes, from the table of the formats."""
    from azimuthal._output_formats import FORMATS

    many = " ".join(one.extensions[0] for one in FORMATS if one.holds_many)
    single = " ".join(one.extensions[0] for one in FORMATS if not one.holds_many)
    return (
        f"One file for all frames ({many}), or a name with {{stem}}, {{frame}}, {{number}}, {{label}} or {{folder}} "
        f"for one file each ({single} too), such as 'out/{{stem}}_{{frame:05d}}.xye'; {{reduction}} for one of each "
        "--sector.  Default: STEM_azimuthal.h5 in this folder."
    )


@command(name="integrate", epilog=_EXAMPLES)
@argument("images", nargs=-1, required=True, metavar="IMAGE...")
@option("-p", "--poni", required=True, metavar="FILE", help="Geometry: PONI, or another format that is known.")
@option("-n", "--npt", type=int, required=True, help="Number of radial bins.")
@option("-u", "--unit", help="Radial unit, such as q_nm^-1, q_A^-1, 2th_deg, r_mm ('azimuthal units' lists them).")
@option("-o", "--output", metavar="NAME", cls=OptionWithLateHelp, late_help=output_help)
@option("--npt-azim", type=int, help="Number of azimuthal bins: makes cakes.")
@option("--split", default="full", show_default=True, help="Pixel splitting: full, exact, bbox, pseudo or none.")
@option("--average", default="ratio_of_sums", show_default=True, help="Or mean_of_ratios, or sum.")
@option("--error-model", help="Uncertainties: poisson, azimuthal or hybrid.  Default: none.")
@option("--reject", help="Keep outliers out: sigma (clipping), median or quantile (trimmed mean).  Default: no.")
@option("--reject-threshold", type=float, metavar="SIGMAS", help="For --reject sigma.  Default: 5.")
@option("--reject-iterations", type=int, metavar="N", help="Most rounds of --reject sigma.  Default: 20.")
@option(
    "--reject-quantiles", type=float, nargs=2, metavar="LOW HIGH", help="For --reject quantile.  Default: 0.25 0.75."
)
@option("--covariance", is_flag=True, help="Covariance of the bins that share pixels too (.h5, .npz).")
@option("--mask", "masks", multiple=True, metavar="FILE", help="Image of 0 and 1, 1 = exclude; may be repeated.")
@option("--file-mask", is_flag=True, help="Exclude what the pixel mask inside the (HDF5) image file excludes.")
@option("--polarization", type=float, metavar="FACTOR", help="Polarisation factor, e.g. 0.99.  Default: no correction.")
@option("--no-solid-angle", is_flag=True, help="No solid-angle correction.")
@option("--solid-angle", metavar="MODE", help="relative (default), absolute (per steradian) or equal_area.")
@option(
    "--sensor-absorption", metavar="MODE",
    help="auto (default: where sensor and energy are known), relative, absolute (photons that arrive) or none.",
)  # fmt: skip
@option("--transmission", type=float, metavar="T0", help="Of a flat panel's screen at normal incidence, instead.")
@option("--dead-time", type=float, metavar="SECONDS", help="Of a pixel: counts are corrected first of all.")
@option("--exposure-time", type=float, metavar="SECONDS", help="Of a frame; with --dead-time.")
@option("--dead-time-model", metavar="NAME", help="paralyzable or nonparalyzable; with --dead-time.")
@option("--dark", metavar="FILE", help="Dark image, subtracted; one for all frames, or as many as there are frames.")
@option("--flat", metavar="FILE", help="Flat-field image, divides.")
@option("--dark-variance", metavar="FILE", help="Variance of the dark, or the word poisson for a dark of counts.")
@option("--flat-variance", metavar="FILE", help="Variance of the flat field.")
@option("--radial-range", type=float, nargs=2, metavar="LOW HIGH", help="In the radial unit.  Default: everything.")
@option("--azimuth-range", type=float, nargs=2, metavar="START STOP", help="Degrees, any arc, such as 170 190.")
@option(
    "--sector", "sectors", type=float, nargs=2, multiple=True, metavar="START STOP",
    help="A pattern of this sector, degrees; may be repeated: all from one reading of the images (.h5).",
)  # fmt: skip
@option("--unit-oop", help="Grazing incidence: out-of-plane unit, such as qoop_A^-1 or chigi_deg; -u is in plane.")
@option("--incident-angle", metavar="ANGLE", help="With its unit: '0.2 deg', '3.5 mrad'.  Default: 0.")
@option("--tilt-angle", metavar="ANGLE", help="Tilt of the sample about the beam, with its unit.  Default: 0.")
@option("--sample-orientation", type=int, metavar="1-8", help="Sample in the image; 1: horizontal x, vertical y.")
@option("--along", help="Without --npt-azim, a cut along oop or ip; the ranges are of -u and of --unit-oop.")
@option("--dummy", type=number, metavar="VALUE", help="Raw value that marks pixels without data.")
@option("--delta-dummy", type=float, metavar="WIDTH", help="Half width about --dummy.")
@option("--normalization-factor", type=float, default=1.0, metavar="X", help="Divides the intensity.")
@option("--normalization-variance", type=float, default=0.0, metavar="V", help="Variance of --normalization-factor.")
@option(
    "--monitor", metavar="FILE",
    help="One value per frame, which divides it: scan.h5::/path, ::/path (a dataset in every image file), .npy, .txt.",
)  # fmt: skip
@option("--monitor-variance", metavar="FILE", help="Variance of --monitor, or the word poisson for one of counts.")
@option("--detector", metavar="NAME", help="Detector, where the geometry file does not name one (or instead of it).")
@option("--orientation", type=int, metavar="1-4", help="Orientation of the images, instead of the geometry file's.")
@option("--plot", "picture", metavar="FILE", help="Picture of all frames together: .png, .svg or .pdf.")
@option("--force", is_flag=True, help="Replace files that exist.")
@option("--threads", type=int, help="Number of threads.  Default: all cores that may be used.")
@option("--engine", default="auto", show_default=True, help="Or native, or reference.")
@option("--write-recipe", "recipe", metavar="FILE", help="Write all this as a recipe, .toml or .json, too.")
@option(
    "--keep-every", type=float, default=5.0, show_default=True, metavar="SECONDS",
    help="How often results on the way into one file are put aside, safe from whatever happens.",
)  # fmt: skip
@option("--log", metavar="FILE", help="Append what happens to a file, one JSON record per line.")
@option("--dry-run", is_flag=True, help="Check everything, say what would be written, integrate nothing.")
@option("-q", "--quiet", is_flag=True, help="Print warnings and errors only.")
def integrate_command(**options: Any) -> int:
    """Integrate images to patterns, or to cakes with --npt-azim.

    IMAGE is a file, a pattern in quotes, or file.h5::/path/of/dataset.  A stack goes in as it is, and all frames come
    out: in one file, or in a file each.  Files appear complete or not at all.  The same command again finishes a run
    that was interrupted: only what is missing is done.
    """
    return run_batch(_settings(options), options)


def _grazing(options: dict[str, Any]) -> dict[str, Any] | None:
    """Return how the sample stands, or None where grazing incidence was not asked for."""
    names = ("unit_oop", "incident_angle", "tilt_angle", "sample_orientation", "along")
    given = {name: options[name] for name in names if options[name] is not None}
    if given and "unit_oop" not in given:
        raise ParameterError(
            f"{', '.join(given)}: of grazing incidence, which needs both units. Pass e.g. -u qip_A^-1 "
            "--unit-oop qoop_A^-1."
        )
    return given or None


def _settings(options: dict[str, Any]) -> BatchSettings:
    if options["unit"] is None:
        raise ParameterError(
            "unit: is never guessed. Pass e.g. -u q_nm^-1, -u q_A^-1 or -u 2th_deg ('azimuthal units' lists all)."
        )
    from azimuthal.pipelines.settings import BatchSettings

    choices = {field: options[name] for name, field in _CHOICES.items() if options[name] is not None}
    rejection = {field: options[name] for name, field in _REJECTION.items() if options[name] is not None}
    if rejection and options["reject"] is None:
        raise ParameterError("reject: is missing, and its settings would be ignored. Pass e.g. --reject sigma.")
    if options["reject"] is not None:
        choices["reject"] = rejection | {"method": options["reject"]}
    if options["no_solid_angle"]:
        if options["solid_angle"] is not None:
            raise ParameterError("solid_angle: --solid-angle and --no-solid-angle contradict each other.")
        choices["solid_angle"] = None
    if options["covariance"]:
        choices["covariance"] = True
    if options["sensor_absorption"] is not None:
        mode = options["sensor_absorption"]
        choices["sensor_absorption"] = False if mode == "none" else mode
    return BatchSettings(
        grazing=_grazing(options),
        images=options["images"],
        geometry=options["poni"],
        masks=options["masks"],
        picture=options["picture"],
        choices=choices,
        **{name: options[name] for name in _DIRECT},
    )
