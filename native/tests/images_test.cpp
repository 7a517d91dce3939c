// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
//
// Rings, peaks and interpolation without Python, under the sanitizers: memory, edges of images and axes, threads.
// What the numbers must be is tested from Python against NumPy.
#include <cstdint>
#include <limits>
#include <vector>

#include "azimuthal/interpolation.hpp"
#include "azimuthal/peaks.hpp"
#include "azimuthal/rings.hpp"
#include "check.hpp"

using namespace azimuthal;
using azimuthal::test::near;

namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t kSlow = 40, kFast = 50, kPixels = kSlow * kFast;

// Two rings, left and right; the first row belongs to none.
std::vector<std::int32_t> two_rings() {
  std::vector<std::int32_t> bins(kPixels);
  for (std::size_t p = 0; p < kPixels; ++p) bins[p] = p < kFast ? -1 : p % kFast < kFast / 2 ? 0 : 1;
  return bins;
}

InvalidValues highest_is_invalid() {
  InvalidValues invalid;
  invalid.low[0].u = invalid.high[0].u = 65535;
  invalid.n = 1;
  return invalid;
}

void outliers_are_clipped_on_any_number_of_threads() {
  std::vector<std::uint16_t> frame(kPixels);
  for (std::size_t p = 0; p < kPixels; ++p) frame[p] = static_cast<std::uint16_t>(10 + p % 3);
  frame[5 * kFast + 3] = frame[kPixels - 1] = 5000;
  frame[6 * kFast + 3] = 65535;
  const InvalidValues invalid = highest_is_invalid();
  const std::vector<std::int32_t> bins = two_rings();
  const RingLists rings(bins.data(), nullptr, nullptr, kPixels, 3);
  const FrameView view{DType::u16, frame.data(), &invalid, nullptr, nullptr};
  const RingStatistics one = rings.clipped(view, {Spread::azimuthal, 0.0, 1.0, 10}, 1);
  const RingStatistics many = rings.clipped(view, {Spread::azimuthal, 0.0, 1.0, 10}, 4);
  CHECK(one.mean[0] == many.mean[0] && one.std[1] == many.std[1]);
  CHECK(near(one.mean[0], 11.0, 0.05) && near(one.mean[1], 11.0, 0.05));
  CHECK(one.n_valid[0] == 39 * 25 - 1 && one.n_kept[0] == one.n_valid[0] - 1);
  CHECK(std::isnan(one.mean[2]) && one.n_kept[2] == 0);
}

void peaks_at_corners_are_incomplete() {
  std::vector<float> frame(kPixels, 0.0F);
  for (const std::size_t p : {kFast, kPixels - 1, 20 * kFast + 20}) frame[p] = 100.0F;
  frame[30 * kFast + 30] = std::numeric_limits<float>::quiet_NaN();
  InvalidValues invalid;
  invalid.nonfinite = true;
  const std::vector<std::int32_t> bins = two_rings();
  const std::vector<float> positions(kPixels, 0.25F);
  const std::vector<double> mean{0.0, kNaN}, known{0.0, 0.0}, std{1.0, 1.0}, least{-kInf, -kInf};
  const FrameView view{DType::f32, frame.data(), &invalid, nullptr, nullptr};
  const PatchSettings patch{kSlow, kFast, 2, 1};
  const Background all{bins.data(), positions.data(), known.data(), std.data(), least.data(), 2};
  const FoundPeaks found = find_peaks(view, all, {5.0, 1.0}, patch, 3);
  CHECK(found.pixel.size() == 3);
  CHECK(!found.complete[0] && found.complete[1] && !found.complete[2]);
  CHECK(found.slow[1] == 20.0 && found.fast[1] == 20.0 && near(found.intensity[1], 100.0, 1e-12));
  CHECK(pick_pixels(view, kPixels, all, {5.0, 1.0}, 2).invalid.size() == 1);
  const Background half{bins.data(), positions.data(), mean.data(), std.data(), least.data(), 2};
  CHECK(find_peaks(view, half, {5.0, 1.0}, patch, 1).pixel.size() == 2);
}

void values_are_located_on_axes_and_circles() {
  const std::vector<double> edges{0.0, 1.0, 3.0, 4.0}, turn{-2.0, 0.0, 2.0};
  const std::vector<double> values{-0.1, 0.0, 1.0, 2.5, 4.0, 4.1, kNaN, kInf, -kInf};
  std::vector<std::int32_t> bins(values.size());
  std::vector<double> fractions(values.size()), out(values.size());
  locate(values.data(), values.size(), {edges.data(), 3, 0.0, false}, bins.data(), fractions.data(), 2);
  CHECK((bins == std::vector<std::int32_t>{-1, 0, 1, 1, 2, -1, -1, -1, -1}));
  const std::vector<double> held{1.0, 2.0, 4.0}, last{0.0, -1.0, -2.0}, next{1.0, 2.0, 0.0};
  interpolate(bins.data(), fractions.data(), values.size(), held.data(), last.data(), next.data(), out.data(), 2);
  CHECK(out[1] == 1.0 && near(out[3], 2.0 + 2.0 / 3.0, 1e-12) && out[4] == 4.0 && std::isnan(out[0]));
  locate(values.data(), values.size(), {turn.data(), 2, 4.0, true}, bins.data(), fractions.data(), 1);
  CHECK(bins[4] == 1 && bins[3] == 0 && bins[6] == -1 && bins[7] == -1);
  const std::vector<double> cake{1.0, kNaN, 3.0, 4.0};
  const std::vector<std::int32_t> one(values.size(), 0);
  const std::vector<double> half(values.size(), 0.5);
  interpolate_twice({one.data(), half.data(), 2, false}, {bins.data(), fractions.data(), 2, true}, values.size(),
                    cake.data(), out.data(), 2);
  CHECK(std::isnan(out[6]) && out[1] > 0.9);
}

}  // namespace

int main() {
  outliers_are_clipped_on_any_number_of_threads();
  peaks_at_corners_are_incomplete();
  values_are_located_on_axes_and_circles();
  if (azimuthal::test::failures() == 0) std::puts("all checks passed");
  return azimuthal::test::failures() == 0 ? 0 : 1;
}
