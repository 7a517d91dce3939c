// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
#include "azimuthal/ridges.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <memory>
#include <numbers>

#include "azimuthal/parallel.hpp"

namespace azimuthal {
namespace {

constexpr std::size_t kRowsPerBlock = 48;
constexpr std::size_t kSampled = 8;
constexpr double kLowerPart = 0.3, kExpectedLowerPart = 0.38532;  // of |z| of a normal distribution
constexpr double kClippedVariance = 0.7737;  // of a normal distribution cut at two sigma
constexpr int kClippings = 12;
constexpr float kOwnPart = 0.3f;
constexpr std::ptrdiff_t kBeside = 8;
constexpr float kOutshone = 3.0f;  // by a ridge of another direction nearby
constexpr int kStep = 2;  // between the taps along a ridge; the derivatives are smooth over it

// Gaussian and its first two derivatives at integers.
struct Kernels {
  explicit Kernels(double sigma) : radius(static_cast<int>(std::ceil(3.5 * sigma))) {
    for (int i = -radius; i <= radius; ++i) {
      const double u = i / sigma, g = std::exp(-0.5 * u * u) / (std::sqrt(2 * std::numbers::pi) * sigma);
      smooth.push_back(static_cast<float>(g));
      first.push_back(static_cast<float>(g * u / sigma));  // as it meets the image, turned about
      second.push_back(static_cast<float>(g * (u * u - 1) / (sigma * sigma)));
    }
    const float rest = sum(second) / static_cast<float>(second.size());
    for (float& value : second) value -= rest;  // a constant has no curvature
    const float total = sum(smooth);
    for (float& value : smooth) value /= total;
  }
  static float sum(const std::vector<float>& values) {
    float total = 0;
    for (float value : values) total += value;
    return total;
  }
  int radius;
  std::vector<float> smooth, first, second;
};

int half_taps(const RidgeFilter& filter) { return static_cast<int>(std::ceil(2 * filter.length / kStep)); }

struct Tap {
  std::ptrdiff_t slow, fast;
  float weight;
};

struct Direction {
  float slow2, cross, fast2;        // of the second derivatives
  std::ptrdiff_t slow, fast;        // a pixel across the ridge
  std::ptrdiff_t slow_2, fast_2;    // two pixels
  std::vector<Tap> taps;
};

std::vector<Direction> directions(const RidgeFilter& filter) {
  std::vector<Direction> all;
  const int half = half_taps(filter);
  for (int d = 0; d < filter.n_directions; ++d) {
    const double angle = std::numbers::pi * d / filter.n_directions, c = std::cos(angle), s = std::sin(angle);
    Direction direction{static_cast<float>(-c * c), static_cast<float>(-2 * c * s), static_cast<float>(-s * s),
                        std::lround(c), std::lround(s), std::lround(2 * c), std::lround(2 * s), {}};
    double total = 0;
    for (int k = -half; k <= half; ++k) total += std::exp(-0.5 * std::pow(k * kStep / filter.length, 2));
    for (int k = -half; k <= half; ++k) {
      const double t = k * kStep, weight = std::exp(-0.5 * std::pow(t / filter.length, 2)) / total;
      direction.taps.push_back({std::lround(-s * t), std::lround(c * t), static_cast<float>(weight)});
    }
    all.push_back(std::move(direction));
  }
  return all;
}

void convolve(const float* in, float* out, std::size_t n, const std::vector<float>& kernel) {
  std::fill(out, out + n, 0.0f);
  for (std::size_t k = 0; k < kernel.size(); ++k) {
    const float weight = kernel[k];
    const float* from = in + k;
    for (std::size_t i = 0; i < n; ++i) out[i] += weight * from[i];
  }
}

// Second derivatives of some rows, and the response of each direction.
class Block {
 public:
  Block(std::size_t n_fast, std::size_t reach, const Kernels& kernels)
      : n_(n_fast + 2 * reach), reach_(reach), kernels_(kernels), slow2(rows() * n_), cross(rows() * n_),
        fast2(rows() * n_), along(rows() * n_), found(n_fast), limit(n_fast) {
    for (auto& column : columns_) column.resize(n_ + 2 * static_cast<std::size_t>(kernels.radius));
  }

  // `image`: the first row and column that the derivative of the first row needs.
  void derive(const float* image, std::size_t stride, std::size_t n_rows, float* mean) {
    const std::size_t wide = columns_[0].size();
    for (std::size_t row = 0; row < n_rows + 2 * reach_; ++row) {
      for (auto& column : columns_) std::fill(column.begin(), column.end(), 0.0f);
      for (std::size_t k = 0; k < kernels_.smooth.size(); ++k) {
        const float* from = image + (row + k) * stride;
        const float w0 = kernels_.smooth[k], w1 = kernels_.first[k], w2 = kernels_.second[k];
        float *c0 = columns_[0].data(), *c1 = columns_[1].data(), *c2 = columns_[2].data();
        for (std::size_t i = 0; i < wide; ++i) {
          c0[i] += w0 * from[i];
          c1[i] += w1 * from[i];
          c2[i] += w2 * from[i];
        }
      }
      convolve(columns_[2].data(), slow2.data() + row * n_, n_, kernels_.smooth);
      convolve(columns_[1].data(), cross.data() + row * n_, n_, kernels_.first);
      convolve(columns_[0].data(), fast2.data() + row * n_, n_, kernels_.second);
      if (row >= reach_ && row < n_rows + reach_) {
        const std::size_t inside = n_ - 2 * reach_;
        convolve(columns_[0].data() + reach_, mean + (row - reach_) * inside, inside, kernels_.smooth);
      }
    }
  }

  // `sample`: takes the response of some pixels of a row; may be empty.
  template <class Sample>
  void respond(const Direction& direction, std::uint8_t number, std::size_t n_rows, float* best, std::uint8_t* which,
               Sample&& sample) {
    const std::size_t inside = n_ - 2 * reach_;
    for (std::size_t i = 0; i < (n_rows + 2 * reach_) * n_; ++i) {
      along[i] = direction.slow2 * slow2[i] + direction.cross * cross[i] + direction.fast2 * fast2[i];
    }
    for (std::size_t row = 0; row < n_rows; ++row) {
      std::fill(found.begin(), found.end(), 0.0f);
      for (const Tap& tap : direction.taps) {
        const auto at = static_cast<std::ptrdiff_t>((row + reach_) * n_ + reach_) +
                        tap.slow * static_cast<std::ptrdiff_t>(n_) + tap.fast;
        const float* from = along.data() + at;
        for (std::size_t i = 0; i < inside; ++i) found[i] += tap.weight * from[i];
      }
      sample(row, found.data());
      float* to = best + row * inside;
      std::uint8_t* name = which + row * inside;
      const float* own = along.data() + (row + reach_) * n_ + reach_;
      // Beside a spot the response along a line that leads to it is high, but not the curvature there. One loop for
      // each type: compilers make vectors of these.
      for (std::size_t i = 0; i < inside; ++i) {
        const bool better = (found[i] > to[i]) & (own[i] > kOwnPart * found[i]);
        limit[i] = better ? found[i] : to[i];
      }
      for (std::size_t i = 0; i < inside; ++i) name[i] = limit[i] > to[i] ? number : name[i];
      std::copy(limit.begin(), limit.end(), to);
    }
  }

 private:
  std::size_t rows() const { return kRowsPerBlock + 2 * reach_; }
  std::size_t n_, reach_;
  const Kernels& kernels_;
  std::vector<float> columns_[3];

 public:
  std::vector<float> slow2, cross, fast2, along, found, limit;
};

// Maxima across the ridge of the response.
class Maxima {
 public:
  Maxima(const float* response, const std::uint8_t* which, const float* mean, const std::uint8_t* usable,
         std::size_t n_slow, std::size_t n_fast, const RidgeFilter& filter, const std::vector<Direction>& all)
      : response_(response), which_(which), mean_(mean), usable_(usable),
        n_slow_(static_cast<std::ptrdiff_t>(n_slow)), n_fast_(static_cast<std::ptrdiff_t>(n_fast)), filter_(filter),
        all_(all), noise_(ridge_noise(filter)) {}

  void rows(std::size_t begin, std::size_t end, std::vector<RidgeCandidate>& out) const {
    const auto first = static_cast<std::ptrdiff_t>(begin), last = static_cast<std::ptrdiff_t>(end);
    for (std::ptrdiff_t i = first; i < last; ++i) {
      for (std::ptrdiff_t j = 0; j < n_fast_; ++j) {
        const std::ptrdiff_t p = i * n_fast_ + j;
        if (!usable_[p] || !(response_[p] > 0)) continue;
        const double spread = noise_ * std::sqrt(filter_.noise.at(mean_[p]));
        if (!(response_[p] >= filter_.significance * spread) || !highest(i, j) || outshone(i, j)) continue;
        out.push_back({p, which_[p], static_cast<float>(response_[p] / std::max(spread, 1e-30)), mean_[p]});
      }
    }
  }

 private:
  bool highest(std::ptrdiff_t i, std::ptrdiff_t j) const {
    const float own = response_[i * n_fast_ + j];
    const Direction& d = all_[which_[i * n_fast_ + j]];
    const float limit = static_cast<float>(filter_.steepness) * own;
    return at(i + d.slow, j + d.fast) < own && at(i - d.slow, j - d.fast) <= own &&
           at(i + d.slow_2, j + d.fast_2) < limit && at(i - d.slow_2, j - d.fast_2) < limit;
  }
  // Whether it is texture beside, or across, something stronger.
  bool outshone(std::ptrdiff_t i, std::ptrdiff_t j) const {
    const std::ptrdiff_t p = i * n_fast_ + j;
    const float limit = kOutshone * response_[p];
    const int n = static_cast<int>(all_.size()), own = which_[p];
    for (std::ptrdiff_t di = -kBeside; di <= kBeside; di += 2) {
      for (std::ptrdiff_t dj = -kBeside; dj <= kBeside; dj += 2) {
        if (!(at(i + di, j + dj) > limit)) continue;
        const int turn = std::abs(which_[(i + di) * n_fast_ + j + dj] - own);
        if (6 * std::min(turn, n - turn) >= n) return true;  // 30 degrees
      }
    }
    return false;
  }
  float at(std::ptrdiff_t i, std::ptrdiff_t j) const {
    return i < 0 || j < 0 || i >= n_slow_ || j >= n_fast_ ? 0.0f : response_[i * n_fast_ + j];
  }

  const float* response_;
  const std::uint8_t* which_;
  const float* mean_;
  const std::uint8_t* usable_;
  std::ptrdiff_t n_slow_, n_fast_;
  const RidgeFilter& filter_;
  const std::vector<Direction>& all_;
  double noise_;
};

// Standard deviation of what is normal among absolute values, some of which are larger: of those below twice itself.
double clipped_spread(const std::vector<std::vector<float>>& parts) {
  std::vector<float> all;
  for (const auto& part : parts) all.insert(all.end(), part.begin(), part.end());
  if (all.size() < 100) return 1.0;
  const auto at = all.begin() + static_cast<std::ptrdiff_t>(kLowerPart * static_cast<double>(all.size()));
  std::nth_element(all.begin(), at, all.end());
  double spread = *at / kExpectedLowerPart;
  for (int round = 0; round < kClippings; ++round) {
    double total = 0, n = 0;
    for (const float z : all) {
      if (z < 2 * spread) total += static_cast<double>(z) * z, n += 1;
    }
    if (n > 0) spread = std::sqrt(total / n / kClippedVariance);
  }
  return spread;
}

}  // namespace

std::size_t ridge_border(const RidgeFilter& filter) {
  return static_cast<std::size_t>(half_taps(filter) * kStep + Kernels(filter.sigma).radius);
}

double ridge_noise(const RidgeFilter& filter) {
  const double root = std::sqrt(std::numbers::pi), along = std::hypot(filter.sigma, filter.length);
  return std::sqrt(3 / (8 * root * std::pow(filter.sigma, 5)) / (2 * root * along));
}

std::vector<RidgeCandidate> ridge_candidates(const float* image, const std::uint8_t* usable, std::size_t n_slow,
                                             std::size_t n_fast, const RidgeFilter& filter, unsigned n_threads,
                                             double* excess) {
  const Kernels kernels(filter.sigma);
  const std::vector<Direction> all = directions(filter);
  const std::size_t reach = static_cast<std::size_t>(half_taps(filter) * kStep);
  const std::size_t stride = n_fast + 2 * ridge_border(filter), n_blocks = (n_slow + kRowsPerBlock - 1) / kRowsPerBlock;
  std::vector<float> best(n_slow * n_fast, 0.0f), mean(n_slow * n_fast);
  std::vector<std::uint8_t> which(n_slow * n_fast, 0);
  std::vector<std::vector<float>> samples(n_blocks);
  for_each_block(
      n_blocks, n_threads, [&] { return std::make_unique<Block>(n_fast, reach, kernels); },
      [&](Block& block, std::size_t number) {
        const std::size_t begin = number * kRowsPerBlock, n_rows = std::min(kRowsPerBlock, n_slow - begin);
        block.derive(image + begin * stride, stride, n_rows, mean.data() + begin * n_fast);
        for (std::size_t d = 0; d < all.size(); ++d) {
          const bool sampled = d == 0 || d == all.size() / 2;
          const auto sample = [&](std::size_t row, const float* response) {
            if (!sampled) return;
            for (std::size_t j = row % kSampled; j < n_fast; j += kSampled) {
              const std::size_t p = (begin + row) * n_fast + j;
              // 0: dead, or nothing counted; not finite: what is left of values near the end of the range.
              if (!usable[p] || response[j] == 0.0f || !std::isfinite(response[j])) continue;
              const double spread = std::sqrt(filter.noise.at(mean[p])) * ridge_noise(filter);
              samples[number].push_back(static_cast<float>(std::abs(response[j]) / spread));
            }
          };
          block.respond(all[d], static_cast<std::uint8_t>(d), n_rows, best.data() + begin * n_fast,
                        which.data() + begin * n_fast, sample);
        }
      });
  *excess = clipped_spread(samples);
  std::vector<std::vector<RidgeCandidate>> parts(n_blocks);
  const Maxima maxima(best.data(), which.data(), mean.data(), usable, n_slow, n_fast, filter, all);
  for_each_block(n_blocks, n_threads, [&](std::size_t number) {
    const std::size_t begin = number * kRowsPerBlock;
    maxima.rows(begin, std::min(begin + kRowsPerBlock, n_slow), parts[number]);
  });
  std::vector<RidgeCandidate> found;
  for (const auto& part : parts) found.insert(found.end(), part.begin(), part.end());
  return found;
}

}  // namespace azimuthal
