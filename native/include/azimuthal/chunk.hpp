// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
//
// Decoding of whole HDF5 chunks. Every byte of a chunk is hostile: each length is checked before it is used, and nothing
// is read or written outside of the two buffers.
//
// none: the elements as they are.
// bitshuffle (filter 32008): bytes in all (8, big-endian), bytes of a block (4, big-endian; 0 is the default of the
// bitshuffle library), then for each block its compressed length (4, big-endian) and its bit planes, compressed; then
// the last (n elements % 8) elements as they are. The last block may be shorter.
// lz4 (filter 32004): bytes in all (8, big-endian), bytes of a block (4, big-endian), then for each block its compressed
// length (4, big-endian) and an LZ4 block, or the bytes as they are where that length is the one of the decoded block.
// Bytes after the last element are ignored in both, as HDF5's filters do: writers may pad.
#pragma once

#include <cstddef>
#include <cstdint>

namespace azimuthal {

enum class Codec { none = 0, bitshuffle_lz4 = 1, bitshuffle_zstd = 2, lz4 = 3 };

// header: contradicts the size of the result; truncated: ends early; block: damaged inside.
enum class ChunkError { none = 0, header = 1, truncated = 2, block = 3 };

// Decodes a chunk to exactly n_out bytes, its blocks in parallel; `out` holds anything after an error.
ChunkError chunk_decode(Codec codec, const std::uint8_t* in, std::size_t n_in, std::size_t item_size, std::uint8_t* out,
                        std::size_t n_out, unsigned n_threads);

}  // namespace azimuthal
