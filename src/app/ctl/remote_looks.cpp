// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>

#include "app/ctl/cells.hpp"
#include "app/ctl/findings.hpp"
#include "app/ctl/remote_commands.hpp"
#include "app/ctl/remote_paths.hpp"

namespace hiky::ctl::over_api {
namespace {

using namespace std::chrono_literals;

constexpr auto long_walk = 60s;  // a message whose room is not named is looked for in all of them

std::vector<std::string> sorted_texts(json::array const& all) {
  auto out = texts(all);
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

}  // namespace

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
  if (w.clear) co_return co_await clear_queue(api, std::move(w));
  auto const found = co_await api.ask({.path = of_user(w.user, "/offline-messages")});
  if (!found) co_return std::unexpected(found.error());
  waiting out{user_id{w.user}, {}};
  for (auto const each : raw_elements(raw_member(*found, "items").value_or("[]"))) out.messages.emplace_back(each);
  if (auto const parsed = parse_json(*found); parsed && parsed->is_object())
    out.dropped = number(parsed->get_object(), "dropped");
  co_return queue_report(out);
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

}  // namespace hiky::ctl::over_api
