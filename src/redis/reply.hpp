// SPDX-License-Identifier: Apache-2.0
// The answers of Redis: RESP3 trees, flat in memory. One `reply` holds the answers to all commands of one request.
#pragma once
#include <boost/redis/resp3/node.hpp>

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"

namespace hiky::redis {

using node = boost::redis::resp3::node_view;

// One value inside a reply. A view: valid while the reply lives.
// A value of another type than asked for reads as empty, 0 or nothing; callers that must know ask first.
class value {
 public:
  value() = default;
  explicit value(std::span<node const> nodes) : nodes_(nodes) {}

  bool is_null() const;
  bool is_error() const;
  bool is_aggregate() const;
  bool is_integer() const;

  std::string_view text() const { return nodes_.empty() ? std::string_view{} : nodes_.front().value; }
  std::int64_t integer() const;  // of a number, or of a string of digits (Lua and hashes give those)
  std::optional<std::string> string() const;  // nothing for null

  // Children of an array, set, push or map; a map's children are key, value, key, value, …
  std::vector<value> items() const;
  std::vector<std::string> strings() const;
  std::vector<std::pair<std::string, std::string>> pairs() const;

 private:
  std::span<node const> nodes_;  // this value's node, and those of all its descendants behind it
};

// Grown by realloc: a reply of megabytes is neither copied nor zeroed while it comes in. That would keep all other
// connections of the worker waiting.
struct freed {
  void operator()(char* p) const { std::free(p); }
};
using input_buffer = std::unique_ptr<char, freed>;

class reply {
 public:
  reply() = default;
  // Moving keeps views valid: the text is on the heap of its own vector.
  reply(reply&&) = default;
  reply& operator=(reply&&) = default;

  // Answer to command `index` of the request.
  value operator[](std::size_t index) const;
  std::size_t size() const { return roots_.size(); }
  // Of the first command that failed on the server, its error text.
  std::optional<std::string_view> server_error() const;

  // One complete message: takes a copy of its text, or the buffer that holds the text.
  void append(std::span<node const> message);
  void append(std::span<node const> message, input_buffer text);

 private:
  void add(node n);

  std::vector<std::vector<char>> texts_;
  std::vector<input_buffer> large_texts_;
  std::vector<node> nodes_;
  std::vector<std::size_t> roots_;
};

}  // namespace hiky::redis
