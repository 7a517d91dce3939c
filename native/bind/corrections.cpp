// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
#include <nanobind/stl/optional.h>

#include <algorithm>
#include <atomic>

#include "arrays.hpp"
#include "azimuthal/parallel.hpp"
#include "azimuthal/pixel_kernels.hpp"

namespace azimuthal::bind {
namespace {

// Fills out (n1, n2); returns how many values are not finite and greater than 0.
std::int64_t grid_normalization(Doubles along, Doubles across, bool has_solid_angle, std::optional<Doubles> width1,
                                std::optional<Doubles> width2, double height, double scale, std::optional<Doubles> p2,
                                std::optional<Doubles> form_mixed, std::optional<Doubles> form_along,
                                std::optional<Doubles> form_across, Output<double, nb::ndim<2>> out,
                                unsigned n_threads) {
  const std::size_t n1 = along.shape(0), n2 = across.shape(0);
  require(out.shape(0) == n1 && out.shape(1) == n2, "out: wrong shape");
  require(width1.has_value() == width2.has_value(), "width1, width2: both or none");
  require(p2.has_value() == form_mixed.has_value() && p2.has_value() == form_along.has_value() &&
              p2.has_value() == form_across.has_value(),
          "p2, form: all or none");
  for (const auto& rows : {width1, form_mixed, form_along}) {
    require(!rows || rows->shape(0) == n1, "rows: wrong length");
  }
  for (const auto& columns : {width2, p2, form_across}) {
    require(!columns || columns->shape(0) == n2, "columns: wrong length");
  }
  const PixelKernels& kernels = pixel_kernels();
  RowFactors common{};
  common.across = across.data();
  common.has_solid_angle = has_solid_angle;
  common.width2 = data_or_null(width2);
  common.height = height;
  common.scale = scale;
  common.p2 = data_or_null(p2);
  common.form_across = data_or_null(form_across);
  const double *of_along = along.data(), *of_width1 = data_or_null(width1);
  const double *of_mixed = data_or_null(form_mixed), *of_form = data_or_null(form_along);
  double* product = out.data();
  std::atomic<std::int64_t> n_bad{0};
  constexpr std::size_t kRows = 16;
  nb::gil_scoped_release release;
  for_each_block((n1 + kRows - 1) / kRows, n_threads, [&](std::size_t block) {
    RowFactors row = common;
    std::int64_t found = 0;
    for (std::size_t i = block * kRows; i < std::min(n1, (block + 1) * kRows); ++i) {
      row.along = of_along[i];
      row.width1 = of_width1 ? of_width1[i] : 1.0;
      if (of_mixed) {
        row.form_mixed = of_mixed[i];
        row.form_along = of_form[i];
      }
      found += kernels.multiply_factors(row, n2, product + i * n2);
    }
    n_bad += found;
  });
  return n_bad;
}

}  // namespace

void bind_corrections(nb::module_& module) {
  module.def("grid_normalization", &grid_normalization, nb::arg("along"), nb::arg("across"),
             nb::arg("has_solid_angle"), nb::arg("width1").none(), nb::arg("width2").none(), nb::arg("height"),
             nb::arg("scale"), nb::arg("p2").none(), nb::arg("form_mixed").none(), nb::arg("form_along").none(),
             nb::arg("form_across").none(), nb::arg("out"), nb::arg("n_threads"));
}

}  // namespace azimuthal::bind
