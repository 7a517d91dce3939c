// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
#pragma once

#include <memory>

#include "azimuthal/packed_weights.hpp"

namespace azimuthal::bind {

// The packed weights of a plan, shared by all that use them.
struct SharedWeights {
  std::shared_ptr<const PackedWeights> packed;
};

}  // namespace azimuthal::bind
