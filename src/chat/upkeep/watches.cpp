// SPDX-License-Identifier: Apache-2.0
#include "chat/upkeep/watches.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <algorithm>

#include "base/json.hpp"
#include "base/log.hpp"
#include "chat/protocol/frame_type.hpp"

namespace hiky::chat {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

namespace {

// Of one round, so that a round holds up neither Redis nor this worker. There is a pause between two rounds.
constexpr std::size_t sessions_at_once = 256, users_at_once = 4000;
constexpr auto pace = 25ms;

constexpr std::size_t told_at_once = 200;  // users in one frame: the outbox of the slowest reader has room for so many

// Longer than it takes until a Redis that has lost its data knows of all connections again.
constexpr auto assertion_patience = 3s;

void sort_unique(std::vector<user_id>& users) {
  std::ranges::sort(users);
  auto const twice = std::ranges::unique(users);
  users.erase(twice.begin(), twice.end());
}

}  // namespace

watches::watches(asio::any_io_executor executor, state::store& store, directory::directory& people)
    : ex_(std::move(executor)),
      store_(store),
      people_(people),
      times_{.patience = store.connections.grace() + assertion_patience},
      timer_(ex_) {}

task<result<std::vector<user_presence>>> watches::begin(session_ptr s, std::vector<user_id> users) {
  std::vector<user_presence> out;
  sort_unique(users);
  if (!users.empty()) {
    auto friends = co_await people_.friends(s->user);
    if (!friends) co_return std::unexpected(friends.error());
    std::ranges::sort(*friends);
    std::erase_if(users, [&](user_id const& user) { return !std::ranges::binary_search(*friends, user); });
  }
  auto const before = *s->watch;
  end(*s);
  if (users.empty()) co_return out;
  // Before Redis is asked: users who are announced meanwhile are looked at once more.
  s->watch.mine() = new presence_watch{users, times_, steady_clock::now()};
  auto const online = co_await store_.presence.online(users);
  auto const seen = co_await store_.presence.last_seen(users);
  if (!online || !seen) {
    s->watch.mine() = before;
    if (before) {
      before->doubt_all(steady_clock::now());
      all_.insert(s.get());
      schedule(*s);
    }
    co_return std::unexpected(online ? seen.error() : online.error());
  }
  for (std::size_t i = 0; i < users.size(); ++i) {
    (*s->watch)->answered(users[i], (*online)[i], steady_clock::now());
    out.push_back({std::move(users[i]), (*online)[i], (*online)[i] ? std::string{} : (*seen)[i]});
  }
  all_.insert(s.get());
  schedule(*s);
  co_return out;
}

void watches::end(session& s) {
  if (!*s.watch) return;
  unschedule(s);
  all_.erase(&s);
  s.watch.mine().reset();
}

void watches::announced(session& s, notice::friend_change const& m) {
  auto const about = parse_json(raw_member(m.frame->payload(), "userId").value_or("null"));
  if (!about || !about->is_string()) return;
  if ((*s.watch)->announced(about->get_string(), m.online, steady_clock::now())) schedule(s);
}

void watches::doubt(session& s) {
  if (!*s.watch) return;
  (*s.watch)->doubt_all(steady_clock::now());
  schedule(s);
}

void watches::doubt_all() {
  for (auto* s : all_) doubt(*s);
}

// A session without its first answer waits for nothing yet.
void watches::schedule(session& s) {
  if (!all_.contains(&s)) return;
  unschedule(s);
  (*s.watch)->waits_for = (*s.watch)->due();
  waiting_.emplace((*s.watch)->waits_for, &s);
  if (waiting_.begin()->second == &s) arm();
}

void watches::unschedule(session& s) {
  waiting_.erase({std::exchange((*s.watch)->waits_for, presence_watch::time::max()), &s});
}

void watches::arm() {
  if (looking_ || waiting_.empty()) return;
  timer_.expires_at(waiting_.begin()->first);
  timer_.async_wait([this](boost::system::error_code ec) {
    if (ec || std::exchange(looking_, true)) return;
    asio::co_spawn(ex_, look_at_due(), asio::detached);
  });
}

task<> watches::look_at_due() {
  auto looks = co_await take_due();
  co_await see(looks);
  for (auto const& each : looks) {
    tell(each);
    if (each.counts()) schedule(*each.who);
  }
  asio::steady_timer pause{ex_, pace};
  co_await pause.async_wait(use_task);
  looking_ = false;
  arm();
}

task<std::vector<watches::look>> watches::take_due() {
  std::vector<look> out;
  std::size_t users = 0;
  while (out.size() < sessions_at_once && users < users_at_once && !waiting_.empty() &&
         waiting_.begin()->first <= steady_clock::now()) {
    session_ptr const s{waiting_.begin()->second};
    auto const watch = *s->watch;
    unschedule(*s);
    if (watch->renewal_due(steady_clock::now()) && !co_await renew(s, watch))
      break;  // the others must not wait for more
    out.push_back({s, watch, watch->take_due(steady_clock::now())});
    users += out.back().users.size();
  }
  co_return out;
}

// False when there is nothing to look at now.
task<bool> watches::renew(session_ptr s, watch_ptr watch) {
  auto friends = co_await people_.friends(s->user);
  if (s->gone || *s->watch != watch) co_return false;
  if (friends) {
    std::ranges::sort(*friends);
    watch->renew(*friends, steady_clock::now());
    co_return true;
  }
  watch->postpone_renewal(steady_clock::now());
  schedule(*s);
  co_return false;
}

// Tells the changes. When Redis does not answer, they are told later.
task<> watches::see(std::vector<look>& looks) {
  std::vector<user_id> users, gone;
  for (auto const& each : looks) users.insert(users.end(), each.users.begin(), each.users.end());
  sort_unique(users);
  auto const online = co_await store_.presence.online(users);
  auto const now = steady_clock::now();
  if (!online) {
    if (!is_transient(online.error())) log::error("presence.unknown", {{"reason", online.error().text}});
    for (auto const& each : looks) each.watch->put_off(each.users, now);
    co_return;
  }
  for (auto& each : looks) {
    for (auto& user : each.users) {
      bool const is = (*online)[static_cast<std::size_t>(std::ranges::lower_bound(users, user) - users.begin())];
      if (!each.watch->answered(user, is, now)) continue;
      if (!is) gone.push_back(user);
      each.news.push_back({std::move(user), is});
    }
  }
  sort_unique(gone);
  auto const seen = co_await store_.presence.last_seen(gone);
  if (!seen) co_return;  // optional, unlike the news itself
  for (auto& each : looks) {
    for (auto& one : each.news) {
      if (!one.online)
        one.last_seen = (*seen)[static_cast<std::size_t>(std::ranges::lower_bound(gone, one.user) - gone.begin())];
    }
  }
}

void watches::tell(look const& one) {
  if (one.news.empty()) return;
  std::span const news{one.news};
  auto untold = news;
  auto const first = news.first(std::min(told_at_once, news.size()));
  if (one.counts() && one.who->send(text_frame(presence(std::nullopt, first)), traffic::presence)) {
    untold = news.subspan(first.size());
  }
  for (auto const& each : untold) one.watch->untold(each.user, steady_clock::now());
}

}  // namespace hiky::chat
