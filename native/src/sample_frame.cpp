// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
#include "azimuthal/sample_frame.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "azimuthal/grid_rows.hpp"
#include "azimuthal/parallel.hpp"
#include "azimuthal/pixel_kernels.hpp"

namespace azimuthal {
namespace {

// As in native/isa/pixels.cpp, to the last bit.
double entry_scale(const EntryScale& entry, double square) noexcept {
  const double at = square * entry.intervals_per_square;
  const double interval = std::floor(std::min(at, entry.last_interval));
  const double* c = entry.coefficients + 4 * static_cast<std::int32_t>(interval);
  const double f = at - interval;
  return c[0] + f * (c[1] + f * (c[2] + f * c[3]));
}

// Quantities of a run of points, a step at a time in plain loops over arrays.
class Points {
 public:
  explicit Points(const SampleProjection& projection) : to_(projection), kernels_(pixel_kernels()) {}

  void resize(std::size_t n) {
    n_ = n;
    for (auto* values : {&h_, &v_, &b_, &qh_, &qv_, &qb_, &y_, &x_, &u, &c, &cut}) values->resize(n);
  }

  // Detector position of the point i, before shift and rotation.
  void place(std::size_t i, double p1, double p2, double p3) noexcept {
    double d1 = p1 + to_.shift[0], d2 = p2 + to_.shift[1];
    const double d3 = p3 + to_.shift[2];
    if (to_.entry.coefficients != nullptr) {
      const double scale = entry_scale(to_.entry, d1 * d1 + d2 * d2);
      d1 *= scale;
      d2 *= scale;
    }
    const double* m = to_.rotation;
    h_[i] = m[0] * d1 + m[1] * d2 + m[2] * d3;
    v_[i] = m[3] * d1 + m[4] * d2 + m[5] * d3;
    b_[i] = m[6] * d1 + m[7] * d2 + m[8] * d3;
  }

  void evaluate() {
    scatter();
    quantity(to_.u, u.data());
    quantity(to_.c, c.data());
    find_cut();
  }

  std::vector<double> u, c, cut;

 private:
  // The scattering vector over k in the sample's frame; b / length - 1 in the form that does not cancel.
  void scatter() noexcept {
    const double* m = to_.sample;
    for (std::size_t i = 0; i < n_; ++i) {
      const double h = h_[i], v = v_[i], b = b_[i];
      const double square = h * h + v * v;
      const double length = std::sqrt(square + b * b);
      const double backward = b / length - 1.0, forward = -square / (length * (length + b));
      const double x = h / length, y = v / length, z = b < 0.0 ? backward : forward;
      qh_[i] = m[0] * x + m[1] * y + m[2] * z;
      qv_[i] = m[3] * x + m[4] * y + m[5] * z;
      qb_[i] = m[6] * x + m[7] * y + m[8] * z;
    }
  }

  double turned(std::size_t row, std::size_t i) const noexcept {
    const double* m = to_.sample + 3 * row;
    return m[0] * h_[i] + m[1] * v_[i] + m[2] * b_[i];
  }

  double in_plane(std::size_t i) const noexcept {
    const double length = std::sqrt(qb_[i] * qb_[i] + qh_[i] * qh_[i]);
    return qh_[i] > 0.0 ? length : -length;
  }

  template <class Function>
  void fill(double* out, Function function) {
    for (std::size_t i = 0; i < n_; ++i) out[i] = function(i);
  }

  // atan2(y(i), x(i))
  template <class Y, class X>
  void angle(double* out, Y y, X x) {
    fill(y_.data(), y);
    fill(x_.data(), x);
    kernels_.arc_tangents(y_.data(), x_.data(), n_, out);
  }

  static double length_of(double a, double b) noexcept { return std::sqrt(a * a + b * b); }

  void quantity(SampleQuantity which, double* out) {
    const double k = to_.k;
    switch (which) {
      case SampleQuantity::qxgi: return fill(out, [&](std::size_t i) { return k * qh_[i]; });
      case SampleQuantity::qygi: return fill(out, [&](std::size_t i) { return k * qv_[i]; });
      case SampleQuantity::qzgi: return fill(out, [&](std::size_t i) { return k * qb_[i]; });
      case SampleQuantity::qip: return fill(out, [&](std::size_t i) { return k * in_plane(i); });
      case SampleQuantity::qip_abs: return fill(out, [&](std::size_t i) { return k * std::fabs(in_plane(i)); });
      case SampleQuantity::qtot:
        return fill(out, [&](std::size_t i) {
          return k * std::sqrt(qh_[i] * qh_[i] + qv_[i] * qv_[i] + qb_[i] * qb_[i]);
        });
      case SampleQuantity::chigi:
        return angle(
            out, [&](std::size_t i) { return in_plane(i); }, [&](std::size_t i) { return qv_[i]; });
      case SampleQuantity::chigi_abs:
        return angle(
            out, [&](std::size_t i) { return std::fabs(in_plane(i)); }, [&](std::size_t i) { return qv_[i]; });
      case SampleQuantity::exit_angle_horz:
        return angle(
            out, [&](std::size_t i) { return turned(0, i); }, [&](std::size_t i) { return turned(2, i); });
      case SampleQuantity::exit_angle_vert:
        return angle(
            out, [&](std::size_t i) { return turned(1, i); },
            [&](std::size_t i) { return length_of(turned(2, i), turned(0, i)); });
      case SampleQuantity::scattering_angle_horz:
        return angle(
            out, [&](std::size_t i) { return h_[i]; }, [&](std::size_t i) { return b_[i]; });
      case SampleQuantity::scattering_angle_vert:
        return angle(
            out, [&](std::size_t i) { return v_[i]; }, [&](std::size_t i) { return length_of(b_[i], h_[i]); });
    }
  }

  void find_cut() {
    constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
    switch (to_.cut) {
      case SampleCut::none: return fill(cut.data(), [](std::size_t) { return kNone; });
      case SampleCut::across_surface: return fill(cut.data(), [&](std::size_t i) { return qh_[i]; });
      case SampleCut::behind_sample:
        return fill(cut.data(), [&](std::size_t i) { return turned(2, i) < 0.0 ? turned(0, i) : kNone; });
      case SampleCut::behind_in_lab:
        return fill(cut.data(), [&](std::size_t i) { return b_[i] < 0.0 ? h_[i] : kNone; });
    }
  }

  const SampleProjection& to_;
  const PixelKernels& kernels_;
  std::size_t n_ = 0;
  std::vector<double> h_, v_, b_, qh_, qv_, qb_, y_, x_;
};

// A line of the grid: the points at all columns for one coordinate along the rows.
struct Line {
  explicit Line(const SampleProjection& projection) : points(projection) {}

  void go_to(double y, const std::vector<double>& columns) {
    if (is_at(y)) return;
    points.resize(columns.size());
    for (std::size_t j = 0; j < columns.size(); ++j) points.place(j, y, columns[j], 0.0);
    points.evaluate();
    at = y;
    is_placed = true;
  }

  bool is_at(double y) const noexcept { return is_placed && at == y; }

  Points points;
  double at = 0.0;
  bool is_placed = false;
};

bool meets_cut(const double (&values)[4]) noexcept {
  int positive = 0, negative = 0;
  for (const double value : values) {
    if (!std::isfinite(value)) return false;
    positive += value > 0.0;
    negative += value < 0.0;
  }
  return positive < 4 && negative < 4;
}

struct Pixel {
  const Line& low;
  const Line& high;
  std::size_t left, right;

  // Corners A (low, low), B (high, low), C (high, high), D (low, high).
  void write(double* to) const noexcept {
    const Points* lines[4] = {&low.points, &high.points, &high.points, &low.points};
    const std::size_t columns[4] = {left, left, right, right};
    for (std::size_t k = 0; k < 4; ++k) {
      to[2 * k] = lines[k]->u[columns[k]];
      to[2 * k + 1] = lines[k]->c[columns[k]];
    }
  }

  bool meets() const noexcept {
    return meets_cut({low.points.cut[left], high.points.cut[left], high.points.cut[right], low.points.cut[right]});
  }
};

}  // namespace

void project_sample_grid(const SeparableGrid& grid, std::size_t begin, std::size_t end,
                         const SampleProjection& projection, double* corners, double* centers, std::uint8_t* on_cut,
                         unsigned n_threads) {
  constexpr std::size_t kRows = 16;
  const std::size_t n2 = grid.n2;
  const GridColumns columns(grid);
  std::vector<double> middles(n2);
  for (std::size_t j = 0; j < n2; ++j) middles[j] = 0.5 * (grid.lower2[j] + grid.upper2[j]);
  for_each_block((end - begin + kRows - 1) / kRows, n_threads, [&](std::size_t block) {
    Line lines[2] = {Line(projection), Line(projection)};
    Line center(projection);
    const std::size_t first = begin + block * kRows;
    for (std::size_t i = first; i < std::min(end, first + kRows); ++i) {
      if (corners || on_cut) {
        // The next row needs one of the two lines, whichever way the rows run.
        const std::size_t low = lines[1].is_at(grid.lower1[i]) || lines[0].is_at(grid.upper1[i]) ? 1 : 0;
        lines[low].go_to(grid.lower1[i], columns.at);
        lines[1 - low].go_to(grid.upper1[i], columns.at);
        for (std::size_t j = 0; j < n2; ++j) {
          const Pixel pixel{lines[low], lines[1 - low], j + columns.left, j + columns.right};
          if (corners) pixel.write(corners + ((i - begin) * n2 + j) * 8);
          if (on_cut) on_cut[(i - begin) * n2 + j] = pixel.meets();
        }
      }
      if (centers) {
        center.go_to(0.5 * (grid.lower1[i] + grid.upper1[i]), middles);
        double* row = centers + (i - begin) * n2 * 2;
        for (std::size_t j = 0; j < n2; ++j) {
          row[2 * j] = center.points.u[j];
          row[2 * j + 1] = center.points.c[j];
        }
      }
    }
  });
}

void project_sample_points(const double* positions, std::size_t n, const SampleProjection& projection, double* out,
                           unsigned n_threads) {
  constexpr std::size_t kPoints = 4096;
  for_each_block((n + kPoints - 1) / kPoints, n_threads, [&](std::size_t block) {
    const std::size_t first = block * kPoints, count = std::min(kPoints, n - first);
    Points points(projection);
    points.resize(count);
    for (std::size_t i = 0; i < count; ++i) {
      const double* p = positions + 3 * (first + i);
      points.place(i, p[0], p[1], p[2]);
    }
    points.evaluate();
    for (std::size_t i = 0; i < count; ++i) {
      double* to = out + 3 * (first + i);
      to[0] = points.u[i];
      to[1] = points.c[i];
      to[2] = points.cut[i];
    }
  });
}

}  // namespace azimuthal
