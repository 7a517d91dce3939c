# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
import dataclasses
import gc
import sys
import threading
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

import azimuthal as az
from azimuthal.corrections.solid_angle import solid_angle
from azimuthal.errors import DataTypeError, ParameterError, ShapeError, UnsupportedOptionError
from azimuthal.integrate._each_its_own import _PLANS_BYTES, _shared
from azimuthal.integrate.moving_geometry import MovingGeometry

N = 12
RATE = 2e6


def instrument(number=0, wavelength=1e-10):
    detector = az.Detector(pixel1=1e-3, pixel2=1e-3, shape=(61, 53))
    pose = az.Pose(0.1 + 0.01 * number, 0.03, 0.02, 0.05 * number, -0.02)
    return az.Instrument(detector, pose, az.Beam(wavelength))


@pytest.fixture(scope="module")
def instruments():
    first = instrument()
    return [instrument(number).replace(detector=first.detector) for number in range(N)]


@pytest.fixture(scope="module")
def frames(instruments):
    rng = np.random.default_rng(1)
    return np.stack([rng.poisson(RATE * solid_angle(one, mode="absolute")) for one in instruments]).astype(np.uint32)


def test_every_frame_is_what_its_own_integrator_gives(instruments, frames):
    options = {"radial_range": (2, 40), "error_model": "poisson", "azimuth_range": (-90, 120)}
    found = list(MovingGeometry(instruments).map1d(frames, 50, **options))
    assert len(found) == N
    for one, part, frame in zip(instruments, found, frames, strict=True):
        alone = az.Integrator.from_instrument(one).integrate1d(frame, 50, solid_angle="absolute", **options)
        assert part.sums == alone.sums
        assert part.axis == found[0].axis
        assert part.provenance["recipe"]["instrument"]["dist"] == one.pose.dist
    assert [part.metadata["index"] for part in found] == list(range(N))


def test_merged_scan_of_an_isotropic_scatterer_is_flat(instruments, frames):
    profile = MovingGeometry(instruments).integrate1d(frames, 40, error_model="poisson", split="none")
    pulls = ((profile.intensity - RATE) / profile.sigma)[profile.count > 20]
    assert abs(np.sum(pulls**2) - pulls.size) < 4.5 * np.sqrt(2 * pulls.size)
    assert profile.count.sum() == frames.size
    assert profile.provenance["n_geometries"] == N


def test_function_of_the_frame_number_and_list_give_the_same(instruments, frames):
    by_list = MovingGeometry(instruments).integrate1d(frames, 40)
    by_function = MovingGeometry(lambda number: instruments[number]).integrate1d(frames, 40)
    assert by_list.sums == by_function.sums


@pytest.mark.parametrize("threads", ["1", "2", "3"])
def test_number_of_threads_changes_nothing(instruments, frames, threads, monkeypatch):
    expected = MovingGeometry(instruments).integrate1d(frames, 40, error_model="poisson")
    monkeypatch.setenv("AZIMUTHAL_THREADS", threads)
    assert MovingGeometry(instruments).integrate1d(frames, 40, error_model="poisson").sums == expected.sums


def test_cakes_and_azimuthal_profiles_move_too(instruments, frames):
    scan = MovingGeometry(instruments)
    cakes = list(scan.map2d(frames, 20, 12))
    assert scan.integrate2d(frames, 20, 12).sums == az.merge(cakes).sums
    chi = list(scan.map_radial(frames, 12, radial_range=(5, 20)))
    assert len(chi) == N


def test_streams_of_unknown_length_need_a_range(instruments, frames):
    scan = MovingGeometry(lambda number: instruments[number])
    with pytest.raises(ParameterError, match="radial_range"):
        next(scan.map1d(iter(frames), 40))
    found = list(scan.map1d(iter(frames), 40, radial_range=(2, 40)))
    expected = list(scan.map1d(frames, 40, radial_range=(2, 40)))
    assert [one.sums for one in found] == [one.sums for one in expected]


def test_streams_shorter_or_longer_than_the_list_raise(instruments, frames):
    scan = MovingGeometry(instruments)
    with pytest.raises(ShapeError, match="got only 5"):
        list(scan.map1d(iter(frames[:5]), 40))
    with pytest.raises(ShapeError, match="got more"):
        list(MovingGeometry(instruments[:5]).map1d(iter(frames), 40))


def test_per_frame_monitors_and_variances(instruments, frames):
    factors = np.linspace(1, 3, N)
    scan = MovingGeometry(instruments)
    parts = list(
        scan.map1d(frames, 40, normalization_factors=factors, variances=frames.astype(float), radial_range=(2, 40))
    )
    plain = list(scan.map1d(frames, 40, error_model="poisson", radial_range=(2, 40)))
    for part, one, factor in zip(parts, plain, factors, strict=True):
        np.testing.assert_allclose(part.intensity, one.intensity / factor, rtol=1e-12)
        np.testing.assert_allclose(part.sigma, one.sigma / factor, rtol=1e-12)


def test_mask_and_dark_are_for_all_frames(instruments, frames):
    mask = np.zeros(frames.shape[1:], bool)
    mask[:10] = True
    found = MovingGeometry(instruments).integrate1d(frames, 40, mask=mask, dark=np.ones(mask.shape))
    assert found.count.sum() == pytest.approx(N * np.count_nonzero(~mask))


def test_energy_scan_merges_in_q_and_is_refused_in_angles(instruments, frames):
    beams = [one.replace(beam=az.Beam(1e-10 + 1e-12 * number)) for number, one in enumerate(instruments)]
    assert MovingGeometry(beams).integrate1d(frames, 40).wavelength is None
    with pytest.raises(UnsupportedOptionError, match="wavelength"):
        MovingGeometry(beams).integrate1d(frames, 40, unit="2th_deg")
    with pytest.raises(UnsupportedOptionError, match="wavelength"):
        list(MovingGeometry(lambda n: beams[n]).map1d(iter(frames), 40, unit="2th_deg", radial_range=(1, 20)))


def test_failing_frame_is_named_and_frames_before_it_come(instruments, frames):
    def at(number):
        if number == 3:
            raise ParameterError("the motor has no position here")
        return instruments[number]

    stream = MovingGeometry(at).map1d(iter(frames), 40, radial_range=(2, 40))
    assert sum(1 for _, _ in zip(range(3), stream, strict=False)) == 3
    with pytest.raises(ParameterError, match="motor"):
        next(stream)
    bad = [*frames[:4], frames[4][:-1], *frames[5:]]
    with pytest.raises(ShapeError):
        list(MovingGeometry(instruments).map1d(bad, 40, radial_range=(2, 40)))


def test_exception_while_working_has_the_number_of_the_frame(instruments, frames):
    masked = np.full(frames[0].shape, np.nan)
    variances = [np.ones(frames[0].shape)] * 7 + [masked] + [np.ones(frames[0].shape)] * (N - 8)
    with pytest.raises(ParameterError, match="variance") as caught:
        list(MovingGeometry(instruments).map1d(frames, 40, variances=variances, radial_range=(2, 40)))
    assert "frame number 7" in caught.value.__notes__[0]


def test_closing_early_ends_the_threads(instruments, frames):
    before = threading.active_count()
    stream = MovingGeometry(instruments).map1d(frames, 40, radial_range=(2, 40))
    next(stream)
    stream.close()
    assert threading.active_count() == before


def test_memory_does_not_grow_with_the_number_of_geometries():
    """Neither plans nor frames are kept: what is held after 80 positions is held after 240."""
    detector = az.Detector(pixel1=1e-3, pixel2=1e-3, shape=(128, 128))
    frame = np.ones(detector.shape, np.uint16)
    held = {}

    def at(number):
        return az.Instrument(detector, az.Pose(0.1 + 1e-4 * number, 0.06, 0.06), az.Beam(1e-10))

    def watched():
        for number in range(241):
            if number in (80, 240):
                gc.collect()
                held[number] = tracemalloc.get_traced_memory()[0]
            yield frame

    tracemalloc.start()
    try:
        MovingGeometry(at).integrate1d(watched(), 100, radial_range=(1, 30))
    finally:
        tracemalloc.stop()
    one_plan = az.Integrator.from_instrument(at(0)).plan1d(100, radial_range=(1, 30)).nbytes
    assert held[240] - held[80] < 0.2 * one_plan


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_resident_memory_does_not_grow_with_the_number_of_geometries():
    detector = az.Detector(pixel1=1e-3, pixel2=1e-3, shape=(256, 256))
    instruments = [az.Instrument(detector, az.Pose(0.1 + 1e-4 * n, 0.1, 0.1), az.Beam(1e-10)) for n in range(150)]
    frame = np.ones(detector.shape, np.uint16)

    def resident():
        return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

    scan = MovingGeometry(instruments)
    scan.integrate1d([frame] * 150, 100, radial_range=(1, 30))
    before = resident()
    scan.integrate1d([frame] * 150, 100, radial_range=(1, 30))
    one_plan = az.Integrator.from_instrument(instruments[0]).plan1d(100, radial_range=(1, 30)).nbytes
    assert resident() - before < 20 * one_plan  # 150 were made


@pytest.mark.parametrize("n_pixels", [1, 1 << 16, 1 << 22, 1 << 26, 1 << 30])
def test_plans_in_use_fit_into_their_memory(n_pixels):
    for n_threads in (1, 2, 16, 64):
        workers, threads = _shared(n_threads, n_pixels)
        assert 1 <= workers * threads <= n_threads
        assert workers == 1 or workers * n_pixels * 48 <= _PLANS_BYTES


@pytest.mark.parametrize(
    ("make", "error", "match"),
    [
        (lambda i, f: MovingGeometry([]), ParameterError, "at least one"),
        (lambda i, f: MovingGeometry(iter(i)), DataTypeError, "make a list"),
        (lambda i, f: MovingGeometry([1, 2]), DataTypeError, r"instruments\[0\]"),
        (lambda i, f: list(MovingGeometry(i).map1d(f[:-1], 10)), ShapeError, "got 11"),
        (
            lambda i, f: list(MovingGeometry(i).map1d(f, 10, normalization_factors=[1, 2])),
            ShapeError,
            "normalization_factors",
        ),
        (lambda i, f: list(MovingGeometry(i).map1d(f, 10, solid_angle="relative")), UnsupportedOptionError, "absolute"),
        (
            lambda i, f: list(MovingGeometry(i).map1d(f, 10, unit="r_mm")),
            UnsupportedOptionError,
            "distance from the beam",
        ),
        (lambda i, f: list(MovingGeometry(lambda n: None).map1d(f, 10)), DataTypeError, r"instruments\(0\)"),
        (
            lambda i, f: MovingGeometry(
                [i[0], i[0].replace(detector=dataclasses.replace(i[0].detector, shape=(5, 5)))]
            ),
            ShapeError,
            "MultiGeometry",
        ),
    ],
)
def test_bad_input_raises_naming_it(instruments, frames, make, error, match):
    with pytest.raises(error, match=match):
        make(instruments, frames)


def test_repr_says_how_many_and_where(instruments):
    assert repr(MovingGeometry(instruments)) == "<MovingGeometry of 12 positions of Detector: 100 mm to 210 mm>"
    assert "frame number" in repr(MovingGeometry(lambda number: instruments[number]))


def test_grazing_maps_of_a_moving_detector(instruments, frames):
    maps = list(MovingGeometry(instruments).map2d_grazing(frames, 20, 20, incident_angle="0.2 deg"))
    total = az.merge(maps).intensity
    assert len(maps) == N
    assert np.nanmedian(total) == pytest.approx(RATE, rel=0.05)
