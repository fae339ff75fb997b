// SPDX-License-Identifier: Apache-2.0
// The table of options as CLI11 knows it. The only place that knows how each kind of option is read.
#pragma once
#include <CLI/App.hpp>

#include <memory>

#include "app/options/option.hpp"

namespace hiky::app {

// Adds `options` to `app`, and gives `into` their defaults at once; parsing gives it what is said. Both have to live as
// long as `app`.
void add_options(CLI::App& app, std::vector<option> const& options, draft& into);

// TOML, of which what the environment says is left out: CLI11 (2.1) lets the file win over the environment.
std::shared_ptr<CLI::Config> file_below_environment();

}  // namespace hiky::app
