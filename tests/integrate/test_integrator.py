# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""The facade under threads, forks and pickles, and the statistics of its errors."""

import multiprocessing
import os
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import azimuthal as az
from azimuthal.errors import ParameterError, UnknownNameError


def test_forty_frames_from_sixteen_threads_are_all_right(ai):
    """pyFAI 2026.9 with its default engine: 27 to 38 of 40 wrong (users.md 1)."""
    rng = np.random.default_rng(0)
    frames = [rng.poisson(30, (101, 103)).astype(np.uint32) for _ in range(40)]
    expected = [ai.integrate1d(f, 50, error_model="poisson").intensity.tobytes() for f in frames]
    fresh = az.Integrator.from_instrument(ai.instrument)
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda f: fresh.integrate1d(f, 50, error_model="poisson").intensity.tobytes(), frames))
    assert found == expected


def test_alternating_plans_are_compiled_once(ai, frame, monkeypatch):
    from azimuthal.integrate import integrator as module

    compiled = []
    true_compile = module.compile
    monkeypatch.setattr(module, "compile", lambda *args: compiled.append(1) or true_compile(*args))
    for _ in range(4):
        ai.integrate1d(frame, 41)
        ai.integrate1d(frame, 43)
        ai.integrate1d(frame, 43, mask=np.zeros(frame.shape, bool))
    assert len(compiled) == 3


def test_kept_plans_are_bounded_in_number_and_memory(ai, frame, monkeypatch):
    from azimuthal.integrate import integrator as module

    for npt in range(20, 40):
        ai.integrate1d(frame, npt)
    assert len(ai._cache._plans) == 8
    monkeypatch.setattr(module, "_KEPT_BYTES", 2 * ai.plan1d(20).nbytes)
    for npt in range(20, 30):
        ai.integrate1d(frame, npt)
    assert 1 <= len(ai._cache._plans) <= 2


def test_changed_mask_is_noticed(ai, frame):
    mask = np.zeros(frame.shape, bool)
    whole = ai.integrate1d(frame, 20, mask=mask).count.sum()
    mask[:50] = True
    assert ai.integrate1d(frame, 20, mask=mask).count.sum() < whole - 1000


def _integrate_in_child(arguments):
    ai, frame = arguments
    return ai.integrate1d(frame, 30).intensity.tobytes()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_fork_after_use_works(ai, frame):
    """pyFAI 2026.9 hangs for ever (users.md 21)."""
    expected = ai.integrate1d(frame, 30).intensity.tobytes()
    with multiprocessing.get_context("fork").Pool(2) as pool:
        found = pool.map_async(_integrate_in_child, [(ai, frame)] * 4).get(timeout=60)
    assert found == [expected] * 4


def test_pickle_stays_small_after_use(ai, frame):
    ai.integrate1d(frame, 100)
    eiger = az.Integrator(detector="Eiger2_4M", dist=0.2, poni1=0.08, poni2=0.078, wavelength=1e-10)
    for one in (ai, eiger):
        data = pickle.dumps(one)
        assert len(data) < 10_000
        assert pickle.loads(data) == one


def test_integrator_is_immutable(ai):
    with pytest.raises(AttributeError):
        ai.instrument = None


def test_wavelength_and_energy_are_one_value(small_detector):
    ai = az.Integrator(small_detector, dist=0.1, energy=12.398419843320026)
    assert ai.wavelength == pytest.approx(1e-10, rel=1e-14)
    with pytest.raises(ParameterError, match="energy"):
        az.Integrator(small_detector, dist=0.1, energy=12.0, wavelength=1e-10)


def test_unknown_detector_suggests():
    with pytest.raises(UnknownNameError, match="Eiger2_4M"):
        az.Integrator(detector="Eigr2_4M", dist=0.1)


@pytest.mark.parametrize("name", ["dist", "poni1", "rot2"])
def test_nan_geometry_is_refused_by_name(small_detector, name):
    with pytest.raises(ParameterError, match=name):
        az.Integrator(small_detector, **({"dist": 0.1} | {name: float("nan")}))


def test_reflection_geometry_integrates_beyond_ninety_degrees(small_detector):
    ai = az.Integrator(small_detector, dist=0.1, poni1=0.05, poni2=0.05, rot1=np.pi, wavelength=1e-10)
    p = ai.integrate1d(np.ones((101, 103)), 50, unit="2th_deg")
    assert p.edges[0] > 140
    assert p.edges[-1] == pytest.approx(180)
    assert p.count.sum() == pytest.approx(101 * 103, rel=1e-12)


@pytest.mark.parametrize("counts", [0.02, 1.0, 100.0])
def test_chi_square_of_poisson_errors_is_one_without_splitting(small_detector, counts):
    """1000 simulated frames: (I - truth)^2 summed against sigma^2 summed; zero counts have zero variance.

    Per frame sigma comes from the same counts as the mean, so the ratio of the expectations is tested, not the mean of
    ratios: the first is exactly one for max(raw, 0), the second is not for any estimate from the data.
    """
    from scipy import stats

    ai = az.Integrator(small_detector, dist=0.1, poni1=0.0503, poni2=0.0498, wavelength=1e-10)
    plan = ai.plan1d(20, split="none", error_model="poisson", solid_angle=False)
    rng = np.random.default_rng(int(counts * 100))
    results = [plan(rng.poisson(counts, (101, 103)).astype(np.uint16)) for _ in range(1000)]
    intensity = np.array([p.intensity for p in results])
    sigma2 = np.array([p.sigma for p in results]) ** 2
    ratio = ((intensity - counts) ** 2).sum(axis=0) / sigma2.sum(axis=0)
    # 20 bins of 1000 squares each: chi-square with 1000 degrees of freedom per bin, 20000 in all.
    low, high = stats.chi2.interval(1 - 1e-5, 1000)
    assert ((ratio * 1000 > low) & (ratio * 1000 < high)).all()
    low, high = stats.chi2.interval(1 - 1e-5, 20_000)
    assert low < (ratio * 1000).sum() < high
