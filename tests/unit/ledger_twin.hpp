// SPDX-License-Identifier: Apache-2.0
// A twin of the ledger that remembers everything of a connection: each frame that left, in order, what the client read,
// and what its rooms have said. It checks what the ledger says.
#pragma once
#include <gtest/gtest.h>

#include <array>
#include <map>
#include <random>
#include <set>

#include "ledger_stage.hpp"

namespace unit {

class ledger_twin {
 protected:
  static constexpr std::size_t rooms = 3;
  inline static std::array<std::string, rooms> const names{"r0", "r1", "r2"};
  using place = std::pair<std::string, std::uint64_t>;  // epoch, seq

  struct sent_frame {
    std::size_t room;
    std::vector<place> places;
    std::uint32_t ping = 0;  // it is this ping
    bool live = true;  // a message frame; false: mail
    bool owed = true;
  };

  explicit ledger_twin(std::uint32_t seed) : random_(seed) {
    for (std::size_t r = 0; r < rooms; ++r) streams_[r].name = &names[r];
  }
  std::size_t pick(std::size_t n) { return random_() % n; }

  // Another connection begins. The messages that the client has of the one before are kept.
  void begin() {
    has_ = ledger{};
    handed_.clear();
    sent_.clear();
    arrived_ = 0;
    answered_ = 0;
    waiting_.clear();
    read_.clear();
    named_.clear();
    lapsed_.clear();
    no_mail_.clear();
    missed_.clear();
    mailed_.clear();
    vague_.clear();
    begun_.clear();
  }
  bool named_before(place const& p) const {
    auto const at = named_.find(p.first);
    return at != named_.end() && p.second <= at->second;
  }

  // The client is to get a message unless it has it, or has named a later one.
  void check_taken(bool takes, bool own, place const& p) {
    if (named_before(p)) {
      ASSERT_FALSE(takes) << "the client named a later one than " << p.first << ':' << p.second;
      return;
    }
    if (own || handed_.contains(p) || known_.contains(p)) {
      if (!(has_.holds() && !own)) ASSERT_FALSE(takes) << "it has " << p.first << ':' << p.second;
      if (own) own_.insert(p);
    }
    if (!own && !handed_.contains(p) && !known_.contains(p))
      ASSERT_TRUE(takes) << "it has not " << p.first << ':' << p.second;
  }

  void send(sent_frame frame) {
    for (auto const& p : frame.places)
      ASSERT_TRUE(handed_.insert(p).second) << p.first << ':' << p.second << " twice on one connection";
    sent_.push_back(std::move(frame));
  }

  // The room's log has one more; mail may bring it before the bus does.
  void publish(std::size_t r) {
    auto& newest = newest_[r];
    if (newest.epoch.empty() || (pick(400) == 0 && newest == streams_[r].last)) {
      newest = {"e" + std::to_string(++epochs_), 0};
      std::erase_if(missed_, [&](auto const& each) { return each.first == r; });  // no log has that any more
    }
    ++newest.seq;
  }

  // The bus brings it, and this connection is not in the room.
  void missed_by_nobody(std::size_t r, place const& p) {
    auto const upto = lapsed_.find(r);
    if (upto == lapsed_.end() || no_mail_.contains({r, p})) return;
    if (p.first != upto->second.epoch || p.second > upto->second.seq) mailed_.insert({r, p});
  }

  bool owes(std::vector<ledger::debt> const& debts, std::size_t r, place const& p) const {
    return std::ranges::any_of(debts, [&](ledger::debt const& each) {
      return each.room == names[r] && each.confirmed.epoch == p.first && p.second > each.confirmed.seq &&
             (each.to == 0 || p.second <= each.to);
    });
  }

  // Some of what is under way reaches the client, which answers pings and reads messages in order.
  void arrive() {
    for (auto n = pick(6); n > 0 && arrived_ < sent_.size(); --n) {
      auto const& frame = sent_[arrived_++];
      for (auto const& p : frame.places) {
        read_.insert(p);
        if (frame.live) last_read_[frame.room] = {p.first, p.second};
      }
      if (frame.ping != 0 && pick(4) != 0) {
        has_.answered(frame.ping);
        for (auto const& [number, upto] : asked_at_) {
          if (number <= frame.ping) answered_ = std::max(answered_, upto);
        }
        std::erase_if(asked_at_, [&](auto const& each) { return each.first <= frame.ping; });
      }
    }
  }

  // Of what has waited, the client is to get this.
  std::vector<place> awaited() const {
    std::vector<place> expected;
    for (auto const& [r, p] : waiting_) {
      if (!handed_.contains(p) && !known_.contains(p) && !named_before(p)) expected.push_back(p);
    }
    return expected;
  }
  std::size_t room_of(place const& p) const {
    for (auto const& [r, w] : waiting_) {
      if (w == p) return r;
    }
    return 0;
  }

  void check() {
    for (auto const& p : own_) owned_.insert(p);
    for (auto i = sent_.size(); i-- > 0 && i + 8 > sent_.size();) {
      for (auto const& p : sent_[i].places)
        ASSERT_TRUE(has_.has({p.first, p.second})) << p.first << ':' << p.second << " was handed to the client";
    }
    for (std::size_t r = 0; r < rooms; ++r) {
      auto const& last = streams_[r].last;
      for (std::uint64_t seq = last.seq > 12 ? last.seq - 12 : 1; seq <= last.seq; ++seq) {
        place const p{last.epoch, seq};
        bool const truth = handed_.contains(p) || known_.contains(p) || own_.contains(p);
        if (has_.has({p.first, p.second})) ASSERT_TRUE(truth) << p.first << ':' << p.second << " is not the client's";
        else ASSERT_FALSE(handed_.contains(p)) << p.first << ':' << p.second << " was handed to the client";
      }
    }
    check_debts();
  }

  // All is owed that was handed out behind the last ping that was answered, and what never came; and nothing that is
  // mail.
  void check_debts() {
    auto const debts = has_.debts();
    std::size_t scanned = 0;
    for (auto i = sent_.size(); i-- > answered_ && scanned < 40; ++scanned) {
      auto const& frame = sent_[i];
      if (!frame.live || !frame.owed) continue;
      for (auto const& p : frame.places) {
        if (p.first != streams_[frame.room].last.epoch) continue;
        ASSERT_TRUE(owes(debts, frame.room, p)) << p.first << ':' << p.second << " is taken for confirmed";
      }
    }
    for (auto const& [r, p] : missed_) ASSERT_TRUE(owes(debts, r, p)) << p.first << ':' << p.second << " never came";
    for (auto const& [r, p] : mailed_) {
      if (!vague_.contains(r)) ASSERT_FALSE(owes(debts, r, p)) << p.first << ':' << p.second << " is mail already";
    }
  }

  // The client has answered for everything: nothing is owed that it was given.
  void check_quiet() {
    auto const debts = has_.debts();
    ASSERT_FALSE(has_.unconfirmed());
    for (auto const& frame : sent_) {
      if (!frame.live || vague_.contains(frame.room)) continue;
      for (auto const& p : frame.places)
        ASSERT_FALSE(owes(debts, frame.room, p)) << p.first << ':' << p.second << " is owed for ever";
    }
  }

  std::mt19937 random_;
  std::array<stream, rooms> streams_{};
  std::array<message_place, rooms> newest_{};
  ledger has_;
  std::set<place> handed_, known_, own_, owned_, read_;
  std::map<std::string, std::uint64_t> named_;  // epoch → the client's last message, as it said on this connection
  std::vector<sent_frame> sent_;
  std::size_t arrived_ = 0, answered_ = 0;  // how many of `sent_` have arrived, and are confirmed
  std::map<std::uint32_t, std::size_t> asked_at_;
  std::vector<std::pair<std::size_t, place>> waiting_;
  std::map<std::size_t, message_place> last_read_;
  std::map<std::size_t, message_place> lapsed_;  // rooms, and up to where they are no mail
  std::set<std::pair<std::size_t, place>> missed_, no_mail_,
      mailed_;  // what had not come then, and may have since; what was said later
  std::set<std::size_t> vague_,
      begun_;  // rooms that lapsed nobody knows where; of which something came since they were entered
  int epochs_ = 0;
};

}  // namespace unit
