# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""``az.recalibrate``: from rough to right, and a verdict that never calls a wrong geometry good."""

import warnings

import numpy as np
import pytest

import azimuthal as az
from azimuthal.errors import DataTypeError, ParameterError, UnknownNameError
from azimuthal.pipelines.simulate import PowderSettings, expected_image


@pytest.fixture(scope="module")
def found(scene, rough):
    return az.recalibrate(scene.frame(), rough, scene.calibrant)


def test_rough_geometry_becomes_the_truth_within_errors(scene, found):
    assert found.verdict == "good", found.reasons
    assert found.reasons == ()
    for name in ("dist", "poni1", "poni2", "rot1", "rot2"):
        truth = getattr(scene.instrument.pose, name)
        assert abs(getattr(found.instrument.pose, name) - truth) < 4 * found.standard_errors[name]
    assert found.standard_errors["wavelength"] == 0
    assert found.median_deviation < 0.02
    assert found.largest_error < 0.05
    assert np.median(np.abs(found.residuals)) < 0.1
    assert found.integrator.instrument == found.instrument


def test_summary_says_what_was_found(found):
    text = found.summary()
    for word in ("verdict: good", "CeO2", "dist:", "mm (±", "fixed", "reduced chi-square"):
        assert word in text
    assert "good" in repr(found)


def test_radial_uncertainty_is_that_of_repeated_measurements(scene, found):
    """The ring's position in q with geometries drawn from the covariance."""
    q = np.array([15.0, 25.0, 35.0])
    told = found.radial_uncertainty("q_nm^-1", q)
    rng = np.random.default_rng(1)
    free = [0, 1, 2, 3, 4]
    draws = rng.multivariate_normal(np.zeros(5), found.covariance[np.ix_(free, free)], 300)
    centers = scene.instrument.detector.centers()[::3, ::3].reshape(-1, 3)
    pose = found.instrument.pose
    names = ("dist", "poni1", "poni2", "rot1", "rot2")
    unit = az.unit("q_nm^-1")

    def positions(p):
        t = p.lab_from_detector(centers)
        return unit.values(t[:, 1], t[:, 0], t[:, 2], found.instrument.wavelength)

    start = positions(pose)
    rows = []
    for draw in draws:
        moved = positions(pose.replace(**{n: getattr(pose, n) + d for n, d in zip(names, draw, strict=True)}))
        rows.append([np.mean((moved - start)[np.abs(start - value) < 0.3]) for value in q])
    np.testing.assert_allclose(np.std(rows, axis=0), told, rtol=0.25)
    assert np.isnan(found.radial_uncertainty("q_nm^-1", [1e4])).all()
    assert (found.radial_uncertainty("2th_deg", [5.0, 8.0]) > 0).all()


def test_saved_file_holds_geometry_calibrant_and_verdict(found, tmp_path):
    found.with_image("CeO2.tif").save(tmp_path / "a.poni")
    text = (tmp_path / "a.poni").read_text()
    for line in ("poni_version: 2.1", "# Calibrant: CeO2", "# Image: CeO2.tif", "# Verdict: good", "# Standard errors"):
        assert line in text
    again = az.load(tmp_path / "a.poni", shape=(256, 240)).instrument
    assert again.pose == found.instrument.pose
    assert again.wavelength == found.instrument.wavelength


@pytest.mark.filterwarnings("ignore")
def test_saved_file_is_read_by_pyfai(found, tmp_path):
    pyfai = pytest.importorskip("pyFAI")
    found.save(tmp_path / "a.poni")
    ai = pyfai.load(str(tmp_path / "a.poni"))
    assert (ai.dist, ai.poni1, ai.rot2) == tuple(getattr(found.instrument.pose, n) for n in ("dist", "poni1", "rot2"))


def test_parallax_of_the_geometry_is_used(scene):
    thick = scene.instrument.detector.with_sensor("Si", 2e-3)
    truth = scene.instrument.replace(detector=thick, parallax=True)
    # rays enter before the pixel that records them: with the parallax, the same image belongs to another distance
    with_it = az.recalibrate(scene.frame(), truth, scene.calibrant)
    without = az.recalibrate(scene.frame(), truth.replace(parallax=None), scene.calibrant)
    assert with_it.verdict == without.verdict == "good"
    assert abs(with_it.instrument.pose.dist - without.instrument.pose.dist) > 1e-4


def test_files_names_and_integrators_are_taken(scene, rough, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("image.npy", scene.frame())
    az.save_geometry(rough, "start.poni")
    by_file = az.recalibrate("image.npy", "start.poni", "CeO2")
    assert by_file.image == "image.npy"
    assert [facts["role"] for facts in by_file.inputs] == ["image", "geometry"]
    assert by_file.calibrant == "CeO2"
    assert by_file.verdict == "good", by_file.reasons
    by_value = az.recalibrate(scene.frame(), az.Integrator.from_instrument(rough), az.calibrant("CeO2"))
    assert by_value.instrument.pose == by_file.instrument.pose
    assert by_file.settings["started from"] == "start.poni"
    assert by_value.settings["started from"] == "an Integrator"
    assert by_file.settings["loss"] == "soft_l1"
    assert by_file.settings["rings followed with"]["search"] == 12.0


def test_settings_that_were_asked_for_are_told(scene, rough):
    found = az.recalibrate(
        scene.frame(), rough, scene.calibrant, max_rings=4, bounds={"dist": (0.2, 0.3)}, loss="huber", outliers=None,
        accuracy=0.5,
    )  # fmt: skip
    told = found.settings
    assert told["bounds"] == {"dist": [0.2, 0.3]}
    assert (told["loss"], told["outliers beyond"], told["good promises"]) == ("huber", "none", "0.5 pixel")
    assert told["rings followed with"]["max_rings"] == 4


# ---- wrong things are never good -----------------------------------------------------------------------------


def wrong(scene, rough, **changes):
    arguments = {"image": scene.frame(), "geometry": rough, "calibrant": scene.calibrant, **changes}
    return az.recalibrate(arguments.pop("image"), arguments.pop("geometry"), arguments.pop("calibrant"), **arguments)


@pytest.mark.parametrize("name", ["LaB6", "Si", "alpha_Al2O3", "AgBh", "Au", "NaCl"])
def test_wrong_calibrant_is_not_good(scene, rough, name):
    found = wrong(scene, rough, calibrant=name)
    assert found.verdict != "good", found.summary()
    assert found.reasons


@pytest.mark.parametrize("factor", [0.8, 0.9, 1.1, 1.2])
def test_wrong_wavelength_is_not_good(scene, rough, factor):
    found = wrong(scene, rough, wavelength=3e-11 * factor)
    assert found.verdict != "good", found.summary()


@pytest.mark.parametrize("factor", [0.8, 1.2])
def test_wrong_wavelength_with_the_distance_that_goes_with_it_is_not_good(scene, rough, factor):
    """Rings at nearly the right places, as somebody who trusted them would have refined."""
    pose = rough.pose.replace(dist=scene.instrument.pose.dist / factor)
    found = wrong(scene, rough, geometry=rough.replace(pose=pose), wavelength=3e-11 * factor)
    assert found.verdict != "good", found.summary()


@pytest.mark.parametrize("kind", ["empty", "flat", "noise", "gradient", "spots", "masked"])
def test_image_without_rings_is_failed(scene, rough, kind):
    rng = np.random.default_rng(4)
    shape = scene.expected.shape
    image = {
        "empty": np.zeros(shape),
        "flat": np.full(shape, 7.0),
        "noise": rng.poisson(40, shape),
        "gradient": rng.poisson(np.linspace(10, 500, shape[0])[:, None] * np.ones(shape)),
        "spots": np.where(rng.random(shape) < 0.003, 5000, rng.poisson(10, shape)),
        "masked": scene.frame(),
    }[kind]
    found = wrong(scene, rough, image=image, mask=np.ones(shape, bool) if kind == "masked" else None)
    assert found.verdict == "failed", found.summary()


def test_failed_calibration_is_not_saved(scene, rough, tmp_path):
    found = wrong(scene, rough, image=np.zeros(scene.expected.shape))
    with pytest.raises(ParameterError, match="failed"):
        found.save(tmp_path / "a.poni")
    with pytest.raises(ParameterError):
        _ = found.instrument
    assert not list(tmp_path.iterdir())


def test_geometry_far_away_is_not_good(scene):
    pose = scene.instrument.pose
    for changes in ({"poni1": pose.poni1 + 0.03}, {"dist": 1.4 * pose.dist}, {"rot1": pose.rot1 + 0.5}):
        found = wrong(scene, scene.instrument.replace(pose=pose.replace(**changes)))
        close = found.refinement is not None and abs(found.instrument.pose.dist / pose.dist - 1) < 1e-3
        assert found.verdict != "good" or close, found.summary()


def test_fixed_tilt_that_is_wrong_is_not_good(scene, rough):
    pose = rough.pose.replace(rot1=0.15)
    found = wrong(scene, rough, geometry=rough.replace(pose=pose), fix=("rot1", "rot2", "rot3", "wavelength"))
    assert found.verdict != "good", found.summary()


def test_rings_with_other_spacings_are_doubtful(scene, rough):
    d = scene.calibrant.d_spacings() * (1 + 0.01 * np.array([0, 1, -1, 1, 0, -1, 1, 1, -1, 1]))
    found = wrong(scene, rough, calibrant=az.Calibrant.from_d_spacings(d, name="near"))
    assert found.verdict != "good"


@pytest.mark.slow
def test_random_cases_that_are_good_are_right(ceo2):
    """Within 0.1 pixel everywhere; and a good part of the cases with three rings is good, on so few pixels."""
    rng = np.random.default_rng(11)
    good = possible = 0
    for _ in range(40):
        detector = az.Detector(pixel1=4e-4, pixel2=4e-4, shape=(220, 200))
        tilt = rng.uniform(-0.5, 0.5, 2)
        pose = az.Pose(rng.uniform(0.2, 0.6), rng.uniform(0, 0.09), rng.uniform(0, 0.08), *tilt)
        center = az.Instrument(detector, pose).beam_center
        pose = pose.replace(  # beam within the image
            poni1=pose.poni1 + (rng.uniform(40, 180) - center.slow) * 4e-4,
            poni2=pose.poni2 + (rng.uniform(40, 160) - center.fast) * 4e-4,
        )
        truth = az.Instrument(detector, pose, az.Beam(3e-11))
        look = PowderSettings(
            peak_counts=10 ** rng.uniform(1, 4), background=10 ** rng.uniform(0, 2),
            width=rng.uniform(1.5, 3) * 4e-4 / pose.dist,
        )  # fmt: skip
        image = rng.poisson(expected_image(truth, look))
        start = truth.replace(
            pose=pose.replace(
                dist=pose.dist * rng.uniform(0.995, 1.005), poni1=pose.poni1 + rng.uniform(-4, 4) * 4e-4,
                poni2=pose.poni2 + rng.uniform(-4, 4) * 4e-4,
            )
        )  # fmt: skip
        found = az.recalibrate(image, start, ceo2)
        possible += len(found.ring_points.found) >= 3
        if found.verdict == "good":
            good += 1
            assert worst_pixel(truth, found.instrument) < 0.1, found.summary()
    assert possible >= 15
    assert good >= 0.3 * possible


def worst_pixel(truth, instrument):
    """Return the 99 % quantile of the difference of two theta, pixels."""
    angles = []
    for one in (truth, instrument):
        t = one.pose.lab_from_detector(one.detector.centers())
        angles.append(np.arctan2(np.hypot(t[..., 0], t[..., 1]), t[..., 2]))
    pixel = 4e-4 / np.linalg.norm(t, axis=-1)
    return np.percentile(np.abs(angles[1] - angles[0]) / pixel, 99)


def test_what_cannot_be_used_is_refused(scene, rough):
    with pytest.raises(DataTypeError, match="geometry"):
        az.recalibrate(scene.frame(), 3.0, "CeO2")
    with pytest.raises(UnknownNameError):
        az.recalibrate(scene.frame(), rough, "CeO3")
    with pytest.raises(UnknownNameError):
        az.recalibrate(scene.frame(), rough, "CeO2", fix=("tilt",))
    with pytest.raises(TypeError):
        az.recalibrate(scene.frame(), rough, "CeO2", surprise=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ParameterError):
            az.recalibrate(scene.frame(), rough, "CeO2", search=-1)
