// SPDX-License-Identifier: Apache-2.0
#include "gateway/ws/handshake.hpp"

#include <gtest/gtest.h>

using namespace hiky::gateway;
namespace http = boost::beast::http;
using field = http::field;

namespace {

// The request of RFC 6455 section 1.3.
http_request example() {
  http_request r{http::verb::get, "/chat", 11};
  r.set(field::host, "server.example.com");
  r.set(field::upgrade, "websocket");
  r.set(field::connection, "Upgrade");
  r.set(field::sec_websocket_key, "dGhlIHNhbXBsZSBub25jZQ==");
  r.set(field::sec_websocket_version, "13");
  return r;
}

template <class Change>
http_request with(Change change) {
  auto r = example();
  change(r);
  return r;
}

void refuses(http_request const& r, http::status status, std::string_view reason) {
  auto const answer = accept_handshake(r);
  ASSERT_FALSE(answer) << answer->text;
  EXPECT_EQ(answer.error().status, status);
  EXPECT_NE(answer.error().reason.find(reason), std::string::npos) << answer.error().reason;
}

void takes(http_request const& r) {
  auto const answer = accept_handshake(r);
  EXPECT_TRUE(answer) << answer.error().reason;
}

constexpr auto bad = http::status::bad_request;
constexpr auto upgrade = http::status::upgrade_required;

}  // namespace

TEST(handshake, answers_the_example_of_the_rfc) {
  EXPECT_EQ(accept_handshake(example())->text,
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
            "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
}

TEST(handshake, is_a_get_of_http_1_1) {
  for (auto method : {http::verb::post, http::verb::head, http::verb::options, http::verb::connect}) {
    refuses(with([&](auto& r) { r.method(method); }), bad,
            "must be a GET request, not " + std::string{http::to_string(method)});
  }
  refuses(with([](auto& r) { r.method_string("BREW"); }), bad, "not BREW");
  refuses(with([](auto& r) { r.version(10); }), bad, "HTTP/1.1");
}

TEST(handshake, asks_for_the_upgrade_by_name) {
  refuses(with([](auto& r) { r.erase(field::upgrade); }), upgrade, "Upgrade: websocket");
  refuses(with([](auto& r) { r.set(field::upgrade, "h2c"); }), upgrade, "Upgrade: websocket");
  for (auto const* other : {"websockets", "websocket/13", "websocket x", "\"websocket\""}) {
    refuses(with([&](auto& r) { r.set(field::upgrade, other); }), upgrade, "Upgrade: websocket");
  }
  refuses(with([](auto& r) { r.set(field::connection, "Upgrade/1"); }), bad, "Connection");
  takes(with([](auto& r) { r.set(field::upgrade, ", h2c/1 , websocket,"); }));
  refuses(with([](auto& r) { r.erase(field::connection); }), bad, "Connection");
  refuses(with([](auto& r) { r.set(field::connection, "keep-alive"); }), bad, "Connection");
  takes(with([](auto& r) { r.set(field::upgrade, "h2c, WebSocket"); }));
  takes(with([](auto& r) { r.set(field::connection, "keep-alive, upgrade"); }));
  takes(with([](auto& r) {
    r.set(field::connection, "keep-alive");
    r.insert(field::connection, "Upgrade");
  }));
}

TEST(handshake, speaks_version_13) {
  refuses(with([](auto& r) { r.erase(field::sec_websocket_version); }), upgrade, "missing; expected 13");
  for (auto const* version : {"8", "14", "13, 8", "013", "", "thirteen"}) {
    refuses(with([&](auto& r) { r.set(field::sec_websocket_version, version); }), upgrade, "expected 13");
  }
}

TEST(handshake, has_one_version_and_comes_from_one_page) {
  refuses(with([](auto& r) { r.insert(field::sec_websocket_version, "13"); }), bad,
          "more than one Sec-WebSocket-Version");
  refuses(with([](auto& r) {
            r.insert(field::origin, "http://a");
            r.insert(field::origin, "http://a");
          }),
          bad, "more than one Origin");
}

TEST(handshake, has_no_body) {
  refuses(with([](auto& r) { r.set(field::content_length, "4"); }), bad, "has no body");
  refuses(with([](auto& r) { r.set(field::transfer_encoding, "chunked"); }), bad, "has no body");
  takes(with([](auto& r) { r.set(field::content_length, "0"); }));
}

TEST(handshake, has_one_key_of_16_bytes) {
  refuses(with([](auto& r) { r.erase(field::sec_websocket_key); }), bad, "exactly one Sec-WebSocket-Key");
  refuses(with([](auto& r) { r.insert(field::sec_websocket_key, "dGhlIHNhbXBsZSBub25jZQ=="); }), bad,
          "exactly one Sec-WebSocket-Key");
  for (auto const* key :
       {"", "=", "dGhlIHNhbXBsZSBub25jZQ",
        "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZQ===", "dGhlIHNhbXBsZSBub25j", "AAAAAAAAAAAAAAAAAAAAAAAA",
        "dGhlIHNhbXBsZSBub25jZR==", "dGhlIHNhbXBsZSBub25jZQ=a", "dGhlIHNhbXBsZSBub25jZ===", "=====================A==",
        "dGhlIHNhbX!sZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZQ==dGhlIHNhbXBsZSBub25jZQ=="}) {
    refuses(with([&](auto& r) { r.set(field::sec_websocket_key, key); }), bad, "16 bytes in base64");
  }
  takes(with([](auto& r) { r.set(field::sec_websocket_key, "AAAAAAAAAAAAAAAAAAAAAA=="); }));
  takes(with([](auto& r) { r.set(field::sec_websocket_key, "/+/+/+/+/+/+/+/+/+/+/w=="); }));
}

TEST(handshake, takes_our_subprotocol_where_it_is_offered) {
  auto const chosen = [](std::string_view offered) {
    auto const answer = accept_handshake(with([&](auto& r) { r.set(field::sec_websocket_protocol, offered); }));
    return answer && answer->text.find("\r\nSec-WebSocket-Protocol: hiky.v1\r\n") != std::string::npos;
  };
  EXPECT_TRUE(chosen("hiky.v1"));
  EXPECT_TRUE(chosen("chat, hiky.v1"));
  EXPECT_FALSE(chosen("chat"));
  EXPECT_FALSE(chosen("hiky.v10"));
  EXPECT_FALSE(chosen("HIKY.V1"));
  EXPECT_TRUE(chosen(",chat ,, hiky.v1 ,"));
  for (auto const* malformed : {"", ",", "hiky.v1 x", "hiky.v1;x", "hiky.v1, hiky.v1", "\"hiky.v1\"", "a/b"}) {
    refuses(with([&](auto& r) { r.set(field::sec_websocket_protocol, malformed); }), bad, "Sec-WebSocket-Protocol");
  }
}

TEST(handshake, negotiates_compression_where_both_sides_want_it) {
  auto const offer = with([](auto& r) {
    r.set(field::sec_websocket_extensions, "permessage-deflate; server_max_window_bits=16, x");
    r.insert(field::sec_websocket_extensions, "permessage-deflate; server_max_window_bits=10; client_max_window_bits");
  });
  auto const agreed = accept_handshake(offer, true);
  ASSERT_TRUE(agreed);
  EXPECT_EQ(agreed->window_bits, 10);
  EXPECT_NE(
      agreed->text.find(
          "\r\nSec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover; "
          "server_max_window_bits=10\r\n"),
      std::string::npos);
  for (auto const& answer : {accept_handshake(offer), accept_handshake(example(), true)}) {
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->window_bits, 0);
    EXPECT_EQ(answer->text.find("Extensions"), std::string::npos);
  }
}

TEST(handshake, is_refused_where_its_extensions_are_malformed) {
  for (auto const* malformed : {"", "permessage-deflate; =", ";;"}) {
    auto const r = with([&](auto& each) { each.set(field::sec_websocket_extensions, malformed); });
    refuses(r, bad, "Sec-WebSocket-Extensions");
    EXPECT_FALSE(accept_handshake(r, true));
  }
}

TEST(handshake, a_plain_request_is_none) {
  EXPECT_TRUE(wants_websocket(example()));
  EXPECT_FALSE(wants_websocket(with([](auto& r) { r.erase(field::upgrade); })));
}
