// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <charconv>

#include "state/chat/room_log.hpp"
#include "state/chat/typing_marks.hpp"
#include "state/inspect/examine.hpp"
#include "state/inspect/key_families.hpp"
#include "state/inspect/mends.hpp"

namespace hiky::state {
namespace {

namespace prefix = keys::prefix;

bool is_number(std::string_view text) {
  std::int64_t number = 0;
  auto const [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
  return ec == std::errc{} && end == text.data() + text.size();
}

}  // namespace

task<result<std::vector<observation>>> examine_keys(redis::client& redis, std::vector<subject> subjects, mending how) {
  redis::request ask;
  for (auto const& s : subjects) {
    ask.add("TYPE", s.name).add("PTTL", s.name);
    if (s.name.starts_with(prefix::offline_dropped)) ask.add("GET", s.name);
  }
  auto const answer = co_await redis.exec_each(std::move(ask));
  if (!answer) co_return std::unexpected(answer.error());
  std::vector<observation> out;
  redis::request mends;
  auto const tell = [&](subject const& s, finding f) { out.push_back({s, std::move(f)}); };
  std::size_t i = 0;
  for (auto const& s : subjects) {
    auto const type = (*answer)[i++].text();
    auto const life = (*answer)[i++].integer();
    auto const counter =
        s.name.starts_with(prefix::offline_dropped) ? (*answer)[i++].string() : std::optional<std::string>{"0"};
    if (type == "none") continue;
    auto const* family = keys::family_of(s.name);
    if (family == nullptr) {
      if (how.strays) mends.add("UNLINK", s.name);
      tell(s,
           {"stray_key", s.name, fmt::format("this version knows no such key (a {})", type),
            "only known keys lie under ws:; it belongs to a newer version, or to nobody", how.strays ? "deleted" : ""});
    } else if (type != family->type) {
      if (how.repair) mends.add("UNLINK", s.name);
      tell(s,
           {"wrong_type", s.name, fmt::format("holds a {}", type),
            fmt::format("a {}; with anything else here, our scripts fail", family->type), how.repair ? "deleted" : ""});
    } else if (life == -1 && (family->name == prefix::typing_user || family->name == prefix::dedup)) {
      bool const types = family->name == prefix::typing_user;
      auto const seconds = types ? static_cast<int>(typing_life_s) : room_log_limits{}.dedup_s;
      if (how.repair) mends.add("EXPIRE", s.name, seconds);
      tell(s, {"never_ends", s.name, "has no end of life",
               types ? "a typing mark ends by itself" : "a clientMsgId is forgotten after a while",
               how.repair ? fmt::format("ends in {} s", seconds) : ""});
    } else if (counter && !is_number(*counter)) {
      if (how.repair) mends.add("UNLINK", s.name);
      tell(s, {"counter_unreadable", s.name, "holds something else than a number",
               "a number; otherwise messages to rooms of this user fail", how.repair ? "deleted" : ""});
    }
  }
  if (auto const done = co_await carry_out(redis, std::move(mends)); !done) co_return std::unexpected(done.error());
  co_return out;
}

}  // namespace hiky::state
