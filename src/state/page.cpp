// SPDX-License-Identifier: Apache-2.0
#include "state/page.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "state/ask.hpp"

namespace hiky::state {
namespace {

constexpr std::size_t sorted_at_once = 1000;

// The first letter of a cursor tells how the list is walked.
constexpr char sorted = 'k', scanned = 's';

std::vector<list_page::entry> entries(redis::value const& v, stored_as kind) {
  std::vector<list_page::entry> out;
  if (kind == stored_as::set) {
    for (auto& id : v.strings()) out.push_back({std::move(id), {}});
  } else {
    for (auto& [id, value] : v.pairs()) out.push_back({std::move(id), std::move(value)});
  }
  return out;
}

// Redis takes any number of 64 bits for a place in a scan.
bool is_scan_place(std::string_view text) {
  std::uint64_t place = 0;
  auto const [end, ec] = std::from_chars(text.data(), text.data() + text.size(), place);
  return ec == std::errc{} && end == text.data() + text.size();
}

}  // namespace

std::string make_cursor(std::string_view from) {
  std::string out;
  for (auto const c : from) out += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return out;
}

std::optional<std::string> read_cursor(std::string_view text) {
  std::string out;
  if (text.empty() || text.size() % 2 != 0) return std::nullopt;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    unsigned char byte = 0;
    auto const [end, ec] = std::from_chars(text.data() + i, text.data() + i + 2, byte, 16);
    if (ec != std::errc{} || end != text.data() + i + 2) return std::nullopt;
    out += static_cast<char>(byte);
  }
  return out;
}

list_page cut_page(std::vector<list_page::entry> all, page_wish const& wish) {
  list_page out;
  out.count = all.size();
  std::ranges::sort(all, {}, &list_page::entry::id);
  auto const after = std::string_view{wish.from}.substr(wish.from.empty() ? 0 : 1);
  auto const begin = wish.from.empty() ? all.begin() : std::ranges::upper_bound(all, after, {}, [](auto const& e) {
    return std::string_view{e.id};
  });
  auto const end = begin + std::min(static_cast<std::ptrdiff_t>(wish.limit), all.end() - begin);
  if (end != all.end()) out.next = sorted + (end - 1)->id;
  out.items.assign(std::make_move_iterator(begin), std::make_move_iterator(end));
  return out;
}

task<result<list_page>> read_page(redis::client& redis, stored_as kind, std::string key, page_wish wish,
                                  std::vector<std::string> also) {
  bool const is_set = kind == stored_as::set;
  bool const begins = wish.from.empty(), scans = wish.from.starts_with(scanned);
  std::string place{scans ? wish.from.substr(1) : "0"};
  if ((!begins && !scans && wish.from.front() != sorted) || (scans && !is_scan_place(place))) {
    co_return fail(errc::invalid_argument, std::string{foreign_cursor});
  }
  auto const size = co_await ask<std::size_t>(redis, is_set ? "SCARD" : "HLEN", key);
  if (!size) co_return std::unexpected(size.error());
  if (!scans && *size <= sorted_at_once) {
    std::string_view const command = is_set ? "SMEMBERS" : "HGETALL";
    auto const reply = co_await redis.exec(redis::request{command, key});
    if (!reply) co_return std::unexpected(in_context(reply.error(), command, key));
    auto all = entries((*reply)[0], kind);
    std::erase_if(
        also, [&](std::string const& id) { return std::ranges::find(all, id, &list_page::entry::id) != all.end(); });
    for (auto& id : also) all.push_back({std::move(id), {}});
    co_return cut_page(std::move(all), wish);
  }
  // A list that has outgrown sorting since its first page is walked from the beginning: some entries come twice, none
  // is left out, and no cursor makes Redis read a long list at once.
  std::string_view const command = is_set ? "SSCAN" : "HSCAN";
  auto const reply = co_await redis.exec(redis::request{command, key, place, "COUNT", wish.limit});
  if (!reply) co_return std::unexpected(in_context(reply.error(), command, key));
  auto const scan = (*reply)[0].items();
  if (scan.size() != 2)
    co_return std::unexpected(in_context({errc::unexpected_reply, "a scan without a cursor"}, command, key));
  list_page out{entries(scan[1], kind), *size + also.size(), {}};
  if (scan[0].text() != "0") out.next = scanned + std::string{scan[0].text()};
  else
    for (auto& id : also) out.items.push_back({std::move(id), {}});
  co_return out;
}

}  // namespace hiky::state
