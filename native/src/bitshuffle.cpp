// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
#include "azimuthal/bitshuffle.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <vector>

#include "azimuthal/parallel.hpp"

namespace azimuthal {
namespace {

constexpr std::size_t kHeader = 12;
constexpr std::size_t kLength = 4;
constexpr std::size_t kGroup = 8;
// Blocks larger than this are not written by any known program, and one is held in memory per thread.
constexpr std::size_t kLargestBlock = std::size_t{1} << 28;

std::uint64_t big_endian(const std::uint8_t* in, std::size_t n) noexcept {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < n; ++i) value = value << 8 | in[i];
  return value;
}

// Adds the bytes that extend a length of 15; false at the end of the input.
bool extend(const std::uint8_t*& in, const std::uint8_t* end, std::size_t& length) noexcept {
  std::uint8_t byte = 255;
  while (byte == 255) {
    if (in == end) return false;
    byte = *in++;
    length += byte;
  }
  return true;
}

// An 8 x 8 bit matrix, row k in byte k, transposed (Warren, Hacker's Delight, 2nd ed., section 7-3).
std::uint64_t transposed(std::uint64_t x) noexcept {
  std::uint64_t t = (x ^ (x >> 7)) & 0x00AA00AA00AA00AAULL;
  x ^= t ^ (t << 7);
  t = (x ^ (x >> 14)) & 0x0000CCCC0000CCCCULL;
  x ^= t ^ (t << 14);
  t = (x ^ (x >> 28)) & 0x00000000F0F0F0F0ULL;
  return x ^ t ^ (t << 28);
}

struct Block {
  const std::uint8_t* in;
  std::size_t n_in, first, n_elements;
};

}  // namespace

bool lz4_decode(const std::uint8_t* in, std::size_t n_in, std::uint8_t* out, std::size_t n_out) noexcept {
  const std::uint8_t* const end = in + n_in;
  std::size_t written = 0;
  while (in != end) {
    const std::uint8_t token = *in++;
    std::size_t literals = token >> 4;
    if (literals == 15 && !extend(in, end, literals)) return false;
    if (literals > static_cast<std::size_t>(end - in) || literals > n_out - written) return false;
    if (literals > 0) std::memcpy(out + written, in, literals);
    in += literals;
    written += literals;
    if (in == end) break;  // the last sequence has literals only
    if (end - in < 2) return false;
    const std::size_t offset = in[0] | static_cast<std::size_t>(in[1]) << 8;
    in += 2;
    std::size_t length = token & 15u;
    if (length == 15 && !extend(in, end, length)) return false;
    length += 4;
    if (offset == 0 || offset > written || length > n_out - written) return false;
    // A match may overlap what it writes: then its period is copied, doubling each time.
    std::uint8_t* to = out + written;
    written += length;
    if (offset == 1) {
      std::memset(to, to[-1], length);
      continue;
    }
    std::size_t period = offset;
    while (length > 0) {
      const std::size_t part = std::min(period, length);
      std::memcpy(to, to - period, part);
      to += part;
      length -= part;
      if (part == period) period *= 2;
    }
  }
  return written == n_out;
}

void bits_untransposed(const std::uint8_t* planes, std::size_t n, std::size_t item_size, std::uint8_t* out) noexcept {
  const std::size_t n_groups = n / kGroup;
  for (std::size_t j = 0; j < item_size; ++j) {
    const std::uint8_t* of_byte = planes + 8 * j * n_groups;
    for (std::size_t m = 0; m < n_groups; ++m) {
      std::uint64_t bits = 0;
      for (std::size_t b = 0; b < 8; ++b) bits |= static_cast<std::uint64_t>(of_byte[b * n_groups + m]) << (8 * b);
      if (bits != 0) bits = transposed(bits);
      std::uint8_t* to = out + m * kGroup * item_size + j;
      for (std::size_t k = 0; k < kGroup; ++k) to[k * item_size] = static_cast<std::uint8_t>(bits >> (8 * k));
    }
  }
}

ChunkError bitshuffle_lz4_decode(const std::uint8_t* in, std::size_t n_in, std::size_t item_size, std::uint8_t* out,
                                 std::size_t n_out, unsigned n_threads) {
  if (n_in < kHeader || item_size == 0 || n_out % item_size) return ChunkError::header;
  const std::uint64_t block_bytes = big_endian(in + 8, 4);
  if (big_endian(in, 8) != n_out || block_bytes == 0 || block_bytes > kLargestBlock ||
      block_bytes % (kGroup * item_size)) {
    return ChunkError::header;
  }
  const std::size_t n_elements = n_out / item_size, per_block = block_bytes / item_size;
  const std::size_t n_shuffled = n_elements - n_elements % kGroup;
  std::vector<Block> blocks;
  std::size_t position = kHeader;
  for (std::size_t first = 0; first < n_shuffled; first += per_block) {
    if (n_in - position < kLength) return ChunkError::truncated;
    const std::size_t length = big_endian(in + position, kLength);
    position += kLength;
    if (length > n_in - position) return ChunkError::truncated;
    blocks.push_back({in + position, length, first, std::min(per_block, n_shuffled - first)});
    position += length;
  }
  const std::size_t tail = (n_elements - n_shuffled) * item_size;
  if (tail > n_in - position) return ChunkError::truncated;
  if (tail > 0) std::memcpy(out + n_shuffled * item_size, in + position, tail);

  constexpr std::size_t kBlocksAtOnce = 32;
  std::atomic<bool> damaged{false};
  for_each_block((blocks.size() + kBlocksAtOnce - 1) / kBlocksAtOnce, n_threads, [&](std::size_t part) {
    std::vector<std::uint8_t> planes(std::min(per_block, n_shuffled) * item_size);
    const std::size_t end = std::min(blocks.size(), (part + 1) * kBlocksAtOnce);
    for (std::size_t i = part * kBlocksAtOnce; i < end && !damaged; ++i) {
      const Block& block = blocks[i];
      const std::size_t size = block.n_elements * item_size;
      if (!lz4_decode(block.in, block.n_in, planes.data(), size)) {
        damaged = true;
        return;
      }
      bits_untransposed(planes.data(), block.n_elements, item_size, out + block.first * item_size);
    }
  });
  return damaged ? ChunkError::block : ChunkError::none;
}

}  // namespace azimuthal
