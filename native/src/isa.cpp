// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
#include "azimuthal/isa.hpp"

#include <atomic>

namespace azimuthal {
namespace {

bool machine_has(Isa level) noexcept {
  switch (level) {
    case Isa::baseline: return true;
#ifdef AZIMUTHAL_HAS_AVX2
    case Isa::avx2:
      return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") &&
             __builtin_cpu_supports("popcnt");
#endif
#ifdef AZIMUTHAL_HAS_AVX512
    case Isa::avx512:
      return machine_has(Isa::avx2) && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
             __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
             __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512vbmi") &&
             __builtin_cpu_supports("gfni");
#endif
    default: return false;
  }
}

Isa best() noexcept {
#if defined(AZIMUTHAL_HAS_AVX2)
  __builtin_cpu_init();
#endif
  for (Isa level : {Isa::avx512, Isa::avx2}) {
    if (machine_has(level)) return level;
  }
  return Isa::baseline;
}

std::atomic<Isa>& current() noexcept {
  static std::atomic<Isa> level{best()};
  return level;
}

}  // namespace

Isa isa() noexcept { return current().load(std::memory_order_relaxed); }

bool has_isa(Isa level) noexcept {
  current();  // makes sure that the machine was asked
  return machine_has(level);
}

bool force_isa(Isa level) noexcept {
  if (!has_isa(level)) return false;
  current().store(level);
  return true;
}

}  // namespace azimuthal
