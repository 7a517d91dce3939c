# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""``azimuthal integrate`` with grazing incidence: the numbers of the library, and the sample in the file."""

import math

import h5py
import numpy as np
import pytest

import azimuthal as az

UNITS = ("-u", "qip_A^-1", "--unit-oop", "qoop_A^-1")
SAMPLE = ("--incident-angle", "0.3 deg", "--tilt-angle", "10 mrad", "--sample-orientation", "4")
LIBRARY = {
    "unit_ip": "qip_A^-1", "unit_oop": "qoop_A^-1", "incident_angle": "0.3 deg", "tilt_angle": "10 mrad",
    "sample_orientation": 4, "error_model": "poisson",
}  # fmt: skip


def test_maps_are_those_of_the_library(run, stack, poni, frames):
    outcome = run(
        "integrate", stack, "-p", poni, "-n", 30, *UNITS, "--npt-azim", 20, *SAMPLE, "--error-model", "poisson",
        "--radial-range", -2, 3, "-o", "maps.h5",
    )  # fmt: skip
    assert outcome.code == 0, outcome.err
    results = az.load_result("maps.h5")
    expected = az.load(poni).integrate2d_grazing(frames[3], 30, 20, ip_range=(-2, 3), **LIBRARY)
    np.testing.assert_array_equal(results[3].sum_signal, expected.sum_signal)
    assert results[3].radial_axis == expected.radial_axis
    assert results[3].azimuthal_axis == expected.azimuthal_axis
    np.testing.assert_array_equal(results[3].missing_wedge, expected.missing_wedge)
    with h5py.File("maps.h5") as file:
        sample = file["entry/sample"]
        assert sample["incident_angle"][()] == pytest.approx(0.3)
        assert sample["tilt_angle"][()] == pytest.approx(math.degrees(0.01))
        assert sample["tilt_angle"].attrs["units"] == "deg"
        assert sample["sample_orientation"][()] == 4
        data = file["entry/data"]
        assert data["azimuthal_axis"].attrs["long_name"] == "out-of-plane scattering vector"
        assert data["radial_axis"].attrs["long_name"] == "in-plane scattering vector"
        assert data["radial_axis"].attrs["units"] == "1/angstrom"


@pytest.mark.parametrize("along", ["ip", "oop"])
def test_cuts_are_those_of_the_library(run, stack, poni, frames, along):
    outcome = run(
        "integrate", stack, "-p", poni, "-n", 30, *UNITS, *SAMPLE, "--error-model", "poisson", "--along", along,
        "--azimuth-range", 0.5, 1.5, "-o", "cuts.h5",
    )  # fmt: skip
    assert outcome.code == 0, outcome.err
    expected = az.load(poni).integrate1d_grazing(frames[3], 30, along=along, oop_range=(0.5, 1.5), **LIBRARY)
    found = az.load_result("cuts.h5")[3]
    np.testing.assert_array_equal(found.sum_signal, expected.sum_signal)
    assert found.axis == expected.axis


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("-u", "qip_A^-1", "--incident-angle", "0.3 deg"), "incident_angle: of grazing incidence, which needs both"),
        ((*UNITS, "--incident-angle", "0.3"), "incident_angle: expected a number with its unit"),
        ((*UNITS, "--npt-azim", 10, "--along", "ip"), "along: a map has both directions"),
        ((*UNITS, "--along", "vertical"), "along: 'vertical'"),
    ],
)
def test_option_that_cannot_be_is_refused(run, stack, poni, arguments, message):
    outcome = run("integrate", stack, "-p", poni, "-n", 30, *arguments, "-o", "never.h5")
    assert outcome.code == 2
    assert message in outcome.err
