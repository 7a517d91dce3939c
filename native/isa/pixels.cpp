// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
//
// Loops that the compiler turns into vector code: no branches, no calls, selections instead. Every operation is one of
// IEEE arithmetic on one pixel, so all instruction sets give the same bits.
#include "azimuthal/pixel_kernels.hpp"

#include <cmath>
#include <cstdint>
#include <limits>

#include "azimuthal/coordinates.hpp"

#if defined(__GNUC__)
#define AZIMUTHAL_INLINE static inline __attribute__((always_inline))
#else
#define AZIMUTHAL_INLINE static inline
#endif
#define AZIMUTHAL_RESTRICT __restrict

namespace azimuthal::AZIMUTHAL_ISA {
namespace {

constexpr double kHuge = 1e300;  // widths beyond it, and NaN, are not finite
constexpr double kOrdinary = 0.0;
constexpr double kOdd = 1.0;
constexpr double kOutside = 2.0;
constexpr double kNotSimple = -2.0;
constexpr double kCrossedEdges = -1e-9;  // a weight below it: the polygon's edges cross

AZIMUTHAL_INLINE double smaller(double a, double b) noexcept { return a < b ? a : b; }
AZIMUTHAL_INLINE double larger(double a, double b) noexcept { return a > b ? a : b; }
AZIMUTHAL_INLINE double smallest(double a, double b, double c, double d) noexcept {
  return smaller(smaller(a, b), smaller(c, d));
}
AZIMUTHAL_INLINE double largest(double a, double b, double c, double d) noexcept {
  return larger(larger(a, b), larger(c, d));
}

// atan2 within 2.1 units in the last place. The quotient of the smaller and the larger part is at most 1; beyond 1/2 it
// is replaced by (q - 1) / (q + 1) = tan(angle - pi/4), whose numerator is exact there, so that one polynomial in
// t^2 <= 1/4 serves. Its coefficients interpolate (atan(t) / t - 1) / t^2 at Chebyshev nodes: relative error 4e-18.
AZIMUTHAL_INLINE double arc_tangent(double y, double x) noexcept {
  const double ay = std::fabs(y), ax = std::fabs(x);
  const bool steep = ay > ax;
  const double low = steep ? ax : ay, high = steep ? ay : ax;
  const bool reduced = low > 0.5 * high;
  const double over = reduced ? low - high : low;
  const double under = reduced ? low + high : high;
  const double quotient = over / under;
  const double t = under == 0.0 ? 0.0 : quotient;
  const double z = t * t, z2 = z * z, z4 = z2 * z2;
  const double p01 = -0x1.5555555555555p-2 + z * 0x1.99999999998e1p-3;
  const double p23 = -0x1.2492492488296p-3 + z * 0x1.c71c71c01b24cp-4;
  const double p45 = -0x1.745d16026efd7p-4 + z * 0x1.3b138e6372dcap-4;
  const double p67 = -0x1.110ea50256abfp-4 + z * 0x1.e1a7b2562efc4p-5;
  const double p89 = -0x1.ad44da04ade9fp-5 + z * 0x1.7b20b751c965ap-5;
  const double p1011 = -0x1.37d750492dd6fp-5 + z * 0x1.99b4e0c0581bcp-6;
  const double high_terms = ((p89 + z2 * p1011) + z4 * -0x1.2dfbaab97862ep-7) * (z4 * z4);
  const double polynomial = ((p01 + z2 * p23) + z4 * (p45 + z2 * p67)) + high_terms;
  const double part = t + t * (z * polynomial);
  // The angle is a multiple of pi/4 plus or minus the part; the multiple is exact in two numbers.
  const bool behind = x < 0.0;
  const double eighths = (steep ? 2.0 : behind ? 4.0 : 0.0) + (reduced ? (steep != behind ? -1.0 : 1.0) : 0.0);
  const double signed_part = steep != behind ? -part : part;
  const double angle = eighths * 0x1.921fb544p-1 + (eighths * 0x1.0b4611a626331p-35 + signed_part);
  return std::copysign(angle, y);
}

template <RadialQuantity Q>
AZIMUTHAL_INLINE double radial(double r2, double z, double factor) noexcept {
  if constexpr (Q == RadialQuantity::r) return std::sqrt(r2);
  if constexpr (Q == RadialQuantity::two_theta) return arc_tangent(std::sqrt(r2), z);
  const double length = std::sqrt(r2 + z * z);
  // sin^2(theta) = (1 - cos 2theta) / 2, in the form that does not cancel at small angles.
  const bool forward = z >= 0.0;
  const double over = forward ? r2 : length - z;
  const double under = forward ? 2.0 * length * (length + z) : 2.0 * length;
  const double sin2 = over / under;
  if constexpr (Q == RadialQuantity::d_star_squared) return factor * factor * sin2;
  if constexpr (Q == RadialQuantity::d) return factor / std::sqrt(sin2);
  return factor * std::sqrt(sin2);
}

AZIMUTHAL_INLINE double entry_scale(const EntryScale& entry, double square) noexcept {
  const double at = square * entry.intervals_per_square;
  const double interval = static_cast<double>(static_cast<std::int32_t>(smaller(at, entry.last_interval)));
  const double* c = entry.coefficients + 4 * static_cast<std::int32_t>(interval);
  const double f = at - interval;
  return c[0] + f * (c[1] + f * (c[2] + f * c[3]));
}

template <RadialQuantity Q, bool kAzimuth, bool kParallax>
void line(const Projection& to, double y, const double* AZIMUTHAL_RESTRICT x, std::size_t n, double at_pole,
          double* AZIMUTHAL_RESTRICT u, double* AZIMUTHAL_RESTRICT c) {
  const double m0 = to.rotation[0], m1 = to.rotation[1], m2 = to.rotation[2];
  const double m3 = to.rotation[3], m4 = to.rotation[4], m5 = to.rotation[5];
  const double m6 = to.rotation[6], m7 = to.rotation[7], m8 = to.rotation[8];
  const double p1 = y + to.shift[0], shift2 = to.shift[1], d3 = 0.0 + to.shift[2], factor = to.factor;
  const EntryScale entry = to.entry;
  for (std::size_t i = 0; i < n; ++i) {
    const double p2 = x[i] + shift2;
    double scale = 1.0;
    if constexpr (kParallax) scale = entry_scale(entry, p1 * p1 + p2 * p2);
    const double d1 = kParallax ? p1 * scale : p1;
    const double d2 = kParallax ? p2 * scale : p2;
    const double t1 = m0 * d1 + m1 * d2 + m2 * d3;
    const double t2 = m3 * d1 + m4 * d2 + m5 * d3;
    const double t3 = m6 * d1 + m7 * d2 + m8 * d3;
    const double r2 = t1 * t1 + t2 * t2;
    u[i] = radial<Q>(r2, t3, factor);
    if constexpr (kAzimuth) {
      const double angle = arc_tangent(t1, t2);
      c[i] = r2 == 0.0 ? at_pole : angle;
    }
  }
}

template <RadialQuantity Q>
void line_of(const Projection& to, double y, const double* x, std::size_t n, double at_pole, double* u, double* c) {
  if (to.entry.coefficients != nullptr) {
    return c != nullptr ? line<Q, true, true>(to, y, x, n, at_pole, u, c)
                        : line<Q, false, true>(to, y, x, n, at_pole, u, c);
  }
  return c != nullptr ? line<Q, true, false>(to, y, x, n, at_pole, u, c)
                      : line<Q, false, false>(to, y, x, n, at_pole, u, c);
}

template <RadialQuantity Q>
void positions_of(const Projection& to, const double* AZIMUTHAL_RESTRICT in, std::size_t n, double at_pole,
                  double* AZIMUTHAL_RESTRICT out) {
  const double m0 = to.rotation[0], m1 = to.rotation[1], m2 = to.rotation[2];
  const double m3 = to.rotation[3], m4 = to.rotation[4], m5 = to.rotation[5];
  const double m6 = to.rotation[6], m7 = to.rotation[7], m8 = to.rotation[8];
  const double shift1 = to.shift[0], shift2 = to.shift[1], shift3 = to.shift[2], factor = to.factor;
  for (std::size_t i = 0; i < n; ++i) {
    const double d1 = in[3 * i] + shift1, d2 = in[3 * i + 1] + shift2, d3 = in[3 * i + 2] + shift3;
    const double t1 = m0 * d1 + m1 * d2 + m2 * d3;
    const double t2 = m3 * d1 + m4 * d2 + m5 * d3;
    const double t3 = m6 * d1 + m7 * d2 + m8 * d3;
    const double r2 = t1 * t1 + t2 * t2;
    out[2 * i] = radial<Q>(r2, t3, factor);
    const double angle = arc_tangent(t1, t2);
    out[2 * i + 1] = r2 == 0.0 ? at_pole : angle;
  }
}

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

}  // namespace

void project_line(const Projection& to, double y, const double* x, std::size_t n, bool nan_at_pole, double* u,
                  double* c) {
  const double at_pole = nan_at_pole ? kNaN : 0.0;
#define AZIMUTHAL_LINE(q) \
  case RadialQuantity::q: return line_of<RadialQuantity::q>(to, y, x, n, at_pole, u, c)
  switch (to.quantity) {
    AZIMUTHAL_LINE(r);
    AZIMUTHAL_LINE(two_theta);
    AZIMUTHAL_LINE(q);
    AZIMUTHAL_LINE(d_star_squared);
    AZIMUTHAL_LINE(d);
  }
#undef AZIMUTHAL_LINE
}

void project_positions(const Projection& to, const double* positions, std::size_t n, bool nan_at_pole, double* out) {
  const double at_pole = nan_at_pole ? kNaN : 0.0;
#define AZIMUTHAL_POSITIONS(q) \
  case RadialQuantity::q: return positions_of<RadialQuantity::q>(to, positions, n, at_pole, out)
  switch (to.quantity) {
    AZIMUTHAL_POSITIONS(r);
    AZIMUTHAL_POSITIONS(two_theta);
    AZIMUTHAL_POSITIONS(q);
    AZIMUTHAL_POSITIONS(d_star_squared);
    AZIMUTHAL_POSITIONS(d);
  }
#undef AZIMUTHAL_POSITIONS
}

void arc_tangents(const double* AZIMUTHAL_RESTRICT y, const double* AZIMUTHAL_RESTRICT x, std::size_t n,
                  double* AZIMUTHAL_RESTRICT out) {
  for (std::size_t i = 0; i < n; ++i) out[i] = arc_tangent(y[i], x[i]);
}

// The difference of two azimuths along the shorter arc; exact half turns are left to the general way.
AZIMUTHAL_INLINE double along_shorter_arc(double difference, double period, double half) noexcept {
  const double turned = difference > half ? difference - period : difference + period;
  return std::fabs(difference) <= half ? difference : turned;
}

void measure_points(const ChunkCoordinates& pixels, std::size_t n, Chunk& chunk) {
  const double* AZIMUTHAL_RESTRICT u = pixels.center_u;
  const double* AZIMUTHAL_RESTRICT c = pixels.center_c;
  for (std::size_t i = 0; i < n; ++i) {
    chunk.u_min[i] = u[i];
    chunk.u_max[i] = u[i];
    chunk.state[i] = std::fabs(u[i]) <= kHuge ? kOrdinary : kOdd;
  }
  if (c == nullptr) return;
  for (std::size_t i = 0; i < n; ++i) {
    chunk.c_min[i] = c[i];
    chunk.c_max[i] = c[i];
    chunk.state[i] = std::fabs(c[i]) <= kHuge ? chunk.state[i] : kOdd;
  }
}

namespace {

struct Corners {
  const double* AZIMUTHAL_RESTRICT u0;
  const double* AZIMUTHAL_RESTRICT u1;
  const double* AZIMUTHAL_RESTRICT u2;
  const double* AZIMUTHAL_RESTRICT u3;
  const double* AZIMUTHAL_RESTRICT c0;
  const double* AZIMUTHAL_RESTRICT c1;
  const double* AZIMUTHAL_RESTRICT c2;
  const double* AZIMUTHAL_RESTRICT c3;
};

Corners corners_of(const ChunkCoordinates& p) noexcept {
  return {p.corner_u[0], p.corner_u[1], p.corner_u[2], p.corner_u[3],
          p.corner_c[0], p.corner_c[1], p.corner_c[2], p.corner_c[3]};
}

// The azimuths of an ordinary pixel on the line; `plain` says whether it is one.
struct Unrolled {
  double b, c, d;
  bool plain;
};

AZIMUTHAL_INLINE Unrolled unroll(double c0, double c1, double c2, double c3, double period, double half_turn) noexcept {
  const double half = 0.5 * period;
  const double step1 = along_shorter_arc(c1 - c0, period, half);
  const double step2 = along_shorter_arc(c2 - c1, period, half);
  const double step3 = along_shorter_arc(c3 - c2, period, half);
  const double step4 = along_shorter_arc(c0 - c3, period, half);
  const double b = c0 + step1, c = b + step2, d = c + step3;
  const double longest = largest(std::fabs(step1), std::fabs(step2), std::fabs(step3), std::fabs(step4));
  const double gap = std::fabs(d + step4 - c0);  // NaN when any azimuth is
  const bool plain = (longest <= half_turn) & (gap < half);
  return {b, c, d, plain};
}

}  // namespace

void measure_boxes(const ChunkCoordinates& pixels, std::size_t n, const ChunkRules& rules, Chunk& chunk) {
  const Corners p = corners_of(pixels);
  const double* AZIMUTHAL_RESTRICT center_u = pixels.center_u;
  const double* AZIMUTHAL_RESTRICT center_c = pixels.center_c;
  const double u_floor = rules.u_floor, period = rules.period, half_turn = rules.half_turn;
  for (std::size_t i = 0; i < n; ++i) {
    const double u = center_u[i];
    const double half = largest(std::fabs(p.u0[i] - u), std::fabs(p.u1[i] - u), std::fabs(p.u2[i] - u),
                                std::fabs(p.u3[i] - u));
    const double low = u - half, high = u + half;
    // The sum is not finite when any corner is not.
    const double all = (p.u0[i] + p.u1[i]) + (p.u2[i] + p.u3[i]) + u;
    chunk.u_min[i] = larger(u_floor, low);
    chunk.u_max[i] = larger(u_floor, high);
    chunk.state[i] = std::fabs(all) <= kHuge ? kOrdinary : kOdd;
  }
  if (center_c == nullptr) return;
  const double half_period = 0.5 * period;
  for (std::size_t i = 0; i < n; ++i) {
    const double c = center_c[i];
    const Unrolled at = unroll(p.c0[i], p.c1[i], p.c2[i], p.c3[i], period, half_turn);
    const double half = largest(std::fabs(along_shorter_arc(p.c0[i] - c, period, half_period)),
                                std::fabs(along_shorter_arc(p.c1[i] - c, period, half_period)),
                                std::fabs(along_shorter_arc(p.c2[i] - c, period, half_period)),
                                std::fabs(along_shorter_arc(p.c3[i] - c, period, half_period)));
    chunk.c_min[i] = c - half;
    chunk.c_max[i] = c + half;
    chunk.state[i] = at.plain & (half <= half_turn) ? chunk.state[i] : kOdd;
  }
}

void measure_equal_boxes(const ChunkCoordinates& pixels, std::size_t n, const ChunkRules& rules, Chunk& chunk) {
  const Corners p = corners_of(pixels);
  const double* AZIMUTHAL_RESTRICT center_u = pixels.center_u;
  const double* AZIMUTHAL_RESTRICT center_c = pixels.center_c;
  const double u_floor = rules.u_floor, period = rules.period, half_turn = rules.half_turn;
  const double degenerate = rules.degenerate, half_period = 0.5 * period;
  for (std::size_t i = 0; i < n; ++i) {
    const double u = center_u[i], c = center_c[i];
    const double u0 = p.u0[i], u1 = p.u1[i], u2 = p.u2[i], u3 = p.u3[i], c0 = p.c0[i];
    const Unrolled at = unroll(c0, p.c1[i], p.c2[i], p.c3[i], period, half_turn);
    const double c_low = smallest(c0, at.b, at.c, at.d);
    const double l0 = c0 - c_low, l1 = at.b - c_low, l2 = at.c - c_low, l3 = at.d - c_low;
    const double area = 0.5 * ((u1 - u0) * (l0 + l1) + (u2 - u1) * (l1 + l2) + (u3 - u2) * (l2 + l3) +
                               (u0 - u3) * (l3 + l0));
    const double half_u = largest(std::fabs(u0 - u), std::fabs(u1 - u), std::fabs(u2 - u), std::fabs(u3 - u));
    const double half_c = largest(std::fabs(along_shorter_arc(c0 - c, period, half_period)),
                                  std::fabs(along_shorter_arc(p.c1[i] - c, period, half_period)),
                                  std::fabs(along_shorter_arc(p.c2[i] - c, period, half_period)),
                                  std::fabs(along_shorter_arc(p.c3[i] - c, period, half_period)));
    const double box_area = 4.0 * half_u * half_c;
    const double part = std::fabs(area) / box_area;
    const double ratio = std::sqrt(smaller(1.0, part));
    const double du = half_u * ratio, dc = half_c * ratio;
    const double all = (u0 + u1) + (u2 + u3) + u;
    const bool plain = at.plain & (half_c <= half_turn) & (box_area > 0.0) & (part > degenerate) & (part <= kHuge) &
                       (std::fabs(all) <= kHuge);
    chunk.u_min[i] = larger(u_floor, u - du);
    chunk.u_max[i] = larger(u_floor, u + du);
    chunk.c_min[i] = c - dc;
    chunk.c_max[i] = c + dc;
    chunk.state[i] = plain ? kOrdinary : kOdd;
  }
}

void measure_polygons(const ChunkCoordinates& pixels, std::size_t n, const ChunkRules& rules, Chunk& chunk) {
  const Corners p = corners_of(pixels);
  const double period = rules.period, half_turn = rules.half_turn, degenerate = rules.degenerate;
  if (p.c0 == nullptr) {
    for (std::size_t i = 0; i < n; ++i) {
      const double u0 = p.u0[i], u1 = p.u1[i], u2 = p.u2[i], u3 = p.u3[i];
      const double all = (u0 + u1) + (u2 + u3);
      chunk.u_min[i] = smallest(u0, u1, u2, u3);
      chunk.u_max[i] = largest(u0, u1, u2, u3);
      chunk.state[i] = std::fabs(all) <= kHuge ? kOrdinary : kOdd;
    }
    return;
  }
  for (std::size_t i = 0; i < n; ++i) {
    const double u0 = p.u0[i], u1 = p.u1[i], u2 = p.u2[i], u3 = p.u3[i], c0 = p.c0[i];
    const Unrolled at = unroll(c0, p.c1[i], p.c2[i], p.c3[i], period, half_turn);
    const double u_low = smallest(u0, u1, u2, u3), u_high = largest(u0, u1, u2, u3);
    const double c_low = smallest(c0, at.b, at.c, at.d), c_high = largest(c0, at.b, at.c, at.d);
    const double l0 = c0 - c_low, l1 = at.b - c_low, l2 = at.c - c_low, l3 = at.d - c_low;
    const double length0 = u1 - u0, length1 = u2 - u1, length2 = u3 - u2, length3 = u0 - u3;
    const double area =
        0.5 * (length0 * (l0 + l1) + length1 * (l1 + l2) + length2 * (l2 + l3) + length3 * (l3 + l0));
    const double du = u_high - u_low, dc = c_high - c_low;
    const double all = (u0 + u1) + (u2 + u3);
    const bool plain = at.plain & (du <= kHuge) & (dc <= kHuge) & (std::fabs(all) <= kHuge) &
                       (std::fabs(area) > degenerate * du * dc);
    chunk.u_min[i] = u_low;
    chunk.u_max[i] = u_high;
    chunk.c_min[i] = c_low;
    chunk.c_max[i] = c_high;
    chunk.area[i] = area;
    chunk.state[i] = plain ? kOrdinary : kOdd;
    chunk.local_u[0][i] = u0 - u_low;
    chunk.local_u[1][i] = u1 - u_low;
    chunk.local_u[2][i] = u2 - u_low;
    chunk.local_u[3][i] = u3 - u_low;
    chunk.local_c[0][i] = l0;
    chunk.local_c[1][i] = l1;
    chunk.local_c[2][i] = l2;
    chunk.local_c[3][i] = l3;
  }
}

namespace {

void find_regular(std::size_t n, const ChunkRules& rules, Chunk& chunk) {
  const double* AZIMUTHAL_RESTRICT edges = rules.edges;
  const std::int32_t n_bins = rules.n_bins, top = n_bins - 1;
  const double lower = edges[0], scale = rules.scale, limit = static_cast<double>(top);
  auto find = [&](double u) {
    double guess = (u - lower) * scale;
    guess = guess > 0.0 ? guess : 0.0;
    guess = guess < limit ? guess : limit;
    std::int32_t k = static_cast<std::int32_t>(guess);
    k -= u < edges[k] ? 1 : 0;
    k = k < 0 ? 0 : k;
    k += u >= edges[k + 1] ? 1 : 0;
    return k > top ? top : k;
  };
  for (std::size_t i = 0; i < n; ++i) chunk.first[i] = find(chunk.u_min[i]);
  for (std::size_t i = 0; i < n; ++i) chunk.last[i] = find(chunk.u_max[i]);
}

// Bins of any widths: neighbours are near each other, so each search begins at the one before.
void find_irregular(std::size_t n, const ChunkRules& rules, Chunk& chunk) {
  const double* edges = rules.edges;
  const std::int32_t top = rules.n_bins - 1;
  std::int32_t k = 0;
  auto find = [&](double u) {
    std::int32_t step = 1;
    if (u < edges[k]) {  // ever longer steps, then halves
      while (k > 0 && u < edges[k]) {
        k = k > step ? k - step : 0;
        step *= 2;
      }
    }
    std::int32_t high = k + 1;
    for (step = 1; high < top + 1 && !(u < edges[high]); step *= 2) {
      k = high;
      high = top + 1 - high > step ? high + step : top + 1;
    }
    while (high - k > 1) {
      const std::int32_t middle = k + (high - k) / 2;
      if (u < edges[middle]) {
        high = middle;
      } else {
        k = middle;
      }
    }
    return k;
  };
  for (std::size_t i = 0; i < n; ++i) {
    if (chunk.state[i] != kOrdinary) {
      chunk.first[i] = chunk.last[i] = 0;
      continue;
    }
    chunk.first[i] = find(chunk.u_min[i]);
    chunk.last[i] = find(chunk.u_max[i]);
  }
}

std::int32_t most_crossed(std::size_t n, const Chunk& chunk) {
  const double* AZIMUTHAL_RESTRICT state = chunk.state;
  const std::int32_t* AZIMUTHAL_RESTRICT first = chunk.first;
  const std::int32_t* AZIMUTHAL_RESTRICT last = chunk.last;
  std::int32_t most = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const std::int32_t crossed = state[i] == kOrdinary ? last[i] - first[i] : 0;
    most = crossed > most ? crossed : most;
  }
  return most;
}

}  // namespace

void find_bins(std::size_t n, const ChunkRules& rules, Chunk& chunk) {
  const double lower = rules.edges[0], upper = rules.edges[rules.n_bins];
  for (std::size_t i = 0; i < n; ++i) {
    const bool inside = (chunk.u_min[i] >= lower) & (chunk.u_max[i] <= upper);
    const bool beyond = (chunk.u_max[i] < lower) | (chunk.u_min[i] > upper);
    const double placed = inside ? kOrdinary : beyond ? kOutside : kOdd;
    chunk.state[i] = chunk.state[i] == kOrdinary ? placed : kOdd;
  }
  if (rules.n_bins == 1) {
    for (std::size_t i = 0; i < n; ++i) chunk.first[i] = chunk.last[i] = 0;
  } else if (rules.is_regular) {
    find_regular(n, rules, chunk);
  } else {
    find_irregular(n, rules, chunk);
  }
  std::int32_t most = most_crossed(n, chunk);
  if (most > kMaxCrossings) {
    most = 0;
    for (std::size_t i = 0; i < n; ++i) {
      if (chunk.state[i] != kOrdinary) continue;
      const std::int32_t crossed = chunk.last[i] - chunk.first[i];
      if (crossed > kMaxCrossings) {
        chunk.state[i] = kOdd;
      } else if (crossed > most) {
        most = crossed;
      }
    }
  }
  chunk.n_weights = most + 1;
}

void weigh_boxes(std::size_t n, const ChunkRules& rules, Chunk& chunk) {
  const double* AZIMUTHAL_RESTRICT edges = rules.edges;
  const double* AZIMUTHAL_RESTRICT u_min = chunk.u_min;
  const double* AZIMUTHAL_RESTRICT u_max = chunk.u_max;
  const std::int32_t* AZIMUTHAL_RESTRICT first = chunk.first;
  const std::int32_t top = rules.n_bins - 1;
  for (std::size_t i = 0; i < n; ++i) {  // a box of no width is a point
    chunk.state[i] = (chunk.state[i] == kOrdinary) & !(chunk.u_max[i] > chunk.u_min[i]) ? kOdd : chunk.state[i];
  }
  // The edges of a bin are loaded apart: loads from computed places would keep the rest from vectorising.
  double* AZIMUTHAL_RESTRICT lower = chunk.below;
  double* AZIMUTHAL_RESTRICT upper = chunk.at_edge;
  for (std::size_t i = 0; i < n; ++i) lower[i] = edges[first[i]];
  for (int k = 0; k < chunk.n_weights; ++k) {
    double* AZIMUTHAL_RESTRICT weight = chunk.weight[k];
    for (std::size_t i = 0; i < n; ++i) {
      const std::int32_t bin = first[i] + k;
      upper[i] = edges[(bin < top ? bin : top) + 1];
    }
    for (std::size_t i = 0; i < n; ++i) {
      const double low = u_min[i], high = u_max[i];
      const double inside = smaller(high, upper[i]) - larger(low, lower[i]);
      // Beyond the pixel's last bin the lower edge is not below its end, so that nothing is inside.
      weight[i] = (inside > 0.0 ? inside : 0.0) / (high - low);
      lower[i] = upper[i];
    }
  }
}

void weigh_polygons(std::size_t n, const ChunkRules& rules, Chunk& chunk) {
  if (chunk.n_weights == 1) {
    for (std::size_t i = 0; i < n; ++i) chunk.weight[0][i] = 1.0;
    return;
  }
  for (int k = 0; k < 4; ++k) {
    const double* AZIMUTHAL_RESTRICT ua = chunk.local_u[k];
    const double* AZIMUTHAL_RESTRICT ub = chunk.local_u[(k + 1) & 3];
    const double* AZIMUTHAL_RESTRICT ca = chunk.local_c[k];
    const double* AZIMUTHAL_RESTRICT cb = chunk.local_c[(k + 1) & 3];
    double* AZIMUTHAL_RESTRICT slope = chunk.slope[k];
    for (std::size_t i = 0; i < n; ++i) {
      const double length = ub[i] - ua[i];
      const double quotient = 0.5 * (cb[i] - ca[i]) / length;
      slope[i] = length != 0.0 ? quotient : 0.0;
    }
  }
  // Every array has a pointer of its own: only then does the compiler see that none overlaps another.
  const double* AZIMUTHAL_RESTRICT edges = rules.edges;
  const double* AZIMUTHAL_RESTRICT u_min = chunk.u_min;
  const double* AZIMUTHAL_RESTRICT u_max = chunk.u_max;
  const double* AZIMUTHAL_RESTRICT areas = chunk.area;
  const double *AZIMUTHAL_RESTRICT ua = chunk.local_u[0], *AZIMUTHAL_RESTRICT ub = chunk.local_u[1];
  const double *AZIMUTHAL_RESTRICT uc = chunk.local_u[2], *AZIMUTHAL_RESTRICT ud = chunk.local_u[3];
  const double *AZIMUTHAL_RESTRICT ca = chunk.local_c[0], *AZIMUTHAL_RESTRICT cb = chunk.local_c[1];
  const double *AZIMUTHAL_RESTRICT cc = chunk.local_c[2], *AZIMUTHAL_RESTRICT cd = chunk.local_c[3];
  const double *AZIMUTHAL_RESTRICT sa = chunk.slope[0], *AZIMUTHAL_RESTRICT sb = chunk.slope[1];
  const double *AZIMUTHAL_RESTRICT sc = chunk.slope[2], *AZIMUTHAL_RESTRICT sd = chunk.slope[3];
  const std::int32_t* AZIMUTHAL_RESTRICT first = chunk.first;
  double* AZIMUTHAL_RESTRICT at_edge = chunk.at_edge;
  double* AZIMUTHAL_RESTRICT below = chunk.below;
  double* AZIMUTHAL_RESTRICT least = chunk.least;
  const std::int32_t n_bins = rules.n_bins;
  for (std::size_t i = 0; i < n; ++i) {
    below[i] = 0.0;
    least[i] = 1.0;
  }
  for (int pass = 0; pass + 1 < chunk.n_weights; ++pass) {
    double* AZIMUTHAL_RESTRICT weight = chunk.weight[pass];
    for (std::size_t i = 0; i < n; ++i) {  // apart: loads from computed places would keep the rest from vectorising
      const std::int32_t wanted = first[i] + pass + 1;
      at_edge[i] = edges[wanted < n_bins ? wanted : n_bins];
    }
    for (std::size_t i = 0; i < n; ++i) {
      const double edge = at_edge[i];
      const double u = edge - u_min[i];
      const double a = ua[i], b = ub[i], c = uc[i], d = ud[i];
      // Where each corner lies once the polygon is cut at the edge; the area below is a sum over its sides.
      const double cut_a = smaller(a, u), cut_b = smaller(b, u), cut_c = smaller(c, u), cut_d = smaller(d, u);
      const double side_a = (cut_b - cut_a) * (ca[i] + ((cut_a - a) + (cut_b - a)) * sa[i]);
      const double side_b = (cut_c - cut_b) * (cb[i] + ((cut_b - b) + (cut_c - b)) * sb[i]);
      const double side_c = (cut_d - cut_c) * (cc[i] + ((cut_c - c) + (cut_d - c)) * sc[i]);
      const double side_d = (cut_a - cut_d) * (cd[i] + ((cut_d - d) + (cut_a - d)) * sd[i]);
      const double part = (side_a + side_b) + (side_c + side_d);
      const double area = areas[i];
      const double up_to_here = edge >= u_max[i] ? area : part;
      const double share = (up_to_here - below[i]) / area;
      weight[i] = share;
      below[i] = up_to_here;
      least[i] = least[i] <= share ? least[i] : least[i] > share ? share : kNotSimple;  // NaN is not simple
    }
  }
  double* AZIMUTHAL_RESTRICT weight = chunk.weight[chunk.n_weights - 1];
  double* AZIMUTHAL_RESTRICT state = chunk.state;
  for (std::size_t i = 0; i < n; ++i) {
    const double share = (areas[i] - below[i]) / areas[i];
    weight[i] = share;
    const bool simple = (share >= kCrossedEdges) & (least[i] >= kCrossedEdges);
    const double checked = simple ? kOrdinary : kOdd;
    state[i] = state[i] == kOrdinary ? checked : state[i];
  }
}

void extend_range(std::size_t n, const std::uint8_t* AZIMUTHAL_RESTRICT excluded, const Chunk& chunk,
                  ChunkRange& range) {
  constexpr double kInf = std::numeric_limits<double>::infinity();
  constexpr std::size_t kLanes = 8;  // minima of their own: their order does not matter
  double low[kLanes], high[kLanes];
  for (std::size_t l = 0; l < kLanes; ++l) {
    low[l] = kInf;
    high[l] = -kInf;
  }
  std::size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    for (std::size_t l = 0; l < kLanes; ++l) {
      const bool counts = (chunk.state[i + l] == kOrdinary) & (excluded[i + l] == 0);
      const double u_min = counts ? chunk.u_min[i + l] : kInf;
      const double u_max = counts ? chunk.u_max[i + l] : -kInf;
      low[l] = smaller(low[l], u_min);
      high[l] = larger(high[l], u_max);
    }
  }
  for (; i < n; ++i) {
    if (chunk.state[i] != kOrdinary || excluded[i] != 0) continue;
    low[0] = smaller(low[0], chunk.u_min[i]);
    high[0] = larger(high[0], chunk.u_max[i]);
  }
  for (std::size_t l = 0; l < kLanes; ++l) {
    range.u_min = smaller(range.u_min, low[l]);
    range.u_max = larger(range.u_max, high[l]);
  }
}

namespace {

constexpr double kPolarizationNode = 1e-15;  // below it a pixel is centred on the node, to within rounding

template <bool kSolidAngle, bool kArea, bool kPolarized>
std::int64_t factors(const RowFactors& row, std::size_t n, double* AZIMUTHAL_RESTRICT product) {
  const double* AZIMUTHAL_RESTRICT across = row.across;
  const double* AZIMUTHAL_RESTRICT width2 = row.width2;
  const double* AZIMUTHAL_RESTRICT p2 = row.p2;
  const double* AZIMUTHAL_RESTRICT form_across = row.form_across;
  const double along = row.along, width1 = row.width1, height = row.height, scale = row.scale;
  const double form_mixed = row.form_mixed, form_along = row.form_along;
  std::int64_t n_bad = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const double squared = along + across[i];
    double value = 1.0;
    if constexpr (kSolidAngle) {
      const double area = kArea ? width1 * width2[i] : 1.0;
      value = 1.0 / (squared * std::sqrt(squared)) * (area * height * scale);
    }
    if constexpr (kPolarized) {
      const double polarized = (form_mixed * p2[i] + form_along + form_across[i]) / squared;
      value = value * (polarized < kPolarizationNode ? 0.0 : polarized);
    }
    product[i] = value;
    const bool good = (value > 0.0) & (value < std::numeric_limits<double>::infinity());
    n_bad += good ? 0 : 1;
  }
  return n_bad;
}

}  // namespace

std::int64_t multiply_factors(const RowFactors& row, std::size_t n, double* product) {
  if (row.p2 == nullptr) {
    if (!row.has_solid_angle) return factors<false, false, false>(row, n, product);
    return row.width2 ? factors<true, true, false>(row, n, product) : factors<true, false, false>(row, n, product);
  }
  if (!row.has_solid_angle) return factors<false, false, true>(row, n, product);
  return row.width2 ? factors<true, true, true>(row, n, product) : factors<true, false, true>(row, n, product);
}

}  // namespace azimuthal::AZIMUTHAL_ISA
