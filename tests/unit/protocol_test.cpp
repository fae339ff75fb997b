// SPDX-License-Identifier: Apache-2.0
// Requests of clients as they are read. Refused ones: protocol_refusals_test.cpp. Our answers: replies_test.cpp.
#include <fmt/format.h>

#include "request_texts.hpp"

using namespace std::string_literals;
using namespace unit;

TEST(protocol, reads_the_types_of_the_document) {
  auto const reg = parsed(R"({"type":"register","userId":"alice"})");
  EXPECT_EQ(reg.user, user_id{"alice"});
  EXPECT_FALSE(std::get<register_request>(reg.body).extended);
  EXPECT_EQ(body<join_room>(R"({"type":"joinRoom","userId":"alice","roomId":"tea"})").room, room_id{"tea"});
  EXPECT_EQ(body<leave_room>(R"({"type":"leaveRoom","roomId":"tea"})").room, room_id{"tea"});
  auto const message = body<send_message>(R"({"type":"message","roomId":"tea","content":"hello"})");
  EXPECT_EQ(message.room, room_id{"tea"});
  EXPECT_EQ(message.content, R"("hello")");
  EXPECT_EQ(message.client_msg_id, std::nullopt);
  EXPECT_TRUE(body<set_typing>(R"({"type":"typing","roomId":"tea","content":true})").on);
  EXPECT_EQ(body<get_online_status>(R"({"type":"getOnlineStatus"})").users, std::nullopt);
}

TEST(protocol, reads_what_we_add_to_them) {
  auto const reg = parsed(R"({"type":"register","userId":"alice","token":"t","events":true,"id":"1"})");
  EXPECT_EQ(reg.id, "1");
  EXPECT_EQ(std::get<register_request>(reg.body).token, "t");
  EXPECT_TRUE(std::get<register_request>(reg.body).extended);
  EXPECT_TRUE(body<register_request>(R"({"type":"register","ack":true})").extended);
  EXPECT_TRUE(body<register_request>(R"({"type":"register","resume":{}})").extended);
  EXPECT_FALSE(body<register_request>(R"({"type":"register","events":false,"ack":null,"resume":null})").extended);
  EXPECT_EQ(body<send_message>(R"({"type":"message","roomId":"tea","content":0,"clientMsgId":"c"})").client_msg_id,
            "c");
  EXPECT_EQ(body<get_online_status>(R"({"type":"getOnlineStatus","userIds":["a","b"]})").users,
            (std::vector{user_id{"a"}, user_id{"b"}}));
  EXPECT_EQ(body<get_online_status>(R"({"type":"getOnlineStatus","userIds":[]})").users, std::vector<user_id>{});
  EXPECT_TRUE(std::holds_alternative<ping>(parsed(R"({"type":"ping"})").body));
}

TEST(protocol, reads_a_page_of_participants) {
  auto const first = body<get_participants>(R"({"type":"participants","roomId":"tea"})");
  EXPECT_EQ(first.room, room_id{"tea"});
  EXPECT_EQ(first.from, "");
  EXPECT_EQ(first.limit, 500u);
  auto const next = body<get_participants>(R"({"type":"participants","roomId":"tea","limit":1000,"cursor":")"s +
                                           state::make_cursor("s17") + "\"}");
  EXPECT_EQ(next.from, "s17");
  EXPECT_EQ(next.limit, 1000u);
  refuses(R"({"type":"participants"})", invalid_argument, "roomId is missing");
  for (auto const* limit : {"0", "1001", "-1", "1.5", R"("10")", "[]", "true"}) {
    refuses(R"({"type":"participants","roomId":"tea","limit":)"s + limit + "}", invalid_argument,
            "limit must be a whole number from 1 to 1000");
  }
  for (auto const* cursor : {R"("")", R"("zz")", R"("737")", R"("+7")"}) {
    refuses(R"({"type":"participants","roomId":"tea","cursor":)"s + cursor + "}", invalid_argument,
            "this cursor is none of this list's");
  }
  refuses(R"({"type":"participants","roomId":"tea","cursor":7})", invalid_argument,
          "cursor must be a string, not a number");
  refuses(R"({"type":"participants","roomId":"tea","cursor":")" + std::string(1025, 'a') + "\"}", invalid_argument,
          "at most 1024 bytes");
}

TEST(protocol, reads_whom_to_watch) {
  EXPECT_EQ(body<watch_presence>(R"({"type":"watchPresence","userIds":["a","b"]})").users,
            (std::vector{user_id{"a"}, user_id{"b"}}));
  EXPECT_EQ(body<watch_presence>(R"({"type":"watchPresence","userIds":[]})").users, std::vector<user_id>{});
  refuses(R"({"type":"watchPresence"})", invalid_argument, "userIds must be an array of at most 1000 strings");
  refuses(R"({"type":"watchPresence","userIds":"a"})", invalid_argument, "userIds must be an array");
  refuses(R"({"type":"watchPresence","userIds":["a",7]})", invalid_argument, "userIds must be a string, not a number");
}

TEST(protocol, keeps_content_as_it_was_written) {
  for (auto const* content : {"12345678901234567890123", "1.0", "-0", "1e400", "null", "false", R"("\u00e9\/")",
                              "[1, 2 ,{}]", R"({"b":1,"a":[{"content":2}]})", "\"\""}) {
    EXPECT_EQ(body<send_message>(R"({"type":"message","roomId":"tea","content":)"s + content + "}").content, content);
    EXPECT_EQ(body<send_message>(R"( { "content" : )"s + content + R"( , "type":"message","roomId":"tea"})").content,
              content);
  }
}

TEST(protocol, the_last_of_duplicate_fields_counts) {
  auto const m =
      body<send_message>(R"({"type":"ping","type":"message","roomId":"a","roomId":"b","content":1,"content":2})");
  EXPECT_EQ(m.room, room_id{"b"});
  EXPECT_EQ(m.content, "2");
}

TEST(protocol, typing_takes_for_true_what_javascript_does_and_two_texts_for_false) {
  for (auto const* yes : {"true", "1", "-1", "0.5", "18446744073709551615", R"("a")", R"("true")", R"(" ")", R"("00")",
                          R"("False")", "[]", "{}"}) {
    EXPECT_TRUE(body<set_typing>(R"({"type":"typing","roomId":"tea","content":)"s + yes + "}").on) << yes;
    EXPECT_TRUE(body<set_typing>(R"({"type":"typing","roomId":"tea","content":false,"isTyping":)"s + yes + "}").on)
        << yes;
  }
  for (auto const* no : {"false", "0", "-0", "0.0", "null", R"("")", R"("false")", R"("0")"}) {
    EXPECT_FALSE(body<set_typing>(R"({"type":"typing","roomId":"tea","content":)"s + no + "}").on) << no;
  }
  EXPECT_FALSE(body<set_typing>(R"({"type":"typing","roomId":"tea"})").on);
  EXPECT_FALSE(body<set_typing>(R"({"type":"typing","roomId":"tea","content":true,"isTyping":false})").on);
  EXPECT_TRUE(body<set_typing>(R"({"type":"typing","roomId":"tea","content":true,"isTyping":null})").on);
}

TEST(protocol, reads_in_which_order_mail_is_wanted) {
  EXPECT_FALSE(body<register_request>(R"({"type":"register","userId":"a"})").newest_first);
  EXPECT_TRUE(body<register_request>(R"({"type":"register","userId":"a","order":"document"})").newest_first);
  EXPECT_FALSE(body<register_request>(R"({"type":"register","userId":"a","order":null})").newest_first);
  for (auto const* order : {R"("newest")", "true", "1", "[]"}) {
    refuses(fmt::format(R"({{"type":"register","userId":"a","order":{}}})", order), error_code::invalid_argument,
            "order must be");
  }
  refuses(R"({"type":"register","userId":"a","order":"document","ack":true})", error_code::invalid_argument,
          "order has no ack");
}

TEST(protocol, takes_an_id_of_64_bytes_of_any_text) {
  EXPECT_EQ(parsed(R"({"type":"ping","id":")" + std::string(64, 'i') + "\"}").id, std::string(64, 'i'));
  EXPECT_EQ(parsed(R"({"type":"ping","id":"\u0000\n\""})").id, "\0\n\""s);
  EXPECT_EQ(parsed(R"({"type":"ping","id":null})").id, std::nullopt);
  refuses(R"({"type":"ping","id":")" + std::string(65, 'i') + "\"}", invalid_argument, "id must be at most 64 bytes");
  refuses(R"({"type":"ping","id":7})", invalid_argument, "id must be a string, not a number");
  EXPECT_EQ(refused(R"({"type":"ping","id":7})").id, std::nullopt);
}

TEST(protocol, a_field_that_is_not_ours_does_not_matter) {
  EXPECT_TRUE(parse(R"({"type":"ping","":0,"roomId":7,"content":[],"__proto__":{},"constructor":1})"));
}
