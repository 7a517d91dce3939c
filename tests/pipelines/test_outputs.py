# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Names of outputs: all known, and checked, before the first frame."""

from pathlib import Path

import pytest

from azimuthal.errors import (
    OutputError,
    OutputExistsError,
    ParameterError,
    UnknownNameError,
    UnsupportedOptionError,
)
from azimuthal.io.writers import formats
from azimuthal.pipelines.outputs import check_outputs, made_folders, plan_outputs


def fields(*files):
    """Metadata of two frames in each file."""
    number = 0
    for file in files:
        stem = Path(file).stem
        for frame in range(2):
            yield {"label": f"{stem}_{frame:05d}", "index": number, "name": stem, "frame": frame, "file": file}
            number += 1


def paths(name, *files, cake=False):
    return [str(path) for path in plan_outputs(name, fields(*files), 2 * len(files), cake=cake).paths]


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("o/{stem}_{frame:05d}.xy", ["o/a_00000.xy", "o/a_00001.xy", "o/b_00000.xy", "o/b_00001.xy"]),
        ("{number:03d}.xye", ["000.xye", "001.xye", "002.xye", "003.xye"]),
        ("{label}.h5", ["a_00000.h5", "a_00001.h5", "b_00000.h5", "b_00001.h5"]),
        ("{folder}-{stem}-{frame}.dat", ["run1-a-0.dat", "run1-a-1.dat", "run2-b-0.dat", "run2-b-1.dat"]),
        ("{{{number}}}.xy", ["{0}.xy", "{1}.xy", "{2}.xy", "{3}.xy"]),
    ],
)
def test_plan_outputs_fills_in_the_template(template, expected):
    assert paths(template, "run1/a.h5", "run2/b.h5") == expected


def test_plan_outputs_one_file_for_all():
    outputs = plan_outputs("run.h5", fields("a.h5"), 2, cake=True)
    assert outputs.paths == (Path("run.h5"),)
    assert not outputs.one_each
    assert outputs.format.name == "nxazint"
    assert outputs.folders == (Path(),)


@pytest.mark.parametrize("template", ["{stem}.xy", "{frame}.xy", "out.{{x}}.xy"])
def test_plan_outputs_two_frames_on_one_name_raises_and_names_both(template):
    with pytest.raises(ParameterError, match="to two frames") as caught:
        paths(template, "a.h5", "b.h5")
    assert "frame 0 of a.h5" in str(caught.value)


def test_plan_outputs_same_stem_in_two_folders_is_told_apart_by_the_folder():
    with pytest.raises(ParameterError, match=r"one/a\.h5 and frame 0 of two/a\.h5"):
        paths("{stem}_{frame}.xy", "one/a.h5", "two/a.h5")
    assert len(set(paths("{folder}_{stem}_{frame}.xy", "one/a.h5", "two/a.h5"))) == 4


@pytest.mark.parametrize("one", [one for one in formats() if not one.holds_many], ids=lambda one: one.name)
def test_plan_outputs_single_pattern_format_for_many_frames_suggests_a_template(one):
    with pytest.raises(UnsupportedOptionError, match="there are 2 frames") as caught:
        paths(f"r{one.extensions[0]}", "a.h5", cake=not one.holds_profiles)
    assert f"r_{{stem}}_{{frame:05d}}{one.extensions[0]}" in str(caught.value)


@pytest.mark.parametrize("one", [one for one in formats() if not one.holds_profiles], ids=lambda one: one.name)
def test_plan_outputs_pattern_in_a_format_for_cakes_raises(one):
    with pytest.raises(UnsupportedOptionError, match="holds a cake"):
        paths(f"r{one.extensions[0]}", "a.h5")


@pytest.mark.parametrize("one", formats(), ids=lambda one: one.name)
def test_plan_outputs_cake_goes_where_it_fits(one):
    name = f"{{label}}{one.extensions[0]}"
    if one.holds_cakes:
        assert paths(name, "a.h5", cake=True)
    else:
        with pytest.raises(UnsupportedOptionError, match="cake"):
            paths(name, "a.h5", cake=True)


@pytest.mark.parametrize(("name", "match"), [("r.xyz", "'.xy'"), ("r", "'r'"), ("r.png", "--plot")])
def test_plan_outputs_unknown_extension_raises(name, match):
    with pytest.raises(UnknownNameError, match=match):
        paths(name, "a.h5")


def check(name, *files, force=False, inputs=(), extra=()):
    outputs = plan_outputs(name, fields(*files), 2 * len(files), cake=False)
    check_outputs(outputs, force=force, inputs=inputs, extra=extra)


def test_check_outputs_existing_files_are_counted(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for number in range(4):
        Path(f"{number}.xy").touch()
    with pytest.raises(OutputExistsError, match=r"0\.xy, 1\.xy, 2\.xy and 1 more exist already"):
        check("{number}.xy", "a.h5", "b.h5")
    check("{number}.xy", "a.h5", "b.h5", force=True)
    with pytest.raises(OutputExistsError, match=r"^3\.xy exists already"):
        check("new.h5", "a.h5", extra=[Path("3.xy")])


def test_check_outputs_dangling_link_exists(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("r.h5").symlink_to("nowhere")
    with pytest.raises(OutputExistsError):
        check("r.h5", "a.h5")


@pytest.mark.parametrize("force", [False, True])
def test_check_outputs_input_is_never_replaced(tmp_path, monkeypatch, force):
    monkeypatch.chdir(tmp_path)
    Path("a.h5").touch()
    Path("link.h5").symlink_to("a.h5")
    for name in ("a.h5", str(tmp_path / "a.h5"), "link.h5"):
        with pytest.raises(ParameterError, match="is an input of this run"):
            check(name, "a.h5", force=force, inputs=["a.h5::/entry/data"])


def test_check_outputs_folders(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    Path("folder.h5").mkdir()
    check("new/r.h5", "a.h5")
    assert not Path("new").exists()
    with pytest.raises(OutputError, match="because new does not exist"):
        check("new/newer/r.h5", "a.h5")
    with pytest.raises(OutputError, match="is a file"):
        check("file/r.h5", "a.h5")
    with pytest.raises(OutputError, match="is a folder"):
        check("folder.h5", "a.h5")


def test_made_folders_keeps_what_was_filled_and_removes_the_rest(tmp_path):
    filled, empty, old = tmp_path / "filled", tmp_path / "empty", tmp_path / "old"
    old.mkdir()

    def interrupted():
        with made_folders([filled, empty, old]):
            (filled / "file").touch()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert (filled / "file").exists()
    assert not empty.exists()
    assert old.exists()


def test_made_folders_that_cannot_be_made_raises():
    with pytest.raises(OutputError, match="/proc/nothing: cannot be created"), made_folders([Path("/proc/nothing")]):
        pass
