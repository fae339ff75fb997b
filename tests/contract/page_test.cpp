// SPDX-License-Identifier: Apache-2.0
#include "state/page.hpp"

#include <set>

#include "support/with_redis.hpp"

using namespace hiky;
using namespace testing;
using state::stored_as;

namespace {

struct pages : support::with_redis {
  state::list_page page(std::string const& from, std::size_t limit) {
    return ok(state::read_page(redis, stored_as::set, "list", {limit, from}));
  }
  void add(int from, int to) {
    for (int i = from; i < to; ++i) probe("SADD", "list", "u" + std::to_string(i));
  }
  // The users from `from` on, and the number of pages that they took.
  std::pair<std::set<std::string>, int> walk(std::string from, std::size_t limit) {
    std::set<std::string> all;
    int count = 0;
    do {
      auto const one = page(from, limit);
      EXPECT_LT(one.items.size(), 2 * limit);
      for (auto const& item : one.items) all.insert(item.id);
      from = one.next;
      ++count;
    } while (!from.empty() && count < 1000);
    return {all, count};
  }
};

}  // namespace

TEST_F(pages, a_short_list_is_sorted_and_cut_exactly) {
  add(10, 20);
  auto const first = page("", 7);
  EXPECT_EQ(first.items.size(), 7u);
  EXPECT_EQ(first.items[0].id, "u10");
  EXPECT_EQ(first.count, 10u);
  probe("SREM", "list", "u16");  // the last of the first page
  auto const second = page(first.next, 7);
  EXPECT_EQ(second.items.size(), 3u);
  EXPECT_EQ(second.items[0].id, "u17");
  EXPECT_EQ(second.next, "");
  EXPECT_EQ(page("", 9).next, "");
}

TEST_F(pages, a_long_list_is_walked_and_names_everybody) {
  add(0, 3000);
  auto const [all, count] = walk("", 200);
  EXPECT_EQ(all.size(), 3000u);
  EXPECT_GT(count, 10);
}

TEST_F(pages, a_list_that_grows_long_meanwhile_is_never_read_at_once) {
  add(0, 100);
  auto const first = page("", 50);
  add(100, 3000);
  auto const [rest, count] = walk(first.next, 200);
  EXPECT_EQ(rest.size(), 3000u) << "from the beginning again: nobody is left out";
  EXPECT_GT(count, 10);
}

TEST_F(pages, a_place_in_a_scan_that_is_none_does_no_harm) {
  add(0, 3000);
  EXPECT_LT(page("s18446744073709551615", 100).items.size(), 500u);
  for (auto const* from : {"s", "sx", "s-1", "s 1", "s18446744073709551616", "x", "7"}) {
    EXPECT_EQ(fault(state::read_page(redis, stored_as::set, "list", {100, from})).code, errc::invalid_argument) << from;
  }
}

TEST_F(pages, a_list_that_is_not_there_is_one_empty_page) {
  auto const none = page("", 10);
  EXPECT_THAT(none.items, IsEmpty());
  EXPECT_EQ(none.count, 0u);
  EXPECT_EQ(none.next, "");
}
