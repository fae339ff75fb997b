// SPDX-License-Identifier: Apache-2.0
// The first four bytes seed the cuts, the fifth's lowest bit chooses the role, its second whether compression was
// negotiated. The rest is the stream of the peer. After that the same bytes are a message that is written and read
// back.
#include <algorithm>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "base/utf8.hpp"
#include "demand.hpp"
#include "gateway/ws/decoder.hpp"
#include "gateway/ws/deflate.hpp"

using namespace hiky::gateway;

namespace {

struct said {
  event::kind what;
  opcode op;
  close_code code;
  std::string payload, reason;
  bool operator==(said const&) const = default;
};

constexpr decoder_limits limits{.max_message = 2048, .max_fragments = 12};

void feed(decoder& to, std::string_view bytes, std::vector<said>& out) {
  std::vector<char> read(bytes.begin(), bytes.end());
  std::span<char> input{read};
  auto const ended = [&] {
    return !out.empty() && (out.back().what == event::close || out.back().what == event::failed);
  };
  for (;;) {
    auto const now = to.next(input);
    if (now.what == event::need_more) break;
    demand(!ended(), "no event after close or failed");
    // For a message that is too big, the cuts decide how much of its beginning is here.
    bool const failed = now.what == event::failed;
    demand(!failed || now.payload.empty() || now.code == close_code::too_big, "only what is too big has a beginning");
    out.push_back(
        {now.what, now.op, now.code, failed ? std::string{} : std::string{now.payload}, std::string{now.reason}});
    if (failed) continue;
    if (now.op == opcode::text) demand(hiky::utf8::valid(now.payload), "text is UTF-8");
    demand(now.payload.size() <= (now.what == event::message ? limits.max_message : 125), "payloads keep the limits");
  }
  demand(input.empty() || ended(), "need_more means that all is consumed");
  demand(to.memory() <= 2 * limits.max_message + 512, "memory keeps the limits");
}

void the_cuts_do_not_show(std::string_view stream, decoder::role side, inflater* inflate, std::mt19937& random) {
  std::vector<said> whole, single, pieces;
  decoder a{limits, side, inflate}, b{limits, side, inflate}, c{limits, side, inflate};
  feed(a, stream, whole);
  for (auto const& byte : stream) feed(b, {&byte, 1}, single);
  demand(whole == single, "one by one tells the same");
  auto const longest = 1 + random() % 64;
  for (auto rest = stream; !rest.empty();) {
    auto const size = std::min<std::size_t>(rest.size(), random() % (longest + 1));
    feed(c, rest.substr(0, size), pieces);
    rest.remove_prefix(size);
  }
  demand(whole == pieces, "random cuts tell the same");
}

void what_is_written_is_read(std::string_view bytes, decoder::role reader, std::mt19937& random) {
  auto const payload = std::string{bytes.substr(0, limits.max_message)};
  auto const op = hiky::utf8::valid(payload) ? opcode::text : opcode::binary;
  std::string stream;
  auto const write = [&](opcode as, std::string_view part, bool last) {
    if (reader == decoder::role::server)
      return encode_masked(stream, as, part, static_cast<std::uint32_t>(random()), last);
    char header[max_header];
    stream.append(header, write_header(header, as, part.size(), last)).append(part);
  };
  auto rest = std::string_view{payload};
  auto as = op;
  for (auto fragments = random() % limits.max_fragments; fragments > 0; --fragments) {
    auto const part = rest.substr(0, random() % (rest.size() + 1));
    write(as, part, false);
    rest.remove_prefix(part.size());
    as = opcode::continuation;
  }
  write(as, rest, true);
  auto const reason = hiky::utf8::valid(payload) ? payload : std::string{};
  auto const goodbye = close_payload(close_code::going_away, reason);
  demand(goodbye.size() <= 125 && hiky::utf8::valid(std::string_view{goodbye}.substr(2)),
         "a close payload fits and is text");
  write(opcode::close, goodbye, true);

  decoder it{limits, reader};
  std::vector<said> out;
  for (auto left = std::string_view{stream}; !left.empty();) {
    auto const size = std::min<std::size_t>(left.size(), 1 + random() % 200);
    feed(it, left.substr(0, size), out);
    left.remove_prefix(size);
  }
  demand(out.size() == 2, "a message and a close were written and read");
  demand(out[0].what == event::message && out[0].op == op && out[0].payload == payload, "the message is the same");
  demand(out[1].what == event::close && out[1].code == close_code::going_away && out[1].payload == goodbye,
         "so is the close");
}

void what_is_compressed_is_the_same(std::string_view bytes, deflater& deflate, inflater& inflate,
                                    unsigned window_bits) {
  auto const payload = bytes.substr(0, limits.max_message);
  auto const frame = hiky::shared_frame::make(payload, hiky::utf8::valid(payload) ? 0x81 : 0x82);
  auto const sent = deflate.smallest(frame, window_bits);
  demand(sent->bytes().size() <= frame->bytes().size(), "what is compressed is no larger");
  decoder it{limits, decoder::role::client, &inflate};
  std::vector<said> out;
  feed(it, sent->bytes(), out);
  demand(out.size() == 1 && out[0].what == event::message && out[0].payload == payload,
         "a client reads the same message");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(
    std::uint8_t const* data, std::size_t size) {  // NOLINT(readability-identifier-naming): libFuzzer calls it so
  if (size < 5) return 0;
  std::uint32_t seed;
  std::memcpy(&seed, data, sizeof seed);
  std::mt19937 random{seed};
  auto const side = (data[4] & 1) != 0 ? decoder::role::client : decoder::role::server;
  std::string_view const rest{reinterpret_cast<char const*>(data) + 5, size - 5};
  static hiky::chat::counters count;
  static inflater inflate{count};
  static deflater deflate{1, count};
  the_cuts_do_not_show(rest, side, (data[4] & 2) != 0 ? &inflate : nullptr, random);
  what_is_written_is_read(rest, side, random);
  what_is_compressed_is_the_same(rest, deflate, inflate, 8 + random() % 8);
  return 0;
}
