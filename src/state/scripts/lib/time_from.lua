-- SPDX-License-Identifier: Apache-2.0
-- include lib/now.lua
-- The time in ms from which a user takes part in rooms: not before any message that these have (`newest` is the time of
-- the latest), and not later than any message from now on. Redis's clock alone does not tell: it may step back (a
-- replica's, after a failover). So `key` holds the latest time that was given, and no message gets an earlier one
-- (publish.lua). A clock that was ahead by more than a day was wrong. Also returns the time as a string.
local function time_from(key, newest)
  local given, time = tonumber(redis.pcall('GET', key)) or 0, now
  if given > now + 86400000 then given = 0 end
  if now < given or now < newest then time = math.max(given, newest + 1) end
  local text = string.format('%.0f', time)
  redis.call('SET', key, text)
  return time, text
end
