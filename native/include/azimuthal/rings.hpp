// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
//
// Mean and spread of the pixels of each bin, outliers left out. A pixel belongs to one bin, whole.
//
// With s = raw - offset and n the normalization of a pixel, sums over the pixels that are kept:
//
//     mean = sum s / sum n
//     std  = sqrt(sum (s - mean n)^2 / sum n^2 * e / (e - 1)),   e = (sum n)^2 / sum n^2     (Spread::azimuthal)
//     std  = sqrt(sum max(raw, 0) / sum n^2)                                                 (Spread::poisson)
//
// A round leaves out the pixels with |s / n - mean| > max(cutoff, sqrt(2 ln(N / sqrt(2 pi)))) std, N being how many
// there are; rounds end when nothing is left out. Definition and reference: azimuthal.images.rings (Python).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "azimuthal/typed_frame.hpp"

namespace azimuthal {

enum class Spread : int { azimuthal = 0, poisson = 1 };

struct ClipSettings {
  Spread spread;
  double cutoff;
  std::uint32_t most_rounds;
};

struct RingStatistics {
  explicit RingStatistics(std::size_t n_bins);
  std::vector<double> mean, std;                                  // NaN where there are too few pixels
  std::vector<double> signal, variance, normalization, normalization2;  // variance: what std is made from
  std::vector<double> counts;                                           // sum max(raw, 0)
  std::vector<std::uint32_t> n_valid, n_kept, n_rounds;
};

// The pixels of each bin, in the order of the image.
class RingLists {
 public:
  // `bins`: of each pixel, negative for none.
  RingLists(const std::int32_t* bins, std::size_t n_pixels, std::size_t n_bins);

  std::size_t n_bins() const noexcept { return begins_.size() - 1; }
  std::size_t n_pixels() const noexcept { return n_pixels_; }

  RingStatistics clipped(const FrameView& frame, const ClipSettings& settings, unsigned n_threads) const;

 private:
  std::size_t n_pixels_;
  std::vector<std::size_t> begins_;
  std::vector<std::uint32_t> pixels_;
};

}  // namespace azimuthal
