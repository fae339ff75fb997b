// SPDX-License-Identifier: Apache-2.0
// Rooms: publishing, history, and who is in them.
#include <fmt/format.h>

#include <charconv>

#include "auth/reserved.hpp"
#include "gateway/api/context.hpp"
#include "gateway/api/handlers.hpp"
#include "gateway/api/idempotency.hpp"
#include "gateway/api/page.hpp"
#include "state/chat/idempotency.hpp"
#include "state/inspect/lists.hpp"

namespace hiky::gateway::api {
namespace {

static_assert(auth::is_reserved(state::system_sender));

room_id room_of(api_call const& call) { return room_id{call.ids[0]}; }

std::optional<std::string> text_field(json::object const& fields, std::string_view name) {
  auto const* found = fields.if_contains(name);
  return found ? std::optional{std::string{found->as_string()}} : std::nullopt;
}

api_answer membership(api_call const& call, bool member, bool changed) {
  std::string out{"{\"roomId\":"};
  append_json_string(out, call.ids[0]);
  out += ",\"userId\":";
  append_json_string(out, call.ids[1]);
  out += fmt::format(",\"member\":{},\"changed\":{}}}", member, changed);
  return {std::move(out)};
}

// A key is one caller's, and stands for one request: the same body may come again, another one may not.
task<std::expected<void, problem>> reserve(api_call& call) {
  auto const first = co_await state::reserve_idempotency_key(call.on.redis, once_of(call));
  if (!first) co_return std::unexpected(problem_of(first.error()));
  if (*first) co_return std::expected<void, problem>{};
  co_return std::unexpected(idempotency_key_reused());
}

}  // namespace

task<api_result> publish(api_call& call) {
  state::outgoing_message m{room_of(call),
                            user_id{state::system_sender},
                            {},
                            *raw_member(call.body, "content"),
                            text_field(call.fields, "clientMsgId")};
  auto const sender = text_field(call.fields, "senderId");
  if (sender) m.sender = user_id{*sender};
  m.system = !sender;
  m.heard = call.on.hub.last_of(m.room);
  if (m.content.size() > call.on.max_message) {
    co_return std::unexpected(
        problem{http_status::payload_too_large, "too_large",
                fmt::format("the content is larger than a message may be, {} bytes", call.on.max_message)});
  }
  if (!call.idempotency_key.empty()) {
    if (auto const ok = co_await reserve(call); !ok) co_return std::unexpected(ok.error());
    // Another sender's or room's clientMsgId can't meet it, and a client's holds no line break.
    m.tells_id = m.client_msg_id.has_value();
    if (!m.tells_id) m.client_msg_id = fmt::format("{}\n{}", call.key, call.idempotency_key);
  }
  auto const who = m.sender;
  auto const system = m.system;
  auto const by_key = !m.tells_id;
  auto const stored = co_await call.on.store.room_log.publish(std::move(m));
  if (!stored && stored.error().code == errc::not_member) {
    if (system)
      co_return std::unexpected(
          problem{http_status::not_found, "not_found", "nobody is in this room, so nobody would get the message"});
    co_return std::unexpected(problem{
        http_status::forbidden, "not_member",
        "the sender is not a member of this room; PUT /rooms/{room}/members/{user} makes one, and without a senderId "
        "the message is the system's"});
  }
  // Where the first tries were refused, the message alone remembers what the key stood for.
  if (!stored && stored.error().code == errc::conflict && by_key) co_return std::unexpected(idempotency_key_reused());
  if (!stored) co_return std::unexpected(problem_of(stored.error()));
  if (!stored->duplicate) call.on.count.messages_published.add();
  std::string out{"{\"roomId\":"};
  append_json_string(out, call.ids[0]);
  out += ",\"senderId\":";
  append_json_string(out, who);
  out += fmt::format(R"(,"messageId":"{}","timestamp":"{}"}})", stored->message_id, stored->timestamp);
  api_answer answer{std::move(out)};
  if (stored->duplicate) answer.headers.emplace_back("Idempotency-Replayed", "true");
  co_return answer;
}

// Without `after`, the latest page, and the cursor leads to older ones; with it, the page behind, and the cursor leads
// to newer ones.
task<api_result> messages(api_call& call) {
  auto const wish = wanted_page(call);
  if (!wish) co_return std::unexpected(wish.error());
  auto const after = call.parameter("after");
  if (after && !wish->from.empty()) {
    co_return std::unexpected(problem{http_status::bad_request, "invalid_argument",
                                      "after and cursor exclude each other; the cursor knows its direction"});
  }
  constexpr std::string_view beyond_all = "4611686018427387904";
  bool const forward = after || wish->from.starts_with('>');
  std::optional<state::message_place> place;
  if (after) place = state::parse_message_id(*after);
  else if (!wish->from.empty()) place = state::parse_message_id(std::string_view{wish->from}.substr(1));
  if (after && !place) {
    co_return std::unexpected(
        problem{http_status::bad_request, "invalid_argument", "after must be a messageId, epoch:seq"});
  }
  if (!wish->from.empty() && (!place || (wish->from[0] != '>' && wish->from[0] != '<')))
    co_return std::unexpected(bad_cursor());
  auto seq = place ? place->seq : 0;
  if (!place) std::from_chars(beyond_all.data(), beyond_all.data() + beyond_all.size(), seq);
  auto& log = call.on.store.room_log;
  auto page = forward ? co_await log.after(room_of(call), seq, wish->limit)
                      : co_await log.before(room_of(call), seq, wish->limit);
  if (!page) co_return std::unexpected(problem_of(page.error()));
  if (place && place->epoch != page->epoch) {
    co_return std::unexpected(problem{http_status::gone, "gone",
                                      "what this messageId or cursor counts from is lost; begin again without one"});
  }
  auto const& found = page->messages;
  std::string next;
  if (page->more) {
    next = fmt::format("{}{}:{}", forward ? '>' : '<', page->epoch, forward ? found.back().seq : found.front().seq);
  }
  std::string out{"{\"items\":["};
  for (bool first = true; auto const& m : found) {
    if (!std::exchange(first, false)) out += ',';
    out += m.frame;
  }
  out += "],\"next\":";
  if (next.empty()) out += "null";
  else append_json_string(out, make_cursor(next));
  co_return api_answer{out += '}'};
}

task<api_result> participants(api_call& call) {
  auto const wish = wanted_page(call);
  if (!wish) co_return std::unexpected(wish.error());
  co_return ids_answer(co_await call.on.store.members.participants(room_of(call), *wish));
}

task<api_result> joined(api_call& call) {
  auto const wish = wanted_page(call);
  if (!wish) co_return std::unexpected(wish.error());
  co_return ids_answer(co_await state::joined_page(call.on.redis, room_of(call), *wish));
}

task<api_result> members(api_call& call) {
  auto const wish = wanted_page(call);
  if (!wish) co_return std::unexpected(wish.error());
  co_return ids_answer(co_await state::members_page(call.on.redis, room_of(call), *wish));
}

task<api_result> add_member(api_call& call) {
  if (auth::is_reserved(call.ids[1])) {
    co_return std::unexpected(problem{http_status::bad_request, "invalid_argument",
                                      fmt::format("'{}' {}", call.ids[1], auth::reserved_fault)});
  }
  auto const added = co_await call.on.store.members.add(user_id{call.ids[1]}, room_of(call));
  if (!added) co_return std::unexpected(problem_of(added.error()));
  co_return membership(call, true, *added);
}

task<api_result> remove_member(api_call& call) {
  auto const left = co_await call.on.store.members.leave(user_id{call.ids[1]}, room_of(call));
  if (!left) co_return std::unexpected(problem_of(left.error()));
  co_return membership(call, false, *left);
}

}  // namespace hiky::gateway::api
