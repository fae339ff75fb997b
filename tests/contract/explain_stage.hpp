// SPDX-License-Identifier: Apache-2.0
// Users who connect, join and speak, and what is explained of their messages.
#pragma once
#include <chrono>
#include <stdexcept>
#include <string>

#include "state/chat/store.hpp"
#include "state/inspect/explain_message.hpp"
#include "support/with_redis.hpp"

namespace contract {

using namespace hiky;
using namespace std::chrono_literals;

class explain : public support::with_redis {
 protected:
  explain() { ok(store.leases.renew(chat_1, 15s, true)); }

  void connect(char const* user, char const* connection, instance_id instance) {
    ok(store.connections.add(
        {connection_id{connection}, instance, user_id{user}, "2026-01-31T12:00:00.000Z", "192.0.2.1", "probe"}, {}));
  }
  void disconnect(char const* user, char const* connection) {
    ok(store.connections.remove(connection_id{connection}, chat_1, user_id{user}));
  }
  // alice (connection c.1) and bob (c.2) are in tea.
  void two_in_tea() {
    connect("alice", "c.1", chat_1);
    connect("bob", "c.2", chat_1);
    join("alice", "tea"), join("bob", "tea");
  }
  void join(char const* user, char const* room) {
    ok(store.members.join(user_id{user}, room_id{room}, connection_id{}, 10));
  }
  std::string say(char const* user, char const* room, char const* connection = "c.1") {
    events.run_for(3ms);  // connections that began before did so in an earlier millisecond
    return ok(store.room_log.publish({room_id{room}, user_id{user}, connection_id{connection}, "\"tea?\"", {}}))
        .message_id;
  }
  state::recipient fate_of(std::string const& message, char const* user) {
    auto all = ok(state::explain_message(redis, {message, {}, {}}));
    for (auto const& r : all.recipients) {
      if (r.user == user_id{user}) return r;
    }
    throw std::runtime_error("no such recipient");
  }

  instance_id const chat_1{"chat-1"}, chat_2{"chat-2"};
  state::store store{redis, 1};
};

}  // namespace contract
