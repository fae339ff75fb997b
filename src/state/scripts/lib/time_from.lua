-- SPDX-License-Identifier: Apache-2.0
-- include lib/now.lua
-- The time in ms from which a user takes part in rooms: not before any message that these have (`newest` is the time of
-- the latest), and not later than any message from now on. Redis's clock alone does not tell: it may step back (a
-- replica's, after a failover). So `key` holds the latest time that was given, and no message gets an earlier one
-- (publish.lua). A clock that was ahead by more than a day was wrong. Also returns the time as a string.
local function time_from(key, newest)
  local time = now < newest and newest + 1 or now
  local text = string.format('%.0f', time)
  local before = redis.pcall('SET', key, text, 'GET')
  local given = tonumber(before) or 0
  if given > time and given <= now + 86400000 then
    time, text = given, string.format('%.0f', given)
    redis.call('SET', key, text)
  elseif type(before) == 'table' then  -- another program has made it another type
    redis.call('SET', key, text)
  end
  return time, text
end
