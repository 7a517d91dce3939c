# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Several results of one frame: a tuple whose elements have names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from azimuthal._validate import unknown_name
from azimuthal.errors import DataTypeError, ParameterError
from azimuthal.results.cake import Cake
from azimuthal.results.profile import Profile

Result: TypeAlias = Profile | Cake


@dataclass(frozen=True, slots=True, eq=False)
class ResultSet:
    """Profiles and cakes of one frame, in order and by name; unpacks like a tuple.

    Parameters
    ----------
    names:
        Of the results, each once.
    results:
        As many.

    Examples
    --------
    >>> north, south = plan(frame)  # doctest: +SKIP
    >>> plan(frame)["80 to 100"].intensity  # doctest: +SKIP
    """

    names: tuple[str, ...]
    results: tuple[Result, ...]

    def __post_init__(self) -> None:
        if len(self.names) != len(self.results) or len(set(self.names)) != len(self.names) or not self.names:
            raise ParameterError(
                f"names: expected one for each of the {len(self.results)} results, each once, got {self.names}."
            )
        for name, result in zip(self.names, self.results, strict=True):
            if not isinstance(result, Profile | Cake):
                raise DataTypeError(f"{name}: expected a Profile or a Cake, got {type(result).__name__}.")

    @property
    def metadata(self) -> Mapping[str, Any]:
        """What is known about the frame."""
        return self.results[0].metadata

    def items(self) -> Iterator[tuple[str, Result]]:
        """Iterate over names and results."""
        return zip(self.names, self.results, strict=True)

    def __getitem__(self, key: str | int) -> Result:
        if isinstance(key, str):
            if key not in self.names:
                raise unknown_name("result", key, self.names)
            return self.results[self.names.index(key)]
        return self.results[key]

    def __iter__(self) -> Iterator[Result]:
        return iter(self.results)

    def __len__(self) -> int:
        return len(self.results)

    def __repr__(self) -> str:
        return f"<ResultSet: {', '.join(self.names)}>"
