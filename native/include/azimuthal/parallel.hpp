// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
//
// Blocks of work on a few threads that live for one call.
//
// No thread outlives a call, so a fork between two calls finds nothing to break, and any thread may call at any time.
// Work is cut into blocks whose number never depends on the number of threads: results do not either.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>
#include <thread>
#include <vector>

namespace azimuthal {

// Calls work(block) once for every block in [0, n_blocks), on at most n_threads threads. Where `work` throws (memory may
// run out in any thread), no further block is begun, and the first exception is thrown again when all threads have ended.
template <class Work>
void for_each_block(std::size_t n_blocks, unsigned n_threads, Work&& work) {
  std::atomic<std::size_t> next{0};
  std::atomic_flag failed = ATOMIC_FLAG_INIT;
  std::exception_ptr failure;
  auto run = [&]() noexcept {
    try {
      for (std::size_t block = next.fetch_add(1); block < n_blocks; block = next.fetch_add(1)) work(block);
    } catch (...) {
      if (!failed.test_and_set()) failure = std::current_exception();
      next.store(n_blocks);
    }
  };
  const std::size_t wanted = std::min<std::size_t>(std::max(1u, n_threads), n_blocks);
  std::vector<std::thread> others;
  others.reserve(wanted);
  for (std::size_t i = 1; i < wanted; ++i) {
    try {
      others.emplace_back(run);
    } catch (const std::exception&) {
      break;  // no more threads or memory for them: those that run do all the work
    }
  }
  run();
  for (auto& thread : others) thread.join();
  if (failure) std::rethrow_exception(failure);
}

// The same for work that needs scratch memory: calls work(state, block); every thread makes one state, a pointer to
// which make_state() returns.
template <class MakeState, class Work>
void for_each_block(std::size_t n_blocks, unsigned n_threads, MakeState&& make_state, Work&& work) {
  std::atomic<std::size_t> next{0};
  for_each_block(std::min<std::size_t>(std::max(1u, n_threads), n_blocks), n_threads, [&](std::size_t) {
    auto state = make_state();
    for (std::size_t block = next.fetch_add(1); block < n_blocks; block = next.fetch_add(1)) work(*state, block);
  });
}

}  // namespace azimuthal
