// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
#include "azimuthal/residuals.hpp"

#include <nanobind/stl/optional.h>

#include <memory>

#include "arrays.hpp"
#include "frames.hpp"
#include "pixel_terms.hpp"
#include "weights.hpp"

namespace azimuthal::bind {
namespace {

class PyResiduals {
 public:
  PyResiduals(const SharedWeights& weights, OptionalDoubles offset, OptionalDoubles gain, OptionalDoubles normalization)
      : terms_(weights, offset, gain, normalization), residuals_(weights.packed, terms_.terms()) {}

  // (squares, cross)
  nb::tuple frame(const Frame& frame, const Doubles& mean, const nb::sequence& ranges, bool nonfinite,
                  unsigned n_threads) const {
    const DType dtype = dtype_of(frame);
    require(frame.ndim() == 1 && frame.shape(0) == residuals_.weights().n_pixels(), "frame: wrong length");
    require(mean.shape(0) == residuals_.weights().n_bins(), "mean: wrong length");
    const InvalidValues invalid = invalid_from(ranges, nonfinite, dtype);
    const void* raw = frame.data();
    const double* means = mean.data();
    ResidualSums sums;
    {
      nb::gil_scoped_release release;
      sums = residuals_.frame(dtype, raw, means, invalid, n_threads);
    }
    return nb::make_tuple(as_numpy(std::move(sums.squares)), as_numpy(std::move(sums.cross)));
  }

 private:
  HeldTerms terms_;
  Residuals residuals_;
};

}  // namespace

void bind_residuals(nb::module_& module) {
  nb::class_<PyResiduals>(module, "Residuals")
      .def(nb::init<const SharedWeights&, OptionalDoubles, OptionalDoubles, OptionalDoubles>(), nb::arg("weights"),
           nb::arg("offset").none(), nb::arg("gain").none(), nb::arg("normalization").none())
      .def("frame", &PyResiduals::frame, nb::arg("frame").noconvert(), nb::arg("mean"), nb::arg("ranges"),
           nb::arg("nonfinite"), nb::arg("n_threads"));
}

}  // namespace azimuthal::bind
