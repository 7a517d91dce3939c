// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
#include "azimuthal/chunk.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <vector>

#include "azimuthal/bitshuffle.hpp"
#include "azimuthal/bytes.hpp"
#include "azimuthal/lz4.hpp"
#include "azimuthal/parallel.hpp"
#include "azimuthal/zstd.hpp"

namespace azimuthal {
namespace {

constexpr std::size_t kHeader = 12;
constexpr std::size_t kLength = 4;
constexpr std::size_t kGroup = 8;
// Blocks larger than this are not written by any known program, and bit planes of one are held in memory per thread.
constexpr std::size_t kLargestBlock = std::size_t{1} << 28;

struct Block {
  const std::uint8_t* in;
  std::size_t n_in, at, size;  // where it goes, in bytes
};

// The blocks that begin at `position`, `block_size` bytes each up to `end`; false when the chunk ends before.
bool find_blocks(const std::uint8_t* in, std::size_t n_in, std::size_t end, std::size_t block_size,
                 std::size_t& position, std::vector<Block>& blocks) {
  // No more than the input can hold: a header may lie.
  blocks.reserve(std::min(end / block_size + 1, (n_in - position) / kLength));
  for (std::size_t at = 0; at < end;) {
    if (n_in - position < kLength) return false;
    const std::uint64_t length = load_be(in + position, kLength);
    position += kLength;
    if (length > n_in - position) return false;
    const std::size_t size = std::min(block_size, end - at);
    blocks.push_back({in + position, static_cast<std::size_t>(length), at, size});
    position += static_cast<std::size_t>(length);
    at += size;
  }
  return true;
}

// Calls decode(block, scratch) for all blocks; scratch is `n_scratch` bytes of the thread. False when one was damaged.
template <class Decode>
bool decode_blocks(const std::vector<Block>& blocks, std::size_t n_scratch, unsigned n_threads, Decode&& decode) {
  constexpr std::size_t kBlocksAtOnce = 32;
  const std::size_t n_parts = (blocks.size() + kBlocksAtOnce - 1) / kBlocksAtOnce;
  const std::size_t n_workers = std::min<std::size_t>(std::max(1u, n_threads), n_parts);
  std::vector<std::uint8_t> scratch(n_workers * n_scratch);  // here, because threads must not throw
  std::atomic<std::size_t> next{0};
  std::atomic<bool> damaged{false};
  for_each_block(n_workers, n_threads, [&](std::size_t worker) {
    for (std::size_t part = next.fetch_add(1); part < n_parts; part = next.fetch_add(1)) {
      const std::size_t end = std::min(blocks.size(), (part + 1) * kBlocksAtOnce);
      for (std::size_t i = part * kBlocksAtOnce; i < end; ++i) {
        if (damaged.load(std::memory_order_relaxed)) return;
        if (!decode(blocks[i], scratch.data() + worker * n_scratch)) damaged = true;
      }
    }
  });
  return !damaged;
}

// What the bitshuffle library takes when it is not told: 8 kB, but no fewer than 128 elements.
std::size_t default_block_size(std::size_t item_size) noexcept {
  return std::max<std::size_t>(8192 / item_size / kGroup * kGroup, 128) * item_size;
}

template <class DecodeBlock>
ChunkError bitshuffle_decode(const std::uint8_t* in, std::size_t n_in, std::size_t item_size, std::uint8_t* out,
                             std::size_t n_out, unsigned n_threads, DecodeBlock&& decode_block) {
  if (n_in < kHeader || n_out % item_size || load_be(in, 8) != n_out) return ChunkError::header;
  auto block_size = static_cast<std::size_t>(load_be(in + 8, 4));
  if (block_size == 0) block_size = default_block_size(item_size);
  if (block_size > kLargestBlock || block_size % (kGroup * item_size)) return ChunkError::header;
  const std::size_t shuffled = n_out - n_out % (kGroup * item_size);
  std::vector<Block> blocks;
  std::size_t position = kHeader;
  if (!find_blocks(in, n_in, shuffled, block_size, position, blocks)) return ChunkError::truncated;
  if (n_in - position < n_out - shuffled) return ChunkError::truncated;
  if (n_out > shuffled) std::memcpy(out + shuffled, in + position, n_out - shuffled);
  const bool fine = decode_blocks(
      blocks, std::min(block_size, shuffled), n_threads, [=](const Block& block, std::uint8_t* planes) noexcept {
        if (!decode_block(block.in, block.n_in, planes, block.size)) return false;
        bits_untransposed(planes, block.size / item_size, item_size, out + block.at);
        return true;
      });
  return fine ? ChunkError::none : ChunkError::block;
}

ChunkError lz4_chunk_decode(const std::uint8_t* in, std::size_t n_in, std::uint8_t* out, std::size_t n_out,
                            unsigned n_threads) {
  if (n_in < kHeader || load_be(in, 8) != n_out) return ChunkError::header;
  const auto block_size = static_cast<std::size_t>(load_be(in + 8, 4));
  if (block_size == 0) return ChunkError::header;
  std::vector<Block> blocks;
  std::size_t position = kHeader;
  if (!find_blocks(in, n_in, n_out, block_size, position, blocks)) return ChunkError::truncated;
  const bool fine = decode_blocks(blocks, 0, n_threads, [=](const Block& block, std::uint8_t*) noexcept {
    if (block.n_in != block.size) return lz4_decode(block.in, block.n_in, out + block.at, block.size);
    std::memcpy(out + block.at, block.in, block.size);
    return true;
  });
  return fine ? ChunkError::none : ChunkError::block;
}

}  // namespace

ChunkError chunk_decode(Codec codec, const std::uint8_t* in, std::size_t n_in, std::size_t item_size, std::uint8_t* out,
                        std::size_t n_out, unsigned n_threads) {
  // An element beyond the largest block has none that fits; and its bits must be countable.
  if (item_size == 0 || item_size > kLargestBlock) return ChunkError::header;
  switch (codec) {
    case Codec::none:
      if (n_in != n_out) return n_in < n_out ? ChunkError::truncated : ChunkError::header;
      if (n_out > 0) std::memcpy(out, in, n_out);
      return ChunkError::none;
    case Codec::bitshuffle_lz4: return bitshuffle_decode(in, n_in, item_size, out, n_out, n_threads, lz4_decode);
    case Codec::bitshuffle_zstd: return bitshuffle_decode(in, n_in, item_size, out, n_out, n_threads, zstd_decode);
    case Codec::lz4: return lz4_chunk_decode(in, n_in, out, n_out, n_threads);
  }
  return ChunkError::header;
}

}  // namespace azimuthal
