-- SPDX-License-Identifier: Apache-2.0
-- A user starts or stops typing in a room, or the mark runs out (the document's handleTypingStatus).
-- KEYS 1 typing_users  2 typing_users:{u}  3 room_participants:{r}
-- ARGV 1 user  2 room  3 `on` | `off` | `expired` (off, unless another connection of the user renewed the mark, or the user has
--      left the room or the chat, which ended it)  4 life of the mark in s
--      5 the room's channel  6 bus message
-- Returns 1 when it was announced
local user, room, what = ARGV[1], ARGV[2], ARGV[3]
if what == 'on' then
  redis.call('HSET', KEYS[1], user, room)
  redis.call('SET', KEYS[2], room, 'EX', ARGV[4])
else
  local mine = redis.call('HGET', KEYS[1], user) == room
  if what == 'expired' then
    if mine and redis.call('PTTL', KEYS[2]) > 0 then return 0 end
    if not mine and redis.call('SISMEMBER', KEYS[3], user) == 0 then return 0 end
  end
  if mine then
    redis.call('HDEL', KEYS[1], user)
    redis.call('DEL', KEYS[2])
  end
end
redis.call('PUBLISH', ARGV[5], ARGV[6])
return 1
