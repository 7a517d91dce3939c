// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
//
// From the number of a type to the type. Included by the kernels only: every instruction set has its own.
#pragma once

#include <cstdint>

#include "azimuthal/kernels.hpp"

namespace azimuthal::AZIMUTHAL_ISA {
namespace {

// Calls work.template operator()<T>() for the type of the frames.
template <class Work>
auto with_type(DType dtype, Work&& work) {
  switch (dtype) {
    case DType::u8: return work.template operator()<std::uint8_t>();
    case DType::u16: return work.template operator()<std::uint16_t>();
    case DType::u32: return work.template operator()<std::uint32_t>();
    case DType::u64: return work.template operator()<std::uint64_t>();
    case DType::i8: return work.template operator()<std::int8_t>();
    case DType::i16: return work.template operator()<std::int16_t>();
    case DType::i32: return work.template operator()<std::int32_t>();
    case DType::i64: return work.template operator()<std::int64_t>();
    case DType::f32: return work.template operator()<float>();
    default: return work.template operator()<double>();
  }
}

}  // namespace
}  // namespace azimuthal::AZIMUTHAL_ISA
