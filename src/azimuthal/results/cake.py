# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""A cake: intensity over azimuth and radius, kept as sums; arrays are ``[azimuthal, radial]``.

``intensity, radial, azimuthal = cake`` unpacks the image and the bin centres.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from azimuthal.errors import ShapeError
from azimuthal.results._derived import Derived, check_axis, check_mergeable, merged_fields, range_text
from azimuthal.results._history import with_step
from azimuthal.results._rejected import Rejected
from azimuthal.results._sums import Sums
from azimuthal.results.arithmetic import Arithmetic
from azimuthal.typing import Average, BoolArray, ErrorModel, FloatArray
from azimuthal.units import Axis, Unit
from azimuthal.units import unit as find_unit

if TYPE_CHECKING:
    import matplotlib.axes
    import numpy.typing as npt
    import pandas as pd
    import scipp
    import xarray

    from azimuthal.results.profile import Profile


@dataclass(frozen=True, slots=True, eq=False)
class Cake(Derived, Arithmetic):
    """Intensity over azimuth (slow) and radius (fast).

    Parameters
    ----------
    radial_axis, azimuthal_axis:
        The bins along both directions: unit and edges.
    sums:
        Sums of shape ``(azimuthal_axis.n_bins, radial_axis.n_bins)``.
    average, error_model, wavelength, normalization_factor, provenance, metadata, outliers, normalization_variance:
        As in :class:`azimuthal.results.Profile`.

    Raises
    ------
    ShapeError
        The shape of the sums does not follow from the axes.
    ParameterError
        A variance without error model or the other way round, a wavelength or factor that is not positive.
    """

    radial_axis: Axis
    azimuthal_axis: Axis
    sums: Sums
    average: Average = field(default="ratio_of_sums", kw_only=True)
    error_model: ErrorModel | None = field(default=None, kw_only=True)
    wavelength: float | None = field(default=None, kw_only=True)
    normalization_factor: float = field(default=1.0, kw_only=True)
    provenance: Mapping[str, Any] = field(default_factory=dict, kw_only=True)
    metadata: Mapping[str, Any] = field(default_factory=dict, kw_only=True)
    outliers: Rejected | None = field(default=None, kw_only=True)
    normalization_variance: float = field(default=0.0, kw_only=True)

    def __post_init__(self) -> None:
        self._check_common()
        if len(self.sums.shape) != 2:
            raise ShapeError(f"sums: expected shape (n_azimuthal, n_radial), got {self.sums.shape}.")
        check_axis("azimuthal_axis", self.azimuthal_axis, self.sums.shape[0])
        check_axis("radial_axis", self.radial_axis, self.sums.shape[1])

    @property
    def radial_unit(self) -> Unit:
        """Unit of the radial axis."""
        return self.radial_axis.unit

    @property
    def azimuthal_unit(self) -> Unit:
        """Unit of the azimuthal axis."""
        return self.azimuthal_axis.unit

    @property
    def radial(self) -> FloatArray:
        """Centres of the radial bins, in `radial_unit`."""
        return self.radial_axis.centers

    @property
    def azimuthal(self) -> FloatArray:
        """Centres of the azimuthal bins, in `azimuthal_unit`."""
        return self.azimuthal_axis.centers

    @property
    def missing_wedge(self) -> BoolArray:
        """Bins of a grazing-incidence map that no elastic scattering can reach: always empty, intensity NaN.

        Definition: :mod:`azimuthal.results.missing_wedge`.  Empty bins beside it are those that no pixel covers.
        """
        from azimuthal.results.missing_wedge import missing_wedge

        return missing_wedge(self.radial_axis, self.azimuthal_axis, self.wavelength)

    def __iter__(self) -> Iterator[FloatArray]:
        yield self.intensity
        yield self.radial
        yield self.azimuthal

    def to(self, unit: str | Unit) -> Cake:
        """Return the cake with one axis in another unit; the sums stay what they are.

        A unit of the azimuthal axis' quantity (``"chi_rad"``) changes that axis, every other unit the radial
        one.

        Raises
        ------
        UnsupportedOptionError, WavelengthMissingError, ParameterError
            The conversion does not exist, lacks the wavelength, or makes an edge infinite.
        """
        target = find_unit(unit)
        if target.quantity == self.azimuthal_axis.quantity:
            azimuthal, order = self.azimuthal_axis.to(target, self.wavelength)
            provenance = with_step(self.provenance, "unit", unit=[self.azimuthal_unit.name, azimuthal.unit.name])
            return replace(
                self,
                azimuthal_axis=azimuthal,
                sums=self.sums.reordered(order),
                provenance=provenance,
                outliers=self._reordered(order),
            )
        radial, order = self.radial_axis.to(target, self.wavelength)
        provenance = with_step(self.provenance, "unit", unit=[self.radial_unit.name, radial.unit.name])
        sums = self.sums.reordered(slice(None), order)
        outliers = self._reordered(slice(None), order)
        return replace(self, radial_axis=radial, sums=sums, provenance=provenance, outliers=outliers)

    def _reordered(self, *order: slice) -> Rejected | None:
        return None if self.outliers is None else self.outliers.reordered(*order)

    def merged(self, *others: Cake) -> Cake:
        """Return one cake from the sums of this and all others, as :meth:`Profile.merged` does."""
        for other in others:
            check_mergeable(self, other, ("radial_axis", "azimuthal_axis"))
        return Cake(self.radial_axis, self.azimuthal_axis, **merged_fields([self, *others]))

    def radial_profile(self, azimuth_range: Sequence[float] | None = None, *, method: Any = "exact") -> Profile:
        """Return the profile along the radial axis, from the sums over an arc of azimuths (any arc) or over all.

        `method` says what becomes of bins that the arc cuts: "exact" raises, "shared" takes a part of them; see
        :func:`azimuthal.results.rebin.radial_profile`.
        """
        from azimuthal.results.rebin import radial_profile

        return radial_profile(self, azimuth_range, method=method)

    def azimuthal_profile(self, radial_range: Sequence[float] | None = None, *, method: Any = "exact") -> Profile:
        """Return the profile along the azimuthal axis, from the sums over a radial range or over all."""
        from azimuthal.results.rebin import azimuthal_profile

        return azimuthal_profile(self, radial_range, method=method)

    def rebinned(
        self,
        radial: npt.ArrayLike | None = None,
        azimuthal: npt.ArrayLike | None = None,
        *,
        radial_every: int | None = None,
        azimuthal_every: int | None = None,
        method: Any = "exact",
    ) -> Cake:
        """Return the cake with other bins along one axis or both; parameters as of :meth:`Profile.rebinned`."""
        from azimuthal.results.rebin import rebinned_cake

        every = {"radial_every": radial_every, "azimuthal_every": azimuthal_every}
        return rebinned_cake(self, radial, azimuthal, **every, method=method)

    def symmetrized(self, *, full_circle: bool = False) -> Cake:
        """Return the cake with bins half a turn apart put together; see :mod:`azimuthal.results.symmetry`."""
        from azimuthal.results.symmetry import symmetrized

        return symmetrized(self, full_circle=full_circle)

    def plot(self, ax: matplotlib.axes.Axes | None = None, **options: Any) -> matplotlib.axes.Axes:
        """Draw the cake as an image; see :func:`azimuthal.results.plot_cake`."""
        from azimuthal.results.plot import plot_cake

        return plot_cake(self, ax, **options)

    def to_xarray(self) -> xarray.Dataset:
        """Return an ``xarray.Dataset``; see :func:`azimuthal.results.convert.cake_to_xarray`."""
        from azimuthal.results.convert import cake_to_xarray

        return cake_to_xarray(self)

    def to_scipp(self) -> scipp.DataArray:
        """Return a ``scipp.DataArray`` with variances and bin edges; see :mod:`azimuthal.results.convert_scipp`."""
        from azimuthal.results.convert_scipp import cake_to_scipp

        return cake_to_scipp(self)

    def to_pandas(self) -> pd.DataFrame:
        """Return a ``pandas.DataFrame``, one row per bin, azimuth slow."""
        from azimuthal.results.convert import cake_to_pandas

        return cake_to_pandas(self)

    def __repr__(self) -> str:
        return (
            f"Cake({range_text(self.azimuthal_axis)} x {range_text(self.radial_axis)}, "
            f"average={self.average!r}, error_model={self.error_model!r})"
        )

    def _repr_html_(self) -> str:
        from azimuthal.results._sketch import cake_html

        return cake_html(self)
