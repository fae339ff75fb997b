-- SPDX-License-Identifier: Apache-2.0
-- Typing marks whose key has ended, and which nobody has taken away since. Found and mended in one step, as typing.lua
-- would.
-- KEYS 1 typing_users  2 typing_marks
-- ARGV 1 `repair` or ``  2 prefix typing_users:  3 prefix of room channels  4… users
-- Returns { { user, room }… }
-- include lib/typing_ended.lua
local typing_users, typing_marks = KEYS[1], KEYS[2]
local mode, typing_user_of, room_channel_of = ARGV[1], ARGV[2], ARGV[3]
local first = 4
local repair = mode == 'repair'

local out = {}
for i = first, #ARGV do
  local user = ARGV[i]
  local room = redis.pcall('HGET', typing_users, user)
  if type(room) == 'string' and redis.call('EXISTS', typing_user_of .. user) == 0 then
    table.insert(out, { user, room })
    if repair then
      redis.call('HDEL', typing_users, user)
      redis.call('ZREM', typing_marks, user .. '\n' .. room)
      redis.call('PUBLISH', room_channel_of .. room, typing_ended(user, cjson.encode(user), room))
    end
  end
end
return out
