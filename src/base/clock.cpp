// SPDX-License-Identifier: Apache-2.0
#include "base/clock.hpp"

#include <fmt/format.h>

namespace hiky {

std::string iso8601(std::chrono::system_clock::time_point when) {
  using namespace std::chrono;
  auto const ms = floor<milliseconds>(when);
  auto const day = floor<days>(ms);
  year_month_day const date{day};
  hh_mm_ss const time{ms - day};
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), time.hours().count(),
                     time.minutes().count(), time.seconds().count(), time.subseconds().count());
}

}  // namespace hiky
