# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Every exception and warning of the package.

Each concrete error also derives from the built-in class that a caller would naturally catch
(``ShapeError`` is a ``ValueError``, ``FileMissingError`` a ``FileNotFoundError``).  A message names the
parameter, what was expected, what was got, and the fix.
"""

from __future__ import annotations

__all__ = [
    "AzimuthalError",
    "AzimuthalWarning",
    "ConversionError",
    "ConversionLossWarning",
    "DataTypeError",
    "EngineUnavailableError",
    "FileFormatError",
    "FileMissingError",
    "FrameIndexError",
    "GeometryFileWarning",
    "MissingDependencyError",
    "OutputError",
    "OutputExistsError",
    "ParameterError",
    "ShapeError",
    "UnknownNameError",
    "UnsupportedOptionError",
    "WavelengthMissingError",
]


class AzimuthalError(Exception):
    """Any error that this package raises on purpose."""


class ShapeError(AzimuthalError, ValueError):
    """An array has another shape than the frame, the detector or the plan asks for."""


class DataTypeError(AzimuthalError, TypeError):
    """A value or an array is of a type that cannot be used without guessing."""


class ParameterError(AzimuthalError, ValueError):
    """A parameter is out of its range, not finite, not monotonic, or contradicts another one."""


class UnknownNameError(AzimuthalError, ValueError):
    """A name (unit, detector, engine, option, key) is not known; the message suggests the nearest ones."""


class FrameIndexError(ParameterError, IndexError):
    """A frame number is outside 0 .. n_frames - 1."""


class WavelengthMissingError(AzimuthalError, ValueError):
    """The unit needs a wavelength and the geometry has none."""


class UnsupportedOptionError(AzimuthalError, ValueError):
    """An option exists but this engine, format or quantity cannot honour it."""


class EngineUnavailableError(AzimuthalError, ValueError):
    """The engine that was asked for by name is not installed or cannot run here."""


class MissingDependencyError(AzimuthalError, ImportError):
    """An optional package is needed; the message holds the command that installs it."""


class FileMissingError(AzimuthalError, FileNotFoundError):
    """A file, or a file that another file links to, does not exist."""


class FileFormatError(AzimuthalError, ValueError):
    """A file is truncated, malformed, or of a format or version that is not understood."""


class OutputExistsError(AzimuthalError, FileExistsError):
    """The output exists already and overwriting was not asked for."""


class OutputError(AzimuthalError, OSError):
    """The output cannot be written."""


class ConversionError(AzimuthalError, ValueError):
    """A foreign convention cannot hold this value (or we cannot hold theirs)."""


class AzimuthalWarning(UserWarning):
    """Any warning of this package: the result is valid but somebody should look."""


class GeometryFileWarning(AzimuthalWarning):
    """A geometry file holds something suspicious: an unknown key, an orientation with a history."""


class ConversionLossWarning(AzimuthalWarning):
    """A conversion left something behind that the target format has no place for; it is named."""
