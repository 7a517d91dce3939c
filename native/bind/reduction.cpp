// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
#include "azimuthal/reduction.hpp"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "arrays.hpp"
#include "frames.hpp"
#include "pixel_terms.hpp"
#include "weights.hpp"

namespace azimuthal::bind {
namespace {

Variance model_from(int number) {
  require(number >= 0 && number <= 2, "model: expected 0 to 2");
  return static_cast<Variance>(number);
}

nb::object view_of(const std::vector<double>& values, const std::shared_ptr<const StaticSums>& owner) {
  auto* held = new std::shared_ptr<const StaticSums>(owner);
  nb::capsule capsule(held, [](void* p) noexcept { delete static_cast<std::shared_ptr<const StaticSums>*>(p); });
  return nb::cast(nb::ndarray<nb::numpy, const double, nb::ndim<1>>(values.data(), {values.size()}, capsule));
}

// (error, signal, variance | None, normalization, normalization2, count, n_invalid)
nb::tuple as_python(FrameSums&& sums) {
  if (sums.error != ChunkError::none) {
    return nb::make_tuple(static_cast<int>(sums.error), nb::none(), nb::none(), nb::none(), nb::none(), nb::none(), 0);
  }
  const auto& denominators = sums.denominators;
  return nb::make_tuple(0, as_numpy(std::move(sums.signal)),
                        sums.variance.empty() ? nb::none() : nb::cast(as_numpy(std::move(sums.variance))),
                        view_of(denominators->normalization, denominators),
                        view_of(denominators->normalization2, denominators), view_of(denominators->count, denominators),
                        sums.n_invalid);
}

nb::list as_list(std::vector<FrameSums>&& all) {
  nb::list list;
  for (FrameSums& sums : all) list.append(as_python(std::move(sums)));
  return list;
}

class PyReduction {
 public:
  PyReduction(const SharedWeights& weights, OptionalDoubles offset, OptionalDoubles gain, OptionalDoubles normalization,
              unsigned n_threads)
      : terms_(weights, offset, gain, normalization) {
    nb::gil_scoped_release release;
    reduction_ = std::make_unique<Reduction>(weights.packed, terms_.terms(), n_threads);
  }

  nb::tuple frame(const Frame& frame, int model, OptionalDoubles variance, const nb::sequence& ranges, bool nonfinite,
                  unsigned n_threads) const {
    const DType dtype = dtype_of(frame);
    require(frame.ndim() == 1 && frame.shape(0) == n_pixels(), "frame: wrong length");
    require(model != 2 || (variance && variance->shape(0) == n_pixels()), "variance: wrong length");
    const InvalidValues invalid = invalid_from(ranges, nonfinite, dtype);
    const Variance how = model_from(model);
    const double* given = data_or_null(variance);
    const void* raw = frame.data();
    FrameSums sums;
    {
      nb::gil_scoped_release release;
      sums = reduction_->frame(dtype, raw, how, given, invalid, n_threads);
    }
    return as_python(std::move(sums));
  }

  nb::list stack(const std::vector<Frame>& frames, int model, const nb::sequence& ranges, bool nonfinite) const {
    require(model != 2, "model: a stack has no given variance");
    if (frames.empty()) return {};
    const DType dtype = dtype_of(frames[0]);
    std::vector<const void*> raw;
    for (const Frame& frame : frames) {
      require(frame.ndim() == 1 && frame.shape(0) == n_pixels() && dtype_of(frame) == dtype, "frames: unlike");
      raw.push_back(frame.data());
    }
    const InvalidValues invalid = invalid_from(ranges, nonfinite, dtype);
    const Variance how = model_from(model);
    std::vector<FrameSums> sums;
    {
      nb::gil_scoped_release release;
      sums = reduction_->stack(dtype, raw.data(), raw.size(), how, invalid);
    }
    return as_list(std::move(sums));
  }

  nb::list chunks(const nb::sequence& buffers, int codec, int dtype_number, int model, const nb::sequence& ranges,
                  bool nonfinite) const {
    require(model == 0 || model == 1, "model: expected 0 or 1");
    require(codec >= 0 && codec <= static_cast<int>(Codec::lz4), "codec: out of range");
    const DType dtype = dtype_from(dtype_number);
    require(dtype <= DType::u32, "dtype: expected u8, u16 or u32");
    std::vector<std::unique_ptr<Bytes>> held;
    std::vector<const std::uint8_t*> data;
    std::vector<std::size_t> sizes;
    for (nb::handle buffer : buffers) {
      held.push_back(std::make_unique<Bytes>(buffer));
      data.push_back(held.back()->data());
      sizes.push_back(held.back()->size());
    }
    const InvalidValues invalid = invalid_from(ranges, nonfinite, dtype);
    const Variance how = model_from(model);
    std::vector<FrameSums> sums;
    {
      nb::gil_scoped_release release;
      sums = reduction_->chunks(static_cast<Codec>(codec), dtype, data.data(), sizes.data(), data.size(), how, invalid);
    }
    return as_list(std::move(sums));
  }

 private:
  std::size_t n_pixels() const { return reduction_->weights().n_pixels(); }

  HeldTerms terms_;
  std::unique_ptr<Reduction> reduction_;
};

}  // namespace

void bind_reduction(nb::module_& module) {
  nb::class_<PyReduction>(module, "Reduction")
      .def(nb::init<const SharedWeights&, OptionalDoubles, OptionalDoubles, OptionalDoubles, unsigned>(),
           nb::arg("weights"), nb::arg("offset").none(), nb::arg("gain").none(), nb::arg("normalization").none(),
           nb::arg("n_threads"))
      .def("frame", &PyReduction::frame, nb::arg("frame").noconvert(), nb::arg("model"), nb::arg("variance").none(),
           nb::arg("ranges"), nb::arg("nonfinite"), nb::arg("n_threads"))
      .def("stack", &PyReduction::stack, nb::arg("frames"), nb::arg("model"), nb::arg("ranges"), nb::arg("nonfinite"))
      .def("chunks", &PyReduction::chunks, nb::arg("chunks"), nb::arg("codec"), nb::arg("dtype"), nb::arg("model"),
           nb::arg("ranges"), nb::arg("nonfinite"));
}

}  // namespace azimuthal::bind
