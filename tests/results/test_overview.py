# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""The picture of image, cake and pattern."""

import numpy as np
import pytest

from azimuthal.errors import OutputExistsError, ParameterError, ShapeError, UnknownNameError
from azimuthal.results.overview import save_overview
from azimuthal.testing.results import example_cake, example_profile

pytest.importorskip("matplotlib")


@pytest.fixture
def image():
    image = np.random.default_rng(0).poisson(20, (30, 40)).astype(float)
    image[5] = np.nan
    return image


def test_save_overview_draws_a_picture(tmp_path, image):
    path = tmp_path / "o.png"
    made = save_overview(
        image, example_cake(), example_profile(), path, markers={"111": 12.0, "200": 20.0}, center=(3, 4), title="a $ b"
    )
    assert made == path
    assert path.read_bytes().startswith(b"\x89PNG")
    with pytest.raises(OutputExistsError):
        save_overview(image, example_cake(), example_profile(), path)
    save_overview(image, example_cake(), example_profile(error_model=None), path, force=True)


@pytest.mark.parametrize("values", [np.full((4, 5), np.nan), np.zeros((4, 5)), np.ones((4, 5))])
def test_save_overview_of_an_image_without_contrast_works(tmp_path, values):
    save_overview(values, example_cake(), example_profile(), tmp_path / "o.svg")


def test_save_overview_refuses_what_does_not_go_together(tmp_path, image):
    with pytest.raises(ShapeError, match="two dimensions"):
        save_overview(image[0], example_cake(), example_profile(), tmp_path / "o.png")
    with pytest.raises(ParameterError, match="unit of the profile"):
        save_overview(image, example_cake(), example_profile("2th_deg"), tmp_path / "o.png")
    with pytest.raises(UnknownNameError, match="gif"):
        save_overview(image, example_cake(), example_profile(), tmp_path / "o.gif")
    assert not list(tmp_path.iterdir())
