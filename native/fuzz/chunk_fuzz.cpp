// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
//
// Feeds bytes to every decoder. An input is one byte that chooses the decoder, two (little-endian) that say how many
// bytes shall come out, and the bytes that are decoded: so the sizes that a caller expects may be lies as well.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "azimuthal/chunk.hpp"
#include "azimuthal/lz4.hpp"
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
