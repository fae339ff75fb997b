// SPDX-License-Identifier: Apache-2.0
// A message from the operator to a room, published as the daemon publishes: same script, same history, same mailboxes.
#include <fmt/format.h>

#include "app/ctl/commands.hpp"
#include "app/ctl/findings.hpp"
#include "auth/reserved.hpp"
#include "state/chat/room_log.hpp"

namespace hiky::ctl {
namespace {

static_assert(auth::is_reserved(system_sender));

task<result<state::published>> publish_as_system(session& s, letter what) {
  state::room_log log{s.ws, s.database(), {}};
  auto sent = co_await log.publish({what.room, user_id{system_sender}, {}, what.content, {}, {}, true});
  if (!sent && sent.error().code == errc::not_member) {
    co_return fail(
        errc::not_found,
        fmt::format("nobody is in room '{}', so nobody would get the message; the rooms there are: hikyctl rooms",
                    what.room.str()));
  }
  co_return sent;
}

task<result<state::published>> publish_as(session& s, user_id sender, letter what) {
  state::room_log log{s.ws, s.database(), {}};
  auto sent = co_await log.publish({what.room, sender, {}, what.content, {}});
  if (!sent && sent.error().code == errc::not_member) {
    co_return fail(errc::not_member,
                   fmt::format("'{}' is not a member of room '{}'; make them one with: hikyctl room add-member {}",
                               sender.str(), what.room.str(), pasteable({what.room, sender})));
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
  co_return sent_report(what.room, sender.str(), sent->message_id, sent->timestamp);
}

}  // namespace hiky::ctl
