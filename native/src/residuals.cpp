// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
#include "azimuthal/residuals.hpp"

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "azimuthal/large_array.hpp"
#include "azimuthal/parallel.hpp"

namespace azimuthal {
namespace {

std::size_t most_parts(std::size_t n_bins) noexcept { return n_bins <= 20000 ? 32 : n_bins <= 200000 ? 8 : 4; }

std::vector<std::size_t> begins_of_parts(std::size_t n_pixels, std::size_t n_bins) {
  const std::size_t n_groups = (n_pixels + kGroup - 1) / kGroup;
  const std::size_t n_parts = std::max<std::size_t>(1, std::min(most_parts(n_bins), n_groups / 128));
  std::vector<std::size_t> begins;
  for (std::size_t part = 0; part < n_parts; ++part) begins.push_back(n_groups * part / n_parts * kGroup);
  begins.push_back(n_pixels);
  return begins;
}

// The two sums of a bin, loaded and stored at once.
using TwoDoubles [[gnu::vector_size(16)]] = double;

// 64 pixels: signal, normalisation, and one bit for each that counts.
struct Group {
  std::size_t first, n;
  std::uint64_t counts;
  double value[kGroup], norm[kGroup];
};

template <class T>
T bound(Bound b) noexcept {
  if constexpr (std::is_floating_point_v<T>) return static_cast<T>(b.f);
  else if constexpr (std::is_signed_v<T>) return static_cast<T>(b.i);
  else return static_cast<T>(b.u);
}

template <class T>
std::uint64_t valid_bits(const T* raw, std::size_t n, const InvalidValues& invalid) noexcept {
  // Rarely any is invalid: first a look without branches, which becomes a few vector instructions.
  std::uint8_t out[kGroup] = {}, any = 0;
  for (int k = 0; k < invalid.n; ++k) {
    const T low = bound<T>(invalid.low[k]), high = bound<T>(invalid.high[k]);
    for (std::size_t p = 0; p < n; ++p) {
      out[p] = static_cast<std::uint8_t>(out[p] | ((raw[p] >= low) & (raw[p] <= high)));
    }
  }
  if constexpr (std::is_floating_point_v<T>) {
    if (invalid.nonfinite) {
      for (std::size_t p = 0; p < n; ++p) out[p] = static_cast<std::uint8_t>(out[p] | !(raw[p] - raw[p] == T{}));
    }
  }
  for (std::size_t p = 0; p < n; ++p) any = static_cast<std::uint8_t>(any | out[p]);
  if (any == 0) return ~std::uint64_t{0};
  std::uint64_t bits = 0;
  for (std::size_t p = 0; p < n; ++p) bits |= static_cast<std::uint64_t>(out[p] == 0) << p;
  return bits;
}

template <class T>
void read_raw(const void* frame, const InvalidValues& invalid, Group& group) noexcept {
  const T* const raw = static_cast<const T*>(frame) + group.first;
  group.counts &= valid_bits(raw, group.n, invalid);
  for (std::size_t p = 0; p < group.n; ++p) group.value[p] = static_cast<double>(raw[p]);
}

using Read = void (*)(const void*, const InvalidValues&, Group&);
constexpr Read kRead[] = {read_raw<std::uint8_t>, read_raw<std::uint16_t>, read_raw<std::uint32_t>,
                          read_raw<std::uint64_t>, read_raw<std::int8_t>, read_raw<std::int16_t>,
                          read_raw<std::int32_t>, read_raw<std::int64_t>, read_raw<float>, read_raw<double>};

// The pixels of a part; `sums` has a square and a cross for each bin, one after the other.
struct Part {
  const PackedView& w;
  const PixelTerms& terms;
  const double* mean;  // with room for the bins that weights of 0 reach, as sums
  double* sums;
  bool is_finite;  // all means are, and so are all values that count

  void add(std::size_t bin, double c, double value, double norm) const noexcept {
    const double cr = c * (value - mean[bin] * norm);
    double* const at = sums + 2 * bin;
    TwoDoubles both;
    std::memcpy(&both, at, sizeof both);
    both += TwoDoubles{cr, c * norm} * (cr - TwoDoubles{});
    std::memcpy(at, &both, sizeof both);
  }

  void correct(Group& group) const noexcept {
    const std::size_t first = group.first, n = group.n;
    if (terms.offset) {
      for (std::size_t p = 0; p < n; ++p) group.value[p] -= terms.offset[first + p];
    }
    if (terms.gain) {
      for (std::size_t p = 0; p < n; ++p) group.value[p] *= terms.gain[first + p];
    }
    for (std::size_t p = 0; p < n; ++p) group.norm[p] = terms.normalization ? terms.normalization[first + p] : 1.0;
  }

  // Neighbours feed the same bin, and an addition must wait for the one before it: pixels 0, 16, 32, 48, 1, 17 ...
  // Weights of 0 are added like others, where that changes nothing: a branch would be guessed wrong too often.
  template <class Index, Weighting kForm, bool kIsFinite>
  void add_regular(const Group& group, const Index* bins) const noexcept {
    constexpr std::size_t kColumns = kGroup / 4;
    for (std::size_t k = 0; k < kGroup; ++k) {
      const std::size_t p = k / 4 + k % 4 * kColumns, pixel = group.first + p;
      if (!(group.counts >> p & 1)) continue;
      const std::size_t bin = bins[pixel];
      if (bin >= w.n_bins) continue;  // irregular
      const double value = group.value[p], norm = group.norm[p];
      if constexpr (kForm == Weighting::one) {
        add(bin, 1.0, value, norm);
      } else if constexpr (kForm == Weighting::pair) {
        const Pair pair = unpacked_pair(w.weight[pixel]);
        add(bin, pair.first, value, norm);
        if (kIsFinite || pair.second != 0.0) add(bin + 1, pair.second, value, norm);
      } else {
        const auto width = static_cast<std::size_t>(w.width);
        for (std::size_t slot = 0; slot < width; ++slot) {
          const double c = w.weight[pixel * width + slot];
          if (kIsFinite || c != 0.0) add(bin + slot, c, value, norm);
        }
      }
    }
  }

  template <bool kIsFinite, class Index>
  void add_group(const Group& group, const Index* bins) const noexcept {
    if (w.weighting == Weighting::one) add_regular<Index, Weighting::one, kIsFinite>(group, bins);
    else if (w.weighting == Weighting::pair) add_regular<Index, Weighting::pair, kIsFinite>(group, bins);
    else add_regular<Index, Weighting::listed, kIsFinite>(group, bins);
  }
  template <class Index>
  void add_group(const Group& group, const Index* bins) const noexcept {
    if (is_finite) add_group<true>(group, bins);
    else add_group<false>(group, bins);
  }

  void add_irregular(const Group& group, std::size_t& at) const noexcept {
    for (; at < w.n_irregular && w.irregular[at] < group.first + group.n; ++at) {
      const std::size_t p = w.irregular[at] - group.first;
      if (!(group.counts >> p & 1)) continue;
      for (std::size_t e = w.begin[at]; e < w.begin[at + 1]; ++e) {
        add(w.irregular_bin[e], w.irregular_weight[e], group.value[p], group.norm[p]);
      }
    }
  }
};

std::uint64_t used_bits(const PackedView& w, std::size_t first, std::size_t n) noexcept {
  std::uint64_t bits = 0;
  for (std::size_t k = 0; k < (n + 7) / 8; ++k) bits |= static_cast<std::uint64_t>(w.used[first / 8 + k]) << (8 * k);
  return bits;
}

void add_pixels(const Part& part, std::size_t first, std::size_t last, Read read, const void* frame,
                const InvalidValues& invalid) noexcept {
  const PackedView& w = part.w;
  std::size_t irregular =
      static_cast<std::size_t>(std::lower_bound(w.irregular, w.irregular + w.n_irregular, first) - w.irregular);
  Group group;
  for (std::size_t at = first; at < last; at += kGroup) {
    group.first = at;
    group.n = std::min(kGroup, last - at);
    group.counts = used_bits(w, at, group.n);
    if (group.counts == 0) continue;
    read(frame, invalid, group);
    part.correct(group);
    if (w.bin16) part.add_group(group, w.bin16);
    else part.add_group(group, w.bin32);
    part.add_irregular(group, irregular);
  }
}

}  // namespace

Residuals::Residuals(std::shared_ptr<const PackedWeights> weights, PixelTerms terms)
    : weights_(std::move(weights)),
      terms_(terms),
      part_begins_(begins_of_parts(weights_->n_pixels(), weights_->n_bins())) {}

ResidualSums Residuals::frame(DType dtype, const void* frame, const double* mean, const InvalidValues& invalid,
                              unsigned n_threads) const {
  const PackedView view = weights_->view();
  const std::size_t n_parts = part_begins_.size() - 1, size = 2 * (view.n_bins + kExtraBins);
  std::vector<double> means(mean, mean + view.n_bins);
  means.insert(means.end(), kExtraBins, 0.0);
  const bool is_finite = std::all_of(means.begin(), means.end(), [](double m) { return m - m == 0.0; });
  std::vector<LargeVector<double>> parts(n_parts);
  for (auto& part : parts) part = LargeVector<double>(size);
  for_each_block(n_parts, n_threads, [&](std::size_t part) {
    std::fill(parts[part].begin(), parts[part].end(), 0.0);
    add_pixels({view, terms_, means.data(), parts[part].data(), is_finite}, part_begins_[part], part_begins_[part + 1],
               kRead[static_cast<int>(dtype)], frame, invalid);
  });
  ResidualSums all{std::vector<double>(view.n_bins, 0.0), std::vector<double>(view.n_bins, 0.0)};
  for (const auto& part : parts) {
    for (std::size_t b = 0; b < view.n_bins; ++b) {
      all.squares[b] += part[2 * b];
      all.cross[b] += part[2 * b + 1];
    }
  }
  return all;
}

}  // namespace azimuthal
