// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
//
// The fast kernels of every instruction set under sanitizers: all arrays have their exact size on the heap, so that every
// step outside is seen. What the numbers must be is tested from Python against the reference engine; here they are
// compared with a plain loop, with each other, and on damaged chunks with the decoder of whole chunks.
#include <cmath>
#include <limits>
#include <memory>
#include <random>
#include <vector>

#include "azimuthal/isa.hpp"
#include "azimuthal/reduction.hpp"
#include "check.hpp"
#include "made_chunks.hpp"

namespace {

using namespace azimuthal;
using namespace azimuthal::test;
using Random = std::mt19937;

constexpr Isa kSets[] = {Isa::baseline, Isa::avx2, Isa::avx512};
constexpr double kBound = 1e-12;

enum class Shape { ones, pairs, one, two, four, eight, wide, irregular, empty };
constexpr Shape kShapes[] = {Shape::ones, Shape::pairs, Shape::one,       Shape::two,  Shape::four,
                             Shape::eight, Shape::wide, Shape::irregular, Shape::empty};

// Compressed sparse rows.
struct Rows {
  std::vector<std::int64_t> indptr{0};
  std::vector<std::int32_t> indices;
  std::vector<double> weights;
  std::size_t n_bins;
  bool ones;

  std::size_t n_pixels() const { return indptr.size() - 1; }
  PackedWeights packed() const {
    return PackedWeights(indptr.data(), indices.data(), ones ? nullptr : weights.data(), n_pixels(), n_bins, 2);
  }
};

double fraction(Random& random) { return (static_cast<double>(random() % 9999) + 0.5) / 1e4; }

Rows rows_of(Shape shape, std::size_t n_pixels, std::size_t n_bins, Random& random) {
  constexpr std::size_t kShortest[] = {1, 1, 1, 1, 3, 5, 9, 1, 0}, kLongest[] = {1, 2, 1, 2, 4, 8, 20, 4, 0};
  const auto s = static_cast<std::size_t>(shape);
  Rows rows;
  rows.n_bins = n_bins;
  rows.ones = shape == Shape::ones;
  for (std::size_t p = 0; p < n_pixels; ++p) {
    std::size_t n = kShortest[s] + random() % (kLongest[s] - kShortest[s] + 1);
    if (random() % 10 == 0) n = 0;
    if (!rows.ones && shape != Shape::empty && random() % 50 == 0) n = random() % 12;
    n = std::min(n, n_bins);
    const std::size_t first = random() % (n_bins - n + 1);
    const std::size_t room = n_bins - n - first;
    const std::size_t gap = shape == Shape::irregular && random() % 2 && room > 0 ? 1 + random() % room : 0;
    const double share = fraction(random);
    for (std::size_t k = 0; k < n; ++k) {
      rows.indices.push_back(static_cast<std::int32_t>(first + k + (k > 0 ? gap : 0)));
      const bool is_pair = shape == Shape::pairs && n <= 2;
      const double whole = random() % 9 ? 1.0 : share;  // cut at the end of the range
      rows.weights.push_back(is_pair ? n == 1 ? whole : k == 0 ? share : 1 - share : fraction(random));
    }
    rows.indptr.push_back(static_cast<std::int64_t>(rows.indices.size()));
  }
  rows.indices.shrink_to_fit();
  rows.weights.shrink_to_fit();
  return rows;
}

struct Expected {
  std::vector<double> signal, scale, variance;
  std::int64_t n_invalid = 0;
};

template <class T>
Expected expected_sums(const Rows& rows, const std::vector<T>& frame, const std::vector<bool>& is_invalid) {
  Expected sums{std::vector<double>(rows.n_bins), std::vector<double>(rows.n_bins), std::vector<double>(rows.n_bins)};
  for (std::size_t p = 0; p < frame.size(); ++p) {
    const auto begin = static_cast<std::size_t>(rows.indptr[p]), end = static_cast<std::size_t>(rows.indptr[p + 1]);
    if (is_invalid[p]) {
      sums.n_invalid += end > begin;
      continue;
    }
    const auto value = static_cast<double>(frame[p]);
    for (std::size_t e = begin; e < end; ++e) {
      const auto b = static_cast<std::size_t>(rows.indices[e]);
      const double c = rows.ones ? 1.0 : rows.weights[e];
      sums.signal[b] += c * value;
      sums.scale[b] += c * std::abs(value);
      sums.variance[b] += c * c * std::max(value, 0.0);
    }
  }
  return sums;
}

bool near(const FrameSums& found, const Expected& expected) {
  bool fine = found.error == ChunkError::none && found.n_invalid == expected.n_invalid;
  for (std::size_t b = 0; fine && b < expected.signal.size(); ++b) {
    fine = std::abs(found.signal[b] - expected.signal[b]) <= kBound * expected.scale[b] &&
           std::abs(found.variance[b] - expected.variance[b]) <= kBound * expected.variance[b];
  }
  return fine;
}

bool same_bits(const FrameSums& a, const FrameSums& b) {
  return a.error == b.error && a.n_invalid == b.n_invalid && a.signal == b.signal && a.variance == b.variance &&
         (a.error != ChunkError::none ||
          (a.denominators->count == b.denominators->count && a.denominators->normalization == b.denominators->normalization));
}

bool alike(const FrameSums& a, const FrameSums& b) {
  bool fine = a.error == b.error && a.n_invalid == b.n_invalid;
  for (std::size_t k = 0; fine && k < b.signal.size(); ++k) {
    fine = std::abs(a.signal[k] - b.signal[k]) <= kBound * b.signal[k] &&
           std::abs(a.variance[k] - b.variance[k]) <= kBound * b.variance[k];
  }
  return fine;
}

// Some counts, and the largest value in runs: as detectors write.
template <class T>
std::vector<T> counts(std::size_t n, Random& random, unsigned most = 90) {
  std::vector<T> frame(n);
  for (std::size_t p = 0; p < n; ++p) {
    frame[p] = static_cast<T>(random() % most);
    if (p % 71 < 4) frame[p] = std::numeric_limits<T>::max();
    if (random() % 60 == 0) frame[p] = static_cast<T>(most == 1 ? 0 : random());
  }
  return frame;
}

template <class T>
InvalidValues largest_is_invalid(std::vector<bool>& is_invalid, const std::vector<T>& frame) {
  InvalidValues invalid;
  const T top = std::numeric_limits<T>::max();
  for (int k = 0; k < 2; ++k) {
    const T low = k == 0 ? T{5} : top, high = k == 0 ? T{6} : top;
    if constexpr (std::is_floating_point_v<T>) invalid.low[k].f = low, invalid.high[k].f = high;
    else if constexpr (std::is_signed_v<T>) invalid.low[k].i = low, invalid.high[k].i = high;
    else invalid.low[k].u = low, invalid.high[k].u = high;
  }
  invalid.n = 2;
  invalid.nonfinite = true;
  is_invalid.clear();
  for (const T value : frame) is_invalid.push_back(value == top || value == T{5} || value == T{6});
  return invalid;
}

template <class T>
void frames_of(DType dtype, Random& random) {
  for (const Shape shape : kShapes) {
    for (const std::size_t n_pixels : {1u, 7u, 64u, 65u, 200u, 1000u}) {
      const std::size_t n_bins = n_pixels == 200 ? 65513 : 1 + random() % 60;
      const Rows rows = rows_of(shape, n_pixels, n_bins, random);
      const Reduction reduction(std::make_shared<PackedWeights>(rows.packed()), {}, 2);
      std::vector<std::vector<T>> frames;
      std::vector<const void*> raw;
      std::vector<bool> is_invalid;
      InvalidValues invalid;
      std::vector<Expected> expected;
      for (std::size_t k = 0; k < (n_bins > 1000 ? 1 : 17); ++k) {
        frames.push_back(counts<T>(n_pixels, random));
        raw.push_back(frames.back().data());
        invalid = largest_is_invalid(is_invalid, frames.back());
        expected.push_back(expected_sums(rows, frames.back(), is_invalid));
      }
      std::vector<FrameSums> first;
      for (const Isa set : kSets) {
        if (!force_isa(set)) continue;
        for (std::size_t k = 0; k < frames.size(); k += 8) {
          const FrameSums sums = reduction.frame(dtype, raw[k], Variance::poisson, nullptr, invalid, 2);
          CHECK(near(sums, expected[k]));
          if (first.size() <= k / 8) first.push_back(sums);
          CHECK(same_bits(sums, first[k / 8]));
        }
        for (const std::size_t n : {1u, 4u, 5u, 16u, 17u}) {
          if (n > frames.size()) break;
          const auto all = reduction.stack(dtype, raw.data(), n, Variance::poisson, invalid);
          CHECK(all.size() == n);
          for (std::size_t k = 0; k < n; ++k) CHECK(near(all[k], expected[k]));
          for (std::size_t k = 0; k < n; k += 8) CHECK(same_bits(all[k], first[k / 8]));
        }
      }
    }
  }
}

void frames_of_every_type_are_summed_inside_their_arrays() {
  Random random(1);
  frames_of<std::uint8_t>(DType::u8, random);
  frames_of<std::uint16_t>(DType::u16, random);
  frames_of<std::uint32_t>(DType::u32, random);
  frames_of<std::uint64_t>(DType::u64, random);
  frames_of<std::int8_t>(DType::i8, random);
  frames_of<std::int16_t>(DType::i16, random);
  frames_of<std::int32_t>(DType::i32, random);
  frames_of<std::int64_t>(DType::i64, random);
  frames_of<float>(DType::f32, random);
  frames_of<double>(DType::f64, random);
}

void pixel_terms_and_given_variance_are_read_inside_their_arrays() {
  Random random(2);
  for (const Shape shape : kShapes) {
    for (const std::size_t n_pixels : {1u, 63u, 130u}) {
      const Rows rows = rows_of(shape, n_pixels, 40, random);
      std::vector<double> offset(n_pixels, 3.0), gain(n_pixels, 2.0), normalization(n_pixels, 0.5), variance(n_pixels, 7.0);
      variance[0] = gain[n_pixels / 2] = std::numeric_limits<double>::infinity();
      const Reduction reduction(std::make_shared<PackedWeights>(rows.packed()), {offset.data(), gain.data(), normalization.data()}, 1);
      const auto frame = counts<std::uint16_t>(n_pixels, random);
      std::vector<bool> is_invalid;
      const InvalidValues invalid = largest_is_invalid(is_invalid, frame);
      std::vector<FrameSums> first;
      for (const Isa set : kSets) {
        if (!force_isa(set)) continue;
        const FrameSums sums = reduction.frame(DType::u16, frame.data(), Variance::given, variance.data(), invalid, 1);
        CHECK(sums.n_invalid == expected_sums(rows, frame, is_invalid).n_invalid);
        if (first.empty()) first.push_back(sums);
        for (std::size_t b = 0; b < rows.n_bins; ++b) {
          const double a = sums.signal[b], other = first[0].signal[b];
          CHECK(a == other || (std::isnan(a) && std::isnan(other)));
        }
      }
    }
  }
}

template <class T>
Bytes bytes_of(const std::vector<T>& frame) {
  Bytes bytes(frame.size() * sizeof(T));
  std::memcpy(bytes.data(), frame.data(), bytes.size());
  return bytes;
}

// Bytes that end where their memory ends and begin anywhere.
class Unaligned {
 public:
  Unaligned(const Bytes& bytes, std::size_t shift) : memory_(new std::uint8_t[bytes.size() + shift]), shift_(shift) {
    if (!bytes.empty()) std::memcpy(memory_.get() + shift, bytes.data(), bytes.size());
  }
  const std::uint8_t* data() const { return memory_.get() + shift_; }

 private:
  std::unique_ptr<std::uint8_t[]> memory_;
  std::size_t shift_;
};

struct Chunks {
  std::vector<Unaligned> held;
  std::vector<const std::uint8_t*> data;
  std::vector<std::size_t> sizes;

  void add(const Bytes& chunk) {
    held.emplace_back(chunk, held.size() % 8);
    data.push_back(held.back().data());
    sizes.push_back(chunk.size());
  }
};

template <class T>
void chunks_of(DType dtype, Random& random) {
  for (const Shape shape : kShapes) {
    for (const std::size_t n_pixels : {5u, 64u, 200u, 1003u}) {
      for (const Codec codec : {Codec::none, Codec::bitshuffle_lz4, Codec::bitshuffle_zstd, Codec::lz4}) {
        const std::size_t per_block = std::size_t{8} << random() % 9;
        const Rows rows = rows_of(shape, n_pixels, 1 + random() % 60, random);
        const Reduction reduction(std::make_shared<PackedWeights>(rows.packed()), {}, 1);
        std::vector<Expected> expected;
        std::vector<bool> is_invalid;
        InvalidValues invalid;
        Chunks chunks;
        for (std::size_t k = 0; k < 17; ++k) {
          const auto frame = counts<T>(n_pixels, random, k % 3 == 0 ? 1 : k % 3 == 1 ? 90 : 700);
          invalid = largest_is_invalid(is_invalid, frame);
          expected.push_back(expected_sums(rows, frame, is_invalid));
          chunks.add(chunk_of(codec, bytes_of(frame), sizeof(T), per_block, k % 2 == 0));
        }
        std::vector<FrameSums> first;
        for (const Isa set : kSets) {
          if (!force_isa(set)) continue;
          for (const std::size_t n : {1u, 4u, 17u}) {
            const auto all = reduction.chunks(codec, dtype, chunks.data.data(), chunks.sizes.data(), n,
                                              Variance::poisson, invalid);
            for (std::size_t k = 0; k < n; ++k) CHECK(near(all[k], expected[k]));
            if (first.empty()) first = all;
            CHECK(same_bits(all[0], first[0]));
          }
        }
      }
    }
  }
}

void chunks_of_every_codec_are_summed_inside_their_bytes() {
  Random random(3);
  chunks_of<std::uint8_t>(DType::u8, random);
  chunks_of<std::uint16_t>(DType::u16, random);
  chunks_of<std::uint32_t>(DType::u32, random);
}

void long_frames_are_summed_in_parts() {
  Random random(4);
  for (const Shape shape : {Shape::ones, Shape::pairs, Shape::four}) {
    const std::size_t n_pixels = 3 * 8192 + 72;
    const Rows rows = rows_of(shape, n_pixels, 50, random);
    const Reduction reduction(std::make_shared<PackedWeights>(rows.packed()), {}, 2);
    const auto frame = counts<std::uint16_t>(n_pixels, random);
    std::vector<bool> is_invalid;
    const InvalidValues invalid = largest_is_invalid(is_invalid, frame);
    const Expected expected = expected_sums(rows, frame, is_invalid);
    for (const Isa set : kSets) {
      if (!force_isa(set)) continue;
      const FrameSums one = reduction.frame(DType::u16, frame.data(), Variance::poisson, nullptr, invalid, 3);
      CHECK(near(one, expected));
      const std::vector<const void*> raw(4, frame.data());
      for (const auto& sums : reduction.stack(DType::u16, raw.data(), 4, Variance::poisson, invalid)) {
        CHECK(same_bits(sums, one));
      }
      for (const std::size_t per_block : {64u, 320u, 4096u, 32768u}) {
        Chunks chunks;
        for (int k = 0; k < 4; ++k) chunks.add(chunk_of(Codec::bitshuffle_lz4, bytes_of(frame), 2, per_block, true));
        for (const std::size_t n : {1u, 4u}) {
          for (const auto& sums : reduction.chunks(Codec::bitshuffle_lz4, DType::u16, chunks.data.data(),
                                                   chunks.sizes.data(), n, Variance::poisson, invalid)) {
            CHECK(same_bits(sums, one));
          }
        }
      }
    }
  }
}

// A chunk is taken exactly where the decoder of whole chunks takes it, and gives the sums of what that decodes; its
// neighbours do not notice.
template <class T>
class DamagedChunks {
 public:
  DamagedChunks(DType dtype, Codec codec, Shape shape, std::size_t n_pixels, std::size_t per_block, Random& random)
      : dtype_(dtype), codec_(codec), n_pixels_(n_pixels), reduction_(std::make_shared<PackedWeights>(rows_of(shape, n_pixels, 30, random).packed()), {}, 1) {
    const auto frame = counts<T>(n_pixels, random);
    std::vector<bool> is_invalid;
    invalid_ = largest_is_invalid(is_invalid, frame);
    valid_ = chunk_of(codec, bytes_of(frame), sizeof(T), per_block, true);
    of_valid_ = sums_of({&valid_})[0];
    CHECK(of_valid_.error == ChunkError::none);
  }
  const Bytes& valid() const { return valid_; }

  void check(const std::vector<Bytes>& damaged, std::size_t n_lanes) const {
    std::vector<const Bytes*> chunks(n_lanes, &valid_);
    for (std::size_t k = 0; k < damaged.size(); ++k) chunks[3 * k % n_lanes] = &damaged[k];
    const auto found = sums_of(chunks);
    for (std::size_t k = 0; k < n_lanes; ++k) {
      if (*chunks[k] == valid_) {
        CHECK(same_bits(found[k], of_valid_));
        continue;
      }
      std::vector<T> dense(n_pixels_);
      const ChunkError error =
          chunk_decode(codec_, chunks[k]->data(), chunks[k]->size(), sizeof(T),
                       reinterpret_cast<std::uint8_t*>(dense.data()), n_pixels_ * sizeof(T), 1);
      CHECK((error == ChunkError::none) == (found[k].error == ChunkError::none));
      if (error != ChunkError::none) continue;
      const void* const frame = dense.data();
      const auto expected = reduction_.stack(dtype_, &frame, 1, Variance::poisson, invalid_);
      // Elements behind the last block are a group of their own.
      CHECK(n_pixels_ % 8 == 0 ? same_bits(found[k], expected[0]) : alike(found[k], expected[0]));
    }
  }

 private:
  std::vector<FrameSums> sums_of(const std::vector<const Bytes*>& all) const {
    Chunks chunks;
    for (const Bytes* chunk : all) chunks.add(*chunk);
    return reduction_.chunks(codec_, dtype_, chunks.data.data(), chunks.sizes.data(), all.size(), Variance::poisson,
                             invalid_);
  }

  DType dtype_;
  Codec codec_;
  std::size_t n_pixels_;
  Reduction reduction_;
  InvalidValues invalid_;
  Bytes valid_;
  FrameSums of_valid_;
};

template <class T>
void chunks_cut_or_changed_anywhere(DType dtype, Codec codec, Shape shape, std::size_t n_pixels, Random& random) {
  const DamagedChunks<T> chunks(dtype, codec, shape, n_pixels, 128, random);
  std::vector<Bytes> together;
  for (std::size_t at = 0; at < chunks.valid().size(); ++at) {
    const auto end = chunks.valid().begin() + static_cast<long>(at);
    const Bytes cut(chunks.valid().begin(), end);
    Bytes flipped = chunks.valid(), other = chunks.valid(), longer = chunks.valid();
    flipped[at] ^= static_cast<std::uint8_t>(1u << random() % 8);
    other[at] = static_cast<std::uint8_t>(random());
    longer.insert(longer.begin() + static_cast<long>(at), static_cast<std::uint8_t>(random()));
    chunks.check({cut}, 1);
    chunks.check({flipped}, 1);
    chunks.check({flipped, cut}, 5);
    for (const Bytes& chunk : {cut, flipped, other, longer}) together.push_back(chunk);
    if (together.size() < 8 && at + 1 < chunks.valid().size()) continue;  // of two places: half of 16
    chunks.check(together, 16);
    together.clear();
  }
}

void damaged_chunks_are_refused_as_the_decoder_refuses_them() {
  for (const Isa set : kSets) {
    if (!force_isa(set)) continue;
    Random random(5);
    for (const Codec codec : {Codec::bitshuffle_lz4, Codec::bitshuffle_zstd, Codec::lz4}) {
      if (codec == Codec::lz4 && set != Isa::baseline) continue;  // decoded whole: no kernel takes part
      for (const std::size_t n_pixels : {280u, 283u}) {
        chunks_cut_or_changed_anywhere<std::uint8_t>(DType::u8, codec, Shape::ones, n_pixels, random);
        chunks_cut_or_changed_anywhere<std::uint16_t>(DType::u16, codec, Shape::pairs, n_pixels, random);
        chunks_cut_or_changed_anywhere<std::uint32_t>(DType::u32, codec, Shape::irregular, n_pixels, random);
      }
    }
  }
}

}  // namespace

int main() {
  frames_of_every_type_are_summed_inside_their_arrays();
  pixel_terms_and_given_variance_are_read_inside_their_arrays();
  chunks_of_every_codec_are_summed_inside_their_bytes();
  long_frames_are_summed_in_parts();
  damaged_chunks_are_refused_as_the_decoder_refuses_them();
  if (azimuthal::test::failures() == 0) std::puts("all checks passed");
  return azimuthal::test::failures() == 0 ? 0 : 1;
}
