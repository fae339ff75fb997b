// SPDX-License-Identifier: Apache-2.0
// Reports of users, rooms, mail, and of Redis.
#include "app/ctl/findings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "app/ctl/cells.hpp"

namespace hiky::ctl {
namespace {

using row = std::vector<std::string>;

// Of a string its characters, of anything else its JSON text, with all digits of its numbers.
std::string cell(json::object const& message, std::string_view text, std::string_view name) {
  auto const* found = message.if_contains(name);
  if (found == nullptr) return "-";
  return std::string{found->is_string() ? std::string_view{found->get_string()} : raw_member(text, name).value_or("-")};
}

}  // namespace

report online_report(std::vector<std::string> const& names) {
  report out{json::serialize(json::object{{"count", names.size()}, {"users", json_array(names)}})};
  out.head = {"USER"};
  out.when_empty = "nobody is online";
  for (auto const& name : names) out.rows.push_back({name});
  return out;
}

report online_count_report(std::int64_t count) {
  return {.json = json::serialize(json::object{{"count", count}}), .text = fmt::to_string(count)};
}

report clients_report(std::vector<std::pair<std::string, json::object>> clients) {
  report out;
  out.head = {"USER", "CONNECTED", "LAST SEEN", "ADDRESS", "CONNECTIONS"};
  out.when_empty = "no clients";
  json::object all;
  for (auto& [name, data] : clients) {
    out.rows.push_back({name, member(data, "connectedAt"), member(data, "lastSeen"), member(data, "ipAddress"),
                        member(data, "connections")});
    all[foreign(name)] = std::move(data);
  }
  out.json = json::serialize(json::object{{"count", all.size()}, {"clients", std::move(all)}});
  return out;
}

report typing_report(std::vector<std::pair<std::string, std::string>> const& marks) {
  report out;
  out.head = {"USER", "ROOM"};
  out.when_empty = "nobody is typing";
  json::object users;
  for (auto const& [who, where] : marks) {
    out.rows.push_back({who, where});
    users[foreign(who)] = foreign(where);
  }
  out.json = json::serialize(json::object{{"typing", std::move(users)}});
  return out;
}

report user_report(json::object const& about) {
  report out{json::serialize(about)};
  auto const add = [&](std::string_view field, std::string name, row values) {
    if (!about.contains(field)) return;
    std::erase(values, "");
    values.insert(values.begin(), std::move(name));
    out.rows.push_back(std::move(values));
  };
  auto const banned = number(about, "bannedSeconds");
  add("id", "user", {member(about, "id")});
  add("username", "username", {member(about, "username")});
  add("name", "name", {member(about, "name")});
  add("profileImage", "image", {member(about, "profileImage")});
  add("friends", "friends", texts(list(about, "friends")));
  add("online", "online", {holds(about, "online") ? "yes" : "no"});
  add("bannedSeconds", "banned", {banned > 0 ? fmt::format("for {} s", banned) : ""});
  add("lastSeen", "last seen", {member(about, "lastSeen")});
  for (auto const* c : objects(list(about, "connections"))) {
    add("connections", "connection",
        {member(*c, "id"), member(*c, "instance"), member(*c, "since"), member(*c, "ip"), member(*c, "agent")});
  }
  add("rooms", "takes part in", texts(list(about, "rooms")));
  add("memberRooms", "member of", texts(list(about, "memberRooms")));
  add("directoryRooms", "rooms in the directory", texts(list(about, "directoryRooms")));
  add("typingIn", "typing in", {member(about, "typingIn")});
  add("queued", "queued", {member(about, "queued")});
  add("dropped", "dropped", {member(about, "dropped")});
  return out;
}

report room_report(json::object const& about) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 4> ways{{{"participants", "TAKES PART"},
                                                                               {"joined", "JOINED"},
                                                                               {"members", "MEMBER"},
                                                                               {"directoryMembers", "IN DIRECTORY"}}};
  report out{json::serialize(about)};
  out.head = {"USER"};
  out.when_empty = fmt::format("nobody is in {}", visible(member(about, "room")));
  std::map<std::string, row> everybody;
  for (auto const& [field, title] : ways) {
    if (!about.contains(field)) continue;
    for (auto const& name : texts(list(about, field))) {
      auto& cells = everybody[name];
      cells.resize(out.head.size() - 1, "no");
      cells.emplace_back("yes");
    }
    out.head.emplace_back(title);
  }
  for (auto& [name, cells] : everybody) {
    cells.resize(out.head.size() - 1, "no");
    cells.insert(cells.begin(), name);
    out.rows.push_back(std::move(cells));
  }
  return out;
}

report info_report(json::object const& sections) {
  report out{json::serialize(sections)};
  for (auto const& [title, fields] : sections) {
    out.text += fmt::format("{}# {}\n", out.text.empty() ? "" : "\n", std::string_view{title});
    if (!fields.is_object()) continue;
    for (auto const& field : fields.get_object())
      out.text += fmt::format("{}:{}\n", std::string_view{field.key()}, member(fields.get_object(), field.key()));
  }
  return out;
}

report queue_report(waiting const& found) {
  report out;
  out.head = {"TIME", "ROOM", "FROM", "CONTENT"};
  out.widest_cell = 60;
  out.when_empty = fmt::format("nothing is queued for {}", visible(found.user));
  std::string messages;
  for (auto const& text : found.messages) {
    auto const message = parse_json(text).value_or(nullptr);
    if (!message.is_object()) continue;
    auto const& m = message.get_object();
    out.rows.push_back(
        {cell(m, text, "timestamp"), cell(m, text, "roomId"), cell(m, text, "senderId"), cell(m, text, "content")});
    // As it was written: a content with numbers beyond 2^53 keeps its digits.
    messages.append(messages.empty() ? "" : ",").append(text);
  }
  if (found.dropped > 0)
    out.notes.push_back(
        fmt::format("the limit of 100 has dropped {} older than these", counted(found.dropped, "message")));
  auto const unreadable = found.unreadable ? fmt::format(R"("unreadable":{},)", *found.unreadable) : std::string{};
  out.json = fmt::format(R"({{"user":{},"count":{},"dropped":{},{}"messages":[{}]}})",
                         json::serialize(json::value(foreign(found.user))),
                         found.messages.size() + found.unreadable.value_or(0), found.dropped, unreadable, messages);
  return out;
}

}  // namespace hiky::ctl
