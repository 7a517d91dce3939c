// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
//
// A projection from its numbers, checked.
#pragma once

#include <nanobind/stl/optional.h>

#include <optional>

#include "arrays.hpp"
#include "azimuthal/coordinates.hpp"

namespace azimuthal::bind {

// Polynomials of the parallax, one row per interval, and the length of an interval in m^2.
using EntryTable = std::optional<Input<double, nb::shape<-1, 4>>>;

Projection projection(const Input<double, nb::shape<3, 3>>& rotation, const Input<double, nb::shape<3>>& shift,
                      int quantity, double factor, const EntryTable& entry, double entry_step);

}  // namespace azimuthal::bind
