// SPDX-License-Identifier: Apache-2.0
#include "gateway/ws/deflate.hpp"

#include <gtest/gtest.h>

#include <random>
#include <thread>

#include "gateway/ws/frame_head.hpp"
#include "unit/zlib_peer.hpp"

using namespace hiky;
using namespace hiky::gateway;
using namespace hiky::gateway::test;
using namespace std::string_literals;

namespace {

std::string const conversation = repeated(
    R"({"type":"message","roomId":"tea","senderId":"alice","content":"the kettle is on, and the cups are blue"} )",
    3000);

std::string noise(std::size_t size) {
  std::mt19937 random{5};
  std::string out(size, '\0');
  for (auto& c : out) c = static_cast<char>(random());
  return out;
}

struct deflate : testing::Test {
  chat::counters count;
  deflater out{100, count};
  inflater in{count};

  void inflates(std::string const& wanted, std::string const& compressed) {
    auto const got = in.inflate(compressed, 1 << 20);
    ASSERT_TRUE(got) << got.error()->text;
    EXPECT_EQ(*got, wanted);
  }
  void refuses(frame_fault const& wanted, std::string const& compressed, std::size_t limit = 1 << 20) {
    auto const got = in.inflate(compressed, limit);
    ASSERT_FALSE(got) << got->size() << " bytes";
    EXPECT_EQ(got.error(), &wanted) << got.error()->text;
  }
};

}  // namespace

TEST_F(deflate, makes_a_frame_that_any_peer_can_inflate) {
  for (std::size_t size : {100uz, 126uz, 1000uz, 65'535uz, 65'536uz, 131'072uz}) {
    auto const text = repeated(conversation, size);
    auto const frame = shared_frame::make(text);
    auto const made = out.smallest(frame, 15);
    ASSERT_NE(made, frame) << size;
    EXPECT_LT(made->bytes().size(), frame->bytes().size());
    EXPECT_EQ(static_cast<unsigned char>(made->bytes()[0]), 0xc1);
    EXPECT_EQ(inflated(made->payload()), text);
    inflates(text, std::string{made->payload()});
  }
}

TEST_F(deflate, makes_it_once_for_all_receivers) {
  auto const frame = shared_frame::make(conversation);
  deflater other_worker{100, count};
  auto const made = out.smallest(frame, 15);
  EXPECT_EQ(out.smallest(frame, 15), made);
  EXPECT_EQ(out.smallest(frame, 12), made);
  EXPECT_EQ(other_worker.smallest(frame, 15), made);
  EXPECT_EQ(count.deflated.get(), 1u);
  EXPECT_EQ(count.saved_bytes.get(), 4 * (frame->bytes().size() - made->bytes().size()));
}

TEST_F(deflate, leaves_alone_what_is_short_or_would_not_shrink) {
  for (auto const& payload : {std::string(99, 'x'), noise(500), repeated(conversation, 131'073)}) {
    auto const frame = shared_frame::make(payload, 0x82);
    EXPECT_EQ(out.smallest(frame, 15), frame);
    EXPECT_EQ(out.smallest(frame, 15), frame);
  }
  EXPECT_EQ(count.deflated.get(), 0u);
  EXPECT_EQ(count.saved_bytes.get(), 0u);
}

TEST_F(deflate, never_makes_a_frame_larger) {
  for (std::size_t size = 0; size < 300; ++size) {
    deflater fresh{0, count};
    for (auto const& payload : {noise(size), std::string(size, 'x'), conversation.substr(0, size)}) {
      auto const frame = shared_frame::make(payload, 0x82);
      auto const made = fresh.smallest(frame, 15);
      ASSERT_TRUE(made == frame || made->bytes().size() < frame->bytes().size()) << size;
    }
  }
}

TEST_F(deflate, leaves_control_frames_alone) {
  for (int first : {0x88, 0x89, 0x8a}) {
    auto const frame = shared_frame::make(std::string(125, 'p'), static_cast<std::uint8_t>(first));
    EXPECT_EQ(out.smallest(frame, 15), frame);
  }
}

TEST_F(deflate, keeps_within_the_window_of_the_client) {
  for (unsigned bits = 8; bits <= 15; ++bits) {
    auto const size = std::size_t{1} << bits;
    auto const within = shared_frame::make(repeated(conversation, size)),
               beyond = shared_frame::make(repeated(conversation, size + 1));
    auto const made = out.smallest(within, bits);
    ASSERT_NE(made, within) << bits;
    EXPECT_EQ(inflated(made->payload(), static_cast<int>(bits)), within->payload());
    EXPECT_EQ(out.smallest(beyond, bits) == beyond, bits < 15) << bits;
  }
}

TEST_F(deflate, gives_all_threads_one_twin) {
  for (int round = 0; round < 200; ++round) {
    auto const frame = shared_frame::make(conversation);
    std::array<frame_ptr, 4> got;
    std::vector<std::thread> threads;
    for (auto& mine : got) {
      threads.emplace_back([&mine, frame] {
        chat::counters counts;
        mine = deflater{100, counts}.smallest(frame, 15);
      });
    }
    for (auto& t : threads) t.join();
    for (auto const& each : got) ASSERT_EQ(each, got[0]);
    ASSERT_EQ(inflated(got[0]->payload()), conversation);
  }
}

TEST_F(deflate, inflates_the_examples_of_rfc_7692) {
  inflates("Hello", "\xf2\x48\xcd\xc9\xc9\x07\0"s);                                                  // one block
  inflates("Hello", "\0\x05\0\xfa\xff\x48\x65\x6c\x6c\x6f\0"s);                                    // stored
  inflates("Hello", "\xf3\x48\xcd\xc9\xc9\x07\0\0"s);  // a final block, and an empty one
  inflates("Hello", "\xf2\x48\x05\0\0\0\xff\xff\xca\xc9\xc9\x07\0"s);  // two blocks
  inflates("", "\0"s);
  EXPECT_EQ(count.inflated.get(), 5u);
}

TEST_F(deflate, inflates_what_ends_with_a_final_block_and_nothing_behind) {
  inflates("Hello", "\xf3\x48\xcd\xc9\xc9\x07\0"s);
  inflates("HelloHello", "\xf3\x48\xcd\xc9\xc9\x07\0\xf3\x48\xcd\xc9\xc9\x07\0"s);
}

TEST_F(deflate, inflates_blocks_behind_a_final_one_that_look_back_beyond_it) {
  // RFC 7692 7.2.1 lets blocks follow a final one; the window is the message's, not the stream's.
  auto const final = [](std::string_view text) {
    z_stream z{};
    EXPECT_EQ(deflateInit2(&z, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
    std::string made(deflateBound(&z, text.size()), '\0');
    z.next_in = bytes_of(text);
    z.avail_in = static_cast<uInt>(text.size());
    z.next_out = bytes_of(made);
    z.avail_out = static_cast<uInt>(made.size());
    EXPECT_EQ(::deflate(&z, Z_FINISH), Z_STREAM_END);
    made.resize(made.size() - z.avail_out);
    deflateEnd(&z);
    return made;
  };
  auto const refers = deflated_with_dictionary(conversation, conversation);
  ASSERT_LT(refers.size(), 60u);
  inflates(conversation + conversation, final(conversation) + refers);
  inflates(conversation + "Hello" + conversation.substr(0, 50),
           final(conversation) + final("Hello") +
               deflated_with_dictionary(conversation.substr(0, 50), conversation + "Hello"));
  refuses(faults::not_deflate, refers);
}

TEST_F(deflate, inflates_every_level_and_window) {
  for (int level = 0; level <= 9; ++level) {
    for (int bits = 9; bits <= 15; ++bits) inflates(conversation, deflated(conversation, level, bits));
  }
  inflates(noise(5000), deflated(noise(5000), 9));
}

TEST_F(deflate, keeps_nothing_from_one_message_to_the_next) {
  std::string const sent{out.smallest(shared_frame::make(conversation), 15)->bytes()};
  out.smallest(shared_frame::make(repeated("secret ", 500)), 15);
  EXPECT_EQ(out.smallest(shared_frame::make(conversation), 15)->bytes(), sent);

  auto const whole = deflated(conversation);
  inflates(conversation, whole);
  // A distance that only the message before could have served.
  auto const refers = deflated_with_dictionary(conversation.substr(0, 400), conversation);
  ASSERT_LT(refers.size(), 40u);
  refuses(faults::not_deflate, refers);
  inflates(conversation, whole);
}

TEST_F(deflate, refuses_what_is_no_deflate_data_or_not_all_of_it) {
  refuses(faults::not_deflate, "");
  refuses(faults::not_deflate, "\x07");  // a block type that does not exist
  refuses(faults::not_deflate, "\xff\xff\xff");
  refuses(faults::not_deflate, conversation);
  auto const whole = deflated(conversation);
  for (std::size_t size = 1; size < whole.size(); ++size) {
    auto const got = in.inflate(std::string_view{whole}.substr(0, size), 1 << 20);
    ASSERT_FALSE(got) << size;
  }
  auto broken = whole;
  broken[whole.size() / 2] = static_cast<char>(~broken[whole.size() / 2]);
  auto const got = in.inflate(broken, 1 << 20);
  EXPECT_TRUE(!got || *got != conversation);
  inflates(conversation, whole);
}

TEST_F(deflate, stops_at_the_limit) {
  auto const text = repeated(conversation, 65'536);
  auto const compressed = deflated(text);
  ASSERT_TRUE(in.inflate(compressed, 65'536));
  refuses(faults::message_size, compressed, 65'535);
  refuses(faults::message_size, compressed, 0);
  auto const bomb = deflated(std::string(64 << 20, 'x'), 9);
  ASSERT_LT(bomb.size(), 66'000u);
  refuses(faults::message_size, bomb, 65'536);
  inflates("", "\0"s);
  ASSERT_TRUE(in.inflate("\0"s, 0));
}
