// SPDX-License-Identifier: Apache-2.0
// The parts of the load generator on which every figure rests.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "../load/dialect.hpp"
#include "../load/endpoint.hpp"
#include "../load/frame.hpp"
#include "../load/latency.hpp"
#include "../load/ledger.hpp"
#include "../load/outcome.hpp"
#include "../load/rate_search.hpp"
#include "../load/rounds.hpp"
#include "../load/stamp.hpp"
#include "../load/targets.hpp"

namespace hiky::load {

TEST(latency, quantiles_are_those_of_the_sorted_samples_within_two_percent) {
  std::mt19937_64 random(7);
  std::lognormal_distribution<double> spread(12, 3);
  latency histogram;
  std::vector<double> samples;
  for (int i = 0; i < 20'000; ++i) {
    auto const ns = static_cast<std::int64_t>(spread(random));
    histogram.add(ns);
    samples.push_back(static_cast<double>(ns) / 1e6);
  }
  std::ranges::sort(samples);
  for (double const share : {0.01, 0.5, 0.9, 0.99, 1.0}) {
    double const exact = samples[static_cast<std::size_t>(share * 20'000) - 1];
    EXPECT_NEAR(histogram.quantile_ms(share), exact, exact * 0.02) << share;
  }
}

TEST(latency, takes_the_shortest_and_the_longest_duration) {
  latency histogram;
  histogram.add(-5);
  EXPECT_EQ(histogram.quantile_ms(0.5), 0);
  histogram.add(INT64_MAX);
  EXPECT_GT(histogram.quantile_ms(1.0), 9e12);
}

TEST(frame, a_server_head_is_read_whole_or_not_at_all) {
  for (std::size_t const size : {0UL, 125UL, 126UL, 65'535UL, 65'536UL}) {
    std::string bytes;
    append_server_frame(bytes, opcode::text, std::string(size, 'x'));
    auto const head = read_server_head(bytes);
    ASSERT_TRUE(head) << size;
    EXPECT_EQ(head->payload_bytes, size);
    EXPECT_EQ(head->bytes(), bytes.size());
    for (std::size_t part = 0; part < head->head_bytes; ++part)
      EXPECT_FALSE(read_server_head(bytes.substr(0, part))) << size << ' ' << part;
  }
}

TEST(frame, a_client_frame_is_masked_and_unmasks_to_its_text) {
  std::string bytes;
  append_client_frame(bytes, opcode::text, "biscuits");
  ASSERT_EQ(bytes.size(), 2U + 4U + 8U);
  EXPECT_EQ(static_cast<unsigned char>(bytes[1]), 0x80U | 8U);
  std::string text;
  for (std::size_t i = 0; i < 8; ++i) text += static_cast<char>(bytes[6 + i] ^ bytes[2 + i % 4]);
  EXPECT_EQ(text, "biscuits");
  EXPECT_NE(bytes.substr(6), "biscuits");
}

TEST(stamp, is_found_inside_any_frame_and_nowhere_else) {
  std::string const content = stamped_content(100, 123'456'789'012'345);
  EXPECT_EQ(content.size(), 100U);
  EXPECT_EQ(stamp_of(R"({"type":"message","content":")" + content + "\"}"), 123'456'789'012'345);
  EXPECT_FALSE(stamp_of(R"({"type":"message","content":"~0123~"})"));
  EXPECT_FALSE(stamp_of(content.substr(0, 10)));
}

TEST(dialect, a_type_is_recognised_wherever_it_stands) {
  auto const speech = make_dialect("hiky");
  EXPECT_EQ(speech->meaning(R"({"type":"message","roomId":"r"})"), heard::delivery);
  EXPECT_EQ(speech->meaning(R"({"roomId":"r","type":"message"})"), heard::delivery);
  EXPECT_EQ(speech->meaning(R"({"type":"messageAck"})"), heard::nothing);
  EXPECT_EQ(speech->meaning(R"({"type":"error","message":"no"})"), heard::error);
}

TEST(dialect, centrifugo_delivers_publications_and_nothing_else) {
  auto const speech = make_dialect("centrifugo");
  EXPECT_EQ(speech->meaning(R"({"push":{"channel":"room:r","pub":{"data":{"content":"x"},"offset":1}}})"),
            heard::delivery);
  EXPECT_EQ(speech->meaning(R"({"push":{"channel":"room:r","join":{"info":{"user":"pub"}}}})"), heard::nothing);
  EXPECT_EQ(speech->meaning(R"({"id":1,"connect":{"client":"c","ping":25,"pong":true}})"), heard::greeted);
  EXPECT_EQ(speech->meaning(R"({"id":2,"subscribe":{}})"), heard::joined);
  EXPECT_EQ(speech->meaning(R"({"id":3,"publish":{}})"), heard::nothing);
  EXPECT_EQ(speech->meaning(R"({"id":3,"error":{"code":103,"message":"permission denied"}})"), heard::error);
  EXPECT_EQ(speech->meaning("{}"), heard::heartbeat);
  EXPECT_EQ(speech->heartbeat(), "{}");
  EXPECT_TRUE(speech->echoes());
  EXPECT_TRUE(speech->lines());
}

TEST(endpoint, only_loopback_is_loaded) {
  EXPECT_TRUE(parse_url("ws://127.0.0.1:8080/ws"));
  EXPECT_EQ(parse_url("ws://127.0.0.1:8080")->path, "/");
  for (char const* const url : {"ws://10.0.0.1:80/ws", "ws://127.0.0.1/ws", "wss://127.0.0.1:80/", "ws://127.0.0.1:0/",
                                "ws://127.0.0.1:99999/", ""})
    EXPECT_FALSE(parse_url(url)) << url;
}

TEST(ledger, a_lost_message_is_not_made_good_by_a_doubled_one) {
  ledger book(5, 3, false);  // rooms {0,1,2} and {3,4}
  book.said(0);
  book.said(4);
  EXPECT_EQ(book.due(), 3U);
  for (std::size_t const member : {1UL, 1UL, 3UL}) book.heard(member);
  EXPECT_TRUE(book.complete());
  EXPECT_NE(book.discrepancy().find("member 1 heard 2 messages instead of 1"), std::string::npos);
}

TEST(ledger, is_content_when_everybody_heard_everything_once) {
  ledger book(5, 3, true);
  book.said(0);
  for (std::size_t const member : {0UL, 1UL, 2UL}) book.heard(member);
  EXPECT_TRUE(book.complete());
  EXPECT_EQ(book.discrepancy(), "");
}

TEST(outcome, survives_the_way_through_a_file) {
  outcome what{"hiky", "fan", "1 to 9", "send", {}, "a\ttab = and more", ""};
  what.set("rate_s", 1234.5);
  auto const back = from_line(to_line(what));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->title(), "fan send");
  EXPECT_EQ(back->note, "a tab = and more");
  EXPECT_EQ(back->get("rate_s"), 1234.5);
  EXPECT_FALSE(back->get("ratio"));
}

TEST(rounds, figures_become_medians_and_one_failure_fails) {
  std::vector<outcome> all;
  for (double const us : {3.0, 9.0, 4.0}) {
    all.push_back({"hiky", "mix", "l", "send", {{"gateway_us", us}}, us > 5 ? "slow" : "", ""});
    all.push_back({"nchan", "mix", "l", "", {{"gateway_us", 2 * us}}, "", us > 5 ? "lost" : ""});
  }
  all.push_back({"hiky", "mix", "another", "send", {{"gateway_us", 1}}, "", ""});
  auto const joined = join_rounds(all);
  ASSERT_EQ(joined.size(), 3U);
  EXPECT_EQ(joined[0].get("gateway_us"), 4);
  EXPECT_EQ(joined[0].get("rounds"), 3);
  EXPECT_EQ(joined[0].note, "slow (1 of 3 rounds)");
  EXPECT_EQ(joined[1].failure, "lost (1 of 3 rounds)");
  EXPECT_EQ(joined[2].get("gateway_us"), 1);
  EXPECT_FALSE(joined[2].get("rounds"));
  EXPECT_EQ(median({1, 2, 3, 10}), 2.5);
}

// The answers of a server with this limit.
double searched(double limit, double first, int& tries, int spoiled = -1) {
  rate_search search(first);
  for (tries = 0; search.rate() > 0 && tries < 100; ++tries) search.tell(search.rate() <= limit && tries != spoiled);
  return search.best();
}

TEST(rate_search, comes_within_a_twentieth_of_the_limit_from_below_and_from_above) {
  int tries = 0;
  for (double const limit : {300.0, 1'999.0, 2'000.0, 7'300.0, 90'000.0}) {
    double const best = searched(limit, 2000, tries);
    EXPECT_LE(best, limit);
    EXPECT_GE(best * 1.05, limit - 1) << limit;
    EXPECT_LE(tries, 22) << limit;
  }
}

TEST(rate_search, forgives_one_spoiled_try) {
  int tries = 0;
  double const best = searched(7'300, 2000, tries);
  EXPECT_EQ(searched(7'300, 2000, tries, 1), best);
}

TEST(rate_search, ends_when_nothing_is_sustained) {
  int tries = 0;
  EXPECT_EQ(searched(0, 2000, tries), 0);
  EXPECT_LE(tries, 20);
}

TEST(targets, a_failed_run_passes_nothing) {
  outcome what{"hiky", "pair", "", "", {{"p50_ms", 0.09}}, "", ""};
  ASSERT_EQ(judge(std::vector{what}).size(), 1U);
  EXPECT_EQ(judge(std::vector{what})[0].pass, true);
  what.failure = "lost";
  EXPECT_TRUE(judge(std::vector{what}).empty());
}

TEST(targets, io_uring_must_be_below_the_floor_and_send_may_be_a_tenth_above) {
  outcome what{"hiky", "fan", "", "send", {{"ratio", 1.05}}, "", ""};
  EXPECT_EQ(judge(std::vector{what})[0].pass, true);
  what.sends = "io_uring";
  EXPECT_EQ(judge(std::vector{what})[0].pass, false);
}

TEST(targets, another_server_is_a_target_only_where_one_is_set) {
  outcome const ours{"hiky", "mix", "", "", {{"gateway_us", 3}, {"redis_us", 1}, {"asked_s", 2000}}, "", ""};
  outcome const nchan{"nchan", "mix", "", "", {{"gateway_us", 4}, {"redis_us", 1}}, "", ""};
  outcome const node{"node+ws", "mix", "", "", {{"gateway_us", 30}, {"redis_us", 10}}, "", ""};
  outcome const faster{"node+ws", "mix", "another load", "", {{"gateway_us", 30}, {"redis_us", 10}}, "", ""};
  auto const found = judge(std::vector{ours, nchan, node, faster});
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].pass, false);
  EXPECT_DOUBLE_EQ(found[0].measured, 0.8);
  EXPECT_FALSE(found[1].pass.has_value());
}

TEST(targets, peaks_are_compared_by_their_rates) {
  outcome const ours{"hiky", "peak", "", "", {{"rate_s", 9000}, {"gateway_us", 3}, {"redis_us", 1}}, "", ""};
  outcome theirs{"nchan", "peak", "", "", {{"rate_s", 6000}, {"gateway_us", 4}, {"redis_us", 1}}, "", ""};
  auto const found = judge(std::vector{ours, theirs});
  ASSERT_EQ(found.size(), 1U);
  EXPECT_DOUBLE_EQ(found[0].measured, 1.5);
  theirs.failure = "lost";
  EXPECT_TRUE(judge(std::vector{ours, theirs}).empty());
}

TEST(targets, many_is_compared_with_the_smallest_number_of_connections) {
  outcome const few{"hiky", "many", "10 users, x", "", {{"gateway_us", 3}, {"redis_us", 1}, {"memory_b", 100}}, "", ""};
  outcome const more{"hiky", "many", "99 users, x", "", {{"gateway_us", 4}, {"redis_us", 1}, {"memory_b", 90}}, "", ""};
  auto const found = judge(std::vector{few, more});
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].title, "many 99 users");
  EXPECT_DOUBLE_EQ(found[0].measured, 1.25);
  EXPECT_DOUBLE_EQ(found[1].measured, 0.9);
}

TEST(targets, each_kind_of_hiky_is_judged_and_none_is_a_peer) {
  outcome const one{"hiky w1", "mix", "", "", {{"gateway_us", 3}, {"redis_us", 1}}, "", ""};
  outcome const two{"hiky w2", "mix", "", "", {{"gateway_us", 4}, {"redis_us", 1}}, "", ""};
  outcome const node{"node+ws", "mix", "", "", {{"gateway_us", 30}, {"redis_us", 10}}, "", ""};
  auto const found = judge(std::vector{one, two, node});
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[1].title, "mix (w2)");
  EXPECT_DOUBLE_EQ(found[1].measured, 5.0 / 40);
}

}  // namespace hiky::load
