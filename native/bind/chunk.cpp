// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
#include "azimuthal/chunk.hpp"

#include "arrays.hpp"

namespace azimuthal::bind {
namespace {

using Out = Output<std::uint8_t, nb::ndim<1>>;

int decode(int codec, nb::handle chunk, std::size_t item_size, Out out, unsigned n_threads) {
  require(codec >= 0 && codec <= static_cast<int>(Codec::lz4), "codec is not the number of a codec");
  const Bytes in(chunk);
  std::uint8_t* to = out.data();
  const std::size_t n_out = out.shape(0);
  nb::gil_scoped_release release;
  return static_cast<int>(
      chunk_decode(static_cast<Codec>(codec), in.data(), in.size(), item_size, to, n_out, n_threads));
}

}  // namespace

void bind_chunk(nb::module_& module) {
  module.def("chunk_decode", &decode, nb::arg("codec"), nb::arg("chunk"), nb::arg("item_size"), nb::arg("out"),
             nb::arg("n_threads"));
}

}  // namespace azimuthal::bind
