-- SPDX-License-Identifier: Apache-2.0
-- All that Redis knows of one user, in one look, so that nothing changes between two answers. Writes nothing.
-- KEYS 1 user_connections:{u}  2 online_users  3 clients  4 user_rooms:{u}  5 member_rooms:{u}  6 offline_messages:{u}
--      7 offline_dropped:{u}  8 last_seen:{u}  9 pending_offline  10 typing_users  11 typing_users:{u}  12 instances
--      13 sweeps
-- ARGV 1 user  2 prefix instance_connections  3 `offline_inflight:{u}:`  4 prefix room_participants
--      5 prefix joined_room_participants  6 prefix room_members  7 prefix room_absent
-- Returns { { now in ms, 1 if online, client JSON, last seen, when to be announced as offline or '', room typed in,
--             ms the mark lives, messages queued, newest, oldest, dropped },
--           { connection, JSON, lease end or '', 1 if being swept, 1 if its instance lists it, messages in flight }…,
--           { room, 1 if member, participant, joined, absent }… }: the second and third are lists
-- include lib/now.lua
-- include lib/instance_of.lua
local user_connections, online_users, clients, user_rooms, member_rooms, mailbox, dropped, last_seen, pending_offline,
  typing_users, typing_user, instances, sweeps = unpack(KEYS)
local user, listed_of, inflight_of, participants_of, joined_of, members_of, absentees_of = unpack(ARGV)

local call = redis.call

local held = call('HGETALL', user_connections)
local connections = {}
for i = 1, #held, 2 do
  local connection, json = held[i], held[i + 1]
  local instance = instance_of(json) or ''
  table.insert(connections, { connection, json, call('ZSCORE', instances, instance) or '',
    call('ZSCORE', sweeps, instance) and 1 or 0, call('HGET', listed_of .. instance, connection) == user and 1 or 0,
    call('LLEN', inflight_of .. connection) })
end

local rooms, seen = {}, {}
for _, key in ipairs({ member_rooms, user_rooms }) do
  for _, room in ipairs(call('SMEMBERS', key)) do
    if not seen[room] then
      seen[room] = true
      table.insert(rooms, { room, call('SISMEMBER', members_of .. room, user),
        call('SISMEMBER', participants_of .. room, user), call('SISMEMBER', joined_of .. room, user),
        call('SISMEMBER', absentees_of .. room, user) })
    end
  end
end

return { { string.format('%.0f', now), call('SISMEMBER', online_users, user), call('HGET', clients, user) or '',
  call('GET', last_seen) or '', call('ZSCORE', pending_offline, user) or '', call('HGET', typing_users, user) or '',
  call('PTTL', typing_user), call('LLEN', mailbox), call('LINDEX', mailbox, 0) or '', call('LINDEX', mailbox, -1) or '',
  call('GET', dropped) or '0' }, connections, rooms }
