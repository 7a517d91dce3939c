# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Expressions: what they are worth, how they change, and everything that they are not."""

import math
import pickle

import numpy as np
import pytest

from azimuthal.calibration.expressions import FUNCTIONS, Expression, check_name
from azimuthal.errors import DataTypeError, ParameterError, UnknownNameError

VALUES = {"a": 0.3, "b": 0.7, "c": 2.0}

TEXTS = {
    "a + b * c - 1 / 2": lambda a, b, c: a + b * c - 0.5,
    "-a ** 2": lambda a, b, c: -(a**2),
    "2 ** 3 ** a": lambda a, b, c: 2 ** (3**a),
    "(a + b) ** c": lambda a, b, c: (a + b) ** c,
    "a ** b": lambda a, b, c: a**b,
    "+a - -b": lambda a, b, c: a + b,
    "a / b / c": lambda a, b, c: a / b / c,
    "10 ** -3 * a": lambda a, b, c: 1e-3 * a,
    "sin(a) * cos(b) + tan(a)": lambda a, b, c: math.sin(a) * math.cos(b) + math.tan(a),
    "asin(a) + acos(b) + atan(c)": lambda a, b, c: math.asin(a) + math.acos(b) + math.atan(c),
    "arcsin(a) - arccos(b) * arctan(c)": lambda a, b, c: math.asin(a) - math.acos(b) * math.atan(c),
    "atan2(a, -b) + arctan2(c, a)": lambda a, b, c: math.atan2(a, -b) + math.atan2(c, a),
    "sinh(a) + cosh(b) - tanh(c)": lambda a, b, c: math.sinh(a) + math.cosh(b) - math.tanh(c),
    "sqrt(a) * exp(-b) * log(c) + log10(c)": lambda a, b, c: math.sqrt(a) * math.exp(-b) * math.log(c) + math.log10(c),
    "abs(a - b) * c": lambda a, b, c: abs(a - b) * c,
    "radians(a) + degrees(b) - deg2rad(c) * rad2deg(a)": lambda a, b, c: (
        math.radians(a) + math.degrees(b) - math.radians(c) * math.degrees(a)
    ),
    "pi * a": lambda a, b, c: math.pi * a,
    "12.398419843320026e-10 / (a + b)": lambda a, b, c: 12.398419843320026e-10 / (a + b),
}


@pytest.mark.parametrize("text", TEXTS)
def test_value_is_that_of_python_and_slopes_those_of_differences(text):
    value, slopes = Expression(text).evaluated(VALUES)
    assert float(value) == pytest.approx(TEXTS[text](**VALUES), rel=1e-15)
    for name in VALUES:
        step = 1e-6
        ends = [TEXTS[text](**{**VALUES, name: VALUES[name] + sign * step}) for sign in (-1, 1)]
        expected = (ends[1] - ends[0]) / (2 * step)
        assert float(slopes.get(name, 0.0)) == pytest.approx(expected, rel=1e-7, abs=1e-9), name


def test_every_function_is_tested_above():
    everything = " ".join(TEXTS)
    assert all(f"{name}(" in everything for name in FUNCTIONS)


def test_random_expressions_have_the_slopes_of_complex_steps():
    """Derivatives by an imaginary step of 1e-30 are exact to rounding: an independent way to the same number."""
    rng = np.random.default_rng(4)

    def grown(depth):
        if depth == 0:
            return rng.choice(["a", "b", "c", f"{rng.uniform(0.5, 2):.3f}"])
        kind = rng.integers(0, 6)
        if kind < 4:
            return f"({grown(depth - 1)} {'+-*/'[kind]} {grown(depth - 1)})"
        return f"{rng.choice(['sin', 'cos', 'exp', 'atan', 'tanh'])}({grown(depth - 1)})"

    functions = {"sin": np.sin, "cos": np.cos, "exp": np.exp, "atan": np.arctan, "tanh": np.tanh}
    compared = 0
    for _ in range(200):
        text = str(grown(int(rng.integers(1, 6))))
        value, slopes = Expression(text).evaluated(VALUES)
        for name in Expression(text).names:
            with np.errstate(all="ignore"):
                there = eval(text, functions, {k: np.complex128(v + 1e-30j * (k == name)) for k, v in VALUES.items()})
            expected = np.imag(there) / 1e-30
            if np.isfinite([expected, value, slopes[name]]).all() and abs(expected) < 1e6:
                assert float(slopes[name]) == pytest.approx(expected, rel=1e-9, abs=1e-9), text
                compared += 1
    assert compared > 200


def test_arrays_give_arrays():
    motors = np.array([0.0, 30.0, 90.0])
    value, slopes = Expression("offset + scale * radians(tth)").evaluated({"offset": 0.1, "scale": 2.0, "tth": motors})
    np.testing.assert_allclose(value, 0.1 + 2 * np.radians(motors), rtol=1e-15)
    np.testing.assert_allclose(slopes["scale"], np.radians(motors))
    np.testing.assert_allclose(slopes["tth"], 2 * np.pi / 180)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a.real", "attribute"),
        ("().__class__", "attribute"),
        ("a[0]", "index"),
        ("__import__('os').system('true')", "not a function of the list"),
        ("(lambda: 1)()", "not a function of the list"),
        ("[x for x in a]", "comprehension"),
        ("sin(*a)", "star"),
        ("sin(x=a)", "named argument"),
        ("a if b else c", "condition"),
        ("a and b", "'and'"),
        ("a < b", "comparison"),
        ("(a := 1)", "assignment"),
        ("a, b", "tuple"),
        ("f'{a}'", "a text"),
        ("'a'", "'a'"),
        ("True", "True"),
        ("None", "None"),
        ("1j", "1j"),
        ("...", "Ellipsis"),
        ("a ^ 2", r"written \*\*"),
        ("a % b", "'%'"),
        ("a // b", "'//'"),
        ("a @ b", "'@'"),
        ("~a", "Invert"),
        ("not a", "'not'"),
        ("a = 1", "cannot be read"),
        ("a +", "cannot be read"),
        ("", "cannot be read"),
        ("import os", "cannot be read"),
        ("a; b", "cannot be read"),
        ("1e999", "beyond"),
        ("1" + "0" * 400, "beyond"),
        ("sin", "is a function"),
        ("sin(a, b)", "takes 1 argument, got 2"),
        ("atan2(a)", "takes 2 arguments, got 1"),
        ("+".join("a" * 1500), "at most 2000"),
        ("sin(" * 80 + "a" + ")" * 80, "in each other"),
        ("(" * 900 + "a" + ")" * 900, "cannot be read"),
    ],
)
def test_what_is_not_of_the_language_is_refused(text, message):
    with pytest.raises(ParameterError, match=message):
        Expression(text)


def test_unknown_functions_and_names_are_told_with_the_nearest():
    with pytest.raises(UnknownNameError, match="did you mean 'sqrt'"):
        Expression("sqr(a)")
    with pytest.raises(UnknownNameError, match="'eval' is not known"):
        Expression("eval(a)")
    with pytest.raises(UnknownNameError, match="did you mean 'offset'"):
        Expression("ofset + 1").check_names(("offset", "tth"), "rot1")
    with pytest.raises(ParameterError, match="no value for b"):
        Expression("a + b").evaluated({"a": 1.0})
    with pytest.raises(DataTypeError, match="expected a text"):
        Expression(1.0)


def test_powers_that_would_never_end_are_numbers():
    assert float(Expression("9 ** 9 ** 9 ** 9")({})) == np.inf
    assert np.isnan(Expression("log(a)")({"a": -1.0}))
    assert Expression("1 / a")({"a": 0.0}) == np.inf


@pytest.mark.parametrize("name", ["2th", "two theta", "lambda", "", "sin", "pi", "arctan2", 3])
def test_names_that_cannot_be_names_are_refused(name):
    with pytest.raises(ParameterError, match="motor"):
        check_name("motor", name)


def test_expressions_are_values():
    one = Expression("a + sin(b)")
    assert one == Expression("a + sin(b)")
    assert hash(one) == hash(Expression("a + sin(b)"))
    assert pickle.loads(pickle.dumps(one)) == one
    assert str(one) == "a + sin(b)"
    assert one.names == ("a", "b")
    assert Expression("2 * pi").names == ()


def test_numexpr_gets_its_own_spellings():
    pytest.importorskip("numexpr")
    import numexpr

    for text, expected in TEXTS.items():
        if "pi" in text and "radians" not in text:
            continue
        code = numexpr.NumExpr(Expression(text).for_numexpr())
        known = {**VALUES, "pi": math.pi}
        assert float(code(*(known[name] for name in code.input_names))) == pytest.approx(expected(**VALUES), rel=1e-14)
