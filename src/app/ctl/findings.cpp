// SPDX-License-Identifier: Apache-2.0
#include "app/ctl/findings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "directory/foreign_text.hpp"

namespace hiky::ctl {
namespace {

using row = std::vector<std::string>;

// The text of member `name` when it is a string or a number, otherwise nothing: for cells, never for decisions.
std::string member(json::object const& object, std::string_view name) {
  auto const* found = object.if_contains(name);
  if (found == nullptr || found->is_structured() || found->is_null()) return {};
  return found->is_string() ? std::string{found->get_string()} : json::serialize(*found);
}

std::int64_t number(json::object const& object, std::string_view name) {
  auto const* found = object.if_contains(name);
  return found != nullptr && found->is_number() ? found->to_number<std::int64_t>() : 0;
}

bool holds(json::object const& object, std::string_view name) {
  auto const* found = object.if_contains(name);
  return found != nullptr && found->is_bool() && found->get_bool();
}

json::array const& list(json::object const& object, std::string_view name) {
  static json::array const nothing;
  auto const* found = object.if_contains(name);
  return found != nullptr && found->is_array() ? found->get_array() : nothing;
}

std::vector<json::object const*> objects(json::array const& all) {
  std::vector<json::object const*> out;
  for (auto const& each : all) {
    if (each.is_object()) out.push_back(&each.get_object());
  }
  return out;
}

row texts(json::array const& all) {
  row out;
  for (auto const& each : all) {
    if (each.is_string()) out.emplace_back(each.get_string());
  }
  return out;
}

std::string json_text(json::value const& v) { return directory::mended_utf8(json::serialize(v)); }

std::string seconds(std::int64_t ms) { return fmt::format("{:.1f} s", static_cast<double>(ms) / 1000.0); }

std::string lease_text(json::object const& holder) {
  auto state = member(holder, "lease");
  auto const left = number(holder, "leaseLeftMs");
  if (state == "alive") return seconds(left) + " left";
  if (state == "ended") return fmt::format("ended {} ago", seconds(-left));
  return state;
}

std::string room_text(json::object const& r) {
  std::string out;
  auto const add = [&](std::string_view name, std::string_view word) {
    if (holds(r, name)) out.append(out.empty() ? "" : ", ").append(word);
  };
  add("member", "member");
  add("participant", "takes part");
  add("joined", "has it open");
  add("absent", "is queued for");
  return out;
}

// Of a string its characters, of anything else its JSON text, with all digits of its numbers.
std::string cell(json::object const& message, std::string_view text, std::string_view name) {
  auto const* found = message.if_contains(name);
  if (found == nullptr) return "-";
  return std::string{found->is_string() ? std::string_view{found->get_string()} : raw_member(text, name).value_or("-")};
}

// One line and one list for those it changed something for, and for the others.
report changed_members(room_id const& which, std::vector<user_id> const& changed, std::vector<user_id> const& same,
                       std::string_view now, std::string_view before, std::string_view field) {
  report out;
  for (auto const& u : changed) out.text += fmt::format("{} {} {}\n", visible(u), now, visible(which));
  for (auto const& u : same) out.text += fmt::format("{} {} {}\n", visible(u), before, visible(which));
  json::object all{{"room", foreign(which)}};
  all[field] = json_array(changed);
  all["unchanged"] = json_array(same);
  out.json = json::serialize(all);
  return out;
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

report instances_report(json::array const& instances) {
  report out{json_text(json::object{{"count", instances.size()}, {"instances", instances}})};
  out.head = {"INSTANCE", "LEASE", "CONNECTIONS", "USERS", "HEARS THE BUS"};
  out.when_empty = "no instance holds a lease or a connection";
  for (auto const* i : objects(instances)) {
    out.rows.push_back({member(*i, "id"), lease_text(*i) + (holds(*i, "beingSwept") ? ", being swept" : ""),
                        member(*i, "connections"), member(*i, "users"),
                        i->contains("hearsTheBus") ? holds(*i, "hearsTheBus") ? "yes" : "no" : "?"});
  }
  return out;
}

report user_explanation_report(json::object const& e) {
  report out{json_text(e)};
  out.rows.push_back({"verdict", member(e, "verdict")});
  for (auto const& p : texts(list(e, "problems"))) out.rows.push_back({"problem", p});
  for (auto const* c : objects(list(e, "connections"))) {
    auto const instance = member(*c, "instance"), address = member(*c, "ipAddress");
    row cells{"connection", member(*c, "id"), instance.empty() ? "?" : instance, "lease " + lease_text(*c),
              "since " + member(*c, "since")};
    if (!address.empty()) cells.push_back(address);
    if (auto const unsure = number(*c, "mailInFlight"); unsure > 0)
      cells.push_back(counted(unsure, "message") + " sent by mail and not confirmed");
    out.rows.push_back(std::move(cells));
  }
  for (auto const* r : objects(list(e, "rooms"))) out.rows.push_back({"room", member(*r, "roomId"), room_text(*r)});
  if (e.contains("typingIn")) out.rows.push_back({"typing in", member(e, "typingIn")});
  auto const* found = e.if_contains("mail");
  auto const mail = found != nullptr && found->is_object() ? found->get_object() : json::object{};
  auto const queued = number(mail, "queued"), dropped = number(mail, "dropped");
  out.rows.push_back({"mailbox", queued == 0 ? "empty"
                                             : fmt::format("{}, from {} to {}", counted(queued, "message"),
                                                           member(mail, "oldest"), member(mail, "newest"))});
  if (dropped > 0) out.rows.push_back({"dropped", counted(dropped, "message") + " had to make room"});
  return out;
}

report message_explanation_report(json::object const& e) {
  report out{json_text(e)};
  out.title = member(e, "verdict");
  if (e.contains("listeningInstances"))
    out.title += fmt::format("\nthe room is heard by {}", counted(number(e, "listeningInstances"), "instance"));
  out.head = {"USER", "OUTCOME", "WHY"};
  for (auto const* r : objects(list(e, "recipients")))
    out.rows.push_back({member(*r, "userId"), member(*r, "outcome"), member(*r, "why")});
  if (holds(e, "truncated"))
    out.notes.push_back(fmt::format("only {} are shown; ask about one with --user",
                                    counted(static_cast<std::int64_t>(out.rows.size()), "recipient")));
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

report cleared_report(user_id const& who, std::int64_t count) {
  return {.json = json::serialize(json::object{{"user", foreign(who)}, {"cleared", count}}),
          .text = fmt::format("cleared {} of {}", counted(count, "message"), visible(who))};
}

report disconnected_report(user_id const& who, std::int64_t told, std::int64_t ban_s) {
  auto text = told == 0 ? fmt::format("{} has no connection", visible(who))
                        : fmt::format("{} of {} told to end", counted(told, "connection"), visible(who));
  if (ban_s > 0) text += fmt::format("; no new one for {} s", ban_s);
  return {
      .json = json::serialize(json::object{{"user", foreign(who)}, {"connections", told}, {"bannedSeconds", ban_s}}),
      .text = std::move(text)};
}

report pardoned_report(user_id const& who, bool lifted) {
  return {.json = json::serialize(json::object{{"user", foreign(who)}, {"pardoned", lifted}}),
          .text = visible(who) + (lifted ? " may connect again" : " was not banned")};
}

report cleanup_report(std::int64_t removed, std::string_view database) {
  return {.json = json::serialize(json::object{{"removedKeys", removed}}),
          .text = fmt::format("removed {} under ws: from {}", counted(removed, "key"), database)};
}

report sent_report(room_id const& room, std::string_view sender, std::string_view message_id,
                   std::string_view timestamp) {
  return {.json = json::serialize(json::object{{"roomId", foreign(room)},
                                               {"senderId", foreign(sender)},
                                               {"messageId", foreign(message_id)},
                                               {"timestamp", foreign(timestamp)}}),
          .text = fmt::format("sent {} to {} as {}", visible(message_id), visible(room), visible(sender))};
}

report added_report(room_id const& room, std::vector<user_id> const& added, std::vector<user_id> const& unchanged) {
  return changed_members(room, added, unchanged, "is now a member of", "was a member already of", "added");
}

report removed_report(room_id const& room, std::vector<user_id> const& removed, std::vector<user_id> const& unchanged) {
  return changed_members(room, removed, unchanged, "is no longer a member of", "was no member of", "removed");
}

}  // namespace hiky::ctl
