-- SPDX-License-Identifier: Apache-2.0
-- Ends typing marks that nobody has ended in time: the instance on which the user typed is gone, or was kept from it.
-- Any instance may.
-- KEYS 1 typing_users  2 typing_marks
-- ARGV 1 most marks at once  2 life of a mark in ms  3 for how many ms it may be overdue  4 prefix typing_users:
--      5 prefix of room channels
-- Returns how many it has ended
-- include lib/now.lua
local typing_users, typing_marks = KEYS[1], KEYS[2]
local most, life, patience, typing_user_of, room_channel_of = unpack(ARGV)

-- No mark ends later than one that begins now, unless Redis's clock has stepped back.
local late = string.format('(%.0f', now + life)
for _, mark in ipairs(redis.call('ZRANGEBYSCORE', typing_marks, late, '+inf', 'LIMIT', 0, most)) do
  redis.call('ZADD', typing_marks, now + life, mark)
end
local ended = string.format('(%.0f', now - patience)
local overdue = redis.call('ZRANGEBYSCORE', typing_marks, '-inf', ended, 'LIMIT', 0, most)
if #overdue == 0 then return 0 end
-- include lib/typing_ended.lua
for _, mark in ipairs(overdue) do
  redis.call('ZREM', typing_marks, mark)
  local user, room = mark:match('^([^\n]*)\n(.*)$')
  if user then
    if redis.call('HGET', typing_users, user) == room then
      redis.call('HDEL', typing_users, user)
      redis.call('DEL', typing_user_of .. user)
    end
    redis.call('PUBLISH', room_channel_of .. room, typing_ended(user, cjson.encode(user), room))
  end
end
return #overdue
