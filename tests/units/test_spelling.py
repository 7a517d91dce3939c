# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Natural spellings are looked up, never guessed."""

import pytest

from azimuthal.errors import UnknownNameError
from azimuthal.units import helper_unit_names, unit, unit_names
from azimuthal.units._spelling import _spellings, _symbol_spellings, aliases, bare_quantities, folded
from azimuthal.units._table import BUILT_IN_UNITS, HELPER_UNITS

INVERSE_NM = [
    *("nm^-1", "nm-1", "nm⁻¹", "1/nm", "(1/nm)", "[1 / nm]", "inv_nm", "inv nm", "nm**-1", "NM^-1", "per nm"),
    *("nm^{-1}", "nm −1", "inverse nm", "inverse nanometer"),
]
INVERSE_A = [
    *(
        "A^-1",
        "A-1",
        "Å⁻¹",
        "1/A",
        "1/Å",
        "inv_A",
        "invA",
        "[Å-1]",
        "Angstrom^-1",
        "1/angstrom",
        "ang-1",
        "ångström⁻¹",
    ),
    *("inv_ang", "1/Angstrom", r"\AA^{-1}", "a^-1", "inverse angstrom", "(Å\u207b\u00b9)", "1/\u212b"),
]


@pytest.mark.parametrize("symbol", INVERSE_NM)
@pytest.mark.parametrize("quantity", ["q", "Q", "qip", "qoop", "qxgi", "q_tot"])
def test_spelling_of_inverse_nanometres(quantity, symbol):
    key = {"Q": "q", "q_tot": "qtot"}.get(quantity, quantity)
    assert unit(f"{quantity}_{symbol}").name == f"{key}_nm^-1"
    assert unit(f"{quantity} {symbol}").name == f"{key}_nm^-1"


@pytest.mark.parametrize("symbol", INVERSE_A)
def test_spelling_of_inverse_angstroms(symbol):
    assert unit(f"q_{symbol}").name == "q_A^-1"
    assert unit(f"q {symbol}").name == "q_A^-1"


@pytest.mark.parametrize(
    ("spelling", "key"),
    [
        ("tth_deg", "2th_deg"),
        ("2theta_deg", "2th_deg"),
        ("two_theta_deg", "2th_deg"),
        ("2th (deg)", "2th_deg"),
        ("2θ (°)", "2th_deg"),
        ("2θ [º]", "2th_deg"),
        ("2θ/°", "2th_deg"),
        ("2-theta_deg", None),
        ("TwoTheta degrees", "2th_deg"),
        ("2th radian", "2th_rad"),
        ("d (A)", "d_A"),
        ("d_angstrom", "d_A"),
        ("d-spacing [Å]", "d_A"),
        ("d/nm", "d_nm"),
        ("r_mm", "r_mm"),
        ("r (mm)", "r_mm"),
        ("radius mm", "r_mm"),
        ("r [m]", "r_m"),
        ("chi_deg", "chi_deg"),
        ("χ (°)", "chi_deg"),
        ("azimuth degrees", "chi_deg"),
        ("chigi rad", "chigi_rad"),
        ("q/nm⁻¹", "q_nm^-1"),
        ("d*2_A-2", "d*2_A^-2"),
        ("d*² (Å⁻²)", "d*2_A^-2"),
        ("1/d² [1/nm²]", "d*2_nm^-2"),
        ("d^*2 nm-2", "d*2_nm^-2"),
        ("log10(q.m)", "log10(q.m)_None"),
        ("log₁₀(q·m)", "log10(q.m)_None"),
        ("ln(q.nm)", "log(q.nm)_None"),
        ("log1p(q.A)", "log(1+q.A)_None"),
        ("asinh(q.nm)", "arcsinh(q.nm)_None"),
        ("exit_angle_vertical_deg", "exit_angle_vert_deg"),
        ("vertical exit angle (°)", "exit_angle_vert_deg"),
        ("µm", "micron"),
        ("um", "micron"),
        ("Å", "A"),
        ("degrees", "deg"),
        ("millimetre", "mm"),
    ],
)
def test_spelling_of_other_units(spelling, key):
    if key is None:
        with pytest.raises(UnknownNameError):
            unit(spelling)
    else:
        assert unit(spelling).name == key


@pytest.mark.parametrize("name", unit_names())
def test_every_key_and_label_in_any_case_means_its_unit(name):
    found = unit(name)
    assert found.name == name
    assert unit(found.label) == unit(name.upper()) == unit(f"  {name.lower()} ") == found


@pytest.mark.parametrize("name", helper_unit_names())
def test_every_helper_key_means_its_unit(name):
    assert unit(name).name == unit(name.upper()).name == name


@pytest.mark.parametrize(
    ("name", "choices"),
    [
        ("q", "'q_nm^-1' or 'q_A^-1'"),
        ("2th", "'2th_rad' or '2th_deg'"),
        ("tth", "'2th_rad' or '2th_deg'"),
        ("2θ", "'2th_rad' or '2th_deg'"),
        ("d", "'d_m' or 'd_nm' or 'd_A'"),
        ("r", "'r_m' or 'r_mm'"),
        ("chi", "'chi_rad' or 'chi_deg'"),
        ("χ", "'chi_rad' or 'chi_deg'"),
        ("d*2", "'d*2_nm^-2' or 'd*2_A^-2'"),
        ("qx", "'qx_nm^-1'"),
    ],
)
def test_quantity_without_its_unit_raises_with_the_choices(name, choices):
    with pytest.raises(UnknownNameError) as caught:
        unit(name)
    assert f"{name!r} names a quantity without its unit; write {choices}." in str(caught.value)


@pytest.mark.parametrize(
    ("typo", "meant"),
    [
        ("q_A-1x", "q_A^-1"),
        ("2th_degg", "2th_deg"),
        ("q_nn^-1", "q_nm^-1"),
        ("q_nm^-2", "q_nm^-1"),
        ("q_nm", "q_nm^-1"),
        ("tth_degg", "2th_deg"),
        ("chi_degree_", None),
        ("qooop_nm^-1", "qoop_nm^-1"),
        ("d*_nm^-1", "d*2_nm^-2"),
    ],
)
def test_typo_raises_with_the_nearest_key(typo, meant):
    if meant is None:
        assert unit(typo).name == "chi_deg"
        return
    with pytest.raises(UnknownNameError, match="is not known; did you mean") as caught:
        unit(typo)
    assert repr(meant) in str(caught.value)


def test_typo_near_one_key_names_it_first():
    with pytest.raises(UnknownNameError, match=r"did you mean 'q_nm\^-1'"):
        unit("q_nn^-1")


@pytest.mark.parametrize("name", ["", "   ", "qnm-1", "dm", "rmm", "nm^-1", "q_nm1", "keV", "q_1", "deg_q"])
def test_name_that_is_no_spelling_raises(name):
    with pytest.raises(UnknownNameError, match="is not known"):
        unit(name)


def test_no_spelling_means_two_units():
    meaning = {}
    for found in BUILT_IN_UNITS.values():
        for spelling in _spellings(found):
            assert meaning.setdefault(folded(spelling), found.name) == found.name, spelling
    for helper in HELPER_UNITS.values():
        for spelling in _symbol_spellings(helper.symbol):
            assert meaning.setdefault(folded(spelling), helper.name) == helper.name, spelling
    assert meaning == dict(aliases())
    assert not aliases().keys() & bare_quantities().keys()


def test_folding_is_idempotent():
    assert all(folded(spelling) == spelling for spelling in aliases())
