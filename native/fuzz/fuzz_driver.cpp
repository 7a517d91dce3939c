// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
//
// Stands in for libFuzzer where the compiler has none (GCC): mutates inputs and keeps those that reach new edges of the
// program, as -fsanitize-coverage=trace-pc reports them. This file is compiled without that option.
//
//     chunk_fuzz [-runs=N] [-seed=S] [-max_len=L] CORPUS...
//
// The flags are those of libFuzzer. New inputs are written to the first folder; one that makes the program fail to
// crash-SEED-RUN in the current folder. The same seed and corpus give the same inputs.
#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr std::size_t kEdges = 1u << 16;
constexpr int kSecondsPerInput = 10;  // of this process: the machine may be busy with others
std::array<std::uint8_t, kEdges> hits;      // of this run, per edge
std::array<std::uint8_t, kEdges> seen;      // bit k: an edge was passed about 2^k times in some run
std::array<std::uint32_t, kEdges> touched;  // the edges of this run
std::size_t n_touched = 0;
std::uintptr_t previous = 0;

Bytes current;
std::uint64_t seed = 1, run_number = 0;

void save_current() {
  char name[64];
  std::snprintf(name, sizeof name, "crash-%llu-%llu", static_cast<unsigned long long>(seed),
                static_cast<unsigned long long>(run_number));
  if (std::FILE* file = std::fopen(name, "wb")) {
    std::fwrite(current.data(), 1, current.size(), file);
    std::fclose(file);
  }
  std::fprintf(stderr, "input of %zu bytes written to %s\n", current.size(), name);
}

void on_signal(int number) {
  if (number == SIGPROF) std::fprintf(stderr, "an input took longer than %d s\n", kSecondsPerInput);
  save_current();
  _exit(1);
}

// 0: no limit.
void limit_time(int seconds) {
  itimerval timer{};
  timer.it_value.tv_sec = seconds;
  setitimer(ITIMER_PROF, &timer, nullptr);
}

std::uint8_t bucket(std::uint8_t count) {
  std::uint8_t bit = 0;
  while (count >>= 1) ++bit;
  return static_cast<std::uint8_t>(1u << bit);
}

// Whether the input passed an edge that none has passed, or a new number of times (in powers of two).
bool reaches_something_new(const Bytes& input) {
  current = input;
  ++run_number;
  previous = 0;
  n_touched = 0;
  limit_time(kSecondsPerInput);
  // A copy of exact size: reading past the end of the input is seen.
  const Bytes exact(input.begin(), input.end());
  LLVMFuzzerTestOneInput(exact.data(), exact.size());
  bool found = false;
  for (std::size_t k = 0; k < n_touched; ++k) {
    std::uint8_t& count = hits[touched[k]];
    const std::uint8_t bit = bucket(count);
    found |= (seen[touched[k]] & bit) == 0;
    seen[touched[k]] |= bit;
    count = 0;
  }
  return found;
}

using Random = std::mt19937_64;

std::size_t below(Random& random, std::size_t n) { return n == 0 ? 0 : static_cast<std::size_t>(random() % n); }

// Overwrites a number of 1 to 4 bytes of either order with one near a limit, or near what it was.
void lie_about_a_number(Bytes& bytes, Random& random) {
  const std::size_t width = std::size_t{1} << below(random, 3), at = below(random, bytes.size());
  if (bytes.size() - at < width) return;
  const bool big = random() % 2 != 0;
  auto byte = [&](std::size_t k) -> std::uint8_t& { return bytes[at + (big ? width - 1 - k : k)]; };
  std::uint64_t value = 0;
  for (std::size_t k = 0; k < width; ++k) value |= static_cast<std::uint64_t>(byte(k)) << (8 * k);
  constexpr std::uint64_t kLimits[] = {0, 1, 7, 8, 15, 16, 127, 128, 255, 256, 8192, 32767, 32768, 65535, 0x7FFFFFFF,
                                       0x80000000, 0xFFFFFFFF};
  switch (random() % 3) {
    case 0: value = kLimits[below(random, std::size(kLimits))]; break;
    case 1: value += random() % 33 - 16; break;
    default: value = value * 2 + random() % 2; break;
  }
  for (std::size_t k = 0; k < width; ++k) byte(k) = static_cast<std::uint8_t>(value >> (8 * k));
}

void mutate(Bytes& bytes, const std::vector<Bytes>& corpus, Random& random, std::size_t max_size) {
  if (bytes.empty()) bytes.push_back(0);
  const std::size_t at = below(random, bytes.size());
  const std::size_t length = 1 + below(random, std::min<std::size_t>(bytes.size() - at, 32));
  const auto begin = bytes.begin() + static_cast<long>(at);
  switch (random() % 12) {
    case 0:
    case 1: bytes[at] ^= static_cast<std::uint8_t>(1u << (random() % 8)); break;
    case 2: bytes[at] = static_cast<std::uint8_t>(random()); break;
    case 3: bytes[at] += static_cast<std::uint8_t>(random() % 17 - 8); break;
    case 4:
    case 5: lie_about_a_number(bytes, random); break;
    case 6: bytes.erase(begin, begin + static_cast<long>(length)); break;
    case 7: {  // a piece once more, somewhere
      const Bytes piece(begin, begin + static_cast<long>(length));
      bytes.insert(bytes.begin() + static_cast<long>(below(random, bytes.size() + 1)), piece.begin(), piece.end());
      break;
    }
    case 8: {  // over another
      const std::size_t from = below(random, bytes.size() - length + 1);
      std::memmove(&bytes[at], &bytes[from], length);
      break;
    }
    case 9:
      if (random() % 4 == 0) bytes.resize(at);
      break;
    case 10:
      for (std::size_t k = 0; k < length; ++k) bytes[at + k] = static_cast<std::uint8_t>(random());
      break;
    default: {  // the end of another input
      const Bytes& other = corpus[below(random, corpus.size())];
      const std::size_t from = below(random, other.size());
      bytes.resize(at);
      bytes.insert(bytes.end(), other.begin() + static_cast<long>(from), other.end());
      break;
    }
  }
  if (bytes.size() > max_size) bytes.resize(max_size);
}

std::uint64_t number_of(const std::string& argument) {
  return std::strtoull(argument.c_str() + argument.find('=') + 1, nullptr, 10);
}

}  // namespace

extern "C" void __sanitizer_cov_trace_pc() {
  const auto here = reinterpret_cast<std::uintptr_t>(__builtin_return_address(0));
  const std::uintptr_t mixed = here * 0x9E3779B97F4A7C15ull >> 40;
  const auto edge = static_cast<std::uint32_t>((mixed ^ previous) % kEdges);
  previous = mixed >> 1;
  if (hits[edge] == 0) touched[n_touched++] = edge;
  if (hits[edge] < 255) ++hits[edge];
}

// Findings end in SIGABRT, where the input is saved. A large allocation that a header of a few bytes asks for is one.
extern "C" const char* __asan_default_options() { return "abort_on_error=1:handle_abort=0:max_allocation_size_mb=64"; }
extern "C" const char* __ubsan_default_options() { return "abort_on_error=1:print_stacktrace=1"; }

int main(int n_arguments, char** arguments) {
  std::uint64_t runs = 0;
  std::size_t max_size = 4096;
  std::vector<std::filesystem::path> given;
  for (int k = 1; k < n_arguments; ++k) {
    const std::string argument = arguments[k];
    if (argument.starts_with("-runs=")) runs = number_of(argument);
    else if (argument.starts_with("-seed=")) seed = number_of(argument);
    else if (argument.starts_with("-max_len=")) max_size = number_of(argument);
    else if (argument.starts_with("-")) return std::fprintf(stderr, "unknown flag %s\n", arguments[k]), 2;
    else given.emplace_back(argument);
  }
  std::vector<std::filesystem::path> files;
  for (const auto& path : given) {
    if (!std::filesystem::is_directory(path)) files.push_back(path);
    else for (const auto& entry : std::filesystem::directory_iterator(path)) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  for (const int number : {SIGABRT, SIGPROF}) signal(number, on_signal);

  std::vector<Bytes> corpus;
  for (const auto& path : files) {
    std::ifstream file(path, std::ios::binary);
    Bytes bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    if (reaches_something_new(bytes)) corpus.push_back(std::move(bytes));
  }
  std::printf("%zu files, %zu of them differ in their edges\n", files.size(), corpus.size());
  if (corpus.empty()) corpus.push_back({0, 0, 0});
  const std::filesystem::path folder = !given.empty() && std::filesystem::is_directory(given[0]) ? given[0] : "";

  Random random(seed);
  const auto start = std::chrono::steady_clock::now();
  for (std::uint64_t k = 1; k <= runs; ++k) {
    // The newest are tried more often: what follows them is unknown.
    const std::size_t newest = std::min<std::size_t>(corpus.size(), 64);
    Bytes bytes = random() % 3 == 0 ? corpus[corpus.size() - 1 - below(random, newest)]
                                    : corpus[below(random, corpus.size())];
    for (std::size_t step = 1 + below(random, 6); step > 0; --step) mutate(bytes, corpus, random, max_size);
    if (reaches_something_new(bytes)) {
      if (!folder.empty()) {
        std::ofstream file(folder / ("found-" + std::to_string(seed) + "-" + std::to_string(k)), std::ios::binary);
        file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
      }
      corpus.push_back(std::move(bytes));
    }
    if (k == runs || k % 500000 == 0) {
      const auto edges = std::count_if(seen.begin(), seen.end(), [](std::uint8_t bits) { return bits != 0; });
      const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
      std::printf("%llu runs in %.0f s: %td edges, %zu inputs kept\n", static_cast<unsigned long long>(k),
                  seconds.count(), edges, corpus.size());
      std::fflush(stdout);
    }
  }
  limit_time(0);
  return 0;
}
