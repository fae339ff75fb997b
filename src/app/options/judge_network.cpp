// SPDX-License-Identifier: Apache-2.0
// Where it listens, for whom, and where its Redis is.
#include <fmt/format.h>

#include "app/options/judge.hpp"

namespace hiky::app {
namespace {

fault add_listener(draft& d, std::string_view option, std::string const& text, gateway::door to) {
  auto where = gateway::parse_listen_address(text);
  if (!where) return fmt::format("{}: {}", option, where.error().text);
  where->to = to;
  d.config.listen.push_back(std::move(*where));
  return std::nullopt;
}

fault judge_proxies(draft& d) {
  auto& limits = d.config.gateway.admission;
  for (auto const& text : d.network.trusted_proxies) {
    auto const range = gateway::address_range::parse(text);
    if (!range && text != "unix")
      return fmt::format(
          "--trusted-proxy: '{}' is no address range; expected for example 10.0.0.0/8, fd00::/8, 192.0.2.7 or unix",
          text);
    if (range) limits.trusted_proxies.push_back(*range);
    else limits.trust_unix = true;
  }
  if (d.config.gateway.proxy_protocol && limits.trusted_proxies.empty())
    return "--proxy-protocol: nobody may send the header; name the proxy with --trusted-proxy";
  return std::nullopt;
}

}  // namespace

fault judge_listeners(draft& d) {
  auto const& said = d.network;
  auto const clients = said.listen_admin.empty() ? gateway::door::everything : gateway::door::clients;
  for (auto const& each : said.listen) {
    if (auto wrong = add_listener(d, "--listen", each, clients)) return wrong;
  }
  for (auto const& each : said.listen_admin) {
    if (auto wrong = add_listener(d, "--listen-admin", each, gateway::door::operators)) return wrong;
  }
  return std::nullopt;
}

fault judge_door(draft& d) {
  auto const& said = d.network;
  auto& g = d.config.gateway;
  // Where people prove who they are, it is an application's server: a page that nobody there has asked for does not
  // belong to it.
  g.demo = said.demo == "on" || (said.demo == "auto" && g.identity.open);
  if (!said.tls_cert.empty()) {
    g.tls = std::make_shared<tls::identity>(said.tls_cert, said.tls_key);
    if (auto const loaded = g.tls->load(); !loaded) return loaded.error().text;
  }
  return judge_proxies(d);
}

fault judge_redis(draft& d) {
  auto& redis = d.config.gateway.redis;
  d.config.embedded = d.redis.where == "embedded";
  if (!d.config.embedded) {
    auto where = redis::parse_address(d.redis.where);
    if (!where) return "--redis: " + where.error().text;
    if (where->database != 0)
      return "--redis: the database is chosen with --redis-db-ws and --redis-db-app; leave it out of the URL";
    redis = std::move(*where);
  }
  if (auto const used = redis.use(d.redis.files); !used) return used.error().text;
  redis.database = d.redis.database;
  redis.client_name = "hikyd";
  return std::nullopt;
}

}  // namespace hiky::app
