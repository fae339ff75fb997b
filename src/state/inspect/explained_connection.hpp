// SPDX-License-Identifier: Apache-2.0
// A connection as Redis knows it, and the lease of its instance.
#pragma once
#include <boost/json/object.hpp>

#include <cstdint>
#include <string>
#include <string_view>

#include "base/ids.hpp"
#include "base/json.hpp"
#include "redis/reply.hpp"

namespace hiky::state {

enum class lease_view { alive, ended, none };
std::string_view to_string(lease_view v);

// The lease of an instance at `now_ms`. `end` is its score in ws:instances, or empty.
struct lease_state_at {
  lease_view view = lease_view::none;
  std::int64_t left_ms = 0;  // negative: ended so long ago
};
lease_state_at lease_at(redis::value const& end, std::int64_t now_ms);

struct explained_connection {
  connection_id id;
  instance_id instance;    // empty: its JSON is poison
  std::string since;       // ISO 8601, as the instance wrote it
  std::int64_t at_ms = 0;  // Redis TIME since when it hears its rooms; 0: not known
  std::string ip_address, user_agent;
  lease_state_at lease;
  bool being_swept = false;
  bool in_flight = false;           // explain_message: the message was claimed for it and is not confirmed yet
  std::int64_t mail_in_flight = 0;  // explain_user: messages claimed for it and not confirmed yet
};

// `text`: the connection's JSON in ws:user_connections:{u}.
explained_connection read_connection(std::string_view id, std::string_view text, redis::value const& lease_end,
                                     std::int64_t now_ms);

json::object to_json(explained_connection const& c);

}  // namespace hiky::state
