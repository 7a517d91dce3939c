# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Tables of peaks in CXI and NeXus files: what is written comes back, in the layouts that others read."""

import h5py
import numpy as np
import pytest

import azimuthal as az
from azimuthal.errors import FileFormatError, FileMissingError, OutputExistsError, ParameterError, UnknownNameError
from azimuthal.images.peaks import COLUMNS

SHAPE = (120, 100)


@pytest.fixture(scope="module")
def ai():
    camera = az.Detector(pixel1=2e-4, pixel2=1e-4, shape=SHAPE)
    return az.Integrator(camera, dist=0.1, poni1=0.011, poni2=0.005, rot1=0.1, wavelength=1e-10)


@pytest.fixture(scope="module")
def peaks(ai):
    rng = np.random.default_rng(0)
    images = rng.poisson(5, (4, *SHAPE)).astype(np.uint16)
    for number in (0, 2, 3):
        for place in rng.integers(5, 90, (3 + number, 2)):
            images[number, place[0] : place[0] + 2, place[1] : place[1] + 2] += 60
    return ai.peak_finder(40).map(images)


@pytest.mark.parametrize("name", ["peaks.cxi", "peaks.nxs"])
def test_peaks_saved_and_loaded_are_the_same(tmp_path, peaks, ai, name):
    assert peaks.save(tmp_path / name, instrument=ai) == tmp_path / name
    back = az.load_peaks(tmp_path / name)
    for column in COLUMNS:
        np.testing.assert_array_equal(getattr(back, column), getattr(peaks, column))
    assert (back.n_frames, back.n_incomplete, back.shape) == (4, peaks.n_incomplete, SHAPE)
    assert back.provenance == peaks.provenance


@pytest.mark.parametrize("name", ["peaks.cxi", "peaks.nxs"])
def test_table_without_peaks_is_saved_and_loaded(tmp_path, ai, name):
    none = ai.peak_finder(40).map([np.zeros(SHAPE), np.zeros(SHAPE)])
    none.save(tmp_path / name)
    back = az.load_peaks(tmp_path / name)
    assert (len(back), back.n_frames) == (0, 2)


def test_cxi_file_has_the_layout_of_cheetah_and_crystfel(tmp_path, peaks, ai):
    az.save_peaks(peaks, tmp_path / "p.cxi", instrument=ai)
    with h5py.File(tmp_path / "p.cxi") as file:
        result = file["entry_1/result_1"]
        counts = result["nPeaks"][()]
        np.testing.assert_array_equal(counts, peaks.counts())
        for name in ("peakXPosRaw", "peakYPosRaw", "peakTotalIntensity", "peakSNR"):
            assert result[name].shape == (4, counts.max())
        first = peaks.of_frame(2)
        np.testing.assert_array_equal(result["peakXPosRaw"][2, : counts[2]], first.fast)
        np.testing.assert_array_equal(result["peakYPosRaw"][2, : counts[2]], first.slow)
        assert not result["peakXPosRaw"][2, counts[2] :].any()
    again = az.load(tmp_path / "p.cxi", shape=SHAPE)
    assert again.pose.dist == pytest.approx(0.1)
    assert again.wavelength == pytest.approx(1e-10)


def test_nexus_file_has_the_layout_of_pyfai(tmp_path, peaks):
    az.save_peaks(peaks, tmp_path / "p.nxs")
    with h5py.File(tmp_path / "p.nxs") as file:
        group = file["entry/peaks"]
        np.testing.assert_array_equal(group["spots"][()], peaks.counts())
        np.testing.assert_array_equal(np.diff(group["frame_ptr"][()]), peaks.counts())
        np.testing.assert_array_equal(group["pos1"][()], peaks.slow)
        np.testing.assert_array_equal(group["pos2"][()], peaks.fast)
        index = group["index"][()]
        np.testing.assert_array_equal(np.stack(np.divmod(index, SHAPE[1])), np.rint([peaks.slow, peaks.fast]))


def test_files_of_pyfai_are_read(tmp_path):
    """Columns that they lack are NaN; the shape has to be said."""
    from pyFAI.io.spots import save_spots_cxi, save_spots_nexus

    kind = np.dtype([("index", "i4"), ("intensity", "f4"), ("sigma", "f4"), ("pos0", "f4"), ("pos1", "f4")])
    spots = [np.array([(5, 10, 2, 1.25, 2.5), (9, 30, 3, 4, 5)], kind), np.zeros(0, kind), np.ones(1, kind)]
    for save, name in ((save_spots_cxi, "a.cxi"), (save_spots_nexus, "a.nxs")):
        save(str(tmp_path / name), spots)
        with pytest.raises(ParameterError, match="does not say the shape"):
            az.load_peaks(tmp_path / name)
        peaks = az.load_peaks(tmp_path / name, shape=SHAPE)
        np.testing.assert_array_equal(peaks.counts(), [2, 0, 1])
        np.testing.assert_array_equal(peaks.slow, [1.25, 4, 1])
        np.testing.assert_array_equal(peaks.fast, [2.5, 5, 1])
        np.testing.assert_allclose(peaks.snr, [5, 10, 1])
        assert np.isnan(peaks.background).all()


def test_bad_files_and_formats_raise(tmp_path, peaks):
    with pytest.raises(ParameterError, match="does not say it"):
        peaks.save(tmp_path / "p.h5")
    with pytest.raises(UnknownNameError, match="format"):
        peaks.save(tmp_path / "p.h5", format="cif")
    peaks.save(tmp_path / "p.h5", format="nexus")
    with pytest.raises(OutputExistsError, match="exists already"):
        peaks.save(tmp_path / "p.h5", format="nexus")
    peaks.save(tmp_path / "p.h5", format="cxi", force=True)
    with pytest.raises(ParameterError, match="shape"):
        az.load_peaks(tmp_path / "p.h5", shape=(3, 3))
    with pytest.raises(FileMissingError):
        az.load_peaks(tmp_path / "none.cxi")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["entry/data"] = 1
    with pytest.raises(FileFormatError, match="expected a table of peaks"):
        az.load_peaks(tmp_path / "other.h5")
    with h5py.File(tmp_path / "p.h5", "r+") as file:
        file["entry_1/result_1/nPeaks"][0] = 1000
    with pytest.raises(FileFormatError, match="nPeaks"):
        az.load_peaks(tmp_path / "p.h5")
    with h5py.File(tmp_path / "p.h5", "r+") as file:
        del file["entry_1/result_1/peakXPosRaw"]
    with pytest.raises(FileFormatError, match="peakXPosRaw missing"):
        az.load_peaks(tmp_path / "p.h5")
