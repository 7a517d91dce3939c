// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
//
// Loads, stores and copies that decoders share.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace azimuthal {

inline std::uint64_t load_le64(const std::uint8_t* in) noexcept {
  std::uint64_t value = 0;
  if constexpr (std::endian::native == std::endian::little) {
    std::memcpy(&value, in, 8);
  } else {
    for (unsigned k = 0; k < 8; ++k) value |= static_cast<std::uint64_t>(in[k]) << (8 * k);
  }
  return value;
}

inline void store_le64(std::uint8_t* out, std::uint64_t value) noexcept {
  if constexpr (std::endian::native == std::endian::little) {
    std::memcpy(out, &value, 8);
  } else {
    for (unsigned k = 0; k < 8; ++k) out[k] = static_cast<std::uint8_t>(value >> (8 * k));
  }
}

// n <= 8 bytes as an unsigned number.
inline std::uint64_t load_be(const std::uint8_t* in, std::size_t n) noexcept {
  std::uint64_t value = 0;
  for (std::size_t k = 0; k < n; ++k) value = value << 8 | in[k];
  return value;
}

inline std::uint64_t load_le(const std::uint8_t* in, std::size_t n) noexcept {
  std::uint64_t value = 0;
  for (std::size_t k = n; k-- > 0;) value = value << 8 | in[k];
  return value;
}

inline void copy_16(std::uint8_t* out, const std::uint8_t* in) noexcept { std::memcpy(out, in, 16); }

// How far a copy of a match may write past its end when there is room: then it goes in steps of 16 bytes.
inline constexpr std::size_t kSlack = 32;

// Writes `length` bytes at `to`, each a copy of the one `offset` before it: 1 <= offset <= bytes written before `to`,
// length <= room, the bytes that may be written from `to` on (also past the match, up to kSlack bytes).
inline void copy_match(std::uint8_t* to, std::size_t offset, std::size_t length, std::size_t room) noexcept {
  if (offset == 1) {
    std::memset(to, to[-1], length);
    return;
  }
  if (room - length < kSlack) {  // nothing past the end: the period is copied, doubling each time
    std::size_t period = offset;
    while (length > 0) {
      const std::size_t part = std::min(period, length);
      std::memcpy(to, to - period, part);
      to += part;
      length -= part;
      if (part == period) period *= 2;
    }
    return;
  }
  std::uint8_t* const end = to + length;
  std::size_t back = offset;
  if (offset < 16) {
    for (std::size_t k = 0; k < 16; ++k) to[k] = (to - offset)[k];
    to += 16;
    back = (15 / offset + 1) * offset;  // the smallest multiple of the period that is no less than 16
  }
  for (; to < end; to += 16) copy_16(to, to - back);
}

}  // namespace azimuthal
