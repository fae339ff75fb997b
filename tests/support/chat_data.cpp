// SPDX-License-Identifier: Apache-2.0
#include "support/chat_data.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace support {
namespace {

constexpr std::string_view channels = "ws:1:room:";
constexpr std::string_view when_said = "2026-01-31T12:00:00.000Z";

resp texts(auto const& all) {
  std::vector<resp> out;
  for (auto const& each : all) out.push_back(text(each));
  return list_of(out);
}

}  // namespace

std::string id_in(std::string const& key) { return key.substr(key.rfind(':') + 1); }

chat_data::chat_data(scripted_redis& redis) : redis_(redis) {
  answer_connections();
  answer_rooms();
  answer_messages();
  answer_commands();
}

void chat_data::answer_connections() {
  redis_.when("connect.lua").give([this](redis_call const& call) {
    constexpr std::size_t first_room = 18;
    auto const &user = call.args[0], connection = call.args[1];
    if (kept_out[user] > 0) return list(-1, kept_out[user], "");
    if (call.args[10] != "none" || !knows_lease) {
      for (auto i = first_room; i + 1 < call.args.size(); i += 2) rooms[user].insert(call.args[i]);
    }
    bool const announced = connections[user].empty() && !returning.contains(user);
    connections[user].insert(connection);
    std::vector<resp> out{number(static_cast<std::int64_t>(connections[user].size())), number(announced ? 0 : 1),
                          number(static_cast<std::int64_t>(mail[user].size())), number(now_ms), number(kick[user])};
    for (auto const& room : rooms[user]) out.push_back(text(room));
    return list_of(out);
  });
  redis_.when("disconnect.lua").give([this](redis_call const& call) {
    auto& left = connections[call.args[0]];
    return number(left.erase(call.args[1]) == 0 ? -1 : static_cast<std::int64_t>(left.size()));
  });
  redis_.when("compare.lua").give([this](redis_call const& call) {
    constexpr std::size_t first = 6;
    std::vector<resp> out{number(now_ms)};
    for (auto i = first; i + 1 < call.args.size(); i += 2) {
      auto const &user = call.args[i], connection = call.args[i + 1];
      std::vector<resp> about{number(connections[user].contains(connection) ? 1 : 0),
                              number(static_cast<std::int64_t>(mail[user].size() + in_flight[connection].size())),
                              number(kept_out[user]), number(kick[user])};
      for (auto const& room : rooms[user]) about.push_back(text(room));
      out.push_back(list_of(about));
    }
    return list_of(out);
  });
  redis_.when("user_places.lua").give([this](redis_call const& call) {
    std::vector<resp> out{number(now_ms), number(0)};
    for (auto const& room : rooms[id_in(call.keys[0])]) {
      auto const found = logs.find(room);
      out.push_back(text(room));
      out.push_back(text(found == logs.end() ? "" : found->second.epoch));
      out.push_back(number(found == logs.end() ? 0 : static_cast<std::int64_t>(found->second.newest)));
    }
    return list_of(out);
  });
  redis_.when("notify.lua").give([](redis_call const& call) {
    return list(static_cast<std::int64_t>(call.args.size()) - 4, 0);
  });
  redis_.when("seen.lua").give(number(1));
}

std::vector<std::string> chat_data::people_in(std::string const& room) const {
  std::vector<std::string> out;
  for (auto const& [user, in] : rooms) {
    if (in.contains(room)) out.push_back(user);
  }
  return out;
}

void chat_data::answer_rooms() {
  redis_.when("join.lua").give([this](redis_call const& call) {
    rooms[call.args[0]].insert(call.args[1]);
    auto const people = people_in(call.args[1]);
    std::vector<resp> out{number(static_cast<std::int64_t>(people.size())), number(now_ms)};
    for (auto const& user : people) out.push_back(text(user));
    return list_of(out);
  });
  redis_.when("leave.lua").give([this](redis_call const& call) {
    return number(static_cast<std::int64_t>(rooms[call.args[0]].erase(call.args[1])));
  });
  redis_.when("room_since.lua").give([this](redis_call const& call) {
    auto const room = id_in(call.keys[0]);
    auto const found = logs.find(room);
    return list(rooms[call.args[0]].contains(room) ? 1 : 0, found == logs.end() ? "" : found->second.epoch, 0);
  });
  redis_.when("announce_back.lua").give(number(1));
  redis_.when("announce_due.lua").give(list());
  redis_.when("announce_done.lua").give(list());
  redis_.when("typing.lua").give(number(0));
  redis_.when("typing_sweep.lua").give(number(0));
}

void chat_data::answer_messages() {
  redis_.when("publish.lua").give([this](redis_call const& call) { return publish(call); });
  redis_.when("history.lua").give([this](redis_call const& call) { return page(call); });
  redis_.when("mail_claim.lua").give([this](redis_call const& call) {
    auto& waits = mail[id_in(call.keys[0])];
    auto& claimed = in_flight[call.args[0]];
    waits.insert(waits.end(), claimed.begin(), claimed.end());
    claimed = std::exchange(waits, {});
    std::vector<resp> out{number(0), text("")};
    for (auto const& each : claimed) out.push_back(text(each));
    return list_of(out);
  });
  redis_.when("mail_confirm.lua").give([this](redis_call const& call) {
    auto& claimed = in_flight[id_in(call.keys[0])];
    auto const count = std::min<std::size_t>(std::stoul(call.args[1]), claimed.size());
    claimed.erase(claimed.end() - static_cast<std::ptrdiff_t>(count), claimed.end());  // the oldest come last
    return number(static_cast<std::int64_t>(count));
  });
}

std::string chat_data::keep(std::string const& room, std::string const& sender, std::string_view content,
                            std::string const& connection) {
  auto& log = logs[room];
  auto const seq = ++log.newest;
  auto frame = fmt::format(R"({{"type":"message","roomId":"{}","senderId":"{}","content":{},"timestamp":"{}",)"
                           R"("messageId":"{}:{}"}})",
                           room, sender, content, when_said, log.epoch, seq);
  log.kept.push_back({seq, frame, connection});
  return frame;
}

std::string chat_data::say(std::string const& room, std::string const& sender, std::string_view content,
                           std::string const& connection) {
  auto frame = keep(room, sender, content, connection);
  auto const& log = logs[room];
  redis_.publish(std::string{channels} + room, fmt::format("m {} {}:{}\n{}", connection, log.epoch, log.newest, frame));
  return frame;
}

resp chat_data::publish(redis_call const& call) {
  auto const room = call.args[2].substr(channels.size());
  auto const &sender = call.args[0], header = call.args[3];
  if (!rooms[sender].contains(room)) return list(0);
  auto& log = logs[room];
  auto const id = fmt::format("{}:{}", log.epoch, ++log.newest);
  auto const frame = fmt::format(R"({},"timestamp":"{}","messageId":"{}"}})", call.args[1], when_said, id);
  log.kept.push_back({log.newest, frame, header.substr(2, header.size() - 3)});
  redis_.publish(call.args[2], fmt::format("{}{}{}\n{}", header, id, call.args[5], frame));
  return list(1, id, when_said, 0);
}

resp chat_data::page(redis_call const& call) const {
  auto const found = logs.find(id_in(call.keys[0]));
  if (found == logs.end()) return list("", 0, 0, 0);
  auto const& log = found->second;
  bool const forward = call.args[0] == "after";
  auto const edge = std::stoull(call.args[1]);
  std::vector<said> some;
  for (auto const& one : log.kept) {
    if (forward ? one.seq > edge : one.seq < edge) some.push_back(one);
  }
  // The first is always given; then as many as there is room for.
  if (!forward) std::ranges::reverse(some);
  std::size_t bytes = 0, given = 0;
  while (given < std::min<std::size_t>(some.size(), std::stoul(call.args[2])) &&
         (given == 0 || bytes + some[given].frame.size() <= std::stoul(call.args[3]))) {
    bytes += some[given++].frame.size();
  }
  bool const more = given < some.size();
  some.resize(given);
  if (!forward) std::ranges::reverse(some);
  std::vector<resp> out{text(log.epoch), number(static_cast<std::int64_t>(log.newest)),
                        number(log.kept.empty() ? 0 : static_cast<std::int64_t>(log.kept.front().seq)),
                        number(more ? 1 : 0)};
  for (auto const& one : some) out.push_back(list(one.seq, one.frame, one.connection));
  return list_of(out);
}

resp chat_data::head(std::string const& room) const {
  auto const found = logs.find(room);
  if (found == logs.end()) return list(null(), null());
  return list(found->second.epoch, std::to_string(found->second.newest));
}

void chat_data::answer_commands() {
  redis_.when("HMGET").give([this](redis_call const& call) { return head(id_in(call.args[0])); });
  redis_.when("SMISMEMBER").give([this](redis_call const& call) {
    std::vector<resp> out;
    for (std::size_t i = 1; i < call.args.size(); ++i) out.push_back(number(connections[call.args[i]].empty() ? 0 : 1));
    return list_of(out);
  });
  redis_.when("ZMSCORE").give(
      [](redis_call const& call) { return list_of(std::vector<resp>(call.args.size() - 1, null())); });
  redis_.when("GET").give([this](redis_call const& call) {
    auto const found = last_seen.find(id_in(call.args[0]));
    return found == last_seen.end() ? null() : text(found->second);
  });
  redis_.when("SISMEMBER").give([this](redis_call const& call) {
    return number(rooms[call.args[1]].contains(id_in(call.args[0])) ? 1 : 0);
  });
  redis_.when("SCARD").give([this](redis_call const& call) {
    auto const people = people_in(id_in(call.args[0]));
    return number(call.args[0].starts_with("ws:room_absent:") ? 0 : static_cast<std::int64_t>(people.size()));
  });
  redis_.when("SMEMBERS").give([this](redis_call const& call) { return texts(people_in(id_in(call.args[0]))); });
  redis_.when("ZCARD").give(number(0));
  redis_.when("LRANGE").give([this](redis_call const& call) { return texts(mail[id_in(call.args[0])]); });
  redis_.when("HGETALL").give([this](redis_call const& call) { return map_of(listed[id_in(call.args[0])]); });
}

}  // namespace support
