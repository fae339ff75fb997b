// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "base/json.hpp"
#include "chat/protocol/protocol.hpp"

using namespace hiky;
using namespace hiky::chat;
using namespace std::string_literals;

namespace {

// As a client reads it.
json::object read(std::string const& frame) {
  auto const value = parse_json(frame);
  EXPECT_TRUE(value) << frame;
  return value ? value->as_object() : json::object{};
}

auto const awkward = "a \"b\" \\ {c} \n\0 caf\xc3\xa9 \xf0\x9f\x92\xa9"s;
std::optional<std::string> const none;

}  // namespace

TEST(replies, are_the_document_s_frames_with_our_fields_behind) {
  EXPECT_EQ(registered(none, user_id{"alice"}, connection_id{"c1"}, {}, {}),
            R"({"type":"registered","userId":"alice","connectionId":"c1","rooms":[]})");
  EXPECT_EQ(registered("1", user_id{"alice"}, connection_id{"c1"}, {room_id{"tea"}, room_id{"go"}}, {}),
            R"({"type":"registered","id":"1","userId":"alice","connectionId":"c1","rooms":["tea","go"]})");
  EXPECT_EQ(
      registered(none, user_id{"alice"}, connection_id{"c1"}, {}, {}, std::nullopt, R"("largestFrame":7,"limits":{})"),
      R"({"type":"registered","userId":"alice","connectionId":"c1","rooms":[],"largestFrame":7,"limits":{}})");
  EXPECT_EQ(joined_room(none, room_id{"tea"}, {user_id{"a"}, user_id{"b"}}, 2),
            R"({"type":"joinedRoom","roomId":"tea","participants":["a","b"],"participantCount":2,"truncated":false})");
  EXPECT_EQ(
      joined_room("1", room_id{"tea"}, {user_id{"a"}}, 5000),
      R"({"type":"joinedRoom","id":"1","roomId":"tea","participants":["a"],"participantCount":5000,"truncated":true})");
  EXPECT_EQ(left_room(none, room_id{"tea"}), R"({"type":"leftRoom","roomId":"tea"})");
  EXPECT_EQ(
      message_ack("1", room_id{"tea"}, "e:7", "2026-01-31T12:00:00.123Z", false),
      R"({"type":"messageAck","id":"1","roomId":"tea","messageId":"e:7","timestamp":"2026-01-31T12:00:00.123Z"})");
  EXPECT_EQ(message_ack("1", room_id{"tea"}, "e:7", "t", true),
            R"({"type":"messageAck","id":"1","roomId":"tea","messageId":"e:7","timestamp":"t","duplicate":true})");
  EXPECT_EQ(online_status(none, {}), R"({"type":"onlineStatus","friends":[]})");
  EXPECT_EQ(
      online_status("1", {{{user_id{"b"}, "bobby", "Bob", "b.png"}, true}, {{user_id{"c"}, "", "", ""}, false}}),
      R"({"type":"onlineStatus","id":"1","friends":[{"id":"b","username":"bobby","name":"Bob","profileImage":"b.png","isOnline":true},)"
      R"({"id":"c","username":"","name":"","profileImage":"","isOnline":false}]})");
  EXPECT_EQ(
      friend_online({user_id{"b"}, "bobby", "Bob", "b.png"}),
      R"({"type":"friendOnline","userId":"b","user":{"id":"b","username":"bobby","name":"Bob","profileImage":"b.png"}})");
  EXPECT_EQ(friend_offline(user_id{"b"}, "t"), R"({"type":"friendOffline","userId":"b","lastSeen":"t"})");
  EXPECT_EQ(pong(none), R"({"type":"pong"})");
  EXPECT_EQ(pong(""), R"({"type":"pong","id":""})");
}

TEST(replies, a_page_of_participants_has_a_cursor_while_there_are_more) {
  EXPECT_EQ(
      participants("1", room_id{"tea"}, {{{"a", {}}, {"b", {}}}, 5000, "s17"}),
      R"({"type":"participants","id":"1","roomId":"tea","participants":["a","b"],"participantCount":5000,"cursor":"733137"})");
  EXPECT_EQ(participants(none, room_id{"tea"}, {{}, 0, ""}),
            R"({"type":"participants","roomId":"tea","participants":[],"participantCount":0})");
  EXPECT_EQ(
      participants(none, room_id{"tea"}, {{{"\xff", {}}}, 1, ""}),
      "{\"type\":\"participants\",\"roomId\":\"tea\",\"participants\":[\"\xef\xbf\xbd\"],\"participantCount\":1}");
}

TEST(replies, presence_says_since_when_somebody_is_away_if_that_is_known) {
  std::vector<user_presence> const users{
      {user_id{"a"}, true, ""}, {user_id{"b"}, false, "t"}, {user_id{"c"}, false, ""}};
  EXPECT_EQ(
      presence("1", users),
      R"({"type":"presence","id":"1","users":[{"id":"a","isOnline":true},{"id":"b","isOnline":false,"lastSeen":"t"},)"
      R"({"id":"c","isOnline":false}]})");
  EXPECT_EQ(presence(none, {}), R"({"type":"presence","users":[]})");
}

TEST(replies, offline_messages_are_what_was_stored_byte_for_byte) {
  EXPECT_EQ(offline_messages(std::vector<std::string_view>{R"({"n":1.0})", R"({"n" : 12345678901234567890123})"}, 0),
            R"({"type":"offlineMessages","count":2,"messages":[{"n":1.0},{"n" : 12345678901234567890123}]})");
  EXPECT_EQ(offline_messages({}, 50), R"({"type":"offlineMessages","count":0,"messages":[],"dropped":50})");
}

TEST(replies, errors_say_code_and_whether_to_try_again) {
  EXPECT_EQ(error_frame({error_code::forbidden, "no", none}), R"({"type":"error","message":"no","code":"forbidden"})");
  EXPECT_EQ(error_frame({error_code::unavailable, "later", "1"}),
            R"({"type":"error","message":"later","code":"unavailable","id":"1","retryable":true})");
  using enum error_code;
  for (auto code : {bad_json, unknown_type, invalid_argument, not_registered, unauthorized, forbidden, not_member,
                    conflict, too_large, rate_limited, unavailable, internal}) {
    auto const frame = read(error_frame({code, "m", none}));
    EXPECT_EQ(frame.at("code").as_string(), to_string(code));
    EXPECT_EQ(frame.contains("retryable"), code == unavailable || code == rate_limited) << to_string(code);
  }
}

TEST(replies, are_json_with_any_ids_and_texts) {
  user_id const user{awkward};
  room_id const room{awkward};
  directory::profile const profile{user, awkward, awkward, awkward};
  EXPECT_EQ(read(registered(awkward, user, connection_id{awkward}, {room}, {})).at("rooms").at(0).as_string(), awkward);
  EXPECT_EQ(read(joined_room(awkward, room, {user}, 1)).at("participants").at(0).as_string(), awkward);
  EXPECT_EQ(read(left_room(awkward, room)).at("id").as_string(), awkward);
  EXPECT_EQ(read(message_ack(awkward, room, awkward, awkward, true)).at("messageId").as_string(), awkward);
  EXPECT_EQ(read(online_status(awkward, {{profile, true}})).at("friends").at(0).at("name").as_string(), awkward);
  EXPECT_EQ(read(friend_online(profile)).at("user").at("profileImage").as_string(), awkward);
  EXPECT_EQ(read(friend_offline(user, awkward)).at("userId").as_string(), awkward);
  EXPECT_EQ(read(user_online(awkward, awkward)).at("userId").as_string(), awkward);
  EXPECT_EQ(read(room_added(room)).at("roomId").as_string(), awkward);
  EXPECT_EQ(read(room_removed(room)).at("roomId").as_string(), awkward);
  EXPECT_EQ(read(pong(awkward)).at("id").as_string(), awkward);
  EXPECT_EQ(read(error_frame({error_code::internal, awkward, awkward})).at("message").as_string(), awkward);
}
