// SPDX-License-Identifier: Apache-2.0
#include "state/room_log.hpp"

#include <fmt/format.h>

#include <random>

#include "base/json.hpp"
#include "redis/script.hpp"
#include "scripts.hpp"
#include "state/keys.hpp"

namespace hiky::state {
namespace {

// 48 random bits: an epoch only has to differ from the room's earlier ones.
std::string new_epoch() {
  static thread_local std::mt19937_64 random{std::random_device{}()};
  return fmt::format("{:012x}", random() >> 16);
}

}  // namespace

task<result<published>> room_log::publish(outgoing_message m) {
  static redis::script const script{scripts::publish_lua};
  std::string frame{"{\"type\":\"message\",\"roomId\":"};
  frame.reserve(96 + m.room.str().size() + m.sender.str().size() + m.content.size());
  append_json_string(frame, m.room);
  frame += ",\"senderId\":";
  append_json_string(frame, m.sender);
  frame += ",\"content\":";
  frame += m.content;

  std::vector<std::string> keys_{keys::room_participants(m.room), keys::room_members(m.room), keys::room_head(m.room), keys::room_log(m.room),
                                 std::string{keys::online_users},   keys::room_absent(m.room)};
  if (m.client_msg_id) keys_.push_back(keys::dedup(m.room, *m.client_msg_id));
  auto call = script.call(keys_, 11);
  call.arg(m.sender).arg(frame).arg(keys::room_channels(database_) + m.room.str()).arg("m " + m.connection.str() + " ").arg(new_epoch());
  call.arg(keys::prefix::offline_messages).arg(keys::prefix::offline_dropped);
  call.arg(limits_.kept).arg(limits_.life_ms).arg(limits_.max_mailbox_room).arg(limits_.dedup_s);

  auto const answer = co_await script.run(redis_, std::move(call));
  if (!answer) co_return std::unexpected(answer.error());
  auto const items = (*answer)[0].items();
  auto const outcome = items.empty() ? -1 : items[0].integer();
  if (outcome == 0) co_return fail(errc::not_member, "the sender is not a member of the room");
  if (outcome < 0 || items.size() < 3) co_return fail(errc::unexpected_reply, "publish.lua returned something else than its table says");
  co_return published{std::string{items[1].text()}, std::string{items[2].text()}, outcome == 2};
}

}  // namespace hiky::state
