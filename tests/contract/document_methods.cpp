// SPDX-License-Identifier: Apache-2.0
#include "contract/document_methods.hpp"

#include "base/json.hpp"

using namespace hiky;

namespace {

std::string json_text(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

std::string as_json(bool value) { return value ? "true" : "false"; }
std::string as_json(std::size_t value) { return std::to_string(value); }
std::string as_json(json::object const& value) { return json::serialize(value); }
// The first line of INFO's text is enough.
std::string as_json(std::string const& value) { return json_text(value.substr(0, value.find("\r\n"))); }
template <class Tag>
std::string as_json(basic_id<Tag> const& value) {
  return json_text(value);
}
template <class T>
std::string as_json(std::optional<T> const& value) {
  return value ? as_json(*value) : "null";
}
template <class T>
std::string as_json(std::vector<T> const& values) {
  std::string out = "[";
  for (auto const& value : values) out += (out.size() > 1 ? "," : "") + as_json(value);
  return out + "]";
}
template <class K, class V>
std::string as_json(std::map<K, V> const& values) {
  std::string out = "{";
  for (auto const& [key, value] : values) out += (out.size() > 1 ? "," : "") + as_json(key) + ":" + as_json(value);
  return out + "}";
}

template <class... Params, class T>
auto calling(task<T> (state::services::*method)(Params...), std::type_identity_t<Params>... args) {
  return [=](state::services& services) -> task<std::string> {
    return [](task<T> inner) -> task<std::string> {
      co_return as_json(co_await std::move(inner));
    }((services.*method)(args...));
  };
}

std::vector<document_method> make() {
  using s = state::services;
  user_id const alice{"alice"};
  room_id const tea{"tea"}, empty{"empty"};
  json::object const data{{"n", 1}};
  constexpr auto clients = "ws:clients", online = "ws:online_users", rooms = "ws:user_rooms:alice",
                 people = "ws:room_participants:tea", joined = "ws:joined_room_participants:tea",
                 typing = "ws:typing_users", mail = "ws:offline_messages:alice";
  return {
      {"set_client", needs::memory, clients, "true", "false", calling(&s::set_client, alice, data)},
      {"get_client", needs::read, clients, R"({"n":1})", "null", calling(&s::get_client, alice)},
      {"remove_client", needs::write, clients, "true", "false", calling(&s::remove_client, alice)},
      {"get_all_clients", needs::read, clients, R"({"alice":{"n":1}})", "{}", calling(&s::get_all_clients)},

      {"add_online_user", needs::memory, online, "true", "false", calling(&s::add_online_user, alice)},
      {"remove_online_user", needs::write, online, "true", "false", calling(&s::remove_online_user, alice)},
      {"is_user_online", needs::read, online, "true", "false", calling(&s::is_user_online, alice)},
      {"get_online_users", needs::read, online, R"(["alice"])", "[]", calling(&s::get_online_users)},
      {"get_online_users_count", needs::read, online, "1", "0", calling(&s::get_online_users_count)},

      {"add_user_room", needs::memory, rooms, "true", "false", calling(&s::add_user_room, alice, tea)},
      {"remove_user_room", needs::write, rooms, "true", "false", calling(&s::remove_user_room, alice, tea)},
      {"get_user_rooms", needs::read, rooms, R"(["tea"])", "[]", calling(&s::get_user_rooms, alice)},
      {"remove_all_user_rooms", needs::write, "", "true", "false", calling(&s::remove_all_user_rooms, alice)},

      {"add_room_participant", needs::memory, people, "true", "false", calling(&s::add_room_participant, tea, alice)},
      {"remove_room_participant", needs::write, people, "true", "false",
       calling(&s::remove_room_participant, tea, alice)},
      {"get_room_participants", needs::read, people, R"(["alice"])", "[]", calling(&s::get_room_participants, tea)},
      {"get_room_participants_count", needs::read, people, "1", "0", calling(&s::get_room_participants_count, tea)},
      {"remove_room_if_empty", needs::write, "ws:room_participants:empty", "true", "false",
       calling(&s::remove_room_if_empty, empty)},

      {"add_joined_room_participant", needs::memory, joined, "true", "false",
       calling(&s::add_joined_room_participant, tea, alice)},
      {"remove_joined_room_participant", needs::write, joined, "true", "false",
       calling(&s::remove_joined_room_participant, tea, alice)},
      {"get_joined_room_participants", needs::read, joined, R"(["alice"])", "[]",
       calling(&s::get_joined_room_participants, tea)},

      {"set_typing_user", needs::memory, typing, "true", "false", calling(&s::set_typing_user, alice, tea)},
      {"remove_typing_user", needs::write, typing, "true", "false", calling(&s::remove_typing_user, alice)},
      {"get_typing_user", needs::read, typing, R"("tea")", "null", calling(&s::get_typing_user, alice)},
      {"get_all_typing_users", needs::read, typing, R"({"alice":"tea"})", "{}", calling(&s::get_all_typing_users)},

      {"add_offline_message", needs::memory, mail, "true", "false", calling(&s::add_offline_message, alice, data)},
      {"get_offline_messages", needs::read, mail, R"([{"n":1}])", "[]", calling(&s::get_offline_messages, alice)},
      {"clear_offline_messages", needs::write, "", "true", "false", calling(&s::clear_offline_messages, alice)},
      {"get_offline_message_count", needs::read, mail, "1", "0", calling(&s::get_offline_message_count, alice)},

      {"cleanup_all_websocket_data", needs::write, "", "true", "false", calling(&s::cleanup_all_websocket_data)},
      {"get_redis_info", needs::read, "", R"("# Server")", "null", calling(&s::get_redis_info)},
      {"health_check", needs::read, "", "true", "false", calling(&s::health_check)},
  };
}

}  // namespace

std::vector<document_method> const& document_methods() {
  static std::vector<document_method> const all = make();
  return all;
}

void prepare(support::redis_probe& probe) {
  probe("FLUSHALL");
  probe("HSET", "ws:clients", "alice", R"({"n":1})");
  probe("SADD", "ws:online_users", "alice");
  probe("SADD", "ws:user_rooms:alice", "tea");
  probe("SADD", "ws:room_participants:tea", "alice");
  probe("SADD", "ws:joined_room_participants:tea", "alice");
  probe("HSET", "ws:typing_users", "alice", "tea");
  probe("SET", "ws:typing_users:alice", "tea", "EX", "10");
  probe("LPUSH", "ws:offline_messages:alice", R"({"n":1})");
}
