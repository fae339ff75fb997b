// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "gateway/net/listener.hpp"

using namespace hiky::gateway;

TEST(listen_address, a_unix_socket_may_have_a_mode_and_a_group) {
  auto const plain = parse_listen_address("unix:/run/hiky.sock");
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->unix_path, "/run/hiky.sock");
  EXPECT_FALSE(plain->mode);
  EXPECT_EQ(plain->group, "");
  auto const both = parse_listen_address("unix:/run/hiky.sock,mode=0660,group=www-data");
  ASSERT_TRUE(both);
  EXPECT_EQ(both->unix_path, "/run/hiky.sock");
  EXPECT_EQ(both->mode, 0660u);
  EXPECT_EQ(both->group, "www-data");
  EXPECT_EQ(both->to_string(), "unix:/run/hiky.sock");
  auto const turned = parse_listen_address("unix:/run/hiky.sock,group=staff,mode=666");
  ASSERT_TRUE(turned);
  EXPECT_EQ(turned->mode, 0666u);
  EXPECT_EQ(turned->group, "staff");
}

TEST(listen_address, a_path_keeps_its_own_commas) {
  auto const odd = parse_listen_address("unix:/run/a,b,mode=0600");
  ASSERT_TRUE(odd);
  EXPECT_EQ(odd->unix_path, "/run/a,b");
  EXPECT_EQ(odd->mode, 0600u);
}

TEST(listen_address, a_text_that_is_no_mode_is_refused_and_told_the_expected_form) {
  for (auto const* text : {"unix:/run/x,mode=rw", "unix:/run/x,mode=", "unix:/run/x,mode=0999",
                           "unix:/run/x,mode=07777", "unix:,mode=0660"}) {
    auto const wrong = parse_listen_address(text);
    ASSERT_FALSE(wrong) << text;
    EXPECT_NE(wrong.error().text.find("expected HOST:PORT or unix:PATH[,mode=OCTAL][,group=NAME]"), std::string::npos)
        << wrong.error().text;
  }
}
