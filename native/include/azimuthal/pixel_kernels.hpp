// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
//
// The vectorised part of projecting and splitting: plain loops over short arrays, compiled once per instruction set
// (native/isa/pixels.cpp). Everything here is plain data: code that is compiled for a set must share no inline function
// with code that is not, lest the linker keep the copy that this machine cannot run.
#pragma once

#include <cstddef>
#include <cstdint>

namespace azimuthal {

struct Projection;

inline constexpr std::size_t kChunkPixels = 128;  // the arrays of a chunk stay in the first-level cache
inline constexpr int kMaxCrossings = 24;          // bin edges that a pixel of a chunk may cross

// Neighbouring pixels in bin coordinates; corners in ring order. Null where a scheme does not need them.
struct ChunkCoordinates {
  const double* corner_u[4];
  const double* corner_c[4];
  const double* center_u;
  const double* center_c;
};

struct ChunkRules {
  double period;        // of c; greater than zero
  double half_turn;     // steps from corner to corner up to this are plain
  double degenerate;    // areas up to this part of the bounding box are none
  double u_floor;       // boxes do not reach below it
  const double* edges;  // of u
  std::int32_t n_bins;
  double scale;         // bins per u; the guess floor((u - edges[0]) scale) is one bin off at most
  bool is_regular;      // false: there is no such scale
};

enum class PixelState : int { ordinary = 0, odd = 1, outside = 2 };

// What is known of up to kChunkPixels pixels. Numbers that are only masks are doubles too: loops over one width
// vectorise everywhere.
struct Chunk {
  alignas(64) double u_min[kChunkPixels];
  alignas(64) double u_max[kChunkPixels];
  alignas(64) double c_min[kChunkPixels];
  alignas(64) double c_max[kChunkPixels];
  alignas(64) double state[kChunkPixels];  // a PixelState
  alignas(64) double local_u[4][kChunkPixels];
  alignas(64) double local_c[4][kChunkPixels];
  alignas(64) double slope[4][kChunkPixels];
  alignas(64) double area[kChunkPixels];
  alignas(64) double below[kChunkPixels];
  alignas(64) double least[kChunkPixels];
  alignas(64) double at_edge[kChunkPixels];
  alignas(64) std::int32_t first[kChunkPixels];
  alignas(64) std::int32_t last[kChunkPixels];
  alignas(64) double weight[kMaxCrossings + 1][kChunkPixels];
  int n_weights;  // rows of `weight` that are set; weights beyond a pixel's last bin are 0
};

// What the pixels of one row are divided by: solid angle and polarisation; azimuthal.corrections (Python) defines both.
// Rays have p1 and p3 in common; arrays run along the row.
struct RowFactors {
  double along;          // p1^2 + p3^2
  const double* across;  // p2^2
  bool has_solid_angle;
  double width1;         // over the nominal one; 1 with equal areas
  const double* width2;  // null: the area is 1
  double height, scale;
  const double* p2;  // null: no polarisation
  double form_mixed, form_along;
  const double* form_across;
};

struct ChunkRange {
  double u_min, u_max;
};

#define AZIMUTHAL_DECLARE_PIXEL_KERNELS(set)                                                                          \
  namespace set {                                                                                                     \
  /* u and, unless null, c of n points (y, x[i]) of a flat detector; c on the beam axis is NaN or 0. */               \
  void project_line(const Projection& to, double y, const double* x, std::size_t n, bool nan_at_pole, double* u,      \
                    double* c);                                                                                       \
  /* (u, c) of positions (n, 3) -> (n, 2). */                                                                         \
  void project_positions(const Projection& to, const double* positions, std::size_t n, bool nan_at_pole,              \
                         double* out);                                                                                \
  /* atan2(y[i], x[i]) within 2.1 units in the last place; 0 for (0, 0). */                                            \
  void arc_tangents(const double* y, const double* x, std::size_t n, double* out);                                    \
  /* Ranges of u and c of pixels as points, boxes, boxes of equal area, polygons; without c (null) only u is set. */  \
  void measure_points(const ChunkCoordinates& pixels, std::size_t n, Chunk& chunk);                                   \
  void measure_boxes(const ChunkCoordinates& pixels, std::size_t n, const ChunkRules& rules, Chunk& chunk);           \
  void measure_equal_boxes(const ChunkCoordinates& pixels, std::size_t n, const ChunkRules& rules, Chunk& chunk);     \
  void measure_polygons(const ChunkCoordinates& pixels, std::size_t n, const ChunkRules& rules, Chunk& chunk);        \
  /* Bins of a measured chunk; what is out of range or crosses too many edges changes its state. */                   \
  void find_bins(std::size_t n, const ChunkRules& rules, Chunk& chunk);                                               \
  /* Weights along u, once bins are known. */                                                                         \
  void weigh_boxes(std::size_t n, const ChunkRules& rules, Chunk& chunk);                                             \
  void weigh_polygons(std::size_t n, const ChunkRules& rules, Chunk& chunk);                                          \
  /* Extends a range by the ordinary pixels of a measured chunk that are not excluded. */                             \
  void extend_range(std::size_t n, const std::uint8_t* excluded, const Chunk& chunk, ChunkRange& range);              \
  /* The product of the factors of a row; returns how many are not finite and greater than 0. */                      \
  std::int64_t multiply_factors(const RowFactors& row, std::size_t n, double* product);                               \
  }

AZIMUTHAL_DECLARE_PIXEL_KERNELS(baseline)
#ifdef AZIMUTHAL_HAS_AVX2
AZIMUTHAL_DECLARE_PIXEL_KERNELS(avx2)
#endif
#ifdef AZIMUTHAL_HAS_AVX512
AZIMUTHAL_DECLARE_PIXEL_KERNELS(avx512)
#endif
#undef AZIMUTHAL_DECLARE_PIXEL_KERNELS

// The kernels of the instruction set that runs.
struct PixelKernels {
  decltype(&baseline::project_line) project_line;
  decltype(&baseline::project_positions) project_positions;
  decltype(&baseline::arc_tangents) arc_tangents;
  decltype(&baseline::measure_points) measure_points;
  decltype(&baseline::measure_boxes) measure_boxes;
  decltype(&baseline::measure_equal_boxes) measure_equal_boxes;
  decltype(&baseline::measure_polygons) measure_polygons;
  decltype(&baseline::find_bins) find_bins;
  decltype(&baseline::weigh_boxes) weigh_boxes;
  decltype(&baseline::weigh_polygons) weigh_polygons;
  decltype(&baseline::extend_range) extend_range;
  decltype(&baseline::multiply_factors) multiply_factors;
};

const PixelKernels& pixel_kernels() noexcept;

}  // namespace azimuthal
