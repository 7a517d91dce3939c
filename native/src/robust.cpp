// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
#include "azimuthal/robust.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <mutex>

#include "azimuthal/parallel.hpp"
#include "azimuthal/robust_kernels.hpp"

namespace azimuthal {
namespace {

constexpr std::size_t kSample = 127;
constexpr double kMadToSigma = 1.4826022185056018;
constexpr double kRounding = 1e-10;
constexpr double kSameWeight = 1e-12;
constexpr double kLeastForNoSpread = 10.0;
constexpr double kNoSpread = 1e-12;
constexpr double kTwoPi = 6.283185307179586476925286766559;
// Entries of one block of bins, at least: enough to be worth handing out.
constexpr std::size_t kBlockEntries = 1 << 14;
constexpr std::size_t kMostBlocks = 64;
constexpr std::size_t kBlockPixels = 1 << 18;
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// Half width of the window, as a part of threshold times sigma; what is certain is so by this part of the threshold's
// square, which rounding does not reach. The entries of smaller bins are compared one by one.
constexpr double kMadeAt = 0.6, kCertain = 0.95;
constexpr std::size_t kLeastWindow = 8;

double quotient(double numerator, double denominator) noexcept { return denominator > 0.0 ? numerator / denominator : 0.0; }

double chauvenet(double n) noexcept { return std::sqrt(2.0 * std::log(std::max(n, 3.0) / std::sqrt(kTwoPi))); }

double student(double sigmas, double freedom) noexcept {
  const double root = sigmas * (8.0 * freedom + 3.0) / (8.0 * freedom + 1.0);
  return std::sqrt(freedom * std::expm1(std::min(root * root / freedom, 700.0)));
}

double counts_z2(double k, double mu, double n) noexcept {
  const double together = (k + n * mu) / (1.0 + n);
  const double of_one = k > 0.0 ? k * std::log1p((k - mu) / (1.0 + n) * n / together) : 0.0;
  const double of_others = mu > 0.0 ? n * mu * std::log1p((mu - k) / (1.0 + n) / together) : 0.0;
  return 2.0 * (of_one + of_others);
}

// The median; NaN counts as infinity. Reorders.
double median(std::vector<double>& values) {
  for (double& value : values) value = value == value ? value : kInfinity;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  const double upper = *middle;
  if (values.size() % 2) return upper;
  return 0.5 * (*std::max_element(values.begin(), middle) + upper);
}

struct Prediction {
  double raw, variance, n_effective;
};

// Clips one bin after the other; holds the memory for it.
class Clipper {
 public:
  Clipper(const ClipRules& rules, double quantum, bool is_integer, std::size_t largest)
      : rules_(rules), quantum_(quantum), is_integer_(is_integer), outside_(largest + 64), previous_(largest + 64), kept_(largest + 64) {}

  // Number of rounds.
  int run(const BinEntries& bin, const RobustReduction::Limits& limits) {
    bin_ = &bin;
    limits_ = &limits;
    std::fill(kept_.begin(), kept_.begin() + static_cast<std::ptrdiff_t>(bin.n), std::uint8_t{1});
    n_outside_ = 0;
    find_start();
    window(start_center_, width_at(start_center_, start_sigma_, rules_.threshold));
    add_all();
    if (n_kept_ < 3) return 0;
    round(true);
    for (int number = 2; number <= rules_.max_iter; ++number) {
      const double mean = quotient(total_.signal, total_.normalization);
      const double sigma = sigma_of_kept(mean);
      const double t = std::max(rules_.threshold, chauvenet(static_cast<double>(n_kept_)));
      bool changed = false;
      if (!holds(mean, width_, t)) changed = move_window(mean, width_at(mean, sigma, t), t);
      if (!(round(false) || changed)) return number;
    }
    return rules_.max_iter;
  }

  const WindowSums& sums() const noexcept { return total_; }
  double center() const noexcept { return center_; }
  std::size_t n_kept() const noexcept { return n_kept_; }
  std::size_t n_valid() const noexcept { return n_valid_; }

  // Calls `visit` with the number of every kept entry, in ascending order.
  template <class Visit>
  void for_each_kept(Visit&& visit) const {
    std::size_t next = 0;
    for (std::size_t i = 0; i < bin_->n; ++i) {
      if (next < n_outside_ && outside_[next] == i) {
        const bool counts = candidates_[next].valid && kept_[i];
        ++next;
        if (!counts) continue;
      }
      visit(i);
    }
  }

  // Pixels of rejected entries.
  template <class Visit>
  void for_each_rejected(Visit&& visit) const {
    for (std::size_t i = 0; i < n_outside_; ++i) {
      if (candidates_[i].valid && !kept_[outside_[i]]) visit(bin_->pixel[outside_[i]]);
    }
  }

 private:
  void find_start() {
    std::size_t stride = std::max<std::size_t>(1, (bin_->n + kSample - 1) / kSample);
    const RobustKernels& kernel = robust_kernels();
    for (;;) {
      sample_.resize((bin_->n + stride - 1) / stride);
      sample_.resize(kernel.sample_of(*bin_, stride, sample_.data()));
      if (sample_.size() >= 3 || stride == 1) break;
      stride = 1;
    }
    start_center_ = sample_.empty() ? 0.0 : median(sample_);
    start_sigma_ = 0.0;
    if (rules_.spread == Spread::of_counts) return;  // counts have their own spread
    for (double& x : sample_) x = std::fabs(x - start_center_);
    start_sigma_ = sample_.empty() ? 0.0 : kMadToSigma * median(sample_);
  }

  // Half width about `center` of what certainly stays; below zero: nothing is certain.
  double width_at(double center, double sigma, double t) const noexcept { return kMadeAt * t * certain_sigma(center, sigma); }

  double certain_sigma(double center, double sigma) const noexcept {
    if (rules_.spread == Spread::given || bin_->n < kLeastWindow) return -1.0;
    if (rules_.spread == Spread::of_bin) return sigma;
    if (limits_->has_negative_offset || !(center > 0.0)) return -1.0;
    return std::sqrt(center * limits_->least_gain);
  }

  // Whether entries within `width` of the centre certainly pass the comparison with the other kept entries: the worst
  // that taking out an entry of the largest weight can do to mean and spread.
  bool holds(double mean, double width, double t) const noexcept {
    if (width < 0.0) return true;
    const double h = quotient(limits_->largest_weight, total_.normalization);
    if (!(h > 0.0 && h < 0.5)) return false;
    const double reach = width + std::fabs(mean - center_), stretch = 1.0 / (1.0 - h), move = reach * h * stretch;
    const double limit = kCertain * t * t;
    if (rules_.spread == Spread::of_bin) {
      const double shift = mean - center_, a2 = limits_->largest_weight * limits_->largest_weight;
      const double cross = total_.cross - shift * total_.normalization2;
      const double squares = total_.squares - 2.0 * shift * total_.cross + shift * shift * total_.normalization2;
      const double least = squares - a2 * reach * reach - 2.0 * move * (std::fabs(cross) + a2 * reach);
      return reach * reach * stretch * stretch * total_.normalization2 <= limit * least;
    }
    const double least_mean = mean - move, most = mean + move, lowest = std::max(mean - reach, 0.0);
    if (!(least_mean > 0.0)) return false;
    if (reach * reach * stretch * stretch > limit * least_mean * limits_->least_gain) return false;
    // Downwards, the deviance of counts is more than the plain number of sigmas.
    const double deviance = (lowest > 0.0 ? lowest * std::log(lowest / most) : 0.0) + most - lowest;
    return 2.0 * deviance <= limit * limits_->least_gain;
  }

  double sigma_of_kept(double mean) const noexcept {
    const double shift = mean - center_;
    const double squares = total_.squares - 2.0 * shift * total_.cross + shift * shift * total_.normalization2;
    return std::sqrt(std::max(quotient(squares, total_.normalization2), 0.0));
  }

  void window(double center, double width) {
    center_ = center;
    width_ = width > 0.0 && width < kInfinity ? width : -1.0;
    n_outside_ = robust_kernels().add_window(*bin_, center, width_, inside_, outside_.data());
    candidates_.clear();
    n_valid_inside_ = bin_->n - n_outside_;
    n_valid_ = n_valid_inside_;
    for (std::size_t i = 0; i < n_outside_; ++i) {
      candidates_.push_back(robust_kernels().entry_at(*bin_, outside_[i]));
      n_valid_ += candidates_.back().valid;
    }
  }

  // A new window; true when an entry inside it was rejected before.
  bool move_window(double mean, double width, double t) {
    const std::size_t n_before = n_outside_;
    std::swap(outside_, previous_);
    const WindowSums total = total_;
    // The sums that the next comparison uses, about the new centre.
    const double shift = mean - center_;
    total_.squares = total.squares - 2.0 * shift * total.cross + shift * shift * total.normalization2;
    total_.cross = total.cross - shift * total.normalization2;
    center_ = mean;
    window(mean, holds(mean, width, t) ? width : -1.0);
    bool changed = false;
    std::size_t j = 0;
    for (std::size_t i = 0; i < n_before; ++i) {
      while (j < n_outside_ && outside_[j] < previous_[i]) ++j;
      if (j < n_outside_ && outside_[j] == previous_[i]) continue;
      changed = changed || !kept_[previous_[i]];
      kept_[previous_[i]] = 1;
    }
    return changed;
  }

  void add_all() noexcept {
    total_ = inside_;
    n_kept_ = n_valid_inside_;
    for (std::size_t i = 0; i < n_outside_; ++i) {
      const Entry& e = candidates_[i];
      if (!e.valid || !kept_[outside_[i]]) continue;
      const double a = e.c * e.normalization, d = e.signal - center_ * e.normalization;
      total_.signal += e.c * e.signal;
      total_.normalization += a;
      total_.normalization2 += a * a;
      total_.count += e.c;
      total_.variance += e.c * e.c * e.variance;
      total_.squares += e.c * d * (e.c * d);
      total_.cross += a * (e.c * d);
      total_.n_negative += e.raw < 0.0 ? 1.0 : 0.0;
      ++n_kept_;
    }
  }

  // Compares what is not certain, and adds what is kept; true when that changed.
  bool round(bool is_start) {
    const double t = std::max(rules_.threshold, chauvenet(static_cast<double>(n_kept_)));
    const bool nothing_negative = total_.n_negative == 0.0;
    const double mean = quotient(total_.signal, total_.normalization);
    // About the mean.
    const double shift = mean - center_;
    const double cross = total_.cross - shift * total_.normalization2;
    const double squares = total_.squares - 2.0 * shift * total_.cross + shift * shift * total_.normalization2;
    const double n_all = quotient(total_.normalization * total_.normalization, total_.normalization2);
    bool changed = false;
    for (std::size_t i = 0; i < n_outside_; ++i) {
      const Entry& e = candidates_[i];
      if (!e.valid) continue;
      std::uint8_t& kept = kept_[outside_[i]];
      Prediction prediction;
      const double raw_per_x = e.normalization / e.gain;
      if (is_start) {
        const double sigma = start_sigma_ * raw_per_x;
        prediction = {start_center_ * raw_per_x + e.offset, sigma * sigma, n_all};
      } else {
        const double a = kept ? e.c * e.normalization : 0.0, d = e.signal / e.normalization - mean;
        const double rest = total_.normalization - a, rest2 = total_.normalization2 - a * a;
        const double move = -quotient(d * a, rest), n = quotient(rest * rest, rest2);
        double spread;
        if (rules_.spread == Spread::given) {
          spread = quotient(total_.variance - (kept ? e.c * e.c * e.variance : 0.0), rest2);
        } else {
          const double other_cross = cross - a * a * d;
          const double left = squares - a * a * d * d - 2.0 * move * other_cross + move * move * rest2;
          spread = left <= kNoSpread * squares ? 0.0 : quotient(left, rest2) * quotient(n, n - 1.0);
        }
        prediction = {(mean + move) * raw_per_x + e.offset, spread * raw_per_x * raw_per_x, n};
      }
      const std::uint8_t now = passes(e.raw, prediction, t, nothing_negative, is_start);
      changed = changed || now != kept;
      kept = now;
    }
    add_all();
    return changed;
  }

  bool passes(double raw, const Prediction& by, double t, bool nothing_negative, bool is_start) const noexcept {
    const double mu = by.raw, n = by.n_effective;
    if (!(n > 0.0) || std::fabs(raw - mu) <= kRounding * std::fabs(mu)) return true;
    if (rules_.spread == Spread::of_counts) {
      // Upwards the plain number of sigmas is the larger one, downwards its square is at least half as large.
      const double plain = (raw - mu) * (raw - mu), bound = 0.9 * t * t * mu * (1.0 + 1.0 / n);
      if (mu > 0.0 && raw >= 0.0 && (raw > mu ? plain : 2.2 * (1.0 + 1.0 / n) * plain) <= bound) return true;
      return !(counts_z2(std::max(raw, 0.0), std::max(mu, 0.0), n) > t * t);
    }
    const bool has_freedom = !is_start && rules_.spread == Spread::of_bin;
    if (has_freedom && !(n > 1.0)) return true;
    double variance = by.variance;
    if (mu > 0.0) {
      const bool is_sparse = nothing_negative && mu < 0.5 * quantum_;
      const double floor = is_sparse ? mu * (quantum_ - mu) : is_integer_ ? quantum_ * quantum_ / 12.0 : 0.0;
      variance = std::max(variance, floor);
    }
    const bool is_skew = nothing_negative && raw > mu && (mu > 0.0 || (mu == 0.0 && variance == 0.0));
    if (has_freedom && n < kLeastForNoSpread && !(variance > 0.0) && !(is_skew && mu == 0.0 && quantum_ > 0.0)) return true;
    double z2 = (raw - mu) * (raw - mu) / (variance * (1.0 + 1.0 / n));
    // Both what follows would only make it smaller against the threshold.
    if (!(z2 > 0.9 * t * t)) return true;
    if (is_skew) {
      z2 = counts_z2(raw, mu, n) / (mu > 0.0 ? variance / mu : quantum_);
      if (!(z2 > t * t)) return true;
    }
    const double limit = has_freedom ? student(t, n - 1.0) : t;
    return !(z2 > limit * limit);
  }

  const ClipRules& rules_;
  const double quantum_;
  const bool is_integer_;
  const BinEntries* bin_ = nullptr;
  const RobustReduction::Limits* limits_ = nullptr;
  double start_center_ = 0.0, start_sigma_ = 0.0, center_ = 0.0, width_ = -1.0;
  WindowSums inside_{}, total_{};
  std::size_t n_outside_ = 0, n_valid_inside_ = 0, n_valid_ = 0, n_kept_ = 0;
  std::vector<double> sample_;
  LargeVector<std::uint32_t> outside_, previous_;
  std::vector<Entry> candidates_;  // of `outside_`
  LargeVector<std::uint8_t> kept_;  // per entry
};

// A step of the cumulative weight of sorted values.
struct Step {
  double value, before, width;
};

// Finds quantiles of weighted values, and averages between them; holds the memory for it.
class Trimmer {
 public:
  explicit Trimmer(std::size_t largest) : x_(largest + 64), a_(largest + 64), c_(largest + 64), cell_(largest + 64) {}

  struct Result {
    double signal = 0.0, variance = 0.0, normalization = 0.0, normalization2 = 0.0, count = 0.0;
    std::size_t n_kept = 0;
  };

  std::size_t n_valid() const noexcept { return n_; }
  double total() const noexcept { return total_; }  // weight of all

  Result run(const BinEntries& bin, const TrimRules& rules) {
    given_ = 0.0;
    n_ = robust_kernels().values_of(bin, x_.data(), a_.data(), c_.data(), given_);
    if (n_ == 0) return {};
    WeightTotals all{};
    robust_kernels().add_weights(a_.data(), c_.data(), n_, all);
    total_ = all.normalization, total2_ = all.normalization2, count_ = all.count;
    slack_ = kSameWeight * total_;
    sort_into_cells();
    return rules.low == rules.high ? quantile(rules) : trimmed(rules);
  }

 private:
  static constexpr std::size_t kMostCells = 512;

  // A histogram between the extremes of a sample, with one cell at either end for what is beyond.
  void sort_into_cells() {
    n_cells_ = std::min(kMostCells, n_);
    const std::size_t stride = (n_ + kSample - 1) / kSample;
    double low = kInfinity, high = -kInfinity;
    for (std::size_t i = 0; i < n_; i += stride) low = std::min(low, x_[i]), high = std::max(high, x_[i]);
    const double scale = static_cast<double>(n_cells_) / (high - low);
    const bool usable = scale > 0.0 && scale < kInfinity && high < kInfinity && low > -kInfinity;
    cell_weight_.assign(2 * (n_cells_ + 2), 0.0);
    robust_kernels().cells_of(x_.data(), n_, usable ? low : 0.0, usable ? scale : 0.0, static_cast<int>(n_cells_ + 1), cell_.data());
    // Two histograms, so that additions to one cell need not wait for each other.
    double* const even = cell_weight_.data();
    double* const odd = even + n_cells_ + 2;
    std::size_t i = 0;
    for (; i + 1 < n_; i += 2) {
      even[cell_[i]] += a_[i];
      odd[cell_[i + 1]] += a_[i + 1];
    }
    if (i < n_) even[cell_[i]] += a_[i];
    for (std::size_t cell = 0; cell < n_cells_ + 2; ++cell) even[cell] += odd[cell];
  }

  // The smallest value up to which (included) the weight is more than `target`; the largest value if there is none.
  Step step_at(double target) {
    std::size_t cell = 0;
    double before = 0.0;
    std::size_t last_used = 0;
    double before_last = 0.0;
    for (; cell < n_cells_ + 2; ++cell) {
      if (cell_weight_[cell] > 0.0) last_used = cell, before_last = before;
      if (cell_weight_[cell] > 0.0 && before + cell_weight_[cell] > target) break;
      before += cell_weight_[cell];
    }
    if (cell == n_cells_ + 2) cell = last_used, before = before_last;
    inside_.clear();
    for (std::size_t i = 0; i < n_; ++i) {
      if (cell_[i] == cell) inside_.push_back({x_[i], a_[i]});
    }
    return selected(before, target);
  }

  struct Weighted {
    double x, a;
  };

  // The same among the values of one cell.
  Step selected(double before, double target) {
    std::size_t first = 0, last = inside_.size();
    for (;;) {
      const double p = inside_[first].x, q = inside_[first + (last - first) / 2].x, r = inside_[last - 1].x;
      const double pivot = std::max(std::min(p, q), std::min(std::max(p, q), r));
      double less = 0.0, equal = 0.0;
      std::size_t at = first, end_less = first, begin_more = last;
      while (at < begin_more) {
        const Weighted here = inside_[at];
        if (here.x < pivot) {
          less += here.a;
          std::swap(inside_[end_less++], inside_[at++]);
        } else if (here.x > pivot) {
          std::swap(inside_[at], inside_[--begin_more]);
        } else {  // NaN too: it is equal to everything
          equal += here.a;
          ++at;
        }
      }
      if (end_less > first && before + less > target) {
        last = end_less;
      } else if (before + less + equal > target || begin_more == last) {
        return {pivot, before + less, equal};
      } else {
        before += less + equal;
        first = begin_more;
      }
    }
  }

  double value_at(double p) {
    const double wanted = p * total_;
    const Step step = step_at(wanted - slack_);
    if (std::fabs(step.before + step.width - wanted) > slack_) return step.value;
    double next = kInfinity;
    for (std::size_t i = 0; i < n_; ++i) next = x_[i] > step.value ? std::min(next, x_[i]) : next;
    return next < kInfinity ? 0.5 * (step.value + next) : step.value;
  }

  Result quantile(const TrimRules& rules) {
    const double p = rules.low;
    Result result{value_at(p) * total_, 0.0, total_, total2_, count_, n_};
    if (rules.error == QuantileError::of_pixels) {
      result.variance = given_ * rules.ratio;
    } else if (rules.error == QuantileError::of_bin) {
      const double width = 2.0 * std::sqrt(p * (1.0 - p) / (total_ * total_ / total2_));
      const double quarter = width <= std::min(p, 1.0 - p) + kSameWeight ? (value_at(p + width) - value_at(p - width)) / 4.0 : kNan;
      result.variance = quarter * quarter * total_ * total_;
    }
    return result;
  }

  Result trimmed(const TrimRules& rules) {
    const double from = rules.low * total_, to = rules.high * total_;
    const Step first = step_at(from + slack_), last = step_at(to - slack_);
    const auto part = [&](const Step& step) {
      const double inside = std::min(step.before + step.width, to) - std::max(step.before, from);
      const double f = std::min(inside / step.width, 1.0);
      return f > 1.0 - kSameWeight ? 1.0 : f;
    };
    const double f_first = part(first), f_last = part(last);
    Result result;
    TrimmedSums found{};
    robust_kernels().add_trimmed(
        {x_.data(), a_.data(), c_.data(), n_, first.value, first.value, last.value, f_first, f_last}, found);
    result = {found.signal, 0.0, found.normalization, found.normalization2, found.count,
              static_cast<std::size_t>(found.n_kept)};
    const double mean = found.winsorized / total_, squares = found.squares, cross = found.cross;
    if (rules.error == QuantileError::of_pixels) {
      result.variance = given_ / (total_ * total_) * rules.ratio * result.normalization * result.normalization;
    } else if (rules.error == QuantileError::of_bin) {
      const double n = total_ * total_ / total2_, range = total_ * (rules.high - rules.low);
      const double about = squares - 2.0 * mean * cross + mean * mean * total2_;
      const double factor = n > 1.0 ? n / (n - 1.0) : kNan;
      const double share = result.normalization / range;
      result.variance = factor * std::max(about, 0.0) * share * share;
    }
    return result;
  }

  std::size_t n_ = 0, n_cells_ = 0;
  double total_ = 0.0, total2_ = 0.0, count_ = 0.0, given_ = 0.0, slack_ = 0.0;
  LargeVector<double> x_, a_, c_;
  LargeVector<std::uint16_t> cell_;
  std::vector<double> cell_weight_;
  std::vector<Weighted> inside_;
};

double square(double x) noexcept { return x * x; }

// The part of one entry in the sum of a further variance.
double further_of(const BinEntries& bin, const double* variance, std::size_t i) noexcept {
  const std::size_t pixel = bin.pixel[i];
  return square((bin.weight ? bin.weight[i] : 1.0) * (bin.gain ? bin.gain[pixel] : 1.0)) * variance[pixel];
}

// Ends of blocks of bins with enough entries each.
std::vector<std::size_t> blocks_of(const BinLists& lists) {
  // Neighbouring bins share cache lines of the frame: large blocks read them less often.
  const std::size_t enough = std::max(kBlockEntries, lists.n_entries() / kMostBlocks);
  std::vector<std::size_t> ends{0};
  std::size_t entries = 0;
  for (std::size_t b = 0; b < lists.n_bins(); ++b) {
    entries += lists.size(b) + 1;
    if (entries < enough && b + 1 < lists.n_bins()) continue;
    ends.push_back(b + 1);
    entries = 0;
  }
  return ends;
}

}  // namespace

RobustReduction::RobustReduction(std::shared_ptr<const PackedWeights> weights, PixelTerms terms, unsigned n_threads)
    : weights_(std::move(weights)), terms_(terms), lists_(*weights_, n_threads), normalized_(terms.normalization ? lists_.n_entries() : 0), limits_(lists_.n_bins()) {
  const std::vector<std::size_t> ends = blocks_of(lists_);
  for_each_block(ends.size() - 1, n_threads, [&](std::size_t block) {
    for (std::size_t b = ends[block]; b < ends[block + 1]; ++b) {
      Limits limits{0.0, kInfinity, false};
      for (std::size_t i = 0; i < lists_.size(b); ++i) {
        const std::size_t p = lists_.pixels(b)[i];
        const double n = terms_.normalization ? terms_.normalization[p] : 1.0;
        const double c = lists_.weights(b) ? lists_.weights(b)[i] : 1.0;
        if (terms_.normalization) normalized_[lists_.begin(b) + i] = c * n;
        limits.largest_weight = std::max(limits.largest_weight, c * n);
        limits.least_gain = std::min(limits.least_gain, (terms_.gain ? terms_.gain[p] : 1.0) / n);
        limits.has_negative_offset = limits.has_negative_offset || (terms_.offset && !(terms_.offset[p] >= 0.0));
      }
      limits_[b] = limits;
    }
  });
}

BinEntries RobustReduction::entries(const RobustFrame& frame, std::size_t bin) const noexcept {
  return {lists_.pixels(bin), lists_.weights(bin), normalized_.empty() ? nullptr : normalized_.data() + lists_.begin(bin),
          lists_.size(bin), frame.dtype, frame.frame, frame.invalid, terms_.offset, terms_.gain, terms_.normalization, frame.model, frame.variance};
}

std::int64_t RobustReduction::n_invalid(const RobustFrame& frame, unsigned n_threads) const {
  std::atomic<std::int64_t> found{0};
  const std::size_t n_pixels = weights_->n_pixels();
  const std::uint8_t* used = weights_->view().used;
  for_each_block((n_pixels + kBlockPixels - 1) / kBlockPixels, n_threads, [&](std::size_t block) {
    found += robust_kernels().count_invalid(frame.dtype, frame.frame, used, *frame.invalid, block * kBlockPixels,
                                            std::min(n_pixels, (block + 1) * kBlockPixels));
  });
  return found;
}

double RobustReduction::quantum(const RobustFrame& frame, unsigned n_threads) const {
  if (frame.dtype != DType::f32 && frame.dtype != DType::f64) return 1.0;
  const std::size_t n_pixels = weights_->n_pixels(), n_blocks = (n_pixels + kBlockPixels - 1) / kBlockPixels;
  std::vector<double> found(n_blocks, kInfinity);
  const std::uint8_t* used = weights_->view().used;
  for_each_block(n_blocks, n_threads, [&](std::size_t block) {
    found[block] = robust_kernels().smallest_positive(frame.dtype, frame.frame, used, *frame.invalid,
                                                      block * kBlockPixels,
                                                      std::min(n_pixels, (block + 1) * kBlockPixels));
  });
  double least = kInfinity;
  for (const double one : found) least = std::min(least, one);
  return least < kInfinity ? least : 0.0;
}

RobustSums RobustReduction::clip(const RobustFrame& frame, const ClipRules& rules, unsigned n_threads) const {
  const std::size_t n_bins = lists_.n_bins();
  RobustSums sums;
  for (auto* array : {&sums.signal, &sums.normalization, &sums.normalization2, &sums.count, &sums.squares, &sums.cross}) {
    array->resize(n_bins);
  }
  if (frame.model != Variance::none) sums.variance.resize(n_bins);
  for (auto* array : {&sums.iterations, &sums.n_kept, &sums.n_rejected}) array->resize(n_bins);
  for (int k = 0; k < 2; ++k) sums.further[k].resize(frame.further[k] ? n_bins : 0);
  std::atomic<bool> any_invalid{false};
  std::mutex lock;
  const double quantum_of_frame = quantum(frame, n_threads);
  const std::vector<std::size_t> ends = blocks_of(lists_);
  const auto make = [&] { return std::make_unique<Clipper>(rules, quantum_of_frame, frame.dtype < DType::f32, lists_.largest()); };
  for_each_block(ends.size() - 1, n_threads, make, [&](Clipper& clipper, std::size_t block) {
    std::vector<std::uint32_t> rejected;
    for (std::size_t b = ends[block]; b < ends[block + 1]; ++b) {
      const BinEntries bin = entries(frame, b);
      sums.iterations[b] = clipper.run(bin, limits_[b]);
      if (clipper.n_valid() < bin.n) any_invalid.store(true, std::memory_order_relaxed);
      const WindowSums& found = clipper.sums();
      const double shift = quotient(found.signal, found.normalization) - clipper.center();
      sums.signal[b] = found.signal;
      sums.normalization[b] = found.normalization;
      sums.normalization2[b] = found.normalization2;
      sums.count[b] = found.count;
      sums.cross[b] = found.cross - shift * found.normalization2;
      sums.squares[b] = found.squares - 2.0 * shift * found.cross + shift * shift * found.normalization2;
      if (!(sums.squares[b] >= 0.0) && sums.squares[b] == sums.squares[b]) sums.squares[b] = 0.0;
      if (frame.model != Variance::none) sums.variance[b] = found.variance;
      sums.n_kept[b] = static_cast<std::int32_t>(clipper.n_kept());
      sums.n_rejected[b] = static_cast<std::int32_t>(clipper.n_valid() - clipper.n_kept());
      for (int k = 0; k < 2; ++k) {
        if (!frame.further[k]) continue;
        double sum = 0.0;
        clipper.for_each_kept([&](std::size_t i) { sum += further_of(bin, frame.further[k], i); });
        sums.further[k][b] = sum;
      }
      clipper.for_each_rejected([&](std::uint32_t pixel) { rejected.push_back(pixel); });
    }
    const std::lock_guard<std::mutex> guard(lock);
    sums.rejected.insert(sums.rejected.end(), rejected.begin(), rejected.end());
  });
  std::sort(sums.rejected.begin(), sums.rejected.end());
  sums.rejected.erase(std::unique(sums.rejected.begin(), sums.rejected.end()), sums.rejected.end());
  if (any_invalid) sums.n_invalid = n_invalid(frame, n_threads);
  return sums;
}

RobustSums RobustReduction::trim(const RobustFrame& frame, const TrimRules& rules, unsigned n_threads) const {
  const std::size_t n_bins = lists_.n_bins();
  RobustSums sums;
  for (auto* array : {&sums.signal, &sums.normalization, &sums.normalization2, &sums.count}) array->resize(n_bins);
  if (rules.error != QuantileError::none) sums.variance.resize(n_bins);
  for (auto* array : {&sums.n_kept, &sums.n_rejected}) array->resize(n_bins);
  for (int k = 0; k < 2; ++k) sums.further[k].resize(frame.further[k] ? n_bins : 0);
  const std::vector<std::size_t> ends = blocks_of(lists_);
  std::atomic<bool> any_invalid{false};
  const auto make = [&] { return std::make_unique<Trimmer>(lists_.largest()); };
  for_each_block(ends.size() - 1, n_threads, make, [&](Trimmer& trimmer, std::size_t block) {
    for (std::size_t b = ends[block]; b < ends[block + 1]; ++b) {
      const BinEntries bin = entries(frame, b);
      const Trimmer::Result found = trimmer.run(bin, rules);
      if (trimmer.n_valid() < lists_.size(b)) any_invalid.store(true, std::memory_order_relaxed);
      sums.signal[b] = found.signal;
      sums.normalization[b] = found.normalization;
      sums.normalization2[b] = found.normalization2;
      sums.count[b] = found.count;
      if (rules.error != QuantileError::none) sums.variance[b] = found.variance;
      sums.n_kept[b] = static_cast<std::int32_t>(found.n_kept);
      sums.n_rejected[b] = static_cast<std::int32_t>(trimmer.n_valid() - found.n_kept);
      const double share = quotient(found.normalization, trimmer.total());
      for (int k = 0; k < 2; ++k) {
        if (!frame.further[k]) continue;
        double sum = 0.0;
        for (std::size_t i = 0; i < bin.n; ++i) {
          const bool counts = trimmer.n_valid() == bin.n || robust_kernels().entry_at(bin, i).valid;
          sum += counts ? further_of(bin, frame.further[k], i) : 0.0;
        }
        sums.further[k][b] = sum * rules.ratio * share * share;
      }
    }
  });
  if (any_invalid) sums.n_invalid = n_invalid(frame, n_threads);
  return sums;
}

}  // namespace azimuthal
