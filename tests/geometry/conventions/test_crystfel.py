# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""CrystFEL: its formula from pixel to laboratory, syntax with defaults, bad regions, panels of a module detector."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from azimuthal.errors import (
    ConversionError,
    ConversionLossWarning,
    FileFormatError,
    GeometryFileWarning,
    ParameterError,
    ShapeError,
)
from azimuthal.geometry import Beam, Pose
from azimuthal.geometry.conventions.crystfel import (
    CrystfelBadRegion,
    CrystfelGeometry,
    CrystfelPanel,
    crystfel_from_edges,
    crystfel_from_pose,
    format_crystfel,
    parse_crystfel,
    pixels_from_crystfel,
    pose_from_crystfel,
)
from azimuthal.orientation import orientation_flips
from azimuthal.testing.positions import pixel_centers_in_lab

SHAPE = (6, 9)
PIXEL1, PIXEL2 = 1e-4, 2e-4
INDICES = np.argwhere(np.ones(SHAPE))
LAB_TOLERANCE = 1e-12

poses = st.builds(
    Pose,
    dist=st.floats(0.05, 3),
    poni1=st.floats(-0.3, 0.3),
    poni2=st.floats(-0.3, 0.3),
    rot1=st.floats(-3, 3),
    rot2=st.floats(-1.5, 1.5),
    rot3=st.floats(-3, 3),
)
orientations = st.sampled_from([1, 2, 3, 4])
components = st.floats(-1, 1)
directions = st.tuples(components, components, components)


def crystfel_lab(panel, fs, ss):
    """Return x, y, z in m of coordinates relative to the panel's corner, as CrystFEL transforms them."""
    x = (panel.corner_x + fs * panel.fs[0] + ss * panel.ss[0]) * panel.pixel_size
    y = (panel.corner_y + fs * panel.fs[1] + ss * panel.ss[1]) * panel.pixel_size
    z = panel.z + (fs * panel.fs[2] + ss * panel.ss[2]) * panel.pixel_size
    return np.stack((x, y, z), axis=-1)


def ours(xyz):
    return np.stack((xyz[..., 1], -xyz[..., 0], xyz[..., 2]), axis=-1)


def our_lab(pose, orientation, indices=INDICES):
    return pixel_centers_in_lab(pose, PIXEL1, PIXEL2, indices, shape=SHAPE, orientation=orientation)


def lab_centers(pixels):
    return pixels.pose.lab_from_detector(pixels.corners.mean(axis=2))


@given(poses, orientations)
def test_crystfel_from_pose_any_pose_places_pixels_as_the_program(pose, orientation):
    (panel,) = crystfel_from_pose(pose, PIXEL1, PIXEL2, SHAPE, orientation=orientation).panels
    xyz = crystfel_lab(panel, INDICES[:, 1] + 0.5, INDICES[:, 0] + 0.5)
    np.testing.assert_allclose(ours(xyz), our_lab(pose, orientation), rtol=0, atol=LAB_TOLERANCE)


@given(poses, orientations)
def test_crystfel_text_round_trip_any_pose_places_the_same_pixels(pose, orientation):
    record = crystfel_from_pose(pose, PIXEL1, PIXEL2, SHAPE, 1e-10, orientation=orientation)
    back, wavelength, orientation_back = pose_from_crystfel(parse_crystfel(format_crystfel(record)))
    np.testing.assert_allclose(our_lab(back, orientation_back), our_lab(pose, orientation), rtol=0, atol=LAB_TOLERANCE)
    assert wavelength == pytest.approx(1e-10, rel=1e-14)


@given(
    st.lists(st.tuples(directions, directions, st.floats(-50, 50), st.floats(-50, 50)), min_size=1, max_size=4).filter(
        lambda panels: all(np.linalg.norm(np.cross(fs, ss)) > 1e-3 for fs, ss, _, _ in panels)
    ),
    st.floats(0.1, 2),
)
def test_pixels_from_crystfel_any_panels_are_where_the_program_has_them(vectors, z):
    panels = tuple(
        CrystfelPanel(f"p{i}", 1, 4, 3 * i, 3 * i + 2, x, y, fs, ss, 1e-4, z + 0.01 * i)
        for i, (fs, ss, x, y) in enumerate(vectors)
    )
    pixels = pixels_from_crystfel(CrystfelGeometry(panels))
    assert pixels.corners.shape == (3 * len(panels), 5, 4, 3)
    assert pixels.mask[:, 0].all()
    assert not pixels.mask[:, 1:].any()
    assert np.isnan(pixels.corners[:, 0]).all()
    lab = pixels.pose.lab_from_detector(pixels.corners)
    steps = ((0, 0), (1, 0), (1, 1), (0, 1))  # (slow, fast)
    for panel in panels:
        slow, fast = np.mgrid[0:3, 0:4]
        for corner, (i, j) in enumerate(steps):
            expected = ours(crystfel_lab(panel, fast + j, slow + i))
            np.testing.assert_allclose(lab[panel.slices][:, :, corner], expected, rtol=0, atol=LAB_TOLERANCE)


@given(poses.map(lambda pose: pose.replace(rot1=pose.rot1 / 3, rot2=pose.rot2 / 2)), orientations)
def test_pixels_from_crystfel_single_panel_equals_the_pose(pose, orientation):
    record = crystfel_from_pose(pose, PIXEL1, PIXEL2, SHAPE, orientation=orientation)
    assume(our_lab(pose, orientation)[:, 2].mean() > 1e-3)
    pixels = pixels_from_crystfel(record)
    np.testing.assert_allclose(
        lab_centers(pixels).reshape(-1, 3), our_lab(pose, orientation), rtol=0, atol=LAB_TOLERANCE
    )


def test_pixels_from_crystfel_flat_panels_are_in_the_detector_plane():
    pixels = pixels_from_crystfel(parse_crystfel(TWO_PANELS))
    assert pixels.pose.dist == pytest.approx(0.1)
    np.testing.assert_allclose(pixels.corners[..., 2][~np.isnan(pixels.corners[..., 2])], 0, atol=1e-15)
    assert np.nanmin(pixels.corners[..., :2]) == 0


@pytest.mark.parametrize("orientation", [1, 2, 3, 4])
def test_crystfel_from_edges_wide_columns_become_panels(orientation):
    pose = Pose(0.2, poni1=3e-4, poni2=1e-3, rot1=0.2, rot2=-0.1, rot3=0.4)
    sizes1, sizes2 = np.full(5, 1e-4), np.array([1.0, 1, 1, 2.5, 2.5, 1, 1]) * 1e-4
    edges = []
    for sizes, flip in zip((sizes1, sizes2), orientation_flips(orientation), strict=True):
        upper = np.cumsum(sizes)
        lower = upper - sizes
        edges += [lower[::-1], upper[::-1]] if flip else [lower, upper]
    record = crystfel_from_edges(pose, *edges, wavelength=1e-10)
    shapes = [(5, 3), (5, 2), (5, 2)]
    assert [panel.shape for panel in record.panels] == (shapes[::-1] if orientation in (1, 4) else shapes)
    pixels = pixels_from_crystfel(parse_crystfel(format_crystfel(record)))
    assert not pixels.mask.any()
    centers = np.stack(np.broadcast_arrays((edges[0] + edges[1])[:, None] / 2, (edges[2] + edges[3]) / 2, 0.0), axis=-1)
    np.testing.assert_allclose(lab_centers(pixels), pose.lab_from_detector(centers), rtol=0, atol=LAB_TOLERANCE)


def test_crystfel_from_pose_gap_mask_becomes_bad_regions():
    gaps = np.zeros(SHAPE, dtype=bool)
    gaps[2:4] = gaps[:, 5] = gaps[0, 0] = True
    with pytest.warns(ConversionLossWarning, match="1 pixels of gap_mask are not in full rows") as caught:
        record = crystfel_from_pose(Pose(0.1), PIXEL2, PIXEL2, SHAPE, 1e-10, gap_mask=gaps)
    assert caught[0].filename == __file__
    gaps[0, 0] = False
    np.testing.assert_array_equal(pixels_from_crystfel(record).mask, gaps)
    np.testing.assert_array_equal(pixels_from_crystfel(parse_crystfel(format_crystfel(record))).mask, gaps)


def test_crystfel_from_pose_gap_mask_of_another_shape_raises():
    with pytest.raises(ShapeError, match="gap_mask"):
        crystfel_from_pose(Pose(0.1), PIXEL2, PIXEL2, SHAPE, gap_mask=np.zeros((2, 2), dtype=bool))


TWO_PANELS = """; two modules side by side
clen = 95 mm
coffset = 0.005
photon_energy = 4570 eV
adu_per_photon = 1
res = 10000   ; 100 um pixels
group_all = a,b
rigid_group_q0 = a,b
bandwidth = 0.01

a/min_fs = 0
a/max_fs = 3.0
a/min_ss = 0
a/max_ss = 2
a/corner_x = 10.5
a/corner_y = -2
a/fs = x
a/ss = -y

res = 5000
b/min_fs = 4
b/max_fs = 7
b/min_ss = 0
b/max_ss = 2
b/corner_x = +1.0
b/corner_y = 2e0
b/fs = -1.0x + 0.001y
b/ss = +0.001x +y

bad_one/min_fs = 1
bad_one/max_fs = 2
bad_one/min_ss = 0
bad_one/max_ss = 1
bad_one/panel = a

bad_slab/min_fs = 3
bad_slab/max_fs = 4
bad_slab/min_ss = 2
bad_slab/max_ss = 2

bad_lab/min_x = -0.5
bad_lab/max_x = 1.5
bad_lab/min_y = 1.5
bad_lab/max_y = 2.5
"""


def test_parse_crystfel_defaults_hold_for_panels_below_them():
    record = parse_crystfel(TWO_PANELS)
    first, second = record.panels
    assert (first.pixel_size, second.pixel_size) == (1e-4, 2e-4)
    assert (first.z, second.z) == pytest.approx((0.1, 0.1))
    assert (first.fs, first.ss) == ((1, 0, 0), (0, -1, 0))
    assert (second.fs, second.ss) == ((-1, 0.001, 0), (0.001, 1, 0))
    assert record.shape == (3, 8)
    assert Beam(record.wavelength).energy == pytest.approx(4.570)
    assert record.other == (("bandwidth", "0.01"),)


def test_parse_crystfel_bad_regions_are_applied_as_the_program_does():
    expected = np.zeros((3, 8), dtype=bool)
    expected[0:2, 1:3] = True  # bad_one, inclusive
    expected[2, 3:5] = True  # bad_slab, indices of the data array
    expected[0, 4:6] = True  # bad_lab: first corners at x = 1 and 0, y = 2
    np.testing.assert_array_equal(pixels_from_crystfel(parse_crystfel(TWO_PANELS)).mask, expected)


def test_crystfel_text_round_trip_two_panels_keeps_everything():
    record = parse_crystfel(TWO_PANELS)
    back = parse_crystfel(format_crystfel(record))
    assert back.bad_regions == record.bad_regions
    assert back.other == record.other
    assert back.wavelength == pytest.approx(record.wavelength, rel=1e-14)
    one, other = pixels_from_crystfel(record), pixels_from_crystfel(back)
    np.testing.assert_allclose(other.corners, one.corners, rtol=0, atol=1e-15)
    np.testing.assert_array_equal(other.mask, one.mask)


ONE_PANEL = """photon_energy = 9800
clen = 0.1
res = 10000
p/min_fs = 0
p/max_fs = 8
p/min_ss = 0
p/max_ss = 5
p/corner_x = -4
p/corner_y = -3
p/fs = x
p/ss = y
"""


def test_pose_from_crystfel_image_with_x_to_the_left_is_mirrored():
    pose, wavelength, orientation = pose_from_crystfel(parse_crystfel(ONE_PANEL))
    assert orientation == 2
    assert Beam(wavelength).energy == pytest.approx(9.8)
    # pixel (0, 0) is below the beam and, as x counts to the left, to its right: axis 1 down, axis 2 positive
    corner = crystfel_lab(parse_crystfel(ONE_PANEL).panels[0], 0.5, 0.5)
    np.testing.assert_allclose(corner, [-3.5e-4, -2.5e-4, 0.1])
    native = np.array([(SHAPE[0] - 0.5) * 1e-4, 0.5e-4, 0.0])
    np.testing.assert_allclose(pose.lab_from_detector(native), [-2.5e-4, 3.5e-4, 0.1], atol=LAB_TOLERANCE)


@pytest.mark.parametrize(
    ("line", "energy"),
    [
        ("photon_energy = 9800", 9.8),
        ("photon_energy = 9800 eV", 9.8),
        ("photon_energy = 9.8 keV", 9.8),
        ("wavelength = 1.0e-10 m", 12.398419843320026),
        ("wavelength = 1.0 A", 12.398419843320026),
    ],
)
def test_parse_crystfel_wavelength_units_are_understood(line, energy):
    record = parse_crystfel(ONE_PANEL.replace("photon_energy = 9800", line))
    assert Beam(record.wavelength).energy == pytest.approx(energy)


@pytest.mark.parametrize(("line", "metres"), [("0.1", 0.1), ("0.1 m", 0.1), ("100 mm", 0.1), ("100.0   mm", 0.1)])
def test_parse_crystfel_camera_length_units_are_understood(line, metres):
    record = parse_crystfel(ONE_PANEL.replace("clen = 0.1", f"clen = {line}"))
    assert record.panels[0].z == pytest.approx(metres)


def test_parse_crystfel_camera_length_below_the_panels_holds_for_them():
    text = ONE_PANEL.replace("clen = 0.1\n", "") + "clen = 0.25\np/coffset = -0.05\n"
    assert parse_crystfel(text).panels[0].z == pytest.approx(0.2)


def test_parse_crystfel_detector_shift_moves_the_corner():
    record = parse_crystfel(ONE_PANEL + "detector_shift_x = 1 mm\ndetector_shift_y = -0.002\n")
    assert (record.panels[0].corner_x, record.panels[0].corner_y) == pytest.approx((6, -23))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("clen = 0.1", "clen = /LCLS/position mm", r"clen: .*at '/LCLS/position mm'.* pass clen="),
        ("photon_energy = 9800", "photon_energy = /LCLS/eV", r"photon_energy: .*at '/LCLS/eV'.* pass wavelength="),
        ("photon_energy = 9800", "electron_voltage = 200 kV", "an electron beam"),
        ("clen = 0.1", "clen = 0.1\ndetector_shift_x = /x", "detector_shift_x: the value is in the data file, at '/x'"),
    ],
)
def test_parse_crystfel_value_in_the_data_file_is_named(old, new, message):
    with pytest.raises(ConversionError, match=message):
        parse_crystfel(ONE_PANEL.replace(old, new))


def test_parse_crystfel_value_in_the_data_file_may_be_passed():
    text = ONE_PANEL.replace("clen = 0.1", "clen = /LCLS/position\ncoffset = 0.5")
    text = text.replace("photon_energy = 9800", "photon_energy = /LCLS/eV")
    record = parse_crystfel(text, clen=0.3, wavelength=1e-10)
    assert record.panels[0].z == pytest.approx(0.8)
    assert record.wavelength == 1e-10


@pytest.mark.parametrize("options", [{"clen": 0.3}, {"wavelength": 1e-10}])
def test_parse_crystfel_passed_value_that_the_file_has_raises(options):
    with pytest.raises(ParameterError, match=f"{next(iter(options))}: .*as a number"):
        parse_crystfel(ONE_PANEL, **options)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("clen = 0.1", "clen", "line 2: expected 'key = value', got 'clen'"),
        ("clen = 0.1\n", "", "panel 'p': missing clen"),
        ("p/fs = x\n", "", "panel 'p': missing fs"),
        ("p/fs = x", "p/fs = 1.0", "line 10: fs: expected a direction such as"),
        ("p/fs = x", "p/fs =", "fs: expected a direction"),
        ("p/fs = x", "p/fs = x y", "fs: expected a direction"),
        ("p/fs = x", "p/fs = y", "two different directions"),
        ("p/max_fs = 8", "p/max_fs = 8.5", "max_fs: expected an index"),
        ("p/max_fs = 8", "p/max_fs = -1", "max_fs: expected an index"),
        ("p/min_fs = 0", "p/min_fs = 9", "expected 0 <= min <= max, got fs 9 to 8"),
        ("res = 10000", "res = 0", "res: expected a number greater than 0"),
        ("clen = 0.1", "clen = 10 cm", "clen: expected a length in m or mm, got '10 cm'"),
        ("photon_energy = 9800", "photon_energy = 9800 J", "expected a number followed by eV or keV"),
        ("photon_energy = 9800", "wavelength = 1.0", "expected a number followed by m or A"),
        ("clen = 0.1", "clen = 0.1\nwavelength = 1 A", "wavelength and photon_energy are both given"),
        ("p/ss = y", "p/ss = y\np/no_index = maybe", "no_index: expected true, false, 1 or 0"),
        ("p/ss = y", "p/ss = y\nbad_a/min_fs = 0", "bad_a: min_fs and max_fs must both be given"),
        ("p/ss = y", "p/ss = y\nbad_a/panel = q\nbad_a/min_x = 0", "bad_a: min_x and max_x|no panel 'q'"),
        ("p/ss = y", "p/ss = y\nbad_a/min_x = 0\nbad_a/max_x = 1", "bad_a: expected min and max of fs and ss"),
    ],
)
def test_parse_crystfel_malformed_text_says_where(old, new, message):
    with pytest.raises(FileFormatError, match=message):
        parse_crystfel(ONE_PANEL.replace(old, new))


def test_parse_crystfel_bad_region_outside_its_panel_raises():
    region = "bad_a/min_fs = 0\nbad_a/max_fs = 9\nbad_a/min_ss = 0\nbad_a/max_ss = 1\nbad_a/panel = p\n"
    with pytest.raises(
        FileFormatError, match="bad_a: fs 0 to 9 is not inside the panel that it names, which covers 0 to 8"
    ):
        parse_crystfel(ONE_PANEL + region)


@pytest.mark.parametrize("text", ["", "clen = 0.1\n"])
def test_parse_crystfel_without_a_panel_raises(text):
    with pytest.raises(FileFormatError, match=r"empty|no panel is described"):
        parse_crystfel(text)


@pytest.mark.parametrize("line", ["p/cornerx = 5", "photon_enrgy = 5", "bad_a/min_fss = 5"])
def test_parse_crystfel_unknown_key_is_named(line):
    text = ONE_PANEL.replace("p/min_fs", f"{line}\np/min_fs")
    if line.startswith("bad"):
        text += "bad_a/min_x = 0\nbad_a/max_x = 1\nbad_a/min_y = 0\nbad_a/max_y = 1\n"
    key = line.split(" =")[0].split("/")[-1]
    with pytest.warns(GeometryFileWarning, match=f"line 4: key: '{key}' is not known; did you mean") as caught:
        parse_crystfel(text)
    assert caught[0].filename == __file__


def test_pixels_from_crystfel_masks_that_need_the_data_are_named():
    text = ONE_PANEL.replace("p/min_fs = 0", "mask0_data = /mask\nflag_lessthan = -1\nadu_per_eV = 0.1\np/min_fs = 0")
    record = parse_crystfel(text)
    with pytest.warns(ConversionLossWarning, match="not applied: mask0_data = /mask, flag_lessthan = -1") as caught:
        pixels_from_crystfel(record)
    assert caught[0].filename == __file__
    assert parse_crystfel(format_crystfel(record)).panels[0].other == record.panels[0].other


def test_pixels_from_crystfel_edges_and_whole_panels_are_masked():
    edge = pixels_from_crystfel(parse_crystfel(ONE_PANEL + "p/mask_edge_pixels = 2\n")).mask
    assert not edge[2:-2, 2:-2].any()
    assert edge.sum() == 6 * 9 - 2 * 5
    assert pixels_from_crystfel(parse_crystfel(ONE_PANEL + "p/no_index = true\n")).mask.all()


def test_pixels_from_crystfel_panels_in_several_arrays_raise():
    text = TWO_PANELS + "a/dim0 = 0\na/dim1 = ss\na/dim2 = fs\nb/dim0 = 1\nb/dim1 = ss\nb/dim2 = fs\n"
    with pytest.raises(ConversionError, match="panel 'b' is in /data/data with dimensions 1, ss, fs and panel 'a'"):
        pixels_from_crystfel(parse_crystfel(text))


def test_pixels_from_crystfel_overlapping_panels_raise():
    with pytest.raises(ConversionError, match="panel 'b' overlaps another one"):
        pixels_from_crystfel(parse_crystfel(TWO_PANELS.replace("b/min_fs = 4", "b/min_fs = 3")))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (TWO_PANELS, "one pose cannot hold 2 panels"),
        (ONE_PANEL.replace("p/min_fs = 0", "p/min_fs = 1"), r"begins at pixel \(0, 1\)"),
        (ONE_PANEL.replace("p/fs = x", "p/fs = x +0.001y"), "0.001 rad from a right angle"),
        (ONE_PANEL.replace("clen = 0.1", "clen = 0"), "in the detector plane"),
    ],
)
def test_pose_from_crystfel_what_a_pose_cannot_hold_raises(text, message):
    with pytest.raises(ConversionError, match=message):
        pose_from_crystfel(parse_crystfel(text))


def test_pixels_from_crystfel_behind_the_sample_raises():
    with pytest.raises(ConversionError, match=r"at z = -0\.1 m, behind the sample"):
        pixels_from_crystfel(parse_crystfel(ONE_PANEL.replace("clen = 0.1", "clen = -0.1")))


def test_format_crystfel_without_wavelength_raises():
    with pytest.raises(ConversionError, match="must hold the wavelength"):
        format_crystfel(crystfel_from_pose(Pose(0.1), PIXEL1, PIXEL2, SHAPE))


def test_format_crystfel_directions_have_no_exponent():
    record = crystfel_from_pose(Pose(0.1, rot1=1e-7), PIXEL1, PIXEL1, SHAPE, 1e-10)
    lines = [line for line in format_crystfel(record).splitlines() if line.startswith(("panel/fs", "panel/ss"))]
    assert len(lines) == 2
    assert not any("e" in line.partition("=")[2] for line in lines)


def test_crystfel_flat_panel_two_theta_agrees_with_pyfai(tmp_path):
    crystfel = pytest.importorskip("pyFAI.geometry.crystfel", exc_type=ImportError)
    path = tmp_path / "one.geom"
    path.write_text(ONE_PANEL)
    theirs = crystfel.build_geometry(crystfel.parse_crystfel_geom(str(path)))
    pixels = pixels_from_crystfel(parse_crystfel(ONE_PANEL))
    lab = lab_centers(pixels)
    two_theta = np.arctan2(np.hypot(lab[..., 0], lab[..., 1]), lab[..., 2])
    np.testing.assert_allclose(theirs.center_array(SHAPE, unit="2th_rad"), two_theta, rtol=0, atol=1e-8)
    # pyFAI takes x to the right, which mirrors the azimuth
    chi = np.arctan2(lab[..., 0], lab[..., 1])
    chi_theirs = theirs.center_array(SHAPE, unit="chi_rad", scale=False)
    np.testing.assert_allclose(np.angle(np.exp(1j * (math.pi - chi - chi_theirs)))[two_theta > 1e-4], 0, atol=1e-5)


@pytest.mark.parametrize(
    "changes", [{"fs": (0, 1)}, {"fs": (0, 1), "ss": (0, 1), "x": (0, 1)}, {"x": (0, 1), "ss": (0, 1)}, {}]
)
def test_crystfel_bad_region_of_mixed_ranges_raises(changes):
    with pytest.raises(ParameterError, match="bad_a: expected min and max of fs and ss, or of x and y"):
        CrystfelBadRegion("bad_a", **changes)


def test_crystfel_geometry_panels_of_one_name_raise():
    panel = CrystfelPanel("p", 0, 1, 0, 1, 0, 0, (1, 0, 0), (0, 1, 0), 1e-4, 0.1)
    with pytest.raises(ParameterError, match="different names"):
        CrystfelGeometry((panel, panel))
