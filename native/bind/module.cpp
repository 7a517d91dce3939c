// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
#include "arrays.hpp"

NB_MODULE(_core, module) {
  module.doc() = "Native kernels of azimuthal; called by modules named native or _native only.";
  azimuthal::bind::bind_isa(module);
  azimuthal::bind::bind_chunk(module);
  azimuthal::bind::bind_coordinates(module);
  azimuthal::bind::bind_sample_frame(module);
  azimuthal::bind::bind_corrections(module);
  azimuthal::bind::bind_weights(module);
  azimuthal::bind::bind_splitting(module);
  azimuthal::bind::bind_reduction(module);
  azimuthal::bind::bind_robust(module);
  azimuthal::bind::bind_residuals(module);
  azimuthal::bind::bind_covariance(module);
  azimuthal::bind::bind_interpolation(module);
  azimuthal::bind::bind_peaks(module);
  azimuthal::bind::bind_ridges(module);
}
