// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
#include "azimuthal/sample_frame.hpp"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/tuple.h>

#include <algorithm>
#include <tuple>

#include "arrays.hpp"
#include "projections.hpp"

namespace azimuthal::bind {
namespace {

using Matrix = Input<double, nb::shape<3, 3>>;
using Vector = Input<double, nb::shape<3>>;
using Corners = Output<double, nb::shape<-1, -1, 4, 2>>;
using Centers = Output<double, nb::shape<-1, -1, 2>>;
using Flags = Output<std::uint8_t, nb::shape<-1, -1>>;

// Numbers of the two quantities and of the cut.
using Numbers = std::tuple<int, int, int>;

SampleProjection sample_projection(const Matrix& rotation, const Vector& shift, const Matrix& sample, double k,
                                   const Numbers& numbers) {
  const auto [u, c, cut] = numbers;
  require(u >= 0 && u < kSampleQuantities && c >= 0 && c < kSampleQuantities, "quantity: expected 0 to 11");
  require(cut >= 0 && cut <= 3, "cut: expected 0 to 3");
  SampleProjection p;
  std::copy_n(rotation.data(), 9, p.rotation);
  std::copy_n(shift.data(), 3, p.shift);
  std::copy_n(sample.data(), 9, p.sample);
  p.k = k;
  p.u = static_cast<SampleQuantity>(u);
  p.c = static_cast<SampleQuantity>(c);
  p.cut = static_cast<SampleCut>(cut);
  return p;
}

void grid(Doubles lower1, Doubles upper1, Doubles lower2, Doubles upper2, std::size_t begin, std::size_t end,
          Matrix rotation, Vector shift, Matrix sample, double k, Numbers numbers, EntryTable entry,
          double entry_step, std::optional<Corners> corners, std::optional<Centers> centers,
          std::optional<Flags> on_cut, unsigned n_threads) {
  const std::size_t n1 = lower1.shape(0), n2 = lower2.shape(0);
  require(upper1.shape(0) == n1 && upper2.shape(0) == n2, "edges: lower and upper differ in length");
  require(begin <= end && end <= n1, "rows: out of range");
  const std::size_t n_rows = end - begin;
  require(!corners || (corners->shape(0) == n_rows && corners->shape(1) == n2), "corners: wrong shape");
  require(!centers || (centers->shape(0) == n_rows && centers->shape(1) == n2), "centers: wrong shape");
  require(!on_cut || (on_cut->shape(0) == n_rows && on_cut->shape(1) == n2), "on_cut: wrong shape");
  SampleProjection p = sample_projection(rotation, shift, sample, k, numbers);
  p.entry = projection(rotation, shift, 0, 1.0, entry, entry_step).entry;
  const SeparableGrid g{lower1.data(), upper1.data(), lower2.data(), upper2.data(), n2};
  double* corner_data = corners ? corners->data() : nullptr;
  double* center_data = centers ? centers->data() : nullptr;
  std::uint8_t* cut_data = on_cut ? on_cut->data() : nullptr;
  nb::gil_scoped_release release;
  project_sample_grid(g, begin, end, p, corner_data, center_data, cut_data, n_threads);
}

void points(Input<double, nb::shape<-1, 3>> positions, Matrix rotation, Vector shift, Matrix sample, double k,
            Numbers numbers, Output<double, nb::shape<-1, 3>> out, unsigned n_threads) {
  require(out.shape(0) == positions.shape(0), "out: wrong length");
  const SampleProjection p = sample_projection(rotation, shift, sample, k, numbers);
  const double* in = positions.data();
  double* to = out.data();
  const std::size_t n = positions.shape(0);
  nb::gil_scoped_release release;
  project_sample_points(in, n, p, to, n_threads);
}

}  // namespace

void bind_sample_frame(nb::module_& module) {
  module.def("project_sample_grid", &grid, nb::arg("lower1"), nb::arg("upper1"), nb::arg("lower2"),
             nb::arg("upper2"), nb::arg("begin"), nb::arg("end"), nb::arg("rotation"), nb::arg("shift"),
             nb::arg("sample"), nb::arg("k"), nb::arg("numbers"), nb::arg("entry").none(),
             nb::arg("entry_step"), nb::arg("corners").none(), nb::arg("centers").none(), nb::arg("on_cut").none(),
             nb::arg("n_threads"));
  module.def("project_sample_points", &points, nb::arg("positions"), nb::arg("rotation"), nb::arg("shift"),
             nb::arg("sample"), nb::arg("k"), nb::arg("numbers"), nb::arg("out"), nb::arg("n_threads"));
}

}  // namespace azimuthal::bind
