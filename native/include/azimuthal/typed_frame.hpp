// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
//
// One frame as numbers of its own type, with what is subtracted from its raw values and what they are divided by.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "azimuthal/kernels.hpp"

namespace azimuthal {

// `offset` and `normalization` may be null: 0 and 1.
struct FrameView {
  DType dtype;
  const void* raw;
  const InvalidValues* invalid;
  const double* offset;
  const double* normalization;
};

template <class T>
class TypedFrame {
 public:
  explicit TypedFrame(const FrameView& view)
      : raw_(static_cast<const T*>(view.raw)),
        offset_(view.offset),
        normalization_(view.normalization),
        n_(view.invalid->n),
        nonfinite_(view.invalid->nonfinite) {
    for (int k = 0; k < n_; ++k) {
      low_[k] = bound(view.invalid->low[k]);
      high_[k] = bound(view.invalid->high[k]);
    }
  }

  bool is_valid(std::size_t pixel) const noexcept {
    const T value = raw_[pixel];
    if constexpr (std::is_floating_point_v<T>) {
      if (nonfinite_ && !std::isfinite(value)) return false;
    }
    for (int k = 0; k < n_; ++k) {
      if (value >= low_[k] && value <= high_[k]) return false;
    }
    return true;
  }
  // Whether a value below `limit` may not count; NaN is below nothing.
  bool has_invalid_below(double limit) const noexcept {
    if (std::is_floating_point_v<T> && nonfinite_) return true;
    for (int k = 0; k < n_; ++k) {
      if (static_cast<double>(low_[k]) < limit) return true;
    }
    return false;
  }
  double raw(std::size_t pixel) const noexcept { return static_cast<double>(raw_[pixel]); }
  double signal(std::size_t pixel) const noexcept { return raw(pixel) - (offset_ ? offset_[pixel] : 0.0); }
  double normalization(std::size_t pixel) const noexcept { return normalization_ ? normalization_[pixel] : 1.0; }

 private:
  static T bound(Bound value) noexcept {
    if constexpr (std::is_floating_point_v<T>) return static_cast<T>(value.f);
    else if constexpr (std::is_signed_v<T>) return static_cast<T>(value.i);
    else return static_cast<T>(value.u);
  }

  const T* raw_;
  const double* offset_;
  const double* normalization_;
  T low_[InvalidValues::kMost], high_[InvalidValues::kMost];
  int n_;
  bool nonfinite_;
};

// Calls work(TypedFrame<T>) with the type of the frame.
template <class Work>
auto with_typed(const FrameView& view, Work&& work) {
  switch (view.dtype) {
    case DType::u8: return work(TypedFrame<std::uint8_t>(view));
    case DType::u16: return work(TypedFrame<std::uint16_t>(view));
    case DType::u32: return work(TypedFrame<std::uint32_t>(view));
    case DType::u64: return work(TypedFrame<std::uint64_t>(view));
    case DType::i8: return work(TypedFrame<std::int8_t>(view));
    case DType::i16: return work(TypedFrame<std::int16_t>(view));
    case DType::i32: return work(TypedFrame<std::int32_t>(view));
    case DType::i64: return work(TypedFrame<std::int64_t>(view));
    case DType::f32: return work(TypedFrame<float>(view));
    default: return work(TypedFrame<double>(view));
  }
}

}  // namespace azimuthal
