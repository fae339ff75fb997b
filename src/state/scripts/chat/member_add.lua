-- SPDX-License-Identifier: Apache-2.0
-- A user becomes a member of a room without asking (the API, hikyctl). A user who is online, with a connection that may
-- hear the room, takes part at once. The room is told.
-- KEYS 1 room_participants:{r}  2 user_rooms:{u}  3 room_members:{r}  4 member_rooms:{u}  5 user_connections:{u}
--      6 room_absent:{r}  7 room_head:{r}  8 clock  9 left:{u}
-- ARGV 1 user  2 room  3 prefix of instance channels  4 the room's channel  5 bus message that announces it
-- Returns 1, or 0 when the user was a member already
-- include lib/rooms_heard.lua
-- include lib/room_entry.lua
local participants, user_rooms, members, member_rooms, user_connections, absentees, head, clock, left = unpack(KEYS)
local user, room, instance_channel_of, room_channel, announcement = unpack(ARGV)

local added = redis.call('SADD', members, user)
redis.call('SADD', member_rooms, room)
redis.pcall('HDEL', left, room)
if added == 1 then redis.call('PUBLISH', room_channel, announcement) end
local since, place = entry_now(head, clock)
local connections, jsons = redis.call('HGETALL', user_connections), {}
tell_entry(user, room, since, place, instances_to_tell(connections), instance_channel_of)
for i = 2, #connections, 2 do jsons[#jsons + 1] = connections[i] end
if rooms_heard(jsons)(room) then
  redis.call('SADD', participants, user)
  redis.call('SADD', user_rooms, room)
else
  redis.call('SADD', absentees, user)
end
return added
