// SPDX-License-Identifier: Apache-2.0
#include "app/ctl/command_line.hpp"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "app/ctl/remote.hpp"
#include "app/ctl/syntax.hpp"
#include "app/options/data_folder.hpp"
#include "app/options/man_words.hpp"
#include "app/options/option_text.hpp"
#include "base/version.hpp"

namespace hiky::ctl {
namespace {

using namespace std::chrono_literals;

struct place_options {
  std::string redis, data, ca, cert, key, url, api_key_file;
  int app_database = 0, ws_database = 1;
  bool json = false;
};

struct place {
  redis::address address;
  std::string advice;
};

std::string from_environment(char const* name) {
  char const* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// Flag over environment; within each, the more exact one: a URL over a data folder.
result<place> find_redis(place_options given) {
  if (!given.redis.empty() && given.redis != "embedded" && !given.data.empty()) {
    return fail(
        errc::invalid_argument,
        "--redis and --data name two places; give --redis for a Redis of its own, or --data for hikyd's embedded one");
  }
  if (given.redis.empty() && given.data.empty()) given.redis = from_environment("HIKY_REDIS");
  if (!given.redis.empty() && given.redis != "embedded") {
    auto address = redis::parse_address(given.redis);
    if (!address) return std::unexpected(address.error());
    if (address->database != 0) {
      return fail(
          errc::invalid_argument,
          fmt::format("the URL names database {}, but hikyctl uses two; give --redis-db-ws and --redis-db-app instead",
                      address->database));
    }
    for (auto const& [file, variable] :
         {std::pair{&given.ca, "HIKY_REDIS_CA"}, {&given.cert, "HIKY_REDIS_CERT"}, {&given.key, "HIKY_REDIS_KEY"}}) {
      if (file->empty() && address->tls) *file = from_environment(variable);
    }
    if (auto const used = address->use({given.ca, given.cert, given.key}); !used) return std::unexpected(used.error());
    return place{std::move(*address), "check --redis (or HIKY_REDIS), and that a Redis answers there"};
  }
  if (given.data.empty()) given.data = from_environment("HIKY_DATA");
  if (given.data.empty()) given.data = app::default_data_folder();
  place out;
  out.address.unix_path = given.data + "/redis.sock";
  out.advice =
      "expected the embedded Redis of a running hikyd there: start hikyd, or name another Redis with --redis URL";
  return out;
}

void add_database(CLI::App& app, std::string const& name, std::string const& variable, int& into,
                  std::string const& help) {
  CLI::Validator const is_number{[variable](std::string& text) -> std::string {
                                   int number = -1;
                                   auto const* const end = text.data() + text.size();
                                   if (std::from_chars(text.data(), end, number).ptr == end && number >= 0) return {};
                                   return fmt::format(
                                       "'{}', from here or from {}, is no database number; expected 0 or more",
                                       visible(text), variable);
                                 },
                                 ""};
  app.add_option("--redis-db-" + name, into, help)->type_name("N")->check(is_number)->envname(variable);
}

// Nothing: Redis is asked. A flag for a place in Redis wins over HIKY_URL, since no flag may be without effect.
result<std::optional<api_place>> find_instance(place_options given, std::vector<std::string> const& arguments) {
  auto const place_in_redis = std::ranges::find_if(
      arguments, [](std::string_view word) { return word.starts_with("--redis") || word.starts_with("--data"); });
  if (place_in_redis != arguments.end()) {
    if (given.url.empty() && given.api_key_file.empty()) return std::nullopt;
    return fail(
        errc::invalid_argument,
        fmt::format("--url and --api-key-file are for an instance's API, {} is for Redis; give one or the other",
                    place_in_redis->substr(0, place_in_redis->find('='))));
  }
  if (given.url.empty()) given.url = from_environment("HIKY_URL");
  if (given.url.empty()) {
    if (given.api_key_file.empty()) return std::nullopt;
    return fail(errc::invalid_argument, "--api-key-file goes with --url http[s]://HOST[:PORT], the address of a hikyd");
  }
  if (given.api_key_file.empty()) given.api_key_file = from_environment("HIKY_API_KEY_FILE");
  auto found = find_api(given.url, given.api_key_file);
  if (!found) return std::unexpected(found.error());
  return std::optional{std::move(*found)};
}

void add_global_options(CLI::App& app, place_options& into) {
  app.add_option("--redis", into.redis,
                 "redis[s]://[user[:password]@]host[:port], unix://PATH, redis[s]+sentinel://host[:port],…/NAME, or "
                 "embedded (the default: hikyd's own) "
                 "[env HIKY_REDIS]")
      ->type_name("URL");
  app.add_option(
         "--redis-ca", into.ca,
         "PEM file of the authorities that rediss:// is checked against (default: the system's) [env HIKY_REDIS_CA]")
      ->type_name("FILE");
  app.add_option("--redis-cert", into.cert,
                 "PEM file of the certificate shown to a Redis that wants one [env HIKY_REDIS_CERT]")
      ->type_name("FILE");
  app.add_option("--redis-key", into.key, "PEM file of its key [env HIKY_REDIS_KEY]")->type_name("FILE");
  app.add_option(
         "--data", into.data,
         "data folder of the hikyd whose embedded Redis is meant (default $XDG_STATE_HOME/hiky) [env HIKY_DATA]")
      ->type_name("DIR");
  add_database(app, "app", "HIKY_REDIS_DB_APP", into.app_database, "database of the directory (default 0)");
  add_database(app, "ws", "HIKY_REDIS_DB_WS", into.ws_database, "database of the WebSocket state (default 1)");
  app.add_option("--url", into.url,
                 "http[s]://HOST[:PORT] of a running hikyd, whose HTTP API is asked instead of Redis [env HIKY_URL]")
      ->type_name("URL");
  app.add_option("--api-key-file", into.api_key_file,
                 "with --url: file, or env:NAME of a variable, whose first key is used [env HIKY_API_KEY_FILE]")
      ->type_name("FILE");
  app.add_flag("--json", into.json, "print JSON");
}

early_exit usage_error(std::string_view what, std::string_view path) {
  return {exit_code::usage, fmt::format("{}. See: {} --help", what, path)};
}

// The one command that was named, from outside in; commands like `user` are both a command and a group.
std::vector<CLI::App const*> named(CLI::App const& root) {
  std::vector<CLI::App const*> path{&root};
  while (!path.back()->get_subcommands().empty()) path.push_back(path.back()->get_subcommands().front());
  return path;
}

std::string spelled(std::vector<CLI::App const*> const& path) {
  std::string out;
  for (auto const* each : path) out.append(out.empty() ? "" : " ").append(each->get_name());
  return out;
}

// CLI11's sentence, or a better one where words are left over.
std::string explained(CLI::ParseError const& e, CLI::App const& root) {
  auto const left = root.remaining(true);
  if (left.empty()) return root.get_subcommands().empty() ? "a command is missing" : e.what();
  auto const word = visible(plain(left.front()));
  if (left.front().starts_with('-'))
    return fmt::format("'{}' is not an option here; an id or text that begins with '-' goes behind a '--'", word);
  if (root.get_subcommands().empty()) return fmt::format("'{}' is not a command", word);
  return fmt::format("'{}' is one word too many; an id or text with spaces goes in quotes", word);
}

// `user alice add`: CLI11 would forget alice.
std::optional<std::string> misplaced_word(std::vector<CLI::App const*> const& path) {
  for (auto const* each : path) {
    for (auto const* option : each->get_options()) {
      if (!option->get_positional()) continue;
      if (each != path.back() && option->count() > 0)
        return fmt::format("'{}' stands before the command '{}'", visible(plain(option->results().front())),
                           path.back()->get_name());
      if (each == path.back() && option->count() == 0) return fmt::format("{} is required", option->get_name(true));
    }
  }
  return std::nullopt;
}

}  // namespace

std::expected<invocation, early_exit> parse_command_line(std::vector<std::string> arguments) {
  CLI::App app{
      "Looks into a running hiky, and after it. Talks to Redis directly, and the daemon need not run; or to a daemon's "
      "HTTP API (--url).",
      "hikyctl"};
  app.footer(
      "Ids and texts that begin with '-' go behind '--': hikyctl user -- -x\nExit codes: 0 ok, 1 it failed, 2 wrong "
      "usage, 3 Redis (or the daemon of "
      "--url) can't be reached");
  app.fallthrough();
  app.require_subcommand(1);
  app.set_version_flag("--version", fmt::format("hikyctl {}", version));
  place_options where;
  add_global_options(app, where);
  words said;
  auto const commands = add_commands(app, said);
  std::string shell;
  auto const& completing = *app.add_subcommand(
      "completion", "print a completion script for a shell: source it, or put it where the shell looks");
  app.get_subcommand("completion")
      ->add_option("SHELL", shell, "bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  // For the build, which makes the man page from the options.
  if (arguments == std::vector<std::string>{"--help-man"})
    return std::unexpected(early_exit{exit_code::ok, hiky::app::man_page(app, hiky::app::hikyctl_man)});

  auto const spelling = spelled_for_cli11(std::move(arguments));
  try {
    app.parse(std::vector<std::string>{spelling.rbegin(), spelling.rend()});  // CLI11 takes them from the back
  } catch (CLI::CallForHelp const&) {
    return std::unexpected(early_exit{exit_code::ok, app.help()});
  } catch (CLI::CallForVersion const&) {
    return std::unexpected(early_exit{exit_code::ok, app.version() + "\n"});
  } catch (CLI::ParseError const& e) {
    return std::unexpected(usage_error(explained(e, app), spelled(named(app))));
  }
  auto const path = named(app);
  if (auto const wrong = misplaced_word(path)) return std::unexpected(usage_error(*wrong, spelled(path)));
  if (path.back() == &completing) return std::unexpected(early_exit{exit_code::ok, hiky::app::completion(app, shell)});
  auto const chosen = commands.find(path.back());
  if (chosen == commands.end()) return std::unexpected(usage_error("a command is missing", spelled(path)));
  auto what = chosen->second(said);
  if (!what) return std::unexpected(usage_error(what.error(), spelled(path)));

  auto instance = find_instance(where, spelling);
  if (!instance) return std::unexpected(usage_error(instance.error().text, "hikyctl"));
  if (*instance) {
    auto const name = spelled({path.begin() + 1, path.end()});
    auto run = command_over_api(name, said);
    if (!run) {
      return std::unexpected(usage_error(fmt::format("'{}' is not possible over the API, which --url (or HIKY_URL) "
                                                     "asks for; it needs Redis itself: --redis URL, or --data DIR",
                                                     name),
                                         spelled(path)));
    }
    return invocation{{},
                      {},
                      {},
                      where.json,
                      std::move(*what),
                      std::make_shared<api_invocation>(std::move(**instance), std::move(*run))};
  }
  auto found = find_redis(where);
  if (!found) return std::unexpected(usage_error(found.error().text, "hikyctl"));
  found->address.client_name = "hikyctl";
  found->address.deadline = 10s;  // a person waits, and may ask for much
  invocation out{found->address, found->address, std::move(found->advice), where.json, std::move(*what), {}};
  out.ws.database = where.ws_database;
  out.app.database = where.app_database;
  return out;
}

}  // namespace hiky::ctl
