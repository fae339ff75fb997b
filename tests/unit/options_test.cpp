// SPDX-License-Identifier: Apache-2.0
// The table of options, compared with the texts and settings that are made from it.
#include <gtest/gtest.h>

#include <set>

#include "app/options/config.hpp"
#include "app/options/option.hpp"

namespace hiky::app {
namespace {

daemon_config config_of(std::vector<char const*> arguments) {
  arguments.insert(arguments.begin(), "hikyd");
  auto read = read_daemon_config(static_cast<int>(arguments.size()), arguments.data());
  if (auto const* early = std::get_if<early_exit>(&read)) throw std::runtime_error{early->text};
  return std::move(std::get<daemon_config>(read));
}

TEST(options, each_stands_in_the_table_once) {
  std::set<std::string_view> names;
  for (auto const& each : daemon_options()) EXPECT_TRUE(names.insert(each.name).second) << each.name;
  EXPECT_GT(names.size(), 60U);
  for (auto const& each : daemon_options())
    EXPECT_TRUE(each.needs.empty() || names.contains(each.needs)) << each.name << " needs " << each.needs;
}

TEST(options, have_one_default_or_none) {
  for (auto const& each : daemon_options()) {
    EXPECT_TRUE(each.initial.empty() || each.found_here == nullptr) << each.name;
    if (std::holds_alternative<rate>(each.takes)) EXPECT_FALSE(each.initial.empty()) << each.name;
  }
}

TEST(options, tell_where_a_secret_may_stand_besides_the_command_line) {
  for (auto const& each : daemon_options()) {
    if (!each.secret) continue;
    EXPECT_TRUE(each.help.contains("env:NAME") || each.help.contains("PEM file") || each.help.contains("://"))
        << each.name;
  }
}

TEST(options, that_sighup_reads_again_name_files) {
  for (auto const& each : daemon_options()) {
    if (each.reread) EXPECT_TRUE(each.help.contains("FILE") || each.help.contains("PEM file")) << each.name;
  }
}

TEST(options, are_called_in_capitals_in_the_environment) {
  EXPECT_EQ(environment_name("rate-messages"), "HIKY_RATE_MESSAGES");
}

// A part that is used without options, as in a test or in another program, has the settings of hikyd.
TEST(options, have_the_defaults_of_the_parts_that_they_are_for) {
  auto const made = config_of({}).gateway;
  gateway::gateway_settings const parts{};
  EXPECT_EQ(made.keep_alive, parts.keep_alive);
  EXPECT_EQ(made.compress_from, parts.compress_from);
  EXPECT_EQ(made.frames.max_message, parts.frames.max_message);
  EXPECT_EQ(made.max_outbox, parts.max_outbox);
  EXPECT_EQ(made.connections_per_user, parts.connections_per_user);
  EXPECT_EQ(made.forget_absent, parts.forget_absent);
  EXPECT_EQ(made.grace, parts.grace);
  EXPECT_EQ(made.leases.lease, parts.leases.lease);
  EXPECT_EQ(made.leases.tick, parts.leases.tick);
  EXPECT_EQ(made.room_log.dedup_s, parts.room_log.dedup_s);
  EXPECT_EQ(made.directory_database, parts.directory_database);
  EXPECT_EQ(made.identity.session_database, parts.identity.session_database);
  EXPECT_EQ(made.rooms.cache_database, parts.rooms.cache_database);
  EXPECT_EQ(made.rooms.by, parts.rooms.by);
  EXPECT_EQ(made.rooms.hook.life, parts.rooms.hook.life);
  EXPECT_EQ(made.rooms.hook.patience, parts.rooms.hook.patience);
  EXPECT_EQ(made.tell_addresses, parts.tell_addresses);
  EXPECT_EQ(made.proxy_protocol, parts.proxy_protocol);
  EXPECT_EQ(made.demo, parts.demo);
}

TEST(options, have_the_rates_of_the_parts_that_they_are_for) {
  auto const made = config_of({}).gateway;
  gateway::gateway_settings const parts{};
  EXPECT_EQ(made.flow.messages_per_s, parts.flow.messages_per_s);
  EXPECT_EQ(made.flow.message_burst, parts.flow.message_burst);
  EXPECT_EQ(made.flow.typing_per_s, parts.flow.typing_per_s);
  EXPECT_EQ(made.flow.typing_burst, parts.flow.typing_burst);
  EXPECT_EQ(made.flow.requests_per_s, parts.flow.requests_per_s);
  EXPECT_EQ(made.flow.request_burst, parts.flow.request_burst);
  EXPECT_EQ(made.flow.refusals_per_s, parts.flow.refusals_per_s);
  EXPECT_EQ(made.flow.refusal_burst, parts.flow.refusal_burst);
  EXPECT_EQ(made.flow.rooms_per_connection, parts.flow.rooms_per_connection);
  EXPECT_EQ(made.flow.session_check, parts.flow.session_check);
  EXPECT_EQ(made.admission.per_address, parts.admission.per_address);
  EXPECT_EQ(made.admission.accepts_per_s, parts.admission.accepts_per_s);
  EXPECT_EQ(made.admission.accept_burst, parts.admission.accept_burst);
  EXPECT_EQ(made.api.requests_per_s, parts.api.requests_per_s);
  EXPECT_EQ(made.api.request_burst, parts.api.request_burst);
}

TEST(options, go_where_the_table_says) {
  auto const made = config_of({"--grace", "0.5", "--forget-absent", "1", "--rate-messages", "7", "--listen",
                               "127.0.0.1:1", "--listen", "127.0.0.1:2", "--room-policy", "members", "--log-level",
                               "warn", "--no-ip-address", "--limit-memory", "3"});
  EXPECT_EQ(made.gateway.grace, std::chrono::milliseconds{500});
  EXPECT_EQ(made.gateway.forget_absent, std::chrono::days{1});
  EXPECT_EQ(made.gateway.flow.messages_per_s, 7);
  EXPECT_EQ(made.gateway.flow.message_burst, 21);
  EXPECT_EQ(made.listen.size(), 2U);
  EXPECT_EQ(made.gateway.rooms.by, chat::room_policy_settings::kind::members);
  EXPECT_EQ(made.log_level, log::level::warn);
  EXPECT_FALSE(made.gateway.tell_addresses);
  EXPECT_EQ(made.gateway.admission.memory, 3U << 20);
}

TEST(options, spare_loopback_until_a_limit_of_addresses_is_said) {
  EXPECT_TRUE(config_of({}).gateway.admission.spare_loopback);
  EXPECT_FALSE(config_of({"--rate-accepts", "100:1000"}).gateway.admission.spare_loopback);
  EXPECT_FALSE(config_of({"--limit-address-connections", "5"}).gateway.admission.spare_loopback);
}

}  // namespace
}  // namespace hiky::app
