// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
#include "azimuthal/interpolation.hpp"

#include "arrays.hpp"

namespace azimuthal::bind {
namespace {

using Bins = Input<std::int32_t, nb::ndim<1>>;

void check_bins(const Bins& bins, std::size_t n_bins) {
  for (std::size_t p = 0; p < bins.shape(0); ++p) {
    require(bins.data()[p] < static_cast<std::int64_t>(n_bins), "bins: out of range");
  }
}

void bind_locate(const Doubles& values, const Doubles& edges, double period, bool is_circle,
                 Output<std::int32_t, nb::ndim<1>> bins, Output<double, nb::ndim<1>> fractions, unsigned n_threads) {
  const std::size_t n = values.shape(0);
  require(edges.shape(0) > 1, "edges: too few");
  require(bins.shape(0) == n && fractions.shape(0) == n, "bins, fractions: wrong length");
  const BinnedAxis axis{edges.data(), edges.shape(0) - 1, period, is_circle};
  nb::gil_scoped_release release;
  locate(values.data(), n, axis, bins.data(), fractions.data(), n_threads);
}

void bind_interpolate(const Bins& bins, const Doubles& fractions, const Doubles& values, const Doubles& last,
                      const Doubles& next, Output<double, nb::ndim<1>> out, unsigned n_threads) {
  const std::size_t n = bins.shape(0);
  require(fractions.shape(0) == n && out.shape(0) == n, "fractions, out: wrong length");
  require(last.shape(0) == values.shape(0) && next.shape(0) == values.shape(0), "last, next: wrong length");
  check_bins(bins, values.shape(0));
  nb::gil_scoped_release release;
  interpolate(bins.data(), fractions.data(), n, values.data(), last.data(), next.data(), out.data(), n_threads);
}

void bind_interpolate_twice(const Bins& radial_bins, const Doubles& radial_fractions, const Bins& azimuthal_bins,
                            const Doubles& azimuthal_fractions, bool is_circle, Input<double, nb::ndim<2>> values,
                            Output<double, nb::ndim<1>> out, unsigned n_threads) {
  const std::size_t n = radial_bins.shape(0);
  require(radial_fractions.shape(0) == n && azimuthal_bins.shape(0) == n && azimuthal_fractions.shape(0) == n &&
              out.shape(0) == n,
          "places: wrong length");
  check_bins(radial_bins, values.shape(1));
  check_bins(azimuthal_bins, values.shape(0));
  const PixelPlaces radial{radial_bins.data(), radial_fractions.data(), values.shape(1), false};
  const PixelPlaces azimuthal{azimuthal_bins.data(), azimuthal_fractions.data(), values.shape(0), is_circle};
  nb::gil_scoped_release release;
  interpolate_twice(radial, azimuthal, n, values.data(), out.data(), n_threads);
}

}  // namespace

void bind_interpolation(nb::module_& module) {
  module.def("locate", &bind_locate, nb::arg("values"), nb::arg("edges"), nb::arg("period"), nb::arg("is_circle"),
             nb::arg("bins"), nb::arg("fractions"), nb::arg("n_threads"));
  module.def("interpolate", &bind_interpolate, nb::arg("bins"), nb::arg("fractions"), nb::arg("values"),
             nb::arg("last"), nb::arg("next"), nb::arg("out"), nb::arg("n_threads"));
  module.def("interpolate_twice", &bind_interpolate_twice, nb::arg("radial_bins"), nb::arg("radial_fractions"),
             nb::arg("azimuthal_bins"), nb::arg("azimuthal_fractions"), nb::arg("is_circle"), nb::arg("values"),
             nb::arg("out"), nb::arg("n_threads"));
}

}  // namespace azimuthal::bind
