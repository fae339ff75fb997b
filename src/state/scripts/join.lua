-- SPDX-License-Identifier: Apache-2.0
-- A user joins a room (the document's joinRoom). Announced to the room when the user had not joined already,
-- and to the instances that hold other connections of the user, so that all of them hear the room.
-- KEYS 1 room_participants:{r}  2 user_rooms:{u}  3 joined_room_participants:{r}  4 room_members:{r}  5 member_rooms:{u}  6 user_connections:{u}
--      7 room_absent:{r}  8 room_head:{r}  9 pending_offline  10 clock  11 left:{u}
-- ARGV 1 user  2 room  3 most participants to return (0: their number is not asked for exactly)  4 the room's channel  5 bus message that announces the join
--      6 prefix of instance channels  7 connection  8 `quiet`: announce to new members' rooms only (somebody who was hardly away)
-- Returns { participants in all, the time in ms since which the user takes part, participant… }
-- include lib/room_entry.lua
local user, room = ARGV[1], ARGV[2]
local new_member = redis.call('SADD', KEYS[4], user)
redis.call('SADD', KEYS[5], room)
redis.call('SADD', KEYS[1], user)
redis.call('SREM', KEYS[7], user)
redis.call('SADD', KEYS[2], room)
redis.pcall('HDEL', KEYS[11], room)
local now, place = entry_now(KEYS[8], KEYS[10])
if redis.call('SADD', KEYS[3], user) == 1 and (ARGV[8] ~= 'quiet' or new_member == 1) then redis.call('PUBLISH', ARGV[4], ARGV[5]) end
if new_member == 1 and redis.call('HLEN', KEYS[6]) > 1 then
  tell_entry(user, room, now, place, redis.call('HGETALL', KEYS[6]), ARGV[7], ARGV[6])
end
local count, most = redis.call('SCARD', KEYS[1]), tonumber(ARGV[3])
local out = count <= most and redis.call('SMEMBERS', KEYS[1]) or redis.call('SRANDMEMBER', KEYS[1], most)
-- A sample may lack the user, who is in for sure.
local named = false
for i = 1, #out do named = named or out[i] == user end
if not named and #out > 0 then out[#out] = user end
-- Members whose absence is not announced yet still count, as announce_due.lua and connections::online have it; a claim ends in .5. Redis
-- walks the smaller set: 2 ms for a thousand in both. Beyond that they are left out, or a storm of joins would hold Redis up.
local pending, absent = redis.call('ZCARD', KEYS[9]), redis.call('SCARD', KEYS[7])
if most > 0 and pending > 0 and absent > 0 and math.min(pending, absent) <= 1000 then
  local away, users = redis.call('ZINTER', 2, KEYS[9], KEYS[7], 'WEIGHTS', 1, 0, 'WITHSCORES'), {}
  for i = 1, #away, 2 do
    if away[i + 1] % 1 == 0 then users[#users + 1] = away[i] end
  end
  local here = #users > 0 and redis.call('SMISMEMBER', KEYS[1], unpack(users)) or {}
  for i = 1, #users do
    if here[i] == 0 then
      count = count + 1
      if #out < most then out[#out + 1] = users[i] end
    end
  end
end
table.insert(out, 1, now)
table.insert(out, 1, count)
return out
