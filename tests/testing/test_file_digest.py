# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""The digest by which files are compared: the date does not count, everything else does."""

import h5py
import pytest

from azimuthal.io import save
from azimuthal.io.writers import nxazint
from azimuthal.testing.file_digest import file_digest
from azimuthal.testing.results import example_profile


@pytest.fixture
def path(tmp_path):
    save(example_profile(), tmp_path / "a.h5")
    return tmp_path / "a.h5"


def test_date_does_not_count(path, tmp_path, monkeypatch):
    class Later(nxazint.dt.datetime):
        @classmethod
        def now(cls, tz=None):
            return cls(2030, 1, 1, tzinfo=tz)

    monkeypatch.setattr(nxazint.dt, "datetime", Later)
    save(example_profile(), tmp_path / "b.h5")
    assert (tmp_path / "b.h5").read_bytes() != path.read_bytes()
    assert file_digest(tmp_path / "b.h5") == file_digest(path)


@pytest.mark.parametrize("change", ["value", "text", "attribute", "name"])
def test_everything_else_counts(path, change):
    before = file_digest(path)
    with h5py.File(path, "a") as file:
        entry = file["entry"]
        if change == "value":
            entry["data/I"][0, 3] += 1e-9
        elif change == "text":
            del entry["title"]
            entry["title"] = "other"
        elif change == "attribute":
            entry["data/I"].attrs["units"] = "counts"
        else:
            entry.move("title", "titel")
    assert file_digest(path) != before


def test_other_files_are_compared_by_their_bytes(tmp_path):
    for name, text in (("a", "1 2"), ("b", "1 2"), ("c", "1 3")):
        (tmp_path / name).write_text(text)
    assert file_digest(tmp_path / "a") == file_digest(tmp_path / "b") != file_digest(tmp_path / "c")
