# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Pixels on the tear of a map: nothing in the missing wedge, every pixel counted once, brute force as the judge."""

import math

import numpy as np
import pytest

import azimuthal as az
from azimuthal.integrate.sheets import Sheets
from azimuthal.units import unit

WAVELENGTH = 1e-10
DIST, PIXEL, SHAPE = 0.1, 1e-3, (60, 40)
SPLITS = ("none", "bbox", "pseudo", "full")
#: The beam inside a pixel, on an edge between columns, on a corner, at a centre.
BEAMS = [(10.3, 20.8), (10.3, 20.0), (10.0, 20.0), (10.5, 20.5)]
SAMPLES = [("0 deg", "0 deg"), ("6 deg", "0 deg"), ("6 deg", "4 deg")]
MAPS = [
    ("qip_nm^-1", "qoop_nm^-1"),
    ("qip_abs_nm^-1", "qoop_nm^-1"),
    ("qtot_nm^-1", "chigi_deg"),
    ("qtot_nm^-1", "chigi_abs_deg"),
]


def integrator(beam, **pose):
    detector = az.Detector(pixel1=PIXEL, pixel2=PIXEL, shape=SHAPE)
    return az.Integrator(detector, DIST, beam[0] * PIXEL, beam[1] * PIXEL, wavelength=WAVELENGTH, **pose)


def reachable(qip, qoop, eta, tilt):
    """Ewald sphere, written out: some turn of the sample about its normal brings (|qip|, qoop) onto it."""
    k = 2 * math.pi / WAVELENGTH * 1e-9
    incident = np.array([-math.sin(tilt) * math.sin(eta), -math.cos(tilt) * math.sin(eta), math.cos(eta)]) * k
    in_surface = math.hypot(incident[0], incident[2])
    # |incident + q|^2 = k^2 with q = (|qip| at an angle phi to the beam in the surface, qoop)
    cosine = (qip**2 + qoop**2 + 2 * incident[1] * qoop) / (2 * in_surface * np.abs(qip))
    return np.abs(cosine) <= 1


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize(("unit_ip", "unit_oop"), MAPS)
@pytest.mark.parametrize("beam", BEAMS)
def test_missing_wedge_stays_empty_and_no_pixel_is_lost(beam, unit_ip, unit_oop, split):
    ai = integrator(beam)
    frame = np.ones(SHAPE)
    for incident_angle, tilt_angle in SAMPLES:
        cake = ai.integrate2d_grazing(
            frame, 160, 180, unit_ip=unit_ip, unit_oop=unit_oop, incident_angle=incident_angle,
            tilt_angle=tilt_angle, split=split, error_model="poisson", solid_angle=False,
        )  # fmt: skip
        wedge = cake.missing_wedge
        assert wedge.sum() > 100
        assert np.isnan(cake.intensity[wedge]).all()
        assert np.isnan(cake.sigma[wedge]).all()
        assert (cake.count[wedge] == 0).all()
        assert cake.count.sum() == pytest.approx(frame.size, rel=1e-9)


@pytest.mark.parametrize(("incident_angle", "tilt_angle"), SAMPLES)
def test_missing_wedge_of_a_map_is_what_the_ewald_sphere_leaves_out(incident_angle, tilt_angle):
    """Brute force: 400 points in every bin; the mask is of bins in which no point is reached."""
    cake = integrator((10.3, 20.8)).integrate2d_grazing(
        np.ones(SHAPE), 60, 70, ip_range=(-30, 30), oop_range=(-70, 70), incident_angle=incident_angle,
        tilt_angle=tilt_angle,
    )  # fmt: skip
    eta, tilt = (math.radians(float(text.split()[0])) for text in (incident_angle, tilt_angle))
    parts = (np.arange(20) + 0.5) / 20
    ip = cake.radial_axis.edges[:-1, None] + parts * cake.radial_axis.widths[:, None]
    oop = cake.azimuthal_axis.edges[:-1, None] + parts * cake.azimuthal_axis.widths[:, None]
    hit = reachable(ip[None, :, None, :], oop[:, None, :, None], eta, tilt).any(axis=(2, 3))
    assert not (cake.missing_wedge & hit).any()
    # Bins with a corner in the crescent that no point of the 400 hit are few.
    assert (~cake.missing_wedge & ~hit).sum() < 0.02 * hit.size
    assert cake.missing_wedge.sum() > 0.05 * hit.size


@pytest.mark.parametrize(("incident_angle", "tilt_angle"), SAMPLES)
@pytest.mark.parametrize("polar", ["chigi_deg", "chigi_abs_deg"])
def test_missing_wedge_of_a_polar_map_is_what_the_ewald_sphere_leaves_out(incident_angle, tilt_angle, polar):
    cake = integrator((10.3, 20.8)).integrate2d_grazing(
        np.ones(SHAPE), 60, np.linspace(-10, 180, 71), unit_ip="qtot_nm^-1", unit_oop=polar, ip_range=(0, 140),
        incident_angle=incident_angle, tilt_angle=tilt_angle,
    )  # fmt: skip
    eta, tilt = (math.radians(float(text.split()[0])) for text in (incident_angle, tilt_angle))
    parts = (np.arange(20) + 0.5) / 20
    total = cake.radial_axis.edges[:-1, None] + parts * cake.radial_axis.widths[:, None]
    angle = np.radians(cake.azimuthal_axis.edges[:-1, None] + parts * cake.azimuthal_axis.widths[:, None])
    total, angle = total[None, :, None, :], angle[:, None, :, None]
    hit = reachable(total * np.sin(angle), total * np.cos(angle), eta, tilt).any(axis=(2, 3))
    assert not (cake.missing_wedge & hit).any()
    assert (~cake.missing_wedge & ~hit).sum() < 0.03 * hit.size
    assert cake.missing_wedge.sum() > 0.05 * hit.size


def scattered_points(ai, unit_ip, unit_oop, sample, n):
    """Return the coordinates of n x n points in every pixel, and the pixel of each: no polygons."""
    parts = (np.arange(n) + 0.5) / n
    y = ((np.arange(SHAPE[0])[:, None] + parts).reshape(-1) * PIXEL - ai.pose.poni1)[:, None]
    x = ((np.arange(SHAPE[1])[:, None] + parts).reshape(-1) * PIXEL - ai.pose.poni2)[None, :]
    x, y = np.broadcast_arrays(x, y)
    z = np.full(x.shape, DIST)
    return [unit(name, **sample).values(x, y, z, WAVELENGTH) for name in (unit_ip, unit_oop)]


@pytest.mark.parametrize(("unit_ip", "unit_oop"), MAPS)
@pytest.mark.parametrize("beam", BEAMS)
def test_full_splitting_is_the_share_of_points_scattered_over_the_pixels(beam, unit_ip, unit_oop):
    """Whole column of pixels on the tear, beam and specular reflection among them."""
    ai = integrator(beam)
    sample = {"incident_angle": math.radians(6)}
    u, c = scattered_points(ai, unit_ip, unit_oop, sample, 24)
    low, high = u.min(), u.max()
    edges_u = np.linspace(low, high + 1e-9, 38)
    edges_c = np.linspace(*((-180, 180) if unit_oop == "chigi_deg" else (c.min(), c.max() + 1e-9)), 34)
    expected, *_ = np.histogram2d(c.ravel(), u.ravel(), [edges_c, edges_u])
    cake = ai.integrate2d_grazing(
        np.ones(SHAPE), edges_u, edges_c, unit_ip=unit_ip, unit_oop=unit_oop, incident_angle="6 deg",
        solid_angle=False,
    )  # fmt: skip
    # Points and even spreading differ most in the pixels next to the wedge, where the map is squeezed: by up to 0.7
    # pixels between two neighbouring bins of some 2 pixels; everywhere else by the grid of points (0.09).
    difference = np.abs(cake.count - expected / 24**2)
    assert difference.sum() < 0.02 * math.prod(SHAPE)
    assert difference.max() < 0.7
    assert np.median(difference[expected > 0]) < 0.03


def test_smearing_over_the_wedge_would_be_seen():
    """What the pieces are for: the corners of a pixel on the line joined directly lie on both sides of the wedge."""
    ai = integrator((10.3, 20.8))
    sample = {"incident_angle": math.radians(1)}
    x = np.array([-0.4, 0.6, 0.6, -0.4]) * PIXEL
    y = np.array([40.0, 40.0, 41.0, 41.0]) * PIXEL
    corners = unit("qip_nm^-1", **sample).values(x, y, np.full(4, DIST), WAVELENGTH)
    assert corners.min() < -4
    assert corners.max() > 4
    positions = np.stack([y, x, np.full(4, DIST)], axis=-1)[None]
    quantities = (unit(name, **sample).quantity for name in ("qip_nm^-1", "qoop_nm^-1"))
    sheets = Sheets.of(*quantities, ai.wavelength)
    assert sheets.meet(positions).all()
    pieces = sheets.pieces(positions, np.array([True]))
    np.testing.assert_allclose(pieces.share, [0.4, 0.6], rtol=1e-5)  # the line is straight to that part of a pixel
    np.testing.assert_array_equal(pieces.owner, [0, 0])
    left, right = pieces.shapes.corners[..., 0]
    assert left.max() < -4e9
    assert right.min() > 4e9


def test_corner_on_the_line_is_taken_to_the_side_of_its_pixel():
    """Two neighbours share corners at q_h' = 0: each is one piece, of its own sign, with the whole pixel."""
    ai = integrator((10.0, 20.0))
    quantities = [unit(name, incident_angle=0.02).quantity for name in ("qip_nm^-1", "qoop_nm^-1")]
    sheets = Sheets.of(*quantities, ai.wavelength)
    y = np.array([40.0, 41.0, 41.0, 40.0]) * PIXEL
    for x, sign in ((np.array([0.0, 0.0, 1.0, 1.0]), 1), (np.array([-1.0, -1.0, 0.0, 0.0]), -1)):
        positions = np.stack([y, x * PIXEL, np.full(4, DIST)], axis=-1)[None]
        assert sheets.meet(positions).all()
        pieces = sheets.pieces(positions, np.array([True]))
        np.testing.assert_array_equal(pieces.share, [1.0])
        assert (sign * pieces.shapes.corners[..., 0] > 0).all()


@pytest.mark.parametrize("name", ["exit_angle_horz_deg", "scattering_angle_horz_deg"])
def test_horizontal_angle_behind_the_sample_is_not_smeared_over_the_circle(name):
    """A detector in backscattering: pixels on the cut go to +180 or -180 degrees, not between."""
    ai = integrator((30.3, 20.8), rot1=math.pi)
    cake = ai.integrate2d_grazing(
        np.ones(SHAPE), 360, 20, unit_ip=name, unit_oop=name.replace("horz", "vert"), ip_range=(-180, 180),
        incident_angle="2 deg", solid_angle=False,
    )  # fmt: skip
    assert cake.count.sum() == pytest.approx(math.prod(SHAPE), rel=1e-9)
    assert cake.count[:, 30:330].sum() == 0


def test_six_corners_and_a_tilted_detector_are_cut_too():
    detector = az.detector("Pixirad1") if "Pixirad1" in az.detector_names() else None
    if detector is None:
        pytest.skip("no detector with hexagonal pixels in the catalogue")
    shape = detector.shape
    ai = az.Integrator(detector, 0.1, 0.01, 0.012, rot1=0.1, rot2=-0.1, rot3=0.4, wavelength=WAVELENGTH)
    for engine in ("native", "reference"):
        plan = ai.plan2d_grazing(60, 50, incident_angle="3 deg", engine=engine)
        cake = plan(np.ones(shape))
        assert cake.count.sum() == pytest.approx(plan.report["used"], rel=1e-9)
        assert (cake.count[cake.missing_wedge] == 0).all()


def test_parallax_moves_pixels_before_they_are_cut():
    detector = az.detector("Pilatus100k").with_sensor("Si", 450e-6)
    options = {"dist": 0.05, "poni1": 0.0168, "poni2": 0.0419, "energy": 17.0}
    plain, moved = (az.Integrator(detector, parallax=parallax, **options) for parallax in (None, True))
    frame = np.ones(detector.shape)
    for split in ("none", "bbox", "full"):
        cakes = [
            ai.integrate2d_grazing(frame, 90, 80, incident_angle="1 deg", split=split, engine=engine)
            for ai, engine in ((plain, "native"), (moved, "native"), (moved, "reference"))
        ]
        for cake in cakes:
            assert cake.count.sum() == pytest.approx(cakes[0].count.sum(), rel=1e-9)
            assert (cake.count[cake.missing_wedge] == 0).all()
        assert abs(cakes[0].radial[0] - cakes[1].radial[0]) > 1e-3
        np.testing.assert_allclose(cakes[1].radial_axis.edges, cakes[2].radial_axis.edges, rtol=1e-8, atol=1e-8)
        if split != "none":
            np.testing.assert_allclose(cakes[1].count, cakes[2].count, atol=1e-5)
