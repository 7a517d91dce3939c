// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
//
// Adding a group of up to 64 pixels to the sums, for one frame and for sixteen. Included by the kernels only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "azimuthal/kernels.hpp"

#if defined(__AVX512F__) || defined(__AVX2__) || defined(__SSE2__)
#include <immintrin.h>
#endif

namespace azimuthal::AZIMUTHAL_ISA {
namespace {

constexpr std::size_t kRowsOfGroup = 4;  // pixels k, k + 16, k + 32, k + 48 are added one after the other
constexpr std::size_t kColumns = kGroup / kRowsOfGroup;

#if defined(__AVX512F__)
constexpr std::size_t kVector = 8;
#elif defined(__AVX2__)
constexpr std::size_t kVector = 4;
#else
constexpr std::size_t kVector = 2;
#endif
#if defined(__GNUC__) || defined(__clang__)
using Vector [[gnu::vector_size(kVector * 8)]] = double;
using TwoDoubles [[gnu::vector_size(16)]] = double;
inline Vector broadcast(double x) { return x - Vector{}; }
#else
#error "the kernels need a compiler with vector extensions: GCC or Clang (on Windows clang-cl)"
#endif

inline Vector load(const double* p) noexcept {
  Vector v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
inline void store(double* p, Vector v) noexcept { std::memcpy(p, &v, sizeof v); }
inline TwoDoubles load_two(const double* p) noexcept {
  TwoDoubles v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
inline void store_two(double* p, TwoDoubles v) noexcept { std::memcpy(p, &v, sizeof v); }

// What a plan's pixels look like, known when the loop is compiled.
template <class Index, Weighting kForm, int kSlots>
struct Form {
  using index = Index;
  static constexpr Weighting weighting = kForm;
  static constexpr int slots = kSlots;  // bins that a regular pixel adds to
};

// Calls work.template operator()<Form>() for the plan.
template <class Index, class Work>
void with_form(const PackedView& w, Work&& work) {
  if (w.weighting == Weighting::one) return work.template operator()<Form<Index, Weighting::one, 1>>();
  if (w.weighting == Weighting::pair) return work.template operator()<Form<Index, Weighting::pair, 2>>();
  switch (w.width) {
    case 1: return work.template operator()<Form<Index, Weighting::listed, 1>>();
    case 2: return work.template operator()<Form<Index, Weighting::listed, 2>>();
    case 4: return work.template operator()<Form<Index, Weighting::listed, 4>>();
    default: return work.template operator()<Form<Index, Weighting::listed, 8>>();
  }
}

template <class Index>
const Index* bins_of(const PackedView& w) noexcept {
  if constexpr (sizeof(Index) == 2) return w.bin16;
  else return w.bin32;
}

// The weights of a group as doubles.
//
// For sixteen frames those that are listed are copied: pixels are not added in the order in which memory is fetched well.
// For one they are not: the compiler must then assume that the sums may overlap them, and adds bin by bin. An addition to
// several bins at once would wait for the one before, which overlaps it in part: half the speed.
template <class F, bool kCopies>
struct GroupWeights {
  static constexpr bool is_pair = F::weighting == Weighting::pair, is_listed = F::weighting == Weighting::listed;
  alignas(64) double pair[2][is_pair ? kGroup : 1];
  alignas(64) double copied[is_listed && kCopies ? kGroup * F::slots : 1];
  const double* listed;

  void read(const PackedView& w, std::size_t first, std::size_t n) noexcept {
    if constexpr (is_pair) {
      const double* stored = w.weight + first;
      if (n == kGroup) unpack(stored, kGroup);
      else unpack(stored, n);
    } else if constexpr (is_listed) {
      listed = w.weight + first * F::slots;
      if constexpr (kCopies) {
        std::memcpy(copied, listed, n * F::slots * sizeof(double));
        listed = copied;
      }
    } else {
      (void)w, (void)first, (void)n;
    }
  }
  double at(std::size_t p, int slot) const noexcept {
    if constexpr (is_pair) return pair[slot][p];
    else return listed[p * F::slots + static_cast<std::size_t>(slot)];
  }

 private:
  void unpack(const double* stored, std::size_t n) noexcept {
    for (std::size_t p = 0; p < n; ++p) {
      std::int64_t bits;
      std::memcpy(&bits, stored + p, 8);
      const std::int64_t magnitude = bits & 0x7fffffffffffffff;
      double smaller;
      std::memcpy(&smaller, &magnitude, 8);
      const double larger = 1.0 - smaller;
      pair[0][p] = bits < 0 ? smaller : larger;
      pair[1][p] = bits < 0 ? larger : smaller;
    }
  }
};

// Irregular pixels of the plan in ascending order, from a pixel on.
class IrregularCursor {
 public:
  IrregularCursor(const PackedView& w, std::size_t first) noexcept : w_(w) {
    std::size_t low = 0, high = w.n_irregular;
    while (low < high) {
      const std::size_t middle = (low + high) / 2;
      if (w.irregular[middle] < first) low = middle + 1;
      else high = middle;
    }
    next_ = low;
    pixel_ = next_ < w.n_irregular ? w.irregular[next_] : ~std::size_t{0};
  }
  // Calls add(pixel, bin, weight) for the entries of irregular pixels before `end`.
  template <class Add>
  void until(std::size_t end, Add&& add) noexcept {
    while (pixel_ < end) {
      for (std::uint32_t e = w_.begin[next_]; e < w_.begin[next_ + 1]; ++e) {
        add(pixel_, w_.irregular_bin[e], w_.irregular_weight[e]);
      }
      ++next_;
      pixel_ = next_ < w_.n_irregular ? w_.irregular[next_] : ~std::size_t{0};
    }
  }

 private:
  const PackedView& w_;
  std::size_t next_, pixel_;
};

// Calls add(p) for the pixels of a group in their order.
template <class Add>
inline __attribute__((always_inline)) void in_order(std::size_t n, Add&& add) {
  if (n == kGroup) {
    for (std::size_t k = 0; k < kColumns; ++k) {
      add(k), add(k + 16), add(k + 32), add(k + 48);
    }
  } else {
    for (std::size_t k = 0; k < kColumns; ++k) {
      for (std::size_t p = k; p < n; p += kColumns) add(p);
    }
  }
}

// One frame: value[p] and, where they differ, variance[p] of the pixels first..first + n.
template <class F, std::size_t kSums>
[[gnu::noinline]] void add_single(const PackedView& w, std::size_t first, std::size_t n, const double* value, const double* variance,
                IrregularCursor& irregular, double* sums) {
  const typename F::index* bin = bins_of<typename F::index>(w) + first;
  GroupWeights<F, false> weights;
  weights.read(w, first, n);
  in_order(n, [&](std::size_t p) __attribute__((always_inline)) {
    double* at = sums + static_cast<std::size_t>(bin[p]) * kSums;
    if constexpr (kSums == 1) {
      for (int k = 0; k < F::slots; ++k) {
        at[k] += F::weighting == Weighting::one ? value[p] : weights.at(p, k) * value[p];
      }
    } else {
      const TwoDoubles both{value[p], variance[p]};
      for (int k = 0; k < F::slots; ++k) {
        if constexpr (F::weighting == Weighting::one) {
          store_two(at + 2 * k, load_two(at + 2 * k) + both);
        } else {
          const double c = weights.at(p, k);
          store_two(at + 2 * k, load_two(at + 2 * k) + TwoDoubles{c, c * c} * both);
        }
      }
    }
  });
  irregular.until(first + n, [&](std::size_t pixel, std::size_t at, double c) {
    sums[at * kSums] += c * value[pixel - first];
    if constexpr (kSums == 2) sums[at * kSums + 1] += c * c * variance[pixel - first];
  });
}

using AddSingle = void (*)(const PackedView& w, std::size_t first, std::size_t n, const double* value,
                           const double* variance, IrregularCursor& irregular, double* sums);

AddSingle add_single_of(const PackedView& w, std::size_t n_sums) {
  AddSingle chosen = nullptr;
  const auto choose = [&]<class F>() { chosen = n_sums == 2 ? &add_single<F, 2> : &add_single<F, 1>; };
  if (w.bin16) with_form<std::uint16_t>(w, choose);
  else with_form<std::uint32_t>(w, choose);
  return chosen;
}

// Sixteen frames: Tile::values(tile, p, vectors) gives the values of pixel p of the group in all lanes; the variance is
// no less than zero where they may be.
template <class F, std::size_t kSums, class Tile>
[[gnu::noinline]] void add_lanes(const PackedView& w, std::size_t first, std::size_t n, const void* tile,
                                 IrregularCursor& irregular, double* sums) {
  const auto values = [tile](std::size_t p, Vector* value) __attribute__((always_inline)) {
    Tile::values(tile, p, value);
  };
  constexpr bool kClipVariance = Tile::is_signed && kSums == 2;
  constexpr std::size_t kVectors = kLanes / kVector;
  constexpr std::size_t kStride = kSums * kLanes;
  // Bins are widened here, and below is one loop for whole and other groups: with sixteen values for each bin neither
  // takes time, and there is a quarter of the code.
  std::uint32_t bin[kGroup];
  if (w.bin16) {
    for (std::size_t p = 0; p < n; ++p) bin[p] = w.bin16[first + p];
  } else {
    std::memcpy(bin, w.bin32 + first, n * sizeof bin[0]);
  }
  GroupWeights<F, true> weights;
  weights.read(w, first, n);
  const auto add = [](double* at, Vector c, const Vector* value) __attribute__((always_inline)) {
    for (std::size_t v = 0; v < kVectors; ++v) {
      const Vector signal = F::weighting == Weighting::one && kSums == 1 ? value[v] : c * value[v];
      store(at + v * kVector, load(at + v * kVector) + signal);
      if constexpr (kSums == 2) {
        const Vector counted = kClipVariance ? (value[v] > 0.0 ? value[v] : Vector{}) : value[v];
        double* of_variance = at + kLanes + v * kVector;
        store(of_variance, load(of_variance) + c * c * counted);
      }
    }
  };
  for (std::size_t k = 0; k < kColumns; ++k) {
    for (std::size_t p = k; p < n; p += kColumns) {
      Vector value[kVectors];
      values(p, value);
      double* at = sums + static_cast<std::size_t>(bin[p]) * kStride;
      if constexpr (F::weighting == Weighting::one) {
        add(at, broadcast(1.0), value);
      } else {
        for (int slot = 0; slot < F::slots; ++slot) {
          add(at + slot * kStride, broadcast(weights.at(p, slot)), value);
        }
      }
    }
  }
  irregular.until(first + n, [&](std::size_t pixel, std::size_t at, double c) {
    Vector value[kVectors];
    values(pixel - first, value);
    add(sums + at * kStride, broadcast(c), value);
  });
}

using AddLanes = void (*)(const PackedView& w, std::size_t first, std::size_t n, const void* tile,
                          IrregularCursor& irregular, double* sums);

template <class Tile>
AddLanes add_lanes_of(const PackedView& w, std::size_t n_sums) {
  AddLanes chosen = nullptr;
  with_form<std::uint32_t>(w, [&]<class F>() { chosen = n_sums == 2 ? &add_lanes<F, 2, Tile> : &add_lanes<F, 1, Tile>; });
  return chosen;
}

// Calls add(bin, weight) for every weight of a pixel that is not zero; for single pixels, not for loops.
template <class Add>
void for_each_weight(const PackedView& w, std::size_t pixel, Add&& add) {
  const std::size_t first = w.bin16 ? w.bin16[pixel] : w.bin32[pixel];
  if (first >= w.n_bins) {
    IrregularCursor cursor(w, pixel);
    cursor.until(pixel + 1, [&](std::size_t, std::size_t bin, double c) { add(bin, c); });
  } else if (w.weighting == Weighting::one) {
    add(first, 1.0);
  } else if (w.weighting == Weighting::pair) {
    const Pair pair = unpacked_pair(w.weight[pixel]);
    add(first, pair.first);
    if (pair.second != 0.0) add(first + 1, pair.second);
  } else {
    const auto width = static_cast<std::size_t>(w.width);
    for (std::size_t k = 0; k < width; ++k) {
      const double c = w.weight[pixel * width + k];
      if (c != 0.0) add(first + k, c);
    }
  }
}

}  // namespace
}  // namespace azimuthal::AZIMUTHAL_ISA
