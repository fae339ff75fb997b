// SPDX-License-Identifier: Apache-2.0
// Another build of this program. It measures a row when it is told to.
#pragma once
#include <sys/types.h>

#include <cstdio>
#include <optional>
#include <string>

namespace hiky::script_bench {

class other_program {
 public:
  explicit other_program(std::string const& path);
  ~other_program();
  other_program(other_program const&) = delete;
  other_program& operator=(other_program const&) = delete;

  // Microseconds; nothing when the other program has no such row. Throws when it has ended.
  std::optional<double> sample(std::string const& script, std::string const& what);

 private:
  pid_t pid_ = -1;
  std::FILE *to_ = nullptr, *from_ = nullptr;
};

}  // namespace hiky::script_bench
