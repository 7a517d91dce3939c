// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
//
// Bit planes back to values: 64 pixels of one frame, or of sixteen. Included by the kernels only.
#pragma once

#include "group.hpp"

namespace azimuthal::AZIMUTHAL_ISA {
namespace {

// Whether a plane, or the part of it in `used`, holds any bit. Reads up to the next multiple of 8 bytes.
inline bool holds_any(const std::uint8_t* plane, const std::uint8_t* used, std::size_t n_bytes) noexcept {
  std::uint64_t found = 0;
  std::size_t j = 0;
#if defined(__AVX512F__)
  __m512i any = _mm512_setzero_si512();
  for (; j + 64 <= n_bytes; j += 64) {
    any = _mm512_or_si512(any, _mm512_and_si512(_mm512_loadu_si512(plane + j), _mm512_loadu_si512(used + j)));
  }
  found = _mm512_test_epi64_mask(any, any);
#endif
  for (; j + 8 <= n_bytes; j += 8) {
    std::uint64_t a, b;
    std::memcpy(&a, plane + j, 8);
    std::memcpy(&b, used + j, 8);
    found |= a & b;
  }
  for (; j < n_bytes; ++j) found |= static_cast<std::uint64_t>(plane[j] & used[j]);
  return found != 0;
}

// An 8 x 8 bit matrix, row k in byte k, transposed (Warren, Hacker's Delight, 2nd ed., section 7-3).
inline std::uint64_t transposed_bits(std::uint64_t x) noexcept {
  std::uint64_t t = (x ^ (x >> 7)) & 0x00AA00AA00AA00AAULL;
  x ^= t ^ (t << 7);
  t = (x ^ (x >> 14)) & 0x0000CCCC0000CCCCULL;
  x ^= t ^ (t << 14);
  t = (x ^ (x >> 28)) & 0x00000000F0F0F0F0ULL;
  return x ^ t ^ (t << 28);
}

// An 8 x 8 byte matrix, row k in word k, transposed by exchanging halves, quarters and eighths.
inline void transpose_bytes(std::uint64_t x[8]) noexcept {
  for (int k = 0; k < 4; ++k) {
    const std::uint64_t t = (x[k] >> 32 ^ x[k + 4]) & 0x00000000FFFFFFFFULL;
    x[k + 4] ^= t;
    x[k] ^= t << 32;
  }
  for (int k : {0, 1, 4, 5}) {
    const std::uint64_t t = (x[k] >> 16 ^ x[k + 2]) & 0x0000FFFF0000FFFFULL;
    x[k + 2] ^= t;
    x[k] ^= t << 16;
  }
  for (int k : {0, 2, 4, 6}) {
    const std::uint64_t t = (x[k] >> 8 ^ x[k + 1]) & 0x00FF00FF00FF00FFULL;
    x[k + 1] ^= t;
    x[k] ^= t << 8;
  }
}

// One byte of 64 values, from bytes at..at + 8 of eight planes.
inline void bytes_of_planes(const std::uint8_t* const plane[8], std::size_t at, std::uint8_t* out) noexcept {
#if defined(__AVX512VBMI__) && defined(__GFNI__)
  const __m512i order = _mm512_set_epi8(
      63, 55, 47, 39, 31, 23, 15, 7, 62, 54, 46, 38, 30, 22, 14, 6, 61, 53, 45, 37, 29, 21, 13, 5, 60, 52, 44, 36, 28,
      20, 12, 4, 59, 51, 43, 35, 27, 19, 11, 3, 58, 50, 42, 34, 26, 18, 10, 2, 57, 49, 41, 33, 25, 17, 9, 1, 56, 48, 40,
      32, 24, 16, 8, 0);
  const __m512i unit = _mm512_set1_epi64(static_cast<long long>(0x8040201008040201ULL));
  std::uint64_t word[8];
  for (int k = 0; k < 8; ++k) std::memcpy(&word[k], plane[k] + at, 8);
  __m512i v = _mm512_set_epi64(static_cast<long long>(word[7]), static_cast<long long>(word[6]),
                               static_cast<long long>(word[5]), static_cast<long long>(word[4]),
                               static_cast<long long>(word[3]), static_cast<long long>(word[2]),
                               static_cast<long long>(word[1]), static_cast<long long>(word[0]));
  v = _mm512_permutexvar_epi8(order, v);
  // Multiplying the unit matrix by the bits reverses and transposes them; once more undoes the reversal.
  v = _mm512_gf2p8affine_epi64_epi8(unit, v, 0);
  v = _mm512_gf2p8affine_epi64_epi8(v, unit, 0);
  _mm512_storeu_si512(out, v);
#else
  std::uint64_t word[8];
  for (int k = 0; k < 8; ++k) std::memcpy(&word[k], plane[k] + at, 8);
  transpose_bytes(word);
  for (int k = 0; k < 8; ++k) word[k] = transposed_bits(word[k]);
  std::memcpy(out, word, sizeof word);
#endif
}

// bytes[lane][pixel] -> tile[pixel][lane], 64 pixels of 16 lanes.
inline void transpose_tile(const std::uint8_t (*bytes)[kGroup], std::uint8_t (*tile)[kLanes]) noexcept {
#if defined(__AVX512BW__)
  __m512i r[16], t[16];
  for (int i = 0; i < 16; ++i) r[i] = _mm512_load_si512(bytes[i]);
  for (int round = 0; round < 4; ++round) {
    for (int i = 0; i < 8; ++i) {
      t[2 * i] = _mm512_unpacklo_epi8(r[i], r[i + 8]);
      t[2 * i + 1] = _mm512_unpackhi_epi8(r[i], r[i + 8]);
    }
    for (int i = 0; i < 16; ++i) r[i] = t[i];
  }
  // Quarter q of r[i] is pixel 16 q + i.
  for (std::size_t i = 0; i < 16; ++i) {
    _mm_store_si128(reinterpret_cast<__m128i*>(tile[i]), _mm512_castsi512_si128(r[i]));
    _mm_store_si128(reinterpret_cast<__m128i*>(tile[16 + i]), _mm512_extracti32x4_epi32(r[i], 1));
    _mm_store_si128(reinterpret_cast<__m128i*>(tile[32 + i]), _mm512_extracti32x4_epi32(r[i], 2));
    _mm_store_si128(reinterpret_cast<__m128i*>(tile[48 + i]), _mm512_extracti32x4_epi32(r[i], 3));
  }
#elif defined(__SSE2__)
  for (std::size_t begin = 0; begin < kGroup; begin += 16) {
    __m128i r[16], t[16];
    for (int i = 0; i < 16; ++i) r[i] = _mm_load_si128(reinterpret_cast<const __m128i*>(bytes[i] + begin));
    for (int round = 0; round < 4; ++round) {
      for (int i = 0; i < 8; ++i) {
        t[2 * i] = _mm_unpacklo_epi8(r[i], r[i + 8]);
        t[2 * i + 1] = _mm_unpackhi_epi8(r[i], r[i + 8]);
      }
      for (int i = 0; i < 16; ++i) r[i] = t[i];
    }
    for (std::size_t i = 0; i < 16; ++i) _mm_store_si128(reinterpret_cast<__m128i*>(tile[begin + i]), r[i]);
  }
#else
  for (std::size_t p = 0; p < kGroup; ++p) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) tile[p][lane] = bytes[lane][p];
  }
#endif
}

// The values of one pixel in all lanes, from the tiles of their bytes.
template <int kBytes>
inline __attribute__((always_inline)) void tile_values(const std::uint8_t (*tiles)[kGroup][kLanes], std::size_t p,
                                                       Vector* value) noexcept {
#if defined(__AVX512F__)
  const auto bytes = [&](int k) __attribute__((always_inline)) {
    return _mm512_cvtepu8_epi32(_mm_load_si128(reinterpret_cast<const __m128i*>(tiles[k][p])));
  };
  __m512i whole = bytes(0);
  if constexpr (kBytes > 1) whole = _mm512_or_si512(whole, _mm512_slli_epi32(bytes(1), 8));
  if constexpr (kBytes > 2) {
    whole = _mm512_or_si512(whole, _mm512_slli_epi32(bytes(2), 16));
    whole = _mm512_or_si512(whole, _mm512_slli_epi32(bytes(3), 24));
  }
  value[0] = _mm512_cvtepu32_pd(_mm512_castsi512_si256(whole));
  value[1] = _mm512_cvtepu32_pd(_mm512_extracti64x4_epi64(whole, 1));
#elif defined(__AVX2__)
  for (std::size_t v = 0; v < 4; ++v) {
    const auto bytes = [&](int k) __attribute__((always_inline)) {
      std::int32_t four;
      std::memcpy(&four, tiles[k][p] + 4 * v, 4);
      return _mm_cvtepu8_epi32(_mm_cvtsi32_si128(four));
    };
    if constexpr (kBytes <= 2) {
      __m128i whole = bytes(0);
      if constexpr (kBytes > 1) whole = _mm_or_si128(whole, _mm_slli_epi32(bytes(1), 8));
      value[v] = _mm256_cvtepi32_pd(whole);
    } else {
      const __m128i low = _mm_or_si128(bytes(0), _mm_slli_epi32(bytes(1), 8));
      const __m128i high = _mm_or_si128(bytes(2), _mm_slli_epi32(bytes(3), 8));
      value[v] = _mm256_add_pd(_mm256_cvtepi32_pd(low),
                               _mm256_mul_pd(_mm256_cvtepi32_pd(high), _mm256_set1_pd(65536.0)));
    }
  }
#else
  double wide[kLanes];
  for (std::size_t l = 0; l < kLanes; ++l) {
    std::uint32_t whole = tiles[0][p][l];
    if constexpr (kBytes > 1) whole |= static_cast<std::uint32_t>(tiles[1][p][l]) << 8;
    if constexpr (kBytes > 2) {
      whole |= static_cast<std::uint32_t>(tiles[2][p][l]) << 16 | static_cast<std::uint32_t>(tiles[3][p][l]) << 24;
    }
    wide[l] = static_cast<double>(whole);
  }
  std::memcpy(value, wide, sizeof wide);
#endif
}

// tiles[byte][pixel][lane].
template <int kBytes>
struct ByteTiles {
  static constexpr bool is_signed = false;
  static inline __attribute__((always_inline)) void values(const void* tiles, std::size_t p, Vector* value) noexcept {
    tile_values<kBytes>(static_cast<const std::uint8_t(*)[kGroup][kLanes]>(tiles), p, value);
  }
};

// tile[pixel][lane] of doubles.
struct DoubleTile {
  static constexpr bool is_signed = false;
  static void values(const void* tile, std::size_t p, Vector* value) noexcept {
    std::memcpy(value, static_cast<const double(*)[kLanes]>(tile)[p], kLanes * sizeof(double));
  }
};

}  // namespace
}  // namespace azimuthal::AZIMUTHAL_ISA
