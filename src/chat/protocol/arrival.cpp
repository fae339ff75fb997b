// SPDX-License-Identifier: Apache-2.0
#include "chat/protocol/arrival.hpp"

#include <fmt/format.h>

#include <charconv>
#include <random>

namespace hiky::chat {

using std::chrono::steady_clock;

namespace {

// Other processes' clocks have another beginning, or another host.
std::string const& own() {
  static auto const text = fmt::format("{:08x}.", std::random_device{}());
  return text;
}

}  // namespace

std::string arrival_text(steady_clock::time_point came) {
  return fmt::format("{}{:x}", own(), came.time_since_epoch() / std::chrono::nanoseconds{1});
}

steady_clock::time_point arrival_of(std::string_view text) {
  if (!text.starts_with(own())) return {};
  text.remove_prefix(own().size());
  std::int64_t ns = 0;
  auto const [end, fault] = std::from_chars(text.data(), text.data() + text.size(), ns, 16);
  if (fault != std::errc{} || end != text.data() + text.size()) return {};
  return steady_clock::time_point{std::chrono::nanoseconds{ns}};
}

}  // namespace hiky::chat
