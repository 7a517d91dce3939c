# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
r"""Expressions: text such as ``"rot1 + scale * radians(tth)"`` as a value that knows its derivatives.

Language
    Numbers, names, ``+ - * / **``, signs, brackets, the functions below with their number of arguments, and ``pi``.
    Everything is a real number in double precision; ``**`` binds more tightly than a sign before it, ``-x**2`` is
    ``-(x**2)``.  There is nothing else: no attributes, no indices, no comparisons, no calls of anything but these
    functions.  The text is taken apart by Python's own parser and every node of it compared with this list; it is
    never run.

    ==================================  =======================================================
    function                            also written
    ==================================  =======================================================
    sin, cos, tan                       of angles in rad
    asin, acos, atan, atan2(y, x)       arcsin, arccos, arctan, arctan2; in rad
    sinh, cosh, tanh
    sqrt, exp, log, log10, abs          log is the natural logarithm
    radians, degrees                    deg2rad, rad2deg
    ==================================  =======================================================

Derivatives
    Exact, by the chain rule, carried along with the value: with :math:`\dot u` the derivatives of u with respect to
    all names,

    .. math:: \dot{(uv)} = \dot u v + u \dot v, \quad
              \dot{(u^v)} = v u^{v-1} \dot u + u^v \ln u\, \dot v, \quad
              \dot{f(u)} = f'(u)\, \dot u, \quad
              \dot{\mathrm{atan2}(u, v)} = \frac{v \dot u - u \dot v}{u^2 + v^2}

    abs has the derivative 0 at 0.
"""

from __future__ import annotations

import ast
import difflib
import keyword
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn, TypeAlias

import numpy as np

from azimuthal.errors import DataTypeError, ParameterError, UnknownNameError
from azimuthal.typing import FloatArray

__all__ = ["CONSTANTS", "FUNCTIONS", "Expression", "check_name"]

CONSTANTS: dict[str, float] = {"pi": float(np.pi)}

_LONGEST = 2000  # characters
_DEEPEST = 60  # brackets in brackets

_Dual: TypeAlias = "tuple[FloatArray, dict[str, FloatArray]]"  # a value, and its derivatives that are not zero
_Slope: TypeAlias = Callable[[FloatArray], FloatArray]

#: Function of one argument -> itself and its derivative.
_UNARY: dict[str, tuple[_Slope, _Slope]] = {
    "sin": (np.sin, np.cos),
    "cos": (np.cos, lambda u: -np.sin(u)),
    "tan": (np.tan, lambda u: 1 / np.cos(u) ** 2),
    "asin": (np.arcsin, lambda u: 1 / np.sqrt(1 - u**2)),
    "acos": (np.arccos, lambda u: -1 / np.sqrt(1 - u**2)),
    "atan": (np.arctan, lambda u: 1 / (1 + u**2)),
    "sinh": (np.sinh, np.cosh),
    "cosh": (np.cosh, np.sinh),
    "tanh": (np.tanh, lambda u: 1 - np.tanh(u) ** 2),
    "sqrt": (np.sqrt, lambda u: 0.5 / np.sqrt(u)),
    "exp": (np.exp, np.exp),
    "log": (np.log, lambda u: 1 / u),
    "log10": (np.log10, lambda u: 1 / (u * np.log(10.0))),
    "abs": (np.abs, np.sign),
    "radians": (np.radians, lambda u: np.full_like(u, np.pi / 180)),
    "degrees": (np.degrees, lambda u: np.full_like(u, 180 / np.pi)),
}
#: Other spelling -> ours.
_ALIASES = {
    "arcsin": "asin",
    "arccos": "acos",
    "arctan": "atan",
    "arctan2": "atan2",
    "deg2rad": "radians",
    "rad2deg": "degrees",
}
#: Function -> number of arguments.
FUNCTIONS: dict[str, int] = {**dict.fromkeys(_UNARY, 1), "atan2": 2}

_REFUSED: dict[type[ast.AST], str] = {
    ast.Attribute: "an attribute (a dot behind a name)",
    ast.Subscript: "an index",
    ast.Compare: "a comparison",
    ast.BoolOp: "'and' or 'or'",
    ast.IfExp: "a condition",
    ast.Lambda: "a lambda",
    ast.NamedExpr: "an assignment",
    ast.JoinedStr: "a text",
    ast.Tuple: "a tuple (a comma)",
    ast.List: "a list",
    ast.Dict: "a dictionary",
    ast.Set: "a set",
    ast.ListComp: "a comprehension",
    ast.SetComp: "a comprehension",
    ast.DictComp: "a comprehension",
    ast.GeneratorExp: "a comprehension",
    ast.Starred: "a star",
    ast.Await: "an await",
    ast.Yield: "a yield",
    ast.YieldFrom: "a yield",
}
_OPERATORS: dict[type[ast.AST], str] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Pow: "**"}
_OPERATOR_WORDS: dict[type[ast.AST], str] = {
    ast.BitXor: "'^' (a power is written **)",
    ast.Mod: "'%'",
    ast.FloorDiv: "'//'",
    ast.MatMult: "'@'",
    ast.Not: "'not'",
}


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression of named numbers; frozen, equal when the text is.

    Parameters
    ----------
    text:
        In the language of the module docstring.

    Attributes
    ----------
    names:
        The names in it, in the order of the alphabet, without constants.

    Raises
    ------
    DataTypeError
        `text` is not a text.
    ParameterError
        It is not of this language; the message says what in it is not.
    UnknownNameError
        A function that does not exist.

    Examples
    --------
    >>> turn = Expression("start + radians(tth)")
    >>> turn.names
    ('start', 'tth')
    >>> value, slopes = turn.evaluated({"start": 0.1, "tth": 0.0})
    >>> float(value), float(slopes["start"])
    (0.1, 1.0)
    """

    text: str
    names: tuple[str, ...] = field(init=False, compare=False, repr=False)
    _tree: ast.expr = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        given: object = self.text
        if not isinstance(given, str):
            raise DataTypeError(f"expression: expected a text such as 'offset + scale * tth', got {given!r}.")
        tree = _parsed(self.text)
        found: set[str] = set()
        _check(tree, self.text, found, 0)
        object.__setattr__(self, "_tree", tree)
        object.__setattr__(self, "names", tuple(sorted(found - set(CONSTANTS))))

    def check_names(self, known: Collection[str], what: str) -> None:
        """Raise when a name in it is not one of `known`; `what` says whose expression it is."""
        for name in self.names:
            if name not in known:
                close = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
                advice = f"did you mean {' or '.join(map(repr, close))}?" if close else f"known: {_listed(known)}."
                raise UnknownNameError(f"{what} = {self.text!r}: the name {name!r} is not known; {advice}")

    def evaluated(self, values: Mapping[str, Any]) -> tuple[FloatArray, dict[str, FloatArray]]:
        """Return the value and its derivatives.

        Parameters
        ----------
        values:
            A number or an array for every name; arrays are of one shape.

        Returns
        -------
        :
            The value, and the derivative with respect to each name that it depends on; float64, arrays of that shape
            (or scalars where nothing in it is an array).  NaN or infinite where the function is: a logarithm of
            something negative, a division by zero.
        """
        missing = [name for name in self.names if name not in values]
        if missing:
            raise ParameterError(f"{self.text!r}: no value for {', '.join(missing)}.")
        with np.errstate(all="ignore"):
            return _dual(self._tree, values)

    def __call__(self, values: Mapping[str, Any]) -> FloatArray:
        """Return the value only."""
        return self.evaluated(values)[0]

    def __str__(self) -> str:
        return self.text

    def for_numexpr(self) -> str:
        """Return the same expression with the functions that numexpr has: for files that pyFAI is to read."""
        return ast.unparse(_ForNumexpr().visit(ast.parse(self.text.strip(), mode="eval")))

    def __reduce__(self) -> tuple[type[Expression], tuple[str]]:
        return Expression, (self.text,)


def check_name(what: str, name: object) -> None:
    """Raise when something cannot be the name of a motor or of a parameter."""
    if not isinstance(name, str) or not name.isidentifier() or keyword.iskeyword(name):
        raise ParameterError(
            f"{what}: expected a name of letters, digits and underscores that begins with a letter, got {name!r}."
        )
    if name in FUNCTIONS or name in _ALIASES or name in CONSTANTS:
        raise ParameterError(f"{what}: {name!r} is a function or a constant of the expressions; choose another name.")


def _parsed(text: str) -> ast.expr:
    if len(text) > _LONGEST:
        raise ParameterError(f"expression: expected at most {_LONGEST} characters, got {len(text)}: {text[:60]!r}...")
    try:
        return ast.parse(text.strip(), mode="eval").body
    except SyntaxError as error:
        where = f" at character {error.offset}" if error.offset else ""
        raise ParameterError(f"expression {text!r}: cannot be read{where}: {error.msg}.") from None
    except (ValueError, MemoryError, RecursionError) as error:
        raise ParameterError(f"expression {text[:60]!r}: cannot be read: {str(error) or 'too deep'}.") from None


def _check(node: ast.AST, text: str, names: set[str], depth: int) -> None:
    """Raise at the first node that is not of the language; collect the names."""
    if depth > _DEEPEST:
        raise ParameterError(f"expression {text[:60]!r}: more than {_DEEPEST} operations in each other.")
    if isinstance(node, ast.Constant):
        _check_number(node.value, text)
    elif isinstance(node, ast.Name):
        if node.id in FUNCTIONS or node.id in _ALIASES:
            raise ParameterError(f"expression {text!r}: {node.id} is a function; write {node.id}(...).")
        names.add(node.id)
    elif isinstance(node, ast.BinOp):
        if type(node.op) not in _OPERATORS:
            _refuse(text, _OPERATOR_WORDS.get(type(node.op), f"the operator {type(node.op).__name__}"))
        _check(node.left, text, names, depth + 1)
        _check(node.right, text, names, depth + 1)
    elif isinstance(node, ast.UnaryOp):
        if not isinstance(node.op, (ast.UAdd, ast.USub)):
            _refuse(text, _OPERATOR_WORDS.get(type(node.op), f"the operator {type(node.op).__name__}"))
        _check(node.operand, text, names, depth + 1)
    elif isinstance(node, ast.Call):
        _check_call(node, text)
        for argument in node.args:
            _check(argument, text, names, depth + 1)
    else:
        _refuse(text, _REFUSED.get(type(node), type(node).__name__))


def _check_number(value: object, text: str) -> None:
    if type(value) not in (int, float):
        _refuse(text, f"{value!r}")
    try:
        number = float(value)  # type: ignore[arg-type]
    except OverflowError:
        number = np.inf
    if not np.isfinite(number):
        _refuse(text, "a number beyond 1.8e308")


def _check_call(node: ast.Call, text: str) -> None:
    if not isinstance(node.func, ast.Name):
        _refuse(text, "a call of something that is not a function of the list")
    name = node.func.id
    known = _ALIASES.get(name, name)
    if known not in FUNCTIONS:
        close = difflib.get_close_matches(name, [*FUNCTIONS, *_ALIASES], n=2, cutoff=0.5)
        advice = f"did you mean {' or '.join(map(repr, close))}?" if close else f"there are {_listed(FUNCTIONS)}."
        raise UnknownNameError(f"expression {text!r}: the function {name!r} is not known; {advice}")
    if node.keywords:
        _refuse(text, f"a named argument of {name}")
    if len(node.args) != FUNCTIONS[known] and not any(isinstance(one, ast.Starred) for one in node.args):
        raise ParameterError(
            f"expression {text!r}: {name} takes {FUNCTIONS[known]} argument{'s' * (FUNCTIONS[known] > 1)}, got "
            f"{len(node.args)}."
        )


def _refuse(text: str, what: str) -> NoReturn:
    raise ParameterError(
        f"expression {text!r}: {what} is not allowed. Numbers, names, + - * / **, brackets and the functions "
        f"{_listed(FUNCTIONS)} are."
    )


def _listed(names: Collection[str]) -> str:
    return ", ".join(names) if names else "none"


def _dual(node: ast.expr, values: Mapping[str, Any]) -> _Dual:
    """Return value and derivatives of a checked node."""
    if isinstance(node, ast.Constant):
        return np.float64(node.value), {}  # type: ignore[return-value,arg-type]
    if isinstance(node, ast.Name):
        if node.id in values:
            value = np.asarray(values[node.id], dtype=np.float64)
            return value, {node.id: np.ones_like(value)}
        return np.float64(CONSTANTS[node.id]), {}  # type: ignore[return-value]
    if isinstance(node, ast.UnaryOp):
        value, slopes = _dual(node.operand, values)
        return (value, slopes) if isinstance(node.op, ast.UAdd) else (-value, {k: -v for k, v in slopes.items()})
    if isinstance(node, ast.BinOp):
        return _binary(_OPERATORS[type(node.op)], _dual(node.left, values), _dual(node.right, values))
    assert isinstance(node, ast.Call)  # _check let nothing else pass
    assert isinstance(node.func, ast.Name)
    name = _ALIASES.get(node.func.id, node.func.id)
    arguments = [_dual(argument, values) for argument in node.args]
    if name == "atan2":
        (y, _), (x, _) = arguments
        squared = x**2 + y**2
        return np.arctan2(y, x), _chained((arguments[0], x / squared), (arguments[1], -y / squared))
    function, slope = _UNARY[name]
    value, slopes = arguments[0]
    return function(value), _chained(((value, slopes), slope(value))) if slopes else {}


def _binary(operator: str, left: _Dual, right: _Dual) -> _Dual:
    u, v = left[0], right[0]
    one = np.float64(1.0)
    if operator == "+":
        return u + v, _chained((left, one), (right, one))
    if operator == "-":
        return u - v, _chained((left, one), (right, -one))
    if operator == "*":
        return u * v, _chained((left, v), (right, u))
    if operator == "/":
        return u / v, _chained((left, one / v), (right, -u / v**2))
    power = np.power(u, v)
    parts: list[tuple[_Dual, Any]] = [(left, v * np.power(u, v - 1))]
    if right[1]:
        parts.append((right, power * np.log(u)))
    return power, _chained(*parts)


def _chained(*parts: tuple[_Dual, Any]) -> dict[str, FloatArray]:
    """Return the derivatives of a function from those of its arguments and its slopes along them."""
    total: dict[str, FloatArray] = {}
    for (_, slopes), outer in parts:
        for name, slope in slopes.items():
            total[name] = total[name] + outer * slope if name in total else outer * slope
    return total


class _ForNumexpr(ast.NodeTransformer):
    """Spells functions as numexpr does; degrees and radians become factors."""

    _SPELLINGS = {ours: other for other, ours in _ALIASES.items() if ours not in ("radians", "degrees")}  # noqa: RUF012

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        assert isinstance(node.func, ast.Name)
        name = _ALIASES.get(node.func.id, node.func.id)
        if name in ("radians", "degrees"):
            factor = "pi / 180.0" if name == "radians" else "180.0 / pi"
            return ast.BinOp(node.args[0], ast.Mult(), ast.parse(f"({factor})", mode="eval").body)
        node.func.id = self._SPELLINGS.get(name, name)
        return node
