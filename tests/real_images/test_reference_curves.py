# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Patterns that other programs computed from the same images, reproduced (issue 2, "what it must show" 1).

The curves come with the images (`../shared/data/README.md`); bins are theirs, rebuilt from the printed centres.
"""

import json

import numpy as np
import pytest

import azimuthal as az
from azimuthal.testing import real_images
from azimuthal.testing.real_images import first_frame
from azimuthal.testing.shared_data import shared_path

#: Relative; the curve is printed with ten digits, its program added up in float32.
TEN_DIGITS = 1e-4
#: Relative, median over the bins (README: 2e-5); stored in float32 with seven digits.
SEVEN_DIGITS = 2e-5
#: Of the two engines: coordinates differ in the last digit, and so does the weight of a thin sliver.
ENGINES = 1e-9

SWAXS_FRAMES = {
    "waxs": (
        "b_tassone",
        "Run1_12CE_TMC_013_c_PES_support_x-113.06_y61.78_dy-1_ctr0_scan1_0000",
        "Run1_12CE_TMC_013_c_PES_support_x-113.06_y61.78_dy-1_ctr0_scan1_0001",
        "Run1_PES_support_x-165.15_y89.20_dy1_ctr0_scan1_0000",
        "Run1_PES_support_x-165.15_y89.20_dy1_ctr0_scan1_0001",
        "Run1_12CE_TMC_013_c_PES_support_dark_x-113.06_y61.78_dy-1_ctr0_scan1_0000",
    ),
    "saxs": (
        "sone",
        "Run1_PES_support_x-165.15_y89.20_dy1_ctr0_scan1_0000",
        "Run1_12CE_TMC_013_c_PES_support_dark_x-113.06_y61.78_dy-1_ctr0_scan1_0001",
    ),
}
SWAXS_MASKS = {"waxs": "RT_WAXS_mask.edf", "saxs": "RT_SAXS_mask_03.edf"}


def edges_around(centres):
    """Return the edges of equal bins with the given centres."""
    half = 0.5 * (centres[-1] - centres[0]) / (centres.size - 1)
    return np.linspace(centres[0] - half, centres[-1] + half, centres.size + 1)


def correlation(a, b):
    good = np.isfinite(a) & np.isfinite(b)
    return np.corrcoef(a[good], b[good])[0, 1]


def deviations(found, reference):
    good = np.isfinite(found) & (reference != 0)
    return np.abs(found[good] / reference[good] - 1)


def test_ceo2_pilatus1m_curve_is_reproduced():
    """Bounding box, polarisation 0.99, no mask: the gaps count as -2.

    The first three bins are left out: their program lets the pixels under the beam keep the weight that their boxes
    would have below two theta = 0 (tests/comparison/test_pyfai_differences.py).
    """
    angle, intensity = np.loadtxt(shared_path("data/ceo2_pilatus1m/CeO2_Pilatus1M.xy")).T
    image = real_images.pilatus1m_ceo2()
    profile = image.integrator.integrate1d(
        image.frame, edges_around(angle), unit="2th_deg", split="bbox", polarization_factor=0.99
    )
    found = deviations(profile.intensity, intensity)
    assert found.size == 1512
    assert found[3:].max() < TEN_DIGITS
    assert np.median(found) < 1e-6
    assert correlation(profile.intensity, intensity) > 0.9999999


@pytest.mark.parametrize("number", [1, 2, 3])
def test_frames_of_a_map_with_single_crystal_spots_are_reproduced(number):
    """Mirrored; the geometry in the header of the curve is rounded, which is what is left of the difference."""
    angle, intensity = np.loadtxt(shared_path(f"data/map_fe3o4/Fe3O4C_M1_map_{number}_P1_E1_001.xy")).T
    frame = first_frame(f"data/map_fe3o4/Fe3O4C_M1_map_{number}_P1_E1_001.tif")[::-1]
    ai = az.load(shared_path("data/map_fe3o4/Fe3O4C_map.derived.poni"))
    bins = edges_around(angle)
    boxes = ai.integrate1d(frame, bins, unit="2th_deg", split="bbox", polarization_factor=0.99)
    assert correlation(boxes.intensity, intensity) > 0.999997
    assert np.median(deviations(boxes.intensity, intensity)) < 3e-4
    polygons = ai.integrate1d(frame, bins, unit="2th_deg", split="full", polarization_factor=0.99)
    assert correlation(polygons.intensity, intensity) > 0.99999


def test_pixium_pattern_is_reproduced():
    """Full splitting, polarisation 0.99; the header of the curve says that the geometry was refined once more."""
    angle, intensity = np.loadtxt(shared_path("data/pixium_cake/integrated.dat")).T
    frame = first_frame("data/pixium_cake/pixium_03150.tif")
    ai = az.load(shared_path("data/pixium_cake/DLS_CeO2_1200mm_pyFAI.poni"), shape=frame.shape)
    profile = ai.integrate1d(frame, edges_around(angle), unit="2th_deg", split="full", polarization_factor=0.99)
    seen = intensity > 0  # empty bins are 0 there and NaN here
    assert correlation(profile.intensity[seen], intensity[seen]) > 0.999999
    assert np.median(deviations(profile.intensity, intensity)) < 5e-4


def test_pixium_cake_is_reproduced_after_a_turn_of_five_degrees():
    """36 sectors x 5000 bins, bounding box, rot3 = 5 degrees."""
    table = np.loadtxt(shared_path("data/pixium_cake/pixium_03150.dat"))
    frame = first_frame("data/pixium_cake/pixium_03150.tif")
    loaded = az.load(shared_path("data/pixium_cake/DLS_CeO2_1200mm_pyFAI.poni"), shape=frame.shape).instrument
    ai = az.Integrator.from_instrument(loaded.replace(pose=loaded.pose.replace(rot3=np.radians(5))))
    cake = ai.integrate2d(frame, edges_around(table[:, 0]), 36, unit="2th_deg", split="bbox", polarization_factor=0.99)
    assert cake.intensity.shape == (36, 5000)
    assert correlation(cake.intensity, table[:, 1:].T) > 0.99998


def test_hexrd_lineout_of_the_ge_panel_is_reproduced():
    """A weighted average over a polar grid there: the same pattern, another resampling."""
    angle, intensity = np.load(shared_path("data/hexrd_ceo2/expt_spectrum.npy")).T
    image = real_images.ge_ceo2()
    profile = image.integrator.integrate1d(image.frame, edges_around(angle), unit="2th_deg", split="bbox")
    assert correlation(profile.intensity, intensity) > 0.9999
    plain = real_images.ge_ceo2(distorted=False)
    bent = plain.integrator.integrate1d(plain.frame, edges_around(angle), unit="2th_deg", split="bbox")
    assert correlation(bent.intensity, intensity) < 0.999


def swaxs(kind, name):
    """Return the integrator, frame, options and golden arrays of one frame."""
    folder = shared_path("data/swaxs_golden")
    ai = az.load(folder / f"{kind.upper()}.poni")
    prefix = SWAXS_FRAMES[kind][0]
    frame = np.fromfile(folder / f"{prefix}_{name}.raw", "<i4").reshape(ai.detector.shape)
    scalars = json.loads((folder / "golden_scalars.json").read_text())["corrections"][f"b_tassone_{name}.raw"]
    with np.load(folder / "golden_arrays.npz") as arrays:
        golden = {key: arrays[f"reduced__{kind}__{name}_{kind.upper()}__{key}"] for key in ("q", "I", "sigma")}
    options = {
        "mask": first_frame(f"data/swaxs_golden/{SWAXS_MASKS[kind]}").astype(bool),
        "polarization_factor": 0.95,
        "normalization_factor": scalars["normalization_factor"],
        "split": "bbox",
    }
    return ai, frame, options, golden


@pytest.mark.parametrize(
    ("kind", "name"), [(kind, name) for kind, (_, *names) in SWAXS_FRAMES.items() for name in names]
)
def test_swaxs_intensity_and_sigma_are_reproduced(kind, name):
    """Their sigma takes max(1, counts) as the variance of a pixel, ours max(counts, 0): given explicitly here."""
    ai, frame, options, golden = swaxs(kind, name)
    edges = edges_around(golden["q"])
    profile = ai.integrate1d(frame, edges, variance=np.maximum(frame, 1).astype(float), **options)
    # Frames of the closed shutter: 157 of 200 bins have counts in one detector, half of them in the other.
    tolerance = SEVEN_DIGITS if "dark" not in name else 2 * SEVEN_DIGITS
    assert np.median(deviations(profile.intensity, golden["I"])) < tolerance
    assert np.median(deviations(profile.sigma, golden["sigma"])) < SEVEN_DIGITS
    poisson = ai.integrate1d(frame, edges, error_model="poisson", **options)
    assert np.array_equal(poisson.intensity, profile.intensity, equal_nan=True)
    every_pixel_counted = frame[~options["mask"]].min() >= 1
    if every_pixel_counted:
        assert np.array_equal(poisson.sigma, profile.sigma)
    else:
        assert (poisson.sigma <= profile.sigma).all()


def test_swaxs_is_the_same_through_the_reference_engine():
    ai, frame, options, golden = swaxs("waxs", SWAXS_FRAMES["waxs"][1])
    edges = edges_around(golden["q"])
    for split in ("none", "bbox", "full"):
        fast, plain = (
            ai.integrate1d(frame, edges, error_model="poisson", engine=engine, **{**options, "split": split})
            for engine in ("native", "reference")
        )
        assert fast.provenance["engine"] == "native"
        assert plain.provenance["engine"] == "reference"
        for name in ("sum_signal", "sum_variance", "sum_normalization", "sum_normalization2", "count", "sigma"):
            assert np.allclose(getattr(fast, name), getattr(plain, name), rtol=ENGINES, atol=0), (split, name)
