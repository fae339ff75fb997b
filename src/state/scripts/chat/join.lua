-- SPDX-License-Identifier: Apache-2.0
-- A user joins a room (the document's joinRoom). Announced to the room when the user had not joined already,
-- and to the instances that hold other connections of the user, so that all of them hear the room.
-- KEYS 1 room_participants:{r}  2 user_rooms:{u}  3 joined_room_participants:{r}  4 room_members:{r}
--      5 member_rooms:{u}  6 user_connections:{u}  7 room_absent:{r}  8 room_head:{r}  9 pending_offline  10 clock
--      11 left:{u}
-- ARGV 1 user  2 room  3 most participants to return (0: their number is not asked for exactly)  4 the room's channel
--      5 bus message that announces the join  6 prefix of instance channels  7 connection
--      8 `quiet`: announce a new member only (the user was hardly away)
--      9 `in`: the connection has been in the room
-- Returns { participants in all, the time in ms since which the user takes part (0: since the connection has been in),
--      participant… }
-- include lib/room_entry.lua
local participants, user_rooms, joiners, members, member_rooms, user_connections, absentees, head, pending_offline,
  clock, left = unpack(KEYS)
local user, room, most, room_channel, announcement, instance_channel_of, connection, how, was_in = unpack(ARGV)
most = tonumber(most)

local new_member = redis.call('SADD', members, user)
redis.call('SADD', member_rooms, room)
local takes_part_anew = redis.call('SADD', participants, user)
redis.call('SREM', absentees, user)
redis.call('SADD', user_rooms, room)
if new_member == 1 then redis.pcall('HDEL', left, room) end
local since, place = 0, nil
if was_in ~= 'in' or new_member == 1 or takes_part_anew == 1 then since, place = entry_now(head, clock) end
if redis.call('SADD', joiners, user) == 1 and (how ~= 'quiet' or new_member == 1) then
  redis.call('PUBLISH', room_channel, announcement)
end
if new_member == 1 and redis.call('HLEN', user_connections) > 1 then
  local instances = instances_to_tell(redis.call('HGETALL', user_connections), connection)
  tell_entry(user, room, since, place, instances, instance_channel_of)
end
local count = redis.call('SCARD', participants)
local out = count <= most and redis.call('SMEMBERS', participants) or redis.call('SRANDMEMBER', participants, most)
-- A sample may lack the user, though the user is in for sure.
local named = false
for i = 1, #out do named = named or out[i] == user end
if not named and #out > 0 then out[#out] = user end
-- Members whose absence is not announced yet still count, as announce_due.lua and presence::online have it; a claim
-- ends in .5. Redis walks the smaller set: 2 ms for a thousand in both. Beyond that they are left out, or a storm of
-- joins would hold Redis up.
local pending = most > 0 and redis.call('ZCARD', pending_offline) or 0
local absent = pending > 0 and redis.call('SCARD', absentees) or 0
if absent > 0 and math.min(pending, absent) <= 1000 then
  local away, users = redis.call('ZINTER', 2, pending_offline, absentees, 'WEIGHTS', 1, 0, 'WITHSCORES'), {}
  for i = 1, #away, 2 do
    if away[i + 1] % 1 == 0 then users[#users + 1] = away[i] end
  end
  local here = #users > 0 and redis.call('SMISMEMBER', participants, unpack(users)) or {}
  for i = 1, #users do
    if here[i] == 0 then
      count = count + 1
      if #out < most then out[#out + 1] = users[i] end
    end
  end
end
table.insert(out, 1, since)
table.insert(out, 1, count)
return out
