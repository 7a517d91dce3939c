// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
//
// The second pass over a frame, when the means of its bins are known: how far the pixels are from them.
//
//     squares   sum  c^2 r^2               r = (raw - offset) gain - mean normalization
//     cross     sum  c^2 normalization r
//
// A mean of squares less the square of a mean would lose all its digits where the spread is small. Sums depend on the
// plan and the frame alone: not on threads, nor on how the frame came.
#pragma once

#include <memory>
#include <vector>

#include "azimuthal/kernels.hpp"
#include "azimuthal/packed_weights.hpp"
#include "azimuthal/reduction.hpp"

namespace azimuthal {

struct ResidualSums {
  std::vector<double> squares, cross;
};

class Residuals {
 public:
  Residuals(std::shared_ptr<const PackedWeights> weights, PixelTerms terms);

  const PackedWeights& weights() const noexcept { return *weights_; }
  // `mean`: one for each bin.
  ResidualSums frame(DType dtype, const void* frame, const double* mean, const InvalidValues& invalid,
                     unsigned n_threads) const;

 private:
  std::shared_ptr<const PackedWeights> weights_;
  PixelTerms terms_;
  std::vector<std::size_t> part_begins_;  // and the end of the last
};

}  // namespace azimuthal
