// SPDX-License-Identifier: Apache-2.0
// The outcome of one scenario, and its form as one line of text, so that runs of several servers can be put into one
// table.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hiky::load {

// Figures by name; the unit is the end of the name: rate_s (per second), p50_ms, p99_ms, gateway_us, redis_us, own_us
// (processor time per delivery, for storm per connection), floor_us, ratio, memory_b, redis_memory_b; asked_s (mix:
// messages per second), rounds (their number, if the figures are medians).
struct outcome {
  std::string server, scenario, load;
  std::string sends;    // how the server sends, if known: send or io_uring
  std::vector<std::pair<std::string, double>> figures;
  std::string note;     // worth knowing
  std::string failure;  // the run proves nothing

  void set(std::string name, double value) { figures.emplace_back(std::move(name), value); }
  // Scenario and way of sending, as a person reads them.
  std::string title() const { return sends.empty() ? scenario : scenario + " " + sends; }
  std::optional<double> get(std::string_view name) const;
};

// One line without its end: key=value, separated by tabs.
std::string to_line(outcome const& what);
std::optional<outcome> from_line(std::string_view line);

}  // namespace hiky::load
