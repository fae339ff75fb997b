// SPDX-License-Identifier: Apache-2.0
#include "chat/protocol/frame_type.hpp"

#include <gtest/gtest.h>

#include "chat/protocol/protocol.hpp"

using namespace hiky;
using namespace hiky::chat;

// No frame of ours may be counted as one of the application.
TEST(frame_type, is_known_of_all_that_we_send) {
  recovery const missed{room_id{"tea"}};
  for (auto const& json :
       {registered({}, user_id{"alice"}, connection_id{"c.1"}, {}, {}), refreshed({}, {}),
        joined_room({}, room_id{"tea"}, {}, 0), gap(missed), history({}, room_id{"tea"}, {}, true),
        left_room({}, room_id{"tea"}), message_ack("1", room_id{"tea"}, "e:1", "now", false), online_status({}, {}),
        participants({}, room_id{"tea"}, {}), presence({}, {}), offline_messages({}, 0), friend_online({}),
        friend_offline(user_id{"alice"}, ""), user_online("alice", "tea"), room_added(room_id{"tea"}),
        room_removed(room_id{"tea"}), pong({}), error_frame({error_code::internal, ""})}) {
    EXPECT_NE(tag_of(json), 0) << json;
    EXPECT_TRUE(json.starts_with("{\"type\":\"" + std::string{frame_types[text_frame(json)->tag()]} + '"')) << json;
  }
}

TEST(frame_type, of_anything_else_is_the_applications) {
  for (std::string_view const text :
       {"", "{}", "{\"type\":\"brew\"}", "{\"type\":\"application\"}", "{ \"type\":\"message\"}"}) {
    EXPECT_EQ(tag_of(text), 0) << text;
  }
}
