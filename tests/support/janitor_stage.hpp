// SPDX-License-Identifier: Apache-2.0
// A janitor with a scripted Redis, and with friends and workers that note the calls that they get.
#pragma once
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "chat/upkeep/janitor.hpp"
#include "state/chat/store.hpp"
#include "support/chat_data.hpp"
#include "support/log_capture.hpp"
#include "support/scripted_redis.hpp"
#include "support/still_loop.hpp"

namespace support {

class a_janitor : public testing::Test {
 protected:
  a_janitor() {
    redis.when("lease_renew.lua").give(list(1));
    redis.when("lease_take.lua").give(number(1));
    redis.when("lease_forget.lua").give(number(1));
    redis.when("lease_give_up.lua").give(number(0));
    redis.when("ZSCORE").give(null());
    redis.when("write_probe.lua").give(number(1));
    client.start();
    loop.until([this] { return client.connected(); });
    loop.settle();
  }
  ~a_janitor() override {
    him.stop();
    client.stop();
    loop.settle();
  }
  void TearDown() override { EXPECT_THAT(redis.surprises(), testing::IsEmpty()); }

  // Renewals and looks begin; the first is due in a second.
  void runs() {
    running = loop.begin(him.run());
    redis.forget();
  }
  hiky::task<bool> tell(hiky::user_id user, bool online) {
    told.push_back(fmt::format("{} {}", user.str(), online ? "on" : "off"));
    co_return friends_hear;
  }
  hiky::task<> hear_of_loss() {
    ++losses;
    co_return;
  }

  still_loop loop;
  log_capture log;
  scripted_redis redis{loop.executor()};
  chat_data data{redis};
  hiky::redis::client client{loop.executor(), redis.address()};
  hiky::state::store store{client, 1, {}, std::chrono::seconds{5}};
  std::vector<std::string> told;
  bool friends_hear = true;
  int losses = 0, asserted = 0;
  hiky::chat::janitor him{
      client,
      store,
      hiky::instance_id{"here"},
      {},
      {.tell_friends = [this](hiky::user_id user, bool online) { return tell(std::move(user), online); },
       .lost = [this] { return hear_of_loss(); },
       .assert_again = [this] { ++asserted; }}};
  std::shared_ptr<outcome<void>> running;
};

}  // namespace support
