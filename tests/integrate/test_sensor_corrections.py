# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Absorption and parallax of the sensor in plans: on where everything is known, said in the result, switchable."""

import json
import math

import numpy as np
import pytest

import azimuthal as az
from azimuthal.corrections import absorption
from azimuthal.errors import ParameterError, UnknownNameError
from azimuthal.materials import attenuation_coefficient

SHAPE = (120, 140)
CAMERA = az.Detector(pixel1=5e-4, pixel2=5e-4, shape=SHAPE, name="camera")
SILICON = CAMERA.with_sensor("Si", 4.5e-4)
POSE = {"dist": 0.05, "poni1": 0.011, "poni2": 0.03}
ENERGY = 17.0


def integrator(detector=SILICON, *, energy=ENERGY, **options):
    return az.Integrator(detector, **POSE, energy=energy, **options)


def absorbed(ai):
    """The absorbed fraction over the one at normal incidence, written out."""
    centers = ai.detector.centers() - [ai.pose.poni1, ai.pose.poni2, -ai.pose.dist]
    path = np.linalg.norm(centers, axis=-1) / ai.pose.dist * 4.5e-4
    mu = attenuation_coefficient("Si", ENERGY)
    return (1 - np.exp(-mu * path)) / (1 - math.exp(-mu * 4.5e-4))


@pytest.mark.parametrize("engine", ["native", "reference"])
def test_signal_that_follows_the_absorption_becomes_flat(engine):
    ai = integrator()
    frame = 1000.0 * absorbed(ai)
    options = {"unit": "2th_deg", "solid_angle": False, "engine": engine}
    corrected = ai.integrate1d(frame, 60, **options)
    np.testing.assert_allclose(corrected.intensity[corrected.count > 0], 1000.0, rtol=1e-12)
    left = ai.integrate1d(frame, 60, sensor_absorption=False, **options)
    assert left.intensity[np.flatnonzero(left.count)[-1]] > 1100


def test_core_and_slabs_fold_the_same_bits():
    plans = [integrator().plan1d(50, polarization_factor=0.9, engine=engine) for engine in ("native", "reference")]
    frame = np.random.default_rng(1).poisson(50, SHAPE).astype(np.uint32)
    native, reference = (plan(frame) for plan in plans)
    np.testing.assert_allclose(native.sum_normalization, reference.sum_normalization, rtol=1e-9)


def test_everything_known_is_corrected_and_said():
    profile = integrator().integrate1d(np.ones(SHAPE), 50)
    said = json.loads(json.dumps(profile.provenance["corrections"]))
    mu = attenuation_coefficient("Si", ENERGY)
    assert said["sensor_absorption"]["applied"] is True
    assert said["sensor_absorption"]["material"] == "Si"
    assert said["sensor_absorption"]["attenuation_coefficient_per_m"] == mu
    assert said["parallax"] == {"applied": True, "attenuation_coefficient_per_m": mu, "thickness_m": 4.5e-4}


@pytest.mark.parametrize(
    ("detector", "energy", "reason"),
    [
        (CAMERA, ENERGY, "material"),
        (SILICON, None, "energy"),
        (CAMERA.with_sensor("Gd2O2S", 4e-5), ENERGY, "packing density"),
        (CAMERA.with_sensor("glass", 4e-5), ENERGY, "glass"),
        (SILICON, 500.0, "outside the table"),
    ],
)
def test_a_fact_that_is_missing_is_not_guessed_and_said(detector, energy, reason):
    ai = integrator(detector, energy=energy)
    assert ai.instrument.parallax is None
    profile = ai.integrate1d(np.ones(SHAPE), 50, unit="r_mm", solid_angle=False)
    said = profile.provenance["corrections"]
    assert said["sensor_absorption"]["applied"] is False
    assert reason in said["sensor_absorption"]["reason"]
    assert said["parallax"] == {"applied": False}
    np.testing.assert_allclose(profile.intensity[profile.count > 0], 1.0, rtol=1e-12)


@pytest.mark.parametrize(("detector", "energy", "missing"), [(CAMERA, ENERGY, "material"), (SILICON, None, "energy")])
def test_asked_for_without_the_facts_raises_and_names_what_is_missing(detector, energy, missing):
    with pytest.raises(ParameterError, match=f"sensor_absorption: .*{missing}"):
        integrator(detector, energy=energy).plan1d(50, unit="r_mm", sensor_absorption=True)


def test_powder_that_is_asked_for_takes_the_density_of_the_solid_and_says_so():
    ai = integrator(CAMERA.with_sensor("Gd2O2S", 4e-5))
    said = ai.plan1d(50, sensor_absorption=True)(np.ones(SHAPE)).provenance["corrections"]["sensor_absorption"]
    assert said["attenuation_coefficient_per_m"] == attenuation_coefficient("Gd2O2S", ENERGY, density=7340.0)


def test_transmission_that_is_given_takes_the_place_of_the_table():
    ai = integrator()
    said = ai.plan1d(50, transmission=0.5)(np.ones(SHAPE)).provenance["corrections"]
    assert said["transmission"] == 0.5
    assert said["sensor_absorption"] == {"applied": False, "reason": "transmission is given"}
    with pytest.raises(ParameterError, match="two views"):
        ai.plan1d(50, transmission=0.5, sensor_absorption=True)


def test_transmission_of_the_sensor_is_the_same_correction():
    ai = integrator()
    t0 = math.exp(-attenuation_coefficient("Si", ENERGY) * 4.5e-4)
    frame = np.random.default_rng(2).poisson(100, SHAPE)
    by_table = ai.integrate1d(frame, 40)
    by_hand = ai.integrate1d(frame, 40, transmission=t0)
    np.testing.assert_allclose(by_table.intensity, by_hand.intensity, rtol=1e-13)
    np.testing.assert_allclose(absorbed(ai), absorption(ai.instrument, transmission=t0), rtol=1e-12)


def test_absolute_efficiency_counts_the_photons_that_arrive():
    ai = integrator()
    frame = np.full(SHAPE, 10.0)
    relative, absolute = (ai.integrate1d(frame, 40, sensor_absorption=mode) for mode in ("relative", "absolute"))
    mu, photo = (attenuation_coefficient("Si", ENERGY, process=name) for name in ("total", "photoelectric"))
    efficiency = photo / mu * (1 - math.exp(-mu * 4.5e-4))
    np.testing.assert_allclose(absolute.intensity * efficiency, relative.intensity, rtol=1e-12)


def test_unknown_mode_names_the_nearest():
    with pytest.raises(UnknownNameError, match="absolute"):
        integrator().plan1d(50, sensor_absorption="absolut")
    with pytest.raises(UnknownNameError):
        integrator(parallax="automatic")


def test_isotropic_source_of_known_flux_gives_photons_per_steradian():
    """End to end: photons that an isotropic source sends into every pixel and its sensor absorbs, counted."""
    rate = 3e9  # photons per steradian
    camera = az.Detector(pixel1=2e-4, pixel2=3e-4, shape=(200, 180)).with_sensor("CdTe", 7.5e-4)
    ai = az.Integrator(camera, 0.04, 0.012, 0.02, 0.2, -0.1, 0.3, energy=60.0)
    # Solid angle of a rectangle by the exact arc tangent formula (Van Oosterom's corner function).
    y = np.arange(201) * 2e-4 - 0.012
    x = np.arange(181) * 3e-4 - 0.02
    corner = np.arctan(np.outer(y, x) / (0.04 * np.sqrt(0.04**2 + y[:, None] ** 2 + x**2)))
    omega = corner[1:, 1:] - corner[:-1, 1:] - corner[1:, :-1] + corner[:-1, :-1]
    p = camera.centers() - [0.012, 0.02, -0.04]
    cosine = 0.04 / np.linalg.norm(p, axis=-1)
    mu, photo = (attenuation_coefficient("CdTe", 60.0, process=name) for name in ("total", "photoelectric"))
    expected = rate * omega * photo / mu * (1 - np.exp(-mu * 7.5e-4 / cosine))
    frame = np.random.default_rng(4).poisson(expected)
    options = {"solid_angle": "absolute", "sensor_absorption": "absolute", "error_model": "poisson"}
    profile = ai.integrate1d(frame, 50, unit="2th_deg", **options)
    used = profile.count > 1
    np.testing.assert_allclose(profile.intensity[used], rate, rtol=0.02)
    pull = (profile.intensity - rate)[used] / profile.sigma[used]
    assert abs(pull.mean()) < 5 / math.sqrt(used.sum()) + 0.5  # the small-pixel limit of omega: below 1e-5
    assert np.average(profile.intensity[used], weights=profile.count[used]) == pytest.approx(rate, rel=1e-4)
    # A monitor in photons on the sample makes it a differential cross section per photon.
    per_photon = ai.integrate1d(frame, 50, unit="2th_deg", normalization_factor=1e12, **options)
    np.testing.assert_allclose(per_photon.intensity[used], profile.intensity[used] / 1e12, rtol=1e-12)


@pytest.mark.parametrize("unit", ["q_nm^-1", "2th_deg", "r_mm", "d*2_nm^-2", "d_A"])
@pytest.mark.parametrize("split", ["none", "bbox", "pseudo", "full"])
def test_parallax_of_the_core_equals_that_of_the_reference(unit, split):
    frame = np.random.default_rng(5).poisson(50, SHAPE)
    ai = az.Integrator(SILICON, 0.05, 0.0111, 0.0302, 0.1, 0.2, 0.3, energy=ENERGY)
    options = {"unit": unit, "split": split}
    if unit in ("d_A", "r_mm"):  # no pixel centre on an edge
        options["radial_range"] = (0.7, 30.1)
    native, reference = (ai.plan1d(30, engine=engine, **options) for engine in ("native", "reference"))
    np.testing.assert_allclose(native.axes.grid.u_edges, reference.axes.grid.u_edges, rtol=1e-9)
    a, b = native(frame), reference(frame)
    np.testing.assert_allclose(a.count, b.count, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(a.sum_signal, b.sum_signal, rtol=1e-6, atol=1e-4)


def test_parallax_of_the_core_equals_that_of_the_reference_in_cakes_with_the_beam_anywhere():
    generator = np.random.default_rng(6)
    frame = generator.poisson(50, SHAPE)
    for _ in range(8):
        poni1, poni2 = generator.uniform(-0.02, 0.08, 2)
        rotations = generator.uniform(-0.6, 0.6, 3)
        ai = az.Integrator(SILICON, 0.03, poni1, poni2, *rotations, energy=ENERGY)
        edges = np.linspace(0, 75, 21)
        a, b = (ai.integrate2d(frame, edges, 12, unit="2th_deg", engine=name) for name in ("native", "reference"))
        np.testing.assert_allclose(a.count, b.count, rtol=1e-6, atol=1e-6)


def test_parallax_range_of_a_beam_beside_the_detector_is_that_of_the_reference():
    generator = np.random.default_rng(7)
    for _ in range(20):
        poni1, poni2 = generator.uniform(-0.05, 0.12, 2)
        rotations = generator.uniform(-0.5, 0.5, 3)
        ai = az.Integrator(SILICON, 0.03, poni1, poni2, *rotations, energy=ENERGY)
        native, reference = (ai.plan1d(10, unit="2th_deg", engine=name) for name in ("native", "reference"))
        np.testing.assert_allclose(native.axes.grid.u_edges, reference.axes.grid.u_edges, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("pair", [("qip_nm^-1", "qoop_nm^-1"), ("exit_angle_horz_deg", "exit_angle_vert_deg")])
def test_parallax_of_the_core_equals_that_of_the_reference_in_grazing_incidence(pair):
    frame = np.random.default_rng(10).poisson(50, SHAPE)
    ai = az.Integrator(SILICON, 0.05, 0.0111, 0.0302, 0.1, 0.2, 0.3, energy=ENERGY)
    options = {"unit_ip": pair[0], "unit_oop": pair[1], "incident_angle": "0.3 deg"}
    native, reference = (ai.plan2d_grazing(20, 18, engine=engine, **options) for engine in ("native", "reference"))
    np.testing.assert_allclose(native.axes.grid.u_edges, reference.axes.grid.u_edges, rtol=1e-9)
    np.testing.assert_allclose(native(frame).count, reference(frame).count, rtol=1e-6, atol=1e-6)
    plain = az.Integrator(SILICON, 0.05, 0.0111, 0.0302, 0.1, 0.2, 0.3, energy=ENERGY, parallax=None)
    assert plain.plan2d_grazing(20, 18, **options).axes.grid.u_edges[-1] > native.axes.grid.u_edges[-1]


def test_parallax_of_a_detector_that_is_no_grid_goes_the_general_way():
    i, j = np.meshgrid(np.arange(31) * 1e-3, np.arange(41) * 1e-3, indexing="ij")
    corners = np.stack([i + 0.02 * j, j, np.zeros_like(i)], axis=-1)
    ring = np.stack([corners[:-1, :-1], corners[1:, :-1], corners[1:, 1:], corners[:-1, 1:]], axis=2)
    sheared = az.Detector(
        pixel1=1e-3, pixel2=1e-3, shape=(30, 40), layout=az.detectors.CornerArray(ring)
    ).with_sensor("Si", 4.5e-4)  # fmt: skip
    ai = az.Integrator(sheared, 0.05, 0.01, 0.02, energy=ENERGY)
    assert ai.instrument.parallax is not None
    frame = np.random.default_rng(8).poisson(50, (30, 40))
    a, b = (ai.integrate1d(frame, 20, unit="2th_deg", engine=name) for name in ("native", "reference"))
    np.testing.assert_allclose(a.count, b.count, rtol=1e-9)


def test_plan_with_sensor_corrections_round_trips_through_its_file(tmp_path):
    plan = integrator().plan1d(50)
    frame = np.random.default_rng(9).poisson(50, SHAPE).astype(np.uint32)
    plan.save(tmp_path / "plan.h5")
    again = az.load_plan(tmp_path / "plan.h5")
    assert again.spec == plan.spec
    np.testing.assert_array_equal(again(frame).intensity, plan(frame).intensity)


def test_geometry_file_decides_about_its_parallax_itself(tmp_path):
    for parallax in (None, "auto"):
        ai = integrator(az.detector("Eiger2_1M"), parallax=parallax)
        az.save_geometry(ai, tmp_path / f"{parallax}.poni")
        again = az.load(tmp_path / f"{parallax}.poni")
        assert (again.instrument.parallax is None) == (parallax is None)
        said = again.plan1d(10)(np.ones(again.detector.shape)).provenance["corrections"]
        assert said["sensor_absorption"]["applied"] is True
