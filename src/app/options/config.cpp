// SPDX-License-Identifier: Apache-2.0
#include "app/options/config.hpp"

#include <fmt/format.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <random>
#include <thread>

#include "app/machine.hpp"
#include "app/options/config_identity.hpp"
#include "app/options/man_words.hpp"
#include "app/options/option_text.hpp"
#include "base/version.hpp"

namespace hiky::app {
namespace {

constexpr int usage = 2;

// `rate-messages` → `HIKY_RATE_MESSAGES`.
std::string environment_name(std::string option) {
  for (auto& c : option) c = c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return "HIKY_" + option;
}

void name_environment(CLI::App& app) {
  for (auto* option : app.get_options()) {
    auto const name = option->get_single_name();
    if (name.empty() || name == "help" || name == "version" || name == "config" || !option->get_configurable())
      continue;
    option->envname(environment_name(name));
  }
}

// CLI11 (2.1) lets the file win over the environment. What the environment says is left out of the file here.
class file_below_environment final : public CLI::ConfigTOML {
 public:
  std::vector<CLI::ConfigItem> from_config(std::istream& input) const override {
    auto items = CLI::ConfigTOML::from_config(input);
    std::erase_if(items, [](CLI::ConfigItem const& item) {
      char const* const said = std::getenv(environment_name(item.name).c_str());
      return said && *said;
    });
    return items;
  }
};

struct rate {
  float per_second, burst;
};
std::optional<rate> parse_rate(std::string const& text) {
  rate out{};
  char rest = 0;
  auto const got = std::sscanf(text.c_str(), "%f:%f%c", &out.per_second, &out.burst, &rest);
  if (got == 1 && text.find(':') == std::string::npos) out.burst = out.per_second * 3;
  else if (got != 2) return std::nullopt;
  if (!(out.per_second >= 0) || !(out.burst >= out.per_second || out.per_second == 0)) return std::nullopt;
  return out;
}

// Where a rate's two numbers go.
struct rate_option {
  std::string_view name;
  std::string const& text;
  float& per_second;
  float& burst;
};

std::string host_and_random() {
  char host[65] = "hiky";
  ::gethostname(host, sizeof host - 1);
  return fmt::format("{}-{:08x}", host, std::random_device{}());
}

}  // namespace

std::filesystem::path default_data_folder() {
  if (char const* const state = std::getenv("XDG_STATE_HOME"); state && *state)
    return std::filesystem::path{state} / "hiky";
  char const* const home = std::getenv("HOME");
  return std::filesystem::path{home && *home ? home : "/tmp"} / ".local/state/hiky";
}

std::variant<daemon_config, early_exit> read_daemon_config(int argc, char const* const* argv) {
  daemon_config out;
  auto& g = out.gateway;
  CLI::App app{"hikyd: the WebSocket backend for chat, on Redis", "hikyd"};
  app.set_version_flag("--version", std::string{"hikyd "} + version);
  app.set_config("--config", "",
                 "TOML file with these options; a flag wins over the environment, and that over the file");

  std::vector<std::string> listen{"127.0.0.1:8080"};
  std::string redis{"embedded"}, instance, rate_messages{"20:60"}, rate_typing{"2:4"}, rate_requests{"50:1000"},
      rate_refusals{"5:200"}, rate_accepts{"100:1000"}, rate_api{"500:5000"}, level{"info"}, send{"auto"},
      data{default_data_folder().string()};
  std::size_t max_frame = g.frames.max_message;
  std::optional<std::uint64_t> limit_memory;
  double drain = 20, redis_wait = 10, lease = 15, grace = 5, dedup = g.room_log.dedup_s;

  app.add_option("--listen", listen,
                 "HOST:PORT or unix:PATH[,mode=OCTAL][,group=NAME]; repeatable; port 0 lets the kernel choose")
      ->group("Network")
      ->capture_default_str();
  std::vector<std::string> listen_admin;
  app.add_option("--listen-admin", listen_admin,
                 "the same, for /metrics, the HTTP API and the demo, which are then to be had there alone; without a "
                 "PROXY header; repeatable")
      ->group("Network");
  std::string demo{"auto"};
  app.add_option("--demo", demo,
                 "the chat page at /, for trying the server by hand: on, off, or auto: on with --auth open")
      ->group("Network")
      ->check(CLI::IsMember({"auto", "on", "off"}))
      ->capture_default_str();
  app.add_option("--workers", g.workers, "threads; 0 = one per core, less one for the embedded Redis")
      ->group("Network")
      ->check(CLI::Range(0, 64))
      ->default_val(0);
  std::string tls_cert, tls_key;
  auto* const cert =
      app.add_option(
             "--tls-cert", tls_cert,
             "PEM file of the certificate and its chain: TCP listeners speak TLS 1.2 or 1.3; SIGHUP reads it anew")
          ->group("Network");
  auto* const key = app.add_option("--tls-key", tls_key, "PEM file of its key")->group("Network");
  cert->needs(key);
  key->needs(cert);
  double keep_alive = 75;
  app.add_option("--http-keep-alive", keep_alive,
                 "seconds between two requests of an HTTP connection; longer than a balancer in front keeps its own")
      ->group("Network")
      ->check(CLI::Range(1.0, 3600.0))
      ->capture_default_str();
  std::vector<std::string> proxies;
  app.add_option("--trusted-proxy", proxies,
                 "address or CIDR range of a proxy whose X-Forwarded-For is believed; `unix`: who comes by a Unix "
                 "socket; repeatable")
      ->group("Network");
  app.add_flag("--proxy-protocol", g.proxy_protocol,
               "TCP connections begin with a PROXY header (version 2); they are taken from a --trusted-proxy only")
      ->group("Network");
  bool no_addresses = false;
  app.add_flag("--no-ip-address", no_addresses, "keep clients' addresses out of Redis")->group("Network");
  app.add_option("--batch-send", send, "how frames leave: auto, io_uring or send")
      ->group("Network")
      ->check(CLI::IsMember({"auto", "io_uring", "send"}))
      ->capture_default_str();
  app.add_option("--compress-from", g.compress_from,
                 "bytes; messages as large as that or larger are compressed for clients that offer permessage-deflate; "
                 "0 = compression is not negotiated")
      ->group("Network")
      ->check(CLI::Range(0, 1 << 30))
      ->capture_default_str();
  app.add_option(
         "--redis", redis,
         "embedded, redis[s]://[user[:password]@]host[:port], unix://PATH or redis[s]+sentinel://host[:port],…/NAME")
      ->group("Redis")
      ->capture_default_str();
  app.add_option("--data", data, "folder of the embedded Redis: its socket, append-only file and log")
      ->group("Redis")
      ->capture_default_str();
  app.add_option("--redis-db-app", g.directory_database, "database of users, friends and rooms")
      ->group("Redis")
      ->check(CLI::Range(0, 1 << 20))
      ->default_val(0);
  tls::client_files redis_files;
  app.add_option("--redis-ca", redis_files.authorities,
                 "PEM file of the authorities that rediss:// is checked against; default: the system's")
      ->group("Redis");
  app.add_option("--redis-cert", redis_files.cert,
                 "PEM file of the certificate shown to a Redis that wants one (tls-auth-clients yes)")
      ->group("Redis");
  app.add_option("--redis-key", redis_files.key, "PEM file of its key")->group("Redis");
  int ws_database = 1;
  app.add_option("--redis-db-ws", ws_database, "database of the WebSocket state")
      ->group("Redis")
      ->check(CLI::Range(0, 1 << 20))
      ->default_val(1);
  app.add_option("--redis-wait", redis_wait, "seconds to wait for Redis at start")
      ->group("Redis")
      ->check(CLI::Range(0.0, 3600.0))
      ->capture_default_str();
  identity_options const identity{app};
  std::string api_key_file;
  app.add_option("--api-key-file", api_key_file,
                 "FILE, or env:NAME of a variable, with keys of the HTTP API, one a line: KEY [scope,scope]; without "
                 "it the API is closed")
      ->type_name("FILE")
      ->group("Identity");
  app.add_option("--rate-messages", rate_messages, "PER_SECOND[:BURST] messages of one user; 0 = no limit")
      ->group("Limits")
      ->capture_default_str();
  app.add_option("--rate-typing", rate_typing, "PER_SECOND[:BURST] typing changes per connection; 0 = no limit")
      ->group("Limits")
      ->capture_default_str();
  app.add_option("--limit-frame", max_frame, "largest message in bytes; larger ones close the connection with 1009")
      ->group("Limits")
      ->check(CLI::Range(1024, 1 << 30))
      ->capture_default_str();
  app.add_option("--limit-outbox", g.max_outbox, "bytes queued for one connection before it is closed as slow")
      ->group("Limits")
      ->check(CLI::Range(64 << 10, 1 << 30))
      ->capture_default_str();
  app.add_option("--limit-rooms", g.flow.rooms_per_connection, "rooms per connection")
      ->group("Limits")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  app.add_option("--rate-requests", rate_requests,
                 "PER_SECOND[:BURST] requests other than messages of one user; 0 = no limit")
      ->group("Limits")
      ->capture_default_str();
  app.add_option(
         "--rate-refusals", rate_refusals,
         "PER_SECOND[:BURST] refused requests of one user, before the connection is closed with 4429; 0 = no limit")
      ->group("Limits")
      ->capture_default_str();
  app.add_option("--limit-connections", g.admission.connections,
                 "connections of this instance; default: as many as open files allow")
      ->group("Limits")
      ->check(CLI::Range(1, 1 << 24));
  auto* const per_address = app.add_option("--limit-address-connections", g.admission.per_address,
                                           "connections of one IP address (IPv6: of its /64) to this instance; "
                                           "loopback is left out unless this is given; 0 = no limit")
                                ->group("Limits")
                                ->check(CLI::Range(0, 1 << 24))
                                ->capture_default_str();
  auto* const accept_rate =
      app.add_option("--rate-accepts", rate_accepts,
                     "PER_SECOND[:BURST] new connections of one IP address, likewise; 0 = no limit")
          ->group("Limits")
          ->capture_default_str();
  app.add_option("--rate-api", rate_api,
                 "PER_SECOND[:BURST] requests of the HTTP API with one key to this instance; 0 = no limit")
      ->group("Limits")
      ->capture_default_str();
  app.add_option("--limit-memory", limit_memory,
                 "MiB the process may hold before new connections are refused and slow readers closed; 0 = no limit; "
                 "default: two thirds of what the machine or container has")
      ->group("Limits")
      ->check(CLI::Range(0, 1 << 30));
  app.add_option("--limit-user-connections", g.connections_per_user,
                 "connections of one user, on all instances; the oldest are closed with 4409; 0 = no limit")
      ->group("Limits")
      ->check(CLI::Range(0, 1 << 20))
      ->capture_default_str();
  app.add_option("--instance-id", instance, "name of this instance; default: host name and a random number")
      ->group("Operation");
  app.add_option("--lease", lease, "seconds of silence after which other instances take this one for dead")
      ->group("Operation")
      ->check(CLI::Range(2.0, 3600.0))
      ->capture_default_str();
  app.add_option("--grace", grace, "seconds a user may be away before others are told")
      ->group("Operation")
      ->check(CLI::Range(0.0, 3600.0))
      ->capture_default_str();
  app.add_option(
         "--dedup", dedup,
         "seconds for which a clientMsgId and an Idempotency-Key are remembered, so that a repetition is no second one")
      ->group("Operation")
      ->check(CLI::Range(1.0, 2592000.0))
      ->capture_default_str();
  double forget_absent = 90;
  app.add_option(
         "--forget-absent", forget_absent,
         "days after which a user who was not seen is no member of rooms any more, and the mailbox is gone; 0 = never")
      ->group("Operation")
      ->check(CLI::Range(0.0, 36500.0))
      ->capture_default_str();
  app.add_option("--drain", drain, "seconds over which SIGTERM hands clients over")
      ->group("Operation")
      ->check(CLI::Range(0.0, 3600.0))
      ->capture_default_str();
  app.add_option("--log-level", level, "debug, info, warn or error")
      ->group("Operation")
      ->check(CLI::IsMember({"debug", "info", "warn", "error"}))
      ->capture_default_str();
  std::string log_format{"text"};
  app.add_option("--log-format", log_format, "text for people, json for machines: one event per line either way")
      ->group("Operation")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  bool print = false;
  app.add_flag("--check-config", out.only_check, "read all configuration, say whether it is valid, and start nothing")
      ->group("Help")
      ->configurable(false);
  bool ask_health = false, ask_live = false;
  app.add_flag("--check-health", ask_health,
               "ask the hikyd that runs here with this configuration for /health, say what it answers, and start "
               "nothing; exit code 0: it is healthy")
      ->group("Help")
      ->configurable(false);
  app.add_flag("--check-live", ask_live,
               "the same for /live; exit code 0: its threads come round, whatever Redis does. For who restarts what "
               "does not live")
      ->group("Help")
      ->configurable(false);
  app.add_flag("--print-config", print,
               "print the configuration as a TOML file, defaults commented out, and start nothing")
      ->group("Help")
      ->configurable(false);
  name_environment(app);
  app.config_formatter(std::make_shared<file_below_environment>());
  app.allow_config_extras(CLI::config_extras_mode::error);

  // For the build, which makes the man page and completion from the options.
  if (argc == 2 && std::string_view{argv[1]} == "--help-man") return early_exit{0, man_page(app, hikyd_man)};
  if (argc == 3 && std::string_view{argv[1]} == "--help-completion") return early_exit{0, completion(app, argv[2])};

  auto const refuse = [](std::string text) { return early_exit{usage, "hikyd: " + std::move(text) + "\n"}; };
  try {
    app.parse(argc, argv);
  } catch (CLI::CallForHelp const&) {
    return early_exit{0, app.help()};
  } catch (CLI::CallForVersion const&) {
    return early_exit{0, app.version() + "\n"};
  } catch (CLI::ParseError const& e) {
    return refuse(fmt::format("{}; see hikyd --help", e.what()));
  }

  for (auto const& text : listen) {
    auto where = gateway::parse_listen_address(text);
    if (!where) return refuse("--listen: " + where.error().text);
    if (!listen_admin.empty()) where->to = gateway::door::clients;
    out.listen.push_back(std::move(*where));
  }
  for (auto const& text : listen_admin) {
    auto where = gateway::parse_listen_address(text);
    if (!where) return refuse("--listen-admin: " + where.error().text);
    where->to = gateway::door::operators;
    out.listen.push_back(std::move(*where));
  }
  if (auto fault = identity.apply(g, out.listen)) return refuse(std::move(*fault));
  // Where people prove who they are, it is an application's server: a page that nobody there has asked for does not
  // belong to it.
  g.demo = demo == "on" || (demo == "auto" && g.identity.open);
  if (!tls_cert.empty()) {
    g.tls = std::make_shared<tls::identity>(tls_cert, tls_key);
    if (auto const loaded = g.tls->load(); !loaded) return refuse(loaded.error().text);
  }
  for (auto const& text : proxies) {
    auto const range = gateway::address_range::parse(text);
    if (!range && text != "unix")
      return refuse(fmt::format(
          "--trusted-proxy: '{}' is no address range; expected for example 10.0.0.0/8, fd00::/8, 192.0.2.7 or unix",
          text));
    if (range) g.admission.trusted_proxies.push_back(*range);
    else g.admission.trust_unix = true;
  }
  if (g.proxy_protocol && g.admission.trusted_proxies.empty()) {
    return refuse("--proxy-protocol: nobody may send the header; name the proxy with --trusted-proxy");
  }
  g.tell_addresses = !no_addresses;
  out.embedded = redis == "embedded";
  if (!out.embedded) {
    auto where = redis::parse_address(redis);
    if (!where) return refuse("--redis: " + where.error().text);
    if (where->database != 0)
      return refuse("--redis: the database is chosen with --redis-db-ws and --redis-db-app; leave it out of the URL");
    g.redis = std::move(*where);
  }
  if (auto const used = g.redis.use(redis_files); !used) return refuse(used.error().text);
  g.redis.database = ws_database;
  g.redis.client_name = "hikyd";
  auto const messages = parse_rate(rate_messages);
  if (!messages)
    return refuse(fmt::format(
        "--rate-messages: '{}' is not a rate; expected PER_SECOND or PER_SECOND:BURST with a burst not below the rate",
        rate_messages));
  for (auto const& [name, text, per_second, burst] :
       {rate_option{"--rate-requests", rate_requests, g.flow.requests_per_s, g.flow.request_burst},
        rate_option{"--rate-refusals", rate_refusals, g.flow.refusals_per_s, g.flow.refusal_burst},
        rate_option{"--rate-accepts", rate_accepts, g.admission.accepts_per_s, g.admission.accept_burst},
        rate_option{"--rate-api", rate_api, g.api.requests_per_s, g.api.request_burst}}) {
    auto const parsed = parse_rate(text);
    if (!parsed)
      return refuse(
          fmt::format("{}: '{}' is not a rate; expected PER_SECOND or PER_SECOND:BURST with a burst not below the rate",
                      name, text));
    per_second = parsed->per_second;
    burst = parsed->burst;
  }
  g.admission.spare_loopback = per_address->count() == 0 && accept_rate->count() == 0;
  g.admission.memory = limit_memory ? *limit_memory << 20 : machine_memory() / 3 * 2;
  auto const typing = parse_rate(rate_typing);
  if (!typing)
    return refuse(fmt::format(
        "--rate-typing: '{}' is not a rate; expected PER_SECOND or PER_SECOND:BURST with a burst not below the rate",
        rate_typing));
  g.flow.messages_per_s = messages->per_second;
  g.flow.message_burst = messages->burst;
  g.flow.typing_per_s = typing->per_second;
  g.flow.typing_burst = typing->burst;
  g.frames.max_message = max_frame;
  if (!api_key_file.empty()) {
    g.api_keys = std::make_shared<auth::api_key_file>(api_key_file);
    if (auto const read = g.api_keys->load(); !read) return refuse("--api-key-file: " + read.error().text);
  }
  if (instance.empty()) instance = host_and_random();
  if (auto const fault = id_fault(instance)) return refuse(fmt::format("--instance-id: '{}' {}", instance, *fault));
  g.instance = instance_id{instance};
  // The embedded Redis has a thread of its own to run. Workers that share its core wake each other more often than they
  // help.
  auto const cores = std::max(1U, std::thread::hardware_concurrency());
  if (g.workers == 0) g.workers = std::min(64U, out.embedded ? std::max(1U, cores - 1) : cores);
  auto const ring = gateway::io_uring_allowed();
  if (send == "io_uring" && !ring)
    return refuse(
        "--batch-send: this kernel does not allow io_uring here (sysctl kernel.io_uring_disabled, or a container's "
        "seccomp filter); use auto or "
        "send");
  g.method = send != "send" && ring ? gateway::send_method::io_uring : gateway::send_method::send;
  out.data = data;
  out.log_format = log_format == "json" ? log::format::json : log::format::text;
  out.log_level = level == "debug"   ? log::level::debug
                  : level == "warn"  ? log::level::warn
                  : level == "error" ? log::level::error
                                     : log::level::info;
  g.forget_absent = std::chrono::seconds{static_cast<long>(forget_absent * 24 * 60 * 60)};
  g.leases.lease = std::chrono::milliseconds{static_cast<long>(lease * 1000)};
  g.leases.tick = std::min(g.leases.tick, g.leases.lease / 4);
  g.keep_alive = std::chrono::milliseconds{static_cast<long>(keep_alive * 1000)};
  g.grace = std::chrono::milliseconds{static_cast<long>(grace * 1000)};
  g.room_log.dedup_s = static_cast<int>(dedup);
  out.drain = std::chrono::milliseconds{static_cast<long>(drain * 1000)};
  out.redis_wait = std::chrono::milliseconds{static_cast<long>(redis_wait * 1000)};
  if (ask_health || ask_live) out.only_ask = ask_live ? "/live" : "/health";
  if (print) return early_exit{0, toml_of(app)};
  return out;
}

}  // namespace hiky::app
