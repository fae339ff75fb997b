-- SPDX-License-Identifier: Apache-2.0
-- include lib/typing_ended.lua
-- Ends all typing marks of a user, and tells the rooms.
local function end_typing(user, user_json, user_rooms, typing_users, typing_user, typing_marks, room_channel_of)
  local typed, latest = {}, redis.call('HGET', typing_users, user)
  if latest then
    typed[latest] = true
    redis.call('HDEL', typing_users, user)
    redis.call('DEL', typing_user)
  end
  if redis.call('EXISTS', typing_marks) == 1 then
    for _, room in ipairs(redis.call('SMEMBERS', user_rooms)) do
      if redis.call('ZREM', typing_marks, user .. '\n' .. room) == 1 then typed[room] = true end
    end
  end
  for room in pairs(typed) do redis.call('PUBLISH', room_channel_of .. room, typing_ended(user, user_json, room)) end
end
