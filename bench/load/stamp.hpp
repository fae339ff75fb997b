// SPDX-License-Identifier: Apache-2.0
// The content of a test message: its time of sending between two marks, filled up with words to the wanted size.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hiky::load {

// At least 18 bytes long, also when `bytes` is less.
std::string stamped_content(std::size_t bytes, std::int64_t sent_ns);

// The time inside `text` (anything that contains such a content); none if there is no mark.
std::optional<std::int64_t> stamp_of(std::string_view text);

}  // namespace hiky::load
