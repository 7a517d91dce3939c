// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
#include "azimuthal/kernels.hpp"

#include "azimuthal/isa.hpp"

namespace azimuthal {
namespace {

constexpr std::uint64_t kLargestBlock = std::uint64_t{1} << 28;  // no known program writes larger ones

}  // namespace

void append(InvalidPixels& pixels, std::size_t pixel) { pixels.push_back(static_cast<std::uint32_t>(pixel)); }

std::uint8_t* workspace(int number, std::size_t size) {
  thread_local LargeVector<std::uint8_t> held[4];
  LargeVector<std::uint8_t>& mine = held[number];
  if (mine.size() < size) {
    mine = LargeVector<std::uint8_t>();  // the old one first: both at once may be too much
    mine = LargeVector<std::uint8_t>(size);
  }
  return mine.data();
}

std::size_t bitshuffle_block_elements(std::uint64_t stored, std::size_t item_size) noexcept {
  std::uint64_t bytes = stored;
  if (bytes == 0) {  // what the bitshuffle library takes when it is not told
    const std::size_t elements = 8192 / item_size / 8 * 8;
    bytes = (elements < 128 ? 128 : elements) * item_size;
  }
  if (bytes > kLargestBlock || bytes % (8 * item_size)) return 0;
  return static_cast<std::size_t>(bytes / item_size);
}

const Kernels& kernels() noexcept {
  switch (isa()) {
#ifdef AZIMUTHAL_HAS_AVX512
    case Isa::avx512: return avx512::kKernels;
#endif
#ifdef AZIMUTHAL_HAS_AVX2
    case Isa::avx2: return avx2::kKernels;
#endif
    default: return baseline::kKernels;
  }
}

}  // namespace azimuthal
