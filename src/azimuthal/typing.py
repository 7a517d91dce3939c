# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Array aliases and the closed sets of option names.

Shapes are written in the docstrings that use an alias; the alias fixes the element type.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

FloatArray: TypeAlias = npt.NDArray[np.float64]
IntArray: TypeAlias = npt.NDArray[np.int64]
IndexArray: TypeAlias = npt.NDArray[np.int32]
BoolArray: TypeAlias = npt.NDArray[np.bool_]
AnyArray: TypeAlias = npt.NDArray[Any]
PathLike: TypeAlias = str | Path

Split: TypeAlias = Literal["none", "bbox", "pseudo", "full", "exact"]
Average: TypeAlias = Literal["ratio_of_sums", "mean_of_ratios", "sum"]
ErrorModel: TypeAlias = Literal["poisson", "variance", "azimuthal", "hybrid"]

SPLITS: tuple[Split, ...] = ("none", "bbox", "pseudo", "full", "exact")
AVERAGES: tuple[Average, ...] = ("ratio_of_sums", "mean_of_ratios", "sum")
ERROR_MODELS: tuple[ErrorModel, ...] = ("poisson", "variance", "azimuthal", "hybrid")
