// SPDX-License-Identifier: Apache-2.0
// The commands of hikyctl, one coroutine each. Ids have been checked. What they need of the command line comes by
// value; `session` outlives them.
#pragma once
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "app/ctl/report.hpp"
#include "app/ctl/session.hpp"
#include "base/ids.hpp"
#include "directory/editable_directory.hpp"
#include "state/inspect/explain.hpp"
#include "state/inspect/fsck.hpp"

namespace hiky::ctl {

using outcome = task<result<report>>;

// overview.cpp
outcome status(session& s);
outcome health(session& s);
report unhealthy(error const& why);
outcome info(session& s);
outcome cleanup(session& s);

// tail.cpp
struct tail_question {
  room_id room;
  std::size_t backlog = 10;  // messages of the past to begin with
  std::size_t most = 0;      // then it ends; 0 = never
  bool events = false;       // also who types, joins, leaves and goes
};
outcome tail(session& s, tail_question how);

// top.cpp
struct top_question {
  std::size_t samples = 0;  // then it ends; 0 = never
  std::chrono::milliseconds interval{1000};
};
outcome top(session& s, top_question how);

// fsck.cpp
outcome fsck(session& s, state::fsck_question how);

// explain.cpp
outcome instances(session& s);
outcome explain_user(session& s, user_id who);
outcome explain_message(session& s, state::message_question about);

// people.cpp
outcome online(session& s, bool count_only);
outcome clients(session& s);
outcome typing(session& s);
outcome user(session& s, user_id who);
outcome disconnect(session& s, user_id who, std::chrono::seconds ban);
outcome pardon(session& s, user_id who);

// queue.cpp
outcome queue(session& s, user_id who);
outcome clear_queue(session& s, user_id who);

// rooms.cpp
outcome rooms(session& s);
outcome room(session& s, room_id which);
outcome add_members(session& s, room_id which, std::vector<user_id> who);
outcome remove_members(session& s, room_id which, std::vector<user_id> who);

// send.cpp
struct letter {
  room_id room;
  std::optional<user_id> from{};  // a member of the room; without it the message is from `system_sender`
  std::string content;            // JSON text
};
inline constexpr std::string_view system_sender = "hikyctl";
outcome send(session& s, letter what);

// directory.cpp
outcome add_user(session& s, directory::profile_change change);
outcome remove_user(session& s, user_id who);
outcome add_friend(session& s, user_id one, user_id other);
outcome remove_friend(session& s, user_id one, user_id other);

}  // namespace hiky::ctl
