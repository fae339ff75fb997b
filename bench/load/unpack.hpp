// SPDX-License-Identifier: Apache-2.0
// Inflates messages that a server compressed by permessage-deflate, each by itself. Shares nothing with the server's
// own.
#pragma once
#include <zlib.h>

#include <optional>
#include <string>
#include <string_view>

namespace hiky::load {

class unpacker {
 public:
  unpacker();
  ~unpacker();
  unpacker(unpacker const&) = delete;
  unpacker& operator=(unpacker const&) = delete;
  // Valid until the following call; none if it can't be inflated.
  std::optional<std::string_view> unpack(std::string_view payload);

 private:
  z_stream stream_{};
  std::string out_;
};

}  // namespace hiky::load
