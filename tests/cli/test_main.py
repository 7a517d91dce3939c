# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""The door: quick help, clear errors, exit codes."""

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import azimuthal as az
from azimuthal._version import __version__
from azimuthal.cli import _parsing, main


def python(code, **options):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, **options)


@pytest.mark.parametrize("arguments", [["--help"], ["integrate", "--help"], ["info", "-h"], ["demo", "--help"]])
def test_help_imports_neither_numpy_nor_anything_heavy(arguments):
    """DESIGN.md 6: the command line parses before NumPy is imported."""
    heavy = ("numpy", "h5py", "rich", "matplotlib", "fabio", "hdf5plugin", "tifffile", "azimuthal._core")
    code = f"""
import sys
from azimuthal.cli import main
code = main({arguments!r})
found = [name for name in {heavy!r} if name in sys.modules]
assert not found, found
sys.exit(code)
"""
    done = python(code)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Usage: azimuthal")


def test_help_answers_at_once():
    """Under 0.15 s where an empty interpreter takes 0.02 s; the best of five runs against those on the same machine."""

    def best(*arguments):
        times = []
        for _ in range(5):
            begin = time.perf_counter()
            subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
            times.append(time.perf_counter() - begin)
        return min(times)

    assert best("-m", "azimuthal", "--help") < 0.15 + 6 * best("-c", "pass")


def test_help_lists_the_commands(run):
    outcome = run("--help")
    assert outcome.code == 0
    for name, line in _parsing.COMMANDS.items():
        assert name in outcome.out
        assert line in outcome.out


@pytest.mark.parametrize("name", _parsing.COMMANDS)
def test_every_command_explains_itself(run, name):
    outcome = run(name, "--help")
    assert outcome.code == 0
    assert outcome.out.startswith(f"Usage: azimuthal {name}")


def test_version_is_that_of_the_package(run):
    assert run("--version") == (0, f"azimuthal {__version__}\n", "")


def test_no_arguments_show_the_help_and_are_an_error(run):
    outcome = run()
    assert outcome.code == 2
    assert "Usage: azimuthal" in outcome.err


def test_unknown_command_suggests_the_nearest(run):
    outcome = run("intergrate", "x.tif")
    assert outcome.code == 2
    assert (
        outcome.err == "error: command: 'intergrate' is not known; did you mean 'integrate'?\nTry 'azimuthal --help'.\n"
    )
    assert "there are integrate, run, rerun, peakfinder" in run("qwertz").err


def test_unknown_option_suggests_the_nearest(run):
    outcome = run("demo", "--outptu", "x")
    assert outcome.code == 2
    assert outcome.err.startswith("error: No such option")
    assert "--output" in outcome.err


def test_error_of_the_package_is_one_line_without_traceback(run):
    outcome = run("info", "nothing.poni")
    assert outcome.code == 2
    assert outcome.out == ""
    assert outcome.err.startswith("error: nothing.poni: this file does not exist")
    assert outcome.err.count("\n") == 1


def test_unexpected_exception_is_not_hidden(monkeypatch):
    def broken(_arguments):
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(_parsing, "run", broken)
    with pytest.raises(ZeroDivisionError):
        main([])


def test_interruption_returns_130(monkeypatch, capsys):
    def interrupted(_arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(_parsing, "run", interrupted)
    assert main([]) == 130
    assert capsys.readouterr().err == "interrupted\n"


def test_main_in_another_thread_works(capsys):
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(main, ["--version"]).result() == 0


@pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX pipe")
def test_reader_that_has_had_enough_is_no_error():
    command = f"{sys.executable} -m azimuthal detectors | head -n 1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert done.stdout.startswith("name")
    assert done.stderr == ""


def test_python_m_runs_the_same_command_line():
    done = subprocess.run([sys.executable, "-m", "azimuthal", "--version"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, f"azimuthal {__version__}\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("buffered", ["", "1"])
def test_standard_output_that_is_full_is_an_error_in_a_line(buffered):
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "azimuthal", "units"],
            stdout=full, stderr=subprocess.PIPE, text=True, check=False,
            env={**os.environ, "PYTHONUNBUFFERED": buffered},
        )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr == "error: standard output: cannot be written: No space left on device. Files are complete.\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_log_that_cannot_be_written_is_an_error_in_a_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    az.save_geometry(
        az.Integrator(az.Detector(pixel1=1e-3, pixel2=1e-3, shape=(9, 9)), 0.1, 0.004, 0.004, wavelength=1e-10),
        "g.poni",
    )
    np.save("a.npy", np.ones((9, 9), np.uint16))
    words = ["integrate", "a.npy", "-p", "g.poni", "-n", "5", "-u", "q_nm^-1", "-o", "a.h5", "--log", "/dev/full"]
    assert main(words) == 2
    assert capsys.readouterr().err.startswith("error: /dev/full: cannot be written: No space left on device")
    assert not Path("a.h5").exists()
