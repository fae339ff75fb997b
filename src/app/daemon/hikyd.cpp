// SPDX-License-Identifier: Apache-2.0
// The gateway daemon: reads its configuration, brings up Redis and the server, and takes both down in order.
// Exit codes: 0 ok, 1 runtime, 2 usage or configuration, 3 Redis unreachable at start.
#include <fmt/format.h>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include <csignal>
#include <future>
#include <iostream>
#include <thread>

#include "app/daemon/health_question.hpp"
#include "app/daemon/log_lines.hpp"
#include "app/daemon/service_manager.hpp"
#include "app/options/config.hpp"
#include "app/options/machine.hpp"
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

// How many connections this process may have: the limit that was asked for, or what open files leave room for.
result<std::size_t> allowed_connections(app::daemon_config const& config) {
  std::size_t const each = config.gateway.tls ? 3 : 1;  // TLS: the connection and a socket pair
  return app::room_for_connections(config.gateway.admission.connections,
                                   app::descriptors_besides(config.gateway.workers, config.listen.size()), each);
}

struct failure {
  int code;
  std::string text;
};

// Redis and the server, brought up in this order and taken down in the other.
class daemon_process {
 public:
  explicit daemon_process(app::daemon_config config) : config_(std::move(config)) {}

  // Until a signal ends it. The exit code.
  int run() {
    warn_of_exposed_keys(config_);
    reload_at_hangup(hangups_, config_);
    if (auto const failed = start()) return complain(failed->code, failed->text);
    announce(config_, own_redis_ ? own_redis_->pid() : 0);
    app::service_manager::ready();
    if (auto const interval = app::service_manager::watchdog_interval()) keep_alive(watchdog_, *interval, *server_);
    drain_at_signal();
    io_.run();
    if (drainer_.joinable()) drainer_.join();
    server_.reset();  // before its Redis, or it would take the end for an outage
    if (own_redis_) own_redis_->stop();
    log::info("daemon.stopped");
    return drained_ ? 0 : exit_runtime;
  }

 private:
  std::optional<failure> start() {
    auto const connections = allowed_connections(config_);
    if (!connections) return failure{exit_usage, connections.error().text};
    config_.gateway.admission.connections = *connections;
    if (auto failed = start_redis()) return failed;
    server_ = std::make_unique<gateway::server>(config_.gateway);
    if (auto const bound = server_->listen(config_.listen); !bound) return failure{exit_runtime, bound.error().text};
    if (auto const up = server_->start(config_.redis_wait); !up) return unless_conflict(up.error());
    return std::nullopt;
  }

  std::optional<failure> start_redis() {
    if (config_.embedded) {
      auto started = redis::embedded::start(io_, config_.data);
      if (!started)
        return failure{started.error().code == errc::not_found ? exit_no_redis : exit_runtime, started.error().text};
      own_redis_ = std::move(*started);
      config_.gateway.redis.unix_path = own_redis_->where().unix_path;
      config_.gateway.sole_owner = true;
    }
    auto const usable = redis::check_server(config_.gateway.redis, config_.redis_wait);
    if (!usable) return unless_conflict(usable.error());
    for (auto const& warning : *usable) log::warn("redis.risky", {{"reason", warning}});
    return std::nullopt;
  }

  // A conflict is with somebody else who uses this Redis; everything else is that it can't be used.
  static failure unless_conflict(error const& e) {
    return {e.code == errc::conflict ? exit_runtime : exit_no_redis, e.text};
  }

  void drain_at_signal() {
    signals_.async_wait([this](boost::system::error_code ec, int signal) {
      if (ec) return;
      drain(signal);
      signals_.async_wait([](boost::system::error_code failed, int) {
        if (!failed) std::_Exit(complain(exit_runtime, "second signal: gone without saying goodbye"));
      });
    });
  }

  void drain(int signal) {
    // Ctrl-C is a person who waits: everybody is told at once. SIGTERM is a deploy: clients move over little by little.
    auto const spread = signal == SIGINT ? 0ms : config_.drain;
    app::service_manager::stopping();
    log::info("daemon.draining", {{"signal", signal == SIGINT ? "SIGINT" : "SIGTERM"},
                                  {"seconds", static_cast<double>(spread.count()) / 1000}});
    drainer_ = std::thread([this, spread] {
      server_->drain(spread);
      asio::post(io_, [this] {
        drained_ = true;
        io_.stop();
      });
    });
  }

  app::daemon_config config_;
  asio::io_context io_{1};
  asio::signal_set signals_{io_, SIGINT, SIGTERM}, hangups_{io_, SIGHUP};
  std::unique_ptr<redis::embedded> own_redis_;
  std::unique_ptr<gateway::server> server_;
  asio::steady_timer watchdog_{io_};
  std::thread drainer_;
  bool drained_ = false;
};

int check(app::daemon_config const& config) {
  if (auto const connections = allowed_connections(config); !connections)
    return complain(exit_usage, connections.error().text);
  fmt::print("hikyd: the configuration is valid\n");
  return 0;
}

int ask(app::daemon_config const& config) {
  auto const answer = app::ask_daemon(config);
  auto const what = config.only_ask == "/live" ? "live" : "healthy";
  if (!answer) return complain(exit_runtime, fmt::format("not {}: {}", what, answer.error().text));
  fmt::print("{}\n", *answer);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  ::signal(SIGPIPE, SIG_IGN);
  auto config = app::read_daemon_config(argc, argv);
  if (auto const* early = std::get_if<app::early_exit>(&config)) {
    (early->code == 0 ? std::cout : std::cerr) << early->text;
    return early->code;
  }
  auto& settings = std::get<app::daemon_config>(config);
  if (!settings.only_ask.empty()) return ask(settings);
  if (settings.only_check) return check(settings);
  app::write_log_lines(settings.log_format, settings.log_level);
  try {
    return daemon_process{std::move(settings)}.run();
  } catch (std::exception const& e) {
    return complain(exit_runtime, fmt::format("stopped by an unexpected failure: {}", e.what()));
  }
}
