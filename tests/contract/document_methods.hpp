// SPDX-License-Identifier: Apache-2.0
// The document's 32 methods as a table: how to call each, its value on a healthy Redis, and its value when it fails.
#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "state/document/services.hpp"
#include "support/redis_probe.hpp"

// The rights that a method needs in Redis; they decide which faults it meets.
enum class needs {
  read,    // works on a read-only server and on one out of memory
  write,   // works on one out of memory
  memory,  // works on neither
};

struct document_method {
  std::string_view name;
  needs need;
  std::string_view key;       // a value of another type under it makes the method fail; empty if nothing does
  std::string_view healthy;   // its value after prepare(), as JSON
  std::string_view fallback;  // the document's, as JSON
  std::function<hiky::task<std::string>(hiky::state::services&)> call;  // gives the value as JSON
};

std::vector<document_method> const& document_methods();

// Empties Redis and writes data with which each method's healthy value differs from its fallback.
void prepare(support::redis_probe& probe);
