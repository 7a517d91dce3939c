# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Finding units and registering one's own."""

import concurrent.futures
import pickle

import numpy as np
import pytest

from azimuthal.errors import (
    DataTypeError,
    ParameterError,
    ShapeError,
    UnknownNameError,
    WavelengthMissingError,
)
from azimuthal.units import Unit, _registry, convert, register_unit, unit, unit_names


@pytest.fixture(autouse=True)
def empty_registry(monkeypatch):
    monkeypatch.setattr(_registry, "_registered", {})


def height(x, y, z, wavelength):
    return y + 0.0 * x


def test_unit_passes_a_unit_through():
    q = unit("q_nm^-1")
    assert unit(q) is q


@pytest.mark.parametrize("bad", [None, 3, b"q_nm^-1", ["q_nm^-1"]])
def test_unit_of_another_type_raises(bad):
    with pytest.raises(DataTypeError, match="expected a name such as 'q_nm"):
        unit(bad)


def test_registered_unit_is_found_and_computes():
    made = register_unit("height_mm", height, symbol="mm", scale=1e3, label="height (mm)")
    assert isinstance(made, Unit)
    assert unit("Height (mm)") == made == unit("height_mm")
    assert unit_names()[-1] == "height_mm"
    np.testing.assert_array_equal(made.values(0.0, [0.001, -0.5], 1.0), [1.0, -500.0])
    assert (made.label, made.symbol, made.positive, made.period) == ("height (mm)", "mm", False, None)


def test_registered_unit_default_label_and_period():
    made = register_unit("psi_deg", height, symbol="deg", scale=180 / np.pi, period=360)
    assert made.label == "psi_deg (°)"
    assert made.period == pytest.approx(360)
    assert made.quantity.period == pytest.approx(2 * np.pi)
    assert register_unit("ratio", height, symbol="").label == "ratio"


def test_registered_unit_pickles_and_stores_by_name():
    made = register_unit("height_mm", lambda x, y, z, wavelength: 1.0 * y, symbol="mm")
    assert made.to_dict() == {"name": "height_mm"}
    assert pickle.loads(pickle.dumps(made)) == made


def test_registered_unit_that_was_replaced_cannot_be_stored():
    old = register_unit("height_mm", height, symbol="mm")
    new = register_unit("height_mm", lambda x, y, z, wavelength: 2.0 * y, symbol="mm", replace=True)
    assert unit("height_mm") is new
    assert old != new
    with pytest.raises(ParameterError, match="no longer"):
        old.to_dict()


def test_registered_unit_unknown_where_it_is_read_raises(monkeypatch):
    stored = pickle.dumps(register_unit("height_mm", height, symbol="mm"))
    monkeypatch.setattr(_registry, "_registered", {})
    with pytest.raises(UnknownNameError, match="height_mm"):
        pickle.loads(stored)


def test_registered_twice_raises_unless_replaced():
    register_unit("height_mm", height, symbol="mm")
    with pytest.raises(ParameterError, match=r"registered already, as 'height_mm'\. Pass replace=True"):
        register_unit("Height [mm]", height, symbol="mm")


@pytest.mark.parametrize("name", ["q_nm^-1", "q [1/nm]", "Q_A-1", "q", "2θ", "tth_deg", "mm", "Å", "chi"])
@pytest.mark.parametrize("replace", [False, True])
def test_registered_name_that_spells_a_built_in_raises(name, replace):
    with pytest.raises(ParameterError, match="is a spelling of the built-in"):
        register_unit(name, height, symbol="", replace=replace)


@pytest.mark.parametrize("name", ["", "  ", "_", None, 4])
def test_registered_name_that_is_no_text_raises(name):
    with pytest.raises(DataTypeError, match="name: expected a non-empty text"):
        register_unit(name, height, symbol="")


def test_registered_function_is_validated():
    with pytest.raises(DataTypeError, match="function: expected a function"):
        register_unit("a_b", 3, symbol="")
    with pytest.raises(ShapeError, match="of the shape of x"):
        register_unit("a_b", lambda x, y, z, wavelength: x[0], symbol="")
    with pytest.raises(ShapeError, match="of the shape of x"):
        register_unit("a_b", lambda x, y, z, wavelength: 1.0, symbol="")
    with pytest.raises(DataTypeError, match="floating-point values, got dtype int64"):
        register_unit("a_b", lambda x, y, z, wavelength: (x > 0).astype(np.int64), symbol="")
    with pytest.raises(ParameterError, match="element by element"):
        register_unit("a_b", lambda x, y, z, wavelength: x / x.max(), symbol="")
    with pytest.raises(ParameterError, match="four arguments"):
        register_unit("a_b", lambda x, y: x, symbol="")
    assert "a_b" not in unit_names()


def test_registered_function_that_needs_the_wavelength_must_say_so():
    def k_times_y(x, y, z, wavelength):
        return y / wavelength

    with pytest.raises(ParameterError, match="needs_wavelength=True"):
        register_unit("ky", k_times_y, symbol="1/m")
    made = register_unit("ky", k_times_y, symbol="1/m", needs_wavelength=True)
    assert made.values(0.0, 1.0, 1.0, 0.5) == 2.0
    with pytest.raises(WavelengthMissingError):
        made.values(0.0, 1.0, 1.0)


def test_registered_function_that_fails_shows_its_own_error():
    def broken(x, y, z, wavelength):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        register_unit("broken", broken, symbol="")


@pytest.mark.parametrize("scale", [0, -1, np.inf, np.nan])
def test_registered_scale_that_is_not_positive_raises(scale):
    with pytest.raises(ParameterError, match="scale"):
        register_unit("height_mm", height, symbol="mm", scale=scale)
    with pytest.raises(ParameterError, match="period"):
        register_unit("height_mm", height, symbol="mm", period=scale)


def test_registered_unit_takes_no_parameters_and_no_conversion():
    register_unit("height_mm", height, symbol="mm")
    with pytest.raises(UnknownNameError, match="takes no parameters"):
        unit("height_mm", incident_angle=0.1)
    with pytest.raises(ValueError, match="no function of the scattering angle"):
        convert(1.0, "height_mm", "q_nm^-1")
    assert convert(1.0, "height_mm", "height_mm") == 1.0


def test_registration_from_many_threads_lets_one_win():
    def attempt(number):
        try:
            return register_unit("height_mm", height, symbol="mm", label=str(number))
        except ParameterError:
            return None

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        made = [result for result in pool.map(attempt, range(64)) if result is not None]
    assert len(made) == 1
    assert unit("height_mm") == made[0]
