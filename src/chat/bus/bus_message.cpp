// SPDX-License-Identifier: Apache-2.0
#include "chat/bus/bus_message.hpp"

#include <algorithm>
#include <charconv>

#include "chat/protocol/arrival.hpp"
#include "chat/protocol/frame_type.hpp"
#include "chat/protocol/protocol.hpp"
#include "state/chat/bus_letters.hpp"

namespace hiky::chat {

using state::bus_letter;

namespace {

// Takes the text before the first space, or all of it, and the space.
std::string_view take_word(std::string_view& text) {
  auto const end = std::min(text.find(' '), text.size());
  auto const word = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return word;
}

template <class Number>
bool read_number(std::string_view digits, Number& value) {
  auto const [end, fault] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return fault == std::errc{} && end == digits.data() + digits.size();
}

std::optional<bus_message> parse_message(std::string_view room, std::string_view head, std::string_view body) {
  auto const connection = take_word(head);
  auto place = state::parse_message_id(take_word(head));
  if (!place) return std::nullopt;
  notice::message out{std::string{room}, std::string{connection}, std::move(*place), text_frame(body)};
  if (!head.empty()) out.came = arrival_of(head);
  return out;
}

std::optional<bus_message> parse_left(std::string_view room, std::string_view head, std::string_view body) {
  auto const space = head.find(' ');
  std::int64_t at_ms = 0;
  if (space == std::string_view::npos || !read_number(head.substr(0, space), at_ms)) return std::nullopt;
  return notice::left{std::string{room}, std::string{head.substr(space + 1)}, text_frame(body), at_ms};
}

notice::back parse_back(std::string_view room, std::string_view head) {
  notice::back out{std::string{room}, {}};
  while (!head.empty()) {
    auto const end = std::min(head.find(state::bus_separator), head.size());
    auto const user = head.substr(0, end);
    out.users.push_back({std::string{user}, text_frame(user_online(user, room))});
    head.remove_prefix(std::min(end + 1, head.size()));
  }
  return out;
}

// `CODE CONNECTION REASON`
std::optional<bus_message> parse_ending(std::string_view user, std::string_view body) {
  notice::ending out{.user = std::string{user}};
  auto const [rest, fault] = std::from_chars(body.data(), body.data() + body.size(), out.code);
  if (fault != std::errc{} || out.code < 4000 || out.code > 4999) return std::nullopt;
  body.remove_prefix(static_cast<std::size_t>(rest - body.data()));
  if (!body.starts_with(' ')) return std::nullopt;
  body.remove_prefix(1);
  auto const space = body.find(' ');
  if (space == std::string_view::npos || space == 0) return std::nullopt;
  if (body.substr(0, space) != "*") out.connection = body.substr(0, space);
  out.reason = body.substr(space + 1);
  return out;
}

// `TIME_MS EPOCH SEQ ROOM`; the epoch is empty where nothing was ever said.
std::optional<bus_message> parse_entry(std::string_view user, std::string_view body) {
  notice::entry out{std::string{user}, {}};
  auto const at = take_word(body);
  out.place.epoch = take_word(body);
  auto const seq = take_word(body);
  if (!read_number(at, out.at_ms) || !read_number(seq, out.place.seq) || body.empty()) return std::nullopt;
  out.room = body;
  return out;
}

std::optional<bus_message> parse_of_room(bus_letter kind, std::string_view room, std::string_view head,
                                         std::string_view body) {
  switch (kind) {
    case bus_letter::message: return parse_message(room, head, body);
    case bus_letter::typing: return notice::typing{std::string{room}, std::string{head}, text_frame(body)};
    case bus_letter::joined: return notice::joined{std::string{room}, std::string{head}, text_frame(body)};
    case bus_letter::left: return parse_left(room, head, body);
    case bus_letter::offline: return notice::offline{std::string{room}, std::string{head}, text_frame(body)};
    case bus_letter::back: return parse_back(room, head);
    default: return std::nullopt;
  }
}

std::optional<bus_message> parse_of_instance(bus_letter kind, std::string_view head, std::string_view body) {
  switch (kind) {
    case bus_letter::canary: return notice::canary{};
    case bus_letter::application: return notice::application{std::string{head}, shared_frame::make(body)};
    case bus_letter::friend_online: return notice::friend_change{std::string{head}, text_frame(body), true};
    case bus_letter::friend_offline: return notice::friend_change{std::string{head}, text_frame(body), false};
    case bus_letter::mail: return notice::mail{std::string{head}};
    case bus_letter::ending: return parse_ending(head, body);
    case bus_letter::entry: return parse_entry(head, body);
    default: return std::nullopt;
  }
}

}  // namespace

std::optional<bus_message> parse_bus_message(std::string_view room, std::string_view text) {
  auto const line_end = text.find('\n');
  if (line_end == std::string_view::npos || line_end < 2 || text[1] != ' ') return std::nullopt;
  auto const kind = static_cast<bus_letter>(text[0]);
  auto const head = text.substr(2, line_end - 2);
  auto const body = text.substr(line_end + 1);
  return room.empty() ? parse_of_instance(kind, head, body) : parse_of_room(kind, room, head, body);
}

}  // namespace hiky::chat
