// SPDX-License-Identifier: Apache-2.0
#include "unpack.hpp"

#include <new>

namespace hiky::load {
namespace {
constexpr std::size_t most = 4 << 20;
}

unpacker::unpacker() : out_(64 * 1024, '\0') {
  if (inflateInit2(&stream_, -15) != Z_OK) throw std::bad_alloc{};
}

unpacker::~unpacker() { inflateEnd(&stream_); }

std::optional<std::string_view> unpacker::unpack(std::string_view payload) {
  for (;; out_.resize(2 * out_.size())) {
    inflateReset(&stream_);
    stream_.next_out = reinterpret_cast<Bytef*>(out_.data());
    stream_.avail_out = static_cast<uInt>(out_.size());
    for (auto const part : {payload, std::string_view{"\0\0\xff\xff", 4}}) {
      stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(part.data()));
      stream_.avail_in = static_cast<uInt>(part.size());
      auto const told = inflate(&stream_, Z_SYNC_FLUSH);
      if (told != Z_OK && told != Z_BUF_ERROR) return std::nullopt;
    }
    if (stream_.avail_out != 0) return std::string_view{out_}.substr(0, out_.size() - stream_.avail_out);
    if (out_.size() >= most) return std::nullopt;
  }
}

}  // namespace hiky::load
