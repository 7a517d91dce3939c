// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
#include "azimuthal/scatter.hpp"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/vector.h>

#include <algorithm>

#include "arrays.hpp"

namespace azimuthal::bind {
namespace {

using OptionalDoubles = std::optional<Doubles>;

// The plan's arrays, checked once; keeps them alive.
class Scatter {
 public:
  Scatter(Input<std::int64_t, nb::ndim<1>> indptr, Input<std::int32_t, nb::ndim<1>> indices, OptionalDoubles weights,
          std::size_t n_bins, OptionalDoubles offset, OptionalDoubles gain, OptionalDoubles normalization)
      : indptr_(indptr), indices_(indices), weights_(weights), offset_(offset), gain_(gain), norm_(normalization) {
    require(indptr.shape(0) >= 1 && n_bins >= 1, "plan: empty");
    const std::size_t n_pixels = indptr.shape(0) - 1, n_entries = indices.shape(0);
    require(indptr.data()[0] == 0 && indptr.data()[n_pixels] == static_cast<std::int64_t>(n_entries),
            "indptr: does not span the indices");
    for (std::size_t p = 0; p < n_pixels; ++p) {
      require(indptr.data()[p] <= indptr.data()[p + 1], "indptr: decreases");
    }
    const std::int32_t* index = indices.data();
    require(std::all_of(index, index + n_entries,
                        [&](std::int32_t i) { return i >= 0 && static_cast<std::size_t>(i) < n_bins; }),
            "indices: out of range");
    require(!weights || weights->shape(0) == n_entries, "weights: wrong length");
    for (const auto& array : {offset, gain, normalization}) {
      require(!array || array->shape(0) == n_pixels, "pixel terms: wrong length");
    }
    matrix_ = {indptr.data(), index, data_or_null(weights), n_pixels, n_bins};
    terms_ = {data_or_null(offset), data_or_null(gain), data_or_null(normalization)};
  }

  template <class T>
  std::int64_t reduce(Input<T, nb::ndim<1>> frame, int model, OptionalDoubles variance, std::vector<T> low,
                      std::vector<T> high, bool nonfinite, Output<double, nb::ndim<1>> signal,
                      std::optional<Output<double, nb::ndim<1>>> sum_variance, unsigned n_threads) const {
    require(frame.shape(0) == matrix_.n_pixels, "frame: wrong length");
    require(model >= 0 && model <= 2, "model: expected 0 to 2");
    require(model != 2 || (variance && variance->shape(0) == matrix_.n_pixels), "variance: wrong length");
    require(signal.shape(0) == matrix_.n_bins, "signal: wrong length");
    require(model == 0 || (sum_variance && sum_variance->shape(0) == matrix_.n_bins), "sum_variance: wrong length");
    require(low.size() == high.size(), "invalid ranges: unequal lengths");
    const InvalidRule<T> invalid{std::move(low), std::move(high), nonfinite};
    FrameSums sums{signal.data(), sum_variance ? sum_variance->data() : nullptr, 0};
    const T* raw = frame.data();
    const double* var = data_or_null(variance);
    nb::gil_scoped_release release;
    return scatter<T>(matrix_, terms_, raw, static_cast<Variance>(model), var, invalid, sums, n_threads).n_invalid;
  }

  template <class T>
  void sum_denominators(std::optional<Input<T, nb::ndim<1>>> frame, std::vector<T> low, std::vector<T> high,
                        bool nonfinite, Output<double, nb::ndim<1>> normalization,
                        Output<double, nb::ndim<1>> normalization2, Output<double, nb::ndim<1>> count,
                        unsigned n_threads) const {
    require(!frame || frame->shape(0) == matrix_.n_pixels, "frame: wrong length");
    require(low.size() == high.size(), "invalid ranges: unequal lengths");
    for (const auto* out : {&normalization, &normalization2, &count}) {
      require(out->shape(0) == matrix_.n_bins, "sums: wrong length");
    }
    const InvalidRule<T> invalid{std::move(low), std::move(high), nonfinite};
    const T* raw = frame ? frame->data() : nullptr;
    const Denominators sums{normalization.data(), normalization2.data(), count.data()};
    nb::gil_scoped_release release;
    denominators<T>(matrix_, terms_.normalization, raw, invalid, sums, n_threads);
  }

 private:
  Input<std::int64_t, nb::ndim<1>> indptr_;
  Input<std::int32_t, nb::ndim<1>> indices_;
  OptionalDoubles weights_, offset_, gain_, norm_;
  PixelWeights matrix_;
  PixelTerms terms_;
};

template <class T>
void bind_type(nb::class_<Scatter>& scatter) {
  scatter.def("reduce", &Scatter::reduce<T>, nb::arg("frame").noconvert(), nb::arg("model"),
              nb::arg("variance").none(), nb::arg("low"), nb::arg("high"), nb::arg("nonfinite"), nb::arg("signal"),
              nb::arg("sum_variance").none(), nb::arg("n_threads"));
  scatter.def("denominators", &Scatter::sum_denominators<T>, nb::arg("frame").noconvert().none(), nb::arg("low"),
              nb::arg("high"), nb::arg("nonfinite"), nb::arg("normalization"), nb::arg("normalization2"),
              nb::arg("count"), nb::arg("n_threads"));
}

}  // namespace

void bind_scatter(nb::module_& module) {
  nb::class_<Scatter> scatter(module, "Scatter");
  scatter.def(nb::init<Input<std::int64_t, nb::ndim<1>>, Input<std::int32_t, nb::ndim<1>>, OptionalDoubles, std::size_t,
                       OptionalDoubles, OptionalDoubles, OptionalDoubles>(),
              nb::arg("indptr"), nb::arg("indices"), nb::arg("weights").none(), nb::arg("n_bins"),
              nb::arg("offset").none(), nb::arg("gain").none(), nb::arg("normalization").none());
  bind_type<std::uint8_t>(scatter);
  bind_type<std::uint16_t>(scatter);
  bind_type<std::uint32_t>(scatter);
  bind_type<std::uint64_t>(scatter);
  bind_type<std::int8_t>(scatter);
  bind_type<std::int16_t>(scatter);
  bind_type<std::int32_t>(scatter);
  bind_type<std::int64_t>(scatter);
  bind_type<float>(scatter);
  bind_type<double>(scatter);
}

}  // namespace azimuthal::bind
