// SPDX-License-Identifier: Apache-2.0
// The whole at a glance: status, health, info; and cleanup, the end of it all.
#include <fmt/format.h>

#include <charconv>

#include "app/ctl/commands.hpp"
#include "app/ctl/findings.hpp"
#include "base/clock.hpp"
#include "state/chat/write_probe.hpp"
#include "state/document/online_users.hpp"
#include "state/document/utility.hpp"
#include "state/inspect/totals.hpp"

namespace hiky::ctl {
namespace {

// INFO's text as lines, without carriage returns.
std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (line.ends_with('\r')) line.remove_suffix(1);
    out.push_back(line);
  }
  return out;
}

std::string_view field_of(std::string_view info, std::string_view name) {
  for (auto const line : lines_of(info)) {
    if (line.starts_with(name) && line.substr(name.size()).starts_with(':')) return line.substr(name.size() + 1);
  }
  return {};
}

std::int64_t number(std::string_view digits) {
  std::int64_t out = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), out);
  return out;
}

}  // namespace

outcome status(session& s) {
  auto const online = co_await state::online_users{s.ws}.count();
  if (!online) co_return std::unexpected(online.error());
  auto const about = co_await state::utility{s.ws}.info();
  if (!about) co_return std::unexpected(about.error());
  auto const all = co_await state::count_all(s.ws);
  if (!all) co_return std::unexpected(all.error());

  auto const version = field_of(*about, "redis_version"), memory = field_of(*about, "used_memory_human");
  json::object redis{{"address", foreign(s.ws.where().to_string())},
                     {"version", foreign(version)},
                     {"memoryBytes", number(field_of(*about, "used_memory"))},
                     {"uptimeSeconds", number(field_of(*about, "uptime_in_seconds"))}};
  report out{json::serialize(json::object{{"online", *online},
                                          {"connections", all->connections},
                                          {"instances", all->instances},
                                          {"rooms", all->rooms},
                                          {"queues", all->queues},
                                          {"queued", all->queued},
                                          {"redis", std::move(redis)}})};
  out.rows = {{"online", fmt::to_string(*online)},           {"connections", fmt::to_string(all->connections)},
              {"instances", fmt::to_string(all->instances)}, {"rooms", fmt::to_string(all->rooms)},
              {"queues", fmt::to_string(all->queues)},       {"queued", fmt::to_string(all->queued)},
              {"redis", s.ws.where().to_string()},           {"redis version", std::string{version}},
              {"redis memory", std::string{memory}}};
  for (auto const& key : all->unreadable) {
    out.notes.push_back(fmt::format(
        "{} is left out: it holds another type than its name says. Look at it with: redis-cli -n {} TYPE {}",
        visible(key), s.database(), pasteable({key})));
  }
  co_return out;
}

outcome health(session& s) {
  if (auto const up = co_await state::utility{s.ws}.ping(); !up) co_return unhealthy(up.error());
  auto const count = co_await state::online_users{s.ws}.count();
  if (!count) co_return unhealthy(count.error());
  // A user that may not write (NOPERM) says nothing of others.
  if (auto const written = co_await state::probe_write(s.ws);
      !written && (refuses_writes(written.error()) || is_transient(written.error())))
    co_return unhealthy(written.error());
  auto text = json::serialize(json::object{
      {"status", "healthy"}, {"redis", "connected"}, {"onlineUsers", *count}, {"timestamp", iso8601_now()}});
  co_return report{.json = text, .text = text};
}

report unhealthy(error const& why) {
  auto const message = refuses_writes(why) ? "Redis refuses writes" : "Redis connection failed";
  auto text =
      json::serialize(json::object{{"status", "unhealthy"}, {"message", message}, {"timestamp", iso8601_now()}});
  return {.json = text, .text = text, .notes = {why.text}, .exit_code = 1};
}

outcome info(session& s) {
  auto const text = co_await state::utility{s.ws}.info();
  if (!text) co_return std::unexpected(text.error());
  report out;
  json::object sections;
  json::object* section = nullptr;
  for (auto const line : lines_of(*text)) {
    out.text.append(line).append("\n");
    if (line.starts_with("# ")) {
      section = &sections[line.substr(2)].emplace_object();
    } else if (auto const colon = line.find(':'); colon != std::string_view::npos && section != nullptr) {
      (*section)[line.substr(0, colon)] = foreign(line.substr(colon + 1));
    }
  }
  out.json = json::serialize(sections);
  co_return out;
}

outcome cleanup(session& s) {
  auto const removed = co_await state::utility{s.ws}.cleanup(
      [&s](std::size_t gone) { s.progress(fmt::format("cleanup: {} keys removed", gone)); });
  if (!removed) co_return std::unexpected(removed.error());
  co_return cleanup_report(static_cast<std::int64_t>(*removed), fmt::format("database {}", s.database()));
}

}  // namespace hiky::ctl
