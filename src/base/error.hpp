// SPDX-License-Identifier: Apache-2.0
// Errors, as values. Pure code returns result<T> and never logs; the edge decides which error a caller sees.
#pragma once
#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace hiky {

enum class errc {
  invalid_argument,  // the caller's value is off; trying again won't help
  not_connected,     // no connection to Redis right now, or it was lost before the answer came
  timeout,           // Redis did not answer within the deadline; the command may still have run
  overloaded,        // too much is already waiting for Redis
  server_error,      // Redis answered with an error; `text` is its own
  unexpected_reply,  // Redis answered something this version does not understand
  not_found,
  not_member,
  conflict,
  io,
};

std::string_view to_string(errc code);

struct error {
  errc code{};
  std::string text{};
};

template <class T>
using result = std::expected<T, error>;

inline std::unexpected<error> fail(errc code, std::string text) {
  return std::unexpected(error{code, std::move(text)});
}

// True when the same call may succeed a moment later (Redis away, slow or full).
bool is_transient(error const& e);

// Redis answers, but takes no writes: it is out of memory, can't save, or has become a replica.
bool refuses_writes(error const& e);

// The words for a client about a transient error.
std::string_view unavailability(error const& e);

}  // namespace hiky
