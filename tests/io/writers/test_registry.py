# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""`save`: the format is the extension, nothing is guessed, nothing is overwritten."""

import numpy as np
import pytest

from azimuthal.errors import (
    DataTypeError,
    OutputError,
    OutputExistsError,
    ParameterError,
    UnknownNameError,
    UnsupportedOptionError,
)
from azimuthal.io import load_result, save
from azimuthal.io.writers import format_names, format_of, formats

pytestmark = pytest.mark.filterwarnings("ignore::azimuthal.errors.ConversionLossWarning")

EXTENSIONS = [extension for one in formats() for extension in one.extensions]
FOR_ONE = [one.extensions[0] for one in formats() if not one.holds_many]
FOR_MANY = [one.extensions[0] for one in formats() if one.holds_many]
#: Those that store what all results share once.
TOGETHER = [extension for extension in FOR_MANY if extension != ".cansas.h5"]
NOT_FOR_CAKES = [one.extensions[0] for one in formats() if not one.holds_cakes]
NOT_FOR_PROFILES = [one.extensions[0] for one in formats() if not one.holds_profiles]


def test_extensions_are_unique_and_complete():
    expected = {
        ".xy",
        ".dat",
        ".xye",
        ".chi",
        ".fxye",
        ".gsa",
        ".gda",
        ".xrdml",
        ".esg",
        ".pdfgetx.xy",
        ".sasview.txt",
        ".cansas.h5",
        ".monopd.h5",
        ".csv",
        ".parquet",
        ".npz",
        ".nc",
        ".zarr.zip",
        ".edf",
        ".tif",
        ".tiff",
        ".h5",
        ".hdf5",
        ".nxs",
    }
    assert len(EXTENSIONS) == len(expected)
    assert set(EXTENSIONS) == expected


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_every_extension_writes_one_result_and_returns_its_files(make_suitable, tmp_path, extension):
    path = tmp_path / f"a{extension}"
    written = save(make_suitable(extension), path)
    assert written[0] == path
    assert path.stat().st_size > 0
    assert set(tmp_path.iterdir()) == set(written)


def test_upper_case_extension_is_known(make_profile, tmp_path):
    save(make_profile(), tmp_path / "A.XYE")
    assert np.loadtxt(tmp_path / "A.XYE").shape[1] == 3


@pytest.mark.parametrize("name", [*format_names(), "h5", ".chi"])
def test_format_overrules_the_extension(make_suitable, tmp_path, name):
    extension = next((one.extensions[0] for one in formats() if one.name == name), ".xy")
    save(make_suitable(extension), tmp_path / "a.result", format=name)
    assert (tmp_path / "a.result").exists()


@pytest.mark.parametrize("path", ["a.xyz", "a", "a.png"])
def test_unknown_extension_raises_listing_the_known_ones(make_profile, tmp_path, path):
    with pytest.raises(UnknownNameError, match=r"\.xy .*\.dat .*\.xye .*\.h5"):
        save(make_profile(), tmp_path / path)
    assert not list(tmp_path.iterdir())


def test_unknown_format_raises_with_suggestion(make_profile, tmp_path):
    with pytest.raises(UnknownNameError, match="did you mean 'nxazint'"):
        save(make_profile(), tmp_path / "a.h5", format="nxazimt")


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_unknown_option_raises(make_suitable, tmp_path, extension):
    with pytest.raises(UnknownNameError, match="headr"):
        save(make_suitable(extension), tmp_path / f"a{extension}", headr=False)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_existing_file_is_refused_and_kept(make_suitable, tmp_path, extension):
    path = tmp_path / f"a{extension}"
    path.write_text("mine")
    with pytest.raises(OutputExistsError, match="force"):
        save(make_suitable(extension), path)
    assert path.read_text() == "mine"
    written = save(make_suitable(extension), path, force=True)
    assert path.read_bytes() != b"mine"
    assert set(tmp_path.iterdir()) == set(written)


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_file_as_a_folder_raises(make_suitable, tmp_path, extension):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError):
        save(make_suitable(extension), tmp_path / "file" / f"a{extension}")


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_absent_folder_raises_and_is_not_made(make_suitable, tmp_path, extension):
    with pytest.raises(OutputError, match=r"does not exist\. Create it"):
        save(make_suitable(extension), tmp_path / "out" / f"a{extension}")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("extension", FOR_ONE)
def test_many_results_in_a_format_for_one_raise_and_name_the_template(make_suitable, tmp_path, extension):
    with pytest.raises(UnsupportedOptionError, match=r"template.*\{frame:05d\}.*\.h5"):
        save([make_suitable(extension), make_suitable(extension)], tmp_path / f"a{extension}")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("extension", NOT_FOR_PROFILES)
def test_profile_in_a_format_for_cakes_raises_and_names_others(make_profile, tmp_path, extension):
    with pytest.raises(UnsupportedOptionError, match=r"\.xy, \.xye or \.h5"):
        save(make_profile(), tmp_path / f"a{extension}")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "expected"),
    [("a.cansas.h5", "nxcansas"), ("A.MONOPD.H5", "nxmonopd"), ("a.b.h5", "nxazint"), ("a.pdfgetx.xy", "pdfgetx")],
)
def test_longest_extension_counts(name, expected):
    assert format_of(name).name == expected


@pytest.mark.parametrize("extension", NOT_FOR_CAKES)
def test_cake_in_a_format_for_profiles_raises_and_names_others(make_cake, tmp_path, extension):
    with pytest.raises(UnsupportedOptionError, match=r"\.h5, \.npz or \.csv"):
        save(make_cake(), tmp_path / f"a{extension}")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_template_writes_one_file_of_each(make_suitable, tmp_path, extension):
    results = (make_suitable(extension, metadata={"name": "run", "index": index}) for index in (3, 4, 5))
    written = save(results, f"{tmp_path}/{{stem}}_{{frame:05d}}{extension}")
    names = [path.name for path in written if "_sigma" not in path.name]
    assert names == [f"run_0000{index}{extension}" for index in (3, 4, 5)]
    assert all(path.exists() for path in written)


def test_template_that_names_a_file_twice_raises_even_with_force(make_profile, tmp_path):
    results = [make_profile(seed=seed, metadata={"label": "same"}) for seed in (1, 2)]
    with pytest.raises(ParameterError, match="second time"):
        save(results, f"{tmp_path}/{{label}}.npz", force=True)
    assert load_result(tmp_path / "same.npz")[0].sums == results[0].sums


@pytest.mark.parametrize("extension", [*FOR_MANY, "_{frame}.xy"])
def test_no_results_raise_and_write_nothing(make_suitable, tmp_path, extension):
    make_suitable(extension)
    with pytest.raises(ParameterError, match="at least one result"):
        save([], f"{tmp_path}/a{extension}")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("extension", FOR_MANY)
def test_something_else_among_the_results_raises_and_leaves_nothing(make_suitable, tmp_path, extension):
    with pytest.raises(DataTypeError, match=r"results\[1\].*int"):
        save([make_suitable(extension), 5], tmp_path / f"a{extension}")
    with pytest.raises(DataTypeError, match="results"):
        save(5, tmp_path / f"a{extension}")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("extension", FOR_MANY)
def test_generator_that_fails_leaves_nothing_and_passes_its_error(make_suitable, tmp_path, extension):
    suitable = make_suitable(extension)

    def results():
        yield suitable
        yield suitable
        raise ZeroDivisionError("frame 2")

    with pytest.raises(ZeroDivisionError, match="frame 2"):
        save(results(), tmp_path / f"a{extension}")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("extension", TOGETHER)
def test_results_of_different_kinds_in_one_file_raise(make_suitable, make_profile, make_cake, tmp_path, extension):
    make_suitable(extension)
    with pytest.raises(ParameterError, match="1"):
        save([make_profile(), make_cake()], tmp_path / f"a{extension}")
    with pytest.raises(ParameterError, match="1"):
        save([make_profile(), make_profile(error_model=None)], tmp_path / f"a{extension}")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("extension", [".npz", ".h5", ".nc", ".zarr.zip"])
def test_results_on_different_bins_in_one_file_raise(make_suitable, make_profile, tmp_path, extension):
    make_suitable(extension)
    with pytest.raises(ParameterError, match="bin edges differ"):
        save([make_profile(), make_profile(high=50.0)], tmp_path / f"a{extension}")
    assert not list(tmp_path.iterdir())
