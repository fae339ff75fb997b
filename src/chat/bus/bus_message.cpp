// SPDX-License-Identifier: Apache-2.0
#include "chat/bus/bus_message.hpp"

#include <algorithm>
#include <charconv>

#include "chat/protocol/arrival.hpp"
#include "chat/protocol/frame_type.hpp"
#include "chat/protocol/protocol.hpp"

namespace hiky::chat {
namespace {

constexpr char unit_separator = '\x1f';

std::optional<bus_message::ending> parse_ending(std::string_view text) {
  bus_message::ending out{};
  auto const [rest, fault] = std::from_chars(text.data(), text.data() + text.size(), out.code);
  if (fault != std::errc{} || out.code < 4000 || out.code > 4999) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(rest - text.data()));
  if (!text.starts_with(' ')) return std::nullopt;
  text.remove_prefix(1);
  auto const space = text.find(' ');
  if (space == std::string_view::npos || space == 0) return std::nullopt;
  if (text.substr(0, space) != "*") out.connection = text.substr(0, space);
  out.reason = text.substr(space + 1);
  return out;
}

// `<Redis TIME in ms> <epoch> <seq> <room>`; the epoch is empty where nothing was ever said.
bool parse_entry(std::string_view text, bus_message& out) {
  auto const field = [&text] {
    auto const end = std::min(text.find(' '), text.size());
    auto const found = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return found;
  };
  auto const number = [](std::string_view digits, auto& value) {
    auto const [end, fault] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return fault == std::errc{} && end == digits.data() + digits.size();
  };
  bus_message::entry in;
  auto const at = field();
  in.place.epoch = field();
  auto const seq = field();
  if (!number(at, in.at_ms) || !number(seq, in.place.seq) || text.empty()) return false;
  out.room = text;
  out.entered = std::move(in);
  return true;
}

}  // namespace

std::optional<bus_message> parse_bus_message(std::string_view room, std::string_view payload) {
  auto const line_end = payload.find('\n');
  if (line_end == std::string_view::npos || line_end < 2 || payload[1] != ' ') return std::nullopt;
  auto const head = payload.substr(2, line_end - 2);
  auto const body = payload.substr(line_end + 1);
  bus_message m;
  m.kind = payload[0];
  m.room = room;
  bool const of_room = !room.empty();
  switch (m.kind) {
    case 'm': {
      auto const space = head.find(' ');
      if (!of_room || space == std::string_view::npos) return std::nullopt;
      m.subject = head.substr(0, space);
      auto const id = head.substr(space + 1);
      auto const id_end = id.find(' ');
      m.message_id = id.substr(0, id_end);
      if (id_end != std::string_view::npos) m.came = arrival_of(id.substr(id_end + 1));
      break;
    }
    case 'l': {
      auto const [rest, fault] = std::from_chars(head.data(), head.data() + head.size(), m.left_ms);
      if (!of_room || fault != std::errc{} || rest == head.data() + head.size() || *rest != ' ') return std::nullopt;
      m.subject = head.substr(static_cast<std::size_t>(rest - head.data()) + 1);
      break;
    }
    case 't':
    case 'j':
    case 'o':
      if (!of_room) return std::nullopt;
      m.subject = head;
      break;
    case 'b':
      if (!of_room) return std::nullopt;
      for (auto rest = head; !rest.empty();) {
        auto const end = std::min(rest.find(unit_separator), rest.size());
        bus_message one;
        one.kind = m.kind;
        one.room = m.room;
        one.subject = rest.substr(0, end);
        one.frame = text_frame(user_online(one.subject, room));
        m.parts.push_back(std::move(one));
        rest.remove_prefix(std::min(end + 1, rest.size()));
      }
      return m;
    case 'c':
    case 'f':
    case 'u':
    case 'U':
      if (of_room) return std::nullopt;
      m.subject = head;
      break;
    case 'w':
      if (of_room) return std::nullopt;
      m.subject = head;
      return m;
    case 'k':
      if (of_room) return std::nullopt;
      m.subject = head;
      m.end = parse_ending(body);
      if (!m.end) return std::nullopt;
      return m;
    case 'a':
      if (of_room || body.empty()) return std::nullopt;
      m.subject = head;
      if (!parse_entry(body, m)) return std::nullopt;
      return m;
    default: return std::nullopt;
  }
  m.frame = m.kind == 'f' ? shared_frame::make(body) : text_frame(body);
  return m;
}

}  // namespace hiky::chat
