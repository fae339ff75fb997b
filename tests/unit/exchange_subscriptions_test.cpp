// SPDX-License-Identifier: Apache-2.0
// Subscriptions, which Redis confirms by no answer, and texts that nothing asked for.
#include "exchange_talk.hpp"

using namespace std::string_literals;
using namespace unit;

TEST(exchange, silent_requests_take_no_answer) {
  talk t;
  strings pushes;
  t.chat.on_push([&](std::span<redis::node const> m) { pushes.emplace_back(m[1].value); });
  t.ask("a");
  t.subscribe(request{"SUBSCRIBE", "c"});
  t.ask("b");
  EXPECT_TRUE(t.hear("+1\r\n>3\r\n+subscribe\r\n+c\r\n:1\r\n+2\r\n"));
  EXPECT_EQ(t.take(), (strings{"a=1", "b=2"}));
  EXPECT_EQ(pushes, strings{"subscribe"});
}

TEST(exchange, a_refused_subscription_breaks_the_stream_instead_of_answering_another_question) {
  for (std::string_view const refusal : {"-BUSY a script runs\r\n", "!11\r\nNOPERM no c\r\n"}) {
    talk t;
    t.ask("a");
    t.subscribe(request{"SUBSCRIBE", "c"});
    t.ask("b");
    auto const fed = t.hear("+1\r\n" + std::string{refusal} + "+2\r\n");
    ASSERT_FALSE(fed);
    EXPECT_EQ(fed.error().code, errc::server_error);
    EXPECT_TRUE(fed.error().text.contains("BUSY a script runs") || fed.error().text.contains("NOPERM no c"))
        << fed.error().text;
    t.chat.abandon(fed.error());
    EXPECT_EQ(t.take(), (strings{"a=1", "b=server_error"}));
  }
}

TEST(exchange, a_subscription_is_confirmed_channel_by_channel) {
  talk t;
  t.subscribe(request{"SUBSCRIBE", "c", "d"});
  t.subscribe(request{"UNSUBSCRIBE", "c"});
  t.ask("a");
  EXPECT_TRUE(
      t.hear(">3\r\n+subscribe\r\n+c\r\n:1\r\n>3\r\n+message\r\n+c\r\n+hello\r\n>3\r\n+subscribe\r\n+d\r\n:2\r\n"));
  EXPECT_TRUE(t.hear(">3\r\n+unsubscribe\r\n+c\r\n:1\r\n+1\r\n"));
  EXPECT_EQ(t.take(), strings{"a=1"});
  EXPECT_TRUE(t.chat.idle());
}

TEST(exchange, a_subscription_that_is_not_confirmed_shows_a_hang) {
  talk t;
  t.subscribe(request{"SUBSCRIBE", "c"}, 10ms);
  t.chat.expire(t.start + 20ms);
  EXPECT_EQ(t.chat.oldest_deadline(), t.start + 10ms);
}

TEST(exchange, what_nobody_asked_for_breaks_the_stream) {
  std::string const confirmation = ">3\r\n+subscribe\r\n+c\r\n:1\r\n";
  for (auto const& unasked : {"+hello\r\n"s, "-ERR farewell\r\n"s, ":1\r\n"s, confirmation}) {
    talk t;
    auto const fed = t.hear(unasked);
    ASSERT_FALSE(fed) << unasked;
    EXPECT_EQ(fed.error().code, errc::unexpected_reply);
  }
  talk t;
  t.ask("a");
  EXPECT_FALSE(t.hear(confirmation)) << "the next answer would be that of another question";
  talk u;
  u.subscribe(request{"SUBSCRIBE", "c"});
  u.ask("a");
  EXPECT_FALSE(u.hear("+1\r\n"));
  EXPECT_EQ(u.take(), strings{});
}
