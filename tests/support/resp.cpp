// SPDX-License-Identifier: Apache-2.0
#include "support/resp.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <map>
#include <stdexcept>

#include "redis/script.hpp"
#include "scripts.hpp"

namespace support {
namespace {

std::string const* script_of(std::string_view sha1) {
  static auto const all = [] {
    std::map<std::string, std::string, std::less<>> out;
    for (auto const& file : hiky::state::scripts::all)
      out.emplace(hiky::redis::script{file.text}.sha1(), std::string{file.name});
    return out;
  }();
  auto const found = all.find(sha1);
  return found == all.end() ? nullptr : &found->second;
}

std::string bulk(std::string_view t) { return fmt::format("${}\r\n{}\r\n", t.size(), t); }

// The number behind the first byte of the line at `at`, which is moved behind the line; nothing if the line is not
// complete yet.
std::optional<std::size_t> read_count(std::string_view in, std::size_t& at, char kind) {
  auto const end = in.find("\r\n", at);
  if (end == std::string_view::npos) return std::nullopt;
  std::size_t n = 0;
  auto const [rest, fault] = std::from_chars(in.data() + at + 1, in.data() + end, n);
  if (in[at] != kind || fault != std::errc{} || rest != in.data() + end) throw std::runtime_error("not a RESP command");
  at = end + 2;
  return n;
}

std::optional<std::vector<std::string>> take_command(std::string& in) {
  std::size_t at = 0;
  auto const words = read_count(in, at, '*');
  if (!words) return std::nullopt;
  std::vector<std::string> out;
  for (std::size_t i = 0; i < *words; ++i) {
    auto const size = read_count(in, at, '$');
    if (!size || in.size() < at + *size + 2) return std::nullopt;
    out.push_back(in.substr(at, *size));
    at += *size + 2;
  }
  in.erase(0, at);
  return out;
}

redis_call as_call(std::vector<std::string> words) {
  redis_call out;
  auto const capital = [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; };
  std::ranges::transform(words.at(0), std::back_inserter(out.name), capital);
  auto begin = words.begin() + 1;
  if (out.name == "EVALSHA") {
    auto const* const name = script_of(words.at(1));
    out.name = name ? *name : "EVALSHA " + words.at(1);
    auto const keys = words.begin() + 3 + std::stol(words.at(2));
    out.keys.assign(words.begin() + 3, keys);
    begin = keys;
  }
  out.args.assign(begin, words.end());
  return out;
}

}  // namespace

resp ok() { return {"+OK\r\n"}; }
resp null() { return {"_\r\n"}; }
resp number(std::int64_t n) { return {fmt::format(":{}\r\n", n)}; }
resp text(std::string_view t) { return {bulk(t)}; }
resp refusal(std::string_view t) { return {fmt::format("-{}\r\n", t)}; }
resp list_of(std::vector<resp> const& items) {
  resp out{fmt::format("*{}\r\n", items.size())};
  for (auto const& item : items) out.bytes += item.bytes;
  return out;
}
resp map_of(std::vector<std::pair<std::string, std::string>> const& pairs) {
  resp out{fmt::format("%{}\r\n", pairs.size())};
  for (auto const& [name, value] : pairs) out.bytes += bulk(name) + bulk(value);
  return out;
}

bool redis_call::has(std::string_view word) const {
  return std::ranges::find(keys, word) != keys.end() || std::ranges::find(args, word) != args.end();
}

call_matcher has(std::string word) {
  return [word = std::move(word)](redis_call const& call) { return call.has(word); };
}

std::optional<redis_call> take_call(std::string& in) {
  auto words = take_command(in);
  if (!words) return std::nullopt;
  return as_call(std::move(*words));
}

std::string push(std::string_view what, std::string_view channel, resp const& last) {
  return fmt::format(">3\r\n{}{}{}", bulk(what), bulk(channel), last.bytes);
}

}  // namespace support
