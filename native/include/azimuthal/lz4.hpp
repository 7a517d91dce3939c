// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
//
// Decoding of LZ4 blocks. Every byte of the input is hostile: each length is checked before it is used, and nothing is
// read or written outside of the two buffers.
#pragma once

#include <cstddef>
#include <cstdint>

namespace azimuthal {

// Decodes one LZ4 block to exactly n_out bytes; false when the input is damaged (`out` then holds anything).
bool lz4_decode(const std::uint8_t* in, std::size_t n_in, std::uint8_t* out, std::size_t n_out) noexcept;

}  // namespace azimuthal
