// SPDX-License-Identifier: Apache-2.0
// Part of flows: what sessions know of their rooms and mail, compared with Redis. Whatever is learnt from a notice can
// be learnt here as well, so that a notice which is lost makes a session wrong for a while, and never for good.
#include <boost/asio/steady_timer.hpp>

#include <algorithm>

#include "base/log.hpp"
#include "chat/flows/flows.hpp"
#include "chat/flows/flows_common.hpp"

namespace hiky::chat {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

namespace {

constexpr std::size_t asked_at_once = 64;  // sessions in one question: Redis is held for a fraction of a millisecond
constexpr auto every = 60s;  // each session is compared
constexpr auto tick_length = 250ms;
constexpr auto turn_patience = 1s;  // that everybody else waits for a turn of a session to end, behind an interruption
constexpr int most_rounds = 4;  // of one comparison, while notices come
constexpr auto patience = 200ms;  // before a question that failed is asked again

bool was_kicked(session const& s, state::seen_by_redis const& seen) { return seen.kick != 0 && seen.kick != s.kick; }

}  // namespace

void flows::doubt(session& s) {
  if (s.gone || !s.registered) return;
  s.doubted = true;
  // At the end of the turn it is in, or of one that has nothing else to do.
  if (!s.busy) exclusively(&s, []() -> task<> { co_return; }());
  try_later(s);
}

// Redis may have taken the claim whose answer did not come: then nothing waits in the mailbox, and still the client has
// nothing.
void flows::claim_later(session& s) {
  if (s.gone) return;
  s.unclaimed = true;
  try_later(s);
}

void flows::try_later(session& s) {
  doubts_.insert(&s);
  if (!std::exchange(resolving_doubts_, true)) spawn(run_doubts());
}

// Those whose comparison or claim failed, with a pause before each try.
task<> flows::run_doubts() {
  asio::steady_timer pause{ex_};
  while (!doubts_.empty()) {
    pause.expires_after(patience);
    co_await pause.async_wait(use_task);
    std::erase_if(doubts_, [](session_ptr const& s) { return s->gone || (!s->doubted && !s->unclaimed); });
    for (auto const& s : std::vector<session_ptr>{doubts_.begin(), doubts_.end()}) {
      if (s->unclaimed && s->registered) s->doubted = true;
      if (s->doubted && !s->busy) exclusively(s, []() -> task<> { co_return; }());
    }
  }
  resolving_doubts_ = false;
}

bool flows::agrees(session const& s, state::seen_by_redis const& seen) const {
  if (!seen.known || seen.kept_out_s > 0 || was_kicked(s, seen)) return false;
  if ((seen.mail > 0 && !s.mail && !s.mail_waits) || s.unclaimed) return false;
  std::vector<std::string_view> here, there;
  for (auto const& e : s.ledger.rooms()) here.emplace_back(*e.room->name);
  for (auto const& room : seen.rooms) {
    if (!s.grant || s.grant->allows(room)) there.emplace_back(room);
  }
  if (here.size() != there.size() || !hub::subscribed_to_all(s)) return false;
  std::ranges::sort(here);
  std::ranges::sort(there);
  return here == there;
}

// In the session's turn, so that no request of its own changes its rooms meanwhile. True when it is right again. An
// answer may be older than what is noticed meanwhile, and is asked for anew; a last one is acted on all the same, or a
// user whose rooms change all the time would never lose one. What it takes wrongly, the next comparison gives back.
task<bool> flows::compare(session_ptr s) {
  for (int round = 1;; ++round) {
    auto const notices = s->notices;
    auto const outdated = [&] { return notices != s->notices; };
    auto const before = rooms_of(*s);
    auto const found = co_await store_.connections.compare({{s->user, s->id}});
    if (s->gone || !s->registered) co_return true;
    if (!found) {
      if (is_transient(found.error())) co_return false;
      log::error("session.not_compared", {{"connection", s->id.str()},
                                          {"trace", s->trace_id()},
                                          {"user", s->user.str()},
                                          {"reason", found.error().text}});
      co_return true;  // with the next round
    }
    if (outdated() && round < most_rounds) continue;
    auto const& seen = found->seen.front();
    if (seen.kept_out_s > 0) {
      end_session(*s, {.code = state::close_forbidden, .reason = std::string{state::ban_reason}});
      co_return true;
    }
    if (was_kicked(*s, seen)) {
      end_session(*s, {.code = state::close_forbidden, .reason = std::string{state::kick_reason}});
      co_return true;
    }
    if (!seen.known || forgotten(*s)) {
      s->unasserted = true;
      auto const asserted = co_await assert_session(s);
      if (!asserted) co_return !is_transient(asserted.error());
      if (s->gone) co_return true;
      continue;
    }
    co_await leave_forbidden(s);
    if (s->gone) co_return true;
    for (auto const& room : without(rooms_of(*s), seen.rooms)) {
      if (std::ranges::find(before, room) == before.end()) continue;  // entered since: of that the answer says nothing
      tell_room(*s, room, room_change::removed);
      if (outdated()) hub_.lapse(*s, room, delivery::ledger::standing{hub_.last_of(room)});
      else hub_.leave(*s, room);
    }
    for (auto const& room : permitted(*s, seen.rooms)) {
      if (hub_.in(*s, room) && hub_.subscribed(room)) continue;
      // One that it is in and that nobody hears was emptied for a moment, and the bus was told so; or is about to be
      // heard. Nothing is owed of it from before the session entered it.
      auto const* const in = s->ledger.find(room);
      auto const since_ms = in && in->since_ms > 0 ? in->since_ms : s->compared_ms > 0 ? s->compared_ms : found->now_ms;
      auto const entered = co_await enter_late(s, room, since_ms, found->now_ms);
      if (s->gone) co_return true;
      if (entered) continue;
      log::warn("session.half_heard", {{"connection", s->id.str()},
                                       {"trace", s->trace_id()},
                                       {"room", room.str()},
                                       {"reason", entered.error().text}});
      if (is_transient(entered.error())) co_return false;
    }
    if (outdated() && round < most_rounds) continue;
    if (outdated()) co_return false;
    s->compared_ms = found->now_ms;
    if (seen.mail > 0 || s->unclaimed) fetch_mail(*s);
    co_return true;
  }
}

// The user belongs to the room since nobody knows when, but not since before `since_ms`. What was said since then comes
// from the log, before what comes live. `now_ms` is Redis TIME. False when the user does not belong to it any more.
task<result<bool>> flows::enter_late(session_ptr s, room_id room, std::int64_t since_ms, std::int64_t now_ms) {
  auto const* const was = s->ledger.find(room);
  bool const was_in = was != nullptr, hears = was_in && was->first != 0;
  hub_.enter(*s, room, false, since_ms);
  bool const held_already = s->ledger.holds();
  s->ledger.hold();
  auto outcome = co_await hear(*s, {room}, since_ms);
  result<state::room_entry> entry;
  result<log_reading> found;
  for (int round = 1; outcome; ++round) {
    auto const notices = s->notices;
    entry = co_await store_.members.entry(room, s->user, since_ms);
    if (!entry) outcome = std::unexpected(entry.error());
    // A notice of meanwhile is newer than the answer: the user may have come back.
    if (s->gone || notices == s->notices || round == most_rounds) break;
  }
  if (outcome && entry->member && !s->gone) {
    // Live messages have no holes. Where some have been handed out, nothing older may follow them.
    if (!hears) {
      // Not by the time alone: where a clock has stepped back, all of a log is later than that.
      auto const behind = std::max(entry->place.seq, s->ledger.last_in_order(entry->place.epoch));
      // The bus may be behind: what it brings of before would come behind what is read now.
      s->ledger.begins({entry->place.epoch, behind});
      found = co_await read_after(room, behind, limits_.replayed, limits_.replayed_bytes, limits_.replayed_bytes);
      if (!found) outcome = std::unexpected(found.error());
    }
  }
  bool const in = outcome && entry->member;
  if (!in) hub_.leave(*s, room);
  else if (s->extended && !was_in) answer(*s, room_added(room));
  auto* const page = found ? &found->page : nullptr;
  // Messages that came live meanwhile wait, and are handed out behind these.
  if (auto const live = in ? s->ledger.live_from(room, page->epoch) : 0; live != 0) {
    page->more &= page->messages.empty() || page->messages.back().seq + 1 < live;
    page->newest = std::min(page->newest, live - 1);
    std::erase_if(page->messages, [&](auto const& m) { return m.seq >= live; });
  }
  if (in && !page->more) hub_.set_since(*s, room, now_ms);  // what was said before is owed by itself, below
  if (in && !page->messages.empty() && page->epoch == entry->place.epoch) {
    recovery late{.room = room};
    late.brought = {page->epoch, page->messages.front().seq, page->messages.back().seq};
    late.at_hand = late.brought.last;
    late.recovered = !page->more;
    if (page->more) {
      late.lost_from = page->messages.back().seq + 1;
      late.lost_to = page->newest;
    }
    for (auto& m : page->messages) {
      if (!s->ledger.has({page->epoch, m.seq})) late.messages.push_back(std::move(m.frame));
    }
    delivery::ledger::range const messages{late.brought.epoch, late.brought.first, late.brought.last};
    if (late.messages.empty()) s->ledger.brought(messages);
    else hub_.sent_aside(*s, room, messages);
    co_await replay(s, {&late, 1});
  }
  if (!held_already) hub_.release(*s);
  if (!outcome) co_return std::unexpected(outcome.error());
  co_return in;
}

task<result<std::vector<flows::doubtful>>> flows::find_doubtful(std::span<session_ptr const> some) {
  std::vector<std::pair<user_id, connection_id>> which;
  which.reserve(some.size());
  std::vector<std::uint16_t> notices;
  for (auto const& s : some) {
    which.emplace_back(s->user, s->id);
    notices.push_back(s->notices);
  }
  auto found = co_await store_.connections.compare(std::move(which));
  if (!found) co_return std::unexpected(found.error());
  std::vector<doubtful> out;
  for (std::size_t i = 0; i < some.size(); ++i) {
    auto const& s = some[i];
    if (s->gone || !s->registered) continue;
    if (!agrees(*s, found->seen[i])) out.push_back({s, found->seen[i].known, std::move(found->seen[i].rooms)});
    else if (!s->busy && s->notices == notices[i]) s->compared_ms = found->now_ms;
  }
  co_return out;
}

task<> flows::compare_all(std::uint64_t interruption) {
  asio::steady_timer pause{ex_};
  auto const all = hub_.registered_sessions();
  std::vector<doubtful> found_doubtful;
  for (std::size_t i = 0; i < all.size() && interruption == interruption_;) {
    auto const some = std::span{all}.subspan(i, std::min(asked_at_once, all.size() - i));
    auto found = co_await find_doubtful(some);
    if (!found && is_transient(found.error())) {
      pause.expires_after(patience);
      co_await pause.async_wait(use_task);
      continue;
    }
    if (!found) log::error("sessions.not_compared", {{"reason", found.error().text}});
    i += some.size();
    if (!found) continue;
    for (auto& one : *found) {
      doubt(*one.who);
      found_doubtful.push_back(std::move(one));
    }
  }
  auto const wrong = [](doubtful const& one) { return one.who->doubted && !one.who->gone; };
  auto const until = steady_clock::now() + turn_patience;
  while (interruption == interruption_ && steady_clock::now() < until && std::ranges::any_of(found_doubtful, wrong)) {
    pause.expires_after(5ms);
    co_await pause.async_wait(use_task);
  }
  // A session whose turn does not end, since its client takes nothing, must not keep the others from hearing; nor hear
  // what is not its own.
  for (auto const& one : found_doubtful) {
    if (!wrong(one) || !one.known || forgotten(*one.who))
      continue;  // who is to be told of to Redis first keeps the rooms
    for (auto const& room : without(rooms_of(*one.who), one.rooms)) hub_.leave(*one.who, room);
  }
  bus_.compared(worker_, interruption);
}

// This tick's share of all.
task<> flows::compare_some() {
  auto const share = static_cast<double>(tick_length / 1ms) / static_cast<double>(every / 1ms);
  auto const all = hub_.some_sessions(round_, share);
  for (std::size_t i = 0; i < all.size(); i += asked_at_once) {
    auto const found = co_await find_doubtful(std::span{all}.subspan(i, std::min(asked_at_once, all.size() - i)));
    if (!found) break;  // Redis is away, which the next round, or the end of the outage, makes good
    for (auto const& one : *found) doubt(*one.who);
  }
  comparing_some_ = false;
}

}  // namespace hiky::chat
