// SPDX-License-Identifier: Apache-2.0
#include "state/stored_json.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <string>

using namespace hiky;
using state::parse_object;
using state::stringify;

namespace {

std::string number(double value) {
  auto const text = stringify({{"n", value}});
  return text->substr(5, text->size() - 6);
}

}  // namespace

// The texts that Node.js 18 prints for the same values.
TEST(stored_json, writes_numbers_as_javascript_does) {
  EXPECT_EQ(number(0.5), "0.5");
  EXPECT_EQ(number(-0.0), "0");
  EXPECT_EQ(number(100.0), "100");
  EXPECT_EQ(number(-1234.5678), "-1234.5678");
  EXPECT_EQ(number(0.1 + 0.2), "0.30000000000000004");
  EXPECT_EQ(number(1e-6), "0.000001");
  EXPECT_EQ(number(1.5e-7), "1.5e-7");
  EXPECT_EQ(number(1e-7), "1e-7");
  EXPECT_EQ(number(123456789012345680000.0), "123456789012345680000");
  EXPECT_EQ(number(1e21), "1e+21");
  EXPECT_EQ(number(-1.25e+100), "-1.25e+100");
  EXPECT_EQ(number(5e-324), "5e-324");
  EXPECT_EQ(number(std::numeric_limits<double>::max()), "1.7976931348623157e+308");
  EXPECT_EQ(number(std::numeric_limits<double>::quiet_NaN()), "null");
  EXPECT_EQ(number(-std::numeric_limits<double>::infinity()), "null");
}

TEST(stored_json, writes_integers_with_all_their_digits) {
  EXPECT_EQ(stringify({{"low", std::numeric_limits<std::int64_t>::min()},
                       {"high", std::numeric_limits<std::uint64_t>::max()}}),
            R"({"low":-9223372036854775808,"high":18446744073709551615})");
}

TEST(stored_json, writes_strings_as_javascript_does) {
  EXPECT_EQ(stringify({{"\"\\/", "\b\f\n\r\t\x01\x1f\x7f é ☕ 😀"}}),
            "{\"\\\"\\\\/\":\"\\b\\f\\n\\r\\t\\u0001\\u001f\x7f é ☕ 😀\"}");
}

TEST(stored_json, writes_members_in_their_order_and_without_spaces) {
  EXPECT_EQ(stringify({{"z", true}, {"a", nullptr}, {"m", {1, {{"k", json::array{}}}, json::object{}}}}),
            R"({"z":true,"a":null,"m":[1,{"k":[]},{}]})");
  EXPECT_EQ(stringify({}), "{}");
}

TEST(stored_json, writes_as_deep_as_it_reads_and_no_deeper) {
  auto const nested = [](int levels) {
    json::value inner = 1;
    for (int i = 1; i < levels; ++i) inner = json::array{inner};
    return json::object{{"deep", inner}};
  };
  auto const deepest = stringify(nested(128));
  ASSERT_TRUE(deepest);
  EXPECT_TRUE(parse_object(*deepest));
  EXPECT_EQ(stringify(nested(129)).error().code, errc::invalid_argument);
}

TEST(stored_json, refuses_text_that_is_not_utf8) {
  EXPECT_EQ(stringify({{"name", "\xed\xa0\x80"}}).error().code, errc::invalid_argument);
  EXPECT_EQ(stringify({{"\xff", 1}}).error().code, errc::invalid_argument);
}

TEST(stored_json, reads_objects_and_nothing_else) {
  EXPECT_EQ(parse_object(" {\"a\": [1, 2.5e3]} "), (json::object{{"a", {1, 2500.0}}}));
  for (auto const text : {"", "nul", "{", "{} {}", "[]", "null", "\"text\"", "1", "{\"a\":1,}"}) {
    EXPECT_EQ(parse_object(text).error().code, errc::invalid_argument) << text;
  }
}
