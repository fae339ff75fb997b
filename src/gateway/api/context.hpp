// SPDX-License-Identifier: Apache-2.0
// The parts of a worker that the API needs. Everything here outlives every request.
#pragma once
#include <cstddef>

#include "auth/api_keys.hpp"
#include "chat/counters.hpp"
#include "chat/hub.hpp"
#include "directory/directory.hpp"
#include "gateway/door/api_limits.hpp"
#include "redis/client.hpp"
#include "state/chat/store.hpp"

namespace hiky::gateway {

struct api_context {
  redis::client& redis;  // of the WebSocket database
  state::store& store;
  directory::directory& people;
  chat::hub const& hub;
  api_limits& limits;
  chat::counters& count;
  auth::api_key_file const* keys;  // nullptr: the API is closed
  std::size_t max_message;         // bytes
  state::room_log_limits room_log;
};

}  // namespace hiky::gateway
