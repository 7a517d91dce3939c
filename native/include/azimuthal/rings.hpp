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
// A round leaves out the pixels with |s - mean n| > max(cutoff, sqrt(2 ln(N / sqrt(2 pi)))) sqrt(std^2 n^2 + noise^2),
// N being how many there are (nothing for N < 9); rounds end when nothing is left out. Definition and reference: azimuthal.images.rings (Python).
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
  double noise;  // in raw units
  std::uint32_t most_rounds;
};

struct RingStatistics {
  explicit RingStatistics(std::size_t n_bins);
  std::vector<double> mean, std;                                  // NaN where there are too few pixels
  std::vector<double> signal, variance, normalization, normalization2;  // variance: what std is made from
  std::vector<double> counts;                                           // sum max(raw, 0)
  std::vector<std::uint32_t> n_valid, n_kept, n_rounds;
};

// The pixels of each bin, in the order of the image, and what does not depend on a frame.
class RingLists {
 public:
  // `bins`: of each pixel, negative for none; `offset` and `normalization` may be null: 0 and 1. All are copied.
  RingLists(const std::int32_t* bins, const double* offset, const double* normalization, std::size_t n_pixels,
            std::size_t n_bins);

  std::size_t n_bins() const noexcept { return begins_.size() - 1; }
  std::size_t n_pixels() const noexcept { return n_pixels_; }

  // Corrections of the frame are not looked at: they are those of the lists.
  RingStatistics clipped(const FrameView& frame, const ClipSettings& settings, unsigned n_threads) const;

  // Extremes of each bin: infinite and reversed where it has no pixel.
  const std::vector<double>& least_offset() const noexcept { return least_offset_; }
  const std::vector<double>& least_normalization() const noexcept { return least_norm_; }
  const std::vector<double>& largest_normalization() const noexcept { return largest_norm_; }

 private:
  void measure(std::size_t bin);

  std::size_t n_pixels_;
  std::vector<std::size_t> begins_;
  std::vector<std::uint32_t> pixels_;
  std::vector<double> offset_, norm_;  // in the order of pixels_; empty: 0 and 1
  std::vector<double> least_offset_, least_norm_, largest_norm_;
};

}  // namespace azimuthal
