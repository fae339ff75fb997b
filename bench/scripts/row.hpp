// SPDX-License-Identifier: Apache-2.0
// One line of the table: a script in one situation.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "stage.hpp"

namespace hiky::script_bench {

struct row {
  std::string script, what;
  int calls = 100;                      // of one sample
  std::function<void()> plant{};        // once, before all samples
  std::function<void()> prepare{};      // before each sample: brings the state back to where it was
  std::function<hiky::script_bench::call(int)> call{};  // number 0 to calls - 1
  bool planted = false;

  // Microseconds of Redis for one call. Throws when a call fails or does not reach a script.
  double sample(stage& on);
};

// Each knows one part of the scripts.
std::vector<row> message_rows(stage& on);
std::vector<row> connection_rows(stage& on);
std::vector<row> membership_rows(stage& on);
std::vector<row> mail_rows(stage& on);
std::vector<row> typing_rows(stage& on);
std::vector<row> upkeep_rows(stage& on);
std::vector<row> inspection_rows(stage& on);
std::vector<row> all_rows(stage& on);

// Names of embedded scripts that no row calls.
std::vector<std::string> scripts_without_row(std::vector<row> const& rows);

}  // namespace hiky::script_bench
