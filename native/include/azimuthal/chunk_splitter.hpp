// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
//
// Splits pixels a chunk at a time and gathers their cells. Ordinary pixels (a polygon without special points, wholly
// inside the range and one azimuthal bin) go through the vectorised kernels; every other pixel takes the general way.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <vector>

#include "azimuthal/pixel_kernels.hpp"
#include "azimuthal/pixel_splitting.hpp"
#include "azimuthal/splitting.hpp"

namespace azimuthal {

// The azimuth has bins.
inline bool has_azimuth(const BinEdges& c) noexcept { return std::isfinite(c.lower()); }

// What kernels need to know of the bins.
ChunkRules chunk_rules(const BinGrid& bins) noexcept;

// The ranges of a chunk's pixels as a scheme sees them.
void measure_chunk(const PixelKernels& kernels, Scheme scheme, const ChunkCoordinates& pixels, std::size_t n,
                   const ChunkRules& rules, Chunk& chunk);

// Finds the azimuthal bin that holds a whole pixel. Neighbours mostly lie in the same one.
class AzimuthFinder {
 public:
  static constexpr long kNone = -1, kSeveral = -2;

  AzimuthFinder(const BinEdges& c, double period) : c_(c), period_(period) {}

  long find(double c_min, double c_max) noexcept {
    if (holds(c_min, c_max)) return bin_;
    int n_turns = 0;
    for (int turn = -2; turn <= 2; ++turn) {
      const double shift = turn * period_;
      if (!(c_max + shift >= c_.lower() && c_min + shift <= c_.upper())) continue;
      ++n_turns;
      shift_ = shift;
    }
    if (n_turns == 0) return kNone;
    if (n_turns > 1) return kSeveral;
    bin_ = std::clamp(c_.find(c_min + shift_), 0L, c_.n_bins() - 1);
    return holds(c_min, c_max) ? bin_ : kSeveral;
  }

 private:
  bool holds(double c_min, double c_max) const noexcept {
    return c_min + shift_ >= c_[bin_] && c_max + shift_ < c_[bin_ + 1] && c_max + (shift_ - period_) < c_.lower() &&
           c_min + (shift_ + period_) > c_.upper();
  }

  const BinEdges c_;
  double period_;
  double shift_ = 0.0;
  long bin_ = 0;
};

class ChunkSplitter {
 public:
  // bins and rules must outlive it
  ChunkSplitter(Scheme scheme, const BinGrid& bins, const ChunkRules& rules)
      : scheme_(scheme),
        bins_(bins),
        rules_(rules),
        kernels_(pixel_kernels()),
        in_sectors_(has_azimuth(bins.c)),
        finder_(bins.c, bins.circle.period),
        chunk_(std::make_unique<Chunk>()) {}

  // Adds n <= kChunkPixels pixels; at_odd(i) returns the coordinates of pixel i for the general way.
  template <class AtOdd>
  void add(const ChunkCoordinates& pixels, std::size_t n, const std::uint8_t* excluded, AtOdd&& at_odd) {
    if (std::memchr(excluded, 0, n) == nullptr) return skip(n);
    weigh(pixels, n);
    const Chunk& chunk = *chunk_;
    reserve(n * static_cast<std::size_t>(chunk.n_weights));
    if (counts_.size() < n_pixels_ + n) counts_.resize(2 * (n_pixels_ + n));
    std::uint32_t* counts = counts_.data() + n_pixels_;
    for (std::size_t i = 0; i < n; ++i) {
      const std::size_t before = n_cells_;
      if (excluded[i] == 0) {
        const auto state = static_cast<PixelState>(static_cast<int>(chunk.state[i]));
        if (state == PixelState::odd || (state == PixelState::ordinary && !add_ordinary(i))) add_odd(at_odd(i));
      }
      counts[i] = static_cast<std::uint32_t>(n_cells_ - before);
    }
    n_pixels_ += n;
  }

  // Adds pixels that feed no bin.
  void skip(std::size_t n) {
    if (counts_.size() < n_pixels_ + n) counts_.resize(2 * (n_pixels_ + n));
    std::fill_n(counts_.data() + n_pixels_, n, 0U);
    n_pixels_ += n;
  }

  std::size_t n_pixels() const noexcept { return n_pixels_; }
  std::int64_t n_not_finite() const noexcept { return n_not_finite_; }
  SplitPixels pixels(std::size_t first_pixel) const noexcept {
    return {first_pixel, n_pixels_, counts_.data(), cells_.data(), n_cells_};
  }
  void clear() noexcept { n_pixels_ = n_cells_ = 0; }

 private:
  void reserve(std::size_t more) {
    if (n_cells_ + more > cells_.size()) cells_.resize(2 * (n_cells_ + more));
  }

  void weigh(const ChunkCoordinates& pixels, std::size_t n) {
    Chunk& chunk = *chunk_;
    measure_chunk(kernels_, scheme_, pixels, n, rules_, chunk);
    kernels_.find_bins(n, rules_, chunk);
    if (scheme_ == Scheme::full) return kernels_.weigh_polygons(n, rules_, chunk);
    if (scheme_ != Scheme::none) return kernels_.weigh_boxes(n, rules_, chunk);
    std::fill_n(chunk.weight[0], n, 1.0);
    chunk.n_weights = 1;
  }

  // False: the pixel lies in several azimuthal bins, or may.
  bool add_ordinary(std::size_t i) {
    const Chunk& chunk = *chunk_;
    std::int32_t index = chunk.first[i];
    if (in_sectors_) {
      const long bin = finder_.find(chunk.c_min[i], chunk.c_max[i]);
      if (bin < 0) return bin == AzimuthFinder::kNone;
      index += static_cast<std::int32_t>(bin) * rules_.n_bins;
    }
    // All are written, and only those that count are kept: there is no branch to mispredict.
    Cell* cell = cells_.data() + n_cells_;
    for (int k = 0; k < chunk.n_weights; ++k) {
      const double weight = chunk.weight[k][i];
      *cell = {index + k, weight};
      cell += weight > kNegligible ? 1 : 0;
    }
    n_cells_ = static_cast<std::size_t>(cell - cells_.data());
    return true;
  }

  void add_odd(const PixelView& pixel) {
    list_.clear();
    list_.begin_pixel();
    if (!split_pixel(pixel, 0, scheme_, bins_, list_)) ++n_not_finite_;
    const auto n = static_cast<std::size_t>(list_.end_pixel());
    reserve(n + kChunkPixels * static_cast<std::size_t>(chunk_->n_weights));
    std::copy_n(list_.cells().data(), n, cells_.data() + n_cells_);
    n_cells_ += n;
  }

  const Scheme scheme_;
  const BinGrid& bins_;
  const ChunkRules& rules_;
  const PixelKernels& kernels_;
  const bool in_sectors_;
  AzimuthFinder finder_;
  std::unique_ptr<Chunk> chunk_;
  CellList list_;
  std::vector<std::uint32_t> counts_;
  LargeVector<Cell> cells_;
  std::size_t n_pixels_ = 0, n_cells_ = 0;
  std::int64_t n_not_finite_ = 0;
};

}  // namespace azimuthal
