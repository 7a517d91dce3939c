// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
#include "weights.hpp"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/tuple.h>

#include <algorithm>
#include <limits>
#include <tuple>

#include "arrays.hpp"

namespace azimuthal::bind {
namespace {

SharedWeights from_rows(Input<std::int64_t, nb::ndim<1>> indptr, Input<std::int32_t, nb::ndim<1>> indices,
                        std::optional<Doubles> weights, std::size_t n_bins, unsigned n_threads) {
  require(indptr.shape(0) >= 2 && n_bins >= 1, "plan: empty");
  require(n_bins <= static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max()), "bins: too many");
  const std::size_t n_pixels = indptr.shape(0) - 1, n_entries = indices.shape(0);
  const std::int64_t* pointer = indptr.data();
  require(pointer[0] == 0 && pointer[n_pixels] == static_cast<std::int64_t>(n_entries),
          "indptr: does not span the indices");
  require(std::is_sorted(pointer, pointer + n_pixels + 1), "indptr: decreases");
  const std::int32_t* index = indices.data();
  std::int32_t lowest = 0, highest = 0;
  for (std::size_t e = 0; e < n_entries; ++e) {
    lowest = std::min(lowest, index[e]);
    highest = std::max(highest, index[e]);
  }
  require(lowest >= 0 && static_cast<std::size_t>(highest) < n_bins, "indices: out of range");
  for (std::size_t p = 0; p < n_pixels; ++p) {
    for (std::int64_t e = pointer[p] + 1; e < pointer[p + 1]; ++e) {
      require(index[e - 1] < index[e], "indices: do not increase within a pixel");
    }
  }
  require(!weights || weights->shape(0) == n_entries, "weights: wrong length");
  const double* weight = data_or_null(weights);
  nb::gil_scoped_release release;
  return {std::make_shared<const PackedWeights>(pointer, index, weight, n_pixels, n_bins, n_threads)};
}

auto rows(const SharedWeights& self, unsigned n_threads) {
  PackedRows rows;
  {
    nb::gil_scoped_release release;
    rows = self.packed->rows(n_threads);
  }
  return std::make_tuple(as_numpy(std::move(rows.indptr)), as_numpy(std::move(rows.indices)),
                         as_numpy(std::move(rows.weights)));
}

// Eight pixels to a byte, pixel 8 m + k in bit k of byte m.
auto used_bits(const SharedWeights& self) {
  const std::size_t n_bytes = (self.packed->n_pixels() + 7) / 8;
  const std::uint8_t* used = self.packed->view().used;
  return as_numpy(std::vector<std::uint8_t>(used, used + n_bytes));
}

}  // namespace

void bind_weights(nb::module_& module) {
  nb::class_<SharedWeights>(module, "PackedWeights")
      .def_static("from_rows", &from_rows, nb::arg("indptr"), nb::arg("indices"), nb::arg("weights").none(),
                  nb::arg("n_bins"), nb::arg("n_threads"))
      .def("rows", &rows, nb::arg("n_threads"))
      .def("used_bits", &used_bits)
      .def_prop_ro("n_pixels", [](const SharedWeights& self) { return self.packed->n_pixels(); })
      .def_prop_ro("n_bins", [](const SharedWeights& self) { return self.packed->n_bins(); })
      .def_prop_ro("are_ones",
                   [](const SharedWeights& self) { return self.packed->view().weighting == Weighting::one; })
      .def_prop_ro("nbytes", [](const SharedWeights& self) { return self.packed->nbytes(); });
}

}  // namespace azimuthal::bind
