// SPDX-License-Identifier: Apache-2.0
// Pages of lists (state/page.hpp) as the API is asked for them, and as it answers.
#pragma once
#include <string>

#include "gateway/api/route.hpp"
#include "state/page.hpp"

namespace hiky::gateway {

using state::cut_page;
using state::list_page;
using state::make_cursor;
using state::page_wish;
using state::stored_as;

std::expected<page_wish, problem> wanted_page(api_call const& call);
problem bad_cursor();

// state::read_page, with what went wrong as the caller is told.
task<std::expected<list_page, problem>> stored_page(redis::client& redis, stored_as kind, std::string key,
                                                    page_wish wish);

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
