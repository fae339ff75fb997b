// SPDX-License-Identifier: Apache-2.0
// How often the API may be asked: by a key, and by somebody who has no right one. Shared by all workers, so that a
// limit is the instance's; its lock is taken once or twice for a request of the API, never for a message.
#pragma once
#include <chrono>
#include <expected>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/token_bucket.hpp"
#include "gateway/door/peer_address.hpp"

namespace hiky::gateway {

struct api_rates {
  float requests_per_s = 500, request_burst = 5000;  // of one key; 0: no limit
  float guesses_per_s = 1, guess_burst = 60;         // wrong keys from one address (IPv6: its /64)
};

class api_limits {
 public:
  using clock = std::chrono::steady_clock;
  using wait = std::chrono::seconds;  // before trying again
  explicit api_limits(api_rates rates) : rates_(rates) {}

  // From any thread, as all of these. Takes one request of the key of this name.
  std::expected<void, wait> take(std::string const& key, clock::time_point now = clock::now());
  // Whether a key that comes from there may be looked at; `key`: its name, should it be a right one. Where too many
  // were wrong, only those that were right there before are: who guesses learns nothing, and who works behind the same
  // address goes on working.
  std::expected<void, wait> may_try(peer_address const& from, std::string const& key,
                                    clock::time_point now = clock::now());
  // It was a right one; it was a wrong one.
  void succeeded(peer_address const& from, std::string const& key, clock::time_point now = clock::now());
  void failed(peer_address const& from, clock::time_point now = clock::now());

 private:
  struct place {
    token_bucket guesses;
    std::vector<std::string> familiar;  // names of keys
    clock::time_point used;
  };
  void forget_old(clock::time_point now);

  api_rates const rates_;
  std::mutex lock_;
  std::unordered_map<std::string, token_bucket> keys_;
  std::unordered_map<peer_address, place, peer_address_hash> places_;  // by customer
  clock::time_point swept_{};
};

}  // namespace hiky::gateway
