-- SPDX-License-Identifier: Apache-2.0
-- Tells rooms which users went offline, once the grace period is over and they are not back. Any instance may. An entry
-- is claimed, not removed: announce_done.lua removes it when friends have been told, too. If the claimer dies, another
-- instance announces again. A claim ends in .5, by which connect.lua knows it.
-- KEYS 1 pending_offline  2 online_users
-- ARGV 1 most users at once  2 how long a claim holds in ms  3 prefix member_rooms  4 prefix of room channels
--      5 grace in ms
-- Returns { user, claim, … }
-- include lib/now.lua
-- include lib/user_offline.lua
local pending_offline, online_users = KEYS[1], KEYS[2]
local most, claim_length, rooms_of, room_channel_of, grace = unpack(ARGV)
claim_length, grace = tonumber(claim_length), tonumber(grace)

-- No absence is due later than one that begins now, and no claim ends later, unless Redis's clock has stepped back.
local from = string.format('(%.0f', now + math.min(grace, claim_length) + 1)
local late = redis.call('ZRANGEBYSCORE', pending_offline, from, '+inf', 'WITHSCORES', 'LIMIT', 0, most)
for i = 1, #late, 2 do
  local score = tonumber(late[i + 1])
  local latest = (score % 1 == 0 or score == math.huge) and now + grace or now + claim_length + 0.5
  if score > latest + 1 then redis.call('ZADD', pending_offline, latest, late[i]) end
end
local out = {}
for _, user in ipairs(redis.call('ZRANGEBYSCORE', pending_offline, '-inf', now, 'LIMIT', 0, most)) do
  if redis.call('SISMEMBER', online_users, user) == 1 then
    redis.call('ZREM', pending_offline, user)
  else
    local claim = now + claim_length + 0.5
    redis.call('ZADD', pending_offline, claim, user)
    local user_json = cjson.encode(user)
    for _, room in ipairs(redis.call('SMEMBERS', rooms_of .. user)) do
      redis.call('PUBLISH', room_channel_of .. room, user_offline(user, user_json, room))
    end
    table.insert(out, user)
    table.insert(out, string.format('%.1f', claim))
  end
end
return out
