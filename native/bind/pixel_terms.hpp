// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
//
// The arrays per pixel of a reduction, as Python hands them over: kept alive, not copied.
#pragma once

#include "arrays.hpp"
#include "azimuthal/reduction.hpp"
#include "weights.hpp"

namespace azimuthal::bind {

class HeldTerms {
 public:
  HeldTerms(const SharedWeights& weights, OptionalDoubles offset, OptionalDoubles gain, OptionalDoubles normalization)
      : offset_(offset), gain_(gain), normalization_(normalization) {
    for (const auto& array : {offset, gain, normalization}) {
      require(!array || array->shape(0) == weights.packed->n_pixels(), "pixel terms: wrong length");
    }
  }
  PixelTerms terms() const { return {data_or_null(offset_), data_or_null(gain_), data_or_null(normalization_)}; }

 private:
  OptionalDoubles offset_, gain_, normalization_;
};

}  // namespace azimuthal::bind
