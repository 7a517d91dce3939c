# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Detector files: ours in pyFAI, pyFAI's in ours."""

import warnings

import h5py
import numpy as np
import pytest
from pyFAI.detectors import NexusDetector, detector_factory

from azimuthal.detectors import (
    AxisSteps,
    CornerArray,
    Cylindrical,
    Detector,
    Hexagonal,
    InvalidValues,
    Sensor,
    SteppedGrid,
    detector,
    detector_from_pyfai,
)
from azimuthal.errors import (
    FileFormatError,
    FileMissingError,
    GeometryFileWarning,
    OutputError,
    OutputExistsError,
    ParameterError,
    ShapeError,
)
from azimuthal.io.detector_files import load_detector, load_detector_images, save_detector
from azimuthal.testing.shared_data import shared_path

RANDOM = np.random.default_rng(5)
SHAPE = (24, 30)
MASK = RANDOM.random(SHAPE) < 0.2
FLOAT32 = float(np.finfo(np.float32).eps)


def _small(layout, **options):
    return Detector(shape=SHAPE, pixel1=1e-4, pixel2=1e-4, layout=layout, name="small one", **options)


SMALL = {
    "plain": _small(None, invalid=InvalidValues(2, negative=True), sensor=Sensor("CdTe", 1e-3)),
    "stepped": _small(SteppedGrid(SHAPE, 1e-4, 1e-4, AxisSteps(8, 2.5, 1e-3), AxisSteps(10, 2.0))),
    "cylindrical": _small(Cylindrical(SHAPE, 1e-4, 1e-4, 0.01)),
    "hexagonal": _small(Hexagonal(SHAPE, 6e-5 * np.sqrt(0.75), 6e-5)),
    "corners": _small(CornerArray(_small(None).corners() + RANDOM.normal(size=(*SHAPE, 4, 3)) * 1e-6)),
    "region": _small(None).with_region(slice(2, 22), slice(5, 25)).with_binning(2, 2),
}
SMALL |= {f"{name}, masked": camera.with_mask(MASK) for name, camera in SMALL.items() if name != "region"}


@pytest.fixture(autouse=True)
def _quiet_pyfai(caplog, request):
    if "warns" in request.node.name:
        yield
        return
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="pyFAI")
        caplog.set_level("CRITICAL", logger="pyFAI")
        yield


def _sorted(corners):
    return np.sort(corners, axis=2)


@pytest.mark.parametrize("name", SMALL)
def test_saved_detector_loads_equal(name, tmp_path):
    path = tmp_path / "small.h5"
    save_detector(SMALL[name], path)
    again = load_detector(path)
    assert again == SMALL[name]
    assert again.file == str(path)
    assert [item.name for item in tmp_path.iterdir()] == ["small.h5"]


@pytest.mark.parametrize("name", ["Pilatus100k", "ImXPadS70", "Maxipix2x2"])
def test_saved_catalogue_detector_loads_equal(name, tmp_path):
    camera = detector(name, orientation=3)
    save_detector(camera, tmp_path / "d.h5")
    assert load_detector(tmp_path / "d.h5") == camera


@pytest.mark.parametrize("orientation", [1, 2, 4])
@pytest.mark.parametrize("name", SMALL)
def test_saved_oriented_detector_keeps_every_image_pixel(name, orientation, tmp_path):
    camera = SMALL[name].with_orientation(orientation)
    save_detector(camera, tmp_path / "d.h5")
    again = load_detector(tmp_path / "d.h5")
    np.testing.assert_array_equal(again.corners(), camera.corners())
    np.testing.assert_array_equal(again.gap_mask(), camera.gap_mask())
    assert (again.pixel1, again.invalid, again.sensor, again.name) == (
        camera.pixel1,
        camera.invalid,
        camera.sensor,
        camera.name,
    )


@pytest.mark.parametrize("orientation", [1, 2, 3, 4])
@pytest.mark.parametrize("name", SMALL)
def test_saved_detector_opens_in_pyfai(name, orientation, tmp_path):
    camera = SMALL[name].with_orientation(orientation)
    path = str(tmp_path / "d.h5")
    save_detector(camera, path)
    corners, centers = NexusDetector(path).get_pixel_corners(), NexusDetector(path).calc_cartesian_positions()
    theirs = NexusDetector(path)
    assert theirs.name == "small one"
    assert tuple(theirs.shape) == camera.shape
    tolerance = 1e-9 + 2 * FLOAT32 * np.abs(camera.corners()).max()
    np.testing.assert_allclose(_sorted(corners[..., [1, 2, 0]]), _sorted(camera.corners()), rtol=0, atol=tolerance)
    if camera.gap_mask().any():
        np.testing.assert_array_equal(theirs.mask != 0, camera.gap_mask())
    if camera.n_corners == 4:  # of hexagons pyFAI takes four corners for the centre
        for axis in (0, 1):
            expected = camera.corners()[..., axis].mean(axis=2)
            np.testing.assert_allclose(centers[axis], expected, rtol=0, atol=tolerance)
    if camera.sensor is not None:
        assert (theirs.sensor.material.name, theirs.sensor.thickness) == ("CdTe", 1e-3)
    if camera.invalid.top_of_unsigned == 2:
        assert (theirs.dummy, theirs.delta_dummy) == (-2, 1.5)


@pytest.mark.parametrize("name", ["Pilatus100k", "Eiger2CdTe_500k", "Xpad_flat", "Pixirad1", "Maxipix2x2"])
def test_file_of_pyfai_opens_in_ours(name, tmp_path):
    path = str(tmp_path / "theirs.h5")
    detector_factory(name).save(path)
    ours, known = load_detector(path), detector(name)
    assert ours.shape == known.shape
    assert (ours.pixel1, ours.pixel2) == (known.pixel1, known.pixel2)
    assert ours.invalid == (known.invalid if name.startswith(("Pil", "Eig")) else InvalidValues())
    rows = slice(100, 140)
    tolerance = 1e-9 + 2 * FLOAT32 * np.abs(known.corners(rows)).max()
    np.testing.assert_allclose(ours.corners(rows), known.corners(rows), rtol=0, atol=tolerance)
    np.testing.assert_array_equal(ours.gap_mask(), known.gap_mask())


@pytest.mark.parametrize("orientation", [1, 2, 4])
def test_oriented_plain_file_of_pyfai_opens_in_ours(orientation, tmp_path):
    path = str(tmp_path / "theirs.h5")
    detector_factory("Pilatus100k", {"orientation": orientation}).save(path)
    expected = detector("Pilatus100k", orientation=orientation)
    np.testing.assert_allclose(load_detector(path).corners(), expected.corners(), rtol=0, atol=2e-8)


def test_oriented_file_with_corners_is_ambiguous_and_asks(tmp_path):
    path = str(tmp_path / "theirs.h5")
    detector_factory("Xpad_flat", {"orientation": 2}).save(path)
    with pytest.raises(ParameterError, match="corner_order"):
        load_detector(path)
    expected = detector("Xpad_flat", orientation=2).corners()
    np.testing.assert_allclose(load_detector(path, corner_order="native").corners(), expected, rtol=0, atol=2e-8)
    np.testing.assert_allclose(load_detector(path, corner_order="image").corners(), expected[::-1], rtol=0, atol=2e-8)


def test_sample_of_an_old_pyfai_version_is_read():
    camera = load_detector(shared_path("data/formats/detector.h5"))
    assert camera.shape == (1048, 1032)
    assert camera.pixel1 == float(np.float32(1e-4))
    assert camera.name == "Detector"
    assert camera.pyfai_config()[0] == "NexusDetector"


def test_detector_file_named_by_a_poni_file_is_read(tmp_path):
    path = str(tmp_path / "d.h5")
    save_detector(SMALL["stepped"], path)
    name, config = load_detector(path).pyfai_config()
    assert detector_from_pyfai(name, config, load_file=load_detector) == SMALL["stepped"]


def test_images_are_kept_beside_the_detector(tmp_path):
    flat, dark = RANDOM.random(SHAPE), RANDOM.random(SHAPE)
    save_detector(SMALL["plain, masked"], tmp_path / "d.h5", flatfield=flat, darkcurrent=dark)
    images = load_detector_images(tmp_path / "d.h5")
    np.testing.assert_array_equal(images.mask, MASK)
    np.testing.assert_array_equal(images.flatfield, flat)
    np.testing.assert_array_equal(images.darkcurrent, dark)
    theirs = NexusDetector(str(tmp_path / "d.h5"))
    np.testing.assert_array_equal(theirs.flatfield, flat)
    save_detector(SMALL["plain"], tmp_path / "none.h5")
    assert load_detector_images(tmp_path / "none.h5") == (None, None, None)


def test_pixels_without_finite_corners_are_masked(tmp_path):
    path = tmp_path / "d.h5"
    save_detector(SMALL["corners"], path)
    with h5py.File(path, "r+") as file:
        node = file["entry_0000/pyFAI/small_one"]
        for name in ("azimuthal_record", "azimuthal_pixel_corners"):
            del node[name]
        node["pixel_corners"][3, 4, 1, 1] = np.nan
    camera = load_detector(path)
    assert np.argwhere(camera.gap_mask()).tolist() == [[3, 4]]
    assert np.isfinite(camera.corners()).all()


def _edit(path, changes):
    """Save a plain detector without our own record, with some datasets changed or (None) removed."""
    save_detector(SMALL["plain"], path)
    with h5py.File(path, "r+") as file:
        node = file["entry_0000/pyFAI/small_one"]
        for name, value in {"azimuthal_record": None, **changes}.items():
            if name in node:
                del node[name]
            if value is not None:
                node[name] = value


def test_plain_file_without_our_record_is_read_from_its_datasets(tmp_path):
    _edit(tmp_path / "d.h5", {})
    assert load_detector(tmp_path / "d.h5") == SMALL["plain"]
    _edit(tmp_path / "e.h5", {"shape": None, "max_shape": [48, 60], "binning": [2, 2]})
    assert load_detector(tmp_path / "e.h5").shape == SHAPE


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"pixel_size": None}, "pixel_size"),
        ({"pixel_size": [1e-4]}, "pixel_size"),
        ({"shape": None, "max_shape": None}, "shape"),
        ({"IS_FLAT": False}, "not flat"),
        ({"pixel_corners": np.zeros((3, 4, 3))}, "pixel_corners"),
        ({"shape": b"large"}, "read the detector"),
    ],
)
def test_file_with_something_missing_is_refused_by_name(changes, match, tmp_path):
    _edit(tmp_path / "d.h5", changes)
    with pytest.raises(FileFormatError, match=match):
        load_detector(tmp_path / "d.h5")


@pytest.mark.parametrize(
    ("changes", "match"), [({"dummy": 0.0}, "dummy 0.0"), ({"sensor_thickness": None}, "CdTe of untold thickness")]
)
def test_what_cannot_be_kept_warns_by_name(changes, match, tmp_path):
    _edit(tmp_path / "d.h5", changes)
    with pytest.warns(GeometryFileWarning, match=match):
        load_detector(tmp_path / "d.h5")


def test_file_with_several_detectors_asks_which(tmp_path):
    path = str(tmp_path / "d.h5")
    detector_factory("Pilatus100k").save(path)
    detector_factory("Maxipix").save(path)
    with pytest.raises(ParameterError, match=r"several detectors.*Pilatus_100k"):
        load_detector(path)
    groups = ("entry_0000/pyFAI/Pilatus_100k", "entry_0000/pyFAI/Maxipix", "entry_0001/pyFAI/Maxipix_1x1")
    with h5py.File(path) as file:
        known = [group for group in groups if group in file]
    assert load_detector(path, group=known[0]).shape == (195, 487)
    with pytest.raises(ParameterError, match="no NXdetector"):
        load_detector(path, group="/entry/nothing")


def test_file_that_is_no_detector_file_is_refused(tmp_path):
    with pytest.raises(FileMissingError):
        load_detector(tmp_path / "none.h5")
    with h5py.File(tmp_path / "empty.h5", "w"):
        pass
    with pytest.raises(FileFormatError, match="no group of class NXdetector"):
        load_detector(tmp_path / "empty.h5")
    (tmp_path / "text.h5").write_text("no")
    with pytest.raises(FileFormatError):
        load_detector(tmp_path / "text.h5")


def test_existing_file_is_replaced_only_when_asked(tmp_path):
    path = tmp_path / "d.h5"
    path.write_text("precious")
    with pytest.raises(OutputExistsError, match="force=True"):
        save_detector(SMALL["plain"], path)
    assert path.read_text() == "precious"
    save_detector(SMALL["plain"], path, force=True)
    assert load_detector(path) == SMALL["plain"]


def test_failed_save_leaves_nothing_behind(tmp_path):
    with pytest.raises(ShapeError, match="flatfield"):
        save_detector(SMALL["plain"], tmp_path / "d.h5", flatfield=np.ones((3, 3)))
    with pytest.raises(OutputError, match="folder"):
        save_detector(SMALL["plain"], tmp_path / "none" / "d.h5")
    assert not list(tmp_path.iterdir())
