// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
#include <algorithm>
#include <array>
#include <cmath>
#include <memory>

#include "azimuthal/parallel.hpp"
#include "azimuthal/ridges.hpp"

namespace azimuthal {
namespace {

constexpr std::size_t kFitsPerBlock = 64;
constexpr int kParameters = 8, kRounds = 12, kAttempts = 3;
enum { kHeight, kCentre, kSlope, kWidth, kBackground, kAcross, kAlong, kCurvature };
constexpr double kWidest = 0.4, kSettled = 2e-3, kFaint = 1.5;
constexpr double kLeastWidth = 0.3, kOutlier = 25, kUnevenChi = 1.3, kPatch = 3.0, kFwhm = 2.3548200450309493;

using Vector = std::array<double, kParameters>;
using Matrix = std::array<Vector, kParameters>;

struct Pixel {
  double u, t, value, variance;  // across (less the curvature that is given) and along the ridge
  bool kept;
  double x = 0, bell = 0;  // of the profile as it is now
};

// Lower triangle, in place; false where it is not positive definite.
bool cholesky(Matrix& a) {
  for (int i = 0; i < kParameters; ++i) {
    for (int j = 0; j <= i; ++j) {
      double value = a[i][j];
      for (int k = 0; k < j; ++k) value -= a[i][k] * a[j][k];
      if (i != j) {
        a[i][j] = value / a[j][j];
      } else if (value > 0) {
        a[i][i] = std::sqrt(value);
      } else {
        return false;
      }
    }
  }
  return true;
}

Vector solved(const Matrix& l, Vector b) {
  for (int i = 0; i < kParameters; ++i) {
    for (int k = 0; k < i; ++k) b[i] -= l[i][k] * b[k];
    b[i] /= l[i][i];
  }
  for (int i = kParameters - 1; i >= 0; --i) {
    for (int k = i + 1; k < kParameters; ++k) b[i] -= l[k][i] * b[k];
    b[i] /= l[i][i];
  }
  return b;
}

// Mean, number and place of the pixels between two integers across.
struct Profile {
  int half = 0;
  std::vector<double> mean, count, place;
  std::size_t size() const { return mean.size(); }

  template <class Across>
  void fill(const std::vector<Pixel>& pixels, double half_width, Across&& across) {
    half = static_cast<int>(std::ceil(half_width));
    const auto n = static_cast<std::size_t>(2 * half + 1);
    mean.assign(n, 0.0), count.assign(n, 0.0), place.assign(n, 0.0);
    for (const Pixel& p : pixels) {
      if (!p.kept) continue;
      const double u = across(p);
      if (!(std::abs(u) < half + 0.5)) continue;
      const auto bin = static_cast<std::size_t>(std::lround(u) + half);
      mean[bin] += p.value, count[bin] += 1, place[bin] += u;
    }
    for (std::size_t b = 0; b < n; ++b) {
      if (count[b] > 0) mean[b] /= count[b], place[b] /= count[b];
    }
  }
};

class Fitter {
 public:
  Fitter(const float* image, const std::uint8_t* usable, std::size_t n_slow, std::size_t n_fast,
         const RidgeFitSettings& settings)
      : image_(image), usable_(usable), n_slow_(static_cast<std::ptrdiff_t>(n_slow)),
        n_fast_(static_cast<std::ptrdiff_t>(n_fast)), settings_(settings) {}

  RidgeFit fit(const RidgeStart& start) {
    RidgeFit result{};
    gather(start);
    if (pixels_.size() < 3 * kParameters || !guess()) return result;
    cut_to_window();
    if (pixels_.size() < 2 * kParameters || !minimise()) return result;
    if (drop_outliers() && !minimise()) return result;
    if (!errors(result)) return result;
    result.height = p_[kHeight], result.centre = p_[kCentre], result.slope = p_[kSlope], result.width = p_[kWidth];
    result.background = p_[kBackground], result.curvature = start.curvature + p_[kCurvature];
    result.low = low_, result.high = high_;
    coverage(result);
    result.edge = edge(result.chi_square);
    result.unevenness = unevenness();
    extent(result);
    return result;
  }

 private:
  void gather(const RidgeStart& start) {
    const double c = std::cos(start.angle), s = std::sin(start.angle);
    const double length = settings_.half_length, width = settings_.half_width;
    const double bow = 0.5 * std::abs(start.curvature) * length * length;
    const double reach_slow = (width + bow) * std::abs(c) + length * std::abs(s);
    const double reach_fast = (width + bow) * std::abs(s) + length * std::abs(c);
    const auto from = [](double x) { return static_cast<std::ptrdiff_t>(std::ceil(x)); };
    const auto to = [](double x) { return static_cast<std::ptrdiff_t>(std::floor(x)); };
    const auto i0 = std::max<std::ptrdiff_t>(0, from(start.slow - reach_slow));
    const auto i1 = std::min(n_slow_ - 1, to(start.slow + reach_slow));
    const auto j0 = std::max<std::ptrdiff_t>(0, from(start.fast - reach_fast));
    const auto j1 = std::min(n_fast_ - 1, to(start.fast + reach_fast));
    pixels_.clear();
    for (std::ptrdiff_t i = i0; i <= i1; ++i) {
      const double di = static_cast<double>(i) - start.slow;
      for (std::ptrdiff_t j = j0; j <= j1; ++j) {
        if (!usable_[i * n_fast_ + j]) continue;
        const double dj = static_cast<double>(j) - start.fast;
        const double t = -s * di + c * dj, u = c * di + s * dj - 0.5 * start.curvature * t * t;
        if (std::abs(t) > length || std::abs(u) > width) continue;
        pixels_.push_back({u, t, static_cast<double>(image_[i * n_fast_ + j]), 1.0, true});
      }
    }
  }

  double spread(double mean, double count) const { return std::sqrt(settings_.noise.at(mean) / count); }

  // The highest place near the middle, the valleys beside it, and the width at half of the height.
  bool guess() {
    profile_.fill(pixels_, settings_.half_width, [](const Pixel& p) { return p.u; });
    const double enough = 0.3 * 2 * settings_.half_length;
    int top = -1;
    for (int b = profile_.half - 2; b <= profile_.half + 2; ++b) {
      if (b < 0 || b >= static_cast<int>(profile_.size()) || profile_.count[b] < enough) continue;
      if (top < 0 || profile_.mean[b] > profile_.mean[top]) top = b;
    }
    if (top < 0) return false;
    const int left = valley(top, -1), right = valley(top, 1);
    const double base = 0.5 * (profile_.mean[left] + profile_.mean[right]), height = profile_.mean[top] - base;
    if (!(height > kFaint * spread(profile_.mean[top], profile_.count[top]))) return false;
    int a = top, b = top;
    while (a > left && profile_.mean[a - 1] > base + 0.5 * height) --a;
    while (b < right && profile_.mean[b + 1] > base + 0.5 * height) ++b;
    const double width = std::max(0.6, (b - a + 1) / kFwhm), middle = profile_.place[top];
    if (width > kWidest * settings_.half_width) return false;
    const double tail = 3.2 * width + 2;
    low_ = std::max(profile_.place[left] - 0.5, middle - tail);
    high_ = std::min(profile_.place[right] + 0.5, middle + tail);
    p_ = {height, middle, 0.0, width, base, 0.0, 0.0, 0.0};
    return true;
  }

  int valley(int top, int step) const {
    int lowest = top;
    for (int b = top + step; b >= 0 && b < static_cast<int>(profile_.size()); b += step) {
      if (profile_.count[b] < 3) continue;
      if (profile_.mean[b] < profile_.mean[lowest]) {
        lowest = b;
        continue;
      }
      const double rise = profile_.mean[b] - profile_.mean[lowest], peak = profile_.mean[top];
      const double noise = spread(profile_.mean[b], profile_.count[b]);
      if (rise > 3 * noise && rise > 0.1 * (peak - profile_.mean[lowest])) break;
    }
    return lowest;
  }

  void cut_to_window() {
    std::erase_if(pixels_, [&](const Pixel& p) { return p.u < low_ || p.u > high_; });
    const double variance = settings_.noise.at(p_[kBackground] + 0.5 * p_[kHeight]);
    for (Pixel& p : pixels_) p.variance = variance;
  }

  // After every change of the parameters, before the model is asked for.
  void look() {
    for (Pixel& p : pixels_) {
      p.x = straightened(p) / p_[kWidth];
      p.bell = std::exp(-0.5 * p.x * p.x);
    }
  }

  double model(const Pixel& p, Vector* slopes) const {
    if (slopes) {
      const double shift = p_[kHeight] * p.bell * p.x / p_[kWidth];
      *slopes = {p.bell, shift, shift * p.t, shift * p.x, 1.0, p.u, p.t, 0.5 * shift * p.t * p.t};
    }
    return p_[kBackground] + p_[kAcross] * p.u + p_[kAlong] * p.t + p_[kHeight] * p.bell;
  }

  double prior() const { return 1 / (settings_.curvature_error * settings_.curvature_error); }

  double squares() const {
    double total = p_[kCurvature] * p_[kCurvature] * prior();
    for (const Pixel& p : pixels_) {
      if (!p.kept) continue;
      const double rest = p.value - model(p, nullptr);
      total += rest * rest / p.variance;
    }
    return total;
  }

  double normal_equations(Matrix& a, Vector& right) const {
    a = {}, right = {};
    double total = p_[kCurvature] * p_[kCurvature] * prior();
    Vector slopes;
    for (const Pixel& p : pixels_) {
      if (!p.kept) continue;
      const double weight = 1 / p.variance, rest = p.value - model(p, &slopes);
      total += weight * rest * rest;
      for (int i = 0; i < kParameters; ++i) {
        const double scaled = weight * slopes[i];
        right[i] += scaled * rest;
        for (int j = 0; j <= i; ++j) a[i][j] += scaled * slopes[j];
      }
    }
    a[kCurvature][kCurvature] += prior();
    right[kCurvature] -= p_[kCurvature] * prior();
    return total;
  }

  void weigh() {
    for (Pixel& p : pixels_) p.variance = settings_.noise.at(model(p, nullptr));
  }

  bool minimise() {
    double damping = 1e-3;
    Matrix a;
    Vector right;
    look();
    for (int round = 0; round < kRounds; ++round) {
      if (round == 1 || round == 3) weigh();
      const double before = normal_equations(a, right);
      const Vector kept = p_;
      bool better = false;
      double moved = 0;
      for (int attempt = 0; attempt < kAttempts && !better; ++attempt) {
        Matrix l = a;
        for (int i = 0; i < kParameters; ++i) l[i][i] += damping * a[i][i] + 1e-300;
        if (!cholesky(l)) return false;
        const Vector step = solved(l, right);
        for (int i = 0; i < kParameters; ++i) p_[i] = kept[i] + step[i];
        p_[kWidth] = std::clamp(std::abs(p_[kWidth]), kLeastWidth, 2 * settings_.half_width);
        look();
        better = squares() <= before;
        damping = better ? damping * 0.1 : damping * 10;
        moved = std::abs(step[kCentre]) + std::abs(p_[kWidth] - kept[kWidth]);
        if (!better) p_ = kept;
      }
      if (!better) look();
      if (round > 2 && (!better || moved < kSettled * p_[kWidth])) break;
      if (p_[kWidth] > kWidest * settings_.half_width) return false;
    }
    return std::isfinite(p_[kCentre]) && p_[kHeight] > 0;
  }

  double freedom() const {
    double n = -kParameters;
    for (const Pixel& p : pixels_) n += p.kept;
    return std::max(1.0, n);
  }

  bool drop_outliers() {
    const double limit = kOutlier * std::max(1.0, squares() / freedom());
    std::size_t dropped = 0;
    for (Pixel& p : pixels_) {
      const double rest = p.value - model(p, nullptr);
      if (rest * rest > limit * p.variance) p.kept = false, ++dropped;
    }
    if (dropped * 20 > pixels_.size()) {
      for (Pixel& p : pixels_) p.kept = true;
      return false;
    }
    return dropped > 0;
  }

  // Grains lie anywhere within the profile: of N equal ones the mean scatters by the width over the root of N, and the
  // intensity of n patches, relatively, by the root of n / N.
  bool errors(RidgeFit& result) {
    weigh();
    Matrix a;
    Vector right;
    result.chi_square = normal_equations(a, right) / freedom();
    Matrix l = a;
    if (!cholesky(l)) return false;
    const double scale = std::max(1.0, result.chi_square);
    const int wanted[] = {kHeight, kCentre, kSlope, kCurvature};
    double* to[] = {&result.height_error, &result.centre_error, &result.slope_error, &result.curvature_error};
    std::vector<Vector> scores;
    if (result.chi_square > kUnevenChi) scores = patch_scores();
    const double grains = p_[kWidth] * p_[kWidth] * unevenness() / std::ceil(2 * settings_.half_length / kPatch);
    const double by_grains[] = {0, grains, 3 * grains / (settings_.half_length * settings_.half_length), 0};
    for (int k = 0; k < 4; ++k) {
      Vector unit{};
      unit[wanted[k]] = 1;
      const Vector column = solved(l, unit);
      if (k == 0) result.height_noise = std::sqrt(column[kHeight]);
      double variance = column[wanted[k]] * scale;
      double between = 0;
      for (const Vector& score : scores) {
        double product = 0;
        for (int i = 0; i < kParameters; ++i) product += column[i] * score[i];
        between += product * product;
      }
      if (scores.size() > 2) {
        const auto n = static_cast<double>(scores.size());
        variance = std::max(variance, between * n / (n - 2));
      }
      *to[k] = std::sqrt(variance + by_grains[k]);
    }
    return true;
  }

  // Weighted residuals of stretches of the ridge: grains make neighbours deviate together.
  std::vector<Vector> patch_scores() const {
    const auto n = static_cast<std::size_t>(std::ceil(2 * settings_.half_length / kPatch));
    std::vector<Vector> scores(n, Vector{});
    Vector slopes;
    for (const Pixel& p : pixels_) {
      if (!p.kept) continue;
      const double rest = (p.value - model(p, &slopes)) / p.variance;
      Vector& score = scores[std::min(n - 1, static_cast<std::size_t>((p.t + settings_.half_length) / kPatch))];
      for (int i = 0; i < kParameters; ++i) score[i] += slopes[i] * rest;
    }
    return scores;
  }

  double straightened(const Pixel& p) const {
    return p.u - p_[kCentre] - p_[kSlope] * p.t - 0.5 * p_[kCurvature] * p.t * p.t;
  }

  void coverage(RidgeFit& result) {
    const double w = std::max(p_[kWidth], 0.7), core = std::max(1.2 * w, 1.5), third = settings_.half_length / 3;
    const double left = std::min(2.7 * w + 0.5, p_[kCentre] - low_), right = std::min(2.7 * w + 0.5, high_ - p_[kCentre]);
    double middle = 0, below = 0, above = 0, first = 0, last = 0;
    result.largest = 0;
    for (const Pixel& p : pixels_) {
      const double x = straightened(p);
      if (std::abs(x) <= core) {
        middle += 1, first += p.t < -third, last += p.t > third;
        result.largest = std::max(result.largest, p.value);
      }
      below += x < -core && x >= -left;
      above += x > core && x <= right;
    }
    const double long_side = 2 * settings_.half_length;
    result.middle = middle / (2 * core * long_side);
    result.end = std::min(first, last) / (2 * core * (settings_.half_length - third));
    const double least = 0.3 * w;  // of the profile beyond the core
    result.side = std::min(left - core < least ? 0.0 : below / ((left - core) * long_side),
                           right - core < least ? 0.0 : above / ((right - core) * long_side));
  }

  // How much better a step with a slope describes the profile than the peak does: difference of chi-square.
  double edge(double chi_square) {
    profile_.fill(pixels_, settings_.half_width + 1, [&](const Pixel& p) { return straightened(p) + p_[kCentre]; });
    std::vector<double> x, y, weight;
    double by_peak = 0;
    for (std::size_t b = 0; b < profile_.size(); ++b) {
      if (profile_.count[b] < 2) continue;
      const double u = profile_.place[b], z = (u - p_[kCentre]) / p_[kWidth];
      const double expected = p_[kBackground] + p_[kAcross] * u + p_[kHeight] * std::exp(-0.5 * z * z);
      x.push_back(u), y.push_back(profile_.mean[b]);
      weight.push_back(profile_.count[b] / (settings_.noise.at(expected) * std::max(1.0, chi_square)));
      by_peak += weight.back() * std::pow(profile_.mean[b] - expected, 2);
    }
    if (x.size() < 6) return 0.0;
    double by_step = by_peak + 1e9;
    std::vector<double> powers(x.size());
    for (const double width : {0.5, 1.2, 2.5}) {
      // tanh z = 1 - 2 / (exp 2z + 1), and exp 2z is a product of what x and the place add to it.
      const auto power = [&](double u) { return std::exp(2 * (u - p_[kCentre]) / width); };
      std::transform(x.begin(), x.end(), powers.begin(), power);
      for (double place = low_ + 1; place < high_; place += 0.5) {
        by_step = std::min(by_step, step_squares(x, y, weight, powers, place, 1 / power(place)));
      }
    }
    return by_peak - by_step;
  }

  static double step_squares(const std::vector<double>& x, const std::vector<double>& y,
                             const std::vector<double>& weight, const std::vector<double>& powers, double place,
                             double share) {
    double a[3][4] = {};
    double total = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double terms[] = {1.0, x[i] - place, 1 - 2 / (powers[i] * share + 1)};
      for (int j = 0; j < 3; ++j) {
        for (int k = 0; k < 3; ++k) a[j][k] += weight[i] * terms[j] * terms[k];
        a[j][3] += weight[i] * terms[j] * y[i];
      }
      total += weight[i] * y[i] * y[i];
    }
    double explained = 0;  // Cholesky of the three equations, and what they take off the squares
    for (int j = 0; j < 3; ++j) {
      for (int k = 0; k < j; ++k) {
        for (int m = j; m < 4; ++m) a[j][m] -= a[k][j] * a[k][m];
      }
      if (!(a[j][j] > 1e-12 * total)) return 1e300;
      const double root = std::sqrt(a[j][j]);
      for (int m = j; m < 4; ++m) a[j][m] /= root;
      explained += a[j][3] * a[j][3];
    }
    return total - explained;
  }

  // Variance of the height along the ridge beyond noise, over its square.
  double unevenness() const {
    const auto n = static_cast<std::size_t>(std::ceil(2 * settings_.half_length / kPatch));
    std::vector<double> top(n, 0.0), bottom(n, 0.0);
    for (const Pixel& p : pixels_) {
      const double bell = p.bell;
      const auto k = std::min(n - 1, static_cast<std::size_t>((p.t + settings_.half_length) / kPatch));
      const double rest = p.value - p_[kBackground] - p_[kAcross] * p.u - p_[kAlong] * p.t;
      top[k] += bell * rest / p.variance, bottom[k] += bell * bell / p.variance;
    }
    double sum = 0, used = 0;
    for (std::size_t k = 0; k < n; ++k) {
      if (!(bottom[k] > 0)) continue;
      sum += std::pow(top[k] / bottom[k] - p_[kHeight], 2) - 1 / bottom[k];
      used += 1;
    }
    return used > 1 ? std::max(0.0, sum / (used - 1)) / (p_[kHeight] * p_[kHeight]) : 0.0;
  }

  void extent(RidgeFit& result) const {
    double intensity[3] = {}, even[3] = {};  // moments of t
    for (const Pixel& p : pixels_) {
      const double bell = p.bell;
      const double rest = bell * std::max(0.0, p.value - p_[kBackground] - p_[kAcross] * p.u - p_[kAlong] * p.t);
      double power = 1;
      for (int k = 0; k < 3; ++k, power *= p.t) intensity[k] += rest * power, even[k] += bell * power;
    }
    const auto variance = [](const double* m) { return m[0] > 0 ? m[2] / m[0] - m[1] * m[1] / (m[0] * m[0]) : 0.0; };
    if (variance(even) > 0) result.extent = std::sqrt(std::max(0.0, variance(intensity)) / variance(even));
    if (intensity[0] > 0) result.along = intensity[1] / intensity[0];
  }

  const float* image_;
  const std::uint8_t* usable_;
  std::ptrdiff_t n_slow_, n_fast_;
  const RidgeFitSettings& settings_;
  std::vector<Pixel> pixels_;
  Profile profile_;
  Vector p_{};
  double low_ = 0, high_ = 0;
};

}  // namespace

void fit_ridges(const float* image, const std::uint8_t* usable, std::size_t n_slow, std::size_t n_fast,
                const RidgeStart* starts, std::size_t n, const RidgeFitSettings& settings, RidgeFit* fits,
                unsigned n_threads) {
  for_each_block(
      (n + kFitsPerBlock - 1) / kFitsPerBlock, n_threads,
      [&] { return std::make_unique<Fitter>(image, usable, n_slow, n_fast, settings); },
      [&](Fitter& fitter, std::size_t block) {
        for (std::size_t k = block * kFitsPerBlock; k < std::min(n, (block + 1) * kFitsPerBlock); ++k) {
          fits[k] = fitter.fit(starts[k]);
        }
      });
}

}  // namespace azimuthal
