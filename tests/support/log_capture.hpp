// SPDX-License-Identifier: Apache-2.0
// The lines that were logged since this began, in place of the terminal.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace spdlog {
class logger;
}

namespace support {

class log_capture {
 public:
  log_capture();
  ~log_capture();
  log_capture(log_capture const&) = delete;
  log_capture& operator=(log_capture const&) = delete;

  // The lines that begin with `event`.
  std::vector<std::string> lines(std::string_view event = {}) const;
  void clear();

 private:
  class sink;
  std::shared_ptr<sink> sink_;
  std::shared_ptr<spdlog::logger> before_;
};

}  // namespace support
