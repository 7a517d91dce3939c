// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
#include "azimuthal/coordinates.hpp"

#include <algorithm>

#include "azimuthal/grid_rows.hpp"
#include "azimuthal/parallel.hpp"
#include "azimuthal/pixel_kernels.hpp"

namespace azimuthal {

void project_grid(const SeparableGrid& grid, std::size_t begin, std::size_t end, const Projection& projection,
                  double* corners, double* centers, unsigned n_threads) {
  constexpr std::size_t kRows = 16;
  const std::size_t n2 = grid.n2;
  for_each_block((end - begin + kRows - 1) / kRows, n_threads, [&](std::size_t block) {
    GridRows rows(grid, projection, {corners != nullptr, centers != nullptr, true});
    const std::size_t first = begin + block * kRows;
    for (std::size_t i = first; i < std::min(end, first + kRows); ++i) {
      rows.go_to(i);
      const ChunkCoordinates from = rows.from(0);
      if (corners) {
        double* row = corners + (i - begin) * n2 * 8;
        for (std::size_t j = 0; j < n2; ++j) {
          for (std::size_t k = 0; k < 4; ++k) {
            row[8 * j + 2 * k] = from.corner_u[k][j];
            row[8 * j + 2 * k + 1] = from.corner_c[k][j];
          }
        }
      }
      if (centers) {
        double* row = centers + (i - begin) * n2 * 2;
        for (std::size_t j = 0; j < n2; ++j) {
          row[2 * j] = from.center_u[j];
          row[2 * j + 1] = from.center_c[j];
        }
      }
    }
  });
}

void project_points(const double* positions, std::size_t n, const Projection& projection, bool nan_at_pole,
                    double* out, unsigned n_threads) {
  constexpr std::size_t kPoints = 16384;
  const PixelKernels& kernels = pixel_kernels();
  for_each_block((n + kPoints - 1) / kPoints, n_threads, [&](std::size_t block) {
    const std::size_t first = block * kPoints;
    kernels.project_positions(projection, positions + 3 * first, std::min(kPoints, n - first), nan_at_pole,
                              out + 2 * first);
  });
}

}  // namespace azimuthal
