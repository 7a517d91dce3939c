# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Corrections: one function each, folded into the arrays that engines see.

Order and sign, for a raw frame and a pixel of it ::

    s = raw - offset                        signal
    n = normalization  normalization_factor
    I = s / n                               of one pixel; averages in azimuthal.results

====  ====================  =========  ==========  ====================================================
step  correction            acts on    sign        definition
====  ====================  =========  ==========  ====================================================
1     invalid values        raw        excludes    :mod:`azimuthal.masks`; on the raw frame, so before 2
1b    dead time             raw        replaces    :mod:`azimuthal.corrections.dead_time`; counts that have a limit
2     dark                  offset     subtracted  :mod:`azimuthal.corrections.flat_dark`
3     flat field            factor     divided by  :mod:`azimuthal.corrections.flat_dark`
4     absorption image      factor     divided by  :mod:`azimuthal.corrections.flat_dark`
5     solid angle           factor     divided by  :mod:`azimuthal.corrections.solid_angle`
6     polarisation          factor     divided by  :mod:`azimuthal.corrections.polarization`
7     sensor absorption     factor     divided by  :mod:`azimuthal.corrections.absorption`
8     normalization_factor  per frame  divided by  a scalar: monitor, exposure time
====  ====================  =========  ==========  ====================================================

Factors 3 to 7 commute. The Poisson variance is that of the raw counts, before 2; factors are taken as exact.
A pixel whose normalisation is 0, negative or not finite, or whose dark is not finite, is excluded and counted
by cause in the summary: nothing is dropped silently and nothing replaced.

Parallax moves positions and not intensities: :mod:`azimuthal.geometry.parallax`.
"""

from azimuthal.corrections._fold import CorrectionSettings, FoldedCorrections, fold
from azimuthal.corrections.absorption import (
    SENSOR_ABSORPTION_MODES,
    SensorAbsorptionMode,
    absorbed_fraction,
    absorption,
    checked_sensor_absorption,
    sensor_efficiency,
)
from azimuthal.corrections.dead_time import DEAD_TIME_MODELS, DeadTime, DeadTimeModel
from azimuthal.corrections.polarization import polarization, polarization_form
from azimuthal.corrections.solid_angle import SOLID_ANGLE_MODES, SolidAngleMode, solid_angle

__all__ = [
    "DEAD_TIME_MODELS",
    "SENSOR_ABSORPTION_MODES",
    "SOLID_ANGLE_MODES",
    "CorrectionSettings",
    "DeadTime",
    "DeadTimeModel",
    "FoldedCorrections",
    "SensorAbsorptionMode",
    "SolidAngleMode",
    "absorbed_fraction",
    "absorption",
    "checked_sensor_absorption",
    "fold",
    "polarization",
    "polarization_form",
    "sensor_efficiency",
    "solid_angle",
]
