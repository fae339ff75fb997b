// SPDX-License-Identifier: Apache-2.0
// The bus on a real Redis: which messages workers get around an interruption, and when.
#include "chat/bus/bus.hpp"

#include <boost/asio/post.hpp>

#include <chrono>

#include "state/chat/keys.hpp"
#include "support/with_redis.hpp"

using namespace hiky;
using namespace testing;
using namespace std::chrono_literals;
using chat::bus;

namespace {

struct bus_of_two_workers : Test {
  void make(std::chrono::milliseconds gate_patience = 10s) {
    channel = std::make_unique<bus>(client, instance_id{"one"}, gate_patience);
    for (auto& each : got) {
      channel->add_worker([&each, this](bus::batch const& batch, std::chrono::steady_clock::time_point) {
        for (auto const& m : batch) {
          auto const* again = std::get_if<chat::notice::interrupted>(m.get());
          auto const* said = std::get_if<chat::notice::message>(m.get());
          if (again) generation = again->generation;
          each.push_back(said ? fmt::format("m {}", said->place.seq) : again ? "r" : "other");
        }
      });
    }
    probe("SADD", state::keys::room_members(room_id{"tea"}), "alice");
    publisher.start();
    ASSERT_TRUE(events.run(publisher.wait_connected(5s)));
  }
  void connect() {
    client.start();
    ASSERT_TRUE(events.run(client.wait_connected(5s)));
    events.run_for(50ms);
    for (auto& each : got) each.clear();
  }
  void TearDown() override {
    client.stop();
    publisher.stop();
    events.run_for(1ms);
  }
  void subscribe(std::size_t worker) { ASSERT_TRUE(events.run(channel->subscribe(worker, {room_id{"tea"}}))); }
  void publish() {
    ASSERT_TRUE(events.run(log_of_rooms.publish({room_id{"tea"}, user_id{"alice"}, connection_id{"c"}, "\"x\"", {}})));
  }
  // The subscriber loses its connection and comes back; one message is published meanwhile.
  void interrupt() {
    auto const before = generation;
    probe("CLIENT", "KILL", "TYPE", "pubsub");
    publish();
    for (int i = 0; i < 100 && generation == before; ++i) events.run_for(50ms);
    ASSERT_NE(generation, before);
    events.run_for(100ms);
  }
  std::vector<std::string> take(std::size_t worker) { return std::exchange(got[worker], {}); }

  support::log_capture log;
  support::loop events;
  support::redis_server server;
  support::redis_probe probe{server.socket()};
  redis::client client{events.executor(), server.address()};
  redis::client publisher{events.executor(), server.address()};
  state::room_log log_of_rooms{publisher, 1, {}};
  std::unique_ptr<bus> channel;
  std::array<std::vector<std::string>, 2> got;
  std::uint64_t generation = 0;
};

}  // namespace

TEST_F(bus_of_two_workers, gives_a_worker_nothing_after_an_interruption_before_it_has_compared) {
  make();
  connect();
  subscribe(0);
  subscribe(1);
  publish();
  events.run_for(20ms);
  EXPECT_THAT(take(0), ElementsAre("m 1"));
  EXPECT_THAT(take(1), ElementsAre("m 1"));
  interrupt();
  publish();
  events.run_for(100ms);
  EXPECT_THAT(take(0), ElementsAre("r"));
  EXPECT_THAT(take(1), ElementsAre("r"));
  channel->compared(0, generation);
  channel->compared(1, generation - 1);  // of an earlier interruption
  events.run_for(20ms);
  EXPECT_THAT(take(0), ElementsAre("m 2", "m 3"));
  EXPECT_THAT(take(1), IsEmpty());
  channel->compared(1, generation);
  events.run_for(20ms);
  EXPECT_THAT(take(1), ElementsAre("m 2", "m 3"));
  publish();
  events.run_for(20ms);
  EXPECT_THAT(take(0), ElementsAre("m 4"));
  EXPECT_THAT(take(1), ElementsAre("m 4"));
}

TEST_F(bus_of_two_workers, closes_the_gate_anew_with_the_next_interruption) {
  make();
  connect();
  subscribe(0);
  publish();
  events.run_for(20ms);
  take(0);
  interrupt();
  auto const first = generation;
  interrupt();
  EXPECT_THAT(take(0), ElementsAre("r", "r"));
  channel->compared(0, first);
  events.run_for(20ms);
  EXPECT_THAT(take(0), IsEmpty());
  channel->compared(0, generation);
  events.run_for(20ms);
  EXPECT_THAT(take(0), ElementsAre("m 2", "m 3"));
}

TEST_F(bus_of_two_workers, opens_the_gate_of_a_worker_that_never_compares) {
  make(300ms);
  connect();
  subscribe(1);
  publish();
  events.run_for(20ms);
  take(1);
  interrupt();
  EXPECT_THAT(take(1), ElementsAre("r"));
  channel->compared(0, generation);
  events.run_for(400ms);
  EXPECT_THAT(take(1), ElementsAre("m 2"));
  EXPECT_THAT(log.lines("bus.gate_opened"), ElementsAre(HasSubstr("1")));
}

TEST_F(bus_of_two_workers, gives_the_first_worker_of_a_room_all_of_a_log_that_fills_more_than_a_page) {
  make();
  connect();
  for (int i = 0; i < 600; ++i) publish();
  auto const place = state::parse_message_id(probe("HGET", state::keys::room_head(room_id{"tea"}), "epoch") + ":0");
  ASSERT_TRUE(place);
  auto const begin = [](bus& all, state::message_place from) -> task<bool> {
    co_await all.begin_subscribing(0, {room_id{"tea"}}, {std::move(from)});
    co_return true;
  };
  events.run(begin(*channel, *place));
  publish();
  events.run_for(200ms);
  std::vector<std::string> numbers;
  for (int seq = 1; seq <= 601; ++seq) numbers.push_back(fmt::format("m {}", seq));
  EXPECT_EQ(take(0), numbers);
}

TEST_F(bus_of_two_workers, subscribes_to_what_was_asked_for_while_redis_was_away) {
  make();
  EXPECT_FALSE(events.run(channel->subscribe(0, {room_id{"tea"}})));
  connect();
  publish();
  events.run_for(20ms);
  EXPECT_THAT(take(0), ElementsAre("m 1"));
}
