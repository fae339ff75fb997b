// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <filesystem>

namespace hiky::app {

// $XDG_STATE_HOME/hiky, or ~/.local/state/hiky.
std::filesystem::path default_data_folder();

}  // namespace hiky::app
