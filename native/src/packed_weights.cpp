// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
#include "azimuthal/packed_weights.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <stdexcept>

#include "azimuthal/parallel.hpp"

namespace azimuthal {
namespace {

constexpr std::size_t kBlock = 1 << 14;  // pixels; a multiple of 8, so that no two blocks share a byte of `used`
// Weights of a pixel wholly inside the range add up to 1 but for rounding in the splitting, which the pair then loses.
constexpr double kSumTolerance = 2e-13;
// A width is chosen when at least this share of the pixels fits.
constexpr double kEnough = 0.95;

struct Row {
  const std::int32_t* bins;
  const double* weights;  // null: ones
  std::size_t n;

  bool is_run() const noexcept { return n > 0 && static_cast<std::size_t>(bins[n - 1] - bins[0]) == n - 1; }
  double weight(std::size_t k) const noexcept { return weights ? weights[k] : 1.0; }
  bool is_pair() const noexcept {
    return is_run() && n <= 2 && std::abs((n == 1 ? weight(0) : weight(0) + weight(1)) - 1.0) < kSumTolerance;
  }
};

// How many pixels have which form.
struct Forms {
  std::size_t n_used = 0, n_ones = 0, n_pairs = 0;
  std::array<std::size_t, kLargestWidth + 1> n_runs{};  // by length

  void add(const Row& row) noexcept {
    if (row.n == 0) return;
    ++n_used;
    if (row.n == 1 && row.weight(0) == 1.0) ++n_ones;
    if (row.is_pair()) ++n_pairs;
    if (row.is_run() && row.n <= kLargestWidth) ++n_runs[row.n];
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
};

Form chosen(const Forms& forms) noexcept {
  if (forms.n_ones == forms.n_used) return {Weighting::one, 1};
  const double enough = kEnough * static_cast<double>(forms.n_used);
  std::size_t fitting = forms.n_runs[1];
  if (static_cast<double>(fitting) >= enough && forms.n_pairs < fitting) return {Weighting::listed, 1};
  if (static_cast<double>(forms.n_pairs) >= 0.75 * static_cast<double>(forms.n_used)) return {Weighting::pair, 2};
  fitting += forms.n_runs[2];
  if (static_cast<double>(fitting) >= enough) return {Weighting::listed, 2};
  fitting += forms.n_runs[3] + forms.n_runs[4];
  if (static_cast<double>(fitting) >= enough) return {Weighting::listed, 4};
  return {Weighting::listed, static_cast<int>(kLargestWidth)};
}

double packed_pair(const Row& row) noexcept {
  if (row.n == 1) return 0.0;
  const double first = row.weight(0), second = row.weight(1);
  return first < second ? -first : second;
}

}  // namespace

PackedWeights::PackedWeights(const std::int64_t* indptr, const std::int32_t* indices, const double* weights,
                             std::size_t n_pixels, std::size_t n_bins, unsigned n_threads)
    : n_pixels_(n_pixels), n_bins_(n_bins) {
  if (n_pixels >= std::size_t{1} << 32) throw std::length_error("more than 2^32 pixels");
  const auto row_of = [&](std::size_t p) {
    const auto begin = static_cast<std::size_t>(indptr[p]), end = static_cast<std::size_t>(indptr[p + 1]);
    return Row{indices + begin, weights ? weights + begin : nullptr, end - begin};
  };
  const std::size_t n_blocks = (n_pixels + kBlock - 1) / kBlock;
  std::vector<Forms> forms(std::max<std::size_t>(1, n_blocks));
  for_each_block(n_blocks, n_threads, [&](std::size_t block) {
    const std::size_t end = std::min(n_pixels, (block + 1) * kBlock);
    Forms found;
    for (std::size_t p = block * kBlock; p < end; ++p) found.add(row_of(p));
    forms[block] = found;
  });
  for (std::size_t b = 1; b < forms.size(); ++b) forms[0].add(forms[b]);
  const Form form = chosen(forms[0]);
  weighting_ = form.weighting;
  width_ = form.width;

  const std::size_t padded = (n_pixels + kGroup - 1) / kGroup * kGroup;
  const bool small = n_bins + kExtraBins <= 65536;
  if (small) bin16_ = LargeVector<std::uint16_t>(padded);
  else bin32_ = LargeVector<std::uint32_t>(padded);
  const std::size_t per_pixel = weighting_ == Weighting::one ? 0 : weighting_ == Weighting::pair ? 1 : width_;
  weight_ = LargeVector<double>(padded * per_pixel);
  used_ = LargeVector<std::uint8_t>(padded / 8);
  struct Irregular {
    std::vector<std::uint32_t> pixel, count, bin;
    std::vector<double> weight;
  };
  std::vector<Irregular> parts(n_blocks);
  for_each_block(n_blocks, n_threads, [&](std::size_t block) {
    const std::size_t begin = block * kBlock, end = std::min(padded, begin + kBlock);
    std::fill(used_.data() + begin / 8, used_.data() + end / 8, std::uint8_t{0});
    Irregular& irregular = parts[block];
    for (std::size_t p = begin; p < end; ++p) {
      const Row row = p < n_pixels ? row_of(p) : Row{nullptr, nullptr, 0};
      bool fits = row.n > 0;
      if (weighting_ == Weighting::pair) fits = fits && row.is_pair();
      else fits = fits && row.is_run() && row.n <= static_cast<std::size_t>(width_);
      const std::size_t bin = fits ? static_cast<std::size_t>(row.bins[0]) : n_bins + (p & (kSinks - 1));
      if (small) bin16_[p] = static_cast<std::uint16_t>(bin);
      else bin32_[p] = static_cast<std::uint32_t>(bin);
      if (row.n > 0) used_[p >> 3] = static_cast<std::uint8_t>(used_[p >> 3] | 1u << (p & 7));
      if (weighting_ == Weighting::pair) weight_[p] = fits ? packed_pair(row) : 0.0;
      if (weighting_ == Weighting::listed) {
        for (std::size_t k = 0; k < per_pixel; ++k) {
          weight_[p * per_pixel + k] = fits && k < row.n ? row.weight(k) : 0.0;
        }
      }
      if (row.n > 0 && !fits) {
        irregular.pixel.push_back(static_cast<std::uint32_t>(p));
        irregular.count.push_back(static_cast<std::uint32_t>(row.n));
        for (std::size_t k = 0; k < row.n; ++k) {
          irregular.bin.push_back(static_cast<std::uint32_t>(row.bins[k]));
          irregular.weight.push_back(row.weight(k));
        }
      }
    }
  });
  begin_.push_back(0);
  for (const Irregular& part : parts) {
    irregular_.insert(irregular_.end(), part.pixel.begin(), part.pixel.end());
    for (std::uint32_t n : part.count) begin_.push_back(begin_.back() + n);
    irregular_bin_.insert(irregular_bin_.end(), part.bin.begin(), part.bin.end());
    irregular_weight_.insert(irregular_weight_.end(), part.weight.begin(), part.weight.end());
  }
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
