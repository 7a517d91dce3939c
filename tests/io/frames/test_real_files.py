# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Every real image file of the shared data opens, and equals what fabio or h5py read from it."""

import json

import fabio
import h5py
import hdf5plugin  # noqa: F401  # registers the filters
import numpy as np
import pytest

from azimuthal.errors import FileFormatError, FileMissingError
from azimuthal.io.frames import describe_file, open_frames
from azimuthal.testing.shared_data import shared_path

FABIO_READS = [
    "ceo2_pilatus1m/CeO2_Pilatus1M.tif",
    "formats/Cr8F8140k103.0026.bz2",
    "formats/GE_aSI_detector_image_1529.gz",
    "formats/b191_1_9_1.img.bz2",
    "formats/corkcont2_H_0089.mccd.gz",
    "formats/example.mar2300",
    "formats/face.edf.gz",
    "formats/face.msk",
    "formats/fit2d_click.edf.gz",
    "formats/fit2d_click.msk",
    "formats/i01f0001.edf.bz2",
    "formats/i01f0001.kcd.bz2",
    "formats/oPPA_5grains_0001.tif.gz",
    "formats/original.tif",
    "formats/response.tif",
    "formats/run2_1_00148.cbf.gz",
    "formats/somedata_0001.mccd",
    "formats/test.mask",
    "gisaxs/jg_gisaxs_4nm_old_3ml_insitu_ds03_00001_00005.cbf",
    "lambda_modules/l2_l1_synrh9_150m_200ms_850c_oscillation_00001_m2.mask",
    "map_fe3o4/Fe3O4C_M1_map_1_P1_E1_001.tif",
    "map_fe3o4/Fe3O4C_M1_map_2_P1_E1_001.tif",
    "map_fe3o4/Fe3O4C_M1_map_3_P1_E1_001.tif",
    "pixium_cake/DLS_CeO2_1200mm.mask",
    "pixium_cake/pixium_03150.tif",
    "strain_mar345/nx09_strain_001.mar2300",
    "swaxs_golden/RT_SAXS_mask_03.edf",
    "swaxs_golden/RT_WAXS_mask.edf",
]

HDF5_IMAGES = {
    "hexrd_ceo2/ceria_50x30_740mm_000005_Pilatus2M.hdf5": "/imageseries/images",
    "hexrd_ceo2/ge_wppf.h5": "/images/ge3/images",
    "lab6_tilts/LaB6_Normal_0042.hdf": "/entry/data/data",
    "lab6_tilts/LaB6_tilt1_0043.hdf": "/entry/data/data",
    "lab6_tilts/LaB6_tilt3h_0045.hdf": "/entry/data/data",
    "lambda_modules/testasapo1_1009_00002_m1_part00000.nxs": "/entry/instrument/detector/data",
    "eiger_hdf5/eiger1_testmode10_2datafiles_4images_bslz4_data_000001.h5": "/entry/data/data",
    "eiger_hdf5/eiger1_testmode10_2datafiles_4images_lz4_data_000002.h5": "/entry/data/data",
    "eiger_hdf5/eiger2_simread7_2datafiles_4images_bslz4_data_000001.h5": "/entry/data/data",
    "eiger_hdf5/eiger2_simread7_2datafiles_4images_bslz4_uint32_data_000002.h5": "/entry/data/data",
    "eiger_hdf5/eiger2_simread7_2datafiles_4images_bslz4_uint8_data_000001.h5": "/entry/data/data",
    "eiger_hdf5/eiger2_simread7_2datafiles_4images_lz4_data_000001.h5": "/entry/data/data",
    "eiger_hdf5/test_data_000001.h5": "/entry/data/data",
    "eiger_hdf5/test_master.h5": "/entry/data/data_000001",
}

DATASET_FILES = [f"eiger_hdf5/dataset_{version}.h5" for version in ("earliest", "v108", "v110", "v112")]


@pytest.mark.parametrize("name", FABIO_READS)
@pytest.mark.filterwarnings("ignore")  # fabio leaves files open
def test_real_file_equals_fabio(name, capsys):
    path = shared_path(f"data/{name}")
    with open_frames(path) as frames, fabio.open(str(path)) as image:
        assert frames.shape == image.data.shape
        np.testing.assert_array_equal(frames.read(0), image.data)
        assert len(frames) == image.nframes
        json.dumps(frames.metadata)


@pytest.mark.parametrize(("name", "dataset"), HDF5_IMAGES.items())
def test_real_hdf5_equals_h5py(name, dataset):
    path = shared_path(f"data/{name}")
    with h5py.File(path) as file:
        expected = file[dataset][()]
    with open_frames(path) as frames:
        assert frames.metadata["dataset"] == dataset
        np.testing.assert_array_equal(np.stack(list(frames)), expected.reshape(-1, *frames.shape))
        json.dumps(frames.metadata)


@pytest.mark.parametrize("name", DATASET_FILES)
def test_real_hdf5_of_every_file_version_equals_h5py(name):
    path = shared_path(f"data/{name}")
    found = []

    def visit(item, _):
        found.append(item)

    with h5py.File(path) as file:
        file.visititems(visit)
        names = [item for item in found if isinstance(file[item], h5py.Dataset)]
        names += [f"data/{link}" for link in ("chunked_external", "not_chunked_external", "sub_soft/chunked_soft")]
        expected = {item: file[item][()] for item in names}
    assert len(expected) > 10
    for item, data in expected.items():
        with open_frames(f"{path}::/{item}") as frames:
            np.testing.assert_array_equal(frames.read(len(frames) - 1), data[-1])
            assert len(frames) == len(data)


@pytest.mark.parametrize("name", DATASET_FILES)
def test_real_hdf5_without_plain_images_lists_candidates(name):
    with pytest.raises(FileFormatError, match="/data/chunked_bslz4"):
        open_frames(shared_path(f"data/{name}"))


def test_real_lambda_parts_are_one_series():
    first = shared_path("data/lambda_modules/testasapo1_1009_00002_m1_part00000.nxs")
    with open_frames(str(first.parent / "testasapo1*_part*.nxs")) as frames:
        assert len(frames) == 50
        assert frames.label(10) == "testasapo1_1009_00002_m1_part00001_00000"
        assert frames.metadata["pixel_size"] == pytest.approx([55e-6, 55e-6])
        assert frames.metadata["exposure_time"] == pytest.approx(0.1)


def test_real_lambda_mask_is_read():
    path = shared_path("data/lambda_modules/testasapo1_1009_00002_m1_part00000.nxs")
    with open_frames(path) as frames, h5py.File(path) as file:
        np.testing.assert_array_equal(frames.read_mask(), file["entry/instrument/detector/pixel_mask"][0] != 0)


def test_real_master_with_members_missing_names_them(tmp_path):
    master = tmp_path / "copy_master.h5"
    master.write_bytes(shared_path("data/eiger_hdf5/test_master.h5").read_bytes())
    with pytest.raises(FileMissingError, match=r"/entry/data/data_000001 links to .*test_data_000001\.h5"):
        open_frames(master)


def test_real_dioptas_pilatus_header_gives_the_facts():
    with open_frames(shared_path("data/ceo2_pilatus1m/CeO2_Pilatus1M.tif")) as frames:
        metadata = frames.metadata
    assert metadata["beam_center"] == [515.77, 498.18]
    assert metadata["distance"] == 0.21143
    assert metadata["threshold_energy"] == 15000


def test_real_marccd_header_gives_the_facts():
    with open_frames(shared_path("data/formats/corkcont2_H_0089.mccd.gz")) as frames:
        metadata = frames.metadata
    assert metadata["wavelength"] == pytest.approx(1.03318e-10)
    assert metadata["pixel_size"] == pytest.approx([79.092e-6, 79.092e-6])
    assert metadata["beam_center"] == pytest.approx([1043.089, 1043.089])


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("formats/detector.h5", "geometry"),
        ("formats/f4mnew.spline", "geometry"),
        ("ceo2_pilatus1m/CeO2_Pilatus1M.poni", "geometry"),
        ("formats/copyright", "unknown"),
        ("goniometer_lab6/b_toney_Lab6_thtth_rightside_scan2_0019.raw", "unknown"),
        ("lab6_tilts/LaB6_Normal_0042.hdf", "image"),
        ("eiger_hdf5/test_master.h5", "image stack"),
    ],
)
def test_real_file_is_described(name, kind):
    assert describe_file(shared_path(f"data/{name}")).kind == kind
