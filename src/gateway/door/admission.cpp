// SPDX-License-Identifier: Apache-2.0
#include "gateway/door/admission.hpp"

#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "base/clock.hpp"
#include "base/log.hpp"

namespace hiky::gateway {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t spare_for_http = 64;
constexpr auto between_trims = 2s;
constexpr std::chrono::seconds between_words{10};
// Of one address: a page that is made for each who asks takes about half a millisecond.
constexpr float pages_per_s = 5, page_burst = 50;

// The second number of statm, in pages. 0 when it cannot be read: then there is no limit.
std::uint64_t read_resident() {
  std::uint64_t pages = 0;
  if (auto* const file = std::fopen("/proc/self/statm", "re")) {
    if (std::fscanf(file, "%*u %lu", &pages) != 1) pages = 0;
    std::fclose(file);
  }
  return pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace

std::string_view to_string(no_entry why) {
  switch (why) {
    case no_entry::address_connections: return "address_connections";
    case no_entry::address_rate: return "address_rate";
    case no_entry::connections: return "connections";
    case no_entry::memory: return "memory";
  }
  return "unknown";
}

std::string_view explained(no_entry why) {
  switch (why) {
    case no_entry::address_connections: return "too many connections from your address; close some first";
    case no_entry::address_rate: return "too many new connections from your address; wait a little";
    case no_entry::connections: return "this instance is full; try again in a moment";
    case no_entry::memory: return "this instance is short of memory; try again in a moment";
  }
  return "no";
}

bool admission::is_trusted(peer_address const& a) const {
  if (a.none()) return limits_.trust_unix;
  return std::ranges::any_of(limits_.trusted_proxies, [&](address_range const& r) { return r.contains(a); });
}

bool admission::is_spared(peer_address const& a) const {
  return a.none() || (limits_.spare_loopback && a.is_loopback());
}

std::unexpected<no_entry> admission::refuse(no_entry why) {
  refused_[static_cast<std::size_t>(why)].fetch_add(1, std::memory_order_relaxed);
  // The metric counts each; the log says it now and then, or the flood would go on in there.
  auto const now = std::chrono::duration_cast<std::chrono::seconds>(clock::now().time_since_epoch()).count();
  auto said = said_s_.load(std::memory_order_relaxed);
  if (now - said >= between_words.count() && said_s_.compare_exchange_strong(said, now))
    log::warn("connection.refused", {{"reason", to_string(why)}});
  return std::unexpected(why);
}

void admission::refill(entry& e, clock::time_point now) const {
  if (e.refilled == clock::time_point{}) {
    e.tokens = limits_.accept_burst;
  } else {
    e.tokens = std::min(limits_.accept_burst,
                        e.tokens + limits_.accepts_per_s * std::chrono::duration<float>(now - e.refilled).count());
  }
  e.refilled = now;
}

std::expected<admission::entry*, no_entry> admission::enter_address(peer_address const& a, bool fresh) {
  std::lock_guard const held{lock_};
  auto& e = addresses_[a.customer()];
  refill(e, clock::now());
  if (limits_.per_address > 0 && e.connections >= limits_.per_address) return refuse(no_entry::address_connections);
  if (fresh && limits_.accepts_per_s > 0) {
    if (e.tokens < 1) return refuse(no_entry::address_rate);
    e.tokens -= 1;
  }
  ++e.connections;
  return &e;
}

std::expected<admission::seat, no_entry> admission::enter(peer_address from) {
  if (limits_.connections > 0 && present() >= limits_.connections + spare_for_http)
    return refuse(no_entry::connections);
  seat out;
  if (!is_spared(from) && !is_trusted(from)) {
    auto const counted = enter_address(from, true);
    if (!counted) return std::unexpected(counted.error());
    out.at_ = *counted;
  }
  out.owner_ = this;
  out.address_ = from;
  present_.fetch_add(1, std::memory_order_relaxed);
  return out;
}

std::expected<void, no_entry> admission::may_stay() {
  if (limits_.connections > 0 && present() > limits_.connections) return refuse(no_entry::connections);
  if (under_pressure()) return refuse(no_entry::memory);
  return {};
}

std::expected<void, no_entry> admission::speaks_for(seat& s, peer_address client) {
  if (client == s.address_) return {};
  entry* at = nullptr;
  if (!is_spared(client) && !is_trusted(client)) {
    auto const counted = enter_address(client, true);
    if (!counted) return std::unexpected(counted.error());
    at = *counted;
  }
  std::lock_guard const held{lock_};
  if (s.at_) --s.at_->connections;
  s.at_ = at;
  s.address_ = client;
  return {};
}

bool admission::may_fetch(peer_address const& client) {
  if (is_spared(client)) return true;
  std::lock_guard const held{lock_};
  return addresses_[client.customer()].pages.take(pages_per_s, page_burst, now_ms());
}

void admission::leave(seat& s) {
  present_.fetch_sub(1, std::memory_order_relaxed);
  if (!s.at_) return;
  std::lock_guard const held{lock_};
  --s.at_->connections;
}

void admission::tick(clock::time_point now) {
  {
    std::lock_guard const held{lock_};
    std::erase_if(addresses_, [&](auto const& one) {
      auto e = one.second;
      if (e.connections > 0) return false;
      refill(e, now);
      if (!e.pages.is_full(pages_per_s, page_burst, now_ms(now))) return false;
      return limits_.accepts_per_s <= 0 || e.tokens >= limits_.accept_burst;
    });
  }
  auto resident = read_resident();
  if (limits_.memory > 0 && resident > limits_.memory && now - trimmed_ > between_trims) {
    // Memory that was freed is often still with malloc.
    trimmed_ = now;
    ::malloc_trim(0);
    resident = read_resident();
  }
  if (limits_.memory == 0) return;
  // Not to and fro at the edge.
  bool const pressed = resident > (under_pressure() ? limits_.memory - limits_.memory / 16 : limits_.memory);
  if (pressed == pressed_.exchange(pressed, std::memory_order_relaxed)) return;
  if (pressed)
    log::error("memory.short", {{"resident_bytes", resident},
                                {"limit_bytes", limits_.memory},
                                {"now", "new connections are refused, slow readers closed"}});
  else log::info("memory.enough", {{"resident_bytes", resident}, {"limit_bytes", limits_.memory}});
}

}  // namespace hiky::gateway
