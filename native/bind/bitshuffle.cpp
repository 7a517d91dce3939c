// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
#include "azimuthal/bitshuffle.hpp"

#include "arrays.hpp"

namespace azimuthal::bind {
namespace {

int decode(nb::bytes chunk, std::size_t item_size, Output<std::uint8_t, nb::ndim<1>> out, unsigned n_threads) {
  const auto* in = static_cast<const std::uint8_t*>(chunk.data());
  const std::size_t n_in = chunk.size();
  std::uint8_t* to = out.data();
  const std::size_t n_out = out.shape(0);
  nb::gil_scoped_release release;
  return static_cast<int>(bitshuffle_lz4_decode(in, n_in, item_size, to, n_out, n_threads));
}

}  // namespace

void bind_bitshuffle(nb::module_& module) {
  module.def("bitshuffle_lz4_decode", &decode, nb::arg("chunk"), nb::arg("item_size"), nb::arg("out"),
             nb::arg("n_threads"));
}

}  // namespace azimuthal::bind
