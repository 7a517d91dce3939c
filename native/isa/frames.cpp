// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
//
// Dense frames of any type: values are tested, turned into doubles and added, a group of pixels at a time.
#include "frame_types.hpp"
#include "group.hpp"

namespace azimuthal::AZIMUTHAL_ISA {
namespace {

template <class T>
constexpr bool kIsFloat = std::is_floating_point_v<T>;

template <class T>
T bound(Bound b) noexcept {
  if constexpr (kIsFloat<T>) return static_cast<T>(b.f);
  else if constexpr (std::is_signed_v<T>) return static_cast<T>(b.i);
  else return static_cast<T>(b.u);
}

template <class T>
bool is_finite(T value) noexcept {
  return value - value == T{};
}

// The rule of invalid values in the type of the frame.
template <class T>
struct Rule {
  T low[InvalidValues::kMost], high[InvalidValues::kMost];
  int n;
  bool nonfinite;

  explicit Rule(const InvalidValues& values) noexcept : n(values.n), nonfinite(values.nonfinite) {
    for (int k = 0; k < n; ++k) low[k] = bound<T>(values.low[k]), high[k] = bound<T>(values.high[k]);
  }
  bool operator()(T value) const noexcept {
    if constexpr (kIsFloat<T>) {
      if (nonfinite && !is_finite(value)) return true;
    }
    for (int k = 0; k < n; ++k) {
      if (value >= low[k] && value <= high[k]) return true;
    }
    return false;
  }
  // Whether any of the values may need a closer look; without branches, so that it becomes a few vector instructions.
  bool any(const T* values, std::size_t count) const noexcept {
    unsigned found = 0;
    for (int k = 0; k < n; ++k) {
      // Not rules side by side, pixel by pixel, which GCC may take for the better order.
      asm volatile("" ::: "memory");
      unsigned here = 0;
      const T from = low[k], to = high[k];
      for (std::size_t p = 0; p < count; ++p) here |= static_cast<unsigned>((values[p] >= from) & (values[p] <= to));
      found |= here;
    }
    if constexpr (kIsFloat<T>) {
      // Also where they count: zero times infinity must not spoil the bin beside.
      unsigned here = 0;
      for (std::size_t p = 0; p < count; ++p) here |= static_cast<unsigned>(!(values[p] - values[p] == T{}));
      found |= here;
    }
    return found != 0;
  }
};

bool is_used(const PackedView& w, std::size_t pixel) noexcept { return w.used[pixel >> 3] >> (pixel & 7) & 1; }

// Copies a group whose values need a look: invalid ones become zero and are listed, and so do those of unused pixels.
// True when values that are not finite remain, which count here.
template <class T>
bool cleaned(const PackedView& w, const Rule<T>& rule, std::size_t first, std::size_t n, const T* raw, T* clean,
             InvalidPixels& invalid) {
  bool remains = false;
  for (std::size_t p = 0; p < n; ++p) {
    clean[p] = raw[p];
    if (!is_used(w, first + p)) {
      clean[p] = T{};
    } else if (rule(raw[p])) {
      clean[p] = T{};
      append(invalid, first + p);
    } else if constexpr (kIsFloat<T>) {
      remains = remains || !is_finite(raw[p]);
    }
  }
  return remains;
}

// Pixels whose value or variance is not finite are added one by one, to their own bins only, and leave the group: zero
// times infinity must not spoil the bin beside.
template <class Value>
void add_nonfinite(const PackedView& w, std::size_t first, std::size_t n, Value* value, Value* variance,
                   std::size_t n_sums, std::size_t n_lanes, double* sums) {
  for (std::size_t p = 0; p < n; ++p) {
    const double here = static_cast<double>(value[p]);
    const double spread = variance ? static_cast<double>(variance[p]) : here <= 0.0 ? 0.0 : here;
    if (is_finite(here) && is_finite(spread)) continue;
    for_each_weight(w, first + p, [&](std::size_t bin, double c) {
      sums[bin * n_sums * n_lanes] += c * here;
      if (n_sums == 2) sums[(bin * n_sums + 1) * n_lanes] += c * c * spread;
    });
    value[p] = Value{};
    if (variance) variance[p] = Value{};
  }
}

// Without branches, as above.
bool all_finite(const double* values, std::size_t n) noexcept {
  unsigned found = 0;
  for (std::size_t p = 0; p < n; ++p) found |= static_cast<unsigned>(!(values[p] - values[p] == 0.0));
  return found == 0;
}

template <class T>
void frame_single(const FramesJob& job, std::size_t frame, std::size_t first, std::size_t last, double* sums,
                  InvalidPixels& invalid) {
  const PackedView& w = job.weights;
  const std::size_t per_bin = n_sums(job.model, w.weighting, job.dtype, job.gain != nullptr);
  const AddSingle add = add_single_of(w, per_bin);
  const Rule<T> rule(*job.invalid);
  const T* const raw = static_cast<const T*>(job.frames[frame]);
  const double* const given = job.model == Variance::given ? job.variance[frame] : nullptr;
  IrregularCursor irregular(w, first);
  alignas(64) double value[kGroup], variance[kGroup];
  alignas(64) T clean[kGroup];
  for (std::size_t at = first; at < last; at += kGroup) {
    const std::size_t n = last - at < kGroup ? last - at : kGroup;
    const T* from = raw + at;
    const bool looked = rule.any(from, n);
    bool nonfinite = false;
    if (looked) {
      nonfinite = cleaned(w, rule, at, n, from, clean, invalid);
      from = clean;
    }
    for (std::size_t p = 0; p < n; ++p) value[p] = static_cast<double>(from[p]);
    double* spread = value;
    if (per_bin == 2) {
      if (given) {
        // Of a pixel that does not count the variance may be anything.
        for (std::size_t p = 0; p < n; ++p) variance[p] = is_used(w, at + p) ? given[at + p] : 0.0;
        if (looked) {
          for (std::size_t p = 0; p < n; ++p) {
            if (is_used(w, at + p) && rule(raw[at + p])) variance[p] = 0.0;
          }
        }
        spread = variance;
      } else if (std::is_signed_v<T> || job.gain) {
        for (std::size_t p = 0; p < n; ++p) variance[p] = value[p] <= 0.0 ? 0.0 : value[p];  // NaN stays
        spread = variance;
      }
    }
    if (job.gain) {
      const double* gain = job.gain + at;
      for (std::size_t p = 0; p < n; ++p) {
        // A pixel without normalisation has no finite gain, and feeds no bin.
        const double g = is_used(w, at + p) ? gain[p] : 0.0;
        value[p] *= g;
        if (per_bin == 2) variance[p] *= g * g;
      }
    }
    if (job.gain || given) nonfinite = nonfinite || !all_finite(value, n) || !all_finite(spread, n);
    if (nonfinite) add_nonfinite(w, at, n, value, spread == value ? nullptr : variance, per_bin, 1, sums);
    add(w, at, n, value, spread, irregular, sums);
  }
}

// Sums of integers with weights of one.
template <class T, class Index>
[[gnu::noinline]] void count_frame(const FramesJob& job, std::size_t frame, std::size_t first, std::size_t last, std::int64_t* sums,
                 InvalidPixels& invalid) {
  const PackedView& w = job.weights;
  const Rule<T> rule(*job.invalid);
  const T* const raw = static_cast<const T*>(job.frames[frame]);
  alignas(64) T clean[kGroup];
  for (std::size_t at = first; at < last; at += kGroup) {
    const std::size_t n = last - at < kGroup ? last - at : kGroup;
    const T* from = raw + at;
    if (rule.any(from, n)) {
      cleaned(w, rule, at, n, from, clean, invalid);
      from = clean;
    }
    const Index* bin = bins_of<Index>(w) + at;
    in_order(n, [&](std::size_t p) __attribute__((always_inline)) { sums[bin[p]] += static_cast<std::int64_t>(from[p]); });
  }
}

// Sixteen frames of up to 32 bits: a tile of 64 pixels x 16 lanes is filled, then added.
template <class T>
using Wide = std::conditional_t<kIsFloat<T>, float, std::conditional_t<std::is_signed_v<T>, std::int32_t, std::uint32_t>>;

#if defined(__AVX512F__)
// 16 x 16 values of 32 bits: row r of lane vectors becomes column r.
inline void transpose_16x16(__m512i r[16]) noexcept {
  __m512i t[16];
  for (int i = 0; i < 8; ++i) {
    t[2 * i] = _mm512_unpacklo_epi32(r[2 * i], r[2 * i + 1]);
    t[2 * i + 1] = _mm512_unpackhi_epi32(r[2 * i], r[2 * i + 1]);
  }
  for (int i = 0; i < 4; ++i) {
    r[4 * i] = _mm512_unpacklo_epi64(t[4 * i], t[4 * i + 2]);
    r[4 * i + 1] = _mm512_unpackhi_epi64(t[4 * i], t[4 * i + 2]);
    r[4 * i + 2] = _mm512_unpacklo_epi64(t[4 * i + 1], t[4 * i + 3]);
    r[4 * i + 3] = _mm512_unpackhi_epi64(t[4 * i + 1], t[4 * i + 3]);
  }
  for (int i = 0; i < 4; ++i) {
    t[i] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0x88);
    t[i + 4] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0xdd);
    t[i + 8] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0x88);
    t[i + 12] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0xdd);
  }
  for (int i = 0; i < 8; ++i) {
    r[i] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0x88);
    r[i + 8] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0xdd);
  }
}

template <class T>
inline __m512i sixteen_wide(const T* p) noexcept {
  if constexpr (sizeof(T) == 4) return _mm512_loadu_si512(p);
  else if constexpr (std::is_same_v<T, std::uint16_t>)
    return _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
  else if constexpr (std::is_same_v<T, std::int16_t>)
    return _mm512_cvtepi16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
  else if constexpr (std::is_same_v<T, std::uint8_t>)
    return _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  else return _mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}
#endif

// tile[pixel][lane] of a whole group.
template <class T>
void fill_tile(const T* const from[kLanes], Wide<T> (*tile)[kLanes]) noexcept {
#if defined(__AVX512F__)
  for (std::size_t block = 0; block < kGroup; block += 16) {
    __m512i rows[16];
    for (std::size_t lane = 0; lane < kLanes; ++lane) rows[lane] = sixteen_wide(from[lane] + block);
    transpose_16x16(rows);
    for (std::size_t p = 0; p < 16; ++p) _mm512_store_si512(tile[block + p], rows[p]);
  }
#else
  alignas(64) Wide<T> wide[4][kGroup];
  for (std::size_t lane = 0; lane < kLanes; lane += 4) {
    for (std::size_t l = 0; l < 4; ++l) {
      for (std::size_t p = 0; p < kGroup; ++p) wide[l][p] = static_cast<Wide<T>>(from[lane + l][p]);
    }
#if defined(__SSE2__)
    for (std::size_t p = 0; p < kGroup; p += 4) {
      const auto row = [&](std::size_t l) { return _mm_load_si128(reinterpret_cast<const __m128i*>(&wide[l][p])); };
      const __m128i a = _mm_unpacklo_epi32(row(0), row(1)), b = _mm_unpackhi_epi32(row(0), row(1));
      const __m128i c = _mm_unpacklo_epi32(row(2), row(3)), d = _mm_unpackhi_epi32(row(2), row(3));
      const auto put = [&](std::size_t k, __m128i v) {
        _mm_store_si128(reinterpret_cast<__m128i*>(&tile[p + k][lane]), v);
      };
      put(0, _mm_unpacklo_epi64(a, c));
      put(1, _mm_unpackhi_epi64(a, c));
      put(2, _mm_unpacklo_epi64(b, d));
      put(3, _mm_unpackhi_epi64(b, d));
    }
#else
    for (std::size_t p = 0; p < kGroup; ++p) {
      for (std::size_t l = 0; l < 4; ++l) tile[p][lane + l] = wide[l][p];
    }
#endif
  }
#endif
}

template <class W>
inline __attribute__((always_inline)) void as_doubles(const W* lanes, Vector* value) noexcept {
#if defined(__AVX512F__)
  for (std::size_t v = 0; v < 2; ++v) {
    const __m256i part = _mm256_load_si256(reinterpret_cast<const __m256i*>(lanes + 8 * v));
    if constexpr (std::is_same_v<W, float>) value[v] = _mm512_cvtps_pd(_mm256_castsi256_ps(part));
    else if constexpr (std::is_signed_v<W>) value[v] = _mm512_cvtepi32_pd(part);
    else value[v] = _mm512_cvtepu32_pd(part);
  }
#elif defined(__AVX2__)
  for (std::size_t v = 0; v < 4; ++v) {
    const __m128i part = _mm_load_si128(reinterpret_cast<const __m128i*>(lanes + 4 * v));
    if constexpr (std::is_same_v<W, float>) {
      value[v] = _mm256_cvtps_pd(_mm_castsi128_ps(part));
    } else if constexpr (std::is_signed_v<W>) {
      value[v] = _mm256_cvtepi32_pd(part);
    } else {
      // There is no unsigned conversion: shifted into the signed range and back, exactly.
      const __m256d shifted = _mm256_cvtepi32_pd(_mm_xor_si128(part, _mm_set1_epi32(static_cast<int>(0x80000000u))));
      value[v] = _mm256_add_pd(shifted, _mm256_set1_pd(2147483648.0));
    }
  }
#else
  double wide[kLanes];
  for (std::size_t l = 0; l < kLanes; ++l) wide[l] = static_cast<double>(lanes[l]);
  std::memcpy(value, wide, sizeof wide);
#endif
}

constexpr std::size_t kRun = 1024;  // pixels of one frame that are fetched together

// tile[pixel][lane] of 32-bit values.
template <class W>
struct WideTile {
  static constexpr bool is_signed = std::is_signed_v<W>;
  static inline __attribute__((always_inline)) void values(const void* tile, std::size_t p, Vector* value) noexcept {
    as_doubles(static_cast<const W(*)[kLanes]>(tile)[p], value);
  }
};

template <class T>
void frames_at_once(const FramesJob& job, std::size_t first, std::size_t last, double* sums, InvalidPixels* invalid) {
  const PackedView& w = job.weights;
  const Rule<T> rule(*job.invalid);
  const std::size_t per_bin = n_sums(job.model, w.weighting, job.dtype, false);
  const AddLanes add = add_lanes_of<WideTile<Wide<T>>>(w, per_bin);
  IrregularCursor irregular(w, first);
  alignas(64) Wide<T> tile[kGroup][kLanes];
  // Sixteen frames, read a few pixels each in turn, would be more than the machine fetches ahead by itself, and lie in the
  // same set of the cache. A longer run of each is copied first, to places a cache line apart.
  alignas(64) T run[kLanes][kRun + 64 / sizeof(T)];
  std::memset(run, 0, sizeof run);
  for (std::size_t begin = first; begin < last; begin += kRun) {
    const std::size_t end = last - begin < kRun ? last : begin + kRun;
    for (std::size_t lane = 0; lane < job.n_frames; ++lane) {
      std::memcpy(run[lane], static_cast<const T*>(job.frames[lane]) + begin, (end - begin) * sizeof(T));
    }
    for (std::size_t at = begin; at < end; at += kGroup) {
      const std::size_t n = end - at < kGroup ? end - at : kGroup;
      const T* from[kLanes];
      for (std::size_t lane = 0; lane < kLanes; ++lane) {
        T* const here = run[lane] + (at - begin);
        from[lane] = here;
        if (lane < job.n_frames && rule.any(here, n) && cleaned(w, rule, at, n, here, here, invalid[lane])) {
          if constexpr (kIsFloat<T>) add_nonfinite<T>(w, at, n, here, nullptr, per_bin, kLanes, sums + lane);
        }
      }
      fill_tile(from, tile);
      add(w, at, n, tile, irregular, sums);
    }
  }
}

}  // namespace

void frames_single(const FramesJob& job, std::size_t first, std::size_t last, double* const* sums,
                   InvalidPixels* invalid) {
  with_type(job.dtype, [&]<class T>() {
    for (std::size_t frame = 0; frame < job.n_frames; ++frame) {
      if constexpr (!kIsFloat<T> && sizeof(T) <= 4) {
        if (job.counts) {
          auto* counts = reinterpret_cast<std::int64_t*>(sums[frame]);
          if (job.weights.bin16) count_frame<T, std::uint16_t>(job, frame, first, last, counts, invalid[frame]);
          else count_frame<T, std::uint32_t>(job, frame, first, last, counts, invalid[frame]);
          continue;
        }
      }
      frame_single<T>(job, frame, first, last, sums[frame], invalid[frame]);
    }
  });
}

void frames_lanes(const FramesJob& job, std::size_t first, std::size_t last, double* sums, InvalidPixels* invalid) {
  with_type(job.dtype, [&]<class T>() {
    if constexpr (sizeof(T) <= 4) frames_at_once<T>(job, first, last, sums, invalid);
  });
}

}  // namespace azimuthal::AZIMUTHAL_ISA
