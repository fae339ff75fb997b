-- SPDX-License-Identifier: Apache-2.0
-- Tells rooms who went offline, once the grace period is over and they are not back. Any instance may. An entry is claimed, not
-- removed: announce_done.lua does that when friends have been told, too; if the claimer dies, another announces again. A claim ends in .5,
-- so that connect.lua knows it.
-- KEYS 1 pending_offline  2 online_users
-- ARGV 1 most users at once  2 how long a claim holds in ms  3 prefix member_rooms
--      4 prefix of room channels  5 grace in ms
-- Returns { user, claim, user, claim, … }
local now = redis.call('TIME')
now = now[1] * 1000 + math.floor(now[2] / 1000)
-- No absence is due later than one that begins now, and no claim ends later, unless Redis's clock has stepped back.
local grace, claim_length = tonumber(ARGV[5]), tonumber(ARGV[2])
local from = string.format('(%.0f', now + math.min(grace, claim_length) + 1)
local late = redis.call('ZRANGEBYSCORE', KEYS[1], from, '+inf', 'WITHSCORES', 'LIMIT', 0, ARGV[1])
for i = 1, #late, 2 do
  local score = tonumber(late[i + 1])
  local latest = score % 1 == 0 and now + grace or now + claim_length + 0.5
  if score > latest + 1 then redis.call('ZADD', KEYS[1], latest, late[i]) end
end
local out = {}
for _, user in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[1])) do
  if redis.call('SISMEMBER', KEYS[2], user) == 1 then
    redis.call('ZREM', KEYS[1], user)
  else
    local claim = now + ARGV[2] + 0.5
    redis.call('ZADD', KEYS[1], claim, user)
    local user_json = cjson.encode(user)
    for _, room in ipairs(redis.call('SMEMBERS', ARGV[3] .. user)) do
      redis.call('PUBLISH', ARGV[4] .. room,
        'o ' .. user .. '\n{"type":"userOffline","userId":' .. user_json .. ',"roomId":' .. cjson.encode(room) .. '}')
    end
    table.insert(out, user)
    table.insert(out, string.format('%.1f', claim))
  end
end
return out
