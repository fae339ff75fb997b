// SPDX-License-Identifier: Apache-2.0
// The examinations of fsck, one for each kind of subject. An examination judges its subjects as they are now, and
// repairs them in the same step of Redis if asked to.
#pragma once
#include <string>
#include <vector>

#include "base/async.hpp"
#include "base/error.hpp"
#include "redis/client.hpp"
#include "state/inspect/finding.hpp"

namespace hiky::state {

enum class subject_kind { key, user, pair, instance, typing, mailbox, inflight, room };
// Types of keys first, then instances and users, then memberships: each repair is the ground of the next one.
inline constexpr subject_kind in_order_of_repair[]{
    subject_kind::key,    subject_kind::instance, subject_kind::user,    subject_kind::pair,
    subject_kind::typing, subject_kind::inflight, subject_kind::mailbox, subject_kind::room};

struct subject {
  subject_kind kind;
  std::string name;     // of the key, user, instance or room; for a pair the user
  std::string other{};  // for a pair the room
  friend auto operator<=>(subject const&, subject const&) = default;
};

struct observation {
  subject about;
  finding found;
};

struct mending {
  bool repair = false;
  bool strays = false;  // deletes keys under ws: that this version does not know
};

// `subjects` are all of one kind, a few hundred at most.
task<result<std::vector<observation>>> examine(redis::client& redis, std::vector<subject> subjects, mending how);

// Its parts. Types and lives of keys; the counters in them.
task<result<std::vector<observation>>> examine_keys(redis::client& redis, std::vector<subject> subjects, mending how);
// A user's connections, and whether the sets and hashes that say who is online agree with them.
task<result<std::vector<observation>>> examine_users(redis::client& redis, std::vector<subject> subjects, mending how);
// Whether the six sets of members and participants agree about a user and a room.
task<result<std::vector<observation>>> examine_pairs(redis::client& redis, std::vector<subject> subjects, mending how);
// Leases, and lists of connections.
task<result<std::vector<observation>>> examine_instances(redis::client& redis, std::vector<subject> subjects,
                                                         mending how);
// Typing marks of users.
task<result<std::vector<observation>>> examine_typing(redis::client& redis, std::vector<subject> subjects, mending how);
// Mailboxes: entries and length.
task<result<std::vector<observation>>> examine_mailboxes(redis::client& redis, std::vector<subject> subjects,
                                                         mending how);
// Mail that was claimed for a connection.
task<result<std::vector<observation>>> examine_inflight(redis::client& redis, std::vector<subject> subjects,
                                                        mending how);
// Heads and logs of rooms.
task<result<std::vector<observation>>> examine_rooms(redis::client& redis, std::vector<subject> subjects, mending how);

}  // namespace hiky::state
