// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
//
// The weighted scatter: one frame -> sums per bin. Knows nothing of geometry.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <vector>

namespace azimuthal {

// Pixel-major weights: pixel p feeds bins indices[e] with weight weights[e], e in [indptr[p], indptr[p + 1]).
struct PixelWeights {
  const std::int64_t* indptr;
  const std::int32_t* indices;
  const double* weights;  // null: every weight is exactly one
  std::size_t n_pixels;
  std::size_t n_bins;
};

// Per-pixel arrays, each of which may be null: s = (raw - offset) * gain, n = normalization.
struct PixelTerms {
  const double* offset;
  const double* gain;
  const double* normalization;
};

// Values that mark a pixel as invalid: inclusive ranges, and for floating point NaN and infinity.
template <class T>
struct InvalidRule {
  std::vector<T> low, high;
  bool nonfinite = false;

  bool operator()(T value) const noexcept {
    if constexpr (std::is_floating_point_v<T>) {
      if (nonfinite && !std::isfinite(value)) return true;
    }
    for (std::size_t i = 0; i < low.size(); ++i) {
      if (value >= low[i] && value <= high[i]) return true;
    }
    return false;
  }
};

enum class Variance { none = 0, poisson = 1, given = 2 };

struct FrameSums {
  double* signal;         // n_bins
  double* variance;       // n_bins, null for Variance::none
  std::int64_t n_invalid; // invalid pixels among those that feed a bin
};

struct Denominators {
  double* normalization;
  double* normalization2;
  double* count;
};

// One frame's signal and variance per bin.
template <class T>
FrameSums scatter(const PixelWeights& m, const PixelTerms& terms, const T* frame, Variance model,
                  const double* variance, const InvalidRule<T>& invalid, FrameSums sums, unsigned n_threads);

// Sums that do not depend on the frame, except through the pixels that it invalidates. `frame` may be null: all valid.
template <class T>
void denominators(const PixelWeights& m, const double* normalization, const T* frame, const InvalidRule<T>& invalid,
                  Denominators out, unsigned n_threads);

}  // namespace azimuthal
