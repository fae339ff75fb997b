// SPDX-License-Identifier: Apache-2.0
#include "app/ctl/syntax.hpp"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "directory/foreign_text.hpp"

namespace hiky::ctl {
namespace {

constexpr int longest_ban_s = 10 * 366 * 24 * 3600;
constexpr std::size_t longest_content = 64 * 1024;  // as the daemon takes from clients

CLI::Validator const is_id{[](std::string& text) -> std::string {
                             auto const fault = directory::is_utf8(text) ? id_fault(text) : "must be valid UTF-8";
                             if (!fault) return {};
                             return fmt::format("'{}' can't be an id: it {}", shortened(visible(text), 40), *fault);
                           },
                           ""};

CLI::Validator const is_text{
    [](std::string& text) -> std::string { return directory::is_utf8(text) ? "" : "the text must be valid UTF-8"; },
    ""};

constexpr char mark = '\0';

CLI::Validator const is_word{[](std::string& text) {
                               text = plain(text);
                               return std::string{};
                             },
                             ""};

std::optional<user_id> id_of(std::optional<std::string> const& text) {
  if (!text) return std::nullopt;
  return user_id{*text};
}

std::vector<user_id> ids_of(std::vector<std::string> const& texts) { return {texts.begin(), texts.end()}; }

std::expected<letter, std::string> letter_of(words const& w) {
  letter out{room_id{w.room}, id_of(w.from), {}};
  if (w.raw) {
    if (auto const parsed = parse_json(w.text); !parsed)
      return std::unexpected(fmt::format("with --raw the text must be JSON: {}", parsed.error().text));
    out.content = w.text;
  } else {
    append_json_string(out.content, w.text);
  }
  if (out.content.size() <= longest_content) return out;
  return std::unexpected(
      fmt::format("the text has {} bytes as JSON; at most {} can be sent", out.content.size(), longest_content));
}

// The syntax tree while it is built.
struct builder {
  words& into;
  std::map<CLI::App const*, command_maker> makers{};

  CLI::App& add(CLI::App& parent, std::string const& name, std::string const& help, command_maker maker) {
    auto* added = parent.add_subcommand(name, help);
    makers[added] = std::move(maker);
    return *added;
  }
  // A command that only looks at Redis and needs no words.
  CLI::App& add(CLI::App& parent, std::string const& name, std::string const& help, outcome (*run)(session&)) {
    return add(parent, name, help, [run](words const&) { return command{run}; });
  }

  static void id(CLI::App& to, std::string const& name, std::string& target, std::string const& help) {
    to.add_option(name, target, help)->type_name("")->transform(is_word)->check(is_id);
  }
  void user(CLI::App& to) const { id(to, "USER", into.user, "the user's id"); }
  void room(CLI::App& to) const { id(to, "ROOM", into.room, "the room's id"); }
  void users(CLI::App& to) const {
    to.add_option("USERS", into.users, "ids of users")->type_name("")->transform(is_word)->check(is_id);
  }

  void overview(CLI::App& app);
  void explanations(CLI::App& app);
  void repairs(CLI::App& app);
  void live(CLI::App& app);
  void people(CLI::App& app);
  void rooms(CLI::App& app);
  void directory(CLI::App& app, CLI::App& users);
  void friends(CLI::App& parent);
};

void builder::overview(CLI::App& app) {
  add(app, "status",
      "counts: who is online, connections, rooms, queued messages, instances; Redis's version and memory",
      &ctl::status);
  add(app, "health", "the health check as JSON; exit code 1 when Redis can't be reached or refuses writes",
      [](words const&) { return command{&ctl::health, &ctl::unhealthy}; });
  add(app, "info", "what Redis says of itself (INFO)", &ctl::info);
  add(app, "cleanup", "delete every ws: key of the WebSocket database; the directory stays",
      [](words const& w) -> std::expected<command, std::string> {
        if (!w.yes)
          return std::unexpected(
              "cleanup deletes all WebSocket state: presence, rooms, memberships, histories and queued messages; say "
              "--yes");
        return command{&ctl::cleanup};
      })
      .add_flag("--yes", into.yes, "yes, delete it all");
}

void builder::explanations(CLI::App& app) {
  add(app, "instances", "the instances that share this Redis: their leases, and what they hold", &ctl::instances);
  auto& group = *app.add_subcommand("explain", "why a user is online or not, and what became of a message");
  user(add(group, "user", "which connections, instances and leases, which rooms, what waits in the mailbox",
           [](words const& w) {
             return command{[who = user_id{w.user}](session& s) { return ctl::explain_user(s, who); }};
           }));
  auto& message =
      add(group, "message", "for whom it was routed, queued, acknowledged or dropped, and why", [](words const& w) {
        state::message_question about{w.message, {}, id_of(w.for_user)};
        if (w.in_room) about.room = room_id{*w.in_room};
        return command{[about](session& s) { return ctl::explain_message(s, about); }};
      });
  id(message, "ID", into.message, "the messageId, like 15c643af92c5:1");
  message.add_option("--room", into.in_room, "the message's room, to find it at once among many")
      ->type_name("ROOM")
      ->transform(is_word)
      ->check(is_id);
  message.add_option("--user", into.for_user, "this recipient only")
      ->type_name("USER")
      ->transform(is_word)
      ->check(is_id);
}

void builder::live(CLI::App& app) {
  auto& watching = add(
      app, "top", "what happens right now: connections, messages, Redis, busiest rooms; q ends it", [](words const& w) {
        top_question const how{w.once ? 1 : w.most, std::chrono::milliseconds{static_cast<long>(w.interval * 1000)}};
        return command{[how](session& s) { return ctl::top(s, how); }};
      });
  watching.add_flag("--once", into.once, "one sample, as a report");
  watching.add_option("--interval", into.interval, "between samples (default 1)")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.1, 3600.0));
  auto& following = add(app, "tail", "follow a room's messages", [](words const& w) {
    tail_question const how{room_id{w.room}, w.lines, w.most, w.events};
    return command{[how](session& s) { return ctl::tail(s, how); }};
  });
  room(following);
  following.add_option("-n,--lines", into.lines, "messages of the past to begin with (default 10)")
      ->type_name("N")
      ->check(CLI::Range(0, 1000));
  following.add_flag("--events", into.events, "also who types, joins, leaves and goes");
  for (auto* each : {&watching, &following}) {
    each->add_option("--count", into.most, "end after so many")->type_name("N")->check(CLI::PositiveNumber);
  }
}

void builder::repairs(CLI::App& app) {
  auto& checking = add(
      app, "fsck", "look for ghosts, half-joined users, connections nobody will end, stuck or poisonous mail, strays",
      [](words const& w) -> std::expected<command, std::string> {
        if (w.strays && !w.repair) return std::unexpected("--strays says what --repair is to do besides; give both");
        state::fsck_question how{w.repair, w.strays, std::chrono::milliseconds{static_cast<long>(w.wait * 1000)}};
        return command{[how](session& s) { return ctl::fsck(s, how); }};
      });
  checking.add_flag("--repair", into.repair, "mend what is found; may be done while everything runs");
  checking.add_flag("--strays", into.strays, "with --repair: delete unknown keys under ws:, too");
  checking
      .add_option("--wait", into.wait,
                  "before what looks wrong is looked at again, since some of it rights itself (default 4)")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.0, 3600.0));
  checking.footer("Exit code 1 when something is wrong and was not mended.");
}

void builder::people(CLI::App& app) {
  add(app, "online", "users who are online", [](words const& w) {
    return command{[count = w.count](session& s) { return ctl::online(s, count); }};
  }).add_flag("--count", into.count, "only how many");
  add(app, "clients", "the newest connection of each user (ws:clients)", &ctl::clients);
  add(app, "typing", "who is typing where", &ctl::typing);

  auto& waiting = add(app, "queue", "messages that wait for a user, oldest first", [](words const& w) {
    return command{[who = user_id{w.user}, clear = w.clear](session& s) {
      return clear ? ctl::clear_queue(s, who) : ctl::queue(s, who);
    }};
  });
  user(waiting);
  waiting.add_flag("--clear", into.clear, "delete them");

  auto& ending = add(app, "disconnect", "end all connections of a user, on every instance", [](words const& w) {
    return command{[who = user_id{w.user}, ban = std::chrono::seconds{w.ban_s}](session& s) {
      return ctl::disconnect(s, who, ban);
    }};
  });
  user(ending);
  ending.add_option("--ban", into.ban_s, "and keep the user out for so long")
      ->type_name("SECONDS")
      ->check(CLI::Range(1, longest_ban_s));
  user(add(app, "pardon", "end a ban before its time", [](words const& w) {
    return command{[who = user_id{w.user}](session& s) { return ctl::pardon(s, who); }};
  }));

  auto const show = [](words const& w) {
    return command{[who = user_id{w.user}](session& s) { return ctl::user(s, who); }, {}, true};
  };
  auto& group = add(app, "user", "all about one user; or with a command, change the directory", show);
  group.require_subcommand(0, 1);
  user(group);
  user(add(group, "show", "the same, also for a user whose id is the name of a command", show));
  directory(app, group);
}

void builder::directory(CLI::App& app, CLI::App& group) {
  auto& adding = add(group, "add", "add a user to the directory, or change a profile", [](words const& w) {
    return command{[change = directory::profile_change{user_id{w.user}, w.username, w.name, w.image}](session& s) {
                     return ctl::add_user(s, change);
                   },
                   {},
                   true};
  });
  user(adding);
  adding.add_option("--username", into.username, "default: the id")
      ->type_name("TEXT")
      ->transform(is_word)
      ->check(is_text);
  adding.add_option("--name", into.name, "the name people see")->type_name("TEXT")->transform(is_word)->check(is_text);
  adding.add_option("--image", into.image, "URL of the profile image")
      ->type_name("URL")
      ->transform(is_word)
      ->check(is_text);
  user(add(group, "remove", "remove a user: profile, friendships, memberships and queued messages", [](words const& w) {
    return command{[who = user_id{w.user}](session& s) { return ctl::remove_user(s, who); }, {}, true};
  }));
  friends(app);
  friends(group);
}

void builder::friends(CLI::App& parent) {
  auto const adding = [](words const& w) {
    return command{
        [one = user_id{w.user}, other = user_id{w.other}](session& s) { return ctl::add_friend(s, one, other); },
        {},
        true};
  };
  auto const pair = [&](CLI::App& to) {
    user(to);
    id(to, "OTHER", into.other, "the other user's id");
  };
  auto& group = add(parent, "friend", "make two users friends", adding);
  group.require_subcommand(0, 1);
  pair(group);
  pair(add(group, "add", "the same", adding));
  pair(add(group, "remove", "end a friendship", [](words const& w) {
    return command{
        [one = user_id{w.user}, other = user_id{w.other}](session& s) { return ctl::remove_friend(s, one, other); },
        {},
        true};
  }));
}

void builder::rooms(CLI::App& app) {
  add(app, "rooms", "all rooms with how many take part, have joined, are members", &ctl::rooms);
  auto const show = [](words const& w) {
    return command{[which = room_id{w.room}](session& s) { return ctl::room(s, which); }, {}, true};
  };
  auto& group = add(app, "room", "who is in a room; or with a command, change its members", show);
  group.require_subcommand(0, 1);
  room(group);
  room(add(group, "show", "the same, also for a room whose id is the name of a command", show));

  auto& adding = add(group, "add-member", "make users members, whether or not they are connected", [](words const& w) {
    return command{
        [which = room_id{w.room}, who = ids_of(w.users)](session& s) { return ctl::add_members(s, which, who); },
        {},
        true};
  });
  auto& removing = add(group, "remove-member", "end memberships", [](words const& w) {
    return command{
        [which = room_id{w.room}, who = ids_of(w.users)](session& s) { return ctl::remove_members(s, which, who); },
        {},
        true};
  });
  for (auto* each : {&adding, &removing}) room(*each), users(*each);

  auto& sending =
      add(app, "send", "send a message to a room", [](words const& w) -> std::expected<command, std::string> {
        auto written = letter_of(w);
        if (!written) return std::unexpected(written.error());
        return command{[what = std::move(*written)](session& s) { return ctl::send(s, what); }};
      });
  room(sending);
  sending.add_option("TEXT", into.text, "what to say")->type_name("")->transform(is_word)->check(is_text);
  sending
      .add_option("--from", into.from,
                  "the sender, a member of the room (default: the system sender hikyctl, who is no member)")
      ->type_name("USER")
      ->transform(is_word)
      ->check(is_id);
  sending.add_flag("--raw", into.raw, "TEXT is a JSON value, to be sent as it is");
}

}  // namespace

std::vector<std::string> spelled_for_cli11(std::vector<std::string> arguments) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    auto& word = arguments[i];
    if (word == "--") {
      while (++i < arguments.size()) out.push_back(mark + arguments[i]);
    } else if (word.starts_with("--") && word.find('=') == word.size() - 1) {
      word.pop_back();
      out.push_back(std::move(word));
      out.emplace_back();
    } else if (word.starts_with('[')) {
      out.push_back(mark + word);
    } else {
      out.push_back(std::move(word));
    }
  }
  return out;
}

std::string_view plain(std::string_view word) {
  if (word.starts_with(mark)) word.remove_prefix(1);
  return word;
}

std::map<CLI::App const*, command_maker> add_commands(CLI::App& app, words& into) {
  builder b{into};
  b.overview(app);
  b.explanations(app);
  b.repairs(app);
  b.live(app);
  b.people(app);
  b.rooms(app);
  return std::move(b.makers);
}

}  // namespace hiky::ctl
