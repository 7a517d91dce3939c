// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
//
// Chunks that tests make and damage.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

#include "azimuthal/chunk.hpp"

namespace azimuthal::test {

using Bytes = std::vector<std::uint8_t>;

inline void put(Bytes& to, std::uint64_t value, int n) {  // big-endian
  for (int k = n - 1; k >= 0; --k) to.push_back(static_cast<std::uint8_t>(value >> (8 * k)));
}

// Valid blocks without compression.
inline Bytes lz4_block(const Bytes& raw) {
  Bytes block{static_cast<std::uint8_t>(std::min<std::size_t>(raw.size(), 15) << 4)};
  if (raw.size() >= 15) {
    std::size_t rest = raw.size() - 15;
    for (; rest >= 255; rest -= 255) block.push_back(255);
    block.push_back(static_cast<std::uint8_t>(rest));
  }
  block.insert(block.end(), raw.begin(), raw.end());
  return block;
}

// The same with matches, the longest that an earlier repeat within 64 places or one plane back allows.
inline Bytes lz4_compressed(const Bytes& raw, std::size_t plane) {
  Bytes block;
  const auto extend = [&](std::size_t length) {
    for (; length >= 255; length -= 255) block.push_back(255);
    block.push_back(static_cast<std::uint8_t>(length));
  };
  std::size_t begin = 0, at = 0;
  const std::size_t n = raw.size();
  const auto sequence = [&](std::size_t length) {  // literals begin..at, then a match, or none for length 0
    const std::size_t literals = at - begin, more = length == 0 ? 0 : length - 4;
    block.push_back(static_cast<std::uint8_t>(std::min<std::size_t>(literals, 15) << 4 | std::min<std::size_t>(more, 15)));
    if (literals >= 15) extend(literals - 15);
    block.insert(block.end(), raw.begin() + static_cast<long>(begin), raw.begin() + static_cast<long>(at));
    return more;
  };
  while (n >= 5 && at < n - 5) {
    std::size_t best = 0, offset = 0;
    for (std::size_t back = 1; back <= 64 || back == plane; back = back == 64 && plane > 64 ? plane : back + 1) {
      if (back > at || back > 65535) break;
      std::size_t length = 0;
      while (at + length < n - 5 && raw[at + length] == raw[at + length - back]) ++length;
      if (length > best) best = length, offset = back;
    }
    if (best < 4) {
      ++at;
      continue;
    }
    const std::size_t more = sequence(best);
    block.push_back(static_cast<std::uint8_t>(offset));
    block.push_back(static_cast<std::uint8_t>(offset >> 8));
    if (more >= 15) extend(more - 15);
    at += best;
    begin = at;
  }
  at = n;
  sequence(0);
  return block;
}

inline Bytes zstd_block(const Bytes& raw) {
  Bytes block{0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58};
  const std::size_t header = raw.size() << 3 | 1;  // the last block, raw
  for (int k = 0; k < 3; ++k) block.push_back(static_cast<std::uint8_t>(header >> (8 * k)));
  block.insert(block.end(), raw.begin(), raw.end());
  return block;
}

inline Bytes planes_of(const Bytes& raw, std::size_t item, std::size_t first, std::size_t n) {
  Bytes planes(n * item, 0);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t bit = 0; bit < 8 * item; ++bit) {
      const unsigned set = raw[(first + i) * item + bit / 8] >> (bit % 8) & 1u;
      planes[bit * (n / 8) + i / 8] |= static_cast<std::uint8_t>(set << (i % 8));
    }
  }
  return planes;
}

inline Bytes chunk_of(Codec codec, const Bytes& raw, std::size_t item, std::size_t per_block, bool compressed = false) {
  if (codec == Codec::none) return raw;
  Bytes chunk;
  put(chunk, raw.size(), 8);
  put(chunk, per_block * item, 4);
  const std::size_t n = raw.size() / item, in_blocks = codec == Codec::lz4 ? n : n - n % 8;
  for (std::size_t first = 0; first < in_blocks; first += per_block) {
    const std::size_t m = std::min(per_block, in_blocks - first);
    const auto begin = raw.begin() + static_cast<long>(first * item);
    const Bytes plain(begin, begin + static_cast<long>(m * item));
    Bytes block;
    if (codec == Codec::lz4) block = first % 3 == 0 ? plain : lz4_block(plain);
    else if (codec == Codec::bitshuffle_zstd) block = zstd_block(planes_of(raw, item, first, m));
    else if (compressed) block = lz4_compressed(planes_of(raw, item, first, m), m / 8);
    else block = lz4_block(planes_of(raw, item, first, m));
    put(chunk, block.size(), 4);
    chunk.insert(chunk.end(), block.begin(), block.end());
  }
  chunk.insert(chunk.end(), raw.begin() + static_cast<long>(in_blocks * item), raw.end());
  return chunk;
}

// A copy of exact size on the heap, so that a sanitizer sees every step outside.
inline Bytes damaged(const Bytes& valid, std::mt19937& random, int trial) {
  Bytes bytes = valid;
  for (int k = 0; k < 1 + trial % 3; ++k) bytes[random() % bytes.size()] = static_cast<std::uint8_t>(random());
  if (trial % 4 == 0) bytes.resize(random() % (bytes.size() + 1));
  return Bytes(bytes.begin(), bytes.end());
}

}  // namespace azimuthal::test
