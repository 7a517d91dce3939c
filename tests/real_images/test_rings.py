# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Measured calibrant images: rings where the certified lattice puts them (issue 2, "what it must show" 1).

For every image the number of rings and the largest deviation are those of `../shared/data/README.md`, measured there
with pyFAI 2026.9: what the published geometry allows.  Where that geometry allows it, the median of the absolute
deviations is below 0.1 pixel too; where it does not (see the comments), the median of the signed ones is.
"""

import warnings

import numpy as np
import pytest

from azimuthal.testing import real_images
from azimuthal.testing.rings import RingReport, find_rings, isolated, pixel_two_theta, two_theta_of
from azimuthal.testing.shared_data import shared_path

#: Of a ring's centre, as a share of one pixel: what the issue asks for.
MEDIAN_PIXELS = 0.1

SPLITS = ("full", "bbox")


def report_of(image, x, y, half_window):
    expected = isolated(two_theta_of(image.d_spacings, image.integrator.wavelength), half_window)
    rings = find_rings(x, y, expected, half_window=half_window)
    pixel = pixel_two_theta(image.integrator.instrument, np.array([ring.expected for ring in rings]))
    return RingReport(rings, pixel)


def profile_report(image, split, *, bins, half_window, **options):
    profile = image.integrator.integrate1d(
        image.frame, bins, unit="2th_deg", split=split, mask=image.mask, polarization_factor=0.99, **options
    )
    return report_of(image, profile.radial, profile.intensity, half_window)


@pytest.mark.parametrize("split", SPLITS)
def test_ceo2_on_pilatus2m_has_its_seventeen_rings(split):
    report = profile_report(real_images.pilatus2m_ceo2(), split, bins=3000, half_window=0.07)
    assert len(report.rings) == 17, report
    assert report.largest < 0.00085, report
    assert report.median_pixels < MEDIAN_PIXELS, report


@pytest.mark.parametrize("split", SPLITS)
def test_ceo2_on_pilatus1m_has_its_seventeen_rings_when_mirrored(split):
    report = profile_report(real_images.pilatus1m_ceo2(), split, bins=2000, half_window=0.12)
    assert len(report.rings) == 17, report
    assert report.largest < 0.0045, report
    assert report.median_pixels < MEDIAN_PIXELS, report


def test_ceo2_on_pilatus1m_without_the_mirror_has_no_sharp_rings():
    """The orientation trap: the same frame as it is in the file."""
    image = real_images.pilatus1m_ceo2()
    report = profile_report(
        image._replace(frame=image.frame[::-1], mask=image.mask[::-1]), "bbox", bins=2000, half_window=0.12
    )
    assert not report.rings or report.median_pixels > 10 * MEDIAN_PIXELS, report


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("name", real_images.LAB6_TILTS)
def test_lab6_under_three_tilts_has_its_rings(name, split):
    """The powder is coarse: single grains outshine a ring, so the geometric mean over azimuth stands for it.

    The median of the absolute deviations is 0.06 to 0.21 pixel: deviations run smoothly with the angle, within what the
    published Fit2D values give (the largest one in the README is 0.0064 degrees, 0.6 pixel).
    """
    image = real_images.lab6_tilt(name)
    cake = image.integrator.integrate2d(image.frame, 2500, 360, unit="2th_deg", split=split)
    seen = np.where(cake.count > 0.02, np.maximum(cake.intensity, 1.0), np.nan)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Mean of empty slice", category=RuntimeWarning)
        pattern = np.exp(np.nanmean(np.log(seen), axis=0))
    report = report_of(image, cake.radial, pattern, 0.08)
    assert 8 <= len(report.rings) <= 10, report
    assert report.largest < 0.0064, report
    assert abs(report.bias_pixels) < MEDIAN_PIXELS, report


@pytest.mark.parametrize("split", SPLITS)
def test_ceo2_in_strained_steel_on_mar345_has_its_rings(split):
    """Median of the absolute deviations: 0.1 pixel; they run from -0.0016 to 0.0024 degrees with the angle."""
    report = profile_report(real_images.mar345_strain(), split, bins=3000, half_window=0.04)
    in_range = [ring for ring in report.rings if ring.expected < 9]
    report = RingReport(tuple(in_range), report.pixel[: len(in_range)])
    assert len(report.rings) == 12, report
    assert report.largest < 0.0046, report
    assert abs(report.bias_pixels) < MEDIAN_PIXELS, report


@pytest.mark.parametrize("split", SPLITS)
def test_ceo2_on_ge_needs_the_distortion_of_the_panel(split):
    with_it = profile_report(real_images.ge_ceo2(), split, bins=np.linspace(1.2, 15.2, 2801), half_window=0.05)
    assert len(with_it.rings) == 24, with_it
    assert with_it.largest < 0.0004, with_it
    assert with_it.median_pixels < 0.02, with_it
    if split == "full":
        return
    plain = profile_report(
        real_images.ge_ceo2(distorted=False), split, bins=np.linspace(1.2, 15.2, 2801), half_window=0.05
    )
    assert 0.008 < plain.largest < 0.011, plain


@pytest.mark.parametrize("split", SPLITS)
def test_lab6_on_a_moving_arm_merges_into_nine_rings(split):
    """22 frames of one detector at 8.4 to 39 degrees: sums add up before the mean is taken."""
    edges = np.linspace(8, 42, 5001)
    signal, normalization, integrator = np.zeros(5000), np.zeros(5000), None
    for integrator, frame, monitor in real_images.goniometer_lab6():
        profile = integrator.integrate1d(
            frame, edges, unit="2th_deg", split=split, solid_angle="absolute", normalization_factor=monitor
        )
        signal += profile.sum_signal
        normalization += profile.sum_normalization
    pattern = np.divide(signal, normalization, out=np.full(5000, np.nan), where=normalization > 0)
    d = real_images.cubic_d_spacings(real_images.LAB6_660A)
    expected = isolated(two_theta_of(d, integrator.wavelength), 0.15)
    rings = find_rings(0.5 * (edges[1:] + edges[:-1]), pattern, expected, half_window=0.15)
    one_pixel = np.degrees(integrator.detector.pixel1 / integrator.pose.dist)
    report = RingReport(rings, np.full(len(rings), one_pixel))
    assert len(report.rings) == 9, report
    assert report.largest < 0.0024, report
    assert report.median_pixels < MEDIAN_PIXELS, report


@pytest.mark.parametrize(
    "name", ["lab6_tilts/LaB6_Normal_0042", "lab6_tilts/LaB6_tilt3h_0045", "strain_mar345/nx09_strain"]
)
@pytest.mark.filterwarnings("ignore")
def test_rings_that_miss_a_tenth_of_a_pixel_lie_where_pyfai_finds_them(name):
    """What is left on these three images belongs to the published geometry: both programs find the same centres."""
    pyFAI = pytest.importorskip("pyFAI")
    image = real_images.mar345_strain() if "mar345" in name else real_images.lab6_tilt(name.partition("LaB6_")[2])
    mask = image.integrator.detector.gap_mask() | (image.frame == np.iinfo(image.frame.dtype).max)
    theirs = pyFAI.load(str(shared_path(f"data/{name}.derived.poni"))).integrate1d(
        image.frame, 2500, unit="2th_deg", method=("full", "csr", "cython"), mask=mask, polarization_factor=0.99
    )
    width = theirs.radial[1] - theirs.radial[0]
    edges = np.append(theirs.radial - width / 2, theirs.radial[-1] + width / 2)
    ours = image.integrator.integrate1d(image.frame, edges, unit="2th_deg", mask=mask, polarization_factor=0.99)
    expected = isolated(two_theta_of(image.d_spacings, image.integrator.wavelength), 0.08)
    pairs = [
        find_rings(ours.radial, pattern, expected, half_window=0.08)
        for pattern in (np.nan_to_num(ours.intensity), theirs.intensity)
    ]
    assert len(pairs[0]) == len(pairs[1]) >= 9
    pixel = pixel_two_theta(image.integrator.instrument, np.array([ring.expected for ring in pairs[0]]))
    found = np.array([[ring.found for ring in rings] for rings in pairs])
    assert np.abs((found[0] - found[1]) / pixel).max() < 1e-3
