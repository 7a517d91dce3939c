# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Files are complete or absent, and never overwritten unasked."""

import errno
import os
from pathlib import Path

import pytest

from azimuthal import _pending_file
from azimuthal.errors import OutputError, OutputExistsError


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_write_text_leaves_only_the_file(tmp_path):
    path = _pending_file.write_text(tmp_path / "a.txt", ["one\n", "χ\n"], force=False)
    assert path.read_bytes() == "one\nχ\n".encode()
    assert names(tmp_path) == ["a.txt"]


def test_existing_file_is_refused_before_anything_is_computed(tmp_path):
    (tmp_path / "a.txt").write_text("mine")

    def pieces():
        pytest.fail("asked for the contents")
        yield ""

    with pytest.raises(OutputExistsError, match="force=True"):
        _pending_file.write_text(tmp_path / "a.txt", pieces(), force=False)
    assert (tmp_path / "a.txt").read_text() == "mine"


def test_file_that_appears_meanwhile_is_not_overwritten(tmp_path):
    path = tmp_path / "a.txt"

    def pieces():
        yield "new"
        path.write_text("somebody else's")

    with pytest.raises(OutputExistsError):
        _pending_file.write_text(path, pieces(), force=False)
    assert path.read_text() == "somebody else's"
    assert names(tmp_path) == ["a.txt"]


def test_force_replaces_only_at_the_end(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def pieces():
        yield "new"
        assert path.read_text() == "old"

    _pending_file.write_text(path, pieces(), force=True)
    assert path.read_text() == "new"


@pytest.mark.parametrize("error", [ValueError("boom"), KeyboardInterrupt(), OSError("of the reader")])
def test_interrupted_writing_leaves_nothing_and_passes_the_error(tmp_path, error):
    def pieces():
        yield "half"
        raise error

    with pytest.raises(type(error)) as caught:
        _pending_file.write_text(tmp_path / "a.txt", pieces(), force=False)
    assert caught.value is error
    assert names(tmp_path) == []


def test_interrupted_replacement_keeps_the_old_file(tmp_path):
    (tmp_path / "a.txt").write_text("old")

    def interrupted():
        with _pending_file.pending(tmp_path / "a.txt", force=True) as temporary:
            temporary.write_text("half")
            raise ValueError("boom")

    with pytest.raises(ValueError, match="boom"):
        interrupted()
    assert (tmp_path / "a.txt").read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("where", ["absent/a.txt", "file/a.txt"])
def test_folder_that_is_none_raises_and_says_so(tmp_path, where):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"does not exist|is a file|cannot be written"):
        _pending_file.write_text(tmp_path / where, ["x"], force=True)
    assert names(tmp_path) == ["file"]


def test_target_that_is_a_folder_raises(tmp_path):
    with pytest.raises(OutputError, match="is a folder"):
        _pending_file.write_text(tmp_path, ["x"], force=True)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="permissions do not bind this user")
def test_folder_without_permission_raises(tmp_path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(OutputError, match="cannot be written: Permission denied"):
            _pending_file.write_text(tmp_path / "a.txt", ["x"], force=False)
    finally:
        tmp_path.chmod(0o700)


def test_full_disk_raises_and_leaves_nothing(tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(_pending_file.os, "fsync", full)
    with pytest.raises(OutputError, match="No space left on device"):
        _pending_file.write_text(tmp_path / "a.txt", ["x"], force=False)
    assert names(tmp_path) == []


def test_error_of_the_system_inside_pending_is_translated(tmp_path):
    with pytest.raises(OutputError, match="cannot be written"), _pending_file.pending(tmp_path / "a", force=False):
        raise OSError(errno.EIO, "Input/output error")
    assert names(tmp_path) == []


@pytest.mark.parametrize("taken", [False, True])
def test_file_system_without_hard_links_still_never_overwrites(tmp_path, monkeypatch, taken):
    path = tmp_path / "a.txt"

    def no_links(self, target):
        if taken:
            path.write_text("theirs")
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", no_links)
    if taken:
        with pytest.raises(OutputExistsError):
            _pending_file.write_text(path, ["x"], force=False)
    else:
        _pending_file.write_text(path, ["x"], force=False)
    assert path.read_text() == ("theirs" if taken else "x")
    assert names(tmp_path) == ["a.txt"]
