// SPDX-License-Identifier: Apache-2.0
#include "chat/upkeep/logins.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>

#include <algorithm>

#include "base/log.hpp"

namespace hiky::chat {

using namespace std::chrono_literals;
using std::chrono::steady_clock;
using std::chrono::system_clock;

namespace {

constexpr std::size_t at_once = 128;  // in one pipeline
constexpr auto soon = 1s;             // after a question without an answer

}  // namespace

void logins::watch(session& s, std::string id) {
  if (id.empty()) return forget(s);
  watched_.insert_or_assign(&s, std::move(id));
  if (std::exchange(running_, true)) return;
  asio::co_spawn(timer_.get_executor(), run(), asio::detached);
}

std::string logins::of(session* s) const {
  auto const found = watched_.find(s);
  return found == watched_.end() ? std::string{} : found->second;
}

bool logins::looks_first(session& s) {
  if (!watched_.contains(&s)) return false;
  due_.push_back(&s);
  timer_.cancel();
  return true;
}

// Ends when there is no connection to look after.
task<> logins::run() {
  boost::system::error_code ec;
  for (auto portion_at = steady_clock::now(); !watched_.empty();) {
    auto const pause =
        every_ == 0ms ? 60'000ms : every_ * static_cast<long>(portion()) / static_cast<long>(watched_.size());
    if (due_.empty()) {
      timer_.expires_at(portion_at + pause);
      co_await timer_.async_wait(asio::redirect_error(use_task, ec));
    }
    auto asked = next_due();
    if (steady_clock::now() >= portion_at + pause) {
      portion_at = steady_clock::now();
      if (every_ > 0ms) add_portion(asked);
    }
    if (co_await look(std::move(asked))) continue;
    timer_.expires_after(soon);
    co_await timer_.async_wait(asio::redirect_error(use_task, ec));
  }
  running_ = false;
}

// Small pipelines for few connections, so that a round is spread; never more than a pipeline should hold.
std::size_t logins::portion() const { return std::clamp<std::size_t>(watched_.size() / 16, 1, at_once); }

std::vector<session*> logins::next_due() {
  auto const first = due_.end() - static_cast<std::ptrdiff_t>(std::min(due_.size(), at_once));
  std::vector<session*> out{first, due_.end()};
  due_.erase(first, due_.end());
  return out;
}

void logins::add_portion(std::vector<session*>& to) {
  auto at = watched_.upper_bound(last_);
  if (at == watched_.end()) at = watched_.begin();
  for (auto left = portion(); left > 0 && at != watched_.end(); --left, ++at) to.push_back(last_ = at->first);
}

// False when no answer came.
task<bool> logins::look(std::vector<session*> at) {
  std::vector<std::string> ids;
  std::erase_if(at, [&](session* s) { return !watched_.contains(s); });
  ids.reserve(at.size());
  for (auto* s : at) ids.push_back(watched_.at(s));
  if (ids.empty()) co_return true;
  auto const found = co_await gate_.look_again(ids);
  if (!found) log::debug("sessions.unknown", {{"sessions", ids.size()}, {"reason", found.error().text}});
  for (std::size_t i = 0; i < at.size(); ++i) {
    // The session may have ended meanwhile, and another one may have its address.
    if (of(at[i]) != ids[i]) continue;
    judge(*at[i], found ? (*found)[i] : std::unexpected(auth::denial{found.error()}));
  }
  co_return found.has_value();
}

void logins::judge(session& s, auth::verdict<auth::identity> const& found) {
  if (s.gone) return;  // and busy yet: `closed` will come again
  auto const now = system_clock::now();
  auto const known = s.grant ? s.grant->expiry : std::nullopt;
  bool const late = known && *known <= now;
  if (!found && found.error().why == auth::outcome::unavailable) {
    // A session is not ended on a guess, however late it is.
    if (late) ends_.put_off(s, std::chrono::ceil<std::chrono::seconds>(now + soon));
    return;
  }
  auto const& bound = s.shown ? s.shown->user : s.user;
  if (found && found->user == bound) {
    auto until = found->grant.expiry;
    if (until && *until <= now) *until += 1s;  // an expiry is in whole seconds, and this one has a part of one left
    if (until != known) ends_.put_off(s, until);
    return;
  }
  forget(s);
  if (late) return ends_.end(s);
  log::info("session.logged_out", {{"connection", s.id.str()}, {"trace", s.trace_id()}, {"user", bound.str()}});
  count_.logged_out.add();
  session_ptr const keep{&s};
  s.close(close_unauthorized, "your session has ended; log in again, then connect anew");
}

}  // namespace hiky::chat
