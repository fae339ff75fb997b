// SPDX-License-Identifier: Apache-2.0
// An exchange without a connection: the test says what Redis answers, and when.
#pragma once
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "redis/exchange.hpp"

namespace unit {

using namespace hiky;
using namespace std::chrono_literals;
using redis::exchange;
using redis::reply;
using redis::request;

// An exchange whose outcomes are written down, in the order they came.
struct talk {
  exchange chat;
  std::vector<std::string> told;
  exchange::clock::time_point const start{};

  void ask(std::string name, request const& r = request{"GET", "k"}, exchange::clock::duration patience = 1s) {
    exchange::done then{[this, name](result<reply> a) {
      told.push_back(name + '=' + (a ? std::string{(*a)[0].text()} : std::string{to_string(a.error().code)}));
    }};
    ASSERT_TRUE(chat.submit(r, start + patience, then));
  }
  void subscribe(request const& r, exchange::clock::duration patience = 1s) { chat.submit_silent(r, start + patience); }
  result<void> hear(std::string_view bytes) {
    auto const room = chat.prepare(bytes.size());
    std::ranges::copy(bytes, room.begin());
    return chat.commit(bytes.size());
  }
  std::string send() {
    std::string const bytes{chat.output()};
    chat.sent(bytes.size());
    return bytes;
  }
  std::vector<std::string> take() { return std::exchange(told, {}); }
};

using strings = std::vector<std::string>;

}  // namespace unit
