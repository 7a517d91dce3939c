// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
//
// Gathering the entries of a bin, a block at a time, and adding those inside a window. Sums run in eight lanes, entry i
// in lane i mod 8: the same bits on every instruction set.
#include "azimuthal/robust_kernels.hpp"

#include <type_traits>

#include "frame_types.hpp"

namespace azimuthal::AZIMUTHAL_ISA {
namespace {

constexpr std::size_t kBlock = 64;
constexpr std::size_t kSumLanes = 8;
constexpr int kSums = 8;

template <class T>
struct Invalid {
  T low[InvalidValues::kMost], high[InvalidValues::kMost];
  int n;
  bool nonfinite;

  explicit Invalid(const InvalidValues& values) noexcept : n(values.n), nonfinite(values.nonfinite) {
    for (int k = 0; k < n; ++k) low[k] = of(values.low[k]), high[k] = of(values.high[k]);
  }
  static T of(Bound b) noexcept {
    if constexpr (std::is_floating_point_v<T>) return static_cast<T>(b.f);
    else if constexpr (std::is_signed_v<T>) return static_cast<T>(b.i);
    else return static_cast<T>(b.u);
  }
  bool operator()(T value) const noexcept {
    bool found = false;
    if constexpr (std::is_floating_point_v<T>) found = nonfinite && !(value - value == T{});
    for (int k = 0; k < n; ++k) found |= (value >= low[k]) & (value <= high[k]);
    return found;
  }
  // Whether any is; without branches.
  bool any(const T* values, std::size_t count) const noexcept {
    unsigned found = 0;
    for (int k = 0; k < n; ++k) {
      const T from = low[k], to = high[k];
      unsigned here = 0;
      for (std::size_t i = 0; i < count; ++i) here |= static_cast<unsigned>((values[i] >= from) & (values[i] <= to));
      found |= here;
    }
    if constexpr (std::is_floating_point_v<T>) {
      unsigned here = 0;
      for (std::size_t i = 0; i < count; ++i) here |= static_cast<unsigned>(!(values[i] - values[i] == T{}));
      found |= here;
    }
    return found != 0;
  }
};

// Arrays of a block; what is invalid has weight 0 and is 0.
struct Block {
  alignas(64) double c[kBlock], raw[kBlock], signal[kBlock], spread[kBlock], good[kBlock];
};

double square(double x) noexcept { return x * x; }

template <class T>
void load_block(const BinEntries& bin, const Invalid<T>& invalid, std::size_t first, std::size_t n, Block& block) {
  const std::uint32_t* const pixel = bin.pixel + first;
  const T* const frame = static_cast<const T*>(bin.frame);
  // What the next block needs comes from all over the frame.
  const std::size_t ahead = bin.n - first - n < kBlock ? bin.n - first - n : kBlock;
  for (std::size_t i = 0; i < ahead; ++i) __builtin_prefetch(frame + pixel[n + i]);
  T values[kBlock];
  for (std::size_t i = 0; i < n; ++i) values[i] = frame[pixel[i]];
  if (invalid.any(values, n)) {
    for (std::size_t i = 0; i < n; ++i) {
      const bool bad = invalid(values[i]);
      block.good[i] = bad ? 0.0 : 1.0;
      block.raw[i] = bad ? 0.0 : static_cast<double>(values[i]);
    }
  } else {
    for (std::size_t i = 0; i < n; ++i) block.good[i] = 1.0, block.raw[i] = static_cast<double>(values[i]);
  }
  if (bin.weight) {
    const double* const weight = bin.weight + first;
    for (std::size_t i = 0; i < n; ++i) block.c[i] = weight[i] * block.good[i];
  } else {
    for (std::size_t i = 0; i < n; ++i) block.c[i] = block.good[i];
  }
  if (bin.offset) {
    for (std::size_t i = 0; i < n; ++i) block.signal[i] = block.raw[i] - bin.offset[pixel[i]];
  } else {
    for (std::size_t i = 0; i < n; ++i) block.signal[i] = block.raw[i];
  }
  if (bin.gain) {
    for (std::size_t i = 0; i < n; ++i) block.signal[i] *= bin.gain[pixel[i]];
  }
  if (bin.model == Variance::none) return;
  if (bin.model == Variance::poisson) {
    for (std::size_t i = 0; i < n; ++i) block.spread[i] = block.raw[i] <= 0.0 ? 0.0 : block.raw[i];
  } else {
    for (std::size_t i = 0; i < n; ++i) block.spread[i] = block.good[i] != 0.0 ? bin.variance[pixel[i]] : 0.0;
  }
  if (bin.gain) {
    for (std::size_t i = 0; i < n; ++i) block.spread[i] *= square(bin.gain[pixel[i]]);
  }
}

// Entries up to a multiple of the lanes that are none.
void pad_block(std::size_t from, Block& block) noexcept {
  for (std::size_t i = from; i < kBlock; ++i) {
    block.c[i] = block.raw[i] = block.signal[i] = block.spread[i] = block.good[i] = 0.0;
  }
}

template <class T>
std::size_t window(const BinEntries& bin, double center, double width, WindowSums& sums, std::uint32_t* outside) {
  const Invalid<T> invalid(*bin.invalid);
  alignas(64) double lanes[kSums][kSumLanes] = {};
  alignas(64) double inside[kBlock], last[kBlock] = {};
  Block block;
  std::size_t n_outside = 0;
  const bool has_variance = bin.model != Variance::none;
  for (std::size_t first = 0; first < bin.n; first += kBlock) {
    const std::size_t n = bin.n - first < kBlock ? bin.n - first : kBlock;
    if (n < kBlock) pad_block(0, block);
    load_block<T>(bin, invalid, first, n, block);
    const double* weighted = bin.normalized ? bin.normalized + first : block.c;
    if (n < kBlock) {  // beyond the last entry there is nothing to read
      for (std::size_t i = 0; i < n; ++i) last[i] = weighted[i];
      weighted = last;
    }
    for (std::size_t at = 0; at < kBlock; at += kSumLanes) {
      for (std::size_t l = 0; l < kSumLanes; ++l) {
        const std::size_t i = at + l;
        // c s, c n, c d; c is greater than 0.
        const double cs = block.c[i] * block.signal[i], cn = weighted[i];
        const double cd = cs - center * cn, limit = width * cn;
        const bool is_in = (cd <= limit) & (-cd <= limit) & (block.good[i] != 0.0);
        inside[i] = is_in ? 1.0 : 0.0;
        // Selected, not multiplied: infinity outside must stay outside.
        const double c = is_in ? block.c[i] : 0.0, a = is_in ? cn : 0.0, cr = is_in ? cd : 0.0;
        lanes[0][l] += is_in ? cs : 0.0;
        lanes[1][l] += a;
        lanes[2][l] += a * a;
        lanes[3][l] += c;
        lanes[5][l] += cr * cr;
        lanes[6][l] += a * cr;
        lanes[7][l] += is_in & (block.raw[i] < 0.0) ? 1.0 : 0.0;
      }
    }
    if (has_variance) {
      for (std::size_t at = 0; at < kBlock; at += kSumLanes) {
        for (std::size_t l = 0; l < kSumLanes; ++l) {
          const std::size_t i = at + l;
          const bool is_in = inside[i] != 0.0;
          const double c = is_in ? block.c[i] : 0.0, v = is_in ? block.spread[i] : 0.0;
          lanes[4][l] += c * c * v;
        }
      }
    }
    double n_inside[kSumLanes] = {};
    for (std::size_t i = 0; i < kBlock; i += kSumLanes) {
      for (std::size_t l = 0; l < kSumLanes; ++l) n_inside[l] += inside[i + l];
    }
    double all_inside = 0.0;
    for (std::size_t l = 0; l < kSumLanes; ++l) all_inside += n_inside[l];
    if (all_inside == static_cast<double>(n)) continue;
    for (std::size_t i = 0; i < n; ++i) {
      outside[n_outside] = static_cast<std::uint32_t>(first + i);
      n_outside += inside[i] == 0.0;
    }
  }
  double total[kSums];
  for (int k = 0; k < kSums; ++k) {
    total[k] = 0.0;
    for (std::size_t l = 0; l < kSumLanes; ++l) total[k] += lanes[k][l];
  }
  sums = {total[0], total[1], total[2], total[3], total[4], total[5], total[6], total[7]};
  return n_outside;
}

template <class T>
std::size_t gathered(const BinEntries& bin, double* x, double* a, double* c, double& variance) {
  const Invalid<T> invalid(*bin.invalid);
  Block block;
  std::size_t n_valid = 0;
  for (std::size_t first = 0; first < bin.n; first += kBlock) {
    const std::size_t n = bin.n - first < kBlock ? bin.n - first : kBlock;
    load_block<T>(bin, invalid, first, n, block);
    alignas(64) double ratio[kBlock], weight[kBlock];
    if (bin.normalized) {
      for (std::size_t i = 0; i < n; ++i) {
        weight[i] = bin.normalized[first + i];
        ratio[i] = block.signal[i] / bin.normalization[bin.pixel[first + i]];  // equal pixels, whatever their weights
      }
    } else {
      for (std::size_t i = 0; i < n; ++i) ratio[i] = block.signal[i], weight[i] = block.c[i];
    }
    if (bin.model != Variance::none) {
      for (std::size_t i = 0; i < n; ++i) {
        if (block.good[i] != 0.0) variance += block.c[i] * block.c[i] * block.spread[i];
      }
    }
    double n_good[kSumLanes] = {};
    if (n == kBlock) {
      for (std::size_t i = 0; i < kBlock; i += kSumLanes) {
        for (std::size_t l = 0; l < kSumLanes; ++l) n_good[l] += block.good[i + l];
      }
    }
    double all_good = 0.0;
    for (std::size_t l = 0; l < kSumLanes; ++l) all_good += n_good[l];
    if (all_good == static_cast<double>(kBlock)) {
      for (std::size_t i = 0; i < kBlock; ++i) {
        x[n_valid + i] = ratio[i];
        a[n_valid + i] = weight[i];
        c[n_valid + i] = block.c[i];
      }
      n_valid += kBlock;
      continue;
    }
    for (std::size_t i = 0; i < n; ++i) {
      x[n_valid] = ratio[i];
      a[n_valid] = weight[i];
      c[n_valid] = block.c[i];
      n_valid += block.good[i] != 0.0;
    }
  }
  return n_valid;
}

void trimmed(const TrimmedValues& v, TrimmedSums& sums) {
  alignas(64) double lanes[kSums][kSumLanes] = {};
  const double low = v.first, high = v.last, f_low = v.f_first, f_high = v.f_last, center = v.center;
  // A block has all its terms first, then its sums: simple loops, which compilers turn into vectors.
  alignas(64) double x[kBlock], a[kBlock], c[kBlock], f[kBlock], term[kSums][kBlock];
  for (std::size_t at = 0; at < v.n; at += kBlock) {
    const std::size_t n = v.n - at < kBlock ? v.n - at : kBlock, n_lanes = (n + kSumLanes - 1) / kSumLanes * kSumLanes;
    for (std::size_t i = 0; i < n; ++i) x[i] = v.x[at + i], a[i] = v.a[at + i], c[i] = v.c[at + i];
    for (std::size_t i = n; i < n_lanes; ++i) x[i] = center, a[i] = c[i] = 0.0;
    for (std::size_t i = 0; i < n_lanes; ++i) {
      const double within = x[i] <= high ? 1.0 : 0.0, not_less = x[i] >= low ? within : 0.0;
      const double from = x[i] == low ? f_low : not_less;
      f[i] = x[i] == high ? f_high : from;
    }
    for (std::size_t i = 0; i < n_lanes; ++i) {
      const double above = x[i] > low ? x[i] : low, clamped = above < high ? above : high;
      const double fa = f[i] * a[i], aw = a[i] * (clamped - center), fx = fa * x[i];
      term[0][i] = f[i] != 0.0 ? fx : 0.0;
      term[1][i] = fa;
      term[2][i] = fa * fa;
      term[3][i] = f[i] * c[i];
      term[4][i] = aw;
      term[5][i] = aw * aw;
      term[6][i] = a[i] * aw;
      term[7][i] = f[i] > 0.0 ? 1.0 : 0.0;
    }
    for (std::size_t i = n; i < n_lanes; ++i) term[7][i] = 0.0;
    for (int k = 0; k < kSums; ++k) {
      for (std::size_t i = 0; i < n_lanes; i += kSumLanes) {
        for (std::size_t l = 0; l < kSumLanes; ++l) lanes[k][l] += term[k][i + l];
      }
    }
  }
  double total[kSums];
  for (int k = 0; k < kSums; ++k) {
    total[k] = 0.0;
    for (std::size_t l = 0; l < kSumLanes; ++l) total[k] += lanes[k][l];
  }
  sums = {total[0], total[1], total[2], total[3], total[4], total[5], total[6], total[7]};
}

void totals(const double* a, const double* c, std::size_t n, WeightTotals& sums) {
  alignas(64) double norm[kSumLanes] = {}, norm2[kSumLanes] = {}, count[kSumLanes] = {};
  std::size_t at = 0;
  for (; at + kSumLanes <= n; at += kSumLanes) {
    for (std::size_t l = 0; l < kSumLanes; ++l) norm[l] += a[at + l];
    for (std::size_t l = 0; l < kSumLanes; ++l) norm2[l] += a[at + l] * a[at + l];
    for (std::size_t l = 0; l < kSumLanes; ++l) count[l] += c[at + l];
  }
  for (std::size_t l = 0; at + l < n; ++l) norm[l] += a[at + l], norm2[l] += a[at + l] * a[at + l], count[l] += c[at + l];
  sums = {};
  for (std::size_t l = 0; l < kSumLanes; ++l) sums.normalization += norm[l], sums.normalization2 += norm2[l], sums.count += count[l];
}

template <class T>
std::size_t sampled(const BinEntries& bin, std::size_t stride, double* x) {
  const Invalid<T> invalid(*bin.invalid);
  const T* const frame = static_cast<const T*>(bin.frame);
  std::size_t n_valid = 0;
  for (std::size_t i = 0; i < bin.n; i += stride) {
    const std::size_t pixel = bin.pixel[i];
    const T value = frame[pixel];
    double signal = static_cast<double>(value);
    if (bin.offset) signal -= bin.offset[pixel];
    if (bin.gain) signal *= bin.gain[pixel];
    x[n_valid] = bin.normalization ? signal / bin.normalization[pixel] : signal;
    n_valid += !invalid(value);
  }
  return n_valid;
}

template <class T>
Entry one_entry(const BinEntries& bin, std::size_t number) {
  const std::size_t pixel = bin.pixel[number];
  const T value = static_cast<const T*>(bin.frame)[pixel];
  Entry entry{0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0, false};
  if (Invalid<T>(*bin.invalid)(value)) return entry;
  entry.valid = true;
  entry.c = bin.weight ? bin.weight[number] : 1.0;
  entry.raw = static_cast<double>(value);
  entry.normalization = bin.normalization ? bin.normalization[pixel] : 1.0;
  entry.gain = bin.gain ? bin.gain[pixel] : 1.0;
  entry.offset = bin.offset ? bin.offset[pixel] : 0.0;
  entry.signal = (entry.raw - entry.offset) * entry.gain;
  if (bin.model == Variance::poisson) entry.variance = entry.raw <= 0.0 ? 0.0 : entry.raw;
  else if (bin.model == Variance::given) entry.variance = bin.variance[pixel];
  entry.variance *= square(entry.gain);
  return entry;
}

template <class T>
double smallest(const void* frame, const std::uint8_t* used, const InvalidValues& values, std::size_t first,
                std::size_t last) {
  const Invalid<T> invalid(values);
  const T* const raw = static_cast<const T*>(frame);
  double found = __builtin_inf();
  for (std::size_t p = first; p < last; ++p) {
    const T value = raw[p];
    if (value > T{} && static_cast<double>(value) < found && (used[p >> 3] >> (p & 7) & 1) && !invalid(value)) {
      found = static_cast<double>(value);
    }
  }
  return found;
}

template <class T>
std::int64_t counted_invalid(const void* frame, const std::uint8_t* used, const InvalidValues& values,
                             std::size_t first, std::size_t last) {
  const Invalid<T> invalid(values);
  const T* const raw = static_cast<const T*>(frame);
  std::int64_t found = 0;
  for (std::size_t at = first; at < last; at += kBlock) {
    const std::size_t end = last - at < kBlock ? last : at + kBlock;
    unsigned any = 0;
    for (std::size_t p = at; p < end; ++p) any |= static_cast<unsigned>(invalid(raw[p]));
    if (!any) continue;
    for (std::size_t p = at; p < end; ++p) found += (used[p >> 3] >> (p & 7) & 1) && invalid(raw[p]);
  }
  return found;
}

}  // namespace

std::size_t add_window(const BinEntries& bin, double center, double width, WindowSums& sums, std::uint32_t* outside) {
  return with_type(bin.dtype, [&]<class T>() { return window<T>(bin, center, width, sums, outside); });
}

Entry entry_at(const BinEntries& bin, std::size_t number) {
  return with_type(bin.dtype, [&]<class T>() { return one_entry<T>(bin, number); });
}

std::size_t sample_of(const BinEntries& bin, std::size_t stride, double* x) {
  return with_type(bin.dtype, [&]<class T>() { return sampled<T>(bin, stride, x); });
}

std::size_t values_of(const BinEntries& bin, double* x, double* a, double* c, double& variance) {
  return with_type(bin.dtype, [&]<class T>() { return gathered<T>(bin, x, a, c, variance); });
}

void add_trimmed(const TrimmedValues& values, TrimmedSums& sums) { trimmed(values, sums); }

void add_weights(const double* a, const double* c, std::size_t n, WeightTotals& sums) { totals(a, c, n, sums); }

void cells_of(const double* x, std::size_t n, double low, double scale, int last, std::uint16_t* cell) {
  const double highest = static_cast<double>(last);
  for (std::size_t i = 0; i < n; ++i) {
    const double at = (x[i] - low) * scale + 1.0;
    const double from_below = at > 0.0 ? at : 0.0;
    cell[i] = static_cast<std::uint16_t>(static_cast<std::int32_t>(from_below < highest ? from_below : highest));
  }
}

std::int64_t count_invalid(DType dtype, const void* frame, const std::uint8_t* used, const InvalidValues& invalid,
                           std::size_t first, std::size_t last) {
  return with_type(dtype, [&]<class T>() { return counted_invalid<T>(frame, used, invalid, first, last); });
}

double smallest_positive(DType dtype, const void* frame, const std::uint8_t* used, const InvalidValues& invalid,
                         std::size_t first, std::size_t last) {
  return with_type(dtype, [&]<class T>() { return smallest<T>(frame, used, invalid, first, last); });
}

}  // namespace azimuthal::AZIMUTHAL_ISA
