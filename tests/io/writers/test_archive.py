# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""NumPy archives, read by plain NumPy."""

import json

import numpy as np
import pytest

from azimuthal.io import save


def test_archive_of_a_profile_is_plain_arrays(make_profile, tmp_path):
    profile = make_profile(metadata={"label": "a"})
    save(profile, tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz", allow_pickle=False) as archive:
        for name in ("radial", "intensity", "sigma", "count", "sum_signal", "sum_normalization2"):
            np.testing.assert_array_equal(archive[name], getattr(profile, name))
        np.testing.assert_array_equal(archive["radial_edges"], profile.edges)
        about = json.loads(str(archive["about"]))
        assert json.loads(str(archive["metadata"])) == {"label": "a"}
    assert about["units"] == {"radial": {"name": "q_nm^-1"}}
    assert about["wavelength"] == 1e-10


@pytest.mark.parametrize("compressed", [True, False])
def test_archive_of_many_has_a_leading_axis(make_cake, tmp_path, compressed):
    cakes = [make_cake(seed=seed) for seed in range(3)]
    save(cakes, tmp_path / "a.npz", compressed=compressed)
    with np.load(tmp_path / "a.npz") as archive:
        assert archive["intensity"].shape == (3, 5, 7)
        assert archive["azimuthal"].shape == (5,)
        np.testing.assert_array_equal(archive["sum_signal"][2], cakes[2].sum_signal)


def test_archive_without_error_model_has_no_sigma(make_profile, tmp_path):
    save(make_profile(error_model=None), tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz") as archive:
        assert "sigma" not in archive.files
        assert "sum_variance" not in archive.files
