# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""What a calibration says of how it was asked for: names and values of what the geometry depends on, for its report."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from azimuthal.calibration import ControlPoints, RingSettings
from azimuthal.calibration.verdict import ACCURACY
from azimuthal.geometry import Beam
from azimuthal.pipelines.file_facts import file_facts

__all__ = ["files_read", "name_of", "told_settings"]


def told_settings(
    started_from: str, rings: RingSettings, *, bounds: Mapping[str, tuple[float, float]] | None = None,
    loss: str = "soft_l1", outliers: float | None = 5.0, accuracy: float = ACCURACY, wavelength: Any = None,
    hints: Mapping[str, Any] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Return the settings as plain values, without those that were not given.

    Parameters
    ----------
    started_from:
        A geometry, or "scratch" with the detector.
    rings:
        How rings were followed.
    bounds, loss, outliers, accuracy:
        Of the refinement and the verdict.
    wavelength:
        m; told only where it is a range to look in.
    hints:
        What was told roughly: name -> value in words, or None.
    """
    pairs = {
        "started from": started_from,
        "wavelength looked for": _range(wavelength) if isinstance(wavelength, (tuple, list)) else None,
        **(hints or {}),
        "bounds": {name: list(pair) for name, pair in (bounds or {}).items()},
        "loss": loss,
        "outliers beyond": "none" if outliers is None else f"{outliers:g} standard deviations",
        "good promises": f"{accuracy:g} pixel",
        "rings followed with": {
            name: value for name, value in dataclasses.asdict(rings).items() if value is not None
        },
    }  # fmt: skip
    return {name: value for name, value in pairs.items() if value not in ({}, None)}


def _range(wavelength: Any) -> str:
    """Return a range of wavelengths, m, in words."""
    low, high = (1e10 * value for value in wavelength)
    energies = (Beam(value).energy or 0 for value in (wavelength[1], wavelength[0]))
    return f"{low:.6g} to {high:.6g} Å ({' to '.join(f'{energy:.6g}' for energy in energies)} keV)"


def name_of(source: Any) -> str | None:
    """Return how a geometry, a file or points are named where they are told of; None: there is none."""
    if source is None or isinstance(source, (str, Path)):
        return None if source is None else str(source)
    if isinstance(source, ControlPoints):
        return repr(source)
    return f"an {type(source).__name__}" if type(source).__name__[0] in "AEIO" else f"a {type(source).__name__}"


def files_read(**sources: Any) -> tuple[dict[str, Any], ...]:
    """Return what is known of the files among the sources, by role; images are known by size and time."""
    return tuple(
        {"role": role, **file_facts(str(source), digest=role != "image")}
        for role, source in sources.items()
        if isinstance(source, (str, Path))
    )
