// SPDX-License-Identifier: Apache-2.0
// Commands on their way to Redis, already in RESP (https://redis.io/docs/latest/develop/reference/protocol-spec/).
#pragma once
#include <charconv>
#include <concepts>
#include <cstring>
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
    words_ += arguments;
    head const count{'*', arguments};
    payload_.append(count.text, count.size);
    return *this;
  }
  request& arg(std::string_view text) { return arg(text, {}); }
  // One argument in two parts, like the prefix of a key and an id.
  request& arg(std::string_view text, std::string_view rest) {
    // One step instead of four appends: a publish has two dozen arguments.
    head const length{'$', text.size() + rest.size()};
    auto const before = payload_.size(), begin = before + length.size;
    auto const after = begin + text.size() + rest.size() + 2;
    // libstdc++ 12 gives the callback the capacity, not the size that was asked for.
    payload_.resize_and_overwrite(after, [&](char* out, std::size_t) {
      std::memcpy(out + before, length.text, length.size);
      text.copy(out + begin, text.size());
      rest.copy(out + begin + text.size(), rest.size());
      std::string_view{"\r\n"}.copy(out + after - 2, 2);
      return after;
    });
    return *this;
  }
  request& arg(std::integral auto number) {
    char digits[24];
    auto const end = std::to_chars(digits, digits + sizeof digits, number).ptr;
    return arg(std::string_view{digits, static_cast<std::size_t>(end - digits)});
  }

  // Room for `bytes` more, where the caller has an idea.
  void reserve(std::size_t bytes) { payload_.reserve(payload_.size() + bytes); }

  std::size_t commands() const { return commands_; }
  std::size_t words() const { return words_; }  // commands and arguments
  std::string const& payload() const { return payload_; }

 private:
  struct head {
    head(char kind, std::size_t number) {
      text[0] = kind;
      auto* end = std::to_chars(text + 1, text + 22, number).ptr;
      *end++ = '\r';
      *end++ = '\n';
      size = static_cast<std::size_t>(end - text);
    }
    char text[24];
    std::size_t size;
  };

  std::string payload_;
  std::size_t commands_ = 0, words_ = 0;
};

}  // namespace hiky::redis
