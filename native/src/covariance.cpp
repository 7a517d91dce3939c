// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
#include "azimuthal/covariance.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <stdexcept>
#include <type_traits>

#include "azimuthal/parallel.hpp"

namespace azimuthal {
namespace {

// Partners of every bin, found so far.
class PairLists {
 public:
  explicit PairLists(std::size_t n_bins) : of_bin_(n_bins) {}

  // Returns whether the pair is new; a < b.
  bool add(std::size_t a, std::size_t b) {
    auto& list = of_bin_[a];
    const auto partner = static_cast<std::int32_t>(b);
    if (list.empty() || list.back() < partner) {
      list.push_back(partner);
      return true;
    }
    const auto at = std::lower_bound(list.begin(), list.end(), partner);
    if (*at == partner) return false;
    list.insert(at, partner);
    return true;
  }
  std::vector<std::int32_t>& operator[](std::size_t bin) noexcept { return of_bin_[bin]; }

 private:
  std::vector<std::vector<std::int32_t>> of_bin_;
};

// How many parts a frame has depends on the plan alone, so that the order of additions does too.
std::vector<std::size_t> ends_of_parts(std::size_t n_pixels, std::size_t n_pairs) {
  constexpr std::size_t kUnit = 8192;
  const std::size_t most = n_pairs <= 20000 ? 32 : n_pairs <= 200000 ? 8 : 4;
  const std::size_t n_units = (n_pixels + kUnit - 1) / kUnit;
  const std::size_t n_parts = std::max<std::size_t>(1, std::min(most, n_units));
  std::vector<std::size_t> ends;
  for (std::size_t part = 1; part < n_parts; ++part) ends.push_back(n_units * part / n_parts * kUnit);
  ends.push_back(n_pixels);
  return ends;
}

template <class T>
struct InvalidRule {
  T low[InvalidValues::kMost], high[InvalidValues::kMost];
  int n;
  bool nonfinite;

  explicit InvalidRule(const InvalidValues& values) noexcept : n(values.n), nonfinite(values.nonfinite) {
    for (int k = 0; k < n; ++k) low[k] = bound(values.low[k]), high[k] = bound(values.high[k]);
  }
  static T bound(Bound b) noexcept {
    if constexpr (std::is_floating_point_v<T>) return static_cast<T>(b.f);
    else if constexpr (std::is_signed_v<T>) return static_cast<T>(b.i);
    else return static_cast<T>(b.u);
  }
  bool any(const T* from, std::size_t count) const noexcept {
    unsigned found = 0;
    for (int k = 0; k < n; ++k) {
      const T least = low[k], most = high[k];
      for (std::size_t p = 0; p < count; ++p) found |= static_cast<unsigned>((from[p] >= least) & (from[p] <= most));
    }
    if constexpr (std::is_floating_point_v<T>) {
      if (nonfinite) {
        for (std::size_t p = 0; p < count; ++p) found |= static_cast<unsigned>(!(from[p] - from[p] == T{}));
      }
    }
    return found != 0;
  }
  bool operator()(T value) const noexcept {
    if constexpr (std::is_floating_point_v<T>) {
      if (nonfinite && !(value - value == T{})) return true;
    }
    for (int k = 0; k < n; ++k) {
      if (value >= low[k] && value <= high[k]) return true;
    }
    return false;
  }
};

// One part of one frame.
struct PairJob {
  PackedView weights;
  PixelTerms terms;
  const std::int64_t* indptr;
  const std::int32_t* partners;
  const double* variance;  // null: that of counts
  const double* means;     // null: a variance for each pixel
  bool side_by_side;
};

// Pixels in which order: neighbours feed the same pair, and an addition must wait for the one before it.
constexpr std::size_t kStride = 16;

std::size_t slot_of(const PairJob& job, std::size_t a, std::size_t b) noexcept {
  const std::int64_t begin = job.indptr[a], end = job.indptr[a + 1];
  const std::int64_t guess = begin + static_cast<std::int64_t>(b - a) - 1;  // right where bins lie side by side
  const auto partner = static_cast<std::int32_t>(b);
  if (guess < end && job.partners[guess] == partner) return static_cast<std::size_t>(guess);
  return static_cast<std::size_t>(std::lower_bound(job.partners + begin, job.partners + end, partner) - job.partners);
}

// Adds one pixel to all its pairs. `spread` is its variance, or its signal where residuals count.
void add_pixel(const PairJob& job, std::size_t pixel, const std::uint32_t* bins, const double* weights, std::size_t n,
               double spread, double* sums) noexcept {
  const double scale = job.terms.normalization ? job.terms.normalization[pixel] : 1.0;
  const auto term = [&](std::size_t i) {
    return job.means ? weights[i] * (spread - job.means[bins[i]] * scale) : weights[i];
  };
  for (std::size_t i = 0; i + 1 < n; ++i) {
    if (weights[i] == 0.0) continue;
    const double one = job.means ? term(i) : weights[i] * spread;
    for (std::size_t k = i + 1; k < n; ++k) {
      if (weights[k] != 0.0) sums[slot_of(job, bins[i], bins[k])] += one * term(k);
    }
  }
}

// Whether a pixel counts, and its variance or, where residuals count, its signal.
template <class T>
struct PixelSpread {
  const PairJob& job;
  const T* values;
  InvalidRule<T> is_invalid;

  bool counts(std::size_t p) const noexcept {
    return (job.weights.used[p >> 3] >> (p & 7) & 1) && !is_invalid(values[p]);
  }
  double operator()(std::size_t p) const noexcept {
    const double value = static_cast<double>(values[p]), gain = job.terms.gain ? job.terms.gain[p] : 1.0;
    if (job.means) return (value - (job.terms.offset ? job.terms.offset[p] : 0.0)) * gain;
    const double v = job.variance ? job.variance[p] : value <= 0.0 ? 0.0 : value;  // NaN stays
    return v * (gain * gain);
  }
  // The variances of n pixels from `first`: zero where a value is invalid, anything where a pixel feeds no bin.
  void fill(std::size_t first, std::size_t n, double* out) const noexcept {
    const T* const from = values + first;
    if (job.variance) {
      for (std::size_t k = 0; k < n; ++k) out[k] = job.variance[first + k];
    } else {
      for (std::size_t k = 0; k < n; ++k) {
        const double value = static_cast<double>(from[k]);
        out[k] = value <= 0.0 ? 0.0 : value;
      }
    }
    if (job.terms.gain) {
      const double* const gain = job.terms.gain + first;
      for (std::size_t k = 0; k < n; ++k) out[k] *= gain[k] * gain[k];
    }
    if (!is_invalid.any(from, n)) return;
    for (std::size_t k = 0; k < n; ++k) {
      if (is_invalid(from[k])) out[k] = 0.0;
    }
  }
};

// Pixels of two weights a and 1 - a, from first to last (at most a group). Those without weights and irregular ones have
// a sink as bin, whose pair nobody reads. Loops without branches, so that they become vector instructions.
template <class T>
void add_pairs(const PairJob& job, const PixelSpread<T>& spread, std::size_t first, std::size_t last, double* sums) {
  const PackedView& w = job.weights;
  const std::size_t n = last - first;
  alignas(64) double product[kGroup] = {};
  spread.fill(first, n, product);
  for (std::size_t k = 0; k < n; ++k) {
    const double a = std::abs(w.weight[first + k]);
    const double both = a * (1.0 - a) * product[k];
    product[k] = a == 0.0 ? 0.0 : both;  // also where the value is infinite
  }
  const auto add = [&](std::size_t k) {
    const std::size_t bin = w.bin16 ? w.bin16[first + k] : w.bin32[first + k];
    sums[job.indptr[bin]] += product[k];
  };
  if (n < kGroup) {
    for (std::size_t k = 0; k < n; ++k) add(k);
    return;
  }
  for (std::size_t k = 0; k < kStride; ++k) {
    for (std::size_t at = k; at < kGroup; at += kStride) add(at);
  }
}

// The same for residuals.
template <class T>
void add_residual_pairs(const PairJob& job, const PixelSpread<T>& spread, std::size_t first, std::size_t last,
                        double* sums) {
  const PackedView& w = job.weights;
  for (std::size_t p = first; p < last; ++p) {
    const std::uint32_t bin = w.bin16 ? w.bin16[p] : w.bin32[p];
    if (w.weight[p] == 0.0 || bin >= w.n_bins || !spread.counts(p)) continue;
    const Pair pair = unpacked_pair(w.weight[p]);
    const std::uint32_t bins[] = {bin, bin + 1};
    const double weights[] = {pair.first, pair.second};
    add_pixel(job, p, bins, weights, 2, spread(p), sums);
  }
}

template <class T>
void add_lists(const PairJob& job, const PixelSpread<T>& spread, std::size_t first, std::size_t last, double* sums) {
  const PackedView& w = job.weights;
  const auto width = static_cast<std::size_t>(w.width);
  std::uint32_t bins[kLargestWidth];
  for (std::size_t p = first; p < last; ++p) {
    const std::uint32_t bin = w.bin16 ? w.bin16[p] : w.bin32[p];
    if (bin >= w.n_bins || !spread.counts(p)) continue;
    for (std::size_t k = 0; k < width; ++k) bins[k] = bin + static_cast<std::uint32_t>(k);
    add_pixel(job, p, bins, w.weight + p * width, width, spread(p), sums);
  }
}

// The same where the partners of every bin begin with those beside it: no pair has to be looked for.
template <std::size_t kWidth, class T>
void add_runs(const PairJob& job, const PixelSpread<T>& spread, std::size_t first, std::size_t last, double* sums) {
  const PackedView& w = job.weights;
  double variance[kGroup];
  spread.fill(first, last - first, variance);
  for (std::size_t p = first; p < last; ++p) {
    const std::size_t bin = w.bin16 ? w.bin16[p] : w.bin32[p];
    if (bin >= w.n_bins) continue;
    const double* const weight = w.weight + p * kWidth;
    for (std::size_t i = 0; i + 1 < kWidth && weight[i + 1] != 0.0; ++i) {
      double* const of_bin = sums + job.indptr[bin + i];
      const double one = weight[i] * variance[p - first];
      for (std::size_t k = i + 1; k < kWidth && weight[k] != 0.0; ++k) of_bin[k - i - 1] += one * weight[k];
    }
  }
}

template <class T>
void add_group(const PairJob& job, const PixelSpread<T>& spread, std::size_t first, std::size_t last, double* sums) {
  const PackedView& w = job.weights;
  if (w.weighting == Weighting::pair) {
    if (job.means) add_residual_pairs(job, spread, first, last, sums);
    else add_pairs(job, spread, first, last, sums);
  } else if (!job.side_by_side || job.means) {
    add_lists(job, spread, first, last, sums);
  } else if (w.width == 2) {
    add_runs<2>(job, spread, first, last, sums);
  } else if (w.width == 4) {
    add_runs<4>(job, spread, first, last, sums);
  } else {
    add_runs<8>(job, spread, first, last, sums);
  }
}

template <class T>
void add_part(const PairJob& job, const void* frame, const InvalidValues& invalid, std::size_t first, std::size_t last,
              double* sums) {
  const PackedView& w = job.weights;
  const PixelSpread<T> spread{job, static_cast<const T*>(frame), InvalidRule<T>(invalid)};
  const bool share = w.weighting == Weighting::pair || (w.weighting == Weighting::listed && w.width > 1);
  for (std::size_t at = first; share && at < last; at += kGroup) {
    add_group(job, spread, at, std::min(last, at + kGroup), sums);
  }
  const std::uint32_t* const all = w.irregular + w.n_irregular;
  for (const std::uint32_t* at = std::lower_bound(w.irregular, all, first); at != all && *at < last; ++at) {
    const auto i = static_cast<std::size_t>(at - w.irregular);
    if (!spread.counts(*at)) continue;
    add_pixel(job, *at, w.irregular_bin + w.begin[i], w.irregular_weight + w.begin[i], w.begin[i + 1] - w.begin[i],
              spread(*at), sums);
  }
}

using AddPart = void (*)(const PairJob&, const void*, const InvalidValues&, std::size_t, std::size_t, double*);
constexpr AddPart kAddPart[] = {add_part<std::uint8_t>,  add_part<std::uint16_t>, add_part<std::uint32_t>,
                                add_part<std::uint64_t>, add_part<std::int8_t>,   add_part<std::int16_t>,
                                add_part<std::int32_t>,  add_part<std::int64_t>,  add_part<float>,
                                add_part<double>};

// The pairs of bins that share a pixel.
BinPairs pairs_of(const PackedWeights& weights, std::size_t most, unsigned n_threads) {
  const std::size_t n_bins = weights.n_bins(), n_pixels = weights.n_pixels();
  const std::size_t n_parts = std::clamp<std::size_t>(n_threads, 1, n_bins > 20000 ? 2 : 8);
  std::vector<PairLists> parts(n_parts, PairLists(n_bins));
  std::atomic<bool> too_many{false};
  for_each_block(n_parts, n_threads, [&](std::size_t part) {
    std::size_t n_found = 0;
    std::vector<std::size_t> bins;
    for (std::size_t p = n_pixels * part / n_parts; p < n_pixels * (part + 1) / n_parts && !too_many; ++p) {
      bins.clear();
      weights.for_each_weight(p, [&](std::size_t bin, double) { bins.push_back(bin); });
      for (std::size_t i = 0; i + 1 < bins.size() && n_found <= most; ++i) {
        for (std::size_t k = i + 1; k < bins.size(); ++k) n_found += parts[part].add(bins[i], bins[k]);
      }
      if (n_found > most) too_many = true;
    }
  });
  BinPairs pairs;
  pairs.indptr.reserve(n_bins + 1);
  pairs.indptr.push_back(0);
  for (std::size_t a = 0; a < n_bins && !too_many; ++a) {
    for (std::size_t part = 1; part < n_parts; ++part) {
      for (const std::int32_t b : parts[part][a]) parts[0].add(a, static_cast<std::size_t>(b));
    }
    pairs.partners.insert(pairs.partners.end(), parts[0][a].begin(), parts[0][a].end());
    pairs.indptr.push_back(static_cast<std::int64_t>(pairs.partners.size()));
  }
  if (too_many || pairs.partners.size() > most) throw std::length_error("too many bins share pixels");
  return pairs;
}

// Whether the weights of every regular pixel run on without a gap, and the pairs of a bin begin with those beside it.
bool are_side_by_side(const PackedWeights& weights, const BinPairs& pairs) noexcept {
  for (std::size_t a = 0; a < weights.n_bins(); ++a) {
    for (std::int64_t e = pairs.indptr[a]; e < pairs.indptr[a + 1]; ++e) {
      const std::int64_t step = pairs.partners[static_cast<std::size_t>(e)] - static_cast<std::int64_t>(a);
      if (step >= static_cast<std::int64_t>(kLargestWidth)) break;
      if (step != e - pairs.indptr[a] + 1) return false;
    }
  }
  const PackedView w = weights.view();
  const auto width = static_cast<std::size_t>(w.width);
  for (std::size_t p = 0; w.weighting == Weighting::listed && p < w.n_pixels; ++p) {
    for (std::size_t k = 1; k < width; ++k) {
      if (w.weight[p * width + k] != 0.0 && w.weight[p * width + k - 1] == 0.0) return false;
    }
  }
  return true;
}

}  // namespace

PairReduction::PairReduction(std::shared_ptr<const PackedWeights> weights, PixelTerms terms, std::size_t most,
                             unsigned n_threads)
    : weights_(std::move(weights)),
      terms_(terms),
      pairs_(pairs_of(*weights_, most, n_threads)),
      begin_(pairs_.indptr),
      part_ends_(ends_of_parts(weights_->n_pixels(), pairs_.partners.size())) {
  side_by_side_ = are_side_by_side(*weights_, pairs_);
  begin_.resize(weights_->n_bins() + 1 + kExtraBins, static_cast<std::int64_t>(pairs_.partners.size()));
}

std::vector<double> PairReduction::frame(DType dtype, const void* frame, const double* variance, const double* means,
                                         const InvalidValues& invalid, unsigned n_threads) const {
  const PairJob job{weights_->view(), terms_, begin_.data(), pairs_.partners.data(), variance, means,
                    side_by_side_};
  const std::size_t n_parts = part_ends_.size(), size = pairs_.partners.size() + 1;  // one more, that pixels of one bin feed
  const AddPart add = kAddPart[static_cast<int>(dtype)];
  std::vector<std::vector<double>> sums(n_parts);
  for (auto& part : sums) part.resize(size);
  for_each_block(n_parts, n_threads, [&](std::size_t part) {
    add(job, frame, invalid, part == 0 ? 0 : part_ends_[part - 1], part_ends_[part], sums[part].data());
  });
  for (std::size_t part = 1; part < n_parts; ++part) {
    for (std::size_t i = 0; i < size; ++i) sums[0][i] += sums[part][i];
  }
  sums[0].pop_back();
  return std::move(sums[0]);
}

std::vector<double> PairReduction::chunk(Codec codec, DType dtype, const std::uint8_t* chunk, std::size_t size,
                                         const double* means, const InvalidValues& invalid, ChunkError& error) const {
  const std::size_t item_size = kItemSize[static_cast<int>(dtype)], n_bytes = n_pixels() * item_size;
  std::uint8_t* const dense = workspace(3, n_bytes);
  error = chunk_decode(codec, chunk, size, item_size, dense, n_bytes, 1);
  if (error != ChunkError::none) return {};
  return frame(dtype, dense, nullptr, means, invalid, 1);
}

}  // namespace azimuthal
