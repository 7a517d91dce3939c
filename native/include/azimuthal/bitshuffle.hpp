// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
//
// Decoding of HDF5 chunks compressed with bitshuffle and LZ4 (filter 32008). Every byte of the input is hostile: each
// length is checked before it is used, and nothing is read or written outside of the two buffers.
//
// A chunk is: bytes in all (8, big-endian), bytes of a block (4, big-endian), then for each block its compressed length
// (4, big-endian) and an LZ4 block, then the last (n elements % 8) elements as they are. A block of N elements of S
// bytes holds 8 S bit planes of N / 8 bytes: plane 8 j + b is bit b of byte j of all elements, element 8 m + k in bit k
// of its byte m.
#pragma once

#include <cstddef>
#include <cstdint>

namespace azimuthal {

enum class ChunkError { none = 0, header = 1, truncated = 2, block = 3 };

// Decodes one LZ4 block to exactly n_out bytes; false when the input is damaged.
bool lz4_decode(const std::uint8_t* in, std::size_t n_in, std::uint8_t* out, std::size_t n_out) noexcept;

// Turns the bit planes of n elements (a multiple of 8) back into elements.
void bits_untransposed(const std::uint8_t* planes, std::size_t n, std::size_t item_size, std::uint8_t* out) noexcept;

// Decodes a chunk to exactly n_out bytes, its blocks in parallel.
ChunkError bitshuffle_lz4_decode(const std::uint8_t* in, std::size_t n_in, std::size_t item_size, std::uint8_t* out,
                                 std::size_t n_out, unsigned n_threads);

}  // namespace azimuthal
