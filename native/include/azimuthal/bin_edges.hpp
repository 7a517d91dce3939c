// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
//
// Finding the bin of a coordinate: half-open bins, the last one closed.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace azimuthal {

// A view of strictly increasing edges; the outermost two may be infinite.
class BinEdges {
 public:
  BinEdges(const double* edges, std::size_t n_edges) noexcept : edges_(edges), n_bins_(static_cast<long>(n_edges) - 1) {
    const double span = edges[n_edges - 1] - edges[0];
    // A scale of zero sends the first guess to bin 0: correct, only slower; used for infinite and single bins.
    scale_ = std::isfinite(span) && n_bins_ > 1 ? static_cast<double>(n_bins_) / span : 0.0;
    uniform_ = n_bins_ < 8 || is_uniform();
  }

  long n_bins() const noexcept { return n_bins_; }
  const double* data() const noexcept { return edges_; }
  double operator[](long i) const noexcept { return edges_[i]; }
  double lower() const noexcept { return edges_[0]; }
  double upper() const noexcept { return edges_[n_bins_]; }

  // The bin k with edges[k] <= x < edges[k + 1]; the last bin holds its upper edge. -1 below, n_bins above, as numpy's
  // searchsorted(edges, x, "right") - 1 would say. x must not be NaN.
  long find(double x) const noexcept {
    if (x < lower()) return -1;
    if (x >= upper()) return x == upper() ? n_bins_ - 1 : n_bins_;
    if (!uniform_) return static_cast<long>(std::upper_bound(edges_, edges_ + n_bins_ + 1, x) - edges_) - 1;
    long k = scale_ == 0.0 ? 0 : std::clamp(static_cast<long>((x - lower()) * scale_), 0L, n_bins_ - 1);
    while (x < edges_[k]) --k;
    while (x >= edges_[k + 1]) ++k;
    return k;
  }

 private:
  bool is_uniform() const noexcept {
    const double step = (upper() - lower()) / static_cast<double>(n_bins_);
    for (long k = 0; k < n_bins_; ++k) {
      if (!(std::abs(edges_[k + 1] - edges_[k] - step) < 0.01 * step)) return false;
    }
    return true;
  }

  const double* edges_;
  long n_bins_;
  double scale_ = 0.0;
  bool uniform_ = false;
};

}  // namespace azimuthal
