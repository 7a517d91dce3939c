// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
//
// Feeds bytes to every decoder. An input is one byte that chooses the decoder, two (little-endian) that say how many
// bytes shall come out, and the bytes that are decoded: so the sizes that a caller expects may be lies as well.
//
// The decoders named "sums" are the fused kernels: chunks that are summed without a frame in between. One, four or
// sixteen chunks go side by side, the input and variations of it, on each instruction set in turn. A chunk must be
// taken exactly where the decoder of whole chunks takes it, and give the sums of the frame that this one decodes.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <random>
#include <utility>
#include <vector>

#include "azimuthal/bytes.hpp"
#include "azimuthal/chunk.hpp"
#include "azimuthal/isa.hpp"
#include "azimuthal/lz4.hpp"
#include "azimuthal/lz4_block.hpp"
#include "azimuthal/reduction.hpp"
#include "azimuthal/zstd.hpp"

namespace {

using namespace azimuthal;

struct Buffers {
  const std::uint8_t* in;
  std::size_t n_in;
  std::uint8_t* out;
  std::size_t n_out;
};

template <Codec kCodec, std::size_t kItem>
bool chunk(const Buffers& b) {
  return chunk_decode(kCodec, b.in, b.n_in, kItem, b.out, b.n_out, 1) == ChunkError::none;
}

using Random = std::minstd_rand;
constexpr DType kTypes[] = {DType::u8, DType::u16, DType::u16, DType::u32};  // by item size, less one

[[noreturn]] void fail(const char* what) {
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}

// Small plans of every packed form.
std::shared_ptr<const PackedWeights> weights_of(std::size_t n_pixels, unsigned form) {
  constexpr unsigned kLongest[] = {1, 2, 2, 4, 8, 12};
  const unsigned longest = kLongest[form];
  Random random(form + 1);
  const std::size_t n_bins = 20;
  std::vector<std::int64_t> indptr{0};
  std::vector<std::int32_t> indices;
  std::vector<double> weights;
  for (std::size_t p = 0; p < n_pixels; ++p) {
    const std::size_t n = random() % 8 == 0 ? 0 : longest - random() % (longest / 2 + 1);
    const std::size_t first = random() % (n_bins - n + 1), gap = random() % 20 == 0 ? (n_bins - n - first) : 0;
    const double share = static_cast<double>(random() % 99 + 1) / 100.0;
    for (std::size_t k = 0; k < n; ++k) {
      indices.push_back(static_cast<std::int32_t>(first + k + (k > 0 ? gap : 0)));
      weights.push_back(form == 0 || n == 1 ? 1.0 : form == 1 && k == 1 ? 1.0 - share : share);
    }
    indptr.push_back(static_cast<std::int64_t>(indices.size()));
  }
  return std::make_shared<PackedWeights>(indptr.data(), indices.data(), form == 0 ? nullptr : weights.data(), n_pixels,
                                         n_bins, 1);
}

const Reduction& reduction_of(std::size_t n_pixels, unsigned form) {
  static std::map<std::pair<std::size_t, unsigned>, std::unique_ptr<Reduction>> held;
  static std::size_t n_held = 0;
  const std::pair key(n_pixels, form);
  if (const auto at = held.find(key); at != held.end()) return *at->second;
  n_held += n_pixels;
  if (n_held > std::size_t{1} << 19) held.clear(), n_held = n_pixels;
  return *(held[key] = std::make_unique<Reduction>(weights_of(n_pixels, form), PixelTerms{}, 1));
}

InvalidValues invalid_of(unsigned rule, std::size_t item) {
  const std::uint64_t top = (std::uint64_t{1} << (8 * item)) - 1;
  const std::uint64_t ranges[][2] = {{top - 1, top}, {top, top}, {0, 0}, {2, 3}};
  InvalidValues invalid;
  for (unsigned k = 0; k < 4; ++k) {
    if (rule != 4 && rule != k) continue;  // 4: all of them; 5: none
    invalid.low[invalid.n].u = ranges[k][0];
    invalid.high[invalid.n++].u = ranges[k][1];
  }
  return invalid;
}

// The decoder that stops where planes repeat, and leaves those in place that were stored: the same bytes as the plain one.
template <std::size_t kPlanes>
bool planes(const Buffers& b) {
  if (b.n_out == 0 || b.n_out % kPlanes != 0) return false;
  const std::size_t plane = b.n_out / kPlanes;
  const std::unique_ptr<std::uint8_t[]> room(new std::uint8_t[b.n_out + kLz4Slack]);
  const bool fine = lz4_decode(b.in, b.n_in, b.out, b.n_out);
  const Lz4Planes found = lz4_decode_planes(b.in, b.n_in, room.get(), b.n_out, plane);
  if (fine != (found.written != 0)) fail("planes: taken by one decoder and refused by the other");
  for (std::size_t k = 0; fine && k < kPlanes; ++k) {
    const std::uint8_t* at = k < found.n_stored ? found.stored + k * plane
                                                : room.get() + std::min(k, found.written - 1) * plane;
    if (std::memcmp(at, b.out + k * plane, plane) != 0) fail("planes: not the bytes of the plain decoder");
  }
  return fine;
}

// The input, and variations of what follows its header; each ends where its memory ends and begins anywhere.
struct Variations {
  std::vector<std::unique_ptr<std::uint8_t[]>> held;
  std::vector<const std::uint8_t*> data;
  std::vector<std::size_t> sizes;

  Variations(const Buffers& b, std::size_t n, Random& random) {
    for (std::size_t lane = 0; lane < n; ++lane) {
      const std::size_t shift = lane == 0 ? 0 : random() % 8;
      std::size_t size = b.n_in;
      if (lane > 1 && random() % 8 == 0) size = random() % (b.n_in + 1);
      held.emplace_back(new std::uint8_t[size + shift]);
      std::uint8_t* to = held.back().get() + shift;
      if (size > 0) std::memcpy(to, b.in, size);
      for (unsigned k = 0; lane % 3 == 2 && size > 12 && k < 2; ++k) {
        to[12 + random() % (size - 12)] = static_cast<std::uint8_t>(random() >> 8);
      }
      data.push_back(to);
      sizes.push_back(size);
    }
  }
};

template <Codec kCodec, std::size_t kItem>
bool sums(const Buffers& b) {
  const std::size_t n_pixels = b.n_out / kItem;
  if (n_pixels == 0 || b.n_out % kItem != 0) return false;
  // To make a large plan for a chunk that is refused by its header takes longer than all else.
  if (n_pixels > 4096 && (b.n_in < 8 || load_be(b.in, 8) != b.n_out)) return false;
  std::uint32_t hash = 2166136261u;  // of the input: the same one always takes the same way
  for (std::size_t k = 0; k < b.n_in; ++k) hash = (hash ^ b.in[k]) * 16777619u;
  Random random(hash | 1u);
  const unsigned form = random() % 6, rule = random() % 6;
  const std::size_t n_lanes = std::size_t{1} << (2 * (random() % 3));
  const auto set = static_cast<Isa>(random() % 3);
  const Variance model = random() % 2 ? Variance::poisson : Variance::none;
  const Reduction& reduction = reduction_of(n_pixels, form);
  const InvalidValues invalid = invalid_of(rule, kItem);
  const Variations chunks(b, n_lanes, random);
  constexpr DType kType = kTypes[kItem - 1];
  if (!force_isa(set)) force_isa(Isa::baseline);
  const auto found = reduction.chunks(kCodec, kType, chunks.data.data(), chunks.sizes.data(), n_lanes, model, invalid);
  if (!force_isa(static_cast<Isa>(random() % 3))) force_isa(Isa::baseline);
  bool is_valid = false;
  for (std::size_t lane = 0; lane < n_lanes; ++lane) {
    const std::unique_ptr<std::uint8_t[]> dense(new std::uint8_t[b.n_out]);
    const ChunkError error =
        chunk_decode(kCodec, chunks.data[lane], chunks.sizes[lane], kItem, dense.get(), b.n_out, 1);
    if ((error == ChunkError::none) != (found[lane].error == ChunkError::none)) fail("decoder and kernel disagree");
    if (error != ChunkError::none) continue;
    const void* const frame = dense.get();
    const FrameSums expected = std::move(reduction.stack(kType, &frame, 1, model, invalid)[0]);
    if (found[lane].n_invalid != expected.n_invalid || found[lane].signal != expected.signal ||
        found[lane].variance != expected.variance ||
        found[lane].denominators->count != expected.denominators->count) {
      fail("the sums are not those of the frame");
    }
    if (lane == 0) {
      std::memcpy(b.out, dense.get(), b.n_out);
      is_valid = true;
    }
  }
  return is_valid;
}

struct Decoder {
  const char* name;
  bool (*decode)(const Buffers&);  // true: every byte of `out` has been written
};

// The order is that of make_seeds.py. A new decoder is one more line here and there.
constexpr Decoder kDecoders[] = {
    {"zstd", [](const Buffers& b) { return zstd_decode(b.in, b.n_in, b.out, b.n_out); }},
    {"lz4", [](const Buffers& b) { return lz4_decode(b.in, b.n_in, b.out, b.n_out); }},
    {"chunk none 1", chunk<Codec::none, 1>},
    {"chunk bitshuffle-lz4 1", chunk<Codec::bitshuffle_lz4, 1>},
    {"chunk bitshuffle-lz4 2", chunk<Codec::bitshuffle_lz4, 2>},
    {"chunk bitshuffle-lz4 4", chunk<Codec::bitshuffle_lz4, 4>},
    {"chunk bitshuffle-zstd 1", chunk<Codec::bitshuffle_zstd, 1>},
    {"chunk bitshuffle-zstd 2", chunk<Codec::bitshuffle_zstd, 2>},
    {"chunk bitshuffle-zstd 4", chunk<Codec::bitshuffle_zstd, 4>},
    {"chunk lz4 2", chunk<Codec::lz4, 2>},
    {"chunk bitshuffle-lz4 3", chunk<Codec::bitshuffle_lz4, 3>},
    {"chunk bitshuffle-zstd 8", chunk<Codec::bitshuffle_zstd, 8>},
    {"sums bitshuffle-lz4 1", sums<Codec::bitshuffle_lz4, 1>},
    {"sums bitshuffle-lz4 2", sums<Codec::bitshuffle_lz4, 2>},
    {"sums bitshuffle-lz4 4", sums<Codec::bitshuffle_lz4, 4>},
    {"sums bitshuffle-zstd 1", sums<Codec::bitshuffle_zstd, 1>},
    {"sums bitshuffle-zstd 2", sums<Codec::bitshuffle_zstd, 2>},
    {"sums bitshuffle-zstd 4", sums<Codec::bitshuffle_zstd, 4>},
    {"sums lz4 2", sums<Codec::lz4, 2>},
    {"planes 8", planes<8>},
    {"planes 16", planes<16>},
    {"planes 32", planes<32>},
};
constexpr std::size_t kHeader = 3;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < kHeader) return 0;
  const Decoder& decoder = kDecoders[data[0] % std::size(kDecoders)];
  const std::size_t n_in = size - kHeader, n_out = data[1] | static_cast<std::size_t>(data[2]) << 8;
  // Buffers of exact size on the heap: AddressSanitizer sees every step outside.
  const std::unique_ptr<std::uint8_t[]> in(new std::uint8_t[n_in]), first(new std::uint8_t[n_out]),
      second(new std::uint8_t[n_out]);
  if (n_in > 0) std::memcpy(in.get(), data + kHeader, n_in);
  // Twice into different bytes: a result that depends on what was there before has read what nobody wrote.
  std::memset(first.get(), 0, n_out);
  std::memset(second.get(), 0xA5, n_out);
  const bool fine = decoder.decode({in.get(), n_in, first.get(), n_out});
  const bool again = decoder.decode({in.get(), n_in, second.get(), n_out});
  if (fine != again || (fine && std::memcmp(first.get(), second.get(), n_out) != 0)) {
    std::fprintf(stderr, "%s: the result depends on bytes that it did not write\n", decoder.name);
    std::abort();
  }
  return 0;
}
