// SPDX-License-Identifier: Apache-2.0
// A Lua script that Redis runs as one step (EVALSHA; EVAL once where Redis does not know it yet).
#pragma once
#include <span>
#include <string>
#include <string_view>

#include "redis/client.hpp"

namespace hiky::redis {

class script {
 public:
  explicit script(std::string_view text);

  // Starts a call; the caller appends `keys` many arg()s, and then `arguments` many. `bytes`: of what is unusually
  // large among them.
  request call(std::size_t keys, std::size_t arguments, std::size_t bytes) const;
  // The same with its keys; the caller appends `arguments` many arg()s.
  request call(std::span<std::string const> keys, std::size_t arguments) const;
  // Runs a call made by call(). Loads the script on NOSCRIPT (restart, SCRIPT FLUSH, a new replica) and tries once
  // more.
  task<result<reply>> run(client& redis, request prepared) const;

  std::string const& sha1() const { return sha1_; }

 private:
  std::string_view text_;  // static storage: scripts are embedded in the binary
  std::string sha1_;
};

}  // namespace hiky::redis
