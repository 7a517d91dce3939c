// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
//
// Bright ridges of an image, no geometry known: where second derivatives are lowest, and a profile fitted across.
// What is computed: azimuthal.calibration.ridges (Python).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace azimuthal {

// Variance of a pixel of mean m: max(constant + slope m, least).
struct PixelNoise {
  double constant;
  double slope;
  double least;
  double at(double mean) const {
    const double variance = constant + slope * mean;
    return variance > least ? variance : least;
  }
};

struct RidgeFilter {
  double sigma;         // of the Gaussian whose second derivative across the ridge is taken, pixels
  double length;        // sigma of the Gaussian along the ridge, pixels
  int n_directions;     // of half a turn
  double significance;  // least response over its noise
  double steepness;     // response two pixels across, over the response, must be below
  PixelNoise noise;
};

struct RidgeCandidate {
  std::int64_t pixel;      // of the image without its border
  std::int32_t direction;  // normal (cos, sin)(pi direction / n_directions) in (slow, fast)
  float significance;
  float mean;  // smoothed image
};

// Columns and rows that must surround an image.
std::size_t ridge_border(const RidgeFilter& filter);

// Noise of the response over that of a pixel.
double ridge_noise(const RidgeFilter& filter);

// `image`: (n_slow + 2 border) x (n_fast + 2 border), finite; `usable`: n_slow x n_fast.  `excess`: spread of the
// response where there is little but noise, over the one expected.
std::vector<RidgeCandidate> ridge_candidates(const float* image, const std::uint8_t* usable, std::size_t n_slow,
                                             std::size_t n_fast, const RidgeFilter& filter, unsigned n_threads,
                                             double* excess);

struct RidgeStart {
  double slow, fast, angle, curvature;
};

struct RidgeFitSettings {
  double half_length;      // of the box along the ridge, pixels
  double half_width;       // largest, across
  double curvature_error;  // how far the curvature may be from the given one (sigma), 1 / pixels
  PixelNoise noise;
};

// The least fraction of pixels that count: in the middle of the profile, on either side of it, on either end of the box.
struct RidgeFit {
  double height, centre, slope, width, background, curvature;
  double height_error, centre_error, slope_error, curvature_error;
  double chi_square;  // per degree of freedom
  double middle, side, end;
  double largest;     // highest pixel in the middle
  double edge;        // squares left by a step in place of the peak, over those left by the peak
  double unevenness;  // squared contrast along the ridge beyond noise
  double low, high;   // window across the ridge
  double height_noise;  // error of the height by noise alone
  double extent;      // spread of the intensity along the ridge, over the one of an even ridge
  double along;       // its mean
};
constexpr std::size_t kRidgeFitValues = 22;

// height 0: nothing could be fitted.
void fit_ridges(const float* image, const std::uint8_t* usable, std::size_t n_slow, std::size_t n_fast,
                const RidgeStart* starts, std::size_t n, const RidgeFitSettings& settings, RidgeFit* fits,
                unsigned n_threads);

}  // namespace azimuthal
