// SPDX-License-Identifier: Apache-2.0
#include "state/ask.hpp"

#include <fmt/format.h>

namespace hiky::state {
namespace {

std::unexpected<error> not_a(std::string_view expected) {
  return fail(errc::unexpected_reply, fmt::format("Redis answered with something that is not {}", expected));
}

}  // namespace

error in_context(error e, std::string_view command, std::string_view key) {
  // Behind the text, not before it: Redis puts its own code first (WRONGTYPE, OOM, …), and readers look for it there.
  e.text += key.empty() ? fmt::format(" ({})", command) : fmt::format(" ({} {})", command, key);
  return e;
}

result<void> read(redis::value const&, std::type_identity<void>) { return {}; }

result<bool> read(redis::value const& v, std::type_identity<bool>) {
  if (!v.is_integer()) return not_a("a number");
  return v.integer() != 0;
}

result<std::size_t> read(redis::value const& v, std::type_identity<std::size_t>) {
  if (!v.is_integer() || v.integer() < 0) return not_a("a count");
  return static_cast<std::size_t>(v.integer());
}

result<std::string> read(redis::value const& v, std::type_identity<std::string>) {
  if (v.is_null() || v.is_aggregate()) return not_a("a text");
  return std::string{v.text()};
}

result<std::optional<std::string>> read(redis::value const& v, std::type_identity<std::optional<std::string>>) {
  if (v.is_aggregate()) return not_a("a text or nothing");
  return v.string();
}

result<std::vector<std::string>> read(redis::value const& v, std::type_identity<std::vector<std::string>>) {
  if (!v.is_aggregate()) return not_a("a list");
  return v.strings();
}

result<string_pairs> read(redis::value const& v, std::type_identity<string_pairs>) {
  if (!v.is_aggregate()) return not_a("a map");
  return v.pairs();
}

}  // namespace hiky::state
