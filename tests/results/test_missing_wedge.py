# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""The missing wedge of axes; the masks of real maps are tested beside the plans (tests/integrate/test_sheets.py)."""

import math

import numpy as np
import pytest

from azimuthal.errors import UnsupportedOptionError, WavelengthMissingError
from azimuthal.results.missing_wedge import has_wedge, missing_wedge
from azimuthal.units import Axis, unit

WAVELENGTH = 1e-10
K = 2 * math.pi / 0.1


def axes(ip, oop, name_ip="qip_nm^-1", name_oop="qoop_nm^-1", **sample):
    return Axis(unit(name_ip, **sample), ip), Axis(unit(name_oop, **sample), oop)


def test_edge_of_the_wedge_without_incidence_is_the_sagitta_of_the_ewald_sphere():
    """qoop = 20 / nm: |q_b| = k - sqrt(k^2 - qoop^2)."""
    edge = K - math.sqrt(K * K - 400)
    ip = np.array([0.0, 0.999 * edge, 1.001 * edge, 1.1 * edge])
    mask = missing_wedge(*axes(ip, [20.0, 20.0 + 1e-9]), WAVELENGTH)
    np.testing.assert_array_equal(mask, [[True, False, False]])


def test_both_signs_and_absolute_values_have_the_same_wedge():
    ip, oop = np.linspace(-20, 20, 41), np.linspace(-30, 30, 31)
    signed = missing_wedge(*axes(ip, oop, incident_angle=0.01), WAVELENGTH)
    np.testing.assert_array_equal(signed, signed[:, ::-1])
    folded = missing_wedge(*axes(ip[20:], oop, "qip_abs_nm^-1", incident_angle=0.01), WAVELENGTH)
    np.testing.assert_array_equal(folded, signed[:, 20:])


def test_wedge_closes_at_the_beam_and_at_the_specular_reflection():
    eta = 0.1
    specular = 2 * K * math.sin(eta)
    oop = np.array([-20.0, -1e-6, 1e-6, 0.5 * specular, specular - 1e-6, specular + 1e-6, 30.0])
    mask = missing_wedge(*axes([0.0, 1e-5], oop, incident_angle=eta), WAVELENGTH)
    np.testing.assert_array_equal(mask[:, 0], [False, False, False, False, False, False])
    between = missing_wedge(*axes([0.0, 1e-5], [0.4 * specular, 0.5 * specular], incident_angle=eta), WAVELENGTH)
    beyond = missing_wedge(*axes([0.0, 1e-5], [20.0, 21.0], incident_angle=eta), WAVELENGTH)
    assert between.all()
    assert beyond.all()


def test_nothing_is_reached_beyond_twice_the_wave_number():
    assert missing_wedge(*axes([0, 10], [2.01 * K, 2.1 * K]), WAVELENGTH).all()
    polar = axes([2.01 * K, 2.1 * K], [-180, 180], "qtot_nm^-1", "chigi_deg")
    assert missing_wedge(*polar, WAVELENGTH).all()
    whole = axes([0, 2.1 * K], [-180, 180], "qtot_nm^-1", "chigi_deg")
    assert not missing_wedge(*whole, WAVELENGTH).any()


@pytest.mark.parametrize("turns", [-360, 0, 360])
def test_arc_of_a_polar_map_may_be_anywhere_on_the_circle(turns):
    here = axes([5.0, 6.0], np.array([-100, -1, 1, 20, 179, 181, 200]) + turns, "qtot_nm^-1", "chigi_deg")
    mask = missing_wedge(*here, WAVELENGTH)
    np.testing.assert_array_equal(mask[:, 0], [False, True, False, False, True, False])


def test_other_axes_have_no_wedge_that_is_known():
    pair = axes([0, 1], [0, 1], "exit_angle_horz_deg", "exit_angle_vert_deg")
    assert not has_wedge(pair[0].unit, pair[1].unit)
    with pytest.raises(UnsupportedOptionError, match="expected a map of qip and qoop"):
        missing_wedge(*pair, WAVELENGTH)
    with pytest.raises(UnsupportedOptionError, match="of one sample"):
        missing_wedge(Axis(unit("qip_nm^-1", incident_angle=0.1), [0, 1]), Axis("qoop_nm^-1", [0, 1]), WAVELENGTH)
    with pytest.raises(WavelengthMissingError):
        missing_wedge(*axes([0, 1], [0, 1]), None)
