// SPDX-License-Identifier: Apache-2.0
#include "app/ctl/command_line.hpp"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "app/ctl/place.hpp"
#include "app/ctl/syntax.hpp"
#include "app/options/man_words.hpp"
#include "app/options/option_text.hpp"
#include "base/version.hpp"

namespace hiky::ctl {
namespace {

using namespace std::chrono_literals;

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

early_exit not_over_api(std::string_view command) {
  return usage_error(
      fmt::format("'{}' is not possible over the API, which --url (or HIKY_URL) asks for; it needs Redis "
                  "itself: --redis URL, or --data DIR",
                  command),
      fmt::format("hikyctl {}", command));
}

// The command line of one run of hikyctl, while it is read.
class reading {
 public:
  reading() {
    app_.footer(
        "Ids and texts that begin with '-' go behind '--': hikyctl user -- -x\nExit codes: 0 ok, 1 it failed, 2 wrong "
        "usage, 3 Redis (or the daemon of --url) can't be reached");
    app_.fallthrough();
    app_.require_subcommand(1);
    app_.set_version_flag("--version", fmt::format("hikyctl {}", version));
    add_place_options(app_, where_);
    commands_ = add_commands(app_, said_);
    completing_ = app_.add_subcommand(
        "completion", "print a completion script for a shell: source it, or put it where the shell looks");
    completing_->add_option("SHELL", shell_, "bash, zsh or fish")
        ->required()
        ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  }

  std::expected<invocation, early_exit> invoked(std::vector<std::string> arguments) {
    // For the build, which makes the man page from the options.
    if (arguments == std::vector<std::string>{"--help-man"})
      return std::unexpected(early_exit{exit_code::ok, hiky::app::man_page(app_, hiky::app::hikyctl_man)});
    auto const spelling = spelled_for_cli11(std::move(arguments));
    if (auto ended = parse(spelling)) return std::unexpected(std::move(*ended));
    auto const path = named(app_);
    if (auto const wrong = misplaced_word(path)) return std::unexpected(usage_error(*wrong, spelled(path)));
    if (path.back() == completing_)
      return std::unexpected(early_exit{exit_code::ok, hiky::app::completion(app_, shell_)});
    auto const chosen = commands_.find(path.back());
    if (chosen == commands_.end()) return std::unexpected(usage_error("a command is missing", spelled(path)));
    auto what = chosen->second->make(said_);
    if (!what) return std::unexpected(usage_error(what.error(), spelled(path)));
    return placed(std::move(*what), *chosen->second, spelling);
  }

 private:
  std::optional<early_exit> parse(std::vector<std::string> const& spelling) {
    try {
      app_.parse(std::vector<std::string>{spelling.rbegin(), spelling.rend()});  // CLI11 takes them from the back
      return std::nullopt;
    } catch (CLI::CallForHelp const&) {
      return early_exit{exit_code::ok, app_.help()};
    } catch (CLI::CallForVersion const&) {
      return early_exit{exit_code::ok, app_.version() + "\n"};
    } catch (CLI::ParseError const& e) {
      return usage_error(explained(e, app_), spelled(named(app_)));
    }
  }

  // `what` at the place where it is to be done.
  std::expected<invocation, early_exit> placed(command what, command_entry const& entry,
                                               std::vector<std::string> const& spelling) const {
    auto instance = find_instance(where_, spelling);
    if (!instance) return std::unexpected(usage_error(instance.error().text, "hikyctl"));
    invocation out{.json = where_.json, .what = std::move(what)};
    if (*instance) {
      if (entry.over_api == nullptr) return std::unexpected(not_over_api(entry.path));
      auto const run = [run = entry.over_api, w = said_](instance_api& api) { return run(api, w); };
      out.over_api = std::make_shared<api_invocation>(std::move(**instance), run);
      return out;
    }
    auto found = find_redis(where_);
    if (!found) return std::unexpected(usage_error(found.error().text, "hikyctl"));
    found->address.client_name = "hikyctl";
    found->address.deadline = 10s;  // a person waits, and may ask for much
    out.ws = out.app = found->address;
    out.ws.database = where_.ws_database;
    out.app.database = where_.app_database;
    out.advice = std::move(found->advice);
    return out;
  }

  CLI::App app_{
      "Looks into a running hiky, and after it. Talks to Redis directly, and the daemon need not run; or to a daemon's "
      "HTTP API (--url).",
      "hikyctl"};
  place_options where_;
  words said_;
  std::string shell_;
  std::map<CLI::App const*, command_entry const*> commands_;
  CLI::App* completing_ = nullptr;
};

}  // namespace

std::expected<invocation, early_exit> parse_command_line(std::vector<std::string> arguments) {
  return reading{}.invoked(std::move(arguments));
}

}  // namespace hiky::ctl
