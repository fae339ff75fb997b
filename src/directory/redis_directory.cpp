// SPDX-License-Identifier: Apache-2.0
#include "directory/redis_directory.hpp"

#include <fmt/format.h>

#include <numeric>

#include "directory/foreign_text.hpp"
#include "redis/script.hpp"

namespace hiky::directory {
namespace {

constexpr std::string_view user_prefix = "hiky:user:";
constexpr std::string_view friends_prefix = "hiky:user_friends:";
constexpr std::string_view rooms_prefix = "hiky:user_rooms:";
constexpr std::string_view members_prefix = "hiky:room_members:";

std::string user_key(user_id const& u) { return std::string{user_prefix} + u.str(); }
std::string friends_key(user_id const& u) { return std::string{friends_prefix} + u.str(); }
std::string rooms_key(user_id const& u) { return std::string{rooms_prefix} + u.str(); }
std::string members_key(room_id const& r) { return std::string{members_prefix} + r.str(); }

// A script, since the sets that name the user are known only once the user's own are read: between a read and a later
// MULTI, a new friend would be missed.
constexpr std::string_view remove_user_lua = R"(
-- KEYS 1 hiky:user:{u}  2 hiky:user_friends:{u}  3 hiky:user_rooms:{u}
-- ARGV 1 user  2 prefix hiky:user_friends  3 prefix hiky:room_members
-- Returns how many of the three keys were there
for _, friend in ipairs(redis.call('SMEMBERS', KEYS[2])) do redis.call('SREM', ARGV[2] .. friend, ARGV[1]) end
for _, room in ipairs(redis.call('SMEMBERS', KEYS[3])) do redis.call('SREM', ARGV[3] .. room, ARGV[1]) end
return redis.call('DEL', unpack(KEYS))
)";

template <class Id>
std::vector<Id> ids(redis::value set) {
  std::vector<Id> out;
  for (auto& text : set.strings()) {
    if (is_utf8(text) && !id_fault(text)) out.emplace_back(std::move(text));
  }
  return out;
}

void ask_profile(redis::request& r, user_id const& user) {
  r.add("HMGET", user_key(user), "username", "name", "profileImage");
}

profile to_profile(user_id user, redis::value fields) {
  profile out{std::move(user), {}, {}, {}};
  auto texts = fields.strings();
  texts.resize(3);
  out.username = mended_utf8(std::move(texts[0]));
  out.name = mended_utf8(std::move(texts[1]));
  out.profile_image = mended_utf8(std::move(texts[2]));
  return out;
}

template <class Fill>
redis::request transaction(Fill fill) {
  redis::request r{"MULTI"};
  fill(r);
  r.add("EXEC");
  return r;
}

// Gives the integer answers of the commands between MULTI and EXEC.
// Redis runs the rest of a transaction when one command fails in it; that is an error here all the same.
task<result<std::vector<std::int64_t>>> commit(redis::client& redis, redis::request whole) {
  auto const last = whole.commands() - 1;
  auto const answer = co_await redis.exec(std::move(whole));
  if (!answer) co_return std::unexpected(answer.error());
  std::vector<std::int64_t> out;
  for (auto const& each : (*answer)[last].items()) {
    if (each.is_error()) co_return fail(errc::server_error, std::string{each.text()});
    out.push_back(each.integer());
  }
  if (out.size() + 2 != last + 1)
    co_return fail(errc::unexpected_reply, "EXEC answered another number of commands than it was sent");
  co_return out;
}

task<result<bool>> changes_anything(redis::client& redis, redis::request whole) {
  auto const answers = co_await commit(redis, std::move(whole));
  if (!answers) co_return std::unexpected(answers.error());
  co_return std::accumulate(answers->begin(), answers->end(), std::int64_t{0}) > 0;
}

}  // namespace

task<result<entry>> redis_directory::load(user_id user) {
  redis::request r;
  ask_profile(r, user);
  r.add("SMEMBERS", friends_key(user)).add("SMEMBERS", rooms_key(user));
  auto const answer = co_await redis_.exec(std::move(r));
  if (!answer) co_return std::unexpected(answer.error());
  co_return entry{to_profile(std::move(user), (*answer)[0]), ids<user_id>((*answer)[1]), ids<room_id>((*answer)[2])};
}

task<result<std::vector<user_id>>> redis_directory::friends(user_id user) {
  auto const answer = co_await redis_.exec(redis::request{"SMEMBERS", friends_key(user)});
  if (!answer) co_return std::unexpected(answer.error());
  co_return ids<user_id>((*answer)[0]);
}

task<result<std::vector<user_id>>> redis_directory::room_members(room_id room) {
  auto const answer = co_await redis_.exec(redis::request{"SMEMBERS", members_key(room)});
  if (!answer) co_return std::unexpected(answer.error());
  co_return ids<user_id>((*answer)[0]);
}

task<result<std::vector<profile>>> redis_directory::profiles(std::vector<user_id> users) {
  std::vector<profile> out;
  if (users.empty()) co_return out;
  redis::request r;
  for (auto const& user : users) ask_profile(r, user);
  auto const answer = co_await redis_.exec_each(std::move(r));
  if (!answer) co_return std::unexpected(answer.error());
  out.reserve(users.size());
  for (std::size_t i = 0; i < users.size(); ++i) {
    auto const fields = (*answer)[i];
    // Only a key of a wrong type is one user's fault; LOADING, NOAUTH and their like are everybody's.
    if (fields.is_error() && !fields.text().starts_with("WRONGTYPE"))
      co_return fail(errc::server_error, std::string{fields.text()});
    out.push_back(to_profile(std::move(users[i]), fields));
  }
  co_return out;
}

task<result<bool>> redis_directory::add_user(profile_change change) {
  auto const key = user_key(change.id);
  auto const answers = co_await commit(redis_, transaction([&](redis::request& r) {
                                         r.add("EXISTS", key);
                                         if (change.username) r.add("HSET", key, "username", *change.username);
                                         if (change.name) r.add("HSET", key, "name", *change.name);
                                         if (change.profile_image)
                                           r.add("HSET", key, "profileImage", *change.profile_image);
                                         r.add("HSETNX", key, "username", change.id);
                                       }));
  if (!answers) co_return std::unexpected(answers.error());
  co_return answers->front() == 0;
}

task<result<bool>> redis_directory::remove_user(user_id user) {
  static redis::script const script{remove_user_lua};
  std::string const keys[]{user_key(user), friends_key(user), rooms_key(user)};
  auto call = script.call(keys, 3);
  call.arg(user).arg(friends_prefix).arg(members_prefix);
  auto const answer = co_await script.run(redis_, std::move(call));
  if (!answer) co_return std::unexpected(answer.error());
  co_return (*answer)[0].integer() > 0;
}

task<result<bool>> redis_directory::add_friend(user_id one, user_id other) {
  if (one == other)
    co_return fail(errc::invalid_argument,
                   fmt::format("'{}' can't be their own friend; expected two different users", one.str()));
  co_return co_await changes_anything(redis_, transaction([&](redis::request& r) {
                                        r.add("SADD", friends_key(one), other).add("SADD", friends_key(other), one);
                                      }));
}

task<result<bool>> redis_directory::remove_friend(user_id one, user_id other) {
  co_return co_await changes_anything(redis_, transaction([&](redis::request& r) {
                                        r.add("SREM", friends_key(one), other).add("SREM", friends_key(other), one);
                                      }));
}

task<result<bool>> redis_directory::add_room_member(user_id user, room_id room) {
  co_return co_await changes_anything(redis_, transaction([&](redis::request& r) {
                                        r.add("SADD", members_key(room), user).add("SADD", rooms_key(user), room);
                                      }));
}

task<result<bool>> redis_directory::remove_room_member(user_id user, room_id room) {
  co_return co_await changes_anything(redis_, transaction([&](redis::request& r) {
                                        r.add("SREM", members_key(room), user).add("SREM", rooms_key(user), room);
                                      }));
}

}  // namespace hiky::directory
