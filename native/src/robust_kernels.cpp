// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
#include "azimuthal/robust_kernels.hpp"

#include "azimuthal/isa.hpp"

namespace azimuthal {
namespace {

#define AZIMUTHAL_ROBUST_KERNELS(set) \
  {set::add_window, set::entry_at, set::sample_of, set::values_of, set::add_trimmed, set::add_weights, \
   set::cells_of, set::count_invalid, set::smallest_positive}

constexpr RobustKernels kBaseline = AZIMUTHAL_ROBUST_KERNELS(baseline);
#ifdef AZIMUTHAL_HAS_AVX2
constexpr RobustKernels kAvx2 = AZIMUTHAL_ROBUST_KERNELS(avx2);
#endif
#ifdef AZIMUTHAL_HAS_AVX512
constexpr RobustKernels kAvx512 = AZIMUTHAL_ROBUST_KERNELS(avx512);
#endif

}  // namespace

const RobustKernels& robust_kernels() noexcept {
  switch (isa()) {
#ifdef AZIMUTHAL_HAS_AVX512
    case Isa::avx512: return kAvx512;
#endif
#ifdef AZIMUTHAL_HAS_AVX2
    case Isa::avx2: return kAvx2;
#endif
    default: return kBaseline;
  }
}

}  // namespace azimuthal
