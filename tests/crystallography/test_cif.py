# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Calibrants from CIF."""

import subprocess
import sys

import numpy as np
import pytest

import azimuthal as az
from azimuthal.errors import FileFormatError, FileMissingError, ParameterError, UnsupportedOptionError

pytest.importorskip("gemmi")

CELL = """data_silicon
_chemical_formula_sum 'Si'
_cell_length_a 5.4311946(92)
_cell_length_b 5.4311946
_cell_length_c 5.4311946
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
"""
SYMBOL = "_symmetry_space_group_name_H-M 'F d -3 m'\n"
HALL = "_symmetry_space_group_name_Hall 'F 4d 2 3 -1d'\n"
ATOM = "loop_\n_atom_site_label\n_atom_site_fract_x\n_atom_site_fract_y\n_atom_site_fract_z\nSi1 0 0 0\n"


def operations():
    import gemmi

    lines = [f"'{op.triplet()}'" for op in gemmi.SpaceGroup("F d -3 m:1").operations()]
    return "loop_\n_symmetry_equiv_pos_as_xyz\n" + "\n".join(lines) + "\n"


def write(folder, text, name="si.cif"):
    path = folder / name
    path.write_text(text)
    return path


@pytest.mark.parametrize("symmetry", [HALL, operations()], ids=["hall", "operations"])
def test_cif_with_operations_and_atoms_equals_the_catalogue(tmp_path, symmetry):
    one = az.calibrant(write(tmp_path, CELL + symmetry + ATOM), d_min=1e-10)
    np.testing.assert_allclose(one.d_spacings(), az.calibrant("Si").d_spacings(1e-10), rtol=1e-14)
    assert one.name == "si"
    assert one.description == "Si"


@pytest.mark.parametrize("symmetry", [SYMBOL, "_symmetry_Int_Tables_number 227\n"], ids=["symbol", "number"])
def test_cif_symbol_alone_does_not_tell_the_origin_so_sites_are_not_used(tmp_path, symmetry):
    one = az.Calibrant.from_cif(write(tmp_path, CELL + symmetry + ATOM), d_min=1e-10)
    assert "222" in one.labels
    assert "200" not in one.labels


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (CELL, r"si\.cif, data_silicon: expected symmetry .* got none"),
        (CELL + "_symmetry_space_group_name_H-M 'F q'\n", "expected symmetry .* got 'F q'"),
        (CELL.replace("_cell_angle_beta 90", "") + SYMBOL, "expected a number for _cell_angle_beta, got nothing"),
        (CELL.replace("_angle_beta 90", "_angle_beta ninety") + SYMBOL, "_cell_angle_beta, got ninety"),
        (CELL.replace("_angle_beta 90", "_angle_beta 190") + SYMBOL, "cell, beta"),
        ("data_x\n_a 1\n", "expected a cell"),
        ("data_x\n_a 'open\n_b 2\n", r"si\.cif: is no valid CIF: 2"),
        ("loop_\n", "is no valid CIF"),
        (CELL + "_symmetry_space_group_name_Hall 'Q 7'\n", "Hall symbol 'Q 7' cannot be read"),
        (CELL + "loop_\n_symmetry_equiv_pos_as_xyz\n'x,y,z'\n'x,y,w!'\n", "symmetry operation cannot be read"),
    ],
)
def test_cif_bad_files_are_refused_with_the_place(tmp_path, text, message):
    with pytest.raises(FileFormatError, match=message):
        az.calibrant(write(tmp_path, text))


def test_cif_odd_setting_is_refused(tmp_path):
    text = CELL + "loop_\n_symmetry_equiv_pos_as_xyz\n'x,y,z'\n'-x+1/4,-y,z'\n"
    with pytest.raises(UnsupportedOptionError, match="no setting in the tables"):
        az.calibrant(write(tmp_path, text))


def test_cif_several_blocks_need_a_name(tmp_path):
    path = write(tmp_path, CELL + SYMBOL + (CELL + SYMBOL).replace("data_silicon", "data_other").replace("5.43", "5.6"))
    with pytest.raises(ParameterError, match="several blocks with a cell, 'silicon', 'other'"):
        az.Calibrant.from_cif(path)
    other = az.Calibrant.from_cif(path, block="other")
    assert other.d_spacings()[0] > az.Calibrant.from_cif(path, block="silicon").d_spacings()[0]
    with pytest.raises(ParameterError, match="no block 'third'"):
        az.Calibrant.from_cif(path, block="third")


def test_cif_absent_or_binary_is_refused(tmp_path):
    with pytest.raises(FileMissingError, match="does not exist"):
        az.calibrant("absent.cif")
    (tmp_path / "bytes.cif").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FileFormatError, match="no text"):
        az.calibrant(tmp_path / "bytes.cif")


def test_cif_without_gemmi_says_what_to_install(tmp_path):
    path = write(tmp_path, CELL + SYMBOL)
    code = (
        "import sys; sys.modules['gemmi'] = None\n"
        "import azimuthal as az\n"
        f"try: az.calibrant({str(path)!r})\n"
        "except az.errors.MissingDependencyError as error: print(error)\n"
    )
    code = "import azimuthal.errors\n" + code
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "pip install 'azimuthal[calibration]'" in out
