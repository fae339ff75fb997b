// SPDX-License-Identifier: Apache-2.0
#include "chat/delivery/sequencer.hpp"

#include <algorithm>
#include <ranges>
#include <utility>

namespace hiky::chat {

namespace {
constexpr std::size_t most_held = 1000;  // what more comes during one question is left to the log
}

void sequencer::begin_at(state::message_place place) {
  if (known_) return;
  last_ = std::move(place);
  known_ = true;
}

void sequencer::hand_on(message&& m, actions& out) {
  last_.seq = m.seq;
  mark_ = m.mark;
  out.emplace_back(deliver{std::move(m.what)});
}

void sequencer::pushed(std::string_view epoch, message m, actions& out) {
  if (inquiry_) return hold(epoch, std::move(m));
  bool const same = last_.epoch == epoch;
  if (known_ && same && m.seq <= last_.seq) return;  // the log has brought it already
  bool const next = same ? m.seq == last_.seq + 1 : last_.epoch.empty() && m.seq == 1;
  if (known_ && !next) {
    inquiry_ = std::make_unique<inquiry>();
    hold(epoch, std::move(m));
    return ask(out);
  }
  known_ = true;
  if (!same) last_.epoch = epoch;
  hand_on(std::move(m), out);
}

void sequencer::hold(std::string_view epoch, message m) {
  auto& held = inquiry_->held;
  if (held.size() == most_held) held.erase(held.begin(), held.begin() + most_held / 2);
  held.push_back({std::string{epoch}, std::move(m), ticket_});
}

void sequencer::came_late(std::size_t worker, state::message_place place, actions& out) {
  if (!known_) {  // nobody here has had anything yet
    begin_at(std::move(place));
    return start(out);
  }
  if (place.epoch == last_.epoch && place.seq >= last_.seq) return;
  if (!inquiry_) inquiry_ = std::make_unique<inquiry>();
  inquiry_->late.push_back({worker, std::move(place)});
  if (inquiry_->asked == question::none) ask(out);
}

void sequencer::left(std::size_t worker) {
  if (inquiry_) std::erase_if(inquiry_->late, [&](auto const& l) { return l.worker == worker; });
}

void sequencer::subscribed(actions& out) {
  if (!known_) return;
  if (!inquiry_) return start(out);
  if (inquiry_->asked == question::none) return ask(out);
  inquiry_->again = true;
}

void sequencer::connection_lost() {
  if (!inquiry_) return;
  ++ticket_;
  if (inquiry_->late.empty()) return inquiry_.reset();
  auto late = std::move(inquiry_->late);
  *inquiry_ = {};
  inquiry_->late = std::move(late);
}

void sequencer::start(actions& out) {
  inquiry_ = std::make_unique<inquiry>();
  ask(out);
}

void sequencer::ask(actions& out) {
  auto& q = *inquiry_;
  q.again = false;
  if (q.late.empty()) {
    q.asked = question::page;
    q.compared = q.compare && mark_ != 0;
    q.after = last_.seq - (q.compared ? 1 : 0);
  } else {
    // What comes for all would stand behind what these have not had yet.
    q.asked = question::page_for_late;
    q.after = std::ranges::min(q.late | std::views::transform([&](auto const& l) { return seq_here(l.had); }));
  }
  out.emplace_back(fetch{++ticket_, q.after});
}

bool sequencer::expects(ticket number, question what) const {
  return inquiry_ && number == ticket_ && inquiry_->asked == what;
}

void sequencer::fetched(ticket number, page found, actions& out) {
  if (expects(number, question::page_for_late)) return take_page_for_late(found, out);
  if (!expects(number, question::page)) return;
  if (inquiry_->late.empty()) take_page(found, out);
  else ask(out);
}

void sequencer::epoch_begun(ticket number, actions& out) {
  if (expects(number, question::epoch)) ask(out);
}

void sequencer::waited(ticket number, actions& out) {
  if (expects(number, question::pause)) ask(out);
}

void sequencer::failed(ticket number, bool for_now, actions& out) {
  if (!inquiry_ || number != ticket_) return;
  if (for_now) {
    inquiry_->asked = question::pause;
    out.emplace_back(wait{++ticket_});
  } else if (inquiry_->late.empty()) {
    give_up(out);
  } else {
    for (auto& one : inquiry_->late) tell_lost(one, last_.seq, out);
    inquiry_->late.clear();
    ask(out);
  }
}

void sequencer::take_page(page& found, actions& out) {
  auto& q = *inquiry_;
  if (!last_.epoch.empty() && found.epoch == last_.epoch) {
    auto const* heard = q.compared && !found.messages.empty() ? &found.messages.front() : nullptr;
    if (found.newest < last_.seq || (heard && heard->seq == last_.seq && heard->mark != mark_)) {
      q.asked = question::epoch;
      out.emplace_back(begin_epoch{++ticket_, last_.epoch, last_.seq, found.newest});
      return;
    }
  }
  // Unless the new log was read from its beginning, it is read again.
  if (found.epoch != last_.epoch && change_epoch(found.epoch, out) && !found.epoch.empty()) return ask(out);
  auto const before = last_.seq;
  for (auto& m : found.messages) {
    if (m.seq <= last_.seq) continue;
    skip_to(m.seq, out);
    hand_on(std::move(m), out);
  }
  if (found.more && !found.messages.empty()) {
    q.compare = last_.seq != before;  // otherwise the compared one left no room for another
    return ask(out);
  }
  skip_to(found.newest + 1, out);
  settle(out);
}

// Redis lost the room's head. What was said between is gone; what the new log holds is not. False when nothing was
// heard before.
bool sequencer::change_epoch(std::string const& epoch, actions& out) {
  bool const was = !last_.epoch.empty();
  if (was) out.emplace_back(say_epoch_over{last_.epoch, epoch});
  last_ = {epoch, 0};
  mark_ = 0;
  return was;
}

// Before `seq`, the log has nothing more. Perhaps a push has; the rest is a gap.
void sequencer::skip_to(std::uint64_t seq, actions& out) {
  if (last_.seq + 1 >= seq) return;
  auto const gap_before = [&](std::uint64_t next) {
    if (last_.seq + 1 < next) out.emplace_back(say_gap{last_.seq + 1, next - 1});
  };
  for (auto& h : inquiry_->held) {
    if (h.epoch != last_.epoch || h.what.seq <= last_.seq || h.what.seq >= seq) continue;
    gap_before(h.what.seq);
    hand_on(std::move(h.what), out);
  }
  std::erase_if(inquiry_->held, [](auto const& h) { return !h.what.what; });
  if (last_.seq + 1 >= seq) return;
  gap_before(seq);
  last_.seq = seq - 1;
  mark_ = 0;
}

// The log has no more: now those that were held meanwhile.
void sequencer::settle(actions& out) {
  auto& held = inquiry_->held;
  auto h = held.begin();
  for (; h != held.end(); ++h) {
    bool const same = h->epoch == last_.epoch;
    if (same && h->what.seq <= last_.seq) continue;
    bool const next = same ? h->what.seq == last_.seq + 1 : last_.epoch.empty() && h->what.seq == 1;
    // What came before the question was asked, and is not in the answer, was lost with an earlier epoch.
    if (!next && h->during != ticket_) continue;
    if (!next) break;
    last_.epoch = h->epoch;
    hand_on(std::move(h->what), out);
  }
  held.erase(held.begin(), h);
  if (held.empty() && !inquiry_->again) return inquiry_.reset();
  ask(out);
}

// The log will not tell. What the pushes brought is all there is, and the room must not fall silent.
void sequencer::give_up(actions& out) {
  if (inquiry_->asked == question::epoch) {
    out.emplace_back(say_epoch_over{last_.epoch, last_.epoch});
    known_ = false;
    mark_ = 0;
  }
  for (auto& h : std::exchange(inquiry_->held, {})) {
    if (!std::exchange(known_, true)) {
      last_ = {std::move(h.epoch), h.what.seq - 1};
    } else if (h.epoch != last_.epoch) {
      change_epoch(h.epoch, out);
    }
    if (h.what.seq <= last_.seq) continue;
    if (h.what.seq > last_.seq + 1) out.emplace_back(say_gap{last_.seq + 1, h.what.seq - 1});
    hand_on(std::move(h.what), out);
  }
  inquiry_.reset();
}

void sequencer::tell_lost(late_worker& one, std::uint64_t up_to, actions& out) const {
  if (one.had.epoch != last_.epoch) {
    if (!one.had.epoch.empty()) out.emplace_back(say_epoch_over{one.had.epoch, last_.epoch, one.worker});
    one.had = {last_.epoch, 0};
  }
  if (one.had.seq >= up_to) return;
  out.emplace_back(say_gap{one.had.seq + 1, up_to, one.worker});
  one.had.seq = up_to;
}

// What everybody else has had, for those that came later.
void sequencer::take_page_for_late(page& found, actions& out) {
  auto& q = *inquiry_;
  if (found.epoch != last_.epoch) {
    change_epoch(found.epoch, out);
    q.late.clear();  // all get the same now
    return ask(out);
  }
  bool const whole = !found.more || found.messages.empty() || found.messages.back().seq >= last_.seq;
  for (auto& one : q.late) {
    if (seq_here(one.had) < q.after) continue;  // came while this page was under way
    for (auto const& m : found.messages) {
      if (m.seq <= seq_here(one.had)) continue;
      if (m.seq > last_.seq) break;
      tell_lost(one, m.seq - 1, out);
      out.emplace_back(deliver{m.what, one.worker});
      one.had.seq = m.seq;
    }
    if (whole) tell_lost(one, last_.seq, out);
  }
  std::erase_if(q.late, [&](auto const& one) { return one.had == last_; });
  ask(out);
}

}  // namespace hiky::chat
