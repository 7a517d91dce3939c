// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
#include "azimuthal/bitshuffle.hpp"

#include "azimuthal/bytes.hpp"

namespace azimuthal {
namespace {

// Tiles of 64 elements side by side: eight bytes of each plane. Compilers that know vectors of fixed size are given
// one; each lane is a tile of its own, so that the same code is right with one lane.
#if defined(__GNUC__)
constexpr std::size_t kLanes = 2;
using Lanes = std::uint64_t __attribute__((vector_size(8 * kLanes)));
inline std::uint64_t lane(Lanes x, std::size_t k) noexcept { return x[k]; }
inline Lanes load(const std::uint8_t* in) noexcept { return Lanes{load_le64(in), load_le64(in + 8)}; }
#else
constexpr std::size_t kLanes = 1;
using Lanes = std::uint64_t;
inline std::uint64_t lane(Lanes x, std::size_t) noexcept { return x; }
inline Lanes load(const std::uint8_t* in) noexcept { return load_le64(in); }
#endif

// Swaps the bits of `mask << shift` in a with the bits of `mask` in b.
template <class Word>
inline void swap_bits(Word& a, Word& b, unsigned shift, std::uint64_t mask) noexcept {
  const Word t = ((a >> shift) ^ b) & mask;
  b ^= t;
  a ^= t << shift;
}

// Words 0..7 as rows of eight 8 x 8 bit matrices, one for each byte: all transposed at once, in three steps of swapping
// ever smaller quadrants (Warren, Hacker's Delight, 2nd ed., section 7-3).
template <class Word>
inline void transpose_bits(Word* w) noexcept {
  for (std::size_t k : {0, 1, 2, 3}) swap_bits(w[k], w[k + 4], 4, 0x0F0F0F0F0F0F0F0FULL);
  for (std::size_t k : {0, 1, 4, 5}) swap_bits(w[k], w[k + 2], 2, 0x3333333333333333ULL);
  for (std::size_t k : {0, 2, 4, 6}) swap_bits(w[k], w[k + 1], 1, 0x5555555555555555ULL);
}

// Words as rows of one 8 x 8 matrix of bytes: transposed.
template <class Word>
inline void transpose_bytes(Word* w) noexcept {
  for (std::size_t k : {0, 1, 2, 3}) swap_bits(w[k], w[k + 4], 32, 0x00000000FFFFFFFFULL);
  for (std::size_t k : {0, 1, 4, 5}) swap_bits(w[k], w[k + 2], 16, 0x0000FFFF0000FFFFULL);
  for (std::size_t k : {0, 2, 4, 6}) swap_bits(w[k], w[k + 1], 8, 0x00FF00FF00FF00FFULL);
}

// Elements [64 t, ...) of as many tiles as there are lanes.
template <std::size_t kItem>
void untranspose_tiles(const std::uint8_t* planes, std::size_t n_groups, std::size_t group, std::uint8_t* out) noexcept {
  Lanes words[kItem][8];  // word k of byte j: byte m is byte j of element 8 m + k
  for (std::size_t j = 0; j < kItem; ++j) {
    Lanes any{};
    for (std::size_t b = 0; b < 8; ++b) {
      words[j][b] = load(planes + (8 * j + b) * n_groups + group);
      any |= words[j][b];
    }
    std::uint64_t set = 0;
    for (std::size_t t = 0; t < kLanes; ++t) set |= lane(any, t);
    if (set != 0) transpose_bits(words[j]);  // high bytes of counts are mostly zero
  }
  constexpr std::size_t kElements = 8 / kItem;  // in a word of eight bytes
  for (std::size_t first = 0; first < 8; first += kElements) {
    Lanes bytes[8];
    for (std::size_t e = 0; e < kElements; ++e) {
      for (std::size_t j = 0; j < kItem; ++j) bytes[e * kItem + j] = words[j][first + e];
    }
    transpose_bytes(bytes);
    for (std::size_t t = 0; t < kLanes; ++t) {
      std::uint8_t* to = out + ((group + 8 * t) * 8 + first) * kItem;
      for (std::size_t m = 0; m < 8; ++m) store_le64(to + m * 8 * kItem, lane(bytes[m], t));
    }
  }
}

// Groups [begin, n_groups) of eight elements, one at a time; any size of element.
void untranspose_groups(const std::uint8_t* planes, std::size_t n_groups, std::size_t begin, std::size_t item_size,
                        std::uint8_t* out) noexcept {
  for (std::size_t j = 0; j < item_size; ++j) {
    const std::uint8_t* of_byte = planes + 8 * j * n_groups;
    for (std::size_t m = begin; m < n_groups; ++m) {
      std::uint64_t x = 0;  // row b in byte b
      for (std::size_t b = 0; b < 8; ++b) x |= static_cast<std::uint64_t>(of_byte[b * n_groups + m]) << (8 * b);
      if (x != 0) {
        std::uint64_t t = (x ^ (x >> 7)) & 0x00AA00AA00AA00AAULL;
        x ^= t ^ (t << 7);
        t = (x ^ (x >> 14)) & 0x0000CCCC0000CCCCULL;
        x ^= t ^ (t << 14);
        t = (x ^ (x >> 28)) & 0x00000000F0F0F0F0ULL;
        x ^= t ^ (t << 28);
      }
      std::uint8_t* to = out + m * 8 * item_size + j;
      for (std::size_t k = 0; k < 8; ++k) to[k * item_size] = static_cast<std::uint8_t>(x >> (8 * k));
    }
  }
}

template <std::size_t kItem>
std::size_t untranspose_all_tiles(const std::uint8_t* planes, std::size_t n_groups, std::uint8_t* out) noexcept {
  std::size_t group = 0;
  for (; n_groups - group >= 8 * kLanes; group += 8 * kLanes) untranspose_tiles<kItem>(planes, n_groups, group, out);
  return group;
}

}  // namespace

void bits_untransposed(const std::uint8_t* planes, std::size_t n, std::size_t item_size, std::uint8_t* out) noexcept {
  const std::size_t n_groups = n / 8;
  std::size_t done = 0;
  switch (item_size) {
    case 1: done = untranspose_all_tiles<1>(planes, n_groups, out); break;
    case 2: done = untranspose_all_tiles<2>(planes, n_groups, out); break;
    case 4: done = untranspose_all_tiles<4>(planes, n_groups, out); break;
    case 8: done = untranspose_all_tiles<8>(planes, n_groups, out); break;
    default: break;
  }
  untranspose_groups(planes, n_groups, done, item_size, out);
}

}  // namespace azimuthal
