// SPDX-License-Identifier: Apache-2.0
// When a message came from its client, as text that goes through Redis with it. Good in the process that wrote it,
// whose clock it is of.
#pragma once
#include <chrono>
#include <string>
#include <string_view>

namespace hiky::chat {

std::string arrival_text(std::chrono::steady_clock::time_point came);
// The epoch of the clock when the text is of another process, or none.
std::chrono::steady_clock::time_point arrival_of(std::string_view text);

}  // namespace hiky::chat
