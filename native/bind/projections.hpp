// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
//
// A projection from its numbers, checked.
#pragma once

#include "arrays.hpp"
#include "azimuthal/coordinates.hpp"

namespace azimuthal::bind {

Projection projection(const Input<double, nb::shape<3, 3>>& rotation, const Input<double, nb::shape<3>>& shift,
                      int quantity, double factor);

}  // namespace azimuthal::bind
