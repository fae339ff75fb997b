// SPDX-License-Identifier: Apache-2.0
#include "base/http_fetch.hpp"

#include <fmt/format.h>
#include <openssl/err.h>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

#include <charconv>
#include <memory>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

namespace hiky {

namespace http = boost::beast::http;
namespace ssl = asio::ssl;
using boost::system::error_code;

namespace {

using std::chrono::steady_clock;

constexpr std::uint32_t max_head = 16 * 1024;
// Less than the time for which servers keep a silent connection: Node's http does 5 s.
constexpr auto longest_idle = std::chrono::seconds{4};
constexpr std::size_t most_idle = 16;

std::unexpected<error> failed(web_address const& where, std::string_view step, error_code ec) {
  return fail(errc::io, fmt::format("{}: {}: {}", where.to_string(), step, ec.message()));
}

// A connection to the server, with TLS or without.
struct link {
  std::shared_ptr<ssl::context> trust;
  std::variant<asio::ip::tcp::socket, ssl::stream<asio::ip::tcp::socket>> stream;
  steady_clock::time_point idle_since{};
};
using link_ptr = std::unique_ptr<link>;

http::request<http::string_body> written(web_address const& where, web_question const& what, bool keep) {
  http::request<http::string_body> request{what.json.empty() ? http::verb::get : http::verb::post, where.target, 11};
  if (!what.method.empty()) request.method_string(what.method);
  bool const usual_port = where.port == (where.tls ? "443" : "80");
  auto const host = where.host.contains(':') ? "[" + where.host + "]" : where.host;
  request.set(http::field::host, usual_port ? host : host + ":" + where.port);
  request.set(http::field::user_agent, what.agent);
  request.set(http::field::accept, "application/json");
  request.keep_alive(keep);
  if (!what.bearer.empty()) request.set(http::field::authorization, "Bearer " + what.bearer);
  if (!what.json.empty()) {
    request.set(http::field::content_type, "application/json");
    request.body() = what.json;
  }
  request.prepare_payload();
  return request;
}

// The answer, and whether the connection may be used again.
template <class Stream>
task<result<std::pair<web_answer, bool>>> converse(Stream& stream, web_address const& where, web_question const& what,
                                                   bool keep) {
  error_code ec;
  auto const request = written(where, what, keep);
  co_await http::async_write(stream, request, asio::redirect_error(use_task, ec));
  if (ec) co_return failed(where, "the request could not be sent", ec);
  boost::beast::flat_buffer buffer{max_head + 4096};
  http::response_parser<http::string_body> answer;
  answer.header_limit(max_head);
  answer.body_limit(what.most_body);
  co_await http::async_read(stream, buffer, answer, asio::redirect_error(use_task, ec));
  // A TLS peer that hangs up without saying so has still answered whole, when the length was known.
  if (ec && !answer.is_done()) co_return failed(where, "no whole answer came", ec);
  bool const again = keep && !ec && answer.keep_alive() && buffer.size() == 0;
  co_return std::pair{web_answer{answer.get().result_int(), std::move(answer.get().body())}, again};
}

task<result<link_ptr>> dial(asio::any_io_executor executor, web_address const& where) {
  error_code ec;
  asio::ip::tcp::resolver resolver{executor};
  auto const found = co_await resolver.async_resolve(where.host, where.port, asio::redirect_error(use_task, ec));
  if (ec) co_return failed(where, "the host is not known", ec);
  asio::ip::tcp::socket socket{executor};
  co_await asio::async_connect(socket, found, asio::redirect_error(use_task, ec));
  if (ec) co_return failed(where, "no connection", ec);
  if (!where.tls) co_return std::make_unique<link>(nullptr, std::move(socket));

  auto trust = std::make_shared<ssl::context>(ssl::context::tls_client);
  SSL_CTX_set_min_proto_version(trust->native_handle(), TLS1_2_VERSION);
  trust->set_default_verify_paths(ec);
  ssl::stream<asio::ip::tcp::socket> stream{std::move(socket), *trust};
  stream.set_verify_mode(ssl::verify_peer, ec);
  stream.set_verify_callback(ssl::host_name_verification{where.host}, ec);
  SSL_set_tlsext_host_name(stream.native_handle(), where.host.c_str());
  co_await stream.async_handshake(ssl::stream_base::client, asio::redirect_error(use_task, ec));
  if (!ec) co_return std::make_unique<link>(std::move(trust), std::move(stream));
  auto const verdict = SSL_get_verify_result(stream.native_handle());
  if (verdict == X509_V_OK) co_return failed(where, "no TLS", ec);
  // OpenSSL has no word for a failed check of the name.
  auto const* const why =
      verdict == X509_V_ERR_UNSPECIFIED ? "it is for another name" : X509_verify_cert_error_string(verdict);
  co_return fail(errc::io, fmt::format("{}: its certificate is not trusted: {}", where.to_string(), why));
}

}  // namespace

std::string web_address::to_string() const {
  bool const v6 = host.contains(':');
  return fmt::format("{}://{}{}{}:{}{}", tls ? "https" : "http", v6 ? "[" : "", host, v6 ? "]" : "", port,
                     target.substr(0, target.find('?')));
}

result<web_address> parse_web_address(std::string_view url) {
  constexpr std::string_view expected = "expected http:// or https:// HOST[:PORT][/PATH]";
  auto const no = [&](std::string_view why) {
    return fail(errc::invalid_argument, fmt::format("'{}' {}; {}", url, why, expected));
  };
  web_address out;
  out.tls = url.starts_with("https://");
  if (!out.tls && !url.starts_with("http://")) return no("is not a web address");
  for (char const c : url) {
    if (static_cast<unsigned char>(c) <= 0x20 || static_cast<unsigned char>(c) >= 0x7f)
      return no("has a character that must be percent-encoded");
  }
  auto rest = url.substr(out.tls ? 8 : 7);
  auto const path = rest.find_first_of("/?#");
  out.target = path == std::string_view::npos ? "/" : rest.substr(path);
  if (out.target.front() != '/') out.target.insert(0, "/");
  if (out.target.contains('#')) return no("has a fragment");
  auto authority = rest.substr(0, path);
  if (authority.contains('@'))
    return fail(errc::invalid_argument, fmt::format("a web address with login data is not possible; {}", expected));
  out.port = out.tls ? "443" : "80";
  auto const colon = authority.rfind(':');
  if (colon != std::string_view::npos && !authority.substr(colon).contains(']')) {
    out.port = authority.substr(colon + 1);
    authority = authority.substr(0, colon);
    int number = 0;
    auto const [end, ec] = std::from_chars(out.port.data(), out.port.data() + out.port.size(), number);
    if (ec != std::errc{} || end != out.port.data() + out.port.size() || number < 1 || number > 65535)
      return no("has no port number behind its colon");
  }
  if (authority.starts_with('[') && authority.ends_with(']')) authority = authority.substr(1, authority.size() - 2);
  out.host = authority;
  if (out.host.empty()) return no("names no host");
  return out;
}

struct http_client::pool : std::enable_shared_from_this<http_client::pool> {
  pool(asio::any_io_executor on, web_address to, bool reuse)
      : executor(std::move(on)), where(std::move(to)), keeps(reuse) {}

  link_ptr take() {
    auto const now = steady_clock::now();
    std::erase_if(idle, [&](link_ptr const& one) { return now - one->idle_since > longest_idle; });
    if (idle.empty()) return nullptr;
    auto out = std::move(idle.back());
    idle.pop_back();
    return out;
  }
  task<result<web_answer>> ask(web_question what) {
    auto const self = shared_from_this();
    auto used = take();
    if (used) {
      auto answer = co_await ask_on(std::move(used), what);
      if (answer) co_return answer;
    }
    auto made = co_await dial(executor, where);
    if (!made) co_return std::unexpected(made.error());
    co_return co_await ask_on(std::move(*made), what);
  }
  task<result<web_answer>> ask_on(link_ptr on, web_question const& what) {
    auto* const secure = std::get_if<1>(&on->stream);
    auto answer = secure ? co_await converse(*secure, where, what, keeps)
                         : co_await converse(std::get<0>(on->stream), where, what, keeps);
    if (!answer) co_return std::unexpected(answer.error());
    if (answer->second && idle.size() < most_idle) {
      on->idle_since = steady_clock::now();
      idle.push_back(std::move(on));
    }
    co_return std::move(answer->first);
  }

  asio::any_io_executor const executor;
  web_address const where;
  bool const keeps;
  std::vector<link_ptr> idle;  // the latest last
};

http_client::http_client(asio::any_io_executor executor, web_address where, bool keeps_connections)
    : pool_(std::make_shared<pool>(std::move(executor), std::move(where), keeps_connections)) {}

web_address const& http_client::where() const { return pool_->where; }

// A look-up of a name can't be interrupted, so nobody waits for the work itself: it is told to stop, and its end is its
// own affair.
task<result<web_answer>> http_client::fetch(web_question what) {
  struct pending {
    asio::steady_timer over;
    asio::cancellation_signal stop{};
    std::optional<result<web_answer>> answer{};
  };
  auto const patience = what.patience;
  auto const from = pool_;
  auto const shared = std::make_shared<pending>(asio::steady_timer{from->executor, patience});
  asio::co_spawn(from->executor, from->ask(std::move(what)),
                 asio::bind_cancellation_slot(shared->stop.slot(),
                                              [shared, from](std::exception_ptr thrown, result<web_answer> answer) {
                                                if (!thrown) shared->answer = std::move(answer);
                                                shared->over.cancel();
                                              }));
  error_code ec;
  co_await shared->over.async_wait(asio::redirect_error(use_task, ec));
  if (shared->answer) co_return std::move(*shared->answer);
  shared->stop.emit(asio::cancellation_type::terminal);
  co_return fail(errc::timeout, fmt::format("{}: no answer within {} ms", from->where.to_string(), patience.count()));
}

task<result<web_answer>> http_fetch(asio::any_io_executor executor, web_address where, web_question what) {
  http_client once{std::move(executor), std::move(where), false};
  co_return co_await once.fetch(std::move(what));
}

}  // namespace hiky
