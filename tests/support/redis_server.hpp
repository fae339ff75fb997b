// SPDX-License-Identifier: Apache-2.0
// A real redis-server of the test's own: on a unix socket in a fresh folder, nothing on disk, gone with the test.
#pragma once
#include <sys/types.h>

#include <string>
#include <vector>

#include "redis/address.hpp"

namespace support {

class redis_server {
 public:
  // Starts redis-server (from PATH) with `options` behind our own and waits until it answers. Throws if it does not.
  explicit redis_server(std::vector<std::string> options = {});
  ~redis_server();
  redis_server(redis_server const&) = delete;
  redis_server& operator=(redis_server const&) = delete;

  std::string socket() const { return folder_ + "/redis.sock"; }
  hiky::redis::address address(int database = 1) const;

  void kill();    // SIGKILL, and waits for its end
  void hang();    // SIGSTOP: accepts connections and bytes, answers nothing
  void resume();  // after hang()

 private:
  void wait_until_it_answers();
  void remove();

  std::string folder_;
  pid_t pid_ = -1;
};

}  // namespace support
