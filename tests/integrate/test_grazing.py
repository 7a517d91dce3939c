# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Maps and cuts of grazing incidence: explicit vectors, and pyFAI's defects 9.1-5, 9.1-9 and 9.1-10."""

import math
import pickle

import numpy as np
import pytest

import azimuthal as az
from azimuthal.errors import ParameterError, UnknownNameError, UnsupportedOptionError
from azimuthal.units import unit

WAVELENGTH = 1e-10
K = 2 * math.pi / 0.1  # 1/nm
DIST = 0.1
PIXEL = 1e-3
SHAPE = (81, 93)
#: The direct beam, in pixels from the origin: inside a pixel, off its centre.
BEAM = (30.37, 41.82)
INCIDENCE = math.radians(5.0)
#: sample_orientation -> horizontal and vertical of the sample along laboratory (x, y), written out.
TURNED = {
    1: ((1, 0), (0, 1)),
    2: ((-1, 0), (0, 1)),
    3: ((-1, 0), (0, -1)),
    4: ((1, 0), (0, -1)),
    5: ((0, -1), (-1, 0)),
    6: ((0, -1), (1, 0)),
    7: ((0, 1), (1, 0)),
    8: ((0, 1), (-1, 0)),
}
MAPS = [
    ("qip_nm^-1", "qoop_nm^-1"),
    ("qip_abs_A^-1", "qoop_A^-1"),
    ("qxgi_nm^-1", "qzgi_nm^-1"),
    ("qtot_nm^-1", "chigi_deg"),
    ("qtot_nm^-1", "chigi_abs_rad"),
    ("exit_angle_horz_deg", "exit_angle_vert_deg"),
    ("scattering_angle_horz_deg", "scattering_angle_vert_rad"),
]


@pytest.fixture(scope="module")
def ai():
    detector = az.Detector(pixel1=PIXEL, pixel2=PIXEL, shape=SHAPE)
    return az.Integrator(detector, DIST, BEAM[0] * PIXEL, BEAM[1] * PIXEL, wavelength=WAVELENGTH)


@pytest.fixture(scope="module")
def frame():
    return np.random.default_rng(3).poisson(40, SHAPE).astype(np.uint32)


def spot(row, column):
    image = np.zeros(SHAPE)
    image[row, column] = 1.0
    return image


def where(ai, image, unit_ip, unit_oop, **sample):
    """Return the two coordinates of the one bright pixel of an image, from its bin in a fine map."""
    cake = ai.integrate2d_grazing(
        image, 800, 700, unit_ip=unit_ip, unit_oop=unit_oop, split="none", solid_angle=False, **sample
    )
    oop, ip = np.unravel_index(np.nanargmax(cake.intensity), cake.intensity.shape)
    return cake.radial[ip], cake.azimuthal[oop], cake.radial_axis.widths[0], cake.azimuthal_axis.widths[0]


def explicit_q(row, column, eta, tilt, orientation):
    """Return (across, normal, along the surface) of q in 1/nm: rotation matrices, no formula of the package."""
    x, y = (column + 0.5 - BEAM[1]) * PIXEL, (row + 0.5 - BEAM[0]) * PIXEL
    horizontal, vertical = (np.dot(axis, (x, y)) for axis in TURNED[orientation])
    ray = np.array([horizontal, vertical, DIST])
    q = K * (ray / np.linalg.norm(ray) - np.array([0.0, 0.0, 1.0]))
    # The sample's axes in the laboratory (h, v, b): tilted about the beam, then with the tilt turned about h.
    about_beam = np.array([[math.cos(tilt), -math.sin(tilt), 0], [math.sin(tilt), math.cos(tilt), 0], [0, 0, 1]])
    about_horizontal = np.array([[1, 0, 0], [0, math.cos(eta), math.sin(eta)], [0, -math.sin(eta), math.cos(eta)]])
    axes = about_horizontal @ about_beam
    return axes.T @ q


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(("eta", "tilt"), [(0.0, 0.0), (0.1, 0.0), (-0.15, 0.3)])
def test_bright_pixel_lies_where_explicit_rotations_put_it(ai, orientation, eta, tilt):
    row, column = 66, 12
    across, normal, along = explicit_q(row, column, eta, tilt, orientation)
    ip, oop, width_ip, width_oop = where(
        ai, spot(row, column), "qip_nm^-1", "qoop_nm^-1",
        incident_angle=eta, tilt_angle=tilt, angle_unit="rad", sample_orientation=orientation,
    )  # fmt: skip
    assert abs(ip - math.copysign(math.hypot(across, along), across)) <= width_ip
    assert abs(oop - normal) <= width_oop


def test_normal_of_the_sample_is_turned_against_the_beam_and_tilted_to_the_left():
    """The signs in words: positive incidence lifts the entrance, positive tilt leans the normal towards -x."""
    normal = explicit_q_axis(0.1, 0.0)
    assert normal[2] < 0 < normal[1]
    normal = explicit_q_axis(0.0, 0.1)
    assert normal[0] < 0 < normal[1]


def explicit_q_axis(eta, tilt):
    """Return the direction in (x, y, z) along which qoop grows: the gradient of its linear part in directions."""
    k = 2 * math.pi / WAVELENGTH
    rows = []
    for direction in np.eye(3):
        values = [
            float(unit("qygi_nm^-1", incident_angle=eta, tilt_angle=tilt).values(*(sign * direction), WAVELENGTH))
            for sign in (1, -1)
        ]
        rows.append((values[0] - values[1]) * 1e9 / (2 * k))
    return np.array(rows)


def test_defect_9_1_10_direct_beam_leaves_at_minus_and_specular_at_plus_the_incident_angle(ai):
    """pyFAI 2026.9: +5 and +15 degrees."""
    beam = int(BEAM[0]), int(BEAM[1])
    specular = int(BEAM[0] + DIST * math.tan(2 * INCIDENCE) / PIXEL), int(BEAM[1])
    in_a_pixel = math.degrees(PIXEL / DIST)
    for pixel, angle in ((beam, -5.0), (specular, 5.0)):
        horizontal, vertical, *_ = where(
            ai, spot(*pixel), "exit_angle_horz_deg", "exit_angle_vert_deg", incident_angle="5 deg"
        )
        assert vertical == pytest.approx(angle, abs=in_a_pixel)
        assert horizontal == pytest.approx(0.0, abs=in_a_pixel)


def test_specular_reflection_has_no_in_plane_component(ai):
    specular = int(BEAM[0] + DIST * math.tan(2 * INCIDENCE) / PIXEL), int(BEAM[1])
    ip, oop, *_ = where(ai, spot(*specular), "qip_nm^-1", "qoop_nm^-1", incident_angle=5, angle_unit="deg")
    in_a_pixel = K * PIXEL / DIST
    assert ip == pytest.approx(0.0, abs=in_a_pixel)
    assert oop == pytest.approx(2 * K * math.sin(INCIDENCE), abs=in_a_pixel)


def test_defect_9_1_5_angle_unit_is_honoured_by_maps_and_by_cuts(ai, frame):
    """pyFAI 2026.9 takes 0.2 degrees for 0.2 rad in its one-dimensional calls."""
    for along in ("ip", "oop"):
        options = {"along": along, "ip_range": (-5, 5), "oop_range": (1, 9)}
        degrees = ai.integrate1d_grazing(frame, 50, incident_angle=0.2, angle_unit="deg", **options)
        radians = ai.integrate1d_grazing(frame, 50, incident_angle=math.radians(0.2), angle_unit="rad", **options)
        text = ai.integrate1d_grazing(frame, 50, incident_angle="0.2 deg", **options)
        wrong = ai.integrate1d_grazing(frame, 50, incident_angle=0.2, angle_unit="rad", **options)
        assert degrees.unit.parameters["incident_angle"] == pytest.approx(0.00349066, rel=1e-6)
        np.testing.assert_allclose(degrees.sum_signal, radians.sum_signal, rtol=1e-9)
        np.testing.assert_array_equal(degrees.sum_signal, text.sum_signal)
        assert not np.allclose(degrees.sum_signal, wrong.sum_signal)
    cake = ai.integrate2d_grazing(frame, 9, 9, incident_angle=0.2, angle_unit="deg")
    assert cake.radial_unit.parameters == cake.azimuthal_unit.parameters
    assert cake.radial_unit.parameters["incident_angle"] == math.radians(0.2)


def test_defect_9_1_9_error_models_give_uncertainties_in_maps_and_cuts(ai, frame):
    """pyFAI 2026.9 ignores error_model and variance of its fibre calls."""
    sample = {"incident_angle": "5 deg", "solid_angle": False}
    cake = ai.integrate2d_grazing(frame, 20, 15, error_model="poisson", **sample)
    plan = ai.plan2d_grazing(20, 15, error_model="poisson", **sample)
    matrix = plan.matrix
    squared = np.bincount(
        matrix.indices, matrix.weights**2 * frame.reshape(-1)[matrix.entry_pixels()], minlength=matrix.n_bins
    ).reshape(cake.sum_variance.shape)
    np.testing.assert_allclose(cake.sum_variance, squared, rtol=1e-6)
    np.testing.assert_array_equal(np.isnan(cake.sigma), cake.count == 0)
    given = ai.integrate2d_grazing(frame, 20, 15, variance=frame, **sample)
    np.testing.assert_allclose(given.sigma, cake.sigma, rtol=1e-6)
    cut = ai.integrate1d_grazing(frame, 20, along="ip", error_model="poisson", **sample)
    assert cut.error_model == "poisson"
    assert (cut.sigma[cut.count > 0] > 0).all()


@pytest.mark.parametrize("split", ["none", "bbox", "pseudo", "full"])
@pytest.mark.parametrize(("unit_ip", "unit_oop"), MAPS)
def test_engines_agree_and_every_pixel_counts_once(ai, frame, unit_ip, unit_oop, split):
    options = {"unit_ip": unit_ip, "unit_oop": unit_oop, "incident_angle": "5 deg", "tilt_angle": "2 deg"}
    plans = [
        ai.plan2d_grazing(40, 30, engine=engine, split=split, error_model="poisson", **options)
        for engine in ("native", "reference")
    ]
    one, two = (plan(frame) for plan in plans)
    np.testing.assert_allclose(one.radial_axis.edges, two.radial_axis.edges, rtol=1e-12, atol=1e-11)
    np.testing.assert_allclose(one.count.sum(), frame.size, rtol=1e-9)
    if split == "none":  # on the edges of bins rounding decides
        assert (one.count != two.count).sum() <= 4
        return
    np.testing.assert_allclose(one.count, two.count, rtol=1e-7, atol=1e-7)
    np.testing.assert_allclose(one.sum_signal, two.sum_signal, rtol=1e-6, atol=1e-4)
    np.testing.assert_allclose(plans[0].matrix.pixel_sums(), 1.0, rtol=1e-6)


@pytest.mark.parametrize("split", ["none", "bbox", "pseudo", "full"])
def test_cut_is_the_row_of_the_map_in_its_range(ai, frame, split):
    """One bin across: the same pixels with the same weights."""
    sample = {"incident_angle": "5 deg", "split": split, "error_model": "poisson"}
    ip, oop = np.linspace(-20, 20, 41), np.linspace(-15, 20, 31)
    strip = ai.integrate2d_grazing(frame, ip, oop[[4, 9]], **sample)
    cut = ai.integrate1d_grazing(frame, ip, along="ip", oop_range=(oop[4], oop[9]), **sample)
    np.testing.assert_allclose(cut.sum_signal, strip.sum_signal[0], rtol=1e-6)
    np.testing.assert_allclose(cut.sum_variance, strip.sum_variance[0], rtol=1e-6)
    strip = ai.integrate2d_grazing(frame, ip[[25, 30]], oop, **sample)
    cut = ai.integrate1d_grazing(frame, oop, along="oop", ip_range=(ip[25], ip[30]), **sample)
    np.testing.assert_allclose(cut.sum_signal, strip.sum_signal[:, 0], rtol=1e-6)


def test_variance_of_a_cut_is_not_the_sum_over_a_map(ai, frame):
    """A pixel split between two rows of a map is one pixel of the cut: (c1 + c2)^2, not c1^2 + c2^2."""
    ip, oop = np.linspace(-20, 20, 41), np.linspace(-15, 20, 31)
    sample = {"incident_angle": "5 deg", "error_model": "poisson", "solid_angle": False}
    cake = ai.integrate2d_grazing(frame, ip, oop, **sample)
    cut = ai.integrate1d_grazing(frame, ip, along="ip", oop_range=(oop[0], oop[-1]), **sample)
    np.testing.assert_allclose(cut.sum_signal, cake.sum_signal.sum(axis=0), rtol=1e-6)
    full = cut.count > 5
    assert (cut.sum_variance[full] > 1.05 * cake.sum_variance.sum(axis=0)[full]).all()


def test_polar_cut_over_an_arc_is_an_arc(ai, frame):
    sample = {"unit_ip": "qtot_nm^-1", "unit_oop": "chigi_deg", "incident_angle": "1 deg"}
    edges = np.linspace(1, 15, 15)
    whole = ai.integrate1d_grazing(frame, edges, along="ip", **sample)
    parts = [
        ai.integrate1d_grazing(frame, edges, along="ip", oop_range=arc, **sample)
        for arc in ((-45, 45), (45, 170), (170, 190), (190, 315))
    ]
    np.testing.assert_allclose(sum(part.sum_signal for part in parts), whole.sum_signal, rtol=1e-9)
    pole_figure = ai.integrate1d_grazing(frame, 36, along="oop", ip_range=(5, 6), **sample)
    assert pole_figure.unit.name == "chigi_deg"
    ring = ai.integrate1d_grazing(frame, np.array([5.0, 6.0]), along="ip", **sample)
    assert pole_figure.sum_signal.sum() == pytest.approx(ring.sum_signal[0], rel=1e-9)


def test_uniform_scattering_is_flat_in_every_map(ai):
    """Solid angle stays that of the pixel: an image that is uniform per solid angle is 1 everywhere."""
    solid_angle = np.cos(ai_angles(ai)) ** 3
    for unit_ip, unit_oop in MAPS:
        cake = ai.integrate2d_grazing(
            solid_angle, 20, 15, unit_ip=unit_ip, unit_oop=unit_oop, incident_angle="5 deg", tilt_angle="2 deg"
        )
        filled = cake.count > 0
        np.testing.assert_allclose(cake.intensity[filled], 1.0, rtol=1e-9)
        assert np.isnan(cake.intensity[~filled]).all()


def ai_angles(ai):
    rows, columns = np.indices(SHAPE)
    return np.arctan(np.hypot(rows + 0.5 - BEAM[0], columns + 0.5 - BEAM[1]) * PIXEL / DIST)


def test_mask_dark_and_monitor_do_in_maps_what_they_do_in_profiles(ai, frame):
    mask = np.zeros(SHAPE, bool)
    mask[:, :20] = True
    plain = ai.integrate2d_grazing(frame, 20, 15, incident_angle="1 deg", ip_range=(-20, 20), oop_range=(-10, 20))
    masked = ai.integrate2d_grazing(
        frame + np.uint32(7), 20, 15, incident_angle="1 deg", ip_range=(-20, 20), oop_range=(-10, 20), mask=mask,
        dark=np.full(SHAPE, 7.0), normalization_factor=2.0,
    )  # fmt: skip
    same = (masked.count == plain.count) & (plain.count > 0)
    assert same.sum() > 50
    np.testing.assert_allclose(2 * masked.intensity[same], plain.intensity[same], rtol=1e-6)
    assert masked.count.sum() < plain.count.sum()


def test_plan_maps_frames_and_survives_storage(ai, frame, tmp_path):
    plan = ai.plan2d_grazing(30, 20, incident_angle="0.3 deg", tilt_angle="1 deg", error_model="poisson")
    np.save(tmp_path / "frames.npy", np.stack([frame, 2 * frame]))
    mapped = list(plan.map(np.stack([frame, 2 * frame])))
    np.testing.assert_allclose(mapped[1].sum_signal, 2 * mapped[0].sum_signal, rtol=1e-6)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(plan))(frame).sum_signal, mapped[0].sum_signal)
    plan.save(tmp_path / "plan.h5")
    again = az.load_plan(tmp_path / "plan.h5")
    np.testing.assert_array_equal(again(frame).sum_signal, mapped[0].sum_signal)
    assert again.spec == plan.spec


@pytest.mark.parametrize(("unit_ip", "unit_oop"), MAPS)
def test_map_and_cut_come_back_from_a_file_with_their_sample(ai, frame, tmp_path, unit_ip, unit_oop):
    options = {
        "unit_ip": unit_ip, "unit_oop": unit_oop, "incident_angle": "0.3 deg", "tilt_angle": "1 deg",
        "sample_orientation": 7,
    }  # fmt: skip
    results = [
        ai.integrate2d_grazing(frame, 30, 20, error_model="poisson", **options),
        ai.integrate1d_grazing(frame, 30, along="oop", **options),
        ai.integrate1d_grazing(frame, 30, along="ip", **options),
    ]
    for number, result in enumerate(results):
        az.save(result, tmp_path / f"{number}.h5")
        (again,) = az.load_result(tmp_path / f"{number}.h5")
        assert again.sums == result.sums
        axes = [again.radial_axis, again.azimuthal_axis] if number == 0 else [again.axis]
        expected = [result.radial_axis, result.azimuthal_axis] if number == 0 else [result.axis]
        assert axes == expected
        assert axes[0].unit.parameters == {
            "incident_angle": math.radians(0.3),
            "tilt_angle": math.radians(1),
            "sample_orientation": 7,
        }


@pytest.mark.parametrize("call", ["integrate2d_grazing", "integrate1d_grazing"])
def test_number_without_its_unit_is_refused(ai, frame, call):
    with pytest.raises(ParameterError, match=r"incident_angle: 0.2 of what\? Add angle_unit='deg'"):
        getattr(ai, call)(frame, incident_angle=0.2)
    with pytest.raises(ParameterError, match=r"tilt_angle: expected a number with its unit, such as '0\.2 deg'"):
        getattr(ai, call)(frame, tilt_angle="0.2")
    with pytest.raises(UnknownNameError, match="angle_unit"):
        getattr(ai, call)(frame, tilt_angle=1, angle_unit="degrees")
    getattr(ai, call)(frame, 10, incident_angle=0, tilt_angle=0.0)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"unit_ip": "q_A^-1"}, UnsupportedOptionError, "unit_ip: 'q_A\\^-1' does not depend on the sample"),
        ({"unit_ip": "chigi_deg", "unit_oop": "qtot_A^-1"}, UnsupportedOptionError, "unit_ip: 'chigi_deg' is an angle"),
        ({"radial_range": (0, 1)}, ParameterError, "radial_range: .* the parameter is ip_range"),
        ({"unit": "qip_A^-1"}, ParameterError, "unit: .* the parameter is unit_ip, unit_oop"),
        ({"ip_range": (2, 1)}, ParameterError, "ip_range"),
        ({"oop_range": (2, 1)}, ParameterError, "oop_range"),
        ({"incidence_angle": 1}, UnknownNameError, "incidence_angle"),
        ({"sample_orientation": 9}, ParameterError, "sample_orientation"),
        ({"unit_ip": unit("qip_A^-1", incident_angle=0.1)}, ParameterError, "of two samples"),
        (
            {"unit_ip": "qip_A^-1", "unit_oop": "exit_angle_horz_deg"},
            UnsupportedOptionError,
            "jump along different lines",
        ),
    ],
)
def test_option_that_cannot_be_is_refused(ai, frame, options, error, message):
    with pytest.raises(error, match=message):
        ai.integrate2d_grazing(frame, 10, 10, **options)


def test_units_may_bring_their_sample(ai, frame):
    units = {
        "unit_ip": unit("qip_A^-1", incident_angle=0.1),
        "unit_oop": unit("qoop_A^-1", incident_angle=0.1),
    }
    one = ai.integrate2d_grazing(frame, 10, 10, **units)
    two = ai.integrate2d_grazing(
        frame, 10, 10, unit_ip="qip_A^-1", unit_oop="qoop_A^-1", incident_angle=0.1, angle_unit="rad"
    )
    assert one.radial_axis == two.radial_axis
    with pytest.raises(UnknownNameError, match="along"):
        ai.integrate1d_grazing(frame, along="vertical")
