// SPDX-License-Identifier: Apache-2.0
// The answers about users, rooms and mail for the HTTP API and hikyctl: composed once, in src/state/inspect.
#include <gmock/gmock.h>

#include "state/chat/store.hpp"
#include "state/inspect/room_summary.hpp"
#include "state/inspect/totals.hpp"
#include "state/inspect/user_details.hpp"
#include "state/inspect/waiting_mail.hpp"
#include "support/with_redis.hpp"

namespace {

using namespace hiky;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class summary : public support::with_redis {
 protected:
  void connect(char const* user, char const* connection) {
    ok(store.connections.add(
        {connection_id{connection}, instance, user_id{user}, "2026-01-31T12:00:00.000Z", "192.0.2.1", "probe"}, {}));
  }
  void join(char const* user, char const* room) {
    ok(store.members.join(user_id{user}, room_id{room}, connection_id{}, 10));
  }
  void say(char const* user, char const* room) {
    ok(store.room_log.publish({room_id{room}, user_id{user}, {}, "\"tea?\"", {}}));
  }

  user_id const bob{"bob"};
  instance_id const instance{"chat-1"};
  state::store store{redis, 1};
};

TEST_F(summary, of_a_user_who_never_came_is_empty) {
  auto const seen = ok(state::describe(redis, bob));
  EXPECT_FALSE(seen.online);
  EXPECT_THAT(seen.connections, IsEmpty());
  EXPECT_THAT(seen.rooms, IsEmpty());
  EXPECT_EQ(seen.typing_in, std::nullopt);
  EXPECT_EQ(seen.client, "");
  EXPECT_EQ(seen.banned_s, 0) << "no ban is no negative one";
}

TEST_F(summary, of_a_user_is_sorted) {
  connect("bob", "c.2");
  connect("bob", "c.1");
  join("bob", "tea");
  join("bob", "chess");
  auto const seen = ok(state::describe(redis, bob));
  EXPECT_TRUE(seen.online);
  ASSERT_THAT(seen.connections, SizeIs(2));
  EXPECT_EQ(seen.connections.front().first, "c.1");
  EXPECT_THAT(seen.connections.front().second, HasSubstr("192.0.2.1"));
  EXPECT_THAT(seen.rooms, ElementsAre("chess", "tea"));
  EXPECT_THAT(seen.member_rooms, ElementsAre("chess", "tea"));
  EXPECT_THAT(seen.client, HasSubstr("lastSeen"));
  auto const listed = ok(state::list_memberships(redis, bob));
  EXPECT_TRUE(listed.online);
  EXPECT_THAT(listed.rooms, SizeIs(2));
  auto const clients = ok(state::list_clients(redis));
  EXPECT_EQ(clients.key, "ws:clients");
  ASSERT_THAT(clients.clients, SizeIs(1));
  EXPECT_EQ(clients.clients.front().first, "bob");
}

TEST_F(summary, names_the_key_that_holds_something_else) {
  probe("SET", "ws:user_rooms:bob", "spoilt");
  EXPECT_THAT(fault(state::describe(redis, bob)).text, HasSubstr("(SMEMBERS ws:user_rooms:bob)"));
}

TEST_F(summary, of_a_room_counts_its_messages) {
  connect("bob", "c.1");
  join("bob", "tea");
  say("bob", "tea");
  say("bob", "tea");
  auto const seen = ok(state::summarize(redis, room_id{"tea"}));
  EXPECT_THAT(seen.participants, ElementsAre("bob"));
  EXPECT_THAT(seen.members, ElementsAre("bob"));
  EXPECT_EQ(seen.last_seq, 2);
  EXPECT_EQ(seen.history, 2);
  EXPECT_THAT(ok(state::rooms_with_messages(redis)), ElementsAre("tea"));
  EXPECT_THAT(ok(state::newest_seqs(redis, {"tea", "nowhere"})), ElementsAre(2U, 0U));
}

TEST_F(summary, lists_rooms_and_says_which_can_not_be_counted) {
  connect("bob", "c.1");
  join("bob", "tea");
  probe("SET", "ws:room_members:chess", "spoilt");
  auto const rooms = ok(state::list_rooms(redis));
  ASSERT_THAT(rooms, SizeIs(2));
  EXPECT_EQ(rooms[0].name, "chess");
  EXPECT_EQ(rooms[0].members, -1);
  EXPECT_EQ(rooms[1].name, "tea");
  EXPECT_EQ(rooms[1].participants, 1);
  auto const all = ok(state::count_all(redis));
  EXPECT_EQ(all.rooms, 2);
  EXPECT_EQ(all.connections, 1);
  EXPECT_EQ(ok(state::read_activity(redis)).online, 1);
}

TEST_F(summary, of_mail_is_oldest_first_and_clearing_counts_it) {
  probe("LPUSH", "ws:offline_messages:bob", "old", "new");
  probe("SET", "ws:offline_dropped:bob", "3");
  auto const mail = ok(state::list_mail(redis, bob));
  EXPECT_THAT(mail.messages, ElementsAre("old", "new"));
  EXPECT_EQ(mail.dropped, 3);
  EXPECT_EQ(ok(state::clear_mail(redis, bob)), 2);
  EXPECT_EQ(ok(state::list_mail(redis, bob)).dropped, 0);
}

}  // namespace
