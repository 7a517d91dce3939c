# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Every reduction by every way through a plan: engines, threads, files, stored chunks, saved plans, pickles, forks.

One tiny detector and one table; what a way does not offer is refused with the advice that the table names.
"""

import dataclasses
import os
import pickle
import subprocess
import sys
from pathlib import Path

import h5py
import hdf5plugin
import numpy as np
import pytest

import azimuthal as az
from azimuthal.errors import ParameterError, UnsupportedOptionError
from azimuthal.integrate import compile

SHAPE = (24, 26)
DEAD = {"dead_time": 1e-5, "exposure_time": 1e-2, "dead_time_model": "nonparalyzable"}
SAMPLE = {"incident_angle": "0.3 deg", "tilt_angle": "2 deg"}
DARK = np.full(SHAPE, 2.0)
NOISY = {"dark": DARK, "dark_variance": "poisson", "flat": DARK / 2, "flat_variance": DARK / 1000}

#: Name -> kind and options of the plan.
REDUCTIONS = {
    "plain": ("1d", {}),
    "plain cake": ("2d", {}),
    "plain azimuthal profile": ("radial", {}),
    "unsplit sum": ("1d", {"split": "none", "average": "sum", "error_model": "poisson"}),
    "boxes, mean of ratios": ("2d", {"split": "bbox", "average": "mean_of_ratios", "error_model": "poisson"}),
    "exact": ("1d", {"split": "exact", "error_model": "azimuthal"}),
    "exact cake": ("2d", {"split": "exact", "error_model": "poisson", "covariance": True}),
    "poisson, noisy dark and flat": ("1d", {"error_model": "poisson", **NOISY}),
    "variance": ("1d", {"error_model": "variance"}),
    "azimuthal": ("1d", {"error_model": "azimuthal"}),
    "azimuthal cake": ("2d", {"error_model": "azimuthal"}),
    "hybrid": ("1d", {"error_model": "hybrid"}),
    "covariance": ("1d", {"error_model": "poisson", "covariance": True}),
    "covariance cake": ("2d", {"error_model": "azimuthal", "covariance": True}),
    "sigma": ("1d", {"reject": "sigma"}),
    "sigma hybrid cake": ("2d", {"reject": "sigma", "error_model": "hybrid"}),
    "sigma variance": ("1d", {"reject": "sigma", "error_model": "variance"}),
    "median": ("1d", {"reject": "median", "error_model": "azimuthal"}),
    "quantile": ("1d", {"reject": "quantile", "error_model": "poisson"}),
    "grazing map": ("map", {"error_model": "poisson", **SAMPLE}),
    "grazing cut, azimuthal": ("cut", {"error_model": "azimuthal", **SAMPLE}),
    "grazing map, median": ("map", {"reject": "median", **SAMPLE}),
    "dead time": ("1d", DEAD),
    "dead time, covariance": ("1d", {"error_model": "poisson", "covariance": True, **DEAD}),
    "dead time, azimuthal": ("1d", {"error_model": "azimuthal", **DEAD}),
}
#: What refuses stored chunks.
NEEDS_FRAMES = [name for name, (_, options) in REDUCTIONS.items() if
                {"reject", "dead_time"} & set(options) or options.get("error_model") == "variance"]  # fmt: skip
every_reduction = pytest.mark.parametrize("name", REDUCTIONS)
BSLZ4 = dict(hdf5plugin.Bitshuffle(cname="lz4"))


def make_integrator(dist=0.05):
    camera = az.Detector(pixel1=1e-3, pixel2=1e-3, shape=SHAPE)
    return az.Integrator(camera, dist=dist, poni1=0.0121, poni2=0.0087, rot1=0.1, rot3=0.2, wavelength=1e-10)


def make_plan(name, **more):
    kind, options = REDUCTIONS[name]
    options = options | more
    ai = make_integrator()
    makers = {
        "1d": lambda: ai.plan1d(12, **options),
        "2d": lambda: ai.plan2d(8, 6, **options),
        "radial": lambda: ai.plan_radial(9, **options),
        "map": lambda: ai.plan2d_grazing(8, 7, **options),
        "cut": lambda: ai.plan1d_grazing(9, **options),
    }
    return makers[kind]()


def make_frames(n=5):
    rng = np.random.default_rng(3)
    frames = rng.poisson(50, (n, *SHAPE)).astype(np.uint32)
    frames[rng.random(frames.shape) < 0.01] = 5000  # spots
    frames[:, 3] = 2**32 - 1  # no data
    return frames


def call(plan, frame, **more):
    if plan.spec.error_model == "variance":
        more["variance"] = frame.astype(np.float64) + 1
    return plan(frame, normalization_factor=2.0, **more)


def numbers(result):
    """Return all arrays of a result by name."""
    found = {f"sums.{one.name}": getattr(result.sums, one.name) for one in dataclasses.fields(result.sums)}
    pairs = found.pop("sums.covariance", None)
    found["sums.pairs"] = None if pairs is None else pairs.values
    if result.outliers is not None:
        fields = ("n_kept", "n_rejected", "iterations", "pixels")
        found |= {name: getattr(result.outliers, name) for name in fields}
    found |= {"intensity": result.intensity, "sigma": result.sigma}
    return {name: array for name, array in found.items() if array is not None}


def bits(result):
    return {name: (array.shape, np.ascontiguousarray(array).tobytes()) for name, array in numbers(result).items()}


@pytest.fixture(scope="module")
def frames():
    return make_frames()


@pytest.fixture(scope="module")
def path(frames, tmp_path_factory):
    path = tmp_path_factory.mktemp("frames") / "run.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("data", data=frames, chunks=(1, *SHAPE), **BSLZ4)
    return path


@pytest.fixture(scope="module")
def chunks(path, frames):
    with h5py.File(path) as file:
        return [file["data"].id.read_direct_chunk((n, 0, 0))[1] for n in range(len(frames))]


@every_reduction
def test_native_engine_equals_the_reference(name, frames):
    of_each = [numbers(call(make_plan(name, engine=engine), frames[0])) for engine in ("reference", "native")]
    assert of_each[0].keys() == of_each[1].keys()
    for key, expected in of_each[0].items():
        if expected.dtype.kind in "iu":
            np.testing.assert_array_equal(of_each[1][key], expected, err_msg=key)
            continue
        scale = np.nanmax(np.abs(expected))
        np.testing.assert_allclose(of_each[1][key], expected, rtol=1e-10, atol=1e-11 * scale, err_msg=key)


@every_reduction
def test_threads_change_no_bit(name, frames):
    plan = make_plan(name)
    plans = [compile(plan.spec, plan.arrays, threads=n) for n in (1, 2)]
    assert [one.threads for one in plans] == [1, 2]
    assert bits(call(plans[0], frames[0])) == bits(call(plans[1], frames[0]))


@every_reduction
def test_map_of_a_file_and_of_a_stack_gives_the_bits_of_the_call(name, frames, path):
    plan = make_plan(name)
    factors = np.full(len(frames), 2.0)
    if plan.spec.error_model == "variance":
        with pytest.raises(ParameterError, match="needs one per frame"):
            next(plan.map(path))
        return
    expected = [bits(call(plan, frame)) for frame in frames]
    assert [bits(result) for result in plan.map(path, normalization_factors=factors)] == expected
    assert [bits(result) for result in plan.integrate_stack(frames, normalization_factors=factors)] == expected


@every_reduction
def test_stored_chunks_give_the_bits_of_the_call_or_are_refused(name, frames, chunks):
    plan = make_plan(name)
    factors = np.full(len(frames), 2.0)
    if name in NEEDS_FRAMES:
        with pytest.raises(UnsupportedOptionError, match=r"[Cc]all the plan\s+with them"):
            plan.integrate_chunks(chunks, dtype="u4")
        return
    found = plan.integrate_chunks(chunks, dtype="u4", normalization_factors=factors)
    assert [bits(result) for result in found] == [bits(call(plan, frame)) for frame in frames]


@every_reduction
def test_saved_and_pickled_plans_give_the_same_bits(name, frames, tmp_path):
    plan = make_plan(name)
    plan.save(tmp_path / "plan.h5")
    expected = bits(call(plan, frames[0]))
    assert bits(call(az.load_plan(tmp_path / "plan.h5"), frames[0])) == expected
    assert bits(call(pickle.loads(pickle.dumps(plan)), frames[0])) == expected


FORKED = """
import multiprocessing, os, sys
sys.path.insert(0, {folder!r})
import test_every_reduction as every

plans = {{name: every.make_plan(name) for name in every.REDUCTIONS}}
frame = every.make_frames(1)[0]
expected = {{name: every.bits(every.call(plan, frame)) for name, plan in plans.items()}}

def wrong():
    return [name for name, plan in plans.items() if every.bits(every.call(plan, frame)) != expected[name]]

child = os.fork()
if child == 0:
    found = wrong()
    print(found, flush=True)
    os._exit(1 if found else 0)
code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
process = multiprocessing.get_context("fork").Process(target=lambda: sys.exit(1 if wrong() else 0))
process.start()
process.join()
sys.exit(code or process.exitcode or bool(wrong()))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_every_plan_works_in_a_child_of_a_fork_after_use():
    script = FORKED.format(folder=str(Path(__file__).parent))
    arguments = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", script]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


# ---- sectors: several reductions of one frame -------------------------------------------------------------------

SECTORS = [(-30, 40), (170, 200), (20, 90)]  # across the cut, and two that overlap
IN_SECTORS = [name for name, (kind, options) in REDUCTIONS.items() if kind == "1d" and "covariance" not in options]


@pytest.mark.parametrize("name", IN_SECTORS)
def test_sectors_in_one_reading_are_those_of_a_call_each(name, frames, path):
    ai, options = make_integrator(), REDUCTIONS[name][1]
    edges = np.linspace(0, 25, 9)
    plans = ai.plan_sectors(edges, SECTORS, **options)
    is_variance = options.get("error_model") == "variance"
    given = {"variance": frames[0] + 1.0} if is_variance else {}
    found = plans(frames[0], normalization_factor=2.0, **given)
    for result, sector in zip(found, SECTORS, strict=True):
        alone = ai.plan1d(edges, azimuth_range=sector, **options)(frames[0], normalization_factor=2.0, **given)
        for key, expected in numbers(alone).items():
            np.testing.assert_allclose(numbers(result)[key], expected, rtol=1e-9, atol=1e-9, err_msg=key)
    again = pickle.loads(pickle.dumps(plans))(frames[0], normalization_factor=2.0, **given)
    assert [bits(result) for result in again] == [bits(result) for result in found]
    if not is_variance:
        mapped = [[bits(result) for result in results] for results in plans.map(path)]
        assert mapped == [[bits(result) for result in plans(frame)] for frame in frames]


def test_sectors_take_the_variance_of_the_monitor(frames):
    options = {"error_model": "poisson", "normalization_factor": 10.0}
    ai = make_integrator()
    noisy = ai.integrate_sectors(frames[0], 8, SECTORS, normalization_variance=1.0, **options)
    bands = ai.integrate_bands(frames[0], 8, [(1, 9)], normalization_variance=1.0, **options)
    assert [result.normalization_variance for result in (*noisy, *bands)] == [1.0] * 4


# ---- several geometries, moving ones ----------------------------------------------------------------------------

SEVERAL = ["plain", "azimuthal", "covariance", "sigma", "quantile", "dead time, covariance", "plain cake"]


def together(name, frames, way, **more):
    """Return the merged result, or results, of two geometries."""
    kind, options = REDUCTIONS[name]
    options = options | more
    both = [make_integrator(), make_integrator(0.08)]
    if way == "moving":
        moving = az.MovingGeometry(both)
        results = moving.map2d(frames, 8, 6, **options) if kind == "2d" else moving.map1d(frames, 12, **options)
        return list(results)
    several = az.MultiGeometry(both)
    plan = several.plan2d(8, 6, **options) if kind == "2d" else several.plan1d(12, **options)
    result = (pickle.loads(pickle.dumps(plan)) if way == "pickled" else plan)(list(frames))
    return [result.merged, *result.parts]


@pytest.mark.parametrize("name", SEVERAL)
@pytest.mark.parametrize("way", ["several", "moving"])
def test_several_geometries_are_alike_on_engines_and_threads(name, way, frames, monkeypatch):
    found = {}
    for threads, engine in (("1", "native"), ("2", "native"), ("2", "reference")):
        monkeypatch.setenv("AZIMUTHAL_THREADS", threads)
        found[threads, engine] = together(name, frames[:2], way, engine=engine)
    one, two, reference = found.values()
    assert [bits(result) for result in one] == [bits(result) for result in two]
    for mine, other in zip(one, reference, strict=True):
        np.testing.assert_allclose(mine.intensity, other.intensity, rtol=1e-10)
        if mine.sigma is not None:
            np.testing.assert_allclose(mine.sigma, other.sigma, rtol=1e-10)


@pytest.mark.parametrize("name", SEVERAL)
def test_several_geometries_pickle_and_merge_the_parts_of_the_moving_one(name, frames):
    whole = [bits(result) for result in together(name, frames[:2], "several")]
    assert [bits(result) for result in together(name, frames[:2], "pickled")] == whole
    # Each frame with its own geometry, in the same bins: the parts are the frames of a scan.
    assert [bits(result) for result in together(name, frames[:2], "moving")] == whole[1:]


def test_several_geometries_map_files_in_step(frames, path):
    both = az.MultiGeometry([make_integrator(), make_integrator(0.08)]).plan1d(12, error_model="azimuthal")
    mapped = [bits(result.merged) for result in both.map([path, path])]
    assert mapped == [bits(both([frame, frame]).merged) for frame in frames]


# ---- combinations that cannot be --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"reject": "sigma", "covariance": True, "error_model": "poisson"}, "Leave one of the two out"),
        ({"reject": "median", **DEAD}, "Leave one of the two out"),
        ({"reject": "sigma", "error_model": "poisson", **NOISY}, "leave dark_variance and flat_variance out"),
    ],
)
def test_combination_that_cannot_be_is_refused_with_advice(options, words):
    with pytest.raises(UnsupportedOptionError, match=words):
        make_integrator().plan1d(12, **options)


def test_monitor_variance_of_several_geometries_is_refused_and_that_of_each_is_kept(frames):
    both = [make_integrator(), make_integrator(0.08)]
    options = {"error_model": "poisson", "normalization_variances": [1.0, 1.0], "normalization_factors": [10.0, 20.0]}
    with pytest.raises(UnsupportedOptionError, match="Leave them out"):
        az.MultiGeometry(both).integrate1d(frames[:2], 12, **options)
    moving = az.MovingGeometry(both)
    results = list(moving.map1d(frames[:2], 12, **options))
    assert [result.normalization_variance for result in results] == [1.0, 1.0]
    with pytest.raises(UnsupportedOptionError, match="Leave normalization_variance out"):
        moving.integrate1d(frames[:2], 12, **options)


@pytest.mark.parametrize("name", ["variance", "normalization_factor", "normalization_variance", "metadata"])
def test_what_belongs_to_a_frame_is_refused_by_a_plan_that_says_where_it_goes(name):
    with pytest.raises(ParameterError, match=f"{name}: belongs to a frame"):
        make_integrator().plan1d(12, **{name: 1.0})


@pytest.mark.parametrize("name", ["dark", "flat", "variance", "mask", "absorption"])
def test_masked_array_in_any_role_is_refused(name, frames):
    masked = np.ma.masked_greater(np.ones(SHAPE, bool if name == "mask" else float), 2)
    with pytest.raises(az.errors.DataTypeError, match=f"{name}: a masked array would lose its mask"):
        make_integrator().integrate1d(frames[0], 12, **{name: masked})


@pytest.mark.parametrize("as_list", [False, True])
def test_stack_of_masked_arrays_is_refused(frames, as_list):
    masked = np.ma.masked_greater(frames, 100)
    with pytest.raises(az.errors.DataTypeError, match="a masked array would lose its mask"):
        next(make_plan("plain").map(list(masked) if as_list else masked))
