// SPDX-License-Identifier: Apache-2.0
// Commands on their way to Redis, already in RESP (https://redis.io/docs/latest/develop/reference/protocol-spec/).
#pragma once
#include <charconv>
#include <concepts>
#include <string>
#include <string_view>

namespace hiky::redis {

class request {
 public:
  request() = default;
  template <class... Args>
  explicit request(std::string_view command, Args const&... args) {
    add(command, args...);
  }

  // Appends one command; arguments are strings, ids or integers.
  template <class... Args>
  request& add(std::string_view command, Args const&... args) {
    begin(1 + sizeof...(args));
    arg(command);
    (arg(args), ...);
    return *this;
  }

  // For commands whose number of arguments is known at run time only: begin(n), then n times arg().
  request& begin(std::size_t arguments) {
    ++commands_;
    prefixed('*', arguments);
    return *this;
  }
  request& arg(std::string_view text) {
    prefixed('$', text.size());
    payload_.append(text).append("\r\n");
    return *this;
  }
  request& arg(std::integral auto number) {
    char digits[24];
    auto const end = std::to_chars(digits, digits + sizeof digits, number).ptr;
    return arg(std::string_view{digits, static_cast<std::size_t>(end - digits)});
  }

  std::size_t commands() const { return commands_; }
  std::string const& payload() const { return payload_; }

 private:
  void prefixed(char kind, std::size_t number) {
    char text[24];
    text[0] = kind;
    auto* end = std::to_chars(text + 1, text + 22, number).ptr;
    *end++ = '\r';
    *end++ = '\n';
    payload_.append(text, end);
  }

  std::string payload_;
  std::size_t commands_ = 0;
};

}  // namespace hiky::redis
