// SPDX-License-Identifier: Apache-2.0
#include "gateway/door/peer_address.hpp"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

using namespace hiky::gateway;

namespace {
std::string read(std::string_view text) {
  auto const a = peer_address::parse(text);
  return a ? a->to_string() : "nothing";
}
bool in(std::string_view range, std::string_view address) {
  return address_range::parse(range).value().contains(peer_address::parse(address).value());
}
}  // namespace

TEST(peer_address, is_read_with_and_without_a_port) {
  EXPECT_EQ(read("192.0.2.7"), "192.0.2.7");
  EXPECT_EQ(read("192.0.2.7:8080"), "192.0.2.7");
  EXPECT_EQ(read("2001:DB8::1"), "2001:db8::1");
  EXPECT_EQ(read("[2001:db8::1]"), "2001:db8::1");
  EXPECT_EQ(read("[2001:db8::1]:443"), "2001:db8::1");
}

TEST(peer_address, is_nothing_else) {
  for (auto const* wrong :
       {"", "unknown", "_hidden", "1.2.3", "1.2.3.4.5", "1.2.3.4:", "1.2.3.4:x", "1.2.3.4:123456", "[::1", "[1.2.3.4]",
        "[::1]x", "[::1]:", "::1%eth0", "1.2.3.4 ", "01.2.3.4", "1.2.3.4\n", "localhost"}) {
    EXPECT_EQ(read(wrong), "nothing") << wrong;
  }
}

TEST(peer_address, of_ipv4_within_ipv6_is_that_ipv4) {
  EXPECT_EQ(read("::ffff:192.0.2.7"), "192.0.2.7");
  EXPECT_EQ(peer_address::parse("::ffff:127.0.0.1"), peer_address::parse("127.0.0.1"));
  EXPECT_TRUE(peer_address::parse("::ffff:127.0.0.1")->is_loopback());
}

TEST(peer_address, comes_from_a_socket_address) {
  sockaddr_storage from{};
  auto& v4 = reinterpret_cast<sockaddr_in&>(from);
  v4.sin_family = AF_INET;
  v4.sin_addr.s_addr = htonl(0x7f000002);
  EXPECT_EQ(peer_address{from}.to_string(), "127.0.0.2");
  EXPECT_TRUE(peer_address{from}.is_loopback());
  from = {};
  from.ss_family = AF_UNIX;
  EXPECT_TRUE(peer_address{from}.none());
  EXPECT_EQ(peer_address{from}.to_string(), "");
}

TEST(peer_address, of_one_customer_is_a_whole_ipv4_address_or_half_an_ipv6_one) {
  EXPECT_EQ(peer_address::parse("2001:db8:1:2:3:4:5:6")->customer().to_string(), "2001:db8:1:2::");
  EXPECT_EQ(peer_address::parse("192.0.2.7")->customer().to_string(), "192.0.2.7");
  EXPECT_FALSE(peer_address::parse("10.0.0.1")->is_loopback());
  EXPECT_TRUE(peer_address::parse("::1")->is_loopback());
}

TEST(address_range, contains_what_it_says) {
  EXPECT_TRUE(in("10.0.0.0/8", "10.255.0.1"));
  EXPECT_FALSE(in("10.0.0.0/8", "11.0.0.1"));
  EXPECT_TRUE(in("192.168.4.0/22", "192.168.7.255"));
  EXPECT_FALSE(in("192.168.4.0/22", "192.168.8.0"));
  EXPECT_TRUE(in("0.0.0.0/0", "8.8.8.8"));
  EXPECT_FALSE(in("0.0.0.0/0", "::1")) << "all of IPv4 is none of IPv6";
  EXPECT_TRUE(in("192.0.2.7", "192.0.2.7"));
  EXPECT_FALSE(in("192.0.2.7", "192.0.2.8"));
  EXPECT_TRUE(in("2001:db8::/33", "2001:db8:7fff::1"));
  EXPECT_FALSE(in("2001:db8::/33", "2001:db8:8000::1"));
  EXPECT_FALSE(address_range::parse("0.0.0.0/0")->contains(peer_address{})) << "a Unix socket is in no range";
}

TEST(address_range, refuses_slips) {
  for (auto const* wrong : {"", "/8", "10.0.0.0/", "10.0.0.0/33", "10.1.0.0/8", "10.0.0.0/-1", "10.0.0.0/8x",
                            "fd00::1/8", "fd00::/129", "all", "10.0.0.0:80/8"}) {
    EXPECT_FALSE(address_range::parse(wrong)) << wrong;
  }
}
