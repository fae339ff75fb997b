// SPDX-License-Identifier: Apache-2.0
#include "gateway/site.hpp"

#include <fmt/format.h>

#include "base/clock.hpp"
#include "base/json.hpp"
#include "gateway/http.hpp"
#include "gateway/metrics.hpp"
#include "gateway/worker.hpp"
#include "pages.hpp"
#include "state/online_users.hpp"

namespace hiky::gateway {

namespace http = boost::beast::http;

namespace {

// `web/` as the build embedded it: the demo is the front page, the rest is found by file name.
std::optional<std::string_view> page_at(std::string_view path) {
  if (!path.starts_with('/')) return std::nullopt;
  auto const name = path == "/" ? std::string_view{"demo.html"} : path.substr(1);
  for (auto const& file : pages::all) {
    if (file.name == name) return file.text;
  }
  return std::nullopt;
}

std::string_view media_type(std::string_view path) {
  if (path.ends_with(".js")) return "text/javascript; charset=utf-8";
  if (path.ends_with(".css")) return "text/css; charset=utf-8";
  if (path.ends_with(".svg")) return "image/svg+xml";
  return "text/html; charset=utf-8";
}

http_response typed(http_request const& to, http::status status, std::string_view type, std::string text) {
  auto out = plain_response(to, status, std::move(text));
  out.set(http::field::content_type, type);
  out.set(http::field::cache_control, "no-cache");
  return out;
}

// The document's healthCheck (section "Monitoring and Health Checks"), and what an operator asks next.
task<http_response> health(worker& on, http_request const& request) {
  state::online_users online{on.redis()};
  auto const count = co_await online.count();
  if (!count) {
    std::string body{R"({"status":"unhealthy","message":"Redis connection failed","reason":)"};
    append_json_string(body, count.error().text);
    body += fmt::format(R"(,"timestamp":"{}"}})", iso8601_now());
    co_return typed(request, http::status::service_unavailable, "application/json", std::move(body));
  }
  std::string body = fmt::format(R"({{"status":"healthy","redis":"connected","onlineUsers":{},"timestamp":"{}","instance":)", *count, iso8601_now());
  append_json_string(body, on.settings().instance);
  body += fmt::format(R"(,"bus":"{}"}})", on.bus().alive() ? "connected" : "disconnected");
  co_return typed(request, http::status::ok, "application/json", std::move(body));
}

http_response ready(worker& on, http_request const& request) {
  if (on.draining()) return plain_response(request, http::status::service_unavailable, "draining\n");
  if (!on.everybody_connected() || !on.bus().alive()) return plain_response(request, http::status::service_unavailable, "no connection to Redis\n");
  return plain_response(request, http::status::ok, "ready\n");
}

task<http_response> get(worker& on, http_request const& request) {
  auto const path = path_of(request);
  if (path == "/health") co_return co_await health(on, request);
  if (path == "/ready") co_return ready(on, request);
  if (path == "/metrics") co_return typed(request, http::status::ok, metrics::content_type, on.metrics().text());
  if (auto const text = page_at(path)) {
    auto page = typed(request, http::status::ok, media_type(path), std::string{*text});
    page.set("Content-Security-Policy", "default-src 'self'; frame-ancestors 'none'");
    page.set("X-Content-Type-Options", "nosniff");
    co_return page;
  }
  co_return plain_response(request, http::status::not_found,
                           fmt::format("nothing at this path; the WebSocket is at {}, the demo at /\n", websocket_path));
}

}  // namespace

std::string_view path_of(http_request const& r) {
  std::string_view const target{r.target()};
  return target.substr(0, target.find('?'));
}

task<http_response> site_response(worker& on, http_request const& request) {
  if (request.method() != http::verb::get && request.method() != http::verb::head) {
    auto out = plain_response(request, http::status::method_not_allowed,
                              fmt::format("{} is not possible here; expected GET\n", std::string_view{request.method_string()}));
    out.set(http::field::allow, "GET, HEAD");
    co_return out;
  }
  co_return co_await get(on, request);
}

}  // namespace hiky::gateway
