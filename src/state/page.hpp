// SPDX-License-Identifier: Apache-2.0
// Lists that may be long, a page at a time. A cursor says where the next page begins; callers hand it back and never
// look inside.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/async.hpp"
#include "base/error.hpp"
#include "redis/client.hpp"

namespace hiky::state {

inline constexpr std::size_t largest_page = 1000;

struct page_wish {
  std::size_t limit = 100;
  std::string from{};  // the text that make_cursor was given; empty: from the beginning
};

// A cursor as callers see it, and the text in it; nothing for a text that is no cursor.
inline constexpr std::string_view foreign_cursor = "this cursor is none of this list's; begin again without one";
std::string make_cursor(std::string_view from);
std::optional<std::string> read_cursor(std::string_view text);

struct list_page {
  struct entry {
    std::string id, value;  // a set's have no value
  };
  std::vector<entry> items;
  std::size_t count = 0;  // of the whole list
  std::string next;       // for make_cursor; empty: this was the last page
};

enum class stored_as { set, hash };
// A page of a Redis set or hash. One of up to 1,000 entries comes sorted and is cut exactly. A longer one is walked
// with SSCAN or HSCAN, in pages of about the size asked for: an entry that was in it all the time comes, and may
// come twice. invalid_argument: the cursor is none of this list's. `also`: entries that belong to a set though they are
// not stored in it; those of a longer set come with the last page.
task<result<list_page>> read_page(redis::client& redis, stored_as kind, std::string key, page_wish wish,
                                  std::vector<std::string> also = {});

// Sorts `all`, and cuts the page out of it.
list_page cut_page(std::vector<list_page::entry> all, page_wish const& wish);

}  // namespace hiky::state
