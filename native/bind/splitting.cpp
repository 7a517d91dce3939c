// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
#include "azimuthal/splitting.hpp"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/tuple.h>

#include <cmath>
#include <limits>
#include <tuple>

#include "arrays.hpp"
#include "weights.hpp"
#include "projections.hpp"

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

BinGrid bin_grid(const Doubles& u_edges, const Doubles& c_edges, const Circle& circle, double u_floor) {
  require_edges(u_edges);
  require_edges(c_edges);
  require((u_edges.shape(0) - 1) * (c_edges.shape(0) - 1) <=
              static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max()),
          "bins: more than 2^31");
  return {{u_edges.data(), u_edges.shape(0)}, {c_edges.data(), c_edges.shape(0)}, circle, u_floor};
}

auto split_pixels(OptionalCorners corners, OptionalCenters centers, OptionalMask excluded, int scheme_number, Doubles u_edges,
                  Doubles c_edges, double period, double forward_pole, double backward_pole, double equator, double u_floor,
                  unsigned n_threads) {
  const Scheme scheme = scheme_of(scheme_number);
  const PixelView pixels = view(corners, centers, excluded, scheme);
  const BinGrid grid = bin_grid(u_edges, c_edges, {period, forward_pole, backward_pole, equator}, u_floor);
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

// A flat detector, its projection and its bins; the arrays must outlive it.
GridSplit grid_job(const Doubles& lower1, const Doubles& upper1, const Doubles& lower2, const Doubles& upper2,
                   const Input<double, nb::shape<3, 3>>& rotation, const Input<double, nb::shape<3>>& shift,
                   int quantity, double factor, const EntryTable& entry, double entry_step,
                   const Input<std::uint8_t, nb::ndim<1>>& excluded, int scheme,
                   const BinGrid& bins) {
  const std::size_t n1 = lower1.shape(0), n2 = lower2.shape(0);
  require(n1 >= 1 && n2 >= 1, "edges: at least one pixel");
  require(upper1.shape(0) == n1 && upper2.shape(0) == n2, "edges: lower and upper differ in length");
  require(excluded.shape(0) == n1 * n2, "excluded: wrong length");
  require(bins.circle.period > 0.0, "period: expected a circle");
  return {{lower1.data(), upper1.data(), lower2.data(), upper2.data(), n2},
          n1,
          projection(rotation, shift, quantity, factor, entry, entry_step),
          excluded.data(),
          scheme_of(scheme),
          bins};
}

auto extent_of_grid(Doubles lower1, Doubles upper1, Doubles lower2, Doubles upper2,
                    Input<double, nb::shape<3, 3>> rotation, Input<double, nb::shape<3>> shift, int quantity,
                    double factor, EntryTable entry, double entry_step, Input<std::uint8_t, nb::ndim<1>> excluded, int scheme, double period,
                    double forward_pole, double backward_pole, double equator, double u_floor, unsigned n_threads) {
  constexpr double inf = std::numeric_limits<double>::infinity();
  const double all[2] = {-inf, inf};
  const BinGrid bins{{all, 2}, {all, 2}, {period, forward_pole, backward_pole, equator}, u_floor};
  const GridSplit job =
      grid_job(lower1, upper1, lower2, upper2, rotation, shift, quantity, factor, entry, entry_step, excluded, scheme,
               bins);
  RadialExtent found;
  {
    nb::gil_scoped_release release;
    found = grid_extent(job, n_threads);
  }
  return std::make_tuple(found.u_min, found.u_max);
}

// Every 64th row of a job, to see what its weights look like.
class SampledRows {
 public:
  explicit SampledRows(const GridSplit& job) : job_(job) {
    constexpr std::size_t kStep = 64;
    const std::size_t n2 = job.grid.n2;
    for (std::size_t row = std::min(job.n1 - 1, kStep / 2); row < job.n1; row += kStep) {
      lower_.push_back(job.grid.lower1[row]);
      upper_.push_back(job.grid.upper1[row]);
      excluded_.insert(excluded_.end(), job.excluded + row * n2, job.excluded + (row + 1) * n2);
    }
    job_.grid.lower1 = lower_.data();
    job_.grid.upper1 = upper_.data();
    job_.n1 = lower_.size();
    job_.excluded = excluded_.data();
  }
  const GridSplit& job() const noexcept { return job_; }

 private:
  GridSplit job_;
  std::vector<double> lower_, upper_;
  std::vector<std::uint8_t> excluded_;
};

std::tuple<SharedWeights, std::int64_t> pack_grid(Doubles lower1, Doubles upper1, Doubles lower2, Doubles upper2,
                                                  Input<double, nb::shape<3, 3>> rotation,
                                                  Input<double, nb::shape<3>> shift, int quantity, double factor,
                                                  EntryTable entry, double entry_step,
                                                  Input<std::uint8_t, nb::ndim<1>> excluded, int scheme,
                                                  Doubles u_edges, Doubles c_edges, double period, double forward_pole,
                                                  double backward_pole, double equator, double u_floor,
                                                  unsigned n_threads) {
  const BinGrid bins = bin_grid(u_edges, c_edges, {period, forward_pole, backward_pole, equator}, u_floor);
  const GridSplit job =
      grid_job(lower1, upper1, lower2, upper2, rotation, shift, quantity, factor, entry, entry_step, excluded, scheme,
               bins);
  const auto n_bins = static_cast<std::size_t>(bins.u.n_bins() * bins.c.n_bins());
  nb::gil_scoped_release release;
  const SampledRows sampled(job);
  std::int64_t n_not_finite = 0;
  auto packed = std::make_shared<const PackedWeights>(
      job.n1 * job.grid.n2, n_bins, [&](const RunSink& sink) { split_grid(sampled.job(), n_threads, sink); },
      [&](const RunSink& sink) { n_not_finite = split_grid(job, n_threads, sink); }, n_threads);
  return {SharedWeights{std::move(packed)}, n_not_finite};
}

}  // namespace

void bind_splitting(nb::module_& module) {
  module.def("split", &split_pixels, nb::arg("corners").none(), nb::arg("centers").none(), nb::arg("excluded").none(),
             nb::arg("scheme"), nb::arg("u_edges"), nb::arg("c_edges"), nb::arg("period"), nb::arg("forward_pole"),
             nb::arg("backward_pole"), nb::arg("equator"), nb::arg("u_floor"), nb::arg("n_threads"));
  module.def("extent", &extent_of, nb::arg("corners").none(), nb::arg("centers").none(), nb::arg("excluded").none(),
             nb::arg("scheme"), nb::arg("period"), nb::arg("forward_pole"), nb::arg("backward_pole"),
             nb::arg("equator"), nb::arg("u_floor"), nb::arg("n_threads"));
  module.def("pack_grid", &pack_grid, nb::arg("lower1"), nb::arg("upper1"), nb::arg("lower2"), nb::arg("upper2"),
             nb::arg("rotation"), nb::arg("shift"), nb::arg("quantity"), nb::arg("factor"),
             nb::arg("entry").none(), nb::arg("entry_step"), nb::arg("excluded"), nb::arg("scheme"), nb::arg("u_edges"), nb::arg("c_edges"), nb::arg("period"), nb::arg("forward_pole"),
             nb::arg("backward_pole"), nb::arg("equator"), nb::arg("u_floor"), nb::arg("n_threads"));
  module.def("grid_extent", &extent_of_grid, nb::arg("lower1"), nb::arg("upper1"), nb::arg("lower2"),
             nb::arg("upper2"), nb::arg("rotation"), nb::arg("shift"), nb::arg("quantity"), nb::arg("factor"),
             nb::arg("entry").none(), nb::arg("entry_step"), nb::arg("excluded"), nb::arg("scheme"), nb::arg("period"), nb::arg("forward_pole"),
             nb::arg("backward_pole"), nb::arg("equator"), nb::arg("u_floor"), nb::arg("n_threads"));
}

}  // namespace azimuthal::bind
