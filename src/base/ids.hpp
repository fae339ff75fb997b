// SPDX-License-Identifier: Apache-2.0
// Ids as types: the document swaps the order of user and room between methods; with these a swap does not compile.
#pragma once
#include <compare>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace hiky {

template <class Tag>
class basic_id {
 public:
  basic_id() = default;
  explicit basic_id(std::string text) : text_(std::move(text)) {}
  explicit basic_id(std::string_view text) : text_(text) {}
  explicit basic_id(char const* text) : text_(text) {}

  std::string const& str() const { return text_; }
  operator std::string_view() const { return text_; }
  bool empty() const { return text_.empty(); }

  friend bool operator==(basic_id const&, basic_id const&) = default;
  friend auto operator<=>(basic_id const&, basic_id const&) = default;

 private:
  std::string text_;
};

using user_id = basic_id<struct user_tag>;
using room_id = basic_id<struct room_tag>;
using connection_id = basic_id<struct connection_tag>;
using instance_id = basic_id<struct instance_tag>;

inline constexpr std::size_t max_id_size = 128;

// Why `text` can't be an id, or nothing: ids are 1 to 128 bytes of UTF-8 without control characters.
// `text` must be valid UTF-8 already (JSON parsing has checked it). Everything else is legal: `:`, `{}`, quotes,
// spaces.
std::optional<std::string_view> id_fault(std::string_view text);

// Hash that finds an id by a view of its text, without making an id.
struct id_hash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};

}  // namespace hiky

template <class Tag>
struct std::hash<hiky::basic_id<Tag>> {
  std::size_t operator()(hiky::basic_id<Tag> const& id) const { return std::hash<std::string_view>{}(id); }
};
