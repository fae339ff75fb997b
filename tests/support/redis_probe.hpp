// SPDX-License-Identifier: Apache-2.0
// A second, independent pair of eyes on Redis: blocking, RESP2, shares no code with the client under test.
#pragma once
#include <concepts>
#include <string>
#include <string_view>
#include <vector>

namespace support {

class redis_probe {
 public:
  // Throws if nobody listens. Every answer comes within 5 s, or its call throws.
  explicit redis_probe(std::string const& socket_path, int database = 1);
  ~redis_probe();
  redis_probe(redis_probe const&) = delete;
  redis_probe& operator=(redis_probe const&) = delete;

  // One command, its answer as redis-cli --raw prints it, with `(nil)` for null and `(error) …` for errors.
  template <std::convertible_to<std::string_view>... Args>
  std::string operator()(Args const&... args) {
    return ask({std::string_view{args}...});
  }
  // One command that answers with a list, set or map.
  template <std::convertible_to<std::string_view>... Args>
  std::vector<std::string> list(Args const&... args) {
    return ask_list({std::string_view{args}...});
  }

  std::string ask(std::vector<std::string_view> const& words);
  std::vector<std::string> ask_list(std::vector<std::string_view> const& words);

 private:
  struct answer {
    std::string text;
    std::vector<std::string> items;
  };

  answer exchange(std::vector<std::string_view> const& words);
  answer read_answer();
  std::string read_line();
  std::string read_exactly(std::size_t size);
  void fill();

  int socket_ = -1;
  std::string buffer_;
};

}  // namespace support
