// SPDX-License-Identifier: Apache-2.0
#include "gateway/door/shown_credentials.hpp"

#include <gtest/gtest.h>

using namespace hiky::gateway;
using field = boost::beast::http::field;

namespace {

http_request at(std::string_view target) { return {boost::beast::http::verb::get, target, 11}; }

std::string token_of(http_request const& r) { return shown_credentials(r).token; }

std::string token_in(field where, std::string_view value) {
  auto r = at("/ws");
  r.set(where, value);
  return token_of(r);
}

}  // namespace

TEST(shown_credentials, are_empty_where_nothing_is_shown) {
  auto const shown = shown_credentials(at("/ws"));
  EXPECT_EQ(shown.token, "");
  EXPECT_EQ(shown.cookies, "");
  EXPECT_FALSE(shown.claimed);
}

TEST(shown_credentials, find_a_token_in_the_header) {
  EXPECT_EQ(token_in(field::authorization, "Bearer a.b-_.c"), "a.b-_.c");
  EXPECT_EQ(token_in(field::authorization, "bearer  a.b.c "), "a.b.c");
  EXPECT_EQ(token_in(field::authorization, "Basic YTpi"), "");
  EXPECT_EQ(token_in(field::authorization, "Bearer"), "");
}

TEST(shown_credentials, find_a_token_in_the_query) {
  EXPECT_EQ(token_of(at("/ws?token=a.b.c")), "a.b.c");
  EXPECT_EQ(token_of(at("/ws?x=1&token=a%2Eb.c&token=second")), "a.b.c");
  EXPECT_EQ(token_of(at("/ws?token=%zz")), "%zz");
  EXPECT_EQ(token_of(at("/ws?mytoken=a&token")), "");
  EXPECT_EQ(token_of(at("/ws?")), "");
}

TEST(shown_credentials, find_a_token_among_the_subprotocols) {
  EXPECT_EQ(token_in(field::sec_websocket_protocol, "hiky.v1, bearer.a.b-_.c"), "a.b-_.c");
  EXPECT_EQ(token_in(field::sec_websocket_protocol, "bearer.a.b.c,hiky.v1"), "a.b.c");
  EXPECT_EQ(token_in(field::sec_websocket_protocol, "hiky.v1, forbearer.x"), "");
}

TEST(shown_credentials, take_the_header_before_the_query_and_that_before_the_subprotocol) {
  auto r = at("/ws?token=query");
  r.set(field::sec_websocket_protocol, "bearer.subprotocol");
  EXPECT_EQ(token_of(r), "query");
  r.set(field::authorization, "Bearer header");
  EXPECT_EQ(token_of(r), "header");
}

TEST(shown_credentials, have_all_cookies) {
  auto r = at("/ws");
  r.insert(field::cookie, "a=1; b=2");
  r.insert(field::cookie, "c=3");
  EXPECT_EQ(shown_credentials(r).cookies, "a=1; b=2; c=3");
}
