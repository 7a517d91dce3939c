// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
//
// The pixels of one row of a flat detector in bin coordinates. Lines and columns that neighbours share are projected
// once.
#pragma once

#include <cstddef>
#include <vector>

#include "azimuthal/coordinates.hpp"
#include "azimuthal/pixel_kernels.hpp"

namespace azimuthal {

// What of a pixel is projected.
struct PixelParts {
  bool corners, centers, azimuth;
};

// The columns of a grid, those that neighbours share once: pixel j spans at[j + left]..at[j + right], lower to upper.
struct GridColumns {
  explicit GridColumns(const SeparableGrid& grid) {
    const std::size_t n = grid.n2;
    const double *lower = grid.lower2, *upper = grid.upper2;
    bool rising = true, falling = true;
    for (std::size_t j = 0; j + 1 < n; ++j) {
      rising = rising && upper[j] == lower[j + 1];
      falling = falling && lower[j] == upper[j + 1];
    }
    if (rising) {
      at.assign(lower, lower + n);
      at.push_back(upper[n - 1]);
      right = 1;
    } else if (falling) {
      at.assign(upper, upper + n);
      at.push_back(lower[n - 1]);
      left = 1;
    } else {
      at.assign(lower, lower + n);
      at.insert(at.end(), upper, upper + n);
      right = n;
    }
  }

  std::vector<double> at;
  std::size_t left = 0, right = 0;
};

class GridRows {
 public:
  GridRows(const SeparableGrid& grid, const Projection& projection, PixelParts parts)
      : grid_(grid), projection_(projection), parts_(parts), kernels_(pixel_kernels()), columns_(grid) {
    const std::size_t n = grid.n2;
    if (parts.corners) {
      for (Line& line : lines_) {
        line.u.resize(columns_.at.size());
        if (parts.azimuth) line.c.resize(columns_.at.size());
      }
    }
    if (parts.centers) {
      middles_.resize(n);
      for (std::size_t j = 0; j < n; ++j) middles_[j] = 0.5 * (grid.lower2[j] + grid.upper2[j]);
      center_u_.resize(n);
      if (parts.azimuth) center_c_.resize(n);
    }
  }

  void go_to(std::size_t row) {
    if (parts_.corners) {
      // Two lines are kept: the next row needs one of them, whichever way the rows run.
      const double y_low = grid_.lower1[row], y_high = grid_.upper1[row];
      if (!lines_[lower_].is_at(y_low) && lines_[1 - lower_].is_at(y_low)) lower_ = 1 - lower_;
      if (!lines_[1 - lower_].is_at(y_high) && lines_[lower_].is_at(y_high)) lower_ = 1 - lower_;
      project(lines_[lower_], y_low);
      project(lines_[1 - lower_], y_high);
    }
    if (parts_.centers) {
      kernels_.project_line(projection_, 0.5 * (grid_.lower1[row] + grid_.upper1[row]), middles_.data(), grid_.n2,
                            false, center_u_.data(), parts_.azimuth ? center_c_.data() : nullptr);
    }
  }

  // The pixels from this column on; corners A (low, low), B (high, low), C (high, high), D (low, high).
  ChunkCoordinates from(std::size_t column) const noexcept {
    ChunkCoordinates at{};
    if (parts_.corners) {
      const Line& low = lines_[lower_];
      const Line& high = lines_[1 - lower_];
      const std::size_t left = column + columns_.left, right = column + columns_.right;
      const double* u[4] = {&low.u[left], &high.u[left], &high.u[right], &low.u[right]};
      for (int k = 0; k < 4; ++k) at.corner_u[k] = u[k];
      if (parts_.azimuth) {
        const double* c[4] = {&low.c[left], &high.c[left], &high.c[right], &low.c[right]};
        for (int k = 0; k < 4; ++k) at.corner_c[k] = c[k];
      }
    }
    if (parts_.centers) {
      at.center_u = &center_u_[column];
      if (parts_.azimuth) at.center_c = &center_c_[column];
    }
    return at;
  }

 private:
  struct Line {
    double y = 0.0;
    bool is_projected = false;
    std::vector<double> u, c;
    bool is_at(double other) const noexcept { return is_projected && y == other; }
  };

  void project(Line& line, double y) {
    if (line.is_at(y)) return;
    kernels_.project_line(projection_, y, columns_.at.data(), columns_.at.size(), true, line.u.data(),
                          parts_.azimuth ? line.c.data() : nullptr);
    line.y = y;
    line.is_projected = true;
  }

  SeparableGrid grid_;
  Projection projection_;
  PixelParts parts_;
  const PixelKernels& kernels_;
  GridColumns columns_;
  std::vector<double> middles_;
  Line lines_[2];
  std::size_t lower_ = 0;
  std::vector<double> center_u_, center_c_;
};

}  // namespace azimuthal
