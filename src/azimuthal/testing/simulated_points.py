# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Control points where a known geometry has its rings, displaced across them by errors of known size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from azimuthal.calibration import ControlPoints, FramePoints, Goniometer, RingSource
from azimuthal.calibration.positions import Cells, located
from azimuthal.calibration.residuals import ring_angles
from azimuthal.instrument import Instrument

__all__ = ["goniometer_points", "simulated_points"]

_CANDIDATES = 6000
_NEAR = 4.0  # pixels


def simulated_points(
    instrument: Instrument, calibrant: RingSource, rng: np.random.Generator, *, n: int, sigma: tuple[float, float]
) -> ControlPoints:
    """Return at most `n` points on rings, anywhere on the detector.

    Parameters
    ----------
    instrument:
        The truth.
    calibrant:
        d-spacings.
    rng:
        Random numbers.
    n:
        Number of points; fewer where few pixels are near a ring.
    sigma:
        Range of the standard deviations across the ring, pixels; each point is told its own.
    """
    angles = ring_angles(calibrant.d_spacings(), instrument.beam.required_wavelength("rings"))[0]
    angles = angles[np.isfinite(angles)]
    n_slow, n_fast = instrument.detector.shape
    slow, fast = rng.uniform(0, n_slow - 1, _CANDIDATES), rng.uniform(0, n_fast - 1, _CANDIDATES)
    slopes = Cells(instrument, slow, fast).slopes(slow, fast)
    pixel = np.hypot(slopes.angle1, slopes.angle2)
    ring = np.argmin(np.abs(slopes.angle[:, None] - angles), axis=1)
    near = np.flatnonzero(np.abs(slopes.angle - angles[ring]) < _NEAR * pixel)[:n]
    error = rng.uniform(*sigma, near.size)
    target = angles[ring[near]] + rng.normal(0, 1, near.size) * error * pixel[near]
    slow, fast, _, ok = located(instrument, target, slopes.azimuth[near], slow[near], fast[near])
    return ControlPoints(slow[ok], fast[ok], ring[near][ok], error[ok])


def goniometer_points(
    goniometer: Goniometer, positions: Sequence[Mapping[str, float]], calibrant: RingSource, seed: int, *, n: int = 40,
    sigma: tuple[float, float] = (0.02, 0.2), jitter: Mapping[str, float] | None = None,
) -> list[FramePoints]:  # fmt: skip
    """Return the points of images at some positions of a known goniometer.

    Parameters
    ----------
    goniometer:
        The truth.
    positions:
        Motor -> value, as recorded.
    calibrant, n, sigma:
        As of :func:`simulated_points`, for each image.
    seed:
        Of the random numbers.
    jitter:
        Motor -> standard deviation of where it really stands from what is recorded.
    """
    rng = np.random.default_rng(seed)
    frames = []
    for number, recorded in enumerate(positions):
        real = {name: value + rng.normal(0, 1) * (jitter or {}).get(name, 0.0) for name, value in recorded.items()}
        points = simulated_points(goniometer.instrument(real), calibrant, rng, n=n, sigma=sigma)
        frames.append(FramePoints(str(number), recorded, points))
    return frames
