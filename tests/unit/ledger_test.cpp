// SPDX-License-Identifier: Apache-2.0
// The ledger alone: by example, then random histories of a connection, its client and its rooms against a twin that
// remembers everything.
#include "chat/delivery/ledger.hpp"

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <random>
#include <set>

using namespace hiky;
using hiky::chat::traffic;
using hiky::chat::delivery::ledger;
using hiky::chat::delivery::stream;
using hiky::state::message_place;

namespace {

std::string const tea = "tea", chess = "chess";
frame_ptr const some_frame = shared_frame::make("a frame", 0x81);

struct one_room : testing::Test {
  stream room{&tea, {}};
  ledger has;
  // A message comes over the bus; true when it goes to the client.
  bool comes(std::uint64_t seq, bool own = false, std::string epoch = "e") {
    if (room.last.epoch != epoch && !room.last.epoch.empty()) has.renumber(has.at(0));
    room.last = {std::move(epoch), seq};
    if (!has.takes(has.at(0), own)) return false;
    if (has.holds()) has.wait({some_frame, traffic::chat, room.last});
    else has.handed();
    return true;
  }
  std::uint64_t confirmed() { return has.debts().at(0).confirmed.seq; }
  // The room is left, with what it owes: all is mail behind `upto`.
  void lapses(message_place upto) { lapses(std::optional{ledger::standing{std::move(upto)}}); }
  void lapses(std::optional<ledger::standing> const& upto) {
    has.lapse(0, upto);
    has.leave(0);
  }
  using ranges = std::vector<std::pair<std::uint64_t, std::uint64_t>>;
  ranges owed() {
    ranges out;
    for (auto const& each : has.debts()) out.emplace_back(each.confirmed.seq + 1, each.to);
    return out;
  }
  bool owes(std::uint64_t seq) {
    auto const all = owed();
    return std::ranges::any_of(
        all, [&](auto const& each) { return seq >= each.first && (each.second == 0 || seq <= each.second); });
  }
};

}  // namespace

TEST_F(one_room, nothing_comes_live_of_before_the_user_takes_part_however_far_the_bus_is_behind) {
  has.enter(room, true, 0);
  has.begins({"e", 5});
  EXPECT_FALSE(comes(4));
  EXPECT_FALSE(has.will_come(tea, {"e", 5}));
  EXPECT_TRUE(has.will_come(tea, {"e", 6}));
  EXPECT_FALSE(comes(5));
  EXPECT_FALSE(has.has({"e", 5})) << "it may be mail";
  EXPECT_EQ(has.live_from(tea, "e"), 0u);
  EXPECT_TRUE(comes(6));
  EXPECT_EQ(has.live_from(tea, "e"), 6u);
  EXPECT_EQ(confirmed(), 5u);
}

// The storm's seed 653: a room begins a new epoch while a session enters it late.
TEST_F(one_room, what_waits_of_before_the_user_takes_part_is_not_handed_out) {
  has.enter(room, true, 0);
  has.hold();
  comes(1);
  comes(2);
  has.begins({"e", 2});
  EXPECT_EQ(has.live_from(tea, "e"), 0u);
  has.sent_aside(tea, {"e", 3, 6});
  EXPECT_TRUE(has.release().empty());
  EXPECT_FALSE(comes(3));
  EXPECT_TRUE(comes(7));
}

TEST_F(one_room, a_message_is_confirmed_by_the_pong_of_a_ping_that_was_sent_behind_it) {
  has.enter(room, true, 0);
  comes(4);
  comes(5);
  EXPECT_EQ(confirmed(), 3u);
  has.asked(7);
  comes(6);
  has.asked(8);  // while one is under way, nothing more is asked for
  has.answered(6);
  EXPECT_EQ(confirmed(), 3u) << "the pong of an earlier ping";
  has.answered(7);
  EXPECT_EQ(confirmed(), 5u);
  EXPECT_TRUE(has.unconfirmed());
  has.asked(9);
  has.answered(12);
  EXPECT_EQ(confirmed(), 6u) << "a pong answers all earlier pings too";
  EXPECT_FALSE(has.unconfirmed());
}

TEST_F(one_room, nothing_that_waits_is_confirmed) {
  has.enter(room, false, 0);
  has.hold();
  comes(1);
  EXPECT_FALSE(has.has({"e", 1}));
  has.asked(1);
  has.answered(1);
  EXPECT_EQ(confirmed(), 0u);
  EXPECT_EQ(has.waiting_bytes(), some_frame->bytes().size());
  EXPECT_EQ(has.release().size(), 1u);
  EXPECT_EQ(has.waiting_bytes(), 0u);
  EXPECT_TRUE(has.has({"e", 1}));
}

TEST_F(one_room, nothing_is_heard_of_a_room_that_the_user_turns_out_not_to_belong_to) {
  stream other{&chess, {"f", 9}};
  has.enter(room, false, 0);
  has.enter(other, false, 0);
  has.hold();
  comes(1);
  other.last = {"f", 10};
  ASSERT_TRUE(has.takes(has.at(1), false));
  has.wait({some_frame, traffic::chat, other.last});
  has.retract(0);
  has.leave(0);
  EXPECT_EQ(has.waiting_bytes(), some_frame->bytes().size());
  auto const heard = has.release();
  ASSERT_EQ(heard.size(), 1u);
  EXPECT_EQ(heard[0].place, (message_place{"f", 10}));
  EXPECT_FALSE(has.has({"e", 1})) << "mail may bring it, should the user enter the room again";
}

TEST_F(one_room, what_mail_or_replay_brought_does_not_come_live) {
  has.enter(room, false, 0);
  has.hold();
  comes(4);
  comes(5);
  has.brought({"e", 2, 4, false});
  auto const waited = has.release();
  ASSERT_EQ(waited.size(), 1u);
  EXPECT_EQ(waited[0].place.seq, 5u);
  has.brought({"e", 6, 7});
  EXPECT_FALSE(comes(6));
  EXPECT_FALSE(comes(7));
  EXPECT_TRUE(comes(8));
  for (std::uint64_t seq = 2; seq <= 8; ++seq) EXPECT_TRUE(has.has({"e", seq})) << seq;
  EXPECT_FALSE(has.has({"e", 1}));
  EXPECT_FALSE(has.has({"e", 9}));
  EXPECT_FALSE(has.has({"f", 5}));
}

TEST_F(one_room, a_room_that_was_left_and_entered_again_is_remembered) {
  has.enter(room, false, 0);
  comes(3);
  comes(4);
  has.leave(0);
  room.last.seq = 6;
  EXPECT_TRUE(has.has({"e", 4}));
  EXPECT_FALSE(has.has({"e", 5}));
  has.enter(room, false, 0);
  EXPECT_TRUE(comes(7));
  EXPECT_TRUE(has.has({"e", 3}));
  EXPECT_FALSE(has.has({"e", 6}));
}

TEST_F(one_room, a_place_that_is_resumed_from_says_nothing_of_the_messages_before) {
  has.enter(room, false, 0);
  has.claims({"e", 6}, false);
  EXPECT_TRUE(has.has({"e", 6}));
  EXPECT_FALSE(has.has({"e", 5}));
  has.was_given({"e", 4, 9});
  EXPECT_FALSE(has.has({"e", 5})) << "it did not say on which connection";
}

TEST_F(one_room, nothing_before_the_place_that_is_resumed_from_comes_live) {
  has.enter(room, false, 0);
  has.hold();
  comes(3);  // the bus is far behind
  has.claims({"e", 6}, false);
  comes(4);
  EXPECT_TRUE(has.release().empty());
  EXPECT_FALSE(comes(5));
  EXPECT_FALSE(comes(6));
  for (std::uint64_t seq = 3; seq <= 5; ++seq) EXPECT_FALSE(has.has({"e", seq})) << "it may come as mail";
  EXPECT_TRUE(comes(7));
  EXPECT_EQ(confirmed(), 6u);
}

// The bus is behind a failover, and Redis is asked already.
TEST_F(one_room, nothing_of_an_epoch_that_is_lost_comes_behind_what_the_new_one_has_said) {
  has.enter(room, false, 0);
  has.hold();
  comes(53);
  comes(54);
  has.claims({"e", 50}, false);
  has.brought({"new", 1, 1});
  has.lost("e");
  EXPECT_FALSE(comes(55)) << "it is of no use any more";
  EXPECT_FALSE(has.has({"e", 54}));
  comes(1, false, "new");
  comes(2, false, "new");
  auto const heard = has.release();
  ASSERT_EQ(heard.size(), 1u);
  EXPECT_EQ(heard[0].place, (message_place{"new", 2}));
  EXPECT_TRUE(comes(3, false, "new"));
  has.asked(1);
  has.answered(1);
  EXPECT_EQ(confirmed(), 3u);
}

TEST_F(one_room, an_epoch_that_was_lost_and_is_over_is_forgotten_with_the_release) {
  has.enter(room, false, 0);
  has.hold();
  comes(7, false, "new");
  has.lost("e");
  has.lost("what another client says");
  EXPECT_EQ(has.release().size(), 1u);
  EXPECT_TRUE(comes(8, false, "new"));
}

TEST_F(one_room, what_came_live_before_the_client_named_a_place_is_had) {
  has.enter(room, false, 0);
  comes(3);
  comes(4);
  has.claims({"e", 3}, false);
  EXPECT_TRUE(has.has({"e", 3}));
  EXPECT_TRUE(has.has({"e", 4}));
  EXPECT_TRUE(comes(5));
  EXPECT_EQ(confirmed(), 2u);
}

TEST_F(one_room, the_earlier_connection_of_the_client_says_what_it_has_before_its_place) {
  has.enter(room, false, 0);
  has.claims({"e", 6}, true);
  has.brought({"e", 7, 8});
  has.was_given({"e", 4, 9});
  EXPECT_FALSE(has.has({"e", 3}));
  for (std::uint64_t seq = 4; seq <= 8; ++seq) EXPECT_TRUE(has.has({"e", seq})) << seq;
  EXPECT_FALSE(has.has({"e", 9})) << "given to it, but behind what the client says it has";
}

TEST_F(one_room, what_was_given_goes_on_from_connection_to_connection) {
  has.enter(room, false, 0);
  has.claims({"e", 6}, true);
  has.was_given({"e", 4, 6});
  has.brought({"e", 7, 8});
  comes(9);
  auto const given = has.given();
  ASSERT_EQ(given.size(), 1u);
  EXPECT_EQ(given[0].first, 4u);
  EXPECT_EQ(given[0].last, 9u);
}

TEST_F(one_room, of_a_room_that_it_may_not_hear_any_more_it_owes_what_is_unconfirmed) {
  has.enter(room, false, 0);
  comes(4);
  lapses(room.last);
  EXPECT_EQ(owed(), (ranges{{4, 4}})) << "later messages are mail";
  has.asked(1);
  has.answered(1);
  EXPECT_TRUE(has.debts().empty());
}

TEST_F(one_room, what_lapses_while_a_ping_is_under_way_is_asked_for_by_the_next) {
  has.enter(room, false, 0);
  comes(4);
  has.asked(1);
  comes(5);
  lapses(room.last);
  has.answered(1);
  EXPECT_EQ(owed(), (ranges{{4, 5}}));
  EXPECT_TRUE(has.unconfirmed()) << "or nobody would ask";
  has.asked(2);
  has.answered(2);
  EXPECT_TRUE(has.debts().empty());
}

TEST_F(one_room, its_own_message_needs_no_receipt_unless_another_before_it_does) {
  has.enter(room, false, 0);
  comes(4, true);
  EXPECT_EQ(confirmed(), 4u);
  comes(5);
  comes(6, true);
  EXPECT_EQ(confirmed(), 4u);
  has.asked(1);
  has.answered(1);
  EXPECT_EQ(confirmed(), 6u);
  for (std::uint64_t seq = 7; seq < 100; ++seq) {
    comes(seq, true);
    lapses(room.last);
    EXPECT_EQ(owed(), ranges{});
    has.enter(room, false, 0);
  }
}

TEST_F(one_room, what_never_came_before_it_lapsed_is_owed_for_good_and_nothing_else) {
  has.enter(room, false, 0);
  comes(4);
  lapses({"e", 6});
  room.last.seq = 9;
  has.enter(room, false, 0);
  comes(10);
  lapses({"e", 12});
  has.asked(1);
  has.answered(1);
  EXPECT_EQ(owed(), (ranges{{5, 6}, {11, 12}}));
  room.last = {"f", 1};
  has.enter(room, false, 0);
  comes(2, false, "f");
  lapses({"g", 3});
  EXPECT_EQ(has.debts().back().confirmed, (message_place{"g", 0}));
  EXPECT_EQ(has.debts().back().to, 3u);
}

TEST_F(one_room, what_is_owed_to_nobody_knows_where_ends_where_the_room_is_heard_again) {
  has.enter(room, false, 0);
  comes(4);
  lapses(std::nullopt);
  EXPECT_EQ(owed(), (ranges{{4, 4}, {5, 0}}));
  room.last.seq = 8;
  has.enter(room, false, 0);
  comes(9);
  has.asked(1);
  has.answered(1);
  ASSERT_EQ(owed().size(), 2u);
  EXPECT_EQ(owed()[1], (std::pair<std::uint64_t, std::uint64_t>{5, 8}));
}

TEST_F(one_room, of_a_room_that_never_said_anything_here_it_owes_a_time) {
  has.enter(room, false, 500);
  has.lapse(0, ledger::standing{{"e", 7}, 900});
  has.leave(0);
  ASSERT_EQ(has.debts().size(), 1u);
  EXPECT_EQ(has.debts()[0].confirmed, (message_place{"", 500}));
  EXPECT_EQ(has.debts()[0].to, 900u);
}

TEST_F(one_room, tokens_that_come_and_go_leave_a_bounded_number_of_debts) {
  for (std::uint64_t n = 1; n <= 1000; ++n) {
    room.last = {"e", 3 * n - 1};
    has.enter(room, false, 0);
    comes(3 * n);
    lapses({"e", 3 * n + (n % 2)});
  }
  EXPECT_LE(has.debts().size(), 70u);
  for (std::uint64_t n = 1; n <= 1000; ++n) EXPECT_TRUE(owes(3 * n)) << n;
}

TEST_F(one_room, nothing_is_owed_twice_after_a_new_epoch) {
  has.enter(room, false, 5);
  EXPECT_EQ(has.debts().at(0).confirmed, (message_place{"", 5}));
  comes(40);
  comes(1, false, "f");
  EXPECT_EQ(has.debts().at(0).confirmed, (message_place{"f", 0}));
  EXPECT_FALSE(has.has({"f", 40}));
  EXPECT_TRUE(has.has({"e", 40})) << "mail of the old epoch may still come";
  has.asked(1);
  has.answered(1);
  EXPECT_EQ(has.debts().at(0).confirmed, (message_place{"f", 1}));
}

TEST_F(one_room, numbers_beyond_32_bits_are_numbers_too) {
  auto const big = (1ULL << 32) - 2;
  has.enter(room, false, 0);
  for (std::uint64_t i = 0; i < 6; ++i) EXPECT_TRUE(comes(big + i));
  EXPECT_EQ(confirmed(), big - 1);
  has.asked(1);
  has.answered(1);
  EXPECT_EQ(confirmed(), big + 5);
  EXPECT_TRUE(has.has({"e", big + 1}));
  EXPECT_FALSE(has.has({"e", big - 1}));
}

TEST(ledger, does_not_look_for_what_has_become_part_of_another_room) {
  stream first{&tea, {}}, second{&chess, {}};
  ledger has;
  has.enter(first, false, 0);
  has.enter(second, false, 0);
  has.brought({"e", 1, 2});  // of whichever room that is
  first.last = {"e", 3};
  EXPECT_TRUE(has.takes(has.at(0), false));
  EXPECT_TRUE(has.has({"e", 1}));
  second.last = {"f", 1};
  EXPECT_TRUE(has.takes(has.at(1), false));
}

TEST(ledger, is_no_larger_than_what_it_replaced) {
  EXPECT_LE(sizeof(ledger::entry), 32u);
  EXPECT_LE(sizeof(ledger), 48u);
}

namespace {

// A client and its connections, one after the other, to a few rooms. The twin knows each frame that left, in order, and
// what the client read.
class history {
 public:
  explicit history(std::uint32_t seed) : random_(seed) {
    for (std::size_t r = 0; r < rooms; ++r) streams_[r].name = &names[r];
  }

  void run(int steps) {
    connect({});
    for (int i = 0; i < steps; ++i) {
      step();
      if (testing::Test::HasFatalFailure()) return;
    }
    quiet();
  }

 private:
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

  std::size_t pick(std::size_t n) { return random_() % n; }

  void connect(std::map<std::size_t, message_place> claims) {
    has_ = ledger{};
    in_.clear();
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
  bool named_before(place const& p) const {
    auto const at = named_.find(p.first);
    return at != named_.end() && p.second <= at->second;
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

  // When the client has answered for everything, nothing is owed that it was given.
  void quiet() {
    release();
    for (int i = 0; i < 2; ++i) {
      ask();
      has_.answered(pings_);
    }
    auto const debts = has_.debts();
    ASSERT_FALSE(has_.unconfirmed());
    for (auto const& frame : sent_) {
      if (!frame.live || vague_.contains(frame.room)) continue;
      for (auto const& p : frame.places)
        ASSERT_FALSE(owes(debts, frame.room, p)) << p.first << ':' << p.second << " is owed for ever";
    }
  }

  void ask() {
    auto const number = ++pings_;
    bool const counts = !has_.asks() && has_.unconfirmed() && !has_.holds();
    has_.asked(number);
    if (counts) asked_at_[number] = sent_.size();
    sent_.push_back({0, {}, number});
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
    std::vector<place> expected;
    for (auto const& [r, p] : waiting_) {
      if (!handed_.contains(p) && !known_.contains(p) && !named_before(p)) expected.push_back(p);
    }
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
  std::size_t room_of(place const& p) const {
    for (auto const& [r, w] : waiting_) {
      if (w == p) return r;
    }
    return 0;
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

  std::mt19937 random_;
  std::array<stream, rooms> streams_{};
  std::array<message_place, rooms> newest_{};
  ledger has_;
  std::vector<std::size_t> in_;  // in the ledger's order
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
  std::uint32_t pings_ = 0;
  int epochs_ = 0;
};

}  // namespace

TEST(ledger, agrees_with_a_twin_through_random_histories) {
  for (std::uint32_t seed = 1; seed <= 2'000; ++seed) {
    history{seed}.run(500);
    ASSERT_FALSE(HasFatalFailure()) << "seed " << seed;
  }
}
