// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
#include "azimuthal/robust.hpp"

#include <nanobind/stl/optional.h>

#include <memory>

#include "arrays.hpp"
#include "frames.hpp"
#include "pixel_terms.hpp"
#include "weights.hpp"

namespace azimuthal::bind {
namespace {

template <class T, class Allocator>
nb::object array_or_none(std::vector<T, Allocator>&& values) {
  return values.empty() ? nb::none() : nb::cast(as_numpy(std::move(values)));
}

// (signal, variance, normalization, normalization2, count, squares, cross, rejected, iterations, n_kept, n_rejected,
// n_invalid, further of dark, of flat); what there is not is None.
nb::tuple as_python(RobustSums&& sums) {
  return nb::make_tuple(array_or_none(std::move(sums.signal)), array_or_none(std::move(sums.variance)),
                        array_or_none(std::move(sums.normalization)), array_or_none(std::move(sums.normalization2)),
                        array_or_none(std::move(sums.count)), array_or_none(std::move(sums.squares)),
                        array_or_none(std::move(sums.cross)), nb::cast(as_numpy(std::move(sums.rejected))),
                        array_or_none(std::move(sums.iterations)), array_or_none(std::move(sums.n_kept)),
                        array_or_none(std::move(sums.n_rejected)), sums.n_invalid,
                        array_or_none(std::move(sums.further[0])), array_or_none(std::move(sums.further[1])));
}

class PyRobust {
 public:
  PyRobust(const SharedWeights& weights, OptionalDoubles offset, OptionalDoubles gain, OptionalDoubles normalization,
           unsigned n_threads)
      : terms_(weights, offset, gain, normalization) {
    nb::gil_scoped_release release;
    reduction_ = std::make_unique<RobustReduction>(weights.packed, terms_.terms(), n_threads);
  }

  std::size_t nbytes() const { return reduction_->nbytes(); }

  nb::tuple clip(const Frame& frame, int model, OptionalDoubles variance, const nb::sequence& ranges, bool nonfinite,
                 int spread, double threshold, int max_iter, OptionalDoubles dark,
                 OptionalDoubles flat, unsigned n_threads) const {
    require(spread >= 0 && spread <= 2 && max_iter >= 1, "clip: out of range");
    require(spread != 2 || model == 2, "clip: no variance");
    const ClipRules rules{static_cast<Spread>(spread), threshold, max_iter};
    return reduced(frame, model, variance, ranges, nonfinite, dark, flat,
                   [&](const RobustFrame& one) { return reduction_->clip(one, rules, n_threads); });
  }

  nb::tuple trim(const Frame& frame, int model, OptionalDoubles variance, const nb::sequence& ranges, bool nonfinite,
                 double low, double high, int error, double ratio, OptionalDoubles dark,
                 OptionalDoubles flat, unsigned n_threads) const {
    require(error >= 0 && error <= 2 && low >= 0.0 && low <= high && high <= 1.0, "trim: out of range");
    const TrimRules rules{low, high, static_cast<QuantileError>(error), ratio};
    return reduced(frame, model, variance, ranges, nonfinite, dark, flat,
                   [&](const RobustFrame& one) { return reduction_->trim(one, rules, n_threads); });
  }

 private:
  template <class Reduce>
  nb::tuple reduced(const Frame& frame, int model, const OptionalDoubles& variance, const nb::sequence& ranges,
                    bool nonfinite, const OptionalDoubles& dark, const OptionalDoubles& flat, Reduce&& reduce) const {
    const std::size_t n_pixels = reduction_->weights().n_pixels();
    const DType dtype = dtype_of(frame);
    require(frame.ndim() == 1 && frame.shape(0) == n_pixels, "frame: wrong length");
    require(model >= 0 && model <= 2, "model: expected 0 to 2");
    require(model != 2 || (variance && variance->shape(0) == n_pixels), "variance: wrong length");
    for (const auto& array : {dark, flat}) require(!array || array->shape(0) == n_pixels, "further: wrong length");
    const InvalidValues invalid = invalid_from(ranges, nonfinite, dtype);
    const RobustFrame one{dtype, frame.data(), &invalid, static_cast<Variance>(model), data_or_null(variance),
                          {data_or_null(dark), data_or_null(flat)}};
    RobustSums sums;
    {
      nb::gil_scoped_release release;
      sums = reduce(one);
    }
    return as_python(std::move(sums));
  }

  HeldTerms terms_;
  std::unique_ptr<RobustReduction> reduction_;
};

}  // namespace

void bind_robust(nb::module_& module) {
  nb::class_<PyRobust>(module, "RobustReduction")
      .def(nb::init<const SharedWeights&, OptionalDoubles, OptionalDoubles, OptionalDoubles, unsigned>(),
           nb::arg("weights"), nb::arg("offset").none(), nb::arg("gain").none(), nb::arg("normalization").none(),
           nb::arg("n_threads"))
      .def_prop_ro("nbytes", &PyRobust::nbytes)
      .def("clip", &PyRobust::clip, nb::arg("frame").noconvert(), nb::arg("model"), nb::arg("variance").none(),
           nb::arg("ranges"), nb::arg("nonfinite"), nb::arg("spread"), nb::arg("threshold"), nb::arg("max_iter"),
           nb::arg("dark_variance").none(), nb::arg("flat_variance").none(), nb::arg("n_threads"))
      .def("trim", &PyRobust::trim, nb::arg("frame").noconvert(), nb::arg("model"), nb::arg("variance").none(),
           nb::arg("ranges"), nb::arg("nonfinite"), nb::arg("low"), nb::arg("high"), nb::arg("error"),
           nb::arg("ratio"), nb::arg("dark_variance").none(), nb::arg("flat_variance").none(), nb::arg("n_threads"));
}

}  // namespace azimuthal::bind
