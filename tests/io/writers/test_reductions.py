# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Several reductions in one NeXus file."""

import h5py
import numpy as np
import pytest

from azimuthal.errors import OutputExistsError, ParameterError, UnknownNameError
from azimuthal.io import ReductionsWriter, load_result, reduction_names, save


@pytest.fixture
def results(make_profile, make_cake):
    return {
        "pattern": [make_profile(seed=seed, metadata={"index": seed}) for seed in (1, 2, 3)],
        "cake": [make_cake(seed=seed) for seed in (1, 2)],
    }


@pytest.fixture
def run_file(results, tmp_path):
    path = tmp_path / "run.h5"
    with ReductionsWriter(path, {name: held[0] for name, held in results.items()}, title="run 7") as writer:
        for name, held in results.items():
            for result in held:
                writer.append(name, result)
    return path


def test_every_reduction_reads_back(run_file, results):
    assert set(reduction_names(run_file)) == {"pattern", "cake"}
    for name, held in results.items():
        loaded = load_result(run_file, reduction=name)
        assert [one.sums for one in loaded] == [one.sums for one in held]
        assert [one.metadata for one in loaded] == [one.metadata for one in held]
        np.testing.assert_array_equal(loaded[1].intensity, held[1].intensity)


def test_file_is_nexus_with_subentries_and_a_default_plot(run_file, results):
    with h5py.File(run_file) as file:
        entry = file[file.attrs["default"]]
        assert entry.attrs["NX_class"] == "NXentry"
        assert entry.attrs["default"] == "pattern"
        for name, definition in (("pattern", "NXazint1d"), ("cake", "NXazint2d")):
            assert entry[name].attrs["NX_class"] == "NXsubentry"
            assert entry[name]["definition"].asstr()[()] == definition
            data = entry[name][entry[name].attrs["default"]]
            np.testing.assert_array_equal(data[data.attrs["signal"]][0], results[name][0].intensity)
            assert data["I"].chunks is not None


def test_nexusformat_follows_the_default_chain(run_file, results):
    nexus = pytest.importorskip("nexusformat.nexus")
    data = nexus.nxload(str(run_file)).plottable_data
    np.testing.assert_array_equal(data.nxsignal.nxvalue[0], results["pattern"][0].intensity)


def test_nxcheck_accepts_the_subentries(run_file):
    validate = pytest.importorskip("nexusformat.nexus.validate")
    for name, definition in (("pattern", "NXazint1d"), ("cake", "NXazint2d")):
        found = validate.validate_application(str(run_file), path=f"/entry/{name}", application=definition)
        assert found == (0, 0)


def test_reduction_has_to_be_named_and_known(run_file, make_profile, tmp_path):
    with pytest.raises(ParameterError, match=r"holds .*pattern.* Say which"):
        load_result(run_file)
    with pytest.raises(UnknownNameError, match="did you mean 'pattern'"):
        load_result(run_file, reduction="patern")
    for extension in (".h5", ".npz"):
        save(make_profile(), tmp_path / f"one{extension}")
        with pytest.raises(ParameterError, match="Leave it out"):
            load_result(tmp_path / f"one{extension}", reduction="pattern")
    assert reduction_names(tmp_path / "one.h5") == ()


def test_only_reduction_needs_no_name(make_profile, tmp_path):
    profile = make_profile()
    with ReductionsWriter(tmp_path / "a.h5", {"sector_1": profile}) as writer:
        writer.append("sector_1", profile)
    assert load_result(tmp_path / "a.h5")[0].sums == profile.sums


@pytest.mark.parametrize("name", ["", "a/b", "1a", "a b", "title", "ä"])
def test_name_that_cannot_be_one_raises(make_profile, tmp_path, name):
    with pytest.raises(ParameterError, match="templates"):
        ReductionsWriter(tmp_path / "a.h5", {name: make_profile()} if name else {})
    assert not list(tmp_path.iterdir())


def test_trouble_leaves_no_file(make_profile, make_cake, tmp_path):
    path, templates = tmp_path / "a.h5", {"a": make_profile(), "b": make_cake()}
    with pytest.raises(ParameterError, match="'b'"), ReductionsWriter(path, templates) as writer:
        writer.append("a", make_profile())
    with pytest.raises(UnknownNameError, match="c"), ReductionsWriter(path, templates) as writer:
        writer.append("c", make_profile())
    with pytest.raises(ParameterError, match="kind"), ReductionsWriter(path, templates) as writer:
        writer.append("a", make_cake())
    assert not list(tmp_path.iterdir())
    path.write_text("mine")
    with pytest.raises(OutputExistsError):
        ReductionsWriter(path, templates)
    assert path.read_text() == "mine"
