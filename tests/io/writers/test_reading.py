# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""What was saved comes back equal; what is damaged raises."""

import dataclasses

import numpy as np
import pytest

from azimuthal.errors import FileFormatError, FileMissingError
from azimuthal.io import load_result, save
from azimuthal.io.writers import reading
from azimuthal.results import Cake, Profile
from azimuthal.typing import AVERAGES
from azimuthal.units import Axis

EXTENSIONS = [".npz", ".h5"]


def assert_same(back, result):
    assert type(back) is type(result)
    for field in dataclasses.fields(result):
        assert getattr(back, field.name) == getattr(result, field.name), field.name


@pytest.mark.parametrize("extension", EXTENSIONS)
@pytest.mark.parametrize("average", AVERAGES)
@pytest.mark.parametrize("error_model", [None, "poisson", "variance"])
def test_profile_comes_back_equal(make_profile, tmp_path, extension, average, error_model):
    profile = make_profile(average=average, error_model=error_model, normalization_factor=2.5)
    save(profile, tmp_path / f"a{extension}")
    (back,) = load_result(tmp_path / f"a{extension}")
    assert isinstance(back, Profile)
    assert_same(back, profile)


@pytest.mark.parametrize("extension", EXTENSIONS)
@pytest.mark.parametrize("unit", ["q_A^-1", "2th_deg", "r_mm", "d_nm", "chi_deg", "chi_rad", "log10(q.m)_None"])
def test_every_unit_comes_back(make_profile, tmp_path, extension, unit):
    profile = make_profile(unit, low=0.1, high=3.0, wavelength=None)
    save(profile, tmp_path / f"a{extension}")
    assert load_result(tmp_path / f"a{extension}")[0].axis == profile.axis


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_parameters_of_a_unit_come_back(make_profile, tmp_path, extension):
    from azimuthal.units import unit

    axis = Axis(unit("qip_nm^-1", incident_angle=0.0035), np.linspace(-5, 5, 13))
    save(dataclasses.replace(make_profile(), axis=axis), tmp_path / f"a{extension}")
    assert load_result(tmp_path / f"a{extension}")[0].axis == axis


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_cakes_come_back_equal(make_cake, tmp_path, extension):
    cakes = [make_cake(seed=seed, metadata={"label": str(seed)}) for seed in range(3)]
    save(cakes, tmp_path / f"a{extension}")
    back = load_result(tmp_path / f"a{extension}")
    assert back.kind == "cake"
    assert len(back) == 3
    for one, cake in zip(back, cakes, strict=True):
        assert isinstance(one, Cake)
        assert_same(one, cake)


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_records_of_each_frame_come_back(make_profile, tmp_path, extension):
    records = [
        {"recipe": {"npt": 5}, "n_invalid": 1, "engine": "native", "poni": "Distance: 1\n"},
        {"recipe": {"npt": 5}, "n_invalid": 2, "engine": None, "extra": [1, 2]},
        {},
    ]
    profiles = [
        make_profile(provenance=record, metadata={"index": index, "counters": {"I0": 0.1 * index}})
        for index, record in enumerate(records)
    ]
    save(profiles, tmp_path / f"a{extension}")
    back = load_result(tmp_path / f"a{extension}")
    assert [one.provenance for one in back] == records
    assert [one.metadata for one in back] == [one.metadata for one in profiles]


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_numpy_values_in_records_become_plain(make_profile, tmp_path, extension):
    save(make_profile(metadata={"motor": np.float32(0.5), "list": np.arange(3)}), tmp_path / f"a{extension}")
    assert load_result(tmp_path / f"a{extension}")[0].metadata == {"motor": 0.5, "list": [0, 1, 2]}


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_file_is_a_sequence(make_profile, tmp_path, extension, monkeypatch):
    monkeypatch.setattr(reading, "_READ_AHEAD_BYTES", 1000)
    profiles = [make_profile(seed=seed) for seed in range(7)]
    save(profiles, tmp_path / f"a{extension}")
    back = load_result(str(tmp_path / f"a{extension}"))
    assert len(back) == len(list(back)) == 7
    assert back[-1].sums == profiles[6].sums
    assert [one.sums for one in back[1:6:2]] == [one.sums for one in profiles[1:6:2]]
    assert [one.sums for one in back] == [one.sums for one in profiles]
    assert back.path == tmp_path / f"a{extension}"
    assert "7 x profile" in repr(back)
    with pytest.raises(IndexError):
        back[7]


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_merging_after_loading_equals_merging_before(make_profile, tmp_path, extension):
    profiles = [make_profile(seed=seed) for seed in range(3)]
    save(profiles, tmp_path / f"a{extension}")
    first, *others = load_result(tmp_path / f"a{extension}")
    np.testing.assert_array_equal(first.merged(*others).intensity, profiles[0].merged(*profiles[1:]).intensity)


def test_absent_file_raises(tmp_path):
    with pytest.raises(FileMissingError, match="does not exist"):
        load_result(tmp_path / "a.h5")
    with pytest.raises(FileMissingError, match="is no file"):
        load_result(tmp_path)


def test_foreign_files_raise(tmp_path):
    h5py = pytest.importorskip("h5py")
    (tmp_path / "a.txt").write_text("1 2 3\n")
    np.savez(tmp_path / "a.npz", x=1)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["entry/data"] = 1
    for name in ("a.txt", "a.npz", "a.h5"):
        with pytest.raises(FileFormatError, match=name):
            load_result(tmp_path / name)


@pytest.mark.parametrize("part", [0.02, 0.5, 0.99])
@pytest.mark.parametrize("extension", EXTENSIONS)
def test_truncated_file_raises(make_profile, tmp_path, extension, part):
    path = tmp_path / f"a{extension}"
    save([make_profile(seed=seed) for seed in range(20)], path)
    content = path.read_bytes()
    path.write_bytes(content[: int(part * len(content))])
    with pytest.raises(FileFormatError, match=rf"a\{extension}"):
        list(load_result(path))


def test_archive_that_lacks_an_array_raises(make_profile, tmp_path):
    save(make_profile(), tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz") as archive:
        arrays = {name: archive[name] for name in archive.files if name != "radial_edges"}
    np.savez(tmp_path / "b.npz", **arrays)
    with pytest.raises(FileFormatError, match="radial_edges"):
        load_result(tmp_path / "b.npz")


@pytest.mark.parametrize("extension", ["npz", "h5"])
def test_kind_that_is_not_known_is_an_error_and_no_profile(make_profile, tmp_path, extension, monkeypatch):
    """One damaged letter of it was read as a profile, and described with a KeyError."""
    path = tmp_path / f"a.{extension}"
    save(make_profile(), path)
    monkeypatch.setattr("azimuthal.io.writers._layout._KINDS", ("cake", "other"))
    with pytest.raises(FileFormatError, match="got 'profile'"):
        load_result(path)


def test_nexus_file_that_lacks_a_dataset_raises(make_profile, tmp_path):
    h5py = pytest.importorskip("h5py")
    save(make_profile(), tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5", "r+") as file:
        del file["entry/reduction/results/metadata"]
    with pytest.raises(FileFormatError, match="read the results"):
        load_result(tmp_path / "a.h5")[0]


def test_archive_with_fewer_texts_than_results_raises(make_profile, tmp_path):
    save([make_profile(seed=1), make_profile(seed=2)], tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz") as archive:
        arrays = dict(archive)
    for name in ("metadata", "sum_signal"):
        short = next(key for key in arrays if key == name or (name == "sum_signal" and "signal" in key))
        np.savez(tmp_path / "b.npz", **{**arrays, short: arrays[short][:1]})
        with pytest.raises(FileFormatError, match="not of 2 results"):
            list(load_result(tmp_path / "b.npz"))


def test_nexus_file_with_fewer_texts_than_results_raises(make_profile, tmp_path):
    h5py = pytest.importorskip("h5py")
    save([make_profile(seed=1), make_profile(seed=2)], tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5", "r+") as file:
        file["entry/reduction/results/metadata"].resize((1,))
    with pytest.raises(FileFormatError, match="same number of results"):
        list(load_result(tmp_path / "a.h5"))


def test_file_of_a_later_version_raises(make_profile, tmp_path, monkeypatch):
    from azimuthal.io.writers import _layout

    monkeypatch.setattr(_layout, "FORMAT_VERSION", 2)
    save(make_profile(), tmp_path / "a.npz")
    monkeypatch.undo()
    with pytest.raises(FileFormatError, match="version 2 is not understood"):
        load_result(tmp_path / "a.npz")
