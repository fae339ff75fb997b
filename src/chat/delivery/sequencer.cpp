// SPDX-License-Identifier: Apache-2.0
#include "chat/delivery/sequencer.hpp"

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

void sequencer::subscribed(actions& out) {
  if (!known_) return;
  if (inquiry_) {
    inquiry_->again = true;
    return;
  }
  inquiry_ = std::make_unique<inquiry>();
  ask(out);
}

void sequencer::connection_lost() {
  if (!inquiry_) return;
  ++ticket_;
  inquiry_.reset();
}

void sequencer::ask(actions& out) {
  auto& q = *inquiry_;
  q.again = false;
  q.asked = question::page;
  q.compared = q.compare && mark_ != 0;
  out.emplace_back(fetch{++ticket_, last_.seq - (q.compared ? 1 : 0)});
}

bool sequencer::expects(ticket number, question what) const {
  return inquiry_ && number == ticket_ && inquiry_->asked == what;
}

void sequencer::fetched(ticket number, page found, actions& out) {
  if (expects(number, question::page)) take_page(found, out);
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
  } else {
    give_up(out);
  }
}

}  // namespace hiky::chat
