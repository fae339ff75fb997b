// SPDX-License-Identifier: Apache-2.0
// A state machine whose states are shift counts: steps[byte] holds the successor of every state, six bits each, at the
// state's own position. A step is a load and a shift with no branch, so that its speed does not depend on the script
// people write in; plain ASCII is skipped in blocks.
#include "base/utf8.hpp"

#include <array>
#include <cstring>

namespace hiky::utf8 {
namespace {

enum state : unsigned {
  start = 0,  // between characters
  bad = 6,
  one_more = 12,  // continuation bytes still to come
  two_more = 18,
  three_more = 24,
  after_e0 = 30,  // the second byte is restricted: no overlong form,
  after_ed = 36,  // no surrogate,
  after_f0 = 42,  // no overlong form,
  after_f4 = 48,  // nothing above U+10FFFF
};

constexpr state after(state from, unsigned byte) {
  auto const within = [byte](unsigned low, unsigned high, state next) {
    return byte >= low && byte <= high ? next : bad;
  };
  switch (from) {
    case start:
      if (byte < 0x80) return start;
      if (byte == 0xe0) return after_e0;
      if (byte == 0xed) return after_ed;
      if (byte == 0xf0) return after_f0;
      if (byte == 0xf4) return after_f4;
      if (byte >= 0xc2 && byte <= 0xdf) return one_more;
      if (byte >= 0xe1 && byte <= 0xef) return two_more;
      return within(0xf1, 0xf3, three_more);
    case one_more: return within(0x80, 0xbf, start);
    case two_more: return within(0x80, 0xbf, one_more);
    case three_more: return within(0x80, 0xbf, two_more);
    case after_e0: return within(0xa0, 0xbf, one_more);
    case after_ed: return within(0x80, 0x9f, one_more);
    case after_f0: return within(0x90, 0xbf, two_more);
    case after_f4: return within(0x80, 0x8f, two_more);
    case bad: break;
  }
  return bad;
}

constexpr auto steps = [] {
  std::array<std::uint64_t, 256> table{};
  for (unsigned byte = 0; byte < table.size(); ++byte)
    for (auto from : {start, bad, one_more, two_more, three_more, after_e0, after_ed, after_f0, after_f4})
      table[byte] |= std::uint64_t{after(from, byte)} << from;
  return table;
}();

std::uint64_t step(std::uint64_t from, char byte) { return steps[static_cast<unsigned char>(byte)] >> (from & 63); }

template <std::size_t Size>
bool ascii(char const* bytes) {
  std::array<std::uint64_t, Size / 8> words;
  std::memcpy(words.data(), bytes, Size);
  std::uint64_t all = 0;
  for (auto word : words) all |= word;
  return (all & 0x8080808080808080) == 0;
}

}  // namespace

bool validator::take(std::string_view bytes) noexcept {
  auto at = bytes.data();
  auto const end = at + bytes.size();
  std::uint64_t now = state_;
  while (end - at >= 32) {
    if (now == start && ascii<32>(at)) {
      at += 32;
      while (end - at >= 64 && ascii<64>(at)) at += 64;
      continue;
    }
    for (int i = 0; i < 32; ++i) now = step(now, at[i]);
    now &= 63;
    if (now == bad) break;
    at += 32;
  }
  // Not the last eight bytes in one load: unmasking has just written them in other widths, and the load would wait for
  // that.
  if (now == start)
    while (end - at >= 8 && ascii<8>(at)) at += 8;
  if (now != bad) {
    while (at != end) now = step(now, *at++);
    now &= 63;
  }
  state_ = static_cast<std::uint8_t>(now);
  return now != bad;
}

bool valid(std::string_view text) noexcept {
  validator all;
  return all.take(text) && all.complete();
}

std::string_view cut(std::string_view text, std::size_t most) noexcept {
  if (text.size() <= most) return text;
  auto const continues = [&](std::size_t i) { return (static_cast<unsigned char>(text[i]) & 0xc0) == 0x80; };
  while (most > 0 && continues(most)) --most;
  return text.substr(0, most);
}

}  // namespace hiky::utf8
