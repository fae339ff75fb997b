// SPDX-License-Identifier: Apache-2.0
// A peer's half of permessage-deflate, by zlib directly.
#pragma once
#include <gtest/gtest.h>
#include <zlib.h>

#include <string>
#include <string_view>

namespace hiky::gateway::test {

inline constexpr std::string_view flush_tail{"\0\0\xff\xff", 4};

inline Bytef* bytes_of(std::string_view text) { return reinterpret_cast<Bytef*>(const_cast<char*>(text.data())); }

inline std::string repeated(std::string_view pattern, std::size_t size) {
  std::string out;
  while (out.size() < size) out += pattern;
  out.resize(size);
  return out;
}

// As if `before` had been said in the same context.
inline std::string deflated_with_dictionary(std::string_view text, std::string_view before, int level = 6,
                                            int bits = 15, int memory = 8) {
  z_stream z{};
  EXPECT_EQ(deflateInit2(&z, level, Z_DEFLATED, -bits, memory, Z_DEFAULT_STRATEGY), Z_OK);
  if (!before.empty()) EXPECT_EQ(deflateSetDictionary(&z, bytes_of(before), static_cast<uInt>(before.size())), Z_OK);
  std::string out(deflateBound(&z, text.size()) + 64, '\0');
  z.next_in = bytes_of(text);
  z.avail_in = static_cast<uInt>(text.size());
  z.next_out = bytes_of(out);
  z.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(::deflate(&z, Z_SYNC_FLUSH), Z_OK);
  out.resize(out.size() - z.avail_out);
  deflateEnd(&z);
  EXPECT_TRUE(out.ends_with(flush_tail));
  out.resize(out.size() - flush_tail.size());
  return out;
}

inline std::string deflated(std::string_view text, int level = 6, int bits = 15) {
  return deflated_with_dictionary(text, {}, level, bits);
}

inline std::string inflated(std::string_view payload, int bits = 15) {
  z_stream z{};
  EXPECT_EQ(inflateInit2(&z, -bits), Z_OK);
  std::string out(1 << 20, '\0');
  auto const whole = std::string{payload} += flush_tail;
  z.next_in = bytes_of(whole);
  z.avail_in = static_cast<uInt>(whole.size());
  z.next_out = bytes_of(out);
  z.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(::inflate(&z, Z_SYNC_FLUSH), Z_OK);
  EXPECT_EQ(z.avail_in, 0u);
  out.resize(out.size() - z.avail_out);
  inflateEnd(&z);
  return out;
}

}  // namespace hiky::gateway::test
