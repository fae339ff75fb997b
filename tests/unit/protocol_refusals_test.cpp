// SPDX-License-Identifier: Apache-2.0
// Requests that are refused: with a code, with a reason, and under the id of the request.
#include <gtest/gtest.h>

#include "base/json.hpp"
#include "request_texts.hpp"

using namespace std::string_literals;
using namespace unit;

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
