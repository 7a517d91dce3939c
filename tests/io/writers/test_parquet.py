# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Parquet, read back by pandas and pyarrow."""

import json
import sys

import numpy as np
import pytest

from azimuthal.errors import MissingDependencyError
from azimuthal.io import save


def test_frames_read_back_to_the_bit_with_units_and_metadata(make_profile, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    profiles = [make_profile(seed=seed, metadata={"label": f"f{seed}", "index": seed}) for seed in (3, 4)]
    save(profiles, tmp_path / "a.parquet")
    file = parquet.ParquetFile(tmp_path / "a.parquet")
    assert file.num_row_groups == 2
    for group, profile in enumerate(profiles):
        table = file.read_row_group(group).to_pydict()
        assert set(table["frame"]) == {profile.metadata["index"]}
        assert set(table["label"]) == {profile.metadata["label"]}
        np.testing.assert_array_equal(table["q_nm^-1"], profile.radial)
        np.testing.assert_array_equal(table["q_nm^-1_upper"], profile.edges[1:])
        for name in ("intensity", "sigma", "std", "count", "sum_signal", "sum_variance", "sum_normalization"):
            np.testing.assert_array_equal(table[name], getattr(profile, name))
    schema = file.schema_arrow
    assert schema.field("q_nm^-1").metadata == {b"units": b"nm^-1"}
    about = json.loads(schema.metadata[b"azimuthal"])
    assert (about["average"], about["error_model"], about["wavelength"]) == ("ratio_of_sums", "poisson", 1e-10)
    records = json.loads(file.metadata.metadata[b"azimuthal_results"])
    assert [record["metadata"]["label"] for record in records] == ["f3", "f4"]


def test_pandas_reads_a_cake(make_cake, tmp_path):
    pytest.importorskip("pyarrow")
    pandas = pytest.importorskip("pandas")
    cake = make_cake()
    frame = pandas.read_parquet(cake.save(tmp_path / "a.parquet"))
    table = frame.pivot_table("intensity", "chi_deg", "q_nm^-1", dropna=False)
    np.testing.assert_array_equal(table.to_numpy(), cake.intensity)
    np.testing.assert_array_equal(table.index, cake.azimuthal)
    np.testing.assert_array_equal(table.columns, cake.radial)


@pytest.mark.parametrize(
    ("extension", "package"), [(".parquet", "pyarrow"), (".nc", "h5netcdf"), (".zarr.zip", "zarr")]
)
def test_missing_package_raises_with_the_command(make_profile, tmp_path, monkeypatch, extension, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'azimuthal\[tables\]'"):
        make_profile().save(tmp_path / f"a{extension}")
    assert not list(tmp_path.iterdir())
