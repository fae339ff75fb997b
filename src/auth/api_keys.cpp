// SPDX-License-Identifier: Apache-2.0
#include "auth/api_keys.hpp"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <sys/stat.h>

#include <algorithm>

#include "auth/key_text.hpp"

namespace hiky::auth {
namespace {

constexpr std::size_t shortest_key = 16;
constexpr std::string_view blank = " \t\r";

std::string_view next_word(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(blank), line.size()));
  auto const word = line.substr(0, line.find_first_of(blank));
  line.remove_prefix(word.size());
  return word;
}

// Characters that `Authorization: Bearer` can carry (RFC 6750, token68).
bool can_be_sent(std::string_view key) {
  return std::ranges::all_of(key, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           std::string_view{"-._~+/="}.contains(c);
  });
}

constexpr std::array all_scopes{api_scope::read, api_scope::publish, api_scope::admin};

}  // namespace

std::string_view to_string(api_scope s) {
  switch (s) {
    case api_scope::read: return "read";
    case api_scope::publish: return "publish";
    case api_scope::admin: return "admin";
  }
  return "?";
}

sha256_digest api_keys::digest_of(std::string_view text) { return sha256(text); }

result<api_keys> api_keys::parse(std::string_view text) {
  api_keys out;
  for (std::size_t number = 1; !text.empty(); ++number) {
    auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    auto const wrong = [number](std::string_view what) {
      return fail(errc::invalid_argument, fmt::format("line {}: {}", number, what));
    };
    line = line.substr(0, line.find('#'));
    auto const key = next_word(line);
    if (key.empty()) continue;
    if (key.size() < shortest_key)
      return wrong("the key is shorter than 16 characters; make one with: openssl rand -hex 32");
    if (!can_be_sent(key))
      return wrong("a key consists of letters, digits and -._~+/= only; make one with: openssl rand -hex 32");
    auto scopes = next_word(line);
    if (!next_word(line).empty())
      return wrong("expected KEY [scope,scope] and nothing behind it; scopes are parted by commas without spaces");
    entry one{digest_of(key), {}};
    one.key.name = fmt::format("{:02x}{:02x}{:02x}{:02x}", one.hash[0], one.hash[1], one.hash[2], one.hash[3]);
    if (scopes.empty()) one.key.scopes = 0xff;
    while (!scopes.empty()) {
      auto const name = scopes.substr(0, scopes.find(','));
      scopes.remove_prefix(std::min(scopes.size(), name.size() + 1));
      auto const known = std::ranges::find(all_scopes, name, [](api_scope s) { return to_string(s); });
      if (known == all_scopes.end()) return wrong("an unknown scope; expected read, publish or admin");
      one.key.scopes |= static_cast<std::uint8_t>(*known);
    }
    if (std::ranges::any_of(out.entries_, [&](entry const& e) { return e.hash == one.hash; }))
      return wrong("this key stands in the file twice");
    out.entries_.push_back(std::move(one));
  }
  if (out.entries_.empty())
    return fail(errc::invalid_argument, "there is no key in it; expected one a line: KEY [scope,scope]");
  return out;
}

api_key const* api_keys::find(std::string_view presented) const {
  auto const asked = digest_of(presented);
  api_key const* found = nullptr;
  for (auto const& e : entries_) {
    if (CRYPTO_memcmp(e.hash.data(), asked.data(), asked.size()) == 0) found = &e.key;
  }
  return found;
}

result<void> api_key_file::load() {
  auto const text = key_text(place_);
  if (!text) return std::unexpected(text.error());
  auto parsed = api_keys::parse(*text);
  if (!parsed) return fail(errc::invalid_argument, fmt::format("{}: {}", place_, parsed.error().text));
  std::scoped_lock const hold{guard_};
  keys_ = std::make_shared<api_keys const>(std::move(*parsed));
  return {};
}

bool api_key_file::exposed() const {
  struct stat about{};
  return ::stat(place_.c_str(), &about) == 0 && (about.st_mode & S_IROTH) != 0;
}

std::shared_ptr<api_keys const> api_key_file::keys() const {
  std::scoped_lock const hold{guard_};
  return keys_;
}

}  // namespace hiky::auth
