// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
//
// What the kernels of one instruction set are given and give back. They add
//
//     signal[bin]   += c value
//     variance[bin] += c^2 variance(value)
//
// for the pixels of a range, in an order that depends on the pixels alone: for each group of 64 pixels 0, 16, 32, 48, 1,
// 17, ... (neighbours feed the same bin, and an addition must wait for the one before it), then the irregular pixels of
// the group. A frame is cut into parts, whose sums are added in turn. Lanes, threads, instruction sets and the way a frame
// came (blocks of any multiple of 64 pixels) do not change a bit of a sum.
//
// Values are added as doubles and there is no fused multiply-add: all instruction sets give the same bits, and sums of
// integers with weights of one are exact below 2^53.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "azimuthal/chunk.hpp"
#include "azimuthal/packed_weights.hpp"

namespace azimuthal {

enum class DType : int { u8, u16, u32, u64, i8, i16, i32, i64, f32, f64 };
constexpr std::size_t kItemSize[] = {1, 2, 4, 8, 1, 2, 4, 8, 4, 8};

enum class Variance : int { none = 0, poisson = 1, given = 2 };

// Frames that are added at once, one in each lane of a vector.
constexpr std::size_t kLanes = 16;

// An inclusive range of raw values; of the three forms that of the frame's type counts.
union Bound {
  std::uint64_t u;
  std::int64_t i;
  double f;
};
struct InvalidValues {
  static constexpr int kMost = 8;
  Bound low[kMost], high[kMost];
  int n = 0;
  bool nonfinite = false;
};

// Sums of one frame per bin, interleaved: bin b, sum s of lane l at (b * n_sums + s) * n_lanes + l.
// There is one sum where the variance is the signal itself: counts, and weights of one.
constexpr bool is_variance_signal(Variance model, Weighting weighting, DType dtype, bool has_gain) noexcept {
  return model == Variance::poisson && weighting == Weighting::one && dtype <= DType::u64 && !has_gain;
}
constexpr std::size_t n_sums(Variance model, Weighting weighting, DType dtype, bool has_gain) noexcept {
  return model == Variance::none || is_variance_signal(model, weighting, dtype, has_gain) ? 1 : 2;
}

struct FramesJob {
  PackedView weights;
  DType dtype;
  Variance model;
  const InvalidValues* invalid;
  const double* gain;             // per pixel, or null; multiplies the value
  const double* const* variance;  // per frame, for Variance::given
  const void* const* frames;      // aligned to their type
  std::size_t n_frames;
  // frames_single makes sums of 64-bit integers, in the place of the doubles: counts_exactly().
  bool counts = false;
};
// Integers of up to 32 bits with weights of one need no doubles: adding integers in memory takes two thirds of the time.
constexpr bool counts_exactly(Weighting weighting, DType dtype, bool has_gain) noexcept {
  return weighting == Weighting::one && dtype <= DType::i32 && kItemSize[static_cast<int>(dtype)] <= 4 && !has_gain;
}

// Chunks of bit-shuffled blocks (bitshuffle.hpp), one frame each.
struct ChunksJob {
  PackedView weights;
  DType dtype;  // u8, u16 or u32
  Variance model;
  const InvalidValues* invalid;
  bool is_zstd;
  const std::uint8_t* const* chunks;
  const std::size_t* sizes;
  std::size_t n_frames;
  // The kernel calls end_part(context) when it has added the pixels before each of these, the last one included.
  const std::size_t* part_ends;
  void (*end_part)(void* context);
  void* context;
};

// Invalid pixels that would have fed a bin, in ascending order of groups; one list per frame.
using InvalidPixels = std::vector<std::uint32_t>;

// Kernels must not instantiate templates of the standard library themselves: the linker keeps one copy of each for all
// instruction sets, and it might be the one that this machine cannot run. So these two are theirs to call.
void append(InvalidPixels& pixels, std::size_t pixel);
// Scratch memory of this thread, aligned to 64 bytes, valid until the next call with the same number (0 to 3).
std::uint8_t* workspace(int number, std::size_t size);

struct Kernels {
  // Adds pixels first..last (first a multiple of kGroup, last too or the end) of n_frames frames, one after the other,
  // to sums[frame].
  void (*frames_single)(const FramesJob& job, std::size_t first, std::size_t last, double* const* sums,
                        InvalidPixels* invalid);
  // The same for all frames at once (at most kLanes), to lane l of sums; not for 64-bit types, gain or given variance.
  void (*frames_lanes)(const FramesJob& job, std::size_t first, std::size_t last, double* sums, InvalidPixels* invalid);
  // Whole chunks, one after the other or at once. A damaged chunk's sums hold anything.
  void (*chunks_single)(const ChunksJob& job, double* const* sums, InvalidPixels* invalid, ChunkError* errors);
  void (*chunks_lanes)(const ChunksJob& job, double* sums, InvalidPixels* invalid, ChunkError* errors);
};

// Sizes in the header of a bit-shuffled chunk, in bytes (chunk.hpp).
constexpr std::size_t kChunkHeader = 12;
constexpr std::size_t kBlockLength = 4;
// Elements of a block, from what the header says; 0 when that cannot be.
std::size_t bitshuffle_block_elements(std::uint64_t stored, std::size_t item_size) noexcept;

// Those of the instruction set that is in use.
const Kernels& kernels() noexcept;

namespace baseline {
extern const Kernels kKernels;
}
namespace avx2 {
extern const Kernels kKernels;
}
namespace avx512 {
extern const Kernels kKernels;
}

}  // namespace azimuthal
