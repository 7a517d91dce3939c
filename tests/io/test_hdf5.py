# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
import errno
import os
import signal
import subprocess
import sys
import threading

import h5py
import hdf5plugin
import numpy as np
import pytest

from azimuthal.errors import (
    FileFormatError,
    FileMissingError,
    MissingDependencyError,
    OutputError,
    OutputExistsError,
    ParameterError,
    ShapeError,
)
from azimuthal.io import hdf5
from azimuthal.io.hdf5 import (
    SignalsDeferred,
    external_target,
    filter_names,
    filter_options,
    growing_hdf5,
    is_dataset,
    is_group,
    open_hdf5,
    require_filters,
    translated_errors,
)


def test_open_hdf5_written_file_reads_back(tmp_path):
    with open_hdf5(tmp_path / "a.h5", "w") as file:
        file["x"] = np.arange(4)
    with open_hdf5(tmp_path / "a.h5") as file:
        assert is_group(file)
        assert is_dataset(file["x"])
        np.testing.assert_array_equal(file["x"][()], np.arange(4))
    assert not file


@pytest.mark.parametrize("mode", ["r", "r+"])
def test_open_hdf5_absent_file_is_named(tmp_path, mode):
    with (
        pytest.raises(FileMissingError, match=r"gone\.h5: this file does not exist"),
        open_hdf5(tmp_path / "gone.h5", mode),
    ):
        pass


def test_open_hdf5_other_content_is_refused(tmp_path):
    (tmp_path / "text.h5").write_text("not HDF5")
    with pytest.raises(FileFormatError, match=r"not an HDF5 file \(no HDF5 signature in its 8 bytes\)"):
        open_hdf5(tmp_path / "text.h5").__enter__()


def test_open_hdf5_truncated_file_says_so(tmp_path):
    path = tmp_path / "cut.h5"
    with h5py.File(path, "w") as file:
        file["x"] = np.zeros(10000)
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(FileFormatError, match=r"truncated or damaged \(5000 bytes\)"):
        open_hdf5(path).__enter__()


def test_open_hdf5_folder_is_refused(tmp_path):
    with pytest.raises(FileFormatError, match="is a folder"):
        open_hdf5(tmp_path).__enter__()


def test_open_hdf5_exclusive_mode_keeps_existing_file(tmp_path):
    with open_hdf5(tmp_path / "a.h5", "x"):
        pass
    with pytest.raises(OutputExistsError, match="exists already"):
        open_hdf5(tmp_path / "a.h5", "x").__enter__()


def test_open_hdf5_no_folder_is_an_output_error(tmp_path):
    with pytest.raises(OutputError, match="folder does not exist"):
        open_hdf5(tmp_path / "none" / "a.h5", "w").__enter__()


def test_open_hdf5_unknown_mode_is_refused(tmp_path):
    with pytest.raises(ParameterError, match="mode: expected one of"):
        open_hdf5(tmp_path / "a.h5", "rb").__enter__()


def test_translated_errors_own_errors_pass_unchanged(tmp_path):
    with pytest.raises(ShapeError), translated_errors(tmp_path, "read"):
        raise ShapeError("own")
    message = "cannot read; the file is truncated or damaged: no such thing"
    with pytest.raises(FileFormatError, match=message), translated_errors(tmp_path, "read"):
        raise KeyError("no such thing")


def test_filters_of_a_bitshuffle_dataset_are_named(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        data = file.create_dataset("x", data=np.zeros((4, 4), np.uint16), chunks=(4, 4), **hdf5plugin.Bitshuffle())
        plain = file.create_dataset("y", data=np.zeros(9), chunks=(9,), compression="gzip", shuffle=True)
        assert filter_names(data) == ("bitshuffle",)
        assert filter_names(plain) == ("shuffle", "gzip")
        assert filter_options(data)[0][0] == 32008
        require_filters(data)


def test_require_filters_without_hdf5plugin_names_filter_and_command(tmp_path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("x", data=np.zeros((4, 4), np.uint16), chunks=(4, 4), **hdf5plugin.Bitshuffle())
    script = (
        "import sys; sys.modules['hdf5plugin'] = None\n"
        "from azimuthal.io.hdf5 import open_hdf5, require_filters\n"
        "from azimuthal.errors import MissingDependencyError\n"
        f"with open_hdf5({str(path)!r}) as file:\n"
        "    try: require_filters(file['x'])\n"
        "    except MissingDependencyError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "bitshuffle (32008)" in done.stdout
    assert "pip install 'azimuthal[formats]'" in done.stdout


def test_open_hdf5_without_h5py_names_the_command(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(MissingDependencyError, match="pip install h5py"):
        open_hdf5(tmp_path / "a.h5").__enter__()


def test_external_target_tells_whether_the_file_exists(tmp_path):
    (tmp_path / "there.h5").touch()
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["here"] = 1
        file["one"] = h5py.ExternalLink("there.h5", "/x")
        file["two"] = h5py.ExternalLink("gone.h5", "/x")
        file["moved"] = h5py.ExternalLink("/another/place/there.h5", "/x")
        assert external_target(file, "here") is None
        assert external_target(file, "one").exists
        assert external_target(file, "moved").exists
        target = external_target(file, "two")
    assert not target.exists
    assert target.file == tmp_path / "gone.h5"


def test_import_azimuthal_loads_no_file_format():
    script = (
        "import sys, azimuthal, azimuthal.io, azimuthal.io.frames\n"
        "print([name for name in ('h5py', 'hdf5plugin', 'fabio', 'tifffile') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# ---- a disk that fails, and signals ---------------------------------------------------------------------------


def interrupted(steps):
    with SignalsDeferred():
        os.kill(os.getpid(), signal.SIGINT)
        steps.append("goes on")
    steps.append("not reached")


def test_signals_come_at_the_end_of_the_block():
    steps, before = [], signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        interrupted(steps)
    assert steps == ["goes on"]
    assert signal.getsignal(signal.SIGINT) is before
    thread = threading.Thread(target=lambda: SignalsDeferred().__enter__())
    thread.start()
    thread.join()
    assert signal.getsignal(signal.SIGINT) is before


class FailingFile:
    """A disk that takes some bytes."""

    def __init__(self, file, size):
        self._file, self._size = file, size

    def __getattr__(self, name):
        return getattr(self._file, name)

    def write(self, content):
        self._size -= len(content)
        if self._size < 0:
            raise OSError(errno.EIO, "Input/output error")
        return self._file.write(content[: max(1, len(content) // 2)])  # a part only, as systems may


@pytest.mark.parametrize("size", [0, 100, 3_000, 50_000, 400_000, 10_000_000])
def test_error_of_the_disk_is_told_and_hdf5_does_not_meet_it(tmp_path, monkeypatch, size):
    values = np.random.default_rng(0).normal(size=30_000)

    class FailingSink(hdf5._Sink):
        def __init__(self, path, mode):
            super().__init__(path, mode)
            self._file = FailingFile(self._file, size)

    def write():
        with growing_hdf5(tmp_path / "a.h5") as (file, _):
            for number in range(3):
                file[f"group {number}/values"] = values
                file[f"group {number}/text"] = "text" * number
                np.testing.assert_array_equal(file[f"group {number}/values"].shape, values.shape)

    monkeypatch.setattr(hdf5, "_Sink", FailingSink)
    if size < 1_000_000:
        with pytest.raises(OSError, match="Input/output error"):
            write()
        return
    write()
    with h5py.File(tmp_path / "a.h5") as file:
        np.testing.assert_array_equal(file["group 2/values"], values)
