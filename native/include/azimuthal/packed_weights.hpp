// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
//
// The weights of a plan in few bytes per pixel, pixel-major: what every kernel reads.
//
// A pixel has a first bin and up to `width` weights for that bin and those after it:
//   one     the weight is 1 (no weights are stored)
//   pair    two weights that add up to 1. The smaller is stored; its sign bit is set when it is the first of the two.
//           The larger is 1 minus it, so that both keep their relative precision in the memory of one.
//   listed  `width` weights (1, 2, 4 or 8)
// Pixels that do not fit (cut by the end of the range, or in two rows of a cake) are *irregular*: their bins and weights
// are in a list of their own, sorted by pixel. A pixel without weights feeds one of kSinks bins behind the last, which
// nobody reads: no kernel needs to ask whether a pixel counts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "azimuthal/large_array.hpp"
#include "azimuthal/pixel_run.hpp"

namespace azimuthal {

enum class Weighting : int { one = 0, pair = 1, listed = 2 };

constexpr std::size_t kSinks = 16;
constexpr std::size_t kLargestWidth = 8;
// Bins that a kernel may touch beyond n_bins: the sinks and what a wide pixel reaches after the last of them.
constexpr std::size_t kExtraBins = kSinks + kLargestWidth;
// Pixels are processed in groups; arrays are padded so that a whole group may be read.
constexpr std::size_t kGroup = 64;

// What kernels see.
struct PackedView {
  const std::uint16_t* bin16;  // one of the two is null
  const std::uint32_t* bin32;
  const double* weight;
  const std::uint8_t* used;  // one bit per pixel, pixel 8 m + k in bit k of byte m: it feeds a bin
  Weighting weighting;
  int width;
  std::size_t n_pixels;
  std::size_t n_bins;
  // Irregular pixels: entries of pixel irregular[i] are begin[i]..begin[i + 1].
  const std::uint32_t* irregular;
  const std::uint32_t* begin;
  const std::uint32_t* irregular_bin;
  const double* irregular_weight;
  std::size_t n_irregular;
};

struct PackedRows {
  LargeVector<std::int64_t> indptr;
  LargeVector<std::int32_t> indices;
  LargeVector<double> weights;  // empty: all are one
};

class PackedWeights {
 public:
  // From compressed sparse rows; weights null: all are one. Bins increase within a pixel.
  PackedWeights(const std::int64_t* indptr, const std::int32_t* indices, const double* weights, std::size_t n_pixels,
                std::size_t n_bins, unsigned n_threads);
  // From runs that cover every pixel once. `sample` hands out some of them, to guess the form; a wrong guess costs time.
  PackedWeights(std::size_t n_pixels, std::size_t n_bins, const RunSource& sample, const RunSource& all,
                unsigned n_threads);

  PackedView view() const noexcept;
  std::size_t n_pixels() const noexcept { return n_pixels_; }
  std::size_t n_bins() const noexcept { return n_bins_; }
  std::size_t nbytes() const noexcept;
  bool is_used(std::size_t pixel) const noexcept { return used_[pixel >> 3] >> (pixel & 7) & 1; }

  // Calls visit(bin, weight) for the weights of a pixel, as kernels use them.
  template <class Visit>
  void for_each_weight(std::size_t pixel, Visit&& visit) const;
  // Back to compressed sparse rows. Packing them again gives the same packed weights.
  PackedRows rows(unsigned n_threads) const;

 private:
  class Packer;

  void pack(const RunSource& sample, const RunSource& all, unsigned n_threads);

  Weighting weighting_ = Weighting::one;
  int width_ = 1;
  std::size_t n_pixels_ = 0, n_bins_ = 0;
  LargeVector<std::uint16_t> bin16_;
  LargeVector<std::uint32_t> bin32_;
  LargeVector<double> weight_;
  LargeVector<std::uint8_t> used_;
  std::vector<std::uint32_t> irregular_, begin_, irregular_bin_;
  std::vector<double> irregular_weight_;
};

// The two weights of a pair.
struct Pair {
  double first, second;
};
static inline Pair unpacked_pair(double stored) noexcept {
  const bool first_is_smaller = __builtin_signbit(stored);
  const double smaller = first_is_smaller ? -stored : stored;
  const double larger = 1.0 - smaller;
  return first_is_smaller ? Pair{smaller, larger} : Pair{larger, smaller};
}

template <class Visit>
void PackedWeights::for_each_weight(std::size_t pixel, Visit&& visit) const {
  if (!is_used(pixel)) return;
  const std::size_t first = bin16_.empty() ? bin32_[pixel] : bin16_[pixel];
  if (first >= n_bins_) {
    std::size_t low = 0, high = irregular_.size();
    while (low < high) {
      const std::size_t middle = (low + high) / 2;
      if (irregular_[middle] < pixel) low = middle + 1; else high = middle;
    }
    for (std::size_t e = begin_[low]; e < begin_[low + 1]; ++e) {
      visit(static_cast<std::size_t>(irregular_bin_[e]), irregular_weight_[e]);
    }
    return;
  }
  if (weighting_ == Weighting::one) {
    visit(first, 1.0);
  } else if (weighting_ == Weighting::pair) {
    const Pair pair = unpacked_pair(weight_[pixel]);
    visit(first, pair.first);
    if (pair.second != 0.0) visit(first + 1, pair.second);
  } else {
    for (int k = 0; k < width_; ++k) {
      const double w = weight_[pixel * static_cast<std::size_t>(width_) + static_cast<std::size_t>(k)];
      if (w != 0.0) visit(first + static_cast<std::size_t>(k), w);
    }
  }
}

}  // namespace azimuthal
