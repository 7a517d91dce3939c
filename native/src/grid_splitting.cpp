// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
//
// A flat detector in one go: some rows of corners are projected, split while they are in the cache, and handed on.
// Ordinary pixels (a polygon without special points, wholly inside the range and one azimuthal bin) go through the
// vectorised kernels, a chunk at a time; every other pixel takes the general way.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "azimuthal/chunk_splitter.hpp"
#include "azimuthal/grid_rows.hpp"
#include "azimuthal/parallel.hpp"
#include "azimuthal/pixel_kernels.hpp"
#include "azimuthal/pixel_splitting.hpp"
#include "azimuthal/splitting.hpp"

namespace azimuthal {
namespace {

constexpr std::size_t kBlockPixels = 1 << 15;  // a thread takes so many at a time, in whole rows
constexpr std::size_t kRunPixels = 4096;       // about so many are handed to the sink at once

constexpr double kOdd = static_cast<double>(PixelState::odd);

PixelParts parts_of(Scheme scheme, bool azimuth) noexcept {
  return {scheme != Scheme::none, scheme != Scheme::full, azimuth};
}

std::size_t rows_per_block(const GridSplit& job) noexcept {
  return std::max<std::size_t>(1, kBlockPixels / std::max<std::size_t>(1, job.grid.n2));
}

// Coordinates of single pixels for the general way, projected anew: few need it.
class OddPixels {
 public:
  explicit OddPixels(const GridSplit& job) : job_(job), kernels_(pixel_kernels()) {}

  PixelView at(std::size_t row, std::size_t column) noexcept {
    const SeparableGrid& g = job_.grid;
    const double x[2] = {g.lower2[column], g.upper2[column]};
    double u[2], c[2];
    kernels_.project_line(job_.projection, g.lower1[row], x, 2, true, u, c);
    const int low[2] = {0, 3}, high[2] = {1, 2};
    for (int k = 0; k < 2; ++k) put(low[k], u[k], c[k]);
    kernels_.project_line(job_.projection, g.upper1[row], x, 2, true, u, c);
    for (int k = 0; k < 2; ++k) put(high[k], u[k], c[k]);
    const double middle = 0.5 * (x[0] + x[1]);
    kernels_.project_line(job_.projection, 0.5 * (g.lower1[row] + g.upper1[row]), &middle, 1, false, center_,
                          center_ + 1);
    return {corners_, center_, nullptr, 1, 4};
  }

  // The same from a chunk that has azimuths.
  PixelView at(const ChunkCoordinates& from, std::size_t i) noexcept {
    if (from.corner_u[0]) {
      for (int k = 0; k < 4; ++k) put(k, from.corner_u[k][i], from.corner_c[k][i]);
    }
    if (from.center_u) {
      center_[0] = from.center_u[i];
      center_[1] = from.center_c[i];
    }
    return {corners_, center_, nullptr, 1, 4};
  }

 private:
  void put(int corner, double u, double c) noexcept {
    corners_[2 * corner] = u;
    corners_[2 * corner + 1] = c;
  }

  const GridSplit& job_;
  const PixelKernels& kernels_;
  double corners_[8];
  double center_[2];
};

// Everything that one thread needs; reused from block to block.
class Worker {
 public:
  Worker(const GridSplit& job, const ChunkRules& rules, const RunSink& sink)
      : job_(job),
        sink_(sink),
        azimuth_(has_azimuth(job.bins.c) || job.scheme == Scheme::full || job.scheme == Scheme::pseudo),
        rows_(job.grid, job.projection, parts_of(job.scheme, azimuth_)),
        odd_(job),
        splitter_(job.scheme, job.bins, rules) {}

  std::int64_t n_not_finite() const noexcept { return splitter_.n_not_finite(); }

  void rows(std::size_t begin, std::size_t end) {
    const std::size_t n2 = job_.grid.n2;
    first_pixel_ = begin * n2;
    for (std::size_t row = begin; row < end; ++row) {
      const std::uint8_t* excluded = job_.excluded + row * n2;
      if (std::memchr(excluded, 0, n2) == nullptr) {  // a gap
        splitter_.skip(n2);
      } else {
        rows_.go_to(row);
        for (std::size_t column = 0; column < n2; column += kChunkPixels) {
          const ChunkCoordinates pixels = rows_.from(column);
          splitter_.add(pixels, std::min(kChunkPixels, n2 - column), excluded + column, [&](std::size_t i) {
            return azimuth_ ? odd_.at(pixels, i) : odd_.at(row, column + i);
          });
        }
      }
      if (splitter_.n_pixels() >= kRunPixels) flush();
    }
    flush();
  }

 private:
  void flush() {
    const std::size_t n = splitter_.n_pixels();
    if (n > 0) sink_(splitter_.pixels(first_pixel_));
    first_pixel_ += n;
    splitter_.clear();
  }

  const GridSplit& job_;
  const std::function<void(const SplitPixels&)>& sink_;
  const bool azimuth_;  // c is needed
  GridRows rows_;
  OddPixels odd_;
  ChunkSplitter splitter_;
  std::size_t first_pixel_ = 0;
};

// Calls work(state, first row, last row) for all blocks of rows.
template <class MakeState, class Work>
void for_each_rows(const GridSplit& job, unsigned n_threads, MakeState&& make_state, Work&& work) {
  const std::size_t step = rows_per_block(job);
  for_each_block((job.n1 + step - 1) / step, n_threads, make_state, [&](auto& state, std::size_t block) {
    work(state, block * step, std::min(job.n1, (block + 1) * step));
  });
}

// Measures ranges; without azimuths as long as no pixel may hold the beam.
class RangeFinder {
 public:
  explicit RangeFinder(const GridSplit& job, const ChunkRules& rules)
      : job_(job),
        rules_(rules),
        kernels_(pixel_kernels()),
        azimuth_(job.scheme == Scheme::pseudo),
        rows_(job.grid, job.projection, parts_of(job.scheme, azimuth_)),
        odd_(job),
        chunk_(std::make_unique<Chunk>()) {}

  ChunkRange range() const noexcept { return range_; }

  void rows(std::size_t begin, std::size_t end) {
    const std::size_t n2 = job_.grid.n2;
    for (std::size_t row = begin; row < end; ++row) {
      const std::uint8_t* excluded = job_.excluded + row * n2;
      if (std::memchr(excluded, 0, n2) == nullptr) continue;
      rows_.go_to(row);
      for (std::size_t column = 0; column < n2; column += kChunkPixels) {
        include_chunk(row, column, std::min(kChunkPixels, n2 - column), excluded + column);
      }
    }
  }

 private:
  void include_chunk(std::size_t row, std::size_t column, std::size_t n, const std::uint8_t* excluded) {
    if (std::memchr(excluded, 0, n) == nullptr) return;
    if (job_.scheme == Scheme::full && !is_beside_beam(row, column, n)) {
      for (std::size_t i = 0; i < n; ++i) {
        if (!excluded[i]) include(odd_.at(row, column + i));
      }
      return;
    }
    const ChunkCoordinates pixels = rows_.from(column);
    measure_chunk(kernels_, job_.scheme, pixels, n, rules_, *chunk_);
    kernels_.extend_range(n, excluded, *chunk_, range_);
    for (std::size_t i = 0; i < n; ++i) {
      if (chunk_->state[i] == kOdd && !excluded[i]) include(odd_.at(row, column + i));
    }
  }

  void include(const PixelView& pixel) {
    const Rectangle box = pixel_box(pixel, 0, job_.scheme, job_.bins.circle, job_.bins.u_floor);
    if (!is_finite(box)) return;
    range_.u_min = std::min(range_.u_min, box.u_min);
    range_.u_max = std::max(range_.u_max, box.u_max);
  }

  // Whether all corners of these pixels lie on one side of an axis through the beam: then no pixel can hold it. The
  // position across an axis is monotonic along rows and columns, rounding included, so the outermost four decide; with
  // parallax it is linear in a scale of which the bounds are known.
  bool is_beside_beam(std::size_t row, std::size_t column, std::size_t n) const noexcept {
    const SeparableGrid& g = job_.grid;
    const auto [x_low, unused_high] = std::minmax_element(g.lower2 + column, g.lower2 + column + n);
    const auto [unused_low, x_high] = std::minmax_element(g.upper2 + column, g.upper2 + column + n);
    const double* m = job_.projection.rotation;
    const double* shift = job_.projection.shift;
    const EntryScale& entry = job_.projection.entry;
    const double margin = entry.coefficients != nullptr ? 1e-12 : 0.0;  // m
    bool above[2] = {true, true}, below[2] = {true, true};
    for (double y : {g.lower1[row], g.upper1[row]}) {
      for (double x : {*x_low, *x_high}) {
        for (double scale : {entry.smallest, entry.largest}) {
          const double d1 = scale * (y + shift[0]), d2 = scale * (x + shift[1]), d3 = 0.0 + shift[2];
          for (int axis = 0; axis < 2; ++axis) {
            const double t = m[3 * axis] * d1 + m[3 * axis + 1] * d2 + m[3 * axis + 2] * d3;
            above[axis] = above[axis] && t > margin;
            below[axis] = below[axis] && t < -margin;
          }
        }
      }
    }
    return above[0] || below[0] || above[1] || below[1];
  }

  const GridSplit& job_;
  const ChunkRules& rules_;
  const PixelKernels& kernels_;
  const bool azimuth_;
  GridRows rows_;
  OddPixels odd_;
  std::unique_ptr<Chunk> chunk_;
  ChunkRange range_{std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity()};
};

}  // namespace

std::int64_t split_grid(const GridSplit& job, unsigned n_threads, const RunSink& sink) {
  const ChunkRules rules = chunk_rules(job.bins);
  std::atomic<std::int64_t> n_not_finite{0};
  for_each_rows(
      job, n_threads, [&] { return std::make_unique<Worker>(job, rules, sink); },
      [&](Worker& worker, std::size_t begin, std::size_t end) {
        const std::int64_t before = worker.n_not_finite();
        worker.rows(begin, end);
        n_not_finite += worker.n_not_finite() - before;
      });
  return n_not_finite;
}

RadialExtent grid_extent(const GridSplit& job, unsigned n_threads) {
  const ChunkRules rules = chunk_rules(job.bins);
  std::mutex mutex;
  constexpr double inf = std::numeric_limits<double>::infinity();
  RadialExtent all{inf, -inf};
  for_each_rows(
      job, n_threads, [&] { return std::make_unique<RangeFinder>(job, rules); },
      [&](RangeFinder& finder, std::size_t begin, std::size_t end) {
        finder.rows(begin, end);
        const std::lock_guard lock(mutex);
        all = {std::min(all.u_min, finder.range().u_min), std::max(all.u_max, finder.range().u_max)};
      });
  return all;
}

}  // namespace azimuthal
