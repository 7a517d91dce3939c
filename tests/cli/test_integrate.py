# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""``azimuthal integrate``: no frame is lost, none is overwritten, numbers are those of the library."""

import os
import re
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import h5py
import numpy as np
import pytest

import azimuthal as az
from azimuthal.cli.integrate import integrate_command
from azimuthal.typing import AVERAGES, SPLITS

SHAPE = (48, 60)
COMMON = ("-n", "50", "-u", "q_nm^-1")


def names_in(folder):
    return sorted(str(path.relative_to(folder)) for path in Path(folder).rglob("*"))


def assert_same(result, expected):
    for name in ("sum_signal", "sum_normalization", "sum_normalization2", "count", "sum_variance"):
        np.testing.assert_array_equal(getattr(result, name), getattr(expected, name))
    np.testing.assert_array_equal(result.intensity, expected.intensity)


# ---- nothing is lost ---------------------------------------------------------------------------------------


def test_integrate_stack_writes_every_frame_into_one_file(run, stack, poni, frames):
    """users.md 4: forty frames in, forty frames out, in order and bit for bit those of the library."""
    outcome = run("integrate", stack, "-p", poni, *COMMON, "--error-model", "poisson", "-o", "run.h5")
    assert outcome.code == 0
    assert outcome.out == "run.h5: 40 frames from 1 file, 50 bins\n"
    assert "40 frames in" in outcome.err
    assert "frames/s" in outcome.err
    assert "masked" in outcome.err
    results = az.load_result("run.h5")
    assert len(results) == 40
    ai = az.load(poni)
    for number, result in enumerate(results):
        assert_same(result, ai.integrate1d(frames[number], 50, unit="q_nm^-1", error_model="poisson"))
        assert result.metadata["label"] == f"stack_{number:05d}"
        assert result.metadata["index"] == number


def test_integrate_stack_with_template_writes_a_file_for_each_frame(run, stack, poni):
    template = "out/{stem}_{frame:05d}.xye"
    outcome = run("integrate", stack, "-p", poni, *COMMON, "--error-model", "poisson", "-o", template)
    assert outcome.code == 0
    assert names_in("out") == [f"stack_{number:05d}.xye" for number in range(40)]
    assert outcome.out == ("out/stack_00000.xye ... out/stack_00039.xye (40 files): 40 frames from 1 file, 50 bins\n")
    contents = {Path(f"out/stack_{number:05d}.xye").read_text() for number in range(40)}
    assert len(contents) == 40


def test_integrate_pattern_takes_the_files_in_natural_order(run, folder, poni, frames):
    for number in (10, 9, 2):
        np.save(f"scan_{number}.npy", frames[number])
    outcome = run("integrate", "scan_*.npy", "-p", poni, *COMMON)
    assert outcome.code == 0
    assert outcome.out == "scan_2_azimuthal.h5: 3 frames from 3 files, 50 bins\n"
    labels = [result.metadata["label"] for result in az.load_result("scan_2_azimuthal.h5")]
    assert labels == ["scan_2", "scan_9", "scan_10"]


def test_integrate_dataset_in_file_is_named_by_double_colon(run, folder, poni, frames):
    with h5py.File("two.h5", "w") as file:
        file["one/images"] = frames[:4]
        file["other/images"] = frames[4:9]
    assert run("integrate", "two.h5", "-p", poni, *COMMON).code == 2
    outcome = run("integrate", "two.h5::/other/images", "-p", poni, *COMMON, "-o", "r.h5")
    assert outcome.out == "r.h5: 5 frames from 1 file, 50 bins\n"


def test_integrate_several_stacks_counts_frames_and_files(run, folder, poni, frames):
    for name, part in (("a.h5", frames[:3]), ("b.h5", frames[3:10])):
        with h5py.File(name, "w") as file:
            file["entry/data/data"] = part
    outcome = run("integrate", "a.h5", "b.h5", "-p", poni, *COMMON, "-o", "r.nxs")
    assert outcome.out == "r.nxs: 10 frames from 2 files, 50 bins\n"
    indices = [(result.metadata["index"], result.metadata["frame"]) for result in az.load_result("r.nxs")]
    assert indices == [*((n, n) for n in range(3)), *((n, n - 3) for n in range(3, 10))]


@pytest.mark.parametrize("name", ["r.npz", "r.csv", "r.nxs"])
def test_integrate_formats_for_many_hold_all_frames(run, images, poni, name):
    assert run("integrate", images, "-p", poni, *COMMON, "-o", name).code == 0
    if name.endswith("csv"):
        assert len(Path(name).read_text().splitlines()) == 1 + 3 * 50
    else:
        assert len(az.load_result(name)) == 3


def test_integrate_single_image_to_single_pattern_needs_no_template(run, images, poni):
    outcome = run("integrate", "image_0.npy", "-p", poni, *COMMON, "-o", "one.xy")
    assert outcome.out == "one.xy: 1 frame from 1 file, 50 bins\n"
    assert len(np.loadtxt("one.xy")) == 50


# ---- nothing is overwritten --------------------------------------------------------------------------------


def test_integrate_two_frames_to_one_name_is_refused_before_anything_is_written(run, stack, poni, folder):
    before = names_in(folder)
    outcome = run("integrate", stack, "-p", poni, *COMMON, "-o", "out/{stem}.xy")
    assert outcome.code == 2
    assert "gives out/stack.xy to two frames: frame 0 of stack.h5 and frame 1 of stack.h5" in outcome.err
    assert names_in(folder) == before


def test_integrate_existing_output_is_refused_and_kept(run, images, poni):
    Path("run.h5").write_text("precious")
    outcome = run("integrate", images, "-p", poni, *COMMON, "-o", "run.h5")
    assert outcome.code == 2
    assert outcome.err.startswith("error: run.h5 exists already. Pass --force")
    assert Path("run.h5").read_text() == "precious"
    assert run("integrate", images, "-p", poni, *COMMON, "-o", "run.h5", "--force").code == 0
    assert len(az.load_result("run.h5")) == 3


def test_integrate_one_existing_file_of_many_stops_all(run, images, poni, folder):
    Path("out").mkdir()
    Path("out/image_2.xy").write_text("precious")
    outcome = run("integrate", images, "-p", poni, *COMMON, "-o", "out/{stem}.xy")
    assert outcome.code == 2
    assert "out/image_2.xy exists already" in outcome.err
    assert names_in("out") == ["image_2.xy"]


def test_integrate_never_replaces_an_input_even_with_force(run, stack, poni):
    content = Path(stack).read_bytes()
    outcome = run("integrate", stack, "-p", poni, *COMMON, "-o", stack, "--force")
    assert outcome.code == 2
    assert "stack.h5 is an input of this run" in outcome.err
    assert Path(stack).read_bytes() == content


def test_integrate_same_image_twice_is_refused(run, images, poni):
    outcome = run("integrate", "image_1.npy", images, "-p", poni, *COMMON)
    assert outcome.code == 2
    assert "image_1.npy is given twice" in outcome.err


# ---- a frame that fails ------------------------------------------------------------------------------------


def damaged_tiffs(frames):
    """Write three TIFF files, the middle one cut in half."""
    tifffile = pytest.importorskip("tifffile")
    for number in range(3):
        tifffile.imwrite(f"t_{number}.tif", frames[number])
    content = Path("t_1.tif").read_bytes()
    Path("t_1.tif").write_bytes(content[: len(content) // 2])


def test_integrate_truncated_file_is_named_and_the_others_are_written(run, folder, poni, frames):
    damaged_tiffs(frames)
    outcome = run("integrate", "t_*.tif", "-p", poni, *COMMON, "-o", "run.h5")
    assert outcome.code == 1
    assert outcome.out == "run.h5: 2 frames from 2 files, 50 bins\n"
    assert "failed: t_1.tif" in outcome.err
    assert re.search(r"error: (at least )?1 frame failed: t_1", outcome.err)
    results = az.load_result("run.h5")
    ai = az.load(poni)
    assert [result.metadata["label"] for result in results] == ["t_0", "t_2"]
    for result, number in zip(results, (0, 2), strict=True):
        assert_same(result, ai.integrate1d(frames[number], 50, unit="q_nm^-1"))


def test_integrate_truncated_file_leaves_the_other_patterns(run, folder, poni, frames):
    damaged_tiffs(frames)
    outcome = run("integrate", "t_*.tif", "-p", poni, *COMMON, "-o", "out/{stem}.xy")
    assert outcome.code == 1
    assert [path.name for path in sorted(Path("out").glob("*.xy"))] == ["t_0.xy", "t_2.xy"]
    assert "the same command again tries them, and only them" in outcome.err


def test_integrate_frame_that_was_never_written_is_named_by_its_number(run, folder, poni, frames):
    with h5py.File("hole.h5", "w") as file:
        data = file.create_dataset("entry/data/data", (5, *SHAPE), chunks=(1, *SHAPE), dtype=frames.dtype)
        for number in (0, 1, 2, 4):
            data[number] = frames[number]
    outcome = run("integrate", "hole.h5", "-p", poni, *COMMON, "-o", "run.h5")
    assert outcome.code == 1
    assert "failed: hole_00003: " in outcome.err
    assert "error: 1 frame failed: hole_00003" in outcome.err
    assert [result.metadata["index"] for result in az.load_result("run.h5")] == [0, 1, 2, 4]


def test_integrate_image_of_another_shape_is_named(run, images, poni):
    np.save("image_1.npy", np.zeros((60, 48), np.uint32))
    outcome = run("integrate", images, "-p", poni, *COMMON, "-o", "run.h5")
    assert outcome.code == 1
    assert "failed: image_1.npy: expected frames of (48, 60) pixels" in outcome.err
    assert "rows and columns are exchanged" in outcome.err


def test_integrate_frame_without_a_single_row_to_write_is_named(run, folder, poni, frames):
    empty = frames[:3].copy()
    empty[1] = np.iinfo(np.uint32).max
    np.save("s.npy", empty)
    outcome = run("integrate", "s.npy", "-p", poni, *COMMON, "--error-model", "poisson", "-o", "o_{frame}.xye")
    assert outcome.code == 1
    assert "failed: s_00001: " in outcome.err
    assert "50 empty" in outcome.err
    assert sorted(Path().glob("*.xye")) == [Path("o_0.xye"), Path("o_2.xye")]


def test_integrate_all_frames_failing_writes_nothing_and_is_an_error(run, images, poni, folder):
    outcome = run("integrate", images, "-p", poni, *COMMON, "--dummy", "-1", "-o", "out/run.h5")
    assert outcome.code == 2
    assert "dummy: -1 cannot occur in uint32 frames" in outcome.err
    assert "no frame could be integrated; nothing was written" in outcome.err
    assert not Path("out").exists()


def test_integrate_many_failures_are_counted_not_poured_out(run, poni, frames):
    np.save("many.npy", frames)
    outcome = run("integrate", "many.npy", "-p", poni, *COMMON, "--dummy", "-1")
    assert outcome.err.count("\nfailed: many_") == 20
    assert "error: 40 frames failed: many_00000, many_00001" in outcome.err


# ---- bad input: what, expected, got, fix; exit code 2; nothing left behind ----------------------------------


def truncated(source, name, writer):
    writer(name, source)
    content = Path(name).read_bytes()
    Path(name).write_bytes(content[: int(len(content) * 0.6)])
    return name


def truncated_cbf(frames):
    image = pytest.importorskip("fabio").cbfimage.CbfImage(data=frames[0].astype(np.int32))
    return truncated(image, "cut.cbf", lambda name, one: one.write(name))


def truncated_tiff(frames):
    tifffile = pytest.importorskip("tifffile")
    return truncated(frames[0], "cut.tif", tifffile.imwrite)


def truncated_hdf5(frames):
    def write(name, data):
        with h5py.File(name, "w") as file:
            file["entry/data/data"] = data

    return truncated(frames[:3], "cut.h5", write)


def master_without_data(frames):
    with h5py.File("run_master.h5", "w") as file:
        file["entry/data/data_000001"] = h5py.ExternalLink("run_data_000001.h5", "/entry/data/data")
    return "run_master.h5"


def changed_poni(poni, old, new):
    Path("changed.poni").write_text(Path(poni).read_text().replace(old, new))
    return "changed.poni"


IMAGE_TROUBLES = {
    "missing file": (lambda _frames: "nothing.tif", "nothing.tif: this file does not exist"),
    "missing pattern": (lambda _frames: "no_*.tif", "no_*.tif: no file matches this pattern"),
    "truncated TIFF": (truncated_tiff, "cut.tif"),
    "truncated CBF": (truncated_cbf, "cut"),
    "truncated HDF5": (truncated_hdf5, "cut.h5: is HDF5 but truncated or damaged"),
    "missing external link": (master_without_data, "run_data_000001.h5, which does not exist"),
    "folder": (lambda _frames: ".", "is a folder"),
}


@pytest.mark.parametrize("trouble", IMAGE_TROUBLES)
def test_integrate_unusable_image_is_an_error_that_names_it(run, poni, folder, frames, trouble):
    make, message = IMAGE_TROUBLES[trouble]
    name = make(frames)
    before = names_in(folder)
    outcome = run("integrate", name, "-p", poni, *COMMON, "-o", "out/run.h5")
    assert outcome.code == 2, outcome
    assert message in outcome.err
    assert outcome.out == ""
    assert names_in(folder) == before


def with_poni(old, new):
    def options(poni):
        return ("-p", changed_poni(poni, old, new), *COMMON)

    return options


SETTING_TROUBLES = {
    "NaN in the geometry": (with_poni("0.1", "nan"), "distance: expected a finite number in m, got 'nan'"),
    "negative distance": (with_poni("Distance: 0.1", "Distance: -0.1"), "distance: expected a number greater than 0"),
    "unknown detector": (with_poni("Detector: Detector", "Detector: Pilatus2m5"), "did you mean"),
    "other detector": (with_poni("Detector: Detector", "Detector: Pilatus100k"), "Pilatus100k"),
    "missing geometry": (lambda poni: ("-p", "no.poni", *COMMON), "no.poni: this file does not exist"),
    "detector by a wrong name": (lambda poni: ("-p", poni, *COMMON, "--detector", "Pilatos1M"), "'Pilatus1M'"),
    "no unit": (lambda poni: ("-p", poni, "-n", "50"), "unit: is never guessed. Pass e.g. -u q_nm^-1"),
    "unit without its unit": (lambda poni: ("-p", poni, "-n", "5", "-u", "q"), "write 'q_nm^-1' or 'q_A^-1'"),
    "unit with a slip": (lambda poni: ("-p", poni, "-n", "5", "-u", "q_nn^-1"), "did you mean 'q_nm^-1'"),
    "periodic unit": (lambda poni: ("-p", poni, "-n", "5", "-u", "chi_deg"), "cannot be a radial axis"),
    "no bins": (lambda poni: ("-p", poni, "-u", "r_mm"), "'-n'"),
    "zero bins": (lambda poni: ("-p", poni, "-n", "0", "-u", "r_mm"), "npt: expected an integer of at least 1"),
    "half a bin": (lambda poni: ("-p", poni, "-n", "2.5", "-u", "r_mm"), "not a valid integer"),
    "empty range": (
        lambda poni: ("-p", poni, *COMMON, "--radial-range", "5", "5"),
        "radial_range: expected low < high in nm^-1, got (5.0, 5.0), which is empty",
    ),
    "range without end": (lambda poni: ("-p", poni, *COMMON, "--radial-range", "nan", "5"), "radial_range[0]"),
    "split with a slip": (lambda poni: ("-p", poni, *COMMON, "--split", "ful"), "did you mean 'full'"),
    "average with a slip": (lambda poni: ("-p", poni, *COMMON, "--average", "mean"), "average: 'mean' is not known"),
    "dark variance without dark": (
        lambda poni: ("-p", poni, *COMMON, "--error-model", "poisson", "--dark-variance", "poisson"),
        "dark_variance: is the variance of the dark",
    ),
    "missing flat variance": (
        lambda poni: ("-p", poni, *COMMON, "--flat-variance", "f.npy"),
        "f.npy: this file does not",
    ),
    "monitor variance ignored": (
        lambda poni: ("-p", poni, *COMMON, "--normalization-variance", "1"),
        "normalization_variance: error_model=None",
    ),
    "error model with a slip": (lambda poni: ("-p", poni, *COMMON, "--error-model", "poison"), "'poisson'"),
    "variance without arrays": (
        lambda poni: ("-p", poni, *COMMON, "--error-model", "variance"),
        "Pass poisson, azimuthal or hybrid",
    ),
    "covariance of nothing": (lambda poni: ("-p", poni, *COMMON, "--covariance"), "Pass error_model='poisson'"),
    "covariance of other pixels": (
        lambda poni: ("-p", poni, *COMMON, "--covariance", "--error-model", "poisson", "--reject", "sigma"),
        "Leave one of the two out",
    ),
    "rejection with a slip": (lambda poni: ("-p", poni, *COMMON, "--reject", "sigam"), "did you mean 'sigma'"),
    "part of a dead time": (
        lambda poni: ("-p", poni, *COMMON, "--dead-time", "1e-6"),
        "missing: exposure_time, dead_time_model",
    ),
    "angle without unit": (
        lambda poni: ("-p", poni, "-n", "9", "-u", "qip_nm^-1", "--unit-oop", "qoop_nm^-1", "--incident-angle", "0.2"),
        "expected a number with its unit",
    ),
    "angle without map": (lambda poni: ("-p", poni, *COMMON, "--incident-angle", "0.2 deg"), "needs both units"),
    "engine with a slip": (lambda poni: ("-p", poni, *COMMON, "--engine", "nativ"), "'native'"),
    "polarisation above one": (lambda poni: ("-p", poni, *COMMON, "--polarization", "2"), "polarization_factor"),
    "no threads": (lambda poni: ("-p", poni, *COMMON, "--threads", "0"), "threads: expected an integer"),
    "monitor of zero": (lambda poni: ("-p", poni, *COMMON, "--normalization-factor", "0"), "normalization_factor"),
    "delta without dummy": (lambda poni: ("-p", poni, *COMMON, "--delta-dummy", "1"), "delta_dummy"),
    "fifth orientation": (lambda poni: ("-p", poni, *COMMON, "--orientation", "5"), "orientation"),
    "missing mask": (lambda poni: ("-p", poni, *COMMON, "--mask", "m.edf"), "m.edf: this file does not exist"),
    "unknown extension": (lambda poni: ("-p", poni, *COMMON, "-o", "run.h6"), "did you mean '.h5'"),
    "no extension": (lambda poni: ("-p", poni, *COMMON, "-o", "run"), "extension: 'run' is not known"),
    "unknown field": (lambda poni: ("-p", poni, *COMMON, "-o", "{stm}.xy"), "did you mean 'stem'"),
    "broken template": (lambda poni: ("-p", poni, *COMMON, "-o", "{stem.xy"), "'{stem.xy' is no template"),
    "one pattern file for many": (lambda poni: ("-p", poni, *COMMON, "-o", "r.xy"), "r_{stem}_{frame:05d}.xy"),
    "cake to a pattern format": (
        lambda poni: ("-p", poni, *COMMON, "--npt-azim", "9", "-o", "{stem}.xy"),
        ".xy holds one pattern, and a cake is asked for",
    ),
    "esd column without uncertainties": (
        lambda poni: ("-p", poni, *COMMON, "-o", "out/{stem}.xye"),
        "'xye' has a column of uncertainties",
    ),
    "picture of an unknown kind": (lambda poni: ("-p", poni, *COMMON, "--plot", "p.gif"), "'gif' is not known"),
    "folder of a folder": (lambda poni: ("-p", poni, *COMMON, "-o", "a/b/run.h5"), "because a does not exist"),
    "folder as file": (
        lambda poni: ("-p", poni, *COMMON, "-o", "geometry.poni/run.h5"),
        "is a file, expected a folder",
    ),
    "file as folder": (lambda poni: ("-p", poni, *COMMON, "-o", "sub.h5"), "sub.h5: is a folder"),
    "unwritable": (lambda poni: ("-p", poni, *COMMON, "-o", "/proc/run.h5"), "/proc/run.h5"),
    "option with a slip": (lambda poni: ("-p", poni, *COMMON, "--spilt", "full"), "--split"),
}


@pytest.mark.parametrize("trouble", SETTING_TROUBLES)
def test_integrate_bad_setting_is_an_error_that_says_what_to_do(run, poni, images, folder, trouble):
    Path("sub.h5").mkdir()
    make, message = SETTING_TROUBLES[trouble]
    options = make(poni)
    before = names_in(folder)
    outcome = run("integrate", images, *options)
    assert outcome.code == 2, outcome
    assert message in outcome.err
    assert "Traceback" not in outcome.err
    assert outcome.out == ""
    assert names_in(folder) == before


def test_integrate_unit_that_needs_a_wavelength_says_so(run, images, poni):
    without = changed_poni(poni, "Wavelength: 1e-10\n", "")
    outcome = run("integrate", images, "-p", without, *COMMON)
    assert outcome.code == 2
    assert "wavelength" in outcome.err
    assert "'Wavelength:'" in outcome.err
    assert run("integrate", images, "-p", without, "-n", "9", "-u", "2th_deg").code == 0


def test_integrate_unwritable_folder_is_an_error(run, images, poni, folder):
    if os.geteuid() == 0:
        pytest.skip("the superuser may write everywhere")
    Path("locked").mkdir(mode=0o500)
    outcome = run("integrate", images, "-p", poni, *COMMON, "-o", "locked/run.h5")
    assert outcome.code == 2
    assert "locked/run.h5: cannot be written" in outcome.err


# ---- masks -------------------------------------------------------------------------------------------------


def write_mask(name, mask):
    if name.endswith(".npy"):
        np.save(name, mask)
    elif name.endswith(".h5"):
        with h5py.File(name, "w") as file:
            file["entry/mask"] = mask
    elif name.endswith(".edf"):
        pytest.importorskip("fabio").edfimage.EdfImage(data=mask).write(name)
    elif name.endswith(".msk"):
        pytest.importorskip("fabio").fit2dmaskimage.Fit2dMaskImage(data=mask).write(name)
    else:
        pytest.importorskip("tifffile").imwrite(name, mask)


@pytest.mark.parametrize("name", ["m.npy", "m.edf", "m.tif", "m.mask", "m.h5", "m.msk"])
def test_integrate_mask_file_excludes_where_it_is_one(run, poni, images, frames, name):
    mask = np.zeros(SHAPE, np.uint8)
    mask[10:20, 30:45] = 1
    if name.endswith((".mask", ".tif")):
        pytest.importorskip("tifffile").imwrite(name, mask)
    else:
        write_mask(name, mask)
    given = f"{name}::/entry/mask" if name.endswith(".h5") else name
    outcome = run("integrate", "image_0.npy", "-p", poni, *COMMON, "--mask", given, "-o", "r.h5")
    assert outcome.code == 0, outcome.err
    assert f"{100 * mask.mean():.3g} % of 2880 pixels masked" in outcome.err
    assert_same(
        az.load_result("r.h5")[0], az.load(poni).integrate1d(frames[0], 50, unit="q_nm^-1", mask=mask.astype(bool))
    )


def test_integrate_several_masks_all_apply(run, poni, images, frames):
    masks = np.zeros((2, *SHAPE), bool)
    masks[0, :5], masks[1, :, :7] = True, True
    for number in (0, 1):
        np.save(f"m{number}.npy", masks[number])
    run("integrate", "image_0.npy", "-p", poni, *COMMON, "--mask", "m0.npy", "--mask", "m1.npy", "-o", "r.h5")
    expected = az.load(poni).integrate1d(frames[0], 50, unit="q_nm^-1", mask=masks.any(axis=0))
    assert_same(az.load_result("r.h5")[0], expected)


def test_integrate_mask_of_255_is_refused_with_a_command_that_converts_it(run, poni, images):
    mask = np.zeros(SHAPE, np.uint8)
    mask[:9] = 255
    np.save("m.npy", mask)
    outcome = run("integrate", images, "-p", poni, *COMMON, "--mask", "m.npy")
    assert outcome.code == 2
    assert "expected 0 (use the pixel) and 1 (exclude it), got uint8 values 0, 255" in outcome.err
    script = re.search(r'python -c "(.*)"', outcome.err)[1]
    subprocess.run([sys.executable, "-c", script], check=True)
    outcome = run("integrate", images, "-p", poni, *COMMON, "--mask", "m_mask.npy")
    assert outcome.code == 0
    assert f"{100 * 9 / 48:.3g} % of" in outcome.err


@pytest.mark.parametrize(("shape", "words"), [((48, 61), "(48, 61)"), ((60, 48), "rows and columns are exchanged")])
def test_integrate_mask_of_another_shape_is_refused(run, poni, images, folder, shape, words):
    np.save("m.npy", np.zeros(shape, bool))
    outcome = run("integrate", images, "-p", poni, *COMMON, "--mask", "m.npy")
    assert outcome.code == 2
    assert "mask m.npy: expected shape (48, 60)" in outcome.err
    assert words in outcome.err


def test_integrate_pixel_mask_of_the_file_is_offered_and_applied_when_asked_for(run, poni, stack, frames):
    mask = np.zeros(SHAPE, np.uint32)
    mask[3, 4:9] = 8
    with h5py.File(stack, "r+") as file:
        file["entry/instrument/detector/pixel_mask"] = mask
    outcome = run("integrate", stack, "-p", poni, *COMMON, "-o", "without.h5")
    assert "the pixel mask in the image file excludes 5 more pixels; --file-mask applies it" in outcome.err
    outcome = run("integrate", stack, "-p", poni, *COMMON, "-o", "with.h5", "--file-mask")
    assert "--file-mask" not in outcome.err
    ai = az.load(poni)
    assert_same(az.load_result("without.h5")[7], ai.integrate1d(frames[7], 50, unit="q_nm^-1"))
    assert_same(az.load_result("with.h5")[7], ai.integrate1d(frames[7], 50, unit="q_nm^-1", mask=mask != 0))


def test_integrate_file_mask_without_one_in_the_file_is_an_error(run, poni, images):
    outcome = run("integrate", images, "-p", poni, *COMMON, "--file-mask")
    assert outcome.code == 2
    assert "none of the image files holds a pixel mask" in outcome.err


# ---- numbers of the command line are those of the library ---------------------------------------------------

SAME_NUMBERS = {
    "split none": (["--split", "none"], {"split": "none"}),
    "split bbox": (["--split", "bbox"], {"split": "bbox"}),
    "split pseudo": (["--split", "pseudo"], {"split": "pseudo"}),
    "mean of ratios": (["--average", "mean_of_ratios"], {"average": "mean_of_ratios"}),
    "poisson": (["--error-model", "poisson"], {"error_model": "poisson"}),
    "azimuthal": (["--error-model", "azimuthal"], {"error_model": "azimuthal"}),
    "hybrid": (["--error-model", "hybrid"], {"error_model": "hybrid"}),
    "polarisation": (["--polarization", "0.99"], {"polarization_factor": 0.99}),
    "no solid angle": (["--no-solid-angle"], {"solid_angle": False}),
    "absolute": (["--solid-angle", "absolute"], {"solid_angle": "absolute"}),
    "transmission": (["--transmission", "0.4"], {"transmission": 0.4}),
    "no sensor": (["--sensor-absorption", "none"], {"sensor_absorption": False}),
    "dead time": (
        ["--dead-time", "1e-6", "--exposure-time", "0.1", "--dead-time-model", "paralyzable"],
        {"dead_time": 1e-6, "exposure_time": 0.1, "dead_time_model": "paralyzable"},
    ),
    "radial range": (["--radial-range", "3", "11.5"], {"radial_range": (3, 11.5)}),
    "wrapped arc": (["--azimuth-range", "170", "190"], {"azimuth_range": (170, 190)}),
    "negative arc": (["--azimuth-range", "-10", "10"], {"azimuth_range": (-10, 10)}),
    "dummy": (["--dummy", "17", "--delta-dummy", "1.5"], {"dummy": 17, "delta_dummy": 1.5}),
    "largest dummy": (["--dummy", "4294967295"], {"dummy": 4294967295}),
    "monitor": (["--normalization-factor", "2.5"], {"normalization_factor": 2.5}),
    "reference engine": (["--engine", "reference"], {"engine": "reference"}),
    "one thread": (["--threads", "1"], {}),
    "covariance": (
        ["--error-model", "poisson", "--covariance"],
        {"error_model": "poisson", "covariance": True},
    ),
}


@pytest.mark.parametrize("case", SAME_NUMBERS)
def test_integrate_option_gives_the_numbers_of_the_library(run, poni, images, frames, case):
    options, keywords = SAME_NUMBERS[case]
    assert run("integrate", images, "-p", poni, *COMMON, *options, "-o", "r.h5").code == 0
    ai = az.load(poni)
    for number, result in enumerate(az.load_result("r.h5")):
        expected = ai.integrate1d(frames[number], 50, unit="q_nm^-1", **keywords)
        assert_same(result, expected)
        np.testing.assert_array_equal(result.edges, expected.edges)
        assert result.sums.covariance == expected.sums.covariance


def test_integrate_sensor_is_named_in_one_line(run, poni, images):
    outcome = run("integrate", images, "-p", poni, *COMMON, "-o", "r.h5")
    assert "sensor: absorption not corrected (material and thickness of the sensor are not known" in outcome.err
    known = (
        Path(poni)
        .read_text()
        .replace('"orientation"', '"sensor": {"material": "Si", "thickness": 4.5e-4}, "orientation"')
    )
    Path("known.poni").write_text(known)
    outcome = run("integrate", images, "-p", "known.poni", *COMMON, "-o", "known.h5")
    assert "sensor: absorption corrected (450 µm of Si at 12.3984 keV, relative); parallax not corrected" in outcome.err


def test_integrate_sensor_that_is_not_known_and_asked_for_is_an_error(run, poni, images):
    outcome = run("integrate", images, "-p", poni, *COMMON, "--sensor-absorption", "relative", "-o", "r.h5")
    assert outcome.code == 2
    assert "sensor_absorption: material and thickness" in outcome.err


def test_integrate_solid_angle_twice_is_refused(run, poni, images):
    outcome = run("integrate", images, "-p", poni, *COMMON, "--solid-angle", "absolute", "--no-solid-angle")
    assert outcome.code == 2
    assert "contradict" in outcome.err


def test_integrate_dark_and_flat_give_the_numbers_of_the_library(run, poni, images, frames):
    dark = np.full(SHAPE, 3.25)
    flat = np.random.default_rng(1).uniform(0.8, 1.2, SHAPE)
    np.save("dark.npy", dark)
    np.save("flat.npy", flat)
    run("integrate", images, "-p", poni, *COMMON, "--dark", "dark.npy", "--flat", "flat.npy", "-o", "r.h5")
    expected = az.load(poni).integrate1d(frames[2], 50, unit="q_nm^-1", dark=dark, flat=flat)
    assert_same(az.load_result("r.h5")[2], expected)


def test_integrate_variances_give_the_numbers_of_the_library(run, poni, images, frames):
    generator = np.random.default_rng(1)
    arrays = {"dark": np.full(SHAPE, 3.0), "flat": generator.uniform(0.8, 1.2, SHAPE)}
    arrays |= {"flat_variance": np.full(SHAPE, 0.01), "dark_variance": generator.uniform(0, 2, SHAPE)}
    options = ["--error-model", "poisson", "--normalization-factor", "2", "--normalization-variance", "0.25"]
    for name, array in arrays.items():
        np.save(f"{name}.npy", array)
        options += [f"--{name.replace('_', '-')}", f"{name}.npy"]
    keywords = dict(unit="q_nm^-1", error_model="poisson", normalization_factor=2.0, normalization_variance=0.25)
    for words, more in (([], {}), (["--dark-variance", "poisson"], {"dark_variance": arrays["dark"]})):
        assert run("integrate", images, "-p", poni, *COMMON, *options, *words, "-o", "r.h5", "--force").code == 0
        expected = az.load(poni).integrate1d(frames[2], 50, **keywords, **(arrays | more))
        result = az.load_result("r.h5")[2]
        assert_same(result, expected)
        np.testing.assert_array_equal(result.sigma, expected.sigma)
        assert result.provenance["inputs"]["dark_variance"] == (words[1] if words else "dark_variance.npy")


def test_integrate_dark_stack_is_refused(run, poni, images, stack):
    outcome = run("integrate", images, "-p", poni, *COMMON, "--dark", stack)
    assert outcome.code == 2
    assert "dark stack.h5: expected one image for all 3 frames, or one for each, got 40" in outcome.err


def test_integrate_cakes_are_those_of_the_library(run, poni, images, frames):
    outcome = run("integrate", images, "-p", poni, "-n", "20", "-u", "2th_deg", "--npt-azim", "12", "-o", "c.h5")
    assert outcome.out == "c.h5: 3 frames from 3 files, 20 x 12 bins\n"
    cakes = az.load_result("c.h5")
    assert cakes.kind == "cake"
    assert_same(cakes[1], az.load(poni).integrate2d(frames[1], 20, 12, unit="2th_deg"))


def test_integrate_orientation_replaces_that_of_the_geometry(run, poni, images, frames):
    run("integrate", images, "-p", poni, *COMMON, "--orientation", "2", "-o", "r.h5")
    ai = az.load(poni)
    turned = az.Integrator.from_instrument(ai.instrument.replace(detector=ai.detector.with_orientation(2)))
    assert_same(az.load_result("r.h5")[0], turned.integrate1d(frames[0], 50, unit="q_nm^-1"))


def test_integrate_shape_that_the_geometry_lacks_is_taken_from_the_images(run, poni, images, frames):
    bare = changed_poni(poni, '"max_shape": [48, 60], ', "")
    assert run("integrate", images, "-p", bare, *COMMON, "-o", "r.h5").code == 0
    assert_same(az.load_result("r.h5")[0], az.load(poni).integrate1d(frames[0], 50, unit="q_nm^-1"))


def test_integrate_geometry_for_another_shape_names_the_images(run, poni, images):
    other = changed_poni(poni, "[48, 60]", "[480, 600]")
    outcome = run("integrate", images, "-p", other, *COMMON)
    assert outcome.code == 2
    assert "(480, 600)" in outcome.err
    assert "image_0.npy holds frames of 48 x 60 pixels" in outcome.err


def test_integrate_geometry_without_orientation_is_remarked_on(run, poni, images):
    silent = changed_poni(poni, ', "orientation": 3', "")
    outcome = run("integrate", images, "-p", silent, *COMMON)
    assert outcome.code == 0
    assert "note: changed.poni: no orientation recorded" in outcome.err
    assert "Dioptas" in outcome.err
    outcome = run("integrate", images, "-p", silent, *COMMON, "--orientation", "3", "--force")
    assert "Dioptas" not in outcome.err


def test_integrate_other_orientation_in_the_geometry_is_a_warning(run, poni, images):
    outcome = run("integrate", images, "-p", changed_poni(poni, '"orientation": 3', '"orientation": 2'), *COMMON)
    assert outcome.code == 0
    assert outcome.err.count("warning: changed.poni: orientation 2 (") == 1


def test_integrate_result_remembers_its_inputs(run, poni, images):
    run("integrate", images, "-p", poni, *COMMON, "-o", "r.h5")
    result = az.load_result("r.h5")[1]
    assert result.metadata["file"] == "image_1.npy"
    assert result.provenance["inputs"]["geometry"] == str(Path(poni).resolve())
    assert result.provenance["recipe"]["split"] == "full"


# ---- what is said ------------------------------------------------------------------------------------------


def test_integrate_dry_run_says_what_would_be_written_and_writes_nothing(run, poni, images, folder):
    before = names_in(folder)
    outcome = run("integrate", images, "-p", poni, *COMMON, "-o", "out/{stem}.xy", "--dry-run")
    assert outcome.code == 0
    assert outcome.out.splitlines() == [
        "would write out/image_0.xy ... out/image_2.xy (3 files): 3 frames, 50 bins",
        *(f"  {Path('out', f'image_{number}.xy')}" for number in range(3)),
    ]
    assert names_in(folder) == before


@pytest.mark.parametrize("name", ["out/{frame}.xy", "run.npz"])
def test_integrate_dry_run_says_what_an_interrupted_run_has_finished(run, poni, stack, folder, name, monkeypatch):
    from azimuthal.cli._progress import Progress

    advance = Progress._advance

    def interrupt(self):
        advance(self)
        if self.n_done == 7:
            raise KeyboardInterrupt

    keep = Progress._keep

    def interrupt_kept(self, event):
        keep(self, event)
        if event.n_frames == 7:
            raise KeyboardInterrupt

    command = ("integrate", stack, "-p", poni, *COMMON, "-o", name, "--keep-every", "0")
    with monkeypatch.context() as patched:
        if name == "run.npz":
            patched.setattr(Progress, "_keep", interrupt_kept)
        else:
            patched.setattr(Progress, "_advance", interrupt)
        assert run(*command).code == 130
    before = names_in(folder)
    outcome = run(*command, "--dry-run")
    verb = "take" if name == "run.npz" else "skip"
    assert outcome.out.splitlines()[-1] == f"would {verb} 7 frames of an interrupted run and integrate 33"
    assert names_in(folder) == before
    if verb == "skip":
        assert outcome.out.splitlines()[7:9] == ["  out/6.xy (there already)", "  out/7.xy"]
    other = run(*command, "--split", "none", "--dry-run")
    assert other.code == 2
    assert "recipe.bins.split was" in other.err
    assert run(*command).code == 0
    assert run("integrate", stack, "-p", poni, *COMMON, "-o", name, "--keep-every", "-1", "--force").code == 2


def test_integrate_monitor_and_sectors_into_files(run, poni, stack):
    np.savetxt("i0.txt", np.arange(1.0, 41.0))
    choices = ("--error-model", "poisson", "--monitor", "i0.txt", "--monitor-variance", "poisson")
    choices += ("--sector", "-10", "10", "--sector", "80", "100")
    assert run("integrate", stack, "-p", poni, *COMMON, *choices, "-o", "sets.h5", "--write-recipe", "r.toml").code == 0
    assert run("run", "r.toml", "-o", "out/{frame:02d}_{reduction}.xye").code == 0
    assert len(list(Path("out").glob("*_-10_to_10.xye"))) == 40
    one = az.load_result("sets.h5")[7]["80 to 100"]
    assert one.normalization_factor == 8.0
    assert one.normalization_variance == 8.0
    assert len(np.loadtxt("out/07_80_to_100.xye")) > 0
    assert run("rerun", "sets.h5").code == 0
    outcome = run("integrate", stack, "-p", poni, *COMMON, "--monitor", "/entry/i0")
    assert outcome.code == 2
    assert "write ::/entry/i0." in outcome.err


def test_integrate_help_lists_all_formats(run):
    from azimuthal.io.writers import formats

    words = run("integrate", "--help").out.split()
    for one in formats():
        assert any(one.extensions[0] in word for word in words)


def test_integrate_quiet_says_nothing(run, poni, images):
    outcome = run("integrate", images, "-p", poni, *COMMON, "--quiet")
    assert outcome == (0, "", "")
    assert Path("image_0_azimuthal.h5").exists()


def test_integrate_empty_bins_left_out_are_warned_of_once(run, poni, images):
    far = ("--radial-range", "0", "60")
    outcome = run("integrate", images, "-p", poni, *COMMON, *far, "-o", "{stem}.xy")
    assert outcome.code == 0
    assert outcome.err.count("warning: image_") == 1
    assert "29 empty" in outcome.err
    assert "and 2 more of this kind" in outcome.err


@pytest.mark.parametrize("cake", [[], ["--npt-azim", "8"]])
def test_integrate_plot_draws_all_frames_together(run, poni, images, cake):
    pytest.importorskip("matplotlib")
    outcome = run("integrate", images, "-p", poni, *COMMON, *cake, "--plot", "p.png")
    assert outcome.code == 0, outcome.err
    assert Path("p.png").read_bytes().startswith(b"\x89PNG")
    assert "p.png: picture of 3 frames" in outcome.err
    again = run("integrate", images, "-p", poni, *COMMON, *cake, "--plot", "p.png", "-o", "other.h5")
    assert again.code == 2
    assert "p.png exists already" in again.err
    assert not Path("other.h5").exists()


def test_integrate_help_names_every_choice():
    text = " ".join(parameter.help or "" for parameter in integrate_command.params if hasattr(parameter, "help"))
    for name in (*SPLITS, "mean_of_ratios", "sum", "poisson", "native", "reference"):
        assert name in text
    assert set(AVERAGES) == {"ratio_of_sums", "mean_of_ratios", "sum"}


# ---- interruption ------------------------------------------------------------------------------------------


@pytest.fixture
def interrupted_after_two(monkeypatch):
    from azimuthal.pipelines import batch_run

    count = batch_run.Run._count

    def counting(self, *arguments):
        count(self, *arguments)
        if self._n_frames == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(batch_run.Run, "_count", counting)


@pytest.mark.white_box
def test_integrate_interrupted_leaves_no_file_at_all(run, poni, stack, folder, interrupted_after_two):
    before = names_in(folder)
    outcome = run("integrate", stack, "-p", poni, *COMMON, "-o", "out/run.h5")
    assert outcome.code == 130
    assert "interrupted after 2 frames: nothing was written" in outcome.err
    assert names_in(folder) == before


@pytest.mark.white_box
def test_integrate_interrupted_leaves_complete_patterns_only(run, poni, stack, interrupted_after_two):
    outcome = run("integrate", stack, "-p", poni, *COMMON, "-o", "out/{frame}.xy")
    assert outcome.code == 130
    assert (
        "interrupted after 2 frames: 2 files written, complete; the same command again writes the rest" in outcome.err
    )
    patterns = sorted(Path("out").glob("*.xy"))
    assert [path.name for path in patterns] == ["0.xy", "1.xy"]
    assert all(len(np.loadtxt(path)) == 50 for path in patterns)
    assert names_in("out/frame_.xy.parts") == ["done.jsonl", "lock", "planned.json", "run.json"]


SLOW = """
import sys, time
from azimuthal.pipelines import batch_run
from azimuthal.cli import main

count = batch_run.Run._count

def slowly(*arguments):
    time.sleep(0.1)
    count(*arguments)

batch_run.Run._count = slowly
sys.exit(main())
"""


@pytest.mark.white_box
@pytest.mark.skipif(sys.platform == "win32", reason="no such signals")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_integrate_signal_removes_the_unfinished_file(poni, stack, folder, number, code):
    """A batch system ends a job with SIGTERM."""
    Path("slow.py").write_text(textwrap.dedent(SLOW))
    before = names_in(folder)
    command = [sys.executable, "slow.py", "integrate", stack, "-p", poni, *COMMON, "-o", "run.h5"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 30
    while not list(folder.glob(".run.h5.*")) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert process.returncode == code, err
    assert out == ""
    assert names_in(folder) == before


def test_integrate_real_process_returns_its_exit_code(poni, images, folder):
    """The installed script's way: a true process, a true exit code."""
    command = [sys.executable, "-m", "azimuthal", "integrate", images, "-p", poni, *COMMON]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "image_0_azimuthal.h5: 3 frames from 3 files, 50 bins\n")
    shutil.copy("image_0.npy", "image_3.npy")
    Path("image_1.npy").write_bytes(Path("image_1.npy").read_bytes()[:900])
    done = subprocess.run([*command, "--force"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "image_1" in done.stderr


def test_integrate_with_rejection_gives_what_the_library_gives(run, stack, poni, frames):
    outcome = run(
        "integrate", stack, "-p", poni, *COMMON, "--error-model", "poisson", "--reject", "sigma", "--reject-threshold", "6",
        "-o", "run.h5",
    )  # fmt: skip
    assert outcome.code == 0
    result = az.load_result("run.h5")[3]
    reject = az.Rejection("sigma", threshold=6)
    expected = az.load(poni).integrate1d(frames[3], 50, unit="q_nm^-1", error_model="poisson", reject=reject)
    assert_same(result, expected)
    assert result.provenance["recipe"]["reject"] == reject.to_dict()


def test_integrate_with_settings_of_no_rejection_is_refused(run, stack, poni):
    outcome = run("integrate", stack, "-p", poni, *COMMON, "--reject-threshold", "6", "-o", "run.h5")
    assert outcome.code == 2
    assert "--reject sigma" in outcome.err
