// SPDX-License-Identifier: Apache-2.0
// Part of bus: performs what the rooms' sequencers ask for, and tells them what became of it.
#include <boost/asio/steady_timer.hpp>

#include <algorithm>

#include "base/log.hpp"
#include "chat/bus/bus.hpp"
#include "chat/protocol/frame_type.hpp"
#include "chat/protocol/protocol.hpp"

namespace hiky::chat {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t fill_page = 500;
constexpr auto retry_pause = 200ms;  // a quiet room must not wait for its next message

inboxes::message from_log(std::string const& room, std::string const& epoch, state::logged_message const& entry) {
  return std::make_shared<bus_message const>(
      notice::message{room, entry.connection.str(), {epoch, entry.seq}, text_frame(entry.frame)});
}

// The end of a frame holds its time, id, and the end of its content.
std::size_t mark_of(std::string_view frame) {
  constexpr std::size_t enough = 192;
  return std::hash<std::string_view>{}(frame.substr(frame.size() - std::min(frame.size(), enough))) | 1;
}

}  // namespace

void bus::take_in_order(std::string_view room, channel& c, inboxes::message m) {
  auto const& said = std::get<notice::message>(*m);
  auto const mark = mark_of(said.frame->payload());
  c.order.pushed(said.place.epoch, {said.place.seq, mark, std::move(m)}, actions_);
  perform(room, c);
}

void bus::perform(std::string_view room, channel& c) {
  task<> question;
  bool asks = false;
  for (auto& action : actions_) {
    if (auto const* d = std::get_if<sequencer::deliver>(&action)) {
      inboxes_.put(c.workers, d->what);
    } else if (auto const* g = std::get_if<sequencer::say_gap>(&action)) {
      say_gap(room, c, g->from, g->to);
    } else if (auto const* o = std::get_if<sequencer::say_epoch_over>(&action)) {
      log::warn("room.epoch_changed", {{"room", room}, {"from", o->was}, {"to", o->now}});
      say_gap(room, c, 0, 0);
    } else if (auto const* f = std::get_if<sequencer::fetch>(&action)) {
      question = run_fetch(std::string{room}, c.life, *f);
      asks = true;
    } else if (auto* b = std::get_if<sequencer::begin_epoch>(&action)) {
      log::warn("room.went_back", {{"room", room}, {"epoch", b->over}, {"heard", b->latest}, {"newest", b->newest}});
      question = run_begin_epoch(std::string{room}, c.life, std::move(*b));
      asks = true;
    } else if (auto const* w = std::get_if<sequencer::wait>(&action)) {
      question = run_wait(std::string{room}, c.life, *w);
      asks = true;
    }
  }
  actions_.clear();
  if (asks) spawn(std::move(question));
}

void bus::say_gap(std::string_view room, channel const& c, std::uint64_t from, std::uint64_t to) {
  gaps_.fetch_add(1, std::memory_order_relaxed);
  auto frame = text_frame(gap({room_id{room}, false, from, to}));
  inboxes_.put(c.workers, std::make_shared<bus_message const>(notice::gap{std::string{room}, std::move(frame)}));
}

bus::channel* bus::find(std::string_view room, std::uint32_t life) {
  auto const found = rooms_.find(room);
  return found == rooms_.end() || found->second.life != life ? nullptr : &found->second;
}

task<> bus::run_fetch(std::string room, std::uint32_t life, sequencer::fetch what) {
  auto const answer = co_await log_.after(room_id{room}, what.after, fill_page);
  auto* c = find(room, life);
  if (!c) co_return;
  if (!answer) co_return answer_failed(room, *c, what.number, answer.error());
  sequencer::page found{answer->epoch, answer->newest, answer->more, {}};
  found.messages.reserve(answer->messages.size());
  for (auto const& entry : answer->messages) {
    found.messages.push_back({entry.seq, mark_of(entry.frame), from_log(room, answer->epoch, entry)});
  }
  c->order.fetched(what.number, std::move(found), actions_);
  perform(room, *c);
  inboxes_.flush();
}

task<> bus::run_begin_epoch(std::string room, std::uint32_t life, sequencer::begin_epoch what) {
  auto const done = co_await log_.begin_epoch(room_id{room}, what.over);
  auto* c = find(room, life);
  if (!c) co_return;
  if (!done) co_return answer_failed(room, *c, what.number, done.error());
  c->order.epoch_begun(what.number, actions_);
  perform(room, *c);
}

task<> bus::run_wait(std::string room, std::uint32_t life, sequencer::wait what) {
  co_await asio::steady_timer{ex_, retry_pause}.async_wait(use_task);
  auto* c = find(room, life);
  if (!c) co_return;
  c->order.waited(what.number, actions_);
  perform(room, *c);
}

void bus::answer_failed(std::string_view room, channel& c, sequencer::ticket number, error const& why) {
  // Without a connection, the next subscription asks again.
  if (!is_transient(why)) log::warn("room.not_filled", {{"room", room}, {"reason", why.text}});
  c.order.failed(number, is_transient(why), actions_);
  perform(room, c);
  inboxes_.flush();
}

}  // namespace hiky::chat
