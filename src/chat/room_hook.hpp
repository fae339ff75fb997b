// SPDX-License-Identifier: Apache-2.0
// Asks the application, over HTTP, whether somebody may enter a room. Answers are kept in Redis for a while, for all
// instances. An answer that is no clear yes or no is an error: nobody is let in on a guess. A user who asks for many
// rooms waits for the next question, so that one client is no flood for the application.
#pragma once

#include <chrono>
#include <string>

#include "base/http_fetch.hpp"
#include "base/ids.hpp"
#include "chat/counters.hpp"
#include "chat/user_rates.hpp"
#include "redis/client.hpp"

namespace hiky::chat {

struct room_hook_settings {
  web_address where;
  std::string key;  // sent as `Authorization: Bearer`, unless empty
  std::chrono::milliseconds patience{2'000};
  std::chrono::seconds life{30};  // of a yes in the cache; a no is forgotten sooner. 0: nothing is kept
  std::size_t at_once = 128;      // questions under way, of one worker
};

class room_hook {
 public:
  // `cache`: the server and the database.
  room_hook(asio::any_io_executor executor, room_hook_settings settings, redis::address cache, user_rates& rates,
            counters& count);
  ~room_hook() { cache_.stop(); }
  // POST {"userId", "roomId", "action": "join"}: 200 and 204 are yes, 403 is no. Everything else is an error, as are
  // too many questions at once.
  task<result<bool>> may_join(user_id user, room_id room);
  redis::counters const& cache_counts() const { return cache_.counts(); }

 private:
  task<result<bool>> ask(user_id user, room_id room);
  task<bool> may_ask(user_id const& user);

  asio::any_io_executor executor_;
  room_hook_settings settings_;
  http_client application_;
  redis::client cache_;
  user_rates& rates_;
  counters& count_;
  std::size_t asking_ = 0;
};

}  // namespace hiky::chat
