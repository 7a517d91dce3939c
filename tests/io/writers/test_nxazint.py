# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""NXazint files: conforming (rule I5), readable by others, written as frames come, complete or absent."""

import dataclasses
import json
import tracemalloc

import numpy as np
import pytest

from azimuthal.errors import OutputError, OutputExistsError, ParameterError, UnknownNameError
from azimuthal.io import NxazintWriter, load_result, save
from azimuthal.io.writers import nxazint
from azimuthal.results import Sums

h5py = pytest.importorskip("h5py")

PROVENANCE = {
    "version": "9.9",
    "recipe": {"npt": 12, "instrument": {"dist": 0.1}},
    "poni": "Distance: 0.1\n",
    "corrections": {"solid_angle": "relative", "polarization_factor": 0.95, "flat": False},
    "engine": "reference",
}


@pytest.fixture
def profiles(make_profile):
    return [
        make_profile(
            seed=seed,
            provenance={**PROVENANCE, "n_invalid": seed},
            metadata={"label": f"run_{seed:05d}", "index": 10 + seed, "name": "run", "temperature": 1.5 * seed},
            normalization_factor=1.0 + seed,
        )
        for seed in range(3)
    ]


@pytest.fixture
def run_file(profiles, tmp_path):
    save(iter(profiles), tmp_path / "run.h5")
    return tmp_path / "run.h5"


@pytest.fixture
def cake_file(make_cake, tmp_path):
    save([make_cake("2th_deg", provenance=PROVENANCE)] * 2, tmp_path / "cake.h5")
    return tmp_path / "cake.h5"


def interrupted(path, result, error, **options):
    with NxazintWriter(path, result, **options) as writer:
        writer.append(result)
        raise error


def check(path, application):
    validate = pytest.importorskip("nexusformat.nexus.validate")
    return validate.validate_application(str(path), application=application)


# --- conforming ---------------------------------------------------------------------------------


@pytest.mark.parametrize("unit", ["q_nm^-1", "q_A^-1", "2th_deg", "2th_rad"])
@pytest.mark.parametrize("fields", [{}, {"error_model": None}, {"wavelength": None}, {"average": "sum"}])
def test_profiles_pass_nxcheck(make_profile, tmp_path, unit, fields):
    save(make_profile(unit, low=0.1, high=3.0, **fields), tmp_path / "a.h5")
    assert check(tmp_path / "a.h5", "NXazint1d") == (0, 0)


def test_stack_with_monitor_passes_nxcheck(run_file):
    assert check(run_file, "NXazint1d") == (0, 0)


def test_cakes_pass_nxcheck(cake_file):
    assert check(cake_file, "NXazint2d") == (0, 0)


def test_nxcheck_would_notice(run_file):
    with h5py.File(run_file, "r+") as file:
        del file["entry/polarization_applied"]
    assert check(run_file, "NXazint1d") == (0, 1)


@pytest.mark.parametrize("unit", ["r_mm", "d_A", "chi_deg"])
def test_unit_that_the_definition_lacks_claims_no_definition(make_profile, tmp_path, unit):
    profile = make_profile(unit)
    save(profile, tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5") as file:
        assert "definition" not in file["entry"]
        assert "NXazint" in file["entry/reduction/note"].asstr()[()]
        (_, axis) = file["entry/data"].attrs["axes"]
        np.testing.assert_array_equal(file["entry/data"][axis], profile.radial)
    assert load_result(tmp_path / "a.h5")[0].axis == profile.axis


# --- contents -----------------------------------------------------------------------------------


def test_arrays_are_frame_by_radial_and_exact(run_file, profiles):
    with h5py.File(run_file) as file:
        data = file["entry/data"]
        for row, profile in enumerate(profiles):
            for name in ("sum_signal", "sum_variance", "sum_normalization", "sum_normalization2", "count"):
                np.testing.assert_array_equal(data[name][row], getattr(profile, name))
            np.testing.assert_array_equal(data["I"][row], profile.intensity)
            np.testing.assert_array_equal(data["I_errors"][row], profile.sigma)
        np.testing.assert_array_equal(data["radial_axis"], profiles[0].radial)
        np.testing.assert_array_equal(data["radial_axis_edges"], profiles[0].edges)
        np.testing.assert_array_equal(data["frame"], [10, 11, 12])
        np.testing.assert_array_equal(data["normalization_factor"], [1.0, 2.0, 3.0])
        assert list(data["label"].asstr()) == ["run_00000", "run_00001", "run_00002"]


def test_cake_is_frame_by_azimuthal_by_radial(cake_file, make_cake):
    cake = make_cake("2th_deg")
    with h5py.File(cake_file) as file:
        data = file["entry/data"]
        assert data["I"].shape == (2, 5, 7)
        np.testing.assert_array_equal(data["I"][1], cake.intensity)
        assert list(data.attrs["axes"]) == [".", "azimuthal_axis", "radial_axis"]
        assert data.attrs["interpretation"] == "image"
        np.testing.assert_array_equal(data["azimuthal_axis_edges"], cake.azimuthal_axis.edges)
        assert data["azimuthal_axis"].attrs["units"] == "deg"


def test_facts_of_the_measurement_are_stored(run_file):
    with h5py.File(run_file) as file:
        entry = file["entry"]
        assert file.attrs["default"] == "entry"
        assert entry.attrs["default"] == "data"
        assert entry["definition"].asstr()[()] == "NXazint1d"
        assert entry["title"].asstr()[()] == "run"
        assert entry["instrument/monochromator/wavelength"][()] == pytest.approx(1.0)
        assert entry["instrument/monochromator/energy"][()] == pytest.approx(12.39842, rel=1e-6)
        assert entry["reduction/version"].asstr()[()] == "9.9"
        about = entry["reduction/input"]
        assert json.loads(about["recipe"].asstr()[()]) == PROVENANCE["recipe"]
        assert about["poni"].asstr()[()] == PROVENANCE["poni"]
        flags = {name: bool(entry[name][()]) for name in entry if name.endswith("_applied")}
        np.testing.assert_array_equal(entry["monitor/data"], [1, 2, 3])
    assert flags == {
        "solid_angle_applied": True,
        "polarization_applied": True,
        "normalization_applied": True,
        "monitor_applied": True,
    }


@pytest.mark.parametrize(
    ("corrections", "solid_angle", "polarization"),
    [
        ({"solid_angle": False, "polarization_factor": None}, False, False),
        ({"solid_angle": "absolute", "polarization_factor": 0.0}, True, True),
    ],
)
def test_flags_say_what_was_applied(make_profile, tmp_path, corrections, solid_angle, polarization):
    save(make_profile(provenance={"corrections": corrections}, average="sum"), tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5") as file:
        assert bool(file["entry/solid_angle_applied"][()]) is solid_angle
        assert bool(file["entry/polarization_applied"][()]) is polarization
        assert bool(file["entry/normalization_applied"][()]) is False
        assert bool(file["entry/monitor_applied"][()]) is False
        assert "monitor" not in file["entry"]


def test_flag_without_a_record_says_so(make_profile, tmp_path):
    save(make_profile(), tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5") as file:
        assert "does not say" in file["entry/solid_angle_applied"].attrs["note"]


def test_names_of_beamline_and_laboratory_can_be_given(make_profile, tmp_path):
    save(make_profile(), tmp_path / "a.h5", instrument="ID99", source="XYZ", title="Si")
    with h5py.File(tmp_path / "a.h5") as file:
        assert file["entry/instrument/name"].asstr()[()] == "ID99"
        assert file["entry/instrument/source/name"].asstr()[()] == "XYZ"
        assert file["entry/title"].asstr()[()] == "Si"


def test_norm_is_stored_while_it_is_the_same_for_all_frames(make_profile, tmp_path):
    profile = make_profile()
    weighted = make_profile(normalization_factor=1.0, seed=0)
    with NxazintWriter(tmp_path / "same.h5", profile) as writer:
        writer.append(profile)
        writer.append(weighted)
    save([profile, make_profile(seed=1)], tmp_path / "differ.h5")
    with h5py.File(tmp_path / "same.h5") as same, h5py.File(tmp_path / "differ.h5") as differ:
        np.testing.assert_array_equal(same["entry/data/norm"], profile.sum_normalization)
        assert "norm" not in differ["entry/data"]


def test_norm_does_not_contain_the_monitor(make_profile, tmp_path):
    save(make_profile(normalization_factor=4.0), tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5") as file:
        np.testing.assert_array_equal(file["entry/data/norm"], make_profile().sum_normalization / 4)


# --- read by others -----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["run_file", "cake_file"])
def test_every_dimension_has_a_scale(kind, request):
    with h5py.File(request.getfixturevalue(kind)) as file:
        data = file["entry/data"]
        for name, dataset in data.items():
            if dataset.is_scale:
                continue
            for axis in dataset.dims:
                assert len(axis) == 1, name
                assert axis[0].shape == (dataset.shape[list(dataset.dims).index(axis)],)


def test_silx_plots_the_spectra_with_axis_and_errors(run_file, profiles):
    nxdata = pytest.importorskip("silx.io.nxdata")
    with h5py.File(run_file) as file:
        plot = nxdata.get_default(file)
        assert plot.is_valid
        assert plot.is_stack or plot.interpretation == "spectrum"
        assert plot.axes_dataset_names == [None, "radial_axis"]
        np.testing.assert_array_equal(plot.errors[2], profiles[2].sigma)


def test_silx_plots_the_cakes_as_images(cake_file):
    nxdata = pytest.importorskip("silx.io.nxdata")
    with h5py.File(cake_file) as file:
        plot = nxdata.get_default(file)
        assert plot.is_valid
        assert plot.interpretation == "image"
        assert plot.axes_dataset_names == [None, "azimuthal_axis", "radial_axis"]


def test_nexusformat_finds_the_plot(run_file, profiles):
    nexus = pytest.importorskip("nexusformat.nexus")
    data = nexus.nxload(str(run_file)).plottable_data
    np.testing.assert_array_equal(data.nxsignal.nxvalue[1], profiles[1].intensity)
    np.testing.assert_array_equal(data.nxerrors.nxvalue[1], profiles[1].sigma)
    assert data["radial_axis"].attrs["units"] == "1/nm"


def test_xarray_opens_the_data_with_coordinates(run_file, profiles):
    xarray = pytest.importorskip("xarray")
    pytest.importorskip("h5netcdf")
    with xarray.open_dataset(run_file, group="entry/data", engine="h5netcdf") as dataset:
        assert dataset["I"].dims == ("frame", "radial_axis")
        np.testing.assert_array_equal(dataset["radial_axis"], profiles[0].radial)
        np.testing.assert_array_equal(dataset["I"][1], profiles[1].intensity)


def test_gsas_finds_what_its_importer_asks_for(make_profile, tmp_path):
    """GSAS-II wants text ``unit == "2th"``, a number for the polarisation, and only one NXdata."""
    save(make_profile("2th_deg", provenance=PROVENANCE), tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5") as file:
        about = file["entry/reduction/input"]
        assert about["unit"][()].decode() == "2th"
        assert float(about["polarization_factor"][()]) == 0.95
        assert file["entry/data/I"].ndim == 2
        classes = []
        file.visititems(lambda name, item: classes.append(item.attrs.get("NX_class")))
        assert classes.count("NXdata") == classes.count("NXparameters") == 1


def test_gsas_finds_the_number_of_azimuths(cake_file):
    with h5py.File(cake_file) as file:
        assert int(file["entry/reduction/input/azimuth_bins"][()]) == 5


# --- streaming ----------------------------------------------------------------------------------


@pytest.mark.parametrize("n_frames", [None, 1, 3, 50])
@pytest.mark.parametrize("compression", ["gzip", None])
def test_blocks_of_any_size_hold_every_frame(make_profile, tmp_path, monkeypatch, n_frames, compression):
    monkeypatch.setattr(nxazint, "_CHUNK_BYTES", 12 * 8 * 3)
    results = [make_profile(seed=seed) for seed in range(8)]
    with NxazintWriter(tmp_path / "a.h5", results[0], n_frames, compression=compression) as writer:
        for index, result in enumerate(results):
            writer.append(result, label=f"frame {index}", frame_index=100 + index)
        assert len(writer) == 8
        assert not writer.path.exists()
    back = load_result(tmp_path / "a.h5")
    assert [one.sums for one in back] == [one.sums for one in results]
    assert back[7].metadata == {"label": "frame 7", "index": 107}


def test_writer_keeps_less_than_100_bytes_of_a_frame(make_profile, tmp_path, monkeypatch):
    monkeypatch.setattr(nxazint, "_TEXTS_PER_CHUNK", 64)
    monkeypatch.setattr(nxazint, "_CHUNK_BYTES", 64 * 8 * 4)
    profile = make_profile(n_bins=4)
    held = []
    tracemalloc.start()
    try:
        with NxazintWriter(tmp_path / "a.h5", profile, 1024) as writer:
            for index in range(1024):
                writer.append(profile, label=f"a_rather_long_name_{index:06d}", frame_index=index)
                if index in (511, 1023):
                    held.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert (held[1] - held[0]) / 512 < 100
    assert load_result(tmp_path / "a.h5")[1023].metadata["label"] == "a_rather_long_name_001023"


def test_single_result_is_not_padded_to_a_block_of_frames(make_profile, tmp_path):
    save(make_profile(n_bins=1000), tmp_path / "a.h5", compression=None)
    assert (tmp_path / "a.h5").stat().st_size < 200_000


def test_large_cake_is_chunked_below_the_limit(make_cake, tmp_path, monkeypatch):
    monkeypatch.setattr(nxazint, "_LARGEST_CHUNK_BYTES", 2 * 7 * 8)
    save(make_cake(), tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5") as file:
        assert file["entry/data/I"].chunks == (1, 2, 7)
    assert load_result(tmp_path / "a.h5")[0].sums == make_cake().sums


def test_nothing_appears_before_the_end(make_profile, tmp_path):
    writer = NxazintWriter(tmp_path / "a.h5", make_profile())
    writer.append(make_profile())
    assert not (tmp_path / "a.h5").exists()
    writer.close()
    assert [path.name for path in tmp_path.iterdir()] == ["a.h5"]
    writer.close()


@pytest.mark.parametrize("error", [ValueError("boom"), KeyboardInterrupt()])
def test_interrupted_writer_leaves_nothing(make_profile, tmp_path, error):
    with pytest.raises(type(error)):
        interrupted(tmp_path / "a.h5", make_profile(), error)
    assert not list(tmp_path.iterdir())


def test_interrupted_replacement_keeps_the_old_file(make_profile, run_file):
    before = run_file.read_bytes()
    with pytest.raises(ValueError, match="boom"):
        interrupted(run_file, make_profile(), ValueError("boom"), force=True)
    assert run_file.read_bytes() == before


def test_existing_file_is_refused_at_once(make_profile, run_file):
    with pytest.raises(OutputExistsError):
        NxazintWriter(run_file, make_profile())


def test_writer_without_results_raises_and_leaves_nothing(make_profile, tmp_path):
    with (
        pytest.raises(ParameterError, match="no result was appended"),
        NxazintWriter(tmp_path / "a.h5", make_profile()),
    ):
        pass
    assert not list(tmp_path.iterdir())


def test_closed_writer_takes_no_more(make_profile, tmp_path):
    with NxazintWriter(tmp_path / "a.h5", make_profile()) as writer:
        writer.append(make_profile())
    with pytest.raises(ParameterError, match="closed"):
        writer.append(make_profile())


def test_result_that_does_not_fit_raises_and_the_writer_goes_on(make_profile, tmp_path):
    with NxazintWriter(tmp_path / "a.h5", make_profile()) as writer:
        writer.append(make_profile())
        with pytest.raises(ParameterError, match="expected the error_model of the first result"):
            writer.append(make_profile(error_model=None))
        writer.append(make_profile(seed=1))
    assert len(load_result(tmp_path / "a.h5")) == 2


def test_failing_disk_raises_and_leaves_nothing(make_profile, tmp_path, monkeypatch):
    def full(self):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(nxazint._Blocks, "flush", full)
    with (
        pytest.raises(OutputError, match=r"a\.h5: cannot be written: .*No space left"),
        NxazintWriter(tmp_path / "a.h5", make_profile()) as writer,
    ):
        writer.append(make_profile())
    assert not list(tmp_path.iterdir())


def test_chunks_are_compressed_where_that_halves_them(make_profile, tmp_path, monkeypatch):
    """HDF5 reads both kinds; equal chunks are equal bytes."""
    monkeypatch.setattr(nxazint, "_CHUNK_BYTES", 8 * 500 * 4)
    rng = np.random.default_rng(3)
    template = make_profile(n_bins=500)
    results = [
        dataclasses.replace(
            template,
            sums=Sums(
                rng.normal(1000, 3, 500), rng.normal(1000, 3, 500), *(np.full(500, value) for value in (7.5, 7.25, 8.0))
            ),
        )
        for _ in range(70)
    ]
    save(results, tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5") as file:
        data = file["entry/data"]
        for name, mask in (("sum_signal", 3), ("I", 3), ("count", 0), ("sum_normalization", 0)):
            assert data[name].compression == "gzip"
            assert data[name].shuffle
            chunks = [data[name].id.get_chunk_info(number) for number in range(data[name].id.get_num_chunks())]
            assert {chunk.filter_mask for chunk in chunks} == {mask}
            assert len(chunks) == 18
        np.testing.assert_array_equal(data["sum_signal"][()], np.stack([result.sum_signal for result in results]))
        np.testing.assert_array_equal(data["I"][()], np.stack([result.intensity for result in results]))
        np.testing.assert_array_equal(data["count"][()], np.full((70, 500), 8.0))
    again = load_result(tmp_path / "a.h5")
    np.testing.assert_array_equal(again[69].sigma, results[69].sigma)


def test_unknown_compression_raises(make_profile, tmp_path):
    with pytest.raises(UnknownNameError, match="compression"):
        save(make_profile(), tmp_path / "a.h5", compression="gzipp")
    assert not list(tmp_path.iterdir())
