// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
#include "azimuthal/coordinates.hpp"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/tuple.h>

#include <algorithm>
#include <tuple>

#include "azimuthal/pixel_kernels.hpp"

#include "arrays.hpp"
#include "projections.hpp"

namespace azimuthal::bind {

namespace {

EntryScale entry_scale(const Input<double, nb::shape<-1, 4>>& table, double step) {
  const std::size_t n = table.shape(0);
  require(n >= 1 && n < (std::size_t{1} << 28), "entry: wrong length");
  require(step > 0.0, "entry_step: expected a positive number");
  const double* c = table.data();
  const double* end = c + 4 * (n - 1);
  EntryScale scale{c, static_cast<double>(n - 1), 1.0 / step, c[0], c[0]};
  const auto include = [&](double value) {
    scale.smallest = std::min(scale.smallest, value);
    scale.largest = std::max(scale.largest, value);
  };
  for (std::size_t i = 0; i < n; ++i) include(c[4 * i]);
  include(end[0] + end[1] + end[2] + end[3]);
  return scale;
}

}  // namespace

Projection projection(const Input<double, nb::shape<3, 3>>& rotation, const Input<double, nb::shape<3>>& shift,
                      int quantity, double factor, const EntryTable& entry, double entry_step) {
  require(quantity >= 0 && quantity <= 4, "quantity: expected 0 to 4");
  Projection p;
  std::copy_n(rotation.data(), 9, p.rotation);
  std::copy_n(shift.data(), 3, p.shift);
  p.quantity = static_cast<RadialQuantity>(quantity);
  p.factor = factor;
  if (entry) p.entry = entry_scale(*entry, entry_step);
  return p;
}

namespace {

using Corners = Output<double, nb::shape<-1, -1, 4, 2>>;
using Centers = Output<double, nb::shape<-1, -1, 2>>;

void grid(Doubles lower1, Doubles upper1, Doubles lower2, Doubles upper2, std::size_t begin, std::size_t end,
          Input<double, nb::shape<3, 3>> rotation, Input<double, nb::shape<3>> shift, int quantity, double factor,
          EntryTable entry, double entry_step, std::optional<Corners> corners, std::optional<Centers> centers, unsigned n_threads) {
  const std::size_t n1 = lower1.shape(0), n2 = lower2.shape(0);
  require(upper1.shape(0) == n1 && upper2.shape(0) == n2, "edges: lower and upper differ in length");
  require(begin <= end && end <= n1, "rows: out of range");
  require(!corners || (corners->shape(0) == end - begin && corners->shape(1) == n2), "corners: wrong shape");
  require(!centers || (centers->shape(0) == end - begin && centers->shape(1) == n2), "centers: wrong shape");
  const Projection p = projection(rotation, shift, quantity, factor, entry, entry_step);
  const SeparableGrid g{lower1.data(), upper1.data(), lower2.data(), upper2.data(), n2};
  double* corner_data = corners ? corners->data() : nullptr;
  double* center_data = centers ? centers->data() : nullptr;
  nb::gil_scoped_release release;
  project_grid(g, begin, end, p, corner_data, center_data, n_threads);
}

void points(Input<double, nb::shape<-1, 3>> positions, Input<double, nb::shape<3, 3>> rotation,
            Input<double, nb::shape<3>> shift, int quantity, double factor, bool nan_at_pole,
            Output<double, nb::shape<-1, 2>> out, unsigned n_threads) {
  require(out.shape(0) == positions.shape(0), "out: wrong length");
  const Projection p = projection(rotation, shift, quantity, factor, std::nullopt, 0.0);
  const double* in = positions.data();
  double* to = out.data();
  const std::size_t n = positions.shape(0);
  nb::gil_scoped_release release;
  project_points(in, n, p, nan_at_pole, to, n_threads);
}

void arc_tangents(Doubles y, Doubles x, Output<double, nb::ndim<1>> out) {
  require(x.shape(0) == y.shape(0) && out.shape(0) == y.shape(0), "x, out: wrong length");
  pixel_kernels().arc_tangents(y.data(), x.data(), y.shape(0), out.data());
}

}  // namespace

void bind_coordinates(nb::module_& module) {
  module.def("project_grid", &grid, nb::arg("lower1"), nb::arg("upper1"), nb::arg("lower2"), nb::arg("upper2"),
             nb::arg("begin"), nb::arg("end"), nb::arg("rotation"), nb::arg("shift"), nb::arg("quantity"),
             nb::arg("factor"), nb::arg("entry").none(), nb::arg("entry_step"), nb::arg("corners").none(), nb::arg("centers").none(), nb::arg("n_threads"));
  module.def("project_points", &points, nb::arg("positions"), nb::arg("rotation"), nb::arg("shift"),
             nb::arg("quantity"), nb::arg("factor"), nb::arg("nan_at_pole"), nb::arg("out"), nb::arg("n_threads"));
  module.def("arc_tangents", &arc_tangents, nb::arg("y"), nb::arg("x"), nb::arg("out"));
}

}  // namespace azimuthal::bind
