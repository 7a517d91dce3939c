// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
#include "azimuthal/reduction.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "azimuthal/parallel.hpp"

namespace azimuthal {
namespace {

std::size_t most_parts(std::size_t n_bins) noexcept { return n_bins <= 20000 ? 32 : n_bins <= 200000 ? 8 : 4; }

// Parts begin at multiples of this: blocks of 8 kB of any integer type fit a whole number of times.
constexpr std::size_t kUnit = 8192;

std::vector<std::size_t> ends_of_parts(std::size_t n_pixels, std::size_t n_bins) {
  const std::size_t n_units = (n_pixels + kUnit - 1) / kUnit;
  const std::size_t n_parts = std::max<std::size_t>(1, std::min(most_parts(n_bins), n_units));
  std::vector<std::size_t> ends;
  for (std::size_t part = 1; part < n_parts; ++part) ends.push_back(n_units * part / n_parts * kUnit);
  ends.push_back(n_pixels);
  return ends;
}

// Sums of one part of the frames, and of the parts before it.
struct Totals {
  double* part;
  double* all;
  std::size_t size;
  bool is_first = true;

  void clear() noexcept { std::fill(part, part + size, 0.0); }
  void end_part() noexcept {
    if (is_first) std::copy(part, part + size, all);
    else for (std::size_t i = 0; i < size; ++i) all[i] += part[i];
    is_first = false;
    clear();
  }
};

// Room for the sums of this thread.
Totals totals(std::size_t size) {
  auto* memory = reinterpret_cast<double*>(workspace(2, 2 * size * sizeof(double)));
  Totals sums{memory, memory + size, size};
  sums.clear();
  return sums;
}

// What remains of the sum of n numbers after taking invalid pixels away is off by about sqrt(n) eps of the whole sum.
// Below this share of it, times sqrt(n), it is not trusted: beyond, it is right to about 1e-13.
constexpr double kTooLittle = 1e-3;
// Bytes that a plan keeps for the sums of its next frame.
constexpr std::size_t kMostSpare = std::size_t{64} << 20;
// A vector of sixteen frames pays from this many frames on.
constexpr std::size_t kFewestLanes = 4;
constexpr std::size_t kMostLaneBins = 16384;

}  // namespace

LargeVector<double> SpareSums::take(std::size_t size) {
  {
    const std::lock_guard<std::mutex> guard(lock_);
    for (auto& sums : spare_) {
      if (sums.size() != size) continue;
      LargeVector<double> taken = std::move(sums);
      sums = std::move(spare_.back());
      spare_.pop_back();
      return taken;
    }
  }
  return LargeVector<double>(size);
}

void SpareSums::give_back(LargeVector<double>&& sums) noexcept {
  const std::lock_guard<std::mutex> guard(lock_);
  if ((spare_.size() + 1) * sums.size() * sizeof(double) > kMostSpare) return;
  try {
    spare_.push_back(std::move(sums));
  } catch (const std::bad_alloc&) {
    return;  // not kept, then
  }
}

Reduction::Reduction(std::shared_ptr<const PackedWeights> weights, PixelTerms terms, unsigned n_threads)
    : weights_(std::move(weights)),
      terms_(terms),
      part_ends_(ends_of_parts(weights_->n_pixels(), weights_->n_bins())) {
  of_valid_frame_ = static_sums(nullptr, n_threads);
}

void Reduction::add_static(std::size_t pixel, double sign, StaticSums& sums) const {
  const double n = terms_.normalization ? terms_.normalization[pixel] : 1.0;
  const double gain = terms_.gain ? terms_.gain[pixel] : 1.0;
  const double offset = terms_.offset ? terms_.offset[pixel] * gain : 0.0;
  weights_->for_each_weight(pixel, [&](std::size_t bin, double c) {
    sums.normalization[bin] += sign * (c * n);
    sums.normalization2[bin] += sign * (c * n * (c * n));
    sums.count[bin] += sign * c;
    if (terms_.offset) sums.offset[bin] += sign * (c * offset);
    sums.n_entries[bin] += sign > 0.0 ? 1u : ~0u;
  });
}

std::shared_ptr<StaticSums> Reduction::static_sums(const std::vector<bool>* left_out, unsigned n_threads) const {
  const std::size_t n_bins = weights_->n_bins(), n_parts = part_ends_.size();
  const auto empty = [&] {
    const std::vector<double> zeros(n_bins, 0.0);
    return StaticSums{zeros, zeros, zeros, terms_.offset ? zeros : std::vector<double>(),
                      std::vector<std::uint32_t>(n_bins, 0)};
  };
  std::vector<StaticSums> parts(n_parts);
  for (auto& part : parts) part = empty();
  for_each_block(n_parts, n_threads, [&](std::size_t part) {
    for (std::size_t p = part_begin(part); p < part_ends_[part]; ++p) {
      if (weights_->is_used(p) && !(left_out && (*left_out)[p])) add_static(p, 1.0, parts[part]);
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
  // Nobody waits for the lock: it is held for a moment only, but for ever in the child of a fork in that moment.
  std::shared_ptr<const Remembered> last;
  if (const std::unique_lock<std::mutex> lock(last_lock_, std::try_to_lock); lock) last = last_;
  if (last && invalid == last->invalid) return last->sums;
  auto sums = std::make_shared<StaticSums>(*of_valid_frame_);
  for (std::uint32_t pixel : invalid) add_static(pixel, -1.0, *sums);
  const StaticSums& whole = *of_valid_frame_;
  const bool exact = weights_->view().weighting == Weighting::one && !terms_.normalization && !terms_.offset;
  bool trusted = true;
  for (std::size_t b = 0; b < sums->count.size(); ++b) {
    if (sums->n_entries[b] == whole.n_entries[b]) continue;
    if (sums->n_entries[b] == 0) {
      sums->normalization[b] = sums->normalization2[b] = sums->count[b] = 0.0;
      if (terms_.offset) sums->offset[b] = 0.0;
    } else if (!exact) {
      const double share = std::min(0.5, kTooLittle * std::sqrt(static_cast<double>(whole.n_entries[b])));
      trusted = trusted && sums->count[b] >= share * whole.count[b] &&
                sums->normalization[b] >= share * whole.normalization[b] &&
                sums->normalization2[b] >= share * whole.normalization2[b];
    }
  }
  if (!trusted) {
    std::vector<bool> left_out(weights_->n_pixels(), false);
    for (std::uint32_t pixel : invalid) left_out[pixel] = true;
    sums = static_sums(&left_out, 1);
  }
  last = std::make_shared<const Remembered>(Remembered{invalid, sums});
  if (const std::unique_lock<std::mutex> lock(last_lock_, std::try_to_lock); lock) last_.swap(last);
  return sums;
}

FrameSums Reduction::finished(const double* sums, std::size_t n_lanes, DType dtype, Variance model,
                              const InvalidPixels& invalid) const {
  const std::size_t n_bins = weights_->n_bins();
  const Weighting weighting = weights_->view().weighting;
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
  return n_frames >= kFewestLanes && weights_->n_bins() <= kMostLaneBins && !terms_.gain &&
         kItemSize[static_cast<int>(dtype)] <= 4;
}

FrameSums Reduction::frame(DType dtype, const void* frame, Variance model, const double* variance,
                           const InvalidValues& invalid, unsigned n_threads) const {
  const PackedView view = weights_->view();
  const std::size_t per_bin = n_sums(model, view.weighting, dtype, terms_.gain != nullptr);
  const std::size_t n_parts = part_ends_.size(), size = (view.n_bins + kExtraBins) * per_bin;
  const FramesJob job{view, dtype, model, &invalid, terms_.gain, &variance, &frame, 1};
  std::vector<LargeVector<double>> sums(n_parts);
  std::vector<InvalidPixels> found(n_parts);
  for (auto& part : sums) part = spare_.take(size);
  const Kernels& kernel = kernels();
  for_each_block(n_parts, n_threads, [&](std::size_t part) {
    std::fill(sums[part].begin(), sums[part].end(), 0.0);
    double* const of_part = sums[part].data();
    kernel.frames_single(job, part_begin(part), part_ends_[part], &of_part, &found[part]);
  });
  constexpr std::size_t kRange = 1 << 15;  // sums; those of a cake are worth several threads
  for_each_block((size + kRange - 1) / kRange, n_threads, [&](std::size_t range) {
    const std::size_t end = std::min(size, (range + 1) * kRange);
    for (std::size_t part = 1; part < n_parts; ++part) {
      for (std::size_t i = range * kRange; i < end; ++i) sums[0][i] += sums[part][i];
    }
  });
  for (std::size_t part = 1; part < n_parts; ++part) {
    found[0].insert(found[0].end(), found[part].begin(), found[part].end());
  }
  FrameSums all = finished(sums[0].data(), 1, dtype, model, found[0]);
  for (auto& part : sums) spare_.give_back(std::move(part));
  return all;
}

std::vector<FrameSums> Reduction::stack(DType dtype, const void* const* frames, std::size_t n_frames, Variance model,
                                        const InvalidValues& invalid) const {
  const PackedView view = weights_->view();
  const std::size_t per_bin = n_sums(model, view.weighting, dtype, terms_.gain != nullptr);
  const std::size_t size = (view.n_bins + kExtraBins) * per_bin;
  const Kernels& kernel = kernels();
  std::vector<FrameSums> results;
  for (std::size_t begin = 0; begin < n_frames; begin += kLanes) {
    const std::size_t n = std::min(kLanes, n_frames - begin);
    const FramesJob job{view, dtype, model, &invalid, terms_.gain, nullptr, frames + begin, n};
    InvalidPixels found[kLanes];
    if (in_lanes(n, dtype)) {
      Totals sums = totals(size * kLanes);
      for (std::size_t part = 0; part < part_ends_.size(); ++part) {
        kernel.frames_lanes(job, part_begin(part), part_ends_[part], sums.part, found);
        sums.end_part();
      }
      for (std::size_t lane = 0; lane < n; ++lane) {
        results.push_back(finished(sums.all + lane, kLanes, dtype, model, found[lane]));
      }
      continue;
    }
    for (std::size_t i = 0; i < n; ++i) {
      Totals sums = totals(size);
      const FramesJob one{view, dtype, model, &invalid, terms_.gain, nullptr, frames + begin + i, 1};
      for (std::size_t part = 0; part < part_ends_.size(); ++part) {
        kernel.frames_single(one, part_begin(part), part_ends_[part], &sums.part, &found[i]);
        sums.end_part();
      }
      results.push_back(finished(sums.all, 1, dtype, model, found[i]));
    }
  }
  return results;
}

FrameSums Reduction::dense_chunk(Codec codec, DType dtype, const std::uint8_t* chunk, std::size_t size, Variance model,
                                 const InvalidValues& invalid) const {
  const std::size_t item_size = kItemSize[static_cast<int>(dtype)], n_bytes = weights_->n_pixels() * item_size;
  std::uint8_t* dense = workspace(3, n_bytes);
  FrameSums damaged;
  damaged.error = chunk_decode(codec, chunk, size, item_size, dense, n_bytes, 1);
  if (damaged.error != ChunkError::none) return damaged;
  const void* const frame = dense;
  return std::move(stack(dtype, &frame, 1, model, invalid)[0]);
}

std::vector<FrameSums> Reduction::chunks(Codec codec, DType dtype, const std::uint8_t* const* chunks,
                                         const std::size_t* sizes, std::size_t n_frames, Variance model,
                                         const InvalidValues& invalid) const {
  std::vector<FrameSums> results(n_frames);
  const bool in_blocks = codec == Codec::bitshuffle_lz4 || codec == Codec::bitshuffle_zstd;
  if (!in_blocks || terms_.gain) {  // no bit planes, or a gain for each pixel (mean_of_ratios)
    for (std::size_t i = 0; i < n_frames; ++i) {
      results[i] = dense_chunk(codec, dtype, chunks[i], sizes[i], model, invalid);
    }
    return results;
  }
  const PackedView view = weights_->view();
  const Kernels& kernel = kernels();
  const std::size_t size = (view.n_bins + kExtraBins) * n_sums(model, view.weighting, dtype, false);
  const auto block_field = [&](std::size_t i) -> std::uint64_t {
    std::uint32_t field;
    if (sizes[i] < kChunkHeader) return ~std::uint64_t{0};
    std::memcpy(&field, chunks[i] + 8, sizeof field);
    return field;
  };
  const auto job_of = [&](std::size_t begin, std::size_t n, Totals& sums) {
    return ChunksJob{view, dtype, model, &invalid, codec == Codec::bitshuffle_zstd, chunks + begin, sizes + begin, n,
                     part_ends_.data(), [](void* context) { static_cast<Totals*>(context)->end_part(); }, &sums};
  };
  for (std::size_t begin = 0; begin < n_frames; begin += kLanes) {
    const std::size_t n = std::min(kLanes, n_frames - begin);
    InvalidPixels found[kLanes];
    ChunkError errors[kLanes] = {};
    bool alike = true;  // lanes go from block to block together
    for (std::size_t i = begin; i < begin + n; ++i) alike = alike && block_field(i) == block_field(begin);
    const bool together = alike && in_lanes(n, dtype);
    for (std::size_t i = 0; i < n; i += together ? n : 1) {
      const std::size_t n_lanes = together ? kLanes : 1;
      Totals sums = totals(size * n_lanes);
      if (together) kernel.chunks_lanes(job_of(begin, n, sums), sums.part, found, errors);
      else kernel.chunks_single(job_of(begin + i, 1, sums), &sums.part, &found[i], &errors[i]);
      for (std::size_t k = i; k < (together ? n : i + 1); ++k) {
        if (errors[k] == ChunkError::none) results[begin + k] = finished(sums.all + (k - i), n_lanes, dtype, model, found[k]);
        else results[begin + k].error = errors[k];
      }
    }
  }
  return results;
}

}  // namespace azimuthal
