// SPDX-License-Identifier: Apache-2.0
// A peer for the decoder: streams built byte by byte, so that an error of the encoder can't hide an error of the
// decoder; and the events of the decoder, however the streams are cut.
#pragma once
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <ostream>
#include <random>
#include <string>
#include <vector>

#include "gateway/ws/decoder.hpp"

namespace hiky::gateway::test {

// A copy of an event, which outlives the event's views.
struct said {
  event::kind what;
  opcode op = opcode::continuation;
  std::uint16_t code = 1005;
  std::string payload;
  bool operator==(said const&) const = default;
  friend void PrintTo(said const& it, std::ostream* out) {
    *out << '{' << int{it.what} << " op " << int(it.op) << " code " << it.code << ' '
         << testing::PrintToString(it.payload.substr(0, 60)) << " of " << it.payload.size() << '}';
  }
};
using story = std::vector<said>;

inline said text(std::string payload) { return {event::message, opcode::text, 1005, std::move(payload)}; }
inline said binary(std::string payload) { return {event::message, opcode::binary, 1005, std::move(payload)}; }
inline said ping(std::string payload) { return {event::ping, opcode::ping, 1005, std::move(payload)}; }
inline said pong(std::string payload) { return {event::pong, opcode::pong, 1005, std::move(payload)}; }
inline said closed(std::uint16_t code, std::string body) {
  return {event::close, opcode::close, code, std::move(body)};
}
inline said failed(std::uint16_t code) { return {event::failed, opcode::continuation, code, {}}; }

inline constexpr decoder_limits usual{};

// Takes all events of one read, from memory of exactly its size: a sanitizer sees a step beyond it.
inline void feed(decoder& to, std::string_view bytes, story& out) {
  std::vector<char> read(bytes.begin(), bytes.end());
  std::span<char> input{read};
  auto ended = false;
  for (;;) {
    auto const now = to.next(input);
    if (now.what == event::need_more) break;
    ASSERT_FALSE(ended) << "an event after close or failed";
    ended = now.what == event::close || now.what == event::failed;
    auto const code = static_cast<std::uint16_t>(now.code);
    // For a message that is too big, the cuts decide how much of its beginning is here.
    out.push_back({now.what, now.op, code, now.what == event::failed ? std::string{} : std::string{now.payload}});
    if (now.what == event::failed) {
      EXPECT_FALSE(now.reason.empty());
    }
    if (now.what == event::close) {
      EXPECT_EQ(now.reason, now.payload.substr(std::min<std::size_t>(2, now.payload.size())));
    }
  }
  auto const over = !out.empty() && (out.back().what == event::close || out.back().what == event::failed);
  EXPECT_TRUE(input.empty() || over) << "need_more, but input is left";
}

struct session {
  decoder_limits limits = usual;
  decoder::role side = decoder::role::server;
  inflater* inflate = nullptr;

  story whole(std::string_view bytes) const { return cut(bytes, {}); }
  story cut(std::string_view bytes, std::vector<std::size_t> const& places) const {
    decoder it{limits, side, inflate};
    story out;
    std::size_t from = 0;
    for (auto place : places) {
      feed(it, bytes.substr(from, place - from), out);
      from = place;
    }
    feed(it, bytes.substr(from), out);
    return out;
  }
  story one_by_one(std::string_view bytes) const {
    decoder it{limits, side, inflate};
    story out;
    for (auto const& byte : bytes) feed(it, {&byte, 1}, out);
    return out;
  }
  // The number of bytes, given one by one, until the first failure.
  std::optional<std::size_t> fails_after(std::string_view bytes) const {
    decoder it{limits, side, inflate};
    story out;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      feed(it, bytes.substr(i, 1), out);
      if (!out.empty() && out.back().what == event::failed) return i + 1;
    }
    return std::nullopt;
  }
  void tells(story const& expected, std::string_view bytes) const {
    ASSERT_EQ(whole(bytes), expected);
    ASSERT_EQ(one_by_one(bytes), expected);
    for (std::size_t i = 1; i < bytes.size(); ++i) ASSERT_EQ(cut(bytes, {i}), expected) << "cut at " << i;
    std::mt19937 random{7};
    for (int round = 0; round < 50; ++round) {
      std::vector<std::size_t> places;
      for (std::size_t at = random() % 7; at < bytes.size(); at += 1 + random() % 40) places.push_back(at);
      ASSERT_EQ(cut(bytes, places), expected) << "random cuts, round " << round;
    }
  }
};
inline session const client{usual, decoder::role::client};

inline constexpr std::string_view key = "\x9a\x03\x77\xfe";

inline std::string masked(std::string payload) {
  for (std::size_t i = 0; i < payload.size(); ++i) payload[i] = static_cast<char>(payload[i] ^ key[i % 4]);
  return payload;
}

inline std::string number(std::uint64_t value, int bytes) {
  std::string out;
  while (bytes-- > 0) out += static_cast<char>(value >> 8 * bytes);
  return out;
}

inline std::string length(std::size_t size, int flag) {
  if (size < 126) return number(size | static_cast<std::size_t>(flag), 1);
  return size < 65536 ? number(126u | static_cast<unsigned>(flag), 1) + number(size, 2)
                      : number(127u | static_cast<unsigned>(flag), 1) + number(size, 8);
}

// A frame from a client; `first` is its first byte, 0x80 for the last frame of a message.
inline std::string in(int first, std::string const& payload) {
  return number(static_cast<unsigned>(first), 1) + length(payload.size(), 0x80) + std::string{key} + masked(payload);
}
// A frame from a server.
inline std::string out(int first, std::string const& payload) {
  return number(static_cast<unsigned>(first), 1) + length(payload.size(), 0) + payload;
}

inline constexpr auto coffee = "caf\xc3\xa9 \xe2\x82\xac 3, \xf0\x9f\x92\xa9!";

}  // namespace hiky::gateway::test
