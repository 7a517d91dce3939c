# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""The catalogue: schema, names, the table of facts, readouts, third parties (T1-T5)."""

import csv
import importlib.metadata
import importlib.resources
import json
import subprocess
import sys
import tomllib

import jsonschema
import numpy as np
import pytest

from azimuthal.detectors import Detector, InvalidValues, RegularGrid, Sensor, _registry, detector, detector_names
from azimuthal.errors import DataTypeError, ParameterError, UnknownNameError, UnsupportedOptionError
from azimuthal.testing.shared_data import shared_path

DATA = importlib.resources.files("azimuthal.detectors") / "data"
FILES = sorted(file.name for file in DATA.iterdir() if file.name.endswith(".toml"))
NAMES = [name for name in detector_names() if name != "Detector"]


@pytest.fixture(scope="module")
def facts():
    with shared_path("facts/detectors.csv").open(encoding="utf-8") as file:
        return {row["name"]: row for row in csv.DictReader(file)}


# ---- data files ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("file", FILES)
def test_data_file_satisfies_the_schema(file):
    schema = json.loads((DATA / "schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    content = tomllib.loads((DATA / file).read_text(encoding="utf-8"))
    jsonschema.validate(content, schema, cls=jsonschema.Draft202012Validator)


@pytest.mark.parametrize("file", FILES)
def test_every_family_is_used(file):
    content = tomllib.loads((DATA / file).read_text(encoding="utf-8"))
    assert set(content.get("families", {})) == {t["family"] for t in content["detector"] if "family" in t}


@pytest.mark.parametrize("file", FILES)
def test_entry_tells_source_and_version(file):
    content = tomllib.loads((DATA / file).read_text(encoding="utf-8"))
    assert content["source"]
    assert content["since"]


def test_catalogue_has_every_detector_of_the_table(facts):
    assert set(detector_names()) == set(facts)
    assert len(facts) == 110


def test_every_name_alias_and_registry_key_finds_its_detector(facts):
    for name, row in facts.items():
        words = [name, *row["aliases"].split("|"), *row["registry_keys"].split("|")]
        for word in filter(None, words):
            for spelling in (word, word.upper(), word.replace(" ", "_"), word.replace("_", "-"), word.replace(" ", "")):
                assert _registry.find_entry(spelling).name == name


def test_names_and_aliases_belong_to_one_detector_each():
    entries = {id(entry): entry for entry in _registry.built_in_entries().values()}.values()
    keys = [key for entry in entries for key in {_registry.folded(n) for n in (entry.name, *entry.aliases)}]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize("name", NAMES)
def test_entry_agrees_with_the_table(name, facts):
    row, camera, table = facts[name], detector(name), _registry.find_entry(name).table
    largest = tuple(table.get("unbinned_shape", camera.shape))
    assert "x".join(str(number) for number in largest) == row["shape"]
    assert (camera.pixel1, camera.pixel2) == (float(row["pixel1_m"]), float(row["pixel2_m"]))
    assert camera.n_corners == int(row["corners"])
    assert camera.is_flat == (row["flat"] == "True")
    assert camera.orientation == int(row["orientation"])
    assert tuple(str(sensor) for sensor in camera.sensors) == tuple(_micrometres(row["sensors"]))
    assert set((camera.maker or "").split(" / ")) == set(row["manufacturer"].split("|"))
    if camera.is_flat:
        assert isinstance(camera.layout, RegularGrid) == (row["uniform"] == "True")
    edges = camera.separable_edges()
    if edges is not None:
        touching = all(
            np.allclose(upper[:-1], lower[1:], rtol=0, atol=1e-12)
            for lower, upper in ((edges.lower1, edges.upper1), (edges.lower2, edges.upper2))
        )
        assert touching == (row["contiguous"] == "True")


def _micrometres(text):
    for option in filter(None, text.split("|")):
        material, thickness = option.split(",")
        yield f"{material}, {float(thickness[:-2]) * {'µm': 1, 'mm': 1000}[thickness[-2:]]:g} µm"


@pytest.mark.parametrize("name", NAMES)
def test_mask_fraction_agrees_with_the_table(name, facts):
    expected = float(facts[name]["mask_fraction"] or 0)
    assert detector(name).gap_mask().mean() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_invalid_values_follow_the_rule_of_the_maker(name, facts):
    invalid = detector(name).invalid
    if facts[name]["dummy"] == "-2" and not name.startswith("Jungfrau"):
        assert invalid == InvalidValues(top_of_unsigned=2, negative=True)
    elif name.startswith(("Lambda", "Maxipix")):
        assert invalid == InvalidValues(top_of_unsigned=1, negative=True)
    elif name in {"Jungfrau1M", "Jungfrau4M"}:  # integrates: a negative value is noise around zero
        assert invalid == InvalidValues(top_of_unsigned=2, negative=False)
    elif name.startswith(("Rayonix", "Mar", "ADSC", "Rasp")):
        assert invalid == InvalidValues()


@pytest.mark.parametrize("name", NAMES)
def test_single_sensor_option_is_the_default_and_several_are_not_guessed(name):
    camera = detector(name)
    assert camera.sensor == (camera.sensors[0] if len(camera.sensors) == 1 else None)


# ---- names -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["eiger2 4m", "EIGER2-4M", "Eiger2_4M", "eiger24m"])
def test_name_is_found_whatever_case_and_separators(name):
    assert detector(name).name == "Eiger2_4M"


def test_unknown_name_suggests_near_ones():
    with pytest.raises(UnknownNameError, match=r"did you mean .*Pilatus1M"):
        detector("Pilatis1M")


def test_name_of_a_file_points_to_the_reader_of_files():
    with pytest.raises(UnknownNameError, match="load_detector"):
        detector("my_camera.h5")


def test_name_that_is_no_text_is_refused():
    with pytest.raises(DataTypeError, match="name of a detector"):
        detector(None)


def test_unknown_option_is_named():
    with pytest.raises(UnknownNameError, match=r"bining.*binning"):
        detector("RayonixMx225", bining=(2, 2))


def test_import_reads_no_file_and_nothing_heavy():
    code = (
        "import sys, tomllib\n"
        "tomllib.loads = None\n"
        "import azimuthal.detectors\n"
        "heavy = {'h5py', 'scipy', 'fabio', 'matplotlib', 'pyFAI', 'jsonschema'} & set(sys.modules)\n"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_catalogue_is_immutable():
    with pytest.raises(TypeError):
        _registry.built_in_entries()["x"] = None


# ---- readouts and options --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [n for n in NAMES if "binned_pixels" in _registry.find_entry(n).table])
def test_every_binning_of_a_camera_is_chosen_explicitly(name):
    entry = _registry.find_entry(name)
    for factor, pixel in entry.table["binned_pixels"]:
        camera = detector(name, binning=(factor, factor))
        assert camera.pixel1 == pixel
        assert camera.shape == tuple(n // factor for n in entry.table["unbinned_shape"])
        assert detector(name, pixel_size=pixel) == camera
        assert Detector.from_dict(camera.to_dict()) == camera


@pytest.mark.parametrize("name", [n for n in NAMES if _registry.find_entry(n).readouts])
def test_name_alone_means_one_of_the_readouts(name):
    entry = _registry.find_entry(name)
    sizes = [(readout.shape, readout.pixel) for readout in entry.readouts]
    assert (entry.default.shape, entry.default.pixel) in sizes


def test_mar345_is_chosen_by_shape_or_pixel_size():
    assert detector("Mar345", shape=(1200, 1200)).pixel1 == 150e-6
    assert detector("Mar345", pixel_size=150e-6).shape == (2300, 2300)
    assert detector("Mar345", pixel_size=(1e-4, 1e-4), shape=(1800, 1800)).gap_mask().mean() == pytest.approx(
        0.2146, abs=1e-3
    )
    with pytest.raises(ParameterError, match=r"no readout.*Known"):
        detector("Mar345", shape=(1200, 1200), pixel_size=1e-4)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("RayonixMx225", {"binning": (7, 7)}),
        ("RayonixMx225", {"binning": (2, 4)}),
        ("Pilatus1M", {"binning": (2, 2)}),
        ("Pilatus1M", {"shape": (1044, 981)}),
        ("Pilatus1M", {"pixel_size": 1e-4}),
    ],
)
def test_readout_that_does_not_exist_is_refused_with_those_that_do(name, options):
    with pytest.raises(ParameterError, match="has no readout with"):
        detector(name, **options)


def test_options_that_repeat_the_catalogue_change_nothing():
    assert detector("Pilatus1M", shape=(1043, 981), pixel_size=172e-6, orientation=3) == detector("Pilatus1M")


def test_generic_detector_by_name_needs_shape_and_pixel_size():
    made = detector("Detector", shape=(10, 20), pixel_size=(1e-4, 2e-4))
    assert made == Detector(pixel1=1e-4, pixel2=2e-4, shape=(10, 20))
    for options in ({}, {"shape": (10, 20)}, {"pixel_size": 1e-4}):
        with pytest.raises(ParameterError, match="generic detector needs"):
            detector("Detector", **options)


def test_radius_belongs_to_cylinders():
    assert detector("Rapid", radius=0.13).layout.radius == 0.13
    with pytest.raises(UnsupportedOptionError, match="not a cylindrical"):
        detector("Pilatus1M", radius=0.13)


def test_orientation_and_sensor_are_options():
    camera = detector("Pilatus1M", orientation=2, sensor=Sensor("Si", 320e-6))
    assert (camera.orientation, camera.sensor) == (2, Sensor("Si", 320e-6))


# ---- third parties ---------------------------------------------------------------------------------------------------

CONTENT = {
    "maker": "Workshop",
    "detector": [{"name": "HomeMade1", "aliases": ["home made"], "shape": [7, 9], "pixel": [1e-4, 2e-4]}],
}
TOML = '[[detector]]\nname = "HomeMade1"\naliases = ["home made"]\nshape = [7, 9]\npixel = [1e-4, 2e-4]\n'


class _FakeEntryPoint:
    name, value = "home", "home_detectors:table"

    def __init__(self, loaded):
        self._loaded = loaded

    def load(self):
        return self._loaded


@pytest.fixture
def install(monkeypatch):
    def _install(*loaded):
        def entry_points(*, group):
            return [_FakeEntryPoint(item) for item in loaded] if group == "azimuthal.detectors" else []

        monkeypatch.setattr(importlib.metadata, "entry_points", entry_points)
        _registry.third_party_entries.cache_clear()

    yield _install
    _registry.third_party_entries.cache_clear()


@pytest.mark.parametrize("kind", ["table", "callable", "path", "callable of path"])
def test_third_party_adds_detectors_by_entry_point(kind, install, tmp_path):
    file = tmp_path / "home.toml"
    file.write_text(TOML, encoding="utf-8")
    install({"table": CONTENT, "callable": lambda: CONTENT, "path": str(file), "callable of path": lambda: file}[kind])
    assert detector("Home-Made").shape == (7, 9)
    assert "HomeMade1" in detector_names()
    assert Detector.from_dict(detector("HomeMade1").to_dict()) == detector("HomeMade1")


def test_third_party_cannot_replace_a_built_in_name(install):
    install({"detector": [{"name": "eiger2 4M", "shape": [7, 9], "pixel": [1e-4, 2e-4]}]})
    assert detector("Eiger2_4M").shape == (2162, 2068)
    with pytest.raises(ParameterError, match="belongs to Eiger2_4M already"):
        detector_names()


@pytest.mark.parametrize(
    ("content", "error", "match"),
    [
        (42, DataTypeError, "home_detectors:table"),
        ({"detector": [{"shape": [7, 9]}]}, ParameterError, "no name"),
        ({"detector": [{"name": "X", "family": "f"}], "families": {}}, UnknownNameError, "family"),
        ({"detector": [{"name": "X"}, {"name": "x"}]}, ParameterError, "belongs to X"),
    ],
)
def test_third_party_entry_that_is_wrong_is_named(content, error, match, install):
    install(content)
    with pytest.raises(error, match=match):
        detector_names()
