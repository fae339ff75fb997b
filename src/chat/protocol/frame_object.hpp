// SPDX-License-Identifier: Apache-2.0
// Writes the JSON object of one frame, member by member. Only for the writing half of protocol.hpp.
#pragma once
#include <fmt/format.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/json.hpp"

namespace hiky::chat {

class frame_object {
 public:
  explicit frame_object(std::string_view type, std::size_t room = 128) {
    out_.reserve(room);
    out_ += "{\"type\":\"";
    out_ += type;
    out_ += '"';
  }
  frame_object& text(std::string_view name, std::string_view value) {
    key(name);
    append_json_string(out_, value);
    return *this;
  }
  frame_object& text(std::string_view name, std::optional<std::string> const& value) {
    if (value) text(name, std::string_view{*value});
    return *this;
  }
  frame_object& number(std::string_view name, std::int64_t value) { return raw(name, fmt::format_int(value).str()); }
  frame_object& flag(std::string_view name, bool value) { return raw(name, value ? "true" : "false"); }
  frame_object& raw(std::string_view name, std::string_view json) {
    key(name);
    out_ += json;
    return *this;
  }
  frame_object& members(std::string_view json) {
    if (!json.empty()) (out_ += ',') += json;
    return *this;
  }
  frame_object& raw_if(bool wanted, std::string_view name, std::string_view json) {
    return wanted ? raw(name, json) : *this;
  }
  template <class Items, class Write>
  frame_object& list(std::string_view name, Items const& items, Write write) {
    key(name);
    char before = '[';
    for (auto const& item : items) {
      out_ += before;
      write(out_, item);
      before = ',';
    }
    if (before == '[') out_ += '[';
    out_ += ']';
    return *this;
  }
  std::string done() {
    out_ += '}';
    return std::move(out_);
  }

 private:
  void key(std::string_view name) { ((out_ += ",\"") += name) += "\":"; }
  std::string out_;
};

}  // namespace hiky::chat
