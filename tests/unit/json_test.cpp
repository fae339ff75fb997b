// SPDX-License-Identifier: Apache-2.0
#include "base/json.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

using namespace hiky;
using namespace std::string_literals;

namespace {

std::string written(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

std::string nested(std::size_t levels, char open, char close) {
  return std::string(levels, open) + std::string(levels, close);
}

std::optional<std::string> member(std::string_view text, std::string_view name = "content") {
  EXPECT_TRUE(parse_json(text)) << text;
  auto const found = raw_member(text, name);
  return found ? std::optional<std::string>{*found} : std::nullopt;
}

}  // namespace

TEST(json_string, is_quoted_and_escaped_where_it_must_be) {
  EXPECT_EQ(written(""), R"("")");
  EXPECT_EQ(written("plain text"), R"("plain text")");
  EXPECT_EQ(written("\"\\/"), R"("\"\\/")");
  EXPECT_EQ(written("\b\f\n\r\t"), R"("\b\f\n\r\t")");
  EXPECT_EQ(written("\0\x01\x1f\x7f"s), "\"\\u0000\\u0001\\u001f\x7f\"");
  EXPECT_EQ(written("caf\xc3\xa9 \xf0\x9f\x92\xa9"), "\"caf\xc3\xa9 \xf0\x9f\x92\xa9\"");
  EXPECT_EQ(written("a\nb"), R"("a\nb")");
}

TEST(json_string, is_read_back_as_it_was) {
  std::string all;
  for (int c = 0; c < 0x80; ++c) all += static_cast<char>(c);
  all += "\xc2\x80\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf";
  for (std::size_t i = 0; i <= 0x80; ++i) {
    auto const text = all.substr(i);
    auto const read = parse_json(written(text));
    ASSERT_TRUE(read) << i;
    EXPECT_EQ(read->as_string(), text) << i;
  }
}

TEST(json_parse, takes_one_json_text) {
  for (auto const* text :
       {"{}", "[]", "null", "true", "false", "0", "-0.5e+7", "\"\"", " \t\r\n{} \t\r\n", R"({"a":[1,{"b":null}]})"}) {
    EXPECT_TRUE(parse_json(text)) << text;
  }
}

TEST(json_parse, takes_nothing_else) {
  for (auto const& text : {""s,          " "s,      "{"s,
                           "}"s,         "{} {}"s,  "{},"s,
                           "nul"s,       "'a'"s,    "{a:1}"s,
                           "{'a':1}"s,   "[1,]"s,   R"({"a":1,})"s,
                           "01"s,        "1."s,     ".5"s,
                           "+1"s,        "NaN"s,    "Infinity"s,
                           "0x1"s,       "\"\n\""s, "\"\\x\""s,
                           "\"\\u12\""s, "\"open"s, "// c\n1"s,
                           "/**/1"s,     "{}\0"s,   "\xef\xbb\xbf{}"s}) {
    auto const read = parse_json(text);
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().code, errc::invalid_argument);
    EXPECT_TRUE(read.error().text.starts_with("not JSON: ")) << read.error().text;
  }
}

TEST(json_object, is_known_as_a_parser_knows_it) {
  for (auto const& text : {"{}"s, " {} \n"s, R"({"a":[1,{"b":-1.5e7}],"c":"caf\u00e9 \ud83d","a":null})"s,
                           "{\"caf\xc3\xa9\":\"\xf0\x9f\x92\xa9\"}"s, R"({"content":)" + nested(128, '[', ']') + "}"}) {
    EXPECT_TRUE(is_json_object(text)) << text;
  }
  for (auto const& text : {""s, " "s, "[]"s, "\"{}\""s, "null"s, "{"s, "{}}"s, "{} {}"s, "{\"a\":}"s, "{\"a\"}"s,
                           "{\"a\":1,}"s, "{\"a\":\"\xff\xfe\"}"s, "{\"\xc3\":1}"s, "{\"a\":\"\n\"}"s, "{\"a\":01}"s,
                           "{\"a\":\"open}"s, "{\"a\":\"\\"s, "\xff\xfe"s, "{\"a\":" + nested(1000, '[', ']') + "}"}) {
    EXPECT_FALSE(is_json_object(text)) << text;
  }
}

TEST(json_parse, says_where_the_fault_is) {
  EXPECT_TRUE(parse_json("[1, x]").error().text.ends_with("at byte 4")) << parse_json("[1, x]").error().text;
}

TEST(json_parse, goes_128_levels_deep) {
  for (auto const& [open, close] : {std::pair{'[', ']'}}) {
    EXPECT_TRUE(parse_json(nested(128, open, close)));
    EXPECT_FALSE(parse_json(nested(129, open, close)));
    EXPECT_FALSE(parse_json(nested(10'000, open, close)));
    EXPECT_FALSE(parse_json(std::string(1'000'000, open)));
  }
  std::string objects;
  for (int i = 0; i < 127; ++i) objects += R"({"a":)";
  EXPECT_TRUE(parse_json(objects + "{}" + std::string(127, '}')));
  EXPECT_FALSE(parse_json(objects + R"({"a":{}})" + std::string(127, '}')));
}

TEST(json_parse, the_last_of_duplicate_names_wins) {
  auto const read = parse_json(R"({"a":1,"b":2,"a":3,"\u0061":4})");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->at("a").as_int64(), 4);
  EXPECT_EQ(read->as_object().size(), 2u);
}

TEST(json_parse, takes_half_a_surrogate_pair_as_javascript_does) {
  auto const read = parse_json(R"("a\ud83d")");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->as_string(), "a\xef\xbf\xbd");
  EXPECT_EQ(parse_json(R"("\ud83d\ude00")")->as_string(), "\xf0\x9f\x98\x80");
}

TEST(raw_member, is_the_text_as_it_was_written) {
  for (auto const* value : {"1", "12345678901234567890123", "-0.10e+2", "null", "true", "\"\"", R"("a\"b\\")", R"("}")",
                            "[]", "{}", R"([1, [2], {"content": 3}])", R"({"a" : "]}" ,"b":[{}]})", R"("\u00e9 é")"}) {
    for (auto const& [before, after] :
         {std::pair{R"({"content":)", "}"},
          {R"( { "content" : )", " } "},
          {R"({"content":)", R"(,"z":1})"},
          {R"({"a":[{"content":0}],"content":)", "\n}"},
          {R"({"content_":7,"onten":8,"Content":9, "content":)", "\t,\"y\":\"content\"}"}}) {
      EXPECT_EQ(member(std::string{before} + value + after), value) << before << value << after;
    }
  }
}

TEST(raw_elements, are_the_texts_as_they_were_written) {
  using texts = std::vector<std::string_view>;
  EXPECT_EQ(raw_elements("[]"), texts{});
  EXPECT_EQ(raw_elements(" [ ] "), texts{});
  EXPECT_EQ(raw_elements(R"({"a":[1]})"), texts{});
  EXPECT_EQ(raw_elements("[12345678901234567890123]"), texts{"12345678901234567890123"});
  EXPECT_EQ(raw_elements(R"( [1 , "],[" ,[2,[3]],{"a" : [4, "}"]},null ] )"),
            (texts{"1", R"("],[")", "[2,[3]]", R"({"a" : [4, "}"]})", "null"}));
}

TEST(raw_member, is_nothing_where_there_is_none) {
  for (auto const* text : {"{}", " { } ", R"({"a":1})", R"({"a":{"content":1}})", R"({"a":"content"})", "[]",
                           R"(["content",1])", R"("content")", "1", R"({"content ":1})"}) {
    EXPECT_EQ(member(text), std::nullopt) << text;
  }
}

TEST(raw_member, agrees_with_the_parser_on_duplicates) {
  EXPECT_EQ(member(R"({"content":1,"content":2})"), "2");
  EXPECT_EQ(member(R"({"content":1,"\u0063ontent":2})"), "2");
  EXPECT_EQ(member(R"({"\u0063ontent":1,"content":2})"), "2");
  EXPECT_EQ(member(R"({"content":1,"content\u0000":2})"), "1");
  EXPECT_EQ(member(R"({"":5})", ""), "5");
  EXPECT_EQ(member(R"({"a\"b":5})", "a\"b"), "5");
}
