# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""MAUD files, read back block by block."""

import dataclasses

import numpy as np
import pytest

from azimuthal.errors import ConversionLossWarning, ParameterError, UnsupportedOptionError
from azimuthal.io import save
from azimuthal.results import Sums
from azimuthal.testing.results import EMPTY_BIN

loses_bins = pytest.mark.filterwarnings("ignore::azimuthal.errors.ConversionLossWarning")


def read_esg(path):
    """Return the keywords of the first block, and azimuth, 2theta and intensity of every block."""
    facts, blocks = {}, []
    for number, text in enumerate(path.read_text().split("_pd_block_id ")[1:]):
        name, _, rest = text.partition("\n")
        assert name.endswith(f"|#{number}")
        head, _, table = rest.partition("loop_\n_pd_proc_2theta_corrected\n_pd_meas_intensity_total\n")
        words = dict(line.split(None, 1) for line in head.splitlines() if line.strip())
        facts = facts or words | {"title": name.partition("|")[0]}
        rows = np.array([[float(word) for word in line.split()] for line in table.splitlines() if line.strip()])
        blocks.append((float(words["_pd_meas_angle_eta"]), *rows.T))
    return facts, blocks


@loses_bins
def test_cake_reads_back_by_azimuth(make_cake, tmp_path):
    cake = make_cake("2th_deg", metadata={"label": "LaB6 #1, 300 K"})
    save(cake, tmp_path / "a.esg", distance=0.25, omega=90.0)
    facts, blocks = read_esg(tmp_path / "a.esg")
    assert facts["title"] == "LaB6_1_300_K"
    assert facts["_pd_instr_dist_spec/detc"] == "250"
    assert facts["_diffrn_radiation_wavelength"] == "1"
    assert facts["_pd_meas_angle_omega"] == "90.0"
    assert facts["_riet_meas_datafile_calibrated"] == "true"
    assert [block[0] for block in blocks] == [216.0, 288.0, 0.0, 72.0, 144.0]
    for row, (_, two_theta, intensity) in enumerate(blocks):
        held = cake.count[row] > 0
        np.testing.assert_array_equal(two_theta, cake.radial[held])
        np.testing.assert_array_equal(intensity, cake.intensity[row][held])


def test_empty_bins_are_counted(make_cake, tmp_path):
    with pytest.warns(ConversionLossWarning, match="left out 1 of 35 bins"):
        make_cake("2th_deg").save(tmp_path / "a.esg")


def test_azimuth_without_a_bin_is_left_out_and_the_blocks_stay_numbered(make_cake, without_gaps, tmp_path):
    cake = without_gaps(make_cake("2th_deg"))
    count = np.ones(cake.sums.shape)
    count[2] = 0
    cake = dataclasses.replace(cake, sums=Sums(count, count, count, count, count))
    with pytest.warns(ConversionLossWarning, match="among them 1 whole azimuths"):
        path = cake.save(tmp_path / "a.esg")
    assert [block[0] for block in read_esg(path)[1]] == [216.0, 288.0, 72.0, 144.0]


@loses_bins
def test_profile_in_q_is_one_block_in_degrees(make_profile, tmp_path):
    profile = make_profile("q_nm^-1")
    _, blocks = read_esg(profile.save(tmp_path / "a.esg"))
    kept = np.delete(np.arange(12), [EMPTY_BIN])
    np.testing.assert_array_equal(blocks[0][1], profile.to("2th_deg").radial[kept])
    np.testing.assert_array_equal(blocks[0][2], profile.intensity[kept])
    assert len(blocks) == 1


def test_unit_that_is_no_angle_or_nothing_to_write_raises(make_profile, tmp_path):
    with pytest.raises(UnsupportedOptionError, match="2th_deg"):
        make_profile("r_mm").save(tmp_path / "a.esg")
    zeros = np.zeros(12)
    empty = dataclasses.replace(make_profile("2th_deg"), sums=Sums(zeros, zeros, zeros, zeros, zeros))
    with pytest.raises(ParameterError, match="no bin"):
        empty.save(tmp_path / "a.esg")
    assert not list(tmp_path.iterdir())
