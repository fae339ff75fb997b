// SPDX-License-Identifier: Apache-2.0
// The wire between instances: what scripts and state/chat publish on Redis's channels, and chat/bus reads. A text is a
// header line, which is a letter, a space and what stands beside the letter here; then a frame's JSON, unless something
// else is said here. No other file spells a letter: where a script says `bus.NAME`, the build puts this table's letter
// and the space, as a literal (cmake/embed_files.cmake).
// Two versions of hikyd share one Redis during an upgrade, so no letter ever gets another meaning.
#pragma once
#include <string>

namespace hiky::state {

enum class bus_letter : char {
  // On the channel of a room.
  message = 'm',  // CONNECTION MESSAGE_ID, perhaps ARRIVAL (chat/protocol/arrival.hpp): a message; not for CONNECTION
  typing = 't',  // USER types, or types no more; not for USER
  joined = 'j',  // USER joined; for extended sessions that joined
  left = 'l',  // TIME_MS USER left: sessions of USER that took part at that time take part no more; the same readers
  offline = 'o',  // USER is offline; not for USER
  back = 'b',  // USER[US USER]…, no frame: back, each after an `offline`; for extended sessions. US: bus_separator

  // On the channel of an instance.
  canary = 'c',  // NUMBER, no frame: shows that the subscription lives
  application = 'f',  // USER: a frame of the application, for all connections of USER
  friend_online = 'u',  // USER: a friend of USER is online; slow readers may miss it
  friend_offline = 'U',  // USER: the same of a friend who is offline; for extended sessions
  mail = 'w',  // USER, no frame: mail waits for USER, who is online
  ending = 'k',  // USER, then CODE CONNECTION REASON: connections of USER end; all, where CONNECTION is *
  entry = 'a',  // USER, then TIME_MS EPOCH SEQ ROOM: USER takes part in ROOM since then, when it stood there
};

inline constexpr char bus_separator = '\x1f';  // U+001F, which no id holds

// The beginning of a header line: the letter and the space.
inline std::string bus_start(bus_letter letter) { return {static_cast<char>(letter), ' '}; }

}  // namespace hiky::state
