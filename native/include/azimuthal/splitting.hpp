// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
//
// Pixel polygons and bin edges -> weights.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "azimuthal/bin_edges.hpp"
#include "azimuthal/coordinates.hpp"
#include "azimuthal/large_array.hpp"
#include "azimuthal/pixel_run.hpp"
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
  LargeVector<std::int32_t> counts;  // one per pixel
  LargeVector<std::int32_t> indices;
  LargeVector<double> values;
  std::int64_t n_not_finite = 0;
};

struct Extent {
  double u_min, u_max, c_min, c_max;
};

// A whole flat detector of n1 rows, from its edges to weights: nothing of its size is allocated.
struct GridSplit {
  SeparableGrid grid;
  std::size_t n1;
  Projection projection;
  const std::uint8_t* excluded;  // n1 * n2
  Scheme scheme;
  BinGrid bins;  // on a circle: period > 0
};

// Calls sink for every run of some thousand pixels, every pixel once, from several threads at once and in no particular
// order; where runs begin depends on the shape alone. Neither sink nor what it calls may throw. Returns how many pixels
// were not finite.
std::int64_t split_grid(const GridSplit& job, unsigned n_threads, const RunSink& sink);

struct RadialExtent {
  double u_min, u_max;
};

// The range of u over a grid as a scheme sees it, leaving out excluded pixels and those that are not finite. Azimuths
// are computed only where a scheme needs them or a pixel may hold the beam; job.bins.u is not used.
RadialExtent grid_extent(const GridSplit& job, unsigned n_threads);

Weights split(const PixelView& pixels, Scheme scheme, const BinGrid& grid, unsigned n_threads);

// The smallest box around all pixels as the scheme sees them; excluded and non-finite pixels do not count.
Extent extent(const PixelView& pixels, Scheme scheme, const Circle& circle, double u_floor, unsigned n_threads);

}  // namespace azimuthal
