// SPDX-License-Identifier: Apache-2.0
#include "chat/protocol/arrival.hpp"

#include <gtest/gtest.h>

using namespace hiky::chat;
using std::chrono::steady_clock;

TEST(arrival, comes_back_as_it_was) {
  for (auto const when :
       {steady_clock::now(), steady_clock::time_point{std::chrono::nanoseconds{1}}, steady_clock::time_point::max()}) {
    EXPECT_EQ(arrival_of(arrival_text(when)), when);
  }
  EXPECT_EQ(arrival_text(steady_clock::now()).find_first_of(" \n"), std::string::npos) << "it stands in a header line";
}

TEST(arrival, of_another_process_or_spoilt_is_none) {
  auto const text = arrival_text(steady_clock::now());
  auto foreign = text;
  foreign[0] = foreign[0] == '0' ? '1' : '0';
  for (auto const& wrong :
       {foreign, text + "g", text + " ", text.substr(0, text.find('.') + 1), std::string{}, std::string{"7"}}) {
    EXPECT_EQ(arrival_of(wrong), steady_clock::time_point{}) << wrong;
  }
}
