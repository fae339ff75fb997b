// SPDX-License-Identifier: Apache-2.0
#include "chat/flows/late_entry.hpp"

#include <algorithm>

#include "chat/flows/common.hpp"

namespace hiky::chat {

late_entry::late_entry(state::store& store, hub& here, subscriptions& heard, recoveries& logs, replay& sent,
                       answers& out, flow_limits const& limits)
    : store_(store),
      hub_(here),
      subscriptions_(heard),
      recoveries_(logs),
      replay_(sent),
      answers_(out),
      limits_(limits) {}

task<result<bool>> late_entry::enter(session_ptr s, room_id room, std::int64_t since_ms, std::int64_t now_ms) {
  auto const* const was = s->ledger.find(room);
  bool const was_in = was != nullptr, hears = was_in && was->first != 0;
  hub_.enter(*s, room, false, since_ms);
  if (!was_in) hub_.set_untold(*s, room, true);
  bool const held_already = s->ledger.holds();
  s->ledger.hold();
  auto found = co_await find(s, room, since_ms, hears);
  bool const in = found && found->member;
  if (in) {
    // Taken out and let in by notices meanwhile, the client has been told of both.
    auto const* const now_in = s->ledger.find(room);
    if (s->extended && now_in && now_in->untold) answers_.send(*s, room_added(room));
    hub_.set_untold(*s, room, false);
    co_await send(s, room, std::move(*found), now_ms);
  } else {
    subscriptions_.tell(*s, room, room_change::removed);
    hub_.leave(*s, room);
  }
  if (!held_already) hub_.release(*s);
  if (!found) co_return std::unexpected(found.error());
  co_return in;
}

task<result<late_entry::past>> late_entry::find(session_ptr s, room_id room, std::int64_t since_ms, bool hears) {
  auto const subscribed = co_await subscriptions_.subscribe(*s, {room}, since_ms);
  if (!subscribed) co_return std::unexpected(subscribed.error());
  auto notices = *s->notices;
  auto entry = co_await store_.members.entry(room, s->user, since_ms);
  // A notice that came meanwhile is newer than the answer: the user may have come back.
  for (int round = 1; entry && notices != *s->notices && round < most_rounds; ++round) {
    notices = *s->notices;
    entry = co_await store_.members.entry(room, s->user, since_ms);
  }
  if (!entry) co_return std::unexpected(entry.error());
  past out{.member = entry->member, .place = std::move(entry->place)};
  // Live messages have no holes. Where some live messages have been handed out, no older message may follow them.
  if (!out.member || s->gone || hears) co_return out;
  // The time alone does not decide: where a clock has stepped back, all messages of a log are later than `since_ms`.
  auto const behind = std::max(out.place.seq, s->ledger.last_in_order(out.place.epoch));
  // The bus may be behind: the older messages that it still brings would come after the messages that are read now.
  s->ledger.begins({out.place.epoch, behind});
  auto found =
      co_await recoveries_.read_after(room, behind, {limits_.replayed, limits_.replayed_bytes, limits_.replayed_bytes});
  if (!found) co_return std::unexpected(found.error());
  out.page = std::move(found->page);
  co_return out;
}

task<> late_entry::send(session_ptr s, room_id room, past found, std::int64_t now_ms) {
  auto& page = found.page;
  // Messages that came live meanwhile wait, and are handed out behind these.
  if (auto const live = s->ledger.live_from(room, page.epoch); live != 0) {
    page.more &= page.messages.empty() || page.messages.back().seq + 1 < live;
    page.newest = std::min(page.newest, live - 1);
    std::erase_if(page.messages, [&](auto const& m) { return m.seq >= live; });
  }
  if (!page.more) hub_.set_since(*s, room, now_ms);  // earlier messages are owed by themselves, below
  if (page.messages.empty() || page.epoch != found.place.epoch) co_return;
  recovery late{.room = room};
  late.brought = {page.epoch, page.messages.front().seq, page.messages.back().seq};
  late.at_hand = late.brought.last;
  late.recovered = !page.more;
  if (page.more) {
    late.lost_from = page.messages.back().seq + 1;
    late.lost_to = page.newest;
  }
  for (auto& m : page.messages) {
    if (!s->ledger.has({page.epoch, m.seq})) late.messages.push_back(std::move(m.frame));
  }
  delivery::ledger::range const messages{late.brought.epoch, late.brought.first, late.brought.last};
  if (late.messages.empty()) s->ledger.brought(messages);
  else hub_.sent_aside(*s, room, messages);
  co_await replay_.send(s, {&late, 1});
}

}  // namespace hiky::chat
