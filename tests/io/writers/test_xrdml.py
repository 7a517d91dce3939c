# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""XRDML, read back by an XML parser."""

import xml.etree.ElementTree as ET

import numpy as np
import pytest

from azimuthal.errors import ConversionLossWarning, UnsupportedOptionError, WavelengthMissingError
from azimuthal.results import Profile, Sums
from azimuthal.units import Axis

SPACE = {"x": "http://www.xrdml.com/XRDMeasurement/1.5"}


def read_xrdml(path):
    root = ET.parse(path).getroot()
    points = root.find("x:xrdMeasurement/x:scan/x:dataPoints", SPACE)
    position = points.find("x:positions[@axis='2Theta']", SPACE)
    assert position.get("unit") == "deg"
    start, stop = (float(position.find(f"x:{name}", SPACE).text) for name in ("startPosition", "endPosition"))
    intensity = np.array([float(word) for word in points.find("x:intensities", SPACE).text.split()])
    return np.linspace(start, stop, intensity.size), intensity, root


def test_pattern_and_facts_read_back(make_profile, without_gaps, tmp_path):
    profile = without_gaps(
        make_profile("2th_deg", metadata={"label": "a <b> & c", "measurement": {"exposure_time": 0.25}})
    )
    two_theta, intensity, root = read_xrdml(profile.save(tmp_path / "a.xrdml"))
    np.testing.assert_allclose(two_theta, profile.radial, rtol=1e-14)
    np.testing.assert_array_equal(intensity, profile.intensity)
    assert root.find("x:sample/x:name", SPACE).text == "a <b> & c"
    wavelength = root.find("x:xrdMeasurement/x:usedWavelength/x:kAlpha1", SPACE)
    assert (wavelength.get("unit"), float(wavelength.text)) == ("Angstrom", 1.0)
    assert float(root.find(".//x:commonCountingTime", SPACE).text) == 0.25
    comments = [entry.text for entry in root.findall("x:comment/x:entry", SPACE)]
    assert "uncertainties are not part of this format" in comments
    assert not any("stands for it" in text for text in comments)


def test_unknown_counting_time_is_said_to_be_unknown(make_profile, without_gaps, tmp_path):
    path = without_gaps(make_profile("2th_deg")).save(tmp_path / "a.xrdml")
    assert "counting time: not known, 1 s stands for it" in path.read_text()


def test_profile_without_uncertainties_is_fine(make_profile, without_gaps, tmp_path):
    profile = make_profile("2th_deg", error_model=None)
    ones = np.ones(12)
    profile = Profile(profile.axis, Sums(ones, None, ones, ones, ones), wavelength=1e-10)
    assert (read_xrdml(profile.save(tmp_path / "a.xrdml"))[1] == 1).all()


def test_unit_converted_at_constant_step_is_said_so(make_profile, without_gaps, tmp_path):
    profile = without_gaps(make_profile("2th_rad", low=0.1, high=1.0))
    path = profile.save(tmp_path / "a.xrdml")
    np.testing.assert_allclose(read_xrdml(path)[0], np.degrees(profile.radial), rtol=1e-12)
    assert "converted from 2th_rad" in path.read_text()


def test_empty_bin_inside_raises_and_at_the_ends_is_left_out(make_profile, tmp_path):
    with pytest.raises(UnsupportedOptionError, match=r"missing bin.*\.xye"):
        make_profile("2th_deg").save(tmp_path / "a.xrdml")
    count = np.array([0.0, 1, 1, 0])
    profile = Profile(Axis("2th_deg", [1, 2, 3, 4, 5]), Sums(count, None, count, count, count), wavelength=1e-10)
    with pytest.warns(ConversionLossWarning, match="left out 2 of 4"):
        path = profile.save(tmp_path / "a.xrdml")
    np.testing.assert_allclose(read_xrdml(path)[0], [2.5, 3.5])


def test_unequal_bins_or_no_wavelength_raise(make_profile, without_gaps, tmp_path):
    with pytest.raises(UnsupportedOptionError, match="constant step"):
        without_gaps(make_profile("q_nm^-1")).save(tmp_path / "a.xrdml")
    with pytest.raises(WavelengthMissingError, match=r"\.xye"):
        without_gaps(make_profile("2th_deg", wavelength=None)).save(tmp_path / "a.xrdml")
    assert not list(tmp_path.iterdir())
