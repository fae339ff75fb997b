// SPDX-License-Identifier: Apache-2.0
#include "chat/flows/message_flow.hpp"

#include "chat/protocol/arrival.hpp"

namespace hiky::chat {

using std::chrono::steady_clock;

namespace {
constexpr std::size_t many_mailboxes = 50;
}

task<> message_flow::publish(session_ptr s, std::optional<std::string> id, send_message m,
                             steady_clock::time_point came) {
  auto const turn = hub_.mailboxes_of(m.room) >= many_mailboxes ? co_await heavy_.enter() : lane::turn{};
  auto const store = [&] {
    return store_.room_log.publish(
        {m.room, s->user, s->id, m.content, m.client_msg_id, hub_.last_of(m.room), false, true, arrival_text(came)});
  };
  auto stored = co_await store();
  // The user was removed from the room, and this worker does not know it yet. Or Redis has lost its data: then it is
  // told the session again.
  if (!stored && stored.error().code == errc::not_member && hub_.in(*s, m.room) && co_await comparison_.compare(s) &&
      hub_.in(*s, m.room)) {
    stored = co_await store();
  }
  heavy_.leave(turn);
  if (!stored) co_return answers_.refuse(*s, std::move(id), stored.error());
  count_.publish.observe(steady_clock::now() - came);
  if (!stored->duplicate) {
    count_.messages_published.add();
    hub_.set_mailboxes(m.room, stored->mailboxes);
  }
  if (id) answers_.send(*s, message_ack(*id, m.room, stored->message_id, stored->timestamp, stored->duplicate));
}

}  // namespace hiky::chat
