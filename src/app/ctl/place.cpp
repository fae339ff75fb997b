// SPDX-License-Identifier: Apache-2.0
#include "app/ctl/place.hpp"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "app/ctl/report.hpp"
#include "app/options/data_folder.hpp"

namespace hiky::ctl {
namespace {

std::string from_environment(char const* name) {
  char const* const value = std::getenv(name);
  return value == nullptr ? "" : value;
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

}  // namespace

void add_place_options(CLI::App& app, place_options& into) {
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

result<redis_place> find_redis(place_options given) {
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
    return redis_place{std::move(*address), "check --redis (or HIKY_REDIS), and that a Redis answers there"};
  }
  if (given.data.empty()) given.data = from_environment("HIKY_DATA");
  if (given.data.empty()) given.data = app::default_data_folder();
  redis_place out;
  out.address.unix_path = given.data + "/redis.sock";
  out.advice =
      "expected the embedded Redis of a running hikyd there: start hikyd, or name another Redis with --redis URL";
  return out;
}

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

}  // namespace hiky::ctl
