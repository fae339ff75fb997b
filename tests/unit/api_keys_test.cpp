// SPDX-License-Identifier: Apache-2.0
#include "auth/api_keys.hpp"

#include <gtest/gtest.h>

using namespace hiky::auth;

TEST(api_keys, a_key_has_the_scopes_of_its_line_or_all) {
  auto const keys = api_keys::parse(
      "# comment\n\nfirst-key-0123456789\r\n second-key-0123456789\tread,publish  # why\nthird-key-0123456789 admin");
  ASSERT_TRUE(keys) << keys.error().text;
  EXPECT_EQ(keys->size(), 3U);
  auto const* first = keys->find("first-key-0123456789");
  ASSERT_NE(first, nullptr);
  EXPECT_TRUE(first->may(api_scope::read) && first->may(api_scope::publish) && first->may(api_scope::admin));
  auto const* second = keys->find("second-key-0123456789");
  ASSERT_NE(second, nullptr);
  EXPECT_TRUE(second->may(api_scope::read) && second->may(api_scope::publish));
  EXPECT_FALSE(second->may(api_scope::admin));
  EXPECT_FALSE(keys->find("third-key-0123456789")->may(api_scope::read));
  EXPECT_NE(first->name, second->name);
  EXPECT_EQ(first->name.size(), 8U);
}

TEST(api_keys, a_line_that_is_not_exactly_a_key_is_none) {
  auto const keys = api_keys::parse("first-key-0123456789 read\n");
  ASSERT_TRUE(keys);
  for (auto const* other :
       {"", "first-key-012345678", "first-key-01234567890", "First-key-0123456789", " first-key-0123456789", "read"}) {
    EXPECT_EQ(keys->find(other), nullptr) << other;
  }
}

TEST(api_keys, a_fault_names_its_line_and_never_the_key) {
  for (auto const* text : {"\nshort", "\nfirst-key-0123456789 write", "\nfirst-key-0123456789 read,",
                           "\nfirst-key-0123456789 read publish", "\nfirst-key-0123456789!",
                           "first-key-0123456789\nfirst-key-0123456789 read"}) {
    auto const keys = api_keys::parse(text);
    if (std::string_view{text}.ends_with(',')) {
      EXPECT_TRUE(keys);  // a comma at the end separates nothing
      continue;
    }
    ASSERT_FALSE(keys) << text;
    EXPECT_TRUE(keys.error().text.starts_with("line 2: ")) << keys.error().text;
    EXPECT_EQ(keys.error().text.find("first-key"), std::string::npos);
  }
  EXPECT_FALSE(api_keys::parse("# nothing\n"));
  EXPECT_FALSE(api_keys::parse(""));
}
