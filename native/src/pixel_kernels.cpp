// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
#include "azimuthal/pixel_kernels.hpp"

#include "azimuthal/isa.hpp"

namespace azimuthal {
namespace {

#define AZIMUTHAL_PIXEL_KERNELS(set)                                                                              \
  {                                                                                                               \
    set::project_line, set::project_positions, set::arc_tangents, set::measure_points, set::measure_boxes,        \
        set::measure_equal_boxes, set::measure_polygons, set::find_bins, set::weigh_boxes, set::weigh_polygons,   \
        set::extend_range, set::multiply_factors                                                                  \
  }

constexpr PixelKernels kBaseline = AZIMUTHAL_PIXEL_KERNELS(baseline);
#ifdef AZIMUTHAL_HAS_AVX2
constexpr PixelKernels kAvx2 = AZIMUTHAL_PIXEL_KERNELS(avx2);
#endif
#ifdef AZIMUTHAL_HAS_AVX512
constexpr PixelKernels kAvx512 = AZIMUTHAL_PIXEL_KERNELS(avx512);
#endif

}  // namespace

const PixelKernels& pixel_kernels() noexcept {
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
