// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
#include "azimuthal/chunk_splitter.hpp"

namespace azimuthal {

ChunkRules chunk_rules(const BinGrid& bins) noexcept {
  const BinEdges& u = bins.u;
  ChunkRules rules{};
  rules.period = bins.circle.period;
  rules.half_turn = kHalfTurn * rules.period;
  rules.degenerate = kDegenerate;
  rules.u_floor = bins.u_floor;
  rules.edges = u.data();
  rules.n_bins = static_cast<std::int32_t>(u.n_bins());
  const double span = u.upper() - u.lower();
  if (rules.n_bins > 1 && std::isfinite(span)) {
    rules.scale = static_cast<double>(rules.n_bins) / span;
    rules.is_regular = std::isfinite(rules.scale);
    for (long k = 0; k <= u.n_bins() && rules.is_regular; ++k) {
      rules.is_regular = std::abs((u[k] - u.lower()) * rules.scale - static_cast<double>(k)) < 0.25;
    }
  }
  return rules;
}

void measure_chunk(const PixelKernels& kernels, Scheme scheme, const ChunkCoordinates& pixels, std::size_t n,
                   const ChunkRules& rules, Chunk& chunk) {
  switch (scheme) {
    case Scheme::none: return kernels.measure_points(pixels, n, chunk);
    case Scheme::bounding_box: return kernels.measure_boxes(pixels, n, rules, chunk);
    case Scheme::pseudo: return kernels.measure_equal_boxes(pixels, n, rules, chunk);
    case Scheme::full: return kernels.measure_polygons(pixels, n, rules, chunk);
  }
}

}  // namespace azimuthal
