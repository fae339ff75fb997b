// SPDX-License-Identifier: Apache-2.0
// The news that the bus has for workers: one type for each kind. Most of it travels between instances as text
// (state/chat/bus_letters.hpp); `gap` and `interrupted` the bus itself says.
#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/shared_frame.hpp"
#include "state/chat/room_log.hpp"

namespace hiky::chat {

namespace notice {

// Of a room.

// For all that take part in the room, but for the connection that sent it.
struct message {
  std::string room;
  std::string connection;
  state::message_place place;
  frame_ptr frame;
  std::chrono::steady_clock::time_point came{};  // when a client of this process sent it; else the clock's epoch
};
// Messages are lost for good; for extended sessions.
struct gap {
  std::string room;
  frame_ptr frame;
};
// Not for the user.
struct typing {
  std::string room, user;
  frame_ptr frame;
};
// Not for the user.
struct offline {
  std::string room, user;
  frame_ptr frame;
};
// For extended sessions that joined the room.
struct joined {
  std::string room, user;
  frame_ptr frame;
};
// The same; and the user's sessions take part no more, if they did at that time.
struct left {
  std::string room, user;
  frame_ptr frame;
  std::int64_t at_ms = 0;  // Redis TIME
};
// Users who are back, each after an `offline`; for extended sessions, and each frame not for its own user.
struct back {
  struct one {
    std::string user;
    frame_ptr frame;
  };
  std::string room;
  std::vector<one> users;
};

// Of an instance.

// A frame of the application, for all connections of the user.
struct application {
  std::string user;
  frame_ptr frame;
};
// A friend of the user came or went; slow readers may miss it, and the second is for extended sessions only.
struct friend_change {
  std::string user;
  frame_ptr frame;
  bool online = false;
};
// Mail waits for the user, who is online.
struct mail {
  std::string user;
};
// Connections of the user end.
struct ending {
  std::string user{};
  std::uint16_t code = 0;
  std::string connection{};  // empty: all of the user's
  std::string reason{};
};
// The user takes part in the room since then, when the room stood at `place`.
struct entry {
  std::string user, room;
  std::int64_t at_ms = 0;  // Redis TIME
  state::message_place place{};
};
// The instance's subscription lives. No worker is given it.
struct canary {};
// The instance is subscribed to its channel from now on; what was said before may have come to nobody.
struct interrupted {
  std::uint64_t generation = 0;  // what `bus::compared` is to be told
};

}  // namespace notice

struct bus_message : std::variant<notice::message, notice::typing, notice::joined, notice::left, notice::offline,
                                  notice::back, notice::gap, notice::application, notice::friend_change, notice::mail,
                                  notice::ending, notice::entry, notice::canary, notice::interrupted> {
  using variant::variant;
};

// `room` is empty for an instance's channel. Nothing when the text is none of the table's.
std::optional<bus_message> parse_bus_message(std::string_view room, std::string_view text);

}  // namespace hiky::chat
