// SPDX-License-Identifier: Apache-2.0
// Part of bus: the order of a room's messages, and what of them comes from its log.
#include <boost/asio/steady_timer.hpp>

#include <fmt/format.h>

#include <algorithm>

#include "base/log.hpp"
#include "chat/bus.hpp"
#include "chat/frame_type.hpp"
#include "chat/protocol.hpp"
#include "state/keys.hpp"

namespace hiky::chat {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t fill_page = 500;

std::shared_ptr<bus_message const> gap_message(std::string_view room, std::uint64_t from, std::uint64_t to) {
  return std::make_shared<bus_message const>(bus_message{'g', std::string{room}, {}, {}, 0, text_frame(gap({room_id{room}, false, from, to}))});
}

std::shared_ptr<bus_message const> from_log(std::string const& room, std::string const& epoch, state::logged_message const& entry) {
  return std::make_shared<bus_message const>(
      bus_message{'m', room, entry.connection.str(), fmt::format("{}:{}", epoch, entry.seq), entry.seq, text_frame(entry.frame)});
}

// The end of a frame holds its time, id, and the end of its content.
std::size_t mark_of(std::string_view frame) {
  constexpr std::size_t enough = 192;
  return std::hash<std::string_view>{}(frame.substr(frame.size() - std::min(frame.size(), enough))) | 1;
}

}  // namespace

void bus::sequence(std::string_view room, channel& c, std::shared_ptr<bus_message> m) {
  auto place = state::parse_message_id(m->message_id);
  if (!place) {
    log::warn("bus.unreadable", {{"room", room}, {"message_id", m->message_id}});
    return;
  }
  if (c.filling) {
    c.held.push_back(std::move(m));
    return;
  }
  if (c.last.epoch == place->epoch) {
    if (place->seq <= c.last.seq) return;  // the log has brought it already
    if (place->seq > c.last.seq + 1) {
      c.held.push_back(std::move(m));
      return fill(std::string{room}, c);
    }
  } else if (c.known && (!c.last.epoch.empty() || place->seq > 1)) {
    if (!c.last.epoch.empty()) {
      // A new epoch: Redis lost the room's head. What was said between is gone; what the new log holds before this message is not.
      log::warn("room.epoch_changed", {{"room", room}, {"from", c.last.epoch}, {"to", place->epoch}});
      hand_on(c, gap_message(room, 0, 0));
    }
    c.last = {place->epoch, 0};
    c.mark = 0;
    c.held.push_back(std::move(m));
    return fill(std::string{room}, c);
  }
  m->seq = place->seq;
  c.last = std::move(*place);
  c.known = true;
  c.mark = mark_of(m->frame->payload());
  hand_on(c, std::move(m));
}

void bus::fill(std::string const& room, channel& c) {
  if (c.filling != 0) return;
  c.filling = ++last_filling_;
  spawn(run_fill(room, c.filling));
}

// Hands on from the log what pushes did not bring, then what was held meanwhile. Says what is lost for good.
task<> bus::run_fill(std::string room, std::uint64_t number) {
  auto const channel_of = [this, &room, number]() -> channel* {
    auto const found = rooms_.find(room);
    return found == rooms_.end() || found->second.filling != number ? nullptr : &found->second;
  };
  for (bool compared = false;;) {
    auto* c = channel_of();
    if (!c) co_return;
    if (!c->late.empty()) {
      auto const first = std::ranges::min(c->late, {}, &std::pair<std::size_t, std::uint64_t>::second).second;
      auto const had = co_await log_.after(room_id{room}, first, fill_page);
      c = channel_of();
      if (!c) co_return;
      if (had || !connected_ || !is_transient(had.error())) hand_to_late(room, *c, had.value_or(state::log_page{}), first);
      else co_await asio::steady_timer{ex_, 200ms}.async_wait(use_task);
      continue;
    }
    auto const from = c->last;
    auto const mark = compared ? 0 : c->mark;
    // Together with the last one that was heard: is it still the same?
    auto const page = co_await log_.after(room_id{room}, from.seq - (mark ? 1 : 0), fill_page);
    c = channel_of();
    if (!c) co_return;
    if (!c->late.empty()) continue;  // who comes now must get the earlier ones first
    auto outcome = page ? result<void>{} : std::unexpected(page.error());
    bool const gone_back = page && !from.epoch.empty() && page->epoch == from.epoch &&
                           (page->newest < from.seq || (mark && !page->messages.empty() && page->messages.front().seq == from.seq &&
                                                        mark_of(page->messages.front().frame) != mark));
    if (gone_back) {
      log::warn("room.went_back", {{"room", room}, {"epoch", from.epoch}, {"heard", from.seq}, {"newest", page->newest}});
      outcome = co_await log_.begin_epoch(room_id{room}, from.epoch);
      c = channel_of();
      if (!c) co_return;
      if (outcome) continue;
    }
    if (!outcome) {
      if (connected_ && is_transient(outcome.error())) {
        // Only the commands' connection is late. A quiet room must not wait for its next message.
        asio::steady_timer pause{ex_, 200ms};
        co_await pause.async_wait(use_task);
        continue;
      }
      // Redis went away again; the next subscription fills.
      log::warn("room.not_filled", {{"room", room}, {"reason", outcome.error().text}});
      c->filling = 0;
      c->held.clear();
      co_return;
    }
    if (page->epoch != from.epoch) {
      c->last = {page->epoch, 0};
      c->mark = 0;
      if (!from.epoch.empty()) hand_on(*c, gap_message(room, 0, 0));
      if (!from.epoch.empty() && !page->epoch.empty()) continue;
    }
    for (auto const& entry : page->messages) {
      if (entry.seq <= c->last.seq) continue;
      if (entry.seq > c->last.seq + 1) hand_on(*c, gap_message(room, c->last.seq + 1, entry.seq - 1));
      hand_on(*c, from_log(room, page->epoch, entry));
      c->last.seq = entry.seq;
      c->mark = mark_of(entry.frame);
    }
    if (page->more) {
      compared = c->last.seq == from.seq;  // nothing new had room beside it
      flush();
      continue;
    }
    if (c->last.seq < page->newest) {
      hand_on(*c, gap_message(room, c->last.seq + 1, page->newest));
      c->last.seq = page->newest;
      c->mark = 0;
    }
    c->filling = 0;
    for (auto& m : std::exchange(c->held, {})) {
      if (c->filling) c->held.push_back(std::move(m));
      else sequence(room, *c, std::move(m));
    }
    flush();
    co_return;
  }
}

void bus::hand_to_late(std::string const& room, channel& c, state::log_page const& page, std::uint64_t read_after) {
  for (auto const& [worker, seq] : c.late) {
    for (auto const& entry : page.messages) {
      if (page.epoch == c.last.epoch && entry.seq > seq && entry.seq <= c.last.seq) batches_[worker].push_back(from_log(room, page.epoch, entry));
    }
  }
  std::erase_if(c.late, [&](auto const& l) { return l.second >= read_after; });
  flush();
}

// Where rooms stand that were just subscribed, so that a loss right afterwards is noticed too. One round trip for all.
task<> bus::learn_places(std::vector<std::string> rooms) {
  redis::request heads;
  for (auto const& room : rooms) heads.add("HMGET", state::keys::room_head(room_id{room}), "epoch", "seq");
  auto const answer = co_await client_.exec_each(std::move(heads));
  if (!answer) co_return;  // then the first message tells
  for (std::size_t i = 0; i < rooms.size(); ++i) {
    auto const found = rooms_.find(rooms[i]);
    auto const head = (*answer)[i].items();
    if (found == rooms_.end() || found->second.known || found->second.filling || head.size() != 2) continue;
    if (!head[0].is_null()) found->second.last = {std::string{head[0].text()}, static_cast<std::uint64_t>(head[1].integer())};
    found->second.known = true;  // also when nothing was ever said: then what is missed begins with the first
  }
}

}  // namespace hiky::chat
