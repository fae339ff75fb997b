// SPDX-License-Identifier: Apache-2.0
#include "chat/presence_watch.hpp"

#include <algorithm>
#include <utility>

namespace hiky::chat {

presence_watch::presence_watch(std::vector<user_id> users, watch_times times, time now)
    : times_(times), renewal_(now + times.renewal) {
  users_.reserve(users.size());
  for (auto& user : users) users_.push_back({std::move(user)});
}

presence_watch::watched* presence_watch::find(std::string_view user) {
  auto const found =
      std::ranges::lower_bound(users_, user, {}, [](watched const& w) { return std::string_view{w.user}; });
  return found != users_.end() && std::string_view{found->user} == user ? &*found : nullptr;
}

bool presence_watch::announced(std::string_view user, bool online, time now) {
  auto* const one = find(user);
  if (!one) return false;
  one->sure = !online;
  sooner(*one, now + times_.batch);
  return true;
}

presence_watch::time presence_watch::due() const {
  auto out = renewal_;
  for (auto const& one : users_) out = std::min(out, one.look_at);
  return out;
}

void presence_watch::renew(std::span<user_id const> sorted_friends, time now) {
  renewal_ = now + times_.renewal;
  std::erase_if(users_, [&](watched const& w) { return !std::ranges::binary_search(sorted_friends, w.user); });
  for (auto& one : users_) {
    one.sure = false;
    sooner(one, now);
  }
}

std::vector<user_id> presence_watch::take_due(time now) {
  std::vector<user_id> out;
  for (auto& one : users_) {
    if (one.look_at > now + times_.batch) continue;
    one.look_at = time::max();
    out.push_back(one.user);
  }
  return out;
}

bool presence_watch::answered(user_id const& user, bool online, time now) {
  auto* const one = find(user);
  if (!one) return false;
  if (!online && !one->sure) {
    // Announced meanwhile: that look will tell.
    if (one->look_at != time::max()) return false;
    one->sure = true;
    sooner(*one, now + times_.patience);
    return false;
  }
  return std::exchange(one->shown, online) != online;
}

void presence_watch::untold(user_id const& user, time now) {
  auto* const one = find(user);
  if (!one) return;
  one->shown = !one->shown;
  sooner(*one, now + times_.retry);
}

void presence_watch::put_off(std::span<user_id const> users, time now) {
  for (auto const& user : users) {
    if (auto* const one = find(user)) sooner(*one, now + times_.retry);
  }
}

}  // namespace hiky::chat
