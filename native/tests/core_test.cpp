// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
//
// The core without Python, so that it runs under AddressSanitizer and UndefinedBehaviorSanitizer.
// What the numbers must be is tested from Python against NumPy; here: memory, edges of ranges, conservation, threads.
#include <atomic>
#include <cstdint>
#include <limits>
#include <memory>
#include <new>
#include <numeric>
#include <vector>

#include "azimuthal/bin_edges.hpp"
#include "azimuthal/coordinates.hpp"
#include "azimuthal/isa.hpp"
#include "azimuthal/packed_weights.hpp"
#include "azimuthal/parallel.hpp"
#include "azimuthal/splitting.hpp"
#include "check.hpp"

using namespace azimuthal;
using azimuthal::test::near;

namespace {

constexpr double kTurn = 6.283185307179586;
constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

void bins_are_half_open_and_the_last_is_closed() {
  std::vector<double> uniform(101), ratios(101);
  for (int i = 0; i <= 100; ++i) {
    uniform[i] = 0.1 * i;
    ratios[i] = std::pow(1.1, i);
  }
  for (const auto& edges : {uniform, ratios}) {
    const BinEdges bins(edges.data(), edges.size());
    for (int k = 0; k < 100; ++k) {
      CHECK(bins.find(edges[k]) == k);
      CHECK(bins.find(std::nextafter(edges[k + 1], 0.0)) == k);
    }
    CHECK(bins.find(edges[100]) == 99);
    CHECK(bins.find(std::nextafter(edges[0], -1.0)) == -1);
    CHECK(bins.find(std::nextafter(edges[100], kInf)) == 100);
    CHECK(bins.find(-kInf) == -1 && bins.find(kInf) == 100);
  }
  const double all[2] = {-kInf, kInf};
  CHECK(BinEdges(all, 2).find(3.0) == 0);
}

void polygons_are_unrolled() {
  const Circle circle{kTurn, 0.0, 0.0, 0.0};
  Polygon p;
  const double around[8] = {1, 0.7, 1, 2.3, 1, -2.3, 1, -0.7};
  CHECK(unrolled(around, 4, circle, p));
  CHECK(near(p.c_max - p.c_min, kTurn, 1e-12) && p.u_min == 0.0);
  const double at_corner[8] = {0, kNaN, 1, 0, 1.4, kTurn / 8, 1, kTurn / 4};
  CHECK(!unrolled(at_corner, 4, circle, p));
  CHECK(near(p.c_max - p.c_min, kTurn / 4, 1e-12));
  const double across_cut[8] = {1, 3.1, 2, 3.1, 2, -3.1, 1, -3.1};
  CHECK(!unrolled(across_cut, 4, circle, p));
  CHECK(near(p.c_max - p.c_min, kTurn - 6.2, 1e-12));
  const double nowhere[12] = {0, kNaN, 0, kNaN, 0, kNaN, 0, kNaN, 0, kNaN, 0, kNaN};
  CHECK(!unrolled(nowhere, 6, circle, p));
  CHECK(p.n == 6);
}

// Corners and centres of an n x n grid of unit pixels around a beam, in polar coordinates.
struct Grid {
  std::vector<double> corners, centers;
  std::vector<std::uint8_t> excluded;
};

Grid polar_grid(std::size_t n, double beam1, double beam2) {
  std::vector<double> low(n), high(n), lower1(n), upper1(n), lower2(n), upper2(n);
  for (std::size_t i = 0; i < n; ++i) {
    lower1[i] = static_cast<double>(i) - beam1;
    upper1[i] = lower1[i] + 1.0;
    lower2[i] = static_cast<double>(i) - beam2;
    upper2[i] = lower2[i] + 1.0;
  }
  Grid g{std::vector<double>(n * n * 8), std::vector<double>(n * n * 2), std::vector<std::uint8_t>(n * n, 0)};
  const Projection straight{{1, 0, 0, 0, 1, 0, 0, 0, 1}, {0, 0, 1}, RadialQuantity::r, 1.0};
  project_grid({lower1.data(), upper1.data(), lower2.data(), upper2.data(), n}, 0, n, straight, g.corners.data(),
               g.centers.data(), 3);
  return g;
}

void every_scheme_conserves_every_pixel() {
  const std::size_t n = 11;
  const double beams[][2] = {{5.3, 4.8}, {5.0, 5.0}, {5.5, 5.5}, {5.0, 4.7}, {-3.0, 20.0}, {0.0, 0.0}};
  std::vector<double> u_edges(31), c_edges(61);
  for (std::size_t k = 0; k < u_edges.size(); ++k) u_edges[k] = static_cast<double>(k) * 1.5;
  for (std::size_t k = 0; k < c_edges.size(); ++k) c_edges[k] = -kTurn / 2 + kTurn * static_cast<double>(k) / 60;
  for (const auto& beam : beams) {
    const Grid g = polar_grid(n, beam[0], beam[1]);
    const PixelView pixels{g.corners.data(), g.centers.data(), g.excluded.data(), n * n, 4};
    const BinGrid grid{{u_edges.data(), u_edges.size()}, {c_edges.data(), c_edges.size()}, {kTurn, 0.0, 0.0, 0.0}, 0.0};
    for (const Scheme scheme : {Scheme::none, Scheme::bounding_box, Scheme::pseudo, Scheme::full}) {
      const Weights one = split(pixels, scheme, grid, 1), many = split(pixels, scheme, grid, 5);
      CHECK(one.indices == many.indices && one.values == many.values && one.counts == many.counts);
      CHECK(one.n_not_finite == 0);
      std::size_t e = 0;
      for (std::size_t p = 0; p < n * n; ++p) {
        double sum = 0.0;
        for (int k = 0; k < one.counts[p]; ++k, ++e) sum += scheme == Scheme::none ? 1.0 : one.values[e];
        CHECK(near(sum, 1.0, 1e-12));
      }
      for (const auto index : one.indices) CHECK(index >= 0 && index < 30 * 60);
    }
  }
}

void grids_in_one_pass_conserve_every_pixel_on_every_instruction_set() {
  const std::size_t n1 = 7, n2 = 300;
  std::vector<double> lower1(n1), upper1(n1), lower2(n2), upper2(n2);
  for (std::size_t i = 0; i < n1; ++i) upper1[i] = (lower1[i] = static_cast<double>(i) - 3.3) + 1.0;
  for (std::size_t j = 0; j < n2; ++j) upper2[j] = (lower2[j] = static_cast<double>(j) - 120.0) + 1.0;
  std::vector<std::uint8_t> excluded(n1 * n2, 0);
  std::fill_n(excluded.begin() + 2 * n2, n2, std::uint8_t{1});
  std::fill_n(excluded.begin() + 3 * n2 + 128, 128, std::uint8_t{1});
  const double all[2] = {-kInf, kInf};
  std::vector<double> c_edges(61);
  for (std::size_t k = 0; k < c_edges.size(); ++k) c_edges[k] = -kTurn / 2 + kTurn * static_cast<double>(k) / 60;
  std::vector<std::vector<double>> values;
  for (const Isa level : {Isa::baseline, Isa::avx2, Isa::avx512}) {
    if (!force_isa(level)) continue;
    for (const Scheme scheme : {Scheme::none, Scheme::bounding_box, Scheme::pseudo, Scheme::full}) {
      for (const std::size_t n_bins : {1u, 17u, 3000u}) {
        const Circle circle{kTurn, 0.0, 0.0, kInf};
        const Projection straight{{1, 0, 0, 0, 1, 0, 0, 0, 1}, {0, 0, 50.0}, RadialQuantity::r, 1.0};
        GridSplit job{{lower1.data(), upper1.data(), lower2.data(), upper2.data(), n2}, n1, straight, excluded.data(),
                      scheme, {{all, 2}, {all, 2}, circle, 0.0}};
        const RadialExtent range = grid_extent(job, 3);
        std::vector<double> u_edges(n_bins + 1);
        for (std::size_t k = 0; k <= n_bins; ++k) {
          u_edges[k] = range.u_min + (range.u_max - range.u_min) * static_cast<double>(k) / static_cast<double>(n_bins);
        }
        u_edges[n_bins] = range.u_max;
        job.bins.u = {u_edges.data(), u_edges.size()};
        for (const bool sectors : {false, true}) {
          if (sectors) job.bins.c = {c_edges.data(), c_edges.size()};
          std::int64_t n_not_finite = -1;
          const RunSource runs = [&](const RunSink& sink) { n_not_finite = split_grid(job, 3, sink); };
          const PackedRows rows = PackedWeights(n1 * n2, 60 * n_bins, runs, runs, 3).rows(3);
          CHECK(n_not_finite == 0);
          for (std::size_t p = 0; p < n1 * n2; ++p) {
            double sum = 0.0;
            for (auto e = rows.indptr[p]; e < rows.indptr[p + 1]; ++e) {
              const auto at = static_cast<std::size_t>(e);
              CHECK(rows.indices[at] >= 0 && rows.indices[at] < static_cast<std::int32_t>(60 * n_bins));
              sum += rows.weights.empty() ? 1.0 : rows.weights[at];
            }
            CHECK(near(sum, excluded[p] ? 0.0 : 1.0, 1e-11));
          }
          values.emplace_back(rows.weights.begin(), rows.weights.end());
        }
      }
    }
  }
  const std::size_t per_set = 4 * 3 * 2;
  for (std::size_t k = per_set; k < values.size(); ++k) CHECK(values[k] == values[k % per_set]);
}

void broken_coordinates_are_counted_not_used() {
  Grid g = polar_grid(5, 2.2, 2.7);
  g.corners[3 * 8] = kInf;
  g.corners[7 * 8 + 2] = kNaN;
  g.corners[9 * 8 + 1] = 1e300;
  g.centers[3 * 2] = g.centers[7 * 2] = kInf;
  const double u_edges[] = {0.0, 5.0}, c_edges[] = {-kTurn / 2, kTurn / 2};
  const BinGrid grid{{u_edges, 2}, {c_edges, 2}, {kTurn, 0.0, 0.0, 0.0}, 0.0};
  const PixelView pixels{g.corners.data(), g.centers.data(), g.excluded.data(), 25, 4};
  for (const Scheme scheme : {Scheme::none, Scheme::bounding_box, Scheme::pseudo, Scheme::full}) {
    const Weights weights = split(pixels, scheme, grid, 2);
    CHECK(weights.n_not_finite >= 2);
    for (const double value : weights.values) CHECK(std::isfinite(value) && value > 0.0);
  }
}

void exceptions_of_a_block_reach_the_caller_when_all_threads_have_ended() {
  for (const unsigned n_threads : {1u, 2u, 8u}) {
    for (const std::size_t bad : {0u, 57u, 99u}) {
      std::atomic<std::size_t> n_begun{0}, n_ended{0};
      bool caught = false;
      try {
        for_each_block(100, n_threads, [&](std::size_t block) {
          ++n_begun;
          if (block == bad) throw std::bad_alloc();
          ++n_ended;
        });
      } catch (const std::bad_alloc&) {
        caught = true;
      }
      CHECK(caught);
      CHECK(n_begun == n_ended + 1);
      CHECK(n_begun <= 100);
    }
    bool caught = false;
    try {
      for_each_block(
          100, n_threads, []() -> std::unique_ptr<int> { throw std::bad_alloc(); }, [](int&, std::size_t) {});
    } catch (const std::bad_alloc&) {
      caught = true;
    }
    CHECK(caught);
  }
}

}  // namespace

int main() {
  bins_are_half_open_and_the_last_is_closed();
  polygons_are_unrolled();
  every_scheme_conserves_every_pixel();
  grids_in_one_pass_conserve_every_pixel_on_every_instruction_set();
  broken_coordinates_are_counted_not_used();
  exceptions_of_a_block_reach_the_caller_when_all_threads_have_ended();
  if (azimuthal::test::failures() == 0) std::puts("all checks passed");
  return azimuthal::test::failures() == 0 ? 0 : 1;
}
