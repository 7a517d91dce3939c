# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
import gzip
import sys

import fabio
import numpy as np
import pytest

from azimuthal.errors import FileFormatError, FileMissingError, MissingDependencyError
from azimuthal.io.frames import open_frames
from azimuthal.io.frames.fabio_frames import FabioFrames

IMAGES = {
    "a.msk": lambda data: fabio.fit2dmaskimage.Fit2dMaskImage(data=(data > 30).astype(np.uint8)),
    "a.img": lambda data: fabio.adscimage.AdscImage(data=data.astype(np.uint16), header={}),
}


@pytest.mark.parametrize("name", sorted(IMAGES))
@pytest.mark.parametrize("packed", [False, True])
def test_fabio_formats_equal_fabio(tmp_path, stack, name, packed):
    path = tmp_path / name
    IMAGES[name](stack[0]).write(str(path))
    with fabio.open(str(path)) as image:
        expected = image.data.copy()
    if packed:
        path = tmp_path / f"{name}.gz"
        path.write_bytes(gzip.compress((tmp_path / name).read_bytes()))
    with open_frames(path) as frames:
        assert frames.metadata["format"].startswith("fabio:")
        assert frames.label(0) == "a"
        np.testing.assert_array_equal(frames.read(0), expected)


def test_fabio_temporary_copy_is_removed(tmp_path, stack, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    IMAGES["a.msk"](stack[0]).write(str(tmp_path / "a.msk"))
    (tmp_path / "b.msk.gz").write_bytes(gzip.compress((tmp_path / "a.msk").read_bytes()))
    with open_frames(tmp_path / "b.msk.gz"):
        assert list(tmp_path.glob("azimuthal-*"))
    assert not list(tmp_path.glob("azimuthal-*"))


def test_fabio_unknown_content_is_refused(tmp_path):
    (tmp_path / "a.bin").write_bytes(b"what is this?" * 100)
    with pytest.raises(FileFormatError, match=r"a\.bin: fabio cannot read it"):
        open_frames(tmp_path / "a.bin")


def test_fabio_truncated_file_is_refused(tmp_path, stack):
    path = tmp_path / "a.msk"
    IMAGES["a.msk"](stack[0]).write(str(path))
    path.write_bytes(path.read_bytes()[:1050])
    with pytest.raises(FileFormatError, match="fabio cannot read it"):
        open_frames(path)


def test_fabio_absent_names_the_command(tmp_path, monkeypatch):
    (tmp_path / "a.bin").write_bytes(b"what is this?")
    monkeypatch.setitem(sys.modules, "fabio", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'azimuthal\[formats\]'"):
        open_frames(tmp_path / "a.bin")


def test_fabio_absent_file_is_named(tmp_path):
    with pytest.raises(FileMissingError, match=r"gone\.img"):
        FabioFrames(tmp_path / "gone.img")
