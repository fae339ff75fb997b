// SPDX-License-Identifier: Apache-2.0
// Every connection in Redis belongs to an instance that has a lease, perhaps an ended one. So another instance finds
// the connection and undoes it.
#include "state/chat/leases.hpp"

#include "state/chat/store.hpp"
#include "support/with_redis.hpp"

namespace {

using namespace hiky;
using namespace std::chrono_literals;
using state::lease_state;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;

class leases : public support::with_redis {
 protected:
  void connect(std::string const& connection, instance_id const& on) {
    ok(store.connections.add({connection_id{connection}, on, user_id{"bob"}, "2026-01-31T12:00:00.000Z", "", ""}, {}));
  }
  void disconnect(std::string const& connection, instance_id const& from) {
    ok(store.connections.remove(connection_id{connection}, from, user_id{"bob"}));
  }
  lease_state renew(instance_id const& who, bool begin = false) {
    return ok(store.leases.renew(who, lease, begin)).own;
  }
  std::vector<instance_id> expired() { return ok(store.leases.renew(other, lease, true)).expired; }
  std::int64_t now() {
    auto const time = probe.list("TIME");
    return std::stoll(time[0]) * 1000 + std::stoll(time[1]) / 1000;
  }
  std::string end_of(instance_id const& who) { return probe("ZSCORE", "ws:instances", who.str()); }

  std::chrono::milliseconds const lease = 300ms;
  instance_id const own{"chat-1"}, other{"chat-2"};
  state::store store{redis, 1, {}, 5s, 0, lease};
};

TEST_F(leases, are_given_to_an_instance_that_has_none_when_a_connection_comes) {
  connect("c.1", own);
  EXPECT_NEAR(std::stod(end_of(own)), static_cast<double>(now() + lease.count()), 100);
  events.run_for(lease + 50ms);
  EXPECT_THAT(expired(), ElementsAre(own)) << "nobody else would ever undo the connection";
  EXPECT_TRUE(ok(store.leases.take(own, 5s)));
}

TEST_F(leases, that_a_connection_brought_do_not_hide_that_the_instance_was_forgotten) {
  EXPECT_EQ(renew(own, true), lease_state::lost);
  EXPECT_EQ(renew(own), lease_state::renewed);
  probe("DEL", "ws:instances");
  connect("c.1", own);
  EXPECT_EQ(renew(own), lease_state::lost);
  connect("c.2", own);
  EXPECT_EQ(renew(own), lease_state::lost);
  EXPECT_EQ(renew(own, true), lease_state::lost);
  EXPECT_EQ(renew(own), lease_state::renewed);
  connect("c.3", own);
  EXPECT_EQ(renew(own), lease_state::renewed) << "a connection takes nothing from a lease that is there";
}

// The instance's heartbeat may come before and after the sweep, and never meanwhile.
TEST_F(leases, of_an_instance_that_was_swept_behind_its_back_tell_it_so_though_a_connection_has_come) {
  EXPECT_EQ(renew(own, true), lease_state::lost);
  connect("c.1", own);
  events.run_for(lease + 50ms);
  EXPECT_TRUE(ok(store.leases.take(own, 5s)));
  disconnect("c.1", own);
  connect("c.2", own);
  ok(store.leases.forget(own));
  EXPECT_EQ(renew(own), lease_state::lost);
  EXPECT_EQ(renew(own, true), lease_state::lost);
  EXPECT_EQ(renew(own), lease_state::renewed);
}

TEST_F(leases, of_a_swept_instance_stay_as_they_ended_when_a_connection_comes) {
  EXPECT_EQ(renew(own, true), lease_state::lost);
  auto const before = end_of(own);
  events.run_for(lease + 50ms);
  EXPECT_TRUE(ok(store.leases.take(own, 5s)));
  EXPECT_EQ(renew(own), lease_state::being_swept);
  connect("c.1", own);
  EXPECT_EQ(end_of(own), before);
  EXPECT_EQ(renew(own), lease_state::being_swept);
}

TEST_F(leases, go_with_an_instance_that_leaves_nothing) {
  renew(own, true);
  connect("c.1", own);
  disconnect("c.1", own);
  EXPECT_EQ(ok(store.leases.give_up(own)), 0);
  EXPECT_EQ(probe("EXISTS", "ws:instances", "ws:instance_connections:chat-1"), "0");
}

// Another instance took it for dead, lost Redis before it could sweep, and ended.
TEST_F(leases, go_with_a_sweep_that_was_begun_and_not_finished) {
  for (bool const goes_on : {false, true}) {
    renew(own, true);
    connect("c.1", own);
    events.run_for(lease + 50ms);
    EXPECT_TRUE(ok(store.leases.take(own, 5s)));
    disconnect("c.1", own);
    EXPECT_EQ(ok(store.leases.give_up(own)), 0);
    if (goes_on) EXPECT_FALSE(ok(store.leases.take(own, 5s, true))) << "there is nothing left to sweep";
    EXPECT_EQ(probe("EXISTS", "ws:instances", "ws:sweeps"), "0");
  }
}

TEST_F(leases, end_at_once_when_an_instance_ends_before_its_connections) {
  renew(own, true);
  connect("c.1", own);
  connect("c.2", own);
  EXPECT_EQ(ok(store.leases.give_up(own)), 2);
  EXPECT_THAT(ok(store.lists.of_instance(own)), testing::SizeIs(2));
  events.run_for(2ms);
  EXPECT_THAT(expired(), ElementsAre(own));
  EXPECT_TRUE(ok(store.leases.take(own, 5s)));
}

TEST_F(leases, are_found_as_ended_by_those_that_live_only) {
  renew(own, true);
  EXPECT_THAT(expired(), IsEmpty());
  events.run_for(lease / 2);
  renew(own);
  events.run_for(lease / 2 + 50ms);
  EXPECT_THAT(expired(), IsEmpty());
}

}  // namespace
