// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <set>

#include "gateway/api/route.hpp"

using namespace hiky;
using namespace hiky::gateway;

namespace {
std::string fault(std::string_view schema, std::string_view value) {
  return schema_fault(json::parse(value), api_schema(schema)).value_or("");
}
}  // namespace

TEST(api_schema, a_good_request_has_no_fault) {
  EXPECT_EQ(fault("PublishRequest", R"({"content":null})"), "");
  EXPECT_EQ(fault("PublishRequest", R"({"senderId":"alice","content":{"deep":[1]},"clientMsgId":"x"})"), "");
  EXPECT_EQ(fault("FrameRequest", R"({"frame":{"type":"x","more":[]}})"), "");
  EXPECT_EQ(fault("CleanupRequest", R"({"confirm":"delete all ws data"})"), "");
}

TEST(api_schema, a_fault_says_where_it_is_and_what_was_expected) {
  EXPECT_EQ(fault("PublishRequest", "[]"), "the body must be of type object");
  EXPECT_EQ(fault("PublishRequest", "{}"), "content is missing");
  EXPECT_EQ(fault("PublishRequest", R"({"content":1,"sender":"x"})"),
            "sender is not known here; expected senderId, content, clientMsgId");
  EXPECT_EQ(fault("PublishRequest", R"({"content":1,"senderId":1})"), "senderId must be of type string");
  EXPECT_EQ(fault("PublishRequest", R"({"content":1,"senderId":"a\nb"})"),
            "senderId must not contain control characters");
  EXPECT_EQ(fault("FrameRequest", R"({"frame":{"type":7}})"), "frame.type must be of type string");
  EXPECT_EQ(fault("FrameRequest", R"({"frame":{}})"), "frame.type is missing");
  EXPECT_EQ(fault("CleanupRequest", R"({"confirm":"yes"})"), R"(confirm must be "delete all ws data")");
}

TEST(api_schema, lengths_are_counted_in_characters_and_ids_in_bytes) {
  std::string two_bytes_each;
  for (int i = 0; i < 128; ++i) two_bytes_each += "é";
  EXPECT_EQ(fault("PublishRequest", R"({"content":1,"clientMsgId":")" + two_bytes_each + "\"}"), "");
  EXPECT_EQ(fault("PublishRequest", R"({"content":1,"clientMsgId":"x)" + two_bytes_each + "\"}"),
            "clientMsgId must be at most 128 characters long");
  EXPECT_EQ(fault("PublishRequest", R"({"content":1,"senderId":")" + two_bytes_each + "\"}"),
            "senderId must be at most 128 bytes of UTF-8");
}

TEST(api_routes, every_schema_that_is_named_exists_and_no_two_routes_are_the_same) {
  std::set<std::pair<int, std::string_view>> seen;
  for (auto const& r : api_routes()) {
    EXPECT_TRUE(seen.emplace(static_cast<int>(r.method), r.pattern).second) << r.pattern;
    EXPECT_TRUE(all_api_schemas().contains(r.answer)) << r.answer;
    if (!r.request.empty()) EXPECT_TRUE(all_api_schemas().contains(r.request)) << r.request;
  }
}
