// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
#include "azimuthal/rings.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <numbers>

#include "azimuthal/parallel.hpp"

namespace azimuthal {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t kBinsPerBlock = 4;

// The pixels of one bin that are kept so far.
struct RingPixels {
  explicit RingPixels(std::size_t most) : signal(most), norm(most), counts(most) {}
  std::vector<double> signal, norm, counts;  // counts: max(raw, 0)
  std::size_t size = 0;
};

struct Moments {
  double signal = 0.0, norm = 0.0, norm2 = 0.0, counts = 0.0, variance = 0.0, mean = kNaN, std = kNaN;
};

Moments moments_of(const RingPixels& ring, Spread spread) {
  Moments m;
  for (std::size_t k = 0; k < ring.size; ++k) {
    m.signal += ring.signal[k];
    m.norm += ring.norm[k];
    m.norm2 += ring.norm[k] * ring.norm[k];
    m.counts += ring.counts[k];
  }
  if (ring.size == 0) return m;
  m.mean = m.signal / m.norm;
  if (spread == Spread::poisson) {
    m.variance = m.counts;
  } else {
    const double effective = m.norm * m.norm / m.norm2;
    if (ring.size < 2 || effective <= 1.0) {
      m.variance = kNaN;
      return m;
    }
    for (std::size_t k = 0; k < ring.size; ++k) {
      const double residual = ring.signal[k] - m.mean * ring.norm[k];
      m.variance += residual * residual;
    }
    m.variance *= effective / (effective - 1.0);
  }
  m.std = std::sqrt(m.variance / m.norm2);
  return m;
}

// Chauvenet's bound: of n normal values less than one is expected beyond it.
double bound_of(std::size_t n, double cutoff) {
  if (n < 3) return std::numeric_limits<double>::infinity();
  return std::max(cutoff, std::sqrt(2.0 * std::log(static_cast<double>(n) / std::sqrt(2.0 * std::numbers::pi))));
}

// Returns whether anything was left out.
bool reject(RingPixels& ring, double mean, double width) {
  std::size_t kept = 0;
  for (std::size_t k = 0; k < ring.size; ++k) {
    if (std::abs(ring.signal[k] / ring.norm[k] - mean) > width) continue;
    ring.signal[kept] = ring.signal[k];
    ring.norm[kept] = ring.norm[k];
    ring.counts[kept] = ring.counts[k];
    ++kept;
  }
  const bool any = kept < ring.size;
  ring.size = kept;
  return any;
}

template <class Typed>
void gather(const Typed& frame, const std::uint32_t* first, const std::uint32_t* last, RingPixels& ring) {
  std::size_t size = 0;
  for (const std::uint32_t* pixel = first; pixel != last; ++pixel) {
    if (!frame.is_valid(*pixel)) continue;
    ring.signal[size] = frame.signal(*pixel);
    ring.norm[size] = frame.normalization(*pixel);
    ring.counts[size] = std::max(frame.raw(*pixel), 0.0);
    ++size;
  }
  ring.size = size;
}

}  // namespace

RingStatistics::RingStatistics(std::size_t n_bins)
    : mean(n_bins), std(n_bins), signal(n_bins), variance(n_bins), normalization(n_bins), normalization2(n_bins),
      counts(n_bins), n_valid(n_bins), n_kept(n_bins), n_rounds(n_bins) {}

RingLists::RingLists(const std::int32_t* bins, std::size_t n_pixels, std::size_t n_bins)
    : n_pixels_(n_pixels), begins_(n_bins + 1, 0) {
  for (std::size_t p = 0; p < n_pixels; ++p) {
    if (bins[p] >= 0) ++begins_[static_cast<std::size_t>(bins[p]) + 1];
  }
  for (std::size_t b = 0; b < n_bins; ++b) begins_[b + 1] += begins_[b];
  pixels_.resize(begins_[n_bins]);
  std::vector<std::size_t> next(begins_.begin(), begins_.end() - 1);
  for (std::size_t p = 0; p < n_pixels; ++p) {
    if (bins[p] >= 0) pixels_[next[static_cast<std::size_t>(bins[p])]++] = static_cast<std::uint32_t>(p);
  }
}

RingStatistics RingLists::clipped(const FrameView& view, const ClipSettings& settings, unsigned n_threads) const {
  RingStatistics result(n_bins());
  std::size_t longest = 0;
  for (std::size_t b = 0; b < n_bins(); ++b) longest = std::max(longest, begins_[b + 1] - begins_[b]);
  with_typed(view, [&](const auto& frame) {
    const auto one_bin = [&](RingPixels& ring, std::size_t bin) {
      gather(frame, pixels_.data() + begins_[bin], pixels_.data() + begins_[bin + 1], ring);
      result.n_valid[bin] = static_cast<std::uint32_t>(ring.size);
      Moments moments = moments_of(ring, settings.spread);
      std::uint32_t round = 0;
      while (round < settings.most_rounds &&
             reject(ring, moments.mean, bound_of(ring.size, settings.cutoff) * moments.std)) {
        moments = moments_of(ring, settings.spread);
        ++round;
      }
      result.mean[bin] = moments.mean;
      result.std[bin] = moments.std;
      result.signal[bin] = moments.signal;
      result.variance[bin] = moments.variance;
      result.normalization[bin] = moments.norm;
      result.normalization2[bin] = moments.norm2;
      result.counts[bin] = moments.counts;
      result.n_kept[bin] = static_cast<std::uint32_t>(ring.size);
      result.n_rounds[bin] = round;
    };
    for_each_block(
        (n_bins() + kBinsPerBlock - 1) / kBinsPerBlock, n_threads,
        [&] { return std::make_unique<RingPixels>(longest); },
        [&](RingPixels& ring, std::size_t block) {
          const std::size_t last = std::min(n_bins(), (block + 1) * kBinsPerBlock);
          for (std::size_t bin = block * kBinsPerBlock; bin < last; ++bin) one_bin(ring, bin);
        });
  });
  return result;
}

}  // namespace azimuthal
