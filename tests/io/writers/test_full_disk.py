# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""A disk that is full in the middle of a file: a clear error, and nothing is left."""

import dataclasses
import signal
import subprocess
import sys

import numpy as np
import pytest

from azimuthal.errors import OutputError
from azimuthal.io import NxazintWriter, save
from azimuthal.io.writers import formats, nxazint
from azimuthal.results import Sums

resource = pytest.importorskip("resource")

EXTENSIONS = [one.extensions[0] for one in formats()]


@pytest.fixture
def limit_of_files():
    """Return a function that makes files end after some bytes; undone after the test."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_full_disk_raises_and_leaves_nothing(make_suitable, tmp_path, limit_of_files, extension):
    result = make_suitable(extension)
    values = np.random.default_rng(0).uniform(1, 2, result.sums.shape)
    result = dataclasses.replace(result, sums=Sums(values, values, values, values, values))
    (first, *_) = save(result, tmp_path / f"whole{extension}")
    before = set(tmp_path.iterdir())
    limit_of_files(first.stat().st_size // 2)
    with pytest.raises(OutputError, match="cannot be written"):
        save(result, tmp_path / f"a{extension}")
    assert set(tmp_path.iterdir()) == before


@pytest.mark.parametrize("share", [0.02, 0.3, 0.7, 0.9, 0.99])
def test_disk_that_fills_up_while_frames_come_is_told_at_once(
    make_profile, tmp_path, limit_of_files, share, monkeypatch
):
    """Wherever HDF5 is then: it would crash at the end of the process if it met the error itself."""
    monkeypatch.setattr(nxazint, "_CHUNK_BYTES", 4 * 8 * 500)
    chance = np.random.default_rng(0)
    first = make_profile(n_bins=500)
    results = [dataclasses.replace(first, sums=Sums(*chance.uniform(1, 2, (5, 500)))) for _ in range(60)]
    save(results, tmp_path / "whole.h5")
    limit_of_files(int(share * (tmp_path / "whole.h5").stat().st_size))
    taken = []

    def write():
        with NxazintWriter(tmp_path / "a.h5", first) as writer:
            for result in results:
                writer.append(result)
                taken.append(result)

    with pytest.raises(OutputError, match=r"a\.h5: cannot be written: File too large"):
        write()
    assert len(taken) <= 60 * share + 6
    assert [path.name for path in tmp_path.iterdir()] == ["whole.h5"]


def test_process_whose_disk_is_full_ends_as_it_should(tmp_path):
    """HDF5 files of all kinds: no crash when the process ends."""
    script = """
import resource, signal, sys
import numpy as np
import azimuthal as az
from azimuthal.io import save_image
from azimuthal.testing.results import example_profile
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
frame = np.random.default_rng(0).normal(size=(300, 300))
ai = az.Integrator(az.Detector(pixel1=1e-3, pixel2=1e-3, shape=frame.shape), 0.1, 0.1, 0.1, wavelength=1e-10)
plan = ai.plan1d(100, split="full")
profiles = [example_profile(n_bins=400, seed=seed) for seed in range(40)]
told = []
for size in range(0, 60_000, 2_500):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
    for write in (
        lambda: az.save(profiles, "a.h5", force=True),
        lambda: save_image("i.h5", frame, force=True),
        lambda: plan.save("p.h5", force=True),
        lambda: az.save_geometry(ai, "g.nxs", force=True),
    ):
        try:
            write()
        except az.errors.OutputError as error:
            told.append(str(error))
print(len(told))
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert int(done.stdout) > 50
    assert not [path for path in tmp_path.iterdir() if path.suffix == ".part"]
