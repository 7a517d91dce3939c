# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
r"""A goniometer: the geometry as expressions of motors and parameters.

Each of dist, poni1, poni2 (m), rot1, rot2, rot3 (rad) and, where it moves or is refined, the wavelength (m) or the
energy (keV) is an :class:`~azimuthal.calibration.expressions.Expression` of

- *motors*: what the beamline recorded for every image: angles of an arm in degrees, translations in mm, a
  monochromator, in whatever unit, for the expressions say what it means;
- *parameters*: numbers that are the same for all images and that a refinement may change;
- *constants*: numbers that it may not.

What has no expression is 0; dist has one always.  With :math:`v = f(p, m)` the seven values at the position m and
:math:`G = \partial f / \partial p`, a covariance C of the parameters becomes :math:`G C G^T` there
(:meth:`Goniometer.covariance_at`), so that two theta has an uncertainty at every position, also between and beyond
those that were measured.

A detector on a two-theta arm about laboratory axis 1 (upright) whose normal goes through the sample, in the signs of
:mod:`azimuthal.geometry.frames`::

    dist = "dist", poni1 = "poni1", poni2 = "poni2", rot1 = "rot1 + scale1 * radians(tth)", rot2 = "rot2"

rot1 turns the detector before rot2 does: for an arm about axis 1 on a tilted base, or about axis 2 with a detector
that is turned on it, rotations do not add up as angles.  :meth:`Goniometer.arm` writes the expressions of such an arm
out, exactly.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from types import MappingProxyType
from typing import Any, Literal

import numpy as np

import azimuthal._upward as upward
from azimuthal._validate import finite_number, one_of, unknown_name
from azimuthal.calibration.expressions import CONSTANTS, Expression, check_name
from azimuthal.calibration.radial_uncertainty import pixel_uncertainty, radial_uncertainty
from azimuthal.calibration.residuals import PARAMETERS, two_theta_and_jacobian
from azimuthal.detectors import Detector
from azimuthal.errors import DataTypeError, ParameterError, ShapeError
from azimuthal.geometry import Beam, ParallaxSettings, Pose
from azimuthal.instrument import Instrument
from azimuthal.integrate import Integrator
from azimuthal.typing import FloatArray, PathLike
from azimuthal.units import unit as find_unit

__all__ = ["POSE_VALUES", "Evaluated", "Goniometer"]

POSE_VALUES = PARAMETERS[:6]
_VALUES = (*PARAMETERS, "energy")
_UNTOLD = 1e-9  # rad of two theta for a change of the size of the geometry itself: nothing


@dataclass(frozen=True, slots=True, eq=False)
class Evaluated:
    """The seven values of :data:`~azimuthal.calibration.residuals.PARAMETERS` at n positions, and their derivatives.

    Attributes
    ----------
    values:
        Shape (n, 7), m and rad; the wavelength is NaN when there is none.
    by_parameter:
        Shape (n, 7, number of parameters).
    by_motor:
        Shape (n, 7, number of motors).
    """

    values: FloatArray
    by_parameter: FloatArray
    by_motor: FloatArray


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Goniometer:
    """A detector whose geometry depends on motors; frozen.

    Parameters
    ----------
    detector:
        The same at all positions.
    motors:
        Their names.
    parameters:
        Name -> value.
    expressions:
        Of dist and any of poni1, poni2, rot1, rot2, rot3, wavelength (m), energy (keV): texts or
        :class:`~azimuthal.calibration.expressions.Expression`.
    wavelength:
        m, when there is no expression of it; None: not known.
    constants:
        Name -> value, for the expressions.
    parallax:
        As of :class:`~azimuthal.instrument.Instrument`.
    covariance:
        Of the parameters, in their order; None: not known.
    unknown:
        Directions in the space of the parameters, shape (k, number of parameters), that no measurement tells.
    covered:
        Motor -> (lowest, highest) position that it was refined on.

    Raises
    ------
    DataTypeError, ParameterError, ShapeError
        Something is of the wrong type, is given twice, or makes no sense.
    UnknownNameError
        An expression uses a name that is neither motor, parameter nor constant.

    Examples
    --------
    >>> import azimuthal as az
    >>> arm = Goniometer(
    ...     detector=az.detector("Pilatus100k"),
    ...     motors=("tth",),
    ...     parameters={"dist": 0.5, "offset": 0.01, "scale": 1.0},
    ...     expressions={"dist": "dist", "rot1": "offset - scale * radians(tth)"},
    ...     wavelength=1e-10,
    ... )
    >>> round(arm.instrument(tth=30.0).pose.rot1, 6)
    -0.513599
    """

    detector: Detector
    motors: tuple[str, ...]
    parameters: Mapping[str, float]
    expressions: Mapping[str, Expression]
    wavelength: float | None = None
    constants: Mapping[str, float] = field(default_factory=dict)
    parallax: ParallaxSettings | None = None
    covariance: FloatArray | None = None
    unknown: FloatArray | None = None
    covered: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not isinstance(self.detector, Detector):
            raise DataTypeError(f"detector: expected a Detector, got {type(self.detector).__name__}.")
        given: object = self.motors
        motors = (given,) if isinstance(given, str) else tuple(self.motors)
        parameters, constants = _numbers("parameters", self.parameters), _numbers("constants", self.constants)
        _check_names(motors, parameters, constants)
        expressions = _expressions(self.expressions)
        for name, expression in expressions.items():
            expression.check_names((*motors, *parameters, *constants, *CONSTANTS), name)
        wavelength = Beam(self.wavelength).wavelength
        if wavelength is not None and ("wavelength" in expressions or "energy" in expressions):
            raise ParameterError("wavelength: given as a number and as an expression (or energy); give one of them.")
        changed = {
            "motors": motors,
            "parameters": MappingProxyType(parameters),
            "constants": MappingProxyType(constants),
            "expressions": MappingProxyType(expressions),
            "wavelength": wavelength,
            "covariance": _matrix("covariance", self.covariance, len(parameters), square=True),
            "unknown": _matrix("unknown", self.unknown, len(parameters), square=False),
            "covered": MappingProxyType({name: (float(a), float(b)) for name, (a, b) in dict(self.covered).items()}),
        }
        for name, value in changed.items():
            object.__setattr__(self, name, value)

    @classmethod
    def arm(
        cls, instrument: Instrument, motor: str = "tth", *, axis: Literal[1, 2, 3] = 1, at: float = 0.0,
        direction: Literal[1, -1] = 1,
    ) -> Goniometer:  # fmt: skip
        """Return the model of a detector that an arm swings about the sample, from its geometry at one position.

        The axis of the arm is a laboratory axis through the sample.  Where the detector stands on the arm (dist,
        poni1, poni2, rot1, rot2, rot3: its geometry at the motor position `at`) and how far a degree of the motor
        turns (scale) are the parameters, named so.

        Parameters
        ----------
        instrument:
            The geometry at one position of the motor.
        motor:
            Its name; degrees.
        axis:
            Laboratory axis of the arm: 1 upright, 2 horizontal, 3 the beam.
        at:
            The position at which `instrument` holds.
        direction:
            1 when the rotation of the same number (rot1 for axis 1) grows with the motor, -1 when it decreases.
        """
        if axis not in (1, 2, 3) or direction not in (1, -1):
            raise ParameterError(f"axis, direction: expected 1, 2 or 3 and 1 or -1, got {axis!r} and {direction!r}.")
        check_name("motor", motor)
        away = finite_number("at", at)
        turn = f"scale * radians({motor} - {away!r})" if away else f"scale * radians({motor})"
        parameters = {name: getattr(instrument.pose, name) for name in POSE_VALUES} | {"scale": float(direction)}
        rotations = _arm_rotations(turn, axis)
        return cls(
            detector=instrument.detector,
            motors=(motor,),
            parameters=parameters,
            expressions={name: Expression(name) for name in ("dist", "poni1", "poni2")} | rotations,
            wavelength=instrument.wavelength,
            parallax=instrument.parallax,
        )

    # ---- at a position -------------------------------------------------------------------------------------

    def position(self, given: Any = None, /, **motors: float) -> dict[str, float]:
        """Return a position as ``{motor: value}``.

        Parameters
        ----------
        given:
            A mapping, a sequence in the order of `motors`, or one number where there is one motor.
        **motors:
            Or by name.

        Raises
        ------
        ParameterError, UnknownNameError
            A motor is missing, or is not one of this goniometer.
        """
        if given is not None and motors:
            raise ParameterError("position: given by name and without a name; give one of them.")
        if given is None:
            given = motors
        elif isinstance(given, (int, float, np.number)):
            given = (given,)
        if not isinstance(given, Mapping):
            values = list(given)
            if len(values) != len(self.motors):
                raise ParameterError(
                    f"position: expected {len(self.motors)} values ({', '.join(self.motors)}), got {len(values)}."
                )
            given = dict(zip(self.motors, values, strict=True))
        for name in given:
            if name not in self.motors:
                raise unknown_name("motor", name, self.motors)
        for name in self.motors:
            if name not in given:
                raise ParameterError(f"position: the motor {name} is missing. Pass {name}=...")
        return {name: finite_number(name, given[name]) for name in self.motors}

    def instrument(self, position: Any = None, /, **motors: float) -> Instrument:
        """Return the instrument at a position of the motors: ``arm.instrument(tth=12.5)``.

        Raises
        ------
        ParameterError
            The expressions give no geometry there: something is not finite, or dist is not positive.
        """
        where = self.position(position, **motors)
        return self._instrument(where, self.evaluated([where]).values[0])

    def instruments(self, positions: Iterable[Any]) -> list[Instrument]:
        """Return the instruments at many positions: for :class:`~azimuthal.integrate.MovingGeometry`."""
        where = [self.position(one) for one in positions]
        return [self._instrument(*pair) for pair in zip(where, self.evaluated(where).values, strict=True)]

    def integrator(self, position: Any = None, /, **motors: float) -> Integrator:
        """Return an integrator at a position."""
        return Integrator.from_instrument(self.instrument(position, **motors))

    def integrators(self, positions: Iterable[Any]) -> list[Integrator]:
        """Return the integrators at many positions: for :class:`~azimuthal.integrate.MultiGeometry`."""
        return [Integrator.from_instrument(one) for one in self.instruments(positions)]

    def evaluated(self, positions: Sequence[Mapping[str, float]]) -> Evaluated:
        """Return the seven values and their derivatives at some positions."""
        n = len(positions)
        values: dict[str, Any] = {**self.constants, **self.parameters}
        values |= {name: np.array([one[name] for one in positions], dtype=np.float64) for name in self.motors}
        names = (*self.parameters, *self.motors)
        found, slopes = np.zeros((n, 7)), np.zeros((n, 7, len(names)))
        found[:, 6] = np.nan if self.wavelength is None else self.wavelength
        for value, expression in self.expressions.items():
            result, derivatives = expression.evaluated(values)
            outer = np.float64(1.0)
            if value == "energy":
                result, outer = _wavelength_of(result)
            k = 6 if value == "energy" else PARAMETERS.index(value)
            found[:, k] = result
            for name, slope in derivatives.items():
                if name in names:
                    slopes[:, k, names.index(name)] = outer * slope
        p = len(self.parameters)
        return Evaluated(found, slopes[:, :, :p], slopes[:, :, p:])

    # ---- how well it is known ------------------------------------------------------------------------------

    @property
    def standard_errors(self) -> dict[str, float]:
        """Standard errors of the parameters: 0 fixed, infinite where nothing tells it, NaN before a refinement."""
        if self.covariance is None:
            return dict.fromkeys(self.parameters, math.nan)
        errors = np.sqrt(np.maximum(np.diag(self.covariance), 0.0))
        if self.unknown is not None and self.unknown.size:
            errors = np.where(np.abs(self.unknown).max(axis=0) > 0.1 * np.abs(self.unknown).max(), np.inf, errors)
        return dict(zip(self.parameters, errors.tolist(), strict=True))

    def covariance_at(self, position: Any = None, /, **motors: float) -> FloatArray:
        """Return the covariance of dist, poni1, poni2, rot1, rot2, rot3, wavelength at a position.

        Shape (7, 7), m and rad; of what the measurements tell.

        Raises
        ------
        ParameterError
            The goniometer was not refined.
        """
        slopes = self.evaluated([self.position(position, **motors)]).by_parameter[0]
        return np.asarray(slopes @ self._known_covariance() @ slopes.T)

    def two_theta_error(self, position: Any = None, /, **motors: float) -> float:
        """Return the largest standard error of two theta on the detector at a position, pixels.

        Infinite where two theta depends there on what the refinement could not tell.
        """
        where = self.position(position, **motors)
        instrument = self.instrument(where)
        if self._depends_on_unknown(where, instrument):
            return math.inf
        return pixel_uncertainty(instrument, self.covariance_at(where))

    def radial_uncertainty(self, unit: Any, values: Any, position: Any = None, /, **motors: float) -> FloatArray:
        """Return the standard error of the radial axis of a pattern that was measured at a position.

        As :meth:`Calibration.radial_uncertainty <azimuthal.calibration.Calibration.radial_uncertainty>`; infinite
        where :meth:`two_theta_error` is.
        """
        where = self.position(position, **motors)
        instrument = self.instrument(where)
        if self._depends_on_unknown(where, instrument):
            return np.full(np.shape(values), np.inf)
        return radial_uncertainty(instrument, self.covariance_at(where), find_unit(unit), values)

    def is_covered(self, position: Any = None, /, **motors: float) -> bool:
        """Whether a position lies within those that it was refined on; False before a refinement."""
        where = self.position(position, **motors)
        return all(name in self.covered and _within(where[name], self.covered[name]) for name in self.motors)

    # ---- other goniometers ---------------------------------------------------------------------------------

    def replace(self, **changes: Any) -> Goniometer:
        """Return a copy with some parts changed."""
        names = [one.name for one in fields(self)]
        for name in changes:
            if name not in names:
                raise unknown_name("replace", name, names)
        return replace(self, **changes)

    def with_parameters(self, **values: float) -> Goniometer:
        """Return a copy with other values of some parameters; what was known of their errors is let go."""
        for name in values:
            if name not in self.parameters:
                raise unknown_name("parameter", name, self.parameters)
        return replace(self, parameters={**self.parameters, **values}, covariance=None, unknown=None, covered={})

    def with_free_wavelength(self, name: str = "wavelength") -> Goniometer:
        """Return a copy whose wavelength is a parameter, so that it can be refined."""
        if self.wavelength is None:
            raise ParameterError("wavelength: there is none, or it is an expression already.")
        return replace(
            self,
            parameters={**self.parameters, name: self.wavelength},
            expressions={**self.expressions, "wavelength": Expression(name)},
            wavelength=None,
            covariance=None,
            unknown=None,
            covered={},
        )

    def save(self, path: PathLike, *, force: bool = False) -> None:
        """Write a goniometer file that pyFAI reads too: :func:`azimuthal.io.save_goniometer`."""
        upward.find("save_goniometer")(self, path, force=force)

    def describe(self) -> str:
        """Return the goniometer in words, one fact per line."""
        lines = [("detector", self.detector.name), ("motors", ", ".join(self.motors) or "none")]
        lines += [("geometry", f"{name} = {expression}") for name, expression in self.expressions.items()]
        if self.wavelength is not None:
            lines.append(("wavelength", f"{self.wavelength * 1e10:.8g} Å"))
        errors = self.standard_errors
        lines += [
            ("parameter", f"{name} = {value:.9g}{_error_words(errors[name])}")
            for name, value in self.parameters.items()
        ]
        lines += [("constant", f"{name} = {value:.9g}") for name, value in self.constants.items()]
        lines += [("refined for", f"{name} from {low:g} to {high:g}") for name, (low, high) in self.covered.items()]
        return "\n".join(f"{name + ':':<13}{text}" for name, text in lines)

    def __reduce__(self) -> tuple[Any, ...]:
        given = {one.name: getattr(self, one.name) for one in fields(self)}
        given |= {name: dict(given[name]) for name in ("parameters", "expressions", "constants", "covered")}
        return _rebuilt, (given,)

    def __repr__(self) -> str:
        return f"Goniometer({self.detector.name}: {', '.join(self.motors)}; {len(self.parameters)} parameters)"

    # ---- inside --------------------------------------------------------------------------------------------

    def _instrument(self, where: Mapping[str, float], values: FloatArray) -> Instrument:
        wavelength = None if self._has_no_wavelength else float(values[6])
        try:
            pose, beam = Pose(*values[:6].tolist()), Beam(wavelength)
        except (ParameterError, DataTypeError) as error:
            place = ", ".join(f"{name} = {value:g}" for name, value in where.items())
            raise ParameterError(f"goniometer at {place}: {error}") from None
        return Instrument(self.detector, pose, beam, self.parallax)

    @property
    def _has_no_wavelength(self) -> bool:
        return self.wavelength is None and not {"wavelength", "energy"} & set(self.expressions)

    def _known_covariance(self) -> FloatArray:
        if self.covariance is None:
            raise ParameterError(
                "covariance: this goniometer does not know how well it is known. Refine it, or pass covariance=..."
            )
        return self.covariance

    def _depends_on_unknown(self, where: Mapping[str, float], instrument: Instrument) -> bool:
        if self.unknown is None or not self.unknown.size:
            return False
        slopes = self.evaluated([where]).by_parameter[0]
        n_slow, n_fast = self.detector.shape
        rows = [slice(row, row + 1) for row in np.linspace(0, n_slow - 1, min(n_slow, 5)).astype(int).tolist()]
        columns = np.linspace(0, n_fast - 1, min(n_fast, 5)).astype(int)
        positions = np.concatenate([self.detector.centers(row)[0, columns] for row in rows])
        _, jacobian = two_theta_and_jacobian(positions, instrument.pose)
        changes = jacobian @ slopes[:6] @ self.unknown.T
        by_wavelength = slopes[6] @ self.unknown.T / (instrument.wavelength or 1.0)
        return bool(max(np.abs(changes).max(), np.abs(by_wavelength).max()) > _UNTOLD)


def _rebuilt(given: dict[str, Any]) -> Goniometer:
    return Goniometer(**given)


def _arm_rotations(turn: str, axis: int) -> dict[str, Expression]:
    """Return the expressions of rot1, rot2, rot3 for ``A(turn) R3 R2 R1``.

    A is the matrix of rot1, rot2 or rot3 alone.  With M the product, the angles are ``rot1 = atan2(-M32, M33)``,
    ``rot2 = atan2(M31, hypot(M32, M33))``, ``rot3 = atan2(M21, M11)`` (:mod:`azimuthal.geometry.frames`).
    """
    if axis == 3:
        return {"rot1": Expression("rot1"), "rot2": Expression("rot2"), "rot3": Expression(f"rot3 + {turn}")}
    m = [[f"({text})" for text in row] for row in _ROTATION]
    s, c = f"sin({turn})", f"cos({turn})"
    if axis == 1:  # rows 2 and 3 mix
        second = [f"({c} * {m[1][k]} + {s} * {m[2][k]})" for k in range(3)]
        third = [f"({c} * {m[2][k]} - {s} * {m[1][k]})" for k in range(3)]
        first = m[0]
    else:  # rows 1 and 3 mix
        first = [f"({c} * {m[0][k]} - {s} * {m[2][k]})" for k in range(3)]
        third = [f"({s} * {m[0][k]} + {c} * {m[2][k]})" for k in range(3)]
        second = m[1]
    return {
        "rot1": Expression(f"atan2(-{third[1]}, {third[2]})"),
        "rot2": Expression(f"atan2({third[0]}, sqrt({third[1]} ** 2 + {third[2]} ** 2))"),
        "rot3": Expression(f"atan2({second[0]}, {first[0]})"),
    }


_ROTATION = (
    (
        "cos(rot2) * cos(rot3)",
        "cos(rot3) * sin(rot1) * sin(rot2) - cos(rot1) * sin(rot3)",
        "-cos(rot1) * cos(rot3) * sin(rot2) - sin(rot1) * sin(rot3)",
    ),
    (
        "cos(rot2) * sin(rot3)",
        "cos(rot1) * cos(rot3) + sin(rot1) * sin(rot2) * sin(rot3)",
        "cos(rot3) * sin(rot1) - cos(rot1) * sin(rot2) * sin(rot3)",
    ),
    ("sin(rot2)", "-cos(rot2) * sin(rot1)", "cos(rot1) * cos(rot2)"),
)


def _numbers(what: str, given: Mapping[str, Any]) -> dict[str, float]:
    if not isinstance(given, Mapping):
        raise DataTypeError(f"{what}: expected a mapping of name to number, got {type(given).__name__}.")
    return {name: finite_number(f"{what}, {name}", value) for name, value in given.items()}


def _check_names(motors: tuple[str, ...], parameters: Iterable[str], constants: Iterable[str]) -> None:
    seen: dict[str, str] = {}
    for kind, names in (("motor", motors), ("parameter", parameters), ("constant", constants)):
        for name in names:
            check_name(kind, name)
            if name in seen:
                raise ParameterError(f"{kind}: the name {name!r} is that of a {seen[name]} already.")
            seen[name] = kind


def _expressions(given: Mapping[str, Any]) -> dict[str, Expression]:
    if not isinstance(given, Mapping):
        raise DataTypeError(f"expressions: expected a mapping of name to text, got {type(given).__name__}.")
    for name in given:
        one_of("expressions", name, _VALUES)
    if "dist" not in given:
        raise ParameterError("expressions: dist is missing; a number is an expression too, as {'dist': '0.5'}.")
    if "wavelength" in given and "energy" in given:
        raise ParameterError("expressions: wavelength and energy are two views of one value; give one of them.")
    found = {}
    for name in _VALUES:
        if name in given:
            text = given[name]
            found[name] = text if isinstance(text, Expression) else Expression(text)
    return found


def _matrix(what: str, given: Any, n: int, *, square: bool) -> FloatArray | None:
    if given is None:
        return None
    array = np.array(given, dtype=np.float64)
    if array.ndim != 2 or array.shape[1] != n or (square and array.shape[0] != n):
        raise ShapeError(f"{what}: expected shape ({n if square else 'k'}, {n}) for {n} parameters, got {array.shape}.")
    array.flags.writeable = False
    return array


def _wavelength_of(energy: FloatArray) -> tuple[FloatArray, Any]:
    """Return the wavelength in m of an energy in keV, and its derivative."""
    scale = Beam.from_energy(1.0).required_wavelength("an energy")
    with np.errstate(divide="ignore", invalid="ignore"):
        return scale / energy, -scale / energy**2


def _within(value: float, limits: tuple[float, float]) -> bool:
    return limits[0] <= value <= limits[1]


def _error_words(error: float) -> str:
    if math.isnan(error):
        return ""
    return " (fixed)" if error == 0 else " (not told)" if math.isinf(error) else f" ± {error:.2g}"
