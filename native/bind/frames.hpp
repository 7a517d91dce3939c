// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
//
// Frames of any type, and the values in them that do not count, as Python hands them over.
#pragma once

#include "arrays.hpp"
#include "azimuthal/kernels.hpp"

namespace azimuthal::bind {

using Frame = nb::ndarray<nb::ro, nb::c_contig, nb::device::cpu>;

inline DType dtype_of(const Frame& frame) {
  const auto bits = frame.dtype().bits;
  const int size = bits == 8 ? 0 : bits == 16 ? 1 : bits == 32 ? 2 : bits == 64 ? 3 : -1;
  require(size >= 0, "frame: unknown item size");
  switch (static_cast<nb::dlpack::dtype_code>(frame.dtype().code)) {
    case nb::dlpack::dtype_code::UInt: return static_cast<DType>(size);
    case nb::dlpack::dtype_code::Int: return static_cast<DType>(4 + size);
    case nb::dlpack::dtype_code::Float:
      require(size >= 2, "frame: half precision");
      return size == 2 ? DType::f32 : DType::f64;
    default: throw nb::value_error("frame: neither integers nor floats");
  }
}

inline DType dtype_from(int number) {
  require(number >= 0 && number <= static_cast<int>(DType::f64), "dtype: out of range");
  return static_cast<DType>(number);
}

inline Bound bound_from(nb::handle value, DType dtype) {
  Bound bound{};
  if (dtype >= DType::f32) bound.f = nb::cast<double>(value);
  else if (dtype >= DType::i8) bound.i = nb::cast<std::int64_t>(value);
  else bound.u = nb::cast<std::uint64_t>(value);
  return bound;
}

// `ranges`: (low, high), inclusive.
inline InvalidValues invalid_from(const nb::sequence& ranges, bool nonfinite, DType dtype) {
  InvalidValues invalid;
  invalid.nonfinite = nonfinite;
  for (nb::handle range : ranges) {
    require(invalid.n < InvalidValues::kMost, "invalid ranges: too many");
    invalid.low[invalid.n] = bound_from(range[0], dtype);
    invalid.high[invalid.n] = bound_from(range[1], dtype);
    ++invalid.n;
  }
  return invalid;
}

}  // namespace azimuthal::bind
