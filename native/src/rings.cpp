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

// The pixels of one bin that are kept so far; one more has room, so that a pixel can be written before it is judged.
struct RingPixels {
  explicit RingPixels(std::size_t most) : signal(most + 1), norm(most + 1), counts(most + 1) {}
  std::vector<double> signal, norm, counts;  // counts: max(raw, 0)
  std::size_t size = 0;
};

struct Moments {
  double signal = 0.0, norm = 0.0, norm2 = 0.0, counts = 0.0, variance = 0.0, mean = kNaN, std = kNaN;
};

// Sums in eight lanes, which are added in turn: the order of additions depends on the number of values alone.
constexpr std::size_t kSumLanes = 8;
template <class Value>
double lane_sum(std::size_t n, Value&& value) {
  double lanes[kSumLanes] = {};
  const std::size_t whole = n - n % kSumLanes;
  for (std::size_t k = 0; k < whole; k += kSumLanes) {
    for (std::size_t j = 0; j < kSumLanes; ++j) lanes[j] += value(k + j);
  }
  double sum = 0.0;
  for (const double lane : lanes) sum += lane;
  for (std::size_t k = whole; k < n; ++k) sum += value(k);
  return sum;
}

Moments moments_of(const RingPixels& ring, Spread spread) {
  const double *signal = ring.signal.data(), *norm = ring.norm.data(), *counts = ring.counts.data();
  const std::size_t n = ring.size;
  Moments m;
  m.signal = lane_sum(n, [=](std::size_t k) { return signal[k]; });
  m.norm = lane_sum(n, [=](std::size_t k) { return norm[k]; });
  m.norm2 = lane_sum(n, [=](std::size_t k) { return norm[k] * norm[k]; });
  m.counts = lane_sum(n, [=](std::size_t k) { return counts[k]; });
  if (n == 0) return m;
  const double mean = m.mean = m.signal / m.norm;
  if (spread == Spread::poisson) {
    m.variance = m.counts;
  } else {
    const double effective = m.norm * m.norm / m.norm2;
    if (n < 2 || effective <= 1.0) {
      m.variance = kNaN;
      return m;
    }
    m.variance = lane_sum(n, [=](std::size_t k) {
      const double residual = signal[k] - mean * norm[k];
      return residual * residual;
    });
    m.variance *= effective / (effective - 1.0);
  }
  m.std = std::sqrt(m.variance / m.norm2);
  return m;
}

// Chauvenet's bound: of n normal values less than one is expected beyond it; that holds from nine on.
double bound_of(std::size_t n, double cutoff) {
  if (n < 9) return std::numeric_limits<double>::infinity();
  return std::max(cutoff, std::sqrt(2.0 * std::log(static_cast<double>(n) / std::sqrt(2.0 * std::numbers::pi))));
}

// Returns whether anything was left out. The last pixel takes the place of one that is: outliers are few.
bool reject(RingPixels& ring, const Moments& moments, double bound, double noise) {
  constexpr std::size_t kBlock = 64;
  double *signal = ring.signal.data(), *norm = ring.norm.data(), *counts = ring.counts.data();
  const double mean = moments.mean, spread2 = moments.std * moments.std, noise2 = noise * noise, bound2 = bound * bound;
  const auto is_beyond = [=](std::size_t k) {
    const double residual = signal[k] - mean * norm[k];
    return residual * residual > bound2 * (spread2 * norm[k] * norm[k] + noise2);
  };
  const std::size_t before = ring.size;
  std::size_t size = before;
  for (std::size_t first = 0; first < size; first += kBlock) {
    unsigned n_beyond = 0;
    for (std::size_t k = first; k < std::min(size, first + kBlock); ++k) n_beyond += is_beyond(k);
    if (n_beyond == 0) continue;
    for (std::size_t k = first; k < std::min(size, first + kBlock); ++k) {
      while (k < size && is_beyond(k)) {
        --size;
        signal[k] = signal[size];
        norm[k] = norm[size];
        counts[k] = counts[size];
      }
    }
  }
  ring.size = size;
  return size < before;
}

}  // namespace

RingStatistics::RingStatistics(std::size_t n_bins)
    : mean(n_bins), std(n_bins), signal(n_bins), variance(n_bins), normalization(n_bins), normalization2(n_bins),
      counts(n_bins), n_valid(n_bins), n_kept(n_bins), n_rounds(n_bins) {}

RingLists::RingLists(const std::int32_t* bins, const double* offset, const double* normalization, std::size_t n_pixels,
                     std::size_t n_bins)
    : n_pixels_(n_pixels), begins_(n_bins + 1, 0), least_offset_(n_bins), least_norm_(n_bins), largest_norm_(n_bins) {
  for (std::size_t p = 0; p < n_pixels; ++p) {
    if (bins[p] >= 0) ++begins_[static_cast<std::size_t>(bins[p]) + 1];
  }
  for (std::size_t b = 0; b < n_bins; ++b) begins_[b + 1] += begins_[b];
  pixels_.resize(begins_[n_bins]);
  if (offset) offset_.resize(pixels_.size());
  if (normalization) norm_.resize(pixels_.size());
  std::vector<std::size_t> next(begins_.begin(), begins_.end() - 1);
  for (std::size_t p = 0; p < n_pixels; ++p) {
    if (bins[p] < 0) continue;
    const std::size_t place = next[static_cast<std::size_t>(bins[p])]++;
    pixels_[place] = static_cast<std::uint32_t>(p);
    if (offset) offset_[place] = offset[p];
    if (normalization) norm_[place] = normalization[p];
  }
  for (std::size_t b = 0; b < n_bins; ++b) measure(b);
}

void RingLists::measure(std::size_t bin) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  least_offset_[bin] = least_norm_[bin] = kInfinity;
  largest_norm_[bin] = -kInfinity;
  for (std::size_t k = begins_[bin]; k < begins_[bin + 1]; ++k) {
    const double norm = norm_.empty() ? 1.0 : norm_[k];
    least_offset_[bin] = std::min(least_offset_[bin], offset_.empty() ? 0.0 : offset_[k]);
    least_norm_[bin] = std::min(least_norm_[bin], norm);
    largest_norm_[bin] = std::max(largest_norm_[bin], norm);
  }
}

RingStatistics RingLists::clipped(const FrameView& view, const ClipSettings& settings, unsigned n_threads) const {
  RingStatistics result(n_bins());
  std::size_t longest = 0;
  for (std::size_t b = 0; b < n_bins(); ++b) longest = std::max(longest, begins_[b + 1] - begins_[b]);
  with_typed(view, [&](const auto& frame) {
    const auto one_bin = [&](RingPixels& ring, std::size_t bin) {
      std::size_t size = 0;
      for (std::size_t k = begins_[bin]; k < begins_[bin + 1]; ++k) {
        const std::size_t pixel = pixels_[k];
        const double raw = frame.raw(pixel);
        ring.signal[size] = offset_.empty() ? raw : raw - offset_[k];
        ring.norm[size] = norm_.empty() ? 1.0 : norm_[k];
        ring.counts[size] = std::max(raw, 0.0);
        size += frame.is_valid(pixel);
      }
      ring.size = size;
      result.n_valid[bin] = static_cast<std::uint32_t>(ring.size);
      Moments moments = moments_of(ring, settings.spread);
      std::uint32_t round = 0;
      while (round < settings.most_rounds &&
             reject(ring, moments, bound_of(ring.size, settings.cutoff), settings.noise)) {
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
