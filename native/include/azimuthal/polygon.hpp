// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
//
// A pixel as a polygon in the plane of the two bin coordinates (u, c): c may be an angle on a circle.
// The definitions are those of azimuthal.splitting (Python), which this follows line by line.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <limits>

namespace azimuthal {

inline constexpr int kMaxCorners = 6;
inline constexpr int kMaxVertices = 3 * kMaxCorners + 3;

struct Vertex {
  double u;
  double c;
};

// The circle of the second coordinate, and the value of the first one where the second is undefined (on the beam).
struct Circle {
  double period = 0.0;  // zero: the second coordinate is not periodic
  double forward_pole = 0.0;
  double backward_pole = 0.0;
  double equator = 0.0;  // the value of the first coordinate at 2theta = 90 degrees
};

struct Polygon {
  std::array<Vertex, kMaxVertices> vertex;
  int n = 0;
  double u_min, u_max, c_min, c_max;

  void push(double u, double c) noexcept { vertex[n++] = {u, c}; }

  void measure() noexcept {
    u_min = c_min = std::numeric_limits<double>::infinity();
    u_max = c_max = -u_min;
    // Comparisons, not fmin and fmax: those are library calls here. A NaN is found by is_finite.
    for (int i = 0; i < n; ++i) {
      const Vertex v = vertex[static_cast<std::size_t>(i)];
      u_min = v.u < u_min ? v.u : u_min;
      u_max = v.u > u_max ? v.u : u_max;
      c_min = v.c < c_min ? v.c : c_min;
      c_max = v.c > c_max ? v.c : c_max;
    }
  }

  bool is_finite() const noexcept {
    for (int i = 0; i < n; ++i) {
      if (!std::isfinite(vertex[i].u) || !std::isfinite(vertex[i].c)) return false;
    }
    return n > 0;
  }

  double signed_area() const noexcept {
    double twice = 0.0;
    for (int i = 0; i < n; ++i) {
      const Vertex& a = vertex[i];
      const Vertex& b = vertex[i + 1 == n ? 0 : i + 1];
      twice += (b.u - a.u) * ((a.c - c_min) + (b.c - c_min));
    }
    return 0.5 * twice;
  }
};

inline double wrapped(double difference, double period) noexcept {
  const double half = 0.5 * period;
  if (difference >= -half && difference <= half) return difference;  // nearly always: spares a library call
  return difference - period * std::nearbyint(difference / period);
}

// The value of u at the pole that this pixel encloses: the one on its side of 2theta = 90 degrees.
inline double enclosed_pole(double mean_u, const Circle& circle) noexcept {
  const bool forward = (mean_u > circle.equator) == (circle.forward_pole > circle.equator);
  return forward ? circle.forward_pole : circle.backward_pole;
}

// Part of a turn from which two neighbouring corners are half a turn apart: the edge between them meets the beam.
inline constexpr double kHalfTurn = 0.5 - 1e-10;

// The ordinary pixel, which is nearly every one: true when all corners have an azimuth, no edge meets the beam and the
// way around comes back to where it began; the polygon is made then.
inline bool unrolled_plainly(const double* corners, int n_corners, const Circle& circle, Polygon& polygon) noexcept {
  const double limit = kHalfTurn * circle.period;
  double c = corners[1];
  polygon.push(corners[0], c);
  bool plain = true;
  for (int k = 1; k < n_corners; ++k) {
    const double step = wrapped(corners[2 * k + 1] - corners[2 * k - 1], circle.period);
    plain = plain && step <= limit && step >= -limit;  // false for NaN
    c += step;
    polygon.push(corners[2 * k], c);
  }
  const double last = wrapped(corners[1] - corners[2 * n_corners - 1], circle.period);
  plain = plain && last <= limit && last >= -limit && std::abs(c + last - corners[1]) < 0.5 * circle.period;
  if (plain) polygon.measure();
  return plain;
}

// Unrolls the corners of one pixel onto the line: neighbours are joined along the shorter arc, a corner on the beam
// (c is NaN) becomes two vertices, an edge through the beam goes along the pole, and a pixel around the beam is closed
// along it. Returns whether the pixel holds the beam.
inline bool unrolled(const double* corners, int n_corners, const Circle& circle, Polygon& polygon) noexcept {
  polygon.n = 0;
  if (circle.period == 0.0) {
    for (int k = 0; k < n_corners; ++k) polygon.push(corners[2 * k], corners[2 * k + 1]);
    polygon.measure();
    return false;
  }
  if (unrolled_plainly(corners, n_corners, circle, polygon)) return false;
  polygon.n = 0;
  std::array<int, kMaxCorners> defined;
  int n_defined = 0;
  double mean_u = 0.0;
  for (int k = 0; k < n_corners; ++k) {
    mean_u += corners[2 * k] / n_corners;
    if (!std::isnan(corners[2 * k + 1])) defined[static_cast<std::size_t>(n_defined++)] = k;
  }
  if (n_defined == 0) {  // nowhere is the angle defined: a point on the beam
    for (int k = 0; k < n_corners; ++k) polygon.push(corners[2 * k], 0.0);
    polygon.measure();
    return false;
  }
  std::array<double, kMaxCorners> steps;
  std::array<bool, kMaxCorners> through_beam;
  double turn = 0.0;
  for (int k = 0; k < n_defined; ++k) {
    const auto i = static_cast<std::size_t>(k);
    const int next = defined[k + 1 == n_defined ? 0 : i + 1];
    steps[i] = wrapped(corners[2 * next + 1] - corners[2 * defined[i] + 1], circle.period);
    through_beam[i] = std::abs(steps[i]) > kHalfTurn * circle.period;
    turn += steps[i];
  }
  for (std::size_t i = 0; i < static_cast<std::size_t>(n_defined); ++i) {
    if (!through_beam[i]) continue;
    const double others = turn - steps[i];
    steps[i] = -std::copysign(0.5 * circle.period, others);
    turn = others + steps[i];
  }
  const double pole = enclosed_pole(mean_u, circle);
  const double first = corners[2 * defined[0] + 1];
  double c = first;
  for (int k = 0; k < n_defined; ++k) {
    const auto i = static_cast<std::size_t>(k);
    const int at = defined[i];
    const int following = k + 1 < n_defined ? defined[i + 1] : defined[0] + n_corners;
    polygon.push(corners[2 * at], c);
    for (int between = at + 1; between < following; ++between) {
      polygon.push(corners[2 * (between % n_corners)], c);
      polygon.push(corners[2 * (between % n_corners)], c + steps[i]);
    }
    if (following == at + 1 && through_beam[i]) {
      polygon.push(pole, c);
      polygon.push(pole, c + steps[i]);
    }
    c += steps[i];
  }
  const bool encloses = std::abs(c - first) > 0.5 * circle.period;
  if (encloses) {
    polygon.push(corners[2 * defined[0]], c);
    polygon.push(pole, c);
    polygon.push(pole, first);
  }
  polygon.measure();
  return encloses;
}

}  // namespace azimuthal
