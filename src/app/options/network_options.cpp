// SPDX-License-Identifier: Apache-2.0
// The options of the groups "Network" and "Redis".
#include "app/options/data_folder.hpp"
#include "app/options/draft.hpp"
#include "app/options/option_groups.hpp"

namespace hiky::app {
namespace {

constexpr std::string_view network = "Network", redis = "Redis";

constexpr option table[]{
    {.name = "listen",
     .group = network,
     .takes = texts{[](auto& d, auto v) { d.network.listen = std::move(v); }},
     .initial = "[127.0.0.1:8080]",
     .help = "HOST:PORT or unix:PATH[,mode=OCTAL][,group=NAME]; repeatable; port 0 lets the kernel choose"},
    {.name = "listen-admin",
     .group = network,
     .takes = texts{[](auto& d, auto v) { d.network.listen_admin = std::move(v); }},
     .help = "the same, for /metrics, the HTTP API and the demo, which are then to be had there alone; without a PROXY "
             "header; repeatable"},
    {.name = "demo",
     .group = network,
     .takes = choice{[](auto& d, auto v) { d.network.demo = std::move(v); }, "auto,on,off"},
     .initial = "auto",
     .help = "the chat page at /, for trying the server by hand: on, off, or auto: on with --auth open"},
    {.name = "workers",
     .group = network,
     .takes = whole{[](auto& d, auto v) { d.config.gateway.workers = v; }, 0, 64},
     .initial = "0",
     .help = "threads; 0 = one per core, less one for the embedded Redis"},
    {.name = "tls-cert",
     .group = network,
     .takes = text{[](auto& d, auto v) { d.network.tls_cert = std::move(v); }},
     .needs = "tls-key",
     .reread = true,
     .help = "PEM file of the certificate and its chain: TCP listeners speak TLS 1.2 or 1.3; SIGHUP reads it anew"},
    {.name = "tls-key",
     .group = network,
     .takes = text{[](auto& d, auto v) { d.network.tls_key = std::move(v); }},
     .needs = "tls-cert",
     .secret = true,
     .reread = true,
     .help = "PEM file of its key"},
    {.name = "http-keep-alive",
     .group = network,
     .takes = duration{[](auto& d, auto v) { d.config.gateway.keep_alive = v; }, 1, 3600},
     .initial = "75",
     .help = "seconds between two requests of an HTTP connection; longer than a balancer in front keeps its own"},
    {.name = "trusted-proxy",
     .group = network,
     .takes = texts{[](auto& d, auto v) { d.network.trusted_proxies = std::move(v); }},
     .help = "address or CIDR range of a proxy whose X-Forwarded-For is believed; `unix`: who comes by a Unix socket; "
             "repeatable"},
    {.name = "proxy-protocol",
     .group = network,
     .takes = flag{[](auto& d) { d.config.gateway.proxy_protocol = true; }},
     .help = "TCP connections begin with a PROXY header (version 2); they are taken from a --trusted-proxy only"},
    {.name = "no-ip-address",
     .group = network,
     .takes = flag{[](auto& d) { d.config.gateway.tell_addresses = false; }},
     .help = "keep clients' addresses out of Redis"},
    {.name = "batch-send",
     .group = network,
     .takes = choice{[](auto& d, auto v) { d.network.batch_send = std::move(v); }, "auto,io_uring,send"},
     .initial = "auto",
     .help = "how frames leave: auto, io_uring or send"},
    {.name = "compress-from",
     .group = network,
     .takes = whole{[](auto& d, auto v) { d.config.gateway.compress_from = v; }, 0, 1 << 30},
     .initial = "1024",
     .help = "bytes; messages as large as that or larger are compressed for clients that offer permessage-deflate; 0 = "
             "compression is not negotiated"},

    {.name = "redis",
     .group = redis,
     .takes = text{[](auto& d, auto v) { d.redis.where = std::move(v); }},
     .initial = "embedded",
     .secret = true,
     .help =
         "embedded, redis[s]://[user[:password]@]host[:port], unix://PATH or redis[s]+sentinel://host[:port],…/NAME"},
    {.name = "data",
     .group = redis,
     .takes = text{[](auto& d, auto v) { d.config.data = std::move(v); }},
     .found_here = [] { return default_data_folder().string(); },
     .help = "folder of the embedded Redis: its socket, append-only file and log"},
    {.name = "redis-db-app",
     .group = redis,
     .takes = database{[](auto& d, auto v) { d.config.gateway.directory_database = v; }},
     .initial = "0",
     .help = "database of users, friends and rooms"},
    {.name = "redis-ca",
     .group = redis,
     .takes = text{[](auto& d, auto v) { d.redis.files.authorities = std::move(v); }},
     .help = "PEM file of the authorities that rediss:// is checked against; default: the system's"},
    {.name = "redis-cert",
     .group = redis,
     .takes = text{[](auto& d, auto v) { d.redis.files.cert = std::move(v); }},
     .help = "PEM file of the certificate shown to a Redis that wants one (tls-auth-clients yes)"},
    {.name = "redis-key",
     .group = redis,
     .takes = text{[](auto& d, auto v) { d.redis.files.key = std::move(v); }},
     .secret = true,
     .help = "PEM file of its key"},
    {.name = "redis-db-ws",
     .group = redis,
     .takes = database{[](auto& d, auto v) { d.redis.database = v; }},
     .initial = "1",
     .help = "database of the WebSocket state"},
    {.name = "redis-wait",
     .group = redis,
     .takes = duration{[](auto& d, auto v) { d.config.redis_wait = v; }, 0, 3600},
     .initial = "10",
     .help = "seconds to wait for Redis at start"},
};

}  // namespace

std::span<option const> network_options() { return table; }

}  // namespace hiky::app
