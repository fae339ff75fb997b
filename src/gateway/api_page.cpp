// SPDX-License-Identifier: Apache-2.0
#include "gateway/api_page.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "state/ask.hpp"

namespace hiky::gateway {
namespace {

constexpr std::size_t largest_page = 1000;
constexpr std::size_t sorted_at_once = 1000;

// What a cursor says begins with how the list is walked, which must not change on the way.
constexpr char sorted = 'k', scanned = 's';

std::optional<std::string> read_cursor(std::string_view text) {
  std::string out;
  if (text.size() % 2 != 0) return std::nullopt;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    unsigned char byte = 0;
    auto const [end, ec] = std::from_chars(text.data() + i, text.data() + i + 2, byte, 16);
    if (ec != std::errc{} || end != text.data() + i + 2) return std::nullopt;
    out += static_cast<char>(byte);
  }
  return out;
}

std::vector<list_page::entry> entries(redis::value const& v, stored_as kind) {
  std::vector<list_page::entry> out;
  if (kind == stored_as::set) {
    for (auto& id : v.strings()) out.push_back({std::move(id), {}});
  } else {
    for (auto& [id, value] : v.pairs()) out.push_back({std::move(id), std::move(value)});
  }
  return out;
}

problem failed(error e, std::string_view command, std::string_view key) { return problem_of(state::in_context(std::move(e), command, key)); }

}  // namespace

problem bad_cursor() { return {http_status::bad_request, "invalid_argument", "this cursor is none of this list's; begin again without one"}; }

std::string make_cursor(std::string_view from) {
  std::string out;
  for (auto const c : from) out += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return out;
}

std::expected<page_wish, problem> wanted_page(api_call const& call) {
  page_wish out;
  if (auto const limit = call.parameter("limit")) {
    auto const [end, ec] = std::from_chars(limit->data(), limit->data() + limit->size(), out.limit);
    if (ec != std::errc{} || end != limit->data() + limit->size() || out.limit == 0 || out.limit > largest_page) {
      return std::unexpected(problem{http_status::bad_request, "invalid_argument", fmt::format("limit must be a number from 1 to {}", largest_page)});
    }
  }
  if (auto const cursor = call.parameter("cursor")) {
    auto from = read_cursor(*cursor);
    if (!from || from->empty()) return std::unexpected(bad_cursor());
    out.from = std::move(*from);
  }
  return out;
}

list_page cut_page(std::vector<list_page::entry> all, page_wish const& wish) {
  list_page out;
  out.count = all.size();
  std::ranges::sort(all, {}, &list_page::entry::id);
  auto const after = std::string_view{wish.from}.substr(wish.from.empty() ? 0 : 1);
  auto const begin = wish.from.empty() ? all.begin() : std::ranges::upper_bound(all, after, {}, [](auto const& e) { return std::string_view{e.id}; });
  auto const end = begin + std::min(static_cast<std::ptrdiff_t>(wish.limit), all.end() - begin);
  if (end != all.end()) out.next = sorted + (end - 1)->id;
  out.items.assign(std::make_move_iterator(begin), std::make_move_iterator(end));
  return out;
}

task<std::expected<list_page, problem>> stored_page(redis::client& redis, stored_as kind, std::string key, page_wish wish) {
  bool const is_set = kind == stored_as::set;
  if (!wish.from.empty() && wish.from.front() != sorted && wish.from.front() != scanned) co_return std::unexpected(bad_cursor());
  auto const size = co_await state::ask<std::size_t>(redis, is_set ? "SCARD" : "HLEN", key);
  if (!size) co_return std::unexpected(problem_of(size.error()));
  if (wish.from.empty() ? *size <= sorted_at_once : wish.from.front() == sorted) {
    std::string_view const command = is_set ? "SMEMBERS" : "HGETALL";
    auto const reply = co_await redis.exec(redis::request{command, key});
    if (!reply) co_return std::unexpected(failed(reply.error(), command, key));
    co_return cut_page(entries((*reply)[0], kind), wish);
  }
  auto const position = wish.from.empty() ? std::string{"0"} : wish.from.substr(1);
  if (position.empty() || position.find_first_not_of("0123456789") != std::string::npos) co_return std::unexpected(bad_cursor());
  std::string_view const command = is_set ? "SSCAN" : "HSCAN";
  auto const reply = co_await redis.exec(redis::request{command, key, position, "COUNT", wish.limit});
  if (!reply) co_return std::unexpected(failed(reply.error(), command, key));
  auto const scan = (*reply)[0].items();
  if (scan.size() != 2) co_return std::unexpected(failed({errc::unexpected_reply, "a scan without a cursor"}, command, key));
  list_page out{entries(scan[1], kind), *size, {}};
  if (scan[0].text() != "0") out.next = scanned + std::string{scan[0].text()};
  co_return out;
}

}  // namespace hiky::gateway
