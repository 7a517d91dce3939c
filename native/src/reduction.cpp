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

// Bins are taken in blocks, of which a part adds to some.
constexpr std::size_t kBlock = 64;

// What remains of the sum of n numbers after taking invalid pixels away is off by about sqrt(n) eps of the whole sum.
// Below this share of it, times sqrt(n), it is not trusted: beyond, it is right to about 1e-13.
constexpr double kTooLittle = 1e-3;
// Bytes that a plan keeps for the sums of its next frame.
constexpr std::size_t kMostSpare = std::size_t{64} << 20;
// A vector of sixteen frames pays from this many frames on.
constexpr std::size_t kFewestLanes = 4;
// Memory of a thread for the sums of sixteen frames; a cake of 1000 x 360 bins with variance takes 92 MB.
constexpr std::size_t kMostLaneSums = std::size_t{96} << 20;
// A vector that is not full wastes what its empty lanes would take. The sums of a large plan do not stay in the cache, and
// each one costs more.
constexpr std::size_t kCachedBins = 16384;
constexpr std::size_t kFewestLanesUncached = 8;

}  // namespace

// The sums of one frame, or of sixteen, on one thread: a part's are made from zero, then added to those of the parts before.
//
// Most bins of a large plan get all they get from one part. Only the others are put aside for the time of a part.
class Reduction::RunningSums {
 public:
  // `width`: doubles for each bin.
  RunningSums(const Reduction& reduction, std::size_t width) : reduction_(reduction), width_(width) {
    std::size_t most_shared = 0;
    for (const auto& ranges : reduction.shared_) {
      std::size_t n = 0;
      for (const BinRange& range : ranges) n += range.end - range.begin;
      most_shared = std::max(most_shared, n);
    }
    const std::size_t size = (reduction.weights_->n_bins() + kExtraBins) * width;
    sums_ = reinterpret_cast<double*>(workspace(2, (size + most_shared * width) * sizeof(double)));
    aside_ = sums_ + size;
    std::fill(sums_, aside_, 0.0);
  }
  double* sums() noexcept { return sums_; }
  void end_part() noexcept {
    const double* before = aside_;
    for_shared([&](double* begin, double* end) {
      for (double* at = begin; at < end; ++at) *at += *before++;
    });
    if (++part_ == reduction_.shared_.size()) return;
    double* aside = aside_;
    for_shared([&](double* begin, double* end) {
      aside = std::copy(begin, end, aside);
      std::fill(begin, end, 0.0);
    });
  }

 private:
  template <class Work>
  void for_shared(Work&& work) noexcept {
    for (const BinRange& range : reduction_.shared_[part_]) work(sums_ + range.begin * width_, sums_ + range.end * width_);
  }

  const Reduction& reduction_;
  std::size_t width_, part_ = 0;
  double *sums_, *aside_;
};

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
  std::vector<StaticSums> parts = static_parts(nullptr, n_threads);
  find_ranges(parts);
  of_valid_frame_ = added(std::move(parts));
}

void Reduction::find_ranges(const std::vector<StaticSums>& parts) {
  const std::size_t n_bins = weights_->n_bins();
  std::vector<bool> before((n_bins + kBlock - 1) / kBlock, false);
  const auto extend = [](std::vector<BinRange>& ranges, std::size_t begin, std::size_t end) {
    if (!ranges.empty() && ranges.back().end == begin) ranges.back().end = end;
    else ranges.push_back({begin, end});
  };
  for (const StaticSums& part : parts) {
    std::vector<BinRange> touched, shared;
    for (std::size_t begin = 0; begin < n_bins; begin += kBlock) {
      const std::size_t end = std::min(n_bins, begin + kBlock);
      const auto* entries = part.n_entries.data();
      if (std::all_of(entries + begin, entries + end, [](std::uint32_t n) { return n == 0; })) continue;
      extend(touched, begin, end);
      if (before[begin / kBlock]) extend(shared, begin, end);
      before[begin / kBlock] = true;
    }
    touched_.push_back(std::move(touched));
    shared_.push_back(std::move(shared));
  }
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

std::vector<StaticSums> Reduction::static_parts(const std::vector<bool>* left_out, unsigned n_threads) const {
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
  return parts;
}

std::shared_ptr<StaticSums> Reduction::added(std::vector<StaticSums> parts) const {
  auto all = std::make_shared<StaticSums>(std::move(parts[0]));
  const std::size_t n_bins = weights_->n_bins();
  for (std::size_t part = 1; part < parts.size(); ++part) {
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
    sums = added(static_parts(&left_out, 1));
  }
  last = std::make_shared<const Remembered>(Remembered{invalid, sums});
  if (const std::unique_lock<std::mutex> lock(last_lock_, std::try_to_lock); lock) last_.swap(last);
  return sums;
}

FrameSums Reduction::empty_result(DType dtype, Variance model) const {
  FrameSums frame;
  frame.signal.resize(weights_->n_bins());
  if (sums_per_bin(dtype, model) == 2) frame.variance.resize(weights_->n_bins());
  return frame;
}

void Reduction::finish(Variance model, const InvalidPixels& invalid, FrameSums& frame) const {
  if (model != Variance::none && frame.variance.empty()) frame.variance = frame.signal;
  frame.n_invalid = static_cast<std::int64_t>(invalid.size());
  frame.denominators = without(invalid);
  if (terms_.offset) {
    for (std::size_t b = 0; b < frame.signal.size(); ++b) frame.signal[b] -= frame.denominators->offset[b];
  }
}

void Reduction::take_out(const double* sums, std::size_t n_lanes, std::size_t per_bin, FrameSums* const* frames,
                         std::size_t n_frames) const {
  const std::size_t n_bins = weights_->n_bins(), width = per_bin * n_lanes;
  for (std::size_t begin = 0; begin < n_bins; begin += kBlock) {  // a block of all frames stays in the cache
    const std::size_t end = std::min(n_bins, begin + kBlock);
    for (std::size_t lane = 0; lane < n_frames; ++lane) {
      double* const signal = frames[lane]->signal.data();
      for (std::size_t b = begin; b < end; ++b) signal[b] = sums[b * width + lane];
      if (per_bin == 1) continue;
      double* const variance = frames[lane]->variance.data();
      for (std::size_t b = begin; b < end; ++b) variance[b] = sums[b * width + n_lanes + lane];
    }
  }
}

std::size_t Reduction::sums_per_bin(DType dtype, Variance model) const noexcept {
  return n_sums(model, weights_->view().weighting, dtype, terms_.gain != nullptr);
}

FramesJob Reduction::frames_job(DType dtype, Variance model, const InvalidValues* invalid, const double* const* variance,
                                const void* const* frames, std::size_t n_frames) const noexcept {
  const PackedView view = weights_->view();
  const bool counts = sums_per_bin(dtype, model) == 1 && counts_exactly(view.weighting, dtype, terms_.gain != nullptr);
  return {view, dtype, model, invalid, terms_.gain, variance, frames, n_frames, counts};
}

// All bins of the blocks that a part adds to were zero before it.
void Reduction::counts_to_doubles(std::size_t part, double* sums) const noexcept {
  for (const BinRange& range : touched_[part]) {
    for (std::size_t b = range.begin; b < range.end; ++b) {
      std::int64_t count;
      std::memcpy(&count, sums + b, sizeof count);
      sums[b] = static_cast<double>(count);
    }
  }
}

bool Reduction::in_lanes(std::size_t n_frames, DType dtype, Variance model) const noexcept {
  const std::size_t n_bins = weights_->n_bins();
  const std::size_t size = n_bins * sums_per_bin(dtype, model) * kLanes * sizeof(double);
  return n_frames >= (n_bins <= kCachedBins ? kFewestLanes : kFewestLanesUncached) && size <= kMostLaneSums &&
         !terms_.gain && kItemSize[static_cast<int>(dtype)] <= 4;
}

FrameSums Reduction::frame(DType dtype, const void* frame, Variance model, const double* variance,
                           const InvalidValues& invalid, unsigned n_threads) const {
  const std::size_t n_bins = weights_->n_bins(), per_bin = sums_per_bin(dtype, model), n_parts = part_ends_.size();
  const FramesJob job = frames_job(dtype, model, &invalid, &variance, &frame, 1);
  std::vector<LargeVector<double>> sums(n_parts);
  std::vector<InvalidPixels> found(n_parts);
  for (auto& part : sums) part = spare_.take((n_bins + kExtraBins) * per_bin);
  const Kernels& kernel = kernels();
  for_each_block(n_parts, n_threads, [&](std::size_t part) {
    double* const of_part = sums[part].data();
    for (const BinRange& range : touched_[part]) {
      std::fill(of_part + range.begin * per_bin, of_part + range.end * per_bin, 0.0);
    }
    kernel.frames_single(job, part_begin(part), part_ends_[part], &of_part, &found[part]);
    if (job.counts) counts_to_doubles(part, of_part);
  });
  FrameSums all = empty_result(dtype, model);
  constexpr std::size_t kRange = 1 << 14;  // bins; those of a cake are worth several threads
  for_each_block((n_bins + kRange - 1) / kRange, n_threads, [&](std::size_t number) {
    const std::size_t first = number * kRange, last = first + kRange;
    for (std::size_t part = 0; part < n_parts; ++part) {
      for (const BinRange& range : touched_[part]) {
        for (std::size_t b = std::max(first, range.begin); b < std::min(last, range.end); ++b) {
          all.signal[b] += sums[part][b * per_bin];
          if (per_bin == 2) all.variance[b] += sums[part][b * 2 + 1];
        }
      }
    }
  });
  for (std::size_t part = 1; part < n_parts; ++part) {
    found[0].insert(found[0].end(), found[part].begin(), found[part].end());
  }
  for (auto& part : sums) spare_.give_back(std::move(part));
  finish(model, found[0], all);
  return all;
}

std::vector<FrameSums> Reduction::stack(DType dtype, const void* const* frames, std::size_t n_frames, Variance model,
                                        const InvalidValues& invalid) const {
  const std::size_t per_bin = sums_per_bin(dtype, model);
  const Kernels& kernel = kernels();
  std::vector<FrameSums> results(n_frames);
  for (std::size_t begin = 0; begin < n_frames;) {
    const std::size_t most = std::min(kLanes, n_frames - begin);
    const bool together = in_lanes(most, dtype, model);
    const std::size_t n = together ? most : 1, n_lanes = together ? kLanes : 1;
    const FramesJob job = frames_job(dtype, model, &invalid, nullptr, frames + begin, n);
    InvalidPixels found[kLanes];
    FrameSums* taken[kLanes];
    RunningSums running(*this, per_bin * n_lanes);
    double* const sums = running.sums();
    for (std::size_t part = 0; part < part_ends_.size(); ++part) {
      if (together) kernel.frames_lanes(job, part_begin(part), part_ends_[part], sums, found);
      else kernel.frames_single(job, part_begin(part), part_ends_[part], &sums, found);
      if (job.counts && !together) counts_to_doubles(part, sums);
      running.end_part();
    }
    for (std::size_t i = 0; i < n; ++i) *(taken[i] = &results[begin + i]) = empty_result(dtype, model);
    take_out(sums, n_lanes, per_bin, taken, n);
    for (std::size_t i = 0; i < n; ++i) finish(model, found[i], *taken[i]);
    begin += n;
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
  const std::size_t per_bin = sums_per_bin(dtype, model);
  const auto block_elements = [&](std::size_t i) -> std::size_t {
    if (sizes[i] < kChunkHeader) return 0;
    std::uint64_t field = 0;
    for (std::size_t k = 8; k < kChunkHeader; ++k) field = field << 8 | chunks[i][k];
    return bitshuffle_block_elements(field, kItemSize[static_cast<int>(dtype)]);
  };
  for (std::size_t begin = 0; begin < n_frames;) {
    const std::size_t per_block = block_elements(begin);
    if (per_block % kGroup != 0) {  // a group would lie in two blocks
      results[begin] = dense_chunk(codec, dtype, chunks[begin], sizes[begin], model, invalid);
      ++begin;
      continue;
    }
    const std::size_t most = std::min(kLanes, n_frames - begin);
    bool together = in_lanes(most, dtype, model);  // lanes go from block to block together
    for (std::size_t i = begin; i < begin + most; ++i) together = together && block_elements(i) == per_block;
    const std::size_t n = together ? most : 1, n_lanes = together ? kLanes : 1;
    InvalidPixels found[kLanes];
    ChunkError errors[kLanes] = {};
    RunningSums running(*this, per_bin * n_lanes);
    const ChunksJob job{view, dtype, model, &invalid, codec == Codec::bitshuffle_zstd, chunks + begin, sizes + begin, n,
                        part_ends_.data(), [](void* sums) { static_cast<RunningSums*>(sums)->end_part(); }, &running};
    double* const sums = running.sums();
    if (together) kernel.chunks_lanes(job, sums, found, errors);
    else kernel.chunks_single(job, &sums, found, errors);
    FrameSums unread;  // lanes of damaged chunks hold anything
    FrameSums* taken[kLanes];
    for (std::size_t i = 0; i < n; ++i) {
      taken[i] = errors[i] == ChunkError::none ? &results[begin + i] : &unread;
      *taken[i] = empty_result(dtype, model);
    }
    take_out(sums, n_lanes, per_bin, taken, n);
    for (std::size_t i = 0; i < n; ++i) {
      if (errors[i] == ChunkError::none) finish(model, found[i], results[begin + i]);
      else results[begin + i].error = errors[i];
    }
    begin += n;
  }
  return results;
}

}  // namespace azimuthal
