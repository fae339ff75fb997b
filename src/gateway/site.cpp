// SPDX-License-Identifier: Apache-2.0
#include "gateway/site.hpp"

#include <fmt/format.h>
#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <memory>

#include "base/clock.hpp"
#include "base/json.hpp"
#include "gateway/metrics.hpp"
#include "gateway/upgrade.hpp"
#include "gateway/worker.hpp"
#include "pages.hpp"
#include "state/document/online_users.hpp"

namespace hiky::gateway {

namespace http = boost::beast::http;
using namespace std::chrono_literals;

namespace {

constexpr auto redis_patience = 1000ms;    // of /ready
constexpr auto workers_patience = 2000ms;  // of /live

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

http_response unhealthy(http_request const& to, std::string_view message, std::string_view reason) {
  std::string body{R"({"status":"unhealthy","message":")"};
  (body += message) += R"(","reason":)";
  append_json_string(body, reason);
  body += fmt::format(R"(,"timestamp":"{}"}})", iso8601_now());
  return typed(to, http::status::service_unavailable, "application/json", std::move(body));
}

// The document's healthCheck (section "Monitoring and Health Checks"), and what an operator asks next.
task<http_response> health(worker& on, http_request const& request) {
  state::online_users online{on.redis()};
  auto const count = co_await online.count();
  if (!count) co_return unhealthy(request, "Redis connection failed", count.error().text);
  if (auto const words = on.whole().refusal()) co_return unhealthy(request, "Redis refuses writes", *words);
  std::string body =
      fmt::format(R"({{"status":"healthy","redis":"connected","onlineUsers":{},"timestamp":"{}","instance":)", *count,
                  iso8601_now());
  append_json_string(body, on.settings().instance);
  body += fmt::format(R"(,"bus":"{}"}})", on.bus().alive() ? "connected" : "disconnected");
  co_return typed(request, http::status::ok, "application/json", std::move(body));
}

// Tells whether clients should come here. The latest answer of Redis may be a second old, so it is asked as well.
task<http_response> ready(worker& on, http_request const& request) {
  auto const no = [&](std::string why) {
    return plain_response(request, http::status::service_unavailable, std::move(why) + "\n");
  };
  if (on.draining()) co_return no("draining");
  if (!on.whole().connected()) co_return no("no connection to Redis");
  if (auto const words = on.whole().refusal()) co_return no("Redis refuses writes: " + *words);
  if (!co_await on.redis().answers(redis_patience)) co_return no("Redis does not answer");
  co_return plain_response(request, http::status::ok, "ready\n");
}

// Whether every worker comes round. Says nothing of Redis: to start again mends none of its outages, and throws out all
// who stayed.
task<http_response> live(worker& on, http_request const& request) {
  // Not a timer that the last one cancels: it would belong to another thread, and might outlive its loop there.
  auto const answered = std::make_shared<std::atomic<bool>>(false);
  on.whole().when_all_answer([answered] { *answered = true; });
  asio::steady_timer pause{on.io()};
  for (auto const until = std::chrono::steady_clock::now() + workers_patience; !*answered;) {
    if (std::chrono::steady_clock::now() > until)
      co_return plain_response(request, http::status::service_unavailable, "a worker thread hangs\n");
    pause.expires_after(1ms);
    co_await pause.async_wait(use_task);
  }
  co_return plain_response(request, http::status::ok, "live\n");
}

// How people prove here who they are, so that the demo asks for what counts.
std::string proofs_wanted(auth::gate_settings const& identity) {
  std::string out{R"({"auth":[)"};
  auto const add = [&](std::string_view mode) { out += fmt::format(R"({}"{}")", out.ends_with('[') ? "" : ",", mode); };
  if (identity.jwt) add("jwt");
  if (identity.session) add("session");
  if (identity.open) add("open");
  return out += "]}";
}

http_response demo_response(worker& on, http_request const& request, std::string_view path) {
  auto const none = [&](std::string_view words) {
    return plain_response(request, http::status::not_found,
                          fmt::format("nothing at this path; the WebSocket is at {}{}\n", websocket_path, words));
  };
  if (!on.settings().demo) return none(path == "/" ? ", and the demo is off (--demo on shows it here)" : "");
  if (path == "/demo.json")
    return typed(request, http::status::ok, "application/json", proofs_wanted(on.settings().identity));
  auto const text = page_at(path);
  if (!text) return none(", the demo at /");
  auto page = typed(request, http::status::ok, media_type(path), std::string{*text});
  page.set("Content-Security-Policy", "default-src 'self'; frame-ancestors 'none'");
  page.set("X-Content-Type-Options", "nosniff");
  return page;
}

task<http_response> answer(worker& on, http_request const& request, door by) {
  auto const path = path_of(request);
  if (by == door::clients && path != "/health" && path != "/live" && path != "/ready") {
    co_return plain_response(request, http::status::not_found,
                             fmt::format("nothing at this path; the WebSocket is at {}\n", websocket_path));
  }
  if (request.method() != http::verb::get && request.method() != http::verb::head) {
    auto out = plain_response(
        request, http::status::method_not_allowed,
        fmt::format("{} is not possible here; expected GET\n", std::string_view{request.method_string()}));
    out.set(http::field::allow, "GET, HEAD");
    co_return out;
  }
  if (path == "/health") co_return co_await health(on, request);
  if (path == "/live") co_return co_await live(on, request);
  if (path == "/ready") co_return co_await ready(on, request);
  if (path == metrics_path) co_return typed(request, http::status::ok, metrics::content_type, on.metrics().text());
  co_return demo_response(on, request, path);
}

}  // namespace

task<http_response> site_response(worker& on, http_request const& request, door by) {
  co_return co_await answer(on, request, by);
}

}  // namespace hiky::gateway
