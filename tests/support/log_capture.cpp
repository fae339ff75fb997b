// SPDX-License-Identifier: Apache-2.0
#include "support/log_capture.hpp"

#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>

#include <mutex>

namespace support {

class log_capture::sink : public spdlog::sinks::base_sink<std::mutex> {
 public:
  std::vector<std::string> lines(std::string_view event) {
    std::lock_guard lock{mutex_};
    std::vector<std::string> out;
    for (auto const& line : lines_) {
      if (line.starts_with(event)) out.push_back(line);
    }
    return out;
  }
  void clear() {
    std::lock_guard lock{mutex_};
    lines_.clear();
  }

 private:
  void sink_it_(spdlog::details::log_msg const& message) override {
    lines_.emplace_back(message.payload.data(), message.payload.size());
  }
  void flush_() override {}

  std::vector<std::string> lines_;
};

log_capture::log_capture() : sink_(std::make_shared<sink>()), before_(spdlog::default_logger()) {
  spdlog::set_default_logger(std::make_shared<spdlog::logger>("captured", sink_));
}

log_capture::~log_capture() { spdlog::set_default_logger(before_); }

std::vector<std::string> log_capture::lines(std::string_view event) const { return sink_->lines(event); }
void log_capture::clear() { sink_->clear(); }

}  // namespace support
