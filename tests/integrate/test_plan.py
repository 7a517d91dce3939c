# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Properties that every plan has, for every scheme, unit and kind of result (STYLE Q3)."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import azimuthal as az
from azimuthal.corrections import CorrectionSettings, fold
from azimuthal.errors import (
    DataTypeError,
    ParameterError,
    ShapeError,
    UnknownNameError,
    UnsupportedOptionError,
    WavelengthMissingError,
)

SPLITS = ("none", "bbox", "pseudo", "full")
ROUNDING = 1e-12
SHAPE = (101, 103)


def sums_of(result):
    names = ("sum_signal", "sum_variance", "sum_normalization", "sum_normalization2", "count")
    return [getattr(result, name) for name in names if getattr(result, name) is not None]


poses = st.builds(
    az.Pose,
    dist=st.floats(0.03, 0.5),
    poni1=st.floats(-0.05, 0.15),
    poni2=st.floats(-0.05, 0.15),
    rot1=st.floats(-0.7, 0.7),
    rot2=st.floats(-0.7, 0.7),
    rot3=st.floats(-3, 3),
)


def integrator(pose, orientation=3, shape=SHAPE):
    detector = az.Detector(pixel1=1e-3, pixel2=1e-3, shape=shape, orientation=orientation)
    return az.Integrator.from_instrument(az.Instrument(detector, pose, az.Beam(1e-10)))


@given(
    pose=poses,
    split=st.sampled_from(SPLITS),
    orientation=st.integers(1, 4),
    unit=st.sampled_from(["q_nm^-1", "2th_deg", "r_mm"]),
)
@settings(max_examples=25, deadline=None)
def test_full_range_conserves_the_signal(pose, split, orientation, unit):
    frame = np.random.default_rng(0).poisson(20, SHAPE).astype(np.int32)
    ai = integrator(pose, orientation)
    for result in (
        ai.integrate1d(frame, 73, unit=unit, split=split),
        ai.integrate2d(frame, 31, 57, unit=unit, split=split),
        ai.integrate_radial(frame, 50, radial_unit=unit, split=split),
    ):
        assert result.sum_signal.sum() == pytest.approx(frame.sum(), rel=ROUNDING)
        assert result.count.sum() == pytest.approx(frame.size, rel=ROUNDING)


@given(pose=poses, split=st.sampled_from(SPLITS), orientation=st.integers(1, 4))
@settings(max_examples=12, deadline=None)
def test_native_equals_reference(pose, split, orientation):
    frame = np.random.default_rng(1).poisson(20, SHAPE).astype(np.uint16)
    ai = integrator(pose, orientation)
    for unit in ("q_A^-1", "d*2_nm^-2"):
        one, two = (
            ai.integrate1d(
                frame, np.linspace(0.01, 3, 60), unit=unit, split=split, error_model="poisson", engine=engine,
                azimuth_range=(100, 250), polarization_factor=0.9,
            )
            for engine in ("reference", "native")
        )  # fmt: skip
        for a, b in zip(sums_of(one), sums_of(two), strict=True):
            # Coordinates differ in the last digit, so that a weight of a thin sliver may too.
            assert np.allclose(a, b, rtol=1e-9, atol=1e-9 * np.abs(a).max())


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("average", ["ratio_of_sums", "mean_of_ratios"])
def test_constant_scattering_gives_a_constant_profile(ai, split, average):
    """A frame that is exactly its own normalisation is 1 everywhere."""
    flat = np.random.default_rng(2).uniform(0.5, 2, SHAPE)
    n = fold(ai.instrument, CorrectionSettings(polarization_factor=0.97), flat=flat).normalization
    p = ai.integrate1d(7.0 * n, 80, flat=flat, polarization_factor=0.97, split=split, average=average)
    assert np.nanmax(np.abs(p.intensity - 7)) < 1e-11


def test_averages_by_brute_force(ai, frame):
    flat = np.random.default_rng(3).uniform(0.5, 2, SHAPE)
    dark = np.full(SHAPE, 3.0)
    edges = np.linspace(0, 40, 30)
    common = dict(
        unit="2th_deg",
        split="none",
        flat=flat,
        dark=dark,
        solid_angle=False,
        error_model="poisson",
        normalization_factor=2.5,
    )
    ratio, mean, total = (
        ai.integrate1d(frame, edges, average=name, **common) for name in ("ratio_of_sums", "mean_of_ratios", "sum")
    )
    detector = ai.detector
    t = ai.pose.lab_from_detector(detector.centers())
    angle = np.degrees(np.arctan2(np.hypot(t[..., 0], t[..., 1]), t[..., 2]))
    s, n, v = frame - dark, flat * 2.5, frame.astype(float)
    for k in range(edges.size - 1):
        inside = (angle >= edges[k]) & (angle < edges[k + 1])
        if not inside.any():
            assert np.isnan(ratio.intensity[k])
            assert np.isnan(mean.sigma[k])
            assert total.intensity[k] == 0
            continue
        sb, nb, vb = s[inside], n[inside], v[inside]
        assert ratio.intensity[k] == pytest.approx(sb.sum() / nb.sum(), rel=ROUNDING)
        assert ratio.sem[k] == pytest.approx(np.sqrt(vb.sum()) / nb.sum(), rel=ROUNDING)
        assert ratio.std[k] == pytest.approx(np.sqrt(vb.sum() / (nb**2).sum()), rel=ROUNDING)
        assert mean.intensity[k] == pytest.approx((sb / nb).mean(), rel=ROUNDING)
        assert mean.sem[k] == pytest.approx(np.sqrt((vb / nb**2).sum()) / inside.sum(), rel=ROUNDING)
        assert total.intensity[k] == pytest.approx((sb / nb).sum(), rel=ROUNDING)
        assert total.sem[k] == pytest.approx(np.sqrt((vb / nb**2).sum()), rel=ROUNDING)
        assert ratio.count[k] == inside.sum()


@pytest.mark.parametrize("split", SPLITS)
def test_linear_in_the_frame(ai, split):
    rng = np.random.default_rng(4)
    a, b = rng.normal(size=(2, *SHAPE))
    plan = ai.plan1d(50, split=split)
    combined = plan(2 * a - 3 * b).sum_signal
    assert np.allclose(combined, 2 * plan(a).sum_signal - 3 * plan(b).sum_signal, rtol=0, atol=1e-9)


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize(
    ("arc", "parts"),
    [
        ((170, 190), [(170, 180), (180, 190)]),
        ((0, 360), [(-180, 0), (0, 180)]),
        ((90, 270), [(90, 180), (-180, -90)]),
        ((-10, 10), [(350, 360), (0, 10)]),
    ],
)
def test_sectors_across_any_cut_are_arcs_on_a_circle(ai, frame, split, arc, parts):
    """pyFAI 2026.9 gives a part of the data (inventory 9.1-2)."""
    edges = np.linspace(0, 60, 40)
    whole = ai.integrate1d(frame, edges, azimuth_range=arc, split=split)
    pieces = [ai.integrate1d(frame, edges, azimuth_range=part, split=split) for part in parts]
    assert np.allclose(whole.sum_signal, sum(p.sum_signal for p in pieces), rtol=1e-11, atol=1e-9)
    t = ai.pose.lab_from_detector(ai.detector.centers())
    chi = np.degrees(np.arctan2(t[..., 0], t[..., 1]))
    q = ai.integrate1d(frame, edges, split="none").count.sum()
    inside = ((chi - arc[0]) % 360) < (arc[1] - arc[0])
    expected = frame.size if arc == (0, 360) else np.count_nonzero(inside)
    assert whole.count.sum() == pytest.approx(expected, rel=0.03)
    assert q == frame.size


@pytest.mark.parametrize("split", SPLITS)
def test_radial_ranges_are_additive_and_the_first_bin_is_exact(ai, frame, split):
    unit = "2th_deg"
    whole = ai.integrate1d(frame, np.linspace(5, 30, 26), unit=unit, split=split)
    low = ai.integrate1d(frame, 10, radial_range=(5, 15), unit=unit, split=split)
    high = ai.integrate1d(frame, 15, radial_range=(15, 30), unit=unit, split=split)
    assert np.allclose(whole.sum_signal[1:9], low.sum_signal[1:9], rtol=1e-9)
    if split != "none":
        joined = np.concatenate([low.sum_signal, high.sum_signal])
        assert np.allclose(whole.sum_signal, joined, rtol=1e-9)
    assert np.allclose(low.edges, np.arange(5, 15.5), rtol=1e-14)


@given(shift=st.floats(-3, 3), split=st.sampled_from(SPLITS))
@settings(max_examples=10, deadline=None)
def test_rotating_about_the_beam_keeps_the_radial_profile_and_shifts_chi(shift, split):
    frame = np.random.default_rng(5).poisson(50, SHAPE)
    pose = az.Pose(0.1, 0.0503, 0.0498, 0.1, -0.05, 0.2)
    one, two = integrator(pose), integrator(pose.replace(rot3=pose.rot3 + shift))
    assert np.allclose(
        one.integrate1d(frame, np.linspace(0, 45, 46), split=split).sum_signal,
        two.integrate1d(frame, np.linspace(0, 45, 46), split=split).sum_signal,
        rtol=1e-8, atol=1e-6 if split != "none" else 200,
    )  # fmt: skip
    if split == "none":
        return
    # rot3 turns axis 1 towards axis 2, and chi counts from axis 2 towards axis 1: chi falls by rot3.
    a = one.integrate_radial(frame, np.linspace(0, 360, 37), split=split).sum_signal
    moved = np.linspace(0, 360, 37) - np.degrees(shift)
    b = two.integrate_radial(frame, moved, split=split).sum_signal
    assert np.allclose(a, b, rtol=1e-7, atol=1e-6)


def test_changing_the_unit_rescales_only_the_edges(ai, frame):
    nm = ai.integrate1d(frame, 60, unit="q_nm^-1")
    angstrom = ai.integrate1d(frame, 60, unit="q_A^-1")
    assert np.allclose(nm.edges, 10 * angstrom.edges, rtol=1e-14)
    assert np.array_equal(nm.sum_signal, angstrom.sum_signal)


def test_origin_of_the_cake_rolls_it(ai, frame):
    one = ai.integrate2d(frame, 20, 36)
    two = ai.integrate2d(frame, 20, 36, azimuth_range=(-150, 210))
    assert np.allclose(np.roll(one.sum_signal, -3, axis=0), two.sum_signal, rtol=1e-9, atol=1e-9)
    assert one.azimuthal[0] == -175


@pytest.mark.parametrize("split", SPLITS)
def test_cake_summed_over_azimuth_is_the_profile(ai, frame, split):
    edges = np.linspace(0, 60, 40)
    cake = ai.integrate2d(frame, edges, 90, split=split, error_model="poisson")
    profile = ai.integrate1d(frame, edges, split=split, error_model="poisson")
    for name in ("sum_signal", "sum_normalization", "count"):
        assert np.allclose(getattr(cake, name).sum(axis=0), getattr(profile, name), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e30])
@pytest.mark.parametrize("split", ["none", "full"])
def test_value_of_a_masked_pixel_is_irrelevant(ai, split, value):
    mask = np.zeros(SHAPE, bool)
    mask[40:60, 30:70] = True
    clean = np.random.default_rng(6).normal(10, 1, SHAPE)
    dirty = np.where(mask, value, clean)
    one = ai.integrate1d(clean, 60, mask=mask, split=split, error_model="poisson")
    two = ai.integrate1d(dirty, 60, mask=mask, split=split, error_model="poisson")
    for a, b in zip(sums_of(one), sums_of(two), strict=True):
        assert a.tobytes() == b.tobytes()


@pytest.mark.parametrize("engine", ["native", "reference"])
def test_invalid_values_equal_masking_them(ai, frame, engine):
    bad = np.zeros(SHAPE, bool)
    bad[3:9, 20:90] = True
    dirty = frame.copy()
    dirty[bad] = 2**32 - 1
    masked = ai.integrate1d(frame, np.linspace(0, 60, 50), mask=bad, error_model="poisson", engine=engine)
    dynamic = ai.integrate1d(dirty, np.linspace(0, 60, 50), error_model="poisson", engine=engine)
    for a, b in zip(sums_of(masked), sums_of(dynamic), strict=True):
        assert np.allclose(a, b, rtol=ROUNDING, atol=0)
    assert dynamic.provenance["n_invalid"] == np.count_nonzero(bad)
    assert "4294967295" in dynamic.provenance["invalid_values"]
    kept = ai.integrate1d(dirty, 50, invalid_values=False, engine=engine)
    assert kept.sum_signal.sum() > 1e11


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64"])
def test_dtype_maximum_never_enters_a_sum(ai, dtype):
    frame = np.ones(SHAPE, dtype)
    frame[50, 50] = np.iinfo(dtype).max
    assert ai.integrate1d(frame, 40, split="none").sum_signal.sum() == frame.size - 1


@pytest.mark.parametrize("engine", ["native", "reference"])
def test_any_byte_order_and_strides_give_the_same(ai, frame, engine):
    plan = ai.plan1d(50, engine=engine)
    expected = plan(frame).sum_signal
    padded = np.zeros((202, 206), np.uint32)
    padded[::2, ::2] = frame
    for variant in (frame.astype(">u4"), np.asfortranarray(frame), padded[::2, ::2], frame[::-1][::-1]):
        before = variant.copy()
        assert plan(variant).sum_signal.tobytes() == expected.tobytes()
        assert np.array_equal(variant, before)


def test_explicit_variance_reaches_sigma(ai, frame):
    variance = np.random.default_rng(8).uniform(1, 5, SHAPE)
    p = ai.integrate1d(
        frame, np.linspace(0, 45, 46), unit="2th_deg", variance=variance, split="none", solid_angle=False
    )
    t = ai.pose.lab_from_detector(ai.detector.centers())
    angle = np.degrees(np.arctan2(np.hypot(t[..., 0], t[..., 1]), t[..., 2]))
    inside = (angle >= 20) & (angle < 21)
    assert p.sigma[20] == pytest.approx(np.sqrt(variance[inside].sum()) / inside.sum(), rel=ROUNDING)
    assert p.error_model == "variance"


def test_orientation_is_an_index_mirror_of_the_frame(frame):
    pose = az.Pose(0.1, 0.0503, 0.0398, 0.1, -0.05, 0.2)
    native = integrator(pose, 3).integrate2d(frame, 40, 36, split="none")
    for orientation, mirrored in ((1, frame[::-1, ::-1]), (2, frame[::-1]), (4, frame[:, ::-1])):
        other = integrator(pose, orientation).integrate2d(mirrored, 40, 36, split="none")
        assert np.array_equal(native.sum_signal, other.sum_signal)


def test_saved_plan_gives_bit_equal_results(ai, frame, tmp_path):
    mask = np.zeros(SHAPE, bool)
    mask[:5] = True
    for make in (ai.plan1d, ai.plan_radial):
        plan = make(50, split="full", mask=mask, flat=np.full(SHAPE, 2.0), error_model="poisson")
        path = tmp_path / f"{make.__name__}.h5"
        plan.save(path)
        loaded = az.load_plan(path)
        for a, b in zip(sums_of(plan(frame)), sums_of(loaded(frame)), strict=True):
            assert a.tobytes() == b.tobytes()
        assert loaded.spec == plan.spec
        assert loaded.report == plan.report


def test_load_plan_of_another_file_is_refused(tmp_path):
    import h5py

    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["x"] = 1
    with pytest.raises(az.errors.FileFormatError, match="plan"):
        az.load_plan(tmp_path / "other.h5")
    with pytest.raises(FileNotFoundError):
        az.load_plan(tmp_path / "absent.h5")


def test_damaged_plan_is_refused(ai, tmp_path):
    import h5py

    path = tmp_path / "plan.h5"
    ai.plan1d(20).save(path)
    with h5py.File(path, "r+") as file:
        file["matrix/indices"][3] = 10_000
    with pytest.raises(az.errors.FileFormatError, match="indices"):
        az.load_plan(path)


def test_plan_pickles_to_the_same_numbers(ai, frame):
    plan = ai.plan2d(20, 10)
    again = pickle.loads(pickle.dumps(plan))
    assert again(frame).sum_signal.tobytes() == plan(frame).sum_signal.tobytes()


def test_map_is_the_loop(ai, frame):
    stack = np.stack([frame, frame * 2, frame * 3])
    plan = ai.plan1d(40, error_model="poisson")
    mapped = list(plan.map(stack, normalization_factors=[1, 2, 3]))
    assert len(mapped) == 3
    for k, p in enumerate(mapped):
        alone = plan(stack[k], normalization_factor=k + 1)
        for a, b in zip(sums_of(p), sums_of(alone), strict=True):
            assert a.tobytes() == b.tobytes()
        assert p.metadata["index"] == k


def test_spec_round_trips_through_json(ai):
    import json

    from azimuthal.integrate import PlanSpec

    plan = ai.plan2d(az.log_bins(0.5, 40, n=20), 36, polarization_factor=0.9, dummy=-3, delta_dummy=0.5)
    assert PlanSpec.from_dict(json.loads(json.dumps(plan.spec.to_dict()))) == plan.spec


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        (dict(npt=100, unit="q_A-1x"), UnknownNameError, "q_A\\^-1"),
        (dict(npt=0), ParameterError, "npt"),
        (dict(npt=10.5), DataTypeError, "npt"),
        (dict(npt=[3, 2, 1]), ParameterError, "increase"),
        (dict(npt=10, split="ful"), UnknownNameError, "did you mean 'full'"),
        (dict(npt=10, error_model="poison"), UnknownNameError, "did you mean 'poisson'"),
        (dict(npt=10, error_model="azimutal"), UnknownNameError, "azimuthal"),
        (dict(npt=10, average="mean"), UnknownNameError, "mean_of_ratios"),
        (dict(npt=10, radial_range=(5, 2)), ParameterError, "radial_range"),
        (dict(npt=10, radial_range=(2, 2)), ParameterError, "radial_range"),
        (dict(npt=10, radial_range=5), DataTypeError, "radial_range"),
        (dict(npt=10, azimuth_range=(10, 10)), ParameterError, "azimuth_range"),
        (dict(npt=10, azimuth_range=(0, 400)), ParameterError, "azimuth_range"),
        (dict(npt=10, mask=np.zeros((3, 3), bool)), ShapeError, "mask.*101, 103.*3, 3"),
        (dict(npt=10, mask=np.full(SHAPE, 255, np.uint8)), DataTypeError, "mask"),
        (dict(npt=10, dark=np.zeros((3, 3))), ShapeError, "dark"),
        (dict(npt=10, polarization_factor=2), ParameterError, "polarization_factor"),
        (dict(npt=10, polarisation_factor=0.9), UnknownNameError, "did you mean 'polarization_factor'"),
        (dict(npt=10, engine="cuda"), UnknownNameError, "engine"),
        (dict(npt=10, unit="chi_deg"), UnsupportedOptionError, "integrate_radial"),
        (dict(npt=10, normalization_factor=0), ParameterError, "normalization_factor"),
        (dict(npt=10, delta_dummy=1), ParameterError, "delta_dummy"),
        (dict(npt=10, variance=np.ones((2, 2))), ShapeError, "variance"),
        (dict(npt=10, variance=np.full(SHAPE, np.nan)), ParameterError, "variance"),
        (dict(npt=10, variance=np.ones(SHAPE), error_model="poisson"), ParameterError, "variance"),
        (dict(npt=10, mask=np.ones(SHAPE, bool)), ParameterError, "mask|pixel"),
    ],
)
def test_wrong_option_is_refused_by_name(ai, frame, options, error, words):
    with pytest.raises(error, match=words):
        ai.integrate1d(frame, **options)


def test_integrate_radial_with_a_radial_unit_is_refused(ai, frame):
    with pytest.raises(UnsupportedOptionError, match="radial_unit"):
        ai.integrate_radial(frame, 36, unit="2th_deg")


def test_parallax_moves_rings_inwards_and_needs_a_sensor(frame):
    detector = az.Detector(pixel1=1e-3, pixel2=1e-3, shape=SHAPE).with_sensor("Si", 4.5e-4)
    plain = az.Integrator(detector, dist=0.1, poni1=0.05, poni2=0.05, wavelength=1e-10, parallax=None)
    settings = az.ParallaxSettings(attenuation_coefficient=1600.0)
    corrected = az.Integrator(detector, dist=0.1, poni1=0.05, poni2=0.05, wavelength=1e-10, parallax=settings)
    for engine in ("native", "reference"):
        before = plain.integrate1d(frame, 50, unit="r_mm", split="none", engine=engine)
        after = corrected.integrate1d(frame, 50, unit="r_mm", split="none", engine=engine)
        # sin(alpha) f(m) / mu at the corner of the detector: alpha = 35 degrees.
        assert 0.05 < before.edges[-1] - after.edges[-1] < 0.3
        assert after.count.sum() == frame.size
    unknown = az.Integrator(detector, dist=0.1, parallax=True)
    with pytest.raises(ParameterError, match="attenuation_coefficient"):
        unknown.integrate1d(frame, 10, unit="r_mm")


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        (np.zeros((10, 10)), ShapeError),
        (np.zeros((2, *SHAPE)), ShapeError),
        (np.zeros(SHAPE, complex), DataTypeError),
        (np.zeros(SHAPE, bool), DataTypeError),
        (np.zeros(SHAPE, np.float16), DataTypeError),
        (np.full(SHAPE, "x"), DataTypeError),
        (np.ma.masked_array(np.zeros(SHAPE)), DataTypeError),
    ],
)
def test_wrong_frame_is_refused(ai, wrong, error):
    with pytest.raises(error, match="frame"):
        ai.integrate1d(wrong, 10)


def test_missing_wavelength_is_named(small_detector, frame):
    ai = az.Integrator(small_detector, dist=0.1)
    with pytest.raises(WavelengthMissingError, match="q_nm"):
        ai.integrate1d(frame, 10)
    assert ai.integrate1d(frame, 10, unit="2th_deg").intensity.shape == (10,)


def test_plan_with_variance_model_needs_one_per_frame(ai, frame):
    plan = ai.plan1d(10, error_model="variance")
    with pytest.raises(ParameterError, match="variance"):
        plan(frame)
    with pytest.raises(ParameterError, match="variance"):
        ai.plan1d(10)(frame, variance=frame)


@pytest.mark.parametrize("unit", [name for name in az.unit_names() if az.unit(name).period is None])
def test_every_unit_integrates_alike_on_both_engines_and_counts_what_has_no_value(unit):
    """Beam between pixels, on a corner, on a centre and on an edge: where d and logarithms have no value."""
    detector = az.Detector(pixel1=1e-3, pixel2=1e-3, shape=(41, 43))
    frame = np.random.default_rng(9).poisson(20, detector.shape)
    for poni1, poni2 in ((0.0203, 0.0211), (0.02, 0.021), (0.0205, 0.0215), (0.02, 0.0212)):
        ai = az.Integrator(detector, dist=0.05, poni1=poni1, poni2=poni2, wavelength=1e-10)
        for split in SPLITS:
            one, two = (
                ai.integrate1d(frame, 40, unit=unit, split=split, engine=name) for name in ("native", "reference")
            )
            assert np.allclose(one.sum_signal, two.sum_signal, rtol=0, atol=1e-7 * one.sum_signal.max())
            pixels = one.provenance["pixels"]
            assert pixels["not_finite"] <= 4
            assert pixels["used"] + pixels["not_finite"] == frame.size
            assert one.count.sum() == pytest.approx(pixels["used"], rel=ROUNDING)


def test_results_hold_the_digest_of_explicit_corners_and_saved_plans_hold_the_corners(frame, tmp_path):
    from azimuthal.detectors import CornerArray

    plain = az.Detector(pixel1=1e-3, pixel2=1e-3, shape=SHAPE)
    corners = plain.corners()
    corners[40:50, 40:50, :, 0] += 1e-4  # no product of rows and columns
    detector = az.Detector(pixel1=1e-3, pixel2=1e-3, shape=SHAPE, layout=CornerArray(corners))
    ai = az.Integrator(detector, dist=0.1, poni1=0.05, poni2=0.05, wavelength=1e-10)
    plan = ai.plan1d(20)
    layout = plan(frame).provenance["recipe"]["instrument"]["detector"]["layout"]
    assert len(layout["array"]["blake2b"]) == 32
    plan.save(tmp_path / "plan.h5")
    assert az.load_plan(tmp_path / "plan.h5")(frame).sum_signal.tobytes() == plan(frame).sum_signal.tobytes()
    with pytest.raises(az.errors.FileFormatError, match="digest"):
        az.Detector.from_dict(detector.to_dict(inline_arrays=False))
