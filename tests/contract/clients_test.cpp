// SPDX-License-Identifier: Apache-2.0
#include "state/document/clients.hpp"

#include "support/with_redis.hpp"

using namespace hiky;
using namespace testing;

namespace {

struct clients : support::with_redis {
  state::clients all{redis};
};

}  // namespace

TEST_F(clients, stores_metadata_as_json_in_one_hash) {
  ok(all.set(user_id{"alice"},
             {{"connectedAt", "2026-01-31T12:00:00.123Z"}, {"lastSeen", nullptr}, {"connections", 2}, {"load", 0.5}}));
  EXPECT_EQ(probe("HGET", "ws:clients", "alice"),
            R"({"connectedAt":"2026-01-31T12:00:00.123Z","lastSeen":null,"connections":2,"load":0.5})");
  EXPECT_EQ(probe("TYPE", "ws:clients"), "hash");
  EXPECT_EQ(probe("DBSIZE"), "1");
}

TEST_F(clients, replaces_what_was_there) {
  ok(all.set(user_id{"alice"}, {{"a", 1}}));
  ok(all.set(user_id{"alice"}, {{"b", 2}}));
  EXPECT_EQ(probe("HGET", "ws:clients", "alice"), R"({"b":2})");
}

TEST_F(clients, gets_what_another_program_has_written) {
  probe("HSET", "ws:clients", "alice", R"( { "ipAddress" : "::1", "tags": ["a", {"b": null}] } )");
  auto const data = ok(all.get(user_id{"alice"}));
  ASSERT_TRUE(data);
  EXPECT_EQ(*data, (json::object{{"ipAddress", "::1"}, {"tags", {"a", {{"b", nullptr}}}}}));
}

TEST_F(clients, gets_nothing_for_a_stranger) { EXPECT_EQ(ok(all.get(user_id{"nobody"})), std::nullopt); }

TEST_F(clients, keeps_an_empty_object) {
  ok(all.set(user_id{"alice"}, {}));
  EXPECT_EQ(probe("HGET", "ws:clients", "alice"), "{}");
  EXPECT_EQ(ok(all.get(user_id{"alice"})), json::object{});
}

TEST_F(clients, removes_one_user_and_no_other) {
  ok(all.set(user_id{"alice"}, {}));
  ok(all.set(user_id{"bob"}, {}));
  ok(all.remove(user_id{"alice"}));
  ok(all.remove(user_id{"alice"}));  // not there any more: fine too
  EXPECT_THAT(probe.list("HKEYS", "ws:clients"), ElementsAre("bob"));
}

TEST_F(clients, gives_all_of_them_by_user) {
  EXPECT_TRUE(ok(all.all()).empty());
  ok(all.set(user_id{"alice"}, {{"n", 1}}));
  ok(all.set(user_id{"bob"}, {{"n", 2}}));
  EXPECT_EQ(ok(all.all()),
            (std::map<user_id, json::object>{{user_id{"alice"}, {{"n", 1}}}, {user_id{"bob"}, {{"n", 2}}}}));
}

TEST_F(clients, takes_ids_and_values_with_odd_characters) {
  for (auto const id : support::odd_ids) {
    SCOPED_TRACE(id);
    ok(all.set(user_id{id}, {{"agent", "line\n\"quote\" \\ \t \x01 ☕"}}));
    EXPECT_EQ(probe("HGET", "ws:clients", id), "{\"agent\":\"line\\n\\\"quote\\\" \\\\ \\t \\u0001 ☕\"}");
    EXPECT_EQ(ok(all.get(user_id{id}))->at("agent"), "line\n\"quote\" \\ \t \x01 ☕");
  }
  EXPECT_EQ(ok(all.all()).size(), support::odd_ids.size());
}

TEST_F(clients, skips_poison_entries_and_says_so_once) {
  ok(all.set(user_id{"alice"}, {{"n", 1}}));
  probe("HSET", "ws:clients", "bob", "secret[", "carol", "", "dave", "[1]", "erin", "42");
  EXPECT_THAT(ok(all.all()), ElementsAre(Key(user_id{"alice"})));
  auto const lines = log.lines();
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_THAT(lines[0], StartsWith("entry.skipped key=ws:clients entries=4 reason="));
  EXPECT_THAT(lines[0], Not(HasSubstr("secret")));
}

TEST_F(clients, says_whose_entry_is_no_json_object) {
  probe("HSET", "ws:clients", "bob", "{");
  auto const e = fault(all.get(user_id{"bob"}));
  EXPECT_EQ(e.code, errc::unexpected_reply);
  EXPECT_THAT(e.text, StartsWith("the entry of 'bob' in ws:clients is not JSON"));
}

TEST_F(clients, refuses_to_store_what_nobody_could_read_back) {
  auto const e = fault(all.set(user_id{"alice"}, {{"name", "\xff"}}));
  EXPECT_EQ(e.code, errc::invalid_argument);
  json::value deep = 1;
  for (int i = 0; i < 200; ++i) deep = json::array{deep};
  EXPECT_EQ(fault(all.set(user_id{"alice"}, {{"deep", deep}})).code, errc::invalid_argument);
  EXPECT_EQ(probe("EXISTS", "ws:clients"), "0");
}

TEST_F(clients, names_command_and_key_when_redis_refuses) {
  probe("SET", "ws:clients", "a string");
  for (auto const& e : {fault(all.set(user_id{"alice"}, {})), fault(all.remove(user_id{"alice"})), fault(all.all())}) {
    EXPECT_EQ(e.code, errc::server_error);
    EXPECT_THAT(e.text, AllOf(StartsWith("WRONGTYPE"), HasSubstr("ws:clients)")));
  }
}
