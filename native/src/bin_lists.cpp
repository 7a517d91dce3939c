// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
#include "azimuthal/bin_lists.hpp"

#include <algorithm>
#include <vector>

#include "azimuthal/parallel.hpp"

namespace azimuthal {
namespace {

// Parts of the pixels that are counted and listed at once; each needs 4 bytes per bin for that time.
constexpr std::size_t kParts = 8;

}  // namespace

BinLists::BinLists(const PackedWeights& weights, unsigned n_threads) : begin_(weights.n_bins() + 1) {
  const std::size_t n_bins = weights.n_bins(), n_pixels = weights.n_pixels();
  const auto first = [&](std::size_t part) { return n_pixels * part / kParts; };
  // Number of entries of each part and bin, then where the next one of them goes.
  std::vector<LargeVector<std::uint32_t>> next(kParts);
  for_each_block(kParts, n_threads, [&](std::size_t part) {
    next[part] = LargeVector<std::uint32_t>(n_bins);
    std::fill(next[part].begin(), next[part].end(), 0u);
    for (std::size_t p = first(part); p < first(part + 1); ++p) {
      weights.for_each_weight(p, [&](std::size_t bin, double) { ++next[part][bin]; });
    }
  });
  begin_[0] = 0;
  for (std::size_t b = 0; b < n_bins; ++b) {
    std::uint32_t in_bin = 0;
    for (auto& part : next) {
      const std::uint32_t here = part[b];
      part[b] = in_bin;
      in_bin += here;
    }
    begin_[b + 1] = begin_[b] + in_bin;
    largest_ = std::max<std::size_t>(largest_, in_bin);
  }
  pixel_ = LargeVector<std::uint32_t>(begin_[n_bins]);
  weight_ = LargeVector<double>(weights.view().weighting == Weighting::one ? 0 : begin_[n_bins]);
  for_each_block(kParts, n_threads, [&](std::size_t part) {
    for (std::size_t p = first(part); p < first(part + 1); ++p) {
      weights.for_each_weight(p, [&](std::size_t bin, double weight) {
        const std::size_t at = begin_[bin] + next[part][bin]++;
        pixel_[at] = static_cast<std::uint32_t>(p);
        if (!weight_.empty()) weight_[at] = weight;
      });
    }
  });
}

}  // namespace azimuthal
