// SPDX-License-Identifier: Apache-2.0
#include "app/ctl/top_sample.hpp"

#include <fmt/format.h>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <charconv>

#include "base/clock.hpp"
#include "directory/foreign_text.hpp"
#include "state/inspect/room_summary.hpp"
#include "state/inspect/totals.hpp"

namespace hiky::ctl {
namespace {

using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

constexpr std::size_t most_rooms = 10'000;  // whose messages are counted
constexpr std::size_t rooms_shown = 10;
constexpr auto rooms_are_known_for = 10s;  // at most; where a look for them takes long, it takes a tenth of the time

struct busy_room {
  std::string name;
  double messages_s = 0;
};

std::int64_t field(std::string_view info, std::string_view name) {
  auto const at = info.find(fmt::format("\n{}:", name));
  if (at == std::string_view::npos) return 0;
  auto const digits = info.substr(at + name.size() + 2);
  std::int64_t out = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), out);
  return out;
}

std::string size_text(double bytes) {
  constexpr std::string_view units[]{"B", "KiB", "MiB", "GiB"};
  std::size_t unit = 0;
  for (; bytes >= 1024 && unit + 1 < std::size(units); ++unit) bytes /= 1024;
  return unit == 0 ? fmt::format("{:.0f} B", bytes) : fmt::format("{:.1f} {}", bytes, units[unit]);
}

// The change between two samples, by the second.
struct rates {
  double commands = 0, in_bytes = 0, out_bytes = 0, messages = 0;
  std::vector<busy_room> busiest;
};

rates rates_of(sample const& before, sample const& now) {
  auto const seconds = std::max(0.001, std::chrono::duration<double>(now.at - before.at).count());
  auto const rate = [&](std::int64_t b, std::int64_t n) {
    return static_cast<double>(std::max<std::int64_t>(0, n - b)) / seconds;
  };
  rates out{rate(before.commands, now.commands), rate(before.in_bytes, now.in_bytes),
            rate(before.out_bytes, now.out_bytes)};
  for (auto const& [name, seq] : now.rooms) {
    // A room that was not there a sample ago was born since. One that was perhaps only not known is counted from the
    // next sample on.
    auto const known = before.rooms.find(name);
    if (known == before.rooms.end() && !before.all_rooms) continue;
    auto const from = known == before.rooms.end() ? 0 : known->second;
    if (seq <= from) continue;
    out.busiest.push_back({name, static_cast<double>(seq - from) / seconds});
    out.messages += out.busiest.back().messages_s;
  }
  std::ranges::sort(out.busiest, std::greater{}, &busy_room::messages_s);
  if (out.busiest.size() > rooms_shown) out.busiest.resize(rooms_shown);
  return out;
}

std::string json_of(sample const& now, rates const& r, std::int64_t connections) {
  json::array rooms;
  for (auto const& b : r.busiest)
    rooms.push_back(json::object{{"room", foreign(b.name)}, {"messagesPerSecond", b.messages_s}});
  json::object redis{{"commandsPerSecond", r.commands},
                     {"inBytesPerSecond", r.in_bytes},
                     {"outBytesPerSecond", r.out_bytes},
                     {"memoryBytes", now.memory},
                     {"clients", now.redis_clients}};
  return directory::mended_utf8(json::serialize(json::object{{"timestamp", iso8601_now()},
                                                             {"online", now.online},
                                                             {"connections", connections},
                                                             {"typing", now.typing},
                                                             {"leaving", now.leaving},
                                                             {"messagesPerSecond", r.messages},
                                                             {"redis", std::move(redis)},
                                                             {"instances", to_json(now.instances)},
                                                             {"busiestRooms", std::move(rooms)}}));
}

std::vector<std::string> row_of(state::instance_view const& i) {
  auto const lease = i.lease.view == state::lease_view::none
                         ? std::string{"no lease"}
                         : fmt::format("lease {:.1f} s", static_cast<double>(i.lease.left_ms) / 1000);
  return {"instance", i.id.str(), counted(i.connections, "connection"), counted(i.users, "user"), lease};
}

}  // namespace

task<result<sample>> sampler::take() {
  auto const seen = co_await state::read_activity(redis_);
  if (!seen) co_return std::unexpected(seen.error());
  sample out{.at = steady::now(), .online = seen->online, .typing = seen->typing, .leaving = seen->leaving};
  out.commands = field(seen->info, "total_commands_processed");
  out.in_bytes = field(seen->info, "total_net_input_bytes");
  out.out_bytes = field(seen->info, "total_net_output_bytes");
  out.memory = field(seen->info, "used_memory");
  out.redis_clients = field(seen->info, "connected_clients");
  auto instances = co_await state::list_instances(redis_);
  if (!instances) co_return std::unexpected(instances.error());
  out.instances = std::move(*instances);
  if (auto const counted_all = co_await count_rooms(out); !counted_all) co_return std::unexpected(counted_all.error());
  co_return out;
}

task<result<void>> sampler::count_rooms(sample& into) {
  if (auto const begin = steady::now(); begin >= next_scan_) {
    auto found = co_await state::rooms_with_messages(redis_);
    if (!found) co_return std::unexpected(found.error());
    rooms_ = std::move(*found);
    into.all_rooms = rooms_.size() <= most_rooms;
    if (rooms_.size() > most_rooms) rooms_.resize(most_rooms);
    next_scan_ = begin + std::min<steady::duration>(rooms_are_known_for, 10 * (steady::now() - begin));
  }
  auto const seqs = co_await state::newest_seqs(redis_, rooms_);
  if (!seqs) co_return std::unexpected(seqs.error());
  for (std::size_t i = 0; i < rooms_.size(); ++i) into.rooms[rooms_[i]] = (*seqs)[i];
  co_return result<void>{};
}

report changes(sample const& before, sample const& now) {
  auto const r = rates_of(before, now);
  std::int64_t connections = 0;
  for (auto const& i : now.instances) connections += i.connections;
  report out{json_of(now, r, connections)};
  out.rows = {{"time", iso8601_now()},
              {"online", fmt::to_string(now.online)},
              {"connections", fmt::to_string(connections)},
              {"typing", fmt::to_string(now.typing)},
              {"leaving", fmt::to_string(now.leaving)},
              {"messages/s", fmt::format("{:.1f}", r.messages)},
              {"redis", fmt::format("{:.0f} commands/s", r.commands), size_text(r.in_bytes) + "/s in",
               size_text(r.out_bytes) + "/s out", size_text(static_cast<double>(now.memory)) + " of memory",
               counted(now.redis_clients, "client")}};
  for (auto const& i : now.instances) out.rows.push_back(row_of(i));
  for (auto const& b : r.busiest) out.rows.push_back({"room", b.name, fmt::format("{:.1f} messages/s", b.messages_s)});
  return out;
}

}  // namespace hiky::ctl
