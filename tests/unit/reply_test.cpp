// SPDX-License-Identifier: Apache-2.0
#include "redis/reply.hpp"

#include <gtest/gtest.h>

#include "redis/exchange.hpp"

using namespace hiky;
using redis::reply;

namespace {

// The reply to `commands` commands, as bytes of RESP3.
reply from(std::string_view bytes, std::size_t commands = 1) {
  redis::exchange chat;
  redis::request r;
  for (std::size_t i = 0; i < commands; ++i) r.add("X");
  std::optional<result<reply>> answer;
  redis::exchange::done then{[&](result<reply> a) { answer = std::move(a); }};
  EXPECT_TRUE(chat.submit(r, redis::exchange::clock::now(), then));
  auto const room = chat.prepare(bytes.size());
  std::ranges::copy(bytes, room.begin());
  EXPECT_TRUE(chat.commit(bytes.size()));
  EXPECT_TRUE(answer && *answer) << bytes;
  return std::move(**answer);
}

}  // namespace

TEST(reply, gives_simple_values) {
  EXPECT_EQ(from("+OK\r\n")[0].text(), "OK");
  EXPECT_EQ(from("$5\r\na\r\nbc\r\n")[0].text(), "a\r\nbc");
  EXPECT_EQ(from("$0\r\n\r\n")[0].string(), "");
  EXPECT_EQ(from("$0\r\n\r\n")[0].is_null(), false);
  EXPECT_EQ(from("_\r\n")[0].is_null(), true);
  EXPECT_EQ(from("_\r\n")[0].string(), std::nullopt);
  EXPECT_EQ(from(":-42\r\n")[0].integer(), -42);
  EXPECT_TRUE(from(":-42\r\n")[0].is_integer());
  EXPECT_EQ(from("$2\r\n17\r\n")[0].integer(), 17);
  EXPECT_FALSE(from("$2\r\n17\r\n")[0].is_integer());
  EXPECT_EQ(from("#t\r\n")[0].integer(), 1);
  EXPECT_EQ(from("#f\r\n")[0].integer(), 0);
  EXPECT_EQ(from("$4\r\ntext\r\n")[0].integer(), 0);
}

TEST(reply, leaves_out_the_format_of_verbatim_text) {
  EXPECT_EQ(from("=8\r\ntxt:INFO\r\n")[0].text(), "INFO");
  EXPECT_EQ(from("*1\r\n=4\r\ntxt:\r\n")[0].strings(), std::vector<std::string>{""});
}

TEST(reply, gives_aggregates_and_what_is_in_them) {
  auto const r = from("*3\r\n*2\r\n:1\r\n:2\r\n$1\r\na\r\n%1\r\n$1\r\nk\r\n~1\r\n:9\r\n");
  auto const items = r[0].items();
  ASSERT_EQ(items.size(), 3u);
  ASSERT_EQ(items[0].items().size(), 2u);
  EXPECT_EQ(items[0].items()[1].integer(), 2);
  EXPECT_EQ(items[1].text(), "a");
  ASSERT_EQ(items[2].items().size(), 2u);
  EXPECT_EQ(items[2].items()[0].text(), "k");
  EXPECT_EQ(items[2].items()[1].items()[0].integer(), 9);
  EXPECT_TRUE(r[0].is_aggregate());
  EXPECT_FALSE(items[1].is_aggregate());
}

TEST(reply, gives_flat_lists_of_texts) {
  EXPECT_EQ(from("~3\r\n$1\r\na\r\n$0\r\n\r\n$2\r\nbc\r\n")[0].strings(), (std::vector<std::string>{"a", "", "bc"}));
  EXPECT_EQ(from("*0\r\n")[0].strings(), std::vector<std::string>{});
  EXPECT_EQ(from("*2\r\n$1\r\na\r\n_\r\n")[0].strings(), (std::vector<std::string>{"a", ""}));
  EXPECT_EQ(from("%2\r\n$1\r\na\r\n$1\r\n1\r\n$1\r\nb\r\n$1\r\n2\r\n")[0].pairs(),
            (std::vector<std::pair<std::string, std::string>>{{"a", "1"}, {"b", "2"}}));
}

TEST(reply, of_another_type_than_asked_for_is_empty) {
  auto const r = from("$1\r\na\r\n");
  EXPECT_TRUE(r[0].items().empty());
  EXPECT_TRUE(r[0].strings().empty());
  EXPECT_TRUE(r[0].pairs().empty());
  EXPECT_TRUE(r[1].is_null());
  EXPECT_EQ(r[1].text(), "");
  EXPECT_EQ(from("*1\r\n:1\r\n")[0].integer(), 0);
}

TEST(reply, answers_each_command_of_a_request) {
  auto const r = from("+one\r\n*2\r\n:1\r\n:2\r\n-ERR three\r\n$4\r\nfour\r\n", 4);
  ASSERT_EQ(r.size(), 4u);
  EXPECT_EQ(r[0].text(), "one");
  EXPECT_EQ(r[1].items().size(), 2u);
  EXPECT_TRUE(r[2].is_error());
  EXPECT_EQ(r[3].text(), "four");
  EXPECT_EQ(r.server_error(), "ERR three");
}

TEST(reply, tells_errors_only_where_they_answer_a_command) {
  EXPECT_EQ(from("+OK\r\n")[0].is_error(), false);
  EXPECT_EQ(from("+OK\r\n").server_error(), std::nullopt);
  EXPECT_EQ(from("!9\r\nERR\r\nmore\r\n").server_error(), "ERR\r\nmore");
  auto const inside = from("*2\r\n+OK\r\n-ERR inside\r\n");
  EXPECT_EQ(inside.server_error(), std::nullopt);
  EXPECT_TRUE(inside[0].items()[1].is_error());
}

TEST(reply, keeps_its_views_when_it_moves) {
  auto first = from("+short\r\n$26\r\nabcdefghijklmnopqrstuvwxyz\r\n", 2);
  auto const before = first[1].text().data();
  auto const second = std::move(first);
  EXPECT_EQ(second[0].text(), "short");
  EXPECT_EQ(second[1].text(), "abcdefghijklmnopqrstuvwxyz");
  EXPECT_EQ(second[1].text().data(), before);
}
