// SPDX-License-Identifier: Apache-2.0
// What each command asks the API, and which of the answer goes into the report.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "app/ctl/findings.hpp"
#include "app/ctl/remote.hpp"
#include "base/encoding.hpp"

namespace hiky::ctl {
namespace {

using namespace std::chrono_literals;

constexpr auto long_walk = 60s;  // a message whose room is not named is looked for in all of them
constexpr auto clearing = 600s;

std::string of_user(std::string_view id, std::string_view what = "") {
  return fmt::format("/users/{}{}", percent_encoded(id), what);
}
std::string of_room(std::string_view id, std::string_view what = "") {
  return fmt::format("/rooms/{}{}", percent_encoded(id), what);
}

std::string text(json::object const& from, std::string_view name) {
  auto const* found = from.if_contains(name);
  return found != nullptr && found->is_string() ? std::string{found->get_string()} : std::string{};
}

std::int64_t number(json::object const& from, std::string_view name) {
  auto const* found = from.if_contains(name);
  return found != nullptr && found->is_number() ? found->to_number<std::int64_t>() : 0;
}

json::array list(json::object const& from, std::string_view name) {
  auto const* found = from.if_contains(name);
  return found != nullptr && found->is_array() ? found->get_array() : json::array{};
}

std::vector<std::string> sorted_texts(json::array const& all) {
  std::vector<std::string> out;
  for (auto const& each : all) {
    if (each.is_string()) out.emplace_back(each.get_string());
  }
  std::ranges::sort(out);
  auto const twice = std::ranges::unique(out);
  out.erase(twice.begin(), twice.end());
  return out;
}

template <class Keep>
std::vector<std::string> rooms_where(json::array const& rooms, Keep keep) {
  json::array out;
  for (auto const& each : rooms) {
    if (each.is_object() && keep(each.get_object())) out.push_back(each.get_object().at("roomId"));
  }
  return sorted_texts(out);
}

bool holds(json::object const& from, std::string_view name) {
  auto const* found = from.if_contains(name);
  return found != nullptr && found->is_bool() && found->get_bool();
}

// Answered without a key, and with 503 by an instance that has lost its Redis.
outcome health(instance_api& api, words) {
  auto const answer = co_await api.fetch({.path = "/health"});
  if (!answer) co_return std::unexpected(answer.error());
  auto const parsed = parse_json(answer->body);
  auto const status = parsed && parsed->is_object() ? text(parsed->get_object(), "status") : "";
  if (status.empty()) {
    co_return fail(errc::server_error,
                   fmt::format("/health: status {}, which is no answer of a hikyd; expected its address in --url",
                               answer->status));
  }
  co_return report{.json = answer->body, .text = answer->body, .exit_code = status == "healthy" ? 0 : 1};
}

outcome info(instance_api& api, words) {
  auto const sections = co_await api.ask_object({.path = "/redis/info"});
  if (!sections) co_return std::unexpected(sections.error());
  co_return info_report(*sections);
}

outcome cleanup(instance_api& api, words) {
  auto const done = co_await api.ask_object({.method = "POST",
                                             .path = "/maintenance/cleanup",
                                             .body = R"({"confirm":"delete all ws data"})",
                                             .patience = clearing});
  if (!done) co_return std::unexpected(done.error());
  co_return cleanup_report(number(*done, "removed"), "the WebSocket database");
}

outcome instances(instance_api& api, words) {
  auto const found = co_await api.ask_object({.path = "/instances"});
  if (!found) co_return std::unexpected(found.error());
  co_return instances_report(list(*found, "items"));
}

outcome explain_user(instance_api& api, words w) {
  auto const found = co_await api.ask_object({.path = "/explain" + of_user(w.user)});
  if (!found) co_return std::unexpected(found.error());
  co_return user_explanation_report(*found);
}

outcome explain_message(instance_api& api, words w) {
  std::string path = "/explain/messages/" + percent_encoded(w.message);
  if (w.in_room) path += "?room=" + percent_encoded(*w.in_room);
  if (w.for_user) path.append(w.in_room ? "&" : "?").append("user=").append(percent_encoded(*w.for_user));
  auto const found = co_await api.ask_object({.path = std::move(path), .patience = long_walk});
  if (!found) co_return std::unexpected(found.error());
  co_return message_explanation_report(*found);
}

outcome online(instance_api& api, words w) {
  if (w.count) {
    auto const found = co_await api.ask_object({.path = "/users/online/count"});
    if (!found) co_return std::unexpected(found.error());
    co_return online_count_report(number(*found, "count"));
  }
  auto const all = co_await api.all("/users/online");
  if (!all) co_return std::unexpected(all.error());
  co_return online_report(sorted_texts(*all));
}

outcome clients(instance_api& api, words) {
  auto const all = co_await api.all("/clients");
  if (!all) co_return std::unexpected(all.error());
  std::map<std::string, json::object> by_user;
  for (auto const& each : *all) {
    if (!each.is_object()) continue;
    auto const* data = each.get_object().if_contains("data");
    by_user[text(each.get_object(), "userId")] =
        data != nullptr && data->is_object() ? data->get_object() : json::object{};
  }
  co_return clients_report({by_user.begin(), by_user.end()});
}

outcome typing(instance_api& api, words) {
  auto const all = co_await api.all("/typing");
  if (!all) co_return std::unexpected(all.error());
  std::map<std::string, std::string> marks;
  for (auto const& each : *all) {
    if (each.is_object()) marks[text(each.get_object(), "userId")] = text(each.get_object(), "roomId");
  }
  co_return typing_report({marks.begin(), marks.end()});
}

outcome user(instance_api& api, words w) {
  auto const known = co_await api.ask_object({.path = of_user(w.user)});
  if (!known) co_return std::unexpected(known.error());
  auto const held = co_await api.ask_object({.path = of_user(w.user, "/connections")});
  if (!held) co_return std::unexpected(held.error());
  auto const explained = co_await api.ask_object({.path = "/explain" + of_user(w.user)});
  if (!explained) co_return std::unexpected(explained.error());
  auto const rooms = list(*explained, "rooms");
  json::object about{{"id", w.user}};
  for (auto const* field : {"username", "name", "profileImage", "online", "lastSeen"})
    about[field] = known->if_contains(field) ? known->at(field) : nullptr;
  about["bannedSeconds"] = number(*known, "bannedSeconds");
  about["connections"] = list(*held, "items");
  about["rooms"] = json_array(rooms_where(rooms, [](json::object const& r) { return holds(r, "participant"); }));
  about["memberRooms"] = json_array(rooms_where(rooms, [](json::object const& r) { return holds(r, "member"); }));
  about["typingIn"] = known->if_contains("typingIn") ? known->at("typingIn") : nullptr;
  about["queued"] = number(*known, "queued");
  about["dropped"] = number(*known, "dropped");
  co_return user_report(about);
}

outcome queue(instance_api& api, words w) {
  auto const found = co_await api.ask({.path = of_user(w.user, "/offline-messages")});
  if (!found) co_return std::unexpected(found.error());
  waiting out{user_id{w.user}, {}};
  for (auto const each : raw_elements(raw_member(*found, "items").value_or("[]"))) out.messages.emplace_back(each);
  if (auto const parsed = parse_json(*found); parsed && parsed->is_object())
    out.dropped = number(parsed->get_object(), "dropped");
  co_return queue_report(out);
}

outcome clear_queue(instance_api& api, words w) {
  auto const done = co_await api.ask_object({.method = "DELETE", .path = of_user(w.user, "/offline-messages")});
  if (!done) co_return std::unexpected(done.error());
  co_return cleared_report(user_id{w.user}, number(*done, "removed"));
}

outcome disconnect(instance_api& api, words w) {
  auto body = w.ban_s > 0 ? fmt::format(R"({{"banSeconds":{}}})", w.ban_s) : std::string{};
  auto const done =
      co_await api.ask_object({.method = "POST", .path = of_user(w.user, "/disconnect"), .body = std::move(body)});
  if (!done) co_return std::unexpected(done.error());
  co_return disconnected_report(user_id{w.user}, number(*done, "connections"), w.ban_s);
}

outcome pardon(instance_api& api, words w) {
  auto const done = co_await api.ask_object({.method = "DELETE", .path = of_user(w.user, "/ban")});
  if (!done) co_return std::unexpected(done.error());
  co_return pardoned_report(user_id{w.user}, holds(*done, "pardoned"));
}

outcome room(instance_api& api, words w) {
  json::object about{{"room", w.room}};
  for (auto const* each : {"participants", "joined", "members"}) {
    auto const all = co_await api.all(of_room(w.room, fmt::format("/{}", each)));
    if (!all) co_return std::unexpected(all.error());
    about[each] = json_array(sorted_texts(*all));
  }
  co_return room_report(about);
}

outcome change_members(instance_api& api, words w, std::string method) {
  std::vector<user_id> changed, unchanged;
  for (auto const& u : w.users) {
    auto const done =
        co_await api.ask_object({.method = method, .path = of_room(w.room, "/members/" + percent_encoded(u))});
    if (!done) co_return std::unexpected(done.error());
    (holds(*done, "changed") ? changed : unchanged).emplace_back(u);
  }
  room_id const which{w.room};
  co_return method == "PUT" ? added_report(which, changed, unchanged) : removed_report(which, changed, unchanged);
}

outcome add_members(instance_api& api, words w) { return change_members(api, std::move(w), "PUT"); }
outcome remove_members(instance_api& api, words w) { return change_members(api, std::move(w), "DELETE"); }

outcome send(instance_api& api, words w) {
  std::string body = "{\"content\":";
  if (w.raw) body += w.text;
  else append_json_string(body, w.text);
  if (w.from) append_json_string(body += ",\"senderId\":", *w.from);
  auto const sent =
      co_await api.ask_object({.method = "POST", .path = of_room(w.room, "/messages"), .body = body += '}'});
  if (!sent && sent.error().code == errc::not_member) {
    co_return fail(errc::not_member,
                   fmt::format("'{}' is not a member of room '{}'; make them one with: hikyctl room add-member {}",
                               w.from.value_or(""), w.room, pasteable({w.room, w.from.value_or("")})));
  }
  if (!sent) co_return std::unexpected(sent.error());
  co_return sent_report(room_id{w.room}, text(*sent, "senderId"), text(*sent, "messageId"), text(*sent, "timestamp"));
}

struct entry {
  std::string_view path;
  outcome (*run)(instance_api&, words);
};
constexpr std::array table{entry{"health", health},
                           entry{"info", info},
                           entry{"cleanup", cleanup},
                           entry{"instances", instances},
                           entry{"explain user", explain_user},
                           entry{"explain message", explain_message},
                           entry{"online", online},
                           entry{"clients", clients},
                           entry{"typing", typing},
                           entry{"user", user},
                           entry{"user show", user},
                           entry{"queue", queue},
                           entry{"queue --clear", clear_queue},
                           entry{"disconnect", disconnect},
                           entry{"pardon", pardon},
                           entry{"room", room},
                           entry{"room show", room},
                           entry{"room add-member", add_members},
                           entry{"room remove-member", remove_members},
                           entry{"send", send}};

}  // namespace

std::optional<api_command> command_over_api(std::string_view path, words const& w) {
  auto const found = std::ranges::find(table, path == "queue" && w.clear ? "queue --clear" : path, &entry::path);
  if (found == table.end()) return std::nullopt;
  return api_command{[run = found->run, w](instance_api& api) { return run(api, w); }};
}

}  // namespace hiky::ctl
