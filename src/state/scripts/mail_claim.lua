-- SPDX-License-Identifier: Apache-2.0
-- Takes a user's whole queue for one connection. Nothing is deleted: it waits in flight until it is confirmed, and disconnect.lua
-- puts back what was not.
-- A connection that Redis takes for ended (its instance was silent and has been swept) gets nothing: nobody would put it back.
-- KEYS 1 offline_messages:{u}  2 offline_inflight:{u}:{c}  3 offline_dropped:{u}  4 user_connections:{u}
-- ARGV 1 connection  [2 the queue is left as it is unless this is its newest message]
-- Returns { how many the cap has dropped, message… newest first }
if redis.call('HEXISTS', KEYS[4], ARGV[1]) == 0 then return { 0 } end
if ARGV[2] and redis.call('LINDEX', KEYS[1], 0) ~= ARGV[2] then return { 0 } end
for _, message in ipairs(redis.call('LRANGE', KEYS[2], 0, -1)) do redis.call('RPUSH', KEYS[1], message) end
redis.call('DEL', KEYS[2])
local over = redis.call('LLEN', KEYS[1]) - 100
if over > 0 then
  redis.call('LTRIM', KEYS[1], 0, 99)
  redis.call('INCRBY', KEYS[3], over)
end
local dropped = tonumber(redis.call('GET', KEYS[3]) or 0)
if redis.call('EXISTS', KEYS[1]) == 0 then return { dropped } end
redis.call('RENAME', KEYS[1], KEYS[2])
local out = redis.call('LRANGE', KEYS[2], 0, -1)
table.insert(out, 1, dropped)
return out
