# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Reading and writing of ``.D`` files."""

from pathlib import Path

import numpy as np
import pytest

import azimuthal as az
from azimuthal.errors import FileFormatError, FileMissingError, OutputExistsError

FULL = """# Calibrant: Lanthanum hexaboride (LaB6)
# Cell: cubic
# Ref: somewhere

# d_spacing  # (h k l)  mult intensity
  4.15682600 # (1 0 0)     6 64.27
  2.93931985 # (1 1 0)    12
  2.39994461 # (1 -1 10)
  2.07841300 # weak
  1.85898910
"""


def test_read_full_file_gives_all_that_is_in_it(tmp_path):
    path = tmp_path / "mine.D"
    path.write_text(FULL, encoding="utf-8")
    one = az.calibrant(str(path))
    np.testing.assert_allclose(one.d_spacings() * 1e10, [4.156826, 2.93931985, 2.39994461, 2.078413, 1.8589891])
    assert one.name == "mine"
    assert one.source == "somewhere"
    assert one.description == "Lanthanum hexaboride (LaB6)"
    assert one.multiplicities.tolist() == [6, 12, 0, 0, 0]
    assert one.labels[:3] == ("100", "110", "1 -1 10")
    np.testing.assert_array_equal(one.intensities, [64.27, np.nan, np.nan, 0, np.nan])


def test_read_bare_lists_in_any_order(tmp_path):
    path = tmp_path / "list.d"
    path.write_text("58.38 29.19\n 19.46\n\n100\n")
    np.testing.assert_allclose(az.Calibrant.from_d_file(path).d_spacings() * 1e10, [100, 58.38, 29.19, 19.46])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("4.1\nfour\n", r"bad\.D, line 2: expected a spacing in angstrom, got 'four'"),
        ("4.1\n\n-2\n", r"bad\.D, line 3: .*0.001 to 10000 angstrom, got '-2'"),
        ("nan\n", r"bad\.D, line 1: "),
        ("4.1 # (1 0)\n", r"bad\.D, line 1: expected Miller indices"),
        ("4.1 # (1 0 0) 6 1.2.3\n", r"bad\.D, line 1: expected a relative intensity"),
        ("4.1 # (1 0 0) 6 -3\n", r"bad\.D, line 1: expected a relative intensity of at least 0"),
        ("# only comments\n", r"bad\.D: expected spacings .* got none"),
        ("", r"bad\.D: expected spacings .* got none"),
    ],
)
def test_read_bad_file_names_file_and_line(tmp_path, text, message):
    path = tmp_path / "bad.D"
    path.write_text(text)
    with pytest.raises(FileFormatError, match=message):
        az.calibrant(path)


def test_read_no_file_or_no_text_is_refused(tmp_path):
    with pytest.raises(FileMissingError, match="does not exist"):
        az.calibrant(tmp_path / "absent.D")
    (tmp_path / "bytes.D").write_bytes(b"\x89HDF\xff\xfe")
    with pytest.raises(FileFormatError, match="expected a text file"):
        az.calibrant(tmp_path / "bytes.D")


@pytest.mark.parametrize("name", ["LaB6", "alpha_Al2O3", "AgBh", "CrOx"])
def test_written_file_is_read_again_with_the_same_rings(tmp_path, name):
    one = az.calibrant(name, d_min=0.5e-10)
    one.to_d_file(tmp_path / "out.D")
    again = az.calibrant(tmp_path / "out.D")
    np.testing.assert_allclose(again.d_spacings(), one.d_spacings(), atol=0.6e-18)
    np.testing.assert_array_equal(again.multiplicities, one.multiplicities)
    with pytest.raises(OutputExistsError):
        one.to_d_file(tmp_path / "out.D")
    one.to_d_file(tmp_path / "out.D", force=True, d_min=2e-10)
    assert len(az.calibrant(tmp_path / "out.D").d_spacings()) == len(one.d_spacings(2e-10))


def test_written_file_is_read_by_pyfai(tmp_path):
    calibrant = pytest.importorskip("pyFAI.calibrant")
    one = az.calibrant("CeO2", d_min=0.5e-10)
    one.to_d_file(tmp_path / "out.D")
    np.testing.assert_allclose(
        calibrant.Calibrant(str(tmp_path / "out.D")).dspacing, one.d_spacings() * 1e10, atol=6e-9
    )


def test_pyfais_own_files_are_all_read():
    pyfai = pytest.importorskip("pyFAI")
    files = sorted((Path(pyfai.__file__).parent / "resources/calibration").glob("*.D"))
    for path in files:
        assert len(az.calibrant(path).d_spacings()) > 1, path
