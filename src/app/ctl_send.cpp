// SPDX-License-Identifier: Apache-2.0
// A message from the operator to a room, published as the daemon publishes: same script, same history, same mailboxes.
#include <fmt/format.h>

#include "app/ctl_commands.hpp"
#include "redis/script.hpp"
#include "state/keys.hpp"
#include "state/members.hpp"
#include "state/room_log.hpp"

namespace hiky::ctl {
namespace {

namespace keys = state::keys;

// Takes the system sender out of a room again, without the announcement that leave.lua makes: nobody saw it come.
// What was queued for it meanwhile goes too, unless another room still has it as a member.
// KEYS 1 room_members:{r}  2 member_rooms:{u}  3 offline_messages:{u}  4 offline_dropped:{u}  5 room_absent:{r}
// ARGV 1 user  2 room
constexpr std::string_view withdraw_lua = R"(
redis.call('SREM', KEYS[1], ARGV[1])
redis.call('SREM', KEYS[2], ARGV[2])
redis.call('SREM', KEYS[5], ARGV[1])
if redis.call('SCARD', KEYS[2]) == 0 then redis.call('DEL', KEYS[3], KEYS[4]) end
return 1
)";

task<result<void>> withdraw(redis::client& redis, user_id sender, room_id room) {
  static redis::script const script{withdraw_lua};
  std::string const touched[]{keys::room_members(room), keys::member_rooms(sender), keys::offline_messages(sender), keys::offline_dropped(sender),
                              keys::room_absent(room)};
  auto call = script.call(touched, 2);
  call.arg(sender).arg(room);
  auto const done = co_await script.run(redis, std::move(call));
  if (!done) co_return std::unexpected(done.error());
  co_return result<void>{};
}

task<result<void>> must_exist(redis::client& redis, room_id room) {
  auto const reply = co_await all_of(redis, batch{}.add("SCARD", keys::room_members(room)).add("SCARD", keys::room_participants(room)));
  if (!reply) co_return std::unexpected(reply.error());
  if ((*reply)[0].integer() + (*reply)[1].integer() > 0) co_return result<void>{};
  co_return fail(errc::not_found,
                 fmt::format("nobody is in room '{}', so nobody would get the message; the rooms there are: hikyctl rooms", room.str()));
}

// The publish script takes messages from members only, so the system sender becomes one for as long as it takes.
task<result<state::published>> publish_as_system(session& s, letter what) {
  state::members members{s.ws, s.database()};
  state::room_log log{s.ws, s.database(), {}};
  user_id const sender{system_sender};
  if (auto const there = co_await must_exist(s.ws, what.room); !there) co_return std::unexpected(there.error());
  result<state::published> sent;
  // Again when another hikyctl withdrew the sender between our two steps.
  for (int tries = 0; tries < 100; ++tries) {
    auto const entered = co_await members.add(sender, what.room);
    if (!entered) co_return std::unexpected(entered.error());
    sent = co_await log.publish({what.room, sender, {}, what.content, {}});
    if (*entered) {
      if (auto const out = co_await withdraw(s.ws, sender, what.room); !out) co_return std::unexpected(out.error());
    }
    if (sent || sent.error().code != errc::not_member) break;
  }
  co_return sent;
}

task<result<state::published>> publish_as(session& s, user_id sender, letter what) {
  state::room_log log{s.ws, s.database(), {}};
  auto sent = co_await log.publish({what.room, sender, {}, what.content, {}});
  if (!sent && sent.error().code == errc::not_member) {
    co_return fail(errc::not_member, fmt::format("'{}' is not a member of room '{}'; make them one with: hikyctl room add-member {}", sender.str(),
                                                 what.room.str(), pasteable({what.room, sender})));
  }
  co_return sent;
}

}  // namespace

outcome send(session& s, letter what) {
  auto const sender = what.from.value_or(user_id{system_sender});
  result<state::published> sent;
  if (what.from) sent = co_await publish_as(s, sender, what);
  else sent = co_await publish_as_system(s, what);
  if (!sent) co_return std::unexpected(sent.error());
  co_return report{.json = json::serialize(json::object{{"roomId", foreign(what.room)},
                                                        {"senderId", foreign(sender)},
                                                        {"messageId", foreign(sent->message_id)},
                                                        {"timestamp", foreign(sent->timestamp)}}),
                   .text = fmt::format("sent {} to {} as {}", sent->message_id, visible(what.room), visible(sender))};
}

}  // namespace hiky::ctl
