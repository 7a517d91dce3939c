// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
//
// Detector positions -> the two bin coordinates, for the quantities that are asked for most.
// Definitions: azimuthal.geometry.frames and azimuthal.units (Python); this is their fast path.
#pragma once

#include <cstddef>

namespace azimuthal {

enum class RadialQuantity { r = 0, two_theta = 1, q = 2, d_star_squared = 3, d = 4 };

// Parallax of a flat detector: a position p from the foot of the normal is scaled by g(|p|^2) to where the ray entered.
// Interval i of equal length holds the polynomial c[4 i] + c[4 i + 1] f + ... of the fraction f of it; the last one is
// continued. No coefficients: no parallax.
struct EntryScale {
  const double* coefficients = nullptr;
  double last_interval = 0.0;  // its number
  double intervals_per_square = 0.0;
  double smallest = 1.0, largest = 1.0;  // values of g
};

// t = rotation * (entry point of (position + shift)); the quantity is multiplied by `factor` (2 pi / wavelength and the
// like).
struct Projection {
  double rotation[9];
  double shift[3];
  RadialQuantity quantity;
  double factor;
  EntryScale entry{};
};

// A flat detector whose pixel (i, j) spans lower1[i]..upper1[i] and lower2[j]..upper2[j].
struct SeparableGrid {
  const double* lower1;
  const double* upper1;
  const double* lower2;
  const double* upper2;
  std::size_t n2;
};

// (u, c) of rows [begin, end): corners (rows, n2, 4, 2) and centres (rows, n2, 2); either may be null.
// c is NaN for a corner on the beam and 0 for a centre on it.
void project_grid(const SeparableGrid& grid, std::size_t begin, std::size_t end, const Projection& projection,
                  double* corners, double* centers, unsigned n_threads);

// (u, c) of n positions (n, 3) -> (n, 2).
void project_points(const double* positions, std::size_t n, const Projection& projection, bool nan_at_pole,
                    double* out, unsigned n_threads);

}  // namespace azimuthal
