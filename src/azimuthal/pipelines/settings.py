# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""The settings of a batch: one frozen record of plain values, made by a command line, a page or a script."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchSettings:
    """What to integrate, how, and where to put it; plain values only.

    Parameters
    ----------
    images:
        Paths, ``file.h5::/dataset`` and patterns; frames come in this order.
    geometry:
        Geometry file: PONI or any format of :mod:`azimuthal.io.geometry_files`.
    keep_every:
        Seconds after which results of a run into one HDF5 file are safe from whatever happens
        (:mod:`azimuthal.pipelines.parts`).
    poni:
        Text of a PONI file that is used instead of a file; `geometry` is then only what messages call it.
    npt, npt_azim:
        Number of radial bins; number of azimuthal bins for cakes, None for profiles.
    unit:
        Radial unit.
    output:
        One file, or a name with fields (:mod:`azimuthal.pipelines.outputs`); None: the stem of the first image with
        ``_azimuthal.h5`` in the working folder.
    force:
        Whether files that exist may be replaced.
    detector, orientation:
        Instead of those in the geometry file.
    masks:
        Files of 0 and 1, 1 = excluded; all of them apply.
    file_mask:
        Whether the detector's own pixel mask, stored in the first image file that has one, applies too.
    dark, flat:
        Image files; the dark may hold one image for each frame.
    choices:
        Further fields of :class:`azimuthal.integrate.PlanSpec`: ``split``, ``average``, ``error_model``,
        ``radial_range``, ``azimuth_range``, ``polarization_factor``, ``solid_angle``, ``dummy``, ``delta_dummy``,
        ``engine`` ...
    normalization_factor:
        Divides every intensity.
    monitor, monitor_variance:
        Where one value for each frame stands, by which it is divided too, and its variance or ``"poisson"``: see
        :mod:`azimuthal.pipelines.frame_inputs`.
    threads:
        Number of threads; None for all that this process may use.
    sectors:
        Azimuthal sectors (start, stop) in degrees, each of which gives a pattern; empty for the whole circle.
    dark_variance, flat_variance:
        Image files; "poisson" in the place of the first for a dark of counts.
    normalization_variance:
        Variance of `normalization_factor`.
    picture:
        Picture of all frames together, ``.png``, ``.svg`` or ``.pdf``; None for none.
    grazing:
        For grazing incidence ``unit_oop`` and, as needed, ``incident_angle`` and ``tilt_angle`` (texts with their
        unit), ``sample_orientation`` and, for a cut, ``along``; `unit` is the in-plane one, `npt_azim` counts
        out-of-plane bins, and the ranges of `choices` are those of the two units.
    """

    images: tuple[str, ...]
    geometry: str
    npt: int
    unit: str
    npt_azim: int | None = None
    output: str | None = None
    force: bool = False
    detector: str | None = None
    orientation: int | None = None
    masks: tuple[str, ...] = ()
    file_mask: bool = False
    dark: str | None = None
    flat: str | None = None
    choices: Mapping[str, Any] = field(default_factory=dict)
    normalization_factor: float = 1.0
    threads: int | None = None
    picture: str | None = None
    grazing: Mapping[str, Any] | None = None
    dark_variance: str | None = None
    flat_variance: str | None = None
    normalization_variance: float = 0.0
    sectors: tuple[tuple[float, float], ...] = ()
    poni: str | None = None
    keep_every: float = 5.0
    monitor: str | None = None
    monitor_variance: str | None = None
