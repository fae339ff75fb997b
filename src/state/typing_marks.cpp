// SPDX-License-Identifier: Apache-2.0
#include "state/typing_marks.hpp"

#include "base/json.hpp"
#include "redis/script.hpp"
#include "scripts.hpp"
#include "state/keys.hpp"

namespace hiky::state {

task<result<void>> typing_marks::change(user_id user, room_id room, typing_change what) {
  static redis::script const script{scripts::typing_lua};
  std::string const used_keys[]{std::string{keys::typing_users}, keys::typing_user(user), keys::room_participants(room)};
  bool const on = what == typing_change::on;
  std::string message{"t "};
  message += user.str();
  message += "\n{\"type\":\"typing\",\"userId\":";
  append_json_string(message, user);
  message += ",\"roomId\":";
  append_json_string(message, room);
  message += on ? ",\"isTyping\":true}" : ",\"isTyping\":false}";

  auto call = script.call(used_keys, 6);
  call.arg(user).arg(room).arg(on ? "on" : what == typing_change::off ? "off" : "expired").arg(typing_life_s);
  call.arg(keys::room_channels(database_) + room.str()).arg(message);
  auto const answer = co_await script.run(redis_, std::move(call));
  if (!answer) co_return std::unexpected(answer.error());
  co_return result<void>{};
}

}  // namespace hiky::state
