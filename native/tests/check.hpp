// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
//
// The least that a test needs: checks that count failures and say where.
#pragma once

#include <cmath>
#include <cstdio>

namespace azimuthal::test {

inline int& failures() {
  static int count = 0;
  return count;
}

inline void check(bool condition, const char* text, const char* file, int line) {
  if (condition) return;
  ++failures();
  std::fprintf(stderr, "%s:%d: failed: %s\n", file, line, text);
}

inline bool near(double a, double b, double tolerance) { return std::abs(a - b) <= tolerance; }

}  // namespace azimuthal::test

#define CHECK(condition) ::azimuthal::test::check((condition), #condition, __FILE__, __LINE__)
