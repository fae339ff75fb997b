// SPDX-License-Identifier: Apache-2.0
// Part of flows: rooms are joined, left, and read back.
#include "chat/flows/flows.hpp"

#include <fmt/format.h>
#include <boost/asio/experimental/awaitable_operators.hpp>

#include <algorithm>

#include "base/log.hpp"
#include "chat/flows/flows_common.hpp"
#include "chat/protocol/frame_type.hpp"

namespace hiky::chat {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

namespace {

constexpr std::uint64_t max_seq = 1ULL << 62;
constexpr std::size_t page_bytes = 64 * 1024;  // of history, which ends a page sooner than `limit`
constexpr std::uint32_t greed_ms = 1000;       // from one large page to the next

}  // namespace

task<> flows::run_join(session_ptr s, std::optional<std::string> id, join_room r) {
  auto const room = r.room;
  if (s->ledger.rooms().size() >= limits_.rooms_per_connection && !hub_.in(*s, room)) {
    count_.rooms_limited.add();
    co_return refuse(*s, {error_code::forbidden,
                          fmt::format("at most {} rooms per connection; leave one first", limits_.rooms_per_connection),
                          std::move(id)});
  }
  if (!co_await may_enter(s, id, room)) co_return;
  bool const was_in = hub_.in(*s, room);
  // What the room says while its past is being read waits, or it would be told twice.
  if (r.since) s->ledger.hold();
  auto const outcome = co_await join(s, std::move(id), std::move(r));
  if (!outcome && !was_in) hub_.leave(*s, room);
  if (!outcome) doubt(*s);  // Redis may have taken it all the same
  hub_.release(*s);
}

task<bool> flows::join(session_ptr s, std::optional<std::string> id, join_room r) {
  bool const was_in = hub_.in(*s, r.room);
  auto const heard = co_await hear(*s, {r.room}, wall_ms());
  if (!heard) co_return refuse(*s, std::move(id), heard.error()), false;
  auto const now_in = co_await store_.members.join(s->user, r.room, s->id, limits_.participants_shown, s->returning);
  if (!now_in) co_return refuse(*s, std::move(id), now_in.error()), false;
  if (!was_in) hub_.set_since(*s, r.room, now_in->at_ms);
  std::optional<recovery> missed;
  if (r.since) {
    auto found = co_await recover(r.room, *r.since, limits_.joined_messages, page_bytes, page_bytes);
    if (!found) co_return refuse(*s, std::move(id), found.error()), true;
    note_recovery(*s, *r.since, *found, false);
    missed = std::move(*found);
  }
  hub_.enter(*s, r.room, true, now_in->at_ms);
  if (!hub_.heard(r.room))
    doubt(*s);  // the user left the room by another way meanwhile, and the bus was told that nobody is here
  if (now_in->participant_count > static_cast<std::int64_t>(now_in->participants.size()))
    count_.participants_truncated.add();
  answer_charged(*s,
                 joined_room(id, r.room, now_in->participants, now_in->participant_count, missed ? &*missed : nullptr));
  if (missed && !missed->recovered && s->extended) answer(*s, gap(*missed));
  co_return true;
}

task<> flows::run_history(session_ptr s, std::optional<std::string> id, get_history r) {
  auto const edge = state::parse_message_id(r.before ? *r.before : r.after ? *r.after : std::string{});
  auto const seq = edge ? edge->seq : r.after ? 0 : max_seq;
  bool const greedy = s->greedy_ms != 0 && now_ms() - s->greedy_ms < greed_ms;
  auto const turn = greedy ? co_await heavy_.enter() : lane::turn{};
  using namespace asio::experimental::awaitable_operators;
  // Redis knows who belongs to the room; here, news of a removal may be on the way. Both questions leave together.
  auto [member, page] = co_await (store_.members.contains(r.room, s->user) &&
                                  (r.after ? store_.room_log.after(r.room, seq, r.limit, page_bytes)
                                           : store_.room_log.before(r.room, seq, r.limit, page_bytes)));
  heavy_.leave(turn);
  if (!page || !member) co_return refuse(*s, std::move(id), page ? member.error() : page.error());
  if (!*member) {
    doubt(*s);
    co_return refuse(*s, std::move(id), error{errc::not_member, {}});
  }
  if (edge && edge->epoch != page->epoch) {
    co_return refuse(
        *s, {error_code::invalid_argument,
             "this messageId is from before the room's log was lost; ask without before and after", std::move(id)});
  }
  std::vector<std::string> messages;
  std::size_t bytes = 0;
  for (auto& m : page->messages) {
    bytes += m.frame.size();
    messages.push_back(std::move(m.frame));
  }
  if (bytes > page_bytes / 4) s->greedy_ms = now_ms();
  answer_charged(*s, history(id, r.room, messages, !page->more));
}

task<> flows::run_participants(session_ptr s, std::optional<std::string> id, get_participants r) {
  using namespace asio::experimental::awaitable_operators;
  auto const [member, page] = co_await (store_.members.contains(r.room, s->user) &&
                                        store_.members.participants(r.room, {r.limit, std::move(r.from)}));
  if (!member) co_return refuse(*s, std::move(id), member.error());
  if (!*member) {
    doubt(*s);
    co_return refuse(*s, std::move(id), error{errc::not_member, {}});
  }
  if (page) co_return answer_charged(*s, participants(id, r.room, *page));
  if (page.error().code == errc::invalid_argument)
    co_return refuse(*s, {error_code::invalid_argument, page.error().text, std::move(id)});
  refuse(*s, std::move(id), page.error());
}

task<> flows::run_leave(session_ptr s, std::optional<std::string> id, room_id room) {
  typing_.erase(typing_key(s->user, room));  // leave.lua ends the mark
  s->leaving = &room;
  auto const left = co_await store_.members.leave(s->user, room);
  s->leaving = nullptr;
  if (!left) {
    doubt(*s);  // Redis may have taken it all the same
    co_return refuse(*s, std::move(id), left.error());
  }
  hub_.leave(*s, room);
  answer(*s, left_room(id, room));
}

void flows::tell_room(session& s, room_id const& room, room_change what) {
  bool const added = what == room_change::added;
  if (!s.extended || hub_.in(s, room) == added) return;
  auto frame = text_frame(added ? room_added(room) : room_removed(room));
  if (s.ledger.holds()) s.hold_back(std::move(frame), traffic::chat);
  else s.send(std::move(frame), traffic::chat);
}

}  // namespace hiky::chat
