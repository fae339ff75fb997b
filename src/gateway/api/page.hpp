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

std::expected<page_wish, problem> wanted_page(api_call const& call);
problem bad_cursor();

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

// A page of ids, or what went wrong.
api_result ids_answer(result<list_page> const& page);

}  // namespace hiky::gateway
