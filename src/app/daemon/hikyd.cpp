// SPDX-License-Identifier: Apache-2.0
// The gateway daemon: reads its configuration, brings up Redis and the server, and takes both down in order.
// Exit codes: 0 ok, 1 runtime, 2 usage or configuration, 3 Redis unreachable at start.
#include <fmt/format.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include <csignal>
#include <future>
#include <iostream>
#include <thread>

#include "app/daemon/service_manager.hpp"
#include "app/health_question.hpp"
#include "app/machine.hpp"
#include "app/options/config.hpp"
#include "base/log.hpp"
#include "gateway/server.hpp"
#include "redis/embedded.hpp"
#include "redis/version_check.hpp"

namespace {

using namespace hiky;
using namespace std::chrono_literals;

constexpr int exit_runtime = 1, exit_usage = 2, exit_no_redis = 3;

int complain(int code, std::string const& text) {
  std::cerr << "hikyd: " << text << '\n';
  return code;
}

void announce(app::daemon_config const& config, pid_t redis_pid) {
  std::string urls;
  for (auto const& where : config.listen) {
    urls += urls.empty() ? "" : ", ";
    urls +=
        where.unix_path.empty() ? (config.gateway.tls ? "https://" : "http://") + where.to_string() : where.to_string();
  }
  auto const redis = config.embedded ? fmt::format("embedded, pid {}, {}", redis_pid, config.gateway.redis.to_string())
                                     : config.gateway.redis.to_string();
  fmt::print("hikyd ready on {} (redis: {}; workers: {}; send: {})\n", urls, redis, config.gateway.workers,
             gateway::to_string(config.gateway.method));
  std::fflush(stdout);
}

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

void write_lines(log::format how) {
  log::set_format(how);
  log::limit_lines();
  bool const journal = app::service_manager::journal_reads();
  auto const* const head = how == log::format::json ? "" : journal ? "%l " : "%Y-%m-%dT%H:%M:%S.%eZ %l ";
  auto formatter = std::make_unique<spdlog::pattern_formatter>(spdlog::pattern_time_type::utc);
  formatter->add_flag<priority>('*').set_pattern(fmt::format("{}{}%v", journal ? "%*" : "", head));
  spdlog::set_formatter(std::move(formatter));
}

void warn_of_exposed_keys(app::daemon_config const& config) {
  auto const& keys = config.gateway.api_keys;
  if (keys && keys->exposed())
    log::warn("api_keys.exposed",
              {{"file", keys->place()}, {"reason", "everybody on this machine can read it; chmod o-r helps"}});
}

// SIGHUP reads keys and certificates again. A file that can't be read leaves everything as it was.
void reload_at_hangup(asio::signal_set& hangups, app::daemon_config const& config) {
  hangups.async_wait([&](boost::system::error_code ec, int) {
    if (ec) return;
    app::service_manager::reloading();
    if (auto const& keys = config.gateway.api_keys) {
      if (auto const read = keys->load(); read) log::info("api_keys.loaded", {{"keys", keys->keys()->size()}});
      else
        log::error("api_keys.not_loaded",
                   {{"reason", read.error().text}, {"now", "the keys of before are still in force"}});
    }
    warn_of_exposed_keys(config);
    if (config.gateway.tls) {
      if (auto const read = config.gateway.tls->load()) log::info("tls.reloaded");
      else log::error("tls.not_reloaded", {{"reason", read.error().text}, {"now", "the old certificate stays in use"}});
    }
    app::service_manager::ready();
    reload_at_hangup(hangups, config);
  });
}

// Tells systemd's watchdog that we live as long as every worker comes round; a worker that hangs gets us restarted.
void keep_alive(asio::steady_timer& timer, std::chrono::microseconds interval, gateway::server& server) {
  timer.expires_after(interval);
  timer.async_wait([&timer, &server, interval](boost::system::error_code ec) {
    if (ec) return;
    server.when_all_answer([] { app::service_manager::notify("WATCHDOG=1"); });
    keep_alive(timer, interval, server);
  });
}

int run(app::daemon_config config) {
  asio::io_context main_io{1};
  asio::signal_set signals{main_io, SIGINT, SIGTERM}, hangups{main_io, SIGHUP};
  warn_of_exposed_keys(config);
  reload_at_hangup(hangups, config);

  auto const room = app::room_for_connections(config.gateway.admission.connections, app::descriptors_besides(config),
                                              config.gateway.tls ? 3 : 1);  // TLS: the connection and a socket pair
  if (!room) return complain(exit_usage, room.error().text);
  config.gateway.admission.connections = *room;

  std::unique_ptr<redis::embedded> own_redis;
  if (config.embedded) {
    auto started = redis::embedded::start(main_io, config.data);
    if (!started)
      return complain(started.error().code == errc::not_found ? exit_no_redis : exit_runtime, started.error().text);
    own_redis = std::move(*started);
    config.gateway.redis.unix_path = own_redis->where().unix_path;
    config.gateway.sole_owner = true;
  }
  auto const usable = redis::check_server(config.gateway.redis, config.redis_wait);
  if (!usable)
    return complain(usable.error().code == errc::conflict ? exit_runtime : exit_no_redis, usable.error().text);
  for (auto const& warning : *usable) log::warn("redis.risky", {{"reason", warning}});

  auto server = std::make_unique<gateway::server>(config.gateway);
  if (auto const bound = server->listen(config.listen); !bound) return complain(exit_runtime, bound.error().text);
  if (auto const up = server->start(config.redis_wait); !up) {
    return complain(up.error().code == errc::conflict ? exit_runtime : exit_no_redis, up.error().text);
  }
  announce(config, own_redis ? own_redis->pid() : 0);
  app::service_manager::ready();
  asio::steady_timer watchdog{main_io};
  if (auto const interval = app::service_manager::watchdog_interval()) keep_alive(watchdog, *interval, *server);

  bool drained = false;
  std::thread drainer;
  signals.async_wait([&](boost::system::error_code ec, int signal) {
    if (ec) return;
    // Ctrl-C is a person who waits: everybody is told at once. SIGTERM is a deploy: clients move over little by little.
    auto const spread = signal == SIGINT ? 0ms : config.drain;
    app::service_manager::stopping();
    log::info("daemon.draining", {{"signal", signal == SIGINT ? "SIGINT" : "SIGTERM"},
                                  {"seconds", static_cast<double>(spread.count()) / 1000}});
    drainer = std::thread([&, spread] {
      server->drain(spread);
      asio::post(main_io, [&] {
        drained = true;
        main_io.stop();
      });
    });
    signals.async_wait([&](boost::system::error_code failed, int) {
      if (!failed) std::_Exit(complain(exit_runtime, "second signal: gone without saying goodbye"));
    });
  });
  main_io.run();
  if (drainer.joinable()) drainer.join();
  server.reset();  // before its Redis, or it would take the end for an outage
  if (own_redis) own_redis->stop();
  log::info("daemon.stopped");
  return drained ? 0 : exit_runtime;
}

}  // namespace

int main(int argc, char** argv) {
  ::signal(SIGPIPE, SIG_IGN);
  auto config = app::read_daemon_config(argc, argv);
  if (auto const* early = std::get_if<app::early_exit>(&config)) {
    (early->code == 0 ? std::cout : std::cerr) << early->text;
    return early->code;
  }
  if (auto const& read = std::get<app::daemon_config>(config); !read.only_ask.empty()) {
    auto const answer = app::ask_daemon(read);
    if (!answer)
      return complain(exit_runtime,
                      fmt::format("not {}: {}", read.only_ask == "/live" ? "live" : "healthy", answer.error().text));
    fmt::print("{}\n", *answer);
    return 0;
  }
  if (auto const& read = std::get<app::daemon_config>(config); read.only_check) {
    auto const room = app::room_for_connections(read.gateway.admission.connections, app::descriptors_besides(read),
                                                read.gateway.tls ? 3 : 1);
    if (!room) return complain(exit_usage, room.error().text);
    fmt::print("hikyd: the configuration is valid\n");
    return 0;
  }
  // stdout is for the ready line.
  spdlog::set_default_logger(
      std::make_shared<spdlog::logger>("hikyd", std::make_shared<spdlog::sinks::stderr_sink_mt>()));
  write_lines(std::get<app::daemon_config>(config).log_format);
  log::set_level(std::get<app::daemon_config>(config).log_level);
  try {
    return run(std::move(std::get<app::daemon_config>(config)));
  } catch (std::exception const& e) {
    return complain(exit_runtime, fmt::format("stopped by an unexpected failure: {}", e.what()));
  }
}
