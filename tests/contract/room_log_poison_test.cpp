// SPDX-License-Identifier: Apache-2.0
// Entries of a room's log that another program or a broken disk has spoilt: pages leave them out, and readers go on
// behind them.
#include "state/chat/room_log.hpp"
#include "support/with_redis.hpp"

namespace {

using namespace hiky;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::uint64_t beyond_all = 1ULL << 62;

class a_spoilt_log : public support::with_redis {
 protected:
  void add(std::string const& id, std::string const& frame) {
    probe("XADD", "ws:room_log:tea", id, "m", frame, "c", "c.1", "s", "bob", "t", "1");
    probe("HSET", "ws:room_head:tea", "epoch", "e", "seq", id.substr(0, id.find('-')));
  }
  void add_good(std::string const& id) { add(id, R"({"type":"message"})"); }
  static std::vector<std::uint64_t> numbers(state::log_page const& page) {
    std::vector<std::uint64_t> out;
    for (auto const& m : page.messages) out.push_back(m.seq);
    return out;
  }
  // All of the log, read as readers do: behind the last message of each page.
  std::vector<std::uint64_t> walk(std::size_t most, bool forward) {
    std::vector<std::uint64_t> all;
    auto edge = forward ? std::uint64_t{0} : beyond_all;
    for (int i = 0; i < 100; ++i) {
      auto const page = forward ? ok(log_.after(room, edge, most)) : ok(log_.before(room, edge, most));
      auto const found = numbers(page);
      all.insert(forward ? all.end() : all.begin(), found.begin(), found.end());
      if (!page.more) return all;
      if (found.empty()) break;
      edge = forward ? found.back() : found.front();
    }
    ADD_FAILURE() << "the walk does not end";
    return all;
  }

  room_id const room{"tea"};
  state::room_log log_{redis, 1, {}};
};

TEST_F(a_spoilt_log, leaves_out_what_is_no_json_object_in_utf_8) {
  add_good("1-0");
  int number = 1;
  for (std::string const bad : {"\xff\xfe", "{\"a\":\"\xff\"}", "", "nonsense", "[1]", "{", "{}{}"})
    add(std::to_string(++number) + "-0", bad);
  probe("XADD", "ws:room_log:tea", "9-0", "c", "c.1");
  add_good("10-0");
  EXPECT_THAT(numbers(ok(log_.after(room, 0, 100))), ElementsAre(1, 10));
  EXPECT_THAT(log.lines("room.poison"), ElementsAre(testing::AllOf(HasSubstr("room=tea"), HasSubstr("entries=8"))));
}

TEST_F(a_spoilt_log, is_read_to_its_end_in_pages_of_any_size) {
  for (int i = 1; i <= 12; ++i) {
    if (i % 4 == 1) add_good(std::to_string(i) + "-0");
    else add(std::to_string(i) + "-0", "nonsense");
  }
  for (std::size_t const most : {1U, 2U, 3U, 5U, 100U}) {
    EXPECT_THAT(walk(most, true), ElementsAre(1, 5, 9)) << most;
    EXPECT_THAT(walk(most, false), ElementsAre(1, 5, 9)) << most;
  }
  auto const last = ok(log_.after(room, 9, 1));
  EXPECT_THAT(last.messages, IsEmpty());
  EXPECT_FALSE(last.more);
  EXPECT_EQ(last.newest, 12U);
}

TEST_F(a_spoilt_log, holds_up_nobody_with_ids_that_are_no_numbers_of_messages) {
  for (auto const* id : {"1-0", "2-0", "3-0"}) add_good(id);
  add("3-1", "nonsense");
  add_good("3-2");
  add_good("4-0");
  add("9007199254740993-0", "nonsense");  // 2^53 + 1
  add("9007199254740994-0", "nonsense");
  for (std::size_t const most : {1U, 2U, 100U}) {
    EXPECT_THAT(walk(most, true), ElementsAre(1, 2, 3, 4)) << most;
    EXPECT_THAT(walk(most, false), ElementsAre(1, 2, 3, 4)) << most;
  }
}

}  // namespace
