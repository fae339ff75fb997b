// SPDX-License-Identifier: Apache-2.0
// The JSON texts in the document's keys: its `JSON.stringify(object)` writes them there, and its `JSON.parse` reads
// them.
#pragma once
#include <boost/json/object.hpp>

#include <cstddef>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/json.hpp"

namespace hiky::state {

// `object` as JSON.stringify writes it: no spaces, members in their order, numbers in JavaScript's shortest form.
// invalid_argument: nobody could read it back (deeper than 128 levels, or a string that is not UTF-8).
result<std::string> stringify(json::object const& object);

// The object in `text`. invalid_argument: it is not JSON, or not an object.
result<json::object> parse_object(std::string_view text);

// Entries that had to be skipped because they are no JSON objects: counted, and said once, in one log line.
class poison {
 public:
  void skip(error const& why);
  // Nothing if nothing was skipped.
  void report(std::string_view key) const;

 private:
  std::size_t skipped_ = 0;
  std::string first_reason_;
};

}  // namespace hiky::state
