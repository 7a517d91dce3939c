// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
//
// Detector positions -> two quantities of grazing incidence and the signed function of their cut.
// Definitions: azimuthal.units.grazing (Python); this is their fast path.
#pragma once

#include <cstddef>
#include <cstdint>

#include "azimuthal/coordinates.hpp"

namespace azimuthal {

enum class SampleQuantity {
  qxgi = 0,
  qygi = 1,
  qzgi = 2,
  qip = 3,
  qip_abs = 4,
  qtot = 5,
  chigi = 6,
  chigi_abs = 7,
  exit_angle_horz = 8,
  exit_angle_vert = 9,
  scattering_angle_horz = 10,
  scattering_angle_vert = 11,
};
inline constexpr int kSampleQuantities = 12;

// Where quantities jump: nowhere, at q_h' = 0, at h' = 0 and at h = 0 behind the sample.
enum class SampleCut { none = 0, across_surface = 1, behind_sample = 2, behind_in_lab = 3 };

// (h, v, b) = rotation * (entry point of (position + shift)); components in the sample's frame = sample * (h, v, b).
struct SampleProjection {
  double rotation[9];
  double shift[3];
  double sample[9];
  double k;
  SampleQuantity u, c;
  SampleCut cut;
  EntryScale entry{};
};

// Rows [begin, end) of a grid: corners (rows, n2, 4, 2), centres (rows, n2, 2) and whether a pixel meets the cut
// (rows, n2); any may be null.
void project_sample_grid(const SeparableGrid& grid, std::size_t begin, std::size_t end,
                         const SampleProjection& projection, double* corners, double* centers, std::uint8_t* on_cut,
                         unsigned n_threads);

// (u, c, signed function of the cut) of n positions (n, 3) -> (n, 3).
void project_sample_points(const double* positions, std::size_t n, const SampleProjection& projection, double* out,
                           unsigned n_threads);

}  // namespace azimuthal
