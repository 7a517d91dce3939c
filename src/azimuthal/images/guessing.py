# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Proposals from images: the polarisation factor of the beam, and which detector an image may be of.

Nothing here is used by itself: a proposal is looked at and then passed on.

Polarisation factor
    Without polarisation a powder ring is as bright all around. P of :mod:`azimuthal.corrections.polarization` is linear
    in the factor, ``P = P0 - f P1``, so that in the cake of a powder image, corrected for everything but polarisation,
    a ring r of the intensity A_r has in its azimuthal bin c ::

        I_rc = A_r (P0_rc - f P1_rc) + noise

    P0 and P1 are averaged over the bins exactly as the image is. The A_r and f are found together by weighted least
    squares: for a given f every A_r is known, and f follows from Gauss-Newton steps of the projected problem. The
    standard uncertainty is that of f with all A_r free, times the root of the reduced chi-square where that exceeds 1:
    a ring that is spotty, textured or shadowed is less certain than its counts say.

    Small angles hold no information: P1 is of the order of ``sin^2(2 theta) / 2``. The uncertainty says so.

Detector
    A shape fits a detector of the catalogue exactly, as one of its readouts, with pixels combined, or as a region of
    whole modules. Every fit is proposed, with its reason; the position of a region is never known from its shape.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from azimuthal._validate import positive_integer, positive_number
from azimuthal.corrections import polarization
from azimuthal.detectors import Detector, detector, detector_names
from azimuthal.errors import AzimuthalError, ParameterError
from azimuthal.integrate import Integrator
from azimuthal.typing import BoolArray, FloatArray

__all__ = ["DetectorProposal", "PolarizationEstimate", "estimate_polarization", "propose_detectors"]

_MOST_STEPS = 100
_LARGEST_BINNING = 8
_REFUSED = ("polarization_factor", "average", "error_model")


@dataclass(frozen=True, slots=True)
class PolarizationEstimate:
    """A polarisation factor from data; see the module docstring.

    Parameters
    ----------
    factor:
        Best value; not forced into [-1, 1].
    uncertainty:
        Standard uncertainty.
    reduced_chi_square:
        About 1 for smooth rings and right errors; much larger: texture, spots, shadows, a wrong geometry or flat.
    n_bins, n_rings:
        Bins and rings that took part.
    """

    factor: float
    uncertainty: float
    reduced_chi_square: float
    n_bins: int
    n_rings: int


def estimate_polarization(
    integrator: Integrator,
    image: Any,
    *,
    unit: Any = "2th_deg",
    radial_range: tuple[float, float] | None = None,
    npt_rad: int = 100,
    npt_azim: int = 72,
    polarization_offset: float = 0.0,
    min_coverage: float = 0.5,
    **options: Any,
) -> PolarizationEstimate:
    """Return the polarisation factor that makes rings even.

    Parameters
    ----------
    integrator:
        The geometry; it must be right, as a wrong beam centre makes rings uneven too.
    image:
        Raw frame of a sample without texture.
    unit, radial_range:
        Which rings take part; all by default.
    npt_rad, npt_azim:
        Bins of the cake.
    polarization_offset:
        Of the plane of polarisation, rad.
    min_coverage:
        Rings with less than this part of their azimuthal bins do not take part.
    **options:
        Further ones of :meth:`azimuthal.Integrator.integrate2d`: mask, dark, flat, sensor_absorption ...

    Returns
    -------
    :
        Value, uncertainty and how well it fits.

    Raises
    ------
    ParameterError
        An option says the polarisation itself; no ring is left, or their azimuths or angles say nothing about f.
    """
    for name in _REFUSED:
        if name in options:
            raise ParameterError(f"{name}: is chosen by the estimate. Leave it out.")
    plan = integrator.plan2d(
        positive_integer("npt_rad", npt_rad), positive_integer("npt_azim", npt_azim), unit=unit,
        radial_range=radial_range, error_model="poisson", **options,
    )  # fmt: skip
    cake = plan(image)
    # The same bins without corrections, on frames n P: their ratio of sums is the mean of P with the weights c n.
    high, low = (polarization(integrator.instrument, factor=f, offset=polarization_offset) for f in (1.0, -1.0))
    even, slope = (_binned(integrator, plan, part, image) for part in (0.5 * (high + low), 0.5 * (low - high)))
    sigma = cake.sigma
    good = np.isfinite(cake.intensity) & np.isfinite(even) & np.isfinite(slope) & (sigma > 0) & np.isfinite(sigma)
    good &= cake.count >= 1
    rings = good.mean(axis=0) >= positive_number("min_coverage", min_coverage)
    good &= rings
    if not good.any():
        raise ParameterError(
            "radial_range: no ring with counts covers enough of its azimuths. Choose other rings, fewer bins, or a "
            "smaller min_coverage."
        )
    return _fitted(cake.intensity, sigma, even, slope, good)


def _binned(integrator: Integrator, plan: Any, values: FloatArray, image: Any) -> FloatArray:
    """Return the means of P over the bins of a plan, weighted as the intensities are."""
    from azimuthal.images.correction import _compiled

    worker = _compiled(plan.spec.replace(error_model=None), plan.arrays)
    offset = 0.0 if worker.folded.offset is None else worker.folded.offset
    frame = worker.normalization * values
    frame = frame + offset
    frame[worker(image).mask] = np.nan  # the pixels that took no part in the image
    changes = {"dead_time": None, "exposure_time": None, "dead_time_model": None, "dummy": None, "delta_dummy": None}
    means: FloatArray = plan.replace(error_model=None, **changes)(frame).intensity
    return means


def _fitted(
    intensity: FloatArray, sigma: FloatArray, even: FloatArray, slope: FloatArray, good: BoolArray
) -> PolarizationEstimate:
    weight = np.where(good, 1.0 / np.where(good, sigma, 1.0) ** 2, 0.0)
    y, p0, p1 = (np.where(good, values, 0.0) for values in (intensity, even, slope))
    factor = 0.0
    for _ in range(_MOST_STEPS):
        residual, derivative = _projected(y, weight, p0, p1, factor)
        curvature = float((weight * derivative**2).sum())
        if not curvature > 0:
            raise ParameterError(
                "radial_range: these rings say nothing about the polarisation: too small angles, or too little of the "
                "circle."
            )
        step = float((weight * derivative * residual).sum()) / curvature
        factor += step
        if abs(step) < 1e-10:
            break
    residual, derivative = _projected(y, weight, p0, p1, factor)
    n_bins, n_rings = int(good.sum()), int(good.any(axis=0).sum())
    freedom = n_bins - n_rings - 1
    if freedom < 1:
        raise ParameterError(f"npt_azim: {n_bins} bins in {n_rings} rings are too few for a fit.")
    chi2 = float((weight * residual**2).sum()) / freedom
    uncertainty = math.sqrt(max(chi2, 1.0) / float((weight * derivative**2).sum()))
    return PolarizationEstimate(factor, uncertainty, chi2, n_bins, n_rings)


def _projected(
    y: FloatArray, weight: FloatArray, p0: FloatArray, p1: FloatArray, factor: float
) -> tuple[FloatArray, FloatArray]:
    """Return the residuals with the best ring intensities, and what a change of f adds that these cannot follow."""
    model = p0 - factor * p1
    norm = (weight * model**2).sum(axis=0)
    safe = np.where(norm > 0, norm, 1.0)
    rings = (weight * model * y).sum(axis=0) / safe
    change = -rings * p1
    followed = (weight * model * change).sum(axis=0) / safe
    return y - rings * model, change - followed * model


@dataclass(frozen=True, slots=True)
class DetectorProposal:
    """A detector that images of a shape may come from.

    Parameters
    ----------
    name:
        In the catalogue.
    detector:
        That makes such images; None for a region, whose position has to be chosen: ``detector(name).with_region(...)``.
    reason:
        Why, in words.
    binning:
        Pixels combined, (slow, fast).
    regions:
        For a region: where its first pixel may be, (slow, fast), on the boundaries of modules.
    """

    name: str
    detector: Detector | None
    reason: str
    binning: tuple[int, int] = (1, 1)
    regions: tuple[tuple[int, int], ...] = field(default=(), repr=False)


def propose_detectors(
    shape: tuple[int, int], *, pixel_size: tuple[float, float] | float | None = None
) -> tuple[DetectorProposal, ...]:
    """Return the detectors of the catalogue that images of a shape may come from, the closest fits first.

    Parameters
    ----------
    shape:
        (slow, fast) of the image.
    pixel_size:
        Of the image, m, when it is known: proposals with another one (by more than 1 %) are left out.

    Returns
    -------
    :
        Exact fits, then readouts of the camera, combined pixels, regions of whole modules; the same detector read with
        rows and columns exchanged comes last. Empty when nothing fits.
    """
    wanted = positive_integer("shape[0]", shape[0]), positive_integer("shape[1]", shape[1])
    found: list[tuple[int, DetectorProposal]] = []
    for name in detector_names():
        try:
            whole = detector(name)
        except AzimuthalError:  # the generic detector has no shape of its own
            continue
        found += _fits(whole, wanted)
    sizes = None if pixel_size is None else np.broadcast_to(np.asarray(pixel_size, dtype=np.float64), 2)
    kept = [item for item in found if sizes is None or _has_size(item[1], sizes)]
    return tuple(proposal for _, proposal in sorted(kept, key=lambda item: (item[0], item[1].name.casefold())))


def _fits(whole: Detector, shape: tuple[int, int]) -> list[tuple[int, DetectorProposal]]:
    name = whole.name
    if whole.shape == shape:
        return [(0, DetectorProposal(name, whole, "the whole image"))]
    readout = _readout(name, shape)
    if readout is not None:
        size = f"{readout.pixel1 * 1e6:g} x {readout.pixel2 * 1e6:g} µm"
        told = f"a readout of the camera with pixels of {size}"
        return [(1, DetectorProposal(name, readout, told))]
    proposals = [
        (
            2,
            DetectorProposal(
                name, whole.with_binning(*factors), f"{factors[0]} x {factors[1]} pixels combined", factors
            ),
        )
        for factors in _binnings(whole, shape)
    ]
    if not proposals:
        proposals = [(3, found) for found in [_region(whole, shape)] if found is not None]
    if not proposals and whole.shape == shape[::-1] and shape[0] != shape[1]:
        told = "rows and columns are exchanged: transpose the image"
        proposals = [(4, DetectorProposal(name, None, told))]
    return proposals


def _readout(name: str, shape: tuple[int, int]) -> Detector | None:
    try:
        return detector(name, shape=shape)
    except AzimuthalError:
        return None


def _binnings(whole: Detector, shape: tuple[int, int]) -> list[tuple[int, int]]:
    factors = (whole.shape[0] // shape[0], whole.shape[1] // shape[1])
    divides = all(size * factor == n for size, factor, n in zip(shape, factors, whole.shape, strict=True))
    usual = min(factors) >= 1 and max(factors) <= _LARGEST_BINNING and whole.n_corners == 4
    return [factors] if divides and usual else []


def _region(whole: Detector, shape: tuple[int, int]) -> DetectorProposal | None:
    """Return the region of whole modules that has this shape."""
    modules = whole.modules
    if modules is None or not whole.is_whole or whole.n_corners != 4:
        return None
    counts, starts = [], []
    for axis in (0, 1):
        pitch = modules.size[axis] + modules.gap[axis]
        number, rest = divmod(shape[axis] + modules.gap[axis], pitch)
        if rest or not 1 <= number <= modules.count[axis]:
            return None
        counts.append(number)
        starts.append([first * pitch for first in range(modules.count[axis] - number + 1)])
    told = (
        f"a region of {counts[0]} x {counts[1]} of {modules.count[0]} x {modules.count[1]} modules; where, is not known"
    )
    return DetectorProposal(whole.name, None, told, regions=tuple((i, j) for i in starts[0] for j in starts[1]))


def _has_size(proposal: DetectorProposal, sizes: Any) -> bool:
    found = detector(proposal.name) if proposal.detector is None else proposal.detector
    return bool(np.allclose((found.pixel1, found.pixel2), sizes, rtol=0.01))
