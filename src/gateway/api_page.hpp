// SPDX-License-Identifier: Apache-2.0
// Lists that may be long, a page at a time. A cursor says where the next page begins; callers hand it back and never look inside.
#pragma once
#include <string>
#include <vector>

#include "gateway/api_route.hpp"
#include "redis/client.hpp"

namespace hiky::gateway {

struct page_wish {
  std::size_t limit = 100;
  std::string from;  // what make_cursor got; empty: from the beginning
};
std::expected<page_wish, problem> wanted_page(api_call const& call);
std::string make_cursor(std::string_view from);
problem bad_cursor();

struct list_page {
  struct entry {
    std::string id, value;  // a set's have no value
  };
  std::vector<entry> items;
  std::size_t count = 0;  // of the whole list
  std::string next;       // for make_cursor; empty: this was the last page
};

enum class stored_as { set, hash };
// A page of a Redis set or hash. One of up to 1,000 entries comes sorted and is cut exactly. A longer one is walked with SSCAN or HSCAN, in
// pages of about the size asked for: who was in it all the time comes, and may come twice.
task<std::expected<list_page, problem>> stored_page(redis::client& redis, stored_as kind, std::string key, page_wish wish);

// Sorts `all`, and cuts the page out of it.
list_page cut_page(std::vector<list_page::entry> all, page_wish const& wish);

// `{"items":[…],"count":…,"next":…}`, with `item` appending the JSON of each.
template <class Item>
std::string page_json(list_page const& page, Item item) {
  std::string out{"{\"items\":["};
  for (bool first = true; auto const& entry : page.items) {
    if (!std::exchange(first, false)) out += ',';
    item(out, entry);
  }
  out += "],\"count\":" + std::to_string(page.count) + ",\"next\":";
  if (page.next.empty()) out += "null";
  else append_json_string(out, make_cursor(page.next));
  return out += '}';
}

}  // namespace hiky::gateway
