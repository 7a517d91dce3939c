# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Detectors as JSON records."""

import json

import numpy as np
import pytest

from azimuthal.detectors import CornerArray, Detector, InvalidValues, Sensor, detector, detector_names, load_spline
from azimuthal.errors import DataTypeError, UnknownNameError
from azimuthal.testing.shared_data import shared_path


def _through_json(camera):
    return Detector.from_dict(json.loads(json.dumps(camera.to_dict())))


@pytest.mark.parametrize("name", [name for name in detector_names() if name != "Detector"])
def test_record_of_a_catalogue_detector_is_its_name(name):
    assert detector(name).to_dict() == {"catalogue": name}
    assert _through_json(detector(name)) == detector(name)


def test_record_of_a_changed_catalogue_detector_holds_the_changes_only():
    camera = detector("Eiger2_4M", orientation=2).with_region(slice(0, 2160), slice(None)).with_binning(2, 2)
    record = camera.to_dict()  # the image is mirrored: leaving out its last rows moves the origin on the detector
    assert set(record) == {"catalogue", "orientation", "shape", "pixel1", "pixel2", "origin", "binning"}
    assert _through_json(camera) == camera


@pytest.mark.parametrize(
    "camera",
    [
        detector("Pilatus1M", sensor=Sensor("Si", 320e-6)),
        detector("Eiger2_4M").with_sensor(None),
        detector("RayonixMx225", binning=(4, 4)),
        detector("Mar345", shape=(1200, 1200)).with_orientation(4),
        detector("Rapid", radius=0.13),
        detector("Pixirad1").with_region(slice(1, 5), slice(2, 9)),
        Detector(pixel1=1e-4, pixel2=2e-4, shape=(7, 9), name="mine", invalid=InvalidValues(0)),
        detector("Pilatus1M").replace(pixel1=1.8e-4),
        detector("Pilatus1M").replace(modules=None, maker="me"),
    ],
    ids=lambda camera: camera.name,
)
def test_record_survives_json(camera):
    assert _through_json(camera) == camera


def test_record_of_explicit_corners_and_masks_survives_json():
    corners = np.random.default_rng(3).normal(size=(5, 6, 4, 3))
    camera = Detector(pixel1=1e-4, pixel2=1e-4, shape=(5, 6), layout=CornerArray(corners))
    camera = camera.with_mask(np.eye(5, 6, dtype=bool))
    again = _through_json(camera)
    assert again == camera
    np.testing.assert_array_equal(again.corners(), corners)


def test_record_of_a_distorted_detector_holds_the_spline():
    spline = load_spline(shared_path("data/formats/f4mnew.spline"))
    camera = detector("FReLoN", spline=spline).with_region(slice(0, 10), slice(5, 9))
    again = _through_json(camera)
    assert again == camera
    np.testing.assert_array_equal(again.corners(), camera.corners())


def test_record_with_an_unknown_key_is_refused_by_name():
    with pytest.raises(UnknownNameError, match=r"orientatoin.*orientation"):
        Detector.from_dict({"catalogue": "Eiger2_4M", "orientatoin": 2})
    with pytest.raises(UnknownNameError, match="radius"):
        Detector.from_dict({"pixel1": 1.0, "pixel2": 1.0, "shape": [2, 2], "radius": 3})
    with pytest.raises(UnknownNameError, match="layout 'regular'"):
        Detector.from_dict({"pixel1": 1.0, "pixel2": 1.0, "shape": [2, 2], "layout": {"builder": "regular", "r": 1}})


def test_record_that_is_no_mapping_is_refused():
    with pytest.raises(DataTypeError, match="record"):
        Detector.from_dict("Eiger2_4M")
