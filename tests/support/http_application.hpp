// SPDX-License-Identifier: Apache-2.0
// The application's HTTP server in this process: one answer to every question, on the test's own event loop.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/async.hpp"

namespace support {

class http_application {
 public:
  explicit http_application(hiky::asio::any_io_executor executor);
  ~http_application();

  std::string url(std::string_view path) const;  // on 127.0.0.1
  // The outcome of all questions from now on.
  void answers(int status);
  void hangs_up();
  void is_silent();

  std::vector<std::string> questions;  // heads and bodies, as they came

 private:
  struct server;
  std::shared_ptr<server> server_;
};

}  // namespace support
