-- SPDX-License-Identifier: Apache-2.0
-- Where one message stands with some users, in one look. Writes nothing.
-- KEYS 1 room_members:{r}  2 room_participants:{r}  3 online_users  4 instances
-- ARGV 1 end of the message's frame, by which it is known: `"messageId":"…","seq":…}`
--      2 prefix user_connections  3 prefix offline_messages  4 prefix offline_inflight  5 prefix offline_dropped  6 prefix last_seen
--      7… users
-- Returns { now in ms, { user, member, participant, online, messages queued, place of this one in the queue (1 = oldest, 0 = not there),
--           oldest one queued, dropped, last seen, { connection, JSON, lease end or '', 1 if the message is in flight to it }… }… }
local call, tail = redis.call, ARGV[1]
local function place_in(key)
  local messages = call('LRANGE', key, 0, -1)
  for i, message in ipairs(messages) do
    if message:sub(-#tail) == tail then return #messages - i + 1, messages end
  end
  return 0, messages
end

local now = call('TIME')
local out = { string.format('%.0f', now[1] * 1000 + math.floor(now[2] / 1000)) }
for i = 7, #ARGV do
  local user = ARGV[i]
  local place, queued = place_in(ARGV[3] .. user)
  local held, connections = call('HGETALL', ARGV[2] .. user), {}
  for c = 1, #held, 2 do
    local ok, about = pcall(cjson.decode, held[c + 1])
    local instance = ok and type(about) == 'table' and type(about.instance) == 'string' and about.instance or ''
    table.insert(connections, { held[c], held[c + 1], call('ZSCORE', KEYS[4], instance) or '',
      place_in(ARGV[4] .. user .. ':' .. held[c]) > 0 and 1 or 0 })
  end
  table.insert(out, { user, call('SISMEMBER', KEYS[1], user), call('SISMEMBER', KEYS[2], user), call('SISMEMBER', KEYS[3], user),
    #queued, place, queued[#queued] or '', call('GET', ARGV[5] .. user) or '0', call('GET', ARGV[6] .. user) or '', connections })
end
return out
