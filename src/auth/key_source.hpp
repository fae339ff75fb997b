// SPDX-License-Identifier: Apache-2.0
// Where the keys come from: fixed ones, or a JWKS that lies in a file or at a web address and changes over time.
// The keys that were read last count until newer ones have been read whole: a source that is away makes no token
// invalid.
#pragma once
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <variant>

#include "auth/counters.hpp"
#include "auth/key_set.hpp"
#include "base/http_fetch.hpp"

namespace hiky::auth {

struct key_places {
  key_set fixed{};                                                       // from --jwt-key
  std::variant<std::monostate, std::string, web_address> jwks{};         // a place for key_text, or an address
  std::chrono::milliseconds life{std::chrono::minutes{5}};               // older ones are read again
  std::chrono::milliseconds pause{
      std::chrono::seconds{10}};             // at least, between two reads for unknown key ids, or after a failure
  std::chrono::milliseconds patience{std::chrono::seconds{5}};           // for one try
};

class key_source {
 public:
  key_source(asio::any_io_executor executor, key_places places, counters& count)
      : executor_(std::move(executor)), places_(std::move(places)), count_(count), fetched_(executor_) {}

  // Keys that are not too old, if that can be had. An error when there is none at all.
  task<result<void>> refresh();
  // A token names a key id that is not among them. Reads again, unless that was done for such a reason a moment ago;
  // true when it has read.
  task<bool> look_again();
  key_set const& keys() const { return keys_; }

 private:
  using clock = std::chrono::steady_clock;
  task<> fetch();
  task<result<key_set>> read();

  asio::any_io_executor executor_;
  key_places places_;
  counters& count_;
  key_set keys_{places_.fixed};
  std::optional<clock::time_point> read_, tried_, looked_;  // last success, last try, last try for an unknown id
  std::string fault_;                              // of the last try
  bool fetching_ = false;
  asio::steady_timer fetched_;  // callers that wait for a fetch under way wait for its end
};

}  // namespace hiky::auth
