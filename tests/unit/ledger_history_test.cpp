// SPDX-License-Identifier: Apache-2.0
// The ledger through random histories of a connection, its client and its rooms, against a twin.
#include <gtest/gtest.h>

#include "ledger_twin.hpp"

using namespace unit;

namespace {

// A client and its connections, one after the other, to a few rooms.
class history : ledger_twin {
 public:
  explicit history(std::uint32_t seed) : ledger_twin(seed) {}

  void run(int steps) {
    connect({});
    for (int i = 0; i < steps; ++i) {
      step();
      if (testing::Test::HasFatalFailure()) return;
    }
    quiet();
  }

 private:
  void connect(std::map<std::size_t, message_place> claims) {
    begin();
    in_.clear();
    if (!claims.empty() && pick(2) == 0) {
      // Messages of the bus wait meanwhile.
      has_.hold();
      for (auto const& [room, at] : claims) {
        has_.enter(streams_[room], false, 0);
        in_.push_back(room);
        for (auto n = pick(4); n > 0; --n) deliver(room);
      }
    }
    for (auto& [room, at] : claims)
      has_.claims(at, true), known_.insert({at.epoch, at.seq}), named_.insert({at.epoch, at.seq});
  }

  // The bus brings the next one of the log.
  void deliver(std::size_t r) {
    auto& s = streams_[r];
    if (newest_[r] == s.last) return;
    if (newest_[r].epoch != s.last.epoch) {
      if (auto const at = index_of(r); at != none) has_.renumber(has_.at(at));
      begun_.erase(r);
      s.last = {newest_[r].epoch, 0};
    }
    ++s.last.seq;
    auto const at = index_of(r);
    place const p{s.last.epoch, s.last.seq};
    if (at == none) return missed_by_nobody(r, p);
    bool const own = pick(6) == 0;
    if (begun_.insert(r).second) {
      std::erase_if(missed_, [&](auto const& each) {
        return each.first == r && each.second.first == p.first && each.second.second >= p.second;
      });
    }
    bool const takes = has_.takes(has_.at(at), own);
    check_taken(takes, own, p);
    if (!takes) return;
    if (has_.holds()) {
      has_.wait({some_frame, traffic::chat, s.last});
      waiting_.push_back({r, p});
    } else {
      has_.handed();
      send({r, {p}});
    }
  }

  static constexpr std::size_t none = ~std::size_t{};
  std::size_t index_of(std::size_t r) const {
    for (std::size_t i = 0; i < in_.size(); ++i) {
      if (in_[i] == r) return i;
    }
    return none;
  }

  void step() {
    auto const r = pick(rooms);
    switch (pick(15)) {
      case 0:
        if (index_of(r) == none) {
          has_.enter(streams_[r], false, 0);
          in_.push_back(r);
        }
        break;
      case 14: return lapse(r);
      case 1:
        if (auto const at = index_of(r); at != none && pick(3) == 0 && !has_.holds()) {
          has_.leave(at);
          for (auto& frame : sent_) frame.owed &= frame.room != r;  // of a room that was left, nothing is owed any more
          std::erase_if(missed_, [&](auto const& each) { return each.first == r; });
          out(at);
        }
        break;
      case 2: return ask();
      case 3: return arrive();
      case 4: return mail(r);
      case 5:
        if (!has_.holds()) has_.hold();
        break;
      case 6: return release();
      case 7:
        if (pick(8) == 0) return reconnect();
        break;
      case 8:
      case 9:
      case 10: publish(r); break;
      default: deliver(r); break;
    }
    check();
  }

  void out(std::size_t at) {
    begun_.erase(in_[at]);
    in_[at] = in_.back();
    in_.pop_back();
  }

  // Its user belongs to the room all the same. What it said before and did not come is owed; all later messages are
  // mail.
  void lapse(std::size_t r) {
    auto const at = index_of(r);
    auto const& last = streams_[r].last;
    if (at == none || last.epoch.empty()) return;
    auto const how = pick(4);
    auto const& upto = how == 1 ? newest_[r] : last;
    for (auto seq = upto.epoch == last.epoch ? last.seq + 1 : 1; how == 1 && seq <= upto.seq; ++seq) {
      missed_.insert({r, {upto.epoch, seq}});
      no_mail_.insert({r, {upto.epoch, seq}});
    }
    has_.lapse(at, how == 0 ? std::nullopt : std::optional{ledger::standing{upto}});
    has_.leave(at);
    out(at);
    if (how == 0) vague_.insert(r);
    lapsed_[r] = upto;
    check();
  }

  // When the client has answered for everything, nothing is owed that it was given.
  void quiet() {
    release();
    for (int i = 0; i < 2; ++i) {
      ask();
      has_.answered(pings_);
    }
    check_quiet();
  }

  void ask() {
    auto const number = ++pings_;
    bool const counts = !has_.asks() && has_.unconfirmed() && !has_.holds();
    has_.asked(number);
    if (counts) asked_at_[number] = sent_.size();
    sent_.push_back({0, {}, number});
  }

  // Some of the latest messages of a room come by mail, unless the connection has them.
  void mail(std::size_t r) {
    auto const& last = newest_[r];
    if (last.epoch.empty()) return;
    sent_frame frame{r, {}, 0, false};
    for (std::uint64_t back = pick(5) + 1; back-- > 0;) {
      if (back >= last.seq) continue;
      place const p{last.epoch, last.seq - back};
      if (has_.has({p.first, p.second})) continue;
      has_.brought({p.first, p.second, p.second, false});
      frame.places.push_back(p);
    }
    if (!frame.places.empty()) send(std::move(frame));
  }

  void release() {
    if (!has_.holds()) return;
    auto const waited = has_.release();
    auto const expected = awaited();
    ASSERT_EQ(waited.size(), expected.size());
    for (std::size_t i = 0; i < waited.size(); ++i) {
      ASSERT_EQ(waited[i].place.epoch, expected[i].first);
      ASSERT_EQ(waited[i].place.seq, expected[i].second);
      has_.handed();
      send({room_of(expected[i]), {expected[i]}});
    }
    waiting_.clear();
    check();
  }

  // The connection ends, and the client comes back: it names what it read last, and the connection on which.
  void reconnect() {
    auto const given = has_.given();
    check_debts();
    auto const read = read_;
    auto const last = std::exchange(last_read_, {});
    auto const before = known_;
    known_.clear();
    own_.clear();
    connect(last);
    for (auto const& g : given) has_.was_given(g);
    for (auto const& g : given) {
      for (auto seq = g.first; seq <= g.last; ++seq) {
        place const p{g.epoch, seq};
        if (!has_.has({p.first, p.second})) continue;
        ASSERT_TRUE(read.contains(p) || before.contains(p) || owned_.contains(p))
            << p.first << ':' << p.second << " is taken for had, and was not read";
        known_.insert(p);
      }
    }
    for (auto const& [r, at] : last) known_.insert({at.epoch, at.seq});
    last_read_ = last;
    check();
  }

  std::vector<std::size_t> in_;  // in the ledger's order
  std::uint32_t pings_ = 0;
};

}  // namespace

TEST(ledger, agrees_with_a_twin_through_random_histories) {
  for (std::uint32_t seed = 1; seed <= 2'000; ++seed) {
    history{seed}.run(500);
    ASSERT_FALSE(HasFatalFailure()) << "seed " << seed;
  }
}
