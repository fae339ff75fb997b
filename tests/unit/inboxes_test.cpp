// SPDX-License-Identifier: Apache-2.0
#include "chat/bus/inboxes.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <boost/asio/io_context.hpp>

#include <array>

using namespace hiky;
using namespace std::chrono_literals;
using chat::inboxes;
using testing::ElementsAre;
using testing::IsEmpty;
namespace notice = chat::notice;

namespace {

class inboxes_of_two_workers : public testing::Test {
 protected:
  inboxes_of_two_workers() {
    for (auto& each : got) {
      all.add([&each](inboxes::batch const& batch, std::chrono::steady_clock::time_point) {
        std::string read;
        for (auto const& m : batch) read += in_words(*m) + ' ';
        each.push_back(read);
      });
    }
    all.interrupted();  // the first time: there are no sessions to compare
    all.flush();
    for (auto& each : got) each.clear();
  }

  static std::string in_words(chat::bus_message const& m) {
    if (auto const* said = std::get_if<notice::message>(&m)) return fmt::format("{}{}", said->room, said->place.seq);
    if (auto const* lost = std::get_if<notice::gap>(&m)) return "gap-in-" + lost->room;
    if (auto const* again = std::get_if<notice::interrupted>(&m))
      return fmt::format("interrupted-{}", again->generation);
    return "other";
  }
  static inboxes::message said(std::string room, std::uint64_t seq) {
    return std::make_shared<chat::bus_message const>(notice::message{std::move(room), "c", {"e", seq}, {}});
  }
  static inboxes::message gap(std::string room) {
    return std::make_shared<chat::bus_message const>(notice::gap{std::move(room), {}});
  }
  static inboxes::message mail(std::string user) {
    return std::make_shared<chat::bus_message const>(notice::mail{std::move(user)});
  }
  void settle(std::chrono::milliseconds time = 0ms) {
    io.restart();
    io.run_for(time);
    io.poll();
  }
  void put(std::size_t worker, inboxes::message const& m) {
    chat::worker_set only;
    only.add(worker);
    all.put(only, m);
  }
  std::vector<std::string> take(std::size_t worker) { return std::exchange(got[worker], {}); }

  boost::asio::io_context io;
  inboxes all{io.get_executor(), 50ms};
  std::array<std::vector<std::string>, 2> got;
};

}  // namespace

TEST_F(inboxes_of_two_workers, hand_over_what_one_read_brought_together) {
  all.read_began();
  put(0, said("tea", 1));
  put(1, said("tea", 2));
  all.put_all(mail("alice"));
  EXPECT_THAT(take(0), IsEmpty());
  all.flush();
  EXPECT_THAT(take(0), ElementsAre("tea1 other "));
  EXPECT_THAT(take(1), ElementsAre("tea2 other "));
  all.flush();
  EXPECT_THAT(take(0), IsEmpty());
}

TEST_F(inboxes_of_two_workers, hand_nothing_over_after_an_interruption_before_the_worker_has_compared) {
  put(0, said("tea", 1));
  all.interrupted();
  EXPECT_THAT(take(0), ElementsAre("tea1 ", "interrupted-2 "));
  EXPECT_THAT(take(1), ElementsAre("interrupted-2 "));
  all.put_all(said("tea", 2));
  all.flush();
  all.compared(0, 1);  // of an earlier one
  settle();
  EXPECT_THAT(take(0), IsEmpty());
  EXPECT_FALSE(all.is_open(0));
  all.compared(0, 2);
  EXPECT_THAT(take(0), IsEmpty()) << "never inside the call";
  settle();
  EXPECT_THAT(take(0), ElementsAre("tea2 "));
  EXPECT_THAT(take(1), IsEmpty());
  EXPECT_TRUE(all.is_open(0));
}

TEST_F(inboxes_of_two_workers, wait_no_longer_than_their_patience) {
  all.interrupted();
  all.put_all(said("tea", 1));
  all.flush();
  settle(100ms);
  EXPECT_THAT(take(0), ElementsAre("interrupted-2 ", "tea1 "));
  EXPECT_TRUE(all.is_open(1));
}

TEST_F(inboxes_of_two_workers, stay_closed_while_there_is_no_connection) {
  all.interrupted();
  all.put_all(said("tea", 1));
  all.connection_lost();
  settle(100ms);
  EXPECT_FALSE(all.is_open(0));
  EXPECT_THAT(take(0), ElementsAre("interrupted-2 "));
  all.interrupted();
  EXPECT_THAT(take(0), ElementsAre("interrupted-3 "));
}

TEST_F(inboxes_of_two_workers, take_back_the_order_of_a_room_that_the_worker_gives_up) {
  all.interrupted();
  take(0);
  for (auto const& m : {said("tea", 1), gap("tea"), mail("alice"), said("chess", 1)}) all.put_all(m);
  all.take_back(0, "tea");
  all.compared(0, 2);
  all.compared(1, 2);
  settle();
  EXPECT_THAT(take(0), ElementsAre("other chess1 "));
  EXPECT_THAT(take(1), ElementsAre("interrupted-2 ", "tea1 gap-in-tea other chess1 "));
}
