# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Detector and Detector_config of PONI files."""

import json
import warnings

import numpy as np
import pytest
from pyFAI.detectors import detector_factory

from azimuthal.detectors import CornerArray, Detector, Sensor, detector, detector_from_pyfai, detector_names
from azimuthal.errors import ConversionError, DataTypeError, ParameterError, ShapeError, UnknownNameError
from azimuthal.testing.shared_data import shared_path


@pytest.fixture(autouse=True)
def _quiet_pyfai(caplog):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        caplog.set_level("CRITICAL", logger="pyFAI")
        yield


@pytest.mark.parametrize("name", [name for name in detector_names() if name != "Detector"])
def test_config_of_every_detector_comes_back_and_is_understood_by_pyfai(name):
    camera = detector(name, orientation=2)
    word, config = json.loads(json.dumps(camera.pyfai_config()))
    assert detector_from_pyfai(word, config) == camera
    theirs = detector_factory(word, config)
    assert type(theirs).__name__ == name
    assert (theirs.pixel1, theirs.pixel2) == (camera.pixel1, camera.pixel2)
    assert tuple(theirs.shape) == camera.shape
    assert int(theirs.orientation) == 2


@pytest.mark.parametrize("name", ["Eiger2_4M", "Pilatus1M", "Rapid", "RayonixMx225", "Mar345", "Pixirad2", "Perkin"])
def test_config_that_pyfai_writes_is_understood(name):
    theirs = detector_factory(name)
    config = json.loads(json.dumps(theirs.get_config(), default=int))
    assert detector_from_pyfai(name, config) == detector(name)


def test_generic_config_comes_back():
    camera = Detector(pixel1=1e-4, pixel2=2e-4, shape=(70, 90), orientation=4).with_sensor("Si", 3e-4)
    word, config = camera.pyfai_config()
    assert word == "Detector"
    assert config["max_shape"] == [70, 90]
    assert detector_from_pyfai(word, config) == camera
    theirs = detector_factory(word, config)
    assert tuple(theirs.shape) == (70, 90)
    assert (theirs.sensor.material.name, theirs.sensor.thickness) == ("Si", 3e-4)


def test_config_of_a_binned_plain_detector_comes_back_with_the_same_positions():
    camera = detector("ADSC_Q315").with_binning(2, 2)
    word, config = camera.pyfai_config()
    assert (word, config["pixel1"]) == ("ADSC_Q315", 2 * 51e-6)
    assert detector_from_pyfai(word, config) == camera
    assert tuple(detector_factory(word, config).shape) == camera.shape
    generic = Detector(pixel1=1e-4, pixel2=2e-4, shape=(70, 90)).with_binning(2, 3)
    again = detector_from_pyfai(*generic.pyfai_config())
    np.testing.assert_allclose(again.corners(), generic.corners(), rtol=1e-14)


@pytest.mark.parametrize(
    ("name", "pixel", "shape"),
    [
        ("RayonixMx225", 0.000146484, (1536, 1536)),
        ("Mar345", 1.5e-4, (2300, 2300)),
        ("Perkin", 1e-4, (4096, 4096)),
        ("RayonixSx165", 0.000118616, (1365, 1365)),
        ("Titan", 1.2e-4, (1024, 1024)),
    ],
)
def test_pixel_size_of_the_file_selects_the_readout(name, pixel, shape):
    assert detector_from_pyfai(name, {"pixel1": pixel, "pixel2": pixel}).shape == shape


def test_shape_given_beside_the_file_selects_among_readouts():
    assert detector_from_pyfai("Mar345", {"pixel1": 1e-4, "pixel2": 1e-4}, shape=(2400, 2400)).shape == (2400, 2400)
    assert detector_from_pyfai("Mar345", {}, shape=(1200, 1200)).pixel1 == 1.5e-4
    with pytest.raises(ParameterError, match="shape"):
        detector_from_pyfai("Pilatus1M", {}, shape=(1000, 1000))


@pytest.mark.parametrize("pixel", [1.73e-4, 3.44e-4, 1e-4])
def test_pixel_size_that_contradicts_the_catalogue_is_refused(pixel):
    with pytest.raises(ParameterError, match="Detector: Detector"):
        detector_from_pyfai("Pilatus1M", {"pixel1": pixel, "pixel2": pixel})


def test_pixel_size_of_rayonix_that_is_no_readout_is_refused():
    with pytest.raises(ParameterError, match="no readout"):
        detector_from_pyfai("RayonixMx225", {"pixel1": 1e-4, "pixel2": 1e-4})


def test_rounding_of_the_same_number_is_no_contradiction():
    config = {"pixel1": 0.00017199999999999998, "pixel2": 0.000172}
    assert detector_from_pyfai("Pilatus1M", config) == detector("Pilatus1M")


def test_generic_file_without_shape_asks_for_it():
    config = {"pixel1": 7.9e-05, "pixel2": 7.9e-05, "max_shape": None, "orientation": 2}
    with pytest.raises(ParameterError, match=r"Pass shape=\(rows, columns\)"):
        detector_from_pyfai("Detector", config)
    camera = detector_from_pyfai("Detector", config, shape=(2048, 2048))
    assert (camera.shape, camera.orientation) == ((2048, 2048), 2)
    with pytest.raises(ParameterError, match="shape"):
        detector_from_pyfai("Detector", {**config, "max_shape": [10, 10]}, shape=(2048, 2048))


def test_version_1_file_has_no_detector_name():
    camera = detector_from_pyfai(None, {"pixel1": 1e-4, "pixel2": 1e-4}, shape=(5, 5))
    assert camera == Detector(pixel1=1e-4, pixel2=1e-4, shape=(5, 5))


@pytest.mark.parametrize(
    ("name", "config", "error", "match"),
    [
        ("Pilatus1M", {"pixel_1": 1e-4}, UnknownNameError, "pixel_1"),
        ("Pilatis1M", {}, UnknownNameError, "Pilatus1M"),
        ("Pilatus1M", {"pixel1": "wide"}, DataTypeError, "pixel1"),
        ("Pilatus1M", {"max_shape": [5, 5]}, ParameterError, "max_shape"),
        ("Pilatus1M", {"module_size": [5, 5]}, ParameterError, "module_size"),
        ("Pilatus1M", {"filename": "x.h5"}, ParameterError, "filename"),
        ("Pilatus1M", {"orientation": 6}, ParameterError, "transposes"),
        ("Pilatus1M", {"sensor": {"material": "Si"}}, ParameterError, "thickness"),
        ("Pilatus1M", {"sensor": {"material": "Si", "thickness": None}}, ParameterError, "missing"),
        ("Detector", {"pixel1": 1e-4, "max_shape": [5, 5]}, ParameterError, "pixel2"),
        ("Detector", {"pixel1": 1e-4, "radius": 3}, ParameterError, "radius"),
        ("NexusDetector", {}, ParameterError, "filename"),
        ("NexusDetector", {"filename": "x.h5"}, ConversionError, "load_file"),
        ("NexusDetector", {"filename": "x.h5", "max_shape": [2, 2]}, ParameterError, "max_shape"),
    ],
)
def test_config_that_cannot_be_meant_is_refused_by_name(name, config, error, match):
    with pytest.raises(error, match=match):
        detector_from_pyfai(name, config)


def test_known_module_size_sensor_and_unbinned_shape_are_accepted():
    config = {
        "module_size": [195, 487],
        "sensor": {"material": "Si", "thickness": 4.5e-4},
        "orientation": 0,
        "pixel1": None,
    }
    camera = detector_from_pyfai("Pilatus1M", config)
    assert (camera.sensor, camera.orientation) == (Sensor("Si", 4.5e-4), 3)
    assert detector_from_pyfai("RayonixMx225", {"max_shape": [6144, 6144]}) == detector("RayonixMx225")


def test_detector_file_is_read_by_the_function_given():
    stored = Detector(pixel1=1e-4, pixel2=1e-4, shape=(5, 5), orientation=2, file="x.h5")
    camera = detector_from_pyfai("NexusDetector", {"filename": "x.h5"}, load_file=lambda path: stored)
    assert camera == stored
    assert camera.pyfai_config() == ("NexusDetector", {"filename": "x.h5", "orientation": 2})
    turned = detector_from_pyfai("NexusDetector", {"filename": "x.h5", "orientation": 3}, load_file=lambda path: stored)
    assert turned.orientation == 3
    with pytest.raises(ParameterError, match="pixel1"):
        detector_from_pyfai("NexusDetector", {"filename": "x.h5", "pixel1": 2e-4}, load_file=lambda path: stored)


def test_spline_file_comes_back():
    path = str(shared_path("data/formats/f4mnew.spline"))
    for name in ("FReLoN", "Detector"):
        camera = detector_from_pyfai(name, {"splineFile": path, "orientation": 1})
        assert camera == detector(name, spline=path, orientation=1)
        assert camera.pyfai_config() == (name, {"splineFile": path, "orientation": 1})
    with pytest.raises(ParameterError, match="pixel_size"):
        detector_from_pyfai("FReLoN", {"splineFile": path, "pixel1": 4e-5, "pixel2": 4e-5})


@pytest.mark.parametrize(
    "camera",
    [
        detector("Eiger2_4M").with_region(slice(0, 100), slice(None)),
        detector("Eiger2_4M").with_mask(np.ones((2162, 2068), bool)),
        detector("Jungfrau").with_binning(2, 2),
        Detector(pixel1=1e-4, pixel2=1e-4, shape=(5, 5)).with_mask(np.eye(5, dtype=bool)),
        Detector(pixel1=1e-4, pixel2=1e-4, shape=(9, 9)).with_region(slice(1, 9), slice(None)),
        Detector(pixel1=1e-4, pixel2=1e-4, shape=(5, 5), layout=CornerArray(np.zeros((5, 5, 4, 3)))),
    ],
    ids=["region", "mask", "uneven", "own mask", "own region", "corners"],
)
def test_detector_that_a_poni_file_cannot_describe_is_refused(camera):
    with pytest.raises(ConversionError, match="save_detector"):
        camera.pyfai_config()


def test_shape_of_two_numbers_is_needed():
    with pytest.raises((DataTypeError, ShapeError)):
        detector_from_pyfai("Detector", {"pixel1": 1e-4, "pixel2": 1e-4, "max_shape": [5]})
