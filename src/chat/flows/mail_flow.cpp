// SPDX-License-Identifier: Apache-2.0
#include "chat/flows/mail_flow.hpp"

#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <span>

#include "base/log.hpp"
#include "chat/requests/spawn.hpp"

namespace hiky::chat {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

namespace {
constexpr int choices = 5;  // looks at a mailbox that changes each time, before the rest waits for the next claim
constexpr auto longest_coming = 3s;  // that the bus may be behind
}  // namespace

mail_flow::mail_flow(asio::any_io_executor executor, state::store& store, turns& turn, doubts& doubtful, replay& sent,
                     answers& out, counters& count)
    : ex_(std::move(executor)),
      store_(store),
      turns_(turn),
      doubts_(doubtful),
      replay_(sent),
      answers_(out),
      count_(count) {}

// Claims all mail; or, where the connection may not read all rooms, the mail of the rooms that it may read. The rest
// waits for a connection that may read it.
task<result<state::claimed_mail>> mail_flow::claim(session_ptr s) {
  auto const earlier = s->earlier ? std::optional{*s->earlier} : std::nullopt;
  if (!s->grant || !s->grant->rooms) co_return co_await store_.mailbox.claim(s->user, s->id, earlier);
  for (int tries = 0; tries < choices; ++tries) {
    auto const waiting = co_await store_.mailbox.look(s->user);
    if (!waiting) co_return std::unexpected(waiting.error());
    state::mail_choice choice{.count = waiting->messages.size()};
    auto const letters = co_await open_all(ex_, waiting->messages);
    for (std::size_t i = 0; i < letters.size(); ++i) {
      if (!letters[i].room.empty() && s->grant->allows(room_id{letters[i].room})) choice.wanted.push_back(i);
    }
    // Claims also when there is nothing to take: that gives back an earlier claim whose answer did not come.
    if (!waiting->messages.empty()) choice.newest = waiting->messages.front();
    auto claimed = co_await store_.mailbox.claim(s->user, s->id, earlier, std::move(choice));
    if (claimed || claimed.error().code != errc::conflict) co_return claimed;
  }
  co_return fail(errc::timeout, "the queue changes faster than it can be chosen from");
}

task<> mail_flow::deliver(session_ptr s) {
  auto mail = co_await claim(s);
  if (!mail) {
    log::warn("mail.unclaimed", {{"connection", s->id.str()},
                                 {"trace", s->trace_id()},
                                 {"user", s->user.str()},
                                 {"reason", mail.error().text}});
    s->mail.mine().unclaimed = false;
    if (is_transient(mail.error())) claim_later(*s);
    co_return;
  }
  s->mail.mine().unclaimed = false;
  for (auto const& range : mail->given) s->ledger.was_given({range.epoch, range.first, range.last});
  auto letters = co_await open_all(ex_, mail->messages);
  if (!s->ledger.holds()) co_await await_coming(s, letters);
  auto [ids, shown_up_to] = sort(*s, *mail, std::move(letters));
  if (ids.empty() && mail->dropped == 0) co_return;
  count_.offline_delivered.add(mail->messages.size());
  count_.offline_dropped.add(static_cast<std::uint64_t>(mail->dropped));
  bool const shown = !mail->messages.empty() || mail->dropped > 0;
  auto const number = ++last_number_;
  s->mail.mine().unconfirmed = std::make_unique<unconfirmed_mail>(std::move(ids), mail->dropped);
  s->mail->unconfirmed->number = number;
  if (shown && !co_await send(s, std::move(*mail), std::move(shown_up_to))) co_return;
  // A client that promised to confirm its mail does so (offlineAck). For other clients, a pong that follows shows that
  // the bytes have arrived. The pong counts also when replay has brought all messages already, since then there is
  // nothing that the client could confirm.
  if (s->acks && shown) co_return;
  s->after_pong([this, s, number](bool ok) {
    if (ok && s->mail->unconfirmed && s->mail->unconfirmed->number == number) confirm(*s, std::string::npos);
  });
}

// A message that the bus is about to bring must not come by mail as well. Nor may it count as delivered before it has
// come.
task<> mail_flow::await_coming(session_ptr s, std::vector<letter> const& letters) {
  auto const coming = [&](letter const& one) { return one.place && s->ledger.will_come(one.room, *one.place); };
  auto const until = steady_clock::now() + longest_coming;
  asio::steady_timer pause{ex_};
  while (!s->gone && steady_clock::now() < until && std::ranges::any_of(letters, coming)) {
    pause.expires_after(100ms);
    co_await pause.async_wait(use_task);
  }
}

// `mail` keeps the messages that are to be shown.
mail_flow::sorted mail_flow::sort(session& s, state::claimed_mail& mail, std::vector<letter> letters) {
  sorted out;
  std::vector<std::string_view> shown;
  std::size_t poison = 0;
  for (std::size_t i = 0; i < letters.size(); ++i) {
    auto& one = letters[i];
    poison += one.is_readable() ? 0 : 1;
    bool const twice = one.place && s.ledger.has(*one.place);
    if (one.place && !twice) s.ledger.brought({one.place->epoch, one.place->seq, one.place->seq, false});
    // A client can name only messages that it was shown.
    out.ids.push_back(twice || !one.is_readable() ? std::string{} : std::move(one.message_id));
    if (twice || !one.is_readable()) continue;
    out.shown_up_to.push_back(out.ids.size());
    shown.push_back(mail.messages[i]);
  }
  mail.messages = std::move(shown);
  if (s.newest_first) std::ranges::reverse(mail.messages);
  if (poison > 0) log::warn("mail.poison", {{"user", s.user.str()}, {"entries", poison}});
  return out;
}

// In portions, mostly one: a mailbox of large messages is more than the outbox takes, and the client must not look like
// a slow reader. False when the client is gone before the last.
task<bool> mail_flow::send(session_ptr s, state::claimed_mail mail, std::vector<std::size_t> shown_up_to) {
  constexpr std::size_t most_bytes = 256 * 1024;
  auto const& messages = mail.messages;
  std::size_t told = 0;  // of the mail's ids
  for (std::size_t begin = 0;; mail.dropped = 0) {
    auto end = begin;
    for (std::size_t bytes = 0; end < messages.size() && (end == begin || bytes + messages[end].size() <= most_bytes);
         ++end) {
      bytes += messages[end].size();
    }
    bool const last = end == messages.size();
    if (auto const& mine = s->mail->unconfirmed) {
      auto const up_to = last ? mine->claimed : shown_up_to[end - 1];
      mine->portions.push_back(up_to - std::exchange(told, up_to));
    }
    answers_.send(*s, offline_messages(std::span{messages}.subspan(begin, end - begin), mail.dropped));
    begin = end;
    if (last) co_return true;
    if (!co_await replay_.flushed(*s)) co_return false;
  }
}

void mail_flow::fetch(session& s) {
  // One claim after the other: a claim gives back the messages that are claimed and unconfirmed, so two claims at once
  // would bring them twice.
  auto& mine = s.mail.mine();
  mine.waits = s.turn->busy || mine.unconfirmed || !s.registered;
  if (!mine.waits) turns_.run(&s, deliver(&s));
}

void mail_flow::fetch_waiting(session& s) {
  if (s.mail->waits && !s.gone) fetch(s);
}

// Redis may have taken the claim, though its answer did not come: then the mailbox is empty, and the client has no mail
// either.
void mail_flow::claim_later(session& s) {
  if (s.gone) return;
  s.mail.mine().unclaimed = true;
  doubts_.try_later(s);
}

// The oldest `count` messages have arrived. Mail that never arrives goes back to the mailbox when the connection ends.
void mail_flow::confirm(session& s, std::size_t count) {
  auto& mine = s.mail.mine().unconfirmed;
  if (!mine) return;
  count = std::min(count, mine->ids.size());
  auto const dropped = std::exchange(mine->dropped, 0);
  mine->ids.erase(mine->ids.begin(), mine->ids.begin() + static_cast<std::ptrdiff_t>(count));
  for (auto left = count; left > 0 && !mine->portions.empty();) {
    auto& first = mine->portions.front();
    auto const part = std::min(first, left);
    left -= part;
    first -= part;
    if (first == 0) mine->portions.pop_front();
  }
  if (mine->ids.empty()) mine.reset();
  spawn(ex_, confirm_in_redis(&s, count, dropped));
}

task<> mail_flow::confirm_in_redis(session_ptr s, std::size_t arrived, std::int64_t dropped) {
  auto const settled = co_await store_.mailbox.confirm(s->user, s->id, arrived, dropped);
  if (s->mail->waits && !s->mail->unconfirmed) fetch_waiting(*s);
  if (settled) co_return;
  log::warn("mail.unconfirmed", {{"connection", s->id.str()},
                                 {"trace", s->trace_id()},
                                 {"user", s->user.str()},
                                 {"reason", settled.error().text}});
  // The mail is still in flight. A claim gives it back and takes it again. Messages that the client has are then
  // confirmed without being shown.
  if (is_transient(settled.error())) claim_later(*s);
}

void mail_flow::take_ack(session& s, offline_ack const& ack) {
  // The oldest messages are confirmed first. Where the client wants them last, a pong confirms all messages together.
  auto const& mine = s.mail->unconfirmed;
  if (!mine || s.newest_first) return;
  auto const& ids = mine->ids;
  // An offlineAck that names no message answers one frame: the messages of other frames may not have arrived.
  if (!ack.up_to) return confirm(s, mine->portions.empty() ? 0 : mine->portions.front());
  auto found = std::ranges::find(ids, *ack.up_to);
  if (found == ids.end()) return;
  ++found;
  while (found != ids.end() && found->empty()) ++found;  // not shown, but confirmed with the others
  confirm(s, static_cast<std::size_t>(found - ids.begin()));
}

}  // namespace hiky::chat
