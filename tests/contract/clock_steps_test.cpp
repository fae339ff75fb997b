// SPDX-License-Identifier: Apache-2.0
// A Redis whose clock is behind that of the one before it (a failover): an event that was due by the old clock does not
// wait until the new clock catches up.
#include "base/clock.hpp"
#include "state/chat/store.hpp"
#include "support/with_redis.hpp"

namespace {

using namespace hiky;
using namespace std::chrono_literals;
using state::lease_state;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

class a_clock_that_stepped_back : public support::with_redis {
 protected:
  std::int64_t now() {
    auto const time = probe.list("TIME");
    return std::stoll(time[0]) * 1000 + std::stoll(time[1]) / 1000;
  }
  // The data as the old clock has left them.
  void plant(std::string const& key, std::string const& member, std::int64_t from_now,
             std::string const& fraction = "") {
    probe("ZADD", key, std::to_string(now() + from_now) + fraction, member);
  }
  double ahead(std::string const& key, std::string const& member) {
    return std::stod(probe("ZSCORE", key, member)) - static_cast<double>(now());
  }
  std::vector<instance_id> expired() { return ok(store.leases.renew(living, lease, true)).expired; }

  std::chrono::milliseconds const lease = 300ms, grace = 400ms;
  instance_id const dead{"chat-1"}, living{"chat-2"};
  state::store store{redis, 1, {}, grace, 0, lease};
};

TEST_F(a_clock_that_stepped_back, hides_no_dead_instance_for_longer_than_a_lease) {
  for (auto const step : {90'000, 3'600'000}) {
    plant("ws:instances", dead.str(), step);
    EXPECT_THAT(expired(), IsEmpty());
    EXPECT_LE(ahead("ws:instances", dead.str()), lease.count() + 1);
    events.run_for(lease + 20ms);
    EXPECT_THAT(expired(), ElementsAre(dead));
    EXPECT_TRUE(ok(store.leases.take(dead, lease)));
    ok(store.leases.forget(dead));
  }
}

TEST_F(a_clock_that_stepped_back, leaves_a_lease_that_a_connection_brought_what_it_is) {
  plant("ws:instances", living.str(), 90'000, ".5");
  EXPECT_EQ(ok(store.leases.renew(living, lease)).own, lease_state::lost);
  plant("ws:instances", dead.str(), 90'000, ".5");
  expired();
  EXPECT_THAT(probe("ZSCORE", "ws:instances", dead.str()), testing::EndsWith(".5"));
}

TEST_F(a_clock_that_stepped_back, and_infinity_are_the_same) {
  for (auto const* key : {"ws:instances", "ws:sweeps"}) probe("ZADD", key, "+inf", dead.str());
  probe("ZADD", "ws:pending_offline", "+inf", "bob");
  EXPECT_THAT(expired(), IsEmpty());
  EXPECT_EQ(ok(store.leases.renew(living, lease)).own, lease_state::renewed);
  for (auto const* key : {"ws:instances", "ws:sweeps"}) EXPECT_LE(ahead(key, dead.str()), lease.count() + 1) << key;
  EXPECT_THAT(ok(store.announcements.take_due(10, 60'000)), IsEmpty());
  EXPECT_LE(ahead("ws:pending_offline", "bob"), grace.count() + 1) << "an absence that nobody has claimed";
  events.run_for(lease + 20ms);
  EXPECT_THAT(expired(), ElementsAre(dead));
  EXPECT_TRUE(ok(store.leases.take(dead, lease)));
}

TEST_F(a_clock_that_stepped_back, keeps_no_sweep_for_longer_than_its_patience) {
  plant("ws:instances", dead.str(), -1);
  plant("ws:sweeps", dead.str(), 3'600'000);
  EXPECT_FALSE(ok(store.leases.take(dead, lease)));
  EXPECT_LE(ahead("ws:sweeps", dead.str()), lease.count() + 1);
  events.run_for(lease + 20ms);
  EXPECT_TRUE(ok(store.leases.take(dead, lease)));
}

TEST_F(a_clock_that_stepped_back, lets_an_instance_live_again_whose_sweeper_has_died) {
  plant("ws:sweeps", living.str(), 3'600'000);
  EXPECT_EQ(ok(store.leases.renew(living, lease, true)).own, lease_state::being_swept);
  events.run_for(lease + 20ms);
  EXPECT_EQ(ok(store.leases.renew(living, lease, true)).own, lease_state::lost);
  EXPECT_EQ(ok(store.leases.renew(living, lease)).own, lease_state::renewed);
}

TEST_F(a_clock_that_stepped_back, delays_no_absence_beyond_the_grace) {
  plant("ws:pending_offline", "bob", 3'600'000);
  EXPECT_THAT(ok(store.announcements.take_due(100, 15'000)), IsEmpty());
  EXPECT_LE(ahead("ws:pending_offline", "bob"), grace.count() + 1);
  events.run_for(grace + 20ms);
  auto const due = ok(store.announcements.take_due(100, 15'000));
  ASSERT_THAT(due, SizeIs(1));
  EXPECT_EQ(due[0].user, user_id{"bob"});
}

TEST_F(a_clock_that_stepped_back, holds_no_claim_for_longer_than_it_was_made_for) {
  plant("ws:pending_offline", "bob", 90'000, ".5");
  EXPECT_THAT(ok(store.announcements.take_due(100, 600)), IsEmpty());
  EXPECT_THAT(probe("ZSCORE", "ws:pending_offline", "bob"), testing::EndsWith(".5"))
      << "connect.lua tells claims apart by it";
  EXPECT_LE(ahead("ws:pending_offline", "bob"), 602);
  events.run_for(620ms);
  EXPECT_THAT(ok(store.announcements.take_due(100, 600)), SizeIs(1));
  EXPECT_THAT(ok(store.announcements.take_due(100, 600)), IsEmpty()) << "a claim of now is none of the past's";
}

TEST_F(a_clock_that_stepped_back, lets_no_connection_begin_before_what_its_rooms_have_said) {
  user_id const bob{"bob"};
  auto const add = [&](char const* id, std::int64_t newest) {
    return ok(store.connections.add({connection_id{id}, living, bob, "2026-01-31T12:00:00.000Z", "", ""},
                                    {room_id{"tea"}, room_id{"go"}}, state::membership::granted, newest))
        .at_ms;
  };
  auto const before = now();
  auto const first = add("c.1", 0);
  EXPECT_GE(first, before);
  EXPECT_LE(first, now());
  auto const later = before + 3'600'000;
  probe("HSET", "ws:room_head:tea", "epoch", "e", "seq", "7", "t", std::to_string(later));
  probe("HSET", "ws:room_head:go", "epoch", "e", "seq", "9");
  auto const places = ok(store.members.places(bob));
  EXPECT_GE(places.now_ms, before);
  EXPECT_LE(places.now_ms, now());
  EXPECT_EQ(places.newest_ms, later);
  EXPECT_THAT(places.rooms, SizeIs(2));
  EXPECT_EQ(add("c.2", places.newest_ms), later + 1);
  EXPECT_EQ(add("c.2", 0), later + 1) << "a connection that is asserted again has heard its rooms all along";
  EXPECT_THAT(probe("HGET", "ws:user_connections:bob", "c.2"),
              testing::HasSubstr("\"at\":" + std::to_string(later + 1) + "}"));
}

// Between a connection's look at its rooms and its beginning, more messages may come.
TEST_F(a_clock_that_stepped_back, lets_no_connection_begin_before_what_was_said_just_now) {
  user_id const ann{"ann"}, bob{"bob"};
  room_id const tea{"tea"};
  auto const add = [&](user_id const& who, char const* id, std::int64_t newest) {
    return ok(store.connections.add({connection_id{id}, living, who, "2026-01-31T12:00:00.000Z", "", ""}, {tea},
                                    state::membership::granted, newest))
        .at_ms;
  };
  add(ann, "a.1", 0);
  auto const ahead = now() + 3'600'000;
  probe("HSET", "ws:room_head:tea", "epoch", "e", "seq", "7", "t", std::to_string(ahead));
  auto const newest = ok(store.members.places(ann)).newest_ms;
  for (int i = 0; i < 3; ++i) ok(store.room_log.publish({tea, ann, connection_id{"a.1"}, "1", {}, {}}));
  EXPECT_EQ(probe("HGET", "ws:room_head:tea", "t"), std::to_string(ahead + 3));
  EXPECT_EQ(add(bob, "b.1", newest), ahead + 3);
}

// The time since which a connection was not told of rooms is a time of Redis's clock. The time at which the connection
// began is not.
TEST_F(a_clock_that_stepped_back, makes_no_mail_of_what_was_said_before_a_connection_began) {
  user_id const ann{"ann"}, bob{"bob"};
  room_id const tea{"tea"}, go{"go"};
  auto const add = [&](user_id const& who, char const* id, std::vector<state::connection_room> rooms) {
    auto const newest = ok(store.members.places(ann)).newest_ms;
    ok(store.connections.add({connection_id{id}, living, who, "2026-01-31T12:00:00.000Z", "", ""}, std::move(rooms),
                             state::membership::granted, newest));
  };
  add(ann, "a.1", {tea});
  probe("SET", "ws:clock", std::to_string(now() + 60'000));
  for (int i = 0; i < 3; ++i) ok(store.room_log.publish({tea, ann, connection_id{"a.1"}, "1", {}, {}}));
  add(bob, "b.1", {go});
  ok(store.room_log.publish({tea, ann, connection_id{"a.1"}, "1", {}, {}}));
  add(bob, "b.2", {tea, go});
  EXPECT_EQ(ok(store.connections.remove(connection_id{"b.1"}, living, bob, {.others_since_ms = now()})), 1);
  EXPECT_THAT(probe.list("LRANGE", "ws:offline_messages:bob", "0", "-1"), SizeIs(1));
}

TEST_F(a_clock_that_stepped_back, gives_no_message_a_time_before_connections_began) {
  user_id const bob{"bob"};
  room_id const tea{"tea"}, go{"go"};
  auto const add = [&](char const* id) {
    return ok(store.connections.add({connection_id{id}, living, bob, "2026-01-31T12:00:00.000Z", "", ""}, {tea, go}))
        .at_ms;
  };
  auto const say = [&](room_id const& room) {
    auto const said = ok(store.room_log.publish({room, bob, connection_id{"c.1"}, "1", {}, {}}));
    auto const t = std::stoll(probe("HGET", "ws:room_head:" + room.str(), "t"));
    EXPECT_EQ(said.timestamp, iso8601(std::chrono::system_clock::time_point{std::chrono::milliseconds{t}}));
    return t;
  };
  add("c.0");
  EXPECT_LE(std::abs(say(tea) - now()), 1000) << "an ordinary message";
  for (auto const step : {90'000, 3'600'000}) {
    auto const given = now() + step;
    probe("SET", "ws:clock", std::to_string(given));
    EXPECT_EQ(add(step < 100'000 ? "c.1" : "c.2"), given);
    EXPECT_EQ(say(tea), given);
    EXPECT_EQ(say(go), given) << "in every room";
    EXPECT_EQ(ok(store.members.join(user_id{"ann"}, tea, connection_id{"a.1"}, 10)).at_ms, given + 1)
        << "behind the messages before";
    EXPECT_EQ(say(go), given + 1);
  }
}

TEST_F(a_clock_that_stepped_back, is_believed_where_another_was_wrong_by_days) {
  room_id const tea{"tea"};
  probe("SET", "ws:clock", std::to_string(now() + 100'000'000));
  auto const before = now();
  ok(store.connections.add({connection_id{"c.1"}, living, user_id{"bob"}, "2026-01-31T12:00:00.000Z", "", ""}, {tea}));
  ok(store.room_log.publish({tea, user_id{"bob"}, connection_id{"c.1"}, "1", {}, {}}));
  EXPECT_LE(std::stoll(probe("HGET", "ws:room_head:tea", "t")), now());
  EXPECT_GE(std::stoll(probe("GET", "ws:clock")), before);
  EXPECT_LE(std::stoll(probe("GET", "ws:clock")), now());
}

}  // namespace
