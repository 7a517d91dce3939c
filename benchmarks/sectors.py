# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Radial profiles of eight sectors of one frame: in one pass, one after another, and by pyFAI's eight calls.

Times are the least of the repeats, in seconds for one frame; plans and pyFAI's lookup tables are made before.
"""

import sys
import time

import numpy as np

import azimuthal as az

SECTORS = tuple((start, start + 45.0) for start in range(-180, 180, 45))
N_BINS = 1000


def main(detector="Eiger2_4M", repeats=9):
    """Return seconds by name; the profiles of all ways are compared first."""
    spec = az.detector(detector)
    middle = [0.5 * n * size for n, size in zip(spec.shape, (spec.pixel1, spec.pixel2), strict=True)]
    ai = az.Integrator(spec, 0.15, *middle, wavelength=1e-10, parallax=None)
    frame = np.random.default_rng(1).poisson(5, ai.detector.shape).astype(np.uint32)
    options = {"error_model": "poisson", "sensor_absorption": False}
    together = ai.plan_sectors(N_BINS, SECTORS, **options)
    alone = [ai.plan1d(N_BINS, azimuth_range=sector, **options) for sector in SECTORS]
    whole = ai.plan1d(N_BINS, **options)
    ways = {
        "azimuthal: 8 sectors in one pass": lambda: list(together(frame)),
        "azimuthal: 8 plans": lambda: [plan(frame) for plan in alone],
        "azimuthal: the full circle": lambda: whole(frame),
        "weights: 8 sectors": lambda: ai.from_instrument(ai.instrument).plan_sectors(N_BINS, SECTORS, **options),
    }
    for one, two in zip(ways["azimuthal: 8 sectors in one pass"](), ways["azimuthal: 8 plans"](), strict=True):
        np.testing.assert_allclose(one.intensity, two.intensity, rtol=1e-9, equal_nan=True)
    peer = _pyfai(ai, frame)
    if peer is not None:
        _check_totals(peer(), ways["azimuthal: 8 plans"]())
        ways["pyFAI: 8 integrate1d"] = peer
    return {name: _least(way, repeats) for name, way in ways.items()}


def _least(way, repeats):
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        way()
        times.append(time.perf_counter() - begin)
    return min(times)


def _pyfai(ai, frame):
    """Return pyFAI's eight calls, one integrator per sector so that each keeps its table; None without pyFAI."""
    try:
        from pyFAI.detectors import Detector
        from pyFAI.integrator.azimuthal import AzimuthalIntegrator
    except ImportError:
        return None
    detector = ai.detector
    mask = detector.gap_mask()
    pose = ai.pose
    peers = []
    for sector in SECTORS:
        described = Detector(detector.pixel1, detector.pixel2, max_shape=detector.shape, orientation=3)
        peer = AzimuthalIntegrator(pose.dist, pose.poni1, pose.poni2, detector=described, wavelength=ai.wavelength)
        peers.append((peer, sector))

    def run():
        return [
            peer.integrate1d(
                frame, N_BINS, unit="q_nm^-1", azimuth_range=sector, mask=mask, error_model="poisson",
                method=("full", "csr", "cython"),
            )
            for peer, sector in peers
        ]  # fmt: skip

    return run


def _check_totals(theirs, ours):
    """The two share out the same counts, up to the pixels that the ends of sectors cut."""
    for one, two in zip(theirs, ours, strict=True):
        assert abs(one.sum_signal.sum() / two.sum_signal.sum() - 1) < 0.05


def report(times):
    """Return a table with the ratio to eight sectors in one pass."""
    first = times["azimuthal: 8 sectors in one pass"]
    rows = [f"{name:36s} {1e3 * value:9.2f} ms   ratio {value / first:6.2f}" for name, value in times.items()]
    return "\n".join(rows)


if __name__ == "__main__":
    print(report(main(*sys.argv[1:2])))
