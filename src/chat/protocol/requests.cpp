// SPDX-License-Identifier: Apache-2.0
// The reading half of protocol.hpp.
#include "chat/protocol/protocol.hpp"

#include <fmt/format.h>
#include <boost/json/monotonic_resource.hpp>

#include <algorithm>
#include <array>

#include "base/json.hpp"
#include "chat/protocol/fields.hpp"

namespace hiky::chat {
namespace {

constexpr std::size_t max_request_id = 64;
constexpr std::size_t max_token = 8192;
constexpr std::size_t max_resumed_rooms = 512;
constexpr std::size_t max_connection_id = 64;
constexpr std::size_t max_history = 200;
constexpr std::size_t max_asked_users = 1000;
constexpr std::size_t max_cursor = 1024;

// `!!content` as the document has it, except that the texts "false" and "0" mean no.
bool truthy(json::value const* v) {
  if (!v) return false;
  if (v->is_bool()) return v->get_bool();
  if (v->is_string()) return !v->get_string().empty() && v->get_string() != "false" && v->get_string() != "0";
  if (v->is_int64()) return v->get_int64() != 0;
  if (v->is_uint64()) return v->get_uint64() != 0;
  if (v->is_double()) return v->get_double() != 0;
  return true;
}

using body = decltype(request::body);

body read_register(fields& f, std::string_view) {
  bool const events = f.flag("events");
  bool const ack = f.flag("ack");
  register_request out{f.text("token", max_token), events || ack || f.find("resume") != nullptr, ack};
  if (auto const* order = f.find("order")) {
    if (!order->is_string() || order->get_string() != "document") f.complain("order must be \"document\", or left out");
    else if (ack) f.complain("order has no ack: what is confirmed is the oldest");
    out.newest_first = true;
  }
  if (auto earlier = f.text("connectionId", max_connection_id); !earlier.empty()) {
    if (earlier.contains(':')) f.complain("connectionId must be the connectionId of a `registered` frame");
    else out.earlier.emplace(std::move(earlier));
  }
  if (auto const* resume = f.find("resume")) {
    if (!resume->is_object()) {
      f.complain("resume must be an object of at most {} rooms: roomId → the last messageId you have",
                 max_resumed_rooms);
      return out;
    }
    if (f.exceeds("resume", resume->get_object().size(), max_resumed_rooms)) return out;
    for (auto const& [room, last] : resume->get_object()) {
      if (auto const fault = id_fault(room)) f.complain("a room in resume {}", *fault);
      if (!last.is_string()) f.complain("resume holds a messageId per room, not {}", fields::kind(last));
      else out.resume.emplace_back(room_id{std::string_view{room}}, std::string{std::string_view{last.get_string()}});
    }
  }
  return out;
}
body read_join(fields& f, std::string_view) {
  return join_room{f.required_id<room_id>("roomId"), f.message_id("since")};
}

body read_history(fields& f, std::string_view) {
  get_history out{f.required_id<room_id>("roomId"), f.message_id("before"), f.message_id("after")};
  if (out.before && out.after) f.complain("history takes before or after, not both");
  out.limit = f.count("limit", max_history, out.limit);
  return out;
}
body read_leave(fields& f, std::string_view) { return leave_room{f.required_id<room_id>("roomId")}; }

body read_message(fields& f, std::string_view text) {
  send_message m{f.required_id<room_id>("roomId"), {}, {}};
  auto const content = raw_member(text, "content");
  if (content) m.content = *content;
  else f.complain("content is missing; any JSON value will do");
  if (f.find("clientMsgId")) m.client_msg_id = f.required_id<basic_id<struct client_msg_tag>>("clientMsgId").str();
  return m;
}

body read_typing(fields& f, std::string_view) {
  return set_typing{f.required_id<room_id>("roomId"),
                    truthy(f.find("isTyping") ? f.find("isTyping") : f.find("content"))};
}

body read_status(fields& f, std::string_view) {
  get_online_status out;
  if (f.find("userIds")) out.users = f.ids<user_id>("userIds", max_asked_users);
  return out;
}

body read_participants(fields& f, std::string_view) {
  get_participants out{f.required_id<room_id>("roomId"), {}};
  if (f.find("cursor")) {
    auto from = state::read_cursor(f.text("cursor", max_cursor));
    if (from) out.from = std::move(*from);
    else f.complain("{}", state::foreign_cursor);
  }
  out.limit = f.count("limit", state::largest_page, out.limit);
  return out;
}

body read_watch(fields& f, std::string_view) { return watch_presence{f.ids<user_id>("userIds", max_asked_users)}; }

body read_offline_ack(fields& f, std::string_view) {
  offline_ack out;
  out.up_to = f.message_id("upTo");
  return out;
}

body read_refresh(fields& f, std::string_view) {
  refresh_identity out{f.text("token", max_token)};
  if (out.token.empty()) f.complain("token is missing; expected a new token of the same user");
  return out;
}

body read_ping(fields&, std::string_view) { return ping{}; }

struct known_type {
  std::string_view name;
  body (*read)(fields&, std::string_view text);
};
constexpr std::array known_types{
    known_type{"message", read_message},
    known_type{"typing", read_typing},
    known_type{"joinRoom", read_join},
    known_type{"leaveRoom", read_leave},
    known_type{"register", read_register},
    known_type{"getOnlineStatus", read_status},
    known_type{"history", read_history},
    known_type{"offlineAck", read_offline_ack},
    known_type{"ping", read_ping},
    known_type{"refresh", read_refresh},
    known_type{"participants", read_participants},
    known_type{"watchPresence", read_watch},
};

}  // namespace

std::optional<std::string> id_in_beginning(std::string_view text) {
  int depth = 0;
  std::string_view name;  // of the member that is being read, with its quotes
  bool is_value = false;
  for (std::size_t at = 0; at < text.size();) {
    char const c = text[at];
    if (c != '"') {
      ++at;
      if (c == '{' || c == '[') ++depth;
      if (c == '}' || c == ']') --depth;
      if (depth == 1 && (c == ':' || c == ',')) is_value = c == ':';
      continue;
    }
    auto end = at + 1;
    while (end < text.size() && text[end] != '"') end += text[end] == '\\' ? 2 : 1;
    if (end >= text.size()) return std::nullopt;
    auto const quoted = text.substr(at, end + 1 - at);
    at = end + 1;
    if (depth != 1) continue;
    if (!is_value) name = quoted;
    if (!is_value || name != "\"id\"") continue;
    auto const id = parse_json(quoted);
    if (!id || !id->is_string() || id->get_string().size() > max_request_id) return std::nullopt;
    return std::string{id->get_string()};
  }
  return std::nullopt;
}

std::expected<request, refusal> parse(std::string_view text) {
  std::array<unsigned char, 4096> scratch;
  json::monotonic_resource memory{scratch.data(), scratch.size()};
  auto const document = parse_json(text, &memory);
  if (!document) return std::unexpected(refusal{error_code::bad_json, document.error().text});
  if (!document->is_object()) {
    return std::unexpected(
        refusal{error_code::bad_json, fmt::format("a frame must be a JSON object, not {}", fields::kind(*document))});
  }
  fields f{document->get_object()};
  request out;
  auto const refuse = [&](error_code code, std::string why) {
    return std::unexpected(refusal{code, std::move(why), std::move(out.id)});
  };

  if (f.find("id")) {
    auto id = f.text("id", max_request_id);
    if (f.fault()) return std::unexpected(*f.fault());
    out.id = std::move(id);
  }
  auto const* type = f.find("type");
  if (!type || !type->is_string()) {
    return refuse(error_code::invalid_argument,
                  type ? "type must be a string" : "type is missing; expected one of the protocol's types");
  }
  auto const* known = std::ranges::find(known_types, std::string_view{type->get_string()}, &known_type::name);
  if (known == known_types.end()) {
    std::string shown{std::string_view{type->get_string()}.substr(0, 40)};
    while (!shown.empty() && (static_cast<unsigned char>(shown.back()) & 0x80)) shown.pop_back();
    return refuse(error_code::unknown_type,
                  fmt::format("'{}' is not a type; expected register, joinRoom, leaveRoom, message, typing, "
                              "getOnlineStatus, history, participants, watchPresence, "
                              "offlineAck, refresh or ping",
                              shown));
  }
  if (auto const* user = f.find("userId")) out.user = f.id<user_id>("userId", *user);
  out.body = known->read(f, text);
  if (f.fault()) return refuse(f.fault()->code, f.fault()->message);
  return out;
}

}  // namespace hiky::chat
