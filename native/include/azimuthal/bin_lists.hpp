// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
//
// The weights of a plan the other way round: for each bin its pixels, in ascending order, and their weights. What needs
// all values of a bin at once reads this: 12 bytes per entry (4 where all weights are one).
#pragma once

#include <cstddef>
#include <cstdint>

#include "azimuthal/large_array.hpp"
#include "azimuthal/packed_weights.hpp"

namespace azimuthal {

class BinLists {
 public:
  // The same on any number of threads.
  BinLists(const PackedWeights& weights, unsigned n_threads);

  std::size_t n_bins() const noexcept { return begin_.size() - 1; }
  std::size_t begin(std::size_t bin) const noexcept { return begin_[bin]; }
  std::size_t size(std::size_t bin) const noexcept { return begin_[bin + 1] - begin_[bin]; }
  std::size_t n_entries() const noexcept { return pixel_.size(); }
  std::size_t largest() const noexcept { return largest_; }
  const std::uint32_t* pixels(std::size_t bin) const noexcept { return pixel_.data() + begin_[bin]; }
  // Null: all are one.
  const double* weights(std::size_t bin) const noexcept {
    return weight_.empty() ? nullptr : weight_.data() + begin_[bin];
  }
  std::size_t nbytes() const noexcept { return begin_.size() * 8 + pixel_.size() * 4 + weight_.size() * 8; }

 private:
  LargeVector<std::uint64_t> begin_;
  LargeVector<std::uint32_t> pixel_;
  LargeVector<double> weight_;
  std::size_t largest_ = 0;
};

}  // namespace azimuthal
