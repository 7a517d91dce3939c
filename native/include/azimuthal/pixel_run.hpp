// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
//
// The weights of neighbouring pixels, on their way from splitting to the packed weights.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

namespace azimuthal {

// What a pixel gives to a bin.
struct Cell {
  std::int32_t index;
  double weight;
};

// Weights of a run of neighbouring pixels in the order of the image, alive during the call only.
struct SplitPixels {
  std::size_t first_pixel, n_pixels;
  const std::uint32_t* counts;  // cells of each pixel; 0: excluded, out of range or not finite
  const Cell* cells;            // by pixel; bins increase within one
  std::size_t n_cells;
};

// Takes runs from several threads at once, in no particular order; must not throw.
using RunSink = std::function<void(const SplitPixels&)>;
// Hands all runs of something to a sink.
using RunSource = std::function<void(const RunSink&)>;

}  // namespace azimuthal
