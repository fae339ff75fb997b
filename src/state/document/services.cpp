// SPDX-License-Identifier: Apache-2.0
#include "state/document/services.hpp"

#include <functional>
#include <utility>

#include "state/document/with_fallback.hpp"

namespace hiky::state {
namespace {

// Section 8: the strict class tells how many keys were removed, and gives INFO as a text; the document has a bool, and
// a text or nothing.
task<result<void>> clean(utility& of) {
  auto const removed = co_await of.cleanup();
  if (!removed) co_return std::unexpected(removed.error());
  co_return result<void>{};
}

task<result<std::optional<std::string>>> text(utility& of) { co_return co_await of.info(); }

}  // namespace

services::services(redis::client& redis)
    : clients_(redis),
      online_users_(redis),
      user_rooms_(redis),
      room_participants_(redis),
      joined_room_participants_(redis),
      typing_users_(redis),
      offline_messages_(redis),
      utility_(redis) {}

task<bool> services::set_client(user_id user, json::object connection_data) {
  return with_fallback(std::bind_front(&clients::set, &clients_, std::move(user), std::move(connection_data)), false,
                       "set_client");
}

task<std::optional<json::object>> services::get_client(user_id user) {
  return with_fallback(std::bind_front(&clients::get, &clients_, std::move(user)), std::nullopt, "get_client");
}

task<bool> services::remove_client(user_id user) {
  return with_fallback(std::bind_front(&clients::remove, &clients_, std::move(user)), false, "remove_client");
}

task<std::map<user_id, json::object>> services::get_all_clients() {
  return with_fallback(std::bind_front(&clients::all, &clients_), {}, "get_all_clients");
}

task<bool> services::add_online_user(user_id user) {
  return with_fallback(std::bind_front(&online_users::add, &online_users_, std::move(user)), false, "add_online_user");
}

task<bool> services::remove_online_user(user_id user) {
  return with_fallback(std::bind_front(&online_users::remove, &online_users_, std::move(user)), false,
                       "remove_online_user");
}

task<bool> services::is_user_online(user_id user) {
  return with_fallback(std::bind_front(&online_users::contains, &online_users_, std::move(user)), false,
                       "is_user_online");
}

task<std::vector<user_id>> services::get_online_users() {
  return with_fallback(std::bind_front(&online_users::all, &online_users_), {}, "get_online_users");
}

task<std::size_t> services::get_online_users_count() {
  return with_fallback(std::bind_front(&online_users::count, &online_users_), 0, "get_online_users_count");
}

task<bool> services::add_user_room(user_id user, room_id room) {
  return with_fallback(std::bind_front(&user_rooms::add, &user_rooms_, std::move(user), std::move(room)), false,
                       "add_user_room");
}

task<bool> services::remove_user_room(user_id user, room_id room) {
  return with_fallback(std::bind_front(&user_rooms::remove, &user_rooms_, std::move(user), std::move(room)), false,
                       "remove_user_room");
}

task<std::vector<room_id>> services::get_user_rooms(user_id user) {
  return with_fallback(std::bind_front(&user_rooms::all, &user_rooms_, std::move(user)), {}, "get_user_rooms");
}

task<bool> services::remove_all_user_rooms(user_id user) {
  return with_fallback(std::bind_front(&user_rooms::clear, &user_rooms_, std::move(user)), false,
                       "remove_all_user_rooms");
}

task<bool> services::add_room_participant(room_id room, user_id user) {
  return with_fallback(std::bind_front(&room_participants::add, &room_participants_, std::move(room), std::move(user)),
                       false, "add_room_participant");
}

task<bool> services::remove_room_participant(room_id room, user_id user) {
  return with_fallback(
      std::bind_front(&room_participants::remove, &room_participants_, std::move(room), std::move(user)), false,
      "remove_room_participant");
}

task<std::vector<user_id>> services::get_room_participants(room_id room) {
  return with_fallback(std::bind_front(&room_participants::all, &room_participants_, std::move(room)), {},
                       "get_room_participants");
}

task<std::size_t> services::get_room_participants_count(room_id room) {
  return with_fallback(std::bind_front(&room_participants::count, &room_participants_, std::move(room)), 0,
                       "get_room_participants_count");
}

task<bool> services::remove_room_if_empty(room_id room) {
  return with_fallback(std::bind_front(&room_participants::remove_if_empty, &room_participants_, std::move(room)),
                       false, "remove_room_if_empty");
}

task<bool> services::add_joined_room_participant(room_id room, user_id user) {
  return with_fallback(
      std::bind_front(&joined_room_participants::add, &joined_room_participants_, std::move(room), std::move(user)),
      false, "add_joined_room_participant");
}

task<bool> services::remove_joined_room_participant(room_id room, user_id user) {
  return with_fallback(
      std::bind_front(&joined_room_participants::remove, &joined_room_participants_, std::move(room), std::move(user)),
      false, "remove_joined_room_participant");
}

task<std::vector<user_id>> services::get_joined_room_participants(room_id room) {
  return with_fallback(std::bind_front(&joined_room_participants::all, &joined_room_participants_, std::move(room)), {},
                       "get_joined_room_participants");
}

task<bool> services::set_typing_user(user_id user, room_id room) {
  return with_fallback(std::bind_front(&typing_users::set, &typing_users_, std::move(user), std::move(room)), false,
                       "set_typing_user");
}

task<bool> services::remove_typing_user(user_id user) {
  return with_fallback(std::bind_front(&typing_users::remove, &typing_users_, std::move(user)), false,
                       "remove_typing_user");
}

task<std::optional<room_id>> services::get_typing_user(user_id user) {
  return with_fallback(std::bind_front(&typing_users::get, &typing_users_, std::move(user)), std::nullopt,
                       "get_typing_user");
}

task<std::map<user_id, room_id>> services::get_all_typing_users() {
  return with_fallback(std::bind_front(&typing_users::all, &typing_users_), {}, "get_all_typing_users");
}

task<bool> services::add_offline_message(user_id user, json::object message) {
  return with_fallback(
      std::bind_front(&offline_messages::push, &offline_messages_, std::move(user), std::move(message)), false,
      "add_offline_message");
}

task<std::vector<json::object>> services::get_offline_messages(user_id user) {
  return with_fallback(std::bind_front(&offline_messages::all, &offline_messages_, std::move(user)), {},
                       "get_offline_messages");
}

task<bool> services::clear_offline_messages(user_id user) {
  return with_fallback(std::bind_front(&offline_messages::clear, &offline_messages_, std::move(user)), false,
                       "clear_offline_messages");
}

task<std::size_t> services::get_offline_message_count(user_id user) {
  return with_fallback(std::bind_front(&offline_messages::count, &offline_messages_, std::move(user)), 0,
                       "get_offline_message_count");
}

task<bool> services::cleanup_all_websocket_data() {
  return with_fallback(std::bind_front(clean, std::ref(utility_)), false, "cleanup_all_websocket_data");
}

task<std::optional<std::string>> services::get_redis_info() {
  return with_fallback(std::bind_front(text, std::ref(utility_)), std::nullopt, "get_redis_info");
}

task<bool> services::health_check() {
  return with_fallback(std::bind_front(&utility::ping, &utility_), false, "health_check");
}

}  // namespace hiky::state
