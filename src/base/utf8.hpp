// SPDX-License-Identifier: Apache-2.0
// Whether bytes are UTF-8 (RFC 3629: shortest forms only, no surrogates, nothing above U+10FFFF), also when they come
// in pieces. Knows nothing of frames.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace hiky::utf8 {

// Checks a text that arrives in pieces; one byte of state.
class validator {
 public:
  // False from the first byte on that no valid text can contain at this place, and for ever after.
  bool take(std::string_view bytes) noexcept;
  // Whether what was taken could end here: valid so far, and not in the middle of a character.
  bool complete() const noexcept { return state_ == 0; }

 private:
  std::uint8_t state_ = 0;
};

bool valid(std::string_view text) noexcept;

// The longest prefix of `text` that has at most `most` bytes and ends between two characters. `text` must be valid.
std::string_view cut(std::string_view text, std::size_t most) noexcept;

}  // namespace hiky::utf8
