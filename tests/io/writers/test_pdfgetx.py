# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Text for PDFgetX3, read back by numpy and by the loader of diffpy, which PDFgetX3 shares."""

import numpy as np
import pytest

from azimuthal.errors import UnsupportedOptionError
from azimuthal.testing.results import EMPTY_BIN

loses_bins = pytest.mark.filterwarnings("ignore::azimuthal.errors.ConversionLossWarning")


@loses_bins
@pytest.mark.parametrize(("unit", "word"), [("q_A^-1", "QA"), ("q_nm^-1", "Qnm"), ("2th_deg", "twotheta")])
def test_columns_keep_their_unit_and_the_header_names_it(make_profile, tmp_path, unit, word):
    profile = make_profile(unit, low=0.1, high=3.0, metadata={"label": "Ni"})
    path = profile.save(tmp_path / "a.pdfgetx.xy")
    kept = np.delete(np.arange(12), [EMPTY_BIN])
    np.testing.assert_array_equal(np.loadtxt(path).T, [profile.radial[kept], profile.intensity[kept]])
    header = [line for line in path.read_text().splitlines() if line.startswith("#")]
    assert header[:2] == [f"# dataformat = {word}", "# wavelength = 1"]
    assert "# label = Ni" in header
    assert "# left out 1 of 12 bins: 1 empty" in header


@loses_bins
def test_diffpy_loads_the_table(make_profile, tmp_path):
    parsers = pytest.importorskip("diffpy.utils.parsers")
    profile = make_profile("q_A^-1", low=0.1, high=3.0)
    path = profile.save(tmp_path / "a.pdfgetx.xy")
    kept = np.delete(np.arange(12), [EMPTY_BIN])
    np.testing.assert_array_equal(parsers.load_data(str(path)).T, [profile.radial[kept], profile.intensity[kept]])


def test_other_units_and_few_rows_raise(make_profile, without_gaps, tmp_path):
    with pytest.raises(UnsupportedOptionError, match=r"q_A\^-1"):
        make_profile("d_A").save(tmp_path / "a.pdfgetx.xy")
    with pytest.raises(UnsupportedOptionError, match="10 rows"):
        without_gaps(make_profile("q_A^-1", 9)).save(tmp_path / "a.pdfgetx.xy")
    assert not list(tmp_path.iterdir())
