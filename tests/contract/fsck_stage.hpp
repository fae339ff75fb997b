// SPDX-License-Identifier: Apache-2.0
// A room with two people here and one away, whose state the tests spoil for fsck.
#pragma once
#include <gmock/gmock.h>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "state/chat/store.hpp"
#include "state/inspect/fsck.hpp"
#include "support/with_redis.hpp"

namespace contract {

using namespace hiky;
using namespace std::chrono_literals;

class fsck : public support::with_redis {
 protected:
  fsck() {
    // alice and bob are in tea and here, carol belongs to it and is away, with mail.
    ok(store.leases.renew(chat_1, 60s, true));
    connect("alice", "c.1"), connect("bob", "c.2"), connect("carol", "c.3");
    for (auto const* user : {"alice", "bob", "carol"}) ok(store.members.join(user_id{user}, tea, connection_id{}, 10));
    ok(store.connections.remove(connection_id{"c.3"}, chat_1, user_id{"carol"}));
    ok(store.room_log.publish({tea, user_id{"alice"}, connection_id{"c.1"}, "\"tea?\"", "m-1"}));
    ok(store.typing.change(user_id{"bob"}, tea, state::typing_change::on));
  }

  void connect(char const* user, char const* connection, instance_id instance = instance_id{"chat-1"}) {
    ok(store.connections.add({connection_id{connection}, std::move(instance), user_id{user}, "2026-01-31T12:00:00.000Z",
                              "192.0.2.1", "probe"},
                             {}));
  }
  state::fsck_report look(bool repair = false, bool strays = false) {
    return ok(state::fsck(redis, {repair, strays, 0ms}));
  }
  static std::vector<std::string> kinds(state::fsck_report const& r) {
    std::vector<std::string> out;
    for (auto const& f : r.findings) out.push_back(f.kind);
    return out;
  }
  // Is told, is mended and told as mended, and is not there any more.
  state::finding mended(std::string const& kind) {
    auto const before = look();
    EXPECT_THAT(kinds(before), testing::Contains(kind));
    for (auto const& f : before.findings) EXPECT_EQ(f.repaired, "") << f.kind;
    EXPECT_EQ(kinds(look()), kinds(before)) << "looking changes nothing";
    auto const during = look(true);
    EXPECT_THAT(kinds(during), testing::Contains(kind));
    EXPECT_EQ(during.repaired, during.findings.size());
    EXPECT_THAT(kinds(look()), testing::IsEmpty());
    for (auto const& f : during.findings) {
      if (f.kind == kind) {
        for (auto const* text : {&f.key, &f.found, &f.expected, &f.repaired}) EXPECT_NE(*text, "");
        return f;
      }
    }
    return {};
  }
  // The set loses the member: fsck says so as `kind`, and puts it back.
  void restored(std::string const& set, std::string const& member, std::string const& kind) {
    probe("SREM", set, member);
    mended(kind);
    EXPECT_EQ(probe("SISMEMBER", set, member), "1") << kind;
  }
  // The set gets a member too many: fsck says so as `kind`, and removes it.
  void removed(std::string const& set, std::string const& member, std::string const& kind) {
    probe("SADD", set, member);
    mended(kind);
    EXPECT_EQ(probe("SISMEMBER", set, member), "0") << kind;
  }

  instance_id const chat_1{"chat-1"};
  room_id const tea{"tea"};
  state::store store{redis, 1};
};

}  // namespace contract
