// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
#include "azimuthal/splitting.hpp"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/tuple.h>

#include <cmath>
#include <limits>
#include <tuple>

#include "arrays.hpp"

namespace azimuthal::bind {
namespace {

using OptionalCorners = std::optional<Input<double, nb::shape<-1, -1, 2>>>;
using OptionalCenters = std::optional<Input<double, nb::shape<-1, 2>>>;
using OptionalMask = std::optional<Input<std::uint8_t, nb::ndim<1>>>;

PixelView view(const OptionalCorners& corners, const OptionalCenters& centers, const OptionalMask& excluded, Scheme scheme) {
  require(scheme == Scheme::none || corners.has_value(), "corners: needed by this scheme");
  require(scheme == Scheme::full || centers.has_value(), "centers: needed by this scheme");
  const std::size_t n = corners ? corners->shape(0) : centers->shape(0);
  require(!centers || centers->shape(0) == n, "centers: wrong length");
  require(!corners || (corners->shape(0) == n && corners->shape(1) >= 3 && corners->shape(1) <= kMaxCorners),
          "corners: expected shape (n, 3..6, 2)");
  require(!excluded || excluded->shape(0) == n, "excluded: wrong length");
  return {corners ? corners->data() : nullptr, centers ? centers->data() : nullptr, excluded ? excluded->data() : nullptr, n,
          corners ? static_cast<int>(corners->shape(1)) : 0};
}

Scheme scheme_of(int number) {
  require(number >= 0 && number <= 3, "scheme: expected 0 to 3");
  return static_cast<Scheme>(number);
}

void require_edges(const Doubles& edges) {
  require(edges.shape(0) >= 2, "edges: at least two");
  for (std::size_t i = 1; i < edges.shape(0); ++i) {
    require(edges.data()[i] > edges.data()[i - 1], "edges: must increase strictly");
  }
}

auto split_pixels(OptionalCorners corners, OptionalCenters centers, OptionalMask excluded, int scheme_number, Doubles u_edges,
                  Doubles c_edges, double period, double forward_pole, double backward_pole, double equator, double u_floor,
                  unsigned n_threads) {
  const Scheme scheme = scheme_of(scheme_number);
  const PixelView pixels = view(corners, centers, excluded, scheme);
  require_edges(u_edges);
  require_edges(c_edges);
  require((u_edges.shape(0) - 1) * (c_edges.shape(0) - 1) <=
              static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max()),
          "bins: more than 2^31");
  const BinGrid grid{{u_edges.data(), u_edges.shape(0)},
                     {c_edges.data(), c_edges.shape(0)},
                     {period, forward_pole, backward_pole, equator},
                     u_floor};
  Weights weights;
  {
    nb::gil_scoped_release release;
    weights = split(pixels, scheme, grid, n_threads);
  }
  return std::make_tuple(as_numpy(std::move(weights.counts)), as_numpy(std::move(weights.indices)),
                         as_numpy(std::move(weights.values)), weights.n_not_finite);
}

auto extent_of(OptionalCorners corners, OptionalCenters centers, OptionalMask excluded, int scheme_number, double period,
               double forward_pole, double backward_pole, double equator, double u_floor, unsigned n_threads) {
  const Scheme scheme = scheme_of(scheme_number);
  const PixelView pixels = view(corners, centers, excluded, scheme);
  Extent e;
  {
    nb::gil_scoped_release release;
    e = extent(pixels, scheme, {period, forward_pole, backward_pole, equator}, u_floor, n_threads);
  }
  return std::make_tuple(e.u_min, e.u_max, e.c_min, e.c_max);
}

}  // namespace

void bind_splitting(nb::module_& module) {
  module.def("split", &split_pixels, nb::arg("corners").none(), nb::arg("centers").none(), nb::arg("excluded").none(),
             nb::arg("scheme"), nb::arg("u_edges"), nb::arg("c_edges"), nb::arg("period"), nb::arg("forward_pole"),
             nb::arg("backward_pole"), nb::arg("equator"), nb::arg("u_floor"), nb::arg("n_threads"));
  module.def("extent", &extent_of, nb::arg("corners").none(), nb::arg("centers").none(), nb::arg("excluded").none(),
             nb::arg("scheme"), nb::arg("period"), nb::arg("forward_pole"), nb::arg("backward_pole"),
             nb::arg("equator"), nb::arg("u_floor"), nb::arg("n_threads"));
}

}  // namespace azimuthal::bind
