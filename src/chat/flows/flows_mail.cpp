// SPDX-License-Identifier: Apache-2.0
// Part of flows: what waited for a user, from the claim to its confirmation.
#include "chat/flows/flows.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <span>

#include "base/log.hpp"
#include "chat/flows/flows_common.hpp"

namespace hiky::chat {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

namespace {

constexpr std::size_t opened_at_once = 256 * 1024;  // bytes of messages that are parsed at a stretch
constexpr int choices = 5;  // looks at a queue that changes each time, before the rest waits for the next one

struct letter {
  json::value text;
  std::string message_id;  // empty where there is none
  std::string room;
  std::optional<state::message_place> place;
  bool is_readable() const { return text.is_object(); }
};

letter open_letter(std::string const& text) {
  letter out;
  auto parsed = parse_json(text);
  if (!parsed || !parsed->is_object()) return out;
  auto const member = [&](std::string_view name) -> std::string_view {
    auto const* const found = parsed->get_object().if_contains(name);
    return found && found->is_string() ? std::string_view{found->get_string()} : std::string_view{};
  };
  out.message_id = member("messageId");
  out.room = member("roomId");
  out.place = state::parse_message_id(out.message_id);
  out.text = std::move(*parsed);
  return out;
}

// A mailbox that another program has filled may hold megabytes, and the others on this worker do not wait for them.
task<std::vector<letter>> open_all(asio::any_io_executor executor, std::span<std::string const> texts) {
  std::vector<letter> out;
  out.reserve(texts.size());
  std::size_t bytes = 0;
  for (auto const& text : texts) {
    out.push_back(open_letter(text));
    bytes += text.size();
    if (bytes < opened_at_once) continue;
    bytes = 0;
    co_await asio::post(executor, use_task);
  }
  co_return out;
}

}  // namespace

// All that waits; or, where the connection may not read all rooms, what it may. The rest waits for one that may.
task<result<state::claimed_mail>> flows::claim_mail(session_ptr s) {
  auto const earlier = s->earlier ? std::optional{*s->earlier} : std::nullopt;
  if (!s->grant || !s->grant->rooms) co_return co_await store_.mailbox.claim(s->user, s->id, earlier);
  for (int tries = 0; tries < choices; ++tries) {
    auto const waiting = co_await store_.mailbox.look(s->user);
    if (!waiting) co_return std::unexpected(waiting.error());
    state::mail_choice choice{.count = waiting->size()};
    auto const letters = co_await open_all(ex_, *waiting);
    for (std::size_t i = 0; i < letters.size(); ++i) {
      if (!letters[i].room.empty() && s->grant->allows(room_id{letters[i].room})) choice.wanted.push_back(i);
    }
    // Also where there is nothing to take: an earlier claim, whose answer did not come, is given back.
    if (!waiting->empty()) choice.newest = waiting->front();
    auto claimed = co_await store_.mailbox.claim(s->user, s->id, earlier, std::move(choice));
    if (claimed || claimed.error().code != errc::conflict) co_return claimed;
  }
  co_return fail(errc::timeout, "the queue changes faster than it can be chosen from");
}

// Sends what waited for the user, oldest first unless the client wants it otherwise. Nothing is deleted before it has
// arrived. What the client has on this connection, or is being sent otherwise, is not sent again, but confirmed with
// the rest.
task<> flows::deliver_mail(session_ptr s) {
  auto mail = co_await claim_mail(s);
  if (!mail) {
    log::warn("mail.unclaimed", {{"connection", s->id.str()},
                                 {"trace", s->trace_id()},
                                 {"user", s->user.str()},
                                 {"reason", mail.error().text}});
    s->unclaimed = false;
    if (is_transient(mail.error())) claim_later(*s);
    co_return;
  }
  s->unclaimed = false;
  for (auto const& range : mail->given) s->ledger.was_given({range.epoch, range.first, range.last});
  auto letters = co_await open_all(ex_, mail->messages);
  if (!s->ledger.holds()) {
    // What the bus is about to bring must not come by mail as well; and must not be taken for delivered before it is.
    auto const coming = [&](letter const& one) { return one.place && s->ledger.will_come(one.room, *one.place); };
    auto const until = steady_clock::now() + 3s;
    while (!s->gone && steady_clock::now() < until && std::ranges::any_of(letters, coming)) {
      asio::steady_timer pause{ex_, 100ms};
      co_await pause.async_wait(use_task);
    }
  }
  std::vector<std::string> ids;
  std::vector<std::size_t> shown_up_to;  // for each message that is shown: how many of `ids` it and those before it are
  std::vector<std::string> shown_texts;
  std::size_t poison = 0;
  for (std::size_t i = 0; i < letters.size(); ++i) {
    auto& one = letters[i];
    poison += one.is_readable() ? 0 : 1;
    bool const twice = one.place && s->ledger.has(*one.place);
    if (one.place && !twice) s->ledger.brought({one.place->epoch, one.place->seq, one.place->seq, false});
    ids.push_back(twice || !one.is_readable() ? std::string{}
                                              : std::move(one.message_id));  // what is not shown nobody can name
    if (twice || !one.is_readable()) continue;
    shown_up_to.push_back(ids.size());
    shown_texts.push_back(std::move(mail->messages[i]));
  }
  mail->messages = std::move(shown_texts);
  if (s->newest_first) std::ranges::reverse(mail->messages);
  if (poison > 0) log::warn("mail.poison", {{"user", s->user.str()}, {"entries", poison}});
  if (ids.empty() && mail->dropped == 0) co_return;
  count_.offline_delivered.add(mail->messages.size());
  count_.offline_dropped.add(static_cast<std::uint64_t>(mail->dropped));
  bool const shown = !mail->messages.empty() || mail->dropped > 0;
  s->mail = std::make_unique<unconfirmed_mail>(std::move(ids), mail->dropped);
  auto const number = s->mail->number = ++last_mail_;
  if (shown && !co_await send_mail(s, std::move(*mail), std::move(shown_up_to))) co_return;
  // A client that promised to say so says so (offlineAck). Of others, a pong that follows shows that the bytes have
  // arrived; and so it does when replay has brought everything already, since then there is nothing that the client
  // could confirm.
  if (s->acks && shown) co_return;
  s->after_pong([this, s, number](bool ok) {
    if (ok && s->mail && s->mail->number == number) confirm_mail(*s, std::string::npos);
  });
}

// In portions, mostly one: a mailbox of large messages is more than the outbox takes, and must not look like a slow
// reader. False when the client is gone before the last.
task<bool> flows::send_mail(session_ptr s, state::claimed_mail mail, std::vector<std::size_t> shown_up_to) {
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
    if (s->mail) {
      auto const up_to = last ? s->mail->claimed : shown_up_to[end - 1];
      s->mail->portions.push_back(up_to - std::exchange(told, up_to));
    }
    answer(*s, offline_messages(std::span{messages}.subspan(begin, end - begin), mail.dropped));
    begin = end;
    if (last) co_return true;
    if (!co_await flushed(*s)) co_return false;
  }
}

void flows::fetch_mail(session& s) {
  // One after the other: to claim gives back what is claimed and unconfirmed, and would bring it twice.
  s.mail_waits = s.busy || s.mail || !s.registered;
  if (!s.mail_waits) exclusively(&s, run_fetch_mail(&s));
}

task<> flows::run_fetch_mail(session_ptr s) { co_await deliver_mail(s); }

// The oldest `count` have arrived. What never does goes back to the queue when the connection ends.
void flows::confirm_mail(session& s, std::size_t count) {
  if (!s.mail) return;
  count = std::min(count, s.mail->ids.size());
  auto const dropped = std::exchange(s.mail->dropped, 0);
  s.mail->ids.erase(s.mail->ids.begin(), s.mail->ids.begin() + static_cast<std::ptrdiff_t>(count));
  for (auto left = count; left > 0 && !s.mail->portions.empty();) {
    auto& first = s.mail->portions.front();
    auto const part = std::min(first, left);
    left -= part;
    first -= part;
    if (first == 0) s.mail->portions.pop_front();
  }
  if (s.mail->ids.empty()) s.mail.reset();
  spawn([](flows* self, session_ptr who, std::size_t arrived, std::int64_t lost) -> task<> {
    auto const settled = co_await self->store_.mailbox.confirm(who->user, who->id, arrived, lost);
    if (who->mail_waits && !who->mail && !who->gone) self->fetch_mail(*who);
    if (settled) co_return;
    log::warn("mail.unconfirmed", {{"connection", who->id.str()},
                                   {"trace", who->trace_id()},
                                   {"user", who->user.str()},
                                   {"reason", settled.error().text}});
    // It is in flight yet. A claim gives it back and takes it again, and what the client has is confirmed without being
    // shown.
    if (is_transient(settled.error())) self->claim_later(*who);
  }(this, &s, count, dropped));
}

void flows::take_offline_ack(session& s, offline_ack const& ack) {
  // The oldest are confirmed first, and come last where that is wished: then all are confirmed together, by a pong.
  if (!s.mail || s.newest_first) return;
  auto const& ids = s.mail->ids;
  // One that names nothing answers one frame: what comes in others may not have arrived.
  if (!ack.up_to) return confirm_mail(s, s.mail->portions.empty() ? 0 : s.mail->portions.front());
  auto found = std::ranges::find(ids, *ack.up_to);
  if (found == ids.end()) return;
  ++found;
  while (found != ids.end() && found->empty()) ++found;  // what was not shown goes with what was
  confirm_mail(s, static_cast<std::size_t>(found - ids.begin()));
}

}  // namespace hiky::chat
