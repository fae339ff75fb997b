// SPDX-License-Identifier: Apache-2.0
#include "gateway/api/page.hpp"

#include <fmt/format.h>

#include <charconv>

#include "directory/foreign_text.hpp"

namespace hiky::gateway {

problem bad_cursor() { return {http_status::bad_request, "invalid_argument", std::string{state::foreign_cursor}}; }

std::expected<page_wish, problem> wanted_page(api_call const& call) {
  page_wish out;
  if (auto const limit = call.parameter("limit")) {
    auto const [end, ec] = std::from_chars(limit->data(), limit->data() + limit->size(), out.limit);
    if (ec != std::errc{} || end != limit->data() + limit->size() || out.limit == 0 ||
        out.limit > state::largest_page) {
      return std::unexpected(problem{http_status::bad_request, "invalid_argument",
                                     fmt::format("limit must be a number from 1 to {}", state::largest_page)});
    }
  }
  if (auto const cursor = call.parameter("cursor")) {
    auto from = state::read_cursor(*cursor);
    if (!from) return std::unexpected(bad_cursor());
    out.from = std::move(*from);
  }
  return out;
}

api_result ids_answer(result<list_page> const& page) {
  if (!page) return std::unexpected(problem_of(page.error()));
  return api_answer{page_json(*page, [](std::string& out, list_page::entry const& e) {
    append_json_string(out, directory::mended_utf8(e.id));
  })};
}

}  // namespace hiky::gateway
