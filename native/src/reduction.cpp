// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
#include "azimuthal/reduction.hpp"

#include <algorithm>
#include <cstring>

#include "azimuthal/parallel.hpp"

namespace azimuthal {
namespace {

// The number of private histograms depends on the plan alone, so that the order of additions, and with it every last
// digit, is the same for any number of threads.
std::size_t n_partial_sums(std::size_t n_bins) noexcept { return n_bins <= 20000 ? 32 : n_bins <= 200000 ? 8 : 4; }

// Part `part` of the pixels; parts begin at whole groups.
std::size_t part_begin(std::size_t n_pixels, std::size_t part, std::size_t n_parts) noexcept {
  const std::size_t n_groups = (n_pixels + kGroup - 1) / kGroup;
  return std::min(n_pixels, n_groups * part / n_parts * kGroup);
}

// Below this share of a bin's sum, what remains after taking invalid pixels away is not trusted to 1e-12.
constexpr double kTooLittle = 1e-3;
// A vector of sixteen frames pays from this many frames on.
constexpr std::size_t kFewestLanes = 4;
constexpr std::size_t kMostLaneBins = 16384;

}  // namespace

Reduction::Reduction(PackedWeights weights, PixelTerms terms, unsigned n_threads)
    : weights_(std::move(weights)), terms_(terms) {
  of_valid_frame_ = static_sums(nullptr, n_threads);
}

void Reduction::add_static(std::size_t pixel, double sign, StaticSums& sums) const {
  const double n = terms_.normalization ? terms_.normalization[pixel] : 1.0;
  const double gain = terms_.gain ? terms_.gain[pixel] : 1.0;
  const double offset = terms_.offset ? terms_.offset[pixel] * gain : 0.0;
  weights_.for_each_weight(pixel, [&](std::size_t bin, double c) {
    sums.normalization[bin] += sign * (c * n);
    sums.normalization2[bin] += sign * (c * n * (c * n));
    sums.count[bin] += sign * c;
    if (terms_.offset) sums.offset[bin] += sign * (c * offset);
    sums.n_entries[bin] += sign > 0.0 ? 1u : ~0u;
  });
}

std::shared_ptr<StaticSums> Reduction::static_sums(const std::vector<bool>* left_out, unsigned n_threads) const {
  const std::size_t n_bins = weights_.n_bins(), n_pixels = weights_.n_pixels();
  const std::size_t n_parts = n_partial_sums(n_bins);
  const auto empty = [&] {
    const std::vector<double> zeros(n_bins, 0.0);
    return StaticSums{zeros, zeros, zeros, terms_.offset ? zeros : std::vector<double>(),
                      std::vector<std::uint32_t>(n_bins, 0)};
  };
  std::vector<StaticSums> parts(n_parts);
  for (auto& part : parts) part = empty();
  for_each_block(n_parts, n_threads, [&](std::size_t part) {
    const std::size_t end = part_begin(n_pixels, part + 1, n_parts);
    for (std::size_t p = part_begin(n_pixels, part, n_parts); p < end; ++p) {
      if (weights_.is_used(p) && !(left_out && (*left_out)[p])) add_static(p, 1.0, parts[part]);
    }
  });
  auto all = std::make_shared<StaticSums>(std::move(parts[0]));
  for (std::size_t part = 1; part < n_parts; ++part) {
    for (std::size_t b = 0; b < n_bins; ++b) {
      all->normalization[b] += parts[part].normalization[b];
      all->normalization2[b] += parts[part].normalization2[b];
      all->count[b] += parts[part].count[b];
      if (terms_.offset) all->offset[b] += parts[part].offset[b];
      all->n_entries[b] += parts[part].n_entries[b];
    }
  }
  return all;
}

std::shared_ptr<const StaticSums> Reduction::without(const InvalidPixels& invalid) const {
  if (invalid.empty()) return of_valid_frame_;
  {
    const std::lock_guard<std::mutex> guard(last_lock_);
    if (invalid == last_invalid_) return last_sums_;
  }
  auto sums = std::make_shared<StaticSums>(*of_valid_frame_);
  for (std::uint32_t pixel : invalid) add_static(pixel, -1.0, *sums);
  bool trusted = true;
  for (std::size_t b = 0; b < sums->count.size(); ++b) {
    if (sums->n_entries[b] == of_valid_frame_->n_entries[b]) continue;
    if (sums->n_entries[b] == 0) {
      sums->normalization[b] = sums->normalization2[b] = sums->count[b] = 0.0;
      if (terms_.offset) sums->offset[b] = 0.0;
    } else if (sums->count[b] < kTooLittle * of_valid_frame_->count[b] ||
               sums->normalization2[b] < kTooLittle * of_valid_frame_->normalization2[b]) {
      trusted = false;
    }
  }
  if (!trusted) {
    std::vector<bool> left_out(weights_.n_pixels(), false);
    for (std::uint32_t pixel : invalid) left_out[pixel] = true;
    sums = static_sums(&left_out, 1);
  }
  const std::lock_guard<std::mutex> guard(last_lock_);
  last_invalid_ = invalid;
  last_sums_ = sums;
  return sums;
}

FrameSums Reduction::finished(const double* sums, std::size_t n_lanes, DType dtype, Variance model,
                              const InvalidPixels& invalid) const {
  const std::size_t n_bins = weights_.n_bins();
  const Weighting weighting = weights_.view().weighting;
  const std::size_t per_bin = n_sums(model, weighting, dtype, terms_.gain != nullptr);
  FrameSums frame;
  frame.signal.resize(n_bins);
  for (std::size_t b = 0; b < n_bins; ++b) frame.signal[b] = sums[b * per_bin * n_lanes];
  if (model != Variance::none) {
    if (per_bin == 1) {
      frame.variance = frame.signal;
    } else {
      frame.variance.resize(n_bins);
      for (std::size_t b = 0; b < n_bins; ++b) frame.variance[b] = sums[(b * per_bin + 1) * n_lanes];
    }
  }
  frame.n_invalid = static_cast<std::int64_t>(invalid.size());
  frame.denominators = without(invalid);
  if (terms_.offset) {
    for (std::size_t b = 0; b < n_bins; ++b) frame.signal[b] -= frame.denominators->offset[b];
  }
  return frame;
}

bool Reduction::in_lanes(std::size_t n_frames, DType dtype) const noexcept {
  return n_frames >= kFewestLanes && weights_.n_bins() <= kMostLaneBins && !terms_.gain &&
         kItemSize[static_cast<int>(dtype)] <= 4;
}

FrameSums Reduction::frame(DType dtype, const void* frame, Variance model, const double* variance,
                           const InvalidValues& invalid, unsigned n_threads) const {
  const PackedView view = weights_.view();
  const std::size_t per_bin = n_sums(model, view.weighting, dtype, terms_.gain != nullptr);
  const std::size_t n_parts = n_partial_sums(view.n_bins), size = (view.n_bins + kExtraBins) * per_bin;
  const FramesJob job{view, dtype, model, &invalid, terms_.gain, &variance, &frame, 1};
  std::vector<LargeVector<double>> sums(n_parts);
  std::vector<InvalidPixels> found(n_parts);
  for (auto& part : sums) part = LargeVector<double>(size);
  const Kernels& kernel = kernels();
  for_each_block(n_parts, n_threads, [&](std::size_t part) {
    std::fill(sums[part].begin(), sums[part].end(), 0.0);
    double* const of_part = sums[part].data();
    kernel.frames_single(job, part_begin(view.n_pixels, part, n_parts), part_begin(view.n_pixels, part + 1, n_parts),
                         &of_part, &found[part]);
  });
  for (std::size_t part = 1; part < n_parts; ++part) {
    for (std::size_t i = 0; i < size; ++i) sums[0][i] += sums[part][i];
    found[0].insert(found[0].end(), found[part].begin(), found[part].end());
  }
  return finished(sums[0].data(), 1, dtype, model, found[0]);
}

std::vector<FrameSums> Reduction::stack(DType dtype, const void* const* frames, std::size_t n_frames, Variance model,
                                        const InvalidValues& invalid) const {
  const PackedView view = weights_.view();
  const std::size_t per_bin = n_sums(model, view.weighting, dtype, terms_.gain != nullptr);
  const std::size_t size = (view.n_bins + kExtraBins) * per_bin;
  const Kernels& kernel = kernels();
  std::vector<FrameSums> results;
  for (std::size_t begin = 0; begin < n_frames; begin += kLanes) {
    const std::size_t n = std::min(kLanes, n_frames - begin);
    const FramesJob job{view, dtype, model, &invalid, terms_.gain, nullptr, frames + begin, n};
    InvalidPixels found[kLanes];
    if (in_lanes(n, dtype)) {
      auto* sums = reinterpret_cast<double*>(workspace(2, size * kLanes * sizeof(double)));
      std::fill(sums, sums + size * kLanes, 0.0);
      kernel.frames_lanes(job, 0, view.n_pixels, sums, found);
      for (std::size_t lane = 0; lane < n; ++lane) {
        results.push_back(finished(sums + lane, kLanes, dtype, model, found[lane]));
      }
      continue;
    }
    for (std::size_t i = 0; i < n; ++i) {
      auto* sums = reinterpret_cast<double*>(workspace(2, size * sizeof(double)));
      std::fill(sums, sums + size, 0.0);
      const FramesJob one{view, dtype, model, &invalid, terms_.gain, nullptr, frames + begin + i, 1};
      kernel.frames_single(one, 0, view.n_pixels, &sums, &found[i]);
      results.push_back(finished(sums, 1, dtype, model, found[i]));
    }
  }
  return results;
}

std::vector<FrameSums> Reduction::chunks(Codec codec, DType dtype, const std::uint8_t* const* chunks,
                                         const std::size_t* sizes, std::size_t n_frames, Variance model,
                                         const InvalidValues& invalid) const {
  const PackedView view = weights_.view();
  const std::size_t item_size = kItemSize[static_cast<int>(dtype)];
  std::vector<FrameSums> results(n_frames);
  const auto failed = [](ChunkError error) {
    FrameSums sums;
    sums.error = error;
    return sums;
  };
  if (codec == Codec::none || codec == Codec::lz4) {
    for (std::size_t i = 0; i < n_frames; ++i) {
      const std::size_t n_bytes = view.n_pixels * item_size;
      std::uint8_t* dense = workspace(3, n_bytes);
      const ChunkError error = chunk_decode(codec, chunks[i], sizes[i], item_size, dense, n_bytes, 1);
      const void* const frame = dense;
      results[i] = error != ChunkError::none ? failed(error) : std::move(stack(dtype, &frame, 1, model, invalid)[0]);
    }
    return results;
  }
  const Kernels& kernel = kernels();
  const std::size_t per_bin = n_sums(model, view.weighting, dtype, false);
  const std::size_t size = (view.n_bins + kExtraBins) * per_bin;
  const auto block_field = [&](std::size_t i) -> std::uint64_t {
    if (sizes[i] < kChunkHeader) return ~std::uint64_t{0};
    std::uint32_t field;
    std::memcpy(&field, chunks[i] + 8, 4);
    return field;
  };
  for (std::size_t begin = 0; begin < n_frames; begin += kLanes) {
    const std::size_t n = std::min(kLanes, n_frames - begin);
    const ChunksJob job{view,          dtype, model, &invalid, codec == Codec::bitshuffle_zstd, chunks + begin,
                        sizes + begin, n};
    InvalidPixels found[kLanes];
    ChunkError errors[kLanes] = {};
    bool alike = true;  // lanes go from block to block together
    for (std::size_t i = begin; i < begin + n; ++i) alike = alike && block_field(i) == block_field(begin);
    if (alike && !terms_.gain && in_lanes(n, dtype)) {
      auto* sums = reinterpret_cast<double*>(workspace(2, size * kLanes * sizeof(double)));
      std::fill(sums, sums + size * kLanes, 0.0);
      kernel.chunks_lanes(job, sums, found, errors);
      for (std::size_t lane = 0; lane < n; ++lane) {
        results[begin + lane] = errors[lane] != ChunkError::none
                                    ? failed(errors[lane])
                                    : finished(sums + lane, kLanes, dtype, model, found[lane]);
      }
      continue;
    }
    for (std::size_t i = 0; i < n; ++i) {
      if (terms_.gain) {  // rare (mean_of_ratios): through a dense frame
        const std::size_t n_bytes = view.n_pixels * item_size;
        std::uint8_t* dense = workspace(3, n_bytes);
        const ChunkError error = chunk_decode(codec, chunks[begin + i], sizes[begin + i], item_size, dense, n_bytes, 1);
        const void* const frame = dense;
        results[begin + i] =
            error != ChunkError::none ? failed(error) : std::move(stack(dtype, &frame, 1, model, invalid)[0]);
        continue;
      }
      auto* sums = reinterpret_cast<double*>(workspace(2, size * sizeof(double)));
      std::fill(sums, sums + size, 0.0);
      const ChunksJob one{view, dtype, model, &invalid, job.is_zstd, chunks + begin + i, sizes + begin + i, 1};
      kernel.chunks_single(one, &sums, &found[i], &errors[i]);
      results[begin + i] =
          errors[i] != ChunkError::none ? failed(errors[i]) : finished(sums, 1, dtype, model, found[i]);
    }
  }
  return results;
}

}  // namespace azimuthal
