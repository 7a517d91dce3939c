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

class GridRows {
 public:
  GridRows(const SeparableGrid& grid, const Projection& projection, PixelParts parts)
      : grid_(grid), projection_(projection), parts_(parts), kernels_(pixel_kernels()) {
    const std::size_t n = grid.n2;
    if (parts.corners) {
      place_columns();
      for (Line& line : lines_) {
        line.u.resize(columns_.size());
        if (parts.azimuth) line.c.resize(columns_.size());
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
      const std::size_t left = column + left_, right = column + right_;
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
    kernels_.project_line(projection_, y, columns_.data(), columns_.size(), true, line.u.data(),
                          parts_.azimuth ? line.c.data() : nullptr);
    line.y = y;
    line.is_projected = true;
  }

  void place_columns() {
    const std::size_t n = grid_.n2;
    const double *lower = grid_.lower2, *upper = grid_.upper2;
    bool rising = true, falling = true;
    for (std::size_t j = 0; j + 1 < n; ++j) {
      rising = rising && upper[j] == lower[j + 1];
      falling = falling && lower[j] == upper[j + 1];
    }
    if (rising) {
      columns_.assign(lower, lower + n);
      columns_.push_back(upper[n - 1]);
      left_ = 0;
      right_ = 1;
    } else if (falling) {
      columns_.assign(upper, upper + n);
      columns_.push_back(lower[n - 1]);
      left_ = 1;
      right_ = 0;
    } else {
      columns_.assign(lower, lower + n);
      columns_.insert(columns_.end(), upper, upper + n);
      left_ = 0;
      right_ = n;
    }
  }

  SeparableGrid grid_;
  Projection projection_;
  PixelParts parts_;
  const PixelKernels& kernels_;
  std::vector<double> columns_, middles_;
  std::size_t left_ = 0, right_ = 0;  // of a pixel's columns in `columns_`
  Line lines_[2];
  std::size_t lower_ = 0;
  std::vector<double> center_u_, center_c_;
};

}  // namespace azimuthal
