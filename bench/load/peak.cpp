// SPDX-License-Identifier: Apache-2.0
// The load of mix at a rising rate: the highest one at which the 99th percentile stays within 50 ms and no delivery
// falls behind.
#include <algorithm>
#include <memory>

#include <fmt/format.h>

#include "rate_search.hpp"
#include "scenario.hpp"
#include "talk.hpp"

namespace hiky::load {
namespace {

constexpr double longest_p99_ms = 50;
constexpr std::int64_t patience = 120 * ns_per_second;

struct peak_search {
  run const& what;
  std::size_t users, room_size;
  outcome found;
  std::unique_ptr<talk> chat;
  int crowds = 0;
  std::string complaint;  // why the last rate was not sustained

  // After a fault, or when deliveries are missing, other users in other rooms go on.
  bool has_crowd() {
    if (chat) return true;
    chat = std::make_unique<talk>(what, users, room_size);
    if (!chat->open(fmt::format("peak{}-", ++crowds)) || (chat->play(200, 0.5), !chat->drain())) {
      failed(found, chat->crowd());
      if (found.failure.empty()) found.failure = chat->book().discrepancy();
      return false;
    }
    return true;
  }

  std::string complaint_about(bool early) const {
    if (chat->crowd().faults() > 0) return chat->crowd().first_fault();
    if (!chat->book().complete()) return "deliveries are missing after 10 s";
    double const p99 = chat->one_way().quantile_ms(0.99);
    if (!early && p99 <= longest_p99_ms) return {};
    std::string why = early ? "deliveries fell half a second behind" : fmt::format("p99 {:.0f} ms", p99);
    // Late sending counts as latency, so the limit may be the load generator's.
    double const late = static_cast<double>(chat->lateness()) / 1e6;
    if (late > longest_p99_ms / 2) why += fmt::format(", the load generator was {:.0f} ms late", late);
    return why;
  }

  bool sustains(double rate) {
    double const wanted = std::min(what.set.seconds, 2.0);
    std::size_t const copies = room_size - (what.speech.echoes() ? 0 : 1);
    chat->clear();
    std::uint64_t const heard_before = chat->book().heard();
    auto const cpu_before = what.server.cpu();
    double const seconds = chat->play(rate, wanted, static_cast<std::uint64_t>(rate / 2) * copies);
    auto const used = what.server.cpu() - cpu_before;
    std::uint64_t const in_time = chat->book().heard() - heard_before;
    bool const early = seconds < wanted * 0.99;
    bool const whole = chat->drain();
    if (whole) found.failure = chat->book().discrepancy();
    complaint = complaint_about(early);
    if (complaint.empty()) {
      found.figures.clear();
      found.set("rate_s", rate);
      found.set("p50_ms", chat->one_way().quantile_ms(0.5));
      found.set("p99_ms", chat->one_way().quantile_ms(0.99));
      set_cpu(found, what, used, in_time);
    }
    if (!whole) chat.reset();
    return complaint.empty();
  }
};

}  // namespace

outcome peak(run const& what) {
  std::size_t const users = what.set.users ? what.set.users : 2000;
  std::size_t const room_size = std::min(what.set.room_size ? what.set.room_size : 10, users);
  peak_search on{
      what,
      users,
      room_size,
      begin_outcome(what, "peak",
                    fmt::format("{} users, rooms of {}, p99 <= {:.0f} ms", users, room_size, longest_p99_ms)),
      nullptr,
      0,
      {}};
  rate_search search(what.set.rate);
  std::int64_t const end = now_ns() + patience;
  std::string last;
  while (search.rate() > 0 && now_ns() < end && on.found.failure.empty()) {
    if (!on.has_crowd()) return on.found;
    double const rate = search.rate();
    bool const good = on.sustains(rate);
    search.tell(good);
    if (!good && rate == search.worst()) last = on.complaint;
  }
  if (!on.found.failure.empty()) return on.found;
  if (search.best() == 0) on.found.failure = fmt::format("no rate was sustained: {}", on.complaint);
  else if (search.worst() > 0) on.found.note = fmt::format("a higher rate failed: {}", last);
  return std::move(on.found);
}

}  // namespace hiky::load
