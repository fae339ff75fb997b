// SPDX-License-Identifier: Apache-2.0
// The means of a command of hikyctl: a connection to each of the databases it needs, for one command's time.
#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <utility>

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

}  // namespace hiky::ctl
