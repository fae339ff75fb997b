// SPDX-License-Identifier: Apache-2.0
#include "base/ids.hpp"

namespace hiky {

std::optional<std::string_view> id_fault(std::string_view text) {
  if (text.empty()) return "must not be empty";
  if (text.size() > max_id_size) return "must be at most 128 bytes of UTF-8";
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto const byte = static_cast<unsigned char>(text[i]);
    if (byte < 0x20 || byte == 0x7f) return "must not contain control characters";
    // U+0080 to U+009F are control characters too; in UTF-8 they are C2 80 to C2 9F.
    if (byte == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0) {
      return "must not contain control characters";
    }
  }
  return std::nullopt;
}

}  // namespace hiky
