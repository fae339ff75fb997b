// SPDX-License-Identifier: Apache-2.0
// The order of one room through random histories, against a twin: messages, interruptions, lost and late answers, and a
// Redis that loses or goes back.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <deque>
#include <optional>
#include <random>
#include <variant>

#include "sequencer_twin.hpp"

using namespace unit;

namespace {

class history : sequencer_twin {
 public:
  history(std::uint64_t seed) : random_(seed), one_connection_(chance(50)), may_give_up_(chance(10)) {
    if (chance(70)) {
      if (chance(50)) publish();
      begin_at({room_.epoch, room_.seq});
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
  std::uint64_t below(std::uint64_t n) { return random_() % n; }
  bool chance(std::uint64_t percent) { return below(100) < percent; }

  void begin_at(message_place place) {
    begins_at(place);
    order_.begin_at(std::move(place));
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
    if (knows_nothing() && chance(50)) pushes_.emplace_back(learnt{{room_.epoch, room_.seq}});
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
    way.emplace_back(answered{number, room_.page_behind(f.after, 1 + below(5))});
  }

  void arrive(arrival a) {
    if (auto* p = std::get_if<pushed>(&a)) order_.pushed(p->epoch, message(p->seq, p->id + 1), out_);
    if (std::holds_alternative<confirmed>(a)) order_.subscribed(out_);
    if (auto* l = std::get_if<learnt>(&a)) begin_at(std::move(l->place));
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

  // A message that nobody sends any more comes all the same. Not one that Redis has lost, and not one from an epoch
  // before, where it would be the first of a room that knows of none: Redis does not do that within a connection.
  void arrive_stale() {
    if (stale_.empty() || !connected_) return;
    auto a = std::move(stale_.back());
    stale_.pop_back();
    if (auto const* p = std::get_if<pushed>(&a); p && p->epoch == room_.epoch && p->seq > room_.seq) return;
    if (auto const* p = std::get_if<pushed>(&a);
        p && (may_give_up_ || knows_nothing() || (p->epoch != room_.epoch && p->seq == 1)))
      return;
    arrive(std::move(a));
  }

  void step() {
    auto const what = below(1000);
    if (what < 265) publish();
    else if (what < 585) arrive_from(pushes_);
    else if (what < 745) execute();
    else if (what < 905) arrive_from(answers_);
    else if (what < 925) arrive_stale();
    else if (what < 945) lossy_ = chance(50), failing_ = chance(50);
    else if (what < 960) connected_ ? disconnect() : connect();
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
    if (order_.known()) rests();
  }

  void perform() {
    for (std::size_t i = 0; i < out_.size(); ++i) {
      auto const& a = out_[i];
      if (tells(a)) continue;
      if (i + 1 < out_.size()) breach("a question is not the last action");
      else if (question_) breach("two questions at a time");
      else question_ = a;
    }
    out_.clear();
  }

  std::mt19937_64 random_;
  bool one_connection_, may_give_up_;
  bool lossy_ = false, failing_ = false, connected_ = false, subscribed_ = false, missed_ = false;
  std::optional<redis_room> before_;
  std::deque<arrival> pushes_, answers_;
  std::vector<arrival> stale_;
  std::optional<sequencer::action> question_;
  sequencer order_;
  sequencer::actions out_;
};

TEST(sequencer, keeps_its_promise_in_random_histories) {
  constexpr std::uint64_t histories = 20'000;
  constexpr std::size_t steps = 250;  // five millions in all
  for (std::uint64_t seed = 1; seed <= histories; ++seed) {
    auto const breach = history{seed}.run(steps);
    ASSERT_EQ(breach, "") << "seed " << seed;
  }
}

}  // namespace
