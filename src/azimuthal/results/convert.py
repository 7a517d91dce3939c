# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Results as xarray and pandas objects: views for further work, never needed by the package itself.

Dimensions are called ``radial`` and ``azimuthal``; a profile over chi has the dimension ``azimuthal``.
Coordinates carry ``units`` and ``long_name``, and the bin edges are coordinates ``radial_edges`` (one longer
than the dimension).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from azimuthal.errors import MissingDependencyError, ParameterError
from azimuthal.results._covariance import PairSums
from azimuthal.results._derived import Derived
from azimuthal.results._sums import Sums
from azimuthal.sparse import BinPairs
from azimuthal.typing import FloatArray
from azimuthal.units import Axis

if TYPE_CHECKING:
    import pandas as pd
    import xarray

    from azimuthal.results.cake import Cake
    from azimuthal.results.profile import Profile

#: Names of the arrays of a result that has an error model, in the order of files and tables.
VARIABLES = (
    "intensity",
    "sigma",
    "std",
    "count",
    "sum_signal",
    "sum_variance",
    "sum_normalization",
    "sum_normalization2",
)
#: Of some error models only, after those.
FURTHER_VARIABLES = ("sum_cross", "sum_static_variance", "sum_shared_variance")


#: The covariance of bins that share pixels: two bins of each pair, and the covariance of their sums of signal.
_PAIRS = ("covariance_first", "covariance_second", "sum_covariance")


def variables(result: Derived) -> dict[str, FloatArray]:
    """Return the arrays of a result by name, without those that its error model does not have."""
    values = {name: getattr(result, name) for name in (*VARIABLES, *FURTHER_VARIABLES)}
    return {name: array for name, array in values.items() if array is not None}


def dimension(axis: Axis) -> str:
    """Return ``"azimuthal"`` for an axis that runs round the beam, ``"radial"`` for all others."""
    return "radial" if axis.unit.period is None else "azimuthal"


def profile_to_xarray(profile: Profile) -> xarray.Dataset:
    """Return a dataset with the dimension ``radial`` (``azimuthal`` for I(chi)).

    Variables are those of :data:`VARIABLES`; provenance and metadata are JSON texts among the attributes.
    """
    return _dataset(profile, {dimension(profile.axis): profile.axis})


def cake_to_xarray(cake: Cake) -> xarray.Dataset:
    """Return a dataset with the dimensions ``(azimuthal, radial)``; see :func:`profile_to_xarray`."""
    return _dataset(cake, {"azimuthal": cake.azimuthal_axis, "radial": cake.radial_axis})


def _dataset(result: Derived, axes: dict[str, Axis]) -> xarray.Dataset:
    package = _xarray()
    coordinates: dict[str, Any] = {}
    for name, axis in axes.items():
        about = {"units": axis.unit.symbol, "long_name": axis.unit.label, "unit": axis.unit.name}
        coordinates[name] = (name, axis.centers, about)
        coordinates[f"{name}_edges"] = (f"{name}_edges", axis.edges, about)
    data: dict[str, Any] = {name: (tuple(axes), array) for name, array in variables(result).items()}
    if result.sums.covariance is not None:
        held = result.sums.covariance
        named = zip(_PAIRS, (held.pairs.first, held.pairs.partners, held.values), strict=True)
        data |= {name: (("covariance_pair",), array) for name, array in named}
    dataset: xarray.Dataset = package.Dataset(data, coordinates, _attributes(result))
    return dataset


def _attributes(result: Derived) -> dict[str, Any]:
    attributes = {
        "average": result.average,
        "error_model": result.error_model,
        "wavelength_m": result.wavelength,
        "normalization_factor": result.normalization_factor,
        "normalization_variance": result.normalization_variance or None,
        "provenance": json.dumps(result.provenance, default=plain),
        "metadata": json.dumps(result.metadata, default=plain),
    }
    return {name: value for name, value in attributes.items() if value is not None}


def _covariance_in(dataset: xarray.Dataset) -> PairSums | None:
    if _PAIRS[0] not in dataset:
        return None
    first, second, values = (dataset[name].values for name in _PAIRS)
    pairs, place = BinPairs.from_bins(first, second, dataset["count"].size)
    made = np.empty(pairs.n_pairs)
    made[place] = values
    return PairSums(pairs, made)


def from_xarray(dataset: xarray.Dataset) -> Profile | Cake:
    """Return the result that :func:`profile_to_xarray` or :func:`cake_to_xarray` made a dataset of, to the last bit.

    It is made from the sums and edges; means that were changed in the dataset are not seen.

    Raises
    ------
    ParameterError
        A variable, coordinate or attribute is missing: the dataset is not of this package, or has been cut down.
    """
    from azimuthal.results.cake import Cake
    from azimuthal.results.profile import Profile

    try:
        names = (*VARIABLES, *FURTHER_VARIABLES)
        arrays = {name: dataset[name].values for name in names if name.startswith("sum_") and name in dataset}
        sums = Sums(
            arrays["sum_signal"],
            arrays.get("sum_variance"),
            arrays["sum_normalization"],
            arrays["sum_normalization2"],
            dataset["count"].values,
            cross=arrays.get("sum_cross"),
            static=arrays.get("sum_static_variance"),
            shared=arrays.get("sum_shared_variance"),
            covariance=_covariance_in(dataset),
        )
        axes = [_axis(dataset, str(name)) for name in dataset["count"].dims]
        attributes = dataset.attrs
        facts = {
            "average": attributes["average"],
            "error_model": attributes.get("error_model"),
            "wavelength": attributes.get("wavelength_m"),
            "normalization_factor": attributes["normalization_factor"],
            "normalization_variance": attributes.get("normalization_variance", 0.0),
            "provenance": json.loads(attributes["provenance"]),
            "metadata": json.loads(attributes["metadata"]),
        }
    except KeyError as error:
        raise ParameterError(
            f"dataset: expected what to_xarray() makes, but {error.args[0]!r} is missing. Keep the sums, the edges and "
            "the attributes of the dataset."
        ) from error
    if len(axes) == 1:
        return Profile(axes[0], sums, **facts)
    azimuthal, radial = axes
    return Cake(radial, azimuthal, sums, **facts)


def _axis(dataset: xarray.Dataset, name: str) -> Axis:
    edges = dataset[f"{name}_edges"]
    return Axis(edges.attrs["unit"], edges.values)


def profile_to_pandas(profile: Profile) -> pd.DataFrame:
    """Return a frame with one row per bin; the index is the bin centre and bears the unit's name."""
    pd = _pandas()
    index = pd.Index(profile.radial, name=profile.unit.name)
    return pd.DataFrame(variables(profile), index=index)


def cake_to_pandas(cake: Cake) -> pd.DataFrame:
    """Return a frame with one row per bin; the index has two levels, named after the units, azimuth slow."""
    pd = _pandas()
    names = [cake.azimuthal_unit.name, cake.radial_unit.name]
    index = pd.MultiIndex.from_product([cake.azimuthal, cake.radial], names=names)
    return pd.DataFrame({name: array.ravel() for name, array in variables(cake).items()}, index=index)


def plain(value: Any) -> Any:
    """Return a NumPy scalar or array as Python numbers, a path as text: ``json.dumps(default=plain)``."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if hasattr(value, "__fspath__"):
        return str(value)
    raise TypeError(f"{type(value).__name__} cannot be stored as JSON: {value!r}")


def _xarray() -> Any:
    try:
        import xarray
    except ImportError as error:
        raise _missing("to_xarray()", "xarray") from error
    return xarray


def _pandas() -> Any:
    try:
        import pandas as pd
    except ImportError as error:
        raise _missing("to_pandas()", "pandas") from error
    return pd


def _missing(what: str, package: str) -> MissingDependencyError:
    return MissingDependencyError(
        f"{what} needs the package {package}, which is not installed. Run: pip install 'azimuthal[data]'"
    )
