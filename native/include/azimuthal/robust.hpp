// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
//
// Robust averages: sigma clipping and trimmed means, bin by bin. azimuthal.rejection (Python) defines them, and
// azimuthal.engines._robust_reference shows them in NumPy.
//
// Most entries of a large bin are never compared with anything: those within about half of the threshold are certain
// to be kept and are added in one pass; the few others are compared in every round. When rounds move mean or spread so
// far that this is no longer certain, the pass is made anew.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "azimuthal/bin_lists.hpp"
#include "azimuthal/kernels.hpp"
#include "azimuthal/large_array.hpp"
#include "azimuthal/packed_weights.hpp"
#include "azimuthal/reduction.hpp"
#include "azimuthal/robust_kernels.hpp"

namespace azimuthal {

// What says that an entry is an outlier.
enum class Spread : int { of_bin = 0, of_counts = 1, given = 2 };
// Where the error of a quantile comes from: nowhere, the values of the bin, or the variances of the pixels.
enum class QuantileError : int { none = 0, of_bin = 1, of_pixels = 2 };

struct RobustFrame {
  DType dtype;
  const void* frame;
  const InvalidValues* invalid;
  Variance model;
  const double* variance;
  // Variances of pixels that are summed beside that of the model: of the dark, of the flat field. Null: none.
  const double* further[2] = {nullptr, nullptr};
};

struct ClipRules {
  Spread spread;
  double threshold;
  int max_iter;
};

struct TrimRules {
  double low, high;
  QuantileError error;
  double ratio;  // variance of the trimmed mean over that of the mean, for `of_pixels`
};

struct RobustSums {
  // squares and cross: sum c^2 (s - m n)^2 and sum c^2 n (s - m n), of clipping only.
  LargeVector<double> signal, variance, normalization, normalization2, count, squares, cross;
  // sum c^2 gain^2 further, over what is kept by clipping; for quantiles, as much of the whole bin as the variance.
  LargeVector<double> further[2];
  LargeVector<std::int32_t> iterations, n_kept, n_rejected;
  std::vector<std::uint32_t> rejected;  // pixels in ascending order, of clipping only
  std::int64_t n_invalid = 0;
};

class RobustReduction {
 public:
  RobustReduction(std::shared_ptr<const PackedWeights> weights, PixelTerms terms, unsigned n_threads);

  const PackedWeights& weights() const noexcept { return *weights_; }
  std::size_t nbytes() const noexcept { return lists_.nbytes() + normalized_.size() * 8 + limits_.size() * sizeof(Limits); }

  RobustSums clip(const RobustFrame& frame, const ClipRules& rules, unsigned n_threads) const;
  RobustSums trim(const RobustFrame& frame, const TrimRules& rules, unsigned n_threads) const;

  // Of the entries of a bin, whatever the frame.
  struct Limits {
    double largest_weight;      // c n
    double least_gain;          // gain / n
    bool has_negative_offset;
  };

 private:
  std::int64_t n_invalid(const RobustFrame& frame, unsigned n_threads) const;
  double quantum(const RobustFrame& frame, unsigned n_threads) const;
  BinEntries entries(const RobustFrame& frame, std::size_t bin) const noexcept;

  std::shared_ptr<const PackedWeights> weights_;
  PixelTerms terms_;
  BinLists lists_;
  LargeVector<double> normalized_;  // c n of every entry; empty without normalisation
  LargeVector<Limits> limits_;
};

}  // namespace azimuthal
