// SPDX-License-Identifier: Apache-2.0
#include "app/ctl/remote.hpp"

#include <fmt/format.h>

#include "auth/api_keys.hpp"
#include "auth/key_text.hpp"
#include "base/json.hpp"

namespace hiky::ctl {
namespace {

constexpr std::string_view root = "/api/v1";
constexpr std::size_t largest_answer = 64 << 20;

// The file is one that auth::api_keys accepts, so its first word outside comments is a key.
std::string first_key(std::string_view text) {
  for (;;) {
    auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    line = line.substr(0, line.find('#'));
    auto const begin = line.find_first_not_of(" \t\r");
    if (begin == std::string_view::npos) continue;
    line.remove_prefix(begin);
    return std::string{line.substr(0, line.find_first_of(" \t\r"))};
  }
}

std::string text_of(json::object const& from, std::string_view name) {
  auto const* found = from.if_contains(name);
  return found != nullptr && found->is_string() ? std::string{found->get_string()} : std::string{};
}

}  // namespace

result<api_place> find_api(std::string const& url, std::string const& key_file) {
  auto base = parse_web_address(url);
  if (!base) return fail(errc::invalid_argument, "--url: " + base.error().text);
  if (base->target.contains('?'))
    return fail(errc::invalid_argument, "--url can't have a query; expected http[s]://HOST[:PORT]");
  while (base->target.ends_with('/')) base->target.pop_back();
  api_place out{std::move(*base), {}, key_file};
  if (key_file.empty()) return out;
  auto const text = auth::key_text(key_file);
  if (!text) return fail(errc::invalid_argument, "--api-key-file: " + text.error().text);
  if (auto const keys = auth::api_keys::parse(*text); !keys)
    return fail(errc::invalid_argument, fmt::format("--api-key-file: {}: {}", key_file, keys.error().text));
  out.key = first_key(*text);
  return out;
}

task<result<web_answer>> instance_api::fetch(question what) {
  auto where = place_.base;
  where.target += what.path;
  auto answer = co_await http_fetch(executor_, where,
                                    {.method = std::move(what.method),
                                     .json = std::move(what.body),
                                     .agent = "hikyctl",
                                     .bearer = place_.key,
                                     .most_body = largest_answer,
                                     .patience = what.patience});
  if (!answer)
    co_return fail(errc::not_connected,
                   answer.error().text + "; check --url (or HIKY_URL), and that a hikyd answers there");
  co_return answer;
}

error instance_api::refusal(web_answer const& answer, std::string const& path) const {
  auto const parsed = parse_json(answer.body);
  auto const problem = parsed && parsed->is_object() ? parsed->get_object() : json::object{};
  auto const type = text_of(problem, "type"), detail = text_of(problem, "detail");
  constexpr std::string_view family = "urn:hiky:problem:";
  if (!type.starts_with(family) || detail.empty()) {
    auto where = place_.base;
    where.target += path;
    return {errc::server_error,
            fmt::format("{}: status {}, which is no answer of a hikyd; expected its address in --url (or HIKY_URL)",
                        where.to_string(), answer.status)};
  }
  auto const code = std::string_view{type}.substr(family.size());
  auto const file = place_.key_file.empty() ? "--api-key-file (or HIKY_API_KEY_FILE)" : place_.key_file;
  if (code == "not_member") return {errc::not_member, detail};
  if (code == "unauthorized") {
    return {errc::server_error,
            fmt::format("{}; expected the first key in {} to be one that the daemon has in its own --api-key-file",
                        detail, file)};
  }
  if (code == "forbidden") {
    return {
        errc::server_error,
        fmt::format("{}; put a key with that scope first in {}, or give the scope to this key and SIGHUP to the daemon",
                    detail, file)};
  }
  return {errc::server_error, detail};
}

task<result<std::string>> instance_api::ask(question what) {
  if (place_.key.empty()) {
    co_return fail(errc::invalid_argument,
                   "the API wants a key; name a file that has one with --api-key-file FILE (or HIKY_API_KEY_FILE)");
  }
  what.path.insert(0, root);
  auto const path = what.path;
  auto answer = co_await fetch(std::move(what));
  if (!answer) co_return std::unexpected(answer.error());
  if (answer->status / 100 != 2 || !parse_json(answer->body)) co_return std::unexpected(refusal(*answer, path));
  co_return std::move(answer->body);
}

task<result<json::object>> instance_api::ask_object(question what) {
  auto const path = what.path;
  auto const text = co_await ask(std::move(what));
  if (!text) co_return std::unexpected(text.error());
  auto parsed = parse_json(*text);
  if (!parsed || !parsed->is_object())
    co_return fail(errc::unexpected_reply, fmt::format("{} gave something else than a JSON object", path));
  co_return std::move(parsed->get_object());
}

task<result<json::array>> instance_api::all(std::string path) {
  json::array out;
  std::string cursor;
  do {
    auto page = co_await ask_object({.path = path + "?limit=1000" + (cursor.empty() ? "" : "&cursor=" + cursor)});
    if (!page) co_return std::unexpected(page.error());
    auto* const items = page->if_contains("items");
    if (items == nullptr || !items->is_array())
      co_return fail(errc::unexpected_reply, fmt::format("{} gave no list of items", path));
    for (auto& item : items->get_array()) out.push_back(std::move(item));
    cursor = text_of(*page, "next");
  } while (!cursor.empty());
  co_return out;
}

}  // namespace hiky::ctl
