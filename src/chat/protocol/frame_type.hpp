// SPDX-License-Identifier: Apache-2.0
// The types of the frames that clients get. A frame carries its own as its tag, so that what is sent can be counted
// without a look into it.
#pragma once
#include <array>
#include <cstdint>
#include <string_view>

#include "base/shared_frame.hpp"

namespace hiky::chat {

// By how often they come, since they are looked for in this order. `application`: of the application's own, whatever it
// says it is.
inline constexpr std::array<std::string_view, 24> frame_types{
    "application",  "message",    "messageAck",   "typing",          "friendOnline", "friendOffline",
    "userOffline",  "userOnline", "userJoined",   "userLeft",        "presence",     "error",
    "registered",   "joinedRoom", "leftRoom",     "roomAdded",       "roomRemoved",  "pong",
    "onlineStatus", "history",    "participants", "offlineMessages", "refreshed",    "gap"};

// The place in frame_types of what a frame of ours says it is: our JSON begins with the type.
constexpr std::uint8_t tag_of(std::string_view json) {
  constexpr std::string_view before{"{\"type\":\""};
  if (!json.starts_with(before)) return 0;
  json.remove_prefix(before.size());
  auto const type = json.substr(0, json.find('"'));
  for (std::size_t i = 1; i < frame_types.size(); ++i) {
    if (frame_types[i] == type) return static_cast<std::uint8_t>(i);
  }
  return 0;
}

inline frame_ptr text_frame(std::string_view json) { return shared_frame::make(json, 0x81, tag_of(json)); }

}  // namespace hiky::chat
