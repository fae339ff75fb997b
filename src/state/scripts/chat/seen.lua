-- SPDX-License-Identifier: Apache-2.0
-- Users have shown that they are there. Entries that are gone, or that another program has written without a lastSeen,
-- stay as they are.
-- KEYS 1 clients
-- ARGV 1 ISO time  2… users
-- Returns how many entries say so now
local clients, time = KEYS[1], ARGV[1]
local first = 2

local last_seen, changed = '"lastSeen":"' .. time .. '"', {}
for i, found in ipairs(redis.call('HMGET', clients, unpack(ARGV, first))) do
  local entry, count = (found or ''):gsub('"lastSeen":"[^"]*"', last_seen, 1)
  if count == 1 then
    changed[#changed + 1] = ARGV[first + i - 1]
    changed[#changed + 1] = entry
  end
end
if #changed > 0 then redis.call('HSET', clients, unpack(changed)) end
return #changed / 2
