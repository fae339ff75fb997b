// SPDX-License-Identifier: Apache-2.0
// The looks that fsck takes, each at one kind of thing. A look judges what it is given as it is now, and mends it if
// asked to.
#pragma once
#include <span>
#include <string>
#include <vector>

#include "base/async.hpp"
#include "base/error.hpp"
#include "redis/client.hpp"
#include "state/inspect/fsck.hpp"

namespace hiky::state {

enum class look { key, user, pair, instance, typing, mailbox, inflight, room };
inline constexpr look all_looks[]{look::key,    look::instance, look::user,    look::pair,
                                  look::typing, look::inflight, look::mailbox, look::room};

struct subject {
  look by;
  std::string name;     // of the key, user, instance or room; for a pair the user
  std::string other{};  // for a pair the room
  friend auto operator<=>(subject const&, subject const&) = default;
};

struct seen {
  subject what;
  finding found;
};

struct mending {
  bool repair = false, strays = false;
};

// `subjects` are all of one kind, a few hundred at most.
task<result<std::vector<seen>>> examine(redis::client& redis, std::vector<subject> subjects, mending how);

// Its parts.
task<result<std::vector<seen>>> examine_keys(redis::client& redis, std::vector<subject> subjects, mending how);
task<result<std::vector<seen>>> examine_users(redis::client& redis, std::vector<subject> subjects, mending how);
task<result<std::vector<seen>>> examine_pairs(redis::client& redis, std::vector<subject> subjects, mending how);
task<result<std::vector<seen>>> examine_instances(redis::client& redis, std::vector<subject> subjects, mending how);
task<result<std::vector<seen>>> examine_typing(redis::client& redis, std::vector<subject> subjects, mending how);
task<result<std::vector<seen>>> examine_mailboxes(redis::client& redis, std::vector<subject> subjects, mending how);
task<result<std::vector<seen>>> examine_inflight(redis::client& redis, std::vector<subject> subjects, mending how);
task<result<std::vector<seen>>> examine_rooms(redis::client& redis, std::vector<subject> subjects, mending how);

}  // namespace hiky::state
