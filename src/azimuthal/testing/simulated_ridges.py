# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Ridges as an extraction would find them, made from a known geometry: noise, wrong points, missing rings, arcs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from azimuthal.calibration.residuals import ring_angles
from azimuthal.calibration.ridges import Ridges
from azimuthal.instrument import Instrument
from azimuthal.typing import BoolArray, FloatArray

__all__ = ["RidgeLook", "simulated_ridges"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RidgeLook:
    """What simulated ridges look like.

    Parameters
    ----------
    noise:
        Standard deviation across the ring, pixels.
    turn:
        Standard deviation of the normals, rad.
    wrong:
        Share of points that are on no ring.
    missing:
        Rings that are not seen.
    foreign:
        Two theta of rings that are not of the calibrant, rad.
    sector:
        Range of chi, rad, that is seen; None: all.
    spacing:
        Between points, pixels.
    weak:
        Share of the rings that is not seen, at random.
    """

    noise: float = 0.2
    turn: float = 0.03
    wrong: float = 0.0
    missing: tuple[int, ...] = ()
    foreign: tuple[float, ...] = ()
    sector: tuple[float, float] | None = None
    spacing: float = 15.0
    weak: float = 0.0


def simulated_ridges(
    instrument: Instrument, d_spacings: FloatArray, look: RidgeLook | None = None, *, seed: int = 0
) -> Ridges:
    """Return ridges of a plain flat detector with rings of a calibrant on it."""
    look, rng = look or RidgeLook(), np.random.default_rng(seed)
    angles = ring_angles(d_spacings, instrument.beam.required_wavelength("rings"))[0]
    angles = angles[np.isfinite(angles)]
    kept = (rng.random(angles.size) >= look.weak) & ~np.isin(np.arange(angles.size), look.missing)
    parts, n_arcs = [], 0
    for angle in (*angles[kept].tolist(), *look.foreign):
        part, arc = _ring(instrument, angle, look, rng)
        parts.append(np.column_stack((part, arc + n_arcs)))
        n_arcs += int(arc.max(initial=-1)) + 1
    points = np.concatenate(parts)
    n_wrong = int(look.wrong / (1 - look.wrong) * len(points))
    shape = instrument.detector.shape
    turn = rng.uniform(0, np.pi, n_wrong)
    places = (rng.uniform(0, shape[0] - 1, n_wrong), rng.uniform(0, shape[1] - 1, n_wrong))
    points = np.concatenate((points, np.column_stack((*places, np.cos(turn), np.sin(turn), np.full(n_wrong, -1)))))
    n = len(points)
    return Ridges(
        points[:, 0], points[:, 1], points[:, 2:4], np.full(n, look.turn), np.full(n, look.noise),
        np.full(n, 100.0), np.full(n, 20.0), np.full(n, 3.0), points[:, 4].astype(np.int64),
    )  # fmt: skip


def _ring(
    instrument: Instrument, angle: float, look: RidgeLook, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Return (slow, fast, normal) of points on one ring, and the arc of each."""
    chi = np.linspace(*(look.sector or (-np.pi, np.pi)), 40001)
    place, ok = _place(instrument, angle, chi)
    if not ok.any():
        return np.empty((0, 4)), np.empty(0)
    step = np.hypot(*np.diff(place, axis=0, prepend=place[:1]).T)
    step[~ok] = 0.0
    picked = np.flatnonzero(ok & np.concatenate(([False], np.diff(np.floor(np.cumsum(step) / look.spacing)) > 0)))
    if picked.size < 3:
        return np.empty((0, 4)), np.empty(0)
    along = place[np.minimum(picked + 1, len(place) - 1)] - place[picked - 1]
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    normal = np.column_stack((-along[:, 1], along[:, 0]))
    arc = np.cumsum(np.concatenate(([False], np.diff(picked) > 4 * np.median(np.diff(picked)))))
    points = place[picked] + normal * rng.normal(0, look.noise, picked.size)[:, None]
    turn = rng.normal(0, look.turn, picked.size)
    c, s = np.cos(turn), np.sin(turn)
    turned = np.column_stack((normal[:, 0] * c - normal[:, 1] * s, normal[:, 0] * s + normal[:, 1] * c))
    return np.column_stack((points, turned)), arc.astype(np.float64)


def _place(instrument: Instrument, angle: float, chi: FloatArray) -> tuple[FloatArray, BoolArray]:
    """Return pixel coordinates (n, 2) of rays, and which of them are on the detector."""
    rays = np.column_stack((np.sin(angle) * np.sin(chi), np.sin(angle) * np.cos(chi), np.full_like(chi, np.cos(angle))))
    directions = rays @ instrument.pose.rotation  # detector frame
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = instrument.pose.dist / directions[:, 2]
        d1, d2 = directions[:, 0] * scale + instrument.pose.poni1, directions[:, 1] * scale + instrument.pose.poni2
    detector = instrument.detector
    place = np.column_stack((d1 / detector.pixel1 - 0.5, d2 / detector.pixel2 - 0.5))
    ok = (directions[:, 2] > 1e-6) & (place >= 0).all(axis=1) & (place <= np.array(detector.shape) - 1).all(axis=1)
    return np.where(ok[:, None], place, 0.0), ok
