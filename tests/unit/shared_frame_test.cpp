// SPDX-License-Identifier: Apache-2.0
#include "base/shared_frame.hpp"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "gateway/ws/frame.hpp"

using namespace hiky;

TEST(shared_frame, has_the_header_that_the_codec_writes) {
  for (std::size_t size : {0uz, 1uz, 125uz, 126uz, 127uz, 65'535uz, 65'536uz, 1'000'000uz}) {
    for (auto op : {gateway::opcode::text, gateway::opcode::binary, gateway::opcode::pong}) {
      std::string const payload(size, 'x');
      auto const frame = shared_frame::make(payload, static_cast<std::uint8_t>(0x80 | static_cast<int>(op)));
      char header[gateway::max_header];
      std::string const wanted{header, gateway::write_header(header, op, size)};
      EXPECT_EQ(frame->bytes().substr(0, wanted.size()), wanted) << size;
      EXPECT_EQ(frame->bytes().size(), wanted.size() + size);
      EXPECT_EQ(frame->payload(), payload);
    }
  }
}

TEST(shared_frame, is_text_unless_told_otherwise) {
  auto const frame = shared_frame::make("{}");
  EXPECT_EQ(frame->bytes(), "\x81\x02{}");
}

TEST(shared_frame, may_be_made_of_nothing) {
  EXPECT_EQ(shared_frame::make({}, 0x8a)->bytes(), std::string_view("\x8a\0", 2));
}

TEST(shared_frame, copies_its_payload) {
  std::string payload{"before"};
  auto const frame = shared_frame::make(payload);
  payload = "after!";
  EXPECT_EQ(frame->payload(), "before");
}

TEST(shared_frame, lives_as_long_as_the_last_who_holds_it) {
  auto frame = shared_frame::make("shared");
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([copy = frame] {
      std::vector<frame_ptr> held;
      for (int n = 0; n < 10'000; ++n) {
        held.push_back(copy);
        if (held.size() > 50) held.clear();
      }
      EXPECT_EQ(copy->payload(), "shared");
    });
  }
  frame.reset();
  for (auto& t : threads) t.join();
}

TEST(shared_frame, has_its_twin_made_once_and_keeps_it_as_long_as_itself) {
  frame_ptr twin;
  {
    auto const frame = shared_frame::make("the same message");
    int made = 0;
    auto const make = [&] {
      ++made;
      return shared_frame::make("smaller");
    };
    twin = frame->twin(make);
    EXPECT_EQ(frame->twin(make), twin);
    EXPECT_EQ(made, 1);
  }
  EXPECT_EQ(twin->payload(), "smaller");
}

TEST(shared_frame, that_can_have_no_twin_is_asked_once) {
  auto const frame = shared_frame::make("as it is");
  int asked = 0;
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(frame->twin([&] { return ++asked, frame_ptr{}; }));
  }
  EXPECT_EQ(asked, 1);
}
