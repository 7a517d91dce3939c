// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
//
// Which instruction set runs. Files in native/isa are compiled once for each, in a namespace named AZIMUTHAL_ISA; the
// code that calls them asks `isa()` and picks. Results are the same bits on all of them.
#pragma once

namespace azimuthal {

enum class Isa { baseline = 0, avx2 = 1, avx512 = 2 };

// The best that this machine and this build have, unless another was forced.
Isa isa() noexcept;

// Whether it was built and this machine has it. avx512 means F, BW, VL, DQ, CD, VBMI and GFNI (Ice Lake, Zen 4).
bool has_isa(Isa level) noexcept;

// Forces one, for tests; false, and nothing changes, where it cannot run.
bool force_isa(Isa level) noexcept;

}  // namespace azimuthal
