// SPDX-License-Identifier: Apache-2.0
// Part of flows: a session begins, hears its rooms, and gets what it missed.
#include "chat/flows/flows.hpp"

#include <boost/asio/append.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <iterator>
#include <numeric>

#include "base/log.hpp"
#include "chat/flows/flows_common.hpp"

namespace hiky::chat {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

namespace {
constexpr auto longest_wait_to_replace = 6s;
constexpr std::size_t replayed_at_once = 256 * 1024;  // bytes, which wait in memory for a client to read them
}  // namespace

// Rule 4 of the state design: hear, become visible, then answer, then mail, then what came in between.
task<> flows::run_register(session_ptr s, std::optional<std::string> id, std::optional<user_id> claimed,
                           register_request r) {
  if (s->registered && !r.resume.empty()) {
    co_return refuse(*s, {error_code::invalid_argument,
                          "this connection is registered already; joinRoom with `since` brings what a room has said",
                          std::move(id)});
  }
  auto who = co_await identify(s, id, {std::move(claimed), std::move(r.token)});
  if (!who || (s->gone && !s->backlog)) co_return;  // what it asked for behind the register is done all the same
  if (s->registered) {
    s->extended |= r.extended;
    if (!co_await regrant(s, std::move(who->grant), std::move(who->session))) {
      co_return refuse(*s, std::move(id), error{errc::timeout, "the rooms of the new token are not heard yet"});
    }
    co_return answer_registered(*s, id, rooms_of(*s), {});
  }

  // The end of a register that failed is on the way to Redis, and would end this one.
  for (auto const until = steady_clock::now() + 2s; ends_.contains(s->id.str());) {
    if (s->gone || steady_clock::now() > until)
      co_return refuse(*s, std::move(id), error{errc::timeout, "the register before has not been undone yet"});
    asio::steady_timer pause{ex_, 20ms};
    co_await pause.async_wait(use_task);
  }
  if (!co_await may_replace(s, who->user)) co_return;
  s->user = who->user;
  grant(*s, std::move(who->grant), std::move(who->session));
  s->extended = r.extended;
  s->acks = r.acks;
  s->newest_first = r.newest_first;
  if (r.earlier) s->earlier = std::make_unique<connection_id>(*r.earlier);
  auto const interruption = interruption_;
  s->ledger.hold();
  hub_.attach(*s);
  directory::entry entry;
  auto const online = co_await go_online(s, entry);
  if (online && online->kept_out_s) {
    hub_.detach(*s);
    s->ledger.discard();
    refuse_banned(*s, std::move(id), *online->kept_out_s);
    s->user = user_id{};
    co_return;
  }
  if (!online) {
    // Redis may have made the user online all the same (a lost answer): undone like any other end. Nothing was heard.
    end_in_redis(*s, {.since_began = true});
    hub_.detach(*s);
    s->ledger.discard();
    s->user = user_id{};
    co_return refuse(*s, std::move(id), online.error());
  }
  auto const resumed = co_await recover_all(*online, r.resume);
  if (!resumed) {
    // To say `recovered: false` would be a guess: the log may well be there in a moment. Friends who were not told of
    // the arrival must not be told of the end alone.
    if (online->connections == 1 && online->was_announced) announce_arrival(std::move(entry));
    end_in_redis(*s, {.since_began = true});
    hub_.detach(*s);
    s->ledger.discard();
    s->user = user_id{};
    co_return refuse(*s, std::move(id), resumed.error());
  }
  if (limits_.connections_per_user > 0 &&
      online->connections > static_cast<std::int64_t>(limits_.connections_per_user)) {
    rates_.take(s->user, user_rate::replacements, now_ms());
  }
  s->registered = true;
  s->shown.reset();
  s->returning = !online->was_announced;
  s->identified();
  count_.registers.add();
  count_.registered_connections.add();
  log::debug("session.registered", {{"connection", s->id.str()},
                                    {"trace", s->trace_id()},
                                    {"user", s->user.str()},
                                    {"rooms", online->rooms.size()}});
  for (std::size_t i = 0; i < resumed->size(); ++i)
    note_recovery(*s, r.resume[i].second, (*resumed)[i], s->earlier != nullptr);
  answer_registered(*s, id, online->rooms, *resumed, online->at_ms);
  if (co_await replay(s, *resumed) && online->mail > 0) co_await deliver_mail(s);
  // What the bus would have said to this connection while it was away did not come.
  if (interruption != interruption_ && !co_await compare(s)) doubt(*s);
  hub_.release(*s);
  if (online->connections == 1 && online->was_announced) {
    // Of whom the directory says nothing, the token may.
    if (entry.user.username.empty()) entry.user.username = std::move(who->username);
    if (entry.user.name.empty()) entry.user.name = std::move(who->name);
    announce_arrival(std::move(entry));
  }
}

// Tabs beyond the limit that connect again when they are replaced would replace one another for ever: the next waits
// until a replacement is due again. False when the client is gone.
task<bool> flows::may_replace(session_ptr s, user_id user) {
  asio::steady_timer pause{ex_};
  for (auto const until = steady_clock::now() + longest_wait_to_replace;
       !rates_.has(user, user_rate::replacements, now_ms());) {
    if (steady_clock::now() > until) break;
    pause.expires_after(50ms);
    co_await pause.async_wait(use_task);
  }
  co_return !s->gone || s->backlog;
}

// `who` becomes what the directory says.
task<result<state::connected>> flows::go_online(session_ptr s, directory::entry& who) {
  using namespace asio::experimental::awaitable_operators;
  auto [entry, known] = co_await (people_.load(s->user) && store_.connections.places(s->user));
  if (!entry) co_return std::unexpected(entry.error());
  if (!known) co_return std::unexpected(known.error());
  if (s->grant) std::erase_if(known->rooms, [&](auto const& place) { return !s->grant->allows(place.first); });
  std::vector<room_id> rooms, fresh;
  std::vector<state::message_place> places;
  for (auto& [room, place] : known->rooms) {
    if (!hub_.heard(room)) {
      fresh.push_back(room);
      places.push_back(std::move(place));
    }
    rooms.push_back(std::move(room));
  }
  std::ranges::move(without(permitted(*s, entry->rooms), rooms), std::back_inserter(rooms));
  result<void> heard;
  result<state::connected> online;
  bool heard_late =
      false;  // the user belonged to the rooms before their subscriptions held, and news of a removal may have passed
  if (rooms.size() == known->rooms.size()) {
    // At the same time: what is said before the subscription holds comes from the log, from where the rooms stood
    // before.
    for (auto const& room : rooms) hub_.enter(*s, room, false);
    if (!fresh.empty()) co_await bus_.begin_listening(worker_, fresh, places);
    // NOLINTNEXTLINE(cppcoreguidelines-avoid-capturing-lambda-coroutines): awaited right here
    auto const add = [&]() -> task<result<state::connected>> {
      auto out = co_await store_.connections.add(details(*s), {entry->rooms.begin(), entry->rooms.end()},
                                                 state::known_rooms::become_members, known->newest_ms);
      heard_late = !std::ranges::all_of(fresh, [&](room_id const& room) { return hub_.heard(room); });
      co_return out;
    };
    std::tie(heard, online) = co_await (hear(*s, rooms) && add());
  } else {
    heard = co_await hear(*s, rooms);
    if (heard)
      online = co_await store_.connections.add(details(*s), {entry->rooms.begin(), entry->rooms.end()},
                                               state::known_rooms::become_members, known->newest_ms);
  }
  if (!heard) co_return std::unexpected(heard.error());
  if (!online) co_return std::unexpected(online.error());
  if (online->kept_out_s) co_return online;
  s->asserted = data_;
  s->unasserted = false;
  s->began_ms = online->at_ms;
  s->kick = online->kick;
  s->compared_ms = known->now_ms;
  if (online->connections == 1 && online->was_announced)
    returns_.add(s->user, online->rooms);  // all rooms: all were told of the absence
  online->rooms = permitted(*s, std::move(online->rooms));
  who = std::move(*entry);
  // Rooms that came or went while we were asking.
  for (auto const& room : without(rooms, online->rooms)) hub_.retract(*s, room);
  // Of those that came, what was said since we began to ask is still to come, when the register is done.
  s->doubted |=
      heard_late || !std::ranges::all_of(online->rooms, [&](room_id const& room) { return hub_.in(*s, room); });
  co_return std::move(online);
}

// The session hears `rooms` when this returns; Redis is asked only for those that nobody on this worker hears yet.
task<result<void>> flows::hear(session& s, std::vector<room_id> rooms, std::int64_t since_ms) {
  std::vector<room_id> fresh;
  for (auto const& room : rooms) {
    if (!hub_.heard(room)) fresh.push_back(room);
  }
  for (auto const& room : rooms) hub_.enter(s, room, false, since_ms);
  if (fresh.empty()) co_return result<void>{};
  auto const outcome = co_await bus_.listen(worker_, fresh);
  if (outcome) {
    for (auto const& room : fresh) hub_.set_heard(room);
  }
  co_return outcome;
}

// The room's log after `seq`, page by page, as long as `bytes` has room for one more. Only the beginning, `keep` bytes
// or a page more, stays in memory; pages that do not are others' turn too.
task<result<flows::log_reading>> flows::read_after(room_id room, std::uint64_t seq, std::size_t most, std::size_t bytes,
                                                   std::size_t keep) {
  constexpr auto page_bytes = state::room_log::page_bytes;
  auto const size = [](auto const& messages) {
    return std::accumulate(messages.begin(), messages.end(), std::size_t{0},
                           [](auto sum, auto const& m) { return sum + m.frame.size(); });
  };
  log_reading out;
  auto& count = out.count;
  while (count == 0 || (out.page.more && count < most && out.bytes + page_bytes <= bytes)) {
    bool const kept = out.bytes < keep;
    auto const turn = kept ? lane::turn{} : co_await heavy_.enter();
    auto next =
        co_await store_.room_log.after(room, count == 0 ? seq : out.last, most - count, std::min(bytes, page_bytes));
    heavy_.leave(turn);
    if (!next) co_return std::unexpected(next.error());
    if (count > 0 && next->epoch != out.page.epoch)
      break;  // the room was lost meanwhile: what was read is all there is to tell
    if (count == 0) {
      out.page.epoch = next->epoch;
      out.page.oldest = next->oldest;
      if (!next->messages.empty()) out.first = next->messages.front().seq;
    }
    out.page.newest = next->newest;
    out.page.more = next->more;
    if (next->messages.empty()) break;
    count += next->messages.size();
    out.bytes += size(next->messages);
    out.last = next->messages.back().seq;
    if (kept) std::ranges::move(next->messages, std::back_inserter(out.page.messages));
  }
  co_return out;
}

// What `room` has said since the client's last message, or what of it is left.
task<result<recovery>> flows::recover(room_id room, std::string since, std::size_t most, std::size_t bytes,
                                      std::size_t keep) {
  auto const last = state::parse_message_id(since);
  auto found = co_await read_after(room, last ? last->seq : 0, most, bytes, keep);
  if (!found) co_return std::unexpected(found.error());
  recovery out{room};
  if (!last || found->page.epoch != last->epoch) {
    // Redis lost the room's head in between: what the client has can't be compared with what is here. It gets what
    // there is.
    if (last && last->seq > 0) found = co_await read_after(room, 0, most, bytes, keep);
    if (!found) co_return std::unexpected(found.error());
  } else if (last->seq > found->page.newest) {
    // Redis went back to an earlier state and has lost what the client has.
    out.recovered = false;
  } else {
    auto const first = found->first == 0 ? found->page.newest + 1 : found->first;
    auto const end = found->last == 0 ? found->page.newest : found->last;
    out.recovered = first <= last->seq + 1 && end >= found->page.newest;
    if (first > last->seq + 1) {
      out.lost_from = last->seq + 1;
      out.lost_to = first - 1;
    } else if (end < found->page.newest) {
      // More than one answer brings: the rest is there for `history`.
      out.lost_from = end + 1;
      out.lost_to = found->page.newest;
    }
  }
  auto& page = found->page;
  if (found->first != 0) out.brought = {page.epoch, found->first, found->last};
  out.now = {page.epoch, page.newest};
  out.count = found->count;
  out.bytes = found->bytes;
  for (auto& m : page.messages) {
    out.messages.push_back(std::move(m.frame));
    out.at_hand = m.seq;
  }
  if (!out.recovered) count_.unrecovered.add();
  co_return out;
}

task<result<std::vector<recovery>>> flows::recover_all(state::connected const& online,
                                                       std::vector<std::pair<room_id, std::string>> wanted) {
  std::vector<recovery> out;
  auto left = limits_.resumed_bytes, keep = replayed_at_once;
  for (auto& [room, since] : wanted) {
    if (std::ranges::find(online.rooms, room) == online.rooms.end()) {
      out.push_back({room});
      continue;
    }
    auto found =
        co_await recover(room, std::move(since), limits_.replayed, std::min(left, limits_.replayed_bytes), keep);
    if (!found) co_return std::unexpected(found.error());
    left -= std::min(left, found->bytes);
    keep -= std::min(keep, found->bytes);
    out.push_back(std::move(*found));
  }
  co_return out;
}

// In portions: more than the outbox takes must not look like a slow reader, nor wait in memory until it is read. False
// when the client is gone.
task<bool> flows::replay(session_ptr s, std::span<recovery const> resumed) {
  std::size_t bytes = 0;
  for (auto const& room : resumed) {
    if (!room.recovered && s->extended) answer(*s, gap(room));
    for (auto const& message : room.messages) {
      answer(*s, message);
      bytes += message.size();
      if (bytes < replayed_at_once) continue;
      bytes = 0;
      if (!co_await flushed(*s)) co_return false;
    }
    if (room.at_hand < room.brought.last && !co_await replay_rest(s, room)) co_return false;
  }
  co_return true;
}

// Messages of a recovery that are not at hand are read again. Those that have gone from the log meanwhile are a gap.
task<bool> flows::replay_rest(session_ptr s, recovery const& room) {
  auto const lost = [&](std::uint64_t from, std::uint64_t to) {
    if (!s->extended || from > to) return;
    recovery missing{.room = room.room};
    missing.lost_from = from;
    missing.lost_to = to;
    missing.now = room.now;
    answer(*s, gap(missing));
  };
  for (auto next = std::max(room.at_hand + 1, room.brought.first); next <= room.brought.last;) {
    if (!co_await flushed(*s)) co_return false;
    auto const turn = co_await heavy_.enter();
    auto const page =
        co_await store_.room_log.after(room.room, next - 1, room.brought.last - next + 1, replayed_at_once);
    heavy_.leave(turn);
    if (!page) {
      // The ledger counts on the client's getting it. When it connects again, it asks for it again.
      s->close(close_try_again, "what you missed can't be read right now; connect again");
      co_return false;
    }
    if (page->epoch != room.brought.epoch || page->messages.empty()) co_return lost(next, room.brought.last), true;
    for (auto const& message : page->messages) {
      if (message.seq > room.brought.last) break;
      lost(next, message.seq - 1);
      answer(*s, message.frame);
      next = message.seq + 1;
    }
    if (page->messages.back().seq < room.brought.last) continue;
    lost(next, room.brought.last);
    break;
  }
  co_return co_await flushed(*s);
}

// True once all that was sent so far has left the outbox. Not by a pong: who has a full backlog is not read, and would
// not be heard to answer.
task<bool> flows::flushed(session& s) {
  using done = asio::any_completion_handler<void(bool)>;
  co_return co_await asio::async_initiate<asio::use_awaitable_t<> const, void(bool)>(
      [this, &s](auto handler) {
        auto const then = std::make_shared<done>(std::move(handler));
        s.after_flush([this, then](bool ok) { asio::post(ex_, asio::append(std::move(*then), ok)); });
      },
      use_task);
}

// The client has the message that it names, and gets what was found. Of what it names and Redis has lost, the number
// will be another message's.
void flows::note_recovery(session& s, std::string const& since, recovery const& found, bool on_connection) {
  auto const last = state::parse_message_id(since);
  if (last && (last->epoch != found.now.epoch || last->seq <= found.now.seq)) s.ledger.claims(*last, on_connection);
  s.ledger.brought({found.brought.epoch, found.brought.first, found.brought.last});
  // The bus may be behind: what it brings of an epoch that Redis has lost would come behind what the new one has said.
  if (found.now.epoch.empty()) return;
  auto const* const e = s.ledger.find(found.room);
  if (e && e->room->last.epoch != found.now.epoch) s.ledger.lost(std::string{e->room->last.epoch});
  auto const of_another = [&](delivery::ledger::entry const& other) {
    return &other != e && last && other.room->last.epoch == last->epoch;
  };
  if (last && last->epoch != found.now.epoch && std::ranges::none_of(s.ledger.rooms(), of_another))
    s.ledger.lost(last->epoch);
}

}  // namespace hiky::chat
