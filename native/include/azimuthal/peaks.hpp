// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
//
// Pixels that stand out of the background of their ring, and the peaks among them.
// Definitions, equations and reference: azimuthal.images.peaks (Python).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "azimuthal/typed_frame.hpp"

namespace azimuthal {

// Mean and std of the background per bin, and where every pixel lies between the bins.
struct Background {
  const std::int32_t* bins;    // of each pixel; negative: none
  const float* positions;      // from the centre of the bin (0) to that of a neighbour: the next (> 0), the last (< 0)
  const double* mean;          // NaN: no background
  const double* std;
  const double* least_raw;     // no pixel of the bin with a lower raw value is picked: it need not be looked at
  std::size_t n_bins;
};

struct PickSettings {
  double cutoff;  // in units of the noise
  double noise;   // in raw units, added in squares
};

struct PatchSettings {
  std::size_t n_slow, n_fast;
  std::size_t half;     // a patch has (2 half + 1)^2 pixels
  std::uint32_t least;  // picked pixels in the patch of a peak
};

struct PickedPixels {
  std::vector<std::uint32_t> picked;   // in the order of the image
  std::vector<std::uint32_t> invalid;  // pixels of a bin whose raw values do not count
};

struct FoundPeaks {
  std::vector<std::uint32_t> pixel, n_picked;
  std::vector<std::uint8_t> complete;  // whether all pixels of the patch count
  std::vector<double> slow, fast, slow_sigma, fast_sigma;
  std::vector<double> intensity, sigma, noise, background;
};

PickedPixels pick_pixels(const FrameView& frame, std::size_t n_pixels, const Background& background,
                         const PickSettings& settings, unsigned n_threads);

FoundPeaks find_peaks(const FrameView& frame, const Background& background, const PickSettings& settings,
                      const PatchSettings& patch, unsigned n_threads);

}  // namespace azimuthal
