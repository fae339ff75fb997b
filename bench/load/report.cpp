// SPDX-License-Identifier: Apache-2.0
#include "report.hpp"

#include <fmt/format.h>

#include "targets.hpp"

namespace hiky::load {
namespace {

std::string cell(outcome const& what, std::string_view figure, int decimals) {
  auto const value = what.get(figure);
  return value ? fmt::format("{:.{}f}", *value, decimals) : "-";
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (char const c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) < 0x20) out += fmt::format("\\u{:04x}", c);
    else out += c;
  }
  return out + '"';
}

constexpr std::string_view row = "{:<20} {:<14} {:<38} {:>7} {:>8} {:>8} {:>8} {:>7} {:>6} {:>6} {:>6} {:>7} {:>7}\n";

}  // namespace

std::string as_table(std::span<outcome const> all) {
  std::string out = fmt::format(fmt::runtime(row), "server", "what", "load", "rate/s", "p50 ms", "p99 ms", "gateway",
                                "redis", "floor", "ratio", "client", "B/conn", "Redis B");
  for (outcome const& one : all) {
    if (!one.failure.empty()) {
      out += fmt::format("{:<20} {:<14} {:<38} FAILED: {}\n", one.server, one.title(), one.load, one.failure);
      continue;
    }
    out += fmt::format(fmt::runtime(row), one.server, one.title(), one.load, cell(one, "rate_s", 0),
                       cell(one, "p50_ms", 3), cell(one, "p99_ms", 3), cell(one, "gateway_us", 2),
                       cell(one, "redis_us", 2), cell(one, "floor_us", 2), cell(one, "ratio", 2),
                       cell(one, "own_us", 2), cell(one, "memory_b", 0), cell(one, "redis_memory_b", 0));
    if (!one.note.empty()) out += fmt::format("{:<35} note: {}\n", "", one.note);
  }
  out +=
      "rate: deliveries a second (storm: connects, peak: messages). gateway, redis, floor, client: microseconds of "
      "processor time for each delivery or connect. B/conn, Redis B: resident memory of each connection.\n";
  auto const verdicts = judge(all);
  if (!verdicts.empty()) out += '\n';
  for (verdict const& one : verdicts)
    out += fmt::format("{:<4}  {:<36} {:<46} {:.4g}\n",
                       !one.pass   ? ""
                       : *one.pass ? "pass"
                                   : "MISS",
                       one.title, one.target, one.measured);
  return out;
}

std::string as_json(std::span<outcome const> all) {
  std::string outcomes, targets;
  for (outcome const& one : all) {
    outcomes += outcomes.empty() ? "\n" : ",\n";
    outcomes += fmt::format(R"(  {{"server": {}, "scenario": {}, "sends": {}, "load": {}, "note": {}, "failure": {})",
                            quoted(one.server), quoted(one.scenario), quoted(one.sends), quoted(one.load),
                            quoted(one.note), quoted(one.failure));
    for (auto const& [name, value] : one.figures) outcomes += fmt::format(", {}: {:.6g}", quoted(name), value);
    outcomes += '}';
  }
  for (verdict const& one : judge(all)) {
    targets += targets.empty() ? "\n" : ",\n";
    targets += fmt::format(R"(  {{"what": {}, "target": {}, "measured": {:.6g}, "pass": {}}})", quoted(one.title),
                           quoted(one.target), one.measured,
                           !one.pass   ? "null"
                           : *one.pass ? "true"
                                       : "false");
  }
  return fmt::format("{{\"outcomes\": [{}],\n\"targets\": [{}]}}\n", outcomes, targets);
}

}  // namespace hiky::load
