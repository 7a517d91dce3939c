// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
#include "azimuthal/peaks.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "azimuthal/parallel.hpp"

namespace azimuthal {
namespace {

constexpr std::size_t kPixelsPerBlock = 1 << 15;
// Pixels above this many times the noise take part in the centre of mass.
constexpr double kCentreCutoff = 2.0;
// Of a position known to be inside of one pixel: 1 / sqrt(12).
constexpr double kPixelSigma = 0.28867513459481287;

// Background of one bin, and the steps to its neighbours; no step where a neighbour has no background.
struct Knot {
  double mean, mean_last, mean_next;
  double std, std_last, std_next;
};

std::vector<Knot> knots_of(const Background& background) {
  const double *mean = background.mean, *std = background.std;
  const std::size_t n = background.n_bins;
  std::vector<Knot> knots(n);
  const auto step = [](double there, double here) { return std::isnan(there) ? 0.0 : there - here; };
  for (std::size_t b = 0; b < n; ++b) {
    const double none = std::numeric_limits<double>::quiet_NaN();
    knots[b] = {mean[b], step(b > 0 ? mean[b - 1] : none, mean[b]), step(b + 1 < n ? mean[b + 1] : none, mean[b]),
                std[b],  step(b > 0 ? std[b - 1] : none, std[b]),   step(b + 1 < n ? std[b + 1] : none, std[b])};
  }
  return knots;
}

// Excess over the background, in corrected units, and the noise that it is measured by.
struct Excess {
  double value, noise2, spread2, background, normalization;
};

template <class Typed>
class Excesses {
 public:
  Excesses(const Typed& frame, const Background& background, const PickSettings& settings)
      : frame_(frame),
        bins_(background.bins),
        positions_(background.positions),
        knots_(knots_of(background)),
        noise2_(settings.noise * settings.noise),
        cutoff2_(settings.cutoff * settings.cutoff) {}

  const Typed& frame() const noexcept { return frame_; }
  // Whether a pixel counts: of a bin, with a valid raw value, and with a background.
  bool counts(std::size_t pixel) const noexcept {
    return bins_[pixel] >= 0 && frame_.is_valid(pixel) && !std::isnan(knots_[bins_[pixel]].mean);
  }
  // Of a pixel that has a bin and a valid value.
  Excess at(std::size_t pixel) const noexcept {
    const Knot& knot = knots_[bins_[pixel]];
    const double t = positions_[pixel];
    const double mean = knot.mean + (t < 0 ? -t * knot.mean_last : t * knot.mean_next);
    const double std = knot.std + (t < 0 ? -t * knot.std_last : t * knot.std_next);
    const double norm = frame_.normalization(pixel);
    const double spread2 = std * std;
    return {frame_.signal(pixel) / norm - mean, spread2 + noise2_ / (norm * norm), spread2, mean, norm};
  }
  bool is_picked(const Excess& excess) const noexcept {
    return excess.value > 0 && excess.value * excess.value >= cutoff2_ * excess.noise2;
  }

 private:
  const Typed& frame_;
  const std::int32_t* bins_;
  const float* positions_;
  std::vector<Knot> knots_;
  double noise2_, cutoff2_;
};

template <class Typed>
void pick(const Excesses<Typed>& excesses, const Background& background, std::size_t first, std::size_t last,
          PickedPixels& found) {
  // Values that do not count must be found even where they are low.
  const bool can_skip = !excesses.frame().has_invalid_below(
      *std::max_element(background.least_raw, background.least_raw + background.n_bins));
  for (std::size_t pixel = first; pixel < last; ++pixel) {
    const std::int32_t bin = background.bins[pixel];
    if (bin < 0 || (can_skip && excesses.frame().raw(pixel) < background.least_raw[bin])) continue;
    if (!excesses.frame().is_valid(pixel)) {
      found.invalid.push_back(static_cast<std::uint32_t>(pixel));
    } else if (excesses.is_picked(excesses.at(pixel))) {  // NaN is not
      found.picked.push_back(static_cast<std::uint32_t>(pixel));
    }
  }
}

// Sums over a patch; positions are relative to its middle.
struct PatchSums {
  double value = 0.0, counting2 = 0.0, noise2 = 0.0;
  double weight = 0.0, slow = 0.0, fast = 0.0;  // of pixels that take part in the centre
  double var = 0.0, var_slow = 0.0, var_fast = 0.0, var_slow2 = 0.0, var_fast2 = 0.0;
  std::uint32_t n_picked = 0;
  bool complete = true, is_highest = true;
};

void add_to_centre(const Excess& excess, double slow, double fast, double variance, PatchSums& sums) {
  sums.weight += excess.value;
  sums.slow += excess.value * slow;
  sums.fast += excess.value * fast;
  sums.var += variance;
  sums.var_slow += variance * slow;
  sums.var_fast += variance * fast;
  sums.var_slow2 += variance * slow * slow;
  sums.var_fast2 += variance * fast * fast;
}

template <class Typed>
PatchSums sums_of_patch(const Excesses<Typed>& excesses, std::size_t middle, double highest, double centre_cutoff2,
                        const PatchSettings& patch) {
  const auto half = static_cast<std::int64_t>(patch.half);
  const auto n_slow = static_cast<std::int64_t>(patch.n_slow), n_fast = static_cast<std::int64_t>(patch.n_fast);
  const auto row = static_cast<std::int64_t>(middle) / n_fast, column = static_cast<std::int64_t>(middle) % n_fast;
  PatchSums sums;
  for (std::int64_t i = row - half; i <= row + half; ++i) {
    for (std::int64_t j = column - half; j <= column + half; ++j) {
      if (i < 0 || i >= n_slow || j < 0 || j >= n_fast || !excesses.counts(static_cast<std::size_t>(i * n_fast + j))) {
        sums.complete = false;
        continue;
      }
      const auto pixel = static_cast<std::size_t>(i * n_fast + j);
      const Excess excess = excesses.at(pixel);
      // Of equal pixels the first is the highest: a plateau is one peak.
      if (excess.value > highest || (excess.value == highest && pixel < middle)) {
        sums.is_highest = false;
        return sums;
      }
      const double variance = excess.spread2 + std::max(excess.value, 0.0) / excess.normalization;
      sums.value += excess.value;
      sums.counting2 += variance;
      sums.noise2 += excess.noise2;
      sums.n_picked += excesses.is_picked(excess);
      if (excess.value > 0 && excess.value * excess.value >= centre_cutoff2 * excess.noise2) {
        add_to_centre(excess, static_cast<double>(i - row), static_cast<double>(j - column), variance, sums);
      }
    }
  }
  return sums;
}

// Of the centre of mass m = sum w x / sum w: sqrt(sum var (x - m)^2) / sum w; x is relative to the middle of the patch.
double centre_sigma(double var, double var_x, double var_x2, double mean, double weight) {
  if (var_x2 == 0.0) return kPixelSigma;
  return std::sqrt(std::max(var_x2 - 2.0 * mean * var_x + mean * mean * var, 0.0)) / weight;
}

void append_peak(std::size_t middle, const PatchSums& sums, double background, std::size_t n_fast, FoundPeaks& found) {
  const double slow = sums.slow / sums.weight, fast = sums.fast / sums.weight;
  found.pixel.push_back(static_cast<std::uint32_t>(middle));
  found.n_picked.push_back(sums.n_picked);
  found.complete.push_back(sums.complete);
  found.slow.push_back(static_cast<double>(middle / n_fast) + slow);
  found.fast.push_back(static_cast<double>(middle % n_fast) + fast);
  found.slow_sigma.push_back(centre_sigma(sums.var, sums.var_slow, sums.var_slow2, slow, sums.weight));
  found.fast_sigma.push_back(centre_sigma(sums.var, sums.var_fast, sums.var_fast2, fast, sums.weight));
  found.intensity.push_back(sums.value);
  found.sigma.push_back(std::sqrt(sums.counting2));
  found.noise.push_back(std::sqrt(sums.noise2));
  found.background.push_back(background);
}

template <class T>
void move_to_end(std::vector<T>& all, const std::vector<T>& part) {
  all.insert(all.end(), part.begin(), part.end());
}

void join(FoundPeaks& all, const FoundPeaks& part) {
  move_to_end(all.pixel, part.pixel);
  move_to_end(all.n_picked, part.n_picked);
  move_to_end(all.complete, part.complete);
  move_to_end(all.slow, part.slow);
  move_to_end(all.fast, part.fast);
  move_to_end(all.slow_sigma, part.slow_sigma);
  move_to_end(all.fast_sigma, part.fast_sigma);
  move_to_end(all.intensity, part.intensity);
  move_to_end(all.sigma, part.sigma);
  move_to_end(all.noise, part.noise);
  move_to_end(all.background, part.background);
}

}  // namespace

PickedPixels pick_pixels(const FrameView& view, std::size_t n_pixels, const Background& background,
                         const PickSettings& settings, unsigned n_threads) {
  const std::size_t n_blocks = (n_pixels + kPixelsPerBlock - 1) / kPixelsPerBlock;
  std::vector<PickedPixels> parts(n_blocks);
  with_typed(view, [&](const auto& frame) {
    const Excesses excesses(frame, background, settings);
    for_each_block(n_blocks, n_threads, [&](std::size_t block) {
      const std::size_t first = block * kPixelsPerBlock;
      pick(excesses, background, first, std::min(n_pixels, first + kPixelsPerBlock), parts[block]);
    });
  });
  PickedPixels all;
  for (const PickedPixels& part : parts) {
    move_to_end(all.picked, part.picked);
    move_to_end(all.invalid, part.invalid);
  }
  return all;
}

FoundPeaks find_peaks(const FrameView& view, const Background& background, const PickSettings& settings,
                      const PatchSettings& patch, unsigned n_threads) {
  const std::size_t n_pixels = patch.n_slow * patch.n_fast;
  const std::size_t n_blocks = (n_pixels + kPixelsPerBlock - 1) / kPixelsPerBlock;
  const double centre_cutoff = std::min(kCentreCutoff, settings.cutoff);
  std::vector<FoundPeaks> parts(n_blocks);
  with_typed(view, [&](const auto& frame) {
    const Excesses excesses(frame, background, settings);
    for_each_block(n_blocks, n_threads, [&](std::size_t block) {
      const std::size_t first = block * kPixelsPerBlock;
      PickedPixels picked;
      pick(excesses, background, first, std::min(n_pixels, first + kPixelsPerBlock), picked);
      for (const std::uint32_t middle : picked.picked) {
        const Excess excess = excesses.at(middle);
        const PatchSums sums =
            sums_of_patch(excesses, middle, excess.value, centre_cutoff * centre_cutoff, patch);
        if (!sums.is_highest || sums.n_picked < patch.least) continue;
        append_peak(middle, sums, excess.background, patch.n_fast, parts[block]);
      }
    });
  });
  FoundPeaks all;
  for (const FoundPeaks& part : parts) join(all, part);
  return all;
}

}  // namespace azimuthal
