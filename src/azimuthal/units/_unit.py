# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Units: a quantity, a scale and the texts for files and plots."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from azimuthal._validate import one_of
from azimuthal.errors import ParameterError
from azimuthal.typing import FloatArray
from azimuthal.units._quantity import Quantity


@dataclass(frozen=True, slots=True)
class Unit:
    """A quantity expressed in a unit: ``value in the unit = value in SI * scale``.

    Get one with :func:`azimuthal.units.unit`.  Units compare equal when name, quantity (parameters included)
    and scale do; they pickle and go to JSON by name and parameters, so a user's own unit must be registered
    where it is read.

    Parameters
    ----------
    name:
        Canonical key, e.g. ``"q_nm^-1"``.
    quantity:
        What is measured.
    scale:
        Number of these units in one SI unit, e.g. 1e-9 for 1/nm.
    symbol:
        ASCII symbol of the unit, e.g. ``"nm^-1"``; empty for plain numbers.
    label:
        Unicode text for plot axes, e.g. ``"q (nm⁻¹)"``.
    """

    name: str
    quantity: Quantity
    scale: float
    symbol: str
    label: str

    @property
    def positive(self) -> bool:
        """Whether no value is below zero."""
        return self.quantity.positive

    @property
    def needs_wavelength(self) -> bool:
        """Whether values can only be computed with a wavelength."""
        return self.quantity.needs_wavelength

    @property
    def period(self) -> float | None:
        """Circumference in this unit (360 for degrees) when the values lie on a circle, else None."""
        return None if self.quantity.period is None else self.quantity.period * self.scale

    @property
    def parameters(self) -> dict[str, float]:
        """Sample parameters of a grazing-incidence unit (rad; orientation 1-8); empty for the others."""
        return dict(self.quantity.parameters)

    def from_canonical(self, values: Any) -> FloatArray:
        """Return SI values in this unit; float64, a new array of the same shape."""
        return np.asarray(np.multiply(values, self.scale, dtype=np.float64))

    def to_canonical(self, values: Any) -> FloatArray:
        """Return values of this unit in SI; float64, a new array of the same shape."""
        return np.asarray(np.divide(values, self.scale, dtype=np.float64))

    def values(
        self, x: npt.ArrayLike, y: npt.ArrayLike, z: npt.ArrayLike, wavelength: float | None = None
    ) -> FloatArray:
        """Return the quantity in this unit at laboratory positions in m: see :meth:`Quantity.values`."""
        return self.from_canonical(self.quantity.values(x, y, z, wavelength))

    def to_dict(self) -> dict[str, Any]:
        """Return ``{"name": ..., "parameters": {...}}``, JSON-able; the parameters only where there are some.

        Raises
        ------
        ParameterError
            The name is not registered, or belongs to another unit by now.
        """
        record: dict[str, Any] = {"name": self.name}
        if self.parameters:
            record["parameters"] = self.parameters
        if Unit.from_dict(record) != self:
            raise ParameterError(
                f"unit: {self.name!r} is not (or no longer) the unit registered under this name, so it "
                "cannot be stored by name. Register it with register_unit()."
            )
        return record

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Unit:
        """Return the unit of a record made by :meth:`to_dict`."""
        from azimuthal.units._registry import unit

        for key in record:
            one_of("unit record", key, ("name", "parameters"))
        return unit(record["name"], **record.get("parameters", {}))

    def __reduce__(self) -> tuple[Any, ...]:
        return Unit.from_dict, (self.to_dict(),)

    def __str__(self) -> str:
        return self.name
