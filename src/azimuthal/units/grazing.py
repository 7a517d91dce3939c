# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Grazing incidence and fibres: quantities in the frame of a flat or fibre-textured sample.

Laboratory directions
    The sample's own horizontal ``h`` and vertical ``v`` in the image are chosen by `sample_orientation`, seen
    along the laboratory axes ``x`` (axis 2) and ``y`` (axis 1); ``b = z`` is along the beam:

    ===========  ====  ====        ===========  ====  ====
    orientation  h     v           orientation  h     v
    ===========  ====  ====        ===========  ====  ====
    1            x     y           5            -y    -x
    2            -x    y           6            -y    x
    3            -x    -y          7            y     x
    4            x     -y          8            y     -x
    ===========  ====  ====        ===========  ====  ====

From laboratory to sample
    With the incident angle ``eta`` and the tilt angle ``omega``, any vector with laboratory components
    (h, v, b) has in the sample's frame the components ::

        b' =  cos(eta) b + sin(eta) v
        v0 = -sin(eta) b + cos(eta) v
        h' =  cos(omega) h + sin(omega) v0
        v' = -sin(omega) h + cos(omega) v0

    ``v'`` is along the surface normal.  The sample is first turned by omega about the beam (a positive omega
    leans the normal towards -h), then together with that tilt by eta about ``h`` (a positive eta turns the
    normal against the beam, so that the beam comes down on the surface).  Without tilt the direct beam leaves
    at -eta and the specular reflection (two_theta = 2 eta, upwards) at +eta; with tilt the angle between beam
    and surface is ``asin(cos(omega) sin(eta))``.

Scattering vector
    In the laboratory ``q = k (h/t, v/t, z/t - 1)`` with ``k = 2 pi / lambda`` and ``t`` the distance from the
    sample.  In the sample's frame:

    ===========  =====================================================================================
    quantity     definition
    ===========  =====================================================================================
    qxgi         q_h', along the surface, across the beam
    qygi         q_v', along the surface normal
    qzgi         q_b', along the surface, along the beam
    qoop         q_v': out of plane
    qip          sqrt(q_b'^2 + q_h'^2), in plane, with the sign of q_h' (negative where q_h' = 0)
    qtot         the length of q, equal to sqrt(qip^2 + qoop^2)
    chigi        atan2(qip, qoop), on a circle
    qip_abs      sqrt(q_b'^2 + q_h'^2), never negative: both sides of a map laid on one another
    chigi_abs    atan2(qip_abs, qoop), from 0 along the normal to pi
    ===========  =====================================================================================

Angles
    ====================== ==================================================================================
    scattering_angle_horz  atan2(h, z) in the laboratory, whatever the incident and the tilt angle
    scattering_angle_vert  atan2(v, sqrt(z^2 + h^2)) in the laboratory
    exit_angle_horz        atan2(h', b') of the scattered direction (h, v, z) / t
    exit_angle_vert        atan2(v', sqrt(b'^2 + h'^2)) of the scattered direction: the angle to the surface
    ====================== ==================================================================================

    Exit angles and q use the *same* rotation, so that for every pixel
    ``q' = k (exit direction - incident direction)`` in the sample's frame, with the incident direction
    (h, v, b)' = (-sin(omega) sin(eta), -cos(omega) sin(eta), cos(eta)).  (pyFAI up to 2026.9 turns its exit
    angles the other way: 3 eta instead of eta at the specular point.)

Numerics and limits
    ``z/t - 1`` is computed as ``-(x^2 + y^2) / (t (t + z))`` for z >= 0: no cancellation at small angles.
    Refraction at the surface is not corrected.

The cut
    ``qip`` jumps by ``2 |q_b'|`` across the line ``q_h' = 0`` of the image, ``chigi`` with it, and their
    absolute values are folded there.  A horizontal angle jumps by a full turn across ``h' = 0`` on the side of
    backscattering (b' < 0).  :func:`cut` gives the function whose zeros are that line and :func:`one_sided` the
    limit from one of its sides, so that a pixel which straddles the line can be cut in two before it is split
    (:mod:`azimuthal.integrate.sheets`): its corners are not neighbours in the map.

The missing wedge
    Elastic scattering is confined to the Ewald sphere, and turning the sample about its normal does not change
    (|qip|, qoop): with ``a = k cos(omega) sin(eta)`` and ``kappa = sqrt(k^2 - a^2)`` these are reached ::

        |qip^2 + qoop^2 - 2 a qoop| <= 2 kappa |qip|

    For qip > 0 that is the disc of radius k about (kappa, a) without the disc of radius k about (-kappa, a).
    What is left out along qip = 0 is the missing wedge; it closes at the direct beam and at the specular
    reflection (qoop = 2 a).  :func:`is_reachable` says it for points.

References: Baker et al. 2010, doi:10.1021/la904840q (missing wedge, qip and qoop); Kieffer et al. 2020,
doi:10.1107/S1600577520000776 (laboratory frame).
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

import numpy as np

from azimuthal._validate import finite_number, unknown_name
from azimuthal.errors import ParameterError, UnknownNameError, UnsupportedOptionError
from azimuthal.typing import BoolArray, FloatArray
from azimuthal.units._quantity import Dimension, Quantity, scattering_vector_length, wave_number


class Components(NamedTuple):
    """Horizontal, vertical and beam components of a vector field."""

    horizontal: FloatArray
    vertical: FloatArray
    beam: FloatArray


#: ``sample_orientation`` -> (h and v are swapped, sign of h, sign of v); table in the module docstring.
_ORIENTATIONS: Mapping[int, tuple[bool, float, float]] = MappingProxyType(
    {
        1: (False, 1.0, 1.0),
        2: (False, -1.0, 1.0),
        3: (False, -1.0, -1.0),
        4: (False, 1.0, -1.0),
        5: (True, -1.0, -1.0),
        6: (True, -1.0, 1.0),
        7: (True, 1.0, 1.0),
        8: (True, 1.0, -1.0),
    }
)


def _checked_orientation(number: object) -> int:
    if isinstance(number, bool) or not isinstance(number, (int, np.integer)) or int(number) not in _ORIENTATIONS:
        raise ParameterError(f"sample_orientation: expected an integer from 1 to 8, got {number!r}.")
    return int(number)


@dataclass(frozen=True, slots=True)
class SampleFrame:
    """How the sample stands in the beam; definitions in the module docstring.

    Parameters
    ----------
    incident_angle:
        Angle between the beam and the surface, rad, in [-pi, pi].
    tilt_angle:
        Rotation of the sample about the beam before it is brought to the incident angle, rad, in [-pi, pi].
    sample_orientation:
        Which image directions are the sample's horizontal and vertical, 1-8.
    """

    incident_angle: float = 0.0
    tilt_angle: float = 0.0
    sample_orientation: int = 1

    def __post_init__(self) -> None:
        for name in ("incident_angle", "tilt_angle"):
            angle = finite_number(name, getattr(self, name), unit="rad")
            if abs(angle) > math.pi:
                raise ParameterError(
                    f"{name}: expected radians in [-pi, pi], got {angle}. For degrees write math.radians({angle:g})."
                )
            object.__setattr__(self, name, angle)
        object.__setattr__(self, "sample_orientation", _checked_orientation(self.sample_orientation))

    @property
    def axes(self) -> FloatArray:
        """Laboratory axes y, x, z (rows of a position) to h, v, b: a (3, 3) matrix of 0, 1 and -1."""
        unit_vectors = np.eye(3)
        horizontal, vertical = self.oriented(unit_vectors[1], unit_vectors[0])
        return np.array([horizontal, vertical, unit_vectors[2]])

    @property
    def matrix(self) -> FloatArray:
        """Rotation (3, 3) from (h, v, b) to the sample's frame (h', v', b')."""
        return np.stack(list(self.sample_from_lab(Components(*np.eye(3)))))

    def oriented(self, x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the sample's horizontal and vertical from laboratory axes 2 and 1."""
        swapped, sign_horizontal, sign_vertical = _ORIENTATIONS[self.sample_orientation]
        horizontal, vertical = (y, x) if swapped else (x, y)
        return sign_horizontal * horizontal, sign_vertical * vertical

    def sample_from_lab(self, vector: Components) -> Components:
        """Return the components along the sample's axes of vectors given along h, v, b."""
        cos_eta, sin_eta = math.cos(self.incident_angle), math.sin(self.incident_angle)
        cos_tilt, sin_tilt = math.cos(self.tilt_angle), math.sin(self.tilt_angle)
        beam = cos_eta * vector.beam + sin_eta * vector.vertical
        upright = cos_eta * vector.vertical - sin_eta * vector.beam
        return Components(
            cos_tilt * vector.horizontal + sin_tilt * upright,
            cos_tilt * upright - sin_tilt * vector.horizontal,
            beam,
        )


def scattering_vector(position: Components, k: float, sample: SampleFrame) -> Components:
    """Return the scattering vector in the sample's frame for the wave number k."""
    horizontal, vertical, z = position
    square = horizontal * horizontal + vertical * vertical
    length = np.sqrt(square + z * z)
    with np.errstate(divide="ignore", invalid="ignore"):
        beam = np.where(z < 0, z / length - 1.0, -square / (length * (length + z)))
        lab = Components(k * (horizontal / length), k * (vertical / length), k * beam)
    return sample.sample_from_lab(lab)


def signed_in_plane(vector: Components) -> FloatArray:
    """Return the in-plane length with the sign of the horizontal component, negative where that is zero."""
    length = np.sqrt(vector.beam * vector.beam + vector.horizontal * vector.horizontal)
    return np.where(vector.horizontal > 0, length, -length)


def across(position: Components, wavelength: float | None, sample: SampleFrame) -> FloatArray:
    """Return qxgi, 1/m."""
    return scattering_vector(position, wave_number(wavelength), sample).horizontal


def out_of_plane(position: Components, wavelength: float | None, sample: SampleFrame) -> FloatArray:
    """Return qygi, which is also qoop, 1/m."""
    return scattering_vector(position, wave_number(wavelength), sample).vertical


def along(position: Components, wavelength: float | None, sample: SampleFrame) -> FloatArray:
    """Return qzgi, 1/m."""
    return scattering_vector(position, wave_number(wavelength), sample).beam


def in_plane(position: Components, wavelength: float | None, sample: SampleFrame) -> FloatArray:
    """Return qip, 1/m."""
    return signed_in_plane(scattering_vector(position, wave_number(wavelength), sample))


def total(position: Components, wavelength: float | None, sample: SampleFrame) -> FloatArray:
    """Return qtot, 1/m."""
    return scattering_vector_length(*position, wavelength)


def in_plane_length(position: Components, wavelength: float | None, sample: SampleFrame) -> FloatArray:
    """Return qip_abs, 1/m."""
    return np.abs(in_plane(position, wavelength, sample))


def polar_angle_length(position: Components, wavelength: float | None, sample: SampleFrame) -> FloatArray:
    """Return chigi_abs, rad, in [0, pi]."""
    return np.abs(polar_angle(position, wavelength, sample))


def polar_angle(position: Components, wavelength: float | None, sample: SampleFrame) -> FloatArray:
    """Return chigi, rad; the wavelength cancels."""
    vector = scattering_vector(position, 1.0, sample)
    return np.arctan2(signed_in_plane(vector), vector.vertical)


def scattering_angle_horizontal(position: Components, wavelength: float | None, sample: SampleFrame) -> FloatArray:
    """Return the horizontal scattering angle in the laboratory, rad."""
    return np.arctan2(position.horizontal, position.beam)


def scattering_angle_vertical(position: Components, wavelength: float | None, sample: SampleFrame) -> FloatArray:
    """Return the vertical scattering angle in the laboratory, rad."""
    return np.arctan2(position.vertical, np.hypot(position.beam, position.horizontal))


def exit_angle_horizontal(position: Components, wavelength: float | None, sample: SampleFrame) -> FloatArray:
    """Return the in-plane exit angle from the beam's projection on the surface, rad."""
    return scattering_angle_horizontal(sample.sample_from_lab(position), wavelength, sample)


def exit_angle_vertical(position: Components, wavelength: float | None, sample: SampleFrame) -> FloatArray:
    """Return the exit angle to the surface, rad."""
    return scattering_angle_vertical(sample.sample_from_lab(position), wavelength, sample)


SampleFormula: TypeAlias = Callable[[Components, float | None, SampleFrame], FloatArray]


@dataclass(frozen=True, slots=True)
class FunctionInSampleFrame:
    """A formula of this module bound to a sample; unlike a closure it compares and pickles."""

    formula: SampleFormula
    sample: SampleFrame = SampleFrame()

    def __call__(self, x: FloatArray, y: FloatArray, z: FloatArray, wavelength: float | None = None) -> FloatArray:
        """Return the quantity at laboratory positions."""
        horizontal, vertical = self.sample.oriented(x, y)
        return self.formula(Components(horizontal, vertical, z), wavelength, self.sample)


def _across_surface(position: Components, sample: SampleFrame) -> FloatArray:
    return scattering_vector(position, 1.0, sample).horizontal


def _behind(direction: Components) -> FloatArray:
    """Return the horizontal component where the direction points against the beam; NaN elsewhere: no cut there."""
    return np.where(direction.beam < 0, direction.horizontal, np.nan)


def _behind_sample(position: Components, sample: SampleFrame) -> FloatArray:
    return _behind(sample.sample_from_lab(position))


def _behind_in_lab(position: Components, sample: SampleFrame) -> FloatArray:
    return _behind(position)


_CUTS: Mapping[SampleFormula, Callable[[Components, SampleFrame], FloatArray]] = MappingProxyType(
    {
        in_plane: _across_surface,
        in_plane_length: _across_surface,
        polar_angle: _across_surface,
        polar_angle_length: _across_surface,
        exit_angle_horizontal: _behind_sample,
        scattering_angle_horizontal: _behind_in_lab,
    }
)
_SIGNED = frozenset({in_plane, polar_angle, exit_angle_horizontal, scattering_angle_horizontal})
_OF_Q = frozenset({in_plane, in_plane_length, polar_angle, polar_angle_length})


@dataclass(frozen=True, slots=True)
class Cut:
    """The line of the image across which quantities jump: where the function is zero; NaN where there is no cut.

    Parameters
    ----------
    function:
        Signed function of the position in (h, v, b).
    sample:
        How the sample stands.
    is_through_beam:
        Whether it is the line q_h' = 0, which runs through the direct beam and the specular reflection.
    """

    function: Callable[[Components, SampleFrame], FloatArray]
    sample: SampleFrame
    is_through_beam: bool

    def __call__(self, x: FloatArray, y: FloatArray, z: FloatArray) -> FloatArray:
        """Return the signed function at laboratory positions; its zeros are the cut."""
        return self.function(Components(*self.sample.oriented(x, y), z), self.sample)

    def along_beam(self, x: FloatArray, y: FloatArray, z: FloatArray) -> FloatArray:
        """Return q_b' / k: where it changes sign on the cut, qip is zero and the image of the cut has a tip."""
        return scattering_vector(Components(*self.sample.oriented(x, y), z), 1.0, self.sample).beam


def cut(*quantities: Quantity) -> Cut | None:
    """Return the cut of the quantities of a map, or None where all are continuous.

    Raises
    ------
    UnsupportedOptionError
        Two of them are cut along different lines.
    """
    found = {
        Cut(_CUTS[function.formula], function.sample, function.formula in _OF_Q)
        for quantity in quantities
        if isinstance(function := quantity.function, FunctionInSampleFrame) and function.formula in _CUTS
    }
    if len(found) > 1:
        names = " and ".join(repr(quantity.name) for quantity in quantities)
        raise UnsupportedOptionError(
            f"unit: {names} jump along different lines of the image: they are of different samples (incident_angle, "
            "tilt_angle, sample_orientation), or one is an angle and one a scattering vector. Use units of one kind "
            "and one sample."
        )
    return next(iter(found), None)


def one_sided(
    quantity: Quantity, x: FloatArray, y: FloatArray, z: FloatArray, wavelength: float | None, side: FloatArray
) -> FloatArray:
    """Return a quantity on or beside the cut, as the limit from one side of it; SI.

    Parameters
    ----------
    quantity:
        Any; one that is continuous is just evaluated.
    x, y, z, wavelength:
        As for :meth:`Quantity.values`.
    side:
        +1 or -1, the sign of the cut's function on the side from which the limit is taken.
    """
    values = quantity.values(x, y, z, wavelength)
    function = quantity.function
    signed = isinstance(function, FunctionInSampleFrame) and function.formula in _SIGNED
    return side * np.abs(values) if signed else values


def is_reachable(in_plane: FloatArray, out_of_plane: FloatArray, wavelength: float, sample: SampleFrame) -> BoolArray:
    """Return whether elastic scattering can have qip and qoop (1/m), whatever the sample's turn about its normal."""
    k = wave_number(wavelength)
    a, kappa = beam_in_sample(k, sample)
    excess = in_plane * in_plane + out_of_plane * out_of_plane - 2.0 * a * out_of_plane
    return np.abs(excess) <= 2.0 * kappa * np.abs(in_plane)


def beam_in_sample(k: float, sample: SampleFrame) -> tuple[float, float]:
    """Return the components of the incident wave vector into the surface (a) and along it (kappa), 1/m."""
    a = k * math.cos(sample.tilt_angle) * math.sin(sample.incident_angle)
    return a, math.sqrt(k * k - a * a)


def sample_of(quantity: Quantity) -> SampleFrame | None:
    """Return the sample that a quantity is bound to, or None for one that depends on no sample."""
    return quantity.function.sample if isinstance(quantity.function, FunctionInSampleFrame) else None


def with_sample(quantity: Quantity, **parameters: float) -> Quantity:
    """Return the quantity for another sample; parameters that are not named keep their values.

    Raises
    ------
    UnknownNameError
        A parameter is not known, or the quantity does not depend on the sample at all.
    """
    function = quantity.function
    if not isinstance(function, FunctionInSampleFrame):
        raise UnknownNameError(
            f"unit: {quantity.name!r} takes no parameters, got {', '.join(parameters)}. Only those of "
            "grazing incidence do: qip, qoop, qxgi, qygi, qzgi, qtot, chigi, exit and scattering angles."
        )
    known = [field.name for field in dataclasses.fields(SampleFrame)]
    for name in parameters:
        if name not in known:
            raise unknown_name("unit parameter", name, known)
    changed = {**dataclasses.asdict(function.sample), **parameters}
    sample = SampleFrame(changed["incident_angle"], changed["tilt_angle"], changed["sample_orientation"])
    bound = FunctionInSampleFrame(function.formula, sample)
    return dataclasses.replace(quantity, function=bound, parameters=tuple(dataclasses.asdict(sample).items()))


def _in_sample_frame(
    name: str,
    symbol: str,
    formula: SampleFormula,
    dimension: Dimension,
    long_name: str,
    *,
    positive: bool = False,
    period: float | None = None,
) -> Quantity:
    quantity = Quantity(
        name,
        symbol,
        FunctionInSampleFrame(formula),
        dimension,
        needs_wavelength=dimension == "inverse length",
        positive=positive,
        period=period,
        long_name=long_name,
    )
    return with_sample(quantity)


#: The quantities that depend on how the sample stands, by name, with all parameters at their defaults.
SAMPLE_QUANTITIES: Mapping[str, Quantity] = MappingProxyType(
    {
        quantity.name: quantity
        for quantity in (
            _in_sample_frame("qxgi", "qx,GI", across, "inverse length", "q in the surface, across the beam"),
            _in_sample_frame("qygi", "qy,GI", out_of_plane, "inverse length", "q along the surface normal"),
            _in_sample_frame("qzgi", "qz,GI", along, "inverse length", "q in the surface, along the beam"),
            _in_sample_frame("qip", "qIP", in_plane, "inverse length", "in-plane scattering vector"),
            _in_sample_frame("qoop", "qOOP", out_of_plane, "inverse length", "out-of-plane scattering vector"),
            _in_sample_frame("qtot", "qtot", total, "inverse length", "length of the scattering vector", positive=True),
            _in_sample_frame(
                "qip_abs",
                "|qIP|",
                in_plane_length,
                "inverse length",
                "length of the in-plane scattering vector",
                positive=True,
            ),
            _in_sample_frame(
                "chigi_abs",
                "|χGI|",
                polar_angle_length,
                "angle",
                "polar angle from the surface normal, without sign",
                positive=True,
            ),
            _in_sample_frame(
                "chigi",
                "χGI",
                polar_angle,
                "angle",
                "polar angle from the surface normal",
                period=2.0 * math.pi,
            ),
            _in_sample_frame(
                "scattering_angle_vert",
                "vertical scattering angle",
                scattering_angle_vertical,
                "angle",
                "vertical scattering angle",
            ),
            _in_sample_frame(
                "scattering_angle_horz",
                "horizontal scattering angle",
                scattering_angle_horizontal,
                "angle",
                "horizontal scattering angle",
            ),
            _in_sample_frame(
                "exit_angle_vert",
                "vertical exit angle",
                exit_angle_vertical,
                "angle",
                "exit angle to the surface",
            ),
            _in_sample_frame(
                "exit_angle_horz",
                "horizontal exit angle",
                exit_angle_horizontal,
                "angle",
                "exit angle in the surface",
            ),
        )
    }
)
