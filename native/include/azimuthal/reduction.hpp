// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
//
// Frames and chunks -> sums per bin. Knows nothing of geometry.
//
//     signal          sum  c   (raw - offset) gain
//     variance        sum  c^2 var gain^2
//     normalization   sum  c   normalization
//     normalization2  sum  c^2 normalization^2
//     count           sum  c
//
// Only sum c raw gain and the variance depend on the values of a frame. The others, and sum c offset gain, are made once;
// a frame that invalidates pixels takes these pixels away again. A bin that loses its last pixel becomes exactly empty;
// where so little is left of a bin that rounding would show, all sums of that frame are made anew.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "azimuthal/kernels.hpp"
#include "azimuthal/packed_weights.hpp"

namespace azimuthal {

// Each may be null: 0, 1 and 1.
struct PixelTerms {
  const double* offset;
  const double* gain;
  const double* normalization;
};

// Sums that do not depend on the values of a frame.
struct StaticSums {
  std::vector<double> normalization, normalization2, count, offset;
  std::vector<std::uint32_t> n_entries;
};

struct FrameSums {
  ChunkError error = ChunkError::none;
  std::vector<double> signal, variance;  // variance empty for Variance::none
  std::int64_t n_invalid = 0;
  std::shared_ptr<const StaticSums> denominators;
};

// Memory for the parts of a frame, used again: fresh pages would cost more than the sums of a cake.
class SpareSums {
 public:
  LargeVector<double> take(std::size_t size);
  void give_back(LargeVector<double>&& sums) noexcept;

 private:
  std::mutex lock_;
  std::vector<LargeVector<double>> spare_;
};

class Reduction {
 public:
  Reduction(std::shared_ptr<const PackedWeights> weights, PixelTerms terms, unsigned n_threads);

  const PackedWeights& weights() const noexcept { return *weights_; }

  // One frame on several threads.
  FrameSums frame(DType dtype, const void* frame, Variance model, const double* variance, const InvalidValues& invalid,
                  unsigned n_threads) const;
  // Several frames on this thread.
  std::vector<FrameSums> stack(DType dtype, const void* const* frames, std::size_t n_frames, Variance model,
                               const InvalidValues& invalid) const;
  // Several chunks, one frame each, on this thread; u8, u16, u32.
  std::vector<FrameSums> chunks(Codec codec, DType dtype, const std::uint8_t* const* chunks, const std::size_t* sizes,
                                std::size_t n_frames, Variance model, const InvalidValues& invalid) const;

 private:
  struct BinRange {
    std::size_t begin, end;
  };
  class RunningSums;

  // Whether several frames are worth a vector.
  bool in_lanes(std::size_t n_frames, DType dtype, Variance model) const noexcept;
  std::size_t sums_per_bin(DType dtype, Variance model) const noexcept;
  FramesJob frames_job(DType dtype, Variance model, const InvalidValues* invalid, const double* const* variance,
                       const void* const* frames, std::size_t n_frames) const noexcept;
  void counts_to_doubles(std::size_t part, double* sums) const noexcept;
  FrameSums empty_result(DType dtype, Variance model) const;
  // From the sums of up to sixteen frames to those of each.
  void take_out(const double* sums, std::size_t n_lanes, std::size_t per_bin, FrameSums* const* frames,
                std::size_t n_frames) const;
  // Fills in everything but the sums that depend on the values of the frame.
  void finish(Variance model, const InvalidPixels& invalid, FrameSums& frame) const;
  std::shared_ptr<const StaticSums> without(const InvalidPixels& invalid) const;
  std::vector<StaticSums> static_parts(const std::vector<bool>* left_out, unsigned n_threads) const;
  std::shared_ptr<StaticSums> added(std::vector<StaticSums> parts) const;
  void find_ranges(const std::vector<StaticSums>& parts);
  void add_static(std::size_t pixel, double sign, StaticSums& sums) const;
  std::size_t part_begin(std::size_t part) const noexcept { return part == 0 ? 0 : part_ends_[part - 1]; }
  FrameSums dense_chunk(Codec codec, DType dtype, const std::uint8_t* chunk, std::size_t size, Variance model,
                        const InvalidValues& invalid) const;

  std::shared_ptr<const PackedWeights> weights_;
  PixelTerms terms_;
  // How many parts a frame has depends on the plan alone, so that the order of additions does too.
  std::vector<std::size_t> part_ends_;
  // Of each part: the bins that it adds to; those of them that a part before it adds to as well.
  std::vector<std::vector<BinRange>> touched_, shared_;
  std::shared_ptr<const StaticSums> of_valid_frame_;
  mutable SpareSums spare_;
  // The same pixels are often invalid in every frame (dead ones that nobody masked): the last answer is kept.
  struct Remembered {
    InvalidPixels invalid;
    std::shared_ptr<const StaticSums> sums;
  };
  mutable std::mutex last_lock_;
  mutable std::shared_ptr<const Remembered> last_;
};

}  // namespace azimuthal
