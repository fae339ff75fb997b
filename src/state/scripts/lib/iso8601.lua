-- SPDX-License-Identifier: Apache-2.0
-- A time in ms as text (days to civil date, proleptic Gregorian calendar, years from March).
local function iso8601(t)
  local floor = math.floor
  local ms = t % 1000
  local rest = (t - ms) / 1000 % 86400
  local days = ((t - ms) / 1000 - rest) / 86400 + 719468
  local era = floor(days / 146097)
  local doe = days - era * 146097
  local yoe = floor((doe - floor(doe / 1460) + floor(doe / 36524) - floor(doe / 146096)) / 365)
  local doy = doe - (365 * yoe + floor(yoe / 4) - floor(yoe / 100))
  local mp = floor((5 * doy + 2) / 153)
  local month = mp < 10 and mp + 3 or mp - 9
  local year = yoe + era * 400 + (month <= 2 and 1 or 0)
  return string.format('%04d-%02d-%02dT%02d:%02d:%02d.%03dZ', year, month, doy - floor((153 * mp + 2) / 5) + 1,
    floor(rest / 3600), floor(rest % 3600 / 60), rest % 60, ms)
end
