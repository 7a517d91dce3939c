// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
//
// Decoders of chunks. From Python they are compared with what other programs write; here sanitizers watch them.
#include "azimuthal/chunk.hpp"

#include <algorithm>
#include <bit>
#include <random>
#include <string>
#include <vector>

#include "azimuthal/bitshuffle.hpp"
#include "azimuthal/lz4.hpp"
#include "azimuthal/zstd.hpp"
#include "check.hpp"

namespace {

using namespace azimuthal;
using Bytes = std::vector<std::uint8_t>;

void put(Bytes& to, std::uint64_t value, int n) {  // big-endian
  for (int k = n - 1; k >= 0; --k) to.push_back(static_cast<std::uint8_t>(value >> (8 * k)));
}

// Valid blocks without compression.
Bytes lz4_block(const Bytes& raw) {
  Bytes block{static_cast<std::uint8_t>(std::min<std::size_t>(raw.size(), 15) << 4)};
  if (raw.size() >= 15) {
    std::size_t rest = raw.size() - 15;
    for (; rest >= 255; rest -= 255) block.push_back(255);
    block.push_back(static_cast<std::uint8_t>(rest));
  }
  block.insert(block.end(), raw.begin(), raw.end());
  return block;
}

Bytes zstd_block(const Bytes& raw) {
  Bytes block{0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58};
  const std::size_t header = raw.size() << 3 | 1;  // the last block, raw
  for (int k = 0; k < 3; ++k) block.push_back(static_cast<std::uint8_t>(header >> (8 * k)));
  block.insert(block.end(), raw.begin(), raw.end());
  return block;
}

Bytes planes_of(const Bytes& raw, std::size_t item, std::size_t first, std::size_t n) {
  Bytes planes(n * item, 0);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t bit = 0; bit < 8 * item; ++bit) {
      const unsigned set = raw[(first + i) * item + bit / 8] >> (bit % 8) & 1u;
      planes[bit * (n / 8) + i / 8] |= static_cast<std::uint8_t>(set << (i % 8));
    }
  }
  return planes;
}

Bytes chunk_of(Codec codec, const Bytes& raw, std::size_t item, std::size_t per_block) {
  if (codec == Codec::none) return raw;
  Bytes chunk;
  put(chunk, raw.size(), 8);
  put(chunk, per_block * item, 4);
  const std::size_t n = raw.size() / item, in_blocks = codec == Codec::lz4 ? n : n - n % 8;
  for (std::size_t first = 0; first < in_blocks; first += per_block) {
    const std::size_t m = std::min(per_block, in_blocks - first);
    const auto begin = raw.begin() + static_cast<long>(first * item);
    const Bytes plain(begin, begin + static_cast<long>(m * item));
    const Bytes block = codec == Codec::lz4              ? (first % 3 == 0 ? plain : lz4_block(plain))
                        : codec == Codec::bitshuffle_lz4 ? lz4_block(planes_of(raw, item, first, m))
                                                         : zstd_block(planes_of(raw, item, first, m));
    put(chunk, block.size(), 4);
    chunk.insert(chunk.end(), block.begin(), block.end());
  }
  chunk.insert(chunk.end(), raw.begin() + static_cast<long>(in_blocks * item), raw.end());
  return chunk;
}

// A copy of exact size on the heap, so that a sanitizer sees every step outside.
Bytes damaged(const Bytes& valid, std::mt19937& random, int trial) {
  Bytes bytes = valid;
  for (int k = 0; k < 1 + trial % 3; ++k) bytes[random() % bytes.size()] = static_cast<std::uint8_t>(random());
  if (trial % 4 == 0) bytes.resize(random() % (bytes.size() + 1));
  return Bytes(bytes.begin(), bytes.end());
}

void matches_may_overlap_what_they_write() {
  const std::uint8_t repeated[] = {0x31, 'a', 'b', 'c', 3, 0, 0x10, 'd'};  // "abc", 5 bytes from 3 back, "d"
  std::uint8_t out[9];
  CHECK(lz4_decode(repeated, sizeof repeated, out, 9));
  CHECK(std::equal(out, out + 9, "abcabcabd"));
  CHECK(!lz4_decode(repeated, sizeof repeated, out, 8));
  const std::uint8_t run[] = {0x1f, 'x', 1, 0, 6, 0x10, 'y'};  // "x", 4 + 15 + 6 bytes from 1 back, "y"
  std::uint8_t long_out[27];
  CHECK(lz4_decode(run, sizeof run, long_out, 27) && long_out[25] == 'x' && long_out[26] == 'y');
  const std::uint8_t before_start[] = {0x10, 'x', 2, 0, 0x10, 'y'};
  CHECK(!lz4_decode(before_start, sizeof before_start, long_out, 6));
}

void matches_of_any_offset_and_length_repeat_what_was_written() {
  for (std::size_t offset = 1; offset <= 40; ++offset) {
    for (std::size_t length = 4; length < 90; ++length) {
      for (const std::size_t after : {0u, 1u, 20u, 33u, 60u}) {  // bytes of room after the match
        Bytes want(offset);
        for (std::size_t k = 0; k < offset; ++k) want[k] = static_cast<std::uint8_t>(k + 1);
        Bytes block = lz4_block(want);
        block[0] |= static_cast<std::uint8_t>(std::min<std::size_t>(length - 4, 15));
        block.push_back(static_cast<std::uint8_t>(offset));
        block.push_back(0);
        if (length >= 19) block.push_back(static_cast<std::uint8_t>(length - 19));
        for (std::size_t k = 0; k < length; ++k) want.push_back(want[want.size() - offset]);
        const Bytes tail = lz4_block(Bytes(after, 9));
        block.insert(block.end(), tail.begin(), tail.end());
        want.insert(want.end(), after, 9);
        Bytes out(want.size());
        CHECK(lz4_decode(block.data(), block.size(), out.data(), out.size()) && out == want);
      }
    }
  }
}

void bit_planes_become_elements() {
  std::mt19937 random(4);
  for (const std::size_t item : {1u, 2u, 3u, 4u, 8u}) {
    for (const std::size_t n : {8u, 120u, 128u, 136u, 256u, 1032u}) {
      Bytes raw(n * item), out(n * item);
      for (auto& byte : raw) byte = static_cast<std::uint8_t>(random());
      const Bytes planes = planes_of(raw, item, 0, n);
      bits_untransposed(planes.data(), n, item, out.data());
      CHECK(out == raw);
    }
  }
}

void chunks_of_every_codec_are_decoded_and_damage_stays_inside_the_buffers() {
  std::mt19937 random(2);
  for (const Codec codec : {Codec::none, Codec::bitshuffle_lz4, Codec::bitshuffle_zstd, Codec::lz4}) {
    for (const std::size_t item : {1u, 2u, 4u, 8u}) {
      for (const std::size_t n : {8u, 13u, 700u, 4096u}) {
        Bytes raw(n * item, 0);
        for (auto& byte : raw) byte = random() % 5 == 0 ? static_cast<std::uint8_t>(random()) : 0;
        const Bytes chunk = chunk_of(codec, raw, item, 256);
        Bytes out(raw.size(), 7);
        CHECK(chunk_decode(codec, chunk.data(), chunk.size(), item, out.data(), out.size(), 2) == ChunkError::none);
        CHECK(out == raw);
        CHECK(chunk_decode(codec, chunk.data(), chunk.size() - 1, item, out.data(), out.size(), 1) ==
              ChunkError::truncated);
        CHECK(chunk_decode(codec, chunk.data(), chunk.size(), item, out.data(), out.size() - item, 1) ==
              ChunkError::header);
        for (int trial = 0; trial < 300; ++trial) {
          const Bytes bytes = damaged(chunk, random, trial);
          (void)chunk_decode(codec, bytes.data(), bytes.size(), item, out.data(), out.size(), 1);
        }
      }
    }
  }
}

void block_size_of_zero_is_the_default_of_the_library() {
  for (const std::size_t item : {2u, 128u}) {
    const std::size_t per_block = item == 2 ? 4096 : 128;
    Bytes raw(item * 9000);
    for (std::size_t k = 0; k < raw.size(); ++k) raw[k] = static_cast<std::uint8_t>(k * k / 77);
    Bytes chunk = chunk_of(Codec::bitshuffle_lz4, raw, item, per_block), out(raw.size());
    std::fill(chunk.begin() + 8, chunk.begin() + 12, std::uint8_t{0});
    CHECK(chunk_decode(Codec::bitshuffle_lz4, chunk.data(), chunk.size(), item, out.data(), out.size(), 1) ==
          ChunkError::none);
    CHECK(out == raw);
  }
}

// 700 bytes, few values unevenly often and repeats; the frame has four Huffman streams, weights and sequences in FSE.
const Bytes kFrame = {
    0x28, 0xb5, 0x2f, 0xfd, 0x64, 0xbc, 0x01, 0xc5, 0x05, 0x00, 0xd6, 0xd9, 0x25, 0x0c, 0xb0, 0x25, 0xe9, 0x6d, 0xa7,
    0x94, 0xa4, 0x0f, 0xc3, 0x30, 0x14, 0x39, 0x22, 0x00, 0x20, 0x00, 0x22, 0x00, 0x77, 0x66, 0xf7, 0x98, 0xe4, 0x41,
    0x48, 0x03, 0xde, 0xe6, 0x46, 0xa4, 0x85, 0xf1, 0x1e, 0xde, 0x76, 0x78, 0x7f, 0xd3, 0x32, 0x72, 0x8d, 0xea, 0xaa,
    0x51, 0x10, 0xb4, 0x83, 0x88, 0x02, 0x03, 0x4f, 0x18, 0x45, 0xc7, 0x38, 0xdb, 0x92, 0x6e, 0x40, 0x82, 0x30, 0x19,
    0x57, 0x54, 0xb5, 0xff, 0xd0, 0x4b, 0xd3, 0x6e, 0xd8, 0xd4, 0x23, 0x7a, 0x61, 0x22, 0x8d, 0x57, 0xcb, 0x92, 0x06,
    0xab, 0xf4, 0x91, 0x85, 0x56, 0x74, 0x11, 0x15, 0x41, 0x30, 0x13, 0x23, 0xd0, 0x3e, 0xb2, 0x68, 0xaf, 0x76, 0x46,
    0xe8, 0x79, 0x8f, 0x74, 0x8b, 0x9b, 0x22, 0x5a, 0x43, 0xca, 0x1c, 0x91, 0x40, 0xd3, 0x18, 0x87, 0xca, 0x3d, 0x1a,
    0x43, 0x0c, 0x0d, 0xc7, 0x89, 0x51, 0x7d, 0x2c, 0xf2, 0xac, 0x94, 0x4f, 0x57, 0xaf, 0xc9, 0x15, 0x96, 0xd3, 0xa3,
    0xc1, 0x98, 0x1e, 0x8e, 0x63, 0x77, 0xb8, 0xc2, 0xc1, 0x15, 0x4a, 0x35, 0x09, 0x20, 0x10, 0x2c, 0x31, 0x1f, 0x40,
    0x34, 0xfc, 0x29, 0xa1, 0x4f, 0x09, 0x7b, 0x4a, 0xc8, 0xa3, 0x84, 0x3b, 0x25, 0xd4, 0x29, 0xa1, 0xcd, 0x01, 0x35,
    0x61, 0xec, 0xba, 0x29, 0xc8, 0x18, 0x6b, 0xf1,
};

Bytes content_of_frame() {
  Bytes raw;
  std::uint32_t x = 1;
  for (std::size_t i = 0; i < 700; ++i) {
    x = x * 1103515245u + 12345u;
    const auto set_bits = static_cast<unsigned>(std::popcount(x >> 16 & 0xFFu));
    raw.push_back(i < 420 ? static_cast<std::uint8_t>('a' + set_bits) : raw[i - 300 - i / 40]);
  }
  return raw;
}

void frames_of_zstd_are_decoded_one_after_another() {
  const Bytes one = content_of_frame();
  Bytes out(one.size());
  CHECK(zstd_decode(kFrame.data(), kFrame.size(), out.data(), out.size()) && out == one);
  Bytes frames = kFrame;
  frames.insert(frames.end(), {0x5f, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 'h', 'i'});  // skipped
  // Single segment of 5 bytes: a raw block of 2, one of 3 times the same byte.
  frames.insert(frames.end(), {0x28, 0xb5, 0x2f, 0xfd, 0x20, 5, 0x10, 0, 0, 'a', 'b', 0x1b, 0, 0, 'c'});
  Bytes want = one;
  want.insert(want.end(), {'a', 'b', 'c', 'c', 'c'});
  out.assign(want.size(), 0);
  CHECK(zstd_decode(frames.data(), frames.size(), out.data(), out.size()) && out == want);
  CHECK(!zstd_decode(frames.data(), frames.size(), out.data(), out.size() - 1));
  out.push_back(0);
  CHECK(!zstd_decode(frames.data(), frames.size(), out.data(), out.size()));
}

void frames_of_zstd_that_are_cut_or_need_a_dictionary_are_refused() {
  Bytes out(700);
  for (std::size_t n = 0; n < kFrame.size(); ++n) {
    const Bytes cut(kFrame.begin(), kFrame.begin() + static_cast<long>(n));
    CHECK(!zstd_decode(cut.data(), cut.size(), out.data(), out.size()));
  }
  const Bytes with_dictionary{0x28, 0xb5, 0x2f, 0xfd, 0x21, 7, 1, 0x09, 0, 0, 'a'};
  CHECK(!zstd_decode(with_dictionary.data(), with_dictionary.size(), out.data(), 1));
  const Bytes dictionary_zero{0x28, 0xb5, 0x2f, 0xfd, 0x21, 0, 1, 0x09, 0, 0, 'a'};
  CHECK(zstd_decode(dictionary_zero.data(), dictionary_zero.size(), out.data(), 1));
}

void noise_stays_inside_the_buffers() {
  std::mt19937 random(3);
  for (int trial = 0; trial < 20000; ++trial) {
    Bytes noise(random() % 60), out(random() % 200);
    for (auto& byte : noise) byte = static_cast<std::uint8_t>(random());
    (void)lz4_decode(noise.data(), noise.size(), out.data(), out.size());
    (void)zstd_decode(noise.data(), noise.size(), out.data(), out.size());
    const Bytes frame = damaged(kFrame, random, trial);
    out.resize(600 + random() % 200);
    (void)zstd_decode(frame.data(), frame.size(), out.data(), out.size());
  }
}

}  // namespace

int main() {
  matches_may_overlap_what_they_write();
  matches_of_any_offset_and_length_repeat_what_was_written();
  bit_planes_become_elements();
  chunks_of_every_codec_are_decoded_and_damage_stays_inside_the_buffers();
  block_size_of_zero_is_the_default_of_the_library();
  frames_of_zstd_are_decoded_one_after_another();
  frames_of_zstd_that_are_cut_or_need_a_dictionary_are_refused();
  noise_stays_inside_the_buffers();
  if (azimuthal::test::failures() == 0) std::puts("all checks passed");
  return azimuthal::test::failures() == 0 ? 0 : 1;
}
