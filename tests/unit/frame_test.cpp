// SPDX-License-Identifier: Apache-2.0
#include "gateway/ws/decoder.hpp"

#include <gtest/gtest.h>

#include <cstring>

#include "unit/frame_session.hpp"

using namespace hiky::gateway;
using namespace hiky::gateway::test;
using namespace std::string_literals;

TEST(frame, tells_the_same_story_however_the_stream_is_cut) {
  struct {
    char const* name;
    std::string bytes;
    story expected;
  } const cases[] = {
      {"nothing", "", {}},
      {"text", in(0x81, "kettle"), {text("kettle")}},
      {"empty text", in(0x81, ""), {text("")}},
      {"empty binary", in(0x82, ""), {binary("")}},
      {"text beyond ascii", in(0x81, coffee), {text(coffee)}},
      {"binary that is no text", in(0x82, "\xff\xfe\x00"s), {binary("\xff\xfe\x00"s)}},
      {"125 bytes", in(0x82, std::string(125, 'x')), {binary(std::string(125, 'x'))}},
      {"126 bytes", in(0x82, std::string(126, 'x')), {binary(std::string(126, 'x'))}},
      {"127 bytes", in(0x81, std::string(127, 'x')), {text(std::string(127, 'x'))}},
      {"several messages",
       in(0x81, "one") + in(0x82, "two") + in(0x81, "three"),
       {text("one"), binary("two"), text("three")}},
      {"ping, pong", in(0x89, "are you there") + in(0x8a, ""), {ping("are you there"), pong("")}},
      {"the longest ping", in(0x89, std::string(125, '\xfe')), {ping(std::string(125, '\xfe'))}},
      {"two fragments", in(0x01, "ket") + in(0x80, "tle"), {text("kettle")}},
      {"empty fragments", in(0x01, "") + in(0x00, "") + in(0x80, ""), {text("")}},
      {"an empty last fragment", in(0x02, "kettle") + in(0x80, ""), {binary("kettle")}},
      {"an empty first fragment", in(0x02, "") + in(0x80, "kettle"), {binary("kettle")}},
      {"a message after a fragmented one",
       in(0x01, "a") + in(0x80, "b") + in(0x82, "\xff") + in(0x01, "c") + in(0x80, "d"),
       {text("ab"), binary("\xff"), text("cd")}},
      {"control frames between fragments",
       in(0x01, "ket") + in(0x89, "ping") + in(0x00, "tl") + in(0x8a, "") + in(0x89, std::string(125, 'p')) +
           in(0x80, "e"),
       {ping("ping"), pong(""), ping(std::string(125, 'p')), text("kettle")}},
      {"a character across fragments, a ping inside it",
       in(0x01, "\xf0\x9f") + in(0x89, "\xff") + in(0x00, "\x92") + in(0x80, "\xa9"),
       {ping("\xff"), text("\xf0\x9f\x92\xa9")}},
      {"close without a code", in(0x88, ""), {closed(1005, "")}},
      {"close with a code", in(0x88, "\x03\xe8"), {closed(1000, "\x03\xe8")}},
      {"close with a reason", in(0x88, "\x0f\xa0"s + coffee), {closed(4000, "\x0f\xa0"s + coffee)}},
      {"the longest close",
       in(0x88, "\x03\xe8" + std::string(123, 'r')),
       {closed(1000, "\x03\xe8" + std::string(123, 'r'))}},
      {"close inside a fragmented message",
       in(0x01, "ket") + in(0x88, "\x03\xe9") + in(0x80, "tle"),
       {closed(1001, "\x03\xe9")}},
      {"frames after close are not read",
       in(0x81, "a") + in(0x88, "") + in(0x81, "b") + "\xff\xff",
       {text("a"), closed(1005, "")}},
  };
  for (auto const& [name, bytes, expected] : cases) {
    SCOPED_TRACE(name);
    ASSERT_NO_FATAL_FAILURE(session{}.tells(expected, bytes));
  }
}

TEST(frame, reads_the_examples_of_rfc_6455) {
  session{}.tells({text("Hello")}, "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
  session{}.tells({pong("Hello")}, "\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
  client.tells({text("Hello")}, "\x81\x05Hello");
  client.tells({text("Hello")}, "\x01\x03Hel\x80\x02lo");
  client.tells({ping("Hello")}, "\x89\x05Hello");
  client.tells({binary(std::string(256, 'b'))}, "\x82\x7e\x01\x00"s + std::string(256, 'b'));
  session const wide{{.max_message = 65536}, decoder::role::client};
  EXPECT_EQ(wide.whole("\x82\x7f\0\0\0\0\0\x01\0\0"s + std::string(65536, 'b')),
            story{binary(std::string(65536, 'b'))});
}

TEST(frame, refuses_what_breaks_the_protocol_as_soon_as_the_byte_is_there) {
  struct {
    char const* name;
    std::string bytes;
    std::uint16_t code;
    std::size_t after;  // how many bytes
    story before = {};
  } const cases[] = {
      {"RSV1", in(0xc1, "a"), 1002, 1},
      {"RSV2", in(0xa1, "a"), 1002, 1},
      {"RSV3", in(0x91, "a"), 1002, 1},
      {"RSV on a ping, after a good message", in(0x81, "a") + in(0xc9, ""), 1002, 8, {text("a")}},
      {"opcode 3", in(0x83, "a"), 1002, 1},
      {"opcode 7", in(0x87, "a"), 1002, 1},
      {"opcode 11", in(0x8b, "a"), 1002, 1},
      {"opcode 15", in(0x8f, "a"), 1002, 1},
      {"fragmented ping", in(0x09, "a"), 1002, 1},
      {"fragmented close", in(0x08, ""), 1002, 1},
      {"stray continuation", in(0x80, "a"), 1002, 1},
      {"stray continuation that goes on", in(0x00, "a"), 1002, 1},
      {"continuation after a finished message", in(0x01, "a") + in(0x80, "b") + in(0x80, "c"), 1002, 15, {text("ab")}},
      {"text inside a fragmented text", in(0x01, "a") + in(0x81, "b"), 1002, 8},
      {"fragment of binary inside a fragmented text", in(0x01, "a") + in(0x02, "b"), 1002, 8},
      {"unmasked", out(0x81, "a"), 1002, 2},
      {"unmasked and empty", out(0x89, ""), 1002, 2},
      {"ping of 126 bytes", in(0x89, std::string(126, 'p')), 1002, 2},
      {"close of 126 bytes", in(0x88, "\x03\xe8" + std::string(124, 'r')), 1002, 2},
      {"5 bytes in the 16-bit form", "\x82\xfe" + number(5, 2) + std::string{key} + masked("kettl"), 1002, 4},
      {"125 bytes in the 16-bit form", "\x82\xfe" + number(125, 2), 1002, 4},
      {"5 bytes in the 64-bit form", "\x82\xff" + number(5, 8) + std::string{key} + masked("kettl"), 1002, 10},
      {"65535 bytes in the 64-bit form", "\x82\xff" + number(65535, 8), 1002, 10},
      {"64-bit length with the top bit", "\x82\xff" + number(1ull << 63 | 70000, 8), 1002, 10},
      {"close of one byte", in(0x88, "\x03"), 1002, 7},
      {"close reason that is no text", in(0x88, "\x03\xe8\xff"), 1007, 9},
      {"close reason that ends inside a character", in(0x88, "\x03\xe8\xe2\x82"), 1007, 10},
      {"a byte that never occurs in text", in(0x81, "ab\xff" + std::string(50, 'c')), 1007, 9},
      {"a surrogate", in(0x81, "ab\xed\xa0\x80" + std::string(50, 'c')), 1007, 10},
      {"beyond U+10FFFF", in(0x81, "\xf4\x90\x80\x80" + std::string(50, 'c')), 1007, 8},
      {"text that ends inside a character", in(0x81, "ab\xe2\x82"), 1007, 10},
      {"a fragmented text that ends inside a character", in(0x01, "\xe2") + in(0x80, "\x82"), 1007, 14},
      {"a fragmented text that ends inside a character, empty frame last", in(0x01, "\xe2\x82") + in(0x80, ""), 1007,
       14},
      {"a character broken across fragments", in(0x01, "\xe2\x82") + in(0x00, "a") + in(0x80, ""), 1007, 15},
      {"a bad byte in the middle fragment",
       in(0x01, "ab") + in(0x89, "p") + in(0x00, "c\xc0zz") + in(0x80, ""),
       1007,
       23,
       {ping("p")}},
  };
  for (auto const& [name, bytes, code, after, before] : cases) {
    SCOPED_TRACE(name);
    auto expected = before;
    expected.push_back(failed(code));
    ASSERT_NO_FATAL_FAILURE(session{}.tells(expected, bytes));
    EXPECT_EQ(session{}.fails_after(bytes), after);
  }
}

TEST(frame, a_close_code_is_one_that_may_be_sent) {
  for (unsigned code = 0; code <= 0xffff; ++code) {
    auto const good = (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006) ||
                      (code >= 3000 && code <= 4999);
    auto const wire = static_cast<std::uint16_t>(code);
    ASSERT_EQ(valid_on_the_wire(wire), good) << code;
    auto const body = number(code, 2);
    ASSERT_EQ(session{}.whole(in(0x88, body)), story{good ? closed(wire, body) : failed(1002)}) << code;
  }
}

TEST(frame, a_client_takes_bare_frames_and_refuses_masked_ones) {
  auto const bytes = out(0x01, "caf\xc3") + out(0x89, "p") + out(0x80, "\xa9") + out(0x82, std::string(300, 'b')) +
                     out(0x88, "\x03\xe8");
  client.tells({ping("p"), text("caf\xc3\xa9"), binary(std::string(300, 'b')), closed(1000, "\x03\xe8")}, bytes);
  client.tells({failed(1002)}, in(0x81, "a"));
  EXPECT_EQ(client.fails_after(in(0x81, "a")), 2);
}

TEST(frame, a_whole_frame_is_given_out_where_it_lies) {
  auto bytes = in(0x81, "kettle") + in(0x89, "p") + in(0x82, std::string(300, 'b'));
  std::span<char> input{bytes};
  decoder it{usual};
  for (std::size_t at : {6u, 18u, 27u}) {
    auto const now = it.next(input);
    EXPECT_EQ(now.payload.data(), bytes.data() + at);
    EXPECT_EQ(it.memory(), 0u);
  }
  EXPECT_TRUE(input.empty());
}

TEST(frame, reads_back_what_it_writes) {
  decoder_limits const wide{.max_message = 1 << 20};
  for (std::size_t size : {0u, 1u, 3u, 4u, 7u, 8u, 63u, 64u, 65u, 125u, 126u, 127u, 1000u, 65'535u, 65'536u, 70'000u}) {
    std::string payload(size, '\0');
    for (std::size_t i = 0; i < size; ++i) payload[i] = static_cast<char>(i * 7 + 1);
    char header[max_header];
    auto const header_size = write_header(header, opcode::binary, size);
    EXPECT_EQ((std::string{header, header_size}), number(0x82, 1) + length(size, 0));
    EXPECT_EQ((session{wide, decoder::role::client}.whole(std::string{header, header_size} + payload)),
              story{binary(payload)});

    std::uint32_t mask_key;
    std::memcpy(&mask_key, key.data(), sizeof mask_key);
    auto bytes = "before"s;
    encode_masked(bytes, opcode::binary, payload, mask_key);
    EXPECT_TRUE(bytes == "before" + in(0x82, payload)) << size;
    EXPECT_EQ(session{wide}.whole(std::string_view{bytes}.substr(6)), story{binary(payload)});
  }
  std::string fragments;
  encode_masked(fragments, opcode::text, "ket", 1, false);
  encode_masked(fragments, opcode::continuation, "tle", 0);
  EXPECT_EQ(session{}.whole(fragments), story{text("kettle")});
  char header[max_header];
  EXPECT_EQ(write_header(header, opcode::text, 5, false), 2u);
  EXPECT_EQ(header[0], 0x01);
}

TEST(frame, a_close_payload_fits_and_stays_text) {
  EXPECT_EQ(close_payload(close_code::going_away, "bye"),
            "\x03\xe9"
            "bye");
  EXPECT_EQ(close_payload(close_code{4401}), "\x11\x31");
  EXPECT_EQ(close_payload(close_code::no_status, "unsaid"), "");
  EXPECT_EQ(close_payload(close_code::normal, std::string(200, 'r')), "\x03\xe8" + std::string(123, 'r'));
  auto const cut = close_payload(close_code::normal, std::string(122, 'r') + "\xc3\xa9");
  EXPECT_EQ(cut, "\x03\xe8" + std::string(122, 'r'));
  EXPECT_EQ(session{}.whole(in(0x88, cut)), story{closed(1000, cut)});
}

TEST(frame, a_decoder_can_move_in_the_middle_of_a_message) {
  decoder first{usual};
  story told;
  feed(first, in(0x01, "ket"), told);
  decoder second{std::move(first)};
  feed(second, in(0x80, "tle"), told);
  EXPECT_EQ(told, story{text("kettle")});
}
