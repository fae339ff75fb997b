// SPDX-License-Identifier: Apache-2.0
// The most that a peer can make the decoder hold: message size, number of fragments, memory.
#include <gtest/gtest.h>

#include <set>

#include "gateway/ws/decoder.hpp"
#include "unit/frame_session.hpp"

using namespace hiky::gateway;
using namespace hiky::gateway::test;
using namespace std::string_literals;

TEST(frame_limits, a_message_over_the_limit_is_refused_before_its_payload) {
  session const narrow{{.max_message = 200}};
  narrow.tells({binary(std::string(200, 'x'))}, in(0x82, std::string(200, 'x')));
  EXPECT_EQ(narrow.fails_after("\x82\xfe" + number(201, 2)), 4);
  EXPECT_EQ(narrow.fails_after("\x82\xff" + number((1ull << 63) - 1, 8)), 10);
  narrow.tells({failed(1009)}, in(0x82, std::string(201, 'x')));
  narrow.tells({text(std::string(200, 'x'))}, in(0x01, std::string(150, 'x')) + in(0x80, std::string(50, 'x')));
  auto const over = in(0x01, std::string(150, 'x')) + in(0x80, std::string(51, 'x'));
  narrow.tells({failed(1009)}, over);
  EXPECT_EQ(narrow.fails_after(over), 8 + 150 + 2);
  session const none{{.max_message = 0}};
  none.tells({text(""), ping("p"), failed(1009)}, in(0x81, "") + in(0x89, "p") + in(0x81, "a"));
}

TEST(frame_limits, a_text_over_the_limit_shows_what_is_here_of_its_beginning) {
  decoder_limits const narrow{.max_message = 20};
  // The payload of the failure when `reads` are given to a decoder, each read as a whole.
  auto const beginning = [&](std::vector<std::string> reads) {
    decoder it{narrow};
    for (auto& bytes : reads) {
      std::span<char> input{bytes};
      for (auto e = it.next(input); e.what != event::need_more; e = it.next(input)) {
        if (e.what == event::failed) {
          EXPECT_EQ(e.code, close_code::too_big);
          return std::string{e.payload};
        }
      }
    }
    return "nothing failed"s;
  };
  auto const large = R"({"id":"1","more":"and more"})"s;
  EXPECT_EQ(beginning({in(0x81, large)}), large);
  EXPECT_EQ(beginning({in(0x81, large) + in(0x81, "next")}), large);
  EXPECT_EQ(beginning({in(0x81, "a") + in(0x81, large).substr(0, 2 + 4 + 9)}), large.substr(0, 9));
  EXPECT_EQ(beginning({in(0x81, large).substr(0, 4)}), "");  // the key is not here
  EXPECT_EQ(beginning({in(0x81, large).substr(0, 1), in(0x81, large).substr(1)}), large);
  EXPECT_EQ(beginning({in(0x01, large.substr(0, 12)) + in(0x00, large.substr(12))}), large.substr(0, 12));
  EXPECT_EQ(beginning({in(0x01, large.substr(0, 12)), in(0x89, "ping"), in(0x80, large.substr(12))}),
            large.substr(0, 12));
  EXPECT_EQ(beginning({in(0x82, large)}), "");
  EXPECT_EQ(beginning({in(0x02, large.substr(0, 12)) + in(0x00, large.substr(12))}), "");
}

TEST(frame_limits, a_message_in_too_many_fragments_is_refused) {
  session const three{{.max_fragments = 3}};
  auto const part = in(0x00, "b");
  three.tells({text("abb")}, in(0x01, "a") + part + in(0x80, "b"));
  three.tells({text("abb"), text("abb")}, in(0x01, "a") + part + in(0x80, "b") + in(0x01, "a") + part + in(0x80, "b"));
  three.tells({ping(""), failed(1008)}, in(0x01, "a") + part + in(0x89, "") + part + in(0x80, "b"));
  session const one{{.max_fragments = 1}};
  one.tells({text("a"), failed(1008)}, in(0x81, "a") + in(0x01, "a") + in(0x80, "b"));
}

TEST(frame_limits, seventy_thousand_fragments_are_one_message_where_the_limit_allows) {
  std::string bytes = in(0x01, "\xe2"), expected = "\xe2";
  for (int i = 0; i < 35'000; ++i) {
    bytes += in(0x00, "\x82") + in(0x00, "\xac\xe2");
    expected += "\x82\xac\xe2";
    if (i % 10'000 == 0) bytes += in(0x89, "p");
  }
  bytes += in(0x80, "\x82\xac");
  expected += "\x82\xac";
  story const wanted{ping("p"), ping("p"), ping("p"), ping("p"), text(expected)};
  session const wide{{.max_message = 1 << 20, .max_fragments = 0}};
  EXPECT_EQ(wide.whole(bytes), wanted);
  EXPECT_EQ(wide.one_by_one(bytes), wanted);
  EXPECT_EQ((session{{.max_message = 1 << 20, .max_fragments = 70'002}}.whole(bytes)), wanted);
  EXPECT_EQ((session{{.max_message = 1 << 20, .max_fragments = 70'001}}.whole(bytes).back()), failed(1008));
}

TEST(frame_limits, sixteen_mebibytes_arrive_in_pieces_and_leave_no_memory_behind) {
  constexpr std::size_t size = 16 << 20;
  decoder_limits const limits{.max_message = size};
  std::string payload;
  while (payload.size() < size - 40) payload += coffee;
  payload.resize(size, '.');
  auto const bytes = in(0x81, payload);
  decoder it{limits};
  story told;
  for (std::size_t at = 0; at < bytes.size(); at += 65'521) {
    feed(it, std::string_view{bytes}.substr(at, 65'521), told);
    ASSERT_LE(it.memory(), std::min(size, 2 * (at + 65'521)) + 512);
  }
  ASSERT_EQ(told.size(), 1u);
  EXPECT_TRUE(told[0] == text(payload));
  EXPECT_EQ(it.memory(), 0u);
}

TEST(frame_limits, a_promise_reserves_no_memory) {
  decoder_limits const limits{.max_message = 1 << 30};
  for (auto const& head :
       {"\x82\xff" + number(1 << 30, 8) + std::string{key}, "\x02\xff" + number(1 << 30, 8) + std::string{key}}) {
    decoder it{limits};
    story told;
    feed(it, head, told);
    EXPECT_LE(it.memory(), 256u);
    for (std::size_t arrived = 1; arrived <= 10'000; ++arrived) {
      feed(it, "x", told);
      ASSERT_LE(it.memory(), 2 * arrived + 256);
    }
    EXPECT_TRUE(told.empty());
  }
}

TEST(frame_limits, memory_stops_at_the_promise) {
  decoder it{usual};
  story told;
  auto const bytes = in(0x82, std::string(1100, 'x'));
  std::size_t most = 0;
  for (auto const& byte : bytes) {
    feed(it, {&byte, 1}, told);
    most = std::max(most, it.memory());
  }
  EXPECT_EQ(told.size(), 1u);
  EXPECT_LE(most, 1100u + 256u);
}

TEST(frame_limits, many_fragments_grow_in_few_steps) {
  decoder it{usual};
  story told;
  std::set<std::size_t> sizes;
  feed(it, in(0x02, "x"), told);
  for (int i = 0; i < 1000; ++i) {
    feed(it, in(0x00, "0123456789"), told);
    sizes.insert(it.memory());
  }
  EXPECT_TRUE(told.empty());
  EXPECT_LE(sizes.size(), 10u);
}

TEST(frame_limits, memory_is_held_only_while_something_is_unfinished) {
  EXPECT_LE(sizeof(decoder), 32u);
  decoder it{usual};
  story told;
  auto const after = [&](std::string const& bytes) {
    feed(it, bytes, told);
    return it.memory();
  };
  EXPECT_EQ(after(in(0x81, "whole")), 0u);
  EXPECT_GT(after("\x81"), 0u);
  EXPECT_EQ(after(in(0x81, "rest").substr(1)), 0u);
  EXPECT_GT(after(in(0x89, "ping").substr(0, 8)), 0u);
  EXPECT_EQ(after(in(0x89, "ping").substr(8)), 0u);
  auto const open = after(in(0x01, std::string(1000, 'a')));
  EXPECT_GE(open, 1000u);
  EXPECT_EQ(after(in(0x89, "ping")), open);
  EXPECT_EQ(after(in(0x80, "b")), 0u);
  EXPECT_GT(after(in(0x01, "c")), 0u);
  EXPECT_EQ(after("\xff"), 0u) << "failed";
  EXPECT_EQ(told.back(), failed(1002));

  decoder other{usual};
  feed(other, in(0x01, "c"), told);
  feed(other, in(0x88, ""), told);
  EXPECT_EQ(other.memory(), 0u) << "closed";
}
