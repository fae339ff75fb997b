// SPDX-License-Identifier: Apache-2.0
// The mail that waits for a user, for the HTTP API and hikyctl: looked at and deleted, never claimed.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "redis/client.hpp"

namespace hiky::state {

struct waiting_mail {
  std::string key;                    // where it is stored
  std::vector<std::string> messages;  // as they were written, oldest first; another program's may be no JSON
  std::int64_t dropped = 0;           // of those that had to make room, not told yet
};
task<result<waiting_mail>> list_mail(redis::client& redis, user_id user);

// How many there were. server_error: they are gone, but could not be counted.
task<result<std::int64_t>> clear_mail(redis::client& redis, user_id user);

}  // namespace hiky::state
