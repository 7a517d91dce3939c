# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Sets of plans: the numbers of each plan alone, from one reading of the frames."""

import math
import pickle

import numpy as np
import pytest

import azimuthal as az
from azimuthal.errors import DataTypeError, ParameterError, ShapeError, UnknownNameError, UnsupportedOptionError
from azimuthal.integrate.plan_set import band_rows, sector_rows

ROUNDING = 1e-11
EIGHT = [(start, start + 45) for start in range(-180, 180, 45)]
SUMS = ("signal", "variance", "normalization", "normalization2", "count")


def check_equal(one, two):
    assert one.axis == two.axis
    for name in SUMS:
        np.testing.assert_allclose(
            getattr(one.sums, name), getattr(two.sums, name), rtol=ROUNDING, atol=1e-9, err_msg=name
        )


@pytest.mark.parametrize(
    ("sectors", "n_plans"),
    [
        (EIGHT, 1),
        ([(170, 190), (-10, 10)], 1),
        ([(350, 10), (170, -170), (80, 100)], 1),
        ([(-10, 10), (-20, 20), (0, 360)], 3),
        ([(0, 90), (45, 135), (90, 180), (-45, 0)], 2),
        ([(123.4, 483.4)], 1),
        ([(0.1 * k, 0.1 * (k + 1)) for k in range(-30, 30)], 1),
    ],
)
@pytest.mark.parametrize("split", ["full", "none"])
def test_sectors_in_one_pass_equal_an_integration_each(ai, frame, sectors, n_plans, split):
    plans = ai.plan_sectors(20, sectors, split=split, error_model="poisson", polarization_factor=0.9)
    assert len(plans.plans) == n_plans
    for profile, sector in zip(plans(frame, normalization_factor=2.0), sectors, strict=True):
        alone = ai.integrate1d(
            frame, 20, azimuth_range=sector, split=split, error_model="poisson", polarization_factor=0.9,
            normalization_factor=2.0,
        )  # fmt: skip
        check_equal(profile, alone)
        assert profile.provenance["sector"] == list(sector)


@pytest.mark.parametrize(
    ("bands", "n_plans"), [([(5, 8), (12, 13), (8, 9.5)], 1), ([(5, 8), (6, 9), (8, 10)], 2), ([(5, 30)], 1)]
)
def test_bands_in_one_pass_equal_an_integration_each(ai, frame, bands, n_plans):
    plans = ai.plan_bands(36, bands, error_model="poisson")
    assert len(plans.plans) == n_plans
    for profile, band in zip(plans(frame), bands, strict=True):
        check_equal(profile, ai.integrate_radial(frame, 36, radial_range=band, error_model="poisson"))
        assert profile.provenance["band"] == list(band)
        assert np.isfinite(profile.sigma[profile.count > 0]).all()


def test_sectors_that_tile_the_circle_conserve_the_signal(ai, frame):
    parts = ai.integrate_sectors(frame, 20, EIGHT)
    whole = ai.integrate1d(frame, 20)
    np.testing.assert_allclose(sum(part.sums.signal for part in parts), whole.sums.signal, rtol=1e-12)


def test_integrate_sectors_and_bands_take_a_variance(ai, frame):
    variance = frame + 3.0
    by_sector = ai.integrate_sectors(frame, 20, [(0, 90), (-30, 30)], variance=variance, names=["a", "b"])
    check_equal(by_sector["b"], ai.integrate1d(frame, 20, azimuth_range=(-30, 30), variance=variance))
    (by_band,) = ai.integrate_bands(frame, 20, [(5, 9)], variance=variance)
    check_equal(by_band, ai.integrate_radial(frame, 20, radial_range=(5, 9), variance=variance))


def test_covariance_of_sectors_is_that_of_each_sector(ai, frame):
    plans = ai.plan_sectors(15, [(0, 90), (90, 200)], error_model="poisson", covariance=True)
    for profile, sector in zip(plans(frame), [(0, 90), (90, 200)], strict=True):
        alone = ai.integrate1d(
            frame, 15, azimuth_range=sector, error_model="poisson", covariance=True, radial_range=None
        )
        np.testing.assert_allclose(profile.covariance(), alone.covariance(), rtol=1e-9, atol=1e-12, equal_nan=True)


@pytest.mark.parametrize("engine", ["native", "reference"])
def test_set_of_any_plans_gives_the_bits_of_each_plan(ai, frame, engine):
    alone = {
        "pattern": ai.plan1d(50, engine=engine),
        "cake": ai.plan2d(20, 12, error_model="poisson", engine=engine),
        "angle": ai.plan1d(30, unit="2th_deg", split="none", mask=frame > 60, engine=engine),
    }
    plans = az.PlanSet(alone)
    frames = np.stack([frame, frame[::-1], frame // 2])
    for found in (plans(frame), next(plans.map(frames)), plans.integrate_stack(frames)[0]):
        assert found.names == tuple(alone)
        assert all(found[name].sums == plan(frame).sums for name, plan in alone.items())
    for n, found in enumerate(plans.map(frames, normalization_factors=[1, 2, 3])):
        assert found.metadata["index"] == n
        assert found["cake"].sums == alone["cake"](frames[n], normalization_factor=n + 1).sums
        assert found["cake"].provenance["decoder"]


def test_set_reads_every_frame_once(ai, frame):
    reads = []

    class Counted:
        shape, dtype, n_frames, is_in_memory = frame.shape, frame.dtype, 5, False

        def read(self, index, out=None):
            reads.append(index)
            return frame

        def result_metadata(self, index):
            return {"index": index}

        def decoder_of(self, index):
            return "test"

        def stored_frames(self):
            return None

    from azimuthal.integrate import stream

    plans = az.PlanSet([ai.plan1d(20), ai.plan1d(30), ai.plan_sectors(10, EIGHT)])
    results = list(stream.integrate_frames(plans._lent(), Counted(), stream.Monitors(), "raise"))
    assert sorted(reads) == list(range(5))
    assert len(results) == 5
    assert len(results[0]) == 10
    assert results[0].names[2:4] == ("2: -180 to -135", "2: -135 to -90")


def test_sectors_of_a_file_are_fused_with_its_decoding(ai, frame, tmp_path):
    h5py = pytest.importorskip("h5py")
    hdf5plugin = pytest.importorskip("hdf5plugin")
    with h5py.File(tmp_path / "run.h5", "w") as file:
        file.create_dataset("data", data=np.stack([frame] * 3), chunks=(1, *frame.shape), **hdf5plugin.Bitshuffle())
    plans = ai.plan_sectors(20, EIGHT)
    found = list(plans.map(f"{tmp_path / 'run.h5'}::/data"))
    assert len(found) == 3
    assert "fused" in found[0][0].provenance["decoder"]
    assert found[2][5].sums == plans(frame)[5].sums


def test_set_with_a_plan_for_variances_goes_frame_by_frame(ai, frame):
    plans = az.PlanSet([ai.plan1d(20), ai.plan1d(20, error_model="variance")])
    plain, spread = plans(frame, variance=frame)
    assert plain.sigma is None
    assert spread.sigma is not None
    with pytest.raises(ParameterError, match="variance"):
        az.PlanSet([ai.plan1d(20)])(frame, variance=frame)
    with pytest.raises(ParameterError, match="needs one per frame"):
        next(plans.map(frame[None]))


def test_set_of_sectors_survives_a_pickle(ai, frame):
    plans = ai.plan_sectors(20, EIGHT)
    again = pickle.loads(pickle.dumps(plans))
    assert again.names == plans.names
    assert again(frame)[3].sums == plans(frame)[3].sums


def test_set_refuses_what_cannot_be(ai, frame, small_detector):
    other = az.Integrator("Pilatus100k", dist=0.1, wavelength=1e-10)
    with pytest.raises(ShapeError, match="same frames"):
        az.PlanSet([ai.plan1d(5), other.plan1d(5)])
    with pytest.raises(DataTypeError, match="plans"):
        az.PlanSet([frame])
    with pytest.raises(ParameterError, match="at least one"):
        az.PlanSet([])
    with pytest.raises(UnknownNameError, match="pattern"):
        az.PlanSet({"pattern": ai.plan1d(5)})(frame)["patern"]
    for bad in ([], (0, 90), 5, None):
        with pytest.raises(DataTypeError, match="sectors"):
            ai.plan_sectors(5, bad)
    with pytest.raises(ParameterError, match=r"sectors\[1\]"):
        ai.plan_sectors(5, [(0, 10), (5, 5)])
    with pytest.raises(ParameterError, match=r"bands\[0\]"):
        ai.plan_bands(5, [(9, 3)])
    with pytest.raises(ParameterError, match="azimuth_range"):
        ai.plan_sectors(5, [(0, 10)], azimuth_range=(0, 20))
    with pytest.raises(ShapeError, match="names"):
        ai.plan_sectors(5, [(0, 10), (20, 30)], names=["one"])
    with pytest.raises(ParameterError, match="different"):
        ai.plan_sectors(5, [(0, 10), (0, 10)])
    with pytest.raises(UnsupportedOptionError, match="circle"):
        ai.plan_sectors(5, [(0, 10)], unit=("q_nm^-1", "r_mm"))
    with pytest.raises(UnknownNameError, match="splitt"):
        ai.plan_sectors(5, [(0, 10)], splitt="full")


@pytest.mark.parametrize("seed", range(20))
def test_rows_hold_every_sector_once_without_overlap(seed):
    random = np.random.default_rng(seed)
    starts = random.uniform(-400, 400, 9)
    sectors = [(float(a), float(a + w)) for a, w in zip(starts, random.choice([5, 20, 90, 360], 9), strict=True)]
    seen = []
    for rows in sector_rows(sectors, 360.0):
        assert (np.diff(rows.edges) > 0).all()
        assert rows.edges[-1] - rows.edges[0] <= 360 * (1 + 1e-12)
        for number, row in rows.members:
            seen.append(number)
            start, stop = sectors[number]
            assert rows.edges[row + 1] - rows.edges[row] == pytest.approx(stop - start)
            assert math.isclose(math.remainder(rows.edges[row] - start, 360), 0, abs_tol=1e-9)
    assert sorted(seen) == list(range(9))


def test_rows_leave_out_the_widest_gap():
    (rows,) = sector_rows([(0, 10), (350, 355), (20, 30)], 360.0)
    assert rows.edges[-1] - rows.edges[0] == 40
    (bands,) = band_rows([(3.0, 4.0), (1.0, 2.0), (2.0, 2.5)])
    assert bands.edges == (1.0, 2.0, 2.5, 3.0, 4.0)
    assert dict(bands.members) == {1: 0, 2: 1, 0: 3}


@pytest.mark.parametrize("npt", [4, 36, 360, 720])
def test_default_azimuth_bins_are_on_round_numbers(ai, frame, npt):
    """pyFAI takes the range from the data and centres bins at numbers like -175.0004."""
    width = 360 / npt
    for axis in (ai.integrate2d(frame, 5, npt).azimuthal_axis, ai.integrate_radial(frame, npt).axis):
        assert np.array_equal(axis.edges, -180 + width * np.arange(npt + 1))
        assert np.array_equal(axis.centers, -180 + width * (np.arange(npt) + 0.5))


@pytest.mark.parametrize("error_model", ["azimuthal", "hybrid"])
def test_sectors_with_spread_of_pixels_equal_an_integration_each(ai, frame, error_model):
    sectors = [(0, 90), (90, 200), (45, 60)]
    plans = ai.plan_sectors(10, sectors, error_model=error_model)
    for found in (plans(frame), *plans.map(np.stack([frame] * 2))):
        for profile, sector in zip(found, sectors, strict=True):
            alone = ai.integrate1d(frame, 10, azimuth_range=sector, error_model=error_model)
            check_equal(profile, alone)
            np.testing.assert_allclose(profile.sigma, alone.sigma, rtol=1e-9)


def test_sectors_without_outliers_equal_an_integration_each(ai, frame):
    spoiled = frame.copy()
    spoiled[20:40:5, 30:90:7] = 9000
    sectors = [(0, 90), (90, 200)]
    options = {"error_model": "poisson", "reject": "sigma"}
    plans = ai.plan_sectors(10, sectors, **options)
    for found in (plans(spoiled), *plans.map(np.stack([spoiled] * 2))):
        for profile, sector in zip(found, sectors, strict=True):
            alone = ai.integrate1d(spoiled, 10, azimuth_range=sector, **options)
            check_equal(profile, alone)
            assert np.array_equal(profile.outliers.n_rejected, alone.outliers.n_rejected)
            assert np.array_equal(profile.outliers.mask, alone.outliers.mask)


def test_variance_of_the_monitor_goes_to_plans_with_an_error_model(ai, frame):
    plans = az.PlanSet([ai.plan1d(10), ai.plan1d(10, error_model="poisson")])
    alone = plans.plans[1](frame, normalization_factor=4.0, normalization_variance=0.1)
    for found in (
        plans(frame, normalization_factor=4.0, normalization_variance=0.1),
        next(plans.map(frame[None], normalization_factors=[4.0], normalization_variances=[0.1])),
    ):
        assert np.array_equal(found[1].sigma, alone.sigma)
    with pytest.raises(ParameterError, match="normalization_variance"):
        az.PlanSet([ai.plan1d(10)])(frame, normalization_variance=0.1)
