-- SPDX-License-Identifier: Apache-2.0
-- A user becomes a member of a room without asking (the API, hikyctl). A user who is online, with a connection that may hear the room, takes
-- part at once. The room is told.
-- KEYS 1 room_participants:{r}  2 user_rooms:{u}  3 room_members:{r}  4 member_rooms:{u}  5 user_connections:{u}
--      6 room_absent:{r}  7 room_head:{r}  8 clock  9 left:{u}
-- ARGV 1 user  2 room  3 prefix of instance channels  4 the room's channel  5 bus message that announces it
-- Returns 1, or 0 when the user was a member already
-- include lib/rooms_heard.lua
-- include lib/room_entry.lua
local user, room = ARGV[1], ARGV[2]
local added = redis.call('SADD', KEYS[3], user)
redis.call('SADD', KEYS[4], room)
redis.pcall('HDEL', KEYS[9], room)
if added == 1 then redis.call('PUBLISH', ARGV[4], ARGV[5]) end
local now, place = entry_now(KEYS[7], KEYS[8])
tell_entry(user, room, now, place, redis.call('HGETALL', KEYS[5]), nil, ARGV[3])
if rooms_heard(redis.call('HVALS', KEYS[5]))(room) then
  redis.call('SADD', KEYS[1], user)
  redis.call('SADD', KEYS[2], room)
else
  redis.call('SADD', KEYS[6], user)
end
return added
