// SPDX-License-Identifier: Apache-2.0
// A condition that must hold for every input of a fuzz target.
#pragma once
#include <cstdio>
#include <cstdlib>

inline void demand(bool condition, char const* law) {
  if (condition) return;
  std::fprintf(stderr, "broken: %s\n", law);
  std::abort();
}
