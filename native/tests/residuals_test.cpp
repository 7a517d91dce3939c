// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
//
// The second pass over a frame under sanitizers: every form of weights, all arrays of their exact size, any number of
// threads; compared with a plain loop.
#include "azimuthal/residuals.hpp"

#include <cmath>
#include <cstdio>
#include <limits>
#include <random>
#include <vector>

#include "check.hpp"

namespace {

using namespace azimuthal;
using Random = std::mt19937;

struct Rows {
  std::vector<std::int64_t> indptr{0};
  std::vector<std::int32_t> indices;
  std::vector<double> weights;
};

// Up to `longest` weights in a row; now and then none, or one far away (an irregular pixel).
Rows rows_of(std::size_t longest, std::size_t n_pixels, std::size_t n_bins, Random& random) {
  Rows rows;
  for (std::size_t p = 0; p < n_pixels; ++p) {
    const std::size_t n = random() % 9 == 0 ? 0 : 1 + random() % longest;
    const std::size_t first = random() % (n_bins - n);
    double left = 1.0;
    for (std::size_t k = 0; k < n; ++k) {
      const double c = k + 1 == n ? left : left * (0.1 + static_cast<double>(random() % 800) / 1000.0);
      rows.indices.push_back(static_cast<std::int32_t>(first + k));
      rows.weights.push_back(c);
      left -= c;
    }
    if (n > 0 && longest > 1 && random() % 40 == 0 && first + n + 1 < n_bins) {
      rows.indices.push_back(static_cast<std::int32_t>(first + n + 1));
      rows.weights.push_back(0.25);
    }
    rows.indptr.push_back(static_cast<std::int64_t>(rows.indices.size()));
  }
  return rows;
}

void residuals_are_those_of_a_plain_loop(std::size_t longest, std::size_t n_pixels, std::size_t n_bins) {
  Random random(static_cast<unsigned>(7 + longest + n_pixels));
  const Rows rows = rows_of(longest, n_pixels, n_bins, random);
  const auto weights = std::make_shared<const PackedWeights>(
      rows.indptr.data(), rows.indices.data(), longest == 1 ? nullptr : rows.weights.data(), n_pixels, n_bins, 2);
  std::vector<std::uint16_t> frame(n_pixels);
  std::vector<double> offset(n_pixels), gain(n_pixels), norm(n_pixels), mean(n_bins);
  for (std::size_t p = 0; p < n_pixels; ++p) {
    frame[p] = static_cast<std::uint16_t>(random() % 50 == 0 ? 65535 : random() % 1000);
    offset[p] = static_cast<double>(random() % 10);
    gain[p] = 0.5 + static_cast<double>(random() % 10) / 10.0;
    norm[p] = 1.0 + static_cast<double>(random() % 10) / 20.0;
  }
  for (double& m : mean) m = 300.0 + static_cast<double>(random() % 400);
  InvalidValues invalid{};
  invalid.n = 1;
  invalid.low[0].u = invalid.high[0].u = 65535;
  std::vector<double> squares(n_bins, 0.0), cross(n_bins, 0.0);
  for (std::size_t p = 0; p < n_pixels; ++p) {
    if (frame[p] == 65535) continue;
    weights->for_each_weight(p, [&](std::size_t bin, double c) {
      const double r = (static_cast<double>(frame[p]) - offset[p]) * gain[p] - mean[bin] * norm[p];
      squares[bin] += c * c * r * r;
      cross[bin] += c * c * norm[p] * r;
    });
  }
  const Residuals residuals(weights, {offset.data(), gain.data(), norm.data()});
  const ResidualSums one = residuals.frame(DType::u16, frame.data(), mean.data(), invalid, 1);
  const ResidualSums many = residuals.frame(DType::u16, frame.data(), mean.data(), invalid, 5);
  CHECK(one.squares == many.squares && one.cross == many.cross);
  for (std::size_t b = 0; b < n_bins; ++b) {
    CHECK(std::abs(one.squares[b] - squares[b]) <= 1e-12 * squares[b]);
    CHECK(std::abs(one.cross[b] - cross[b]) <= 1e-10 * (1.0 + squares[b]));
  }
}

// What is not finite and counts stays in its own bins, although weights of 0 are added like others.
void values_that_are_not_finite_stay_in_their_bins() {
  const std::vector<std::int64_t> indptr{0, 1, 3, 4};
  const std::vector<std::int32_t> indices{0, 1, 2, 3};
  const std::vector<double> weights{1.0, 0.5, 0.5, 1.0};
  const auto packed = std::make_shared<const PackedWeights>(indptr.data(), indices.data(), weights.data(), 3, 4, 1);
  const double infinity = std::numeric_limits<double>::infinity();
  const std::vector<double> frame{infinity, 4.0, 5.0}, mean{infinity, 4.0, 4.0, 4.0};
  const Residuals residuals(packed, {nullptr, nullptr, nullptr});
  const ResidualSums sums = residuals.frame(DType::f64, frame.data(), mean.data(), InvalidValues{}, 1);
  CHECK(std::isnan(sums.squares[0]));
  CHECK(sums.squares[1] == 0.0 && sums.squares[2] == 0.0 && sums.squares[3] == 1.0);
}

}  // namespace

int main() {
  for (std::size_t longest : {1, 2, 4, 8, 11}) {
    residuals_are_those_of_a_plain_loop(longest, 1000, 40);
    residuals_are_those_of_a_plain_loop(longest, 64 * 700 + 13, 90);
    residuals_are_those_of_a_plain_loop(longest, 3000, 70000);
  }
  values_that_are_not_finite_stay_in_their_bins();
  if (azimuthal::test::failures() == 0) std::puts("all checks passed");
  return azimuthal::test::failures() == 0 ? 0 : 1;
}
