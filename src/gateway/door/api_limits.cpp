// SPDX-License-Identifier: Apache-2.0
#include "gateway/door/api_limits.hpp"

#include <algorithm>
#include <cmath>

#include "base/clock.hpp"

namespace hiky::gateway {

using namespace std::chrono_literals;

namespace {

constexpr auto between_sweeps = 10s;
constexpr auto familiar_for = 1h;
constexpr std::size_t most_familiar = 64;

bool contains(std::vector<std::string> const& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

std::unexpected<api_limits::wait> until_one(token_bucket const& b, float per_s) {
  return std::unexpected(api_limits::wait{std::max(1L, std::lround(std::ceil((1 - b.tokens) / per_s)))});
}

}  // namespace

std::expected<void, api_limits::wait> api_limits::take(std::string const& key, clock::time_point now) {
  std::lock_guard const held{lock_};
  auto& bucket = keys_[key];
  if (bucket.take(rates_.requests_per_s, rates_.request_burst, now_ms(now))) return {};
  return until_one(bucket, rates_.requests_per_s);
}

std::expected<void, api_limits::wait> api_limits::may_try(peer_address const& from, std::string const& key,
                                                          clock::time_point now) {
  std::lock_guard const held{lock_};
  auto const found = places_.find(from.customer());
  if (found == places_.end()) return {};
  // The token that a guess would leave: it is taken when the key is known to be a wrong one.
  auto left = found->second.guesses;
  if (left.take(rates_.guesses_per_s, rates_.guess_burst, now_ms(now)) || contains(found->second.familiar, key))
    return {};
  return until_one(left, rates_.guesses_per_s);
}

void api_limits::succeeded(peer_address const& from, std::string const& key, clock::time_point now) {
  std::lock_guard const held{lock_};
  auto& p = places_[from.customer()];
  p.used = now;
  if (p.familiar.size() < most_familiar && !contains(p.familiar, key)) p.familiar.push_back(key);
}

void api_limits::failed(peer_address const& from, clock::time_point now) {
  std::lock_guard const held{lock_};
  forget_old(now);
  places_[from.customer()].guesses.take(rates_.guesses_per_s, rates_.guess_burst, now_ms(now));
}

// An address whose guesses are all back, and from which no right key has come for long, is as good as a new one.
void api_limits::forget_old(clock::time_point now) {
  if (now - swept_ < between_sweeps) return;
  swept_ = now;
  std::erase_if(places_, [&](auto const& one) {
    auto const& [guesses, familiar, used] = one.second;
    auto const age = static_cast<float>(now_ms(now) - guesses.last_ms) / 1000.0F;
    bool const full = guesses.tokens < 0 || guesses.tokens + rates_.guesses_per_s * age >= rates_.guess_burst;
    return full && (familiar.empty() || now - used > familiar_for);
  });
}

}  // namespace hiky::gateway
