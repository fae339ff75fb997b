// SPDX-License-Identifier: Apache-2.0
// The bytes that a fresh connection sends: Beast may read a request in them; then the handshake is judged.
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>

#include "demand.hpp"
#include "gateway/door/origin.hpp"
#include "gateway/door/shown_credentials.hpp"
#include "gateway/http/message.hpp"
#include "gateway/http/request_head.hpp"
#include "gateway/ws/handshake.hpp"

using namespace hiky::gateway;
namespace http = boost::beast::http;
using field = http::field;

namespace {

void judge(http_request r) {
  auto const fault = settle_head(r);
  demand(!fault || fault->status == http::status::bad_request || fault->status == http::status::not_implemented,
         "a head is refused with 400 or 501");
  if (fault) return;
  demand(r.count(field::host) == (r.version() < 11 ? r.count(field::host) : 1), "HTTP/1.1 has one host");
  auto const shown = shown_credentials(r);
  demand(shown.token.size() <= r.target().size() + r[field::authorization].size() + 16 * 1024,
         "a token stands in the request");
  demand(!shown.claimed, "a handshake claims nothing");
  (void)origin_allowed(r[field::origin], r[field::host], {});
  demand(origin_allowed({}, r[field::host], {"https://chat.example"}), "no origin is no page");
  demand(origin_allowed(r[field::origin], r[field::host], {"*"}), "all origins are all");
  auto const answer = accept_handshake(r, true);
  demand(path_of(r).find('?') == std::string_view::npos, "a path has no query");
  if (!answer) {
    auto const& why = answer.error();
    demand(why.status == http::status::bad_request || why.status == http::status::upgrade_required,
           "a refusal is 400 or 426");
    demand(!why.reason.empty(), "a refusal says why");
    return;
  }
  demand(r.method() == http::verb::get && r.version() == 11, "a handshake is a GET of HTTP/1.1");
  demand(wants_websocket(r) && r.count(field::host) > 0, "it asks for a WebSocket, of a host");
  demand(r[field::sec_websocket_version] == "13", "of version 13");
  demand(r.count(field::sec_websocket_key) == 1 && r[field::sec_websocket_key].size() == 24, "with one key");
  auto const& text = answer->text;
  demand(text.starts_with("HTTP/1.1 101 ") && text.ends_with("\r\n\r\n"), "its answer is whole");
  demand(text.find("\r\n\r\n") == text.size() - 4, "and only one");
  auto const deflates = text.find("\r\nSec-WebSocket-Extensions: permessage-deflate; ") != std::string::npos;
  demand(deflates == (answer->window_bits != 0), "it says whether messages may be compressed");
  demand(!deflates || (answer->window_bits >= 8 && answer->window_bits <= 15), "with a window that there is");
  demand(!deflates || r.count(field::sec_websocket_extensions) > 0, "and only who offers that may");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(
    std::uint8_t const* data, std::size_t size) {  // NOLINT(readability-identifier-naming): libFuzzer calls it so
  http::request_parser<http::string_body> parser;
  parser.header_limit(16 * 1024);
  parser.body_limit(64 * 1024);
  boost::beast::flat_buffer input{80 * 1024};
  boost::system::error_code ec;
  // In two pieces, as a network may cut the bytes. The first byte says where.
  auto const cut = size == 0 ? 0 : data[0] % size;
  for (auto const& piece : {std::pair{std::size_t{1}, cut}, std::pair{std::max<std::size_t>(cut, 1), size}}) {
    if (piece.first >= piece.second) continue;
    auto const bytes = boost::asio::buffer(data + piece.first, piece.second - piece.first);
    if (bytes.size() > input.max_size() - input.size()) return 0;
    input.commit(boost::asio::buffer_copy(input.prepare(bytes.size()), bytes));
    while (!parser.is_done() && input.size() > 0) {
      auto const used = parser.put(input.cdata(), ec);
      input.consume(used);
      if (ec == http::error::need_more) break;
      if (ec) return 0;
      if (used == 0) break;
    }
  }
  if (parser.is_header_done()) judge(parser.get());
  return 0;
}
