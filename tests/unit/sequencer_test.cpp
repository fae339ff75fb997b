// SPDX-License-Identifier: Apache-2.0
// The order of one room: first by example, then random histories against a twin that is too simple to be wrong.
#include "chat/delivery/sequencer.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <deque>
#include <optional>
#include <random>

using namespace hiky;
using namespace hiky::chat;
using state::message_place;
using testing::ElementsAre;
using testing::IsEmpty;

namespace {

// A payload is a number that nobody looks behind.
sequencer::payload payload_of(std::size_t id) {
  return {std::shared_ptr<void>{}, reinterpret_cast<bus_message const*>(id)};  // NOLINT(performance-no-int-to-ptr)
}
std::size_t id_of(sequencer::payload const& p) { return reinterpret_cast<std::size_t>(p.get()); }

sequencer::message message(std::uint64_t seq, std::size_t id = 0) {
  return {seq, (id ? id : seq) * 2 + 1, payload_of(id ? id : seq)};
}

sequencer::page page(std::string epoch, std::uint64_t newest, std::vector<std::uint64_t> const& seqs,
                     bool more = false) {
  sequencer::page out{std::move(epoch), newest, more, {}};
  for (auto const seq : seqs) out.messages.push_back(message(seq));
  return out;
}

struct printer {
  static std::string who(std::size_t worker) {
    return worker == sequencer::everybody ? "" : fmt::format(" to {}", worker);
  }
  std::string operator()(sequencer::deliver const& a) const {
    return fmt::format("deliver {}{}", id_of(a.what), who(a.worker));
  }
  std::string operator()(sequencer::say_gap const& a) const {
    return fmt::format("gap {}-{}{}", a.from, a.to, who(a.worker));
  }
  std::string operator()(sequencer::say_epoch_over const& a) const {
    return fmt::format("over {} now {}{}", a.was, a.now, who(a.worker));
  }
  std::string operator()(sequencer::fetch const& a) const { return fmt::format("fetch after {}", a.after); }
  std::string operator()(sequencer::begin_epoch const& a) const { return fmt::format("begin epoch over {}", a.over); }
  std::string operator()(sequencer::wait const&) const { return "wait"; }
};

class sequencer_of_a_room : public testing::Test {
 protected:
  std::vector<std::string> took() {
    std::vector<std::string> said;
    for (auto const& a : out) {
      said.push_back(std::visit(printer{}, a));
      if (auto const* f = std::get_if<sequencer::fetch>(&a)) number = f->number;
      if (auto const* b = std::get_if<sequencer::begin_epoch>(&a)) number = b->number;
      if (auto const* w = std::get_if<sequencer::wait>(&a)) number = w->number;
    }
    out.clear();
    return said;
  }
  std::vector<std::string> push(std::string_view epoch, std::uint64_t seq, std::size_t id = 0) {
    order.pushed(epoch, message(seq, id), out);
    return took();
  }
  std::vector<std::string> answer(sequencer::page p) {
    order.fetched(number, std::move(p), out);
    return took();
  }
  std::vector<std::string> late(std::size_t worker, message_place place) {
    order.came_late(worker, std::move(place), out);
    return took();
  }
  std::vector<std::string> subscribed() {
    order.subscribed(out);
    return took();
  }
  std::vector<std::string> fails(bool for_now) {
    order.failed(number, for_now, out);
    return took();
  }

  sequencer order;
  sequencer::actions out;
  sequencer::ticket number = 0;
};

TEST_F(sequencer_of_a_room, delivers_what_is_next_and_nothing_twice) {
  EXPECT_THAT(push("A", 7), ElementsAre("deliver 7"));  // the first message tells where the room stands
  EXPECT_THAT(push("A", 8), ElementsAre("deliver 8"));
  EXPECT_THAT(push("A", 8), IsEmpty());
  EXPECT_THAT(push("A", 3), IsEmpty());
}

TEST_F(sequencer_of_a_room, asks_the_log_for_what_is_missing_and_hands_it_on_first) {
  push("A", 7);
  EXPECT_THAT(push("A", 9), ElementsAre("fetch after 6"));  // with the last one heard: is it still the same?
  EXPECT_THAT(push("A", 10), IsEmpty());
  EXPECT_THAT(answer(page("A", 10, {7, 8, 9, 10})), ElementsAre("deliver 8", "deliver 9", "deliver 10"));
  EXPECT_THAT(push("A", 10), IsEmpty());
  EXPECT_THAT(push("A", 11), ElementsAre("deliver 11"));
}

TEST_F(sequencer_of_a_room, says_a_gap_for_what_the_log_has_lost_and_takes_from_pushes_what_they_have) {
  push("A", 1);
  push("A", 5);
  push("A", 6);
  EXPECT_THAT(answer(page("A", 8, {8})), ElementsAre("gap 2-4", "deliver 5", "deliver 6", "gap 7-7", "deliver 8"));
  EXPECT_THAT(push("A", 9), ElementsAre("deliver 9"));
}

TEST_F(sequencer_of_a_room, reads_page_by_page) {
  push("A", 1);
  EXPECT_THAT(push("A", 5), ElementsAre("fetch after 0"));
  EXPECT_THAT(answer(page("A", 5, {1}, true)), ElementsAre("fetch after 1"));  // one message fills a page: not again
  EXPECT_THAT(answer(page("A", 5, {2, 3}, true)), ElementsAre("deliver 2", "deliver 3", "fetch after 2"));
  EXPECT_THAT(answer(page("A", 5, {3, 4, 5})), ElementsAre("deliver 4", "deliver 5"));
}

TEST_F(sequencer_of_a_room, says_that_an_epoch_is_over_and_hands_on_the_new_one_from_its_beginning) {
  push("A", 7);
  EXPECT_THAT(push("B", 3), ElementsAre("fetch after 6"));
  EXPECT_THAT(answer(page("B", 3, {})), ElementsAre("over A now B", "fetch after 0"));
  EXPECT_THAT(answer(page("B", 3, {1, 2, 3})), ElementsAre("deliver 1", "deliver 2", "deliver 3"));
}

TEST_F(sequencer_of_a_room, does_not_turn_in_circles_about_a_message_of_an_epoch_that_is_over) {
  push("A", 7);
  EXPECT_THAT(push("A", 9), ElementsAre("fetch after 6"));
  EXPECT_THAT(answer(page("B", 1, {})), ElementsAre("over A now B", "fetch after 0"));
  EXPECT_THAT(answer(page("B", 1, {1})), ElementsAre("deliver 1"));
  EXPECT_THAT(push("B", 2), ElementsAre("deliver 2"));
}

TEST_F(sequencer_of_a_room, begins_an_epoch_when_the_log_stands_behind_what_was_heard) {
  push("A", 7);
  EXPECT_THAT(subscribed(), ElementsAre("fetch after 6"));
  EXPECT_THAT(answer(page("A", 5, {})), ElementsAre("begin epoch over A"));
  EXPECT_THAT(push("A", 6, 60), IsEmpty());
  order.epoch_begun(number, out);
  EXPECT_THAT(took(), ElementsAre("fetch after 6"));
  EXPECT_THAT(answer(page("B", 0, {})), ElementsAre("over A now B", "fetch after 0"));
  EXPECT_THAT(answer(page("B", 0, {})), IsEmpty());
  EXPECT_THAT(push("B", 1), ElementsAre("deliver 1"));
}

TEST_F(sequencer_of_a_room, begins_an_epoch_when_the_log_tells_the_last_message_otherwise) {
  push("A", 7);
  EXPECT_THAT(subscribed(), ElementsAre("fetch after 6"));
  auto other = page("A", 8, {});
  other.messages = {message(7, 70), message(8)};
  EXPECT_THAT(answer(std::move(other)), ElementsAre("begin epoch over A"));
}

TEST_F(sequencer_of_a_room, waits_and_asks_again_when_the_log_cannot_answer_for_now) {
  push("A", 1);
  push("A", 3);
  EXPECT_THAT(fails(true), ElementsAre("wait"));
  EXPECT_THAT(push("A", 4), IsEmpty());
  order.waited(number, out);
  EXPECT_THAT(took(), ElementsAre("fetch after 0"));
  EXPECT_THAT(answer(page("A", 4, {1, 2, 3, 4})), ElementsAre("deliver 2", "deliver 3", "deliver 4"));
}

TEST_F(sequencer_of_a_room, goes_on_with_what_pushes_bring_when_the_log_never_answers) {
  push("A", 1);
  push("A", 3);
  push("A", 4);
  EXPECT_THAT(fails(false), ElementsAre("gap 2-2", "deliver 3", "deliver 4"));
  EXPECT_THAT(push("A", 5), ElementsAre("deliver 5"));
}

TEST_F(sequencer_of_a_room, ignores_answers_from_before_an_interruption) {
  push("A", 1);
  push("A", 3);
  order.connection_lost();
  EXPECT_THAT(answer(page("A", 3, {1, 2, 3})), IsEmpty());
  EXPECT_THAT(fails(true), IsEmpty());
  EXPECT_THAT(subscribed(), ElementsAre("fetch after 0"));
  EXPECT_THAT(answer(page("A", 3, {1, 2, 3})), ElementsAre("deliver 2", "deliver 3"));
}

TEST_F(sequencer_of_a_room, asks_once_more_when_the_subscription_begins_while_it_asks) {
  order.begin_at({"A", 1});
  EXPECT_THAT(push("A", 3), ElementsAre("fetch after 1"));
  EXPECT_THAT(subscribed(), IsEmpty());
  EXPECT_THAT(answer(page("A", 3, {2, 3})), ElementsAre("deliver 2", "deliver 3", "fetch after 2"));
  EXPECT_THAT(answer(page("A", 4, {3, 4})), ElementsAre("deliver 4"));
}

TEST_F(sequencer_of_a_room, gives_a_late_worker_all_that_the_others_have_had_page_by_page) {
  order.begin_at({"A", 0});
  for (std::uint64_t seq = 1; seq <= 5; ++seq) push("A", seq);
  EXPECT_THAT(late(2, {"A", 1}), ElementsAre("fetch after 1"));
  EXPECT_THAT(push("A", 6), IsEmpty());  // for nobody before the late one has the earlier ones
  EXPECT_THAT(answer(page("A", 6, {2, 4}, true)),
              ElementsAre("deliver 2 to 2", "gap 3-3 to 2", "deliver 4 to 2", "fetch after 4"));
  EXPECT_THAT(answer(page("A", 6, {5, 6})), ElementsAre("deliver 5 to 2", "fetch after 4"));
  EXPECT_THAT(answer(page("A", 6, {5, 6})), ElementsAre("deliver 6"));
}

TEST_F(sequencer_of_a_room, gives_each_late_worker_its_own_and_none_of_it_twice) {
  order.begin_at({"A", 0});
  for (std::uint64_t seq = 1; seq <= 4; ++seq) push("A", seq);
  EXPECT_THAT(late(1, {"A", 2}), ElementsAre("fetch after 2"));
  EXPECT_THAT(late(2, {"A", 1}), IsEmpty());
  EXPECT_THAT(late(3, {"A", 3}), IsEmpty());
  order.left(3);
  EXPECT_THAT(answer(page("A", 4, {3, 4})), ElementsAre("deliver 3 to 1", "deliver 4 to 1", "fetch after 1"));
  EXPECT_THAT(answer(page("A", 4, {2, 3, 4})),
              ElementsAre("deliver 2 to 2", "deliver 3 to 2", "deliver 4 to 2", "fetch after 3"));
  EXPECT_THAT(answer(page("A", 4, {4})), IsEmpty());
}

TEST_F(sequencer_of_a_room, a_late_worker_keeps_its_claim_through_an_interruption) {
  push("A", 4);
  EXPECT_THAT(late(1, {"A", 2}), ElementsAre("fetch after 2"));
  order.connection_lost();
  EXPECT_THAT(subscribed(), ElementsAre("fetch after 2"));
  EXPECT_THAT(answer(page("A", 4, {3, 4})), ElementsAre("deliver 3 to 1", "deliver 4 to 1", "fetch after 3"));
}

TEST_F(sequencer_of_a_room, says_all_loss_to_a_late_worker_whose_epoch_is_over) {
  push("B", 2);
  EXPECT_THAT(late(1, {"A", 9}), ElementsAre("fetch after 0"));
  EXPECT_THAT(answer(page("B", 2, {2})),
              ElementsAre("over A now B to 1", "gap 1-1 to 1", "deliver 2 to 1", "fetch after 1"));
}

// --- random histories ---

struct redis_room {
  std::string epoch;
  std::uint64_t seq = 0;
  std::deque<std::pair<std::uint64_t, std::size_t>> log;  // seq and id
};

// What a worker has: the twin's whole knowledge. Every breach of the invariant is said by its name.
struct hearer {
  bool hears = false;
  bool anywhere = false;  // nothing is known of where it begins
  std::string epoch;      // "?": the next message tells
  std::uint64_t seq = 0;
};

class history {
 public:
  history(std::uint64_t seed) : random_(seed), one_connection_(chance(50)), may_give_up_(chance(10)) {
    auto& first = hearers_[0];
    first.hears = true;
    if (chance(30)) {
      first.anywhere = true;
    } else {
      if (chance(50)) publish();
      order_.begin_at({room_.epoch, room_.seq});
      first.epoch = room_.epoch;
      first.seq = room_.seq;
    }
    connect();
  }

  // Empty when all went well.
  std::string run(std::size_t steps) {
    for (std::size_t i = 0; i < steps && breach_.empty(); ++i) step();
    if (breach_.empty()) come_to_rest();
    return breach_;
  }

 private:
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

  std::uint64_t below(std::uint64_t n) { return random_() % n; }
  bool chance(std::uint64_t percent) { return below(100) < percent; }
  void breach(std::string what) {
    if (breach_.empty()) breach_ = std::move(what);
  }
  std::string new_epoch() {
    ++changes_;
    return fmt::format("e{}", ++epochs_);
  }

  void publish() {
    if (room_.epoch.empty()) room_.epoch = new_epoch();
    messages_.push_back({room_.epoch, ++room_.seq, messages_.size()});
    room_.log.emplace_back(room_.seq, messages_.back().id);
    missed_ = !subscribed_ || chance(lossy_ ? 10 : 0);  // one that arrives tells of those before
    if (!missed_) pushes_.emplace_back(messages_.back());
  }

  void connect() {
    connected_ = subscribed_ = true;
    missed_ = false;
    pushes_.emplace_back(confirmed{});
  }

  void disconnect() {
    connected_ = subscribed_ = false;
    for (auto const& a : pushes_) {
      if (auto const* p = std::get_if<pushed>(&a); p && chance(30)) stale_.emplace_back(*p);
      if (auto const* p = std::get_if<answered>(&a); p && chance(30)) stale_.emplace_back(*p);
    }
    pushes_.clear();
    answers_.clear();
    if (question_ && chance(50))
      stale_.emplace_back(refused{std::visit([](auto const& q) { return number_of(q); }, *question_), chance(50)});
    question_.reset();
    order_.connection_lost();
  }

  template <class Question>
  static sequencer::ticket number_of(Question const& q) {
    if constexpr (requires { q.number; }) return q.number;
    else return 0;
  }

  // Redis does what was asked.
  void execute() {
    if (!question_) return;
    auto const q = *std::exchange(question_, std::nullopt);
    auto& way = one_connection_ ? pushes_ : answers_;
    if (std::holds_alternative<sequencer::wait>(q))
      return order_.waited(number_of(std::get<sequencer::wait>(q)), out_), perform();
    auto const number = std::visit([](auto const& a) { return number_of(a); }, q);
    if (failing_ && chance(20)) return way.emplace_back(refused{number, !may_give_up_ || chance(80)}), void();
    if (auto const* over = std::get_if<sequencer::begin_epoch>(&q)) {
      if (room_.epoch == over->over) room_ = {new_epoch(), 0, {}};
      if (failing_ && chance(20)) way.emplace_back(refused{number, true});  // the answer was lost, the deed was done
      else way.emplace_back(began{number});
      return;
    }
    auto const& f = std::get<sequencer::fetch>(q);
    sequencer::page found{room_.epoch, room_.seq, false, {}};
    auto const most = 1 + below(5);
    for (auto const& [seq, id] : room_.log) {
      if (seq <= f.after) continue;
      if (found.messages.size() == most) {
        found.more = true;
        break;
      }
      found.messages.push_back(message(seq, id + 1));
    }
    way.emplace_back(answered{number, std::move(found)});
  }

  void arrive(arrival a) {
    if (auto* p = std::get_if<pushed>(&a)) order_.pushed(p->epoch, message(p->seq, p->id + 1), out_);
    if (std::holds_alternative<confirmed>(a)) order_.subscribed(out_);
    if (auto* p = std::get_if<answered>(&a)) order_.fetched(p->number, std::move(p->page), out_);
    if (auto* b = std::get_if<began>(&a)) order_.epoch_begun(b->number, out_);
    if (auto* r = std::get_if<refused>(&a)) {
      gave_up_ |= !r->for_now;
      missed_ |= !r->for_now;
      order_.failed(r->number, r->for_now, out_);
    }
    perform();
  }

  void arrive_from(std::deque<arrival>& way) {
    if (way.empty()) return;
    auto a = std::move(way.front());
    way.pop_front();
    arrive(std::move(a));
  }

  // What nobody sends any more comes all the same. Not what Redis has lost, and not from an epoch before, where it
  // would be the first message of a room that knows of none: Redis does not do that within a connection.
  void arrive_stale() {
    if (stale_.empty() || !connected_) return;
    auto a = std::move(stale_.back());
    stale_.pop_back();
    if (auto const* p = std::get_if<pushed>(&a); p && p->epoch == room_.epoch && p->seq > room_.seq) return;
    if (auto const* p = std::get_if<pushed>(&a);
        p && (may_give_up_ || hearers_[0].anywhere || (p->epoch != room_.epoch && p->seq == 1)))
      return;
    arrive(std::move(a));
  }

  void worker_moves() {
    auto const worker = 1 + below(hearers_.size() - 1);
    auto& h = hearers_[worker];
    auto const& all = hearers_[0];
    if (h.hears) {
      h.hears = false;
      order_.left(worker);
      return;
    }
    h = all;
    if (chance(30) || heads_.empty() || all.epoch == "?") return;
    auto const place = chance(50) ? message_place{room_.epoch, room_.seq} : heads_[below(heads_.size())];
    if (all.anywhere) {
      for (auto& each : hearers_) {
        if (each.hears) each = {true, false, place.epoch, place.seq};
      }
    } else if (!all.epoch.empty() && (place.epoch != all.epoch || place.seq < all.seq)) {
      h = {true, false, place.epoch, place.seq};
    }
    order_.came_late(worker, place, out_);
    if (!connected_) {
      order_.connection_lost();
      out_.clear();
    }
    perform();
  }

  void step() {
    auto const what = below(1000);
    if (what < 250) publish();
    else if (what < 550) arrive_from(pushes_);
    else if (what < 700) execute();
    else if (what < 850) arrive_from(answers_);
    else if (what < 890) worker_moves();
    else if (what < 910) arrive_stale();
    else if (what < 930) lossy_ = chance(50), failing_ = chance(50);
    else if (what < 945) connected_ ? disconnect() : connect();
    else if (what < 960) heads_.push_back({room_.epoch, room_.seq});
    else if (what < 975)
      room_.log.erase(room_.log.begin(), room_.log.begin() + static_cast<long>(below(room_.log.size() + 1)));
    else if (what < 980) before_ = room_;
    else if (what < 985) go_back();
    else if (what < 988) room_ = {}, ++changes_, missed_ = true;
    else if (!connected_) connect();
  }

  void go_back() {
    if (!before_) return;
    if (connected_) disconnect();
    room_ = *std::exchange(before_, std::nullopt);
    went_back_ = true;
    ++changes_;
  }

  void come_to_rest() {
    lossy_ = failing_ = false;
    // A quiet room must not wait for its next message. Only what nothing tells of is found by the next subscription.
    for (int round = 0; round < 2; ++round) {
      if (!connected_ || missed_ || gave_up_) {
        if (connected_) disconnect();
        connect();
      }
      for (int i = 0; question_ || !pushes_.empty() || !answers_.empty(); ++i) {
        if (i > 100'000) return breach("it asks for ever");
        if (chance(80)) arrive_from(pushes_);
        if (chance(20)) execute();
        if (chance(20)) arrive_from(answers_);
      }
    }
    if (!order_.known()) return;
    for (std::size_t i = 0; i < hearers_.size(); ++i) {
      auto const& h = hearers_[i];
      if (!h.hears || h.anywhere) continue;
      bool const epoch = h.epoch == room_.epoch || h.epoch == "?";
      if (!epoch || h.seq != room_.seq) {
        breach(fmt::format("worker {} rests at {}:{}, the room at {}:{}", i, h.epoch, h.seq, room_.epoch, room_.seq));
      }
    }
  }

  void perform() {
    for (std::size_t i = 0; i < out_.size(); ++i) {
      auto& a = out_[i];
      if (auto const* d = std::get_if<sequencer::deliver>(&a))
        each(d->worker, [&](hearer& h) { gets(h, found(d->what)); });
      else if (auto const* g = std::get_if<sequencer::say_gap>(&a)) each(g->worker, [&](hearer& h) { misses(h, *g); });
      else if (auto const* o = std::get_if<sequencer::say_epoch_over>(&a)) over(*o);
      else if (i + 1 < out_.size()) breach("a question is not the last action");
      else if (question_) breach("two questions at a time");
      else question_ = a;
    }
    out_.clear();
  }

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

  std::mt19937_64 random_;
  bool one_connection_, may_give_up_;
  bool lossy_ = false, failing_ = false, connected_ = false, subscribed_ = false, missed_ = false, went_back_ = false,
       gave_up_ = false;
  redis_room room_;
  std::optional<redis_room> before_;
  std::vector<message_place> heads_;
  std::vector<pushed> messages_;  // by id
  std::deque<arrival> pushes_, answers_;
  std::vector<arrival> stale_;
  std::optional<sequencer::action> question_;
  std::array<hearer, 4> hearers_;
  sequencer order_;
  sequencer::actions out_;
  std::string breach_;
  std::size_t epochs_ = 0, changes_ = 0, overs_ = 0;
};

TEST(sequencer, keeps_its_promise_in_random_histories) {
  constexpr std::uint64_t histories = 20'000;
  constexpr std::size_t steps = 250;  // five millions in all
  for (std::uint64_t seed = 1; seed <= histories; ++seed) {
    auto const breach = history{seed}.run(steps);
    ASSERT_EQ(breach, "") << "seed " << seed;
  }
}

TEST(sequencer, costs_a_quiet_room_no_more_than_64_bytes) { EXPECT_LE(sizeof(sequencer), 64U); }

}  // namespace
