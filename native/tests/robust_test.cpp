// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
//
// Lists of bins and robust averages under sanitizers: every form of weights, all arrays of their exact size, frames of
// all kinds of values, any number of threads; compared with plain loops.
#include "azimuthal/robust.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>
#include <memory>
#include <random>
#include <vector>

#include "check.hpp"

namespace {

using namespace azimuthal;
using Random = std::mt19937;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

struct Case {
  std::shared_ptr<const PackedWeights> weights;
  std::vector<double> offset, gain, norm;
  PixelTerms terms() const { return {offset.data(), gain.data(), norm.data()}; }
};

// Up to `longest` bins for a pixel; now and then none. The last bins stay empty.
Case made(std::size_t longest, std::size_t n_pixels, std::size_t n_bins, Random& random) {
  std::vector<std::int64_t> indptr{0};
  std::vector<std::int32_t> indices;
  std::vector<double> weights;
  Case made;
  for (std::size_t p = 0; p < n_pixels; ++p) {
    const std::size_t n = random() % 9 == 0 ? 0 : 1 + random() % longest;
    const std::size_t first = random() % (n_bins - n - 1);
    for (std::size_t k = 0; k < n; ++k) {
      indices.push_back(static_cast<std::int32_t>(first + k));
      weights.push_back(longest == 1 ? 1.0 : (0.3 + static_cast<double>(random() % 700) / 1000.0) / static_cast<double>(n));
    }
    indptr.push_back(static_cast<std::int64_t>(indices.size()));
    made.offset.push_back(static_cast<double>(random() % 3));
    made.gain.push_back(0.9 + static_cast<double>(random() % 20) / 100.0);
    made.norm.push_back(0.8 + static_cast<double>(random() % 40) / 100.0);
  }
  made.weights = std::make_shared<const PackedWeights>(indptr.data(), indices.data(),
                                                       longest == 1 ? nullptr : weights.data(), n_pixels, n_bins, 2);
  return made;
}

void lists_hold_all_weights_in_the_order_of_pixels(const Case& one) {
  const PackedWeights& weights = *one.weights;
  const BinLists lists(weights, 1), same(weights, 5);
  std::vector<std::vector<std::uint32_t>> pixels(weights.n_bins());
  std::vector<std::vector<double>> of_pixels(weights.n_bins());
  for (std::size_t p = 0; p < weights.n_pixels(); ++p) {
    weights.for_each_weight(p, [&](std::size_t bin, double c) {
      pixels[bin].push_back(static_cast<std::uint32_t>(p));
      of_pixels[bin].push_back(c);
    });
  }
  std::size_t total = 0, largest = 0;
  for (std::size_t b = 0; b < weights.n_bins(); ++b) {
    const std::size_t n = pixels[b].size();
    CHECK(lists.begin(b) == total && lists.size(b) == n && same.size(b) == n);
    if (lists.size(b) != n || same.size(b) != n) return;
    CHECK(std::equal(pixels[b].begin(), pixels[b].end(), lists.pixels(b)));
    CHECK(std::equal(pixels[b].begin(), pixels[b].end(), same.pixels(b)));
    if (lists.weights(b)) CHECK(std::equal(of_pixels[b].begin(), of_pixels[b].end(), lists.weights(b)));
    else CHECK(std::count(of_pixels[b].begin(), of_pixels[b].end(), 1.0) == static_cast<std::ptrdiff_t>(n));
    total += n;
    largest = std::max(largest, n);
  }
  CHECK(lists.n_entries() == total && lists.largest() == largest);
}

bool near_sum(double found, double expected, double scale) { return test::near(found, expected, 1e-11 * (1.0 + scale)); }

template <class T>
bool same(const T& one, const T& two) {  // NaN too
  return one.size() == two.size() &&
         (one.empty() || std::memcmp(one.data(), two.data(), one.size() * sizeof(one[0])) == 0);
}

bool same_bits(const RobustSums& one, const RobustSums& two) {
  return same(one.signal, two.signal) && same(one.variance, two.variance) &&
         same(one.normalization, two.normalization) && same(one.normalization2, two.normalization2) &&
         same(one.count, two.count) && same(one.squares, two.squares) && same(one.cross, two.cross) &&
         same(one.iterations, two.iterations) && same(one.n_kept, two.n_kept) &&
         same(one.n_rejected, two.n_rejected) && same(one.rejected, two.rejected) &&
         same(one.further[0], two.further[0]) && same(one.further[1], two.further[1]) &&
         one.n_invalid == two.n_invalid;
}

// Values of 100 +- 5, spots of 60000, invalid ones of 65535: whatever the bin, the spots are what has to go.
void clipping_leaves_out_spots_and_invalid_values(const Case& one, Variance model, Spread spread) {
  Random random(11);
  const std::size_t n_pixels = one.weights->n_pixels(), n_bins = one.weights->n_bins();
  std::vector<std::uint16_t> frame(n_pixels);
  std::vector<double> variance(n_pixels, 100.0);
  for (std::size_t p = 0; p < n_pixels; ++p) {
    frame[p] = static_cast<std::uint16_t>(95 + random() % 11);
    if (random() % 50 == 0) frame[p] = 60000;
    if (random() % 60 == 0) frame[p] = 65535;
  }
  InvalidValues invalid{};
  invalid.n = 1;
  invalid.low[0].u = invalid.high[0].u = 65535;
  const RobustReduction reduction(one.weights, one.terms(), 2);
  const RobustFrame given{DType::u16, frame.data(), &invalid, model, variance.data(), {variance.data(), nullptr}};
  const ClipRules rules{spread, 5.0, 20};
  const RobustSums sums = reduction.clip(given, rules, 1);
  CHECK(same_bits(sums, reduction.clip(given, rules, 5)));
  const BinLists lists(*one.weights, 1);
  for (std::size_t b = 0; b < n_bins; ++b) {
    double signal = 0.0, norm = 0.0, further = 0.0;
    int n_kept = 0, n_spots = 0;
    for (std::size_t i = 0; i < lists.size(b); ++i) {
      const std::size_t p = lists.pixels(b)[i];
      const double c = lists.weights(b) ? lists.weights(b)[i] : 1.0;
      if (frame[p] == 65535) continue;
      if (frame[p] == 60000) {
        ++n_spots;
        continue;
      }
      ++n_kept;
      signal += c * ((frame[p] - one.offset[p]) * one.gain[p]);
      norm += c * one.norm[p];
      further += c * c * one.gain[p] * one.gain[p] * 100.0;
    }
    CHECK(sums.n_kept[b] + sums.n_rejected[b] == n_kept + n_spots);
    if (n_kept < 30 || n_kept < 8 * n_spots) continue;  // what may be an outlier among few is another matter
    CHECK(sums.n_kept[b] == n_kept);
    CHECK(near_sum(sums.signal[b], signal, signal) && near_sum(sums.normalization[b], norm, norm));
    CHECK(near_sum(sums.further[0][b], further, further));
  }
  CHECK(std::is_sorted(sums.rejected.begin(), sums.rejected.end()));
  CHECK(sums.further[1].empty());
}

void quantiles_of_all_are_the_plain_sums_and_medians_those_of_a_sort(const Case& one) {
  Random random(12);
  const std::size_t n_pixels = one.weights->n_pixels();
  std::vector<float> frame(n_pixels);
  for (float& value : frame) value = static_cast<float>(random() % 40);  // many equal ones
  InvalidValues invalid{};
  invalid.nonfinite = true;
  for (std::size_t p = 0; p < n_pixels; p += 37) frame[p] = std::numeric_limits<float>::quiet_NaN();
  const RobustReduction reduction(one.weights, one.terms(), 2);
  const RobustFrame given{DType::f32, frame.data(), &invalid, Variance::poisson, nullptr, {one.norm.data(), one.norm.data()}};
  const TrimRules all{0.0, 1.0, QuantileError::of_bin, 1.0}, half{0.5, 0.5, QuantileError::of_pixels, 1.5};
  const RobustSums plain = reduction.trim(given, all, 1), middle = reduction.trim(given, half, 3);
  CHECK(same_bits(plain, reduction.trim(given, all, 4)) && same_bits(middle, reduction.trim(given, half, 1)));
  const BinLists lists(*one.weights, 1);
  for (std::size_t b = 0; b < lists.n_bins(); ++b) {
    std::vector<std::pair<double, double>> values;
    double signal = 0.0, norm = 0.0;
    for (std::size_t i = 0; i < lists.size(b); ++i) {
      const std::size_t p = lists.pixels(b)[i];
      if (frame[p] != frame[p]) continue;
      const double c = lists.weights(b) ? lists.weights(b)[i] : 1.0, s = (static_cast<double>(frame[p]) - one.offset[p]) * one.gain[p];
      signal += c * s;
      norm += c * one.norm[p];
      values.emplace_back(c * s / (c * one.norm[p]), c * one.norm[p]);
    }
    CHECK(near_sum(plain.signal[b], signal, norm * 40) && near_sum(plain.normalization[b], norm, norm));
    if (values.empty()) continue;
    std::sort(values.begin(), values.end());
    // Any value with at most half of the weight below it, and at most half above.
    const double found = middle.signal[b] / middle.normalization[b];
    double below = 0.0, above = 0.0;
    for (const auto& [x, a] : values) {
      if (x < found - 1e-9) below += a;
      if (x > found + 1e-9) above += a;
    }
    CHECK(below <= norm * 0.5 + 1e-9 && above <= norm * 0.5 + 1e-9);
  }
}

// Nothing to compare with an expectation: they must end, and read and write only what is theirs.
void frames_of_odd_values_end(const Case& one) {
  const std::size_t n_pixels = one.weights->n_pixels();
  const RobustReduction reduction(one.weights, one.terms(), 2);
  const double largest = std::numeric_limits<double>::max(), least = std::numeric_limits<double>::denorm_min();
  const std::vector<std::vector<double>> odd{{0.0}, {kNan}, {kInfinity, -kInfinity}, {kNan, 1.0, kInfinity, -2.0},
                                             {largest, -largest, least, 0.0}, {-1e-300, 1e300, 5.0}, {-7.0}};
  for (const auto& values : odd) {
    std::vector<double> frame(n_pixels);
    for (std::size_t p = 0; p < n_pixels; ++p) frame[p] = values[p % values.size()];
    for (const bool nonfinite : {false, true}) {
      InvalidValues invalid{};
      invalid.nonfinite = nonfinite;
      const RobustFrame given{DType::f64, frame.data(), &invalid, Variance::poisson, nullptr};
      for (const Spread spread : {Spread::of_bin, Spread::of_counts}) {
        const RobustSums sums = reduction.clip(given, {spread, 3.0, 50}, 2);
        CHECK(*std::max_element(sums.iterations.begin(), sums.iterations.end()) <= 50);
      }
      for (const auto& [low, high] : {std::pair{0.5, 0.5}, {0.0, 1.0}, {0.1, 0.3}, {1e-9, 1.0 - 1e-9}}) {
        for (const QuantileError error : {QuantileError::none, QuantileError::of_bin, QuantileError::of_pixels}) {
          const RobustSums sums = reduction.trim(given, {low, high, error, 1.0}, 2);
          CHECK(sums.n_kept.size() == one.weights->n_bins());
        }
      }
    }
  }
}

}  // namespace

int main() {
  for (std::size_t longest : {1, 2, 6}) {
    for (const auto& [n_pixels, n_bins] : {std::pair<std::size_t, std::size_t>{0, 12}, {3, 12}, {1000, 14}, {9001, 40}, {4000, 2000}}) {
      Random random(static_cast<unsigned>(3 + longest + n_pixels));
      const Case one = made(longest, n_pixels, n_bins, random);
      lists_hold_all_weights_in_the_order_of_pixels(one);
      clipping_leaves_out_spots_and_invalid_values(one, Variance::poisson, Spread::of_bin);
      clipping_leaves_out_spots_and_invalid_values(one, Variance::poisson, Spread::of_counts);
      clipping_leaves_out_spots_and_invalid_values(one, Variance::given, Spread::given);
      quantiles_of_all_are_the_plain_sums_and_medians_those_of_a_sort(one);
      if (n_pixels <= 1000) frames_of_odd_values_end(one);
    }
  }
  if (azimuthal::test::failures() == 0) std::puts("all checks passed");
  return azimuthal::test::failures() == 0 ? 0 : 1;
}
