// SPDX-License-Identifier: Apache-2.0
#include "gateway/http/request_head.hpp"

#include <gtest/gtest.h>

using namespace hiky::gateway;
namespace http = boost::beast::http;
using field = http::field;

namespace {

http_request asked(std::string_view target = "/ready", std::string_view host = "x", unsigned version = 11) {
  http_request r{http::verb::get, target, version};
  r.set(field::host, host);
  return r;
}

void settles(http_request r, std::string_view target, std::string_view host) {
  auto const fault = settle_head(r);
  ASSERT_FALSE(fault) << fault->reason;
  EXPECT_EQ(r.target(), target);
  EXPECT_EQ(r[field::host], host);
}

void refuses(http_request r, std::string_view reason, http::status status = http::status::bad_request) {
  auto const fault = settle_head(r);
  ASSERT_TRUE(fault) << "expected: " << reason;
  EXPECT_EQ(fault->status, status);
  EXPECT_NE(fault->reason.find(reason), std::string::npos) << fault->reason;
}

}  // namespace

TEST(request_head, has_one_host) {
  auto none = asked(), two = asked();
  none.erase(field::host);
  two.insert(field::host, "x");
  refuses(none, "Host header is missing");
  refuses(two, "more than one Host");
  none.version(10);
  settles(none, "/ready", "");
}

TEST(request_head, has_a_host_that_can_be_one) {
  for (auto const* host : {"", "x", "x:", "x:8080", "chat.example", "1.2.3.4:80", "[::1]", "[::1]:8080",
                           "[::ffff:1.2.3.4]", "a_b-c~d", "x%20y"}) {
    settles(asked("/", host), "/", host);
  }
  for (auto const* host : {"a b", "http://x", "x/", "x:y", "me@x", "[::1", "::1", "[]", "[x]", "[::1]x", "x:1:2",
                           "x,y:z", "\"x\"", "x?y", "x#y", "\xc3\xa9"}) {
    refuses(asked("/", host), "HOST[:PORT]");
  }
}

TEST(request_head, of_an_absolute_target_is_that_of_its_path_on_its_host) {
  settles(asked("http://chat.example/ws?token=x"), "/ws?token=x", "chat.example");
  settles(asked("HTTPS://[::1]:8080/a/b"), "/a/b", "[::1]:8080");
  settles(asked("http://y"), "/", "y");
  settles(asked("http://y?a=/b"), "/?a=/b", "y");
  settles(asked("/http://y/"), "/http://y/", "x");
  settles(asked("*"), "*", "x");
  settles(asked("ftp://y/"), "ftp://y/", "x");
  for (auto const* target : {"http://", "http:///ready", "http://:80/", "http://me@y/", "http://y:z/", "https://a b/"})
    refuses(asked(target), "names no host");
}

TEST(request_head, names_no_coding_but_chunked) {
  auto const coded = [](std::string_view coding, unsigned version = 11) {
    auto r = asked("/", "x", version);
    r.set(field::transfer_encoding, coding);
    return r;
  };
  settles(coded("chunked"), "/", "x");
  settles(coded(", Chunked,"), "/", "x");
  refuses(coded("gzip, chunked"), "no Transfer-Encoding but chunked", http::status::not_implemented);
  auto two = coded("gzip");
  two.insert(field::transfer_encoding, "chunked");
  refuses(two, "no Transfer-Encoding but chunked", http::status::not_implemented);
  refuses(coded("chunked", 10), "HTTP/1.0");
}
