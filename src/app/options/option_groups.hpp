// SPDX-License-Identifier: Apache-2.0
// The table of options in three parts, so that each can be read at one go. daemon_options() puts them together.
#pragma once
#include <span>

#include "app/options/option.hpp"

namespace hiky::app {

std::span<option const> network_options();    // Network, Redis
std::span<option const> identity_options();   // Identity, and the databases that only it needs
std::span<option const> operation_options();  // Limits, Operation, Help

}  // namespace hiky::app
