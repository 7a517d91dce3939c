# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
import math
import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from azimuthal.detectors import CornerArray, Cylindrical, Detector, Sensor, detector
from azimuthal.errors import (
    AzimuthalError,
    ConversionError,
    ConversionLossWarning,
    DataTypeError,
    FileFormatError,
    FileMissingError,
    GeometryFileWarning,
    OutputError,
    OutputExistsError,
    ParameterError,
    ShapeError,
    UnknownNameError,
    UnsupportedOptionError,
)
from azimuthal.geometry import Beam, Pose
from azimuthal.geometry.conventions.poni import describe_history
from azimuthal.geometry.conventions.spd import format_spd, spd_from_pose
from azimuthal.instrument import Instrument
from azimuthal.io.detector_files import load_detector, save_detector
from azimuthal.io.geometry_files import load_instrument, read_poni, save_instrument
from azimuthal.testing.shared_data import shared_path

LAB_TOLERANCE = 1e-11  # m: formats hold mm, pixels and degrees at up to 1 m
CAMERA = Detector(pixel1=1.2e-4, pixel2=0.9e-4, shape=(5, 7))
INSTRUMENT = Instrument(CAMERA, Pose(0.1, 0.002, 0.007, 0.1, -0.2, 0.3), Beam(1e-10))

# format, extension, keeps rot3 and chi, the reader must be told: shape, orientation
FORMATS = {
    "poni": (".poni", True, False, False),
    "gsas2": (".imctrl", True, False, False),
    "xds": (".inp", True, False, False),
    "fit2d": (".fit2d", False, True, True),
    "imaged11": (".par", True, True, False),
    "crystfel": (".geom", True, False, False),
    "cxi": (".cxi", True, True, False),
    "nexus": (".nxs", True, False, False),
}

forward_poses = st.builds(
    Pose,
    dist=st.floats(0.05, 1.0),
    poni1=st.floats(-0.1, 0.1),
    poni2=st.floats(-0.1, 0.1),
    rot1=st.floats(-1, 1),
    rot2=st.floats(-1, 1),
    rot3=st.floats(-3, 3),
)


def positions(instrument):
    return instrument.pose.lab_from_detector(instrument.detector.centers())


def two_theta(instrument):
    t1, t2, t3 = np.moveaxis(positions(instrument), -1, 0)
    return np.arctan2(np.hypot(t1, t2), t3)


def round_trip(instrument, path, name):
    _, _, needs_shape, needs_orientation = FORMATS[name]
    given = {}
    if needs_orientation:
        given["detector"] = instrument.detector
    elif needs_shape:
        given["shape"] = instrument.detector.shape
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConversionLossWarning)
        warnings.simplefilter("ignore", GeometryFileWarning)
        save_instrument(instrument, path, force=True)
        return load_instrument(path, **given)


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(pose=forward_poses, orientation=st.integers(1, 4))
def test_every_format_round_trip_keeps_two_theta_of_every_image_pixel(name, pose, orientation, tmp_path):
    instrument = Instrument(CAMERA.with_orientation(orientation), pose, Beam(0.7e-10))
    back = round_trip(instrument, tmp_path / f"geometry{FORMATS[name][0]}", name)
    np.testing.assert_allclose(np.cos(two_theta(back)), np.cos(two_theta(instrument)), rtol=0, atol=1e-11)
    assert back.wavelength == pytest.approx(0.7e-10, rel=1e-12)


@pytest.mark.parametrize("name", [name for name, facts in FORMATS.items() if facts[1] and name != "gsas2"])
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(pose=forward_poses, orientation=st.integers(1, 4))
def test_format_with_azimuth_round_trip_keeps_lab_positions(name, pose, orientation, tmp_path):
    instrument = Instrument(CAMERA.with_orientation(orientation), pose, Beam(0.7e-10))
    back = round_trip(instrument, tmp_path / f"geometry{FORMATS[name][0]}", name)
    np.testing.assert_allclose(positions(back), positions(instrument), rtol=0, atol=LAB_TOLERANCE)


@pytest.mark.parametrize("name", ["poni", "nexus"])
def test_own_formats_round_trip_is_exact(name, tmp_path):
    camera = detector("Pilatus1M").with_sensor("Si", 4.5e-4).with_orientation(4)
    instrument = Instrument(camera, INSTRUMENT.pose, Beam(1e-10), parallax=True)
    assert round_trip(instrument, tmp_path / f"a{FORMATS[name][0]}", name) == instrument


def test_gsas2_native_round_trip_keeps_lab_positions(tmp_path):
    back = round_trip(INSTRUMENT, tmp_path / "a.imctrl", "gsas2")
    np.testing.assert_allclose(positions(back), positions(INSTRUMENT), rtol=0, atol=LAB_TOLERANCE)


@pytest.mark.parametrize("name", ["gsas2", "xds", "imaged11", "cxi", "nexus", "crystfel"])
def test_region_of_a_detector_keeps_the_place_of_its_pixels(name, tmp_path):
    camera = CAMERA.with_orientation(2 if name != "gsas2" else 3).with_region(slice(1, 4), slice(2, 7))
    instrument = INSTRUMENT.replace(detector=camera)
    back = round_trip(instrument, tmp_path / f"a{FORMATS[name][0]}", name)
    assert back.detector.shape == (3, 5)
    np.testing.assert_allclose(positions(back), positions(instrument), rtol=0, atol=LAB_TOLERANCE)


@pytest.mark.parametrize("orientation", [1, 2, 4])
def test_gsas2_of_mirrored_image_warns_that_azimuths_change(orientation, tmp_path):
    instrument = INSTRUMENT.replace(detector=CAMERA.with_orientation(orientation))
    with pytest.warns(ConversionLossWarning, match="orientation.*left behind.*azimuths"):
        save_instrument(instrument, tmp_path / "a.imctrl")


def test_modules_apart_warn_of_loss_and_keep_the_first_pixel(tmp_path):
    camera = detector("Xpad_flat")
    instrument = INSTRUMENT.replace(detector=camera)
    with pytest.warns(ConversionLossWarning, match=r"XDS: of Xpad.*module gaps.*µm"):
        save_instrument(instrument, tmp_path / "XDS.INP")
    back = load_instrument(tmp_path / "XDS.INP", detector=camera)
    np.testing.assert_allclose(positions(back), positions(instrument), rtol=0, atol=1e-10)


def test_distorted_pixels_warn_of_loss(tmp_path):
    corners = CAMERA.corners()
    corners[2, 2, 0, 0] += 1e-6
    camera = CAMERA.replace(layout=CornerArray(corners), name="Bent")
    with pytest.warns(ConversionLossWarning, match="XDS: of Bent, the distortion of its pixels"):
        save_instrument(INSTRUMENT.replace(detector=camera), tmp_path / "XDS.INP")
    save_instrument(INSTRUMENT.replace(detector=camera), tmp_path / "a.nxs")
    assert load_instrument(tmp_path / "a.nxs").detector == camera


@pytest.mark.parametrize("extension", [".inp", ".imctrl", ".fit2d", ".par", ".cxi", ".geom"])
def test_curved_detector_is_refused_by_formats_of_one_plane(extension, tmp_path):
    layout = Cylindrical(shape=(40, 300), pixel1=1e-4, pixel2=1e-4, radius=0.05)
    camera = Detector(pixel1=1e-4, pixel2=1e-4, shape=(40, 300), layout=layout)
    with pytest.raises(ConversionError, match="NeXus"):
        save_instrument(INSTRUMENT.replace(detector=camera), tmp_path / f"a{extension}")
    assert list(tmp_path.iterdir()) == []


def test_parallax_is_named_as_lost(tmp_path):
    instrument = Instrument(CAMERA.with_sensor("Si", 4.5e-4), INSTRUMENT.pose, Beam(1e-10), parallax=True)
    with pytest.warns(ConversionLossWarning, match="parallax correction is left behind"):
        save_instrument(instrument, tmp_path / "XDS.INP")
    assert "SENSOR_THICKNESS= 0.45" in (tmp_path / "XDS.INP").read_text()


def test_save_instrument_never_appends_nor_overwrites_without_force(tmp_path):
    path = tmp_path / "a.poni"
    save_instrument(INSTRUMENT, path)
    before = path.read_text()
    with pytest.raises(OutputExistsError, match="exists"):
        save_instrument(INSTRUMENT.replace(beam=Beam(2e-10)), path)
    assert path.read_text() == before
    save_instrument(INSTRUMENT.replace(beam=Beam(2e-10)), path, force=True)
    assert path.read_text().count("Distance") == 1
    assert load_instrument(path).wavelength == 2e-10


def test_save_instrument_unknown_extension_format_or_type_raises(tmp_path):
    with pytest.raises(UnknownNameError, match=r"extension: '.pony'.*'.poni'"):
        save_instrument(INSTRUMENT, tmp_path / "a.pony")
    with pytest.raises(UnknownNameError, match="format: 'pony'"):
        save_instrument(INSTRUMENT, tmp_path / "a.poni", "pony")
    with pytest.raises(UnsupportedOptionError, match="spd"):
        save_instrument(INSTRUMENT, tmp_path / "a.edf")
    with pytest.raises(DataTypeError, match="instrument"):
        save_instrument("a", tmp_path / "a.poni")
    with pytest.raises(OutputError, match="does not exist"):
        save_instrument(INSTRUMENT, tmp_path / "no" / "a.poni")


@pytest.mark.parametrize("name", ["poni", "xds", "gsas2", "imaged11", "crystfel", "nexus"])
def test_load_instrument_without_known_extension_looks_at_the_content(name, tmp_path):
    path = tmp_path / f"a{FORMATS[name][0]}"
    save_instrument(INSTRUMENT, path)
    bare = path.rename(tmp_path / "bare")
    given = {"shape": CAMERA.shape} if FORMATS[name][2] else {}
    np.testing.assert_allclose(positions(load_instrument(bare, **given)), positions(INSTRUMENT), atol=LAB_TOLERANCE)


def test_load_instrument_of_nothing_known_raises(tmp_path):
    with pytest.raises(FileMissingError, match=r"none\.poni"):
        load_instrument(tmp_path / "none.poni")
    with pytest.raises(FileFormatError, match="folder"):
        load_instrument(tmp_path, format="poni")
    path = tmp_path / "a.txt"
    path.write_text("hello\n")
    with pytest.raises(FileFormatError, match="recognised neither by its extension nor by its content"):
        load_instrument(path)
    with pytest.raises(UnknownNameError, match="format: 'pony'"):
        load_instrument(path, format="pony")


@pytest.mark.parametrize("extension", [".poni", ".imctrl", ".inp", ".par", ".geom", ".fit2d", ".nxs", ".cxi", ".edf"])
@pytest.mark.parametrize("content", [b"", b"\x00\x01\x02" * 30, b"\x89HDF\r\n\x1a\n" + b"\x00" * 20, b"\n\n"])
def test_load_instrument_empty_or_binary_file_raises_naming_it(extension, content, tmp_path):
    path = tmp_path / f"broken{extension}"
    path.write_bytes(content)
    with pytest.raises(AzimuthalError, match="broken"):
        load_instrument(path)


V1 = """PixelSize1: 0.00012
PixelSize2: 0.00009
Distance: 0.1
Poni1: 0.002
Poni2: 0.007
Rot1: 0.1
Rot2: -0.2
Rot3: 0.3
Wavelength: 1e-10
"""


def test_poni_without_shape_asks_for_it(tmp_path):
    path = tmp_path / "a.poni"
    path.write_text(V1)
    with pytest.raises(ParameterError, match=r"a\.poni.*shape=\(rows, columns\)"):
        load_instrument(path)
    assert load_instrument(path, shape=(5, 7)) == INSTRUMENT
    assert load_instrument(path, detector=CAMERA) == INSTRUMENT


def test_poni_with_named_detector_of_version_1_is_checked_against_its_pixel_size(tmp_path):
    path = tmp_path / "a.poni"
    path.write_text("Detector: Pilatus300kw\n" + V1)
    with pytest.raises(ParameterError, match=r"a\.poni.*Pilatus300kw|Pilatus 300kw"):
        load_instrument(path)
    path.write_text("Detector: Pilatus300kw\n" + V1.replace("0.00012", "0.000172").replace("0.00009", "0.000172"))
    assert load_instrument(path).detector.shape == (195, 1475)


def test_poni_detector_that_contradicts_the_file_raises(tmp_path):
    path = tmp_path / "a.poni"
    path.write_text(V1)
    with pytest.raises(ParameterError, match=r"Pilatus.*pixel1 = 0.000172 m.*says 0.00012 m"):
        load_instrument(path, detector="Pilatus1M")
    with pytest.raises(ShapeError, match="shape"):
        load_instrument(path, detector=CAMERA, shape=(6, 7))
    with pytest.raises(DataTypeError, match="detector"):
        load_instrument(path, detector=5)
    with pytest.raises(DataTypeError, match="shape"):
        load_instrument(path, shape=5)


def test_poni_shape_that_contradicts_the_file_raises(tmp_path):
    save_instrument(INSTRUMENT, tmp_path / "a.poni")
    with pytest.raises(ParameterError, match=r"a\.poni.*shape"):
        load_instrument(tmp_path / "a.poni", shape=(9, 9))


def test_poni_orientation_replaced_by_that_of_the_detector_passed_warns(tmp_path):
    save_instrument(INSTRUMENT, tmp_path / "a.poni")
    with pytest.warns(GeometryFileWarning, match="orientation 3 of the file is replaced.*2"):
        load_instrument(tmp_path / "a.poni", detector=CAMERA.with_orientation(2))


def test_poni_spline_beside_the_file_is_found(tmp_path):
    spline = shared_path("data/formats/f4mnew.spline")
    (tmp_path / "d.spline").write_bytes(spline.read_bytes())
    content = V1.replace("PixelSize1: 0.00012\nPixelSize2: 0.00009\n", "") + "SplineFile: d.spline\n"
    (tmp_path / "a.poni").write_text(content)
    assert not load_instrument(tmp_path / "a.poni").detector.is_separable


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("ceo2_pilatus1m/CeO2_Pilatus1M.poni", (1043, 981)),
        ("swaxs_golden/SAXS.poni", None),
        ("swaxs_golden/WAXS.poni", None),
        ("lambda_modules/L2.poni", (1556, 516)),
        ("formats/LaB6_40keV_MarCCD.poni", (2048, 2048)),
        ("pixium_cake/DLS_CeO2_1200mm_pyFAI.poni", (1441, 1440)),
        ("goniometer_lab6/b_toney_Lab6_thtth_rightside_scan2_0009.poni", None),
        ("strain_mar345/nx09_strain.derived.poni", None),
    ],
)
def test_real_poni_loads_and_is_saved_to_every_format(name, shape, tmp_path):
    instrument = load_instrument(shared_path(f"data/{name}"), shape=shape)
    assert instrument.beam_center is not None
    save_instrument(instrument, tmp_path / "again.poni")
    again = load_instrument(tmp_path / "again.poni")
    assert (again.pose, again.beam, again.detector.shape) == (
        instrument.pose,
        instrument.beam,
        instrument.detector.shape,
    )


def test_real_poni_beam_centers_are_inside_or_known():
    saxs = load_instrument(shared_path("data/swaxs_golden/SAXS.poni"))
    assert saxs.beam_center == pytest.approx((0.11793425459206125 / 172e-6, 0.09408206895247549 / 172e-6))
    strain = load_instrument(shared_path("data/strain_mar345/nx09_strain.derived.poni"))
    # the centre in the GSAS-II file that it was derived from, mm / 0.15 mm
    assert strain.beam_center == pytest.approx((173.45708080489564 / 0.15, 168.59496999985376 / 0.15), abs=1e-6)


def test_real_poni_history_is_told_by_read_poni():
    record = read_poni(shared_path("data/formats/LaB6_40keV_MarCCD.poni"))
    assert "no orientation recorded (PONI version 1)" in describe_history(record)[0]
    with pytest.warns(GeometryFileWarning, match=r"orientation 2 \(top right\)"):
        load_instrument(shared_path("data/formats/LaB6_40keV_MarCCD_new_with_orientation.poni"), shape=(2048, 2048))


def test_real_imctrl_with_detector_equals_derived_poni():
    derived = load_instrument(shared_path("data/strain_mar345/nx09_strain.derived.poni"))
    path = shared_path("data/strain_mar345/nx09_strain_011.imctrl")
    loaded = load_instrument(path, detector=derived.detector)
    rows = [slice(0, 1), slice(1150, 1151), slice(2299, 2300)]
    for block in rows:
        one, other = (i.pose.lab_from_detector(i.detector.centers(block)) for i in (loaded, derived))
        angles = [np.arctan2(np.hypot(p[..., 0], p[..., 1]), p[..., 2]) for p in (one, other)]
        np.testing.assert_allclose(angles[0], angles[1], rtol=0, atol=1e-12)
    with pytest.raises(ParameterError, match=r"nor its pixel size\. Pass detector"):
        load_instrument(path)


def test_imctrl_with_penetration_warns_of_loss():
    path = shared_path("data/strain_mar345/Si_free_dc800_1-00000.imctrl")
    with pytest.warns(ConversionLossWarning, match="DetDepth"):
        load_instrument(path, detector=Detector(pixel1=2e-4, pixel2=2e-4, shape=(2048, 2048)))


def test_spd_header_of_an_edf_file_is_read(tmp_path):
    header = format_spd(spd_from_pose(INSTRUMENT.pose, CAMERA.pixel1, CAMERA.pixel2, 1e-10))
    lines = "".join(f"{key} = {value} ;\n" for key, value in {**header, "Dim_1": "7", "Dim_2": "5"}.items())
    (tmp_path / "a.edf").write_bytes(f"{{\n{lines}}}\n".encode() + b"\x00" * 140)
    loaded = load_instrument(tmp_path / "a.edf")
    assert loaded.detector.shape == (5, 7)
    np.testing.assert_allclose(positions(loaded), positions(INSTRUMENT), rtol=0, atol=LAB_TOLERANCE)
    (tmp_path / "b.edf").write_bytes(f"{{\n{lines}}}\n".replace("= 7 ;", "= seven ;").encode())
    with pytest.raises(FileFormatError, match=r"b\.edf: dim_1: expected an integer, got 'seven'"):
        load_instrument(tmp_path / "b.edf")


def test_crystfel_of_several_panels_gives_the_place_of_every_pixel(tmp_path):
    text = "\n".join(
        [
            "photon_energy = 9000",
            "clen = 0.1",
            "res = 10000",
            *("a/min_fs = 0", "a/max_fs = 3", "a/min_ss = 0", "a/max_ss = 1"),
            *("a/corner_x = -5", "a/corner_y = -2", "a/fs = +1.0x +0.0y", "a/ss = +0.0x +1.0y"),
            *("b/min_fs = 0", "b/max_fs = 3", "b/min_ss = 2", "b/max_ss = 3"),
            *("b/corner_x = 7", "b/corner_y = 3", "b/fs = +0.0x +1.0y", "b/ss = -1.0x +0.0y"),
        ]
    )
    (tmp_path / "a.geom").write_text(text + "\n")
    loaded = load_instrument(tmp_path / "a.geom")
    assert loaded.detector.shape == (4, 4)
    lab = positions(loaded)
    # x of CrystFEL is to the left of an observer looking along the beam, our -t2; y is t1
    np.testing.assert_allclose(lab[0, 0], [-1.5e-4, 4.5e-4, 0.1], atol=1e-12)
    np.testing.assert_allclose(lab[2, 1], [4.5e-4, -6.5e-4, 0.1], atol=1e-12)
    with pytest.raises(ParameterError, match="Leave detector out"):
        load_instrument(tmp_path / "a.geom", detector=CAMERA)


@pytest.mark.parametrize(
    ("name", "orientation"),
    # pyFAI's Xpad takes no notice of its orientation, so that only 3 can be compared
    [(name, n) for name in ("Pilatus100k", "Detector") for n in (1, 2, 3, 4)] + [("Xpad_flat", 3)],
)
def test_poni_of_an_instrument_is_read_by_pyfai_with_equal_positions(name, orientation, tmp_path):
    camera = (CAMERA if name == "Detector" else detector(name)).with_orientation(orientation)
    instrument = INSTRUMENT.replace(detector=camera)
    save_instrument(instrument, tmp_path / "a.poni")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = pytest.importorskip("pyFAI").load(str(tmp_path / "a.poni"))
        z, y, x = np.moveaxis(theirs.position_array(camera.shape), -1, 0)
    assert theirs.wavelength == instrument.wavelength
    # pyFAI holds pixel edges of module detectors in float32
    tolerance = 2e-8 if name == "Xpad_flat" else 1e-12
    np.testing.assert_allclose(positions(instrument), np.stack((y, x, z), axis=-1), rtol=0, atol=tolerance)


@pytest.mark.parametrize("orientation", [2, 3])
def test_poni_with_detector_file_beside_it_is_read(orientation, tmp_path):
    corners = CAMERA.corners()
    corners[2, 2, 0, 0] += 1e-6
    camera = CAMERA.replace(layout=CornerArray(corners), name="Bent").with_orientation(orientation)
    save_detector(camera, tmp_path / "bent.h5")
    instrument = INSTRUMENT.replace(detector=load_detector(tmp_path / "bent.h5"))
    save_instrument(instrument, tmp_path / "a.poni")
    back = load_instrument(tmp_path / "a.poni")
    np.testing.assert_array_equal(positions(back), positions(INSTRUMENT.replace(detector=camera)))
    # relative to the PONI file, as in a folder that was moved, and in the words of version 1
    text = (tmp_path / "a.poni").read_text().replace(str(tmp_path) + "/", "")
    (tmp_path / "a.poni").write_text(text)
    np.testing.assert_array_equal(positions(load_instrument(tmp_path / "a.poni")), positions(back))
    (tmp_path / "b.poni").write_text("Detector: bent.h5\n" + V1)
    np.testing.assert_array_equal(positions(load_instrument(tmp_path / "b.poni")), positions(back))


def test_poni_with_detector_file_written_by_pyfai_is_read(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pyfai = pytest.importorskip("pyFAI")
        camera = pyfai.detector_factory("Xpad_flat")
        camera.save(str(tmp_path / "xpad.h5"))
        theirs = pyfai.load(
            {
                "poni_version": 2.1,
                **dict.fromkeys(("dist", "poni1", "poni2", "rot1", "rot2", "rot3"), 0.1),
                "detector": "NexusDetector",
                "detector_config": {"filename": str(tmp_path / "xpad.h5"), "orientation": 3},
                "wavelength": 1e-10,
            }
        )
        theirs.save(str(tmp_path / "a.poni"))
        z, y, x = np.moveaxis(theirs.position_array(camera.shape), -1, 0)
    ours = load_instrument(tmp_path / "a.poni")
    np.testing.assert_allclose(positions(ours), np.stack((y, x, z), axis=-1), rtol=0, atol=1e-7)


def test_poni_with_detector_file_that_is_absent_raises(tmp_path):
    (tmp_path / "b.poni").write_text("Detector: absent.h5\n" + V1)
    with pytest.raises(FileMissingError, match=r"absent\.h5"):
        load_instrument(tmp_path / "b.poni")


# ---- HDF5 ----


def test_nexus_file_has_the_fields_that_others_read(tmp_path):
    h5py = pytest.importorskip("h5py")
    instrument = INSTRUMENT.replace(detector=CAMERA.with_sensor(Sensor("CdTe", 1e-3)))
    save_instrument(instrument, tmp_path / "a.nxs")
    with h5py.File(tmp_path / "a.nxs") as file:
        group = file["/entry/instrument/detector"]
        assert group.attrs["NX_class"] == "NXdetector"
        assert group["x_pixel_size"][()] == 0.9e-4
        assert group["sensor_material"].asstr()[()] == "CdTe"
        assert group["beam_center_x"][()] == pytest.approx(instrument.beam_center.fast)
        assert group["beam_center_x"].attrs["units"] == "pixel"
        assert group["distance"][()] == pytest.approx(instrument.direct_distance)
        assert group["depends_on"].asstr()[()] == "/entry/instrument/detector/transformations/poni_slow"
        assert list(group["transformations/rot1"].attrs["vector"]) == [0, -1, 0]
        assert list(group["detector_module/fast_pixel_direction"].attrs["vector"]) == [-1, 0, 0]
        assert file["/entry/instrument/beam/incident_wavelength"][()] == pytest.approx(1.0)


@pytest.mark.parametrize("orientation", [1, 2, 3, 4])
def test_nexus_file_without_our_note_gives_the_same_positions(orientation, tmp_path):
    h5py = pytest.importorskip("h5py")
    camera = CAMERA.with_orientation(orientation).with_region(slice(1, 4), slice(2, 7))
    instrument = INSTRUMENT.replace(detector=camera)
    save_instrument(instrument, tmp_path / "a.nxs")
    with h5py.File(tmp_path / "a.nxs", "r+") as file:
        del file["/entry/instrument/detector/azimuthal"]
    loaded = load_instrument(tmp_path / "a.nxs")
    np.testing.assert_allclose(positions(loaded), positions(instrument), rtol=0, atol=LAB_TOLERANCE)
    passed = load_instrument(tmp_path / "a.nxs", detector=camera)
    np.testing.assert_allclose(positions(passed), positions(instrument), rtol=0, atol=LAB_TOLERANCE)


def write_nxmx(path, h5py, **changes):
    """Write a detector on a two-theta arm as NXmx files do: directions that hang on each other, units, arrays."""
    values = {"two_theta": np.array([30.0]), "distance": 200.0, "wavelength": 0.98} | changes
    with h5py.File(path, "w") as file:
        beam = file.create_group("entry/instrument/beam")
        beam.attrs["NX_class"] = "NXbeam"
        beam["incident_wavelength"] = values["wavelength"]
        beam["incident_wavelength"].attrs["units"] = b"angstrom"
        group = file.create_group("entry/instrument/detector")
        group.attrs["NX_class"] = np.bytes_(b"NXdetector")
        for name, size in (("x_pixel_size", 90.0), ("y_pixel_size", 120.0)):
            group[name] = size
            group[name].attrs["units"] = "um"
        group["depends_on"] = np.bytes_(b"transformations/det_z")
        chain = group.create_group("transformations")
        module = group.create_group("module")
        module.attrs["NX_class"] = "NXdetector_module"
        module["data_size"] = [5, 7]
        place = "/entry/instrument/detector"
        for parent, name, value, unit, kind, vector, depends_on in (
            (chain, "two_theta", values["two_theta"], "deg", "rotation", (0, 1, 0), "."),
            (chain, "det_z", values["distance"], "mm", "translation", (0, 0, 1), "two_theta"),
            (module, "module_offset", 1.0, "mm", "translation", (1, 0, 0), f"{place}/transformations/det_z"),
            (module, "fast_pixel_direction", 90.0, "um", "translation", (-1, 0, 0), "module_offset"),
            (module, "slow_pixel_direction", 120.0, "um", "translation", (0, -1, 0), "fast_pixel_direction"),
        ):
            parent[name] = value
            parent[name].attrs.update(
                {"units": unit, "transformation_type": kind, "vector": vector, "depends_on": depends_on}
            )


def test_nxmx_file_on_an_arm_is_placed_by_its_chain(tmp_path):
    h5py = pytest.importorskip("h5py")
    write_nxmx(tmp_path / "a.nxs", h5py)
    loaded = load_instrument(tmp_path / "a.nxs")
    assert loaded.detector.shape == (5, 7)
    assert loaded.wavelength == pytest.approx(0.98e-10)
    i, j = np.indices((5, 7))
    x, y = 1e-3 - (j + 0.5) * 0.9e-4, -(i + 0.5) * 1.2e-4
    c, s = math.cos(math.pi / 6), math.sin(math.pi / 6)
    turned = np.stack((y, -(c * x + s * 0.2), -s * x + c * 0.2), axis=-1)
    np.testing.assert_allclose(positions(loaded), turned, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"distance": math.nan}, "det_z: expected one finite value"),
        ({"two_theta": np.array([1.0, 2.0])}, "two_theta: expected one finite value, got 2"),
    ],
)
def test_nxmx_file_with_bad_values_raises_naming_the_field(changes, message, tmp_path):
    h5py = pytest.importorskip("h5py")
    write_nxmx(tmp_path / "a.nxs", h5py, **changes)
    with pytest.raises(FileFormatError, match=message):
        load_instrument(tmp_path / "a.nxs")


def test_nxmx_file_with_broken_chain_raises(tmp_path):
    h5py = pytest.importorskip("h5py")
    write_nxmx(tmp_path / "a.nxs", h5py)
    with h5py.File(tmp_path / "a.nxs", "r+") as file:
        del file["/entry/instrument/detector/transformations/two_theta"]
    with pytest.raises(FileFormatError, match=r"a\.nxs: depends_on: '.*/two_theta' is not in the file"):
        load_instrument(tmp_path / "a.nxs")


def test_hdf5_with_distance_and_beam_center_is_read_as_untilted_and_warns(tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "x_master.h5", "w") as file:
        group = file.create_group("entry/instrument/detector")
        group.attrs["NX_class"] = "NXdetector"
        for name, value, unit in (
            ("detector_distance", 0.2, "m"),
            ("beam_center_x", 3.5, "pixel"),
            ("beam_center_y", 2.0, "pixel"),
            ("x_pixel_size", 0.9e-4, "m"),
            ("y_pixel_size", 1.2e-4, "m"),
        ):
            group[name] = value
            group[name].attrs["units"] = unit
        group["detectorSpecific/x_pixels_in_detector"] = 7
        group["detectorSpecific/y_pixels_in_detector"] = 5
    with pytest.warns(GeometryFileWarning, match="no chain of transformations.*which way the rows run"):
        loaded = load_instrument(tmp_path / "x_master.h5")
    assert loaded.beam_center == pytest.approx((2.0, 3.5))
    assert loaded.pose == Pose(0.2, 2.0 * 1.2e-4, 3.5 * 0.9e-4)
    mirrored = load_instrument(tmp_path / "x_master.h5", detector=CAMERA.with_orientation(2))
    assert mirrored.beam_center == pytest.approx((2.0, 3.5))


def test_real_detector_file_without_a_place_raises_saying_what_it_is():
    with pytest.raises(FileFormatError, match="only describes the pixels"):
        load_instrument(shared_path("data/formats/detector.h5"))


def test_cxi_without_detector_raises(tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "a.cxi", "w") as file:
        file["cxi_version"] = 160
    with pytest.raises(FileFormatError, match="detector_1, which is missing"):
        load_instrument(tmp_path / "a.cxi")
