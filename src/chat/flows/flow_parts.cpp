// SPDX-License-Identifier: Apache-2.0
#include "chat/flows/flow_parts.hpp"

namespace hiky::chat {

flow_parts::flow_parts(asio::any_io_executor executor, std::size_t worker, instance_id name, state::store& store,
                       directory::directory& people, auth::authenticator& gate, room_policy& door, bus& channel,
                       user_rates& user_limits, counters& counted, flow_limits most)
    : ex(std::move(executor)),
      instance(std::move(name)),
      count(counted),
      limits(most),
      rates(user_limits),
      heavy(ex),
      turn(ex, *this, limits, count),
      out(turn, rates, limits, count),
      active(ex, store, limits.seen_every),
      expiry(ex, count, [this](session& s) { return login.looks_first(s); }),
      login(ex, gate, expiry, limits.session_check, count),
      watch(ex, store, people),
      back(ex, store),
      presence(ex, store, people, watch, heavy, out),
      ends(ex, instance, store, losses, heavy, presence, count),
      heard(worker, here, channel, store),
      logs(store, heavy, limits, count),
      resent(ex, store, heavy, out),
      doubtful(ex, turn),
      mail(ex, store, turn, doubtful, resent, out, count),
      asserted(ex, instance, store, here, losses, turn, ends, heard, watch, mail),
      late(store, here, heard, logs, resent, out, limits),
      compared(store, here, losses, asserted, ends, heard, late, mail, entered),
      audit(ex, worker, store, here, channel, losses, doubtful),
      identity(ex, gate, door, expiry, login, compared, doubtful, out, count),
      online(instance, store, people, here, heard, losses, back),
      registration(ex, here, {identity, ends, online, logs, resent, mail, compared, presence}, audit, doubtful, out,
                   rates, limits, count),
      typing(ex, store, losses, out, limits, count),
      rooms(store, here, door, heard, logs, doubtful, typing, out, limits, count),
      history(store, heavy, doubtful, out),
      messages(store, here, heavy, compared, out, count),
      news(here, heard, audit, doubtful, entered, mail, ends, watch),
      receipts(ex, here),
      dispatcher(*this, out, rates, limits, count) {
  here.on_empty([&channel, worker](room_id const& room) { channel.unsubscribe(worker, room); });
}

void flow_parts::perform(session_ptr s, std::string_view text, std::chrono::steady_clock::time_point came) {
  dispatcher.perform(std::move(s), text, came);
}

bool flow_parts::is_known(session const& s) const { return !losses.forgotten(s); }

bool flow_parts::is_unsettled(session const& s, bool was_known) const {
  return *s.doubted || (was_known && losses.forgotten(s));
}

task<> flow_parts::settle(session_ptr s, bool was_known) {
  // Redis lost its data meanwhile: the requests that wait must not reach a Redis that does not know the session.
  if (was_known && losses.forgotten(*s) && (!s->gone || s->turn->backlog)) co_await asserted.try_session(s);
  if (*s->doubted && s->registered && !s->gone && co_await compared.compare(s)) doubts::settle(*s);
  if (*s->doubted && s->registered) doubtful.try_later(*s);
}

void flow_parts::failed(session& s, std::string_view reason) {
  out.refuse(s, std::nullopt, error{errc::unexpected_reply, std::string{reason}});
  here.release(s);
}

void flow_parts::turn_ended(session& s) { mail.fetch_waiting(s); }

void flow_parts::closed(session& s) {
  s.gone = true;
  if (turn.puts_off_end(s)) return;  // until then the ledger notes the messages that are missed
  // Until disconnect.lua has run, Redis takes the user for present and queues nothing: messages that come meanwhile
  // must be found in the log.
  state::unsure_mail unsure{.others_since_ms = *s.compared_ms};
  for (auto& owed : s.ledger.debts())
    unsure.heard.push_back({room_id{std::move(owed.room)}, std::move(owed.confirmed), owed.to});
  for (auto& range : s.ledger.given()) unsure.given.push_back({std::move(range.epoch), range.first, range.last});
  constexpr std::size_t long_tail = 20;  // messages that a client has perhaps not received
  bool const much = s.ledger.unconfirmed_messages() >= long_tail;
  here.detach(s);
  entered.forget(s);
  expiry.remove(s);
  login.forget(s);
  watch.end(s);
  if (!s.registered) return;
  s.registered = false;
  count.registered_connections.sub();
  ends.begin(s, std::move(unsure), much);
}

void flow_parts::handle(asked a, ping) { out.send(*a.by, pong(a.id)); }

void flow_parts::handle(asked a, register_request r) {
  turn.run(a.by, registration.perform(a.by, std::move(a.id), std::move(a.user), std::move(r)));
}

void flow_parts::handle(asked a, refresh_identity r) {
  turn.run(a.by, identity.refresh(a.by, std::move(a.id), std::move(r)));
}

void flow_parts::handle(asked a, join_room r) { turn.run(a.by, rooms.join(a.by, std::move(a.id), std::move(r))); }

void flow_parts::handle(asked a, leave_room r) {
  turn.run(a.by, rooms.leave(a.by, std::move(a.id), std::move(r.room)));
}

void flow_parts::handle(asked a, send_message r) {
  turn.run(a.by, messages.publish(a.by, std::move(a.id), std::move(r), a.came));
}

void flow_parts::handle(asked a, set_typing r) {
  if (is_in(a, r.room)) typing.change(*a.by, std::move(r));
}

void flow_parts::handle(asked a, get_history r) {
  if (is_in(a, r.room)) turn.run(a.by, history.messages(a.by, std::move(a.id), std::move(r)));
}

void flow_parts::handle(asked a, get_participants r) {
  if (is_in(a, r.room)) turn.run(a.by, history.participants(a.by, std::move(a.id), std::move(r)));
}

void flow_parts::handle(asked a, get_online_status r) {
  turn.run(a.by, presence.status(a.by, std::move(a.id), std::move(r)));
}

void flow_parts::handle(asked a, watch_presence r) {
  turn.run(a.by, presence.watch(a.by, std::move(a.id), std::move(r)));
}

void flow_parts::handle(asked a, offline_ack r) { mail.take_ack(*a.by, r); }

bool flow_parts::is_in(asked& a, room_id const& room) {
  if (here.in(*a.by, room)) return true;
  out.refuse(*a.by, std::move(a.id), error{errc::not_member, {}});
  return false;
}

}  // namespace hiky::chat
