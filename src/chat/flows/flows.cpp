// SPDX-License-Identifier: Apache-2.0
#include "chat/flows/flows.hpp"

#include <fmt/format.h>
#include <boost/asio/append.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>

#include "base/log.hpp"
#include "chat/flows/flows_common.hpp"
#include "chat/protocol/arrival.hpp"
#include "chat/protocol/frame_type.hpp"

namespace hiky::chat {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

namespace {

// A little more than the mark's life in Redis, so that it has mostly ended by then.
constexpr auto mark_margin = 50ms;
constexpr auto typing_patience = std::chrono::seconds{state::typing_life_s} + mark_margin;

constexpr std::string_view internal_message = "An error occurred while processing your request";  // the document's text

constexpr int refusals_before_rest = 16;
constexpr auto rest_length = 100ms;
constexpr std::size_t many_mailboxes = 50;
constexpr std::size_t friends_at_once = 250;
constexpr float bytes_of_a_request = 16 * 1024;  // of its answer

// The room that a request is about, if it is about one.
room_id const* room_of(decltype(request::body) const& body) {
  return std::visit(
      [](auto const& b) -> room_id const* {
        if constexpr (requires { b.room; }) return &b.room;
        else return nullptr;
      },
      body);
}

}  // namespace

flows::flows(asio::any_io_executor executor, std::size_t worker, instance_id instance, state::store& store,
             directory::directory& people, auth::authenticator& gate, room_policy& door, bus& channel,
             user_rates& rates, counters& count, flow_limits limits)
    : ex_(std::move(executor)),
      worker_(worker),
      instance_(std::move(instance)),
      store_(store),
      people_(people),
      gate_(gate),
      door_(door),
      bus_(channel),
      rates_(rates),
      count_(count),
      limits_(limits),
      activity_(ex_, store_, limits_.seen_every),
      expiries_(ex_, count_, [this](session& s) { return logins_.looks_first(s); }),
      logins_(ex_, gate_, expiries_, limits_.session_check, count_),
      watches_(ex_, store_, people_),
      returns_(ex_, store_),
      checks_(ex_),
      heavy_(ex_),
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
  if (!s.gone) s.send(text_frame(json), traffic::chat);
}

void flows::refuse(session& s, refusal why) {
  count_.refused[static_cast<std::size_t>(why.code)].add();
  bool const own_doing = why.code != error_code::unavailable && why.code != error_code::internal;
  answer(s, error_frame(why));
  if (own_doing) note_refusal(s);
}

void flows::answer_charged(session& s, std::string const& json) {
  rates_.charge(s.user, user_rate::requests, static_cast<float>(json.size()) / bytes_of_a_request);
  answer(s, json);
}

// Who goes on all the same costs us as much as who is let through.
void flows::note_refusal(session& s) {
  if (s.gone) return;
  auto const taken = s.registered ? rates_.take(s.user, user_rate::refusals, now_ms())
                                  : s.refusal_rate.take(limits_.refusals_per_s, limits_.refusal_burst, now_ms());
  if (taken) {
    if (limits_.refusals_per_s > 0 && ++s.refusals % refusals_before_rest == 0) rest(s);
    return;
  }
  log::info("session.flooding", {{"connection", s.id.str()}, {"trace", s.trace_id()}, {"user", s.user.str()}});
  count_.flooding_closed.add();
  s.close(close_flooding, "too many refused requests; send less");
}

void flows::oversized(session& s, std::string_view beginning) {
  session_ptr const keep{&s};
  refuse(s,
         {error_code::too_large, fmt::format("a message may have {} bytes at most; send smaller ones", limits_.frame),
          id_in_beginning(beginning)});
}

void flows::pinged(session& s, std::size_t times) {
  session_ptr const keep{&s};  // a refusal may be its end
  for (std::size_t i = 0; i < times && !s.gone; i += refusals_before_rest) note_refusal(s);
}

// Not even read for a moment, so that a flood waits at its sender's and not in our turn of the loop.
void flows::rest(session& s) {
  count_.rests.add();
  s.resting = true;
  s.read_more(false);
  if (!s.busy) exclusively(&s, []() -> task<> { co_return; }());
}

// What went wrong in Redis, as the client may know it: retryable when Redis is away, `internal` when it is not the
// client's business.
void flows::refuse(session& s, std::optional<std::string> id, error const& why) {
  if (why.code == errc::not_member)
    return refuse(s, {error_code::not_member, "you are not in this room; send joinRoom first", std::move(id)});
  if (why.code == errc::conflict) return refuse(s, {error_code::conflict, why.text, std::move(id)});
  if (is_transient(why)) {
    log::debug("request.unavailable", {{"connection", s.id.str()},
                                       {"trace", s.trace_id()},
                                       {"user", s.user.str()},
                                       {"code", to_string(why.code)},
                                       {"reason", why.text}});
    return refuse(s, {error_code::unavailable, std::string{unavailability(why)}, std::move(id)});
  }
  log::error("request.failed", {{"connection", s.id.str()},
                                {"trace", s.trace_id()},
                                {"user", s.user.str()},
                                {"code", to_string(why.code)},
                                {"reason", why.text}});
  refuse(s, {error_code::internal, std::string{internal_message}, std::move(id)});
}

void flows::receive(session& s, std::string_view text) {
  auto const came = steady_clock::now();
  count_.frames_in.add();
  if (s.registered) activity_.note(s);
  if (forgotten(s) && !s.busy) exclusively(&s, run_assert_session(&s));
  if (s.busy) {
    if (!s.backlog) s.backlog = std::make_unique<std::deque<session::waiting_request>>();
    s.backlog->push_back({std::string{text}, came});
    s.backlog_bytes += static_cast<std::uint32_t>(text.size());
    auto const full = [this](std::size_t requests, std::size_t bytes) {
      return requests >= limits_.backlog || bytes >= limits_.backlog_bytes;
    };
    if (full(s.backlog->size(), s.backlog_bytes)) {
      if (!full(s.backlog->size() - 1, s.backlog_bytes - text.size())) count_.full_backlogs.add();
      s.read_more(false);
    }
    return;
  }
  auto parsed = parse(text);
  if (!parsed) return refuse(s, std::move(parsed.error()));
  handle(&s, std::move(*parsed), came);
}

void flows::handle(session_ptr s, request r, steady_clock::time_point came) {
  count_.received[r.body.index()].add();
  bool const is_message = std::holds_alternative<send_message>(r.body),
             is_hint = std::holds_alternative<set_typing>(r.body);
  auto const take_request = [&] {
    return s->registered ? rates_.take(s->user, user_rate::requests, now_ms())
                         : s->request_rate.take(limits_.requests_per_s, limits_.request_burst, now_ms());
  };
  if (!is_message && !take_request()) {
    count_over(rate_limit::requests);
    if (is_hint) return note_refusal(*s);
    return refuse(*s, {error_code::rate_limited, fmt::format("at most {} requests per second", limits_.requests_per_s),
                       std::move(r.id)});
  }
  if (std::holds_alternative<ping>(r.body)) return answer(*s, pong(r.id));
  if (auto* reg = std::get_if<register_request>(&r.body)) {
    return exclusively(s, run_register(s, std::move(r.id), std::move(r.user), std::move(*reg)));
  }
  if (!s->registered) return refuse(*s, {error_code::not_registered, "send register first", std::move(r.id)});
  if (r.user && *r.user != s->user) {
    return refuse(*s, {error_code::forbidden,
                       fmt::format("this connection is registered as '{}'; userId may be left out", s->user.str()),
                       std::move(r.id)});
  }
  if (auto const* room = room_of(r.body); room && s->grant && !s->grant->allows(*room)) {
    return refuse(*s, {error_code::forbidden, "your token is not for this room", std::move(r.id)});
  }
  if (auto* m = std::get_if<send_message>(&r.body)) {
    count_.messages_in.add();
    if (!rates_.take(s->user, user_rate::messages, now_ms())) {
      count_over(rate_limit::messages);
      return refuse(*s, {error_code::rate_limited,
                         fmt::format("at most {} messages per second", limits_.messages_per_s), std::move(r.id)});
    }
    return exclusively(s, run_message(s, std::move(r.id), std::move(*m), came));
  }
  if (auto* t = std::get_if<set_typing>(&r.body)) {
    if (!hub_.in(*s, t->room)) return refuse(*s, std::move(r.id), error{errc::not_member, {}});
    return change_typing(*s, std::move(*t));
  }
  if (auto* j = std::get_if<join_room>(&r.body)) return exclusively(s, run_join(s, std::move(r.id), std::move(*j)));
  if (auto* l = std::get_if<leave_room>(&r.body))
    return exclusively(s, run_leave(s, std::move(r.id), std::move(l->room)));
  if (auto* f = std::get_if<refresh_identity>(&r.body)) {
    // To check a token costs more than most requests do.
    if (!rates_.take(s->user, user_rate::messages, now_ms())) {
      count_over(rate_limit::messages);
      return refuse(*s, {error_code::rate_limited, "too many requests", std::move(r.id)});
    }
    return exclusively(s, run_refresh(s, std::move(r.id), std::move(*f)));
  }
  if (auto* a = std::get_if<offline_ack>(&r.body)) return take_offline_ack(*s, *a);
  if (auto* h = std::get_if<get_history>(&r.body)) {
    if (!hub_.in(*s, h->room)) return refuse(*s, std::move(r.id), error{errc::not_member, {}});
    return exclusively(s, run_history(s, std::move(r.id), std::move(*h)));
  }
  if (auto* p = std::get_if<get_participants>(&r.body)) {
    if (!hub_.in(*s, p->room)) return refuse(*s, std::move(r.id), error{errc::not_member, {}});
    return exclusively(s, run_participants(s, std::move(r.id), std::move(*p)));
  }
  if (auto* w = std::get_if<watch_presence>(&r.body))
    return exclusively(s, run_watch(s, std::move(r.id), std::move(*w)));
  if (auto* q = std::get_if<get_online_status>(&r.body))
    return exclusively(s, run_status(s, std::move(r.id), std::move(*q)));
}

// One request of a session at a time: they take effect in order, and a burst takes turns with everybody else's requests
// instead of standing before them in the line to Redis.
void flows::exclusively(session_ptr s, task<> work) {
  s->busy = true;
  spawn([](flows* self, session_ptr who, task<> todo) -> task<> {
    try {
      bool const known = !self->forgotten(*who);
      co_await std::move(todo);
      // Redis lost its data meanwhile: what waits behind this must not meet a Redis that does not know the session.
      if (known && self->forgotten(*who) && (!who->gone || who->backlog)) co_await self->run_assert_session(who);
      if (who->doubted && who->registered && !who->gone) who->doubted = !co_await self->compare(who);
      if (who->doubted && who->registered) self->try_later(*who);
    } catch (std::exception const& bug) {
      self->refuse(*who, std::nullopt, error{errc::unexpected_reply, bug.what()});
      self->hub_.release(*who);
    }
    if (who->resting) {
      asio::steady_timer pause{self->ex_, rest_length};
      co_await pause.async_wait(use_task);
      who->resting = false;
    }
    who->busy = false;
    if (who->mail_waits && !who->gone) self->fetch_mail(*who);
    self->resume_backlog(*who);
    if (!who->end_waits || who->busy) co_return;
    who->end_waits = false;
    --self->ending_;
    self->ending_bytes_ -= who->backlog_bytes;
    self->closed(*who);
  }(this, std::move(s), std::move(work)));
}

void flows::resume_backlog(session& s) {
  while (!s.busy && s.backlog) {
    if (s.backlog->empty()) {
      s.backlog.reset();
      break;
    }
    auto const [text, came] = std::move(s.backlog->front());
    s.backlog->pop_front();
    if (!s.gone) s.backlog_bytes -= static_cast<std::uint32_t>(text.size());
    auto parsed = parse(text);
    if (parsed) handle(&s, std::move(*parsed), came);
    else refuse(s, std::move(parsed.error()));
  }
  // Not only when all is done, or what the client says next would be long in coming.
  bool const half_full =
      s.backlog && (s.backlog->size() > limits_.backlog / 2 || s.backlog_bytes > limits_.backlog_bytes / 2);
  if (!half_full && !s.resting) s.read_more(true);
}

task<> flows::run_message(session_ptr s, std::optional<std::string> id, send_message m, steady_clock::time_point came) {
  auto const turn = hub_.mailboxes_of(m.room) >= many_mailboxes ? co_await heavy_.enter() : lane::turn{};
  auto const publish = [&] {
    return store_.room_log.publish(
        {m.room, s->user, s->id, m.content, m.client_msg_id, hub_.last_of(m.room), false, true, arrival_text(came)});
  };
  auto stored = co_await publish();
  // The user was put out of the room and nobody here has heard of it; or Redis has lost its data, and is told what it
  // had.
  if (!stored && stored.error().code == errc::not_member && hub_.in(*s, m.room) && co_await compare(s) &&
      hub_.in(*s, m.room)) {
    stored = co_await publish();
  }
  heavy_.leave(turn);
  if (!stored) co_return refuse(*s, std::move(id), stored.error());
  count_.publish.observe(steady_clock::now() - came);
  if (!stored->duplicate) {
    count_.messages_published.add();
    hub_.set_mailboxes(m.room, stored->mailboxes);
  }
  if (id) answer(*s, message_ack(*id, m.room, stored->message_id, stored->timestamp, stored->duplicate));
}

task<> flows::run_status(session_ptr s, std::optional<std::string> id, get_online_status r) {
  auto allowed = co_await people_.friends(s->user);
  if (!allowed) co_return refuse(*s, std::move(id), allowed.error());
  if (r.users) {
    // Only friends' status is anybody's business; others are left out, not refused.
    std::ranges::sort(*r.users);
    std::erase_if(*allowed, [&](user_id const& f) { return !std::ranges::binary_search(*r.users, f); });
  }
  // In portions: the answers of thousands of friends would keep the worker from everybody else.
  std::vector<friend_status> friends;
  friends.reserve(allowed->size());
  for (auto left = std::span<user_id const>{*allowed}; !left.empty();) {
    auto const some = left.first(std::min(left.size(), friends_at_once));
    left = left.subspan(some.size());
    auto profiles = co_await people_.profiles({some.begin(), some.end()});
    if (!profiles) co_return refuse(*s, std::move(id), profiles.error());
    auto const online = co_await store_.connections.online({some.begin(), some.end()});
    if (!online) co_return refuse(*s, std::move(id), online.error());
    for (std::size_t i = 0; i < profiles->size(); ++i) friends.push_back({std::move((*profiles)[i]), (*online)[i]});
  }
  answer_charged(*s, online_status(id, friends));
}

void flows::deliver(bus::batch const& messages, std::vector<steady_clock::time_point>& came) {
  for (auto const& m : messages) {
    if (m->kind == 'r') {
      interruption_ = m->seq;
      spawn(compare_all(interruption_));
      watches_.doubt_all();
      continue;
    }
    auto const handed = hub_.apply(*m, [this](session& s, bus_message const& about) {
      if (about.kind == 'u' || about.kind == 'U') return watches_.announced(s, about);
      if (about.kind == 'w') return fetch_mail(s);
      if (about.kind == 'k') return end_session(s, *about.end);
      ++s.notices;
      room_id const room{about.room};
      if (about.kind == 'l') {
        auto const* const in = s.ledger.find(room);
        if (!in) return;
        // A join's answer may be here before the news of an earlier leave: then Redis is asked.
        if (about.left_ms <= (in->since_ms > 0 ? in->since_ms : s.began_ms)) return doubt(s);
        if (!s.leaving || *s.leaving != room) tell_room(s, room, room_change::removed);
        return hub_.leave(s, room);
      }
      if (s.grant && !s.grant->allows(room)) return;
      // At once, since the next message may be in this batch.
      tell_room(s, room, room_change::added);
      hub_.enter(s, room, false, about.entered->at_ms);
      spawn([](flows* self, session_ptr who, room_id r, bus_message::entry entered) -> task<> {
        // The user takes part since then, and what was said since is in no mailbox.
        bool const fresh = !self->hub_.heard(r);
        if (fresh)
          co_await self->bus_.begin_listening(self->worker_, {r}, {std::move(entered.place)}, bus::since::place);
        if (auto const heard = co_await self->hear(*who, {r}, entered.at_ms); !heard) {
          log::warn("session.half_heard", {{"connection", who->id.str()},
                                           {"trace", who->trace_id()},
                                           {"room", r.str()},
                                           {"reason", heard.error().text}});
          self->doubt(*who);
        } else if (fresh) {
          self->doubt(*who);  // news of a removal may have passed before the subscription held
        }
        if (who->gone && !who->busy) self->hub_.detach(*who);  // else `closed` does, which needs to know what it heard
      }(this, session_ptr{&s}, room, *about.entered));
    });
    if (handed > 0 && m->came != steady_clock::time_point{}) came.push_back(m->came);
  }
}

void flows::tick() {
  rates_.tick(now_ms());
  if (!hub_.awaits_receipts()) hub_.ask_receipts(now_ms());  // which tells it the time
  else if (!std::exchange(asking_receipts_, true)) spawn(ask_receipts());
  if (!std::exchange(comparing_some_, true)) spawn(compare_some());
}

task<> flows::ask_receipts() {
  constexpr int portions = 16;
  constexpr auto within = 250ms;
  asio::steady_timer pause{ex_};
  for (int n = 0; n < portions; ++n) {
    hub_.ask_receipts(now_ms(), portions);
    pause.expires_after(within / portions);
    co_await pause.async_wait(use_task);
  }
  asking_receipts_ = false;
}

void flows::change_typing(session& s, set_typing t) {
  // Only a hint, so the excess is dropped unsaid; but an end that was begun here is always told.
  bool const ends = !t.on && typing_.contains(typing_key(s.user, t.room));
  if (!ends && !s.typing_rate.take(limits_.typing_per_s, limits_.typing_burst, now_ms()))
    return count_over(rate_limit::typing);
  count_.typing_in.add();
  if (t.on) {
    auto const when = steady_clock::now() + typing_patience;
    typing_[typing_key(s.user, t.room)] = when;
    typing_ends_.push_back({when, s.user, t.room, data_});
    if (typing_ends_.size() == 1) end_typing();
  } else {
    typing_.erase(typing_key(s.user, t.room));
  }
  spawn([](flows* self, session_ptr who, set_typing what) -> task<> {
    auto const done = co_await self->store_.typing.change(
        who->user, what.room, what.on ? state::typing_change::on : state::typing_change::off);
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
    spawn(run_end_typing(std::move(due)));
  }
  if (typing_ends_.empty()) return;
  typing_timer_.expires_at(typing_ends_.front().when);
  typing_timer_.async_wait([this](boost::system::error_code ec) {
    if (!ec) end_typing();
  });
}

// Kept at while Redis is away, and while the mark lives there: it may have been made long after the client asked for
// it, or another connection of the user has renewed it. Marks that this process does not live to end are ended by the
// janitor of any instance.
task<> flows::run_end_typing(typing_end due) {
  asio::steady_timer pause{ex_};
  for (int tries = 0; tries < 120;) {
    auto const left = co_await store_.typing.change(
        due.user, due.room, due.data == data_ ? state::typing_change::expired : state::typing_change::lost);
    if (left && left->count() == 0) co_return;
    if (!left && (!is_transient(left.error()) || ++tries == 120)) {
      log::warn("typing.not_ended",
                {{"user", due.user.str()}, {"room", due.room.str()}, {"reason", left.error().text}});
      co_return;
    }
    pause.expires_after(left ? *left + mark_margin : 500ms);
    co_await pause.async_wait(use_task);
    if (typing_.contains(typing_key(due.user, due.room))) co_return;  // begun anew here: that one's end is awaited
  }
}

}  // namespace hiky::chat
