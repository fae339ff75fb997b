// SPDX-License-Identifier: Apache-2.0
#include "chat/flows/endings.hpp"

#include <boost/asio/steady_timer.hpp>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "chat/flows/common.hpp"
#include "chat/requests/spawn.hpp"

namespace hiky::chat {

using namespace std::chrono_literals;

namespace {
constexpr auto pause_between_tries = 500ms;
}

endings::endings(asio::any_io_executor executor, instance_id const& instance, state::store& store,
                 data_losses const& losses, lane& heavy, presence_flow& presence, counters& count)
    : ex_(std::move(executor)),
      instance_(instance),
      store_(store),
      losses_(losses),
      heavy_(heavy),
      presence_(presence),
      count_(count) {}

void endings::begin(session const& s, state::unsure_mail unsure, bool heavy) {
  under_way_.insert(s.id.str());
  spawn(ex_, run(details_of(s, instance_), s.asserted->losses, !s.asserted->withdrawn, std::move(unsure), heavy));
}

task<> endings::undo(connection_id connection, user_id user, std::int64_t since_ms) {
  count_.undone.add();
  under_way_.insert(connection.str());
  co_await run({std::move(connection), instance_, std::move(user), iso8601_now(), {}, {}}, losses_.count(), true,
               {since_ms, {}}, false);
}

// `asserted`: the count of Redis's losses when Redis was told the connection; `known`: Redis still has the connection.
task<> endings::run(state::connection_details ended, std::uint32_t asserted, bool known, state::unsure_mail unsure,
                    bool heavy) {
  for (;;) {
    result<std::int64_t> left{0};
    if ((asserted != losses_.count() || !known) && !unsure.heard.empty()) {
      auto const told = co_await assert_first(ended, asserted, unsure);
      if (told) known = true;
      else left = std::unexpected(told.error());
    }
    if (left) {
      auto const turn = heavy ? co_await heavy_.enter() : lane::turn{};
      left = co_await store_.connections.remove(ended.id, ended.instance, ended.user, unsure);
      heavy_.leave(turn);
    }
    if (left || !is_transient(left.error())) {
      co_await tell(ended, left);
      under_way_.erase(under_way_.find(ended.id.str()));
      co_return;
    }
    asio::steady_timer pause{ex_, pause_between_tries};
    co_await pause.async_wait(use_task);
  }
}

// Redis has lost the connection and perhaps the rooms of its user. A room queues messages for its members alone.
task<result<void>> endings::assert_first(state::connection_details const& ended, std::uint32_t& asserted,
                                         state::unsure_mail const& unsure) {
  std::vector<state::connection_room> rooms;
  rooms.reserve(unsure.heard.size());
  for (auto const& each : unsure.heard) rooms.emplace_back(each.room);
  auto const losses = losses_.count();
  auto const told = co_await store_.connections.add(ended, std::move(rooms), losses_.rooms_known_since(asserted), 0,
                                                    unsure.others_since_ms);
  if (!told) co_return std::unexpected(told.error());
  asserted = losses;
  co_return result<void>{};
}

task<> endings::tell(state::connection_details const& ended, result<std::int64_t> const& left) {
  if (!left) {
    log::error("session.not_ended",
               {{"connection", ended.id.str()}, {"user", ended.user.str()}, {"reason", left.error().text}});
    co_return;
  }
  if (*left != 0) co_return;
  bool const at_once = store_.connections.grace().count() == 0;
  if (at_once) co_await presence_.announce(ended.user, false);
  else if (offline_) offline_();
}

void endings::dismiss(session& s, notice::ending const& why) {
  if (!why.connection.empty() && why.connection != s.id.str()) return;
  log::info("session.ended", {{"connection", s.id.str()},
                              {"trace", s.trace_id()},
                              {"user", s.user.str()},
                              {"code", why.code},
                              {"reason", why.reason}});
  (why.code == state::close_replaced ? count_.replaced : count_.kicked).add();
  s.close(why.code, why.reason);
}

}  // namespace hiky::chat
