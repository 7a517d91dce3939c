# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""What belongs to single frames of a batch: monitor values and darks, by path.

A monitor is a list of numbers, one for each frame, in the order of the frames:

===============================  ==================================================================
``::/entry/monitor/data``        a dataset inside every image file, as long as that file has frames
``scan.h5::/1.1/measurement/I0`` a dataset of another HDF5 file, for all frames of the run together
``monitor.npy``, ``.txt``, ...   the same as a NumPy file, or as text with one number per line
===============================  ==================================================================

Darks are one image for all frames, or as many as there are frames.  Another number of either is an error: which value
belongs to which frame is not guessed.

The intensity of a frame is divided by ``normalization_factor * monitor``.  With ``monitor_variance`` that has the
variance ``factor^2 var(monitor) + monitor^2 var(factor)``, to first order and with both independent.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from azimuthal.errors import DataTypeError, FileFormatError, FileMissingError, ParameterError, ShapeError
from azimuthal.io.frames import open_frames
from azimuthal.io.hdf5 import HDF5_SIGNATURE, open_hdf5
from azimuthal.pipelines.inputs import Survey, plain_path
from azimuthal.pipelines.settings import BatchSettings
from azimuthal.typing import FloatArray

#: In the place of a path: the monitor counts, and its variance is its value.
POISSON = "poisson"


@dataclass(frozen=True, slots=True, eq=False)
class FrameMonitors:
    """Monitor values of all frames, and what the frames are divided by.

    Parameters
    ----------
    values:
        As recorded; None without a monitor.
    factors, variances:
        What every frame is divided by, and the variance of that.
    """

    values: FloatArray | None
    factors: FloatArray
    variances: FloatArray

    def value(self, index: int) -> float | None:
        """Return the monitor value of a frame, None without a monitor."""
        return None if self.values is None else float(self.values[index])


def is_inside_images(path: str) -> bool:
    """Say whether a path names a dataset inside every image file."""
    return path.startswith("::")


def needs_all_frames(settings: BatchSettings) -> bool:
    """Say whether a monitor or a dark belongs to frames by their place among all images, so that all count."""
    per_frame = [settings.monitor, settings.monitor_variance, settings.dark]
    return any(path is not None and path != POISSON and not is_inside_images(path) for path in per_frame)


def frame_monitors(settings: BatchSettings, survey: Survey) -> FrameMonitors:
    """Return what the frames of a run are divided by.

    Raises
    ------
    FileMissingError, FileFormatError, ParameterError, ShapeError, DataTypeError
        The monitor cannot be read, or does not have one value for each frame.
    """
    n_frames = survey.n_frames
    factor = float(settings.normalization_factor)
    factors = np.broadcast_to(factor, n_frames)  # one number in memory
    variances = np.broadcast_to(float(settings.normalization_variance), n_frames)
    if settings.monitor is None:
        return FrameMonitors(None, factors, variances)
    values = read_per_frame("monitor", settings.monitor, survey)
    variances = variances * values**2
    if settings.monitor_variance is not None:
        is_count = settings.monitor_variance == POISSON
        own = values if is_count else read_per_frame("monitor_variance", settings.monitor_variance, survey)
        variances = variances + factor**2 * own
    return FrameMonitors(values, factors * values, variances)


def read_per_frame(name: str, path: str, survey: Survey) -> FloatArray:
    """Return one number for each frame of a survey.

    Parameters
    ----------
    name:
        What messages call it.
    path:
        See the module docstring.
    survey:
        The frames.
    """
    if is_inside_images(path):
        dataset = path.removeprefix("::")
        found = [
            _checked(name, f"{file.path}: {dataset}", _dataset(file.file, dataset), file.n_frames)
            for file in survey.files
        ]
        return np.concatenate(found) if found else np.empty(0)
    if survey.failures and any(failure.n_frames is None for failure in survey.failures):
        raise ParameterError(
            f"{name}: {path} has one value for each frame, and how many frames {survey.failures[0].name} holds is not "
            f"known: {survey.failures[0].reason} Leave that file out, with its values, or name a dataset inside every "
            "image file as ::/path."
        )
    return _checked(name, path, _numbers(path), survey.n_frames)


def _checked(name: str, where: str, values: Any, n_frames: int) -> FloatArray:
    array = np.asarray(values)
    if array.dtype.kind not in "iuf":
        raise DataTypeError(f"{name} {where}: expected numbers, got {array.dtype}.")
    array = np.atleast_1d(array)
    if array.shape != (n_frames,):
        shape = array.shape[0] if array.ndim == 1 else array.shape
        raise ShapeError(
            f"{name} {where}: expected one value for each of the {n_frames} frames, got {shape}. Which value belongs "
            "to which frame is not guessed."
        )
    return array.astype(np.float64)


def _numbers(path: str) -> Any:
    file = plain_path(path)
    if not file.is_file():
        raise FileMissingError(f"{path}: this file does not exist (working folder: {Path.cwd()}).")
    with file.open("rb") as stream:
        is_hdf5 = stream.read(len(HDF5_SIGNATURE)) == HDF5_SIGNATURE
    if is_hdf5:
        _, separator, dataset = path.rpartition("::")
        if not separator:
            raise ParameterError(
                f"monitor: {path} is an HDF5 file, and which dataset is meant is not guessed. Write {path}::/path "
                "('azimuthal info' lists them)."
            )
        return _dataset(file, dataset)
    try:
        if file.suffix.lower() == ".npy":
            return np.load(file, allow_pickle=False)
        return np.loadtxt(file, ndmin=1, delimiter="," if file.suffix.lower() == ".csv" else None)
    except (OSError, ValueError, EOFError) as error:
        raise FileFormatError(
            f"{path}: expected one number per line (or a .npy file, or file.h5::/dataset): {error}."
        ) from error


def _dataset(file: Path, dataset: str) -> Any:
    with open_hdf5(file) as content:
        try:
            return content[dataset][()]
        except (KeyError, OSError, RuntimeError, TypeError, ValueError, AttributeError) as error:
            reason = " ".join(str(error).split()).strip("'\"")
            raise FileFormatError(
                f"{file}: the dataset {dataset} cannot be read ({reason}). 'azimuthal info {file}' lists what there is."
            ) from error


def n_darks(path: str, shape: tuple[int, int], n_frames: int) -> int:
    """Return how many darks a file holds: one, or one for each frame.

    Raises
    ------
    ParameterError, ShapeError
        Another number, or another shape than that of the frames.
    """
    with open_frames(path) as source:
        n_found = len(source)
        if n_found > 1 and source.shape != shape:
            raise ShapeError(f"dark {path}: expected images of shape {shape} to match the frames, got {source.shape}.")
    if n_found not in (1, n_frames):
        raise ParameterError(
            f"dark {path}: expected one image for all {n_frames} frames, or one for each, got {n_found}. Average them "
            f"with 'azimuthal average {path} -o dark.h5', or write the one that is meant to a file of its own."
        )
    return n_found
