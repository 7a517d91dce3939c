// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
//
// Decoding of Zstandard frames (RFC 8878). Every byte of the input is hostile: each length is checked before it is used,
// and nothing is read or written outside of the two buffers and a workspace of fixed size per thread.
#pragma once

#include <cstddef>
#include <cstdint>

namespace azimuthal {

// Decodes one or more frames (skippable ones too) to exactly n_out bytes; false when the input is damaged or needs a
// dictionary (`out` then holds anything).
//
// The checksum of the content is skipped: HDF5 has a filter of its own for that, and a chunk whose structure is whole
// but whose bytes are not is no danger here. The window size is not enforced: all of a frame that is written can be
// referred to.
bool zstd_decode(const std::uint8_t* in, std::size_t n_in, std::uint8_t* out, std::size_t n_out) noexcept;

}  // namespace azimuthal
