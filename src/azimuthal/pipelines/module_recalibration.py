# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""``az.recalibrate_modules``: poses and modules from images of calibrants, and the files that hold both."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from azimuthal._pending_file import check_target
from azimuthal.calibration import DistortionRefinement, ModuleRefinement, RingSource, recalibrated_modules
from azimuthal.crystallography import calibrant as find_calibrant
from azimuthal.errors import ParameterError
from azimuthal.instrument import Instrument
from azimuthal.integrate import Integrator
from azimuthal.io.detector_files import load_detector
from azimuthal.io.geometry_files import save_poni
from azimuthal.pipelines.recalibration import image_and_name, recalibrate
from azimuthal.typing import AnyArray, PathLike

__all__ = ["recalibrate_modules", "save_module_refinement"]


def recalibrate_modules(
    images: Sequence[AnyArray | PathLike], geometries: Sequence[Instrument | Integrator | PathLike],
    calibrants: RingSource | str | Sequence[RingSource | str], *, mask: Any = None, modules: Any = None,
    out_of_plane: bool = False, shift_prior: float = 1.0, **options: Any,
) -> ModuleRefinement:  # fmt: skip
    """Return where the modules of a detector are, from one or several images of calibrants.

    Every image is recalibrated first (:func:`azimuthal.recalibrate`), then all poses and all modules are refined
    together (:mod:`azimuthal.calibration.modules`).

    Parameters
    ----------
    images:
        Raw values, or files with one frame each.  One image tells shifts across its rings only; images with the beam
        at other places, or at other distances, tell the rest.
    geometries:
        One rough geometry per image.
    calibrants:
        One for all images, or one each: a name, a file or a calibrant.
    mask:
        True = excluded, in addition to gaps and invalid values.
    modules:
        For detectors whose modules are not known: the number of the module of every pixel, negative: none.
    out_of_plane, shift_prior:
        Of :func:`azimuthal.calibration.refine_modules`.
    **options:
        Of :func:`azimuthal.recalibrate`.

    Raises
    ------
    ParameterError
        An image whose calibration failed, or another number of geometries than of images.
    """
    if len(images) != len(geometries):
        raise ParameterError(f"geometries: expected one for each of {len(images)} images, got {len(geometries)}.")
    rings = _rings(calibrants, len(images))
    frames, instruments = [], []
    for number, (image, geometry, calibrant) in enumerate(zip(images, geometries, rings, strict=True)):
        frame, _ = image_and_name(image)
        found = recalibrate(frame, geometry, calibrant, mask=mask, **options)
        if found.verdict == "failed":
            raise ParameterError(f"images[{number}]: its calibration failed: {'; '.join(found.reasons)}.")
        frames.append(frame)
        instruments.append(found.instrument)
    return recalibrated_modules(
        frames, instruments, rings, mask=mask, modules=modules, out_of_plane=out_of_plane, shift_prior=shift_prior
    )


def save_module_refinement(
    found: ModuleRefinement | DistortionRefinement, detector_path: PathLike, poni_path: PathLike | None = None, *,
    number: int = 0, calibrant: str | None = None, image: str | None = None, force: bool = False,
) -> None:  # fmt: skip
    """Write the detector, and the geometry of one image as a PONI file that names it.

    Parameters
    ----------
    found:
        What was refined; not failed.
    detector_path:
        NeXus detector file.
    poni_path:
        PONI file; None: none.
    number:
        Of the image whose pose it holds.
    calibrant, image:
        Names that are recorded in it.
    force:
        Replace files that exist.
    """
    if poni_path is not None:
        check_target(Path(poni_path), force=force)
    found.save(detector_path, force=force)
    if poni_path is None:
        return
    kind = "Modules" if isinstance(found, ModuleRefinement) else "Distortion"
    reasons = "".join(f"; {reason}" for reason in found.reasons)
    save_poni(
        found.instruments[number].replace(detector=load_detector(detector_path)),
        poni_path,
        comments=(f"{kind}: {found.verdict}{reasons}",),
        calibrant=calibrant,
        image=image,
        force=force,
    )


def _rings(calibrants: Any, n_images: int) -> list[RingSource]:
    """Return a calibrant for each image."""
    several = isinstance(calibrants, (list, tuple))
    given = list(calibrants) if several else [calibrants] * n_images
    if len(given) != n_images:
        raise ParameterError(f"calibrants: expected one, or one for each of {n_images} images, got {len(given)}.")
    return [find_calibrant(one) if isinstance(one, (str, Path)) else one for one in given]
