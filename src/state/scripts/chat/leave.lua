-- SPDX-License-Identifier: Apache-2.0
-- A user leaves a room for good, with all connections (the document's leaveRoom). Ends the durable membership.
-- KEYS 1 room_participants:{r}  2 user_rooms:{u}  3 joined_room_participants:{r}  4 room_members:{r}
--      5 member_rooms:{u}  6 typing_users  7 typing_users:{u}  8 room_absent:{r}  9 typing_marks  10 room_head:{r}
--      11 clock  12 left:{u}
-- ARGV 1 user  2 room  3 the room's channel  4 bus message that announces it, behind its kind and the time in ms
--      5 for how many ms an instance that did not hear of it may take the user for a member (connect.lua)
-- Returns 1, or 0 when the user was not in the room
-- include lib/time_from.lua
-- include chat/bus_letters.hpp
local participants, user_rooms, joiners, members, member_rooms, typing_users, typing_user, absentees, typing_marks,
  head, clock, left = unpack(KEYS)
local user, room, room_channel, announcement, unheard_life = unpack(ARGV)

local was = redis.call('SREM', members, user) + redis.call('SREM', participants, user)
redis.call('SREM', member_rooms, room)
redis.call('SREM', user_rooms, room)
redis.call('SREM', joiners, user)
redis.call('SREM', absentees, user)
local typed = redis.call('ZREM', typing_marks, user .. '\n' .. room) == 1
if redis.call('HGET', typing_users, user) == room then
  typed = true
  redis.call('HDEL', typing_users, user)
  redis.call('DEL', typing_user)
end
if typed then
  -- include lib/typing_ended.lua
  redis.call('PUBLISH', room_channel, typing_ended(user, cjson.encode(user), room))
end
-- A user who was not in the room: perhaps Redis has lost its data, and instances will soon put the memberships back. Of
-- rooms made up by a client not too many are remembered.
if was == 0 and redis.call('HLEN', left) >= 100 then return 0 end
local _, since = time_from(clock, tonumber(redis.call('HGET', head, 't')) or 0)
redis.call('HSET', left, room, since)
redis.call('PEXPIRE', left, unheard_life)
if was == 0 then return 0 end
redis.call('PUBLISH', room_channel, bus.left .. since .. ' ' .. announcement)
return 1
