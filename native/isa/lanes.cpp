// SPDX-License-Identifier: MIT
// placeholder until the kernels land
namespace azimuthal::AZIMUTHAL_ISA { int lanes() { return 0; } }
