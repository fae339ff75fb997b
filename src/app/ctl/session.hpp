// SPDX-License-Identifier: Apache-2.0
// What a command of hikyctl works with: a connection to each of the databases it needs, for one command's time.
#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "app/ctl/report.hpp"
#include "base/async.hpp"
#include "base/error.hpp"
#include "redis/client.hpp"

namespace hiky::ctl {

struct session {
  session(asio::any_io_executor executor, redis::address ws_place, redis::address app_place)
      : ws(executor, std::move(ws_place)), app(executor, std::move(app_place)) {}

  redis::client ws;   // the document's database 1
  redis::client app;  // database 0, the directory; connected only for the commands that use it
  int database() const { return ws.where().database; }
  // For commands that go on: prints at once, in the face that was asked for. False when it can't be printed any more.
  face as = face::lines;
  std::function<bool(std::string_view)> emit = [](std::string_view) { return false; };
  // One line for stderr, at once.
  std::function<void(std::string_view)> note = [](std::string_view) {};
  // Says how far long work is; where nobody watches, nothing.
  std::function<void(std::string)> progress = [](std::string const&) {};
};

// One try, within the address's deadlines: a person waits in front of it. The error says what to do.
task<result<void>> connect(redis::client& redis);

// Commands that go together in one round trip, so that a failure can name its command and key.
class batch {
 public:
  template <class... Args>
  batch& add(std::string_view command, std::string_view key, Args const&... args) {
    request_.add(command, key, args...);
    names_.emplace_back(command, key);
    return *this;
  }
  friend task<result<redis::reply>> all_of(redis::client& redis, batch commands);

 private:
  redis::request request_;
  std::vector<std::pair<std::string, std::string>> names_;
};

// server_error when one of the commands failed.
task<result<redis::reply>> all_of(redis::client& redis, batch commands);

// All keys that match `pattern`, each once, sorted. SCAN: what is added or removed meanwhile may or may not be there.
task<result<std::vector<std::string>>> scan(redis::client& redis, std::string pattern);

// The sizes of `keys`, in their order, as `command` gives them (SCARD, LLEN, HLEN). A key of another type has size -1.
task<result<std::vector<std::int64_t>>> sizes(redis::client& redis, std::string_view command,
                                              std::vector<std::string> keys);

}  // namespace hiky::ctl
