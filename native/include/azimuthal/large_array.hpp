// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
//
// Big arrays whose first touch is cheap: no zeroing, and huge pages where the system grants them on request. Page
// faults of 4 KB each cost more than making the numbers that go into them.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <new>
#include <type_traits>
#include <utility>
#include <vector>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace azimuthal {

inline constexpr std::size_t kHugePage = std::size_t{1} << 21;

// Memory that is not initialised; from two huge pages on it begins on one, and asks for them (advice: it may be
// ignored). Never null: throws std::bad_alloc.
inline void* large_allocate(std::size_t n_bytes) {
#if defined(__linux__)
  if (n_bytes >= 2 * kHugePage && n_bytes <= static_cast<std::size_t>(-1) / 2 - kHugePage) {
    const std::size_t whole = (n_bytes + kHugePage - 1) / kHugePage * kHugePage;
    void* memory = std::aligned_alloc(kHugePage, whole);
    if (memory == nullptr) throw std::bad_alloc();
    // The last, incomplete page stays small: what is never touched costs nothing.
    ::madvise(memory, n_bytes / kHugePage * kHugePage, MADV_HUGEPAGE);
    return memory;
  }
#endif
  void* memory = std::malloc(n_bytes == 0 ? 1 : n_bytes);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

inline void large_free(void* memory) noexcept { std::free(memory); }

// For std::vector: elements of trivial types are left as they are when the vector grows, not set to zero. Threads that
// write them touch the pages, each its own.
template <class T>
struct LargeAllocator {
  using value_type = T;

  LargeAllocator() noexcept = default;
  template <class U>
  LargeAllocator(const LargeAllocator<U>&) noexcept {}

  T* allocate(std::size_t n) {
    if (n > static_cast<std::size_t>(-1) / 2 / sizeof(T)) throw std::bad_alloc();
    return static_cast<T*>(large_allocate(n * sizeof(T)));
  }
  void deallocate(T* memory, std::size_t) noexcept { large_free(memory); }

  template <class U>
  void construct(U* at) noexcept(std::is_nothrow_default_constructible_v<U>) {
    ::new (static_cast<void*>(at)) U;
  }
  template <class U, class... Arguments>
  void construct(U* at, Arguments&&... arguments) {
    ::new (static_cast<void*>(at)) U(std::forward<Arguments>(arguments)...);
  }

  template <class U>
  bool operator==(const LargeAllocator<U>&) const noexcept {
    return true;
  }
};

// resize(n) leaves new elements undefined; assign(n, value) sets them.
template <class T>
using LargeVector = std::vector<T, LargeAllocator<T>>;

}  // namespace azimuthal
