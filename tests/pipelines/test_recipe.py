# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Recipes: every choice there and back, nothing unknown accepted, the same numbers as the library."""

import dataclasses
import json
import tomllib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import azimuthal as az
from azimuthal.errors import (
    DataTypeError,
    FileFormatError,
    FileMissingError,
    OutputExistsError,
    ParameterError,
    UnknownNameError,
)
from azimuthal.integrate import PlanSpec
from azimuthal.pipelines import recipe as recipe_module
from azimuthal.pipelines._toml import toml_text
from azimuthal.pipelines.batch import integrate_batch
from azimuthal.pipelines.recipe import (
    RECIPE_VERSION,
    migrated,
    read_recipe,
    recipe_document,
    settings_of,
    write_recipe,
)
from azimuthal.pipelines.settings import BatchSettings

SAMPLES = Path(__file__).parent / "recipes"
EVERYTHING = BatchSettings(
    images=("a.h5::/entry/data", "b_*.tif"),
    geometry="geometry.poni",
    npt=100,
    unit="q_nm^-1",
    npt_azim=36,
    sectors=((-10.0, 10.0), (80.0, 100.0)),
    output="out/{stem}.h5",
    detector="Pilatus1M",
    orientation=3,
    masks=("m.npy", "n.npy"),
    file_mask=True,
    dark="dark.npy",
    flat="flat.npy",
    dark_variance="poisson",
    flat_variance="v.npy",
    normalization_factor=2.5,
    normalization_variance=0.25,
    monitor="scan.h5::/I0",
    monitor_variance="poisson",
    picture="p.png",
    choices={
        "split": "bbox",
        "average": "mean_of_ratios",
        "error_model": "poisson",
        "radial_range": (1.0, 20.5),
        "azimuth_range": (170.0, 190.0),
        "polarization_factor": 0.99,
        "solid_angle": None,
        "sensor_absorption": False,
        "dummy": -1,
        "delta_dummy": 0.5,
        "reject": {"method": "sigma", "threshold": 4.0, "max_iter": 7},
        "dead_time": 1e-7,
        "exposure_time": 0.1,
        "dead_time_model": "paralyzable",
    },
    grazing={"unit_oop": "qoop_nm^-1", "incident_angle": "0.2 deg", "sample_orientation": 2},
)


def test_recipe_of_everything_comes_back(folder):
    for name in ("r.toml", "r.json"):
        write_recipe(EVERYTHING, name)
        again = read_recipe(name)
        for item in dataclasses.fields(BatchSettings):
            if item.name != "choices":
                assert getattr(again, item.name) == getattr(EVERYTHING, item.name), item.name
        assert again.choices.items() >= EVERYTHING.choices.items()
        assert recipe_document(again) == recipe_document(EVERYTHING)


def test_recipe_has_a_place_for_every_choice():
    """A new field of the settings or of the description cannot be forgotten."""
    direct = {key.field for key in recipe_module._KEYS if key.place == "settings"}
    fields = {item.name for item in dataclasses.fields(BatchSettings)}
    assert fields - direct == {"choices", "grazing", "force", "threads", "keep_every"}
    choices = {key.field for key in recipe_module._KEYS if key.place == "choices"}
    own = {"instrument", "kind", "npt_rad", "npt_azim", "unit", "azimuth_unit"}
    assert {item.name for item in dataclasses.fields(PlanSpec)} - choices == own


def test_recipe_writes_defaults_out():
    plain = BatchSettings(images=("a.npy",), geometry="g.poni", npt=10, unit="2th_deg")
    document = recipe_document(plain, folder=".")
    assert document["bins"]["split"] == "full"
    assert document["corrections"]["solid_angle"] == "relative"
    assert document["mask"]["invalid_values"] is True


def test_recipe_paths_are_relative_to_its_folder(folder):
    Path("sub").mkdir()
    plain = BatchSettings(images=("a.npy", "/data/b.npy"), geometry="g.poni", npt=10, unit="2th_deg", output="o.h5")
    write_recipe(plain, "sub/r.toml")
    assert tomllib.loads(Path("sub/r.toml").read_text())["input"]["images"] == ["../a.npy", "/data/b.npy"]
    assert read_recipe("sub/r.toml").images == ("sub/../a.npy", "/data/b.npy")
    assert recipe_document(plain)["output"]["file"] == str(folder / "o.h5")


def test_recipe_refuses_what_it_does_not_know():
    good = recipe_document(EVERYTHING)
    with pytest.raises(UnknownNameError, match="did you mean 'corrections'"):
        settings_of(good | {"correction": {}})
    with pytest.raises(UnknownNameError, match="did you mean 'radial_range'"):
        settings_of(good | {"bins": {**good["bins"], "radial_rnage": [1, 2]}})
    with pytest.raises(DataTypeError, match=r"\[bins\] npt: expected an integer, got True"):
        settings_of(good | {"bins": {**good["bins"], "npt": True}})
    with pytest.raises(DataTypeError, match="expected a list of paths"):
        settings_of(good | {"input": {"images": "a.npy"}})
    with pytest.raises(DataTypeError, match="expected a table"):
        settings_of(good | {"bins": 7})
    with pytest.raises(ParameterError, match=r"\[bins\] unit: is missing"):
        settings_of(good | {"bins": {"npt": 7}})
    with pytest.raises(ParameterError, match="either file or poni"):
        settings_of(good | {"geometry": {}})
    with pytest.raises(ParameterError, match="expected two numbers"):
        settings_of(good | {"bins": {**good["bins"], "radial_range": [1, 2, 3]}})
    with pytest.raises(DataTypeError, match="a list of pairs"):
        settings_of(good | {"bins": {**good["bins"], "sectors": [[1, 2], [3]]}})
    with pytest.raises(ParameterError, match="no place in a recipe"):
        recipe_document(dataclasses.replace(EVERYTHING, choices={"kind": "cake"}))


def test_recipe_versions(monkeypatch):
    with pytest.raises(ParameterError, match="is no recipe"):
        migrated({"bins": {}})
    with pytest.raises(ParameterError, match="Use a newer azimuthal"):
        migrated({"azimuthal_recipe": RECIPE_VERSION + 1})
    with pytest.raises(ParameterError, match="never been a version 0"):
        migrated({"azimuthal_recipe": 0})
    monkeypatch.setattr(recipe_module, "RECIPE_VERSION", 3)
    monkeypatch.setitem(recipe_module.MIGRATIONS, 1, lambda old: old | {"first": 1})
    monkeypatch.setitem(recipe_module.MIGRATIONS, 2, lambda old: old | {"second": old["first"] + 1})
    original = {"azimuthal_recipe": 1}
    assert migrated(original) == {"azimuthal_recipe": 3, "first": 1, "second": 2}
    assert original == {"azimuthal_recipe": 1}


@pytest.mark.parametrize("version", range(1, RECIPE_VERSION + 1))
def test_recipe_stored_sample_of_each_version_reads_as_it_did(version):
    read = settings_of(tomllib.loads((SAMPLES / f"version_{version}.toml").read_text()))
    expected = json.loads((SAMPLES / f"version_{version}_read.json").read_text())
    assert json.loads(json.dumps(recipe_document(read, folder="."))) == expected


def test_recipe_file_troubles(folder):
    with pytest.raises(FileMissingError):
        read_recipe("none.toml")
    with pytest.raises(UnknownNameError, match="extension"):
        read_recipe("recipe.yaml")
    Path("bad.toml").write_text("a = = 1")
    Path("bad.json").write_text("[1]")
    Path("binary.toml").write_bytes(b"\xff\xfe")
    for name in ("bad.toml", "bad.json", "binary.toml"):
        with pytest.raises(FileFormatError, match=name):
            read_recipe(name)
    with pytest.raises(OutputExistsError):
        write_recipe(EVERYTHING, "bad.toml")
    write_recipe(EVERYTHING, "bad.toml", force=True)


def test_recipe_gives_the_numbers_of_the_library_and_is_in_every_output(poni, frames, ai):
    np.save("run.npy", frames)
    chosen = BatchSettings(images=("run.npy",), geometry=poni, npt=40, unit="2th_deg", output="run.h5")
    write_recipe(chosen, "run.toml")
    integrate_batch(read_recipe("run.toml"))
    results = az.load_result("run.h5")
    for frame, result in zip(frames, results, strict=True):
        np.testing.assert_array_equal(result.sum_signal, ai.integrate1d(frame, 40, unit="2th_deg").sum_signal)
    stored = results[0].provenance["run"]
    assert stored == recipe_document(chosen)
    (geometry,) = results[0].provenance["input_files"]
    assert Path(geometry["path"]) == Path("geometry.poni").resolve()
    assert len(geometry["blake2b"]) == 32
    assert results[0].provenance["image_file"]["size"] == Path("run.npy").stat().st_size
    integrate_batch(dataclasses.replace(chosen, output="{frame}.xy"))
    (line,) = [line for line in Path("3.xy").read_text().splitlines() if line.startswith("# recipe: ")]
    document = json.loads(line.removeprefix("# recipe: "))
    assert settings_of(document).images == (str(Path("run.npy").resolve()),)


def test_recipe_with_the_geometry_inside(poni, frames):
    np.save("run.npy", frames)
    chosen = BatchSettings(images=("run.npy",), geometry=poni, npt=40, unit="2th_deg", output="run.h5")
    integrate_batch(chosen)
    integrate_batch(dataclasses.replace(chosen, poni=Path(poni).read_text(), geometry="inside", output="inside.h5"))
    for one, two in zip(az.load_result("run.h5"), az.load_result("inside.h5"), strict=True):
        np.testing.assert_array_equal(one.sum_signal, two.sum_signal)
    document = az.load_result("inside.h5")[0].provenance["run"]
    assert document["geometry"] == {"poni": Path(poni).read_text()}


_TEXTS = st.text(st.characters(codec="utf-8"))
_PLAIN = _TEXTS | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False)
_TABLES = st.recursive(
    st.dictionaries(_TEXTS, _PLAIN | st.lists(_PLAIN, max_size=3), max_size=4),
    lambda inner: st.dictionaries(_TEXTS, inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=60, deadline=None)
@given(_TABLES)
def test_toml_reads_back_what_was_written(document):
    assert tomllib.loads(toml_text(document)) == document


def test_toml_has_no_none():
    with pytest.raises(ParameterError, match=r"a\.b"):
        toml_text({"a": {"b": None}})


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("r.toml", "azimuthal_recipe = 1\n\n[binz]\nnpt = 3\n", "r.toml, line 3: section: 'binz'.*did you mean 'bins'"),
        ("r.toml", "azimuthal_recipe = 1\n[bins]\nunit = 'r_mm'\nntp = 3\n", "r.toml, line 4: key.*did you mean 'npt'"),
        ("r.toml", "azimuthal_recipe = 1\nbins.ntp = 3\n", "r.toml, line 2: key of .bins.: 'ntp'"),
        (
            "r.toml",
            "azimuthal_recipe = 1\n[bins]\n\n\nnpt = 'many'\n",
            r"r.toml, line 5: \[bins\] npt: expected an int",
        ),
        ("r.toml", "azimuthal_recipe = 1\n[bins]\nnpt = \n", "r.toml: is no TOML: .*line 3"),
        (
            "r.json",
            '{\n "azimuthal_recipe": 1,\n "geometry": {"poni": "a: {\\"ntp\\": 1}"},\n "bins": {\n  "ntp": 3\n }\n}\n',
            "r.json, line 5: key of .bins.: 'ntp'.*did you mean 'npt'",
        ),
        ("r.json", '{"azimuthal_recipe": 1, "bins": 3}', r"r.json, line 1: \[bins\]: expected a table"),
        ("r.json", '{\n"azimuthal_recipe": 1,,\n}', "r.json: is no JSON: .*line 2"),
    ],
)
def test_errors_say_where(folder, name, text, words):
    Path(name).write_text(text)
    with pytest.raises((UnknownNameError, DataTypeError, FileFormatError), match=words):
        read_recipe(name)
