// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
//
// Covariance of bins that share pixels. With the weights c of a pixel in two bins a < b:
//
//     covariance[a, b]  sum  c_a c_b var gain^2          a variance of each pixel: counts, or given
//     covariance[a, b]  sum  c_a c_b r_a r_b             residuals r_b = (raw - offset) gain - mean_b normalization
//
// Only pairs of bins that share a pixel have a place: a list that the weights alone decide. Most pixels have two bins
// that lie side by side, whose pair is the first of the lower bin's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "azimuthal/kernels.hpp"
#include "azimuthal/packed_weights.hpp"
#include "azimuthal/reduction.hpp"

namespace azimuthal {

// Pairs of bin a: it and partners[indptr[a]..indptr[a + 1]], which increase and are larger than a.
struct BinPairs {
  std::vector<std::int64_t> indptr;
  std::vector<std::int32_t> partners;
};

class PairReduction {
 public:
  // Throws std::length_error when more than `most` pairs of bins share a pixel.
  PairReduction(std::shared_ptr<const PackedWeights> weights, PixelTerms terms, std::size_t most, unsigned n_threads);

  const BinPairs& pairs() const noexcept { return pairs_; }

  // The covariance of every pair. `variance`, one per pixel, or null: that of counts. With `means`, one per bin,
  // residuals count instead of a variance. Does not depend on the number of threads.
  std::vector<double> frame(DType dtype, const void* frame, const double* variance, const double* means,
                            const InvalidValues& invalid, unsigned n_threads) const;
  // The same for one compressed frame, on this thread; empty, and an error, when it is damaged.
  std::vector<double> chunk(Codec codec, DType dtype, const std::uint8_t* chunk, std::size_t size, const double* means,
                            const InvalidValues& invalid, ChunkError& error) const;

  std::size_t n_pixels() const noexcept { return weights_->n_pixels(); }
  std::size_t n_bins() const noexcept { return weights_->n_bins(); }

 private:
  std::shared_ptr<const PackedWeights> weights_;
  PixelTerms terms_;
  BinPairs pairs_;
  std::vector<std::int64_t> begin_;  // indptr, with the sinks, which have no pairs
  bool side_by_side_ = false;  // no pair of a regular pixel has to be looked for
  std::vector<std::size_t> part_ends_;
};

}  // namespace azimuthal
