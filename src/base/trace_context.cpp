// SPDX-License-Identifier: Apache-2.0
#include "base/trace_context.hpp"

#include <algorithm>

namespace hiky {
namespace {

bool is_hex(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}
bool is_zero(std::string_view text) { return text.find_first_not_of('0') == std::string_view::npos; }

}  // namespace

// version "-" trace-id "-" parent-id "-" flags; later versions may have more behind another "-".
std::string trace_id_of(std::string_view traceparent) {
  constexpr std::size_t size = 55;
  if (traceparent.size() < size || traceparent[2] != '-' || traceparent[35] != '-' || traceparent[52] != '-') return {};
  auto const version = traceparent.substr(0, 2), trace = traceparent.substr(3, 32), parent = traceparent.substr(36, 16),
             flags = traceparent.substr(53, 2);
  if (!is_hex(version) || !is_hex(trace) || !is_hex(parent) || !is_hex(flags) || version == "ff" || is_zero(trace) ||
      is_zero(parent))
    return {};
  if (traceparent.size() > size && (version == "00" || traceparent[size] != '-')) return {};
  return std::string{trace};
}

}  // namespace hiky
