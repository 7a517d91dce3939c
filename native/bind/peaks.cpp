// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
#include "azimuthal/peaks.hpp"

#include <nanobind/stl/optional.h>

#include "arrays.hpp"
#include "azimuthal/rings.hpp"
#include "frames.hpp"

namespace azimuthal::bind {
namespace {

using Bins = Input<std::int32_t, nb::ndim<1>>;
using Positions = Input<float, nb::ndim<1>>;

// A frame and all that belongs to it, checked; the arrays live as long as the call.
struct CheckedFrame {
  CheckedFrame(const Frame& frame, const OptionalDoubles& offset, const OptionalDoubles& normalization,
               const nb::sequence& ranges, bool nonfinite, std::size_t n_pixels)
      : invalid(invalid_from(ranges, nonfinite, dtype_of(frame))),
        view{dtype_of(frame), frame.data(), &invalid, data_or_null(offset), data_or_null(normalization)} {
    require(frame.ndim() == 1 && frame.shape(0) == n_pixels, "frame: wrong length");
    for (const auto& array : {offset, normalization}) {
      require(!array || array->shape(0) == n_pixels, "pixel terms: wrong length");
    }
  }
  CheckedFrame(const CheckedFrame&) = delete;
  CheckedFrame& operator=(const CheckedFrame&) = delete;

  InvalidValues invalid;
  FrameView view;
};

Background background_from(const Bins& bins, const Positions& positions, const Doubles& mean, const Doubles& std,
                           const Doubles& least_raw) {
  require(bins.shape(0) == positions.shape(0), "positions: wrong length");
  require(mean.shape(0) > 0 && mean.shape(0) == std.shape(0) && mean.shape(0) == least_raw.shape(0),
          "mean, std, least_raw: wrong length");
  const auto n_bins = static_cast<std::int64_t>(mean.shape(0));
  for (std::size_t p = 0; p < bins.shape(0); ++p) require(bins.data()[p] < n_bins, "bins: out of range");
  return {bins.data(), positions.data(), mean.data(), std.data(), least_raw.data(), mean.shape(0)};
}

nb::tuple clipped_rings(const RingLists& rings, const Frame& frame, const nb::sequence& ranges, bool nonfinite,
                        int spread, double cutoff, double noise, std::uint32_t most_rounds, unsigned n_threads) {
  const CheckedFrame checked(frame, {}, {}, ranges, nonfinite, rings.n_pixels());
  require(spread == 0 || spread == 1, "spread: expected 0 or 1");
  RingStatistics found(0);
  {
    nb::gil_scoped_release release;
    found = rings.clipped(checked.view, {static_cast<Spread>(spread), cutoff, noise, most_rounds}, n_threads);
  }
  return nb::make_tuple(as_numpy(std::move(found.mean)), as_numpy(std::move(found.std)),
                        as_numpy(std::move(found.signal)), as_numpy(std::move(found.variance)),
                        as_numpy(std::move(found.normalization)), as_numpy(std::move(found.normalization2)),
                        as_numpy(std::move(found.counts)), as_numpy(std::move(found.n_valid)),
                        as_numpy(std::move(found.n_kept)), as_numpy(std::move(found.n_rounds)));
}

nb::tuple pick(const Frame& frame, OptionalDoubles offset, OptionalDoubles normalization, const nb::sequence& ranges,
               bool nonfinite, const Bins& bins, const Positions& positions, const Doubles& mean, const Doubles& std,
               const Doubles& least_raw, double cutoff, double noise, unsigned n_threads) {
  const CheckedFrame checked(frame, offset, normalization, ranges, nonfinite, bins.shape(0));
  const Background background = background_from(bins, positions, mean, std, least_raw);
  PickedPixels found;
  {
    nb::gil_scoped_release release;
    found = pick_pixels(checked.view, bins.shape(0), background, {cutoff, noise}, n_threads);
  }
  return nb::make_tuple(as_numpy(std::move(found.picked)), as_numpy(std::move(found.invalid)));
}

nb::tuple peaks(const Frame& frame, OptionalDoubles offset, OptionalDoubles normalization, const nb::sequence& ranges,
                bool nonfinite, const Bins& bins, const Positions& positions, const Doubles& mean, const Doubles& std,
                const Doubles& least_raw, double cutoff, double noise, std::size_t n_fast, std::size_t half, std::uint32_t least,
                unsigned n_threads) {
  const std::size_t n_pixels = bins.shape(0);
  require(n_fast > 0 && n_pixels % n_fast == 0, "n_fast: does not divide the number of pixels");
  const CheckedFrame checked(frame, offset, normalization, ranges, nonfinite, n_pixels);
  const Background background = background_from(bins, positions, mean, std, least_raw);
  FoundPeaks found;
  {
    nb::gil_scoped_release release;
    found = find_peaks(checked.view, background, {cutoff, noise}, {n_pixels / n_fast, n_fast, half, least}, n_threads);
  }
  return nb::make_tuple(as_numpy(std::move(found.pixel)), as_numpy(std::move(found.n_picked)),
                        as_numpy(std::move(found.complete)), as_numpy(std::move(found.slow)),
                        as_numpy(std::move(found.fast)), as_numpy(std::move(found.slow_sigma)),
                        as_numpy(std::move(found.fast_sigma)), as_numpy(std::move(found.intensity)),
                        as_numpy(std::move(found.sigma)), as_numpy(std::move(found.noise)),
                        as_numpy(std::move(found.background)));
}

}  // namespace

void bind_peaks(nb::module_& module) {
  nb::class_<RingLists>(module, "RingLists")
      .def("__init__",
           [](RingLists* self, const Bins& bins, OptionalDoubles offset, OptionalDoubles normalization,
              std::size_t n_bins) {
             require(bins.shape(0) < (std::size_t{1} << 32), "bins: too many pixels");
             for (std::size_t p = 0; p < bins.shape(0); ++p) {
               require(bins.data()[p] < static_cast<std::int64_t>(n_bins), "bins: out of range");
             }
             for (const auto& array : {offset, normalization}) {
               require(!array || array->shape(0) == bins.shape(0), "pixel terms: wrong length");
             }
             new (self)
                 RingLists(bins.data(), data_or_null(offset), data_or_null(normalization), bins.shape(0), n_bins);
           },
           nb::arg("bins"), nb::arg("offset").none(), nb::arg("normalization").none(), nb::arg("n_bins"))
      .def("extremes",
           [](const RingLists& rings) {
             return nb::make_tuple(as_numpy(std::vector<double>(rings.least_offset())),
                                   as_numpy(std::vector<double>(rings.least_normalization())),
                                   as_numpy(std::vector<double>(rings.largest_normalization())));
           })
      .def("clipped", &clipped_rings, nb::arg("frame"), nb::arg("ranges"), nb::arg("nonfinite"), nb::arg("spread"), nb::arg("cutoff"), nb::arg("noise"), nb::arg("most_rounds"),
           nb::arg("n_threads"));
  module.def("pick_pixels", &pick, nb::arg("frame"), nb::arg("offset").none(), nb::arg("normalization").none(),
             nb::arg("ranges"), nb::arg("nonfinite"), nb::arg("bins"), nb::arg("positions"), nb::arg("mean"),
             nb::arg("std"), nb::arg("least_raw"), nb::arg("cutoff"), nb::arg("noise"), nb::arg("n_threads"));
  module.def("find_peaks", &peaks, nb::arg("frame"), nb::arg("offset").none(), nb::arg("normalization").none(),
             nb::arg("ranges"), nb::arg("nonfinite"), nb::arg("bins"), nb::arg("positions"), nb::arg("mean"),
             nb::arg("std"), nb::arg("least_raw"), nb::arg("cutoff"), nb::arg("noise"), nb::arg("n_fast"), nb::arg("half"),
             nb::arg("least"), nb::arg("n_threads"));
}

}  // namespace azimuthal::bind
