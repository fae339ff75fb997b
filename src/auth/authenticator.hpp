// SPDX-License-Identifier: Apache-2.0
// The user behind a client, and the rights of the user. One interface for every mode; a connection has its identity for
// as long as it lives.
#pragma once
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "base/async.hpp"
#include "base/error.hpp"
#include "base/ids.hpp"

namespace hiky::auth {

// The outcomes of a proof, in the classes that the metrics tell apart.
enum class outcome : std::uint8_t {
  accepted,
  malformed,  // no token or session of a kind that is understood
  forged,  // not signed with a key that is known here
  expired,  // over, or not yet begun
  claims,  // for another audience, or of a content that is of no use here
  nobody,  // a session in which nobody is logged in
  unavailable,  // could not be found out
};
inline constexpr std::size_t outcomes = 7;
std::string_view to_string(outcome o);

// An error with its class of refusal.
struct denial : error {
  denial(error e)
      : error(std::move(e)) {
  }  // NOLINT(google-explicit-constructor): a proof that could not be judged is an error like any other
  denial(errc code, std::string text, outcome why) : error{code, std::move(text)}, why(why) {}
  outcome why = outcome::unavailable;
};
template <class T>
using verdict = std::expected<T, denial>;

// The proofs that a client has shown: in the handshake, or in `register`.
struct credentials {
  std::optional<user_id> claimed{};  // register.userId
  std::string token{};  // a bearer token, of the handshake or of `register`
  std::string cookies{};  // the Cookie header
};

// The rights of an identity, and their end. Kept as long as the connection.
struct grant {
  std::optional<std::chrono::sys_seconds> expiry{};  // the connection ends then, unless refreshed
  std::optional<std::vector<std::string>> rooms{};  // patterns of the rooms that may be used; nothing: no restriction

  bool restricts() const { return expiry || rooms; }
  bool allows(room_id const& room) const;
};

struct identity {
  user_id user;
  auth::grant grant{};
  std::string session{};  // the id of the application's session that names the user; empty: another proof does
  std::string username{}, name{};  // for users whom the directory does not know
};

class authenticator {
 public:
  virtual ~authenticator() = default;
  // Nothing: no proof that was shown is of a kind that is looked at here.
  // invalid_argument: the proof is refused, and the text says why (never its content). Other errors: could not find
  // out.
  virtual task<verdict<std::optional<identity>>> identify(credentials shown) = 0;
  // The user of each of these sessions now, in the order asked for: it may have ended, or name another. An error: could
  // not find out.
  virtual task<result<std::vector<verdict<identity>>>> look_again(std::vector<std::string> /*sessions*/) {
    co_return fail(errc::not_found, "this mode has no sessions");
  }
  // The proof that `register` needs, in words for a client that has shown none.
  virtual std::string expected() const = 0;
};

// Whether `text` matches `pattern`: `*` stands for any number of characters, everything else for itself.
bool matches(std::string_view pattern, std::string_view text);

}  // namespace hiky::auth
