// SPDX-License-Identifier: Apache-2.0
// One text frame of a client. Every text gives one of two outcomes: a request with valid ids, or an error that is JSON.
#include "chat/protocol/protocol.hpp"
#include "base/json.hpp"
#include "base/utf8.hpp"
#include "demand.hpp"

using namespace hiky;
using namespace hiky::chat;

namespace {

void is_id(std::string_view text) { demand(utf8::valid(text) && !id_fault(text), "an id that was taken is one"); }

// The frame is one that a client can read, and has `id`.
void is_frame(std::string const& text, std::optional<std::string> const& id) {
  demand(utf8::valid(text), "a frame is UTF-8");
  auto const read = parse_json(text);
  demand(read && read->is_object() && read->as_object().contains("type"), "a frame is a JSON object with a type");
  auto const* shown = read->as_object().if_contains("id");
  demand(shown ? id && shown->is_string() && shown->get_string() == *id : !id, "the answer has the request's id");
}

struct check {
  std::string_view text;
  std::optional<std::string> const& id;

  void operator()(register_request const& r) const {
    demand(r.token.size() <= 8192, "a token keeps its limit");
    std::vector<recovery> resumed;
    for (auto const& [room, last] : r.resume) {
      is_id(room);
      resumed.push_back({room, true});
    }
    is_frame(registered(id, user_id{"u"}, connection_id{"c"}, {}, resumed), id);
  }
  void operator()(join_room const& r) const {
    is_id(r.room);
    is_frame(joined_room(id, r.room, {}, 0), id);
  }
  void operator()(leave_room const& r) const {
    is_id(r.room);
    is_frame(left_room(id, r.room), id);
  }
  void operator()(send_message const& m) const {
    is_id(m.room);
    if (m.client_msg_id) is_id(*m.client_msg_id);
    demand(text.find(m.content) != std::string_view::npos, "content is as it was written");
    auto const alone = parse_json(m.content);
    auto const whole = parse_json(text);
    demand(alone && whole && *alone == whole->as_object().at("content"), "content alone is the value it was inside");
    if (id) is_frame(message_ack(*id, m.room, "e:1", "t", false), id);
  }
  void operator()(set_typing const& t) const { is_id(t.room); }
  void operator()(get_online_status const& q) const {
    if (!q.users) return;
    demand(q.users->size() <= 1000, "no more users than allowed");
    for (auto const& user : *q.users) is_id(user);
    is_frame(online_status(id, {}), id);
  }
  void operator()(get_history const& h) const {
    is_id(h.room);
    demand(h.limit >= 1 && h.limit <= 200, "a page keeps its limit");
    is_frame(history(id, h.room, {}, true), id);
  }
  void operator()(get_participants const& p) const {
    is_id(p.room);
    demand(p.limit >= 1 && p.limit <= 1000, "a page keeps its limit");
    is_frame(participants(id, p.room, {{{p.from, {}}}, 1, p.from}), id);
  }
  void operator()(watch_presence const& w) const {
    demand(w.users.size() <= 1000, "no more users than allowed");
    std::vector<user_presence> states;
    for (auto const& user : w.users) {
      is_id(user);
      states.push_back({user});
    }
    is_frame(presence(id, states), id);
  }
  void operator()(offline_ack const& a) const {
    demand(!a.up_to || state::parse_message_id(*a.up_to), "what is confirmed is a messageId");
  }
  void operator()(refresh_identity const& r) const {
    demand(!r.token.empty() && r.token.size() <= 8192, "a token is there, and within its limit");
  }
  void operator()(ping const&) const { is_frame(pong(id), id); }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(
    std::uint8_t const* data, std::size_t size) {  // NOLINT(readability-identifier-naming): libFuzzer calls it so
  std::string_view const text{reinterpret_cast<char const*>(data), size};
  for (auto const beginning : {text, text.substr(0, size / 2)}) {
    if (auto const id = id_in_beginning(beginning)) is_frame(error_frame({error_code::too_large, "too large", id}), id);
  }
  if (!utf8::valid(text)) return 0;  // the codec lets no other text through
  auto const r = parse(text);
  if (!r) {
    demand(!r.error().message.empty(), "a refusal says why");
    is_frame(error_frame(r.error()), r.error().id);
    return 0;
  }
  if (r->id) demand(r->id->size() <= 64, "a request's id keeps its limit");
  if (r->user) is_id(*r->user);
  std::visit(check{text, r->id}, r->body);
  return 0;
}
