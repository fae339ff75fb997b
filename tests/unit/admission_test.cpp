// SPDX-License-Identifier: Apache-2.0
#include "gateway/door/admission.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <thread>

using namespace hiky::gateway;
using namespace std::chrono_literals;

namespace {
peer_address at(std::string_view text) { return peer_address::parse(text).value(); }
}  // namespace

TEST(admission, counts_the_connections_of_an_address_until_they_end) {
  admission doors{{.per_address = 2, .accepts_per_s = 0}};
  auto one = doors.enter(at("192.0.2.1"));
  auto const two = doors.enter(at("192.0.2.1"));
  ASSERT_TRUE(one && two);
  EXPECT_EQ(doors.enter(at("192.0.2.1")).error(), no_entry::address_connections);
  EXPECT_TRUE(doors.enter(at("192.0.2.2")));
  *one = {};
  EXPECT_TRUE(doors.enter(at("192.0.2.1")));
  EXPECT_EQ(doors.present(), 1);
  EXPECT_EQ(doors.refused(no_entry::address_connections), 1);
}

TEST(admission, takes_a_network_of_64_bits_for_one_customer) {
  admission doors{{.per_address = 1, .accepts_per_s = 0}};
  auto const one = doors.enter(at("2001:db8::1"));
  EXPECT_EQ(doors.enter(at("2001:db8::2")).error(), no_entry::address_connections);
  EXPECT_TRUE(doors.enter(at("2001:db8:0:1::1")));
  EXPECT_EQ(one->address(), at("2001:db8::1"));
}

TEST(admission, limits_how_often_an_address_may_come) {
  admission doors{{.accepts_per_s = 1, .accept_burst = 3}};
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(doors.enter(at("192.0.2.1")));
  EXPECT_EQ(doors.enter(at("192.0.2.1")).error(), no_entry::address_rate);
  EXPECT_TRUE(doors.enter(at("192.0.2.2")));
  // An address that is forgotten too early could begin anew.
  doors.tick(std::chrono::steady_clock::now());
  EXPECT_EQ(doors.enter(at("192.0.2.1")).error(), no_entry::address_rate);
  doors.tick(std::chrono::steady_clock::now() + 10s);
  EXPECT_TRUE(doors.enter(at("192.0.2.1")));
}

TEST(admission, spares_this_machine_unless_told_not_to) {
  admission doors{{.per_address = 1, .accepts_per_s = 1, .accept_burst = 1}};
  std::deque<admission::seat> seats;
  for (int i = 0; i < 10; ++i) seats.push_back(doors.enter(at("127.0.0.1")).value());
  for (int i = 0; i < 10; ++i) seats.push_back(doors.enter(peer_address{}).value());
  admission strict{{.per_address = 1, .accepts_per_s = 0, .spare_loopback = false}};
  auto const one = strict.enter(at("::1"));
  EXPECT_FALSE(strict.enter(at("::1")));
}

TEST(admission, lets_a_few_in_beyond_its_limit_but_not_stay) {
  admission doors{{.connections = 2}};
  std::deque<admission::seat> seats;
  for (int i = 0; i < 2; ++i) seats.push_back(doors.enter(at("192.0.2.1")).value());
  EXPECT_TRUE(doors.may_stay());
  for (int i = 0; i < 64; ++i) seats.push_back(doors.enter(at("192.0.2.1")).value());
  EXPECT_EQ(doors.may_stay().error(), no_entry::connections);
  EXPECT_EQ(doors.enter(at("192.0.2.1")).error(), no_entry::connections);
  seats.clear();
  EXPECT_EQ(doors.present(), 0);
  EXPECT_TRUE(doors.may_stay());
}

TEST(admission, counts_the_client_in_the_place_of_its_proxy) {
  admission doors{
      {.per_address = 1, .accepts_per_s = 0, .trusted_proxies = {address_range::parse("10.0.0.0/8").value()}}};
  auto one = doors.enter(at("10.0.0.1")).value(), two = doors.enter(at("10.0.0.1")).value(),
       three = doors.enter(at("10.0.0.1")).value();
  EXPECT_TRUE(doors.speaks_for(one, at("192.0.2.1")));
  EXPECT_EQ(one.address(), at("192.0.2.1"));
  EXPECT_EQ(doors.speaks_for(two, at("192.0.2.1")).error(), no_entry::address_connections);
  EXPECT_EQ(two.address(), at("10.0.0.1"));
  one = {};
  EXPECT_TRUE(doors.speaks_for(three, at("192.0.2.1")));
}

TEST(admission, refuses_those_who_would_stay_while_memory_is_short) {
  admission doors{{.memory = 1}};
  EXPECT_TRUE(doors.may_stay());
  doors.tick(std::chrono::steady_clock::now());
  EXPECT_TRUE(doors.under_pressure());
  EXPECT_TRUE(doors.enter(at("192.0.2.1"))) << "health and metrics must stay within reach";
  EXPECT_EQ(doors.may_stay().error(), no_entry::memory);
  admission roomy{{.memory = 1ULL << 50}};
  roomy.tick(std::chrono::steady_clock::now());
  EXPECT_FALSE(roomy.under_pressure());
}

TEST(admission, counts_right_from_many_threads) {
  admission doors{{.connections = 100'000, .per_address = 100'000, .accepts_per_s = 0}};
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 2000; ++i) {
          auto s = doors.enter(at(i % 2 ? "192.0.2.1" : "192.0.2.2")).value();
          EXPECT_TRUE(doors.speaks_for(s, at("192.0.2.3")));
        }
      });
    }
  }
  EXPECT_EQ(doors.present(), 0);
  doors.tick(std::chrono::steady_clock::now());
  auto const one = doors.enter(at("192.0.2.3"));
  EXPECT_EQ(doors.present(), 1);
}

TEST(admission, limits_how_often_an_address_may_fetch_what_is_made_anew) {
  admission doors{{.accepts_per_s = 0}};
  auto const fetched = [&](std::string_view from) {
    int out = 0;
    while (out < 1000 && doors.may_fetch(at(from))) ++out;
    return out;
  };
  EXPECT_EQ(fetched("192.0.2.1"), 50);
  EXPECT_EQ(fetched("192.0.2.2"), 50);
  EXPECT_EQ(fetched("2001:db8::1"), 50);
  EXPECT_EQ(fetched("2001:db8::2"), 0);
  // An address that is forgotten too early could begin anew.
  doors.tick(std::chrono::steady_clock::now() + 1s);
  EXPECT_EQ(fetched("192.0.2.1"), 0);
  EXPECT_EQ(fetched("127.0.0.1"), 1000) << "this machine's own";
}
