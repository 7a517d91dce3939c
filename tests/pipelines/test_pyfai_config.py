# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Configurations of pyFAI, versions 0 to 5, as recipes."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

import azimuthal as az
from azimuthal.errors import FileFormatError, FileMissingError, ParameterError, UnsupportedOptionError
from azimuthal.pipelines.batch import integrate_batch
from azimuthal.pipelines.pyfai_config import convert_pyfai, recipe_from_pyfai
from azimuthal.pipelines.recipe import read_recipe, settings_of

POSE = {"dist": 0.1, "poni1": 0.02, "poni2": 0.03, "rot1": 0.01, "rot2": -0.02, "rot3": 0.5}
CONFIG = {"pixel1": 1e-3, "pixel2": 1e-3, "max_shape": [48, 60], "orientation": 3}
PONI = {"poni_version": 2.1, **POSE, "detector": "Detector", "detector_config": CONFIG, "wavelength": 1e-10}
FLAT = {**POSE, "wavelength": 1e-10, "nbpt_rad": 100, "nbpt_azim": 36, "unit": "q_nm^-1"}
OLD = {
    **FLAT,
    "do_2D": True,
    "do_mask": True, "mask_file": "mask.edf",
    "do_dark": True, "dark_current": "dark.edf",
    "do_flat": False, "flat_field": "flat.edf",
    "do_polarization": True, "polarization_factor": 0.9,
    "do_dummy": True, "val_dummy": -2.0, "delta_dummy": 1.5,
    "do_solid_angle": False,
    "do_radial_range": True, "radial_range_min": 1.0, "radial_range_max": 9.0,
    "do_azimuthal_range": False, "azimuth_range_min": 10, "azimuth_range_max": 20,
    "chi_discontinuity_at_0": True,
    "do_poisson": True,
}  # fmt: skip
VERSIONS = [
    {**OLD, "pixel1": 1e-3, "pixel2": 1e-3, "method": "csr"},
    {**OLD, "version": 1, "pixel1": 1e-3, "pixel2": 1e-3, "method": "bbox", "dark_current": ["dark.edf"]},
    {**OLD, "version": 2, "detector": "Detector", "detector_config": CONFIG, "method": "csr"},
    {**OLD, "version": 3, "detector": "Detector", "detector_config": CONFIG, "method": ["bbox", "csr", "cython"]},
    {
        **{name: value for name, value in OLD.items() if name not in (*POSE, "wavelength")},
        "version": 4, "poni": PONI, "method": ["bbox", "csr", "cython"],
    },
    {
        "application": "worker", "version": 5, "poni": PONI, "nbpt_rad": 100, "nbpt_azim": 36,
        "unit": ["q_nm^-1", "chi_deg"], "chi_discontinuity_at_0": True, "polarization_description": [0.9, 0],
        "val_dummy": -2.0, "delta_dummy": 1.5, "correct_solid_angle": False, "dark_current": ["dark.edf"],
        "flat_field": None, "mask_file": "mask.edf", "error_model": "poisson", "method": ["bbox", "csr", "cython"],
        "opencl_device": None, "radial_range": [1.0, 9.0], "azimuth_range": None, "extra_options": {},
        "integrator_class": "AzimuthalIntegrator", "integrator_method": "integrate2d", "shape": [48, 60],
    },
]  # fmt: skip


@pytest.mark.parametrize("version", range(6))
def test_every_version_means_the_same(version):
    document, lost = recipe_from_pyfai(VERSIONS[version])
    assert lost == []
    assert document["mask"] == {"files": ["mask.edf"], "dummy": -2.0, "delta_dummy": 1.5}
    assert document["corrections"] == {
        "dark": "dark.edf",
        "solid_angle": "none",
        "sensor_absorption": "none",
        "normalization_factor": 1.0,
        "polarization_factor": 0.9,
        "polarization_offset": 0.0,
    }
    assert document["bins"] == {
        "unit": "q_nm^-1",
        "npt": 100,
        "npt_azim": 36,
        "radial_range": [1.0, 9.0],
        "azimuth_range": [0.0, 360.0],
        "split": "bbox",
    }
    assert document["reduction"] == {"error_model": "poisson"}
    assert "Rot3: 0.5\n" in document["geometry"]["poni"]
    assert settings_of(document).npt_azim == 36


def test_what_cannot_be_imported_is_named():
    config = VERSIONS[5] | {
        "dark_current": ["a.edf", "b.edf"],
        "monitor_name": "mon",
        "method": ["strange", "csr", "cython"],
        "correct_solid_angle": 3,
        "unit": ["q_nm^-1", "chi_rad"],
        "radial_range": [None, 9.0],
        "integrator_method": "sigma_clip_ng",
        "extra_options": {"max_iter": 3, "color": "red"},
        "novelty": 1,
    }
    document, lost = recipe_from_pyfai(config)
    named = {sentence.partition(":")[0] for sentence in lost}
    assert named == {
        "dark_current", "monitor_name", "method", "correct_solid_angle", "unit", "radial_range", "novelty",
        "extra_options.thres", "extra_options.color",
    }  # fmt: skip
    assert document["reduction"]["reject"] == {"method": "sigma", "max_iter": 3}


def test_methods_that_reject_outliers():
    def reject(method, **options):
        return recipe_from_pyfai(VERSIONS[5] | {"integrator_method": method, "extra_options": options})[0]["reduction"][
            "reject"
        ]

    assert reject("sigma_clip_ng", thres=4, max_iter=3) == {"method": "sigma", "threshold": 4.0, "max_iter": 3}
    assert reject("medfilt1d_ng") == {"method": "median"}
    assert reject("medfilt1d_ng", percentile=[10, 90]) == {"method": "quantile", "quantiles": [0.1, 0.9]}


def test_what_is_no_configuration_is_refused(folder):
    with pytest.raises(ParameterError, match="version 0 to 5"):
        recipe_from_pyfai({"version": 6})
    with pytest.raises(ParameterError, match="lacks dist"):
        recipe_from_pyfai({"version": 3, "nbpt_rad": 3, "unit": "q_nm^-1"})
    with pytest.raises(ParameterError, match="expected nbpt_rad and unit"):
        recipe_from_pyfai(POSE)
    with pytest.raises(UnsupportedOptionError, match="FiberIntegrator"):
        recipe_from_pyfai({"version": 5, "integrator_class": "FiberIntegrator"})
    with pytest.raises(FileMissingError):
        convert_pyfai("none.json", "r.toml")
    Path("bad.json").write_text("{")
    with pytest.raises(FileFormatError):
        convert_pyfai("bad.json", "r.toml")


def test_a_configuration_that_pyfai_wrote_gives_the_numbers_of_pyfai(folder, frames):
    pyfai = pytest.importorskip("pyFAI")
    from pyFAI.worker import Worker

    ai = pyfai.load(PONI)
    worker = Worker(ai, shapeIn=(48, 60), shapeOut=(1, 40), unit="2th_deg")
    worker.method = ("bbox", "csr", "cython")
    worker.polarization_factor = 0.9
    config = json.loads(json.dumps(worker.get_config(), default=str))
    Path("config.json").write_text(json.dumps(config))
    assert convert_pyfai("config.json", "recipe.toml") == []
    expected = ai.integrate1d(frames[0], 40, unit="2th_deg", method=("bbox", "csr", "cython"), polarization_factor=0.9)
    np.save("run.npy", frames[:1])
    integrate_batch(dataclasses.replace(read_recipe("recipe.toml"), images=("run.npy",), output="run.h5"))
    (result,) = az.load_result("run.h5")
    np.testing.assert_allclose(result.axis.centers, expected.radial, rtol=1e-6)
    np.testing.assert_allclose(result.intensity, expected.intensity, rtol=1e-4)
