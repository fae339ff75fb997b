// SPDX-License-Identifier: Apache-2.0
// A twin of the sequencer that is too simple to be wrong: it knows what Redis has of the room, and what each worker has
// been told. Every breach of the invariant is said by its name.
#pragma once
#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <deque>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "sequencer_messages.hpp"

namespace unit {

using state::message_place;

struct redis_room {
  // At most `most` of the log behind `after`.
  sequencer::page page_behind(std::uint64_t after, std::size_t most) const {
    sequencer::page found{epoch, seq, false, {}};
    for (auto const& [each, id] : log) {
      if (each <= after) continue;
      if (found.messages.size() == most) {
        found.more = true;
        break;
      }
      found.messages.push_back(message(each, id + 1));
    }
    return found;
  }

  std::string epoch;
  std::uint64_t seq = 0;
  std::deque<std::pair<std::uint64_t, std::size_t>> log;  // seq and id
};

// The messages that a worker has: the twin's whole knowledge.
struct hearer {
  bool hears = false;
  bool anywhere = false;  // nothing is known of where it begins
  std::string epoch;  // "?": the next message tells
  std::uint64_t seq = 0;
};

class sequencer_twin {
 protected:
  // Redis sends these.
  struct pushed {
    std::string epoch;
    std::uint64_t seq;
    std::size_t id;
  };
  struct confirmed {};
  struct answered {
    sequencer::ticket number;
    sequencer::page page;
  };
  struct began {
    sequencer::ticket number;
  };
  struct refused {
    sequencer::ticket number;
    bool for_now;
  };
  using arrival = std::variant<pushed, confirmed, answered, began, refused>;

  void breach(std::string what) {
    if (breach_.empty()) breach_ = std::move(what);
  }
  std::string new_epoch() {
    ++changes_;
    return fmt::format("e{}", ++epochs_);
  }

  template <class Question>
  static sequencer::ticket number_of(Question const& q) {
    if constexpr (requires { q.number; }) return q.number;
    else return 0;
  }

  // A worker comes late, and has what came up to `place`. Where nothing was known of the room, that tells it to all.
  void comes_late(std::size_t worker, message_place const& place) {
    auto const& all = hearers_[0];
    if (all.anywhere) {
      for (auto& each : hearers_) {
        if (each.hears) each = {true, false, place.epoch, place.seq};
      }
    } else if (!all.epoch.empty() && (place.epoch != all.epoch || place.seq < all.seq)) {
      hearers_[worker] = {true, false, place.epoch, place.seq};
    }
  }

  // Tells the workers, unless the action is a question.
  bool tells(sequencer::action const& a) {
    if (auto const* d = std::get_if<sequencer::deliver>(&a))
      each(d->worker, [&](hearer& h) { gets(h, found(d->what)); });
    else if (auto const* g = std::get_if<sequencer::say_gap>(&a)) each(g->worker, [&](hearer& h) { misses(h, *g); });
    else if (auto const* o = std::get_if<sequencer::say_epoch_over>(&a)) over(*o);
    else return false;
    return true;
  }

  // All is said: each worker is where the room is.
  void rests() {
    for (std::size_t i = 0; i < hearers_.size(); ++i) {
      auto const& h = hearers_[i];
      if (!h.hears || h.anywhere) continue;
      bool const epoch = h.epoch == room_.epoch || h.epoch == "?";
      if (!epoch || h.seq != room_.seq) {
        breach(fmt::format("worker {} rests at {}:{}, the room at {}:{}", i, h.epoch, h.seq, room_.epoch, room_.seq));
      }
    }
  }

  redis_room room_;
  std::vector<pushed> messages_;  // by id
  std::array<hearer, 4> hearers_;
  bool went_back_ = false, gave_up_ = false;
  std::string breach_;
  std::size_t epochs_ = 0, changes_ = 0, overs_ = 0;

 private:
  template <class Act>
  void each(std::size_t worker, Act act) {
    if (worker != sequencer::everybody && !hearers_[worker].hears) return breach("told to a worker that has left");
    for (std::size_t i = 0; i < hearers_.size(); ++i) {
      if (hearers_[i].hears && (worker == sequencer::everybody || worker == i)) act(hearers_[i]);
    }
  }

  pushed const& found(sequencer::payload const& p) {
    static pushed const nothing{};
    if (p) return messages_[id_of(p) - 1];
    breach("an empty payload");
    return nothing;
  }

  void gets(hearer& h, pushed const& m) {
    if (h.anywhere) h = {true, false, m.epoch, m.seq - 1};
    if (h.epoch == "?" || (h.epoch.empty() && h.seq == 0)) h.epoch = m.epoch;
    if (m.epoch != h.epoch)
      return breach(fmt::format("{}:{} came to one at {}:{}, another epoch", m.epoch, m.seq, h.epoch, h.seq));
    if (m.seq <= h.seq) return breach(fmt::format("{}:{} came twice or late, behind {}", m.epoch, m.seq, h.seq));
    if (m.seq > h.seq + 1)
      return breach(fmt::format("{}:{} came behind {}, and no gap was said", m.epoch, m.seq, h.seq));
    h.seq = m.seq;
  }

  void misses(hearer& h, sequencer::say_gap const& g) {
    if (h.anywhere) return breach("a gap before anything");
    if (h.epoch.empty()) h.epoch = "?";
    if (g.from != h.seq + 1 || g.to < g.from)
      return breach(fmt::format("a gap {}-{} said to one at {}", g.from, g.to, h.seq));
    h.seq = g.to;
    if (went_back_ || gave_up_ || h.epoch != room_.epoch) return;
    for (auto const& [seq, id] : room_.log) {
      if (seq >= g.from && seq <= g.to)
        return breach(fmt::format("a gap {}-{}, but the log holds {}", g.from, g.to, seq));
    }
  }

  void over(sequencer::say_epoch_over const& o) {
    if (o.worker == sequencer::everybody && ++overs_ > changes_ && !gave_up_)
      return breach("more epochs are over than there were");
    each(o.worker, [&](hearer& h) {
      if (!h.anywhere) h = {true, o.was == o.now, o.now, 0};
    });
  }
};

}  // namespace unit
