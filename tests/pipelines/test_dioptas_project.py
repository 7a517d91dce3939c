# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Projects of Dioptas as recipes.

``recipes/dioptas_0.11.0`` was written by Dioptas 0.11.0 (from PyPI) itself, with an image of our own: mirrored in the
program, with a mask, a region of interest, a factor, an azimuthal range; ``project.xye`` is what it integrated.
"""

import dataclasses
import json
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest

import azimuthal as az
from azimuthal.errors import (
    FileFormatError,
    GeometryFileWarning,
    OutputExistsError,
    ParameterError,
    UnsupportedOptionError,
)
from azimuthal.pipelines.batch import integrate_batch
from azimuthal.pipelines.dioptas_project import read_dioptas
from azimuthal.pipelines.recipe import read_recipe, recipe_document
from azimuthal.pipelines.recipe_import import convert_recipe

SAMPLE = Path(__file__).parent / "recipes" / "dioptas_0.11.0"
pytestmark = pytest.mark.filterwarnings(f"ignore::{GeometryFileWarning.__module__}.GeometryFileWarning")
SHAPE = (24, 30)


@pytest.fixture
def project(folder):
    """A copy of the sample that may be changed."""
    shutil.copy(SAMPLE / "project.dio", "project.dio")
    return Path("project.dio")


def change(path, **places):
    """Change the state of a project: ``img={"factor": 1.0}`` in its only configuration, ``top={...}`` at the top."""
    with h5py.File(path, "r+") as file:
        state = json.loads(file["state"].asstr()[()])
        state |= places.pop("top", {})
        for name, values in places.items():
            held = state["configurations"][0]
            held.update(values) if name == "configuration" else held[name].update(values)
        del file["state"]
        file["state"] = json.dumps(state)


def test_recipe_gives_the_numbers_of_dioptas(project):
    found = convert_recipe(project, "run.toml")
    assert found.kind == "a project of Dioptas"
    assert [path.name for path in found.written] == ["run.toml", "run_mask.npy"]
    assert found.lost == ("Poisson errors of the counts times 2; here they are of the counts",)
    settings = read_recipe("run.toml")
    assert Path(settings.images[0]).name == "project.tif"
    integrate_batch(dataclasses.replace(settings, images=(str(SAMPLE / "project.tif"),), output="run.h5"))
    result = az.load_result("run.h5")[0]
    x, y, sigma = np.loadtxt(SAMPLE / "project.xye").T
    np.testing.assert_allclose(result.radial, x, atol=1e-6)
    np.testing.assert_allclose(result.intensity, y, rtol=1e-5)
    np.testing.assert_allclose(result.sigma, sigma * np.sqrt(2.0), rtol=1e-5)


def test_mask_is_that_of_the_stored_image(project):
    drawn = np.zeros(SHAPE, bool)
    drawn[2:6, 18:28] = True  # as drawn in Dioptas
    outside = np.ones(SHAPE, bool)
    outside[1:23, 0:28] = False
    np.testing.assert_array_equal(read_dioptas(project).mask, (drawn | outside)[::-1, ::-1])
    change(project, params={"use_mask": False})
    np.testing.assert_array_equal(read_dioptas(project).mask, outside[::-1, ::-1])
    change(project, mask={"roi": None})
    assert read_dioptas(project).mask is None


@pytest.mark.parametrize(
    ("transformations", "orientation"),
    [
        ([], 2),
        (["flipud"], 3),
        (["fliplr"], 1),
        (["flipud", "fliplr"], 4),
        (["rotate_matrix_p90", "rotate_matrix_p90"], 4),
        (["rotate_matrix_p90", "fliplr", "rotate_matrix_p90"], 1),
        (["rotate_matrix_p90", "rotate_matrix_m90"], 2),
    ],
)
def test_turned_images_become_an_orientation(project, transformations, orientation):
    change(project, img={"transformations": transformations})
    assert f'"orientation": {orientation},' in read_dioptas(project).document["geometry"]["poni"]


def test_what_has_no_place_is_named(project):
    change(
        project,
        top={"overlays": [{}], "phases": [{}, {}]},
        img={"background_filename": "bg.tif", "background_scaling": 0.5, "corrections": {"cbn": {}}, "factor": 0.0},
        params={"integration_unit": "d_A", "integration_rad_points": None, "auto_integrate_cake": True},
        pattern={"auto_bkg_enabled": True},
        calibration={"supersampling_factor": 2, "detector_filename": "d.h5", "distortion_spline_filename": "s.spline"},
        configuration={"series_max": 5, "plugins": {"cosmics": {"enabled": True}, "other": {"enabled": False}}},
    )
    found = read_dioptas(project)
    text = "\n".join(found.lost)
    for words in (
        "overlays: 1", "phases: 2", "bg.tif, scaled by 0.5", "'cbn'", "factor: 0", "d_A", "number of bins: automatic",
        "cake:", "automatic background", "supersampling: 2 x 2", "d.h5", "s.spline", "frame 1 of", "'cosmics'",
    ):  # fmt: skip
        assert words in text
    assert "'other'" not in text
    assert '"pixel1": 0.002' in found.document["geometry"]["poni"]
    change(project, img={"background_scaling": 1.0})
    assert read_dioptas(project).document["corrections"]["dark"] == "bg.tif"


def test_projects_that_cannot_be_read(project):
    change(project, img={"transformations": ["rotate_matrix_p90"]})
    with pytest.raises(UnsupportedOptionError, match="turned by a quarter"):
        read_dioptas(project)
    change(project, img={"transformations": ["skew"]})
    with pytest.raises(UnsupportedOptionError, match="'skew' of its images is not known"):
        read_dioptas(project)
    change(project, img={"transformations": []}, calibration={"is_calibrated": False})
    with pytest.raises(ParameterError, match="has no calibration"):
        read_dioptas(project)
    with h5py.File(project, "r+") as file:
        file.attrs["format_version"] = 1
    with pytest.raises(UnsupportedOptionError, match=r"Dioptas 0\.8\.7 or earlier"):
        read_dioptas(project)
    with h5py.File(project, "r+") as file:
        file.attrs["format_version"] = 2
        file["state"][()] = "no JSON"
    with pytest.raises(FileFormatError, match="a damaged one"):
        read_dioptas(project)
    Path("text.dio").write_text("no HDF5")
    with pytest.raises(FileFormatError):
        convert_recipe("text.dio", "run.toml")


def test_convert_recipe_knows_the_kinds_of_sources(project, poni):
    convert_recipe(project, "run.json")
    with pytest.raises(OutputExistsError):
        convert_recipe(project, "run.json")
    for name in ("again.toml", "third.json"):
        assert convert_recipe("run.json", name).kind == "a recipe"
    assert recipe_document(read_recipe("third.json")) == recipe_document(read_recipe("run.json"))
