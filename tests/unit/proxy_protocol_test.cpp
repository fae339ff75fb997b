// SPDX-License-Identifier: Apache-2.0
#include "gateway/door/proxy_protocol.hpp"

#include <gtest/gtest.h>

using namespace hiky::gateway;

namespace {

using bytes = std::vector<unsigned char>;

bytes header(unsigned version_and_command, unsigned family, bytes rest, int claims = -1) {
  bytes out{0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a};
  auto const size = claims < 0 ? rest.size() : static_cast<std::size_t>(claims);
  out.insert(out.end(), {static_cast<unsigned char>(version_and_command), static_cast<unsigned char>(family),
                         static_cast<unsigned char>(size >> 8), static_cast<unsigned char>(size & 255)});
  out.insert(out.end(), rest.begin(), rest.end());
  return out;
}

bytes const v4{192, 0, 2, 7, 127, 0, 0, 1, 0x12, 0x34, 0x1f, 0x90};

std::string read(bytes const& all) {
  auto const got = parse_proxy_header(all);
  return got ? got->to_string() : std::string{got.error()};
}

}  // namespace

TEST(proxy_protocol, names_the_source) {
  EXPECT_EQ(read(header(0x21, 0x11, v4)), "192.0.2.7");
  bytes v6(36, 0);
  v6[0] = 0x20, v6[1] = 0x01, v6[15] = 9;
  EXPECT_EQ(read(header(0x21, 0x21, v6)), "2001::9");
  auto mapped = bytes(36, 0);
  mapped[10] = mapped[11] = 0xff, mapped[12] = 10, mapped[15] = 1;
  EXPECT_EQ(read(header(0x21, 0x21, mapped)), "10.0.0.1");
}

TEST(proxy_protocol, lets_more_follow_the_addresses) {
  auto longer = v4;
  longer.insert(longer.end(), {0x04, 0x00, 0x02, 'h', 'i'});
  EXPECT_EQ(read(header(0x21, 0x11, longer)), "192.0.2.7");
}

TEST(proxy_protocol, names_nobody_for_the_proxy_itself_and_for_other_families) {
  for (auto const& each :
       {header(0x20, 0x00, {}), header(0x20, 0x11, v4), header(0x21, 0x00, {}), header(0x21, 0x31, bytes(216, 1))}) {
    auto const got = parse_proxy_header(each);
    ASSERT_TRUE(got) << got.error();
    EXPECT_TRUE(got->none());
  }
}

TEST(proxy_protocol, refuses_anything_else) {
  EXPECT_EQ(read({}), "the PROXY header is cut off");
  auto whole = header(0x21, 0x11, v4);
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_EQ(read({whole.begin(), whole.begin() + static_cast<long>(size)}), "the PROXY header is cut off");
  std::string const http = "GET /ws HTTP/1.1\r\nHost: x\r\n\r\n", old = "PROXY TCP4 192.0.2.7 127.0.0.1 4660 8080\r\n";
  EXPECT_EQ(read({http.begin(), http.end()}), "no PROXY header");
  EXPECT_EQ(read({old.begin(), old.end()}), "no PROXY header");
  EXPECT_EQ(read(header(0x11, 0x11, v4)), "not version 2 of the PROXY protocol");
  EXPECT_EQ(read(header(0x22, 0x11, v4)), "an unknown command in the PROXY header");
  EXPECT_EQ(read(header(0x21, 0x11, bytes(11, 1))), "the PROXY header has no room for its addresses");
  EXPECT_EQ(read(header(0x21, 0x21, bytes(35, 1))), "the PROXY header has no room for its addresses");
  EXPECT_EQ(read(header(0x21, 0x11, v4, 2049)), "the PROXY header is too long");
}
