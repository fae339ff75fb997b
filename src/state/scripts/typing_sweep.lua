-- SPDX-License-Identifier: Apache-2.0
-- Ends typing marks that nobody has ended in time: the instance on which the user typed is gone, or was kept from it.
-- Any instance may.
-- KEYS 1 typing_users  2 typing_marks
-- ARGV 1 most marks at once  2 life of a mark in ms  3 for how many ms it may be overdue  4 prefix typing_users:
--      5 prefix of room channels
-- Returns how many it has ended
local now = redis.call('TIME')
now = now[1] * 1000 + math.floor(now[2] / 1000)
-- No mark ends later than one that begins now, unless Redis's clock has stepped back.
local late = string.format('(%.0f', now + ARGV[2])
for _, mark in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], late, '+inf', 'LIMIT', 0, ARGV[1])) do
  redis.call('ZADD', KEYS[2], now + ARGV[2], mark)
end
local ended = string.format('(%.0f', now - ARGV[3])
local overdue = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', ended, 'LIMIT', 0, ARGV[1])
for _, mark in ipairs(overdue) do
  redis.call('ZREM', KEYS[2], mark)
  local user, room = mark:match('^([^\n]*)\n(.*)$')
  if user then
    if redis.call('HGET', KEYS[1], user) == room then
      redis.call('HDEL', KEYS[1], user)
      redis.call('DEL', ARGV[4] .. user)
    end
    redis.call('PUBLISH', ARGV[5] .. room, 't ' .. user .. '\n{"type":"typing","userId":' .. cjson.encode(user) ..
      ',"roomId":' .. cjson.encode(room) .. ',"isTyping":false}')
  end
end
return #overdue
