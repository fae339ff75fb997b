// SPDX-License-Identifier: Apache-2.0
// The keys of the HTTP API: those of a file, each with its scopes. Keeps digests only, so that no key can leave with
// a dump or a log.
#pragma once
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.hpp"
#include "base/error.hpp"

namespace hiky::auth {

enum class api_scope : std::uint8_t { read = 1, publish = 2, admin = 4 };
std::string_view to_string(api_scope s);

struct api_key {
  std::string name;  // for logs: the beginning of its digest, which gives nothing away
  std::uint8_t scopes = 0;
  bool may(api_scope s) const { return (scopes & static_cast<std::uint8_t>(s)) != 0; }
};

class api_keys {
 public:
  // One a line: `KEY [scope,scope]`; without scopes a key may do everything. `#` begins a comment.
  // invalid_argument names the line and never the key.
  static result<api_keys> parse(std::string_view text);

  // Takes as long for every key that is not here, however near it comes to one that is.
  api_key const* find(std::string_view presented) const;
  std::size_t size() const { return entries_.size(); }

 private:
  static sha256_digest digest_of(std::string_view text);
  struct entry {
    sha256_digest hash;
    api_key key;
  };
  std::vector<entry> entries_;
};

// The place of the keys (see key_text); it may be read again while others ask. From any thread.
class api_key_file {
 public:
  explicit api_key_file(std::string place) : place_(std::move(place)) {}

  // The keys of before stay when the file can't be read or understood.
  result<void> load();
  std::shared_ptr<api_keys const> keys() const;
  // Whether every user of this machine can read the file.
  bool exposed() const;
  std::string const& place() const { return place_; }

 private:
  std::string place_;
  mutable std::mutex guard_;
  std::shared_ptr<api_keys const> keys_ = std::make_shared<api_keys>();
};

}  // namespace hiky::auth
