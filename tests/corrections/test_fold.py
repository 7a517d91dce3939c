# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Folding: order, sign, exclusion with counts, memory (C2, C3)."""

import json

import numpy as np
import pytest

import azimuthal as az
from azimuthal.corrections import CorrectionSettings, absorption, fold, polarization, solid_angle
from azimuthal.detectors import Cylindrical, Detector
from azimuthal.errors import DataTypeError, ParameterError, ShapeError, UnknownNameError
from azimuthal.geometry import Pose
from azimuthal.instrument import Instrument

SHAPE = (30, 40)
INSTRUMENT = Instrument(Detector(pixel1=1e-3, pixel2=2e-3, shape=SHAPE), Pose(0.05, 0.01, 0.02, 0.3, 0.2, 0.1))
OFF = CorrectionSettings(solid_angle=False)
ALL = CorrectionSettings("absolute", 0.95, 0.2, 0.4)


def images():
    generator = np.random.default_rng(3)
    return {name: generator.uniform(0.5, 1.5, SHAPE) for name in ("dark", "flat", "absorption")}


def test_fold_nothing_chosen_gives_no_arrays():
    folded = fold(INSTRUMENT, OFF)
    assert folded.offset is None
    assert folded.normalization is None
    assert folded.excluded is None
    assert folded.n_excluded == 0


def test_fold_default_is_the_relative_solid_angle():
    np.testing.assert_array_equal(fold(INSTRUMENT).normalization, solid_angle(INSTRUMENT))


def test_fold_everything_is_the_product_and_the_dark_is_apart():
    given = images()
    folded = fold(INSTRUMENT, ALL, **given)
    expected = (
        given["flat"]
        * given["absorption"]
        * solid_angle(INSTRUMENT, mode="absolute")
        * polarization(INSTRUMENT, factor=0.95, offset=0.2)
        * absorption(INSTRUMENT, transmission=0.4)
    )
    np.testing.assert_allclose(folded.normalization, expected, rtol=1e-14)
    np.testing.assert_array_equal(folded.offset, given["dark"])
    assert folded.excluded is None


def test_fold_recovers_a_constant_intensity_from_what_a_detector_would_record():
    """C3: raw = I n + dark, so that (raw - dark) / n is I again."""
    given = images()
    folded = fold(INSTRUMENT, ALL, **given)
    physics = (
        solid_angle(INSTRUMENT, mode="absolute")
        * polarization(INSTRUMENT, factor=0.95, offset=0.2)
        * absorption(INSTRUMENT, transmission=0.4)
    )
    raw = 1e6 * physics * given["flat"] * given["absorption"] + given["dark"]
    np.testing.assert_allclose((raw - folded.offset) / folded.normalization, 1e6, rtol=1e-9)


def test_fold_measured_arrays_only_need_no_geometry():
    given = images()
    folded = fold(INSTRUMENT, OFF, flat=given["flat"])
    np.testing.assert_array_equal(folded.normalization, given["flat"])


def test_fold_dark_only_leaves_the_normalisation_out():
    folded = fold(INSTRUMENT, OFF, dark=np.full(SHAPE, 3, np.uint16))
    assert folded.normalization is None
    np.testing.assert_array_equal(folded.offset, 3.0)


def test_fold_bad_pixels_are_excluded_and_counted_once_by_cause():
    given = images()
    given["dark"][0, :2] = np.nan
    given["flat"][1, :3] = 0
    given["flat"][2, 0] = -1
    given["flat"][2, 1] = np.inf
    given["absorption"][1, :4] = 0
    folded = fold(INSTRUMENT, **given)
    assert folded.summary["excluded"] == {
        "flat not finite": 1,
        "flat not positive": 4,
        "absorption not positive": 1,
        "dark not finite": 2,
    }
    assert folded.n_excluded == 8
    assert np.count_nonzero(folded.excluded) == 8
    assert folded.excluded[[0, 1, 2], [1, 3, 1]].all()
    assert not folded.normalization[folded.excluded].any()
    assert np.isfinite(folded.offset).all()
    assert (folded.normalization[~folded.excluded] > 0).all()


def test_fold_bad_pixels_under_the_mask_are_not_counted():
    flat = np.ones(SHAPE)
    flat[:5] = 0
    mask = np.zeros(SHAPE, bool)
    mask[:4] = True
    folded = fold(INSTRUMENT, flat=flat, mask=mask)
    assert folded.summary["excluded"] == {"flat not positive": 40}
    assert folded.n_excluded == 40


def test_fold_node_of_the_polarisation_is_excluded():
    detector = Detector(pixel1=1e-3, pixel2=1e-3, shape=(1, 3))
    sideways = Instrument(detector, Pose(0.1, 0.5e-3, 1.5e-3, np.pi / 2))
    folded = fold(sideways, CorrectionSettings(polarization_factor=1.0))
    np.testing.assert_array_equal(folded.excluded, [[False, True, False]])
    assert folded.summary["excluded"] == {"polarization not positive": 1}


def test_fold_overflow_of_the_product_is_named():
    flat = np.ones(SHAPE)
    flat[0, 0] = 1e200
    folded = fold(INSTRUMENT, OFF, flat=flat, absorption=flat)
    assert folded.summary["excluded"] == {"product of all factors not finite": 1}


def test_fold_no_pixel_left_raises_with_the_cause():
    with pytest.raises(ParameterError, match="1200 by 'flat not positive'"):
        fold(INSTRUMENT, flat=np.zeros(SHAPE))


def test_fold_results_are_read_only_and_share_no_memory():
    given = images()
    before = {name: image.copy() for name, image in given.items()}
    folded = fold(INSTRUMENT, ALL, **given)
    for result in (folded.offset, folded.normalization):
        assert not result.flags.writeable
        assert not any(np.shares_memory(result, image) for image in given.values())
    for name, image in given.items():
        np.testing.assert_array_equal(image, before[name])
        assert image.flags.writeable


def test_fold_summary_is_json_and_says_what_was_applied():
    folded = fold(INSTRUMENT, ALL, **images())
    assert json.loads(json.dumps(folded.summary)) == {
        "dark": True,
        "flat": True,
        "absorption": True,
        "solid_angle": "absolute",
        "polarization_factor": 0.95,
        "polarization_offset": 0.2,
        "transmission": 0.4,
        "excluded": {},
        "sensor_absorption": {"applied": False, "reason": "switched off"},
        "parallax": {"applied": False},
    }


@pytest.mark.parametrize("name", ["dark", "flat", "absorption"])
def test_fold_wrong_shape_raises_with_the_name(name):
    with pytest.raises(ShapeError, match=name):
        fold(INSTRUMENT, **{name: np.ones((40, 30))})


def test_fold_wrong_mask_shape_raises():
    with pytest.raises(ShapeError, match="mask"):
        fold(INSTRUMENT, mask=np.zeros((40, 30), bool))


def test_fold_mask_given_as_flat_raises():
    with pytest.raises(DataTypeError, match="mask="):
        fold(INSTRUMENT, flat=np.ones(SHAPE, bool))


def test_fold_curved_detector_equals_the_product():
    shape = (12, 40)
    detector = Detector(pixel1=2e-3, pixel2=2e-3, shape=shape, layout=Cylindrical(shape, 2e-3, 2e-3, 0.1))
    instrument = Instrument(detector, Pose(0.1, 0.01, 0.02, 0.3, 0.2, 0.1))
    folded = fold(instrument, CorrectionSettings("relative", 0.9))
    expected = solid_angle(instrument) * polarization(instrument, factor=0.9)
    np.testing.assert_allclose(folded.normalization, expected, rtol=1e-14)


def test_settings_true_means_relative_and_false_stays():
    assert CorrectionSettings(solid_angle=True) == CorrectionSettings("relative")
    assert CorrectionSettings(solid_angle=False).solid_angle is False


@pytest.mark.parametrize(
    ("changes", "error", "match"),
    [
        ({"solid_angle": "absolut"}, UnknownNameError, "'absolute'"),
        ({"solid_angle": None}, UnknownNameError, "solid_angle"),
        ({"polarization_factor": 99}, ParameterError, "polarization_factor"),
        ({"polarization_offset": np.nan}, ParameterError, "polarization_offset"),
        ({"transmission": 1.0}, ParameterError, "transmission"),
    ],
)
def test_settings_bad_value_raises_with_its_name(changes, error, match):
    with pytest.raises(error, match=match):
        CorrectionSettings(**changes)


@pytest.mark.parametrize("mode", ["relative", "absolute", "equal_area", False])
@pytest.mark.parametrize("factor", [None, 0.95, -0.3])
@pytest.mark.parametrize("name", ["uniform", "wide pixels and gaps", "mirrored"])
def test_fold_by_the_core_equals_the_slabs(name, factor, mode):
    detector = {
        "uniform": INSTRUMENT.detector,
        "wide pixels and gaps": az.detector("Xpad_flat").with_region(slice(80, 160), slice(40, 130)),
        "mirrored": az.detector("Jungfrau", orientation=2).with_region(slice(220, 290), slice(220, 290)),
    }[name]
    instrument = Instrument(detector, INSTRUMENT.pose)
    settings = CorrectionSettings(mode, factor, 0.2)
    by_numpy, by_core = (fold(instrument, settings, n_threads=n_threads) for n_threads in (None, 3))
    if factor is None and mode is False:
        assert by_core.normalization is None
    else:
        np.testing.assert_array_equal(by_core.normalization, by_numpy.normalization)
    assert by_core.summary == by_numpy.summary


def test_fold_by_the_core_leaves_faults_to_the_slabs():
    """The pixel on the node of a fully polarised beam has no intensity to divide by."""
    detector = Detector(pixel1=1e-3, pixel2=1e-3, shape=(11, 11))
    instrument = Instrument(detector, Pose(0.05, 5.5e-3, 5.5e-3, 0.5 * np.pi, 0.0, 0.0))
    folded = fold(instrument, CorrectionSettings("relative", 1.0), n_threads=2)
    assert folded.summary == fold(instrument, CorrectionSettings("relative", 1.0)).summary
    assert folded.n_excluded > 0
