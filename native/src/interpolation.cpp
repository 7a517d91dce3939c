// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
#include "azimuthal/interpolation.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "azimuthal/parallel.hpp"

namespace azimuthal {
namespace {

constexpr std::size_t kBlock = 1 << 15;
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

template <class Work>
void in_blocks(std::size_t n, unsigned n_threads, Work&& work) {
  for_each_block((n + kBlock - 1) / kBlock, n_threads,
                 [&](std::size_t block) { work(block * kBlock, std::min(n, (block + 1) * kBlock)); });
}

// Remainder with the sign of the (positive) period.
double wrapped(double value, double period) {
  const double rest = std::fmod(value, period);
  return rest < 0 ? rest + period : rest;
}

// The bin of a value inside of the range; equal bins are found at once.
std::size_t bin_inside(const double* edges, std::size_t n, double value, double per_bin) {
  const auto guess = static_cast<std::size_t>(std::clamp((value - edges[0]) * per_bin, 0.0, static_cast<double>(n - 1)));
  for (std::size_t b = guess > 0 ? guess - 1 : 0; b < std::min(n, guess + 2); ++b) {
    if (edges[b] <= value && value < edges[b + 1]) return b;
  }
  return static_cast<std::size_t>(std::upper_bound(edges, edges + n + 1, value) - edges) - 1;
}

std::int64_t neighbour(const PixelPlaces& axis, std::size_t pixel) {
  const double t = axis.fractions[pixel];
  const std::int64_t other = axis.bins[pixel] + (t > 0 ? 1 : t < 0 ? -1 : 0), n = static_cast<std::int64_t>(axis.n_bins);
  if (axis.is_circle) return (other + n) % n;
  return other < n ? other : -1;
}

}  // namespace

void locate(const double* values, std::size_t n, const BinnedAxis& axis, std::int32_t* bins, double* fractions,
            unsigned n_threads) {
  const double* edges = axis.edges;
  const std::size_t n_bins = axis.n_bins;
  const double first = edges[0], last = edges[n_bins], per_bin = static_cast<double>(n_bins) / (last - first);
  const auto centre = [&](std::size_t b) { return 0.5 * (edges[b] + edges[b + 1]); };
  const double seam = axis.is_circle ? centre(0) + axis.period - centre(n_bins - 1)
                                     : std::numeric_limits<double>::infinity();
  in_blocks(n, n_threads, [&](std::size_t begin, std::size_t end) {
    for (std::size_t p = begin; p < end; ++p) {
      const double value = axis.period > 0 ? first + wrapped(values[p] - first, axis.period) : values[p];
      bins[p] = -1;
      fractions[p] = 0.0;
      if (!(value >= first)) continue;
      if (value > last && !(axis.is_circle && std::isfinite(value))) continue;
      const std::size_t b = value >= last ? n_bins - 1 : bin_inside(edges, n_bins, value, per_bin);
      const double distance = value - centre(b);
      const double gap = distance < 0 ? (b > 0 ? centre(b) - centre(b - 1) : seam)
                                      : (b + 1 < n_bins ? centre(b + 1) - centre(b) : seam);
      bins[p] = static_cast<std::int32_t>(b);
      fractions[p] = distance / gap;
    }
  });
}

void interpolate(const std::int32_t* bins, const double* fractions, std::size_t n, const double* values,
                 const double* last, const double* next, double* out, unsigned n_threads) {
  in_blocks(n, n_threads, [&](std::size_t begin, std::size_t end) {
    for (std::size_t p = begin; p < end; ++p) {
      const std::int32_t b = bins[p];
      const double t = fractions[p];
      out[p] = b < 0 ? kNaN : values[b] + (t < 0 ? -t * last[b] : t * next[b]);
    }
  });
}

void interpolate_twice(const PixelPlaces& radial, const PixelPlaces& azimuthal, std::size_t n, const double* values,
                       double* out, unsigned n_threads) {
  const auto n_radial = static_cast<std::int64_t>(radial.n_bins);
  in_blocks(n, n_threads, [&](std::size_t begin, std::size_t end) {
    for (std::size_t p = begin; p < end; ++p) {
      out[p] = kNaN;
      if (radial.bins[p] < 0 || azimuthal.bins[p] < 0) continue;
      const std::int64_t bins_r[] = {radial.bins[p], neighbour(radial, p)};
      const std::int64_t bins_c[] = {azimuthal.bins[p], neighbour(azimuthal, p)};
      if (std::isnan(values[bins_c[0] * n_radial + bins_r[0]])) continue;
      const double part_r = std::abs(radial.fractions[p]), part_c = std::abs(azimuthal.fractions[p]);
      const double weights_r[] = {1.0 - part_r, part_r}, weights_c[] = {1.0 - part_c, part_c};
      double total = 0.0, weights = 0.0;
      for (int i = 0; i < 2; ++i) {
        for (int j = 0; j < 2; ++j) {
          if (bins_r[i] < 0 || bins_c[j] < 0) continue;
          const double corner = values[bins_c[j] * n_radial + bins_r[i]];
          if (std::isnan(corner)) continue;
          const double weight = weights_r[i] * weights_c[j];
          total += weight * corner;
          weights += weight;
        }
      }
      if (weights > 0) out[p] = total / weights;
    }
  });
}

}  // namespace azimuthal
