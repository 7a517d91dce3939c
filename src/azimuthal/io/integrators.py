# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""From a geometry file to an integrator: the first line of most scripts."""

from __future__ import annotations

from azimuthal.detectors import Detector
from azimuthal.instrument import Instrument
from azimuthal.integrate import Integrator
from azimuthal.io.geometry_files import load_instrument, save_instrument
from azimuthal.typing import PathLike


def load(path: PathLike, *, detector: Detector | str | None = None, shape: tuple[int, int] | None = None) -> Integrator:
    """Return the integrator of a geometry file: PONI and the formats of :mod:`azimuthal.io.geometry_files`.

    Parameters
    ----------
    path:
        The file.
    detector:
        Detector or its name, for formats that do not describe one.
    shape:
        Number of pixels (slow, fast), for files that give the pixel size only.

    Raises
    ------
    FileMissingError, FileFormatError, ParameterError, ShapeError, ConversionError
        See :func:`azimuthal.io.geometry_files.load_instrument`.
    """
    return Integrator.from_instrument(load_instrument(path, detector=detector, shape=shape))


def save_geometry(geometry: Integrator | Instrument, path: PathLike, *, force: bool = False) -> None:
    """Write the geometry of an integrator to a file; the format follows from the extension."""
    save_instrument(geometry if isinstance(geometry, Instrument) else geometry.instrument, path, force=force)
