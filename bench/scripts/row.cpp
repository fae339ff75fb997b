// SPDX-License-Identifier: Apache-2.0
#include "row.hpp"

#include <algorithm>
#include <stdexcept>

#include "scripts.hpp"

namespace hiky::script_bench {

double row::sample(stage& on) {
  if (!planted && plant) plant();
  planted = true;
  if (prepare) prepare();
  auto const before = on.spent();
  on.all(calls, call);
  auto const after = on.spent();
  auto const made = after.calls - before.calls;
  if (made < calls) throw std::runtime_error("not every call reached a script");
  if (after.failed > before.failed) throw std::runtime_error("a script failed");
  return (after.us - before.us) / static_cast<double>(made);
}

std::vector<row> all_rows(stage& on) {
  std::vector<row> out;
  for (auto const part :
       {message_rows, connection_rows, membership_rows, mail_rows, typing_rows, upkeep_rows, inspection_rows}) {
    std::ranges::move(part(on), std::back_inserter(out));
  }
  return out;
}

std::vector<std::string> scripts_without_row(std::vector<row> const& rows) {
  std::vector<std::string> out;
  for (auto const& each : state::scripts::all) {
    std::string const name{each.name.substr(0, each.name.rfind('.'))};
    if (std::ranges::count(rows, name, &row::script) == 0) out.push_back(name);
  }
  return out;
}

}  // namespace hiky::script_bench
