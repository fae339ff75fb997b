// SPDX-License-Identifier: Apache-2.0
#include "base/clock.hpp"

namespace hiky {

std::string iso8601(std::chrono::system_clock::time_point when) {
  using namespace std::chrono;
  auto const ms = floor<milliseconds>(when);
  auto const day = floor<days>(ms);
  year_month_day const date{day};
  hh_mm_ss const time{ms - day};
  // By hand: through fmt it would be a twentieth of a register.
  std::string out{"0000-00-00T00:00:00.000Z"};
  auto const put = [&out](std::size_t last, auto number) {
    for (auto rest = static_cast<unsigned>(number); rest > 0; rest /= 10) out[last--] = static_cast<char>('0' + rest % 10);
  };
  put(3, static_cast<int>(date.year()));
  put(6, static_cast<unsigned>(date.month()));
  put(9, static_cast<unsigned>(date.day()));
  put(12, time.hours().count());
  put(15, time.minutes().count());
  put(18, time.seconds().count());
  put(22, time.subseconds().count());
  return out;
}

}  // namespace hiky
