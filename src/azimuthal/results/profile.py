# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""A profile: intensity along one axis, kept as sums.

``q, intensity, sigma = profile`` unpacks the bin centres and the derived values; the sums, edges, unit and
provenance stay with the object.  A profile over the azimuth, I(chi), is the same thing with an axis of
another quantity.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from azimuthal.errors import ShapeError
from azimuthal.results._derived import Derived, check_axis, check_mergeable, merged_fields, range_text
from azimuthal.results._history import with_step
from azimuthal.results._rejected import Rejected
from azimuthal.results._sums import Sums
from azimuthal.results.arithmetic import Arithmetic
from azimuthal.typing import Average, ErrorModel, FloatArray
from azimuthal.units import Axis, Unit

if TYPE_CHECKING:
    import matplotlib.axes
    import numpy.typing as npt
    import pandas as pd
    import scipp
    import xarray


@dataclass(frozen=True, slots=True, eq=False)
class Profile(Derived, Arithmetic):
    """Intensity along one axis.

    Parameters
    ----------
    axis:
        The bins: unit and edges.
    sums:
        Sums of shape ``(axis.n_bins,)``.
    average:
        How the intensity follows from the sums: ``"ratio_of_sums"``, ``"mean_of_ratios"`` or ``"sum"``.
    error_model:
        Where the variance comes from, None exactly when the sums have none.
    wavelength:
        In m, or None when it is not known.
    normalization_factor:
        Factor (monitor) that is part of the sums of normalisation already.
    provenance:
        How the numbers were made, ready for JSON: ``recipe``, ``engine``, ``version``, ``corrections`` ...
    metadata:
        What is known about the frame, ready for JSON; writers use ``label``, ``index`` and ``name``.
    outliers:
        What `reject` did: :class:`azimuthal.results.Rejected`, or None.
    normalization_variance:
        Variance of `normalization_factor`; part of sem, and common to all bins.

    Raises
    ------
    ShapeError
        The sums do not have one value per bin.
    ParameterError
        A variance without error model or the other way round, a wavelength or factor that is not positive.
    """

    axis: Axis
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
        if len(self.sums.shape) != 1:
            raise ShapeError(f"sums: expected shape (n_bins,), got {self.sums.shape}.")
        check_axis("axis", self.axis, self.sums.shape[0])

    @property
    def unit(self) -> Unit:
        """Unit of the axis."""
        return self.axis.unit

    @property
    def radial(self) -> FloatArray:
        """Centres of the bins, in `unit`; the azimuth when the profile runs over chi."""
        return self.axis.centers

    @property
    def edges(self) -> FloatArray:
        """Edges of the bins, in `unit`; one more than there are bins."""
        return self.axis.edges

    def __iter__(self) -> Iterator[FloatArray | None]:
        yield self.radial
        yield self.intensity
        yield self.sigma

    def to(self, unit: str | Unit) -> Profile:
        """Return the profile with its axis in another unit; the sums stay what they are.

        Bins keep their contents, so equal bins in q are not equal in 2theta.  Where the new unit runs the
        other way (d against q) the order of the bins is turned round.

        Raises
        ------
        UnsupportedOptionError, WavelengthMissingError, ParameterError
            The conversion does not exist, lacks the wavelength, or makes an edge infinite.
        """
        axis, order = self.axis.to(unit, self.wavelength)
        provenance = with_step(self.provenance, "unit", unit=[self.unit.name, axis.unit.name])
        outliers = None if self.outliers is None else self.outliers.reordered(order)
        return replace(self, axis=axis, sums=self.sums.reordered(order), provenance=provenance, outliers=outliers)

    def merged(self, *others: Profile) -> Profile:
        """Return one profile from the sums of this and all others: the profile of all frames together.

        Normalisation factors add up, so that the mean is weighted by the monitor.  Metadata and provenance
        keep what all have in common.

        Raises
        ------
        ParameterError
            Bins, average, error model or wavelength differ.
        """
        for other in others:
            check_mergeable(self, other, ("axis",))
        return Profile(axis=self.axis, **merged_fields([self, *others]))

    def rebinned(
        self, edges: npt.ArrayLike | None = None, *, every: int | None = None, method: Any = "exact"
    ) -> Profile:
        """Return the profile with other bins: unions of its own; see :mod:`azimuthal.results.rebin`.

        Parameters
        ----------
        edges:
            New edges in `unit`.
        every:
            Instead of edges: how many bins become one.
        method:
            "exact" refuses edges that cut a bin, "shared" shares the content of such a bin by width.
        """
        from azimuthal.results.rebin import rebinned_profile

        return rebinned_profile(self, edges, every=every, method=method)

    def plot(self, ax: matplotlib.axes.Axes | None = None, **options: Any) -> matplotlib.axes.Axes:
        """Draw the profile with its error band; see :func:`azimuthal.results.plot_profile`."""
        from azimuthal.results.plot import plot_profile

        return plot_profile(self, ax, **options)

    def to_xarray(self) -> xarray.Dataset:
        """Return an ``xarray.Dataset``; see :func:`azimuthal.results.convert.profile_to_xarray`."""
        from azimuthal.results.convert import profile_to_xarray

        return profile_to_xarray(self)

    def to_scipp(self) -> scipp.DataArray:
        """Return a ``scipp.DataArray`` with variances and bin edges; see :mod:`azimuthal.results.convert_scipp`."""
        from azimuthal.results.convert_scipp import profile_to_scipp

        return profile_to_scipp(self)

    def to_pandas(self) -> pd.DataFrame:
        """Return a ``pandas.DataFrame``, one row per bin."""
        from azimuthal.results.convert import profile_to_pandas

        return profile_to_pandas(self)

    def __repr__(self) -> str:
        return f"Profile({range_text(self.axis)}, average={self.average!r}, error_model={self.error_model!r})"

    def _repr_html_(self) -> str:
        from azimuthal.results._sketch import profile_html

        return profile_html(self)
