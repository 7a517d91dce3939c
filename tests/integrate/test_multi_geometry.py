# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
import dataclasses
import pickle

import numpy as np
import pytest

import azimuthal as az
from azimuthal.corrections.solid_angle import solid_angle
from azimuthal.errors import (
    DataTypeError,
    ParameterError,
    ShapeError,
    UnknownNameError,
    UnsupportedOptionError,
    WavelengthMissingError,
)
from azimuthal.integrate.multi_geometry import MultiGeometry

PER_STERADIAN = 3e6


@pytest.fixture(scope="module")
def near():
    detector = az.Detector(pixel1=1e-3, pixel2=1e-3, shape=(101, 103))
    return az.Integrator(detector, dist=0.1, poni1=0.05, poni2=0.05, rot1=0.1, rot3=0.3, wavelength=1e-10)


@pytest.fixture(scope="module")
def far():
    detector = az.Detector(pixel1=0.5e-3, pixel2=0.7e-3, shape=(150, 130))
    return az.Integrator(detector, dist=0.23, poni1=0.04, poni2=0.05, rot1=-0.2, rot2=0.15, wavelength=1e-10)


def isotropic(ai, rate=PER_STERADIAN, rng=None):
    expected = rate * solid_angle(ai.instrument, mode="absolute")
    return expected if rng is None else rng.poisson(expected).astype(np.uint32)


@pytest.mark.parametrize("split", ["none", "bbox", "pseudo", "full"])
def test_isotropic_scatterer_on_two_detectors_is_flat(near, far, split):
    images = [isotropic(near), isotropic(far)]
    result = MultiGeometry([near, far]).integrate1d(images, 150, split=split)
    for one in (result.merged, *result.parts):
        good = one.count > 0
        assert good.sum() > 50
        np.testing.assert_allclose(one.intensity[good], PER_STERADIAN, rtol=1e-12)


def test_simulated_counts_on_two_detectors_have_no_steps(near, far):
    rng = np.random.default_rng(5)
    images = [isotropic(near, rng=rng), isotropic(far, rng=rng)]
    result = MultiGeometry([near, far]).integrate1d(images, 80, split="none", error_model="poisson")
    good = result.merged.count > 20
    pulls = ((result.intensity - PER_STERADIAN) / result.sigma)[good]
    assert abs(np.sum(pulls**2) - good.sum()) < 4.5 * np.sqrt(2 * good.sum())
    both = (result.parts[0].count > 20) & (result.parts[1].count > 20)
    assert both.sum() > 5
    assert result.sigma[both].max() < min(part.sigma[both].max() for part in result.parts)


def test_relative_solid_angle_at_different_distances_is_refused(near, far):
    with pytest.raises(UnsupportedOptionError, match="absolute"):
        MultiGeometry([near, far]).plan1d(100, solid_angle="relative")


def test_relative_solid_angle_at_one_distance_is_taken(near):
    turned = az.Integrator.from_instrument(near.instrument.replace(pose=dataclasses.replace(near.pose, rot1=0.5)))
    plan = MultiGeometry([near, turned]).plan1d(100, solid_angle="relative")
    assert {one.spec.solid_angle for one in plan.plans} == {"relative"}


def test_range_is_that_of_all_geometries(near, far):
    images = [np.ones(near.detector.shape), np.ones(far.detector.shape)]
    result = MultiGeometry([near, far]).integrate1d(images, 100, solid_angle=False)
    alone = [ai.integrate1d(image, 100, solid_angle=False) for ai, image in zip((near, far), images, strict=True)]
    assert result.merged.edges[0] == pytest.approx(min(one.edges[0] for one in alone))
    assert result.merged.edges[-1] == pytest.approx(max(one.edges[-1] for one in alone))
    assert result.merged.count.sum() == pytest.approx(sum(image.size for image in images), rel=1e-12)


@pytest.mark.parametrize("unit", ["2th_deg", "q_A^-1", "d*2_A^-2"])
def test_outermost_pixels_are_not_lost_by_rounding(near, far, unit):
    images = [np.ones(near.detector.shape), np.ones(far.detector.shape)]
    result = MultiGeometry([near, far]).integrate1d(images, 77, unit=unit, split="none")
    assert result.merged.count.sum() == sum(image.size for image in images)


def test_parts_are_what_each_geometry_gives_alone(near, far):
    rng = np.random.default_rng(1)
    images = [isotropic(near, rng=rng), isotropic(far, rng=rng)]
    options = {"unit": "q_nm^-1", "radial_range": (1, 30), "error_model": "poisson", "polarization_factor": 0.9}
    result = MultiGeometry([near, far]).integrate1d(images, 60, **options)
    for part, ai, image in zip(result.parts, (near, far), images, strict=True):
        alone = ai.integrate1d(image, 60, solid_angle="absolute", **options)
        assert part.sums == alone.sums
    np.testing.assert_array_equal(result.merged.sum_signal, sum(part.sum_signal for part in result.parts))
    np.testing.assert_array_equal(result.merged.sum_variance, sum(part.sum_variance for part in result.parts))


def test_per_geometry_inputs_reach_their_geometry(near, far):
    rng = np.random.default_rng(2)
    images = [isotropic(near, rng=rng), isotropic(far, rng=rng)]
    mask = rng.random(near.detector.shape) < 0.1
    flats = [rng.uniform(0.9, 1.1, ai.detector.shape) for ai in (near, far)]
    darks = [None, np.full(far.detector.shape, 2.0)]
    result = MultiGeometry([near, far]).integrate1d(
        images, 50, masks=[mask, None], flats=flats, darks=darks, normalization_factors=[2.0, 5.0], radial_range=(1, 30)
    )
    expected = [
        near.integrate1d(
            images[0],
            50,
            mask=mask,
            flat=flats[0],
            normalization_factor=2.0,
            radial_range=(1, 30),
            solid_angle="absolute",
        ),
        far.integrate1d(
            images[1],
            50,
            flat=flats[1],
            dark=darks[1],
            normalization_factor=5.0,
            radial_range=(1, 30),
            solid_angle="absolute",
        ),
    ]
    for part, one in zip(result.parts, expected, strict=True):
        assert part.sums == one.sums


def test_variances_are_one_per_geometry(near, far):
    images = [isotropic(near), isotropic(far)]
    result = MultiGeometry([near, far]).integrate1d(images, 50, variances=images)
    assert result.merged.error_model == "variance"
    np.testing.assert_allclose(result.merged.sum_variance.sum(), sum(part.sum_variance.sum() for part in result.parts))


def test_cakes_and_azimuthal_profiles_merge_too(near, far):
    images = [isotropic(near), isotropic(far)]
    both = MultiGeometry([near, far])
    cake = both.integrate2d(images, 30, 24)
    chi = both.integrate_radial(images, 24, radial_range=(5, 20))
    for intensity in (cake.merged.intensity, chi.merged.intensity):
        np.testing.assert_allclose(intensity[np.isfinite(intensity)], PER_STERADIAN, rtol=1e-11)
    with pytest.raises(ParameterError, match="radial_range"):
        both.integrate_radial(images, 24, radial_range=(5, 4))


def test_units_without_a_circle_are_measured_in_both_directions(near, far):
    images = [np.ones(near.detector.shape), np.ones(far.detector.shape)]
    cake = MultiGeometry([near, far]).integrate2d(images, 30, 24, unit=("qx_nm^-1", "qy_nm^-1"), split="none").merged
    assert cake.count.sum() == sum(image.size for image in images)


def test_more_geometries_than_are_kept_give_the_same(near):
    poses = [dataclasses.replace(near.pose, rot1=0.02 * n) for n in range(11)]
    ais = [az.Integrator.from_instrument(near.instrument.replace(pose=pose)) for pose in poses]
    images = [isotropic(ai) for ai in ais]
    result = MultiGeometry(ais).integrate1d(images, 100, error_model="poisson")
    assert len(result.parts) == 11
    few = MultiGeometry(ais[:8]).integrate1d(
        images[:8], 100, radial_range=tuple(result.merged.edges[[0, -1]]), error_model="poisson"
    )
    for one, two in zip(few.parts, result.parts, strict=False):
        assert one.sums == two.sums
    assert result.merged.provenance["n_geometries"] == 11
    assert result.merged.provenance["geometries"][3]["rot1"] == poses[3].rot1


def test_agrees_with_pyfai_within_its_edges(near, far):
    from pyFAI.detectors import Detector
    from pyFAI.integrator.azimuthal import AzimuthalIntegrator
    from pyFAI.multi_geometry import MultiGeometry as Peer

    rng = np.random.default_rng(3)
    images = [isotropic(near, 3e8, rng), isotropic(far, 3e8, rng)]
    peers = [
        AzimuthalIntegrator(
            *dataclasses.astuple(ai.pose)[:6],
            detector=Detector(ai.detector.pixel1, ai.detector.pixel2, max_shape=ai.detector.shape),
            wavelength=1e-10,
        )
        for ai in (near, far)
    ]
    peer = Peer(peers, unit="q_nm^-1", radial_range=(2, 25))
    theirs = peer.integrate1d(
        images, 60, error_model="poisson", normalization_factor=[2.0, 3.0], method=("full", "csr", "cython")
    )
    mine = MultiGeometry([near, far]).integrate1d(
        images, 60, radial_range=(2, 25), error_model="poisson", normalization_factors=[2.0, 3.0]
    )
    inner = slice(3, -3)  # pyFAI counts pixels cut by the range as a whole
    np.testing.assert_allclose(mine.intensity[inner], theirs.intensity[inner], rtol=1e-5)
    np.testing.assert_allclose(mine.sigma[inner], theirs.sigma[inner], rtol=1e-5)


def test_wavelengths_may_differ_in_q(near):
    other = az.Integrator.from_instrument(near.instrument.replace(beam=az.Beam(2e-10)))
    result = MultiGeometry([near, other]).integrate1d([isotropic(near)] * 2, 50)
    assert result.merged.wavelength is None
    assert [part.wavelength for part in result.parts] == [1e-10, 2e-10]
    np.testing.assert_allclose(result.intensity, PER_STERADIAN, rtol=1e-12)


@pytest.mark.parametrize("unit", ["2th_deg", "r_mm"])
def test_wavelengths_that_differ_are_refused_in_angles(near, unit):
    other = az.Integrator.from_instrument(near.instrument.replace(beam=az.Beam(2e-10)))
    with pytest.raises(UnsupportedOptionError, match="wavelength"):
        MultiGeometry([near, other]).plan1d(50, unit=unit)


def test_radius_on_different_planes_is_refused(near, far):
    with pytest.raises(UnsupportedOptionError, match="distance from the beam"):
        MultiGeometry([near, far]).plan1d(50, unit="r_mm")
    beside = az.Integrator.from_instrument(near.instrument.replace(pose=dataclasses.replace(near.pose, poni2=-0.06)))
    assert len(MultiGeometry([near, beside]).plan1d(50, unit="r_mm").plans) == 2


def test_missing_wavelength_is_named(near):
    none = az.Integrator.from_instrument(near.instrument.replace(beam=az.Beam()))
    with pytest.raises(WavelengthMissingError):
        MultiGeometry([near, none]).plan1d(50)


def test_plan_maps_series_in_step(near, far):
    rng = np.random.default_rng(4)
    series = [np.stack([isotropic(ai, rng=rng) for _ in range(5)]) for ai in (near, far)]
    plan = MultiGeometry([near, far]).plan1d(40, error_model="poisson")
    factors = rng.uniform(1, 2, (2, 5))
    results = list(plan.map(series, normalization_factors=factors))
    assert len(results) == 5
    for number, result in enumerate(results):
        once = plan([of[number] for of in series], normalization_factors=factors[:, number])
        assert result.merged.sums == once.merged.sums
    total = az.merge(result.merged for result in results)
    assert total.provenance["n_merged"] == 10


def test_series_of_different_length_raise_after_what_they_share(near, far):
    plan = MultiGeometry([near, far]).plan1d(40)
    stream = plan.map([np.ones((3, *near.detector.shape)), np.ones((2, *far.detector.shape))])
    assert [next(stream) is not None for _ in range(2)] == [True, True]
    with pytest.raises(ShapeError, match="geometry 1 has ended"):
        next(stream)


def test_result_unpacks_like_the_merged_one_and_is_saved(near, far, tmp_path):
    result = MultiGeometry([near, far]).integrate1d([isotropic(near), isotropic(far)], 30, error_model="poisson")
    q, intensity, sigma = result
    np.testing.assert_array_equal(intensity, result.merged.intensity)
    assert sigma is not None
    assert q.size == 30
    result.merged.save(tmp_path / "merged.h5")
    result.merged.save(tmp_path / "merged.csv")
    again = az.load_result(tmp_path / "merged.h5")
    again = again[0] if not hasattr(again, "sums") else again
    np.testing.assert_array_equal(again.sum_signal, result.merged.sum_signal)


def test_geometry_is_a_value(near, far):
    both = MultiGeometry([near, far.instrument])
    assert both == MultiGeometry((near, far)) != MultiGeometry([near])
    assert hash(both) == hash(MultiGeometry((near, far)))
    assert pickle.loads(pickle.dumps(both)) == both
    assert len(both) == 2
    assert "100 mm" in repr(both)
    with pytest.raises(dataclasses.FrozenInstanceError):
        both.integrators = ()


def test_notebooks_show_geometries_plans_and_results(near, far):
    both = MultiGeometry([near, far])
    plan = both.plan1d(30)
    result = plan([isotropic(near), isotropic(far)])
    for thing in (near, both, plan, plan.plans[0], result, MultiGeometry([near] * 20)):
        text = thing._repr_html_()
        assert text.startswith("<div")
        assert text.count("<div") == text.count("</div>")
        assert len(text) < 20000
    assert "2 geometries" in repr(plan)
    assert repr(near) == "<Integrator: Detector at 100 mm>"


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda mg, a: mg.integrate1d([a], 10), ShapeError, "each of the 2 geometries, got 1"),
        (lambda mg, a: mg.integrate1d([a, a], 10), ShapeError, "expected shape"),
        (lambda mg, a: mg.integrate1d(None, 10), DataTypeError, "images"),
        (lambda mg, a: mg.integrate1d(iter([a, a]), 10), DataTypeError, "images"),
        (lambda mg, a: mg.plan1d(10, mask=a > 0), ParameterError, "masks="),
        (lambda mg, a: mg.plan1d(10, masks=[a > 0]), ShapeError, "masks"),
        (lambda mg, a: mg.plan1d(10, masks=a.astype(str)), ShapeError, "masks"),
        (lambda mg, a: mg.plan1d(10, radial_rnge=(1, 2)), UnknownNameError, "radial_range"),
        (
            lambda mg, a: mg.plan1d(10, masks=[np.ones((101, 103), bool), np.ones((150, 130), bool)]),
            ParameterError,
            "masked",
        ),
        (lambda mg, a: MultiGeometry([]), ParameterError, "at least one"),
        (lambda mg, a: MultiGeometry(mg.integrators[0]), DataTypeError, "single one"),
        (lambda mg, a: MultiGeometry(["a.poni"]), DataTypeError, "az.load"),
    ],
)
def test_bad_input_raises_naming_it(near, far, call, error, match):
    with pytest.raises(error, match=match):
        call(MultiGeometry([near, far]), np.ones(near.detector.shape))


def test_grazing_maps_and_cuts_of_several_geometries_merge(near, far):
    images = [isotropic(near), isotropic(far)]
    both = MultiGeometry([near, far])
    sample = {"incident_angle": "0.3 deg", "sample_orientation": 1}
    result = both.integrate2d_grazing(images, 40, 30, **sample)
    found = result.merged.intensity
    np.testing.assert_allclose(found[np.isfinite(found)], PER_STERADIAN, rtol=1e-10)
    assert result.merged.count.sum() == pytest.approx(sum(image.size for image in images), rel=1e-9)
    for part, ai, image in zip(result.parts, (near, far), images, strict=True):
        ranges = {
            "ip_range": tuple(part.radial_axis.edges[[0, -1]]),
            "oop_range": tuple(part.azimuthal_axis.edges[[0, -1]]),
        }
        alone = ai.integrate2d_grazing(image, 40, 30, solid_angle="absolute", **ranges, **sample)
        np.testing.assert_allclose(part.sum_signal, alone.sum_signal, rtol=1e-12, atol=1e-9)
    for along in ("ip", "oop"):
        cut = both.integrate1d_grazing(images, 30, along=along, **sample).merged.intensity
        np.testing.assert_allclose(cut[np.isfinite(cut)], PER_STERADIAN, rtol=1e-10)
    assert len(both.plan1d_grazing(20, **sample).plans) == len(both.plan2d_grazing(20, 20, **sample).plans) == 2


def test_sensors_of_different_efficiency_are_put_on_one_scale(near):
    thin, thick = (
        near.instrument.replace(detector=near.detector.with_sensor(az.Sensor("Si", thickness)))
        for thickness in (100e-6, 1000e-6)
    )
    plan = MultiGeometry([thin, thick]).plan1d(30)
    assert {one.spec.sensor_absorption for one in plan.plans} == {"absolute"}
    efficiencies = [one.corrections["sensor_absorption"]["efficiency_at_normal_incidence"] for one in plan.plans]
    ones = [isotropic(near) * efficiency for efficiency in efficiencies]
    result = plan(ones)
    ratio = result.parts[0].intensity / result.parts[1].intensity
    assert np.nanmedian(ratio) == pytest.approx(1.0, rel=0.2)  # the angle is not simulated
    assert efficiencies[1] / efficiencies[0] > 1.5
    with pytest.raises(UnsupportedOptionError, match="efficiencies"):
        MultiGeometry([thin, thick]).plan1d(30, sensor_absorption="relative")
    same = MultiGeometry([thin, thin]).plan1d(30)
    assert {one.spec.sensor_absorption for one in same.plans} == {"auto"}


def test_sensors_of_which_one_is_not_known_are_refused(near):
    known = near.instrument.replace(detector=near.detector.with_sensor(az.Sensor("Si", 450e-6)))
    unknown = near.instrument.replace(detector=near.detector.with_sensor(None))
    mixed = MultiGeometry([known, unknown])
    with pytest.raises(UnsupportedOptionError, match="known for some"):
        mixed.plan1d(30)
    assert len(mixed.plan1d(30, sensor_absorption=False).plans) == 2


def test_azimuthal_errors_of_several_geometries_are_about_the_common_mean(near, far):
    rng = np.random.default_rng(6)
    images = [isotropic(near, rng=rng), isotropic(far, rng=rng)]
    result = MultiGeometry([near, far]).integrate1d(images, 60, split="none", error_model="azimuthal")
    good = result.merged.count > 50
    pulls = ((result.intensity - PER_STERADIAN) / result.sigma)[good]
    assert abs(np.sum(pulls**2) - pulls.size) < 4.5 * np.sqrt(2 * pulls.size)
