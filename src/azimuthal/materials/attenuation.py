# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Attenuation coefficients of materials.

Definition
    A narrow beam that crosses the thickness ``t`` of a material keeps the fraction ``exp(-mu t)``. The linear
    attenuation coefficient is that of the elements, by mass::

        mu = density sum_i w_i (mu / rho)_i          w_i: mass fraction of element i

Which coefficient
    ``"total"``
        Photoelectric absorption and coherent and incoherent scattering: whatever takes a photon out of the beam.
        It rules *where* photons interact, and so parallax and the change of a sensor's efficiency with the angle.
    ``"photoelectric"``
        The part that leaves (nearly) all of the photon's energy in the material, of use for an absolute efficiency:
        a photon that is scattered out of a thin sensor is not counted.
    The mass energy-absorption coefficient ``mu_en`` also leaves out the energy of fluorescence that escapes; it is
    not part of the source and not offered. For Si it is within 1 % of the photoelectric one below 40 keV; for CdTe
    above its edges about half of it.

Table
    ``attenuation.txt``, 2 to 300 keV, written by ``tools/make_attenuation_table.py`` from xraydb: Elam, Ravel and
    Sieber (2002), Radiat. Phys. Chem. 63, 121-128, doi:10.1016/S0969-806X(01)00227-4. Between two edges a cubic
    Hermite polynomial in log(mu) against log(E) is used; nothing is interpolated across an edge. Error against the
    source below 2e-3, mostly 1e-4; the source agrees with NIST XCOM within 1 to 2 %, near edges 5 %.

    A straight line between NIST's points (20 and 30 keV) would make Si 23 % too opaque at 25 keV: pyFAI 2026.9 does.

Limits of validity
    Isolated atoms: no fine structure within some 100 eV above an edge. Density is that of the solid; layers of powder
    (:attr:`Material.is_powder`) are packed to 50-70 % of it.
"""

from __future__ import annotations

import functools
import re
import tomllib
from dataclasses import dataclass
from importlib import resources
from typing import Any, Literal, TypeAlias, overload

import numpy as np

from azimuthal._validate import one_of, positive_number, unknown_name
from azimuthal.errors import ParameterError
from azimuthal.typing import FloatArray

__all__ = [
    "ENERGY_RANGE_KEV",
    "Material",
    "Process",
    "attenuation_coefficient",
    "mass_attenuation",
    "material",
    "material_names",
    "transmitted_fraction",
]

Process: TypeAlias = Literal["total", "photoelectric"]
PROCESSES: tuple[Process, ...] = ("total", "photoelectric")

#: Energies that the table covers, keV.
ENERGY_RANGE_KEV = (2.0, 300.0)

_ATOMIC_MASSES = {
    "H": 1.00794, "He": 4.002602, "Be": 9.012183, "B": 10.811, "C": 12.0107, "N": 14.0067, "O": 15.9994, "F": 18.998403,
    "Na": 22.98977, "Mg": 24.305, "Al": 26.981539, "Si": 28.0855, "P": 30.973762, "S": 32.065, "Cl": 35.453,
    "Ar": 39.948, "Ca": 40.078, "Ti": 47.867, "Fe": 55.845, "Ni": 58.6934, "Cu": 63.546, "Zn": 65.38, "Ga": 69.723,
    "Ge": 72.63, "As": 74.9216, "Se": 78.971, "Br": 79.904, "Kr": 83.798, "Y": 88.90584, "Mo": 95.95, "Ag": 107.8682,
    "Cd": 112.414, "In": 114.818, "Sn": 118.71, "Sb": 121.76, "Te": 127.6, "I": 126.90447, "Xe": 131.293,
    "Cs": 132.90545, "Ba": 137.327, "La": 138.90547, "Ce": 140.116, "Gd": 157.25, "Lu": 174.9668, "Ta": 180.94788,
    "W": 183.84, "Pt": 195.084, "Au": 196.96657, "Hg": 200.592, "Tl": 204.38, "Pb": 207.2, "Bi": 208.9804,
}  # fmt: skip
_PART = re.compile(r"([A-Z][a-z]?)(\d+(?:\.\d+)?)?")


@dataclass(frozen=True, slots=True)
class Material:
    """What a layer is made of.

    Parameters
    ----------
    name:
        Name in the table, or the formula.
    formula:
        Elements with their numbers of atoms, such as ``"Cd0.9Zn0.1Te"``; no brackets.
    density:
        kg/m^3; None when it is not known.
    is_powder:
        Whether layers of it are packed powder, so that their density is lower and has to be told.
    """

    name: str
    formula: str
    density: float | None = None
    is_powder: bool = False


def material_names() -> tuple[str, ...]:
    """Return the names of the materials whose density is known, in alphabetical order."""
    return tuple(sorted(_materials()))


def material(name: str) -> Material:
    """Return a material of the table by name or alias, in any case of letters, or of a chemical formula.

    Parameters
    ----------
    name:
        ``"Si"``, ``"cadmium telluride"``, ``"kapton"``; a formula of known elements has no density.

    Raises
    ------
    UnknownNameError
        Neither a name of the table nor a formula of elements that it holds.
    """
    known = _materials()
    if name in known:
        return known[name]
    folded = {key.casefold(): found for key, found in known.items()} | _aliases()
    if name.casefold() in folded:
        return folded[name.casefold()]
    if _composition(name) is None:
        raise unknown_name(
            "material", name, known, hint="A formula such as 'Cd0.9Zn0.1Te' works too, with density=... ."
        )
    return Material(name, name)


@overload
def mass_attenuation(name: str, energy: float, *, process: Process = "total") -> float: ...
@overload
def mass_attenuation(name: str, energy: FloatArray, *, process: Process = "total") -> FloatArray: ...


def mass_attenuation(name: str, energy: Any, *, process: Process = "total") -> Any:
    """Return mu / rho.

    Parameters
    ----------
    name:
        Material or formula.
    energy:
        Photon energy in keV, 2 to 300; a number or an array.
    process:
        ``"total"`` or ``"photoelectric"``; see the module docstring.

    Returns
    -------
    :
        m^2/kg (0.1 times the usual cm^2/g), float64, shape of `energy`.

    Raises
    ------
    UnknownNameError
        The material or the process is not known.
    ParameterError
        An energy is outside the table.
    """
    column = PROCESSES.index(one_of("process", process, PROCESSES))
    energies = np.asarray(energy, dtype=np.float64)
    low, high = ENERGY_RANGE_KEV
    if not ((energies >= low) & (energies <= high)).all():
        raise ParameterError(f"energy: the table covers {low:g} to {high:g} keV; got {energy!r}.")
    composition = _composition(material(name).formula)
    assert composition is not None  # checked by material()
    masses = {element: number * _ATOMIC_MASSES[element] for element, number in composition.items()}
    whole = sum(masses.values())
    result = sum(mass / whole * _of_element(element, energies, column) for element, mass in masses.items())
    values = 0.1 * np.asarray(result, dtype=np.float64)
    return float(values) if energies.ndim == 0 else values


def attenuation_coefficient(
    name: str, energy: float, *, density: float | None = None, process: Process = "total"
) -> float:
    """Return the linear attenuation coefficient mu in 1/m.

    Parameters
    ----------
    name, energy, process:
        Those of :func:`mass_attenuation`.
    density:
        kg/m^3; None for that of the table, which a formula does not have.

    Raises
    ------
    UnknownNameError, ParameterError
        As for :func:`mass_attenuation`, or the density is not known.

    Examples
    --------
    >>> round(attenuation_coefficient("Si", 20.0))
    1040
    """
    known = material(name)
    rho = known.density if density is None else positive_number("density", density, unit="kg/m^3")
    if rho is None:
        raise ParameterError(f"density: that of {name!r} is not in the table. Pass density=... in kg/m^3.")
    return rho * mass_attenuation(name, positive_number("energy", energy, unit="keV"), process=process)


def transmitted_fraction(name: str, thickness: float, energy: float, *, density: float | None = None) -> float:
    """Return ``exp(-mu thickness)`` of a layer (a window, air, a sensor) at normal incidence; `thickness` in m."""
    length = positive_number("thickness", thickness, unit="m")
    return float(np.exp(-attenuation_coefficient(name, energy, density=density) * length))


def _composition(formula: str) -> dict[str, float] | None:
    """Return numbers of atoms by element, or None when it is no formula of known elements."""
    parts = _PART.findall(formula)
    if not parts or "".join(element + number for element, number in parts) != formula:
        return None
    found: dict[str, float] = {}
    for element, number in parts:
        if element not in _ATOMIC_MASSES:
            return None
        found[element] = found.get(element, 0.0) + (float(number) if number else 1.0)
    return found if all(number > 0 for number in found.values()) else None


@functools.cache
def _records() -> dict[str, Any]:
    return tomllib.loads(resources.files(__package__).joinpath("materials.toml").read_text(encoding="utf-8"))


@functools.cache
def _materials() -> dict[str, Material]:
    return {
        name: Material(name, record["formula"], 1000.0 * record["density"], record.get("powder", False))
        for name, record in _records().items()
    }


@functools.cache
def _aliases() -> dict[str, Material]:
    known = _materials()
    return {alias.casefold(): known[name] for name, record in _records().items() for alias in record["aliases"]}


@functools.cache
def _elements() -> dict[str, FloatArray]:
    """Return per element rows of (energy, total, photoelectric)."""
    rows: dict[str, list[list[float]]] = {}
    text = resources.files(__package__).joinpath("attenuation.txt").read_text(encoding="utf-8")
    for line in text.splitlines():
        if not line.startswith("#"):
            element, *numbers = line.split()
            rows.setdefault(element, []).append([float(number) for number in numbers])
    return {element: np.array(found) for element, found in rows.items()}


def _of_element(element: str, energies: FloatArray, column: int) -> FloatArray:
    """Return (mu / rho) of an element in cm^2/g; at an edge the value above it."""
    rows = np.log(_elements()[element])
    x, y = rows[:, 0], rows[:, 1 + column]
    asked = np.log(energies)
    i = np.clip(np.searchsorted(x, asked, side="right") - 1, 0, x.size - 2)
    i = np.where(x[i + 1] == x[i], i - 1, i)  # only at the upper end of the table
    slope = _slopes(x, y)
    h = x[i + 1] - x[i]
    t = (asked - x[i]) / h
    value = y[i] * (1 + 2 * t) * (1 - t) ** 2 + y[i + 1] * t * t * (3 - 2 * t)
    value += h * (slope[i, 1] * t * (1 - t) ** 2 - slope[i + 1, 0] * t * t * (1 - t))
    return np.asarray(np.exp(value))


def _slopes(x: FloatArray, y: FloatArray) -> FloatArray:
    """Return the slopes at every point as seen from the left and from the right, shape (n, 2); they differ at edges.

    Inside a segment that of the parabola through three points, at its ends that of the chord.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        step = np.diff(x)
        chord = np.diff(y) / step
    left = np.concatenate(([chord[0]], chord))
    right = np.concatenate((chord, [chord[-1]]))
    inner = np.zeros(x.size, dtype=bool)
    inner[1:-1] = (step[:-1] > 0) & (step[1:] > 0)
    k = np.flatnonzero(inner)
    smooth = (chord[k - 1] * step[k] + chord[k] * step[k - 1]) / (step[k - 1] + step[k])
    left[k] = right[k] = smooth
    return np.column_stack((left, right))
