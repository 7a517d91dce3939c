# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Frames as a detector writes them: CeO2 powder, Poisson counts, gaps at the highest value of the type.

They are stored as an EIGER stores them, bitshuffle-LZ4 with blocks of 8 kB, one frame per chunk.  All frames of a file
differ; a file with more frames than were simulated repeats them in order.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from azimuthal.detectors import Detector
from azimuthal.detectors import detector as find_detector
from azimuthal.errors import MissingDependencyError
from azimuthal.geometry import Beam, Pose
from azimuthal.instrument import Instrument
from azimuthal.io.geometry_files import save_instrument
from azimuthal.io.hdf5 import compression_options, open_hdf5
from azimuthal.pipelines.benchmark.settings import BenchmarkSettings
from azimuthal.pipelines.simulate import expected_image, poisson_frames
from azimuthal.typing import AnyArray, FloatArray

DATASET = "entry/data/data"
DTYPES = ("uint16", "uint32")
_BITSHUFFLE = 32008
_SEED = 20261121


@dataclass(frozen=True, slots=True)
class FrameFolder:
    """Where the files of a benchmark are."""

    path: Path

    @property
    def geometry(self) -> Path:
        """The PONI file."""
        return self.path / "geometry.poni"

    @property
    def long_file(self) -> Path:
        """The file with many frames: uint32, the highest mean count."""
        return self.path / "long.h5"

    def frames(self, dtype: str, counts: float) -> Path:
        """Return the file of the frames of one type and mean count."""
        return self.path / f"{dtype}_{counts:g}.h5"


def benchmark_instrument(detector: str | Detector) -> Instrument:
    """Return a detector slightly turned, the beam near its middle, rings up to about 25 degrees; 0.6 Å."""
    found = find_detector(detector) if isinstance(detector, str) else detector
    height, width = found.shape[0] * found.pixel1, found.shape[1] * found.pixel2
    pose = Pose(dist=1.2 * max(height, width), poni1=0.49 * height, poni2=0.51 * width, rot1=0.02, rot2=-0.01)
    return Instrument(found, pose, Beam(0.6e-10))


def mean_counts_image(instrument: Instrument, counts: float) -> FloatArray:
    """Return the expected counts of every pixel, `counts` on average over the pixels that there are."""
    image = expected_image(instrument)
    return image * (counts / float(image[~instrument.detector.gap_mask()].mean()))


def powder_frames(instrument: Instrument, counts: float, n_frames: int, dtype: str = "uint32") -> list[AnyArray]:
    """Return different frames of `counts` per pixel on average."""
    excluded = instrument.detector.gap_mask()
    frames = poisson_frames(mean_counts_image(instrument, counts), excluded, n_frames, seed=_SEED)
    return [_as_type(frame, excluded, dtype) for frame in frames]


def write_frames(folder: Path, settings: BenchmarkSettings, wanted: set[tuple[str, float]], *, long: bool) -> None:
    """Write the files of a benchmark.

    Parameters
    ----------
    folder:
        Where to.
    settings:
        Detector and numbers of frames.
    wanted:
        Types and mean counts.
    long:
        Whether the file with many frames is wanted too, made of uint32 frames of the highest mean count.

    Raises
    ------
    MissingDependencyError
        hdf5plugin, which compresses, is not installed.
    """
    instrument = benchmark_instrument(settings.detector)
    there = FrameFolder(folder)
    save_instrument(instrument, there.geometry)
    excluded = instrument.detector.gap_mask()
    for counts in sorted({level for _, level in wanted}):
        frames = powder_frames(instrument, counts, settings.n_frames)
        for dtype in DTYPES:
            if (dtype, counts) in wanted:
                write_chunked(there.frames(dtype, counts), [_as_type(frame, excluded, dtype) for frame in frames])
    if long:
        source = there.frames("uint32", settings.counts[-1])
        _repeat_chunks(source, there.long_file, settings.n_file_frames)


def write_chunked(path: Path, frames: list[AnyArray]) -> None:
    """Write frames as an EIGER does."""
    with open_hdf5(path, "w") as file:
        stack = _dataset(file, len(frames), frames[0].shape, frames[0].dtype)
        for number, frame in enumerate(frames):
            stack[number] = frame


def read_chunks(path: Path) -> list[bytes]:
    """Return the stored chunks of a file, one per frame."""
    with open_hdf5(path) as file:
        stack = file[DATASET]
        return [bytes(stack.id.read_direct_chunk((number, 0, 0))[1]) for number in range(len(stack))]


def _dataset(file: Any, n_frames: int, shape: tuple[int, ...], dtype: np.dtype) -> Any:
    options = compression_options("bitshuffle")
    if options["compression"] != _BITSHUFFLE:
        raise MissingDependencyError(
            "the benchmark compresses frames as a detector does, which needs the package hdf5plugin. "
            "Run: pip install 'azimuthal[formats]'"
        )
    return file.create_dataset(DATASET, shape=(n_frames, *shape), chunks=(1, *shape), dtype=dtype, **options)


def _repeat_chunks(source: Path, target: Path, n_frames: int) -> None:
    with open_hdf5(source) as short, open_hdf5(target, "w") as file:
        stack = short[DATASET]
        repeated = _dataset(file, n_frames, stack.shape[1:], stack.dtype)
        for number in range(n_frames):
            mask, chunk = stack.id.read_direct_chunk((number % len(stack), 0, 0))
            repeated.id.write_direct_chunk((number, 0, 0), chunk, mask)


def _as_type(frame: AnyArray, excluded: AnyArray, dtype: str) -> AnyArray:
    if frame.dtype == dtype:
        return frame.copy()
    typed: AnyArray = frame.astype(dtype)
    typed[excluded] = np.iinfo(dtype).max
    return typed
