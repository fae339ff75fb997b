// SPDX-License-Identifier: Apache-2.0
// Compressed messages in frames, however the stream is cut.
#include <gtest/gtest.h>

#include "gateway/ws/decoder.hpp"
#include "gateway/ws/deflate.hpp"
#include "unit/frame_session.hpp"
#include "unit/zlib_peer.hpp"

using namespace hiky::gateway;
using namespace hiky::gateway::test;
using namespace std::string_literals;

namespace {

struct frame_deflate : testing::Test {
  hiky::chat::counters count;
  inflater inflate{count};
  session const with{usual, decoder::role::server, &inflate};
  std::string const long_text = repeated(coffee, 504);
};

}  // namespace

TEST_F(frame_deflate, tells_the_same_story_however_the_stream_is_cut) {
  auto const small = deflated(coffee), large = deflated(long_text), bytes = deflated("\xff\xfe\x00"s), nothing = "\0"s;
  auto const half = large.size() / 2;
  struct {
    char const* name;
    std::string stream;
    story expected;
  } const cases[] = {
      {"text", in(0xc1, small), {text(coffee)}},
      {"binary that is no text", in(0xc2, bytes), {binary("\xff\xfe\x00"s)}},
      {"nothing", in(0xc1, nothing), {text("")}},
      {"a long one", in(0xc1, large), {text(long_text)}},
      {"plain between compressed",
       in(0xc1, small) + in(0x81, "plain") + in(0xc1, small),
       {text(coffee), text("plain"), text(coffee)}},
      {"fragments", in(0x41, large.substr(0, half)) + in(0x80, large.substr(half)), {text(long_text)}},
      {"empty fragments", in(0x41, "") + in(0x00, large) + in(0x80, ""), {text(long_text)}},
      {"a control frame between fragments",
       in(0x41, large.substr(0, 1)) + in(0x89, "p") + in(0x00, large.substr(1, half)) + in(0x8a, "") +
           in(0x80, large.substr(half + 1)),
       {ping("p"), pong(""), text(long_text)}},
      {"plain fragments after compressed ones",
       in(0x41, small.substr(0, 3)) + in(0x80, small.substr(3)) + in(0x01, "ket") + in(0x80, "tle"),
       {text(coffee), text("kettle")}},
      {"a final block", in(0xc1, "\xf3\x48\xcd\xc9\xc9\x07\0\0"s), {text("Hello")}},
      {"close", in(0xc1, small) + in(0x88, "\x03\xe8"), {text(coffee), closed(1000, "\x03\xe8")}},
  };
  for (auto const& [name, stream, expected] : cases) {
    SCOPED_TRACE(name);
    ASSERT_NO_FATAL_FAILURE(with.tells(expected, stream));
  }
}

TEST_F(frame_deflate, refuses_what_breaks_the_protocol_as_soon_as_the_byte_is_there) {
  auto const small = deflated(coffee);
  for (auto const& [name, stream, after] :
       {std::tuple{"a ping", in(0xc9, "p"), 1uz},
        {"a pong", in(0xca, ""), 1uz},
        {"a close", in(0xc8, ""), 1uz},
        {"a continuation", in(0x41, small.substr(0, 5)) + in(0xc0, small.substr(5)), 12uz},
        {"a continuation of a plain message", in(0x01, "a") + in(0xc0, "b"), 8uz},
        {"a stray continuation", in(0xc0, "b"), 1uz},
        {"an unknown opcode", in(0xc3, "b"), 1uz},
        {"RSV2", in(0xe1, small), 1uz},
        {"RSV3", in(0x91, small), 1uz}}) {
    SCOPED_TRACE(name);
    ASSERT_NO_FATAL_FAILURE(with.tells({failed(1002)}, stream));
    EXPECT_EQ(with.fails_after(stream), after);
  }
  session{}.tells({failed(1002)}, in(0xc1, small));
}

TEST_F(frame_deflate, refuses_a_message_that_can_not_be_inflated_or_is_no_text) {
  for (auto const& payload :
       {"kettle"s, ""s, deflated(long_text).substr(0, 20), deflated("caf\xc3"), deflated("\xff" + long_text)}) {
    with.tells({failed(1007)}, in(0xc1, payload));
    with.tells({failed(1007)},
               in(0x41, payload.substr(0, payload.size() / 2)) + in(0x80, payload.substr(payload.size() / 2)));
    with.tells({text("a"), failed(1007)}, in(0x81, "a") + in(0xc1, payload) + in(0x81, "b"));
  }
}

TEST_F(frame_deflate, keeps_the_limit_as_it_comes_and_when_it_is_inflated) {
  session const narrow{{.max_message = 600}, decoder::role::server, &inflate};
  narrow.tells({text(repeated(coffee, 600))}, in(0xc1, deflated(repeated(coffee, 600))));
  narrow.tells({failed(1009)}, in(0xc1, deflated(std::string(601, 'x'))));
  narrow.tells({failed(1009)}, in(0xc1, deflated(std::string(100'000, 'x'))));
  EXPECT_EQ(narrow.fails_after("\xc1\xfe" + number(601, 2)), 4);
  auto const first = in(0x41, std::string(400, 'a'));
  EXPECT_EQ(narrow.fails_after(first + in(0x80, std::string(201, 'b'))), first.size() + 4);
  session const three{{.max_fragments = 3}, decoder::role::server, &inflate};
  three.tells({failed(1008)}, in(0x41, "") + in(0x00, "") + in(0x00, "") + in(0x80, ""));
}

TEST_F(frame_deflate, holds_no_memory_when_the_message_is_over) {
  EXPECT_LE(sizeof(decoder), 32u);
  decoder it{usual, decoder::role::server, &inflate};
  story told;
  auto const bytes = in(0xc1, deflated(long_text));
  for (auto const& byte : bytes) feed(it, {&byte, 1}, told);
  EXPECT_EQ(told, story{text(long_text)});
  EXPECT_EQ(it.memory(), 0u);
}

TEST_F(frame_deflate, a_client_reads_what_the_server_compresses) {
  deflater shrink{1, count};
  session const reader{usual, decoder::role::client, &inflate};
  auto const frame = hiky::shared_frame::make(long_text);
  auto const twin = shrink.smallest(frame, 15);
  reader.tells({text(long_text), text(long_text)}, std::string{twin->bytes()} + std::string{frame->bytes()});
}

TEST_F(frame_deflate, shows_the_beginning_of_a_text_that_is_too_large_when_inflated) {
  decoder_limits const narrow{.max_message = 600};
  auto const beginning = [&](std::string bytes) {
    decoder it{narrow, decoder::role::server, &inflate};
    std::span<char> input{bytes};
    auto const e = it.next(input);
    EXPECT_EQ(e.what, event::failed);
    return std::string{e.payload};
  };
  EXPECT_TRUE(beginning(in(0xc1, deflated(long_text + long_text))).starts_with(long_text));
  EXPECT_EQ(beginning(in(0xc2, deflated(long_text + long_text))), "");
  EXPECT_EQ(beginning(in(0xc1, repeated("not inflated", 601))), "");
}

// Blocks that hold nothing are allowed (RFC 7692 7.2.1): a peer that flushes after every byte makes them.
TEST_F(frame_deflate, reads_what_is_wasteful_and_cheap) {
  session const wide{{.max_message = 65'536}, decoder::role::server, &inflate};
  auto const takes = [&](std::string const& wanted, std::string const& compressed) {
    EXPECT_EQ(wide.whole(in(0xc1, compressed)), story{text(wanted)});
  };
  takes("", repeated("\0\0\0\xff\xff"s, 65'000) + "\0"s);
  takes("", repeated("\x03\0"s, 65'000) + "\0"s);
  std::string flushed;
  auto const words = repeated(coffee, 7'002);
  for (char const c : words) flushed += deflated({&c, 1}) + std::string{flush_tail};
  takes(words, flushed.substr(0, flushed.size() - flush_tail.size()));
}

// Each block with tables of its own costs zlib microseconds, however little it holds.
TEST_F(frame_deflate, gives_up_blocks_that_cost_far_more_than_they_hold) {
  session const wide{{.max_message = 65'536}, decoder::role::server, &inflate};
  std::string bits;
  auto const put = [&](unsigned value, int count) {
    for (; count > 0; --count, value >>= 1) bits += (value & 1) != 0 ? '1' : '0';
  };
  auto const block = [&] {
    put(2 << 1, 3);  // dynamic, not the last
    put(0, 10);
    put(14, 4);
    for (int const symbol : {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1})
      put(symbol == 18 || symbol == 1 ? 1 : 0, 3);
    put(127 << 2 | 2, 9);  // codes for a zero byte and for the end
    put(106 << 1 | 1, 8);
    put(4, 3);             // and the end itself
  };
  auto const blocks = [&](int count) {  // a multiple of eight, which ends with a byte
    bits.clear();
    for (; count > 0; --count) block();
    std::string out(bits.size() / 8, '\0');
    for (std::size_t i = 0; i < bits.size(); ++i)
      out[i / 8] = static_cast<char>(out[i / 8] | (bits[i] == '1' ? 1 << i % 8 : 0));
    return out += '\0';
  };
  EXPECT_EQ(wide.whole(in(0xc1, blocks(504))), story{text("")});
  EXPECT_EQ(wide.whole(in(0xc1, blocks(520))), story{failed(1008)});
  EXPECT_EQ(wide.whole(in(0xc1, blocks(5'600))), story{failed(1008)});
  // The output of zlib with the most blocks.
  std::mt19937 random{3};
  std::string noise(60'000, '\0');
  for (auto& c : noise) c = static_cast<char>('a' + random() % 20);
  for (int memory : {1, 8})
    EXPECT_EQ(wide.whole(in(0xc1, deflated_with_dictionary(noise, {}, 9, 15, memory))), story{text(noise)});
}
