-- SPDX-License-Identifier: Apache-2.0
-- A user leaves a room for good, with all connections (the document's leaveRoom). Ends the durable membership.
-- KEYS 1 room_participants:{r}  2 user_rooms:{u}  3 joined_room_participants:{r}  4 room_members:{r}  5 member_rooms:{u}
--      6 typing_users  7 typing_users:{u}  8 room_absent:{r}  9 typing_marks  10 room_head:{r}  11 clock  12 left:{u}
-- ARGV 1 user  2 room  3 the room's channel  4 bus message that announces it, behind its kind and the time in ms
--      5 for how many ms an instance that did not hear of it may take the user for a member (connect.lua)
-- Returns 1, or 0 when the user was not in the room
-- include lib/time_from.lua
local user, room = ARGV[1], ARGV[2]
local was = redis.call('SREM', KEYS[4], user) + redis.call('SREM', KEYS[1], user)
redis.call('SREM', KEYS[5], room)
redis.call('SREM', KEYS[2], room)
redis.call('SREM', KEYS[3], user)
redis.call('SREM', KEYS[8], user)
local typed = redis.call('ZREM', KEYS[9], user .. '\n' .. room) == 1
if redis.call('HGET', KEYS[6], user) == room then
  typed = true
  redis.call('HDEL', KEYS[6], user)
  redis.call('DEL', KEYS[7])
end
if typed then
  redis.call('PUBLISH', ARGV[3], 't ' .. user .. '\n{"type":"typing","userId":' .. cjson.encode(user) .. ',"roomId":' ..
    cjson.encode(room) .. ',"isTyping":false}')
end
-- Who was not in the room is so perhaps because Redis has lost its data, and instances will soon say who was. Of rooms made up by a client
-- not too many are remembered.
if was == 0 and redis.call('HLEN', KEYS[12]) >= 100 then return 0 end
local _, now = time_from(KEYS[11], tonumber(redis.call('HGET', KEYS[10], 't')) or 0)
redis.call('HSET', KEYS[12], room, now)
redis.call('PEXPIRE', KEYS[12], ARGV[5])
if was == 0 then return 0 end
redis.call('PUBLISH', ARGV[3], 'l ' .. now .. ' ' .. ARGV[4])
return 1
