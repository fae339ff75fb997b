// SPDX-License-Identifier: Apache-2.0
#include "chat/bus/bus_message.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

#include "chat/protocol/arrival.hpp"
#include "chat/protocol/frame_type.hpp"

using namespace hiky;
using chat::parse_bus_message;
namespace notice = chat::notice;
using namespace std::string_literals;

namespace {

// The news of that kind. The test ends when the news is of another kind, or there is none.
template <class Kind>
Kind read(std::string_view room, std::string const& text) {
  auto const m = parse_bus_message(room, text);
  if (!m || !std::holds_alternative<Kind>(*m)) throw std::invalid_argument{"not of this kind: " + text};
  return std::get<Kind>(*m);
}

}  // namespace

TEST(bus_message, of_a_message_names_its_connection_and_id) {
  auto const m = read<notice::message>("tea", "m Xy12_-.7f 0123456789ab:42\n{\"type\":\"message\"}");
  EXPECT_EQ(m.room, "tea");
  EXPECT_EQ(m.connection, "Xy12_-.7f");
  EXPECT_EQ(m.place, (state::message_place{"0123456789ab", 42}));
  EXPECT_EQ(m.frame->bytes(), "\x81\x12{\"type\":\"message\"}");
  EXPECT_EQ(m.came, std::chrono::steady_clock::time_point{});
}

TEST(bus_message, of_a_message_may_tell_when_it_came) {
  auto const came = std::chrono::steady_clock::now();
  auto const m = read<notice::message>("tea", "m c.1 e:42 " + chat::arrival_text(came) + "\n{}");
  EXPECT_EQ(m.place, (state::message_place{"e", 42}));
  EXPECT_EQ(m.came, came);
}

TEST(bus_message, of_a_message_has_a_place_in_its_room) {
  for (auto const* id : {"", "e", "e:", ":1", "e:x", "e:1x"}) {
    EXPECT_FALSE(parse_bus_message("tea", "m c.1 "s + id + "\n{}")) << id;
  }
}

TEST(bus_message, has_a_frame_that_knows_its_type) {
  auto const type = [](auto const& news) { return chat::frame_types[news.frame->tag()]; };
  EXPECT_EQ(type(read<notice::message>("tea", "m c.1 e:1\n{\"type\":\"message\",\"roomId\":\"tea\"}")), "message");
  EXPECT_EQ(type(read<notice::offline>("tea", "o alice\n{\"type\":\"userOffline\"}")), "userOffline");
  EXPECT_EQ(type(read<notice::friend_change>("", "U alice\n{\"type\":\"friendOffline\"}")), "friendOffline");
  EXPECT_EQ(type(read<notice::application>("", "f alice\n{\"type\":\"message\"}")), "application")
      << "with any contents";
}

TEST(bus_message, of_a_room_names_its_user) {
  auto const names = [](auto const& news) {
    EXPECT_EQ(news.room, "tea");
    EXPECT_EQ(news.user, "a b:{c} \"d\"");
    EXPECT_EQ(news.frame->payload(), "{\"n\":\"\\n\"}");
  };
  auto const rest = "a b:{c} \"d\"\n{\"n\":\"\\n\"}"s;
  names(read<notice::typing>("tea", "t " + rest));
  names(read<notice::joined>("tea", "j " + rest));
  names(read<notice::offline>("tea", "o " + rest));
  names(read<notice::left>("tea", "l 17 " + rest));
  EXPECT_EQ(read<notice::left>("tea", "l 17 " + rest).at_ms, 17);
  for (auto const* text : {"l alice\n{}", "l 17\n{}", "l 1x alice\n{}"}) EXPECT_FALSE(parse_bus_message("tea", text));
  for (char kind : {'t', 'j', 'l', 'o'}) {
    EXPECT_FALSE(parse_bus_message("", std::string{kind} + " 17 alice\n{}")) << kind;
  }
}

TEST(bus_message, of_a_return_names_all_who_are_back) {
  auto const m = read<notice::back>("tea", "b alice\x1f\x62ob \"b\"\n");
  EXPECT_EQ(m.room, "tea");
  ASSERT_EQ(m.users.size(), 2);
  EXPECT_EQ(m.users[0].user, "alice");
  EXPECT_EQ(m.users[0].frame->payload(), R"({"type":"userOnline","userId":"alice","roomId":"tea"})");
  EXPECT_EQ(chat::frame_types[m.users[0].frame->tag()], "userOnline");
  EXPECT_EQ(m.users[1].user, "bob \"b\"");
  EXPECT_FALSE(parse_bus_message("", "b alice\n"));
}

TEST(bus_message, of_an_instance_names_its_user) {
  for (char kind : {'u', 'U'}) {
    auto const m = read<notice::friend_change>("", std::string{kind} + " alice\n{\"type\":\"friendOnline\"}");
    EXPECT_EQ(m.online, kind == 'u');
    EXPECT_EQ(m.user, "alice");
    EXPECT_EQ(m.frame->payload(), "{\"type\":\"friendOnline\"}");
    EXPECT_FALSE(parse_bus_message("tea", std::string{kind} + " alice\n{}")) << kind;
  }
  EXPECT_EQ(read<notice::mail>("", "w alice\n").user, "alice");
  EXPECT_EQ(read<notice::application>("", "f alice\n{}").user, "alice");
}

TEST(bus_message, that_lets_a_user_in_names_the_room_and_where_it_stood) {
  auto const m = read<notice::entry>("", "a alice\n1764170000123 e0 17 the tea room");
  EXPECT_EQ(m.user, "alice");
  EXPECT_EQ(m.room, "the tea room");
  EXPECT_EQ(m.at_ms, 1764170000123);
  EXPECT_EQ(m.place, (state::message_place{"e0", 17}));
  EXPECT_EQ(read<notice::entry>("", "a alice\n1764170000123  0 tea").place, state::message_place{});
  for (auto const* body : {"", "tea", "1 e 2", "1 e 2 ", "x e 2 tea", "1 e x tea", "1 e 2x tea"}) {
    EXPECT_FALSE(parse_bus_message("", std::string{"a alice\n"} + body)) << body;
  }
  EXPECT_FALSE(parse_bus_message("tea", "a alice\n1 e 2 tea"));
}

TEST(bus_message, that_ends_connections_says_which_and_why) {
  auto const all = read<notice::ending>("", "k alice\n4403 * banned by an operator");
  EXPECT_EQ(all.user, "alice");
  EXPECT_EQ(all.code, 4403);
  EXPECT_EQ(all.connection, "");
  EXPECT_EQ(all.reason, "banned by an operator");
  EXPECT_EQ(read<notice::ending>("", "k alice\n4409 Xy12_-.7f replaced").connection, "Xy12_-.7f");
  for (auto const* wrong : {"k alice\n", "k alice\n4403", "k alice\n4403 ", "k alice\n4403 *", "k alice\n4403  x",
                            "k alice\n1000 * x", "k alice\n70000 * x", "k alice\nx * y"}) {
    EXPECT_FALSE(parse_bus_message("", wrong)) << wrong;
  }
  EXPECT_FALSE(parse_bus_message("tea", "k alice\n4403 * x"));
}

TEST(bus_message, keeps_line_ends_of_the_frame) {
  EXPECT_EQ(read<notice::typing>("tea", "t alice\n{\n\"a\":\n1}\n").frame->payload(), "{\n\"a\":\n1}\n");
}

TEST(bus_message, of_no_known_form_is_nothing) {
  for (auto const* room : {"", "tea"}) {
    for (auto const& text : {""s, "m"s, "m "s, "m\n"s, "m c\n{}"s, "\n"s, "\n{}"s, "t"s, "t alice"s, "talice\n{}"s,
                             "x alice\n{}"s, " alice\n{}"s, "\0 alice\n{}"s, "M c id\n{}"s}) {
      EXPECT_FALSE(parse_bus_message(room, text)) << room << '|' << text;
    }
  }
}
