// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "arrays.hpp"
#include "azimuthal/isa.hpp"

namespace azimuthal::bind {
namespace {

constexpr std::array<std::pair<const char*, Isa>, 3> kSets{
    {{"avx512", Isa::avx512}, {"avx2", Isa::avx2}, {"baseline", Isa::baseline}}};

// Those that this build and this machine have, the best first.
std::vector<std::string> instruction_sets() {
  std::vector<std::string> names;
  for (const auto& [name, level] : kSets) {
    if (has_isa(level)) names.emplace_back(name);
  }
  return names;
}

void use_instructions(const std::string& wanted) {
  for (const auto& [name, level] : kSets) {
    if (wanted == name && force_isa(level)) return;
  }
  throw nb::value_error("name: not one of instruction_sets()");
}

}  // namespace
}  // namespace azimuthal::bind

NB_MODULE(_core, module) {
  module.doc() = "Native kernels of azimuthal; called by modules named native or _native only.";
  module.def("instruction_sets", &azimuthal::bind::instruction_sets);
  module.def("use_instructions", &azimuthal::bind::use_instructions, nb::arg("name"));
  azimuthal::bind::bind_bitshuffle(module);
  azimuthal::bind::bind_coordinates(module);
  azimuthal::bind::bind_corrections(module);
  azimuthal::bind::bind_splitting(module);
  azimuthal::bind::bind_scatter(module);
}
