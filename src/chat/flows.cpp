// SPDX-License-Identifier: Apache-2.0
#include "chat/flows.hpp"

#include <fmt/format.h>
#include <boost/asio/append.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>

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

std::int64_t wall_ms() { return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count(); }

// A little more than the mark's life in Redis, so that it is really gone by then.
constexpr auto typing_patience = std::chrono::seconds{state::typing_life_s} + 50ms;

constexpr std::string_view internal_message = "An error occurred while processing your request";  // the document's text

constexpr std::uint16_t close_flooding = 4429;

constexpr std::uint64_t max_seq = 1ULL << 62;

std::string_view message_id_of(std::string_view frame) {
  auto const quoted = raw_member(frame, "messageId").value_or("\"\"");
  return quoted.substr(1, quoted.size() - 2);
}

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

// The room that a request is about, if it is about one.
room_id const* room_of(decltype(request::body) const& body) {
  return std::visit(
      [](auto const& b) -> room_id const* {
        if constexpr (requires { b.room; }) return &b.room;
        else return nullptr;
      },
      body);
}

// What a session may hear of `rooms`.
std::vector<room_id> permitted(session const& s, std::vector<room_id> rooms) {
  if (s.grant) std::erase_if(rooms, [&](room_id const& room) { return !s.grant->allows(room); });
  return rooms;
}

std::string typing_key(user_id const& user, room_id const& room) { return user.str() + '\n' + room.str(); }

}  // namespace

flows::flows(asio::any_io_executor executor, std::size_t worker, instance_id instance, state::store& store, directory::directory& people,
             auth::authenticator& gate, room_policy& door, bus& channel, counters& count, flow_limits limits)
    : ex_(std::move(executor)),
      worker_(worker),
      instance_(std::move(instance)),
      store_(store),
      people_(people),
      gate_(gate),
      door_(door),
      bus_(channel),
      count_(count),
      limits_(limits),
      hub_(count),
      activity_(ex_, store_, limits_.seen_every),
      expiries_(ex_),
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
  count_.refused[static_cast<std::size_t>(why.code)].add();
  if (why.code == error_code::rate_limited) count_.rate_limited.add();
  bool const own_doing = why.code != error_code::unavailable && why.code != error_code::internal;
  answer(s, error_frame(why));
  if (own_doing) note_refusal(s);
}

// Who goes on all the same costs us as much as who is let through.
void flows::note_refusal(session& s) {
  if (s.gone || s.refusal_rate.take(limits_.refusals_per_s, limits_.refusal_burst, now_ms())) return;
  log::info("session.flooding", {{"connection", s.id.str()}, {"trace", s.trace_id()}, {"user", s.user.str()}});
  count_.flooding_closed.add();
  s.close(close_flooding, "too many refused requests; send less");
}

// What went wrong in Redis, as the client may know it: retryable when Redis is away, `internal` when it is not the client's business.
void flows::refuse(session& s, std::optional<std::string> id, error const& why) {
  if (why.code == errc::not_member) return refuse(s, {error_code::not_member, "you are not in this room; send joinRoom first", std::move(id)});
  if (is_transient(why)) {
    log::debug("request.unavailable",
               {{"connection", s.id.str()}, {"trace", s.trace_id()}, {"user", s.user.str()}, {"code", to_string(why.code)}, {"reason", why.text}});
    return refuse(s, {error_code::unavailable, "the server can't reach its storage right now; try again in a moment", std::move(id)});
  }
  log::error("request.failed",
             {{"connection", s.id.str()}, {"trace", s.trace_id()}, {"user", s.user.str()}, {"code", to_string(why.code)}, {"reason", why.text}});
  refuse(s, {error_code::internal, std::string{internal_message}, std::move(id)});
}

void flows::receive(session& s, std::string_view text) {
  count_.frames_in.add();
  if (s.registered) activity_.note(s);
  if (forgotten(s) && !s.busy) exclusively(&s, run_assert_session(&s));
  if (s.busy) {
    if (!s.backlog) s.backlog = std::make_unique<std::deque<std::string>>();
    s.backlog->emplace_back(text);
    s.backlog_bytes += static_cast<std::uint32_t>(text.size());
    if (s.backlog->size() >= limits_.backlog || s.backlog_bytes >= limits_.backlog_bytes) s.read_more(false);
    return;
  }
  auto parsed = parse(text);
  if (!parsed) return refuse(s, std::move(parsed.error()));
  handle(&s, std::move(*parsed));
}

void flows::handle(session_ptr s, request r) {
  count_.received[r.body.index()].add();
  bool const is_message = std::holds_alternative<send_message>(r.body), is_hint = std::holds_alternative<set_typing>(r.body);
  if (!is_message && !s->request_rate.take(limits_.requests_per_s, limits_.request_burst, now_ms())) {
    if (is_hint) return note_refusal(*s);
    return refuse(*s, {error_code::rate_limited, fmt::format("at most {} requests per second", limits_.requests_per_s), std::move(r.id)});
  }
  if (std::holds_alternative<ping>(r.body)) return answer(*s, pong(r.id));
  if (auto* reg = std::get_if<register_request>(&r.body)) {
    return exclusively(s, run_register(s, std::move(r.id), std::move(r.user), std::move(*reg)));
  }
  if (!s->registered) return refuse(*s, {error_code::not_registered, "send register first", std::move(r.id)});
  if (r.user && *r.user != s->user) {
    return refuse(
        *s, {error_code::forbidden, fmt::format("this connection is registered as '{}'; userId may be left out", s->user.str()), std::move(r.id)});
  }
  if (auto const* room = room_of(r.body); room && s->grant && !s->grant->allows(*room)) {
    return refuse(*s, {error_code::forbidden, "your token is not for this room", std::move(r.id)});
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
  if (auto* j = std::get_if<join_room>(&r.body)) return exclusively(s, run_join(s, std::move(r.id), std::move(*j)));
  if (auto* l = std::get_if<leave_room>(&r.body)) return exclusively(s, run_leave(s, std::move(r.id), std::move(l->room)));
  if (auto* f = std::get_if<refresh_identity>(&r.body)) {
    // To check a token costs more than most requests do.
    if (!s->message_rate.take(limits_.messages_per_s, limits_.message_burst, now_ms())) {
      return refuse(*s, {error_code::rate_limited, "too many requests", std::move(r.id)});
    }
    return exclusively(s, run_refresh(s, std::move(r.id), std::move(*f)));
  }
  if (auto* a = std::get_if<offline_ack>(&r.body)) return take_offline_ack(*s, *a);
  if (auto* h = std::get_if<get_history>(&r.body)) {
    if (!hub_.in(*s, h->room)) return refuse(*s, std::move(r.id), error{errc::not_member, {}});
    return spawn(run_history(std::move(s), std::move(r.id), std::move(*h)));
  }
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
    // Redis lost its data while a register was under way, when the session was not yet among those to be asserted.
    if (self->forgotten(*who) && !who->gone) self->spawn(self->run_assert_session(who));
    if (who->mail_waits && !who->gone) self->fetch_mail(*who);
    if (who->gone) {
      self->closed(*who, false);
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
    s.backlog_bytes -= static_cast<std::uint32_t>(text.size());
    auto parsed = parse(text);
    if (parsed) handle(&s, std::move(*parsed));
    else refuse(s, std::move(parsed.error()));
  }
}

// Rule 4 of the state design: hear, become visible, then answer, then mail, then what came in between.
task<> flows::run_register(session_ptr s, std::optional<std::string> id, std::optional<user_id> claimed, register_request r) {
  auto who = co_await identify(s, id, {std::move(claimed), std::move(r.token)});
  if (!who || s->gone) co_return;
  if (s->registered) {
    std::vector<room_id> rooms;
    for (auto const& p : s->rooms) rooms.emplace_back(*p.room->name);
    s->extended |= r.extended;
    grant(*s, std::move(who->grant));
    co_return answer_registered(*s, id, rooms, {});
  }

  s->user = who->user;
  grant(*s, std::move(who->grant));
  s->extended = r.extended;
  s->acks = r.acks;
  s->held = std::make_unique<std::vector<held_frame>>();
  hub_.attach(*s);
  directory::entry entry;
  auto const online = co_await go_online(s, entry);
  if (online && online->kept_out_s) {
    hub_.detach(*s);
    s->held.reset();
    refuse_banned(*s, std::move(id), *online->kept_out_s);
    s->user = user_id{};
    co_return;
  }
  if (!online) {
    // Redis may have made the user online all the same (a lost answer): undone like any other end. Nothing was heard.
    end_in_redis(*s, {.since_began = true});
    hub_.detach(*s);
    s->held.reset();
    s->user = user_id{};
    co_return refuse(*s, std::move(id), online.error());
  }
  already_sent sent;
  auto const resumed = co_await recover_all(*online, r.resume);
  if (!resumed) {
    // To say `recovered: false` would be a guess: the log may well be there in a moment. Friends who were not told of the arrival
    // must not be told of the end alone.
    if (online->connections == 1 && online->was_announced) announce_arrival(std::move(entry));
    end_in_redis(*s, {.since_began = true});
    hub_.detach(*s);
    s->held.reset();
    s->user = user_id{};
    co_return refuse(*s, std::move(id), resumed.error());
  }
  s->registered = true;
  s->shown.reset();
  rates_.recall(*s, now_ms());
  s->returning = !online->was_announced;
  s->identified();
  count_.registers.add();
  count_.registered_connections.add();
  log::debug("session.registered", {{"connection", s->id.str()}, {"trace", s->trace_id()}, {"user", s->user.str()}, {"rooms", online->rooms.size()}});
  for (std::size_t i = 0; i < resumed->size(); ++i) {
    auto const& room = (*resumed)[i];
    // What the client has and Redis has lost will be the number of another message.
    auto const has = state::parse_message_id(r.resume[i].second);
    if (has && (has->epoch != room.complete_to.epoch || has->seq <= room.complete_to.seq)) sent.add_all_to(r.resume[i].second);
    for (auto const& message : room.messages) sent.add(message_id_of(message));
    if (room.complete_from > 0) hub::has(*s, room.room, room.complete_from, room.complete_to);
  }
  answer_registered(*s, id, online->rooms, *resumed);
  co_await replay(s, *resumed);
  if (online->mail > 0) {
    co_await deliver_mail(s, sent);
    // Of what the mail has brought, the bus may still bring some: known as sent only while frames are held.
    co_await bus_.catch_up();
  }
  release_held(*s, sent);
  if (online->connections == 1 && online->was_announced) {
    // Of whom the directory says nothing, the token may.
    if (entry.user.username.empty()) entry.user.username = std::move(who->username);
    if (entry.user.name.empty()) entry.user.name = std::move(who->name);
    announce_arrival(std::move(entry));
  }
}

// `who` becomes what the directory says.
task<result<state::connected>> flows::go_online(session_ptr s, directory::entry& who) {
  using namespace asio::experimental::awaitable_operators;
  auto [entry, known] = co_await (people_.load(s->user) && store_.connections.places(s->user));
  if (!entry) co_return std::unexpected(entry.error());
  if (!known) co_return std::unexpected(known.error());
  if (s->grant) std::erase_if(*known, [&](auto const& place) { return !s->grant->allows(place.first); });
  std::vector<room_id> rooms, fresh;
  std::vector<state::message_place> places;
  for (auto& [room, place] : *known) {
    if (!hub_.heard(room)) {
      fresh.push_back(room);
      places.push_back(std::move(place));
    }
    rooms.push_back(std::move(room));
  }
  for (auto const& room : permitted(*s, entry->rooms)) {
    if (std::ranges::find(rooms, room) == rooms.end()) rooms.push_back(room);
  }
  result<void> heard;
  result<state::connected> online;
  if (rooms.size() == known->size()) {
    // At the same time: what is said before the subscription holds comes from the log, from where the rooms stood before.
    for (auto const& room : rooms) hub_.enter(*s, room, false);
    if (!fresh.empty()) co_await bus_.begin_listening(worker_, fresh, places);
    std::tie(heard, online) = co_await (hear(*s, rooms) && store_.connections.add(details(*s), entry->rooms));
  } else {
    heard = co_await hear(*s, rooms);
    if (heard) online = co_await store_.connections.add(details(*s), entry->rooms);
  }
  if (!heard) co_return std::unexpected(heard.error());
  if (!online) co_return std::unexpected(online.error());
  if (online->kept_out_s) co_return online;
  s->asserted = data_;
  online->rooms = permitted(*s, std::move(online->rooms));
  who = std::move(*entry);
  // Rooms that came or went while we were asking.
  for (auto const& room : rooms) {
    if (std::ranges::find(online->rooms, room) == online->rooms.end()) hub_.leave(*s, room);
  }
  if (auto const rest = co_await hear(*s, online->rooms); !rest) {
    log::warn("session.half_heard", {{"connection", s->id.str()}, {"trace", s->trace_id()}, {"user", s->user.str()}, {"reason", rest.error().text}});
  }
  co_return std::move(online);
}

// The session hears `rooms` when this returns; Redis is asked only for those that nobody on this worker hears yet.
task<result<void>> flows::hear(session& s, std::vector<room_id> rooms, std::int64_t since_ms) {
  std::vector<room_id> fresh;
  for (auto const& room : rooms) {
    if (!hub_.heard(room)) fresh.push_back(room);
  }
  for (auto const& room : rooms) hub_.enter(s, room, false, since_ms);
  if (fresh.empty()) co_return result<void>{};
  auto const outcome = co_await bus_.listen(worker_, fresh);
  if (outcome) {
    for (auto const& room : fresh) hub_.set_heard(room);
  }
  co_return outcome;
}

// What `room` has said since the client's last message, or what of it is left.
task<result<recovery>> flows::recover(room_id room, std::string since, std::size_t most) {
  auto const last = state::parse_message_id(since);
  auto page = co_await store_.room_log.after(room, last ? last->seq : 0, most);
  if (!page) co_return std::unexpected(page.error());
  recovery out{room};
  if (!last || page->epoch != last->epoch) {
    // Redis lost the room's head in between: what the client has can't be compared with what is here. It gets what there is.
    if (last && last->seq > 0) page = co_await store_.room_log.after(room, 0, most);
    if (!page) co_return std::unexpected(page.error());
  } else if (last->seq > page->newest) {
    // Redis went back to an earlier state and has lost what the client has.
    out.recovered = false;
  } else {
    auto const first = page->messages.empty() ? page->newest + 1 : page->messages.front().seq;
    auto const end = page->messages.empty() ? page->newest : page->messages.back().seq;
    out.recovered = first <= last->seq + 1 && end >= page->newest;
    if (first > last->seq + 1) {
      out.lost_from = last->seq + 1;
      out.lost_to = first - 1;
    } else if (end < page->newest) {
      // More than one answer brings: the rest is there for `history`.
      out.lost_from = end + 1;
      out.lost_to = page->newest;
    }
  }
  // Without those in between that did not fit in, what replay brings is no beginning of what comes live.
  bool const whole = page->messages.empty() || page->messages.back().seq >= page->newest;
  if (whole && last && last->epoch == page->epoch) out.complete_from = 1;  // it has what it says, gets the rest, and is told what is lost
  else if (whole) out.complete_from = page->messages.empty() ? page->newest + 1 : page->messages.front().seq;
  out.complete_to = {page->epoch, page->newest};
  for (auto& m : page->messages) out.messages.push_back(std::move(m.frame));
  co_return out;
}

task<result<std::vector<recovery>>> flows::recover_all(state::connected const& online, std::vector<std::pair<room_id, std::string>> wanted) {
  std::vector<recovery> out;
  for (auto& [room, since] : wanted) {
    if (std::ranges::find(online.rooms, room) == online.rooms.end()) {
      out.push_back({room});
      continue;
    }
    auto found = co_await recover(room, std::move(since), limits_.replayed);
    if (!found) co_return std::unexpected(found.error());
    out.push_back(std::move(*found));
  }
  co_return out;
}

// In portions: more than the outbox takes must not look like a slow reader.
task<> flows::replay(session_ptr s, std::vector<recovery> const& resumed) {
  constexpr std::size_t portion = 256 * 1024;
  std::size_t bytes = 0;
  for (auto const& room : resumed) {
    if (!room.recovered && s->extended) answer(*s, gap(room));
    for (auto const& message : room.messages) {
      answer(*s, message);
      bytes += message.size();
      if (bytes < portion) continue;
      bytes = 0;
      if (!co_await arrived(*s)) co_return;
    }
  }
}

// True once the client has received all that was sent so far.
task<bool> flows::arrived(session& s) {
  using done = asio::any_completion_handler<void(bool)>;
  co_return co_await asio::async_initiate<asio::use_awaitable_t<> const, void(bool)>(
      [this, &s](auto handler) {
        auto const then = std::make_shared<done>(std::move(handler));
        s.after_pong([this, then](bool ok) { asio::post(ex_, asio::append(std::move(*then), ok)); });
      },
      use_task);
}

// Sends what waited for the user, oldest first. Nothing is deleted before it has arrived. What replay has brought already is
// not sent again, but confirmed with the rest.
task<> flows::deliver_mail(session_ptr s, already_sent& sent) {
  auto mail = co_await store_.mailbox.claim(s->user, s->id);
  if (!mail) {
    log::warn("mail.unclaimed", {{"connection", s->id.str()}, {"trace", s->trace_id()}, {"user", s->user.str()}, {"reason", mail.error().text}});
    co_return;
  }
  if (s->grant && s->grant->rooms) {
    auto const readable = [&](std::string const& text) {
      auto const message = parse_json(text);
      auto const* room = message && message->is_object() ? message->get_object().if_contains("roomId") : nullptr;
      return room && room->is_string() && s->grant->allows(room_id{std::string_view{room->get_string()}});
    };
    // Left, claimed as it is, for a connection that may read all of it: the end of this one gives it back.
    if (!std::ranges::all_of(mail->messages, readable)) co_return;
  }
  if (!s->held) co_await live_has_caught_up(s, mail->messages);
  std::vector<std::string> ids;
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
    return !good || twice;
  });
  constexpr std::size_t remembered = 400;
  if (s->mailed.size() > remembered) s->mailed.erase(s->mailed.begin(), s->mailed.end() - remembered / 2);
  if (poison > 0) log::warn("mail.poison", {{"user", s->user.str()}, {"entries", poison}});
  if (ids.empty() && mail->dropped == 0) co_return;
  count_.offline_delivered.add(mail->messages.size());
  bool const shown = !mail->messages.empty() || mail->dropped > 0;
  if (shown) answer(*s, offline_messages(*mail));
  s->mail = std::make_unique<unconfirmed_mail>(std::move(ids), mail->dropped);
  // A client that promised to say so says so (offlineAck). Of others, a pong that follows shows that the bytes have arrived; and so it
  // does when replay has brought everything already, since then there is nothing that the client could confirm.
  if (s->acks && shown) co_return;
  s->after_pong([this, s](bool ok) {
    if (ok) confirm_mail(*s, std::string::npos);
  });
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
  if (!ack.up_to) return confirm_mail(s, ids.size());
  auto found = std::ranges::find(ids, *ack.up_to);
  if (found == ids.end()) return;
  ++found;
  while (found != ids.end() && found->empty()) ++found;  // what was not shown goes with what was
  confirm_mail(s, static_cast<std::size_t>(found - ids.begin()));
}

void flows::release_held(session& s, already_sent const& sent) {
  auto const held = std::move(s.held);
  if (!held || s.gone) return;
  for (auto const& h : *held) {
    if (h.message_id.empty() || !sent.contains(h.message_id)) s.send(h.frame, h.kind);
  }
}

task<bool> flows::announce(user_id user, bool online) {
  auto entry = co_await people_.load(user);
  if (entry) co_return co_await tell_friends(std::move(*entry), online);
  log::warn("announcement.failed", {{"user", user.str()}, {"online", online}, {"reason", entry.error().text}});
  co_return false;
}

task<bool> flows::tell_friends(directory::entry who, bool online) {
  auto const told = co_await store_.connections.notify(who.friends, online ? 'u' : 'U',
                                                       online ? friend_online(who.user) : friend_offline(who.user.id, iso8601_now()));
  if (!told) log::warn("announcement.failed", {{"user", who.user.id.str()}, {"online", online}, {"reason", told.error().text}});
  co_return told.has_value();
}

void flows::announce_arrival(directory::entry who) {
  ++ending_;
  spawn([](flows* self, directory::entry arrived) -> task<> {
    co_await self->tell_friends(std::move(arrived), true);
    --self->ending_;
  }(this, std::move(who)));
}

void flows::assert_again(std::chrono::milliseconds spread, bool older_data) {
  ++data_;
  if (older_data) older_data_ = data_;
  spawn(run_assert_again(spread));
}

task<> flows::run_assert_again(std::chrono::milliseconds spread) {
  auto const all = hub_.registered_sessions();
  asio::steady_timer pause{ex_};
  auto const begin = steady_clock::now();
  for (std::size_t i = 0; i < all.size(); ++i) {
    auto const& s = all[i];
    pause.expires_at(begin + spread * static_cast<long>(i) / static_cast<long>(all.size()));
    if (pause.expiry() > steady_clock::now()) co_await pause.async_wait(use_task);
    // Kept at: nobody else will notice that this session is missing. Only this worker's connection to Redis may be late.
    while (forgotten(*s)) {
      // A session that is busy may be leaving a room, which must not be asserted behind its back.
      auto const done = s->busy ? result<void>{fail(errc::timeout, {})} : co_await assert_session(s);
      if (done) break;
      if (!is_transient(done.error())) {
        log::warn("session.not_asserted",
                  {{"connection", s->id.str()}, {"trace", s->trace_id()}, {"user", s->user.str()}, {"reason", done.error().text}});
        break;
      }
      pause.expires_after(100ms);
      co_await pause.async_wait(use_task);
    }
  }
}

// Tried once. What fails for now is up to run_assert_again, and the client's request is answered as it deserves.
task<> flows::run_assert_session(session_ptr s) {
  if (auto const done = co_await assert_session(s); !done && !is_transient(done.error())) {
    log::warn("session.not_asserted",
              {{"connection", s->id.str()}, {"trace", s->trace_id()}, {"user", s->user.str()}, {"reason", done.error().text}});
  }
}

task<result<void>> flows::assert_session(session_ptr s) {
  std::vector<room_id> rooms, joined;
  for (auto const& p : s->rooms) {
    rooms.emplace_back(*p.room->name);
    if (p.joined) joined.emplace_back(*p.room->name);
  }
  auto const data = data_;
  auto online = co_await store_.connections.add(details(*s), rooms, rooms_known_since(s->asserted));
  if (!online) co_return std::unexpected(online.error());
  s->asserted = data;
  online->rooms = permitted(*s, std::move(online->rooms));
  if (online->kept_out_s) co_return s->close(state::close_forbidden, state::ban_reason), result<void>{};
  if (s->gone) {
    end_in_redis(*s);  // closed meanwhile: its end may have come before this beginning
    co_return result<void>{};
  }
  online->rooms = permitted(*s, std::move(online->rooms));
  // Rooms that another connection of the user has left or joined, which this one did not hear.
  for (auto const& room : rooms) {
    if (std::ranges::find(online->rooms, room) == online->rooms.end()) hub_.leave(*s, room);
  }
  if (auto const heard = co_await hear(*s, online->rooms, wall_ms()); !heard) {
    log::warn("session.half_heard", {{"connection", s->id.str()}, {"trace", s->trace_id()}, {"user", s->user.str()}, {"reason", heard.error().text}});
  }
  if (s->gone) co_return hub_.detach(*s), result<void>{};
  if (online->mail > 0) fetch_mail(*s);
  for (auto const& room : joined) {
    if (!hub_.in(*s, room)) continue;
    if (auto const in = co_await store_.members.join(s->user, room, s->id, 0, true); !in) break;
  }
  co_return result<void>{};
}

// A room that the user left elsewhere while nobody here could hear of it must not be entered again, unless Redis may have forgotten the
// latest joins.
state::known_rooms flows::rooms_known_since(std::uint32_t asserted) const {
  return asserted < older_data_ ? state::known_rooms::member : state::known_rooms::if_nothing;
}

state::connection_details flows::details(session const& s) const {
  return {s.id, instance_, s.user, iso8601_now(), s.remote_address(), std::string{s.user_agent()}};
}

task<> flows::run_join(session_ptr s, std::optional<std::string> id, join_room r) {
  auto const room = r.room;
  if (s->rooms.size() >= limits_.rooms_per_connection && !hub_.in(*s, room)) {
    co_return refuse(
        *s, {error_code::forbidden, fmt::format("at most {} rooms per connection; leave one first", limits_.rooms_per_connection), std::move(id)});
  }
  if (!co_await may_enter(s, id, room)) co_return;
  bool const was_in = hub_.in(*s, room);
  // What the room says while its past is being read waits, or it would be told twice.
  if (r.since && !s->held) s->held = std::make_unique<std::vector<held_frame>>();
  already_sent sent;
  auto const outcome = co_await join(s, std::move(id), std::move(r), sent);
  if (!outcome && !was_in) hub_.leave(*s, room);
  release_held(*s, sent);
}

task<bool> flows::join(session_ptr s, std::optional<std::string> id, join_room r, already_sent& sent) {
  bool const was_in = hub_.in(*s, r.room);
  auto const heard = co_await hear(*s, {r.room}, wall_ms());
  if (!heard) co_return refuse(*s, std::move(id), heard.error()), false;
  auto const now_in = co_await store_.members.join(s->user, r.room, s->id, limits_.participants_shown, s->returning);
  if (!now_in) co_return refuse(*s, std::move(id), now_in.error()), false;
  if (!was_in) hub::set_since(*s, r.room, now_in->at_ms);
  std::optional<recovery> missed;
  if (r.since) {
    auto found = co_await recover(r.room, *r.since, limits_.joined_messages);
    if (!found) co_return refuse(*s, std::move(id), found.error()), true;
    for (auto const& message : found->messages) sent.add(message_id_of(message));
    if (found->complete_from > 0) hub::has(*s, r.room, found->complete_from, found->complete_to);
    missed = std::move(*found);
  }
  if (s->gone) co_return false;
  hub_.enter(*s, r.room, true, now_in->at_ms);
  answer(*s, joined_room(id, r.room, now_in->participants, now_in->participant_count, missed ? &*missed : nullptr));
  if (missed && !missed->recovered && s->extended) answer(*s, gap(*missed));
  co_return true;
}

task<> flows::run_history(session_ptr s, std::optional<std::string> id, get_history r) {
  auto const edge = state::parse_message_id(r.before ? *r.before : r.after ? *r.after : std::string{});
  auto const seq = edge ? edge->seq : r.after ? 0 : max_seq;
  // One more than asked for tells whether there is more.
  auto page = r.after ? co_await store_.room_log.after(r.room, seq, r.limit + 1) : co_await store_.room_log.before(r.room, seq, r.limit + 1);
  if (!page) co_return refuse(*s, std::move(id), page.error());
  if (edge && edge->epoch != page->epoch) {
    co_return refuse(
        *s, {error_code::invalid_argument, "this messageId is from before the room's log was lost; ask without before and after", std::move(id)});
  }
  bool const complete = page->messages.size() <= r.limit;
  if (!complete) page->messages.erase(r.after ? page->messages.end() - 1 : page->messages.begin());
  std::vector<std::string> messages;
  for (auto& m : page->messages) messages.push_back(std::move(m.frame));
  answer(*s, history(id, r.room, messages, complete));
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
  auto const came = steady_clock::now();
  auto const stored = co_await store_.room_log.publish({m.room, s->user, s->id, m.content, std::move(m.client_msg_id), hub_.last_of(m.room)});
  if (!stored) co_return refuse(*s, std::move(id), stored.error());
  count_.publish.observe(steady_clock::now() - came);
  if (!stored->duplicate) count_.messages_published.add();
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

void flows::closed(session& s, bool vanished) {
  s.gone = true;
  s.vanished |= vanished;
  s.backlog.reset();
  if (s.busy) return;  // `exclusively` calls again; until then the hub notes what is missed
  // Until disconnect.lua has run, Redis takes the user for present and queues nothing: what is said meanwhile must be found in the log.
  state::unsure_mail unsure;
  for (auto const& p : s.rooms) {
    auto heard = p.room->last;
    if (s.vanished) {
      for (auto const& [room, seq] : s.tail) {
        if (room == p.room) heard.seq = std::min(heard.seq, seq - 1);
      }
    }
    if (heard.epoch.empty()) heard.seq = static_cast<std::uint64_t>(p.since_ms);
    unsure.heard.emplace_back(room_id{*p.room->name}, std::move(heard));
  }
  hub_.detach(s);
  expiries_.remove(s);
  if (!s.registered) return;
  s.registered = false;
  if (s.message_rate.is_low(limits_.message_burst) || s.request_rate.is_low(limits_.request_burst) || s.refusal_rate.is_low(limits_.refusal_burst)) {
    rates_.remember(s, now_ms());
  }
  count_.registered_connections.sub();
  end_in_redis(s, std::move(unsure));
}

void flows::end_in_redis(session const& s, state::unsure_mail unsure) {
  ++ending_;
  spawn(run_disconnect(details(s), s.asserted, std::move(unsure)));
}

// Kept at until it is done: a user whose last connection closed while Redis was away must not stay online.
task<> flows::run_disconnect(state::connection_details ended, std::uint32_t asserted, state::unsure_mail unsure) {
  for (;;) {
    result<std::int64_t> left{0};
    if (asserted != data_ && !unsure.heard.empty()) {
      // Redis has lost the connection and perhaps its user's rooms. Only who belongs to a room is missed by it.
      std::vector<room_id> rooms;
      for (auto const& [room, place] : unsure.heard) rooms.push_back(room);
      auto const data = data_;
      auto const known = co_await store_.connections.add(ended, std::move(rooms), rooms_known_since(asserted));
      if (known) asserted = data;
      else left = std::unexpected(known.error());
    }
    if (left) left = co_await store_.connections.remove(ended.id, ended.instance, ended.user, unsure);
    if (left || !is_transient(left.error())) {
      if (!left) log::error("session.not_ended", {{"connection", ended.id.str()}, {"user", ended.user.str()}, {"reason", left.error().text}});
      if (left && *left == 0 && store_.connections.grace().count() > 0 && offline_) offline_();
      if (left && *left == 0 && store_.connections.grace().count() == 0) co_await announce(ended.user, false);
      --ending_;
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

// Another connection of the user left the room, or this one did and has joined again since: a join's answer may be here before
// the news of an earlier leave. Redis knows.
task<> flows::leave_if_left(session_ptr s, room_id room) {
  auto const member = co_await store_.members.contains(room, s->user);
  if (member && !*member) hub_.leave(*s, room);
  if (!member)
    log::warn("session.half_left", {{"connection", s->id.str()}, {"trace", s->trace_id()}, {"room", room.str()}, {"reason", member.error().text}});
}

void flows::refuse_banned(session& s, std::optional<std::string> id, std::int64_t seconds) {
  log::info("session.banned", {{"connection", s.id.str()}, {"trace", s.trace_id()}, {"user", s.user.str()}, {"seconds", seconds}});
  count_.banned.add();
  refuse(s, {error_code::forbidden, fmt::format("an operator keeps this user out; try again in {} s", seconds), std::move(id)});
  s.close(state::close_forbidden, state::ban_reason);
}

// Those whose `k` was published while nobody listened.
task<> flows::end_banned() {
  constexpr std::size_t at_once = 1000;
  auto const all = hub_.registered_sessions();
  for (std::size_t i = 0; i < all.size(); i += at_once) {
    std::vector<user_id> users;
    for (auto j = i; j < std::min(all.size(), i + at_once); ++j) users.push_back(all[j]->user);
    auto kept_out = co_await store_.connections.kept_out(users);
    // The bus heard Redis again; this worker's own connection may be later.
    for (asio::steady_timer pause{ex_}; !kept_out && is_transient(kept_out.error());) {
      pause.expires_after(250ms);
      co_await pause.async_wait(use_task);
      kept_out = co_await store_.connections.kept_out(users);
    }
    if (!kept_out) {
      log::warn("bans.unknown", {{"reason", kept_out.error().text}});
      co_return;
    }
    for (std::size_t j = 0; j < users.size(); ++j) {
      if ((*kept_out)[j] > 0) end_session(*all[i + j], {state::close_forbidden, {}, std::string{state::ban_reason}});
    }
  }
}

void flows::end_session(session& s, bus_message::ending const& why) {
  if (!why.connection.empty() && why.connection != s.id.str()) return;
  log::info("session.ended",
            {{"connection", s.id.str()}, {"trace", s.trace_id()}, {"user", s.user.str()}, {"code", why.code}, {"reason", why.reason}});
  (why.code == state::close_replaced ? count_.replaced : count_.kicked).add();
  s.close(why.code, why.reason);
}

void flows::deliver(bus::batch const& messages) {
  for (auto const& m : messages) {
    if (m->kind == 'r') {
      spawn(end_banned());
      continue;
    }
    hub_.apply(*m, [this](session& s, bus_message const& about) {
      if (about.kind == 'w') return fetch_mail(s);
      if (about.kind == 'k') return end_session(s, *about.end);
      if (about.kind == 'l') {
        if (hub_.in(s, room_id{about.room})) spawn(leave_if_left(session_ptr{&s}, room_id{about.room}));
        return;
      }
      if (s.grant && !s.grant->allows(room_id{about.room})) return;
      spawn([](flows* self, session_ptr who, room_id r) -> task<> {
        if (auto const heard = co_await self->hear(*who, {r}, wall_ms()); !heard) {
          log::warn("session.half_heard",
                    {{"connection", who->id.str()}, {"trace", who->trace_id()}, {"room", r.str()}, {"reason", heard.error().text}});
        }
        if (who->gone) self->hub_.detach(*who);
      }(this, session_ptr{&s}, room_id{about.room}));
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
      auto done = co_await self->store_.typing.change(user, room, state::typing_change::expired);
      // Kept at while Redis is away, or the room would see the user type for ever.
      for (int tries = 0; !done && is_transient(done.error()) && tries < 120; ++tries) {
        asio::steady_timer pause{self->ex_, 500ms};
        co_await pause.async_wait(use_task);
        done = co_await self->store_.typing.change(user, room, state::typing_change::expired);
      }
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
