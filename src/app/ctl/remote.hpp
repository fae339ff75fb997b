// SPDX-License-Identifier: Apache-2.0
// An instance's HTTP API, for where its Redis can't be reached: what docs/http-api.md offers, and nothing else.
#pragma once
#include <chrono>
#include <functional>
#include <string>
#include <string_view>

#include "app/ctl/commands.hpp"
#include "base/http_fetch.hpp"

namespace hiky::ctl {

struct api_place {
  auth::web_address base;  // its target is what a proxy puts in front of /api/v1: "" or "/chat"
  std::string key;         // empty: none was given
  std::string key_file;
};

// The address and the first key of the file, both checked. The error names the option and never the key.
result<api_place> find_api(std::string const& url, std::string const& key_file);

class instance_api {
 public:
  instance_api(asio::any_io_executor executor, api_place place)
      : executor_(std::move(executor)), place_(std::move(place)) {}

  struct question {
    std::string method{"GET"};
    std::string path;  // encoded, from the root
    std::string body{};
    std::chrono::seconds patience{10};  // a person waits
  };
  // Any answer, whatever its status. not_connected: none came; the text says what to do.
  task<result<auth::web_answer>> fetch(question what);
  // The JSON of a success; `path` behind /api/v1. A refusal is an error with the problem's detail: not_member or
  // server_error.
  task<result<std::string>> ask(question what);
  // The same, as the object that it has to be.
  task<result<json::object>> ask_object(question what);
  // The items of a list, all pages of it; of a long one some may come twice.
  task<result<json::array>> all(std::string path);

 private:
  error refusal(auth::web_answer const& answer, std::string const& path) const;

  asio::any_io_executor executor_;
  api_place place_;
};

using api_command = std::function<outcome(instance_api&)>;

struct api_invocation {
  api_place place;
  api_command run;
};

}  // namespace hiky::ctl
