# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Engines: weights and frames -> sums per bin.  They know no physics."""

from azimuthal.engines._protocol import (
    CHUNK_CODECS,
    FRAME_DTYPES,
    BinSums,
    Capabilities,
    Engine,
    Reducer,
    ReductionTask,
    Residuals,
    VarianceModel,
    check_frame_dtype,
)
from azimuthal.engines._registry import engine, engine_names, register_engine
from azimuthal.engines._robust import RobustReducer, RobustSums, StaticVariances
from azimuthal.engines._threads import thread_count

__all__ = [
    "CHUNK_CODECS",
    "FRAME_DTYPES",
    "BinSums",
    "Capabilities",
    "Engine",
    "Reducer",
    "ReductionTask",
    "Residuals",
    "RobustReducer",
    "RobustSums",
    "StaticVariances",
    "VarianceModel",
    "check_frame_dtype",
    "engine",
    "engine_names",
    "register_engine",
    "thread_count",
]
