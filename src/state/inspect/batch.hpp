// SPDX-License-Identifier: Apache-2.0
// Questions of an operator that need many commands at once, or a walk over many keys.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/async.hpp"
#include "base/error.hpp"
#include "redis/client.hpp"

namespace hiky::state {

// Commands that go together in one round trip, so that a failure can name its command and key.
class batch {
 public:
  template <class... Args>
  batch& add(std::string_view command, std::string_view key, Args const&... args) {
    request_.add(command, key, args...);
    names_.emplace_back(command, key);
    return *this;
  }
  friend task<result<redis::reply>> all_of(redis::client& redis, batch commands);

 private:
  redis::request request_;
  std::vector<std::pair<std::string, std::string>> names_;
};

// server_error when one of the commands failed.
task<result<redis::reply>> all_of(redis::client& redis, batch commands);

// All keys that match `pattern`, each once, sorted. SCAN: what is added or removed meanwhile may or may not be there.
task<result<std::vector<std::string>>> scan(redis::client& redis, std::string pattern);

// The sizes of `keys`, in their order, as `command` gives them (SCARD, LLEN, HLEN). A key of another type has size -1.
task<result<std::vector<std::int64_t>>> sizes(redis::client& redis, std::string_view command,
                                              std::vector<std::string> keys);

}  // namespace hiky::state
