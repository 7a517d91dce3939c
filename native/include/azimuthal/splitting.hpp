// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
//
// Pixel polygons and bin edges -> weights.
#pragma once

#include <cstdint>
#include <vector>

#include "azimuthal/bin_edges.hpp"
#include "azimuthal/polygon.hpp"

namespace azimuthal {

enum class Scheme { none = 0, bounding_box = 1, pseudo = 2, full = 3 };

// Everything that does not depend on the pixel. Flat bin index: c_bin * u.n_bins() + u_bin.
struct BinGrid {
  BinEdges u;
  BinEdges c;
  Circle circle;
  double u_floor;  // boxes do not reach below it (0 for a radius, -infinity otherwise)
};

// Pixels in bin coordinates; corners (n, n_corners, 2) may be null for Scheme::none, centres for full.
struct PixelView {
  const double* corners;
  const double* centers;
  const std::uint8_t* excluded;
  std::size_t n_pixels;
  int n_corners;
};

struct Weights {
  std::vector<std::int32_t> counts;  // one per pixel
  std::vector<std::int32_t> indices;
  std::vector<double> values;
  std::int64_t n_not_finite = 0;
};

struct Extent {
  double u_min, u_max, c_min, c_max;
};

Weights split(const PixelView& pixels, Scheme scheme, const BinGrid& grid, unsigned n_threads);

// The smallest box around all pixels as the scheme sees them; excluded and non-finite pixels do not count.
Extent extent(const PixelView& pixels, Scheme scheme, const Circle& circle, double u_floor, unsigned n_threads);

}  // namespace azimuthal
