// SPDX-License-Identifier: Apache-2.0
// The keys that tokens may be signed with, at one moment.
#pragma once
#include <string_view>
#include <vector>

#include "auth/verification_key.hpp"

namespace hiky::auth {

class key_set {
 public:
  void add(verification_key key) { keys_.push_back(std::move(key)); }
  void add(key_set const& others) { keys_.insert(keys_.end(), others.keys_.begin(), others.keys_.end()); }
  // A JWKS (RFC 7517 section 5). Keys that are of no use here are passed over; one that is broken, or none of use, is
  // an error.
  static result<key_set> from_jwks(std::string_view text, bool secrets);

  bool empty() const { return keys_.empty(); }
  std::size_t size() const { return keys_.size(); }
  // The keys that could have signed a token with this algorithm and key id. Keys without an id of their own answer to
  // every id.
  std::vector<verification_key const*> candidates(std::string_view algorithm, std::optional<std::string_view> id) const;

 private:
  std::vector<verification_key> keys_;
};

}  // namespace hiky::auth
