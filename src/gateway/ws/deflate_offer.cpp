// SPDX-License-Identifier: Apache-2.0
#include "gateway/ws/deflate_offer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "gateway/http/header_list.hpp"

namespace hiky::gateway {
namespace {

// The header's grammar (RFC 6455 section 9.1), piece by piece. Beast's ext_list does not tell a malformed list from the
// end of one.
class reader {
 public:
  explicit reader(std::string_view text) : rest_(text) { skip_spaces(); }
  bool at_end() const { return rest_.empty(); }
  bool take(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    skip_spaces();
    return true;
  }
  // A token, or a quoted string that holds one; empty when there is none.
  std::string value() {
    if (!rest_.starts_with('"')) return std::string{token()};
    std::string out;
    std::size_t at = 1;
    for (; at < rest_.size() && rest_[at] != '"'; ++at) {
      if (rest_[at] == '\\') ++at;
      if (at < rest_.size()) out += rest_[at];
    }
    if (at >= rest_.size() || !is_token(out)) return {};
    rest_.remove_prefix(at + 1);
    skip_spaces();
    return out;
  }
  // Empty when there is none.
  std::string_view token() {
    auto const end = std::ranges::find_if_not(rest_, is_token_character);
    auto const found = rest_.substr(0, static_cast<std::size_t>(end - rest_.begin()));
    rest_.remove_prefix(found.size());
    skip_spaces();
    return found;
  }

 private:
  void skip_spaces() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t"), rest_.size())); }
  std::string_view rest_;
};

// 8 to 15, written as a decimal number without leading zeros.
std::optional<std::uint8_t> window_bits(std::string_view text) {
  if (text == "8" || text == "9") return static_cast<std::uint8_t>(text[0] - '0');
  if (text.size() == 2 && text[0] == '1' && text[1] >= '0' && text[1] <= '5')
    return static_cast<std::uint8_t>(10 + text[1] - '0');
  return std::nullopt;
}

struct offer {
  bool server_context = false, client_context = false, client_window = false, refused = false;
  std::optional<std::uint8_t> window{};

  void add(std::string_view name, std::string_view value) {
    bool twice = false;
    if (name == "server_no_context_takeover" && value.empty()) {
      twice = std::exchange(server_context, true);
    } else if (name == "client_no_context_takeover" && value.empty()) {
      twice = std::exchange(client_context, true);
    } else if (name == "client_max_window_bits" && (value.empty() || window_bits(value))) {
      twice = std::exchange(client_window, true);  // a hint: we inflate with the largest window anyway
    } else if (auto const bits = name == "server_max_window_bits" ? window_bits(value) : std::nullopt) {
      twice = std::exchange(window, bits).has_value();
    } else {
      refused = true;
    }
    refused |= twice;
  }

  std::optional<deflate_terms> terms() const {
    if (refused) return std::nullopt;
    deflate_terms out{window.value_or(15),
                      "permessage-deflate; server_no_context_takeover; client_no_context_takeover"};
    if (window) out.answer += fmt::format("; server_max_window_bits={}", *window);
    return out;
  }
};

}  // namespace

std::expected<std::optional<deflate_terms>, std::string_view> accept_deflate(std::string_view offers) {
  constexpr std::string_view malformed = "Sec-WebSocket-Extensions must be a list like: name; parameter=value, name";
  reader list{offers};
  std::optional<deflate_terms> chosen;
  bool any = false;
  for (;;) {
    while (list.take(',')) {}
    if (list.at_end()) break;
    auto const name = list.token();
    if (name.empty()) return std::unexpected(malformed);
    any = true;
    offer one;
    while (list.take(';')) {
      auto const parameter = list.token();
      if (parameter.empty()) return std::unexpected(malformed);
      bool const has_value = list.take('=');
      auto const value = has_value ? list.value() : std::string{};
      if (has_value && value.empty()) return std::unexpected(malformed);
      one.add(parameter, value);
    }
    if (!chosen && name == "permessage-deflate") chosen = one.terms();
    if (!list.at_end() && !list.take(',')) return std::unexpected(malformed);
  }
  if (!any) return std::unexpected(malformed);
  return chosen;
}

}  // namespace hiky::gateway
