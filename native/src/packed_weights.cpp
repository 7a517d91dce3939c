// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
#include "azimuthal/packed_weights.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <mutex>
#include <stdexcept>
#include <utility>

#include "azimuthal/parallel.hpp"

namespace azimuthal {
namespace {

constexpr std::size_t kBlock = 1 << 14;  // pixels; a multiple of kGroup
// Weights of a pixel wholly inside the range add up to 1 but for rounding in the splitting, which the pair then loses.
constexpr double kSumTolerance = 2e-13;
// A form is chosen when at least this share of the pixels fits.
constexpr double kEnough = 0.95;
// A pair takes half the memory of two weights: worth it although more pixels are left over.
constexpr double kEnoughPairs = 0.75;

bool is_run(const Cell* cells, std::size_t n) noexcept {
  return n > 0 && static_cast<std::size_t>(cells[n - 1].index - cells[0].index) == n - 1;
}

bool is_pair(const Cell* cells, std::size_t n) noexcept {
  if (n == 1) return std::abs(cells[0].weight - 1.0) < kSumTolerance;
  if (n != 2 || cells[0].weight < 0.0 || cells[1].weight < 0.0) return false;  // the sign has another meaning here
  return cells[1].index - cells[0].index == 1 &&
         std::abs(cells[0].weight + cells[1].weight - 1.0) < kSumTolerance;
}

// How many pixels have which form.
struct Forms {
  std::size_t n_used = 0, n_ones = 0, n_pairs = 0;
  std::array<std::size_t, kLargestWidth + 1> n_runs{};  // by length

  void add(const Cell* cells, std::size_t n) noexcept {
    if (n == 0) return;
    ++n_used;
    if (n == 1 && cells[0].weight == 1.0) ++n_ones;
    if (is_pair(cells, n)) ++n_pairs;
    if (n <= kLargestWidth && is_run(cells, n)) ++n_runs[n];
  }
  void add(const SplitPixels& run) noexcept {
    const Cell* cells = run.cells;
    for (std::size_t i = 0; i < run.n_pixels; cells += run.counts[i++]) add(cells, run.counts[i]);
  }
  void add(const Forms& other) noexcept {
    n_used += other.n_used;
    n_ones += other.n_ones;
    n_pairs += other.n_pairs;
    for (std::size_t k = 0; k <= kLargestWidth; ++k) n_runs[k] += other.n_runs[k];
  }
};

struct Form {
  Weighting weighting;
  int width;
  bool operator==(const Form&) const = default;
};

Form chosen(const Forms& forms) noexcept {
  if (forms.n_ones == forms.n_used) return {Weighting::one, 1};
  const auto used = static_cast<double>(forms.n_used);
  std::size_t fitting = forms.n_runs[1];
  if (static_cast<double>(fitting) >= kEnough * used && forms.n_pairs < fitting) return {Weighting::listed, 1};
  if (static_cast<double>(forms.n_pairs) >= kEnoughPairs * used) return {Weighting::pair, 2};
  fitting += forms.n_runs[2];
  if (static_cast<double>(fitting) >= kEnough * used) return {Weighting::listed, 2};
  fitting += forms.n_runs[3] + forms.n_runs[4];
  if (static_cast<double>(fitting) >= kEnough * used) return {Weighting::listed, 4};
  return {Weighting::listed, static_cast<int>(kLargestWidth)};
}

// Irregular pixels of one run.
struct IrregularRun {
  std::size_t first_pixel;
  std::vector<std::uint32_t> pixel, count, bin;
  std::vector<double> weight;
};

}  // namespace

// Writes runs into the arrays of a form; from several threads at once.
class PackedWeights::Packer {
 public:
  Packer(PackedWeights& to, Form form) : to_(to), form_(form) {
    to.weighting_ = form.weighting;
    to.width_ = form.width;
    const std::size_t padded = (to.n_pixels_ + kGroup - 1) / kGroup * kGroup;
    const bool small = to.n_bins_ + kExtraBins <= 65536;
    to.bin16_ = LargeVector<std::uint16_t>(small ? padded : 0);
    to.bin32_ = LargeVector<std::uint32_t>(small ? 0 : padded);
    per_pixel_ = form.weighting == Weighting::one ? 0 : form.weighting == Weighting::pair ? 1 : static_cast<std::size_t>(form.width);
    to.weight_ = LargeVector<double>(padded * per_pixel_);
    to.used_ = LargeVector<std::uint8_t>(padded / 8);
    for (std::size_t p = to.n_pixels_; p < padded; ++p) put(p, nullptr, 0);
  }

  void add(const SplitPixels& run) {
    Forms forms;
    IrregularRun irregular{run.first_pixel, {}, {}, {}, {}};
    const Cell* cells = run.cells;
    for (std::size_t i = 0; i < run.n_pixels; ++i) {
      const std::size_t n = run.counts[i], p = run.first_pixel + i;
      forms.add(cells, n);
      if (n > 0 && !fits(cells, n)) {
        put(p, nullptr, 0);
        irregular.pixel.push_back(static_cast<std::uint32_t>(p));
        irregular.count.push_back(static_cast<std::uint32_t>(n));
        for (std::size_t k = 0; k < n; ++k) {
          irregular.bin.push_back(static_cast<std::uint32_t>(cells[k].index));
          irregular.weight.push_back(cells[k].weight);
        }
      } else {
        put(p, cells, n);
      }
      cells += n;
    }
    const std::lock_guard<std::mutex> guard(lock_);
    forms_.add(forms);
    if (!irregular.pixel.empty()) irregular_.push_back(std::move(irregular));
  }

  // The form that the weights should have, now that all are known.
  Form best() const noexcept { return chosen(forms_); }

  void finish(unsigned n_threads) {
    std::sort(irregular_.begin(), irregular_.end(),
              [](const IrregularRun& a, const IrregularRun& b) { return a.first_pixel < b.first_pixel; });
    to_.irregular_.clear();
    to_.begin_.assign(1, 0);
    to_.irregular_bin_.clear();
    to_.irregular_weight_.clear();
    for (const IrregularRun& run : irregular_) {
      to_.irregular_.insert(to_.irregular_.end(), run.pixel.begin(), run.pixel.end());
      for (std::uint32_t n : run.count) to_.begin_.push_back(to_.begin_.back() + n);
      to_.irregular_bin_.insert(to_.irregular_bin_.end(), run.bin.begin(), run.bin.end());
      to_.irregular_weight_.insert(to_.irregular_weight_.end(), run.weight.begin(), run.weight.end());
    }
    const std::size_t n_bytes = to_.used_.size(), n_blocks = (n_bytes * 8 + kBlock - 1) / kBlock;
    for_each_block(n_blocks, n_threads, [&](std::size_t block) {
      const std::size_t end = std::min(n_bytes, (block + 1) * kBlock / 8);
      for (std::size_t j = block * kBlock / 8; j < end; ++j) {
        unsigned bits = 0;
        for (unsigned k = 0; k < 8; ++k) {
          const std::size_t bin = to_.bin16_.empty() ? to_.bin32_[8 * j + k] : to_.bin16_[8 * j + k];
          bits |= static_cast<unsigned>(bin < to_.n_bins_) << k;
        }
        to_.used_[j] = static_cast<std::uint8_t>(bits);
      }
    });
    for (std::uint32_t p : to_.irregular_) to_.used_[p >> 3] = static_cast<std::uint8_t>(to_.used_[p >> 3] | 1u << (p & 7));
  }

 private:
  bool fits(const Cell* cells, std::size_t n) const noexcept {
    if (form_.weighting == Weighting::one) return n == 1 && cells[0].weight == 1.0;
    if (form_.weighting == Weighting::pair) return is_pair(cells, n);
    return n <= per_pixel_ && is_run(cells, n);
  }

  void put(std::size_t p, const Cell* cells, std::size_t n) noexcept {
    const std::size_t bin = n > 0 ? static_cast<std::size_t>(cells[0].index) : to_.n_bins_ + (p & (kSinks - 1));
    if (to_.bin16_.empty()) to_.bin32_[p] = static_cast<std::uint32_t>(bin);
    else to_.bin16_[p] = static_cast<std::uint16_t>(bin);
    if (form_.weighting == Weighting::pair) {
      const bool is_first = n == 2 && cells[0].weight < cells[1].weight;
      to_.weight_[p] = n < 2 ? 0.0 : is_first ? -cells[0].weight : cells[1].weight;
    } else {
      for (std::size_t k = 0; k < per_pixel_; ++k) to_.weight_[p * per_pixel_ + k] = k < n ? cells[k].weight : 0.0;
    }
  }

  PackedWeights& to_;
  Form form_;
  std::size_t per_pixel_ = 0;
  std::mutex lock_;
  Forms forms_;
  std::vector<IrregularRun> irregular_;
};

PackedWeights::PackedWeights(std::size_t n_pixels, std::size_t n_bins, const RunSource& sample, const RunSource& all,
                             unsigned n_threads)
    : n_pixels_(n_pixels), n_bins_(n_bins) {
  pack(sample, all, n_threads);
}

PackedWeights::PackedWeights(const std::int64_t* indptr, const std::int32_t* indices, const double* weights,
                             std::size_t n_pixels, std::size_t n_bins, unsigned n_threads)
    : n_pixels_(n_pixels), n_bins_(n_bins) {
  const RunSource runs = [&](const RunSink& sink) {
    constexpr std::size_t kRun = 4096;
    for_each_block((n_pixels + kRun - 1) / kRun, n_threads, [&](std::size_t block) {
      const std::size_t begin = block * kRun, end = std::min(n_pixels, begin + kRun);
      std::vector<std::uint32_t> counts;
      std::vector<Cell> cells;
      for (std::size_t p = begin; p < end; ++p) {
        counts.push_back(static_cast<std::uint32_t>(indptr[p + 1] - indptr[p]));
        for (std::int64_t e = indptr[p]; e < indptr[p + 1]; ++e) cells.push_back({indices[e], weights ? weights[e] : 1.0});
      }
      sink({begin, end - begin, counts.data(), cells.data(), cells.size()});
    });
  };
  pack(runs, runs, n_threads);
}

void PackedWeights::pack(const RunSource& sample, const RunSource& all, unsigned n_threads) {
  if (n_pixels_ >= std::size_t{1} << 32) throw std::length_error("more than 2^32 pixels");
  std::mutex lock;
  Forms sampled;
  sample([&](const SplitPixels& run) {
    Forms forms;
    forms.add(run);
    const std::lock_guard<std::mutex> guard(lock);
    sampled.add(forms);
  });
  for (Form form = chosen(sampled);;) {
    Packer packer(*this, form);
    all([&](const SplitPixels& run) { packer.add(run); });
    if (packer.best() == form) {
      packer.finish(n_threads);
      return;
    }
    form = packer.best();
  }
}

PackedRows PackedWeights::rows(unsigned n_threads) const {
  PackedRows rows;
  rows.indptr = LargeVector<std::int64_t>(n_pixels_ + 1);
  const std::size_t n_blocks = (n_pixels_ + kBlock - 1) / kBlock;
  for_each_block(n_blocks, n_threads, [&](std::size_t block) {
    const std::size_t end = std::min(n_pixels_, (block + 1) * kBlock);
    for (std::size_t p = block * kBlock; p < end; ++p) {
      std::int64_t n = 0;
      for_each_weight(p, [&](std::size_t, double) { ++n; });
      rows.indptr[p + 1] = n;
    }
  });
  rows.indptr[0] = 0;
  for (std::size_t p = 0; p < n_pixels_; ++p) rows.indptr[p + 1] += rows.indptr[p];
  rows.indices = LargeVector<std::int32_t>(static_cast<std::size_t>(rows.indptr[n_pixels_]));
  rows.weights = LargeVector<double>(weighting_ == Weighting::one ? 0 : rows.indices.size());
  for_each_block(n_blocks, n_threads, [&](std::size_t block) {
    const std::size_t end = std::min(n_pixels_, (block + 1) * kBlock);
    for (std::size_t p = block * kBlock; p < end; ++p) {
      auto at = static_cast<std::size_t>(rows.indptr[p]);
      for_each_weight(p, [&](std::size_t bin, double weight) {
        rows.indices[at] = static_cast<std::int32_t>(bin);
        if (weighting_ != Weighting::one) rows.weights[at] = weight;
        ++at;
      });
    }
  });
  return rows;
}

PackedView PackedWeights::view() const noexcept {
  return {bin16_.empty() ? nullptr : bin16_.data(),
          bin32_.empty() ? nullptr : bin32_.data(),
          weight_.data(),
          used_.data(),
          weighting_,
          width_,
          n_pixels_,
          n_bins_,
          irregular_.data(),
          begin_.data(),
          irregular_bin_.data(),
          irregular_weight_.data(),
          irregular_.size()};
}

std::size_t PackedWeights::nbytes() const noexcept {
  return bin16_.size() * 2 + bin32_.size() * 4 + (weight_.size() + irregular_weight_.size()) * 8 + used_.size() +
         4 * (irregular_.size() + begin_.size() + irregular_bin_.size());
}

}  // namespace azimuthal
