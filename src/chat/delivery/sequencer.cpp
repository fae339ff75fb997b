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
    // A message for all would stand behind those that these have not had yet.
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

}  // namespace hiky::chat
