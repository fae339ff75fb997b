// SPDX-License-Identifier: Apache-2.0
// Every frame of the chat protocol: what clients send as structs, what we send as JSON text.
// Pure: no Redis, no sockets. The types and fields are the document's; docs/protocol.md marks what we add.
#pragma once
#include <chrono>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/ids.hpp"
#include "directory/directory.hpp"
#include "state/chat/mailbox.hpp"
#include "state/chat/room_log.hpp"
#include "state/page.hpp"

namespace hiky::chat {

// Codes of the `error` frame.
enum class error_code {
  bad_json,
  unknown_type,
  invalid_argument,
  not_registered,
  unauthorized,
  forbidden,
  not_member,
  conflict,
  too_large,
  rate_limited,
  unavailable,
  internal,
};
std::string_view to_string(error_code code);

// Why a request was refused, ready to be told: the frame's `code`, `message`, `id` and `retryable`.
struct refusal {
  error_code code{};
  std::string message;
  std::optional<std::string> id{};
};

// Requests of clients. `id` and `userId` stand in `request`.
struct register_request {
  std::string token;
  bool extended = false;  // asked for frames the document does not have: `events`, `ack` or `resume`
  bool acks = false;      // will confirm offline mail with offlineAck
  bool newest_first = false;  // offline mail in the document's order
  std::vector<std::pair<room_id, std::string>> resume{};  // room → last messageId the client has
  std::optional<connection_id> earlier{};  // its connection before this one, which gave it those
};
struct join_room {
  room_id room;
  std::optional<std::string> since;  // last messageId the client has
};
struct leave_room {
  room_id room;
};
struct send_message {
  room_id room;
  std::string content;  // JSON text, as the client wrote it
  std::optional<std::string> client_msg_id;
};
struct set_typing {
  room_id room;
  bool on = false;
};
struct get_online_status {
  std::optional<std::vector<user_id>> users;
};
struct get_history {
  room_id room;
  std::optional<std::string> before, after;  // messageId; neither: the latest
  std::size_t limit = 50;
};
struct get_participants {
  room_id room;
  std::string from;  // where the page begins, as the cursor of the page before says; empty: at the beginning
  std::size_t limit = 500;
};
struct watch_presence {
  std::vector<user_id> users;
};
struct refresh_identity {
  std::string token;
};
struct offline_ack {
  std::optional<std::string> up_to;  // messageId; all, if absent
};
struct ping {};

struct request {
  std::optional<std::string> id;
  std::optional<user_id> user;
  std::variant<register_request, join_room, leave_room, send_message, set_typing, get_online_status, get_history,
               offline_ack, refresh_identity, ping, get_participants, watch_presence>
      body;
};

// One text frame as a request. `text` is valid UTF-8.
std::expected<request, refusal> parse(std::string_view text);

// The `id` of a request of which only the beginning is here, if that reaches so far.
std::optional<std::string> id_in_beginning(std::string_view text);

// The outcome of a client's wish for the messages that it missed.
struct recovery {
  room_id room;
  bool recovered = false;                 // nothing is missing
  std::uint64_t lost_from = 0, lost_to = 0;  // seqs that are gone, if known
  std::vector<std::string> messages{};    // JSON text of frames, in order: the beginning of `brought`
  std::uint64_t at_hand = 0;       // seq of the last of them; 0: none is
  state::message_range brought{};  // all messages
  std::size_t count = 0, bytes = 0;  // of these
  state::message_place now{};      // where the room stands
};

struct friend_status {
  directory::profile who;
  bool online = false;
};

struct user_presence {
  user_id user;
  bool online = false;
  std::string last_seen{};  // ISO 8601; of who is offline and was ever here
};

// Frames of the server. Each returns the JSON text of one frame.
// `more`: JSON text of further members, with commas between.
std::string registered(std::optional<std::string> const& id, user_id const& user, connection_id const& connection,
                       std::vector<room_id> const& rooms, std::vector<recovery> const& resumed,
                       std::optional<std::chrono::sys_seconds> expiry = std::nullopt, std::string_view more = {});
std::string refreshed(std::optional<std::string> const& id, std::optional<std::chrono::sys_seconds> expiry);
// `since`: what the client missed, if it asked.
std::string joined_room(std::optional<std::string> const& id, room_id const& room,
                        std::vector<user_id> const& participants, std::int64_t count, recovery const* since = nullptr);
std::string gap(recovery const& lost);
std::string history(std::optional<std::string> const& id, room_id const& room, std::vector<std::string> const& messages,
                    bool complete);
std::string left_room(std::optional<std::string> const& id, room_id const& room);
// The connection hears another room, or one less, without having asked for it.
std::string room_added(room_id const& room);
std::string room_removed(room_id const& room);
std::string message_ack(std::string const& id, room_id const& room, std::string_view message_id,
                        std::string_view timestamp, bool duplicate);
std::string online_status(std::optional<std::string> const& id, std::vector<friend_status> const& friends);
std::string participants(std::optional<std::string> const& id, room_id const& room, state::list_page const& page);
std::string presence(std::optional<std::string> const& id, std::span<user_presence const> users);
std::string offline_messages(std::span<std::string_view const> messages, std::int64_t dropped);
std::string friend_online(directory::profile const& user);
std::string friend_offline(user_id const& user, std::string_view last_seen);
std::string user_online(std::string_view user, std::string_view room);
std::string pong(std::optional<std::string> const& id);
std::string error_frame(refusal const& why);

}  // namespace hiky::chat
