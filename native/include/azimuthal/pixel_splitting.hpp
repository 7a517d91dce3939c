// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
//
// One pixel of any kind -> its cells: the general way, exact for every case that the definitions know.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "azimuthal/splitting.hpp"

namespace azimuthal {

// Weights below this are rounding: leaving them out moves the sum of a pixel's weights by less than 1e-12.
inline constexpr double kNegligible = 1e-13;
// Areas up to this part of the bounding box are none.
inline constexpr double kDegenerate = 1e-9;

struct Rectangle {
  double u_min, u_max, c_min, c_max;
};

// Appends the cells of one pixel; kept per block so that blocks need not know of each other.
class CellList {
 public:
  void begin_pixel() noexcept { first_ = cells_.size(); }
  void add(long index, double weight) {
    if (weight > kNegligible) cells_.push_back({static_cast<std::int32_t>(index), weight});
  }
  void drop_pixel() noexcept { cells_.resize(first_); }
  // Sorted and without doubles: a polygon that meets itself around the circle reaches a bin twice.
  std::int32_t end_pixel() {
    auto begin = cells_.begin() + static_cast<std::ptrdiff_t>(first_);
    auto smaller = [](const Cell& a, const Cell& b) { return a.index < b.index; };
    if (!std::is_sorted(begin, cells_.end(), smaller)) std::stable_sort(begin, cells_.end(), smaller);
    std::size_t kept = first_;
    for (std::size_t i = first_; i < cells_.size(); ++i) {
      if (kept > first_ && cells_[kept - 1].index == cells_[i].index) {
        cells_[kept - 1].weight += cells_[i].weight;
      } else {
        cells_[kept++] = cells_[i];
      }
    }
    cells_.resize(kept);
    return static_cast<std::int32_t>(kept - first_);
  }
  std::vector<Cell>& cells() noexcept { return cells_; }
  void clear() noexcept { cells_.clear(); }

 private:
  std::vector<Cell> cells_;
  std::size_t first_ = 0;
};

inline bool is_finite(const Rectangle& box) noexcept {
  return std::isfinite(box.u_min) && std::isfinite(box.u_max) && std::isfinite(box.c_min) && std::isfinite(box.c_max);
}

// Adds the cells of pixel i; false when its coordinates are not finite.
bool split_pixel(const PixelView& pixels, std::size_t i, Scheme scheme, const BinGrid& grid, CellList& list);

// The box around pixel i as a scheme sees it.
Rectangle pixel_box(const PixelView& pixels, std::size_t i, Scheme scheme, const Circle& circle, double u_floor);

}  // namespace azimuthal
