# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""``azimuthal integrate --sector``: several patterns of every frame from one reading."""

import numpy as np
import pytest

import azimuthal as az

COMMON = ("-n", "30", "-u", "q_nm^-1")
SECTORS = ("--sector", "-10", "10", "--sector", "170", "190", "--sector", "0", "360")


def test_integrate_sectors_writes_all_of_every_frame(run, stack, poni, frames):
    outcome = run("integrate", stack, "-p", poni, *COMMON, *SECTORS, "--error-model", "poisson", "-o", "run.h5")
    assert outcome.code == 0, outcome.err
    assert outcome.out == "run.h5: 40 frames from 1 file, 3 sectors of 30 bins\n"
    file = az.load_result("run.h5")
    assert len(file) == 40
    ai = az.load(poni)
    for number in (0, 39):
        assert file[number].names == ("-10 to 10", "170 to 190", "0 to 360")
        for profile, sector in zip(file[number], ((-10, 10), (170, 190), (0, 360)), strict=True):
            alone = ai.integrate1d(frames[number], 30, unit="q_nm^-1", azimuth_range=sector, error_model="poisson")
            np.testing.assert_allclose(profile.intensity, alone.intensity, rtol=1e-10)
            np.testing.assert_allclose(profile.sigma, alone.sigma, rtol=1e-10)
    assert "inputs" in file[3]["170 to 190"].provenance
    described = run("info", "run.h5")
    assert described.code == 0
    assert "170 to 190" in described.out


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("-o", "run_{frame}.xye"), ".h5"),
        (("-o", "run.npz"), ".h5"),
        (("--npt-azim", "36"), "npt_azim"),
        (("--azimuth-range", "0", "90"), "azimuth_range"),
        (("--plot", "run.png"), "picture"),
        (("--sector", "5", "5"), "empty"),
    ],
)
def test_integrate_sectors_refuses_what_it_cannot_do_before_anything_is_written(run, stack, poni, folder, more, said):
    before = sorted(folder.iterdir())
    outcome = run("integrate", stack, "-p", poni, *COMMON, *SECTORS, *more)
    assert outcome.code == 2
    assert said in outcome.err
    assert sorted(folder.iterdir()) == before
