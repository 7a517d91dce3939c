// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
#include "azimuthal/covariance.hpp"

#include <nanobind/stl/optional.h>

#include <memory>
#include <vector>

#include "arrays.hpp"
#include "frames.hpp"
#include "pixel_terms.hpp"
#include "weights.hpp"

namespace azimuthal::bind {
namespace {

class PyPairReduction {
 public:
  // ValueError when more than `most` pairs of bins share a pixel.
  PyPairReduction(const SharedWeights& weights, OptionalDoubles offset, OptionalDoubles gain,
                  OptionalDoubles normalization, std::size_t most, unsigned n_threads)
      : terms_(weights, offset, gain, normalization) {
    nb::gil_scoped_release release;
    reduction_ = std::make_unique<PairReduction>(weights.packed, terms_.terms(), most, n_threads);
  }

  // (indptr, partners)
  nb::tuple pairs() const {
    BinPairs pairs = reduction_->pairs();
    return nb::make_tuple(as_numpy(std::move(pairs.indptr)), as_numpy(std::move(pairs.partners)));
  }

  auto frame(const Frame& frame, OptionalDoubles variance, OptionalDoubles means, const nb::sequence& ranges,
             bool nonfinite, unsigned n_threads) const {
    const DType dtype = dtype_of(frame);
    require(frame.ndim() == 1 && frame.shape(0) == reduction_->n_pixels(), "frame: wrong length");
    require(!variance || variance->shape(0) == reduction_->n_pixels(), "variance: wrong length");
    require(!means || means->shape(0) == reduction_->n_bins(), "means: wrong length");
    const InvalidValues invalid = invalid_from(ranges, nonfinite, dtype);
    const double *of_pixel = data_or_null(variance), *of_bin = data_or_null(means);
    std::vector<double> sums;
    {
      nb::gil_scoped_release release;
      sums = reduction_->frame(dtype, frame.data(), of_pixel, of_bin, invalid, n_threads);
    }
    return as_numpy(std::move(sums));
  }

  // None when the chunk is damaged.
  nb::object chunk(nb::handle buffer, int codec, int dtype_number, OptionalDoubles means, const nb::sequence& ranges,
                   bool nonfinite) const {
    require(codec >= 0 && codec <= static_cast<int>(Codec::lz4), "codec: out of range");
    require(!means || means->shape(0) == reduction_->n_bins(), "means: wrong length");
    const DType dtype = dtype_from(dtype_number);
    const Bytes held(buffer);
    const InvalidValues invalid = invalid_from(ranges, nonfinite, dtype);
    const double* of_bin = data_or_null(means);
    ChunkError error{};
    std::vector<double> sums;
    {
      nb::gil_scoped_release release;
      sums = reduction_->chunk(static_cast<Codec>(codec), dtype, held.data(), held.size(), of_bin, invalid, error);
    }
    if (error != ChunkError::none) return nb::none();
    return nb::cast(as_numpy(std::move(sums)));
  }

 private:
  HeldTerms terms_;
  std::unique_ptr<PairReduction> reduction_;
};

}  // namespace

void bind_covariance(nb::module_& module) {
  nb::class_<PyPairReduction>(module, "PairReduction")
      .def(nb::init<const SharedWeights&, OptionalDoubles, OptionalDoubles, OptionalDoubles, std::size_t, unsigned>(),
           nb::arg("weights"), nb::arg("offset").none(), nb::arg("gain").none(), nb::arg("normalization").none(),
           nb::arg("most"), nb::arg("n_threads"))
      .def("pairs", &PyPairReduction::pairs)
      .def("frame", &PyPairReduction::frame, nb::arg("frame").noconvert(), nb::arg("variance").none(),
           nb::arg("means").none(), nb::arg("ranges"), nb::arg("nonfinite"), nb::arg("n_threads"))
      .def("chunk", &PyPairReduction::chunk, nb::arg("chunk"), nb::arg("codec"), nb::arg("dtype"),
           nb::arg("means").none(), nb::arg("ranges"), nb::arg("nonfinite"));
}

}  // namespace azimuthal::bind
