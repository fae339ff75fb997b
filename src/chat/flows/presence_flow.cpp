// SPDX-License-Identifier: Apache-2.0
#include "chat/flows/presence_flow.hpp"

#include <algorithm>
#include <span>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "chat/requests/spawn.hpp"

namespace hiky::chat {

namespace {
constexpr std::size_t told_at_once = 500;  // friends: Redis is held for about a millisecond
constexpr std::size_t friends_at_once = 250;
}  // namespace

presence_flow::presence_flow(asio::any_io_executor executor, state::store& store, directory::directory& people,
                             watches& watched, lane& heavy, answers& out)
    : ex_(std::move(executor)), store_(store), people_(people), watches_(watched), heavy_(heavy), answers_(out) {}

task<bool> presence_flow::announce(user_id user, bool online) {
  auto entry = co_await people_.load(user);
  if (entry) co_return co_await tell_friends(std::move(*entry), online);
  log::warn("announcement.failed", {{"user", user.str()}, {"online", online}, {"reason", entry.error().text}});
  co_return false;
}

task<bool> presence_flow::tell_friends(directory::entry who, bool online) {
  auto const frame = online ? friend_online(who.user) : friend_offline(who.user.id, iso8601_now());
  auto const kind = online ? state::bus_letter::friend_online : state::bus_letter::friend_offline;
  bool const many = who.friends.size() > told_at_once;
  for (auto left = std::span<user_id const>{who.friends}; !left.empty();) {
    auto const some = left.first(std::min(left.size(), told_at_once));
    left = left.subspan(some.size());
    auto const turn = many ? co_await heavy_.enter() : lane::turn{};
    auto const told = co_await store_.connections.notify({some.begin(), some.end()}, kind, frame);
    heavy_.leave(turn);
    if (told) continue;
    log::warn("announcement.failed", {{"user", who.user.id.str()}, {"online", online}, {"reason", told.error().text}});
    co_return false;
  }
  co_return true;
}

void presence_flow::announce_arrival(directory::entry who) {
  ++telling_;
  spawn(ex_, [](presence_flow* self, directory::entry arrived) -> task<> {
    co_await self->tell_friends(std::move(arrived), true);
    --self->telling_;
  }(this, std::move(who)));
}

task<> presence_flow::status(session_ptr s, std::optional<std::string> id, get_online_status r) {
  auto allowed = co_await people_.friends(s->user);
  if (!allowed) co_return answers_.refuse(*s, std::move(id), allowed.error());
  if (r.users) {
    // A user may see the status of friends only. Other users are left out; the request is not refused.
    std::ranges::sort(*r.users);
    std::erase_if(*allowed, [&](user_id const& f) { return !std::ranges::binary_search(*r.users, f); });
  }
  // In portions: the answers of thousands of friends would keep other sessions of the worker waiting.
  std::vector<friend_status> friends;
  friends.reserve(allowed->size());
  for (auto left = std::span<user_id const>{*allowed}; !left.empty();) {
    auto const some = left.first(std::min(left.size(), friends_at_once));
    left = left.subspan(some.size());
    auto profiles = co_await people_.profiles({some.begin(), some.end()});
    if (!profiles) co_return answers_.refuse(*s, std::move(id), profiles.error());
    auto const online = co_await store_.presence.online({some.begin(), some.end()});
    if (!online) co_return answers_.refuse(*s, std::move(id), online.error());
    for (std::size_t i = 0; i < profiles->size(); ++i) friends.push_back({std::move((*profiles)[i]), (*online)[i]});
  }
  answers_.send_charged(*s, online_status(id, friends));
}

task<> presence_flow::watch(session_ptr s, std::optional<std::string> id, watch_presence r) {
  auto const now = co_await watches_.begin(s, std::move(r.users));
  if (!now) co_return answers_.refuse(*s, std::move(id), now.error());
  answers_.send_charged(*s, presence(id, *now));
}

}  // namespace hiky::chat
