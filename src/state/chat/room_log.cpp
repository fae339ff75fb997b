// SPDX-License-Identifier: Apache-2.0
#include "state/chat/room_log.hpp"

#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <random>

#include "base/clock.hpp"
#include "base/digest.hpp"
#include "base/json.hpp"
#include "base/log.hpp"
#include "redis/script.hpp"
#include "scripts.hpp"
#include "state/chat/bus_letters.hpp"
#include "state/chat/keys.hpp"

namespace hiky::state {
namespace {

// 48 random bits: an epoch only has to differ from the room's earlier ones.
std::string new_epoch() {
  static thread_local std::mt19937_64 random{std::random_device{}()};
  return fmt::format("{:012x}", random() >> 16);
}

}  // namespace

task<result<published>> room_log::publish(outgoing_message m) {
  static redis::script const script{scripts::publish_lua};
  std::string frame{"{\"type\":\"message\",\"roomId\":"};
  frame.reserve(96 + m.room.str().size() + m.sender.str().size() + m.content.size());
  append_json_string(frame, m.room);
  frame += ",\"senderId\":";
  append_json_string(frame, m.sender);
  frame += ",\"content\":";
  frame += m.content;
  if (m.client_msg_id && m.tells_id) {
    frame += ",\"clientMsgId\":";
    append_json_string(frame, *m.client_msg_id);
  }

  auto const now = std::chrono::system_clock::now();
  auto call = script.call(m.client_msg_id ? 8 : 7, m.system ? 17 : m.client_msg_id ? 16 : 14, frame.size());
  call.arg(keys::prefix::room_participants, m.room).arg(keys::prefix::room_members, m.room);
  call.arg(keys::prefix::room_head, m.room).arg(keys::prefix::room_log, m.room).arg(keys::online_users);
  call.arg(keys::prefix::room_absent, m.room).arg(keys::clock);
  if (m.client_msg_id) call.arg(keys::dedup(m.room, m.sender, *m.client_msg_id));
  call.arg(m.sender)
      .arg(frame)
      .arg(keys::room_channels(database_) + m.room.str())
      .arg(bus_start(bus_letter::message) + m.connection.str() + " ")
      .arg(limits_.kept)
      .arg(m.came.empty() ? std::string{} : ' ' + m.came);
  call.arg(m.heard.epoch).arg(m.heard.seq);
  call.arg(std::chrono::floor<std::chrono::minutes>(now).time_since_epoch().count())
      .arg(std::string_view{iso8601(now)}.substr(0, std::string_view{"YYYY-MM-DDTHH:MM:"}.size()));
  call.arg(keys::prefix::offline_messages).arg(keys::prefix::offline_dropped).arg(keys::prefix::user_connections);
  call.arg(fmt::format("{} {} {}", new_epoch(), limits_.life_ms, limits_.max_mailbox_room));
  constexpr std::size_t digest_bytes = 8;
  if (m.client_msg_id) call.arg(short_digest(m.content, digest_bytes)).arg(limits_.dedup_s);
  else if (m.system) call.arg("").arg("");
  if (m.system) call.arg("system");

  auto const answer = co_await script.run(redis_, std::move(call));
  if (!answer) co_return std::unexpected(answer.error());
  auto const items = (*answer)[0].items();
  auto const outcome = items.empty() ? -1 : items[0].integer();
  if (outcome == 0) co_return fail(errc::not_member, "the sender is not a member of the room");
  if (outcome == 3)
    co_return fail(errc::conflict,
                   "this clientMsgId has come with another content already; a new message needs a new one");
  if (outcome < 0 || items.size() < 3)
    co_return fail(errc::unexpected_reply, "publish.lua returned something else than its table says");
  auto const mailboxes = items.size() > 3 ? static_cast<std::size_t>(items[3].integer()) : 0;
  co_return published{std::string{items[1].text()}, std::string{items[2].text()}, outcome == 2, mailboxes};
}

std::optional<message_place> parse_message_id(std::string_view id) {
  auto const colon = id.find(':');
  if (colon == 0 || colon == std::string_view::npos) return std::nullopt;
  message_place out{std::string{id.substr(0, colon)}, 0};
  auto const digits = id.substr(colon + 1);
  auto const [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), out.seq);
  if (ec != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return out;
}

task<result<log_page>> room_log::after(room_id room, std::uint64_t seq, std::size_t most, std::size_t bytes) {
  return page(std::move(room), "after", seq, most, bytes);
}
task<result<log_page>> room_log::before(room_id room, std::uint64_t seq, std::size_t most, std::size_t bytes) {
  return page(std::move(room), "before", seq, most, bytes);
}

task<result<std::vector<std::optional<message_place>>>> room_log::places(std::vector<room_id> rooms) {
  std::vector<std::optional<message_place>> out(rooms.size());
  if (rooms.empty()) co_return out;
  redis::request heads;
  for (auto const& room : rooms) heads.add("HMGET", keys::room_head(room), "epoch", "seq");
  auto const answer = co_await redis_.exec_each(std::move(heads));
  if (!answer) co_return std::unexpected(answer.error());
  for (std::size_t i = 0; i < rooms.size(); ++i) {
    auto const head = (*answer)[i].items();
    if (head.size() != 2) continue;
    out[i].emplace();
    if (head[0].is_null()) continue;
    *out[i] = {std::string{head[0].text()}, static_cast<std::uint64_t>(head[1].integer())};
  }
  co_return out;
}

task<result<void>> room_log::begin_epoch(room_id room, std::string over) {
  static redis::script const script{scripts::new_epoch_lua};
  std::string const used_keys[]{keys::room_head(room), keys::room_log(room)};
  auto call = script.call(used_keys, 2);
  call.arg(over).arg(new_epoch());
  auto const answer = co_await script.run(redis_, std::move(call));
  if (!answer) co_return std::unexpected(answer.error());
  co_return result<void>{};
}

// Readers go on behind the last message of a page, so a page without one is the end.
task<result<log_page>> room_log::page(room_id room, std::string_view direction, std::uint64_t seq, std::size_t most,
                                      std::size_t bytes) {
  for (;;) {
    auto found = co_await read(room, direction, seq, most, bytes);
    if (!found) co_return std::unexpected(found.error());
    if (found->poison > 0) log::warn("room.poison", {{"room", room.str()}, {"entries", found->poison}});
    auto& page = found->page;
    if (!page.messages.empty() || !page.more) co_return std::move(page);
    bool const goes_on = found->end != seq;  // of a number beyond 2^53, a script knows its neighbour only
    page.more = goes_on;
    if (!goes_on) co_return std::move(page);
    seq = found->end;
  }
}

task<result<room_log::reading>> room_log::read(room_id room, std::string_view direction, std::uint64_t seq,
                                               std::size_t most, std::size_t bytes) {
  static redis::script const script{scripts::history_lua};
  std::string const used_keys[]{keys::room_head(room), keys::room_log(room)};
  auto call = script.call(used_keys, 4);
  call.arg(direction).arg(seq).arg(most).arg(bytes);
  auto const answer = co_await script.run(redis_, std::move(call));
  if (!answer) co_return std::unexpected(answer.error());
  auto const items = (*answer)[0].items();
  if (items.size() < 4)
    co_return fail(errc::unexpected_reply, "history.lua returned something else than its table says");
  reading out;
  out.page = {std::string{items[0].text()},
              static_cast<std::uint64_t>(items[1].integer()),
              static_cast<std::uint64_t>(items[2].integer()),
              items[3].integer() == 1,
              {}};
  for (std::size_t i = 4; i < items.size(); ++i) {
    auto const entry = items[i].items();
    if (entry.size() != 3) continue;
    auto const number = static_cast<std::uint64_t>(entry[0].integer());
    if (direction == "after" || out.end == 0) out.end = number;
    // Frames are ours, but another program or a broken disk may have spoilt one: it would end the connections of all
    // who read it, for as long as it is kept.
    if (!is_json_object(entry[1].text())) {
      ++out.poison;
      continue;
    }
    out.page.messages.push_back({number, std::string{entry[1].text()}, connection_id{entry[2].text()}});
  }
  co_return out;
}

}  // namespace hiky::state
