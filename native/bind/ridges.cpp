// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
#include "azimuthal/ridges.hpp"

#include <cmath>

#include "arrays.hpp"

namespace azimuthal::bind {
namespace {

using Image = Input<float, nb::ndim<2>>;
using Usable = Input<std::uint8_t, nb::ndim<2>>;

PixelNoise noise_from(double constant, double slope, double least) {
  require(std::isfinite(constant) && std::isfinite(slope) && least > 0, "noise: out of range");
  return {constant, slope, least};
}

RidgeFilter filter_from(double sigma, double length, int n_directions) {
  require(sigma >= 0.5 && sigma <= 20 && length >= 0.5 && length <= 50, "sigma, length: out of range");
  require(n_directions > 1 && n_directions < 256, "n_directions: out of range");
  return {sigma, length, n_directions, 0, 1, {1, 0, 1}};
}

nb::tuple candidates(const Image& image, const Usable& usable, double sigma, double length, int n_directions,
                     double significance, double steepness, double constant, double slope, double least,
                     unsigned n_threads) {
  RidgeFilter filter = filter_from(sigma, length, n_directions);
  filter.significance = significance, filter.steepness = steepness;
  filter.noise = noise_from(constant, slope, least);
  const std::size_t n_slow = usable.shape(0), n_fast = usable.shape(1), border = 2 * ridge_border(filter);
  require(image.shape(0) == n_slow + border && image.shape(1) == n_fast + border, "image: wrong border");
  std::vector<RidgeCandidate> found;
  double excess = 1;
  {
    nb::gil_scoped_release release;
    found = ridge_candidates(image.data(), usable.data(), n_slow, n_fast, filter, n_threads, &excess);
  }
  std::vector<std::int64_t> pixel(found.size());
  std::vector<std::int32_t> direction(found.size());
  std::vector<float> height(found.size()), mean(found.size());
  for (std::size_t k = 0; k < found.size(); ++k) {
    pixel[k] = found[k].pixel, direction[k] = found[k].direction;
    height[k] = found[k].significance, mean[k] = found[k].mean;
  }
  return nb::make_tuple(as_numpy(std::move(pixel)), as_numpy(std::move(direction)), as_numpy(std::move(height)),
                        as_numpy(std::move(mean)), excess);
}

std::size_t border(double sigma, double length, int n_directions) {
  return ridge_border(filter_from(sigma, length, n_directions));
}

void fits(const Image& image, const Usable& usable, const Input<double, nb::ndim<2>>& starts, double half_length,
          double half_width, double curvature_error, double constant, double slope, double least,
          Output<double, nb::ndim<2>> out, unsigned n_threads) {
  static_assert(sizeof(RidgeStart) == 4 * sizeof(double) && sizeof(RidgeFit) == kRidgeFitValues * sizeof(double));
  require(image.shape(0) == usable.shape(0) && image.shape(1) == usable.shape(1), "usable: wrong shape");
  require(starts.shape(1) == 4 && out.shape(0) == starts.shape(0) && out.shape(1) == kRidgeFitValues,
          "starts, out: wrong shape");
  require(half_length >= 1 && half_length <= 200 && half_width >= 2 && half_width <= 200 && curvature_error > 0,
          "half_length, half_width, curvature_error: out of range");
  for (std::size_t k = 0; k < 4 * starts.shape(0); ++k) {
    require(std::abs(starts.data()[k]) < 1e9, "starts: out of range");
  }
  const RidgeFitSettings settings{half_length, half_width, curvature_error, noise_from(constant, slope, least)};
  nb::gil_scoped_release release;
  fit_ridges(image.data(), usable.data(), usable.shape(0), usable.shape(1),
             reinterpret_cast<const RidgeStart*>(starts.data()), starts.shape(0), settings,
             reinterpret_cast<RidgeFit*>(out.data()), n_threads);
}

}  // namespace

void bind_ridges(nb::module_& module) {
  module.def("ridge_border", &border, nb::arg("sigma"), nb::arg("length"), nb::arg("n_directions"));
  module.def("ridge_candidates", &candidates, nb::arg("image"), nb::arg("usable"), nb::arg("sigma"),
             nb::arg("length"), nb::arg("n_directions"), nb::arg("significance"), nb::arg("steepness"),
             nb::arg("constant"), nb::arg("slope"), nb::arg("least"), nb::arg("n_threads"));
  module.def("ridge_fits", &fits, nb::arg("image"), nb::arg("usable"), nb::arg("starts"), nb::arg("half_length"),
             nb::arg("half_width"), nb::arg("curvature_error"), nb::arg("constant"), nb::arg("slope"),
             nb::arg("least"), nb::arg("out"), nb::arg("n_threads"));
}

}  // namespace azimuthal::bind
