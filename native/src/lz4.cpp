// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
#include "azimuthal/lz4.hpp"

#include <cstring>

#include "azimuthal/bytes.hpp"
#include "azimuthal/lz4_block.hpp"

namespace azimuthal {

bool lz4_decode(const std::uint8_t* in, std::size_t n_in, std::uint8_t* out, std::size_t n_out) noexcept {
  const std::uint8_t* const end = in + n_in;
  std::uint8_t* to = out;
  std::uint8_t* const out_end = out + n_out;
  while (in != end) {
    const std::uint8_t token = *in++;
    std::size_t literals = token >> 4;
    if (literals < 15 && end - in >= 16 && out_end - to >= 16) {  // far from both ends: one copy of fixed size
      copy_16(to, in);
    } else {
      if (literals == 15 && !lz4::extend(in, end, literals)) return false;
      if (literals > static_cast<std::size_t>(end - in) || literals > static_cast<std::size_t>(out_end - to)) {
        return false;
      }
      if (literals > 0) std::memcpy(to, in, literals);
    }
    in += literals;
    to += literals;
    if (in == end) break;  // the last sequence has literals only
    if (end - in < 2) return false;
    const std::size_t offset = in[0] | static_cast<std::size_t>(in[1]) << 8;
    in += 2;
    std::size_t length = token & 15u;
    if (length == 15 && !lz4::extend(in, end, length)) return false;
    length += 4;
    const auto written = static_cast<std::size_t>(to - out), room = n_out - written;
    if (offset == 0 || offset > written || length > room) return false;
    copy_match(to, offset, length, room);
    to += length;
  }
  return to == out_end;
}

}  // namespace azimuthal
