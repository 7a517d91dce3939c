# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Text for SasView, read back by numpy and by the loader of SasView."""

import numpy as np
import pytest

from azimuthal.errors import ConversionLossWarning, UnsupportedOptionError
from azimuthal.testing.results import EMPTY_BIN, ZERO_BIN

KEPT = np.delete(np.arange(12), [EMPTY_BIN, ZERO_BIN])
loses_bins = pytest.mark.filterwarnings("ignore::azimuthal.errors.ConversionLossWarning")


@loses_bins
@pytest.mark.parametrize(("unit", "factor"), [("q_A^-1", 1.0), ("q_nm^-1", 0.1)])
def test_columns_are_in_inverse_angstrom(make_profile, tmp_path, unit, factor):
    profile = make_profile(unit, low=0.01, high=0.9)
    path = profile.save(tmp_path / "a.sasview.txt")
    q, intensity, sigma = np.loadtxt(path).T
    np.testing.assert_allclose(q, factor * profile.radial[KEPT], rtol=1e-14)
    np.testing.assert_array_equal(intensity, profile.intensity[KEPT])
    np.testing.assert_array_equal(sigma, profile.sigma[KEPT])
    assert (f"# converted from {unit}, bins unchanged" in path.read_text().splitlines()) == (factor != 1.0)
    assert "# columns: q_A^-1 intensity sigma" in path.read_text().splitlines()


def test_bins_without_uncertainty_are_counted(make_profile, tmp_path):
    with pytest.warns(ConversionLossWarning, match="1 empty, 1 without an uncertainty above zero"):
        make_profile("q_A^-1").save(tmp_path / "a.sasview.txt")


@loses_bins
def test_without_error_model_there_are_two_columns(make_profile, tmp_path):
    path = make_profile("q_A^-1", error_model=None).save(tmp_path / "a.sasview.txt")
    assert np.loadtxt(path).shape == (11, 2)


def test_what_sasview_cannot_read_raises(make_profile, without_gaps, tmp_path):
    with pytest.raises(UnsupportedOptionError, match=r"I\(q\)"):
        make_profile("2th_deg").save(tmp_path / "a.sasview.txt")
    with pytest.raises(UnsupportedOptionError, match="5 rows"):
        without_gaps(make_profile("q_A^-1", 4)).save(tmp_path / "a.sasview.txt")
    assert not list(tmp_path.iterdir())


@loses_bins
def test_sasview_loads_the_columns(make_profile, tmp_path):
    loader = pytest.importorskip("sasdata.dataloader.loader")
    profile = make_profile("q_nm^-1", low=0.01, high=0.9)
    (data,) = loader.Loader().load(str(profile.save(tmp_path / "a.sasview.txt")))
    np.testing.assert_allclose(data.x, 0.1 * profile.radial[KEPT], rtol=1e-14)
    np.testing.assert_array_equal(data.y, profile.intensity[KEPT])
    np.testing.assert_array_equal(data.dy, profile.sigma[KEPT])
