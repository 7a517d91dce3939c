// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
#include "azimuthal/coordinates.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "azimuthal/parallel.hpp"

namespace azimuthal {
namespace {

struct Point {
  double u, c;
};

template <RadialQuantity Q>
double radial(double r2, double z, double factor) noexcept {
  if constexpr (Q == RadialQuantity::r) return std::sqrt(r2);
  if constexpr (Q == RadialQuantity::two_theta) return std::atan2(std::sqrt(r2), z);
  const double length = std::sqrt(r2 + z * z);
  // sin^2(theta) = (1 - cos 2theta) / 2, in the form that does not cancel at small angles.
  const double sin2 = z >= 0.0 ? r2 / (2.0 * length * (length + z)) : (length - z) / (2.0 * length);
  if constexpr (Q == RadialQuantity::d_star_squared) return factor * factor * sin2;
  if constexpr (Q == RadialQuantity::d) return factor / std::sqrt(sin2);
  return factor * std::sqrt(sin2);
}

template <RadialQuantity Q>
Point project(double p1, double p2, double p3, const Projection& p, bool nan_at_pole) noexcept {
  const double d1 = p1 + p.shift[0], d2 = p2 + p.shift[1], d3 = p3 + p.shift[2];
  const double* m = p.rotation;
  const double t1 = m[0] * d1 + m[1] * d2 + m[2] * d3;
  const double t2 = m[3] * d1 + m[4] * d2 + m[5] * d3;
  const double t3 = m[6] * d1 + m[7] * d2 + m[8] * d3;
  const double r2 = t1 * t1 + t2 * t2;
  const double c = r2 == 0.0 && nan_at_pole ? std::numeric_limits<double>::quiet_NaN() : std::atan2(t1, t2);
  return {radial<Q>(r2, t3, p.factor), c};
}

template <RadialQuantity Q>
void grid_rows(const SeparableGrid& g, std::size_t begin, std::size_t end, const Projection& p, double* corners,
               double* centers, unsigned n_threads) {
  const std::size_t n2 = g.n2;
  constexpr std::size_t kRows = 16;
  for_each_block((end - begin + kRows - 1) / kRows, n_threads, [&](std::size_t block) {
    // Vertices of a horizontal line: left and right corner of every pixel. Lines and columns that neighbours share are
    // projected once.
    std::vector<Point> lower(2 * n2), upper(2 * n2);
    auto line = [&](double y, std::vector<Point>& out) {
      for (std::size_t j = 0; j < n2; ++j) {
        out[2 * j] = j > 0 && g.lower2[j] == g.upper2[j - 1] ? out[2 * j - 1] : project<Q>(y, g.lower2[j], 0.0, p, true);
        out[2 * j + 1] = project<Q>(y, g.upper2[j], 0.0, p, true);
      }
    };
    const std::size_t first = begin + block * kRows;
    const std::size_t last = std::min(end, first + kRows);
    for (std::size_t i = first; i < last; ++i) {
      if (corners) {
        if (i > first && g.lower1[i] == g.upper1[i - 1]) {
          lower.swap(upper);
        } else {
          line(g.lower1[i], lower);
        }
        line(g.upper1[i], upper);
        double* row = corners + (i - begin) * n2 * 8;
        for (std::size_t j = 0; j < n2; ++j) {
          const Point abcd[4] = {lower[2 * j], upper[2 * j], upper[2 * j + 1], lower[2 * j + 1]};
          for (int k = 0; k < 4; ++k) {
            row[8 * j + 2 * k] = abcd[k].u;
            row[8 * j + 2 * k + 1] = abcd[k].c;
          }
        }
      }
      if (centers) {
        double* row = centers + (i - begin) * n2 * 2;
        const double y = 0.5 * (g.lower1[i] + g.upper1[i]);
        for (std::size_t j = 0; j < n2; ++j) {
          const Point point = project<Q>(y, 0.5 * (g.lower2[j] + g.upper2[j]), 0.0, p, false);
          row[2 * j] = point.u;
          row[2 * j + 1] = point.c;
        }
      }
    }
  });
}

template <RadialQuantity Q>
void points(const double* positions, std::size_t n, const Projection& p, bool nan_at_pole, double* out,
            unsigned n_threads) {
  constexpr std::size_t kPoints = 16384;
  for_each_block((n + kPoints - 1) / kPoints, n_threads, [&](std::size_t block) {
    const std::size_t end = std::min(n, (block + 1) * kPoints);
    for (std::size_t i = block * kPoints; i < end; ++i) {
      const Point point = project<Q>(positions[3 * i], positions[3 * i + 1], positions[3 * i + 2], p, nan_at_pole);
      out[2 * i] = point.u;
      out[2 * i + 1] = point.c;
    }
  });
}

struct Seen {
  double t1, t2, u;
};

template <RadialQuantity Q>
Seen see(double p1, double p2, const Projection& p) noexcept {
  const double d1 = p1 + p.shift[0], d2 = p2 + p.shift[1], d3 = p.shift[2];
  const double* m = p.rotation;
  const double t1 = m[0] * d1 + m[1] * d2 + m[2] * d3;
  const double t2 = m[3] * d1 + m[4] * d2 + m[5] * d3;
  const double t3 = m[6] * d1 + m[7] * d2 + m[8] * d3;
  return {t1, t2, radial<Q>(t1 * t1 + t2 * t2, t3, p.factor)};
}

// Whether all corners lie on one side of an axis through the beam: then the pixel cannot hold it.
bool beside_beam(const Seen& a, const Seen& b, const Seen& c, const Seen& d) noexcept {
  return (a.t1 > 0 && b.t1 > 0 && c.t1 > 0 && d.t1 > 0) || (a.t1 < 0 && b.t1 < 0 && c.t1 < 0 && d.t1 < 0) ||
         (a.t2 > 0 && b.t2 > 0 && c.t2 > 0 && d.t2 > 0) || (a.t2 < 0 && b.t2 < 0 && c.t2 < 0 && d.t2 < 0);
}

void include(RadialExtent& extent, double low, double high) noexcept {
  if (!std::isfinite(low) || !std::isfinite(high)) return;
  extent.u_min = std::min(extent.u_min, low);
  extent.u_max = std::max(extent.u_max, high);
}

template <RadialQuantity Q>
RadialExtent rows_extent(const SeparableGrid& g, std::size_t begin, std::size_t end, const Projection& p,
                         const std::uint8_t* excluded, Reach reach, const Circle& circle, double u_floor) {
  constexpr double inf = std::numeric_limits<double>::infinity();
  RadialExtent found{inf, -inf};
  const std::size_t n2 = g.n2;
  std::vector<Seen> lower(2 * n2), upper(2 * n2);
  auto line = [&](double y, std::vector<Seen>& out) {
    for (std::size_t j = 0; j < n2; ++j) {
      out[2 * j] = j > 0 && g.lower2[j] == g.upper2[j - 1] ? out[2 * j - 1] : see<Q>(y, g.lower2[j], p);
      out[2 * j + 1] = see<Q>(y, g.upper2[j], p);
    }
  };
  for (std::size_t i = begin; i < end; ++i) {
    const std::uint8_t* row = excluded + (i - begin) * n2;
    const double middle1 = 0.5 * (g.lower1[i] + g.upper1[i]);
    if (reach != Reach::center) {
      if (i > begin && g.lower1[i] == g.upper1[i - 1]) {
        lower.swap(upper);
      } else {
        line(g.lower1[i], lower);
      }
      line(g.upper1[i], upper);
    }
    for (std::size_t j = 0; j < n2; ++j) {
      if (row[j]) continue;
      const double center =
          reach == Reach::corners ? 0.0 : see<Q>(middle1, 0.5 * (g.lower2[j] + g.upper2[j]), p).u;
      if (reach == Reach::center) {
        include(found, center, center);
        continue;
      }
      const Seen corner[4] = {lower[2 * j], upper[2 * j], upper[2 * j + 1], lower[2 * j + 1]};
      double low = std::min(std::min(corner[0].u, corner[1].u), std::min(corner[2].u, corner[3].u));
      double high = std::max(std::max(corner[0].u, corner[1].u), std::max(corner[2].u, corner[3].u));
      if (reach == Reach::box) {
        const double half = std::max(center - low, high - center);
        include(found, std::max(u_floor, center - half), std::max(u_floor, center + half));
        continue;
      }
      if (!beside_beam(corner[0], corner[1], corner[2], corner[3])) {
        double flat[8];
        for (int k = 0; k < 4; ++k) {
          const bool at_pole = corner[k].t1 == 0.0 && corner[k].t2 == 0.0;
          flat[2 * k] = corner[k].u;
          flat[2 * k + 1] = at_pole ? std::numeric_limits<double>::quiet_NaN() : std::atan2(corner[k].t1, corner[k].t2);
        }
        Polygon polygon;
        unrolled(flat, 4, circle, polygon);
        low = polygon.u_min;
        high = polygon.u_max;
      }
      include(found, low, high);
    }
  }
  return found;
}

// Calls work.template operator()<Q>() for the quantity chosen at run time.
template <class Work>
void with_quantity(RadialQuantity quantity, Work&& work) {
  switch (quantity) {
    case RadialQuantity::r: return work.template operator()<RadialQuantity::r>();
    case RadialQuantity::two_theta: return work.template operator()<RadialQuantity::two_theta>();
    case RadialQuantity::q: return work.template operator()<RadialQuantity::q>();
    case RadialQuantity::d_star_squared: return work.template operator()<RadialQuantity::d_star_squared>();
    case RadialQuantity::d: return work.template operator()<RadialQuantity::d>();
  }
}

}  // namespace

void project_grid(const SeparableGrid& grid, std::size_t begin, std::size_t end, const Projection& projection,
                  double* corners, double* centers, unsigned n_threads) {
  with_quantity(projection.quantity, [&]<RadialQuantity Q>() {
    grid_rows<Q>(grid, begin, end, projection, corners, centers, n_threads);
  });
}

RadialExtent grid_extent(const SeparableGrid& grid, std::size_t begin, std::size_t end, const Projection& projection,
                         const std::uint8_t* excluded, Reach reach, const Circle& circle, double u_floor,
                         unsigned n_threads) {
  constexpr double inf = std::numeric_limits<double>::infinity();
  constexpr std::size_t kRows = 32;
  const std::size_t n_blocks = (end - begin + kRows - 1) / kRows;
  std::vector<RadialExtent> found(n_blocks, {inf, -inf});
  with_quantity(projection.quantity, [&]<RadialQuantity Q>() {
    for_each_block(n_blocks, n_threads, [&](std::size_t block) {
      const std::size_t first = begin + block * kRows, last = std::min(end, first + kRows);
      found[block] = rows_extent<Q>(grid, first, last, projection, excluded + (first - begin) * grid.n2, reach, circle,
                                    u_floor);
    });
  });
  RadialExtent all{inf, -inf};
  for (const RadialExtent& part : found) {
    all = {std::min(all.u_min, part.u_min), std::max(all.u_max, part.u_max)};
  }
  return all;
}

void project_points(const double* positions, std::size_t n, const Projection& projection, bool nan_at_pole,
                    double* out, unsigned n_threads) {
  with_quantity(projection.quantity,
                [&]<RadialQuantity Q>() { points<Q>(positions, n, projection, nan_at_pole, out, n_threads); });
}

}  // namespace azimuthal
