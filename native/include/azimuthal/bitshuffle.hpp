// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
//
// Bit planes, as bitshuffle writes them: n elements of S bytes are 8 S planes of n / 8 bytes; plane 8 j + b is bit b of
// byte j of all elements, element 8 m + k in bit k of its byte m.
#pragma once

#include <cstddef>
#include <cstdint>

#include "azimuthal/lz4.hpp"

namespace azimuthal {

// Turns the bit planes of n elements (a multiple of 8) back into elements.
void bits_untransposed(const std::uint8_t* planes, std::size_t n, std::size_t item_size, std::uint8_t* out) noexcept;

}  // namespace azimuthal
