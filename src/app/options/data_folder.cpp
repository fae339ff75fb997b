// SPDX-License-Identifier: Apache-2.0
#include "app/options/data_folder.hpp"

#include <cstdlib>

namespace hiky::app {

std::filesystem::path default_data_folder() {
  if (char const* const state = std::getenv("XDG_STATE_HOME"); state && *state)
    return std::filesystem::path{state} / "hiky";
  char const* const home = std::getenv("HOME");
  return std::filesystem::path{home && *home ? home : "/tmp"} / ".local/state/hiky";
}

}  // namespace hiky::app
