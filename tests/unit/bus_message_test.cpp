// SPDX-License-Identifier: Apache-2.0
#include "chat/bus/bus_message.hpp"

#include <gtest/gtest.h>

#include <string>

#include "chat/protocol/arrival.hpp"
#include "chat/protocol/frame_type.hpp"

using namespace hiky;
using chat::parse_bus_message;
using namespace std::string_literals;

TEST(bus_message, of_a_message_names_its_connection_and_id) {
  auto const m = parse_bus_message("tea", "m Xy12_-.7f 0123456789ab:42\n{\"type\":\"message\"}");
  ASSERT_TRUE(m);
  EXPECT_EQ(m->kind, 'm');
  EXPECT_EQ(m->room, "tea");
  EXPECT_EQ(m->subject, "Xy12_-.7f");
  EXPECT_EQ(m->message_id, "0123456789ab:42");
  EXPECT_EQ(m->frame->bytes(), "\x81\x12{\"type\":\"message\"}");
  EXPECT_EQ(m->came, std::chrono::steady_clock::time_point{});
}

TEST(bus_message, of_a_message_may_tell_when_it_came) {
  auto const came = std::chrono::steady_clock::now();
  auto const m = parse_bus_message("tea", "m c.1 e:42 " + chat::arrival_text(came) + "\n{}");
  ASSERT_TRUE(m);
  EXPECT_EQ(m->message_id, "e:42");
  EXPECT_EQ(m->came, came);
}

TEST(bus_message, has_a_frame_that_knows_its_type) {
  auto const type = [](std::string_view room, std::string const& payload) {
    return chat::frame_types[parse_bus_message(room, payload)->frame->tag()];
  };
  EXPECT_EQ(type("tea", "m c.1 e:1\n{\"type\":\"message\",\"roomId\":\"tea\"}"), "message");
  EXPECT_EQ(type("tea", "o alice\n{\"type\":\"userOffline\"}"), "userOffline");
  EXPECT_EQ(type("", "U alice\n{\"type\":\"friendOffline\"}"), "friendOffline");
  EXPECT_EQ(type("", "f alice\n{\"type\":\"message\"}"), "application") << "whatever it looks like";
}

TEST(bus_message, of_a_room_names_its_user) {
  for (char kind : {'t', 'j', 'l', 'o'}) {
    auto const when = std::string{kind == 'l' ? "17 " : ""};
    auto const m = parse_bus_message("tea", std::string{kind} + " " + when + "a b:{c} \"d\"\n{\"n\":\"\\n\"}");
    ASSERT_TRUE(m) << kind;
    EXPECT_EQ(m->kind, kind);
    EXPECT_EQ(m->room, "tea");
    EXPECT_EQ(m->subject, "a b:{c} \"d\"");
    EXPECT_EQ(m->left_ms, kind == 'l' ? 17 : 0);
    EXPECT_EQ(m->frame->payload(), "{\"n\":\"\\n\"}");
    EXPECT_FALSE(parse_bus_message("", std::string{kind} + " alice\n{}")) << kind;
  }
}

TEST(bus_message, of_a_return_names_all_who_are_back) {
  auto const m = parse_bus_message("tea", "b alice\x1f\x62ob \"b\"\n");
  ASSERT_TRUE(m);
  ASSERT_EQ(m->parts.size(), 2);
  EXPECT_EQ(m->parts[0].subject, "alice");
  EXPECT_EQ(m->parts[0].room, "tea");
  EXPECT_EQ(m->parts[0].frame->payload(), R"({"type":"userOnline","userId":"alice","roomId":"tea"})");
  EXPECT_EQ(chat::frame_types[m->parts[0].frame->tag()], "userOnline");
  EXPECT_EQ(m->parts[1].subject, "bob \"b\"");
  EXPECT_FALSE(parse_bus_message("", "b alice\n"));
}

TEST(bus_message, of_an_instance_names_its_user) {
  for (char kind : {'u', 'U'}) {
    auto const m = parse_bus_message("", std::string{kind} + " alice\n{\"type\":\"friendOnline\"}");
    ASSERT_TRUE(m) << kind;
    EXPECT_EQ(m->kind, kind);
    EXPECT_TRUE(m->room.empty());
    EXPECT_EQ(m->subject, "alice");
    EXPECT_EQ(m->frame->payload(), "{\"type\":\"friendOnline\"}");
    EXPECT_FALSE(parse_bus_message("tea", std::string{kind} + " alice\n{}")) << kind;
  }
}

TEST(bus_message, that_lets_a_user_in_names_the_room_and_where_it_stood) {
  auto const m = parse_bus_message("", "a alice\n1764170000123 e0 17 the tea room");
  ASSERT_TRUE(m);
  EXPECT_EQ(m->kind, 'a');
  EXPECT_EQ(m->subject, "alice");
  EXPECT_EQ(m->room, "the tea room");
  EXPECT_FALSE(m->frame);
  ASSERT_TRUE(m->entered);
  EXPECT_EQ(m->entered->at_ms, 1764170000123);
  EXPECT_EQ(m->entered->place, (state::message_place{"e0", 17}));
  auto const silent = parse_bus_message("", "a alice\n1764170000123  0 tea");
  ASSERT_TRUE(silent);
  EXPECT_EQ(silent->entered->place, state::message_place{});
  for (auto const* body : {"", "tea", "1 e 2", "1 e 2 ", "x e 2 tea", "1 e x tea", "1 e 2x tea"}) {
    EXPECT_FALSE(parse_bus_message("", std::string{"a alice\n"} + body)) << body;
  }
  EXPECT_FALSE(parse_bus_message("tea", "a alice\n1 e 2 tea"));
}

TEST(bus_message, that_ends_connections_says_which_and_why) {
  auto const all = parse_bus_message("", "k alice\n4403 * banned by an operator");
  ASSERT_TRUE(all && all->end);
  EXPECT_EQ(all->subject, "alice");
  EXPECT_EQ(all->end->code, 4403);
  EXPECT_EQ(all->end->connection, "");
  EXPECT_EQ(all->end->reason, "banned by an operator");
  auto const one = parse_bus_message("", "k alice\n4409 Xy12_-.7f replaced");
  ASSERT_TRUE(one && one->end);
  EXPECT_EQ(one->end->connection, "Xy12_-.7f");
  for (auto const* wrong : {"k alice\n", "k alice\n4403", "k alice\n4403 ", "k alice\n4403 *", "k alice\n4403  x",
                            "k alice\n1000 * x", "k alice\n70000 * x", "k alice\nx * y"}) {
    EXPECT_FALSE(parse_bus_message("", wrong)) << wrong;
  }
  EXPECT_FALSE(parse_bus_message("tea", "k alice\n4403 * x"));
}

TEST(bus_message, keeps_line_ends_of_the_frame) {
  auto const m = parse_bus_message("tea", "t alice\n{\n\"a\":\n1}\n");
  ASSERT_TRUE(m);
  EXPECT_EQ(m->frame->payload(), "{\n\"a\":\n1}\n");
}

TEST(bus_message, of_no_known_form_is_nothing) {
  for (auto const* room : {"", "tea"}) {
    for (auto const& text : {""s, "m"s, "m "s, "m\n"s, "m c\n{}"s, "\n"s, "\n{}"s, "t"s, "t alice"s, "talice\n{}"s,
                             "x alice\n{}"s, " alice\n{}"s, "\0 alice\n{}"s, "M c id\n{}"s}) {
      EXPECT_FALSE(parse_bus_message(room, text)) << room << '|' << text;
    }
  }
}
