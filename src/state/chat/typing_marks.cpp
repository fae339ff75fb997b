// SPDX-License-Identifier: Apache-2.0
#include "state/chat/typing_marks.hpp"

#include "base/json.hpp"
#include "redis/script.hpp"
#include "scripts.hpp"
#include "state/chat/bus_letters.hpp"
#include "state/chat/keys.hpp"

namespace hiky::state {
namespace {

std::string_view word_for(typing_change what) {
  switch (what) {
    case typing_change::on: return "on";
    case typing_change::off: return "off";
    case typing_change::expired: return "expired";
    case typing_change::lost: return "lost";
  }
  return "off";
}

}  // namespace

task<result<std::chrono::milliseconds>> typing_marks::change(user_id user, room_id room, typing_change what) {
  static redis::script const script{scripts::typing_lua};
  std::string const used_keys[]{std::string{keys::typing_users}, keys::typing_user(user),
                                std::string{keys::typing_marks}};
  bool const on = what == typing_change::on;
  auto message = bus_start(bus_letter::typing);
  message += user.str();
  message += "\n{\"type\":\"typing\",\"userId\":";
  append_json_string(message, user);
  message += ",\"roomId\":";
  append_json_string(message, room);
  message += on ? ",\"isTyping\":true}" : ",\"isTyping\":false}";

  auto call = script.call(used_keys, 6);
  call.arg(user).arg(room).arg(word_for(what)).arg(typing_life_s);
  call.arg(keys::room_channels(database_) + room.str()).arg(message);
  auto const answer = co_await script.run(redis_, std::move(call));
  if (!answer) co_return std::unexpected(answer.error());
  co_return std::chrono::milliseconds{(*answer)[0].integer()};
}

task<result<std::size_t>> typing_marks::sweep(std::size_t most, std::chrono::milliseconds overdue) {
  static redis::script const script{scripts::typing_sweep_lua};
  std::string const used_keys[]{std::string{keys::typing_users}, std::string{keys::typing_marks}};
  auto call = script.call(used_keys, 5);
  call.arg(most)
      .arg(typing_life_s * 1000)
      .arg(overdue.count())
      .arg(keys::prefix::typing_user)
      .arg(keys::room_channels(database_));
  auto const answer = co_await script.run(redis_, std::move(call));
  if (!answer) co_return std::unexpected(answer.error());
  co_return static_cast<std::size_t>((*answer)[0].integer());
}

}  // namespace hiky::state
