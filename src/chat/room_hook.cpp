// SPDX-License-Identifier: Apache-2.0
#include "chat/room_hook.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/clock.hpp"
#include "base/json.hpp"
#include "base/log.hpp"

namespace hiky::chat {

using namespace std::chrono_literals;

namespace {

constexpr auto life_of_a_no = 5s;

// The user's length stands in it, since both parts may contain colons.
std::string cache_key(user_id const& user, room_id const& room) {
  return fmt::format("hiky:room_hook:{}:{}:{}", user.str().size(), user.str(), room.str());
}

std::string question(user_id const& user, room_id const& room) {
  std::string out{R"({"userId":)"};
  append_json_string(out, user);
  out += R"(,"roomId":)";
  append_json_string(out, room);
  return out += R"(,"action":"join"})";
}

}  // namespace

room_hook::room_hook(asio::any_io_executor executor, room_hook_settings settings, redis::address cache,
                     user_rates& rates, counters& count)
    : executor_(executor),
      settings_(std::move(settings)),
      application_(executor, settings_.where),
      cache_(std::move(executor), std::move(cache)),
      rates_(rates),
      count_(count) {
  cache_.start();
}

task<result<bool>> room_hook::may_join(user_id user, room_id room) {
  if (settings_.life == 0s) co_return co_await ask(std::move(user), std::move(room));
  auto const key = cache_key(user, room);
  // A cache that is away costs questions, and stops nobody.
  auto const known = co_await cache_.exec(redis::request{"GET", key});
  auto const kept = known ? (*known)[0].text() : std::string_view{};
  if (kept == "1" || kept == "0") {
    count_.room_hook_cached.add();
    co_return kept == "1";
  }
  auto const answer = co_await ask(std::move(user), std::move(room));
  if (!answer) co_return answer;
  auto const life = *answer ? settings_.life : std::min(settings_.life, life_of_a_no);
  if (auto const stored = co_await cache_.exec(redis::request{"SET", key, *answer ? "1" : "0", "EX", life.count()});
      !stored) {
    log::debug("room_hook.uncached", {{"reason", stored.error().text}});
  }
  co_return answer;
}

// A client enters one room after the other, so this holds up nobody else.
task<bool> room_hook::may_ask(user_id const& user) {
  asio::steady_timer pause{executor_};
  bool delayed = false;
  for (auto const until = std::chrono::steady_clock::now() + settings_.patience;; delayed = true) {
    if (rates_.take(user, user_rate::questions, now_ms())) co_return true;
    if (!delayed) count_.room_hook_delayed.add();
    if (std::chrono::steady_clock::now() > until) co_return false;
    pause.expires_after(20ms);
    co_await pause.async_wait(use_task);
  }
}

task<result<bool>> room_hook::ask(user_id user, room_id room) {
  struct place {
    explicit place(std::size_t& taken) : count(taken) { ++count; }
    place(place const&) = delete;
    ~place() { --count; }
    std::size_t& count;
  };
  if (!co_await may_ask(user))
    co_return fail(errc::overloaded, "this user asks to enter more rooms than the room hook is asked about");
  if (asking_ >= settings_.at_once)
    co_return fail(errc::overloaded, fmt::format("{} questions wait for the room hook already", asking_));
  place const taken{asking_};
  auto const began = std::chrono::steady_clock::now();
  auto const answer = co_await application_.fetch(
      {.json = question(user, room), .bearer = settings_.key, .most_body = 16 * 1024, .patience = settings_.patience});
  count_.room_hook.observe(std::chrono::steady_clock::now() - began);
  if (!answer) co_return std::unexpected(answer.error());
  if (answer->status == 200 || answer->status == 204) co_return true;
  if (answer->status == 403) co_return false;
  co_return fail(errc::unexpected_reply, fmt::format("{}: status {}; expected 200 or 204 for yes, 403 for no",
                                                     settings_.where.to_string(), answer->status));
}

}  // namespace hiky::chat
