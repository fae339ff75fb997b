// SPDX-License-Identifier: Apache-2.0
#include "gateway/ws/handshake.hpp"

#include <openssl/evp.h>
#include <boost/beast/core/string.hpp>

#include <algorithm>
#include <array>

#include "base/encoding.hpp"
#include "gateway/http/header_list.hpp"
#include "gateway/ws/deflate_offer.hpp"

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
  // Looked up once: what EVP_sha1() gives is looked up anew by OpenSSL 3 with every digest, which costs more than the
  // digest.
  static EVP_MD* const sha1 = EVP_MD_fetch(nullptr, "SHA1", nullptr);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &size, sha1, nullptr);
  return to_base64({reinterpret_cast<char const*>(digest.data()), size});
}

bool has_token(http_request const& r, http::field name, std::string_view token) {
  return std::ranges::any_of(elements_of(r, name),
                             [&](std::string_view one) { return boost::beast::iequals(one, token); });
}

// One list, in however many headers it stands.
std::expected<std::optional<deflate_terms>, std::string_view> accepted_terms(http_request const& r) {
  std::string list;
  auto const [first, last] = r.equal_range(http::field::sec_websocket_extensions);
  if (first == last) return std::nullopt;
  for (auto it = first; it != last; ++it) (list += list.empty() ? "" : ",") += std::string_view{it->value()};
  return accept_deflate(list);
}

// RFC 6455 4.1: tokens, each another one.
bool are_subprotocols(std::vector<std::string_view> names) {
  std::ranges::sort(names);
  return !names.empty() && std::ranges::all_of(names, is_token) && std::ranges::adjacent_find(names) == names.end();
}

bool has_body(http_request const& r) {
  return r.count(http::field::transfer_encoding) > 0 ||
         std::string_view{r[http::field::content_length]}.find_first_not_of('0') != std::string_view::npos;
}

}  // namespace

bool wants_websocket(http_request const& r) { return has_token(r, http::field::upgrade, "websocket"); }

std::expected<handshake_answer, request_fault> accept_handshake(http_request const& r, bool compress) {
  auto const bad = [](std::string why) {
    return std::unexpected(request_fault{http::status::bad_request, std::move(why)});
  };
  auto const upgrade = [](std::string why) {
    return std::unexpected(request_fault{http::status::upgrade_required, std::move(why)});
  };

  if (r.method() != http::verb::get)
    return bad("a WebSocket handshake must be a GET request, not " + std::string{r.method_string()});
  if (r.version() < 11) return bad("a WebSocket handshake needs HTTP/1.1");
  if (!wants_websocket(r))
    return upgrade("this is a WebSocket endpoint; send `Upgrade: websocket` and `Connection: Upgrade`");
  if (!has_token(r, http::field::connection, "upgrade"))
    return bad("the Connection header must have the token Upgrade");
  if (r.count(http::field::sec_websocket_version) > 1)
    return bad("there is more than one Sec-WebSocket-Version header");
  if (r.count(http::field::origin) > 1) return bad("there is more than one Origin header");
  auto const version = r[http::field::sec_websocket_version];
  if (version != "13") {
    return upgrade(version.empty()
                       ? std::string{"the Sec-WebSocket-Version header is missing; expected 13"}
                       : "Sec-WebSocket-Version " + std::string{version} + " is not supported; expected 13");
  }
  if (r.count(http::field::sec_websocket_key) != 1) return bad("exactly one Sec-WebSocket-Key header is needed");
  auto const key = r[http::field::sec_websocket_key];
  if (!is_key(key)) return bad("Sec-WebSocket-Key must be 16 bytes in base64");

  auto const offered = elements_of(r, http::field::sec_websocket_protocol);
  if (r.count(http::field::sec_websocket_protocol) > 0 && !are_subprotocols(offered))
    return bad("Sec-WebSocket-Protocol must be a list of different tokens");
  auto const terms = accepted_terms(r);
  if (!terms) return bad(std::string{terms.error()});
  if (has_body(r)) return bad("a handshake has no body; expected no Content-Length, no Transfer-Encoding");

  handshake_answer answer{
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "};
  answer.text += accept_value(key);
  // In its own letters alone: a client takes nothing that it has not offered.
  if (std::ranges::find(offered, subprotocol) != offered.end())
    (answer.text += "\r\nSec-WebSocket-Protocol: ") += subprotocol;
  if (compress && *terms) {
    (answer.text += "\r\nSec-WebSocket-Extensions: ") += (*terms)->answer;
    answer.window_bits = (*terms)->window_bits;
  }
  answer.text += "\r\n\r\n";
  return answer;
}

http_response refused_handshake(http_request const& to, request_fault const& why) {
  auto out = plain_response(to, why.status, why.reason + "\n");
  out.keep_alive(false);
  if (why.status == http::status::upgrade_required) {
    out.set(http::field::upgrade, "websocket");
    out.set(http::field::connection, "Upgrade, close");
    out.set(http::field::sec_websocket_version, "13");
  }
  if (why.status == http::status::service_unavailable) out.set(http::field::retry_after, "1");
  return out;
}

}  // namespace hiky::gateway
