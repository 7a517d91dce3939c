# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""A mask from many sources: files, descriptions, gaps, thresholds, pixels unlike their neighbours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from azimuthal._validate import one_of
from azimuthal.detectors import Detector
from azimuthal.detectors import detector as catalogue_detector
from azimuthal.errors import ParameterError
from azimuthal.instrument import Instrument
from azimuthal.io.frames import open_frames
from azimuthal.io.geometry_files import load_instrument
from azimuthal.io.mask_files import load_mask
from azimuthal.masks import describe, hot_pixels
from azimuthal.masks.description import MaskDescription, MaskStep
from azimuthal.typing import AnyArray, BoolArray


@dataclass(frozen=True, slots=True)
class MaskSettings:
    """Where a mask comes from.

    Parameters
    ----------
    files:
        Masks and descriptions.
    geometry, detector:
        Geometry file, and the name of the detector where the file does not say it (or without a geometry).
    image:
        For `below`, `above` and `n_sigma`.
    below, above:
        Raw values that exclude: smaller than `below`, larger than `above`.
    gaps:
        Whether the gaps of the detector are excluded.
    n_sigma, box, side:
        Pixels unlike their neighbours; see :func:`azimuthal.masks.hot_pixels`.  None: not looked for.
    bits:
        Of pixel masks.
    combine:
        "union": what any source excludes; "intersection": what all of them exclude.
    invert:
        Exchange excluded and used pixels at the end.
    flip_rows:
        Turn the images of mask files upside down.
    """

    files: tuple[str, ...] = ()
    geometry: str | None = None
    detector: str | None = None
    image: str | None = None
    below: float | None = None
    above: float | None = None
    gaps: bool = False
    n_sigma: float | None = None
    box: int = 5
    side: str = "both"
    bits: tuple[str, ...] = ()
    combine: str = "union"
    invert: bool = False
    flip_rows: bool = False


@dataclass(frozen=True, slots=True)
class MadeMask:
    """A mask, and what each source gave.

    Parameters
    ----------
    mask:
        True = excluded.
    parts:
        Pairs of source and how much it excludes, in words.
    """

    mask: BoolArray
    parts: tuple[tuple[str, str], ...]

    @property
    def text(self) -> str:
        """One line for each source, and one for the whole."""
        return "\n".join(f"{name}: {words}" for name, words in (*self.parts, ("mask", describe(self.mask))))


def make_mask(settings: MaskSettings) -> MadeMask:
    """Return the mask that the settings describe.

    Raises
    ------
    ParameterError
        Nothing is asked for, or something that needs an image, a detector or a geometry without one.
    """
    one_of("combine", settings.combine, ("union", "intersection"))
    instrument = _instrument(settings)
    image = None if settings.image is None else _single(settings.image)
    shape = None if image is None else (int(image.shape[0]), int(image.shape[1]))
    parts: dict[str, BoolArray] = {}
    for path in settings.files:
        parts[path] = load_mask(
            path, instrument, shape=shape, image=image, bits=settings.bits or None, flip_rows=settings.flip_rows
        )
        shape = parts[path].shape[0], parts[path].shape[1]
    if settings.gaps:
        parts["gaps"] = _detector(settings, instrument).gap_mask()
    if settings.below is not None or settings.above is not None:
        limits = {"below": settings.below, "above": settings.above}
        step = MaskStep("threshold", {name: value for name, value in limits.items() if value is not None})
        parts["threshold"] = MaskDescription((step,)).mask(shape=shape, image=image)
    if settings.n_sigma is not None:
        parts["outliers"] = _outliers(settings, image, parts)
    if not parts:
        raise ParameterError("mask: nothing to do. Name mask files, or ask for gaps, below, above or hot pixels.")
    mask = _combined(list(parts.values()), settings.combine)
    return MadeMask(~mask if settings.invert else mask, tuple((name, describe(part)) for name, part in parts.items()))


def _outliers(settings: MaskSettings, image: AnyArray | None, parts: dict[str, BoolArray]) -> BoolArray:
    if image is None:
        raise ParameterError("hot pixels: need an image. Pass image=... (command line: --image).")
    known = _combined([*parts.values(), np.zeros(image.shape, np.bool_)], "union")
    return hot_pixels(image, known, n_sigma=settings.n_sigma or 0.0, box=settings.box, side=settings.side)  # type: ignore[arg-type]


def _combined(parts: list[BoolArray], how: str) -> BoolArray:
    shapes = {part.shape for part in parts}
    if len(shapes) > 1:
        raise ParameterError(f"mask: the sources have different shapes: {', '.join(map(str, sorted(shapes)))}.")
    operation = np.logical_or if how == "union" else np.logical_and
    return np.asarray(operation.reduce(parts))


def _instrument(settings: MaskSettings) -> Instrument | None:
    return None if settings.geometry is None else load_instrument(settings.geometry, detector=settings.detector)


def _detector(settings: MaskSettings, instrument: Instrument | None) -> Detector:
    if instrument is not None:
        return instrument.detector
    if settings.detector is None:
        raise ParameterError("gaps: need a detector. Pass its name or a geometry (--detector, --geometry).")
    return catalogue_detector(settings.detector)


def _single(path: str) -> AnyArray:
    with open_frames(path) as source:
        if len(source) != 1:
            raise ParameterError(
                f"image {path}: expected one image, got {len(source)} frames. Name one, e.g. '{path}::[0]', or average "
                "them first: azimuthal average."
            )
        return np.array(source.read(0))
