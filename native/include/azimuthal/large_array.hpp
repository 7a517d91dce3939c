// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
//
// Big arrays whose first touch is cheap: no zeroing, and huge pages where the system grants them on request. Page
// faults of 4 KB each cost more than making the numbers that go into them.
#pragma once

#include <cstddef>
#include <new>
#include <type_traits>
#include <utility>
#include <vector>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace azimuthal {

inline constexpr std::size_t kHugePage = std::size_t{1} << 21;

// Where memory of this size begins: on a huge page from two of them on, else on a cache line.
inline constexpr std::size_t large_alignment(std::size_t n_bytes) noexcept {
  return n_bytes >= 2 * kHugePage ? kHugePage : 64;
}

// Memory that is not initialised; asks for huge pages (advice: it may be ignored). Throws std::bad_alloc.
inline void* large_allocate(std::size_t n_bytes) {
  void* memory = ::operator new(n_bytes, std::align_val_t{large_alignment(n_bytes)});
#if defined(__linux__)
  // The last, incomplete page stays small: what is never touched costs nothing.
  if (n_bytes >= 2 * kHugePage) ::madvise(memory, n_bytes / kHugePage * kHugePage, MADV_HUGEPAGE);
#endif
  return memory;
}

inline void large_free(void* memory, std::size_t n_bytes) noexcept {
  ::operator delete(memory, std::align_val_t{large_alignment(n_bytes)});
}

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
  void deallocate(T* memory, std::size_t n) noexcept { large_free(memory, n * sizeof(T)); }

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
