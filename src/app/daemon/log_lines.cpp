// SPDX-License-Identifier: Apache-2.0
#include "app/daemon/log_lines.hpp"

#include <fmt/format.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "app/daemon/service_manager.hpp"

namespace hiky::app {
namespace {

// `<4>`: what the journal takes for a priority.
struct priority : spdlog::custom_flag_formatter {
  void format(spdlog::details::log_msg const& line, std::tm const&, spdlog::memory_buf_t& out) override {
    out.push_back('<');
    out.push_back(line.level >= spdlog::level::err    ? '3'
                  : line.level == spdlog::level::warn ? '4'
                  : line.level == spdlog::level::info ? '6'
                                                      : '7');
    out.push_back('>');
  }
  std::unique_ptr<custom_flag_formatter> clone() const override { return std::make_unique<priority>(); }
};

}  // namespace

void write_log_lines(log::format how, log::level from) {
  spdlog::set_default_logger(
      std::make_shared<spdlog::logger>("hikyd", std::make_shared<spdlog::sinks::stderr_sink_mt>()));
  log::set_format(how);
  log::limit_lines();
  bool const journal = service_manager::journal_reads();
  auto const* const head = how == log::format::json ? "" : journal ? "%l " : "%Y-%m-%dT%H:%M:%S.%eZ %l ";
  auto formatter = std::make_unique<spdlog::pattern_formatter>(spdlog::pattern_time_type::utc);
  formatter->add_flag<priority>('*').set_pattern(fmt::format("{}{}%v", journal ? "%*" : "", head));
  spdlog::set_formatter(std::move(formatter));
  log::set_level(from);
}

}  // namespace hiky::app
