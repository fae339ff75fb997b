// SPDX-License-Identifier: Apache-2.0
// Part of sequencer: what a page of the room's log says, and what is done when the log does not answer.
#include <utility>

#include "chat/delivery/sequencer.hpp"

namespace hiky::chat {

void sequencer::take_page(page& found, actions& out) {
  auto& q = *inquiry_;
  if (!last_.epoch.empty() && found.epoch == last_.epoch) {
    auto const* latest = q.compared && !found.messages.empty() ? &found.messages.front() : nullptr;
    if (found.newest < last_.seq || (latest && latest->seq == last_.seq && latest->mark != mark_)) {
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

// Redis lost the room's head. Messages of the time between are gone; those in the new log are not. False when nothing
// was said before.
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
    // A message that came before the question was asked, and is not in the answer, was lost with an earlier epoch.
    if (!next && h->during != ticket_) continue;
    if (!next) break;
    last_.epoch = h->epoch;
    hand_on(std::move(h->what), out);
  }
  held.erase(held.begin(), h);
  if (held.empty() && !inquiry_->again) return inquiry_.reset();
  ask(out);
}

// The log will not tell. The messages of the pushes are all there are, and the room must not fall silent.
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

}  // namespace hiky::chat
