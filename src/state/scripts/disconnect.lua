-- SPDX-License-Identifier: Apache-2.0
-- A connection of a user ends (the document's flow 6, by connection id: a late close never takes a newer connection offline).
-- Sets that become empty are removed by Redis itself, which is the document's removeRoomIfEmpty.
-- KEYS 1 user_connections:{u}  2 instance_connections:{i}  3 online_users  4 clients  5 user_rooms:{u}
--      6 typing_users  7 typing_users:{u}  8 last_seen:{u}  9 member_rooms:{u}
-- ARGV 1 user  2 connection  3 ISO time  4 prefix room_participants  5 prefix joined_room_participants
--      6 prefix of room channels  7 user as a JSON string  8 prefix room_absent
-- Returns the connections the user has left, or -1 when this one was not there any more
local user, connection = ARGV[1], ARGV[2]
redis.call('HDEL', KEYS[2], connection)
if redis.call('HDEL', KEYS[1], connection) == 0 then return -1 end
local left = redis.call('HLEN', KEYS[1])
if left > 0 then
  local client = redis.call('HGET', KEYS[4], user)
  if client then
    redis.call('HSET', KEYS[4], user, (client:gsub('"connections":%d+}$', '"connections":' .. left .. '}')))
  end
  return left
end
redis.call('SREM', KEYS[3], user)
local typing = redis.call('HGET', KEYS[6], user)
redis.call('HDEL', KEYS[6], user)
redis.call('DEL', KEYS[7])
for _, room in ipairs(redis.call('SMEMBERS', KEYS[5])) do
  redis.call('SREM', ARGV[4] .. room, user)
  redis.call('SREM', ARGV[5] .. room, user)
  local room_json = cjson.encode(room)
  if room == typing then
    redis.call('PUBLISH', ARGV[6] .. room, 't ' .. user .. '\n{"type":"typing","userId":' .. ARGV[7] .. ',"roomId":' .. room_json .. ',"isTyping":false}')
  end
  redis.call('PUBLISH', ARGV[6] .. room, 'o ' .. user .. '\n{"type":"userOffline","userId":' .. ARGV[7] .. ',"roomId":' .. room_json .. '}')
end
for _, room in ipairs(redis.call('SMEMBERS', KEYS[9])) do redis.call('SADD', ARGV[8] .. room, user) end
redis.call('DEL', KEYS[5])
redis.call('HDEL', KEYS[4], user)
redis.call('SET', KEYS[8], ARGV[3])
return 0
