// SPDX-License-Identifier: Apache-2.0
#include "gateway/door/forwarded.hpp"

#include <gtest/gtest.h>

using namespace hiky::gateway;

namespace {

// As seen by a peer at 10.0.0.1, with all of 10.0.0.0/8 trusted.
std::string client_of(std::vector<std::string> const& headers) {
  http_request r;
  for (auto const& each : headers) r.insert("X-Forwarded-For", each);
  auto const trusted = address_range::parse("10.0.0.0/8").value();
  return forwarded_client(r, peer_address::parse("10.0.0.1").value(),
                          [&](peer_address const& a) { return trusted.contains(a); })
      .to_string();
}

}  // namespace

TEST(forwarded_client, is_the_last_whom_no_trusted_proxy_is) {
  EXPECT_EQ(client_of({"192.0.2.1"}), "192.0.2.1");
  EXPECT_EQ(client_of({"192.0.2.1, 10.0.0.2, 10.0.0.3"}), "192.0.2.1");
  EXPECT_EQ(client_of({"[2001:db8::1]:4711"}), "2001:db8::1");
}

TEST(forwarded_client, is_never_what_the_client_itself_has_put_in_front) {
  EXPECT_EQ(client_of({"10.0.0.9, 127.0.0.1, 192.0.2.1"}), "192.0.2.1");
  EXPECT_EQ(client_of({"198.51.100.1, 192.0.2.1,10.0.0.2"}), "192.0.2.1");
}

TEST(forwarded_client, is_found_across_several_headers_in_their_order) {
  EXPECT_EQ(client_of({"198.51.100.1", "192.0.2.1", "10.0.0.2"}), "192.0.2.1");
  EXPECT_EQ(client_of({"198.51.100.1, 192.0.2.1", "10.0.0.2"}), "192.0.2.1");
}

TEST(forwarded_client, is_the_proxy_where_it_says_nothing_sensible) {
  EXPECT_EQ(client_of({}), "10.0.0.1");
  EXPECT_EQ(client_of({""}), "10.0.0.1");
  EXPECT_EQ(client_of({"unknown"}), "10.0.0.1");
  EXPECT_EQ(client_of({"192.0.2.1, "}), "10.0.0.1");
  EXPECT_EQ(client_of({"192.0.2.1, unknown, 10.0.0.2"}), "10.0.0.2");
}

TEST(forwarded_client, is_the_first_hop_when_all_are_trusted) {
  EXPECT_EQ(client_of({"10.0.0.5, 10.0.0.2"}), "10.0.0.5");
}
