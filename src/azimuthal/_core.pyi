# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
# Types of the compiled core; imported by modules named native or _native only.

from collections.abc import Sequence
from typing import Any

from azimuthal.typing import AnyArray, FloatArray, IndexArray, IntArray

def chunk_decode(codec: int, chunk: Any, item_size: int, out: AnyArray, n_threads: int) -> int: ...
def project_sample_grid(
    lower1: FloatArray,
    upper1: FloatArray,
    lower2: FloatArray,
    upper2: FloatArray,
    begin: int,
    end: int,
    rotation: FloatArray,
    shift: FloatArray,
    sample: FloatArray,
    k: float,
    numbers: tuple[int, int, int],
    entry: FloatArray | None,
    entry_step: float,
    corners: FloatArray | None,
    centers: FloatArray | None,
    on_cut: AnyArray | None,
    n_threads: int,
) -> None: ...
def project_sample_points(
    positions: FloatArray,
    rotation: FloatArray,
    shift: FloatArray,
    sample: FloatArray,
    k: float,
    numbers: tuple[int, int, int],
    out: FloatArray,
    n_threads: int,
) -> None: ...
def project_grid(
    lower1: FloatArray,
    upper1: FloatArray,
    lower2: FloatArray,
    upper2: FloatArray,
    begin: int,
    end: int,
    rotation: FloatArray,
    shift: FloatArray,
    quantity: int,
    factor: float,
    entry: FloatArray | None,
    entry_step: float,
    corners: FloatArray | None,
    centers: FloatArray | None,
    n_threads: int,
) -> None: ...
def project_points(
    positions: FloatArray,
    rotation: FloatArray,
    shift: FloatArray,
    quantity: int,
    factor: float,
    nan_at_pole: bool,
    out: FloatArray,
    n_threads: int,
) -> None: ...
def split(
    corners: FloatArray | None,
    centers: FloatArray | None,
    excluded: AnyArray | None,
    scheme: int,
    u_edges: FloatArray,
    c_edges: FloatArray,
    period: float,
    forward_pole: float,
    backward_pole: float,
    equator: float,
    u_floor: float,
    n_threads: int,
) -> tuple[IndexArray, IndexArray, FloatArray, int]: ...
def extent(
    corners: FloatArray | None,
    centers: FloatArray | None,
    excluded: AnyArray | None,
    scheme: int,
    period: float,
    forward_pole: float,
    backward_pole: float,
    equator: float,
    u_floor: float,
    n_threads: int,
) -> tuple[float, float, float, float]: ...
def arc_tangents(y: FloatArray, x: FloatArray, out: FloatArray) -> None: ...
def pack_grid(
    lower1: FloatArray,
    upper1: FloatArray,
    lower2: FloatArray,
    upper2: FloatArray,
    rotation: FloatArray,
    shift: FloatArray,
    quantity: int,
    factor: float,
    entry: FloatArray | None,
    entry_step: float,
    excluded: AnyArray,
    scheme: int,
    u_edges: FloatArray,
    c_edges: FloatArray,
    period: float,
    forward_pole: float,
    backward_pole: float,
    equator: float,
    u_floor: float,
    n_threads: int,
) -> tuple[PackedWeights, int]: ...
def grid_extent(
    lower1: FloatArray,
    upper1: FloatArray,
    lower2: FloatArray,
    upper2: FloatArray,
    rotation: FloatArray,
    shift: FloatArray,
    quantity: int,
    factor: float,
    entry: FloatArray | None,
    entry_step: float,
    excluded: AnyArray,
    scheme: int,
    period: float,
    forward_pole: float,
    backward_pole: float,
    equator: float,
    u_floor: float,
    n_threads: int,
) -> tuple[float, float]: ...
def grid_normalization(
    along: FloatArray,
    across: FloatArray,
    has_solid_angle: bool,
    width1: FloatArray | None,
    width2: FloatArray | None,
    height: float,
    scale: float,
    p2: FloatArray | None,
    form_mixed: FloatArray | None,
    form_along: FloatArray | None,
    form_across: FloatArray | None,
    out: FloatArray,
    n_threads: int,
) -> int: ...
def instruction_sets() -> list[str]: ...
def instructions_in_use() -> str: ...
def use_instructions(name: str) -> None: ...

class PackedWeights:
    @staticmethod
    def from_rows(
        indptr: IntArray, indices: IndexArray, weights: FloatArray | None, n_bins: int, n_threads: int
    ) -> PackedWeights: ...
    def rows(self, n_threads: int) -> tuple[IntArray, IndexArray, FloatArray]: ...
    def used_bits(self) -> AnyArray: ...
    @property
    def n_pixels(self) -> int: ...
    @property
    def n_bins(self) -> int: ...
    @property
    def are_ones(self) -> bool: ...
    @property
    def nbytes(self) -> int: ...

class Reduction:
    def __init__(
        self,
        weights: PackedWeights,
        offset: FloatArray | None,
        gain: FloatArray | None,
        normalization: FloatArray | None,
        n_threads: int,
    ) -> None: ...
    def frame(
        self,
        frame: AnyArray,
        model: int,
        variance: FloatArray | None,
        ranges: Sequence[tuple[float, float]],
        nonfinite: bool,
        n_threads: int,
    ) -> tuple[Any, ...]: ...
    def stack(
        self, frames: list[AnyArray], model: int, ranges: Sequence[tuple[float, float]], nonfinite: bool
    ) -> list[tuple[Any, ...]]: ...
    def chunks(
        self,
        chunks: Sequence[Any],
        codec: int,
        dtype: int,
        model: int,
        ranges: Sequence[tuple[float, float]],
        nonfinite: bool,
    ) -> list[tuple[Any, ...]]: ...

class RobustReduction:
    nbytes: int
    def __init__(
        self,
        weights: PackedWeights,
        offset: FloatArray | None,
        gain: FloatArray | None,
        normalization: FloatArray | None,
        n_threads: int,
    ) -> None: ...
    def clip(
        self,
        frame: AnyArray,
        model: int,
        variance: FloatArray | None,
        ranges: Sequence[tuple[float, float]],
        nonfinite: bool,
        spread: int,
        threshold: float | None,
        max_iter: int | None,
        dark_variance: FloatArray | None,
        flat_variance: FloatArray | None,
        n_threads: int,
    ) -> tuple[Any, ...]: ...
    def trim(
        self,
        frame: AnyArray,
        model: int,
        variance: FloatArray | None,
        ranges: Sequence[tuple[float, float]],
        nonfinite: bool,
        low: float,
        high: float,
        error: int,
        ratio: float,
        dark_variance: FloatArray | None,
        flat_variance: FloatArray | None,
        n_threads: int,
    ) -> tuple[Any, ...]: ...

class Residuals:
    def __init__(
        self,
        weights: PackedWeights,
        offset: FloatArray | None,
        gain: FloatArray | None,
        normalization: FloatArray | None,
    ) -> None: ...
    def frame(
        self,
        frame: AnyArray,
        mean: FloatArray,
        ranges: Sequence[tuple[float, float]],
        nonfinite: bool,
        n_threads: int,
    ) -> tuple[FloatArray, FloatArray]: ...

class PairReduction:
    def __init__(
        self,
        weights: PackedWeights,
        offset: FloatArray | None,
        gain: FloatArray | None,
        normalization: FloatArray | None,
        most: int,
        n_threads: int,
    ) -> None: ...
    def pairs(self) -> tuple[IntArray, IndexArray]: ...
    def frame(
        self,
        frame: AnyArray,
        variance: FloatArray | None,
        means: FloatArray | None,
        ranges: Sequence[tuple[float, float]],
        nonfinite: bool,
        n_threads: int,
    ) -> FloatArray: ...
    def chunk(
        self,
        chunk: Any,
        codec: int,
        dtype: int,
        means: FloatArray | None,
        ranges: Sequence[tuple[float, float]],
        nonfinite: bool,
    ) -> FloatArray | None: ...

def locate(
    values: FloatArray,
    edges: FloatArray,
    period: float,
    is_circle: bool,
    bins: IndexArray,
    fractions: FloatArray,
    n_threads: int,
) -> None: ...
def ridge_border(sigma: float, length: float, n_directions: int) -> int: ...
def ridge_candidates(
    image: AnyArray,
    usable: AnyArray,
    sigma: float,
    length: float,
    n_directions: int,
    significance: float,
    steepness: float,
    constant: float,
    slope: float,
    least: float,
    n_threads: int,
) -> tuple[IntArray, IndexArray, AnyArray, AnyArray, float]: ...
def ridge_fits(
    image: AnyArray,
    usable: AnyArray,
    starts: FloatArray,
    half_length: float,
    half_width: float,
    curvature_error: float,
    constant: float,
    slope: float,
    least: float,
    out: FloatArray,
    n_threads: int,
) -> None: ...
def interpolate(
    bins: IndexArray,
    fractions: FloatArray,
    values: FloatArray,
    last: FloatArray,
    next: FloatArray,
    out: FloatArray,
    n_threads: int,
) -> None: ...
def interpolate_twice(
    radial_bins: IndexArray,
    radial_fractions: FloatArray,
    azimuthal_bins: IndexArray,
    azimuthal_fractions: FloatArray,
    is_circle: bool,
    values: FloatArray,
    out: FloatArray,
    n_threads: int,
) -> None: ...

class RingLists:
    def __init__(
        self, bins: IndexArray, offset: FloatArray | None, normalization: FloatArray | None, n_bins: int
    ) -> None: ...
    def extremes(self) -> tuple[FloatArray, FloatArray, FloatArray]: ...
    def clipped(
        self,
        frame: AnyArray,
        ranges: Sequence[tuple[float, float]],
        nonfinite: bool,
        spread: int,
        cutoff: float,
        noise: float,
        most_rounds: int,
        n_threads: int,
    ) -> tuple[Any, ...]: ...

def pick_pixels(
    frame: AnyArray,
    offset: FloatArray | None,
    normalization: FloatArray | None,
    ranges: Sequence[tuple[float, float]],
    nonfinite: bool,
    bins: IndexArray,
    positions: AnyArray,
    mean: FloatArray,
    std: FloatArray,
    least_raw: FloatArray,
    cutoff: float,
    noise: float,
    n_threads: int,
) -> tuple[AnyArray, AnyArray]: ...
def find_peaks(
    frame: AnyArray,
    offset: FloatArray | None,
    normalization: FloatArray | None,
    ranges: Sequence[tuple[float, float]],
    nonfinite: bool,
    bins: IndexArray,
    positions: AnyArray,
    mean: FloatArray,
    std: FloatArray,
    least_raw: FloatArray,
    cutoff: float,
    noise: float,
    n_fast: int,
    half: int,
    least: int,
    n_threads: int,
) -> tuple[Any, ...]: ...
