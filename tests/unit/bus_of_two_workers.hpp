// SPDX-License-Identifier: Apache-2.0
// The bus of two workers on a scripted Redis, while time stands still. The bus on a real Redis:
// tests/contract/bus_test.cpp.
#pragma once
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "chat/bus/bus.hpp"
#include "support/log_capture.hpp"
#include "support/scripted_redis.hpp"
#include "support/still_loop.hpp"

namespace unit {

using namespace hiky;
using namespace std::chrono_literals;
namespace notice = chat::notice;

inline constexpr auto tea_channel = "ws:1:room:tea", own_channel = "ws:1:instance:one";

inline std::string frame_of(std::uint64_t seq) { return fmt::format(R"({{"type":"message","n":{}}})", seq); }

struct in_words {
  std::string operator()(notice::message const& m) const { return fmt::format("{}:{}", m.place.epoch, m.place.seq); }
  std::string operator()(notice::gap const& m) const { return std::string{m.frame->payload()}; }
  std::string operator()(notice::typing const& m) const { return m.user + " types"; }
  std::string operator()(notice::mail const& m) const { return "mail for " + m.user; }
  std::string operator()(notice::interrupted const& m) const { return fmt::format("interrupted {}", m.generation); }
  template <class Other>
  std::string operator()(Other const&) const {
    return "something else";
  }
};

class bus_of_two_workers_alone : public testing::Test {
 protected:
  bus_of_two_workers_alone() {
    for (auto& each : got) {
      all.add_worker([&each](chat::bus::batch const& batch, std::chrono::steady_clock::time_point) {
        for (auto const& m : batch) each.push_back(std::visit(in_words{}, *m));
      });
    }
    redis.when("HMGET").give([this](support::redis_call const&) { return support::list(epoch, newest); });
    redis.when("history.lua").give([this](support::redis_call const& c) { return page(std::stoull(c.args.at(1))); });
    client.start();
    events.settle();
    for (auto& each : got) each.clear();
  }
  ~bus_of_two_workers_alone() override {
    all.stop();
    client.stop();
    events.pass(2s);
    EXPECT_THAT(redis.surprises(), testing::IsEmpty());
  }

  // The messages of the log of tea behind `after`.
  support::resp page(std::uint64_t after) const {
    std::vector<support::resp> out{support::text(epoch), support::as_reply(newest),
                                   support::as_reply(kept.empty() ? 0 : kept.front()), support::as_reply(0)};
    for (auto const seq : kept) {
      if (seq > after) out.push_back(support::list(seq, frame_of(seq), "c"));
    }
    return support::list_of(out);
  }
  // A message is published in tea.
  void say() {
    publish();
    events.settle();
  }
  void publish() {
    lose();
    redis.publish(tea_channel, fmt::format("m c {}:{}\n{}", epoch, newest, frame_of(newest)));
  }
  // The same, and no push brings it.
  void lose() { kept.push_back(++newest); }
  void subscribe(std::size_t worker) {
    auto const subscribed = events.begin(all.subscribe(worker, {tea}));
    ASSERT_TRUE(subscribed->done);
    ASSERT_TRUE(*subscribed->value);
  }
  // The connection is lost and made anew.
  void interrupt() {
    redis.cut();
    events.pass(3s);
  }
  std::vector<std::string> take(std::size_t worker) { return std::exchange(got[worker], {}); }

  support::log_capture log;
  support::still_loop events;
  support::scripted_redis redis{events.executor()};
  redis::client client{events.executor(), redis.address()};
  chat::bus all{client, instance_id{"one"}};
  std::array<std::vector<std::string>, 2> got;
  room_id const tea{"tea"};
  std::string epoch{"e"};
  std::uint64_t newest = 0;
  std::vector<std::uint64_t> kept;
};

}  // namespace unit
