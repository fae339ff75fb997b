-- SPDX-License-Identifier: Apache-2.0
-- A user starts or stops typing in a room, or the mark runs out (the document's handleTypingStatus). Beside the
-- document's keys, which know a user's latest room alone, typing_marks has every mark: a mark in there is announced as
-- on, and the script that takes it out announces its end.
-- KEYS 1 typing_users  2 typing_users:{u}  3 typing_marks
-- ARGV 1 user  2 room
--      3 `on` | `off` | `expired` (off, unless somebody has renewed the mark or has ended it) | `lost` (the same, but
--        Redis may have lost the mark: then its end is announced all the same)
--      4 life of the mark in s  5 the room's channel  6 bus message
-- Returns for how many ms the mark lives yet; 0: it has ended
-- include lib/now.lua
local typing_users, typing_user, typing_marks = KEYS[1], KEYS[2], KEYS[3]
local user, room, what, life_s, room_channel, message = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local mark, life = user .. '\n' .. room, life_s * 1000

if what == 'on' then
  redis.call('HSET', typing_users, user, room)
  redis.call('SET', typing_user, room, 'EX', life_s)
  redis.call('ZADD', typing_marks, now + life, mark)
  redis.call('PUBLISH', room_channel, message)
  return life
end
if what ~= 'off' then
  local ends = redis.call('ZSCORE', typing_marks, mark)
  if not ends and what == 'expired' then return 0 end
  local left = ends and tonumber(ends) - now or 0
  if left > life then  -- Redis's clock has stepped back
    left = life
    redis.call('ZADD', typing_marks, now + life, mark)
  end
  if left > 0 then return left end
end
redis.call('ZREM', typing_marks, mark)
if redis.call('HGET', typing_users, user) == room then
  redis.call('HDEL', typing_users, user)
  redis.call('DEL', typing_user)
end
redis.call('PUBLISH', room_channel, message)
return 0
