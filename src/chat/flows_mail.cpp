// SPDX-License-Identifier: Apache-2.0
// Part of flows: what waited for a user, from the claim to its confirmation.
#include "chat/flows.hpp"

#include <algorithm>

#include "base/log.hpp"
#include "chat/flows_common.hpp"

namespace hiky::chat {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

namespace {

// What the bus has to do with a message in the mailbox of somebody who is online.
hub::share live_share(session const& s, json::object const& message, std::string_view message_id) {
  auto const place = state::parse_message_id(message_id);
  auto const* room = message.if_contains("roomId");
  if (!place || !room || !room->is_string()) return hub::share::none;
  return hub::share_of(s, room->get_string(), *place);
}

bool came_live(session const& s, json::object const& message, std::string_view message_id) {
  return live_share(s, message, message_id) == hub::share::arrived;
}

}  // namespace

// Sends what waited for the user, oldest first. Nothing is deleted before it has arrived. What replay has brought already is
// not sent again, but confirmed with the rest.
task<> flows::deliver_mail(session_ptr s, already_sent& sent) {
  std::optional<std::string> newest;
  if (s->grant && s->grant->rooms) {
    // A restricted connection takes the mail if it may read all of it. Otherwise it waits for one that may.
    auto const waiting = co_await store_.mailbox.look(s->user);
    auto const readable = [&](std::string const& text) {
      auto const message = parse_json(text);
      auto const* room = message && message->is_object() ? message->get_object().if_contains("roomId") : nullptr;
      return room && room->is_string() && s->grant->allows(room_id{std::string_view{room->get_string()}});
    };
    if (!waiting || waiting->empty() || !std::ranges::all_of(*waiting, readable)) co_return;
    newest = waiting->front();
  }
  auto mail = co_await store_.mailbox.claim(s->user, s->id, std::move(newest));
  if (!mail) {
    log::warn("mail.unclaimed", {{"connection", s->id.str()}, {"trace", s->trace_id()}, {"user", s->user.str()}, {"reason", mail.error().text}});
    co_return;
  }
  if (!s->held) co_await live_has_caught_up(s, mail->messages);
  std::vector<std::string> ids;
  std::vector<std::size_t> shown_up_to;  // for each message that is shown: how many of `ids` it and those before it are
  std::size_t poison = 0;
  std::erase_if(mail->messages, [&](std::string const& text) {
    auto const parsed = parse_json(text);
    bool const good = parsed && parsed->is_object();
    poison += good ? 0 : 1;
    auto const* message_id = good ? parsed->get_object().if_contains("messageId") : nullptr;
    ids.emplace_back(message_id && message_id->is_string() ? std::string_view{message_id->get_string()} : std::string_view{});
    auto const hash = std::hash<std::string_view>{}(ids.back());
    bool const twice = !ids.back().empty() && (sent.contains(ids.back()) || std::ranges::find(s->mailed, hash) != s->mailed.end() ||
                                               (!s->held && came_live(*s, parsed->get_object(), ids.back())));
    if (!ids.back().empty()) sent.add(ids.back());
    if (!ids.back().empty() && !twice) s->mailed.push_back(hash);
    if (twice) ids.back().clear();  // not shown, so nobody can name it
    if (good && !twice) shown_up_to.push_back(ids.size());
    return !good || twice;
  });
  constexpr std::size_t remembered = 400;
  if (s->mailed.size() > remembered) s->mailed.erase(s->mailed.begin(), s->mailed.end() - remembered / 2);
  if (poison > 0) log::warn("mail.poison", {{"user", s->user.str()}, {"entries", poison}});
  if (ids.empty() && mail->dropped == 0) co_return;
  count_.offline_delivered.add(mail->messages.size());
  count_.offline_dropped.add(static_cast<std::uint64_t>(mail->dropped));
  bool const shown = !mail->messages.empty() || mail->dropped > 0;
  s->mail = std::make_unique<unconfirmed_mail>(std::move(ids), mail->dropped);
  auto const number = s->mail->number = ++last_mail_;
  if (shown && !co_await send_mail(s, std::move(*mail), std::move(shown_up_to))) co_return;
  // A client that promised to say so says so (offlineAck). Of others, a pong that follows shows that the bytes have arrived; and so it
  // does when replay has brought everything already, since then there is nothing that the client could confirm.
  if (s->acks && shown) co_return;
  s->after_pong([this, s, number](bool ok) {
    if (ok && s->mail && s->mail->number == number) confirm_mail(*s, std::string::npos);
  });
}

// In portions, mostly one: a mailbox of large messages is more than the outbox takes, and must not look like a slow reader. False when the
// client is gone before the last.
task<bool> flows::send_mail(session_ptr s, state::claimed_mail mail, std::vector<std::size_t> shown_up_to) {
  constexpr std::size_t most_bytes = 256 * 1024;
  auto const& messages = mail.messages;
  std::size_t told = 0;  // of the mail's ids
  for (std::size_t begin = 0;; mail.dropped = 0) {
    auto end = begin;
    for (std::size_t bytes = 0; end < messages.size() && (end == begin || bytes + messages[end].size() <= most_bytes); ++end) {
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

// What the bus is about to bring must not come by mail as well; and must not be taken for delivered before it is.
task<> flows::live_has_caught_up(session_ptr s, std::vector<std::string> const& mail) {
  auto const coming = [&](std::string const& text) {
    auto const parsed = parse_json(text);
    return parsed && parsed->is_object() && live_share(*s, parsed->get_object(), message_id_of(text)) == hub::share::coming;
  };
  auto const until = steady_clock::now() + 3s;
  while (!s->gone && steady_clock::now() < until && std::ranges::any_of(mail, coming)) {
    asio::steady_timer pause{ex_, 100ms};
    co_await pause.async_wait(use_task);
  }
}

void flows::fetch_mail(session& s) {
  // One after the other: to claim gives back what is claimed and unconfirmed, and would bring it twice.
  s.mail_waits = s.busy || s.mail || !s.registered;
  if (!s.mail_waits) exclusively(&s, run_fetch_mail(&s));
}

task<> flows::run_fetch_mail(session_ptr s) {
  already_sent sent;
  co_await deliver_mail(s, sent);
}

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
    if (!settled)
      log::warn("mail.unconfirmed",
                {{"connection", who->id.str()}, {"trace", who->trace_id()}, {"user", who->user.str()}, {"reason", settled.error().text}});
  }(this, &s, count, dropped));
}

void flows::take_offline_ack(session& s, offline_ack const& ack) {
  if (!s.mail) return;
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
