# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Frames, pose, beam and coordinates; foreign conventions are in :mod:`azimuthal.geometry.conventions`."""

from azimuthal.geometry.beam import Beam
from azimuthal.geometry.parallax import ParallaxSettings
from azimuthal.geometry.pose import Pose

__all__ = ["Beam", "ParallaxSettings", "Pose"]
