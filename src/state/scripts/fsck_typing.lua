-- SPDX-License-Identifier: Apache-2.0
-- Typing marks whose key has ended, and which nobody has taken away since. Told and mended in one step, as typing.lua would.
-- KEYS 1 typing_users  2 typing_marks
-- ARGV 1 `repair` or ``  2 prefix typing_users:  3 prefix of room channels  4… users
-- Returns { { user, room }… }
local out = {}
for i = 4, #ARGV do
  local user = ARGV[i]
  local room = redis.pcall('HGET', KEYS[1], user)
  if type(room) == 'string' and redis.call('EXISTS', ARGV[2] .. user) == 0 then
    table.insert(out, { user, room })
    if ARGV[1] == 'repair' then
      redis.call('HDEL', KEYS[1], user)
      redis.call('ZREM', KEYS[2], user .. '\n' .. room)
      redis.call('PUBLISH', ARGV[3] .. room,
        't ' .. user .. '\n{"type":"typing","userId":' .. cjson.encode(user) .. ',"roomId":' .. cjson.encode(room) .. ',"isTyping":false}')
    end
  end
end
return out
