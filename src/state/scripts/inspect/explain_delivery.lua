-- SPDX-License-Identifier: Apache-2.0
-- One message and some users, in one look. Writes nothing.
-- KEYS 1 room_members:{r}  2 room_participants:{r}  3 online_users  4 instances
-- ARGV 1 end of the message's frame, by which it is known: `"messageId":"…","seq":…}`
--      2 prefix user_connections  3 prefix offline_messages  4 prefix offline_inflight  5 prefix offline_dropped
--      6 prefix last_seen  7… users
-- Returns { now in ms, { user, member, participant, online, messages queued, place of this one in the queue
--           (1 = oldest, 0 = not there), oldest one queued, dropped, last seen,
--           { connection, JSON, lease end or '', 1 if the message is in flight to it }… }… }
-- include lib/now.lua
-- include lib/instance_of.lua
local members, participants, online_users, instances = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local tail, connections_of, mailbox_of, inflight_of, dropped_of, last_seen_of = unpack(ARGV, 1, 6)
local first = 7

local call = redis.call
local function place_in(key)
  local messages = call('LRANGE', key, 0, -1)
  for i, message in ipairs(messages) do
    if message:sub(-#tail) == tail then return #messages - i + 1, messages end
  end
  return 0, messages
end

local out = { string.format('%.0f', now) }
for i = first, #ARGV do
  local user = ARGV[i]
  local place, queued = place_in(mailbox_of .. user)
  local held, connections = call('HGETALL', connections_of .. user), {}
  for c = 1, #held, 2 do
    local connection, json = held[c], held[c + 1]
    table.insert(connections, { connection, json, call('ZSCORE', instances, instance_of(json) or '') or '',
      place_in(inflight_of .. user .. ':' .. connection) > 0 and 1 or 0 })
  end
  table.insert(out, { user, call('SISMEMBER', members, user), call('SISMEMBER', participants, user),
    call('SISMEMBER', online_users, user), #queued, place, queued[#queued] or '',
    call('GET', dropped_of .. user) or '0', call('GET', last_seen_of .. user) or '', connections })
end
return out
