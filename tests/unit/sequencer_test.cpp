// SPDX-License-Identifier: Apache-2.0
// The order of one room, by example. Random histories: sequencer_history_test.cpp.
#include "chat/delivery/sequencer.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sequencer_messages.hpp"

using namespace unit;
using testing::ElementsAre;
using testing::IsEmpty;

namespace {

sequencer::page page(std::string epoch, std::uint64_t newest, std::vector<std::uint64_t> const& seqs,
                     bool more = false) {
  sequencer::page out{std::move(epoch), newest, more, {}};
  for (auto const seq : seqs) out.messages.push_back(message(seq));
  return out;
}

struct printer {
  std::string operator()(sequencer::deliver const& a) const { return fmt::format("deliver {}", id_of(a.what)); }
  std::string operator()(sequencer::say_gap const& a) const { return fmt::format("gap {}-{}", a.from, a.to); }
  std::string operator()(sequencer::say_epoch_over const& a) const {
    return fmt::format("over {} now {}", a.was, a.now);
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

TEST(sequencer, costs_a_quiet_room_no_more_than_64_bytes) { EXPECT_LE(sizeof(sequencer), 64U); }

}  // namespace
