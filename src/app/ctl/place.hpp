// SPDX-License-Identifier: Apache-2.0
// Where hikyctl looks: options and environment, turned into the place of a Redis or of an instance's API.
#pragma once
#include <CLI/App.hpp>

#include <optional>
#include <string>
#include <vector>

#include "app/ctl/remote.hpp"
#include "redis/address.hpp"

namespace hiky::ctl {

struct place_options {
  std::string redis, data, ca, cert, key, url, api_key_file;
  int app_database = 0, ws_database = 1;
  bool json = false;
};

// Adds the options that every command knows; parsing fills `into`, which has to live as long as `app`.
void add_place_options(CLI::App& app, place_options& into);

struct redis_place {
  redis::address address;
  std::string advice;  // what to do when it can't be reached
};
// Flag over environment; within each, the more exact one: a URL over a data folder.
result<redis_place> find_redis(place_options given);

// Nothing: Redis is asked. A flag for a place in Redis wins over HIKY_URL, since no flag may be without effect.
result<std::optional<api_place>> find_instance(place_options given, std::vector<std::string> const& arguments);

}  // namespace hiky::ctl
