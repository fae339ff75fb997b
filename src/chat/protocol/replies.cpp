// SPDX-License-Identifier: Apache-2.0
// The writing half of protocol.hpp.
#include <fmt/format.h>

#include "base/clock.hpp"
#include "base/json.hpp"
#include "chat/protocol/frame_object.hpp"
#include "chat/protocol/protocol.hpp"
#include "directory/foreign_text.hpp"

namespace hiky::chat {
namespace {

void write_profile(std::string& out, directory::profile const& p) {
  out += "{\"id\":";
  append_json_string(out, p.id);
  out += ",\"username\":";
  append_json_string(out, p.username);
  out += ",\"name\":";
  append_json_string(out, p.name);
  out += ",\"profileImage\":";
  append_json_string(out, p.profile_image);
}

std::optional<std::string> moment(std::optional<std::chrono::sys_seconds> when) {
  return when ? std::optional{iso8601(*when)} : std::nullopt;
}

constexpr auto write_json = [](std::string& out, std::string_view text) { out += text; };
constexpr auto write_id = [](std::string& out, auto const& id) {
  append_json_string(out, directory::mended_utf8(id.str()));
};  // other programs write them, too

}  // namespace

std::string_view to_string(error_code code) {
  switch (code) {
    case error_code::bad_json: return "bad_json";
    case error_code::unknown_type: return "unknown_type";
    case error_code::invalid_argument: return "invalid_argument";
    case error_code::not_registered: return "not_registered";
    case error_code::unauthorized: return "unauthorized";
    case error_code::forbidden: return "forbidden";
    case error_code::not_member: return "not_member";
    case error_code::conflict: return "conflict";
    case error_code::too_large: return "too_large";
    case error_code::rate_limited: return "rate_limited";
    case error_code::unavailable: return "unavailable";
    case error_code::internal: return "internal";
  }
  return "internal";
}

std::string registered(std::optional<std::string> const& id, user_id const& user, connection_id const& connection,
                       std::vector<room_id> const& rooms, std::vector<recovery> const& resumed,
                       std::optional<std::chrono::sys_seconds> expiry, std::string_view more) {
  std::string recoveries{"{"};
  for (auto const& r : resumed) {
    if (recoveries.size() > 1) recoveries += ',';
    append_json_string(recoveries, r.room);
    recoveries += fmt::format(R"(:{{"recovered":{},"count":{}}})", r.recovered, r.count);
  }
  recoveries += '}';
  return frame_object{"registered"}
      .text("id", id)
      .text("userId", std::string_view{user})
      .text("connectionId", std::string_view{connection})
      .list("rooms", rooms, write_id)
      .raw_if(!resumed.empty(), "resumed", recoveries)
      .text("expiresAt", moment(expiry))
      .members(more)
      .done();
}

std::string refreshed(std::optional<std::string> const& id, std::optional<std::chrono::sys_seconds> expiry) {
  return frame_object{"refreshed"}.text("id", id).text("expiresAt", moment(expiry)).done();
}

std::string joined_room(std::optional<std::string> const& id, room_id const& room,
                        std::vector<user_id> const& participants, std::int64_t count, recovery const* since) {
  frame_object out{"joinedRoom", 96 + 24 * participants.size()};
  out.text("id", id)
      .text("roomId", std::string_view{room})
      .list("participants", participants, write_id)
      .number("participantCount", count)
      .flag("truncated", count > static_cast<std::int64_t>(participants.size()));
  if (since) out.list("messages", since->messages, write_json).flag("recovered", since->recovered);
  return out.done();
}

std::string gap(recovery const& lost) {
  frame_object out{"gap"};
  out.text("roomId", std::string_view{lost.room});
  if (lost.lost_from > 0)
    out.number("from", static_cast<std::int64_t>(lost.lost_from)).number("to", static_cast<std::int64_t>(lost.lost_to));
  return out.done();
}

std::string history(std::optional<std::string> const& id, room_id const& room, std::vector<std::string> const& messages,
                    bool complete) {
  return frame_object{"history"}
      .text("id", id)
      .text("roomId", std::string_view{room})
      .list("messages", messages, write_json)
      .flag("complete", complete)
      .done();
}

std::string left_room(std::optional<std::string> const& id, room_id const& room) {
  return frame_object{"leftRoom"}.text("id", id).text("roomId", std::string_view{room}).done();
}

std::string room_added(room_id const& room) {
  return frame_object{"roomAdded"}.text("roomId", std::string_view{room}).done();
}
std::string room_removed(room_id const& room) {
  return frame_object{"roomRemoved"}.text("roomId", std::string_view{room}).done();
}

std::string message_ack(std::string const& id, room_id const& room, std::string_view message_id,
                        std::string_view timestamp, bool duplicate) {
  frame_object out{"messageAck"};
  out.text("id", std::string_view{id})
      .text("roomId", std::string_view{room})
      .text("messageId", message_id)
      .text("timestamp", timestamp);
  if (duplicate) out.flag("duplicate", true);
  return out.done();
}

std::string online_status(std::optional<std::string> const& id, std::vector<friend_status> const& friends) {
  return frame_object{"onlineStatus", 64 + 96 * friends.size()}
      .text("id", id)
      .list("friends", friends,
            [](std::string& out, friend_status const& f) {
              write_profile(out, f.who);
              out += f.online ? ",\"isOnline\":true}" : ",\"isOnline\":false}";
            })
      .done();
}

std::string participants(std::optional<std::string> const& id, room_id const& room, state::list_page const& page) {
  frame_object out{"participants", 96 + 24 * page.items.size()};
  out.text("id", id)
      .text("roomId", std::string_view{room})
      .list("participants", page.items,
            [](std::string& text, state::list_page::entry const& e) {
              append_json_string(text, directory::mended_utf8(e.id));
            })
      .number("participantCount", static_cast<std::int64_t>(page.count));
  if (!page.next.empty()) out.text("cursor", std::string_view{state::make_cursor(page.next)});
  return out.done();
}

std::string presence(std::optional<std::string> const& id, std::span<user_presence const> users) {
  return frame_object{"presence", 64 + 64 * users.size()}
      .text("id", id)
      .list("users", users,
            [](std::string& text, user_presence const& u) {
              text += "{\"id\":";
              append_json_string(text, u.user);
              text += u.online ? ",\"isOnline\":true" : ",\"isOnline\":false";
              if (!u.last_seen.empty()) {
                text += ",\"lastSeen\":";
                append_json_string(text, directory::mended_utf8(u.last_seen));
              }
              text += '}';
            })
      .done();
}

std::string offline_messages(std::span<std::string_view const> messages, std::int64_t dropped) {
  frame_object out{"offlineMessages"};
  out.number("count", static_cast<std::int64_t>(messages.size())).list("messages", messages, write_json);
  if (dropped > 0) out.number("dropped", dropped);
  return out.done();
}

std::string friend_online(directory::profile const& user) {
  std::string profile;
  write_profile(profile, user);
  profile += '}';
  return frame_object{"friendOnline", 64 + profile.size()}
      .text("userId", std::string_view{user.id})
      .raw("user", profile)
      .done();
}

std::string friend_offline(user_id const& user, std::string_view last_seen) {
  return frame_object{"friendOffline"}.text("userId", std::string_view{user}).text("lastSeen", last_seen).done();
}

std::string user_online(std::string_view user, std::string_view room) {
  return frame_object{"userOnline"}.text("userId", user).text("roomId", room).done();
}

std::string pong(std::optional<std::string> const& id) { return frame_object{"pong"}.text("id", id).done(); }

std::string error_frame(refusal const& why) {
  frame_object out{"error"};
  out.text("message", std::string_view{why.message}).text("code", to_string(why.code)).text("id", why.id);
  if (why.code == error_code::unavailable || why.code == error_code::rate_limited) out.flag("retryable", true);
  return out.done();
}

}  // namespace hiky::chat
