// SPDX-License-Identifier: Apache-2.0
// The commands about users, their friends and their rooms.
#include <fmt/format.h>

#include "app/ctl/command.hpp"
#include "app/ctl/remote_commands.hpp"
#include "base/json.hpp"

namespace hiky::ctl {
namespace {

using made = std::expected<command, std::string>;

constexpr int longest_ban_s = 10 * 366 * 24 * 3600;
constexpr std::size_t longest_content = 64 * 1024;  // as the daemon takes from clients

constexpr word user{"USER", &words::user, "the user's id", an_id{}};
constexpr word other{"OTHER", &words::other, "the other user's id", an_id{}};
constexpr word room{"ROOM", &words::room, "the room's id", an_id{}};
constexpr word users{"USERS", &words::users, "ids of users", an_id{}};
constexpr word count{"--count", &words::count, "only how many"};
constexpr word clear{"--clear", &words::clear, "delete them"};
constexpr word ban{"--ban", &words::ban_s, "and keep the user out for so long", whole_within{1, longest_ban_s},
                   "SECONDS"};
constexpr word username{"--username", &words::username, "default: the id", a_text{}, "TEXT"};
constexpr word name{"--name", &words::name, "the name people see", a_text{}, "TEXT"};
constexpr word image{"--image", &words::image, "URL of the profile image", a_text{}, "URL"};
constexpr word content{"TEXT", &words::text, "what to say", a_text{}};
constexpr word sender{"--from", &words::from,
                      "the sender, a member of the room (default: the system sender hikyctl, who is no member)",
                      an_id{}, "USER"};
constexpr word raw{"--raw", &words::raw, "TEXT is a JSON value, to be sent as it is"};

command with_directory(std::function<outcome(session&)> run) { return {std::move(run), {}, true}; }

std::vector<user_id> ids_of(std::vector<std::string> const& texts) { return {texts.begin(), texts.end()}; }

made queue_of(words const& w) {
  return command{[who = user_id{w.user}, clear_it = w.clear](session& s) {
    return clear_it ? ctl::clear_queue(s, who) : ctl::queue(s, who);
  }};
}

made disconnect_of(words const& w) {
  return command{[who = user_id{w.user}, until = std::chrono::seconds{w.ban_s}](session& s) {
    return ctl::disconnect(s, who, until);
  }};
}

made user_of(words const& w) {
  return with_directory([who = user_id{w.user}](session& s) { return ctl::user(s, who); });
}

made add_user_of(words const& w) {
  directory::profile_change const change{user_id{w.user}, w.username, w.name, w.image};
  return with_directory([change](session& s) { return ctl::add_user(s, change); });
}

made remove_user_of(words const& w) {
  return with_directory([who = user_id{w.user}](session& s) { return ctl::remove_user(s, who); });
}

made add_friend_of(words const& w) {
  return with_directory(
      [one = user_id{w.user}, two = user_id{w.other}](session& s) { return ctl::add_friend(s, one, two); });
}

made remove_friend_of(words const& w) {
  return with_directory(
      [one = user_id{w.user}, two = user_id{w.other}](session& s) { return ctl::remove_friend(s, one, two); });
}

made room_of(words const& w) {
  return with_directory([which = room_id{w.room}](session& s) { return ctl::room(s, which); });
}

made add_members_of(words const& w) {
  return with_directory(
      [which = room_id{w.room}, who = ids_of(w.users)](session& s) { return ctl::add_members(s, which, who); });
}

made remove_members_of(words const& w) {
  return with_directory(
      [which = room_id{w.room}, who = ids_of(w.users)](session& s) { return ctl::remove_members(s, which, who); });
}

made send_of(words const& w) {
  letter what{room_id{w.room}, {}, {}};
  if (w.from) what.from = user_id{*w.from};
  if (w.raw) {
    if (auto const parsed = parse_json(w.text); !parsed)
      return std::unexpected(fmt::format("with --raw the text must be JSON: {}", parsed.error().text));
    what.content = w.text;
  } else {
    append_json_string(what.content, w.text);
  }
  if (what.content.size() > longest_content)
    return std::unexpected(
        fmt::format("the text has {} bytes as JSON; at most {} can be sent", what.content.size(), longest_content));
  return command{[what](session& s) { return ctl::send(s, what); }};
}

constexpr command_entry table[]{
    {.path = "online",
     .help = "users who are online",
     .takes = {&count},
     .make = [](words const& w) -> made {
       return command{[only_count = w.count](session& s) { return ctl::online(s, only_count); }};
     },
     .over_api = over_api::online},
    {.path = "clients",
     .help = "the newest connection of each user (ws:clients)",
     .make = [](words const&) -> made { return command{&ctl::clients}; },
     .over_api = over_api::clients},
    {.path = "typing",
     .help = "who is typing where",
     .make = [](words const&) -> made { return command{&ctl::typing}; },
     .over_api = over_api::typing},
    {.path = "queue",
     .help = "messages that wait for a user, oldest first",
     .takes = {&user, &clear},
     .make = queue_of,
     .over_api = over_api::queue},
    {.path = "disconnect",
     .help = "end all connections of a user, on every instance",
     .takes = {&user, &ban},
     .make = disconnect_of,
     .over_api = over_api::disconnect},
    {.path = "pardon",
     .help = "end a ban before its time",
     .takes = {&user},
     .make = [](words const& w) -> made {
       return command{[who = user_id{w.user}](session& s) { return ctl::pardon(s, who); }};
     },
     .over_api = over_api::pardon},
    {.path = "user",
     .help = "all about one user; or with a command, change the directory",
     .takes = {&user},
     .make = user_of,
     .over_api = over_api::user},
    {.path = "user show",
     .help = "the same, also for a user whose id is the name of a command",
     .takes = {&user},
     .make = user_of,
     .over_api = over_api::user},
    {.path = "user add",
     .help = "add a user to the directory, or change a profile",
     .takes = {&user, &username, &name, &image},
     .make = add_user_of},
    {.path = "user remove",
     .help = "remove a user: profile, friendships, memberships and queued messages",
     .takes = {&user},
     .make = remove_user_of},
    {.path = "friend", .help = "make two users friends", .takes = {&user, &other}, .make = add_friend_of},
    {.path = "friend add", .help = "the same", .takes = {&user, &other}, .make = add_friend_of},
    {.path = "friend remove", .help = "end a friendship", .takes = {&user, &other}, .make = remove_friend_of},
    {.path = "user friend", .help = "make two users friends", .takes = {&user, &other}, .make = add_friend_of},
    {.path = "user friend add", .help = "the same", .takes = {&user, &other}, .make = add_friend_of},
    {.path = "user friend remove", .help = "end a friendship", .takes = {&user, &other}, .make = remove_friend_of},
    {.path = "rooms",
     .help = "all rooms with how many take part, have joined, are members",
     .make = [](words const&) -> made { return command{&ctl::rooms}; }},
    {.path = "room",
     .help = "who is in a room; or with a command, change its members",
     .takes = {&room},
     .make = room_of,
     .over_api = over_api::room},
    {.path = "room show",
     .help = "the same, also for a room whose id is the name of a command",
     .takes = {&room},
     .make = room_of,
     .over_api = over_api::room},
    {.path = "room add-member",
     .help = "make users members, whether or not they are connected",
     .takes = {&room, &users},
     .make = add_members_of,
     .over_api = over_api::add_members},
    {.path = "room remove-member",
     .help = "end memberships",
     .takes = {&room, &users},
     .make = remove_members_of,
     .over_api = over_api::remove_members},
    {.path = "send",
     .help = "send a message to a room",
     .takes = {&room, &content, &sender, &raw},
     .make = send_of,
     .over_api = over_api::send},
};

}  // namespace

std::span<command_entry const> people_commands() { return table; }

}  // namespace hiky::ctl
