// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
//
// Where values lie between the bins of an axis, and values per bin brought back to them.
// Definition: azimuthal.images._pixels (Python); these are its loops, and give the same bits.
#pragma once

#include <cstddef>
#include <cstdint>

namespace azimuthal {

struct BinnedAxis {
  const double* edges;  // n_bins + 1, increasing
  std::size_t n_bins;
  double period;   // 0: no angle
  bool is_circle;  // whether the bins close on themselves
};

// bins: -1 outside or not finite; fractions: part of the way to the centre of the next (> 0) or last (< 0) bin.
void locate(const double* values, std::size_t n, const BinnedAxis& axis, std::int32_t* bins, double* fractions,
            unsigned n_threads);

// `last` and `next`: steps from each bin to its neighbours.
void interpolate(const std::int32_t* bins, const double* fractions, std::size_t n, const double* values,
                 const double* last, const double* next, double* out, unsigned n_threads);

struct PixelPlaces {
  const std::int32_t* bins;
  const double* fractions;
  std::size_t n_bins;
  bool is_circle;
};
// values[azimuthal bin][radial bin], NaN: none; NaN where the own bin has none.
void interpolate_twice(const PixelPlaces& radial, const PixelPlaces& azimuthal, std::size_t n, const double* values,
                       double* out, unsigned n_threads);

}  // namespace azimuthal
