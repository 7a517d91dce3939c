# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Units as values: scaling, equality, pickles, JSON."""

import copy
import doctest
import importlib
import json
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from azimuthal.errors import ParameterError, UnknownNameError
from azimuthal.units import Unit, helper_unit_names, unit, unit_names

ALL_NAMES = (*unit_names(), *helper_unit_names())
FIBRE_NAMES = [name for name in unit_names() if unit(name).parameters]
SAMPLE = {"incident_angle": 0.0035, "tilt_angle": -0.1, "sample_orientation": 6}

#: One multiplication and one division.
ONE_ULP = 2.3e-16


@settings(deadline=None)
@given(
    st.sampled_from(ALL_NAMES),
    st.floats(-1e100, 1e100).filter(lambda value: value == 0 or abs(value) > 1e-100),
)
def test_to_canonical_and_back_is_the_same_value(name, value):
    found = unit(name)
    assert float(found.from_canonical(found.to_canonical(value))) == pytest.approx(value, rel=2 * ONE_ULP, abs=0)
    assert float(found.to_canonical(found.from_canonical(value))) == pytest.approx(value, rel=2 * ONE_ULP, abs=0)


@pytest.mark.parametrize("dtype", [np.float32, np.int16, np.uint8, ">f4"])
def test_canonical_values_are_new_float64_arrays(dtype):
    values = np.arange(6, dtype=dtype).reshape(2, 3)
    for result in (unit("q_nm^-1").to_canonical(values), unit("r_m").from_canonical(values)):
        assert result.dtype == np.float64
        assert result.shape == (2, 3)
        assert not np.shares_memory(result, values)
    np.testing.assert_allclose(unit("q_nm^-1").to_canonical(values), values * 1e9, rtol=ONE_ULP * 2)


@pytest.mark.parametrize("name", ALL_NAMES)
def test_unit_pickles_copies_and_hashes(name):
    found = unit(name)
    for same in (pickle.loads(pickle.dumps(found)), copy.copy(found), copy.deepcopy(found)):
        assert same == found
        assert hash(same) == hash(found)
    assert pickle.loads(pickle.dumps(found.quantity)) == found.quantity


@pytest.mark.parametrize("name", FIBRE_NAMES)
def test_unit_with_sample_pickles_and_goes_to_json(name):
    found = unit(name, **SAMPLE)
    assert pickle.loads(pickle.dumps(found)) == found != unit(name)
    record = json.loads(json.dumps(found.to_dict()))
    assert record == {"name": name, "parameters": SAMPLE}
    assert Unit.from_dict(record) == found


@pytest.mark.parametrize("name", ALL_NAMES)
def test_unit_goes_to_json(name):
    assert Unit.from_dict(json.loads(json.dumps(unit(name).to_dict()))) == unit(name)


def test_record_of_a_plain_unit_is_its_name():
    assert unit("q_nm^-1").to_dict() == {"name": "q_nm^-1"}


def test_record_with_an_unknown_key_raises():
    with pytest.raises(UnknownNameError, match="unit record: 'params' is not known"):
        Unit.from_dict({"name": "qip_nm^-1", "params": {}})


def test_unit_that_is_not_registered_cannot_be_stored():
    made = Unit("q_nm^-1", unit("q_nm^-1").quantity, 1.0, "m^-1", "q")
    with pytest.raises(ParameterError, match="register_unit"):
        made.to_dict()


def test_units_of_one_quantity_share_it():
    assert unit("q_nm^-1").quantity == unit("q_A^-1").quantity
    assert unit("q_nm^-1") != unit("q_A^-1")
    assert unit("qip_nm^-1", incident_angle=0.1).quantity != unit("qip_A^-1", incident_angle=0.2).quantity


def test_unit_is_frozen_and_prints_its_name():
    q = unit("q_nm^-1")
    with pytest.raises(AttributeError):
        q.scale = 2.0
    assert str(q) == f"{q}" == "q_nm^-1"


@pytest.mark.parametrize("module", ["_registry", "_conversion", "axis"])
def test_examples_in_docstrings_hold(module):
    result = doctest.testmod(importlib.import_module(f"azimuthal.units.{module}"))
    assert result.failed == 0
    assert result.attempted > 0
