// SPDX-License-Identifier: Apache-2.0
// Reads the members of one request's JSON object, and words the complaint about the first that is wrong. Only for the
// reading half of protocol.hpp.
#pragma once
#include <fmt/format.h>
#include <boost/json/object.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ids.hpp"
#include "base/json.hpp"
#include "chat/protocol/protocol.hpp"
#include "state/chat/room_log.hpp"

namespace hiky::chat {

// The first fault wins and ends the reading.
class fields {
 public:
  explicit fields(json::object const& object) : object_(object) {}

  // A field that is null counts as absent, as `undefined` would.
  json::value const* find(std::string_view name) const {
    auto const* v = object_.if_contains(name);
    return v && !v->is_null() ? v : nullptr;
  }

  std::string text(std::string_view name, std::size_t most) {
    auto const* v = find(name);
    if (!v) return {};
    if (!v->is_string()) {
      complain("{} must be a string, not {}", name, kind(*v));
      return {};
    }
    if (v->get_string().size() > most) {
      complain("{} must be at most {} bytes", name, most);
      return {};
    }
    return std::string{std::string_view{v->get_string()}};
  }

  template <class Id>
  Id id(std::string_view name, json::value const& v) {
    if (!v.is_string()) {
      complain("{} must be a string, not {}", name, kind(v));
      return {};
    }
    std::string_view const text{v.get_string()};
    if (auto const fault = id_fault(text)) {
      complain("{} {}", name, *fault);
      return {};
    }
    return Id{text};
  }

  template <class Id>
  Id required_id(std::string_view name) {
    if (auto const* v = find(name)) return id<Id>(name, *v);
    complain("{} is missing; expected a string of 1 to {} bytes", name, max_id_size);
    return {};
  }

  std::optional<std::string> message_id(std::string_view name) {
    if (!find(name)) return std::nullopt;
    auto id = text(name, max_id_size);
    if (!fault_ && !state::parse_message_id(id)) complain("{} must be a messageId, as messages carry it", name);
    return id;
  }

  // `otherwise`, if the field is absent.
  std::size_t count(std::string_view name, std::size_t most, std::size_t otherwise) {
    auto const* v = find(name);
    if (!v) return otherwise;
    auto const number = v->is_int64() ? v->get_int64() : 0;
    if (number >= 1 && number <= static_cast<std::int64_t>(most)) return static_cast<std::size_t>(number);
    complain("{} must be a whole number from 1 to {}", name, most);
    return otherwise;
  }

  template <class Id>
  std::vector<Id> ids(std::string_view name, std::size_t most) {
    std::vector<Id> out;
    auto const* v = find(name);
    if (!v || !v->is_array()) {
      complain("{} must be an array of at most {} strings", name, most);
      return out;
    }
    if (exceeds(name, v->get_array().size(), most)) return out;
    for (auto const& each : v->get_array()) out.push_back(id<Id>(name, each));
    return out;
  }

  bool flag(std::string_view name) {
    auto const* v = find(name);
    if (!v) return false;
    if (v->is_bool()) return v->get_bool();
    complain("{} must be true or false, not {}", name, kind(*v));
    return false;
  }

  template <class... Args>
  void complain(fmt::format_string<Args...> text, Args&&... args) {
    if (!fault_) fault_ = {error_code::invalid_argument, fmt::format(text, std::forward<Args>(args)...)};
  }
  bool exceeds(std::string_view name, std::size_t entries, std::size_t most) {
    if (entries <= most) return false;
    if (!fault_)
      fault_ = {error_code::too_large,
                fmt::format("{} has {} entries; at most {} can be asked for at once", name, entries, most)};
    return true;
  }
  std::optional<refusal> const& fault() const { return fault_; }

  static std::string_view kind(json::value const& v) {
    switch (v.kind()) {
      case json::kind::null: return "null";
      case json::kind::bool_: return "a boolean";
      case json::kind::string: return "a string";
      case json::kind::array: return "an array";
      case json::kind::object: return "an object";
      default: return "a number";
    }
  }

 private:
  json::object const& object_;
  std::optional<refusal> fault_;
};

}  // namespace hiky::chat
