// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
//
// Ridges under sanitizers: known lines and rings, images of every odd shape and value, masks, borders, threads. All
// arrays have their exact size. How well ridges of noisy images are found is tested from Python.
#include "azimuthal/ridges.hpp"

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <numbers>
#include <random>
#include <vector>

#include "check.hpp"

using namespace azimuthal;
using azimuthal::test::near;

namespace {

using Random = std::mt19937;

constexpr float kHighest = std::numeric_limits<float>::max();
constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr RidgeFilter kFilter{1.2, 4.0, 12, 4.0, 0.85, {1.0, 0.0, 1.0}};
constexpr RidgeFitSettings kSettings{7.0, 12.0, 0.05, {1.0, 0.0, 1.0}};

struct Image {
  std::size_t n_slow, n_fast;
  std::vector<float> values;
  std::vector<std::uint8_t> usable;

  Image(std::size_t slow, std::size_t fast)
      : n_slow(slow), n_fast(fast), values(slow * fast, 10.0f), usable(slow * fast, 1) {}

  float& at(std::size_t i, std::size_t j) { return values[i * n_fast + j]; }

  // `across`: distance from the ridge of a pixel.
  template <class Across>
  Image& add(double height, double width, Across&& across) {
    for (std::size_t i = 0; i < n_slow; ++i) {
      for (std::size_t j = 0; j < n_fast; ++j) {
        const double x = across(static_cast<double>(i), static_cast<double>(j)) / width;
        at(i, j) += static_cast<float>(height * std::exp(-0.5 * x * x));
      }
    }
    return *this;
  }

  // The nearest pixel of the image in place of those outside; zeros where there is none.
  std::vector<float> padded(std::size_t border) const {
    const std::size_t rows = n_slow + 2 * border, columns = n_fast + 2 * border;
    std::vector<float> all(rows * columns, 0.0f);
    if (values.empty()) return all;
    const auto inside = [border](std::size_t k, std::size_t n) {
      return k < border ? 0 : k - border < n ? k - border : n - 1;
    };
    for (std::size_t i = 0; i < rows; ++i) {
      for (std::size_t j = 0; j < columns; ++j) {
        all[i * columns + j] = values[inside(i, n_slow) * n_fast + inside(j, n_fast)];
      }
    }
    return all;
  }

  std::vector<RidgeCandidate> candidates(unsigned n_threads = 2, const RidgeFilter& filter = kFilter,
                                         double* told = nullptr) const {
    double excess = 0;
    const std::vector<float> all = padded(ridge_border(filter));
    auto found = ridge_candidates(all.data(), usable.data(), n_slow, n_fast, filter, n_threads, &excess);
    CHECK(!std::isnan(excess));
    if (told) *told = excess;
    for (const RidgeCandidate& one : found) {
      CHECK(one.pixel >= 0 && one.pixel < static_cast<std::int64_t>(values.size()));
      CHECK(usable[static_cast<std::size_t>(one.pixel)] && one.direction >= 0 && one.direction < filter.n_directions);
      CHECK(one.significance >= filter.significance);
    }
    return found;
  }

  std::vector<RidgeFit> fits(const std::vector<RidgeStart>& starts, unsigned n_threads = 2,
                             const RidgeFitSettings& settings = kSettings) const {
    std::vector<RidgeFit> found(starts.size());
    fit_ridges(values.data(), usable.data(), n_slow, n_fast, starts.data(), starts.size(), settings, found.data(),
               n_threads);
    return found;
  }
  RidgeFit fit(const RidgeStart& start) const { return fits({start})[0]; }
};

// Through (slow, fast), its normal turned by `angle` from slow to fast.
auto line(double slow, double fast, double angle) {
  const double c = std::cos(angle), s = std::sin(angle);
  return [=](double i, double j) { return c * (i - slow) + s * (j - fast); };
}

auto ring(double slow, double fast, double radius) {
  return [=](double i, double j) { return std::hypot(i - slow, j - fast) - radius; };
}

Image noisy(std::size_t n_slow, std::size_t n_fast, unsigned seed) {
  Random random(seed);
  std::normal_distribution<float> normal;
  Image image(n_slow, n_fast);
  for (float& value : image.values) value += normal(random);
  return image;
}

double turn(double one, double other) { return std::abs(std::remainder(one - other, std::numbers::pi)); }

void lines_of_any_direction_are_found_where_they_are() {
  for (int k = 0; k < 15; ++k) {
    const double angle = 0.05 + 0.21 * k, slow = 40.3, fast = 36.8, width = 1.1 + 0.05 * k;
    Image image(81, 75);
    const auto across = line(slow, fast, angle);
    image.add(500, width, across);
    const auto found = image.candidates();
    CHECK(found.size() > 50);
    for (const RidgeCandidate& one : found) {
      const auto i = static_cast<double>(one.pixel / 75), j = static_cast<double>(one.pixel % 75);
      const bool at_border = i < 12 || j < 12 || i > 68 || j > 62;  // what is outside has another direction
      CHECK(std::abs(across(i, j)) < (at_border ? 2.0 : 1.0));
      CHECK(at_border || turn(one.direction * std::numbers::pi / 12, angle) < std::numbers::pi / 20);
    }
    const double off = 0.6, turned = angle - 0.08;  // of the start
    const RidgeFit fit = image.fit({slow + off * std::cos(angle), fast + off * std::sin(angle), turned, 0.0});
    const double across_box = 1 / std::cos(angle - turned);
    CHECK(near(fit.height, 500, 1e-3) && near(fit.width, width * across_box, 1e-6) && near(fit.background, 10, 1e-4));
    CHECK(near(turned - std::atan(fit.slope), angle, 1e-7) && near(fit.curvature, 0.0, 1e-7));
    CHECK(near(fit.centre, -off * across_box, 1e-6) && near(fit.unevenness, 0.0, 1e-3));
    CHECK(fit.middle > 0.9 && fit.side > 0.9 && fit.end > 0.7 && fit.edge < 0 && near(fit.extent, 1.0, 0.02));
    CHECK(fit.height_noise > 0 && fit.height > 100 * fit.height_noise && fit.centre_error < 0.01);
  }
}

void rings_are_found_with_their_curvature() {
  const double slow = 50.4, fast = 61.7, radius = 35.2;
  Image image(100, 120);
  image.add(300, 1.5, ring(slow, fast, radius));
  const auto found = image.candidates();
  CHECK(found.size() > 150);
  std::vector<RidgeStart> starts;
  for (const RidgeCandidate& one : found) {
    const auto i = static_cast<double>(one.pixel / 120), j = static_cast<double>(one.pixel % 120);
    CHECK(near(std::hypot(i - slow, j - fast), radius, 1.3));
    starts.push_back({i, j, one.direction * std::numbers::pi / 12, 0.0});
  }
  const auto fits = image.fits(starts);
  for (std::size_t k = 0; k < fits.size(); ++k) {
    const double c = std::cos(starts[k].angle), s = std::sin(starts[k].angle);
    const double i = starts[k].slow + fits[k].centre * c - slow, j = starts[k].fast + fits[k].centre * s - fast;
    CHECK(fits[k].height > 250 && near(std::hypot(i, j), radius, 0.03));
    CHECK(near(std::abs(fits[k].curvature), 1 / radius, 0.004) && near(fits[k].width, 1.5, 0.05));
    CHECK(turn(starts[k].angle - std::atan(fits[k].slope), std::atan2(j, i)) < 0.02);
  }
}

void noise_is_measured_and_holds_few_candidates() {
  double excess = 0, doubled = 0;
  Image image = noisy(200, 220, 1);
  CHECK(image.candidates(2, kFilter, &excess).size() < 120);  // of 44000 pixels at 4 standard deviations
  CHECK(near(excess, 1.0, 0.05));
  for (float& value : image.values) value *= 2;
  image.candidates(2, kFilter, &doubled);
  CHECK(near(doubled, 2 * excess, 0.01));
  image.add(10, 1.5, line(100, 100, 0.4));  // five times the noise
  std::size_t on_line = 0;
  for (const RidgeCandidate& one : image.candidates()) {
    const auto i = static_cast<double>(one.pixel / 220), j = static_cast<double>(one.pixel % 220);
    on_line += std::abs(line(100, 100, 0.4)(i, j)) < 2;
  }
  CHECK(on_line > 150);
}

void pixels_that_do_not_count_are_told() {
  Image image(61, 61);
  image.add(70000, 1.5, line(30, 30, 0));
  for (float& value : image.values) value = std::min(value, 65535.0f);
  CHECK(image.fit({30, 30, 0, 0}).largest == 65535.0);
  const Image whole = Image(61, 61).add(500, 1.5, line(30, 30, 0));
  const auto masked = [&](auto&& is_masked) {
    Image part = whole;
    for (std::size_t p = 0; p < part.usable.size(); ++p) part.usable[p] = !is_masked(p / 61, p % 61);
    return part;
  };
  const auto nothing = masked([](std::size_t, std::size_t) { return true; });
  CHECK(nothing.candidates().empty() && nothing.fit({30, 30, 0, 0}).height == 0);
  const auto rows = masked([](std::size_t i, std::size_t) { return i == 29 || i == 30; });
  CHECK(rows.fit({30, 30, 0, 0}).middle < 0.8);
  const auto above = masked([](std::size_t i, std::size_t) { return i > 31; });
  CHECK(above.fit({30, 30, 0, 0}).side < 0.3);
  const auto after = masked([](std::size_t, std::size_t j) { return j > 32; });
  CHECK(after.fit({30, 30, 0, 0}).end < 0.1 && near(after.fit({30, 30, 0, 0}).centre, 0.0, 1e-3));
  const auto spots = masked([](std::size_t i, std::size_t j) { return (i * 7 + j * 3) % 11 == 0; });
  Image hot = spots;
  for (std::size_t p = 0; p < hot.values.size(); ++p) {
    if (!hot.usable[p]) hot.values[p] = kHighest;
  }
  CHECK(std::memcmp(&hot.fits({{30, 30, 0, 0}})[0], &spots.fits({{30, 30, 0, 0}})[0], sizeof(RidgeFit)) == 0);
  CHECK(near(hot.fit({30, 30, 0, 0}).width, 1.5, 1e-3));
}

void steps_and_grains_are_told_from_ridges() {
  Image step(61, 61), grain(61, 61);
  for (std::size_t i = 0; i < 61; ++i) {
    for (std::size_t j = 0; j < 61; ++j) step.at(i, j) = i < 30 ? 10.0f : 200.0f;
  }
  const RidgeFit of_step = step.fit({31, 30, 0, 0});
  CHECK(of_step.height == 0 || of_step.edge > 8);
  grain.add(500, 1.5, ring(30, 30, 0));
  const RidgeFit of_grain = grain.fit({30, 30, 0, 0});
  CHECK(of_grain.height > 0 && of_grain.extent < 0.6 && of_grain.unevenness > 1 && near(of_grain.along, 0.0, 0.01));
}

// Nothing is known of what is outside: the ridge is followed to the last pixel, and fits tell what they lack.
void ridges_at_the_border_stay_inside() {
  for (const double row : {0.0, 1.0, 59.0, 60.0}) {
    const Image image = Image(61, 70).add(500, 1.5, line(row, 0, 0));
    for (const RidgeCandidate& one : image.candidates()) CHECK(near(static_cast<double>(one.pixel / 70), row, 1.5));
    const RidgeFit fit = image.fit({row, 35, 0, 0});
    CHECK(fit.height == 0 || fit.side < 0.5);
    const Image turned = Image(70, 61).add(500, 1.5, line(0, row, std::numbers::pi / 2));
    const RidgeFit same = turned.fit({35, row, std::numbers::pi / 2, 0});
    CHECK(near(same.height, fit.height, 1e-3 * fit.height) && near(same.side, fit.side, 1e-6));
  }
  const Image image = Image(61, 70).add(500, 1.5, line(30, 0, 0));
  for (const double column : {0.0, 69.0}) {
    const RidgeFit fit = image.fit({30, column, 0, 0});
    CHECK(near(fit.centre, 0.0, 1e-3) && fit.end == 0.0);
  }
  std::size_t first = 0, last = 0;
  for (const RidgeCandidate& one : image.candidates()) first += one.pixel % 70 == 0, last += one.pixel % 70 == 69;
  CHECK(first == 1 && last == 1);
}

std::vector<RidgeStart> odd_starts(std::size_t n_slow, std::size_t n_fast) {
  const auto i = static_cast<double>(n_slow), j = static_cast<double>(n_fast);
  std::vector<RidgeStart> starts{{0, 0, 0, 0},      {i - 1, j - 1, 0.7, 0},    {i, j, 1.5, 0.1},
                                 {1e8, -1e8, 1, 0}, {-3.2, j / 2, 3.1, -0.1},  {i / 2, j / 2, 9, 1},
                                 {i / 2, 0, 0, 9},  {i / 2, j / 2, -1e9, 1e9}, {i / 2, j / 2, 0, 0},
                                 {-1e9, 0, 0, 1e9}};
  for (int k = 0; k < 70; ++k) starts.push_back({i * k / 70, j * k / 70, 0.1 * k, 0.001 * k});  // more than a block
  return starts;
}

// Nothing to compare with an expectation: they must end, and read and write only what is theirs.
void images_of_odd_shapes_and_values_end() {
  Random random(2);
  const std::vector<std::vector<float>> odd{
      {0.0f}, {3.0f, 3.0f, 500.0f}, {kHighest, -kHighest, 0.0f}, {kHighest}, {-1.0f, 1e-40f},
      {1e30f, 1.0f, -1e30f, 5.0f},
      {kNaN}, {1.0f, kNaN, 2.0f}, {kInfinity, 1.0f, 7.0f}, {kInfinity, -kInfinity, kNaN, 1.0f, 2.0f}};
  const std::vector<std::pair<std::size_t, std::size_t>> shapes{{0, 0},   {0, 5}, {5, 0},   {1, 1},   {1, 200},
                                                                {200, 1}, {2, 3}, {48, 48}, {49, 47}, {97, 31}};
  for (const auto& [n_slow, n_fast] : shapes) {
    for (const auto& values : odd) {
      for (const unsigned usable : {0u, 1u, 2u}) {
        Image image(n_slow, n_fast);
        for (float& value : image.values) value = values[random() % values.size()];
        for (std::uint8_t& ok : image.usable) ok = usable == 2 ? random() % 3 > 0 : usable == 1;
        image.candidates(3);
        const auto starts = odd_starts(n_slow, n_fast);
        CHECK(image.fits(starts, 3).size() == starts.size());
        CHECK(image.fits({}).empty());
      }
    }
  }
  Image image = noisy(40, 50, 3);
  image.add(90, 2, line(20, 20, 1));
  for (const double sigma : {0.5, 3.0, 20.0}) {
    for (const double length : {0.5, 9.0}) {
      image.candidates(2, {sigma, length, sigma > 9 ? 2 : 17, 1.0, 0.5, {-5.0, 0.1, 1e-9}});
      image.fits(odd_starts(40, 50), 2, {length > 5 ? 200.0 : 1.0, 10 * sigma, 1e-3, {-5.0, 0.1, 1e-9}});
    }
  }
}

void results_do_not_depend_on_the_threads() {
  Image image = noisy(150, 131, 4);
  image.add(20, 1.5, ring(60, 70, 45)).add(30, 2.5, line(100, 30, 0.9));
  double excess[3];
  const auto one = image.candidates(1, kFilter, &excess[0]);
  std::vector<RidgeStart> starts;
  for (const RidgeCandidate& c : one) {
    starts.push_back({static_cast<double>(c.pixel / 131), static_cast<double>(c.pixel % 131),
                      c.direction * std::numbers::pi / 12, 0.0});
  }
  CHECK(starts.size() > 200);
  const auto fits = image.fits(starts, 1);
  for (const unsigned n_threads : {2u, 7u}) {
    const auto many = image.candidates(n_threads, kFilter, &excess[1]);
    CHECK(many.size() == one.size() && excess[0] == excess[1]);
    for (std::size_t k = 0; k < std::min(one.size(), many.size()); ++k) {
      CHECK(one[k].pixel == many[k].pixel && one[k].direction == many[k].direction);
      CHECK(one[k].significance == many[k].significance && one[k].mean == many[k].mean);
    }
    const auto same = image.fits(starts, n_threads);
    CHECK(std::memcmp(fits.data(), same.data(), fits.size() * sizeof(RidgeFit)) == 0);
  }
}

}  // namespace

int main() {
  lines_of_any_direction_are_found_where_they_are();
  rings_are_found_with_their_curvature();
  noise_is_measured_and_holds_few_candidates();
  pixels_that_do_not_count_are_told();
  steps_and_grains_are_told_from_ridges();
  ridges_at_the_border_stay_inside();
  images_of_odd_shapes_and_values_end();
  results_do_not_depend_on_the_threads();
  if (azimuthal::test::failures() == 0) std::puts("all checks passed");
  return azimuthal::test::failures() == 0 ? 0 : 1;
}
