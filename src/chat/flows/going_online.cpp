// SPDX-License-Identifier: Apache-2.0
#include "chat/flows/going_online.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>

#include <algorithm>
#include <iterator>
#include <tuple>

#include "chat/flows/common.hpp"
#include "chat/flows/comparison.hpp"
#include "chat/flows/doubts.hpp"

namespace hiky::chat {

using namespace asio::experimental::awaitable_operators;

going_online::going_online(instance_id const& instance, state::store& store, directory::directory& people, hub& here,
                           subscriptions& heard, data_losses const& losses, returns& back)
    : instance_(instance),
      store_(store),
      people_(people),
      hub_(here),
      subscriptions_(heard),
      losses_(losses),
      returns_(back) {}

task<result<state::connected>> going_online::go(session_ptr s, directory::entry& who) {
  auto [entry, known] = co_await (people_.load(s->user) && store_.members.places(s->user));
  if (!entry) co_return std::unexpected(entry.error());
  if (!known) co_return std::unexpected(known.error());
  auto const before = sort(*s, *entry, std::move(*known));
  bool heard_late = false;
  auto online = before.known_to_redis ? co_await add_while_subscribing(s, before, heard_late)
                                      : co_await add_subscribed(s, before);
  if (!online || online->kept_out_s) co_return online;
  data_losses::note_asserted(*s, losses_.count());
  s->began.mine() = {online->at_ms, online->kick};
  comparison::note_compared(*s, before.now_ms);
  if (online->connections == 1 && online->was_announced)
    returns_.add(s->user, online->rooms);  // all rooms: all were told of the absence
  who = std::move(*entry);
  online->rooms = permitted(*s, std::move(online->rooms));
  // Rooms that came or went while we were asking.
  for (auto const& room : without(before.all, online->rooms)) hub_.retract(*s, room);
  // Messages of the rooms that came, said since we began to ask, come when the register is done.
  if (heard_late || !std::ranges::all_of(online->rooms, [&](room_id const& room) { return hub_.in(*s, room); })) {
    doubts::mark(*s);
  }
  co_return online;
}

going_online::rooms_before going_online::sort(session const& s, directory::entry const& who,
                                              state::user_places known) const {
  rooms_before out{.of_directory = who.rooms, .now_ms = known.now_ms, .newest_ms = known.newest_ms};
  for (auto& [room, place] : known.rooms) {
    if (s.grant && !s.grant->allows(room)) continue;
    if (!hub_.subscribed(room)) {
      out.fresh.push_back(room);
      out.places.push_back(std::move(place));
    }
    out.all.push_back(std::move(room));
  }
  auto others = without(permitted(s, who.rooms), out.all);
  out.known_to_redis = others.empty();
  std::ranges::move(others, std::back_inserter(out.all));
  return out;
}

task<result<state::connected>> going_online::add(session_ptr s, rooms_before const& before) {
  co_return co_await store_.connections.add(details_of(*s, instance_),
                                            {before.of_directory.begin(), before.of_directory.end()},
                                            state::membership::granted, before.newest_ms);
}

task<result<state::connected>> going_online::add_subscribed(session_ptr s, rooms_before const& before) {
  auto const subscribed = co_await subscriptions_.subscribe(*s, before.all);
  if (!subscribed) co_return std::unexpected(subscribed.error());
  co_return co_await add(s, before);
}

// Messages from before the subscriptions hold come from the log, behind the places where the rooms stood before.
task<result<state::connected>> going_online::add_while_subscribing(session_ptr s, rooms_before const& before,
                                                                   bool& heard_late) {
  for (auto const& room : before.all) hub_.enter(*s, room, false);
  if (!before.fresh.empty()) co_await subscriptions_.begin(before.fresh, before.places);
  // NOLINTNEXTLINE(cppcoreguidelines-avoid-capturing-lambda-coroutines): awaited right here
  auto const add_and_look = [&]() -> task<result<state::connected>> {
    auto out = co_await add(s, before);
    heard_late = !std::ranges::all_of(before.fresh, [&](room_id const& room) { return hub_.subscribed(room); });
    co_return out;
  };
  result<void> subscribed;
  result<state::connected> online;
  std::tie(subscribed, online) = co_await (subscriptions_.subscribe(*s, before.all) && add_and_look());
  if (!subscribed) co_return std::unexpected(subscribed.error());
  co_return online;
}

}  // namespace hiky::chat
