// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
//
// A fixed-size array of plain values for data of the size of a detector: not initialised, aligned for any vector, and in
// huge pages where the system gives them on request (page faults of 4 kB would cost more than the work itself).
#pragma once

#include <cstddef>
#include <cstdlib>
#include <new>
#include <type_traits>
#include <utility>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace azimuthal {

template <class T>
class LargeArray {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  LargeArray() = default;
  explicit LargeArray(std::size_t size) : size_(size) {
    if (size == 0) return;
    const std::size_t bytes = size * sizeof(T);
    alignment_ = bytes >= 4 * kHugePage ? kHugePage : 64;
    data_ = static_cast<T*>(::operator new(bytes, std::align_val_t{alignment_}));
#if defined(__linux__) && defined(MADV_HUGEPAGE)
    // Advice only: where it is refused, pages are small and everything else is the same.
    if (alignment_ == kHugePage) (void)madvise(data_, bytes, MADV_HUGEPAGE);
#endif
  }
  LargeArray(LargeArray&& other) noexcept { swap(other); }
  LargeArray& operator=(LargeArray&& other) noexcept {
    LargeArray taken(std::move(other));
    swap(taken);
    return *this;
  }
  LargeArray(const LargeArray&) = delete;
  LargeArray& operator=(const LargeArray&) = delete;
  ~LargeArray() {
    if (data_) ::operator delete(data_, std::align_val_t{alignment_});
  }

  void swap(LargeArray& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(alignment_, other.alignment_);
  }
  T* data() noexcept { return data_; }
  const T* data() const noexcept { return data_; }
  T& operator[](std::size_t i) noexcept { return data_[i]; }
  const T& operator[](std::size_t i) const noexcept { return data_[i]; }
  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  T* begin() noexcept { return data_; }
  T* end() noexcept { return data_ + size_; }

 private:
  static constexpr std::size_t kHugePage = std::size_t{1} << 21;
  T* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t alignment_ = 64;
};

}  // namespace azimuthal
