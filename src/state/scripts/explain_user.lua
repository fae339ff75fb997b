-- SPDX-License-Identifier: Apache-2.0
-- All that Redis knows of one user, in one look, so that nothing changes between two answers. Writes nothing.
-- KEYS 1 user_connections:{u}  2 online_users  3 clients  4 user_rooms:{u}  5 member_rooms:{u}  6 offline_messages:{u}
--      7 offline_dropped:{u}  8 last_seen:{u}  9 pending_offline  10 typing_users  11 typing_users:{u}  12 instances  13 sweeps
-- ARGV 1 user  2 prefix instance_connections  3 `offline_inflight:{u}:`  4 prefix room_participants
--      5 prefix joined_room_participants  6 prefix room_members  7 prefix room_absent
-- Returns { { now in ms, 1 if online, client JSON, last seen, when to be announced as offline or '', room typed in, ms the mark lives,
--             messages queued, newest, oldest, dropped },
--           { connection, JSON, lease end or '', 1 if being swept, 1 if its instance lists it, messages in flight }…,
--           { room, 1 if member, participant, joined, absent }… }: the second and third are lists
local call, user = redis.call, ARGV[1]
local now = call('TIME')
now = now[1] * 1000 + math.floor(now[2] / 1000)

local held = call('HGETALL', KEYS[1])
local connections = {}
for i = 1, #held, 2 do
  local ok, about = pcall(cjson.decode, held[i + 1])
  local instance = ok and type(about) == 'table' and type(about.instance) == 'string' and about.instance or ''
  table.insert(connections, { held[i], held[i + 1], call('ZSCORE', KEYS[12], instance) or '',
    call('ZSCORE', KEYS[13], instance) and 1 or 0, call('HGET', ARGV[2] .. instance, held[i]) == user and 1 or 0,
    call('LLEN', ARGV[3] .. held[i]) })
end

local rooms, seen = {}, {}
for _, key in ipairs({ KEYS[5], KEYS[4] }) do
  for _, room in ipairs(call('SMEMBERS', key)) do
    if not seen[room] then
      seen[room] = true
      table.insert(rooms, { room, call('SISMEMBER', ARGV[6] .. room, user), call('SISMEMBER', ARGV[4] .. room, user),
        call('SISMEMBER', ARGV[5] .. room, user), call('SISMEMBER', ARGV[7] .. room, user) })
    end
  end
end

return { { string.format('%.0f', now), call('SISMEMBER', KEYS[2], user), call('HGET', KEYS[3], user) or '', call('GET', KEYS[8]) or '',
  call('ZSCORE', KEYS[9], user) or '', call('HGET', KEYS[10], user) or '', call('PTTL', KEYS[11]),
  call('LLEN', KEYS[6]), call('LINDEX', KEYS[6], 0) or '', call('LINDEX', KEYS[6], -1) or '', call('GET', KEYS[7]) or '0' },
  connections, rooms }
