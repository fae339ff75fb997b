// SPDX-License-Identifier: Apache-2.0
#include "chat/upkeep/connection_audit.hpp"

#include <boost/asio/redirect_error.hpp>

#include <algorithm>

#include "base/log.hpp"

namespace hiky::chat {

using namespace std::chrono_literals;

namespace {
constexpr int leases_between = 4;  // a minute with the usual lease
constexpr std::size_t page = 500;  // connections that Redis lists in one go: others are served in between
}  // namespace

bool connection_names::concern(std::string_view connection) const {
  if (connection.starts_with(own)) return true;
  return !all.empty() &&
         std::ranges::none_of(all, [&](std::string const& prefix) { return connection.starts_with(prefix); });
}

connection_audit::connection_audit(asio::any_io_executor executor, state::connection_lists& lists, instance_id own,
                                   connection_names names, std::chrono::milliseconds lease,
                                   std::chrono::milliseconds unconfirmed, effects on)
    : ex_(std::move(executor)),
      lists_(lists),
      own_(std::move(own)),
      names_(std::move(names)),
      lease_(lease),
      unconfirmed_(unconfirmed),
      on_(std::move(on)),
      pause_(ex_) {}

void connection_audit::ask() {
  asked_ = true;
  pause_.cancel();
}

task<> connection_audit::run() {
  for (;;) {
    auto const undone = co_await compare();
    if (!undone && !is_transient(undone.error()))
      log::error("connections.not_compared", {{"reason", undone.error().text}});
    if (undone && *undone > 0) {
      log::warn("connections.undone", {{"instance", own_.str()},
                                       {"connections", *undone},
                                       {"reason", "Redis listed them as ours, and they had ended"}});
    }
    if (asked_) continue;
    pause_.expires_after(undone ? leases_between * lease_ : std::chrono::milliseconds{500});
    boost::system::error_code asked;
    co_await pause_.async_wait(asio::redirect_error(use_task, asked));
  }
}

task<result<std::size_t>> connection_audit::compare() {
  asked_ = false;
  std::vector<std::pair<connection_id, user_id>> suspects;
  std::vector<connection_id> listed;
  std::optional<std::int64_t> began_ms;
  // The worker that looks after connections of no worker must see all connections.
  auto const pattern = names_.all.empty() ? names_.own + "*" : std::string{"*"};
  std::string cursor{"0"};
  do {
    auto got = co_await lists_.page(own_, cursor, pattern, page);
    if (!got) co_return std::unexpected(got.error());
    if (!began_ms) began_ms = got->now_ms;
    for (auto& [connection, user] : got->connections) {
      if (!names_.concern(connection)) continue;
      if (!on_.holds(connection, user)) suspects.emplace_back(std::move(connection), std::move(user));
      else if (on_.listed) listed.push_back(std::move(connection));
    }
    cursor = std::move(got->cursor);
  } while (cursor != "0");

  // A second look, since a connection may have ended between Redis's answer and ours. Ids are never used twice: a
  // connection that is not here now, and that Redis lists after that, does not exist.
  std::erase_if(suspects, [&](auto const& each) { return on_.holds(each.first, each.second); });
  std::size_t undone = 0;
  // While Redis and this instance agreed, no ended connection was left. But a client that vanished may not have got the
  // last messages that were written to it.
  auto const agreed = last_clean_ms_ ? std::min(*last_clean_ms_, *began_ms) : *began_ms - lease_.count();
  for (std::size_t begin = 0; begin < suspects.size(); begin += page) {
    std::vector<connection_id> ids;
    for (auto i = begin; i < std::min(suspects.size(), begin + page); ++i) ids.push_back(suspects[i].first);
    auto const there = co_await lists_.contain(own_, std::move(ids));
    if (!there) co_return std::unexpected(there.error());
    for (std::size_t i = 0; i < there->size(); ++i) {
      if (!(*there)[i]) continue;
      ++undone;
      co_await on_.undo(suspects[begin + i].first, suspects[begin + i].second, agreed - unconfirmed_.count());
    }
  }
  if (undone == 0 && !asked_) last_clean_ms_ = began_ms;
  if (on_.listed) on_.listed(std::move(listed));
  co_return undone;
}

}  // namespace hiky::chat
