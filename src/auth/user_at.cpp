// SPDX-License-Identifier: Apache-2.0
#include "auth/user_at.hpp"

#include <fmt/format.h>

namespace hiky::auth {
namespace {

json::value const* member_at(json::object const& document, std::string_view path) {
  auto const* in = &document;
  while (in) {
    auto end = path.size();
    auto const* found = in->if_contains(path);
    while (!found) {
      auto const dot = path.substr(0, end).rfind('.');
      if (dot == std::string_view::npos) return nullptr;
      end = dot;
      found = in->if_contains(path.substr(0, end));
    }
    if (end == path.size()) return found;
    path.remove_prefix(end + 1);
    in = found->if_object();
  }
  return nullptr;
}

}  // namespace

std::expected<std::optional<user_id>, std::string> user_at(json::object const& document, std::string_view path) {
  auto const* const at = member_at(document, path);
  if (!at || at->is_null()) return std::nullopt;
  std::string user;
  if (at->is_string()) user = at->get_string();
  else if (at->is_int64()) user = fmt::to_string(at->get_int64());
  else if (at->is_uint64()) user = fmt::to_string(at->get_uint64());
  else return std::unexpected(fmt::format("what stands at {} is neither a string nor a whole number", path));
  if (auto const fault = id_fault(user)) return std::unexpected(fmt::format("its user id {}", *fault));
  return user_id{std::move(user)};
}

}  // namespace hiky::auth
