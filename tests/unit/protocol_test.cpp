// SPDX-License-Identifier: Apache-2.0
// What clients may say. What we say back is replies_test.
#include "chat/protocol/protocol.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/json.hpp"

using namespace hiky;
using namespace hiky::chat;
using namespace std::string_literals;

namespace {

request parsed(std::string_view text) {
  auto r = parse(text);
  EXPECT_TRUE(r) << text << ": " << r.error().message;
  return r ? std::move(*r) : request{};
}

template <class Body>
Body body(std::string_view text) {
  auto r = parsed(text);
  EXPECT_TRUE(std::holds_alternative<Body>(r.body)) << text;
  return std::holds_alternative<Body>(r.body) ? std::get<Body>(r.body) : Body{};
}

refusal refused(std::string_view text) {
  auto const r = parse(text);
  EXPECT_FALSE(r) << text;
  return r ? refusal{} : r.error();
}

void refuses(std::string_view text, error_code code, std::string_view why = {}) {
  auto const r = refused(text);
  EXPECT_EQ(r.code, code) << text << ": " << r.message;
  EXPECT_NE(r.message.find(why), std::string::npos) << text << ": " << r.message;
  EXPECT_FALSE(r.message.empty());
}

using enum error_code;

}  // namespace

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

TEST(protocol, refuses_what_is_no_json_object) {
  for (auto const* text : {"", " ", "nonsense", "{", "{}{}", "\x00", R"({"type":"ping",})"})
    refuses(text, bad_json, "not JSON");
  refuses("[]", bad_json, "must be a JSON object, not an array");
  refuses("null", bad_json, "not null");
  refuses("1", bad_json, "not a number");
  refuses("true", bad_json, "not a boolean");
  refuses(R"("ping")", bad_json, "not a string");
  refuses(std::string(10'000, '['), bad_json);
  refuses(R"({"type":"message","roomId":"tea","content":)" + std::string(5'000, '[') + std::string(5'000, ']') + "}",
          bad_json);
}

TEST(protocol, refuses_types_that_are_none) {
  refuses("{}", invalid_argument, "type is missing");
  refuses(R"({"type":null})", invalid_argument, "type is missing");
  refuses(R"({"type":7})", invalid_argument, "type must be a string");
  refuses(R"({"type":["ping"]})", invalid_argument, "type must be a string");
  for (auto const* name : {"", "Ping", "ping ", "registered", "messageAck", "error"})
    refuses(R"({"type":")"s + name + "\"}", unknown_type, "'"s + name + "' is not a type");
  refuses(R"({"type":"dance"})", unknown_type,
          "expected register, joinRoom, leaveRoom, message, typing, getOnlineStatus, history, participants, "
          "watchPresence, offlineAck, refresh or ping");
}

TEST(protocol, shows_only_the_beginning_of_a_long_type) {
  auto const r = refused(R"({"type":")" + std::string(60'000, 'x') + "\"}");
  EXPECT_EQ(r.code, unknown_type);
  EXPECT_LT(r.message.size(), 200u);
  // However long a character is, it is not cut.
  for (int i = 0; i < 4; ++i) {
    auto const odd = refused(R"({"type":")" + std::string(36 + i, 'x') + "\xf0\x9f\x92\xa9 tail\"}");
    EXPECT_TRUE(parse_json(error_frame(odd))) << i;
    EXPECT_EQ(odd.message.find('\xf0') != std::string::npos, odd.message.find('\xa9') != std::string::npos) << i;
  }
}

TEST(protocol, refuses_missing_and_mistyped_fields_by_name) {
  for (auto const* type : {"joinRoom", "leaveRoom", "message", "typing", "participants"}) {
    auto const begin = R"({"type":")"s + type + R"(","content":1)";
    refuses(begin + "}", invalid_argument, "roomId is missing");
    refuses(begin + R"(,"roomId":null})", invalid_argument, "roomId is missing");
    refuses(begin + R"(,"roomId":7})", invalid_argument, "roomId must be a string, not a number");
    refuses(begin + R"(,"roomId":{}})", invalid_argument, "roomId must be a string, not an object");
    refuses(begin + R"(,"roomId":""})", invalid_argument, "roomId must not be empty");
    refuses(begin + R"(,"roomId":"a\u0000"})", invalid_argument, "control characters");
    refuses(begin + R"(,"roomId":")" + std::string(129, 'r') + "\"}", invalid_argument, "at most 128 bytes");
    refuses(begin + R"(,"roomId":"tea","userId":true})", invalid_argument, "userId must be a string, not a boolean");
    refuses(begin + R"(,"roomId":"tea","userId":""})", invalid_argument, "userId must not be empty");
  }
  refuses(R"({"type":"message","roomId":"tea"})", invalid_argument, "content is missing");
  refuses(R"({"type":"message","roomId":"tea","content":1,"clientMsgId":1})", invalid_argument,
          "clientMsgId must be a string");
  refuses(R"({"type":"message","roomId":"tea","content":1,"clientMsgId":"a\nb"})", invalid_argument,
          "clientMsgId must not contain control");
  refuses(R"({"type":"register","userId":1})", invalid_argument, "userId must be a string, not a number");
  refuses(R"({"type":"register","token":1})", invalid_argument, "token must be a string");
  refuses(R"({"type":"register","token":")" + std::string(8193, 't') + "\"}", invalid_argument,
          "token must be at most 8192 bytes");
  refuses(R"({"type":"register","ack":1})", invalid_argument, "ack must be true or false");
  refuses(R"({"type":"register","events":"true"})", invalid_argument, "events must be true or false");
  refuses(R"({"type":"getOnlineStatus","userIds":"a"})", invalid_argument, "userIds must be an array");
  refuses(R"({"type":"getOnlineStatus","userIds":[""]})", invalid_argument, "userIds must not be empty");
  refuses(R"({"type":"getOnlineStatus","userIds":[null]})", invalid_argument, "userIds must be a string, not null");
}

TEST(protocol, asks_for_a_thousand_users_at_most) {
  auto const asked = [](std::string const& type, int count) {
    auto text = R"({"type":")" + type + R"(","userIds":["u")";
    for (int i = 1; i < count; ++i) text += R"(,"u")";
    return text + "]}";
  };
  EXPECT_EQ(body<get_online_status>(asked("getOnlineStatus", 1000)).users->size(), 1000u);
  EXPECT_EQ(body<watch_presence>(asked("watchPresence", 1000)).users.size(), 1000u);
  for (auto const* type : {"getOnlineStatus", "watchPresence"})
    refuses(asked(type, 1001), too_large, "userIds has 1001 entries; at most 1000 can be asked for at once");
}

TEST(protocol, resumes_up_to_as_many_rooms_as_a_connection_has) {
  auto const resuming = [](int count) {
    auto text = R"({"type":"register","id":"9","resume":{"r":"e:1")"s;
    for (int i = 1; i < count; ++i) text += ",\"r" + std::to_string(i) + "\":\"e:1\"";
    return text + "}}";
  };
  EXPECT_EQ(body<register_request>(resuming(512)).resume.size(), 512u);
  refuses(resuming(513), too_large, "resume has 513 entries; at most 512");
  EXPECT_EQ(refused(resuming(513)).id, "9");
}

TEST(protocol, gives_the_id_back_with_what_it_refuses) {
  EXPECT_EQ(refused(R"({"type":"joinRoom","id":"7"})").id, "7");
  EXPECT_EQ(refused(R"({"type":"dance","id":"7"})").id, "7");
  EXPECT_EQ(refused(R"({"id":"7"})").id, "7");
  EXPECT_EQ(refused(R"({"type":"joinRoom","id":""})").id, "");
  EXPECT_EQ(refused("nonsense").id, std::nullopt);
}

TEST(protocol, finds_the_id_of_a_request_that_is_here_only_in_part) {
  EXPECT_EQ(id_in_beginning(R"({"id":"7","content":"xx)"), "7");
  EXPECT_EQ(id_in_beginning(R"( { "type" : "message" , "id" : "a\u00fc\"" , "content":"xx)"), "a\xc3\xbc\"");
  EXPECT_EQ(id_in_beginning(R"({"a":{"id":"no"},"b":["id",{"id":"no"}],"c":"id","id":"7")"), "7");
  for (auto const* text : {"", "{", R"({"id)", R"({"id":)", R"({"id":"7)", R"({"id":"7\)", R"({"id":7,"x":"y)",
                           R"({"id":null,"x":"y)", R"(["id","7"])", R"("id":"7")", R"({"x":"id","y":"7")",
                           R"({"id":{"id":"7"},)", "{\"id\":\"\xff\"", "garbage", "}}{\"id\":\"7\""}) {
    EXPECT_EQ(id_in_beginning(text), std::nullopt) << text;
  }
  EXPECT_EQ(id_in_beginning("{\"id\":\"" + std::string(65, 'x') + "\""), std::nullopt);
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
