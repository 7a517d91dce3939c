// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
#include "azimuthal/scatter.hpp"

#include "azimuthal/parallel.hpp"

namespace azimuthal {
namespace {

// The number of private histograms depends on the plan alone, so that the order of additions, and with it every last
// digit, is the same for any number of threads.
std::size_t n_partial_sums(std::size_t n_bins) noexcept {
  return n_bins <= 20000 ? 32 : n_bins <= 200000 ? 8 : 4;
}

template <class T>
constexpr bool kExactInteger = std::is_integral_v<T> && sizeof(T) <= 4;

template <class Acc>
void merge(const std::vector<std::vector<Acc>>& parts, std::size_t n_bins, std::size_t n_sums, std::size_t which,
           double* out) {
  for (std::size_t b = 0; b < n_bins; ++b) {
    Acc total = 0;
    for (const auto& part : parts) total += part[b * n_sums + which];
    out[b] = static_cast<double>(total);
  }
}

// Unit weights, integers, no offset, no gain: everything is exact.
template <class T, bool kVariance>
FrameSums scatter_exact(const PixelWeights& m, const T* frame, const InvalidRule<T>& invalid, FrameSums sums,
                        unsigned n_threads) {
  constexpr std::size_t kSums = kVariance && std::is_signed_v<T> ? 2 : 1;
  const std::size_t n_parts = n_partial_sums(m.n_bins);
  std::vector<std::vector<std::int64_t>> parts(n_parts);
  std::vector<std::int64_t> n_invalid(n_parts, 0);
  for_each_block(n_parts, n_threads, [&](std::size_t part) {
    auto& acc = parts[part];
    acc.assign(m.n_bins * kSums, 0);
    const std::size_t begin = m.n_pixels * part / n_parts, end = m.n_pixels * (part + 1) / n_parts;
    for (std::size_t p = begin; p < end; ++p) {
      if (m.indptr[p] == m.indptr[p + 1]) continue;
      const T value = frame[p];
      if (invalid(value)) {
        ++n_invalid[part];
        continue;
      }
      for (std::int64_t e = m.indptr[p]; e < m.indptr[p + 1]; ++e) {
        auto* bin = &acc[static_cast<std::size_t>(m.indices[e]) * kSums];
        bin[0] += static_cast<std::int64_t>(value);
        if constexpr (kSums == 2) bin[1] += value > 0 ? static_cast<std::int64_t>(value) : 0;
      }
    }
  });
  merge(parts, m.n_bins, kSums, 0, sums.signal);
  if constexpr (kVariance) merge(parts, m.n_bins, kSums, kSums - 1, sums.variance);
  sums.n_invalid = 0;
  for (auto n : n_invalid) sums.n_invalid += n;
  return sums;
}

template <class T, Variance kVariance, bool kUnit>
FrameSums scatter_weighted(const PixelWeights& m, const PixelTerms& terms, const T* frame, const double* variance,
                           const InvalidRule<T>& invalid, FrameSums sums, unsigned n_threads) {
  constexpr std::size_t kSums = kVariance == Variance::none ? 1 : 2;
  const std::size_t n_parts = n_partial_sums(m.n_bins);
  std::vector<std::vector<double>> parts(n_parts);
  std::vector<std::int64_t> n_invalid(n_parts, 0);
  for_each_block(n_parts, n_threads, [&](std::size_t part) {
    auto& acc = parts[part];
    acc.assign(m.n_bins * kSums, 0.0);
    const std::size_t begin = m.n_pixels * part / n_parts, end = m.n_pixels * (part + 1) / n_parts;
    for (std::size_t p = begin; p < end; ++p) {
      if (m.indptr[p] == m.indptr[p + 1]) continue;
      const T raw = frame[p];
      if (invalid(raw)) {
        ++n_invalid[part];
        continue;
      }
      double signal = static_cast<double>(raw);
      [[maybe_unused]] double var = 0.0;
      if constexpr (kVariance == Variance::poisson) var = signal > 0.0 ? signal : 0.0;
      if constexpr (kVariance == Variance::given) var = variance[p];
      if (terms.offset) signal -= terms.offset[p];
      if (terms.gain) {
        signal *= terms.gain[p];
        var *= terms.gain[p] * terms.gain[p];
      }
      for (std::int64_t e = m.indptr[p]; e < m.indptr[p + 1]; ++e) {
        double* bin = &acc[static_cast<std::size_t>(m.indices[e]) * kSums];
        if constexpr (kUnit) {
          bin[0] += signal;
          if constexpr (kSums == 2) bin[1] += var;
        } else {
          const double weight = m.weights[e];
          bin[0] += weight * signal;
          if constexpr (kSums == 2) bin[1] += weight * weight * var;
        }
      }
    }
  });
  merge(parts, m.n_bins, kSums, 0, sums.signal);
  if constexpr (kSums == 2) merge(parts, m.n_bins, kSums, 1, sums.variance);
  sums.n_invalid = 0;
  for (auto n : n_invalid) sums.n_invalid += n;
  return sums;
}

template <class T, bool kUnit>
FrameSums scatter_variance(const PixelWeights& m, const PixelTerms& terms, const T* frame, Variance model,
                           const double* variance, const InvalidRule<T>& invalid, FrameSums sums, unsigned n_threads) {
  switch (model) {
    case Variance::poisson:
      return scatter_weighted<T, Variance::poisson, kUnit>(m, terms, frame, variance, invalid, sums, n_threads);
    case Variance::given:
      return scatter_weighted<T, Variance::given, kUnit>(m, terms, frame, variance, invalid, sums, n_threads);
    case Variance::none: break;
  }
  return scatter_weighted<T, Variance::none, kUnit>(m, terms, frame, variance, invalid, sums, n_threads);
}

}  // namespace

template <class T>
FrameSums scatter(const PixelWeights& m, const PixelTerms& terms, const T* frame, Variance model,
                  const double* variance, const InvalidRule<T>& invalid, FrameSums sums, unsigned n_threads) {
  if constexpr (kExactInteger<T>) {
    if (!m.weights && !terms.offset && !terms.gain && model != Variance::given) {
      return model == Variance::poisson
                 ? scatter_exact<T, true>(m, frame, invalid, sums, n_threads)
                 : scatter_exact<T, false>(m, frame, invalid, sums, n_threads);
    }
  }
  return m.weights ? scatter_variance<T, false>(m, terms, frame, model, variance, invalid, sums, n_threads)
                   : scatter_variance<T, true>(m, terms, frame, model, variance, invalid, sums, n_threads);
}

template <class T>
void denominators(const PixelWeights& m, const double* normalization, const T* frame, const InvalidRule<T>& invalid,
                  Denominators out, unsigned n_threads) {
  const std::size_t n_parts = n_partial_sums(m.n_bins);
  std::vector<std::vector<double>> parts(n_parts);
  for_each_block(n_parts, n_threads, [&](std::size_t part) {
    auto& acc = parts[part];
    acc.assign(m.n_bins * 3, 0.0);
    const std::size_t begin = m.n_pixels * part / n_parts, end = m.n_pixels * (part + 1) / n_parts;
    for (std::size_t p = begin; p < end; ++p) {
      if (frame && invalid(frame[p])) continue;
      const double n = normalization ? normalization[p] : 1.0;
      for (std::int64_t e = m.indptr[p]; e < m.indptr[p + 1]; ++e) {
        const double weight = m.weights ? m.weights[e] : 1.0;
        double* bin = &acc[static_cast<std::size_t>(m.indices[e]) * 3];
        const double weighted = weight * n;
        bin[0] += weighted;
        bin[1] += weighted * weighted;
        bin[2] += weight;
      }
    }
  });
  merge(parts, m.n_bins, 3, 0, out.normalization);
  merge(parts, m.n_bins, 3, 1, out.normalization2);
  merge(parts, m.n_bins, 3, 2, out.count);
}

#define AZIMUTHAL_INSTANTIATE(T)                                                                               \
  template FrameSums scatter<T>(const PixelWeights&, const PixelTerms&, const T*, Variance, const double*,      \
                                const InvalidRule<T>&, FrameSums, unsigned);                                   \
  template void denominators<T>(const PixelWeights&, const double*, const T*, const InvalidRule<T>&, Denominators, \
                                unsigned);
AZIMUTHAL_INSTANTIATE(std::uint8_t)
AZIMUTHAL_INSTANTIATE(std::uint16_t)
AZIMUTHAL_INSTANTIATE(std::uint32_t)
AZIMUTHAL_INSTANTIATE(std::uint64_t)
AZIMUTHAL_INSTANTIATE(std::int8_t)
AZIMUTHAL_INSTANTIATE(std::int16_t)
AZIMUTHAL_INSTANTIATE(std::int32_t)
AZIMUTHAL_INSTANTIATE(std::int64_t)
AZIMUTHAL_INSTANTIATE(float)
AZIMUTHAL_INSTANTIATE(double)
#undef AZIMUTHAL_INSTANTIATE

}  // namespace azimuthal
