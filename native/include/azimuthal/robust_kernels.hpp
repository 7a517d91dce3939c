// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
//
// The vectorised part of robust averages: one pass over the entries of a bin, compiled once per instruction set
// (native/isa/robust.cpp). Plain data only, as in pixel_kernels.hpp.
#pragma once

#include <cstddef>
#include <cstdint>

#include "azimuthal/kernels.hpp"

namespace azimuthal {

// The entries of a bin in a frame. Null arrays: weights of one, offset 0, gain 1, normalisation 1.
struct BinEntries {
  const std::uint32_t* pixel;
  const double* weight;      // c
  const double* normalized;  // c n, per entry: read in sequence, unlike the normalisation of the pixels
  std::size_t n;
  DType dtype;
  const void* frame;
  const InvalidValues* invalid;
  const double* offset;
  const double* gain;
  const double* normalization;
  Variance model;
  const double* variance;  // of the raw values, for Variance::given
};

// Sums over entries inside a window, with s the signal, n the normalisation and d = s - center n.
struct WindowSums {
  double signal;          // c s
  double normalization;   // c n
  double normalization2;  // (c n)^2
  double count;           // c
  double variance;        // c^2 var gain^2
  double squares;         // c^2 d^2
  double cross;           // c^2 n d
  double n_negative;      // raw values below zero
};

// One entry by itself; the weight is 0 and the values are 0 where the pixel is invalid.
struct Entry {
  double c, raw, signal, normalization, gain, offset, variance;
  bool valid;
};

// Values between two of them, with weights a and parts c; those that are equal to one of the two count with a fraction.
struct TrimmedValues {
  const double* x;
  const double* a;
  const double* c;
  std::size_t n;
  double center;
  double first, last;
  double f_first, f_last;
};

// Sums over all values; w is x, moved to first or last when it is outside, minus center; f the fraction that counts.
struct TrimmedSums {
  double signal;          // f a x
  double normalization;   // f a
  double normalization2;  // (f a)^2
  double count;           // f c
  double winsorized;      // a w
  double squares;         // a^2 w^2
  double cross;           // a^2 w
  double n_kept;          // f > 0
};

// Sums over all values.
struct WeightTotals {
  double normalization;   // a
  double normalization2;  // a^2
  double count;           // c
};

#define AZIMUTHAL_DECLARE_ROBUST_KERNELS(set)                                                                       \
  namespace set {                                                                                                   \
  /* Adds entries with |d| <= width n; numbers of the others, invalid ones too, go to `outside` (room for n + 64). */ \
  std::size_t add_window(const BinEntries& bin, double center, double width, WindowSums& sums,                      \
                         std::uint32_t* outside);                                                                   \
  Entry entry_at(const BinEntries& bin, std::size_t number);                                                        \
  /* Values x = s / n of the valid ones of entries 0, stride, 2 stride ...; returns how many. */                     \
  std::size_t sample_of(const BinEntries& bin, std::size_t stride, double* x);                                      \
  /* Values x = s / n, weights a = c n, and c of all valid entries; returns how many. Adds c^2 var gain^2. */         \
  std::size_t values_of(const BinEntries& bin, double* x, double* a, double* c, double& variance);                  \
  void add_trimmed(const TrimmedValues& values, TrimmedSums& sums);                                                 \
  void add_weights(const double* a, const double* c, std::size_t n, WeightTotals& sums);                            \
  /* 1 + (x - low) scale, without its fraction, within 0 and `last`; 0 for NaN. */                                  \
  void cells_of(const double* x, std::size_t n, double low, double scale, int last, std::uint16_t* cell);           \
  /* How many pixels that feed a bin are invalid. first: a multiple of 8. */                                        \
  std::int64_t count_invalid(DType dtype, const void* frame, const std::uint8_t* used, const InvalidValues& invalid, \
                             std::size_t first, std::size_t last);                                                  \
  /* The smallest positive value of pixels that are neither invalid nor unused; infinity for none. Floats only. */  \
  double smallest_positive(DType dtype, const void* frame, const std::uint8_t* used, const InvalidValues& invalid,  \
                           std::size_t first, std::size_t last);                                                    \
  }

AZIMUTHAL_DECLARE_ROBUST_KERNELS(baseline)
#ifdef AZIMUTHAL_HAS_AVX2
AZIMUTHAL_DECLARE_ROBUST_KERNELS(avx2)
#endif
#ifdef AZIMUTHAL_HAS_AVX512
AZIMUTHAL_DECLARE_ROBUST_KERNELS(avx512)
#endif
#undef AZIMUTHAL_DECLARE_ROBUST_KERNELS

struct RobustKernels {
  decltype(&baseline::add_window) add_window;
  decltype(&baseline::entry_at) entry_at;
  decltype(&baseline::sample_of) sample_of;
  decltype(&baseline::values_of) values_of;
  decltype(&baseline::add_trimmed) add_trimmed;
  decltype(&baseline::add_weights) add_weights;
  decltype(&baseline::cells_of) cells_of;
  decltype(&baseline::count_invalid) count_invalid;
  decltype(&baseline::smallest_positive) smallest_positive;
};

// Those of the instruction set that is in use.
const RobustKernels& robust_kernels() noexcept;

}  // namespace azimuthal
