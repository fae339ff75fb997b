// SPDX-License-Identifier: Apache-2.0
#include "gateway/handshake.hpp"

#include <openssl/evp.h>
#include <boost/beast/http/rfc7230.hpp>

#include <array>

#include "base/encoding.hpp"
#include "gateway/deflate_offer.hpp"

namespace hiky::gateway {

namespace http = boost::beast::http;

namespace {

constexpr std::string_view subprotocol = "hiky.v1";

// 16 bytes in base64, in the one spelling they have.
bool is_key(std::string_view key) {
  if (key.size() != 24) return false;
  std::array<unsigned char, 19> bytes{};
  if (EVP_DecodeBlock(bytes.data(), reinterpret_cast<unsigned char const*>(key.data()), 24) != 18) return false;
  return to_base64({reinterpret_cast<char const*>(bytes.data()), 16}) == key;
}

std::string accept_value(std::string_view key) {
  std::string const text = std::string{key} + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  // Looked up once: what EVP_sha1() gives is looked up anew by OpenSSL 3 with every digest, which costs more than the digest.
  static EVP_MD* const sha1 = EVP_MD_fetch(nullptr, "SHA1", nullptr);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &size, sha1, nullptr);
  return to_base64({reinterpret_cast<char const*>(digest.data()), size});
}

bool has_token(http_request const& r, http::field name, std::string_view token) {
  auto const [first, last] = r.equal_range(name);
  for (auto it = first; it != last; ++it) {
    if (http::token_list{it->value()}.exists(token)) return true;
  }
  return false;
}

// One list, in however many headers it stands.
std::optional<deflate_terms> accepted_terms(http_request const& r) {
  auto const [first, last] = r.equal_range(http::field::sec_websocket_extensions);
  for (auto it = first; it != last; ++it) {
    if (auto terms = accept_deflate(it->value())) return terms;
  }
  return std::nullopt;
}

}  // namespace

bool wants_websocket(http_request const& r) { return has_token(r, http::field::upgrade, "websocket"); }

std::expected<handshake_answer, handshake_fault> accept_handshake(http_request const& r, bool compress) {
  auto const bad = [](std::string why) { return std::unexpected(handshake_fault{http::status::bad_request, std::move(why)}); };
  auto const upgrade = [](std::string why) { return std::unexpected(handshake_fault{http::status::upgrade_required, std::move(why)}); };

  if (r.method() != http::verb::get) return bad("a WebSocket handshake must be a GET request, not " + std::string{r.method_string()});
  if (r.version() < 11) return bad("a WebSocket handshake needs HTTP/1.1");
  if (!r.count(http::field::host)) return bad("the Host header is missing");
  if (!wants_websocket(r)) return upgrade("this is a WebSocket endpoint; send `Upgrade: websocket` and `Connection: Upgrade`");
  if (!has_token(r, http::field::connection, "upgrade")) return bad("the Connection header must have the token Upgrade");
  auto const version = r[http::field::sec_websocket_version];
  if (version != "13") {
    return upgrade(version.empty() ? std::string{"the Sec-WebSocket-Version header is missing; expected 13"}
                                   : "Sec-WebSocket-Version " + std::string{version} + " is not supported; expected 13");
  }
  if (r.count(http::field::sec_websocket_key) != 1) return bad("exactly one Sec-WebSocket-Key header is needed");
  auto const key = r[http::field::sec_websocket_key];
  if (!is_key(key)) return bad("Sec-WebSocket-Key must be 16 bytes in base64");

  handshake_answer answer{"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "};
  answer.text += accept_value(key);
  if (has_token(r, http::field::sec_websocket_protocol, subprotocol)) (answer.text += "\r\nSec-WebSocket-Protocol: ") += subprotocol;
  if (auto const terms = compress ? accepted_terms(r) : std::nullopt) {
    (answer.text += "\r\nSec-WebSocket-Extensions: ") += terms->answer;
    answer.window_bits = terms->window_bits;
  }
  answer.text += "\r\n\r\n";
  return answer;
}

}  // namespace hiky::gateway
