// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
//
// Decoding of one LZ4 block of bit planes, into memory with some room behind it (lz4.hpp needs none). Every byte of the input is hostile: each length is checked before it is used.
//
// A block is a sequence of: token (literals in the high half, match length - 4 in the low half, 15: more bytes follow),
// literals, offset (2 bytes, little-endian), more length; the last sequence ends after its literals.
//
// In a block of bit planes the end is nearly always one long match that repeats a plane: the high planes are empty, or
// all show the same gaps. `lz4_decode_planes` stops there and says which plane the rest repeats, instead of writing it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace azimuthal {

// Room that the output needs behind its end: copies are made 16 bytes at a time.
constexpr std::size_t kLz4Slack = 64;

namespace lz4 {

static inline void copy8(std::uint8_t* to, const std::uint8_t* from) noexcept {
  std::uint64_t x;
  std::memcpy(&x, from, 8);
  std::memcpy(to, &x, 8);
}
static inline void copy16(std::uint8_t* to, const std::uint8_t* from) noexcept {
  std::uint64_t x[2];
  std::memcpy(x, from, 16);
  std::memcpy(to, x, 16);
}

// Adds the bytes that extend a length of 15; false at the end of the input.
static inline bool extend(const std::uint8_t*& in, const std::uint8_t* end, std::size_t& length) noexcept {
  std::uint8_t byte = 255;
  while (byte == 255) {
    if (in == end) return false;
    byte = *in++;
    length += byte;
  }
  return true;
}

// Copies a match of `length` bytes from `offset` bytes before; writes up to 15 bytes more.
static inline void copy_match(std::uint8_t* to, std::size_t offset, std::size_t length) noexcept {
  std::uint8_t* const end = to + length;
  if (offset >= 16) {
    for (; to < end; to += 16) copy16(to, to - offset);
    return;
  }
  if (offset == 1) {
    std::memset(to, to[-1], length);
    return;
  }
  if (offset < 8) {
    for (int k = 0; k < 8; ++k) to[k] = to[k - static_cast<std::ptrdiff_t>(offset)];
    to += 8;
    offset *= (7 + offset) / offset;  // the shortest period of the pattern that may be copied 8 bytes at a time
  }
  for (; to < end; to += 8) copy8(to, to - offset);
}

}  // namespace lz4

// What is known of a block of planes after decoding.
struct Lz4Planes {
  // Planes that were found, 0: the input is damaged. Those after them repeat the last one.
  std::size_t written = 0;
  // The first planes are still where they were, in the input: they were stored as they are, and nothing refers to them.
  const std::uint8_t* stored = nullptr;
  std::size_t n_stored = 0;
};

// Decodes to exactly n_out bytes of `out`, which has kLz4Slack bytes more; `plane` divides n_out, or is 0: there are no
// planes, everything is written.
static inline Lz4Planes lz4_decode_planes(const std::uint8_t* in, std::size_t n_in, std::uint8_t* out,
                                          std::size_t n_out, std::size_t plane) noexcept {
  const std::uint8_t* const in_end = in + n_in;
  std::uint8_t* to = out;
  std::uint8_t* const out_end = out + n_out;
  const std::size_t all = plane ? n_out / plane : 1;
  Lz4Planes found;
  std::size_t head = 0;  // bytes of `out` that are in the input only
  while (in != in_end) {
    const unsigned token = *in++;
    std::size_t literals = token >> 4;
    if (literals < 15 && in_end - in >= 18 && literals <= static_cast<std::size_t>(out_end - to)) {
      lz4::copy16(to, in);
    } else {
      if (literals == 15 && !lz4::extend(in, in_end, literals)) return {};
      if (literals > static_cast<std::size_t>(in_end - in) || literals > static_cast<std::size_t>(out_end - to)) return {};
      // Planes of noise come first, as they are: they stay where they are, unless a match refers to them.
      if (plane >= 64 && plane % 8 == 0 && to == out && literals >= plane && static_cast<std::size_t>(in_end - in) > literals) {
        found.stored = in;
        found.n_stored = literals / plane;
        head = found.n_stored * plane;
        for (std::size_t k = 0; k < head; k += 64) __builtin_prefetch(in + k);  // read plane by plane, later
        std::memcpy(out + head, in + head, literals - head);
      } else if (static_cast<std::size_t>(in_end - in) >= literals + 16) {
        for (std::size_t k = 0; k < literals; k += 16) lz4::copy16(to + k, in + k);
      } else if (literals > 0) {
        std::memcpy(to, in, literals);
      }
    }
    in += literals;
    to += literals;
    if (in == in_end) break;  // the last sequence has literals only
    if (in_end - in < 2) return {};
    const std::size_t offset = in[0] | static_cast<std::size_t>(in[1]) << 8;
    in += 2;
    const auto written = static_cast<std::size_t>(to - out);
    std::size_t length = token & 15u;
    if (offset == 0 || offset > written) return {};
    if (head > written - offset) {  // refers to what was not copied
      std::memcpy(out, found.stored, head);
      found.n_stored = head = 0;
    }
    if (length < 15 && offset >= 8) {
      length += 4;
      if (length > n_out - written) return {};
      lz4::copy8(to, to - offset);
      lz4::copy8(to + 8, to + 8 - offset);
      lz4::copy8(to + 16, to + 16 - offset);
      to += length;
      continue;
    }
    if (length == 15 && !lz4::extend(in, in_end, length)) return {};
    length += 4;
    if (length > n_out - written) return {};
    if (plane && length > 2 * plane && plane % offset == 0 && in != in_end) {
      // Is this the last match? Then one token and the last few literals are all that remains.
      const std::size_t last = *in >> 4;
      const std::size_t whole = (written + plane - 1) / plane + 1;  // planes up to the first that is all repetition
      if (last < 15 && static_cast<std::size_t>(in_end - in) == 1 + last && last <= plane &&
          written + length + last == n_out && whole < all) {
        lz4::copy_match(to, offset, whole * plane - written);
        if (std::memcmp(out + whole * plane - last, in + 1, last) == 0) {
          found.written = whole;
          return found;
        }
        lz4::copy_match(to, offset, length);
        std::memcpy(to + length, in + 1, last);
        found.written = all;
        return found;
      }
    }
    lz4::copy_match(to, offset, length);
    to += length;
  }
  found.written = to == out_end ? all : 0;
  return found;
}

}  // namespace azimuthal
