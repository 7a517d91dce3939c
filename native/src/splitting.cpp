// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
#include "azimuthal/splitting.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <memory>

#include "azimuthal/chunk_splitter.hpp"
#include "azimuthal/parallel.hpp"
#include "azimuthal/pixel_kernels.hpp"
#include "azimuthal/pixel_splitting.hpp"

namespace azimuthal {
namespace {

constexpr std::size_t kBlock = 4096;
constexpr double kNegative = -1e-9;

bool has_azimuth(const BinGrid& grid) noexcept { return std::isfinite(grid.c.lower()); }

// Whole turns by which an interval on the circle must be moved to meet the bins: calls visit(shift) for each.
template <class Visit>
void for_each_turn(double c_min, double c_max, const BinGrid& grid, Visit&& visit) {
  if (grid.circle.period == 0.0 || !has_azimuth(grid)) {
    visit(0.0);
    return;
  }
  for (int turn = -2; turn <= 2; ++turn) {
    const double shift = turn * grid.circle.period;
    if (c_max + shift >= grid.c.lower() && c_min + shift <= grid.c.upper()) visit(shift);
  }
}

// Fraction of [low, high] inside bin k; a point is inside or not.
double overlap(double low, double high, const BinEdges& edges, long k) noexcept {
  if (high > low) return std::max(0.0, std::min(high, edges[k + 1]) - std::max(low, edges[k])) / (high - low);
  return edges.find(low) == k ? 1.0 : 0.0;
}

void split_rectangle(const Rectangle& box, const BinGrid& grid, CellList& list) {
  const long u_first = std::max(0L, grid.u.find(box.u_min));
  const long u_last = std::min(grid.u.n_bins() - 1, grid.u.find(box.u_max));
  for_each_turn(box.c_min, box.c_max, grid, [&](double shift) {
    const long c_first = std::max(0L, grid.c.find(box.c_min + shift));
    const long c_last = std::min(grid.c.n_bins() - 1, grid.c.find(box.c_max + shift));
    for (long l = c_first; l <= c_last; ++l) {
      const double along_c = overlap(box.c_min + shift, box.c_max + shift, grid.c, l);
      for (long k = u_first; k <= u_last; ++k) {
        list.add(l * grid.u.n_bins() + k, along_c * overlap(box.u_min, box.u_max, grid.u, k));
      }
    }
  });
}

// Mean over a straight line from ca to cb of clamp(c, low, high) - low.
double clamped_mean(double ca, double cb, double low, double high) noexcept {
  const double bottom = std::min(ca, cb);
  const double top = std::max(ca, cb);
  if (bottom >= low && top <= high) return 0.5 * ((bottom - low) + (top - low));
  const double inner_bottom = std::clamp(bottom, low, high);
  if (top == bottom) return inner_bottom - low;
  const double inner_top = std::clamp(top, low, high);
  const double inside = (inner_top - inner_bottom) * (0.5 * ((inner_bottom - low) + (inner_top - low)));
  const double above = std::max(0.0, top - std::max(bottom, high)) * (high - low);
  return (inside + above) / (top - bottom);
}

// The sides of a polygon, relative to its own corner: that keeps small pixels far from the origin exact. Sides along c
// enclose no area and are left out.
struct Sides {
  struct Side {
    double u_from, u_to, c_from, slope;
  };
  std::array<Side, kMaxVertices> side;
  int n = 0;

  explicit Sides(const Polygon& p) noexcept {
    for (int i = 0; i < p.n; ++i) {
      const Vertex& a = p.vertex[i];
      const Vertex& b = p.vertex[i + 1 == p.n ? 0 : i + 1];
      const double slope = (b.c - a.c) / (b.u - a.u);
      if (!std::isfinite(slope)) continue;
      side[n++] = {a.u - p.u_min, b.u - p.u_min, a.c - p.c_min, slope};
    }
  }
};

// Signed area of the polygon inside a cell, by Green's theorem: only sides inside the strip of u contribute.
double area_in_cell(const Sides& sides, double u0, double u1, double c0, double c1) noexcept {
  double area = 0.0;
  for (int i = 0; i < sides.n; ++i) {
    const Sides::Side& s = sides.side[static_cast<std::size_t>(i)];
    const double from = std::clamp(s.u_from, u0, u1);
    const double to = std::clamp(s.u_to, u0, u1);
    if (from == to) continue;
    const double c_from = s.c_from + (from - s.u_from) * s.slope;
    const double c_to = s.c_from + (to - s.u_from) * s.slope;
    area += (to - from) * clamped_mean(c_from, c_to, c0, c1);
  }
  return area;
}

// Signed area of the polygon below u: the one-dimensional form of area_in_cell.
double area_below(const Polygon& p, double u) noexcept {
  double area = 0.0;
  for (int i = 0; i < p.n; ++i) {
    const Vertex& a = p.vertex[i];
    const Vertex& b = p.vertex[i + 1 == p.n ? 0 : i + 1];
    const double length = b.u - a.u;
    if (length == 0.0) continue;
    const double ua = a.u - p.u_min, ca = a.c - p.c_min, dc = b.c - a.c;
    const double from = std::min(ua, u);
    const double to = std::min(b.u - p.u_min, u);
    if (from == to) continue;
    area += (to - from) * (ca + 0.5 * ((from - ua) + (to - ua)) / length * dc);
  }
  return area;
}

struct Range {
  long first, last;
};

Range u_bins(const Polygon& p, const BinGrid& grid) noexcept {
  return {std::max(0L, grid.u.find(p.u_min)), std::min(grid.u.n_bins() - 1, grid.u.find(p.u_max))};
}

// Calls emit(index, area) with the signed area of every cell that the polygon may reach.
template <class Emit>
void cell_areas_radial(const Polygon& p, double total, const BinGrid& grid, Emit&& emit) {
  const Range bins = u_bins(p, grid);
  double below = grid.u[bins.first] <= p.u_min ? 0.0 : area_below(p, grid.u[bins.first] - p.u_min);
  for (long k = bins.first; k <= bins.last; ++k) {
    const double next = grid.u[k + 1] >= p.u_max ? total : area_below(p, grid.u[k + 1] - p.u_min);
    emit(k, next - below);
    below = next;
  }
}

template <class Emit>
void cell_areas(const Polygon& p, double total, const BinGrid& grid, Emit&& emit) {
  if (!has_azimuth(grid)) {
    cell_areas_radial(p, total, grid, emit);
    return;
  }
  const Range bins = u_bins(p, grid);
  const Sides sides(p);
  for_each_turn(p.c_min, p.c_max, grid, [&](double shift) {
    const double c_ref = p.c_min + shift;
    const long c_first = std::max(0L, grid.c.find(c_ref));
    const long c_last = std::min(grid.c.n_bins() - 1, grid.c.find(p.c_max + shift));
    for (long l = c_first; l <= c_last; ++l) {
      // Limits beyond the polygon are moved to it: infinite edges would spoil the differences.
      const double c0 = std::max(grid.c[l] - c_ref, 0.0);
      const double c1 = std::min(grid.c[l + 1] - c_ref, p.c_max - p.c_min);
      if (!(c1 > c0)) continue;
      for (long k = bins.first; k <= bins.last; ++k) {
        const double u0 = std::max(grid.u[k] - p.u_min, 0.0);
        const double u1 = std::min(grid.u[k + 1] - p.u_min, p.u_max - p.u_min);
        if (u1 > u0) emit(l * grid.u.n_bins() + k, area_in_cell(sides, u0, u1, c0, c1));
      }
    }
  });
}

// A polygon whose edges cross: the sum of the unsigned areas of the triangles around its middle.
void split_fan(const Polygon& p, const BinGrid& grid, CellList& list) {
  Vertex middle{0.0, 0.0};
  for (int i = 0; i < p.n; ++i) {
    middle.u += p.vertex[i].u / p.n;
    middle.c += p.vertex[i].c / p.n;
  }
  std::array<Polygon, kMaxVertices> triangles;
  double total = 0.0;
  for (int i = 0; i < p.n; ++i) {
    Polygon& t = triangles[static_cast<std::size_t>(i)];
    t.push(middle.u, middle.c);
    t.push(p.vertex[i].u, p.vertex[i].c);
    t.push(p.vertex[i + 1 == p.n ? 0 : i + 1].u, p.vertex[i + 1 == p.n ? 0 : i + 1].c);
    t.measure();
    total += std::abs(t.signed_area());
  }
  for (int i = 0; i < p.n; ++i) {
    const Polygon& t = triangles[static_cast<std::size_t>(i)];
    cell_areas(t, t.signed_area(), grid, [&](long index, double area) { list.add(index, std::abs(area) / total); });
  }
}

void split_polygon(const Polygon& p, const BinGrid& grid, CellList& list) {
  if (p.u_max < grid.u.lower() || p.u_min > grid.u.upper()) return;
  if (!has_azimuth(grid) && p.u_min >= grid.u.lower() && p.u_max <= grid.u.upper()) {
    const long bin = grid.u.find(p.u_min);
    if (grid.u.find(p.u_max) == bin) {  // wholly inside one bin: no area is needed
      list.add(bin, 1.0);
      return;
    }
  }
  const double area = p.signed_area();
  if (!(std::abs(area) > kDegenerate * (p.u_max - p.u_min) * (p.c_max - p.c_min))) {
    split_rectangle({p.u_min, p.u_max, p.c_min, p.c_max}, grid, list);
    return;
  }
  bool crossed = false;
  cell_areas(p, area, grid, [&](long index, double part) {
    const double weight = part / area;
    crossed = crossed || weight < kNegative;
    list.add(index, weight);
  });
  if (crossed) {
    list.drop_pixel();
    split_fan(p, grid, list);
  }
}

// Half widths of the box around a pixel, measured from its centre.
struct HalfWidths {
  double u, c;
};

HalfWidths half_widths(const double* corners, const double* center, int n_corners, const Circle& circle,
                       bool encloses) noexcept {
  HalfWidths half{0.0, 0.0};
  for (int k = 0; k < n_corners; ++k) {
    const double c = corners[2 * k + 1];
    const double distance = std::abs(corners[2 * k] - center[0]);
    half.u = distance <= half.u ? half.u : std::isnan(distance) ? std::numeric_limits<double>::infinity() : distance;
    if (std::isnan(c)) continue;
    const double difference = c - center[1];
    half.c = std::max(half.c, std::abs(circle.period > 0.0 ? wrapped(difference, circle.period) : difference));
  }
  if (encloses) half.c = 0.5 * circle.period;
  return half;
}

Rectangle box_of(const PixelView& pixels, std::size_t i, bool scaled, const Circle& circle, double u_floor) noexcept {
  const double* corners = pixels.corners + i * static_cast<std::size_t>(pixels.n_corners) * 2;
  const double* center = pixels.centers + 2 * i;
  Polygon polygon;
  const bool encloses = unrolled(corners, pixels.n_corners, circle, polygon);
  HalfWidths half = half_widths(corners, center, pixels.n_corners, circle, encloses);
  if (scaled) {
    const double box_area = 4.0 * half.u * half.c;
    const double part = std::abs(polygon.signed_area()) / box_area;
    if (box_area > 0.0) {
      // An area that is not finite spoils the box, which is then counted and left out; one of no area is a point.
      const double ratio = !std::isfinite(part) ? std::numeric_limits<double>::infinity()
                           : part > kDegenerate ? std::sqrt(std::min(1.0, part))
                                                : 0.0;
      half.u *= ratio;
      half.c *= ratio;
    }
  }
  return {std::max(u_floor, center[0] - half.u), std::max(u_floor, center[0] + half.u), center[1] - half.c,
          center[1] + half.c};
}

}  // namespace

bool split_pixel(const PixelView& pixels, std::size_t i, Scheme scheme, const BinGrid& grid, CellList& list) {
  if (scheme == Scheme::full) {
    Polygon polygon;
    unrolled(pixels.corners + i * static_cast<std::size_t>(pixels.n_corners) * 2, pixels.n_corners, grid.circle,
             polygon);
    if (!polygon.is_finite()) return false;
    split_polygon(polygon, grid, list);
    return true;
  }
  const Rectangle box = pixel_box(pixels, i, scheme, grid.circle, grid.u_floor);
  if (!is_finite(box)) return false;
  if (box.u_max < grid.u.lower() || box.u_min > grid.u.upper()) return true;
  if (scheme == Scheme::none) {
    // One bin at most, also where two turns of the circle end on the same edge.
    const std::size_t before = list.cells().size();
    split_rectangle(box, grid, list);
    if (list.cells().size() > before + 1) list.cells().resize(before + 1);
  } else {
    split_rectangle(box, grid, list);
  }
  return true;
}

Rectangle pixel_box(const PixelView& pixels, std::size_t i, Scheme scheme, const Circle& circle, double u_floor) {
  if (scheme == Scheme::none) {
    const double* center = pixels.centers + 2 * i;
    return {center[0], center[0], center[1], center[1]};
  }
  if (scheme != Scheme::full) return box_of(pixels, i, scheme == Scheme::pseudo, circle, u_floor);
  Polygon polygon;
  unrolled(pixels.corners + i * static_cast<std::size_t>(pixels.n_corners) * 2, pixels.n_corners, circle, polygon);
  if (!polygon.is_finite()) return {polygon.vertex[0].u, std::numeric_limits<double>::quiet_NaN(), 0.0, 0.0};
  return {polygon.u_min, polygon.u_max, polygon.c_min, polygon.c_max};
}

namespace {

// Pixels of four corners as the kernels take them: one array for each corner and coordinate.
class ChunkLoader {
 public:
  explicit ChunkLoader(const PixelView& pixels) : pixels_(pixels) {}

  ChunkCoordinates load(std::size_t first, std::size_t n, Scheme scheme) noexcept {
    ChunkCoordinates at{};
    if (scheme != Scheme::none) {
      const double* corners = pixels_.corners + 8 * first;
      for (std::size_t i = 0; i < n; ++i) {
        for (std::size_t k = 0; k < 4; ++k) {
          corner_u_[k][i] = corners[8 * i + 2 * k];
          corner_c_[k][i] = corners[8 * i + 2 * k + 1];
        }
      }
      for (std::size_t k = 0; k < 4; ++k) {
        at.corner_u[k] = corner_u_[k];
        at.corner_c[k] = corner_c_[k];
      }
    }
    if (scheme != Scheme::full) {
      for (std::size_t i = 0; i < n; ++i) {
        center_u_[i] = pixels_.centers[2 * (first + i)];
        center_c_[i] = pixels_.centers[2 * (first + i) + 1];
      }
      at.center_u = center_u_;
      at.center_c = center_c_;
    }
    return at;
  }

  PixelView at(std::size_t i) const noexcept {
    return {pixels_.corners ? pixels_.corners + i * static_cast<std::size_t>(pixels_.n_corners) * 2 : nullptr,
            pixels_.centers ? pixels_.centers + 2 * i : nullptr, nullptr, 1, pixels_.n_corners};
  }

 private:
  PixelView pixels_;
  alignas(64) double corner_u_[4][kChunkPixels];
  alignas(64) double corner_c_[4][kChunkPixels];
  alignas(64) double center_u_[kChunkPixels];
  alignas(64) double center_c_[kChunkPixels];
};

struct SplitState {
  ChunkLoader loader;
  ChunkSplitter splitter;
};

// One pixel after the other: hexagons, and coordinates that are not on a circle.
SplitPixels split_generally(const PixelView& pixels, std::size_t first, std::size_t end, Scheme scheme,
                            const BinGrid& grid, CellList& list, std::vector<std::uint32_t>& counts,
                            std::int64_t& n_not_finite) {
  list.clear();
  counts.assign(end - first, 0);
  for (std::size_t i = first; i < end; ++i) {
    if (pixels.excluded && pixels.excluded[i]) continue;
    list.begin_pixel();
    if (!split_pixel(pixels, i, scheme, grid, list)) ++n_not_finite;
    counts[i - first] = static_cast<std::uint32_t>(list.end_pixel());
  }
  return {first, end - first, counts.data(), list.cells().data(), list.cells().size()};
}

}  // namespace

Weights split(const PixelView& pixels, Scheme scheme, const BinGrid& grid, unsigned n_threads) {
  const std::size_t n_blocks = (pixels.n_pixels + kBlock - 1) / kBlock;
  Weights weights;
  weights.counts.resize(pixels.n_pixels);
  std::vector<std::vector<Cell>> cells(n_blocks);
  std::vector<std::int64_t> not_finite(n_blocks, 0);
  auto keep = [&](const SplitPixels& run, std::size_t block) {
    std::copy_n(run.counts, run.n_pixels, weights.counts.data() + run.first_pixel);
    cells[block].assign(run.cells, run.cells + run.n_cells);
  };
  if (grid.circle.period > 0.0 && (scheme == Scheme::none || pixels.n_corners == 4)) {
    const ChunkRules rules = chunk_rules(grid);
    constexpr std::uint8_t kNothingExcluded[kChunkPixels] = {};
    for_each_block(
        n_blocks, n_threads,
        [&] { return std::make_unique<SplitState>(ChunkLoader(pixels), ChunkSplitter(scheme, grid, rules)); },
        [&](SplitState& state, std::size_t block) {
          const std::size_t begin = block * kBlock, end = std::min(pixels.n_pixels, begin + kBlock);
          const std::int64_t before = state.splitter.n_not_finite();
          state.splitter.clear();
          for (std::size_t first = begin; first < end; first += kChunkPixels) {
            const std::size_t n = std::min(kChunkPixels, end - first);
            const std::uint8_t* excluded = pixels.excluded ? pixels.excluded + first : kNothingExcluded;
            state.splitter.add(state.loader.load(first, n, scheme), n, excluded,
                               [&](std::size_t i) { return state.loader.at(first + i); });
          }
          keep(state.splitter.pixels(begin), block);
          not_finite[block] = state.splitter.n_not_finite() - before;
        });
  } else {
    for_each_block(n_blocks, n_threads, [&](std::size_t block) {
      CellList list;
      std::vector<std::uint32_t> counts;
      const std::size_t begin = block * kBlock, end = std::min(pixels.n_pixels, begin + kBlock);
      keep(split_generally(pixels, begin, end, scheme, grid, list, counts, not_finite[block]), block);
    });
  }
  std::vector<std::size_t> offset(n_blocks + 1, 0);
  for (std::size_t b = 0; b < n_blocks; ++b) {
    offset[b + 1] = offset[b] + cells[b].size();
    weights.n_not_finite += not_finite[b];
  }
  weights.indices.resize(offset[n_blocks]);
  weights.values.resize(scheme == Scheme::none ? 0 : offset[n_blocks]);
  for_each_block(n_blocks, n_threads, [&](std::size_t block) {
    for (std::size_t j = 0; j < cells[block].size(); ++j) {
      weights.indices[offset[block] + j] = cells[block][j].index;
      if (scheme != Scheme::none) weights.values[offset[block] + j] = cells[block][j].weight;
    }
  });
  return weights;
}

Extent extent(const PixelView& pixels, Scheme scheme, const Circle& circle, double u_floor, unsigned n_threads) {
  constexpr double inf = std::numeric_limits<double>::infinity();
  const std::size_t n_blocks = (pixels.n_pixels + kBlock - 1) / kBlock;
  std::vector<Extent> found(n_blocks, {inf, -inf, inf, -inf});
  for_each_block(n_blocks, n_threads, [&](std::size_t block) {
    Extent& e = found[block];
    const std::size_t end = std::min(pixels.n_pixels, (block + 1) * kBlock);
    for (std::size_t i = block * kBlock; i < end; ++i) {
      if (pixels.excluded && pixels.excluded[i]) continue;
      const Rectangle box = pixel_box(pixels, i, scheme, circle, u_floor);
      if (!is_finite(box)) continue;
      e = {std::min(e.u_min, box.u_min), std::max(e.u_max, box.u_max), std::min(e.c_min, box.c_min),
           std::max(e.c_max, box.c_max)};
    }
  });
  Extent all{inf, -inf, inf, -inf};
  for (const Extent& e : found) {
    all = {std::min(all.u_min, e.u_min), std::max(all.u_max, e.u_max), std::min(all.c_min, e.c_min),
           std::max(all.c_max, e.c_max)};
  }
  return all;
}

}  // namespace azimuthal
