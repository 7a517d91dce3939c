// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
#include "azimuthal/isa.hpp"

#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <string>
#include <vector>

#include "arrays.hpp"

namespace azimuthal::bind {
namespace {

constexpr std::pair<Isa, const char*> kNames[] = {
    {Isa::avx512, "avx512"}, {Isa::avx2, "avx2"}, {Isa::baseline, "baseline"}};

std::vector<std::string> available() {
  std::vector<std::string> names;
  for (const auto& [level, name] : kNames) {
    if (has_isa(level)) names.emplace_back(name);
  }
  return names;
}

std::string in_use() {
  for (const auto& [level, name] : kNames) {
    if (isa() == level) return name;
  }
  return "baseline";
}

void use(const std::string& wanted) {
  for (const auto& [level, name] : kNames) {
    if (wanted == name && force_isa(level)) return;
  }
  throw nb::value_error("name: not one of instruction_sets()");
}

}  // namespace

void bind_isa(nb::module_& module) {
  module.def("instruction_sets", &available);
  module.def("instructions_in_use", &in_use);
  module.def("use_instructions", &use, nb::arg("name"));
}

}  // namespace azimuthal::bind
