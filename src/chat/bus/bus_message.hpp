// SPDX-License-Identifier: Apache-2.0
// What travels between instances through Redis channels, as the scripts write it: a header line, then a frame's JSON.
//   room channel      m CONNECTION MESSAGE_ID   a message; not for CONNECTION. Behind it, perhaps, when it came from
//   its client (arrival.hpp)
//                     t USER                    typing; not for USER
//                     j USER                    joined; for extended sessions that joined
//                     l TIME_MS USER            left (whose sessions hear the room no more, if they heard it then); the
//                     same o USER                    offline b USER[US USER]…          back, each after an `o`; for
//                     extended sessions. US is the unit separator, U+001F, which no id holds g messages are lost for
//                     good; for extended sessions
//   instance channel  c NUMBER                  a canary: shows that the subscriber still hears
//                     f USER                    a frame of the application, for all connections of USER
//                     u USER                    the same, which slow readers may miss
//                     U USER                    like u, for extended sessions only
//                     w USER                    mail waits for USER, who is online
//                     k USER                    ends connections of USER: the second line is CODE CONNECTION REASON,
//                     and CONNECTION * is all a USER                    USER takes part in a room: the second line is
//                     TIME_MS EPOCH SEQ ROOM, where the room stood then
#pragma once
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/shared_frame.hpp"
#include "state/chat/room_log.hpp"

namespace hiky::chat {

struct bus_message {
  char kind = 0;  // `r`, which only the bus itself says: the instance channel is heard from now on
  std::string room;  // of room channels, and of `a`
  std::string subject;  // the USER, or for `m` the CONNECTION
  std::string message_id;  // of `m`
  std::uint64_t seq = 0;  // of `m`, as in message_id; of `r`, what `bus::compared` is to be told
  frame_ptr frame;
  struct ending {
    std::uint16_t code;
    std::string connection;  // empty: all of the user's
    std::string reason;
  };
  std::optional<ending> end{};  // of `k`
  struct entry {
    std::int64_t at_ms = 0;  // Redis TIME
    state::message_place place;
  };
  std::optional<entry> entered{};  // of `a`
  std::int64_t left_ms = 0;  // of `l`, Redis TIME
  std::vector<bus_message> parts{};  // of `b`: one for each user, with a subject and a frame
  std::chrono::steady_clock::time_point came{};  // of `m`, when it came to this process from a client of its own
};

// `room` is empty for an instance channel. Nothing when the payload is not of these forms.
std::optional<bus_message> parse_bus_message(std::string_view room, std::string_view payload);

}  // namespace hiky::chat
