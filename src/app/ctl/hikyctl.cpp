// SPDX-License-Identifier: Apache-2.0
// The operator's tool: one command, one or two Redis connections or an instance's API, one report.
#include <fmt/format.h>
#include <unistd.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <chrono>
#include <cstdio>
#include <exception>

#include "app/ctl/command_line.hpp"
#include "app/ctl/remote.hpp"
#include "base/log.hpp"

namespace hiky::ctl {
namespace {

// One line on a terminal's stderr that overwrites itself, a few times a second at most.
class progress_line {
 public:
  void show(std::string_view text) {
    auto const now = std::chrono::steady_clock::now();
    if (now < next_) return;
    next_ = now + std::chrono::milliseconds{100};
    fmt::print(stderr, "\r{}\x1b[K", visible(text));
    std::fflush(stderr);
    shown_ = true;
  }
  void wipe() const {
    if (shown_) fmt::print(stderr, "\r\x1b[K");
  }

 private:
  std::chrono::steady_clock::time_point next_{};
  bool shown_ = false;
};

int complain(std::string_view text, int code) {
  fmt::print(stderr, "hikyctl: {}\n", visible(text));
  return code;
}

int code_of(error const& e) {
  switch (e.code) {
    case errc::not_connected:
    case errc::timeout: return exit_code::unreachable;
    case errc::invalid_argument: return exit_code::usage;
    default: return exit_code::runtime;
  }
}

struct ending {
  result<report> found;
  bool reached_redis = true;
};

task<ending> perform(session& s, command const& what) {
  auto up = co_await connect(s.ws);
  if (up && what.uses_directory) up = co_await connect(s.app);
  if (!up) co_return ending{std::unexpected(up.error()), false};
  co_return ending{co_await what.run(s)};
}

int print(report const& r, face as) {
  auto const text = render(r, as);
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0) {
    return complain("cannot write to standard output: is the disk full?", exit_code::runtime);
  }
  for (auto const& note : r.notes) fmt::print(stderr, "hikyctl: note: {}\n", visible(note));
  return r.exit_code;
}

int run_over_api(api_invocation const& asked, face as) {
  asio::io_context context{1};
  instance_api api{context.get_executor(), asked.place};
  result<report> found = fail(errc::io, "the command was never run");
  asio::co_spawn(context, asked.run(api), [&](std::exception_ptr thrown, result<report> ended) {
    context.stop();  // a look-up of a name goes on after its time is over
    if (thrown) std::rethrow_exception(thrown);
    found = std::move(ended);
  });
  context.run();
  if (!found) return complain(found.error().text, code_of(found.error()));
  return print(*found, as);
}

int run(std::vector<std::string> arguments) {
  log::set_level(log::level::error);  // a failed connection is this program's to report, in one line
  auto const asked = parse_command_line(std::move(arguments));
  if (!asked) {
    if (asked.error().code != exit_code::ok) return complain(asked.error().text, asked.error().code);
    fmt::print("{}", asked.error().text);
    return exit_code::ok;
  }

  auto const as = asked->json ? face::json : isatty(STDOUT_FILENO) == 1 ? face::terminal : face::lines;
  if (asked->over_api) return run_over_api(*asked->over_api, as);
  asio::io_context context{1};
  session s{context.get_executor(), asked->ws, asked->app};
  s.as = as;
  s.emit = [](std::string_view text) {
    return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  };
  s.note = [](std::string_view text) { fmt::print(stderr, "hikyctl: note: {}\n", visible(text)); };
  progress_line line;
  if (isatty(STDERR_FILENO) == 1) s.progress = [&line](std::string text) { line.show(text); };
  ending end{fail(errc::io, "the command was never run")};
  asio::co_spawn(context, perform(s, asked->what), [&](std::exception_ptr thrown, ending ended) {
    s.ws.stop();
    s.app.stop();
    if (thrown) std::rethrow_exception(thrown);
    end = std::move(ended);
    context.stop();  // a connection that is being made, or a look-up of a name, is nobody's any more
  });
  context.run();
  line.wipe();

  if (end.found) return print(*end.found, as);
  if (end.reached_redis) return complain(end.found.error().text, code_of(end.found.error()));
  if (asked->what.without_redis) return print(asked->what.without_redis(end.found.error()), as);
  auto const& why = end.found.error();
  auto const advice = why.code == errc::server_error ? "check user, password and database numbers" : asked->advice;
  return complain(fmt::format("{}; {}", why.text, advice), exit_code::unreachable);
}

}  // namespace
}  // namespace hiky::ctl

int main(int argc, char** argv) {
  try {
    return hiky::ctl::run({argv + 1, argv + argc});
  } catch (std::exception const& e) {
    return hiky::ctl::complain(fmt::format("unexpected: {}; this is a bug", e.what()), hiky::ctl::exit_code::runtime);
  }
}
