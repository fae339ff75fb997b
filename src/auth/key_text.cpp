// SPDX-License-Identifier: Apache-2.0
#include "auth/key_text.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

namespace hiky::auth {
namespace {

constexpr std::string_view in_environment = "env:";

std::unexpected<error> unread(std::string text) { return fail(errc::invalid_argument, std::move(text)); }

result<std::string> variable_text(std::string const& name) {
  if (name.empty()) return unread("'env:' names no variable; expected env:NAME");
  char const* const value = std::getenv(name.c_str());
  if (!value)
    return unread(fmt::format("the environment has no variable {}; set it for this program, or name a file", name));
  if (!*value) return unread(fmt::format("the variable {} is empty", name));
  return std::string{value};
}

result<std::string> file_text(std::string const& path) {
  constexpr std::size_t most = 1 << 20;
  std::ifstream in{path, std::ios::binary};
  if (!in) {
    auto const why = std::strerror(errno);
    std::error_code ec;
    if (std::filesystem::exists(path, ec)) return unread(fmt::format("'{}' can't be read: {}", path, why));
    return unread("there is no such file; expected a file's name, or env:NAME of a variable that holds the text");
  }
  std::string out(most + 1, '\0');
  in.read(out.data(), static_cast<std::streamsize>(out.size()));
  if (in.bad()) return unread(fmt::format("'{}' can't be read", path));
  out.resize(static_cast<std::size_t>(in.gcount()));
  if (out.empty()) return unread(fmt::format("'{}' is empty", path));
  if (out.size() > most) return unread(fmt::format("'{}' is larger than a key file can be", path));
  return out;
}

}  // namespace

result<std::string> key_text(std::string const& place) {
  return place.starts_with(in_environment) ? variable_text(place.substr(in_environment.size())) : file_text(place);
}

}  // namespace hiky::auth
