// SPDX-License-Identifier: Apache-2.0
#include "app/options/config.hpp"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "app/options/judge.hpp"
#include "app/options/man_words.hpp"
#include "app/options/option_flags.hpp"
#include "app/options/option_text.hpp"
#include "base/version.hpp"

namespace hiky::app {
namespace {

constexpr int usage = 2;

constexpr auto judges = {judge_listeners, judge_identity, judge_rooms,    judge_door,
                         judge_redis,     judge_limits,   judge_api_keys, judge_instance};

early_exit refuse(std::string_view text) { return {usage, fmt::format("hikyd: {}\n", text)}; }

// For the build, which makes the man page and completion from the options.
std::optional<early_exit> text_for_build(CLI::App const& app, int argc, char const* const* argv) {
  if (argc == 2 && std::string_view{argv[1]} == "--help-man") return early_exit{0, man_page(app, hikyd_man)};
  if (argc == 3 && std::string_view{argv[1]} == "--help-completion") return early_exit{0, completion(app, argv[2])};
  return std::nullopt;
}

std::optional<early_exit> parse(CLI::App& app, int argc, char const* const* argv) {
  try {
    app.parse(argc, argv);
    return std::nullopt;
  } catch (CLI::CallForHelp const&) {
    return early_exit{0, app.help()};
  } catch (CLI::CallForVersion const&) {
    return early_exit{0, app.version() + "\n"};
  } catch (CLI::ParseError const& e) {
    return refuse(fmt::format("{}; see hikyd --help", e.what()));
  }
}

}  // namespace

std::variant<daemon_config, early_exit> read_daemon_config(int argc, char const* const* argv) {
  CLI::App app{"hikyd: the WebSocket backend for chat, on Redis", "hikyd"};
  app.set_version_flag("--version", std::string{"hikyd "} + version);
  app.set_config("--config", "",
                 "TOML file with these options; a flag wins over the environment, and that over the file");
  app.config_formatter(file_below_environment());
  app.allow_config_extras(CLI::config_extras_mode::error);
  draft said;
  add_options(app, daemon_options(), said);

  if (auto const text = text_for_build(app, argc, argv)) return *text;
  if (auto const ended = parse(app, argc, argv)) return *ended;
  said.limits.of_addresses_said = app.count("--limit-address-connections") + app.count("--rate-accepts") > 0;
  for (auto const judge : judges) {
    if (auto const wrong = judge(said)) return refuse(*wrong);
  }
  if (said.print) return early_exit{0, toml_of(app)};
  return std::move(said.config);
}

}  // namespace hiky::app
