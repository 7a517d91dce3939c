# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Results appended to a file: old and new ones as if written at once; the old file until the new one is complete."""

import h5py
import numpy as np
import pytest

from azimuthal.errors import FileFormatError, FileMissingError, OutputError, ParameterError
from azimuthal.io import append_results, load_result, save
from azimuthal.io.writers import nxazint
from azimuthal.results import ResultSet


@pytest.fixture
def profiles(make_profile):
    return [make_profile(seed=seed, metadata={"label": f"run_{seed:05d}", "index": seed}) for seed in range(7)]


def contents(path):
    found = {}

    def add(name, item):
        if isinstance(item, h5py.Dataset) and not name.endswith("date"):
            found[name] = (item[()], item.compression)

    with h5py.File(path) as file:
        file.visititems(add)
    return found


@pytest.mark.parametrize("compression", ["gzip", None])
def test_appended_file_is_the_one_written_at_once(profiles, tmp_path, compression):
    names = {"title": "T", "instrument": "ID99", "source": "XYZ", "compression": compression}
    save(profiles, tmp_path / "all.h5", **names)
    save(profiles[:3], tmp_path / "a.h5", **names)
    assert append_results(tmp_path / "a.h5", profiles[3]) == 4
    assert append_results(tmp_path / "a.h5", iter(profiles[4:])) == 7
    one, other = contents(tmp_path / "a.h5"), contents(tmp_path / "all.h5")
    assert one.keys() == other.keys()
    for name, (values, packed) in one.items():
        np.testing.assert_array_equal(values, other[name][0])
        assert packed == other[name][1]
    assert [path.name for path in tmp_path.iterdir() if "part" in path.name] == []


def test_cakes_and_sets_are_appended(make_cake, make_profile, tmp_path):
    cakes = [make_cake(seed=seed) for seed in range(3)]
    save(cakes[:1], tmp_path / "c.h5")
    assert append_results(tmp_path / "c.h5", cakes[1:]) == 3
    np.testing.assert_array_equal(load_result(tmp_path / "c.h5")[2].intensity, cakes[2].intensity)
    sets = [ResultSet(("a", "b"), (make_profile(seed=seed), make_profile(seed=9 + seed))) for seed in range(2)]
    save(sets[:1], tmp_path / "s.h5")
    assert append_results(tmp_path / "s.h5", sets[1]) == 2
    np.testing.assert_array_equal(load_result(tmp_path / "s.h5")[1][1].intensity, sets[1][1].intensity)


def test_what_cannot_be_appended_leaves_the_file(profiles, make_profile, tmp_path, monkeypatch):
    path = tmp_path / "a.h5"
    save(profiles[:2], path)
    before = path.read_bytes()
    with pytest.raises(ParameterError, match="bin edges differ"):
        append_results(path, make_profile(n_bins=13))
    with pytest.raises(ParameterError, match="at least one"):
        append_results(path, [])

    def full(self):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(nxazint._Entry, "finish", full)
    with pytest.raises(OutputError, match="No space"):
        append_results(path, profiles[2:])
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_other_files_cannot_be_continued(profiles, tmp_path):
    save(profiles[0], tmp_path / "a.npz")
    with pytest.raises((ParameterError, FileFormatError)):
        append_results(tmp_path / "a.npz", profiles[1])
    with pytest.raises(FileMissingError):
        append_results(tmp_path / "none.h5", profiles[1])
