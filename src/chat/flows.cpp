// SPDX-License-Identifier: Apache-2.0
#include "chat/flows.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <fmt/format.h>

#include <algorithm>

#include "base/clock.hpp"
#include "base/json.hpp"
#include "base/log.hpp"

namespace hiky::chat {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

namespace {

std::uint32_t now_ms() {
  return static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::milliseconds>(steady_clock::now().time_since_epoch()).count());
}

// A little more than the mark's life in Redis, so that it is really gone by then.
constexpr auto typing_patience = std::chrono::seconds{state::typing_life_s} + 50ms;

constexpr std::string_view internal_message = "An error occurred while processing your request";  // the document's text

std::string typing_key(user_id const& user, room_id const& room) { return user.str() + '\n' + room.str(); }

}  // namespace

flows::flows(asio::any_io_executor executor, std::size_t worker, instance_id instance, state::store& store, directory::directory& people,
             auth::authenticator& gate, bus& channel, counters& count, flow_limits limits)
    : ex_(std::move(executor)),
      worker_(worker),
      instance_(std::move(instance)),
      store_(store),
      people_(people),
      gate_(gate),
      bus_(channel),
      count_(count),
      limits_(limits),
      hub_(count),
      typing_timer_(ex_) {
  hub_.on_empty([this](room_id const& room) { bus_.ignore(worker_, room); });
}

void flows::spawn(task<> work) {
  asio::co_spawn(ex_, std::move(work), [](std::exception_ptr bug) {
    if (!bug) return;
    try {
      std::rethrow_exception(bug);
    } catch (std::exception const& e) {
      log::error("flow.failed", {{"reason", e.what()}});
    }
  });
}

void flows::answer(session& s, std::string const& json) {
  if (!s.gone) s.send(shared_frame::make(json), traffic::chat);
}

void flows::refuse(session& s, refusal why) {
  count_.frames_refused.add();
  answer(s, error_frame(why));
}

// What went wrong in Redis, as the client may know it: retryable when Redis is away, `internal` when it is not the client's business.
void flows::refuse(session& s, std::optional<std::string> id, error const& why) {
  if (why.code == errc::not_member) return refuse(s, {error_code::not_member, "you are not in this room; send joinRoom first", std::move(id)});
  if (is_transient(why)) {
    return refuse(s, {error_code::unavailable, "the server can't reach its storage right now; try again in a moment", std::move(id)});
  }
  log::error("request.failed", {{"connection", s.id.str()}, {"user", s.user.str()}, {"code", to_string(why.code)}, {"reason", why.text}});
  refuse(s, {error_code::internal, std::string{internal_message}, std::move(id)});
}

void flows::receive(session& s, std::string_view text) {
  count_.frames_in.add();
  if (s.busy) {
    if (!s.backlog) s.backlog = std::make_unique<std::deque<std::string>>();
    s.backlog->emplace_back(text);
    if (s.backlog->size() == limits_.backlog) s.read_more(false);
    return;
  }
  auto parsed = parse(text);
  if (!parsed) return refuse(s, std::move(parsed.error()));
  handle(&s, std::move(*parsed));
}

void flows::handle(session_ptr s, request r) {
  if (std::holds_alternative<ping>(r.body)) return answer(*s, pong(r.id));
  if (auto* reg = std::get_if<register_request>(&r.body)) {
    return exclusively(s, run_register(s, std::move(r.id), std::move(r.user), std::move(*reg)));
  }
  if (!s->registered) return refuse(*s, {error_code::not_registered, "send register first", std::move(r.id)});
  if (r.user && *r.user != s->user) {
    return refuse(*s, {error_code::forbidden, fmt::format("this connection is registered as '{}'; userId may be left out", s->user.str()), std::move(r.id)});
  }
  if (auto* m = std::get_if<send_message>(&r.body)) {
    count_.messages_in.add();
    if (!s->message_rate.take(limits_.messages_per_s, limits_.message_burst, now_ms())) {
      return refuse(*s, {error_code::rate_limited, fmt::format("at most {} messages per second", limits_.messages_per_s), std::move(r.id)});
    }
    return spawn(run_message(std::move(s), std::move(r.id), std::move(*m)));
  }
  if (auto* t = std::get_if<set_typing>(&r.body)) {
    if (!hub_.in(*s, t->room)) return refuse(*s, std::move(r.id), error{errc::not_member, {}});
    return change_typing(*s, std::move(*t));
  }
  if (auto* j = std::get_if<join_room>(&r.body)) return exclusively(s, run_join(s, std::move(r.id), std::move(j->room)));
  if (auto* l = std::get_if<leave_room>(&r.body)) return exclusively(s, run_leave(s, std::move(r.id), std::move(l->room)));
  if (auto* q = std::get_if<get_online_status>(&r.body)) return spawn(run_status(std::move(s), std::move(r.id), std::move(*q)));
}

void flows::exclusively(session_ptr s, task<> work) {
  s->busy = true;
  spawn([](flows* self, session_ptr who, task<> todo) -> task<> {
    try {
      co_await std::move(todo);
    } catch (std::exception const& bug) {
      self->refuse(*who, std::nullopt, error{errc::unexpected_reply, bug.what()});
    }
    who->busy = false;
    if (who->gone) {
      self->closed(*who);
    } else {
      self->resume_backlog(*who);
    }
  }(this, std::move(s), std::move(work)));
}

void flows::resume_backlog(session& s) {
  while (!s.busy && !s.gone && s.backlog) {
    if (s.backlog->empty()) {
      s.backlog.reset();
      s.read_more(true);
      return;
    }
    auto const text = std::move(s.backlog->front());
    s.backlog->pop_front();
    auto parsed = parse(text);
    if (parsed) handle(&s, std::move(*parsed));
    else refuse(s, std::move(parsed.error()));
  }
}

// Rule 4 of the state design: hear first, then become visible, then answer, then mail, then what came in between.
task<> flows::run_register(session_ptr s, std::optional<std::string> id, std::optional<user_id> claimed, register_request r) {
  auto const who = co_await gate_.identify({std::move(claimed), std::move(r.token)});
  if (!who) {
    if (who.error().code != errc::invalid_argument) co_return refuse(*s, std::move(id), who.error());
    co_return refuse(*s, {error_code::unauthorized, who.error().text, std::move(id)});
  }
  if (s->registered && *who != s->user) {
    co_return refuse(*s, {error_code::forbidden, fmt::format("this connection is registered as '{}' already", s->user.str()), std::move(id)});
  }
  if (s->registered) {
    std::vector<room_id> rooms;
    for (auto const& p : s->rooms) rooms.emplace_back(*p.room->name);
    s->extended |= r.extended;
    co_return answer(*s, registered(id, s->user, s->id, rooms));
  }
  if (s->gone) co_return;

  s->user = *who;
  s->extended = r.extended;
  s->held = std::make_unique<std::vector<held_frame>>();
  hub_.attach(*s);
  auto arrived = co_await go_online(s);
  if (!arrived) {
    // Redis may have made the user online all the same (a lost answer): undone like any other end.
    end_in_redis(s->id, s->user);
    hub_.detach(*s);
    s->held.reset();
    s->user = user_id{};
    co_return refuse(*s, std::move(id), arrived.error());
  }
  auto const& online = arrived->now;
  s->registered = true;
  s->identified();
  count_.registers.add();
  count_.registered_connections.add();
  log::debug("session.registered", {{"connection", s->id.str()}, {"user", s->user.str()}, {"rooms", online.rooms.size()}});
  answer(*s, registered(id, s->user, s->id, online.rooms));
  std::vector<std::string> sent;
  if (online.mail > 0) {
    sent = co_await deliver_mail(s);
    // Of what the mail has brought, the bus may still bring some: known as sent only while frames are held.
    co_await bus_.catch_up();
  }
  release_held(*s, sent);
  auto& known = arrived->known;
  if (online.connections == 1 && !known.friends.empty()) spawn(tell(s->user, std::move(known.friends), 'u', friend_online(known.user)));
}

task<result<flows::arrival>> flows::go_online(session_ptr s) {
  auto entry = co_await people_.load(s->user);
  if (!entry) co_return std::unexpected(entry.error());
  // One after the other: side by side costs a tenth of the whole register in coroutines, for the time of one answer from Redis.
  auto rooms = co_await store_.connections.rooms(s->user);
  if (!rooms) co_return std::unexpected(rooms.error());
  for (auto const& room : entry->rooms) {
    if (std::ranges::find(*rooms, room) == rooms->end()) rooms->push_back(room);
  }
  if (auto const heard = co_await hear(*s, *rooms); !heard) co_return std::unexpected(heard.error());
  auto online = co_await store_.connections.add(
      {s->id, instance_, s->user, iso8601_now(), s->remote_address(), std::string{s->user_agent()}}, entry->rooms);
  if (!online) co_return std::unexpected(online.error());
  // Rooms that came or went while we were asking.
  for (auto const& room : *rooms) {
    if (std::ranges::find(online->rooms, room) == online->rooms.end()) hub_.leave(*s, room);
  }
  if (auto const heard = co_await hear(*s, online->rooms); !heard) {
    log::warn("session.half_heard", {{"connection", s->id.str()}, {"user", s->user.str()}, {"reason", heard.error().text}});
  }
  co_return arrival{std::move(*online), std::move(*entry)};
}

// The session hears `rooms` when this returns; Redis is asked only for those that nobody on this worker hears yet.
task<result<void>> flows::hear(session& s, std::vector<room_id> rooms) {
  std::vector<room_id> fresh;
  for (auto const& room : rooms) {
    if (!hub_.heard(room)) fresh.push_back(room);
  }
  for (auto const& room : rooms) hub_.enter(s, room, false);
  if (fresh.empty()) co_return result<void>{};
  auto const outcome = co_await bus_.listen(worker_, fresh);
  if (outcome) {
    for (auto const& room : fresh) hub_.set_heard(room);
  }
  co_return outcome;
}

// Sends what waited for the user, oldest first, and gives the messageIds sent.
task<std::vector<std::string>> flows::deliver_mail(session_ptr s) {
  std::vector<std::string> sent;
  auto mail = co_await store_.mailbox.claim(s->user, s->id);
  if (!mail) {
    log::warn("mail.unclaimed", {{"connection", s->id.str()}, {"user", s->user.str()}, {"reason", mail.error().text}});
    co_return sent;
  }
  auto const poison = std::erase_if(mail->messages, [&](std::string const& text) {
    auto const parsed = parse_json(text);
    if (!parsed || !parsed->is_object()) return true;
    auto const* message_id = parsed->get_object().if_contains("messageId");
    if (message_id && message_id->is_string()) sent.emplace_back(std::string_view{message_id->get_string()});
    return false;
  });
  if (poison > 0) log::warn("mail.poison", {{"user", s->user.str()}, {"entries", poison}});
  if (mail->messages.empty() && mail->dropped == 0) {
    if (poison > 0) co_await store_.mailbox.confirm(s->user, s->id);
    co_return sent;
  }
  count_.offline_delivered.add(mail->messages.size());
  answer(*s, offline_messages(*mail));
  s->after_flush([this, s, dropped = mail->dropped](bool arrived) {
    spawn([](flows* self, session_ptr who, bool ok, std::int64_t lost) -> task<> {
      auto const settled = ok ? co_await self->store_.mailbox.confirm(who->user, who->id)
                              : co_await self->store_.mailbox.give_back(who->user, who->id, lost);
      if (!settled) log::warn("mail.unsettled", {{"connection", who->id.str()}, {"user", who->user.str()}, {"reason", settled.error().text}});
    }(this, s, arrived, dropped));
  });
  co_return sent;
}

void flows::release_held(session& s, std::vector<std::string> const& already_sent) {
  auto const held = std::move(s.held);
  if (!held || s.gone) return;
  for (auto const& h : *held) {
    if (h.message_id.empty() || std::ranges::find(already_sent, h.message_id) == already_sent.end()) s.send(h.frame, h.kind);
  }
}

task<> flows::announce_offline(user_id user) {
  auto entry = co_await people_.load(user);
  if (!entry) {
    log::warn("announcement.lost", {{"user", user.str()}, {"reason", entry.error().text}});
    co_return;
  }
  co_await tell(user, std::move(entry->friends), 'U', friend_offline(user, iso8601_now()));
}

task<> flows::tell(user_id about, std::vector<user_id> friends, char kind, std::string frame) {
  auto const told = co_await store_.connections.notify(std::move(friends), kind, std::move(frame));
  if (!told) log::warn("announcement.lost", {{"user", about.str()}, {"reason", told.error().text}});
}

task<> flows::run_join(session_ptr s, std::optional<std::string> id, room_id room) {
  if (s->rooms.size() >= limits_.rooms_per_connection && !hub_.in(*s, room)) {
    co_return refuse(*s, {error_code::rate_limited, fmt::format("at most {} rooms per connection; leave one first", limits_.rooms_per_connection), std::move(id)});
  }
  bool const was_in = hub_.in(*s, room);
  auto const heard = co_await hear(*s, {room});
  if (!heard) {
    if (!was_in) hub_.leave(*s, room);
    co_return refuse(*s, std::move(id), heard.error());
  }
  auto const now_in = co_await store_.members.join(s->user, room, s->id, limits_.participants_shown);
  if (!now_in) {
    if (!was_in) hub_.leave(*s, room);
    co_return refuse(*s, std::move(id), now_in.error());
  }
  if (s->gone) co_return;
  hub_.enter(*s, room, true);
  answer(*s, joined_room(id, room, now_in->participants, now_in->participant_count));
}

task<> flows::run_leave(session_ptr s, std::optional<std::string> id, room_id room) {
  // leave.lua ends the user's latest mark; one that was begun here may be an older one.
  if (typing_.erase(typing_key(s->user, room)) > 0) {
    if (auto const ended = co_await store_.typing.change(s->user, room, state::typing_change::off); !ended) {
      co_return refuse(*s, std::move(id), ended.error());
    }
  }
  auto const left = co_await store_.members.leave(s->user, room);
  if (!left) co_return refuse(*s, std::move(id), left.error());
  hub_.leave(*s, room);
  answer(*s, left_room(id, room));
}

task<> flows::run_message(session_ptr s, std::optional<std::string> id, send_message m) {
  auto const stored = co_await store_.room_log.publish({m.room, s->user, s->id, m.content, std::move(m.client_msg_id)});
  if (!stored) co_return refuse(*s, std::move(id), stored.error());
  count_.messages_published.add();
  if (id) answer(*s, message_ack(*id, m.room, stored->message_id, stored->timestamp, stored->duplicate));
}

task<> flows::run_status(session_ptr s, std::optional<std::string> id, get_online_status r) {
  auto allowed = co_await people_.friends(s->user);
  if (!allowed) co_return refuse(*s, std::move(id), allowed.error());
  if (r.users) {
    // Only friends' status is anybody's business; others are left out, not refused.
    std::erase_if(*allowed, [&](user_id const& f) { return std::ranges::find(*r.users, f) == r.users->end(); });
  }
  auto const profiles = co_await people_.profiles(*allowed);
  if (!profiles) co_return refuse(*s, std::move(id), profiles.error());
  auto const online = co_await store_.connections.online(*allowed);
  if (!online) co_return refuse(*s, std::move(id), online.error());
  std::vector<friend_status> friends;
  friends.reserve(profiles->size());
  for (std::size_t i = 0; i < profiles->size(); ++i) friends.push_back({(*profiles)[i], (*online)[i]});
  answer(*s, online_status(id, friends));
}

void flows::closed(session& s) {
  s.gone = true;
  s.backlog.reset();
  hub_.detach(s);
  if (s.busy || !s.registered) return;  // `exclusively` calls again
  s.registered = false;
  count_.registered_connections.sub();
  end_in_redis(s.id, s.user);
}

void flows::end_in_redis(connection_id id, user_id user) {
  ++ending_;
  spawn(run_disconnect(std::move(id), std::move(user)));
}

// Kept at until it is done: a user whose last connection closed while Redis was away must not stay online.
task<> flows::run_disconnect(connection_id id, user_id user) {
  for (;;) {
    auto const left = co_await store_.connections.remove(id, instance_, user);
    if (left || !is_transient(left.error())) {
      --ending_;
      if (!left) log::error("session.not_ended", {{"connection", id.str()}, {"user", user.str()}, {"reason", left.error().text}});
      else if (*left == 0) spawn(announce_offline(user));
      co_return;
    }
    asio::steady_timer pause{ex_, 500ms};
    co_await pause.async_wait(use_task);
  }
}

task<bool> flows::settled(std::chrono::milliseconds patience) {
  auto const until = steady_clock::now() + patience;
  while (ending_ > 0 && steady_clock::now() < until) {
    asio::steady_timer pause{ex_, 10ms};
    co_await pause.async_wait(use_task);
  }
  co_return ending_ == 0;
}

void flows::deliver(bus::batch const& messages) {
  for (auto const& m : messages) {
    hub_.apply(*m, [this](session& s, room_id const& room) {
      spawn([](flows* self, session_ptr who, room_id r) -> task<> {
        if (auto const heard = co_await self->hear(*who, {r}); !heard) {
          log::warn("session.half_heard", {{"connection", who->id.str()}, {"room", r.str()}, {"reason", heard.error().text}});
        }
        if (who->gone) self->hub_.detach(*who);
      }(this, session_ptr{&s}, room));
    });
  }
}

void flows::change_typing(session& s, set_typing t) {
  // Only a hint, so the excess is dropped unsaid; but an end that was begun here is always told.
  bool const ends = !t.on && typing_.contains(typing_key(s.user, t.room));
  if (!ends && !s.typing_rate.take(limits_.typing_per_s, limits_.typing_burst, now_ms())) return;
  count_.typing_in.add();
  if (t.on) {
    auto const when = steady_clock::now() + typing_patience;
    typing_[typing_key(s.user, t.room)] = when;
    typing_ends_.push_back({when, s.user, t.room});
    if (typing_ends_.size() == 1) end_typing();
  } else {
    typing_.erase(typing_key(s.user, t.room));
  }
  spawn([](flows* self, session_ptr who, set_typing what) -> task<> {
    auto const done = co_await self->store_.typing.change(who->user, what.room, what.on ? state::typing_change::on : state::typing_change::off);
    if (!done) self->refuse(*who, std::nullopt, done.error());
  }(this, &s, std::move(t)));
}

void flows::end_typing() {
  auto const now = steady_clock::now();
  while (!typing_ends_.empty() && typing_ends_.front().when <= now) {
    auto due = std::move(typing_ends_.front());
    typing_ends_.pop_front();
    auto const newest = typing_.find(typing_key(due.user, due.room));
    if (newest == typing_.end() || newest->second != due.when) continue;
    typing_.erase(newest);
    spawn([](flows* self, user_id user, room_id room) -> task<> {
      auto const done = co_await self->store_.typing.change(user, room, state::typing_change::expired);
      if (!done) log::warn("typing.not_ended", {{"user", user.str()}, {"room", room.str()}, {"reason", done.error().text}});
    }(this, std::move(due.user), std::move(due.room)));
  }
  if (typing_ends_.empty()) return;
  typing_timer_.expires_at(typing_ends_.front().when);
  typing_timer_.async_wait([this](boost::system::error_code ec) {
    if (!ec) end_typing();
  });
}

}  // namespace hiky::chat
