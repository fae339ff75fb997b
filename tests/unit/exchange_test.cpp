// SPDX-License-Identifier: Apache-2.0
// Requests and their answers on one connection to Redis: in order, in time, and none mistaken for another.
#include "base/ids.hpp"
#include "exchange_talk.hpp"

using namespace unit;

TEST(exchange, writes_requests_as_resp) {
  talk t;
  t.ask("a", request{"SET", user_id{"k\r\n"}, -7});
  t.ask("b", request{"PING"});
  EXPECT_EQ(t.send(), "*3\r\n$3\r\nSET\r\n$3\r\nk\r\n\r\n$2\r\n-7\r\n*1\r\n$4\r\nPING\r\n");
  EXPECT_EQ(t.send(), "");
}

TEST(exchange, sends_in_pieces_of_any_size) {
  std::string const both = "*1\r\n$1\r\nA\r\n*1\r\n$1\r\nB\r\n";
  for (std::size_t piece = 1; piece <= both.size(); ++piece) {
    talk t;
    t.ask("a", request{"A"});
    std::string sent;
    for (auto bytes = t.chat.output(); !bytes.empty(); bytes = t.chat.output()) {
      bytes = bytes.substr(0, piece);
      sent += bytes;
      t.chat.sent(bytes.size());
      if (sent.size() == bytes.size()) t.ask("b", request{"B"});
    }
    EXPECT_EQ(sent, both) << piece;
  }
}

TEST(exchange, sends_nothing_of_a_lost_connection_on_the_next_one) {
  talk t;
  t.ask("a", request{"SET", "k", "\r\nFLUSHALL\r\n"});
  ASSERT_GT(t.chat.output().size(), 20);
  t.chat.sent(20);
  t.ask("b");
  t.chat.abandon({errc::not_connected, "gone"});
  EXPECT_EQ(t.chat.output(), "");
  t.ask("c", request{"PING"});
  EXPECT_EQ(t.send(), "*1\r\n$4\r\nPING\r\n");
}

TEST(exchange, answers_in_the_order_of_the_questions) {
  talk t;
  t.ask("a");
  t.ask("b");
  t.ask("c");
  EXPECT_TRUE(t.hear("+1\r\n+2\r\n"));
  EXPECT_EQ(t.take(), (strings{"a=1", "b=2"}));
  EXPECT_FALSE(t.chat.idle());
  EXPECT_TRUE(t.hear("+3\r\n"));
  EXPECT_EQ(t.take(), (strings{"c=3"}));
  EXPECT_TRUE(t.chat.idle());
}

TEST(exchange, does_not_care_how_the_stream_is_cut) {
  std::string const bytes =
      "*3\r\n$2\r\nab\r\n$0\r\n\r\n%1\r\n+k\r\n:7\r\n>2\r\n+message\r\n$3\r\nxyz\r\n$5\r\nhello\r\n-ERR no\r\n";
  for (std::size_t cut = 1; cut <= bytes.size(); ++cut) {
    talk t;
    strings pushes;
    t.chat.on_push([&](std::span<redis::node const> m) { pushes.emplace_back(m[2].value); });
    t.ask("a");
    t.ask("b");
    t.ask("c");
    for (std::size_t at = 0; at < bytes.size(); at += cut) ASSERT_TRUE(t.hear(std::string_view{bytes}.substr(at, cut)));
    EXPECT_EQ(t.take(), (strings{"a=", "b=hello", "c=ERR no"})) << cut;
    EXPECT_EQ(pushes, strings{"xyz"}) << cut;
  }
}

TEST(exchange, a_request_of_many_commands_waits_for_all_answers) {
  talk t;
  request two{"INCR", "a"};
  two.add("GET", "a");
  t.ask("two", two);
  t.ask("one");
  EXPECT_TRUE(t.hear(":1\r\n"));
  EXPECT_EQ(t.take(), strings{});
  EXPECT_TRUE(t.hear("+x\r\n+y\r\n"));
  EXPECT_EQ(t.take(), (strings{"two=1", "one=y"}));
}

TEST(exchange, a_late_answer_is_dropped_and_the_next_is_not_mistaken_for_it) {
  talk t;
  t.ask("slow", request{"A"}, 10ms);
  t.ask("next", request{"B"}, 20ms);
  EXPECT_EQ(t.chat.oldest_deadline(), t.start + 10ms);
  t.chat.expire(t.start + 9ms);
  EXPECT_EQ(t.take(), strings{});
  t.chat.expire(t.start + 10ms);
  EXPECT_EQ(t.take(), strings{"slow=timeout"});
  t.chat.expire(t.start + 10ms);
  EXPECT_EQ(t.take(), strings{});
  EXPECT_TRUE(t.hear("+late\r\n+right\r\n"));
  EXPECT_EQ(t.take(), strings{"next=right"});
  EXPECT_EQ(t.chat.oldest_deadline(), std::nullopt);
}

TEST(exchange, answers_everything_when_the_connection_is_gone_and_starts_afresh) {
  talk t;
  t.ask("a");
  t.ask("b");
  EXPECT_TRUE(t.hear("*3\r\n+a\r\n$10\r\nhalf"));
  t.chat.abandon({errc::not_connected, "gone"});
  EXPECT_EQ(t.take(), (strings{"a=not_connected", "b=not_connected"}));
  EXPECT_EQ(t.send(), "");
  EXPECT_TRUE(t.chat.idle());
  t.ask("c");
  EXPECT_TRUE(t.hear("+whole\r\n"));
  EXPECT_EQ(t.take(), strings{"c=whole"});
}

TEST(exchange, a_handler_may_ask_again) {
  talk t;
  exchange::done again{[&](result<reply>) { t.ask("second"); }};
  ASSERT_TRUE(t.chat.submit(request{"A"}, t.start + 1s, again));
  EXPECT_TRUE(t.hear("+1\r\n+2\r\n"));
  EXPECT_EQ(t.take(), strings{"second=2"});
  exchange::done later{[&](result<reply>) { t.ask("third"); }};
  ASSERT_TRUE(t.chat.submit(request{"A"}, t.start + 1s, later));
  t.chat.abandon({errc::not_connected, "gone"});
  EXPECT_EQ(t.take(), strings{});
  EXPECT_TRUE(t.hear("+3\r\n"));
  EXPECT_EQ(t.take(), strings{"third=3"});
}

TEST(exchange, refuses_a_request_without_a_command) {
  talk t;
  exchange::done then{[](result<reply> const&) { FAIL(); }};
  auto const queued = t.chat.submit(request{}, t.start + 1s, then);
  ASSERT_FALSE(queued);
  EXPECT_EQ(queued.error().code, errc::invalid_argument);
  t.ask("a");
  EXPECT_TRUE(t.hear("+1\r\n"));
  EXPECT_EQ(t.take(), strings{"a=1"});
}

TEST(exchange, a_stream_that_is_not_resp_is_broken_for_good) {
  talk t;
  t.ask("a");
  auto const fed = t.hear("HTTP/1.1 400 Bad Request\r\n");
  ASSERT_FALSE(fed);
  EXPECT_EQ(fed.error().code, errc::unexpected_reply);
  EXPECT_EQ(t.take(), strings{});
}

TEST(exchange, refuses_when_too_much_waits) {
  talk t;
  std::string const large(1 << 20, 'x');
  int refused = 0;
  for (std::size_t i = 0; i <= exchange::max_unsent >> 20; ++i) {
    bool called = false;
    exchange::done then{[&](result<reply>) { called = true; }};
    auto const queued = t.chat.submit(request{"SET", "k", large}, t.start + 1s, then);
    if (queued) continue;
    ++refused;
    EXPECT_EQ(queued.error().code, errc::overloaded);
    EXPECT_TRUE(then);
    EXPECT_FALSE(called);
  }
  EXPECT_GT(refused, 0);
  EXPECT_LT(refused, 3);
  t.send();
  t.ask("room again");
}

TEST(exchange, keeps_large_answers_whole) {
  talk t;
  std::string const large(3 << 20, 'y');
  std::string got;
  exchange::done then{[&](result<reply> a) { got = std::string{(*a)[0].text()}; }};
  ASSERT_TRUE(t.chat.submit(request{"GET", "k"}, t.start + 1s, then));
  auto const bytes = "$" + std::to_string(large.size()) + "\r\n" + large + "\r\n";
  for (std::size_t at = 0; at < bytes.size(); at += 65'537)
    ASSERT_TRUE(t.hear(std::string_view{bytes}.substr(at, 65'537)));
  EXPECT_EQ(got, large);
}
