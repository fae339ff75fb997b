// SPDX-License-Identifier: Apache-2.0
// A twin of the sequencer that is too simple to be wrong: it knows what Redis has of the room, and what has been
// delivered. Every breach of the invariant is said by its name.
#pragma once
#include <fmt/format.h>

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

class sequencer_twin {
 protected:
  // Redis sends these.
  struct pushed {
    std::string epoch;
    std::uint64_t seq;
    std::size_t id;
  };
  struct confirmed {};
  struct learnt {
    message_place place;
  };
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
  using arrival = std::variant<pushed, confirmed, learnt, answered, began, refused>;

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

  bool knows_nothing() const { return heard_.anywhere; }

  void begins_at(message_place const& place) {
    if (knows_nothing()) heard_ = {false, place.epoch, place.seq};
  }

  // Takes what the action delivers or says, unless it is a question.
  bool tells(sequencer::action const& a) {
    if (auto const* d = std::get_if<sequencer::deliver>(&a)) gets(found(d->what));
    else if (auto const* g = std::get_if<sequencer::say_gap>(&a)) misses(*g);
    else if (auto const* o = std::get_if<sequencer::say_epoch_over>(&a)) over(*o);
    else return false;
    return true;
  }

  // All is said: the order is where the room is.
  void rests() {
    if (knows_nothing()) return breach("it knows a place that nothing told");
    auto const& [anywhere, epoch, seq] = heard_;
    if ((epoch == room_.epoch || epoch == "?") && seq == room_.seq) return;
    breach(fmt::format("it rests at {}:{}, the room at {}:{}", epoch, seq, room_.epoch, room_.seq));
  }

  redis_room room_;
  std::vector<pushed> messages_;  // by id
  bool went_back_ = false, gave_up_ = false;
  std::string breach_;
  std::size_t epochs_ = 0, changes_ = 0, overs_ = 0;

 private:
  pushed const& found(sequencer::payload const& p) {
    static pushed const nothing{};
    if (p) return messages_[id_of(p) - 1];
    breach("an empty payload");
    return nothing;
  }

  void gets(pushed const& m) {
    auto& [anywhere, epoch, seq] = heard_;
    if (anywhere) heard_ = {false, m.epoch, m.seq - 1};
    if (epoch == "?" || (epoch.empty() && seq == 0)) epoch = m.epoch;
    if (m.epoch != epoch) return breach(fmt::format("{}:{} came at {}:{}, another epoch", m.epoch, m.seq, epoch, seq));
    if (m.seq <= seq) return breach(fmt::format("{}:{} came twice or late, behind {}", m.epoch, m.seq, seq));
    if (m.seq > seq + 1) return breach(fmt::format("{}:{} came behind {}, and no gap was said", m.epoch, m.seq, seq));
    seq = m.seq;
  }

  void misses(sequencer::say_gap const& g) {
    auto& [anywhere, epoch, seq] = heard_;
    if (anywhere) return breach("a gap before anything");
    if (epoch.empty()) epoch = "?";
    if (g.from != seq + 1 || g.to < g.from) return breach(fmt::format("a gap {}-{} said at {}", g.from, g.to, seq));
    seq = g.to;
    if (went_back_ || gave_up_ || epoch != room_.epoch) return;
    for (auto const& [each, id] : room_.log) {
      if (each >= g.from && each <= g.to)
        return breach(fmt::format("a gap {}-{}, but the log holds {}", g.from, g.to, each));
    }
  }

  void over(sequencer::say_epoch_over const& o) {
    if (++overs_ > changes_ && !gave_up_) return breach("more epochs are over than there were");
    if (!knows_nothing()) heard_ = {o.was == o.now, o.now, 0};
  }

  // What was delivered or said: the twin's whole knowledge.
  struct {
    bool anywhere = true;  // nothing is known of where it begins
    std::string epoch{};  // "?": the next message tells
    std::uint64_t seq = 0;
  } heard_;
};

}  // namespace unit
