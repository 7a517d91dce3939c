# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Cakes as images, read back by fabio and tifffile, and by a reader of bytes."""

import json

import numpy as np
import pytest

from azimuthal.errors import OutputExistsError, ParameterError
from azimuthal.io import save
from azimuthal.results import Cake
from azimuthal.units import Axis


def read_edf(path):
    content = path.read_bytes()
    end = content.index(b"}\n") + 2
    assert end % 512 == 0
    lines = content[1:end].decode("ascii").split(";")
    header = {name.strip(): value.strip() for name, _, value in (line.partition("=") for line in lines) if value}
    shape = int(header["Dim_2"]), int(header["Dim_1"])
    return np.frombuffer(content[end:], "<f4").reshape(shape), header


def test_edf_reads_back_with_its_axes(make_cake, tmp_path):
    cake = make_cake(metadata={"label": "a; b {c}"})
    written = save(cake, tmp_path / "a.edf")
    assert [path.name for path in written] == ["a.edf", "a_sigma.edf"]
    image, header = read_edf(written[0])
    np.testing.assert_array_equal(image, cake.intensity.astype(np.float32))
    np.testing.assert_array_equal(read_edf(written[1])[0], cake.sigma.astype(np.float32))
    for name, centers in (("radial", cake.radial), ("azimuthal", cake.azimuthal)):
        first, step = float(header[f"{name}_first"]), float(header[f"{name}_step"])
        np.testing.assert_allclose(first + step * np.arange(centers.size), centers, rtol=1e-12, atol=1e-12)
    assert (header["radial_unit"], header["azimuthal_unit"]) == ("q_nm^-1", "chi_deg")
    assert float(header["wavelength_m"]) == 1e-10
    assert (header["label"], header["error_model"], header["stored_as"]) == ("a_ b _c_", "poisson", "float32")


def test_fabio_reads_edf_and_tiff(make_cake, tmp_path):
    fabio = pytest.importorskip("fabio")
    cake = make_cake()
    for extension in (".edf", ".tif"):
        with fabio.open(str(cake.save(tmp_path / f"a{extension}"))) as image:
            np.testing.assert_array_equal(image.data, cake.intensity.astype(np.float32))
            assert image.nframes == 1
            if extension == ".edf":
                assert float(image.header["radial_first"]) == pytest.approx(cake.radial[0])


def test_tifffile_reads_image_and_axes(make_cake, tmp_path):
    tifffile = pytest.importorskip("tifffile")
    cake = make_cake()
    with tifffile.TiffFile(cake.save(tmp_path / "a.tif")) as file:
        (page,) = file.pages
        np.testing.assert_array_equal(page.asarray(), cake.intensity.astype(np.float32))
        header = json.loads(page.description)
    assert header["azimuthal_first"] == -144.0
    assert header["azimuthal_step"] == 72.0
    assert header["image"] == "intensity"


def test_bins_of_unequal_width_have_all_centers(make_cake, tmp_path):
    cake = make_cake()
    radial = Axis("q_nm^-1", np.geomspace(1, 40, 8))
    cake = Cake(radial, cake.azimuthal_axis, cake.sums, error_model="poisson", wavelength=1e-10)
    _, header = read_edf(cake.save(tmp_path / "a.edf"))
    np.testing.assert_array_equal([float(word) for word in header["radial_centers"].split()], cake.radial)
    assert "radial_step" not in header


def test_empty_bins_can_be_a_number_that_no_bin_has(make_cake, tmp_path):
    cake = make_cake(error_model=None)
    save(cake, tmp_path / "a.edf", empty=-1.0)
    image, header = read_edf(tmp_path / "a.edf")
    assert (image[cake.count == 0] == -1).all()
    assert header["empty_bins"] == "-1.0"
    with pytest.raises(ParameterError, match="holds something"):
        save(cake, tmp_path / "b.edf", empty=0.0)
    assert [path.name for path in tmp_path.iterdir()] == ["a.edf"]


def test_existing_image_of_sigma_is_kept_and_nothing_is_written(make_cake, tmp_path):
    (tmp_path / "a_sigma.tif").write_text("mine")
    with pytest.raises(OutputExistsError, match="a_sigma"):
        make_cake().save(tmp_path / "a.tif")
    assert not (tmp_path / "a.tif").exists()
