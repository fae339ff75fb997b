// SPDX-License-Identifier: Apache-2.0
// A redis-server of our own with a chat in it: 2,000 people in 200 rooms of 10, and 100 busy ones with 10 rooms each.
// Reports how long Redis itself has spent in scripts; the way there and back does not count.
#pragma once
#include <boost/asio/io_context.hpp>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "state/chat/absentees.hpp"
#include "state/chat/store.hpp"
#include "state/document/offline_messages.hpp"
#include "state/document/room_participants.hpp"
#include "state/document/typing_users.hpp"
#include "support/redis_server.hpp"

namespace hiky::script_bench {

using call = task<result<void>>;

// A call whose success matters and whose value does not.
template <class T>
call done(task<result<T>> what) {
  auto const outcome = co_await std::move(what);
  if (!outcome) co_return std::unexpected(outcome.error());
  co_return result<void>{};
}

// The numbers that INFO reports for all EVALSHA since the server's start.
struct script_time {
  double us = 0;
  std::int64_t calls = 0, failed = 0;
};

user_id user(std::string_view group, int number);
room_id room(std::string_view group, int number);
inline user_id person(int number) { return user("person", number); }
inline user_id busy(int number) { return user("busy", number); }
inline room_id hall(int number) { return room("hall", number % 100); }  // of ten busy people
inline constexpr int people = 2000, busy_people = 100;

class stage {
 public:
  stage();
  ~stage();
  stage(stage const&) = delete;
  stage& operator=(stage const&) = delete;

  // Makes all calls at once, so that Redis finds the next one when it has answered one. Throws if one fails.
  void all(int count, std::function<call(int)> const& make);
  template <class T>
  T get(task<result<T>> what) {
    std::optional<T> out;
    all(1, [&](int) { return keep(std::move(what), out); });
    return std::move(*out);
  }
  // For state that has no service: the answers are looked at for errors only.
  void command(redis::request what);
  script_time spent();

  static state::connection_details details(user_id const& user, int connection = 1);
  static connection_id connection(user_id const& user, int number = 1) { return details(user, number).id; }
  static instance_id instance(user_id const& user);
  call connect(user_id const& who, std::vector<state::connection_room> rooms = {}, int connection = 1);
  call disconnect(user_id const& who, state::unsure_mail unsure = {}, int connection = 1);
  call say(user_id const& sender, room_id const& where, std::string_view content,
           std::optional<std::string> id = std::nullopt);
  // Leases of living instances, and of dead ones: `dead-0`…
  void lease(int dead = 0);

  support::redis_server server;
  asio::io_context io;
  redis::client redis;
  state::store store;
  state::absentees absentees{redis};
  state::offline_messages offline_messages{redis};
  state::room_participants room_participants{redis};
  state::typing_users typing_users{redis};

 private:
  template <class T>
  static call keep(task<result<T>> what, std::optional<T>& into) {
    auto outcome = co_await std::move(what);
    if (!outcome) co_return std::unexpected(outcome.error());
    into = std::move(*outcome);
    co_return result<void>{};
  }
};

// JSON texts of some length, in words.
extern std::string const short_content, large_content;

}  // namespace hiky::script_bench
